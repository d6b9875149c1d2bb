"""One person, step by step: what they prefer, what is believed, what is proposed, what they correct."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.subplots import make_subplots

from persona_lab.feedback import Kind
from persona_lab.report.figures import INK, template
from persona_lab.report.study import scenario_title
from persona_lab.studies.plan import Timeline

BELIEF_COLOURS = ((0.0, "#ffffff"), (0.25, "#e2edf8"), (0.6, "#a9cdea"), (1.0, "#5b9fd3"))
"""White to blue: belief is read from lightness alone."""

CAUSES = ("cold start", "adaptation", "over-correction")
CAUSE_LOOKS = {
    "cold start": ("#9a9a9a", "line-ns-open"),
    "adaptation": ("#0072B2", "triangle-up"),
    "over-correction": ("#D55E00", "x"),
}


def causes(line: Timeline) -> NDArray[np.int8]:
    """Return the cause of the error at each interaction, -1 = none: an index into ``CAUSES`` (DESIGN section 7)."""
    found = np.full(len(line.preferred), -1, dtype=np.int8)
    hit, later = False, False
    for step, (truth, shown, inside) in enumerate(
        zip(line.preferred.tolist(), line.proposed.tolist(), line.in_exception.tolist(), strict=True)
    ):
        if step and truth != line.preferred[step - 1]:
            hit, later = False, True
        if inside:
            continue
        if shown == truth:
            hit = True
        else:
            found[step] = 2 if hit else 1 if later else 0
    return found


def timeline_figure(lines: Sequence[Timeline], detailed: Sequence[str], title: str = "") -> go.Figure:
    """Draw one person under several strategies.

    Parameters
    ----------
    lines
        The same person under each strategy.
    detailed
        Strategies that get a panel with belief, proposals, corrections and the true path; all get a strip of errors.
    title
        Heading, else the person's number and the scenario.
    """
    by_name = {line.strategy: line for line in lines}
    panels = [by_name[name] for name in detailed if name in by_name]
    strips = 26 * len(lines) + 20
    heights = [170.0] * len(panels) + [float(strips)]
    figure = make_subplots(
        rows=len(panels) + 1,
        cols=1,
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=60.0 / (sum(heights) + 60 * len(panels)),
        subplot_titles=[f"Belief of {line.strategy}" for line in panels] + ["Errors of every strategy, by cause"],
    )
    for row, line in enumerate(panels, start=1):
        _panel(figure, line, row)
    _strips(figure, lines, len(panels) + 1)
    first = lines[0]
    figure.update_layout(
        template=template(),
        title_text=title or f"Person {first.user} of {scenario_title(first.scenario)}",
        height=round(sum(heights) + 60 * len(panels) + 190),
        legend={"orientation": "h", "y": -0.08, "yanchor": "top", "x": 0},
        margin={"t": 80, "b": 120},
    )
    figure.update_annotations(x=0, xanchor="left", font={"size": 14, "color": INK})
    figure.update_xaxes(range=[-1, len(first.preferred)], showgrid=False)
    figure.update_xaxes(title_text="interaction", row=len(panels) + 1, col=1)
    return figure


def _panel(figure: go.Figure, line: Timeline, row: int) -> None:
    steps = np.arange(len(line.preferred))
    options = line.belief.shape[1]
    first = row == 1
    figure.add_trace(
        go.Heatmap(
            z=np.round(line.belief.T.astype(float), 2).tolist(),
            zmin=0,
            zmax=1,
            colorscale=[list(stop) for stop in BELIEF_COLOURS],
            showscale=False,
            hovertemplate="interaction %{x}, option %{y}: belief %{z}<extra></extra>",
        ),
        row=row,
        col=1,
    )
    inside = line.in_exception
    if inside.any():
        figure.add_trace(
            go.Scatter(
                x=steps[inside].tolist(), y=[options - 0.42] * int(inside.sum()), mode="markers",
                name="exception is on",
                marker={"symbol": "square", "size": 5, "color": "#E69F00"}, legendgroup="exception", showlegend=first,
                hovertemplate="interaction %{x}: exception, not scored<extra></extra>",
            ),
            row=row,
            col=1,
        )  # fmt: skip
    figure.add_trace(
        go.Scatter(
            x=steps.tolist(), y=line.preferred.tolist(), mode="lines", name="true preference", legendgroup="truth",
            line={"color": "#000000", "width": 3, "shape": "hvh"}, showlegend=first, hoverinfo="skip",
        ),
        row=row,
        col=1,
    )  # fmt: skip
    wrong = (line.proposed != line.preferred) & ~inside
    figure.add_trace(
        go.Scatter(
            x=steps[wrong].tolist(), y=line.proposed[wrong].tolist(), mode="markers", name="wrong proposal",
            legendgroup="wrong", showlegend=first,
            marker={"symbol": "circle", "size": 7, "color": "#D55E00", "line": {"width": 1, "color": "white"}},
            hovertemplate="interaction %{x}: proposed option %{y}, wrong<extra></extra>",
        ),
        row=row,
        col=1,
    )  # fmt: skip
    named = line.kind == Kind.CORRECTED
    figure.add_trace(
        go.Scatter(
            x=steps[named].tolist(), y=line.corrected[named].tolist(), mode="markers", name="correction to this option",
            legendgroup="correction", showlegend=first,
            marker={"symbol": "circle", "size": 6, "color": "white", "line": {"width": 1.2, "color": "#111111"}},
            hovertemplate="interaction %{x}: corrected to option %{y}<extra></extra>",
        ),
        row=row,
        col=1,
    )  # fmt: skip
    figure.update_yaxes(
        title_text="option", tickvals=list(range(options)), ticktext=[str(option + 1) for option in range(options)],
        range=[-0.5, options - 0.3], row=row, col=1,
    )  # fmt: skip


def _strips(figure: go.Figure, lines: Sequence[Timeline], row: int) -> None:
    names = [line.strategy for line in lines]
    found = [causes(line) for line in lines]
    for index, cause in enumerate(CAUSES):
        colour, symbol = CAUSE_LOOKS[cause]
        places = [(step, rank) for rank, marks in enumerate(found) for step in np.flatnonzero(marks == index).tolist()]
        figure.add_trace(
            go.Scatter(
                x=[step for step, _ in places],
                y=[rank for _, rank in places],
                mode="markers",
                name=f"error: {cause}",
                marker={"symbol": symbol, "size": 7, "color": colour, "line": {"width": 1.2, "color": colour}},
                hovertemplate=f"interaction %{{x}}: {cause}<extra></extra>",
            ),
            row=row,
            col=1,
        )
    figure.update_yaxes(
        tickvals=list(range(len(names))), ticktext=names, range=[len(names) - 0.5, -0.5], row=row, col=1
    )
