"""The README's figure: the over-correction plane as a small SVG, written from the records, the same bytes every time.

Rebuild it with ``python -m persona_lab.report.overview reports/evidence/overview.svg``.
"""

from __future__ import annotations

import math
import sys
from html import escape
from pathlib import Path

from persona_lab.report.figures import GREY, GRID, INK, look
from persona_lab.report.plane_figures import LIMIT_FAMILY, Plane, curve_label, drawing_order, plane
from persona_lab.report.study import Study
from persona_lab.studies.plan import CONTROLS, LIMIT, StudyPlan
from persona_lab.studies.records import write_text
from persona_lab.studies.runner import run_study

SCENARIO = "slow_exceptions_noise10_v1"
SHOWN = (*CONTROLS, "hierarchical-bayes", "population-bayes")
"""Rules in the figure: the controls of every table, and the two that tell slips, exceptions and changes apart."""

USERS = 2048
SEED = 0

WIDTH, HEIGHT = 800, 470
LEFT, TOP, RIGHT, BOTTOM = 66, 34, 22, 58
FONT = 13

X_TICKS = ((0.002, "≤ .002"), (0.01, ".01"), (0.03, ".03"), (0.1, ".1"), (0.3, ".3"), (1.0, "1"), (3.0, "3"))
Y_TICKS = (0.3, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200, 500)

SHAPES: dict[str, tuple[tuple[float, float], ...]] = {
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.35), (1.35, 0), (0, 1.35), (-1.35, 0)),
    "triangle-up": ((0, -1.2), (1.2, 0.9), (-1.2, 0.9)),
    "triangle-down": ((0, 1.2), (1.2, -0.9), (-1.2, -0.9)),
    "triangle-left": ((-1.2, 0), (0.9, -1.2), (0.9, 1.2)),
    "triangle-right": ((1.2, 0), (-0.9, -1.2), (-0.9, 1.2)),
    "hourglass": ((-1, -1.2), (1, -1.2), (-1, 1.2), (1, 1.2)),
    "pentagon": tuple((1.25 * math.sin(k * math.tau / 5), -1.25 * math.cos(k * math.tau / 5)) for k in range(5)),
    "hexagon": tuple((1.2 * math.sin(k * math.tau / 6), -1.2 * math.cos(k * math.tau / 6)) for k in range(6)),
    "cross": (
        (-0.4, -1.2), (0.4, -1.2), (0.4, -0.4), (1.2, -0.4), (1.2, 0.4), (0.4, 0.4),
        (0.4, 1.2), (-0.4, 1.2), (-0.4, 0.4), (-1.2, 0.4), (-1.2, -0.4), (-0.4, -0.4),
    ),
    "star": tuple(
        (r * math.sin(k * math.tau / 10), -r * math.cos(k * math.tau / 10)) for k, r in enumerate((1.9, 0.8) * 5)
    ),
}  # fmt: skip
"""Corners of the marker shapes, in units of the marker's radius; ``x`` is ``cross`` turned by an eighth."""

DASHES = {"solid": "", "dash": "7 4", "dot": "2 3", "dashdot": "7 3 2 3", "longdash": "11 4"}


