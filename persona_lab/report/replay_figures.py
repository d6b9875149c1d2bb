"""Figures of a replay: how well each rule forecasts a real log, with intervals over users."""

from __future__ import annotations

import plotly.graph_objects as go

from persona_lab.report.figures import BLUE, GREY, styled
from persona_lab.studies.replay import Replay, ReplayRow


def replay_figure(made: Replay, *, metric: str = "log_loss", unit: str = "nats, lower is better") -> go.Figure:
    """Draw one metric of every rule with its 95 % interval, best on top; the log's own forecasts as open markers."""
    rows = [row for row in (*made.strategies, *made.references) if row.figures[metric].value is not None]
    rows.sort(key=lambda row: (row.figures[metric].value or 0.0, row.name), reverse=True)
    figure = go.Figure()
    for label, members, symbol, colour in (
        ("rule", made.strategies, "circle", BLUE),
        ("forecast in the log", made.references, "diamond-open", GREY),
    ):
        shown = [row for row in rows if row in members]
        if not shown:
            continue
        values = [row.figures[metric].value or 0.0 for row in shown]
        bounds = [_bounds(row, metric) for row in shown]
        figure.add_trace(
            go.Scatter(
                x=values,
                y=[row.name for row in shown],
                mode="markers+text",
                text=[f"{value:.3f}" for value in values],
                textposition="top center",
                name=label,
                marker={"symbol": symbol, "size": 11, "color": colour, "line": {"width": 2, "color": colour}},
                error_x={
                    "type": "data",
                    "symmetric": False,
                    "array": [high - value for value, (_, high) in zip(values, bounds, strict=True)],
                    "arrayminus": [value - low for value, (low, _) in zip(values, bounds, strict=True)],
                    "color": colour,
                    "thickness": 1.5,
                },
                hovertemplate="%{y}: %{x:.4f}<extra></extra>",
            )
        )
    styled(
        figure,
        title=f"Each next event forecast: {made.log.title or made.log.file}",
        x=f"{metric.replace('_', '-')} ({unit}; 95 % interval over {made.users} users)",
        y="",
        height=170 + 42 * len(rows),
    )
    figure.update_yaxes(categoryorder="array", categoryarray=[row.name for row in rows], range=[-0.7, len(rows) - 0.2])
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0}, margin={"t": 80})
    return figure


def _bounds(row: ReplayRow, metric: str) -> tuple[float, float]:
    value = row.figures[metric].value or 0.0
    found = row.intervals.get(metric)
    if found is None or found.low is None or found.high is None:
        return value, value
    return found.low, found.high
