"""One look for every figure: palette, markers and dashes per strategy, Plotly template; shared with the notebooks.

Colours are Okabe & Ito's (2008), which people with any colour vision tell apart; no figure relies on colour alone,
every strategy has its own marker and dash as well.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import plotly.io as pio

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#6B6B6B"
"""Okabe-Ito without its yellow, which is unreadable on white, and a grey for what stands in the background."""

PALETTE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, GREY)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "pentagon", "hexagon", "cross", "x")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")

INK = "#1a1a1a"
GRID = "#e3e3e3"
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
HEIGHT = 460
"""Pixels; width follows the page."""


@dataclass(frozen=True, slots=True)
class Look:
    """How one strategy is drawn: hexadecimal colour, Plotly marker symbol, Plotly dash."""

    colour: str
    symbol: str
    dash: str


LOOKS: dict[str, Look] = {
    "limit": Look(BLACK, "star", "solid"),
    "the limit": Look(BLACK, "star", "solid"),
    "never-update": Look(GREY, "square", "dot"),
    "last-write-wins": Look(VERMILLION, "x", "solid"),
    "running-count": Look(BLUE, "circle", "solid"),
    "confidence-average": Look(SKY, "diamond", "dash"),
    "ewma-0.1": Look(GREEN, "triangle-up", "solid"),
    "ewma-0.3": Look(GREEN, "triangle-down", "dash"),
    "ewma-0.2": Look(GREEN, "triangle-right", "dashdot"),
    "EWMA": Look(GREEN, "triangle-up", "dot"),
    "fixed-share": Look(BLUE, "square", "dash"),
    "mixing-past": Look(BLUE, "triangle-left", "dot"),
    "change-point": Look(ORANGE, "cross", "dash"),
    "noise-or-volatility": Look(SKY, "hourglass", "dashdot"),
    "hierarchical-bayes": Look(PURPLE, "pentagon", "solid"),
    "population-bayes": Look(ORANGE, "hexagon", "solid"),
}
"""Fixed looks, so that a strategy looks the same in every figure of every report."""


def look(name: str) -> Look:
    """Return how ``name`` is drawn: its fixed look, else one that depends on the name alone."""
    if name in LOOKS:
        return LOOKS[name]
    key = zlib.crc32(name.encode())
    return Look(
        PALETTE[key % len(PALETTE)],
        SYMBOLS[key // len(PALETTE) % len(SYMBOLS)],
        DASHES[key // 64 % len(DASHES)],
    )


def template() -> go.layout.Template:
    """Return the Plotly template: dark on white, no decoration, wide margins for direct labels."""
    axis = {
        "gridcolor": GRID,
        "linecolor": INK,
        "showline": True,
        "zeroline": False,
        "ticks": "outside",
        "tickcolor": INK,
        "automargin": True,
        "title": {"font": {"size": 14}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "title": {"font": {"size": 16}, "x": 0.0, "xanchor": "left", "xref": "container"},
            "paper_bgcolor": "white",
            "plot_bgcolor": "white",
            "colorway": list(PALETTE),
            "xaxis": axis,
            "yaxis": axis,
            "legend": {"bgcolor": "rgba(255,255,255,0.85)", "font": {"size": 12}},
            "hoverlabel": {"bgcolor": "white", "font": {"color": INK}},
            "margin": {"l": 60, "r": 30, "t": 50, "b": 55},
        }
    )


def styled(
    figure: go.Figure, *, title: str, x: str, y: str, height: int = HEIGHT, log: Sequence[str] = ()
) -> go.Figure:
    """Return the figure with the shared template, a title, and axis names (with their units).

    Parameters
    ----------
    figure
        Changed in place and returned.
    title, x, y
        What is shown; axis names carry the unit.
    height
        Pixels.
    log
        Which of ``"x"`` and ``"y"`` are logarithmic.
    """
    figure.update_layout(template=template(), title_text=title, height=height)
    figure.update_xaxes(title_text=x)
    figure.update_yaxes(title_text=y)
    if "x" in log:
        figure.update_xaxes(type="log")
    if "y" in log:
        figure.update_yaxes(type="log")
    return figure


def marker(name: str, size: int = 11, *, open_: bool = False) -> dict[str, object]:
    """Return the Plotly marker of a strategy with a white rim, so that overlapping markers stay apart."""
    drawn = look(name)
    symbol = f"{drawn.symbol}-open" if open_ else drawn.symbol
    rim = {"width": 2, "color": drawn.colour} if open_ else {"width": 1, "color": "white"}
    return {"color": drawn.colour, "symbol": symbol, "size": size, "line": rim}


def line(name: str, width: float = 2.0) -> dict[str, object]:
    """Return the Plotly line of a strategy."""
    drawn = look(name)
    return {"color": drawn.colour, "dash": drawn.dash, "width": width}


def use_in_notebook() -> None:
    """Show figures in JupyterLab, in VS Code, and the HTML of nbconvert, which needs plotly.js inside."""
    pio.renderers.default = "plotly_mimetype+notebook"