def svg(found: Plane) -> str:
    """Return the plane as a self-contained SVG document."""
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="{FONT}" '
        f'fill="{INK}" role="img" aria-label="Over-correction index against adaptation delay of each update rule">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="20" font-size="15" font-weight="600">Too eager or too slow: {escape(found.title)}</text>',
        *_axes(found, width, height),
        *_curves(found, width, height),
        *_points(found, width, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def overview(*, users: int = USERS, seed: int = SEED) -> str:
    """Run the study behind the README's figure and return the SVG.

    Raises
    ------
    RuntimeError
        If the plane is undefined, for want of people.
    """
    from persona_lab.catalog import STRATEGIES
    from persona_lab.simulate.scenarios import SCENARIOS

    chosen = {name: STRATEGIES[name] for name in SHOWN}
    plan = StudyPlan((SCENARIOS[SCENARIO],), chosen, users=users, seed=seed, timelines=0, profile="overview")
    study = Study(run_study(plan))
    found = plane(study, SCENARIO, (LIMIT, *(name for name in study.strategies if name in SHOWN)))
    if found is None:
        raise RuntimeError(f"index or delay is undefined with {users} people: run more.")
    return svg(found)


def _axes(found: Plane, width: float, height: float) -> list[str]:
    made = []
    for value, label in X_TICKS:
        x, _ = found.pixel(value, 1.0, width, height)
        if 0 <= x <= width:
            made.append(_segment(LEFT + x, TOP, LEFT + x, TOP + height, GRID))
            made.append(_text(LEFT + x, TOP + height + 18, label, "middle"))
    for tick in Y_TICKS:
        _, y = found.pixel(1.0, tick, width, height)
        if 0 <= y <= height:
            made.append(_segment(LEFT, TOP + y, LEFT + width, TOP + y, GRID))
            made.append(_text(LEFT - 8, TOP + y + 4, f"{tick:g}", "end"))
    made.append(_segment(LEFT, TOP + height, LEFT + width, TOP + height, INK))
    made.append(_segment(LEFT, TOP, LEFT, TOP + height, INK))
    made.append(
        _text(LEFT + width / 2, HEIGHT - 14, "over-correction index (0 = deaf to noise, 1 = last-write-wins)", "middle")
    )
    middle = TOP + height / 2
    made.append(
        f'<text transform="translate(18 {middle:.1f}) rotate(-90)" text-anchor="middle">'
        "adaptation delay (wrong proposals per change)</text>"
    )
    made.append(f'<text x="{LEFT + 8}" y="{TOP + height - 8:.1f}" fill="{GREY}">↙ better</text>')
    return made


def _curves(found: Plane, width: float, height: float) -> list[str]:
    made = []
    for family, curve in found.curves:
        drawn = look(family)
        places = [found.pixel(x, y, width, height) for x, y, _ in curve]
        path = " ".join(f"{LEFT + x:.1f},{TOP + y:.1f}" for x, y in places)
        dash = f' stroke-dasharray="{DASHES[drawn.dash]}"' if DASHES[drawn.dash] else ""
        stroke = 2.5 if family == LIMIT_FAMILY else 1.5
        made.append(f'<polyline points="{path}" fill="none" stroke="{drawn.colour}" stroke-width="{stroke}"{dash}/>')
    return made


def _points(found: Plane, width: float, height: float) -> list[str]:
    made, written = [], []
    labels = found.labels(width, height, FONT)
    for point, label in zip(found.points, labels, strict=False):
        x, y = found.pixel(*point.drawn, width, height)
        left, middle = LEFT + label.left, TOP + label.top + label.height / 2
        if label.ring:
            edge = min(max(LEFT + x, left), left + label.width)
            made.append(_segment(LEFT + x, TOP + y, edge, middle, "#888888"))
        weight = ' font-weight="700"' if point.name == LIMIT else ""
        written.append(
            f'<text x="{left + label.width / 2:.1f}" y="{middle + 4.5:.1f}" text-anchor="middle"{weight} '
            f'stroke="#ffffff" stroke-width="3" paint-order="stroke">{escape(point.label)}</text>'
        )
    for (family, _), label in zip(found.curves, labels[len(found.points) :], strict=True):
        middle = TOP + label.top + label.height / 2
        written.append(
            f'<text x="{LEFT + label.left + label.width / 2:.1f}" y="{middle + 4.5:.1f}" text-anchor="middle" '
            f'font-style="italic" fill="{look(family).colour}" stroke="#ffffff" stroke-width="3" paint-order="stroke">'
            f"{escape(curve_label(family))}</text>"
        )
    for point in drawing_order(found.points):
        x, y = found.pixel(*point.drawn, width, height)
        made.append(_marker(point.name, LEFT + x, TOP + y, 4.6 if point.name in CONTROLS else 6.0))
    return made + written


def _marker(name: str, x: float, y: float, radius: float) -> str:
    drawn = look(name)
    paint = f'fill="{drawn.colour}" stroke="#ffffff" stroke-width="1"'
    if drawn.symbol not in SHAPES and drawn.symbol != "x":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {paint}/>'
    corners = SHAPES["cross" if drawn.symbol == "x" else drawn.symbol]
    turn = f' transform="rotate(45 {x:.1f} {y:.1f})"' if drawn.symbol == "x" else ""
    path = " ".join(f"{x + radius * dx:.1f},{y + radius * dy:.1f}" for dx, dy in corners)
    return f'<polygon points="{path}" {paint}{turn}/>'


def _segment(x: float, y: float, u: float, v: float, colour: str) -> str:
    return f'<line x1="{x:.1f}" y1="{y:.1f}" x2="{u:.1f}" y2="{v:.1f}" stroke="{colour}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


if __name__ == "__main__":
    write_text(overview(), Path(sys.argv[1]))
