"""The tables of a study: headline, which rule where, heat map, what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from persona_lab.report.sections import UNDEFINED, Cell, Table, figure_cell, listing, name_cell, signed
from persona_lab.report.study import ALL, Study
from persona_lab.studies.plan import CONTROLS, LIMIT

LONGEST_VALUE = 400
"""Characters of a parameter list that are printed; the manifest holds all of them."""

LEFT_OUT = ("type", "id", "tags")
UNSET: tuple[Any, ...] = (None, "", [], ())


@dataclass(frozen=True, slots=True)
class Column:
    """How a metric is printed: heading, factor, digits."""

    metric: str
    heading: str
    scale: float = 1.0
    digits: int = 2


HEADLINE = (
    Column("error_rate", "errors, %", 100.0),
    Column("over_correction_rate", "for noise, per 100", 100.0),
    Column("adaptation_rate", "for change, per 100", 100.0),
    Column("cold_start_rate", "cold start, per 100", 100.0),
    Column("over_correction_index", "over-correction index", 1.0, 3),
    Column("adaptation_delay", "adaptation delay, wrong proposals per change"),
    Column("ratio_to_limit", "ratio to the limit"),
    Column("regret", "regret, extra errors per 100"),
)

SECOND = (
    Column("volatility", "volatility, needless changes per 100"),
    Column("staleness", "staleness, %", 100.0),
    Column("log_loss", "log-loss, nats", 1.0, 3),
    Column("brier", "Brier", 1.0, 3),
    Column("ece", "ECE", 1.0, 3),
    Column("ece_perfect", "ECE of a perfect forecaster", 1.0, 4),
    Column("calibration_slope", "calibration slope"),
)

SHADES = ("#f7fbff", "#e3eef9", "#cadef0", "#f9e3c4", "#f3c88f", "#e8a35a")
"""Light blue close to the limit, orange far from it: told apart by any colour vision and in grey print."""

SHADE_STEPS = (1.05, 1.25, 1.6, 2.5, 5.0)
"""Ratios to the limit at which the shade changes."""


def headline_table(study: Study, columns: Sequence[Column] = HEADLINE, title: str = "") -> Table:
    """Return the pooled table: the limit, then every rule from best to worst, controls among them."""
    names = ((LIMIT,) if study.has_limit else ()) + study.strategies
    rows = []
    for name in names:
        cells = [
            figure_cell(study.figure(ALL, name, column.metric), scale=column.scale, digits=column.digits)
            for column in columns
        ]
        note = _parameters(study, name)
        label = f"{name} †" if name in CONTROLS or name == LIMIT else name
        rows.append((Cell(label, note=None if note is None else f"parameters: {note}", number=False), *cells))
    tied = {study.best, *study.tied(ALL, study.best, study.strategies)}
    return Table(
        title=title or "All scenarios pooled, best first",
        columns=("strategy", *(column.heading for column in columns)),
        rows=tuple(rows),
        reading="± one standard error over people. † control. In bold: the fewest errors, and what differs from it by "
        "less than its noise (paired by person, Holm-corrected over all pairs). A dash is undefined, for the "
        "reason given.",
        highlight=frozenset(index for index, name in enumerate(names) if name in tied),
    )


def where_table(study: Study) -> Table:
    """Return the table of which rule makes the fewest errors in which scenario, ties included."""
    rows = []
    for scenario in study.scenarios:
        best = study.best_in(scenario)
        if best is None:
            continue
        tied = study.tied(scenario, best, study.strategies)
        named = listing(tied) if len(tied) <= 3 else f"{', '.join(tied[:3])} and {len(tied) - 3} more"
        rows.append(
            (
                name_cell(study.title(scenario), note=_described(study, scenario)),
                figure_cell(study.figure(scenario, LIMIT, "error_rate"), scale=100.0),
                name_cell(best),
                figure_cell(study.figure(scenario, best, "error_rate"), scale=100.0),
                figure_cell(study.figure(scenario, best, "regret")),
                name_cell(named or "none"),
            )
        )
    return Table(
        title="Which rule where",
        columns=(
            "scenario",
            "limit's errors, %",
            "fewest errors",
            "its errors, %",
            "its regret per 100",
            "not told apart",
        ),
        rows=tuple(rows),
        reading="Not told apart: rules whose paired difference from the best has Holm's p of .05 or more.",
    )


def heat_table(study: Study) -> Table:
    """Return the heat map: one row per rule, one column per scenario, ratio to the limit with the regret under it."""
    rows = []
    for name in study.strategies:
        cells = []
        for scenario in study.scenarios:
            ratio = study.figure(scenario, name, "ratio_to_limit")
            regret = study.value(scenario, name, "regret")
            below = f"+{regret:.1f}" if regret is not None and regret >= 0 else signed(f"{regret or 0.0:.1f}")
            if ratio.value is None:
                cells.append(Cell(UNDEFINED, small=below if regret is not None else "", note=ratio.reason))
                continue
            text = f"{ratio.value:.2f}" if ratio.value < 10 else f"{ratio.value:.0f}"
            cells.append(Cell(text, small=below, shade=_shade(ratio.value)))
        rows.append((name_cell(name), *cells))
    return Table(
        title="Ratio to the limit, by scenario",
        columns=("strategy", *(study.title(scenario) for scenario in study.scenarios)),
        rows=tuple(rows),
        reading="Large: errors as a multiple of the limit's on the same people. Small: regret, the extra errors per "
        "100 interactions. Ratios explode where the limit hardly errs, so read both. Blue is close to the "
        "limit, orange far from it.",
    )


def population_table(study: Study, scenario: str) -> Table | None:
    """Return the table of one scenario whose people differ, None where no filter knows the population.

    The clairvoyant knows each person; the filter that knows the population is the limit for anyone who does not.
    """
    names = [
        name
        for name in (LIMIT, *study.strategies)
        if study.value(scenario, name, "ratio_to_population_limit") is not None
    ]
    if not names:
        return None
    columns = (
        Column("error_rate", "errors, %", 100.0),
        Column("ratio_to_population_limit", "ratio to the filter that knows the population", 1.0, 3),
        Column("ratio_to_limit", "ratio to the clairvoyant", 1.0, 3),
    )
    names.sort(key=lambda name: (study.value(scenario, name, "error_rate") or 0.0, name))
    return Table(
        title=f"People who differ: {study.title(scenario)}",
        columns=("strategy", *(column.heading for column in columns)),
        rows=tuple(
            (
                name_cell("the clairvoyant" if name == LIMIT else name),
                *(
                    figure_cell(study.figure(scenario, name, column.metric), scale=column.scale, digits=column.digits)
                    for column in columns
                ),
            )
            for name in names
        ),
        reading="The clairvoyant is told how noisy and how changeable each single person is, which nobody can know on "
        "the first day. The filter that knows the population, but not the person, is the limit for anyone: 1.000 there "
        "is as good as it gets.",
    )


def components_table(title: str, described: Mapping[str, Any]) -> Table:
    """Return each component with its parameters, defaults resolved."""
    rows = tuple((name_cell(name), name_cell(plain(value))) for name, value in described.items())
    return Table(title, ("name", "parameters"), rows)


def plain(value: Any) -> str:
    """Return a manifest's value in short, components as ``Ewma(rate=0.1)``; what is unset is left out."""
    text = _written(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]}... (in full in manifest.json)"


def _written(value: Any) -> str:
    if isinstance(value, Mapping):
        kind = value.get("type", "")
        parts = [(key, _written(item)) for key, item in value.items() if key not in LEFT_OUT and item not in UNSET]
        inside = ", ".join(f"{key}={text}" if kind else f"{key} {text}" for key, text in parts)
        return f"{kind}({inside})" if kind else inside or "none"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_written(item) for item in value)}]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _parameters(study: Study, name: str) -> str | None:
    found = study.result.manifest.get("strategies", {}).get(name)
    return None if found is None else plain(found)


def _described(study: Study, scenario: str) -> str | None:
    words = study.result.manifest.get("scenarios", {}).get(scenario, {}).get("description")
    return words or None


def _shade(ratio: float) -> str:
    return SHADES[sum(ratio >= step for step in SHADE_STEPS)]
