"""What a study is: scenarios, strategies, people, seed; and what it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, IntArray
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.scenarios import Scenario

LIMIT = "limit"
ALL = "all"
"""The scenario name under which records pool every scenario of a study."""

MOST_SEED = 2**63 - 1
"""Records keep the seed as a 64-bit integer."""

TRAINING_SEEDS = {
    777: "consent and silence of the catalogue's Bayes rules were weighed on them",
    4_001: "the prior of population-bayes was learnt from them",
    20_260_101: "the prior of hierarchical-bayes was learnt from them",
}
"""Seeds whose people taught something that the package ships: no study scores anyone on them. People are numbered from
0 under every seed, so the seed alone says whether these are the same ones."""

LAST_WRITE_WINS = "last-write-wins"

CONTROLS = (
    "never-update",
    LAST_WRITE_WINS,
    "running-count",
    "confidence-average",
    "ewma-0.1",
    "ewma-0.3",
)
"""Strategies that stand in every table beside the limit (DESIGN section 8)."""


@dataclass(frozen=True)
class StudyPlan:
    """A closed-loop study.

    Attributes
    ----------
    scenarios
        The populations to simulate.
    strategies
        Name to update strategy; the limit is added by the runner.
    users
        People per scenario, at least 2.
    seed
        Luck; the same seed gives the same bytes. Those of ``TRAINING_SEEDS`` are refused.
    interactions
        Interactions per person, None = the scenario's own.
    frontier
        Whether to sweep the limit's and the EWMA's knob for the frontier figure.
    timelines
        How many people per scenario to record step by step.
    profile
        Name shown in the manifest.

    Raises
    ------
    ConfigurationError
        If a number is out of range or nothing is to be run.
    """

    scenarios: tuple[Scenario, ...]
    strategies: Mapping[str, UpdateStrategy]
    users: int
    seed: int = 0
    interactions: int | None = None
    frontier: bool = True
    timelines: int = 2
    profile: str = "custom"

    def __post_init__(self) -> None:
        if not self.scenarios:
            raise ConfigurationError("StudyPlan", "scenarios", self.scenarios, "at least one scenario")
        if not self.strategies:
            raise ConfigurationError("StudyPlan", "strategies", dict(self.strategies), "at least one strategy")
        if LIMIT in self.strategies:
            raise ConfigurationError("StudyPlan", "strategies", LIMIT, "a name other than that of the exact limit")
        if self.users < 2:
            raise ConfigurationError("StudyPlan", "users", self.users, "at least 2 people, for a standard error")
        if self.interactions is not None and self.interactions < 1:
            raise ConfigurationError("StudyPlan", "interactions", self.interactions, "at least 1")
        if not 0 <= self.seed <= MOST_SEED:
            raise ConfigurationError("StudyPlan", "seed", self.seed, f"a whole number from 0 to {MOST_SEED}")
        if self.seed in TRAINING_SEEDS:
            expected = f"any other seed: these are training people, {TRAINING_SEEDS[self.seed]}"
            raise ConfigurationError("StudyPlan", "seed", self.seed, expected)
        ids = [scenario.id for scenario in self.scenarios]
        if len(set(ids)) != len(ids):
            raise ConfigurationError("StudyPlan", "scenarios", ids, "each scenario once")
        if ALL in ids:
            raise ConfigurationError("StudyPlan", "scenarios", ALL, "an id other than that of the pooled records")


class Timeline(NamedTuple):
    """One person step by step: arrays of shape (interactions,), belief (interactions, options)."""

    scenario: str
    strategy: str
    user: int
    preferred: IntArray
    in_exception: BoolArray
    proposed: IntArray
    kind: IntArray
    corrected: IntArray
    belief: NDArray[np.float32]


@dataclass(frozen=True)
class StudyResult:
    """What a study found.

    Attributes
    ----------
    records
        One row per figure (``studies.records.SCHEMA``); scenario ``"all"`` pools every scenario of the study.
    calibration
        Reliability bins: scenario, strategy, bin, n, stated, right.
    frontier
        Points of the over-correction plane: scenario, family, knob, setting, over_correction_index, adaptation_delay,
        error_rate.
    differences
        Paired differences in error rate between strategies: scenario, left, right, value, standard_error, p (Holm).
    timelines
        A few people step by step.
    manifest
        All that is needed to rebuild the run.
    """

    records: pl.DataFrame
    calibration: pl.DataFrame
    frontier: pl.DataFrame
    differences: pl.DataFrame
    timelines: tuple[Timeline, ...]
    manifest: dict[str, Any] = field(default_factory=dict)

    def value(self, scenario: str, strategy: str, metric: str) -> float | None:
        """Return one figure, None where it is undefined.

        Raises
        ------
        KeyError
            If the study has no such record.
        """
        rows = self.records.filter(
            (pl.col("scenario") == scenario) & (pl.col("strategy") == strategy) & (pl.col("metric") == metric)
        )
        if rows.is_empty():
            raise KeyError(f"no record of {metric!r} for strategy {strategy!r} in scenario {scenario!r}")
        found: float | None = rows["value"].item()
        return found
