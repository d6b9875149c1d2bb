"""Simple rules as they come and tuned, one setting for all kinds of people, from the record of the long run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from persona_lab.report.sections import UNDEFINED, Cell, Table
from persona_lab.report.update_targets import read_record

TUNED = " (tuned)"
FIGURES = {
    "mean_ratio_24": "mean ratio",
    "worst_ratio_24": "worst ratio",
    "worst_regret_24": "worst regret per 100",
}


def tuned_table(evidence: Path) -> Table:
    """Return one row per simple rule: mean and worst over 24 kinds of people, at its default and tuned.

    Parameters
    ----------
    evidence
        The folder of the records, ``reports/evidence``.

    Raises
    ------
    InputError
        If the record is not there.
    """
    record = read_record(evidence, "strategies")
    lines = {line["rule"]: line for line in record["summary"]}
    plain = [name for name in lines if not name.endswith(TUNED)]
    best = {name: min(_mean(lines[known]) for known in (name, name + TUNED) if known in lines) for name in plain}
    rows = []
    for name in sorted(plain, key=best.__getitem__):
        after = lines.get(name + TUNED)
        why = _why_not(name, record["tuned"], plain)
        figures = [
            cell
            for key in FIGURES
            for cell in (_cell(lines[name][key]), Cell(UNDEFINED, note=why) if after is None else _cell(after[key]))
        ]
        setting = record["tuned"][name]["strategy"] if name in record["tuned"] else None
        rows.append((Cell(name, note=setting, number=False), *figures, _change(lines[name])))
    people = record["people"]["training"]
    return Table(
        title="Simple rules, one setting for everybody",
        columns=(
            "strategy",
            *(f"{what}, {which}" for what in FIGURES.values() for which in ("default", "tuned")),
            "tuning moves the mean by",
        ),
        rows=tuple(rows),
        reading="± one standard error. Ratios are errors as a multiple of the limit's, over 24 kinds of people. Tuned: "
        f"the setting with the smallest mean ratio on {people} training people of each kind; all are scored on others. "
        "The setting shows on hovering over the name.",
    )


def _mean(line: dict[str, Any]) -> float:
    return float(line["mean_ratio_24"]["value"])


def _cell(figure: dict[str, Any]) -> Cell:
    return Cell(f"{figure['value']:.2f}", f"± {figure['standard_error']:.3f}")


def _change(line: dict[str, Any]) -> Cell:
    """Return what tuning did to the mean, and whether that is more than noise."""
    change = line.get("tuning_changes_the_mean_of_24_by")
    if change is None:
        return Cell(UNDEFINED)
    small = f"± {change['standard_error']:.3f}" + ("" if change["more_than_noise"] else ", no more than noise")
    return Cell(f"{change['value']:+.3f}", small)


def _why_not(name: str, tuned: dict[str, Any], plain: list[str]) -> str:
    """Return why a rule has no tuned row."""
    if name in tuned:
        return "its default is the best setting that was found"
    if any(other != name and other.split("-")[0] == name.split("-")[0] and other in tuned for other in plain):
        return "another setting of a rule that is tuned once, in its own row"
    return "nothing to tune"
