"""Figures of over-correction: frontiers, impulse responses, what confidence weights are worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
import polars as pl

from persona_lab.report.figures import BLACK, DASHES, PALETTE, SYMBOLS, line, marker, styled
from persona_lab.simulate.twins import ImpulseResponse

MEANING_COLOURS = {"informative": PALETTE[0], "shuffled": PALETTE[6], "inverted": PALETTE[1]}
MEANING_MARKERS = {"informative": ("circle-open", 14), "shuffled": ("diamond", 9), "inverted": ("x", 7)}
"""Symbol and size: where a rule ignores the weights, the small cross lies inside the open circle."""

INDEX_TICKS = (0.003, 0.01, 0.03, 0.1, 0.3, 1)
DELAY_TICKS = (0.5, 1, 2, 5, 10, 20, 50)
RATIO_TICKS = (1, 1.2, 1.5, 2, 3, 5, 10, 20)
SMALLEST_GAP = 1e-4
"""Belief gaps below this are not drawn: a logarithmic axis has no zero."""

SMALLEST_INDEX = 1e-3
"""Indices below this are drawn here: a logarithmic axis has no zero."""


def frontier_figure(points: pl.DataFrame, *, title: str) -> go.Figure:
    """Draw over-correction against delay, a line per family, the limit's frontier in black; see ``studies``."""
    figure = go.Figure()
    families = points["family"].unique(maintain_order=True).to_list()
    for number, family in enumerate(families):
        rows = points.filter((pl.col("family") == family) & pl.col("adaptation_delay").is_not_null())
        x = [max(value, SMALLEST_INDEX) for value in rows["over_correction_index"]]
        is_limit = family == "the limit"
        swept = rows.height > 1
        colour = BLACK if is_limit else PALETTE[number % len(PALETTE)]
        symbol = "star" if is_limit else SYMBOLS[number % len(SYMBOLS)]
        labels = ["" if setting is None else f"{setting:g}" for setting in rows["setting"]]
        figure.add_trace(
            go.Scatter(
                x=x,
                y=rows["adaptation_delay"].to_list(),
                mode="lines+markers" if swept else "markers",
                name=family,
                line={"color": colour, "dash": "solid" if is_limit else DASHES[number % len(DASHES)], "width": 2},
                marker={"color": colour, "symbol": symbol, "size": 9 if swept else 14},
                text=[f"{knob} {label}" for knob, label in zip(rows["knob"], labels, strict=True)],
                customdata=np.round(100 * np.array(rows["error_rate"].to_list()), 2),
                hovertemplate="<b>%{fullData.name}</b> %{text}<br>index %{x:.3f}, delay %{y:.1f}, "
                "errors %{customdata} %<extra></extra>",
            )
        )
    styled(
        figure,
        title=title,
        x="over-correction index (1 = last-write-wins)",
        y="wrong proposals per change of mind",
        height=520,
        log=("x", "y"),
    )
    figure.update_xaxes(tickvals=INDEX_TICKS, ticktext=[f"{tick:g}" for tick in INDEX_TICKS])
    figure.update_yaxes(tickvals=DELAY_TICKS, ticktext=[f"{tick:g}" for tick in DELAY_TICKS])
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"}, margin={"t": 110})
    return figure


def impulse_figure(responses: Mapping[str, ImpulseResponse]) -> go.Figure:
    """Draw how long one wrong correction stays in the belief; bars are two standard errors over people."""
    figure = go.Figure()
    for name, response in responses.items():
        lags = np.arange(1, response.gap.size + 1)
        drawn = [round(float(gap), 5) if gap >= SMALLEST_GAP else None for gap in response.gap]
        figure.add_scatter(
            x=lags, y=drawn, mode="lines+markers", name=name, line=line(name),
            marker=marker(name, 6),
            error_y={"array": 2 * response.standard_error, "color": line(name)["color"], "thickness": 1, "width": 0},
        )  # fmt: skip
    styled(
        figure,
        title="One wrong correction, injected into one of two twins",
        x="interactions since",
        y="belief lost in the true option",
        log=("y",),
    )
    figure.update_yaxes(range=[np.log10(SMALLEST_GAP), 0.1], tickvals=[1e-4, 1e-3, 1e-2, 0.1, 1],
                        ticktext=["0.0001", "0.001", "0.01", "0.1", "1"])  # fmt: skip
    return figure


def weights_figure(found: pl.DataFrame) -> go.Figure:
    """Draw the ratio to the limit per rule, path and meaning of the weights."""
    figure = go.Figure()
    rules = found["rule"].unique(maintain_order=True).to_list()
    paths = found["path"].unique(maintain_order=True).to_list()
    for meaning, colour in MEANING_COLOURS.items():
        rows = found.filter(pl.col("meaning") == meaning)
        labels = [f"{path}: {rule}" for path, rule in zip(rows["path"], rows["rule"], strict=True)]
        figure.add_scatter(
            x=rows["ratio"].to_list(), y=labels, mode="markers", name=meaning,
            marker={
                "color": colour, "symbol": MEANING_MARKERS[meaning][0], "size": MEANING_MARKERS[meaning][1],
                "line": {"width": 2, "color": colour},
            },
            error_x={"array": [2 * (se or 0.0) for se in rows["se"]], "color": colour, "thickness": 1},
        )  # fmt: skip
    styled(
        figure,
        title="What confidence weights are worth, by what they mean",
        x="errors as a multiple of the limit that knows their meaning (1 = cannot be better)",
        y="",
        height=24 * len(rules) * len(paths) + 160,
        log=("x",),
    )
    figure.add_vline(x=1.0, line={"color": BLACK, "width": 1})
    ordered = [f"{path}: {rule}" for path in paths for rule in rules]
    figure.update_yaxes(categoryorder="array", categoryarray=ordered[::-1])
    figure.update_xaxes(tickvals=RATIO_TICKS, ticktext=[f"{tick:g}" for tick in RATIO_TICKS])
    figure.update_layout(legend={"orientation": "h", "y": 1.0, "yanchor": "bottom"}, margin={"t": 100})
    return figure
