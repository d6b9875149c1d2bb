"""The report's part on summaries: what an agent loses that reads only the summary, on top of each update rule."""

from __future__ import annotations

import polars as pl

from persona_lab.measurement import Measurement
from persona_lab.report.sections import Cell, Drawing, Section, Table, figure_cell, name_cell
from persona_lab.report.summary_figures import cost_figure, truth_figure
from persona_lab.studies.summaries import SUMMARY_STRATEGIES, UPDATE_RULES, crossed_study

PEOPLE = 24
SCENARIO = "slow_exceptions_noise10_v1"
"""The population in which most can go wrong; the notebook and the evidence have three more."""

READER = "reader's error rate"
DETAILS = ("faithfulness", "coverage", "churn", "over-correction", "length")
"""Of the rule named last, which is the best informed one."""


def summary_section(*, seed: int, people: int = PEOPLE) -> Section:
    """Cross every summary strategy with every update rule on ``people`` people and return the section."""
    table = crossed_study(seed=seed, people=people, scenario_ids=(SCENARIO,))
    best = UPDATE_RULES[-1]
    narrow = {
        "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "font": {"size": 11}},
        "xaxis": {"title": {"font": {"size": 11}}},
        "margin": {"l": 45, "r": 10, "t": 20, "b": 150},
        "height": 560,
    }
    return Section(
        "What an agent reads of its user",
        prose=_verdict(table, people),
        drawings=(
            Drawing(
                name="summaries",
                choices=(
                    ("what reading only the summary costs", cost_figure(table, SCENARIO)),
                    ("saying much, and saying true", truth_figure(table, SCENARIO, best)),
                ),
                reading="An agent that reads only the summary proposes what it states and guesses where it is silent. "
                "Left is better; the spread within a row is what the belief costs, the spread between rows what the "
                "summary costs. In the second view, up is true and right is complete.",
                narrow=narrow,
            ),
        ),
        tables=(_table(table, best),),
    )


def _verdict(table: pl.DataFrame, people: int) -> tuple[str, ...]:
    best, worst = UPDATE_RULES[-1], UPDATE_RULES[0]
    good, bad = _figure(table, "template", best, READER), _figure(table, "template", worst, READER)
    pasted = _figure(table, "control: raw last five events", best, READER)
    return (
        "A good summary of a jumpy belief still lies: an agent that reads the **template** summary proposes wrongly in "
        f"{_percent(good)} of cases on top of {best}, in {_percent(bad)} on top of {worst}. Pasting the last five "
        f"events instead: {_percent(pasted)} ({people} people with four contexts each, who change slowly and make "
        "exceptions).",
    )


def _table(table: pl.DataFrame, best: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for summary in SUMMARY_STRATEGIES:
        cells = [figure_cell(_figure(table, summary, rule, READER), scale=100.0, digits=1) for rule in UPDATE_RULES]
        for metric in DETAILS:
            whole = metric == "length"
            found = _figure(table, summary, best, metric)
            cells.append(figure_cell(found, scale=1.0 if whole else 100.0, digits=0 if whole else 1))
        rows.append((name_cell(summary), *cells))
    return Table(
        title="Summary by update rule",
        columns=("summary", *(f"reader's errors, {rule}, %" for rule in UPDATE_RULES), *map(_heading, DETAILS)),
        rows=tuple(rows),
        reading=f"± one standard error over people. The columns from faithfulness on are on top of {best}. "
        "Faithfulness: share of statements that are true; read it beside coverage, since silence is never wrong. "
        "Over-correction: share of one-offs that got into the summary.",
    )


def _heading(metric: str) -> str:
    return "characters" if metric == "length" else f"{metric}, %"


def _percent(found: Measurement) -> str:
    assert found.value is not None  # a reader always proposes something
    error = "" if found.standard_error is None else f" ± {found.standard_error:.1%}"
    return f"{found.value:.1%}{error}"


def _figure(table: pl.DataFrame, summary: str, update: str, metric: str) -> Measurement:
    row = table.row(
        by_predicate=(pl.col("summary") == summary) & (pl.col("update") == update) & (pl.col("metric") == metric),
        named=True,
    )
    return Measurement(row["value"], row["standard_error"], row["n"], row["reason"])
