"""The plane of over-correction against adaptation delay, with the limit's frontier and direct labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import plotly.graph_objects as go
import polars as pl

from persona_lab.report.figures import GREY, INK, line, look, marker, styled
from persona_lab.report.labels import Label, place, place_along
from persona_lab.report.study import Study
from persona_lab.studies.plan import CONTROLS, LIMIT

PLANE_FLOOR = 2e-3
"""Over-correction indices below this (0 among them) are drawn on the left edge of the logarithmic axis."""

LEAST_DELAY = 0.3
"""Delays below this, in wrong proposals per switch, are drawn on the lower edge."""

PLANE_SIZE = (760.0, 420.0)
"""Plotting area in pixels for which direct labels are placed."""

LIMIT_FAMILY = "the limit"


@dataclass(frozen=True)
class PlanePoint:
    """A strategy in the plane with its true figures; ``same`` are others that fall on the very same point."""

    name: str
    index: float
    delay: float
    same: tuple[str, ...] = ()

    @property
    def drawn(self) -> tuple[float, float]:
        """Position on the logarithmic axes."""
        return max(self.index, PLANE_FLOOR), max(self.delay, LEAST_DELAY)

    @property
    def on_edge(self) -> bool:
        """Whether it lies left of or below the axes."""
        return self.index < PLANE_FLOOR or self.delay < LEAST_DELAY

    @property
    def label(self) -> str:
        """Direct label; a point set on the edge says its true index."""
        named = " = ".join((self.name, *self.same))
        return f"{named} (index {self.index:.4g})" if self.index < PLANE_FLOOR else named


@dataclass(frozen=True)
class Plane:
    """Everything the plane of one scenario shows, in data units; one input of Plotly and of the README's SVG."""

    title: str
    points: tuple[PlanePoint, ...]
    curves: tuple[tuple[str, tuple[tuple[float, float, float], ...]], ...]

    @property
    def x_range(self) -> tuple[float, float]:
        """Powers of ten at both ends of the index axis."""
        most = max([point.drawn[0] for point in self.points] + [x for _, curve in self.curves for x, _, _ in curve])
        return math.log10(PLANE_FLOOR) - 0.1, math.log10(max(most, 1.0)) + 0.15

    @property
    def y_range(self) -> tuple[float, float]:
        """Powers of ten at both ends of the delay axis."""
        ys = [point.drawn[1] for point in self.points] + [y for _, curve in self.curves for _, y, _ in curve]
        return math.log10(min(ys)) - 0.12, math.log10(max(ys)) + 0.12

    def pixel(self, x: float, y: float, width: float, height: float) -> tuple[float, float]:
        """Return the place of a data point on a canvas, y downward."""
        (left, right), (low, high) = self.x_range, self.y_range
        return (
            (math.log10(x) - left) / (right - left) * width,
            (high - math.log10(y)) / (high - low) * height,
        )

    def labels(self, width: float, height: float, font: float = 12.0) -> list[Label]:
        """Return where the labels of the points go, and then those of the curves, in pixels."""
        points = [self.pixel(*point.drawn, width, height) for point in self.points]
        paths = [_dense([self.pixel(x, y, width, height) for x, y, _ in curve]) for _, curve in self.curves]
        between = [place for path in paths for place in path]
        made = place(
            points, [point.label for point in self.points], width=width, height=height, font=font, obstacles=between
        )
        for (family, _), path in zip(self.curves, paths, strict=True):
            made.append(
                place_along(
                    path, curve_label(family), width=width, height=height, font=font,
                    taken=made, points=points, obstacles=between,
                )
            )  # fmt: skip
        return made


def plane(study: Study, scenario: str, strategies: Sequence[str]) -> Plane | None:
    """Return the plane of one scenario, None where index or delay is undefined for every strategy."""
    points: list[PlanePoint] = []
    for name in strategies:
        index = study.value(scenario, name, "over_correction_index")
        delay = study.value(scenario, name, "adaptation_delay")
        if index is None or delay is None:
            continue
        twin = next((at for at, point in enumerate(points) if (point.index, point.delay) == (index, delay)), None)
        if twin is None:
            points.append(PlanePoint(name, index, delay))
        else:
            points[twin] = replace(points[twin], same=(*points[twin].same, name))
    if not points:
        return None
    swept = study.result.frontier
    curves = []
    if swept.width:
        here = swept.filter(
            (pl.col("scenario") == scenario)
            & pl.col("over_correction_index").is_not_null()
            & pl.col("adaptation_delay").is_not_null()
        ).sort("family", "setting")
        for (family,), part in here.group_by("family", maintain_order=True):
            curve = [
                (
                    max(row["over_correction_index"], PLANE_FLOOR),
                    max(row["adaptation_delay"], LEAST_DELAY),
                    row["setting"],
                )
                for row in part.iter_rows(named=True)
            ]
            curves.append((str(family), tuple(undominated(curve) if family == LIMIT_FAMILY else curve)))
    return Plane(
        study.title(scenario), tuple(points), tuple(sorted(curves, key=lambda curve: curve[0] == LIMIT_FAMILY))
    )


