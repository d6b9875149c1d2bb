"""Figures of drift detection: delay against spread, delay curves, exceptions, gradual drift."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from persona_lab.report.figures import DASHES, GREY, INK, PALETTE, SYMBOLS, Look, styled

REFERENCE = "river"
"""Detectors whose name starts with this are drawn in grey."""


def look(names: list[str], name: str) -> Look:
    """Return how a detector is drawn among ``names``: ours in colour, references in grey."""
    place = names.index(name)
    if name.startswith(REFERENCE):
        return Look(GREY, SYMBOLS[place % len(SYMBOLS)], DASHES[place % len(DASHES)])
    return Look(PALETTE[place % (len(PALETTE) - 1)], SYMBOLS[place % len(SYMBOLS)], DASHES[place % len(DASHES)])


def separation_figure(table: pl.DataFrame) -> go.Figure:
    """Return delay (ratio to the optimum) against the false-alarm spread over base rates, one point a detector."""
    names = table["detector"].to_list()
    figure = go.Figure()
    for row in table.iter_rows(named=True):
        if row["spread"] is None or row["ratio_to_optimum"] is None:
            continue
        drawn = look(names, row["detector"])
        figure.add_trace(
            go.Scatter(
                x=[row["spread"]],
                y=[row["ratio_to_optimum"]],
                name=row["detector"],
                mode="markers+text",
                text=[row["detector"]],
                textposition="middle right",
                marker={"symbol": drawn.symbol, "color": drawn.colour, "size": 12},
                showlegend=False,
            )
        )
    figure.add_hline(y=1, line={"color": INK, "width": 1, "dash": "dot"}, annotation_text="optimum told both rates")
    figure.update_xaxes(type="log")
    return styled(
        figure,
        title="Delay and fairness at one false alarm per 1,000 events",
        x="false alarms, most over least affected base rate (ratio, log scale)",
        y="mean delay (ratio to the optimum)",
    )


def curves_figure(curves: pl.DataFrame) -> go.Figure:
    """Return the share of changes caught within 1, 2, ... events."""
    return _lines(
        curves, "events", "caught", "Changes caught", "events since the change (count)", "changes caught (share)"
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
    figure.update_yaxes(type="log")
    figure.add_hline(y=1, line={"color": INK, "width": 1, "dash": "dot"})
    return figure


def exceptions_figure(curves: pl.DataFrame) -> go.Figure:
    """Return excess alarms by length of the bad day."""
    return _lines(
        curves,
        "rejects",
        "excess",
        "A bad day is not drift",
        "rejects in a row in one session (count)",
        "excess alarms within 20 events (share)",
    )


def gradual_figure(table: pl.DataFrame) -> go.Figure:
    """Return mean delays by how slowly the rate falls."""
    return _lines(
        table, "falls_over", "delay", "Gradual drift", "events over which the rate falls (count)", "mean delay (events)"
    )


def _lines(frame: pl.DataFrame, x: str, y: str, title: str, x_title: str, y_title: str) -> go.Figure:
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
                mode="lines+markers",
                marker={"symbol": drawn.symbol, "color": drawn.colour, "size": 8},
                line={"dash": drawn.dash, "color": drawn.colour},
            )
        )
    return styled(figure, title=title, x=x_title, y=y_title)
