"""The report's part on noticing change: delay at an equal false-alarm rate, and its spread over people."""

from __future__ import annotations

from typing import Any

import polars as pl

from persona_lab.measurement import Measurement
from persona_lab.report.drift_figures import curves_figure, separation_figure
from persona_lab.report.sections import UNDEFINED, Cell, Drawing, Section, Table, figure_cell, name_cell
from persona_lab.studies.drift import (
    AFTER,
    BEFORE,
    FAMILIES,
    OPTIMUM,
    TARGET,
    Scored,
    delay_curves,
    equal_false_alarms,
    tuned,
)
from persona_lab.studies.drift_references import REFERENCES, tuned_references

PEOPLE = 1000
"""People on whom knobs are chosen, and as many others who are scored."""

COMPARED = ("shiryaev-roberts", "cusum", "beta-factor", "ewma-chart")
"""Families that are quick enough for every report; the notebook and the evidence have the others and river's."""

BASELINE = "page-hinkley (tuned to this drop)"

LONGEST = 40
"""Changed events that the figure shows."""


def drift_section(*, people: int = PEOPLE) -> Section:
    """Tune every detector to one false alarm per 1,000 events, score it on other people, return the section."""
    ours = tuned([family for family in FAMILIES if family.name in COMPARED], people=people)
    baseline = next(reference for reference in REFERENCES if reference.name == BASELINE)
    detectors: dict[str, Scored | tuple[Scored, int]] = {
        **ours,
        **tuned_references([baseline], share=people / baseline.training),
    }
    table = equal_false_alarms(detectors, people=people).sort("delay", "detector")
    curves = delay_curves(detectors, people=people, longest=LONGEST)
    return Section(
        "Noticing that somebody has changed",
        prose=_verdict(table, people),
        drawings=(
            Drawing(
                name="drift",
                choices=(
                    ("how soon", curves_figure(curves)),
                    ("how soon, and how evenly", separation_figure(table)),
                ),
                reading="How many of the changes have been noticed after so many changed events: higher and further "
                "left is better, and only comparable because every detector rings equally often where nothing has "
                "changed. The second view sets the mean delay against how unevenly false alarms fall on people.",
                narrow={
                    "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "font": {"size": 11}},
                    "margin": {"l": 45, "r": 10, "t": 20, "b": 190},
                    "height": 600,
                },
            ),
        ),
        tables=(_table(table),),
    )


def _verdict(table: pl.DataFrame, people: int) -> tuple[str, ...]:
    best, others = table.row(0, named=True), table.slice(1).to_dicts()
    near = [
        row["detector"]
        for row in others
        if row["delay"] - best["delay"] <= 2.0 * (row["delay_se"] ** 2 + best["delay_se"] ** 2) ** 0.5
    ]
    level = f" Within two standard errors of it: {', '.join(near)}." if near else ""
    if best["spread"] is None:
        level += " It is set for this very drop; at another base rate it never rang falsely: no spread."
    even = min(table.to_dicts(), key=lambda row: (row["spread"] is None, row["spread"] or 0.0, row["detector"]))
    said = (
        f"When acceptance falls from {BEFORE:.0%} to {AFTER:.0%}, **{best['detector']}** notices soonest: after "
        f"{best['delay']:.1f} ± {best['delay_se']:.1f} events on average, {best['ratio_to_optimum']:.2f} times the "
        f"exact optimum ({OPTIMUM:.2f}, which is told both rates), at {TARGET:g} false alarm per 1,000 events.{level}",
    )
    if even["spread"] is None:
        return said
    return (
        *said,
        f"One threshold for everybody is not equally quiet for everybody: over people of different base rates the "
        f"false-alarm rate differs {even['spread']:.1f}-fold under **{even['detector']}**, the fairest of them "
        f"({people:,} people per base rate).",
    )


def _table(table: pl.DataFrame) -> Table:
    rows = tuple(
        (
            name_cell(row["detector"], note=row["knob"]),
            _measured(row, "delay", 1),
            Cell(UNDEFINED, note="no delay")
            if row["ratio_to_optimum"] is None
            else Cell(f"{row['ratio_to_optimum']:.2f}"),
            Cell(UNDEFINED, note="half of the changes or more were missed")
            if row["median_delay"] is None
            else Cell(f"{row['median_delay']:.0f}"),
            Cell("—", note="no change was left to notice")
            if row["missed"] is None
            else Cell(f"{100 * row['missed']:.1f}"),
            _measured(row, "false_alarms", 2),
            _measured(row, "spread", 1),
        )
        for row in table.to_dicts()
    )
    return Table(
        title="Detectors at an equal false-alarm rate, soonest first",
        columns=(
            "detector",
            "mean delay, events",
            "ratio to the optimum",
            "median delay, events",
            "missed, %",
            "false alarms per 1,000",
            "spread over base rates, max/min",
        ),
        rows=rows,
        reading="Knobs are chosen on other people than those scored. Mean delays are censored at the end of the "
        "stream; a miss counts as infinite in the median. The spread is that of the false-alarm rate under one "
        "threshold.",
    )


def _measured(row: dict[str, Any], name: str, digits: int) -> Cell:
    value, error = row[name], row.get(f"{name}_se")
    why = "someone never had a false alarm at this n" if name == "spread" else "no change was left to notice"
    return figure_cell(Measurement(value, error, 0, why if value is None else None), digits=digits)
