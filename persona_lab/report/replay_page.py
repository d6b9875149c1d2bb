"""The page of a replay: report.html beside results.parquet, replay.json and summary.md."""

from __future__ import annotations

from pathlib import Path

from persona_lab.report.html import page
from persona_lab.report.replay_figures import replay_figure
from persona_lab.report.sections import Cell, Drawing, Section, Table, name_cell, signed
from persona_lab.studies.records import environment, write_text
from persona_lab.studies.replay import BASELINE, Replay, ReplayRow
from persona_lab.studies.replay_report import (
    HEADINGS,
    protocol_line,
    settings,
    shown_metrics,
    verdict,
    write_replay,
)


def write_replay_report(made: Replay, folder: Path) -> list[Path]:
    """Write every file of a replay into ``folder``; each appears whole or not at all."""
    html = page("How well does each rule know these users?", made.log.title, sections(made), footer())
    written = write_replay(made, folder)
    write_text(html, folder / "report.html")
    return [folder / "report.html", *written]


def sections(made: Replay) -> tuple[Section, ...]:
    """Return verdict, figure, table and protocol."""
    drawing = Drawing(
        "replay-log-loss",
        (("log-loss", replay_figure(made)),),
        "Further left is better. Bars are intervals over users; rules are compared on the same users, so two bars may "
        "overlap where the paired difference (last column of the table) is sure. What happened never counts as less "
        f"probable than {made.clip:g}.",
    )
    metrics = shown_metrics(made)
    columns = ("strategy", "parameters", "first forecast", *(HEADINGS[metric] for metric in metrics))
    rows = (*made.strategies, *made.references)
    table = Table(
        "Every rule",
        (*columns, f"log-loss minus {BASELINE}"),
        tuple(_cells(row, metrics) for row in rows),
        reading="Best log-loss first; then the forecasts that came with the log. Brackets are intervals over users.",
        highlight=frozenset({0}),
    )
    undefined = sorted({figure.reason for row in rows for figure in row.figures.values() if figure.reason})
    return (
        Section("Verdict", prose=(verdict(made),), drawings=(drawing,)),
        Section("Figures", tables=(table,)),
        Section("How it was made", prose=(protocol_line(made), *made.notes, *(f"Null: {why}." for why in undefined))),
    )


def footer() -> str:
    """Return what the figures depend on besides the log."""
    made_with = environment()
    return f"persona_lab {made_with['persona_lab']}, revision {made_with['git_revision'] or 'unknown'}."


def _cells(row: ReplayRow, metrics: list[str]) -> tuple[Cell, ...]:
    first = "" if row.first_forecast is None else f"{row.first_forecast:.3f}"
    cells = [name_cell(row.name), name_cell(settings(row)), Cell(first)]
    for metric in metrics:
        figure, interval = row.figures[metric], row.intervals.get(metric)
        if figure.value is None:
            cells.append(Cell("-", note=figure.reason))
        elif interval is None or interval.low is None or interval.high is None:
            cells.append(Cell(f"{figure.value:.3f}"))
        else:
            cells.append(Cell(f"{figure.value:.3f}", small=f"[{interval.low:.3f}, {interval.high:.3f}]"))
    if "log_loss" not in row.versus_baseline:
        return (*cells, Cell("-"))
    difference, interval = row.versus_baseline["log_loss"]
    bounds = "" if interval.low is None else f"[{interval.low:+.3f}, {interval.high:+.3f}]"
    return (*cells, Cell(signed(f"{difference.value:+.3f}"), small=signed(bounds)))
