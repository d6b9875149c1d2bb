"""Figures of the simulated people: their paths, their answers, their week, and how like real people they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from persona_lab.feedback import FloatArray, IntArray, Kind
from persona_lab.report.figures import BLUE, GREY, PALETTE, VERMILLION, styled
from persona_lab.simulate.people import Lives

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
ANSWERS = {Kind.ACCEPTED: "accepted", Kind.CORRECTED: "corrected", Kind.DECLINED: "declined", Kind.SILENT: "silent"}


def paths_figure(people: Mapping[str, Lives], *, person: int = 0, options: int = 4, steps: int = 200) -> go.Figure:
    """Draw one person per kind: the preferred option as a line, slips and exceptions as marks.

    Parameters
    ----------
    people
        Name of the kind to lives of shape (interactions, people).
    person
        Which column.
    options, steps
        Options, and how many interactions to show.
    """
    figure = make_subplots(
        rows=len(people), cols=1, shared_xaxes=True, subplot_titles=list(people), vertical_spacing=0.06
    )
    named: set[str] = set()
    for row, lives in enumerate(people.values(), start=1):
        preferred, said = lives.preferred[:steps, person], lives.expressed[:steps, person]
        inside = np.broadcast_to(lives.in_exception, lives.preferred.shape)[:steps, person]
        when = np.arange(preferred.size)
        slip = (said != preferred) & ~inside
        first = row == 1
        figure.add_scatter(
            x=when, y=preferred, mode="lines", line={"shape": "hv", "color": BLUE, "width": 2},
            name="prefers", showlegend=first, row=row, col=1,
        )  # fmt: skip
        for mask, symbol, colour, name in (
            (slip, "x", GREY, "slip: says another option by mistake"),
            (inside, "circle-open", VERMILLION, "exception: wants another option for once"),
        ):
            figure.add_scatter(
                x=when[mask], y=said[mask], mode="markers", name=name, legendgroup=name,
                showlegend=name not in named and bool(mask.any()),
                marker={"symbol": symbol, "color": colour, "size": 7}, row=row, col=1,
            )  # fmt: skip
            named |= {name} if mask.any() else set()
        figure.update_yaxes(tickvals=list(range(options)), range=[-0.4, options - 0.6], row=row, col=1)
    styled(figure, title="One person of each kind", x="", y="option", height=110 * len(people) + 130)
    figure.update_xaxes(title_text="interaction", row=len(people), col=1)
    figure.update_layout(legend={"orientation": "h", "y": -0.08, "yanchor": "top"}, margin={"t": 90})
    return figure


def answers_figure(kinds: Mapping[str, IntArray]) -> go.Figure:
    """Draw the share of each kind of answer per channel as stacked bars; ``kinds`` holds arrays of ``Kind`` codes."""
    figure = go.Figure()
    shapes = ("", "/", "x", ".")
    for (code, name), colour, shape in zip(ANSWERS.items(), PALETTE, shapes, strict=False):
        shares = [float((codes == code).mean()) for codes in kinds.values()]
        figure.add_bar(
            y=list(kinds), x=shares, orientation="h", name=name, marker={"color": colour, "pattern": {"shape": shape}},
            text=[f"{share:.0%}" if share >= 0.04 else "" for share in shares], insidetextanchor="middle",
        )  # fmt: skip
    styled(
        figure,
        title="What one agent hears through each channel",
        x="share of proposals",
        y="",
        height=70 * len(kinds) + 150,
    )
    figure.update_layout(barmode="stack", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}, margin={"t": 90})
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(autorange="reversed")
    return figure


def week_figure(hours: IntArray) -> go.Figure:
    """Draw interactions per local hour of the week; ``hours`` counts from Monday 00:00, 0 to 167."""
    counts = np.bincount(hours, minlength=168).reshape(7, 24)
    figure = go.Figure(
        go.Heatmap(
            z=counts,
            x=list(range(24)),
            y=list(DAYS),
            colorscale="Blues",
            colorbar={"title": "interactions"},
        )
    )
    styled(figure, title="When they interact", x="local hour of the day", y="", height=320)
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(dtick=3)
    return figure


def beside_figure(
    names: Sequence[str],
    real: Sequence[float],
    simulated: Sequence[float],
    *,
    title: str,
    deviation: Sequence[float] | None = None,
    tolerance: Sequence[float] | None = None,
) -> go.Figure:
    """Draw figures of real people beside those of simulated ones, one row each.

    Parameters
    ----------
    names, real, simulated
        The figures, shares from 0 to 1.
    title
        What is compared.
    deviation
        Standard deviation of the simulated figure over repeated simulations, drawn twice to either side.
    tolerance
        How far the simulated figure may be from the real one, drawn around the real one.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=list(real), y=list(names), mode="markers", name="real people",
        marker={"symbol": "circle", "size": 11, "color": BLUE},
        error_x=_bars(tolerance, BLUE),
    )  # fmt: skip
    figure.add_scatter(
        x=list(simulated), y=list(names), mode="markers", name="simulated",
        marker={"symbol": "x", "size": 10, "color": VERMILLION},
        error_x=_bars([2 * d for d in deviation] if deviation is not None else None, VERMILLION),
    )  # fmt: skip
    styled(figure, title=title, x="share", y="", height=38 * len(names) + 150)
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"}, margin={"t": 90})
    return figure


def _bars(half: FloatArray | Sequence[float] | None, colour: str) -> dict[str, object] | None:
    return None if half is None else {"array": list(half), "color": colour, "thickness": 1.5}
