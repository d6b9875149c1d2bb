"""Direct labels beside points, so that no legend has to be decoded: greedy placement without overlap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

GLYPH = 0.56
"""Mean width of a character as a share of the font size, sans serif."""

NEAR, STEP, RINGS = 9.0, 14.0, 7
"""First distance of a label from its point, and how further rings grow, in pixels."""

CLOSE = 5.0
"""Distance of a curve's label from the curve, in pixels."""

DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))


class Label(NamedTuple):
    """Where a label goes: its box (left, top, width, height) in pixels, y downward; ``ring`` 0 needs no leader line."""

    left: float
    top: float
    width: float
    height: float
    ring: int


def place(
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    *,
    width: float,
    height: float,
    font: float = 12.0,
    obstacles: Sequence[tuple[float, float]] = (),
) -> list[Label]:
    """Place one label per point inside a (0, 0, width, height) canvas, in the given order of importance.

    Parameters
    ----------
    points
        (x, y) in pixels, y downward.
    texts
        One line each.
    width, height
        Canvas in pixels.
    font
        Font size in pixels.
    obstacles
        Further points that labels should not cover, such as those along a line.

    Returns
    -------
    One :class:`Label` per point; the position of least overlap where none is free.
    """
    boxes = _boxes(points, obstacles)
    placed: list[Label] = []
    for (x, y), text in zip(points, texts, strict=True):
        wide, high = GLYPH * font * len(text), font * 1.25
        best, least = None, float("inf")
        for ring in range(RINGS):
            reach = NEAR + ring * STEP
            for horizontal, vertical in DIRECTIONS:
                left = x + reach * horizontal - (wide / 2 if horizontal == 0 else wide if horizontal < 0 else 0.0)
                top = y + reach * vertical - high / 2
                candidate = Label(left, top, wide, high, ring)
                cost = 3.0 * _outside(candidate, width, height) + ring * 1e-3
                cost += sum(_overlap(candidate, box) for box in boxes)
                if cost < least:
                    best, least = candidate, cost
            if least < (ring + 1) * 1e-3:
                break
        if best is None:
            raise AssertionError("at least one ring is tried")
        placed.append(best)
        boxes.append(best)
    return placed


def place_along(
    anchors: Sequence[tuple[float, float]],
    text: str,
    *,
    width: float,
    height: float,
    font: float = 12.0,
    taken: Sequence[Label] = (),
    points: Sequence[tuple[float, float]] = (),
    obstacles: Sequence[tuple[float, float]] = (),
) -> Label:
    """Place the label of a curve close to wherever along it there is room: beside one of its ``anchors``.

    ``taken`` are labels placed before, ``points`` and ``obstacles`` as in :func:`place`.
    """
    boxes = [*_boxes(points, obstacles), *taken]
    wide, high = GLYPH * font * len(text), font * 1.25
    best, least = Label(0.0, 0.0, wide, high, 0), float("inf")
    for x, y in anchors:
        for horizontal, vertical in DIRECTIONS[4:]:
            left = x + CLOSE * horizontal - (wide if horizontal < 0 else 0.0)
            candidate = Label(left, y + (CLOSE + high / 2) * vertical - high / 2, wide, high, 0)
            cost = 3.0 * _outside(candidate, width, height) + sum(_overlap(candidate, box) for box in boxes)
            if cost < least:
                best, least = candidate, cost
    return best


def _boxes(points: Sequence[tuple[float, float]], obstacles: Sequence[tuple[float, float]]) -> list[Label]:
    return [_around(x, y, 8.0) for x, y in points] + [_around(x, y, 3.0) for x, y in obstacles]


def _around(x: float, y: float, radius: float) -> Label:
    return Label(x - radius, y - radius, 2 * radius, 2 * radius, 0)


def _overlap(a: Label, b: Label) -> float:
    across = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
    down = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
    return across * down if across > 0 and down > 0 else 0.0


def _outside(label: Label, width: float, height: float) -> float:
    across = max(0.0, -label.left) + max(0.0, label.left + label.width - width)
    down = max(0.0, -label.top) + max(0.0, label.top + label.height - height)
    return across * label.height + down * label.width