def undominated(curve: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    """Return the (index, delay, setting) points that no other beats in both figures, by rising index: the frontier."""
    kept: list[tuple[float, float, float]] = []
    for point in sorted(curve):
        if not kept or point[1] < kept[-1][1]:
            kept.append(point)
    return kept


def plane_figure(found: Plane) -> go.Figure:
    """Draw the plane: logarithmic axes, direct labels, the limit's frontier."""
    figure = go.Figure()
    for family, curve in found.curves:
        xs, ys, settings = zip(*curve, strict=True)
        limit = family == LIMIT_FAMILY
        figure.add_trace(
            go.Scatter(
                x=xs,
                y=ys,
                mode="lines+markers",
                name=curve_label(family),
                line={**line(family, 2.5 if limit else 1.5), "shape": "linear"},
                marker={"size": 5 if limit else 4, "color": look(family).colour},
                customdata=settings,
                hovertemplate=f"{family}, knob at %{{customdata}}<br>index %{{x:.3g}}, delay %{{y:.2f}}<extra></extra>",
            )
        )
    for point in drawing_order(found.points):
        x, y = point.drawn
        figure.add_trace(
            go.Scatter(
                x=[x],
                y=[y],
                mode="markers",
                name=" = ".join((point.name, *point.same)),
                marker=marker(point.name, 17 if point.name == LIMIT else 10 if point.name in CONTROLS else 14),
                hovertemplate=f"<b>{point.name}</b><br>index {point.index:.4f}<br>delay {point.delay:.2f} wrong "
                "proposals per change<extra></extra>",
            )
        )
    styled(
        figure,
        title=f"Over-correction against adaptation delay: {found.title}",
        x="over-correction index (0 = never moved by noise, 1 = last-write-wins)",
        y="adaptation delay (wrong proposals per change)",
        height=560,
        log=("x", "y"),
    )
    figure.update_xaxes(range=list(found.x_range), tickvals=[0.002, 0.01, 0.03, 0.1, 0.3, 1, 3], ticktext=None)
    figure.update_xaxes(ticktext=["≤ .002", ".01", ".03", ".1", ".3", "1", "3"])
    ticks = [0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500]
    figure.update_yaxes(range=list(found.y_range), tickvals=ticks, ticktext=[f"{tick:g}" for tick in ticks])
    figure.update_layout(showlegend=False, annotations=[*_plane_labels(found), _better()])
    return figure


def curve_label(family: str) -> str:
    """Return what a swept family's curve is called."""
    return "frontier of the limit" if family == LIMIT_FAMILY else f"{family}, swept"


def drawing_order(points: Sequence[PlanePoint]) -> list[PlanePoint]:
    """Return the points in the order they are drawn: controls last and smaller, so that nothing hides them."""
    return sorted(points, key=lambda point: point.name in CONTROLS)


def _plane_labels(found: Plane) -> list[dict[str, object]]:
    width, height = PLANE_SIZE
    (left, right), (low, high) = found.x_range, found.y_range
    named = [
        (f"<b>{point.label}</b>" if point.name == LIMIT else point.label, found.pixel(*point.drawn, width, height))
        for point in found.points
    ]
    made = []
    labels = found.labels(width, height)
    for (text, (x, y)), label in zip(named, labels, strict=False):
        made.append(
            {
                "x": left + (right - left) * x / width,
                "y": high - (high - low) * y / height,
                "ax": label.left + label.width / 2 - x,
                "ay": label.top + label.height / 2 - y,
                "text": text,
                "showarrow": True,
                "arrowhead": 0,
                "arrowwidth": 0.8,
                "arrowcolor": "#888888" if label.ring else "rgba(0,0,0,0)",
                "standoff": 5,
                "font": {"size": 12, "color": INK},
                "bgcolor": "rgba(255,255,255,0.7)",
                "borderpad": 0,
            }
        )
    for (family, _), label in zip(found.curves, labels[len(named) :], strict=True):
        middle, level = label.left + label.width / 2, label.top + label.height / 2
        made.append(
            {
                "x": left + (right - left) * middle / width,
                "y": high - (high - low) * level / height,
                "text": f"<i>{curve_label(family)}</i>",
                "showarrow": False,
                "font": {"size": 12, "color": look(family).colour},
            }
        )
    return made


def _better() -> dict[str, object]:
    return {
        "x": 0.005, "y": 0.01, "xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom",
        "showarrow": False, "text": "↙ better", "font": {"size": 13, "color": GREY},
    }  # fmt: skip


def _dense(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return points along a polyline in pixels, so that labels can keep off it or stay beside it."""
    made = []
    for (x, y), (u, v) in pairwise(points):
        for step in range(12):
            share = step / 12
            made.append((x + share * (u - x), y + share * (v - y)))
    return made
