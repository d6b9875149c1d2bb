"""A study read for a report: figures by name, strategies from best to worst, ties, and what goes into a figure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import polars as pl

from persona_lab.measurement import Measurement, undefined
from persona_lab.studies.plan import CONTROLS, LIMIT, StudyResult

ALL = "all"
"""The scenario name under which a study pools its scenarios."""

LEVEL = 0.05
"""Two strategies are called different where Holm's p is below this."""

FEWEST_IN_BIN = 100
"""Reliability bins with fewer proposals are not drawn: a share right of fewer has a standard error of up to .05."""

OTHERS_IN_FIGURES = 4
"""Strategies drawn beside the limit and the controls, so that a figure stays readable; tables show all."""

HEADLINE_PATH = "slow_exceptions"
"""Scenario whose plane is shown first: it has noise, true changes and exceptions at once."""


@dataclass(frozen=True)
class Study:
    """A :class:`StudyResult` with lookups; ``figure`` never raises, a missing record is undefined with a reason."""

    result: StudyResult

    @cached_property
    def _figures(self) -> dict[tuple[str, str, str], Measurement]:
        return {
            (row["scenario"], row["strategy"], row["metric"]): Measurement(
                value=row["value"],
                standard_error=row["standard_error"],
                n=row["n"] or 0,
                reason=row["reason"] or (None if row["value"] is not None else "no reason was recorded"),
            )
            for row in self.result.records.iter_rows(named=True)
        }

    def figure(self, scenario: str, strategy: str, metric: str) -> Measurement:
        """Return one figure with its uncertainty."""
        return self._figures.get((scenario, strategy, metric), undefined("not measured in this study"))

    def value(self, scenario: str, strategy: str, metric: str) -> float | None:
        """Return one figure's value."""
        return self.figure(scenario, strategy, metric).value

    @cached_property
    def scenarios(self) -> tuple[str, ...]:
        """Scenario ids in the order of the plan, else of the records."""
        found = self.result.records["scenario"].unique(maintain_order=True).to_list()
        planned = [name for name in self.result.manifest.get("scenarios", {}) if name in found]
        return tuple(planned or [name for name in found if name != ALL])

    def title(self, scenario: str) -> str:
        """Return a scenario in words; a noise that all scenarios share goes without saying."""
        endings = {
            words.rpartition(", noise")[2] for words in map(scenario_title, self.scenarios) if ", noise" in words
        }
        words = scenario_title(scenario)
        return words.rpartition(", noise")[0] if len(endings) == 1 and ", noise" in words else words

    @cached_property
    def strategies(self) -> tuple[str, ...]:
        """Strategies from best to worst pooled error rate, the limit left out; unmeasured ones last, by name."""
        names = [name for name in self.result.records["strategy"].unique(maintain_order=True) if name != LIMIT]

        def order(name: str) -> tuple[float, str]:
            found = self.value(ALL, name, "error_rate")
            return (math.inf if found is None else found, name)

        return tuple(sorted(names, key=order))

    @cached_property
    def has_limit(self) -> bool:
        """Whether the limit is known in at least one scenario."""
        return any(strategy == LIMIT for _, strategy, _ in self._figures)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """Strategies that figures show: the limit, the controls, and the best of the others."""
        others = [name for name in self.strategies if name not in CONTROLS][:OTHERS_IN_FIGURES]
        chosen = [name for name in self.strategies if name in CONTROLS or name in others]
        return ((LIMIT,) if self.has_limit else ()) + tuple(chosen)

    @cached_property
    def best(self) -> str:
        """The strategy with the lowest pooled error rate."""
        return self.strategies[0]

    @cached_property
    def _differences(self) -> dict[tuple[str, str, str], dict[str, Any]]:
        return {(row["scenario"], row["left"], row["right"]): row for row in self._difference_rows()}

    def _difference_rows(self) -> list[dict[str, Any]]:
        return self.result.differences.to_dicts() if self.result.differences.width else []

    def difference(self, scenario: str, left: str, right: str) -> tuple[float, float, float] | None:
        """Return (error rate of ``left`` minus ``right``, standard error, Holm's p), paired; None if unknown."""
        if (scenario, left, right) in self._differences:
            row = self._differences[scenario, left, right]
            return row["value"], row["standard_error"], row["p"]
        if (scenario, right, left) in self._differences:
            row = self._differences[scenario, right, left]
            return -row["value"], row["standard_error"], row["p"]
        return None

    def tied(self, scenario: str, name: str, among: Sequence[str]) -> tuple[str, ...]:
        """Return the strategies of ``among`` that differ from ``name`` by less than their noise."""
        found = [(other, self.difference(scenario, other, name)) for other in among if other not in (name, LIMIT)]
        return tuple(other for other, gap in found if gap is not None and gap[2] >= LEVEL)

    def best_in(self, scenario: str) -> str | None:
        """Return the strategy with the lowest error rate in one scenario, the limit left out."""
        rates = {name: self.value(scenario, name, "error_rate") for name in self.strategies}
        measured = {name: rate for name, rate in rates.items() if rate is not None}
        return min(measured, key=lambda name: (measured[name], name)) if measured else None

    @cached_property
    def planes(self) -> tuple[str, ...]:
        """Scenarios where both over-correction index and delay are defined, the headline one first."""
        found = [
            scenario
            for scenario in self.scenarios
            if any(
                self.value(scenario, name, "over_correction_index") is not None
                and self.value(scenario, name, "adaptation_delay") is not None
                for name in self.strategies
            )
        ]
        return tuple(sorted(found, key=lambda scenario: not scenario.startswith(HEADLINE_PATH)))

    def reliability(self, strategy: str) -> pl.DataFrame:
        """Return the pooled reliability bins of a strategy: bin, n, stated, right; thin bins are left out."""
        bins = self.result.calibration
        if not bins.width:
            return pl.DataFrame(schema={"bin": pl.Int64, "n": pl.Int64, "stated": pl.Float64, "right": pl.Float64})
        return (
            bins.filter((pl.col("strategy") == strategy) & (pl.col("scenario") != ALL))
            .group_by("bin")
            .agg(
                pl.col("n").sum().alias("total"),
                (pl.col("stated") * pl.col("n")).sum().alias("stated_sum"),
                (pl.col("right") * pl.col("n")).sum().alias("right_sum"),
            )
            .select(
                "bin",
                pl.col("total").alias("n"),
                (pl.col("stated_sum") / pl.col("total")).alias("stated"),
                (pl.col("right_sum") / pl.col("total")).alias("right"),
            )
            .filter(pl.col("n") >= FEWEST_IN_BIN)
            .sort("bin")
        )


def scenario_title(scenario: str) -> str:
    """Return a scenario id in words: ``slow_exceptions_noise10_v1`` -> ``slow exceptions, noise .10``."""
    if scenario == ALL:
        return "all scenarios pooled"
    words = re.sub(r"_v\d+$", "", scenario).split("_")
    noise = [word for word in words if word.startswith("noise") and word[5:].isdigit()]
    rest = " ".join(word for word in words if word not in noise)
    return f"{rest}, noise\u00a0.{noise[0][5:]}" if noise else rest
