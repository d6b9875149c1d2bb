"""What was asked of the update rules beside what the long runs found, misses and their reasons included.

Every figure is read from the records in ``reports/evidence/``; so is what was asked, but for the three standard errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from persona_lab.errors import InputError
from persona_lab.report.sections import Cell, Table

SURE = 3.0
"""Standard errors within which a published figure counts as reproduced."""

METRICS = {"log_loss": "log-loss", "mae": "mean absolute error"}
ALONE, TOGETHER = "alone", "with other people's logs"


def targets_table(evidence: Path) -> Table:
    """Return one row per target: what was asked, what was found, and whether that meets it.

    Parameters
    ----------
    evidence
        The folder of the records, ``reports/evidence``.

    Raises
    ------
    InputError
        If a record is not there.
    """
    rows = [
        *_published(read_record(evidence, "strategies")),
        *_one_person(read_record(evidence, "bayes_one_person")["targets"], read_record(evidence, "bayes_prior")),
        *_other_people(read_record(evidence, "bayes_population"), read_record(evidence, "bayes_mixed")),
        *_heard(read_record(evidence, "bayes_weights"), "confidence weights"),
        *_heard(read_record(evidence, "bayes_silence"), "silence"),
        *_lengths(read_record(evidence, "bayes_lengths")),
        *_calibration(read_record(evidence, "bayes_calibration")),
        *_real_logs(read_record(evidence, "bayes_logs"), read_record(evidence, "pahf")),
    ]
    return Table(
        title="What was asked, and what was found",
        columns=("figure", "found", "asked for", "met"),
        rows=tuple(rows),
        reading="± one standard error. Ratios are errors as a multiple of those of the limit, which is told how these "
        "people behave. Every figure is read from `reports/evidence`.",
    )


def read_record(folder: Path, name: str) -> Any:
    """Return what a record of the long runs holds."""
    path = folder / f"{name}.json"
    if not path.exists():
        raise InputError("the record is not there", cure="Run `make evidence`, or name its folder.", file=str(path))
    return json.loads(path.read_text(encoding="utf-8"))


def _row(
    figure: str,
    value: float,
    asked: float,
    *,
    error: float | None = None,
    least: bool = False,
    note: str | None = None,
    digits: int = 3,
) -> tuple[Cell, ...]:
    """Return a row; ``least`` where the figure should be at least what is asked."""
    met = value >= asked if least else value <= asked
    return (
        Cell(figure, number=False),
        Cell(f"{value:.{digits}f}", "" if error is None else f"± {error:.{digits}f}", note=note),
        Cell(f"{'≥' if least else '≤'} {asked:g}"),
        Cell("yes" if met else "no", number=False),
    )


def _of(figure: dict[str, Any]) -> tuple[float, float | None]:
    return float(figure["value"]), figure["standard_error"]


def _published(record: dict[str, Any]) -> Iterable[tuple[Cell, ...]]:
    rows = record["reproduction"]
    farthest = max(rows, key=lambda row: abs(row["z"]))
    note = f"{len(rows)} published figures; the farthest is that of {farthest['rule']}, {farthest['cell']}"
    yield _row("simple rules: published table, standard errors away", abs(farthest["z"]), SURE, note=note, digits=1)


def _one_person(targets: dict[str, Any], prior: dict[str, Any]) -> Iterable[tuple[Cell, ...]]:
    bound = prior["bound_by_mean_drifting"][f"{prior['target']['mean drifting']:g}"]
    reason = (
        f"no rule that sees one person can meet the four ratios and the regret at once: whatever it does, in one of "
        f"them it makes at least {bound['value']:.2f} ± {bound['standard_error']:.2f} times the extra errors allowed "
        f"(a game against the worst mixture of people, scored on people it never saw)"
    )
    names = {
        "worst_ratio": "one person alone: worst of 24 kinds",
        "mean_ratio": "one person alone: mean of 24",
        "worst_drifting": "one person alone: worst of the 18 that change",
        "mean_drifting": "one person alone: mean of the 18",
        "worst_regret_per_100": "one person alone: worst regret per 100",
    }
    for key, name in names.items():
        figure, asked = targets[key]
        value, error = _of(figure)
        yield _row(name, value, asked, error=error, note=reason if value > asked else None)


def _other_people(population: dict[str, Any], mixed: dict[str, Any]) -> Iterable[tuple[Cell, ...]]:
    value, error = _of(population["worst"]["ratio"])
    note = f"{population['worst']['scenario']}, of {len(population['cells'])} kinds"
    yield _row("logs of 50 others: worst kind", value, population["target"], error=error, note=note)
    found = next(cell for cell in mixed["cells"] if cell["strategy"] == "population-bayes")
    value, error = _of(found["ratio"])
    note = "against the filter that knows the population but not the person"
    yield _row("mixed people", value, mixed["target"], error=error, note=note)


def _heard(record: dict[str, Any], what: str) -> Iterable[tuple[Cell, ...]]:
    """Return what learning the meaning of something costs at worst, and gains at least."""
    cells, asked = record["cells"], record["target"]
    costs = [cell[who]["learns_over_ignores"] for cell in cells for who in (ALONE, TOGETHER)]
    value, error = _of(max(costs, key=lambda cost: float(cost["value"])))
    yield _row(f"{what}: learning over ignoring, worst", value, asked["learns_over_ignores"], error=error)
    for who in (ALONE, TOGETHER):
        telling = [cell for cell in cells if cell[who]["gain_to_limit"] is not None]
        least = min(telling, key=lambda cell: float(cell[who]["gain_to_limit"]))
        ignores, told = (float(least[who]["ratio"][rule]["value"]) for rule in ("ignores", "told"))
        worth = min(cell[who]["gain_to_told"] for cell in telling)
        way = (ignores - told) / (ignores - 1.0)
        note = (
            f"the least, {least['scenario']}: told what they mean from the start, the rule itself goes {way:.2f} of "
            f"that way; learning is worth at least {worth:.2f} of being told"
        )
        name = f"{what}: share of the way to the limit, {who}"
        yield _row(name, least[who]["gain_to_limit"], asked["gain"], least=True, digits=2, note=note)


def _lengths(record: dict[str, Any]) -> Iterable[tuple[Cell, ...]]:
    for key, name in (
        ("over_told", "exceptions of unknown length, over the same rule told the law"),
        ("over_told_exceptions_as_likely", "the same, exceptions as likely to both beforehand"),
    ):
        worst = max(record["cells"], key=lambda cell: float(cell[key]["value"]))
        value, error = _of(worst[key])
        missed = [cell["scenario"] for cell in record["cells"] if cell[key]["value"] > record["target"]]
        note = f"missed in {', '.join(missed)}" if missed else None
        yield _row(name, value, record["target"], error=error, note=note)


def _calibration(record: dict[str, Any]) -> Iterable[tuple[Cell, ...]]:
    for rule, found in record["rules"].items():
        note = f"a perfect forecaster would show {found['ece_perfect']['value']:.4f}"
        yield _row(f"calibration error (ECE), {rule}", float(found["ece"]["value"]), record["target"], note=note)


def _real_logs(rows: list[dict[str, Any]], items: dict[str, Any]) -> Iterable[tuple[Cell, ...]]:
    for row in rows:
        if "nested" in row.get("by", "") and "value" in row:
            name = f"{row['log']}: {METRICS[row['metric']]}"
            note = f"{row['people']} people, each forecast by a rule chosen and fitted on others"
            yield _row(name, row["value"], row["target"], error=row["standard_error"], note=note)
    for row in items.get("rows", ()):
        if row["arm"] == "attribute rule":
            for phase, asked in items["targets"].items():
                value, error = _of(row[f"phase_{phase}"])
                note = items["designed_on"]
                yield _row(f"pahf: accuracy in phase {phase}", value, asked, error=error, least=True, note=note)
