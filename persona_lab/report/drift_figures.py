"""Figures of drift detection: delay against spread, delay curves, exceptions, gradual drift."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from persona_lab.report.figures import DASHES, GREY, INK, PALETTE, SYMBOLS, Look, styled
from persona_lab.studies.drift import TARGET

REFERENCE = "river"
"""Detectors whose name starts with this are drawn in grey."""

LATEST = 5.0
"""Later than this many times the optimum is not drawn: a random alarm would squeeze all others into a line."""


def look(names: list[str], name: str) -> Look:
    """Return how a detector is drawn among ``names``: ours in colour, references in grey."""
    place = names.index(name)
    if name.startswith(REFERENCE):
        return Look(GREY, SYMBOLS[place % len(SYMBOLS)], DASHES[place % len(DASHES)])
    return Look(PALETTE[place % (len(PALETTE) - 1)], SYMBOLS[place % len(SYMBOLS)], DASHES[place % len(DASHES)])


def off_pace(rate: float, error: float) -> bool:
    """Return whether a detector was scored at another pace of false alarms than all: by a tenth and two errors."""
    return abs(rate - TARGET) > max(0.1 * TARGET, 2.0 * error)


def separation_figure(table: pl.DataFrame) -> go.Figure:
    """Return delay (ratio to the optimum) against the false-alarm spread over base rates, one point a detector.

    Detectors whose spread is undefined (somebody never had a false alarm) stand at the right edge, open.
    """
    shown = table.filter(pl.col("ratio_to_optimum").is_not_null() & (pl.col("ratio_to_optimum") < LATEST))
    names = shown["detector"].to_list()
    known = [value for value in shown["spread"].to_list() if value is not None]
    edge = 3.0 * max([*known, 10.0])
    figure = go.Figure()
    for row in shown.iter_rows(named=True):
        drawn = look(names, row["detector"])
        defined = row["spread"] is not None
        notes = [] if defined else ["spread undefined"]
        if off_pace(row["false_alarms"], row["false_alarms_se"]):
            notes.append(f"rings {row['false_alarms']:.1f} times per 1,000")
        figure.add_trace(
            go.Scatter(
                x=[row["spread"] if defined else edge],
                y=[row["ratio_to_optimum"]],
                name=f"{row['detector']} ({', '.join(notes)})" if notes else row["detector"],
                mode="markers",
                marker={
                    "symbol": drawn.symbol if defined else f"{drawn.symbol}-open",
                    "color": drawn.colour,
                    "size": 12,
                    # A pale rim keeps neighbours apart: fair detectors lie close together.
                    "line": {"width": 1, "color": "white"} if defined else {"width": 2, "color": drawn.colour},
                },
            )
        )
    figure.add_hline(
        y=1,
        line={"color": INK, "width": 1, "dash": "dot"},
        annotation={"text": "optimum told both rates", "x": 0.3, "xanchor": "left", "yanchor": "top"},
    )
    figure.update_xaxes(type="log", tickvals=[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000])
    figure.update_layout(legend={"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0})
    figure.update_layout(margin={"b": 200})
    return styled(
        figure,
        title="Delay and fairness at one false alarm per 1,000 events",
        x="false alarms, most over least affected base rate (ratio, log scale)",
        y="mean delay (ratio to the optimum)",
        height=580,
    )


def curves_figure(curves: pl.DataFrame) -> go.Figure:
    """Return the share of changes caught within 1, 2, ... events."""
    return _lines(
        curves,
        "events",
        "caught",
        "Changes caught",
        "events since the change (count)",
        "changes caught (share)",
        # A mark an event and line would hide the lines.
        mode="lines",
    )


def sweep_figure(sweep: pl.DataFrame) -> go.Figure:
    """Return false alarms by base rate, one knob a detector."""
    figure = _lines(
        sweep.filter(pl.col("false_alarms") > 0),
        "base_rate",
        "false_alarms",
        "One knob, people of different base rates",
        "share of proposals the person accepts (rate)",
        "false alarms per 1,000 events (log scale)",
    )
    figure.update_yaxes(type="log", tickvals=[0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10])
    figure.add_hline(y=1, line={"color": INK, "width": 1, "dash": "dot"})
    return figure


def exceptions_figure(curves: pl.DataFrame) -> go.Figure:
    """Return excess alarms by length of the bad day."""
    figure = _lines(
        curves,
        "rejects",
        "excess",
        "A bad day is not drift",
        "rejects in a row in one session (count)",
        "excess alarms within 20 events (share)",
    )
    figure.update_xaxes(dtick=1)
    return figure


def gradual_figure(table: pl.DataFrame) -> go.Figure:
    """Return mean delays by how slowly the rate falls."""
    return _lines(
        table, "falls_over", "delay", "Gradual drift", "events over which the rate falls (count)", "mean delay (events)"
    )


def short_histories_figure(table: pl.DataFrame) -> go.Figure:
    """Return mean delays by how many events came before the change."""
    return _lines(
        table,
        "change",
        "delay",
        "Short histories",
        "events before the change (count)",
        "mean delay (events)",
    )


def _lines(
    frame: pl.DataFrame, x: str, y: str, title: str, x_title: str, y_title: str, *, mode: str = "lines+markers"
) -> go.Figure:
    names = frame["detector"].unique(maintain_order=True).to_list()
    figure = go.Figure()
    for name in names:
        rows = frame.filter(pl.col("detector") == name)
        drawn = look(names, name)
        figure.add_trace(
            go.Scatter(
                x=rows[x].to_list(),
                y=rows[y].to_list(),
                name=name,
                mode=mode,
                marker={"symbol": drawn.symbol, "color": drawn.colour, "size": 8},
                line={"dash": drawn.dash, "color": drawn.colour},
            )
        )
    return styled(figure, title=title, x=x_title, y=y_title)
