"""Thresholds that keep their promise for every base rate: tables of critical values given a stream's own past.

Given how many ones a stream of n events holds, every order of them is equally likely while nothing changes, whatever
the person's base rate: the count is sufficient. A table holds, for blocks of n and of the count, the value that a share
of the orders exceeds for the first time there, so that false alarms come at a stated pace for *every* rate. The same
idea as conditioning on the margins in Fisher's exact test; :mod:`persona_lab.detectors.calibration` builds it.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray, IntArray

BINS = 48
"""Classes of the rate of ones, equal on the arcsine-square-root scale, where a rate's standard error is constant."""

TOPS, RIVALRIES, OTHERS = 32, 4, 0.25
"""Classes of a history of choices: of the favourite's share, and of who else is in play; ``OTHERS`` is the share of
what the favourite leaves beyond which the third and later options count as much."""

SINGLE = 32
"""Up to here every n has its own row; then rows cover ``GROWTH`` more."""

GROWTH = 1.12

CELLS = 257
"""Equal cells of the rate of ones, finer than classes where people live."""


@dataclass(frozen=True, eq=False)
class ThresholdTable:
    """Critical values of one statistic; compared by identity.

    Attributes
    ----------
    statistic
        The statistic and its knobs, as the detector's ``statistic_name`` spells them.
    arl0
        Stated mean events to the first false alarm, ascending.
    log_levels
        Log of the critical value, shape (arl0, rows of n, classes); an alarm needs more than it. Classes are ``BINS``
        of the rate of ones, or ``TOPS`` x ``RIVALRIES`` of choices.
    """

    statistic: str
    arl0: tuple[float, ...]
    log_levels: NDArray[np.float32]

    def levels(self, arl0: float) -> NDArray[np.float32]:
        """Return (rows, classes) critical values, log-linear in log ``arl0`` between the tabulated ones."""
        grid = np.log(self.arl0)
        at = np.log(arl0)
        if not grid[0] - 1e-9 <= at <= grid[-1] + 1e-9:
            raise ConfigurationError(
                self.statistic, "arl0", arl0, f"{self.arl0[0]:g} to {self.arl0[-1]:g} (the calibrated range)"
            )
        right = int(np.clip(np.searchsorted(grid, at), 1, len(grid) - 1)) if len(grid) > 1 else 0
        if right == 0:
            only: NDArray[np.float32] = np.exp(self.log_levels[0])
            return only
        share = np.float32((at - grid[right - 1]) / (grid[right] - grid[right - 1]))
        mixed: NDArray[np.float32] = (1 - share) * self.log_levels[right - 1] + share * self.log_levels[right]
        levels: NDArray[np.float32] = np.exp(mixed).astype(np.float32)
        return levels


def row_edges(longest: int) -> NDArray[np.int32]:
    """Return the first n of every row, up to the row that holds ``longest``."""
    edges = list(range(1, SINGLE + 1))
    while edges[-1] < longest:
        edges.append(max(edges[-1] + 1, int(edges[-1] * GROWTH)))
    return np.array(edges, dtype=np.int32)


def rate_bin(hits: IntArray, seen: IntArray) -> IntArray:
    """Return the class, 0 to ``BINS`` - 1, of the rate of ones ``hits / seen``."""
    return _rate_class((hits + 0.5) / (seen + 1.0))


def _rate_class(rate: FloatArray) -> IntArray:
    angle = np.arcsin(np.sqrt(np.clip(rate, 0.0, 1.0))) * (2.0 / np.pi)
    where: IntArray = np.minimum((angle * BINS).astype(np.int32), BINS - 1)
    return where


def choice_bin(counts: IntArray, seen: IntArray) -> IntArray:
    """Return the class, 0 to ``TOPS * RIVALRIES`` - 1, of a history of choices (options, streams).

    By the share of the favourite, ``TOPS`` classes on the arcsine scale, and by who else is in play: two or more
    options never chosen, one, none, none and the third and later ones have much of the rest. A person with one live
    rival and a person with three, each of whom may become the new favourite, need different critical values.
    """
    options = counts.shape[0]
    top, second = counts[0], np.zeros_like(counts[0])
    for row in counts[1:]:
        second = np.maximum(second, np.minimum(top, row))
        top = np.maximum(top, row)
    lowest = np.arcsin(np.sqrt(1.0 / options))
    share = np.minimum((top + 0.5) / (seen + 0.5 * options), 1.0)
    angle = (np.arcsin(np.sqrt(share)) - lowest) / (0.5 * np.pi - lowest)
    favourite = np.clip((angle * TOPS).astype(np.int32), 0, TOPS - 1)
    never = np.minimum((counts == 0).sum(axis=0, dtype=np.int32), 2)
    many = (never == 0) & (seen - top - second > OTHERS * (seen - top))
    where: IntArray = favourite * RIVALRIES + np.where(many, np.int32(3), never)
    return where


class Levels(NamedTuple):
    """Critical values (rows of n, classes) and two bounds from below.

    ``floors`` is the lowest value of each row; ``cells`` (rows * ``CELLS``,) the lowest of the classes that meet each
    cell of the rate of ones, all cells alike: found by one multiplication, where a class needs an arcsine (choices
    do without).
    """

    values: NDArray[np.float32]
    floors: NDArray[np.float32]
    cells: NDArray[np.float32]


def critical(levels: Levels, statistic: NDArray[np.float32], seen: IntArray, hits: IntArray) -> NDArray[np.intp]:
    """Return the indices of the streams whose statistic exceeds its critical value.

    ``hits`` counts ones (streams,), or every option (options, streams).

    Few streams come near a bound of their critical values, and only those are looked up.
    """
    if seen.size == 0:
        return np.empty(0, dtype=np.intp)
    last = levels.values.shape[0] - 1
    first_row, last_row = np.minimum(rows_of(np.array([seen.min(), seen.max()])), last)
    if hits.ndim == 1:
        events = seen.astype(np.float32)
        # Before the first event 0 / 0 would be NaN; such a stream has no ones and falls out below.
        cell = (hits / np.maximum(events, np.float32(1), out=events) * np.float32(CELLS - 1)).astype(np.int32)
        if first_row == last_row:
            bound = levels.cells[first_row * CELLS : (first_row + 1) * CELLS].take(cell)
        else:
            cell += np.minimum(_ROW_OF.take(seen, mode="clip"), last) * np.int32(CELLS)
            bound = levels.cells.take(cell)
        near = np.flatnonzero(statistic > bound)
        # Beyond the table's last row its statistic still grows: a stream whose answers were all alike has not changed.
        near = near[(hits[near] > 0) & (hits[near] < seen[near])]
    else:
        near = np.flatnonzero(statistic > levels.floors[first_row : last_row + 1].min())
        # Likewise whoever has only ever chosen one option; the rarest classes' critical values would let them ring.
        near = near[hits[:, near].max(axis=0) < seen[near]]
    if near.size == 0:
        return near
    rows = np.minimum(rows_of(seen[near]), last)
    classify = rate_bin if hits.ndim == 1 else choice_bin
    over: NDArray[np.intp] = near[statistic[near] > levels.values[rows, classify(hits[..., near], seen[near])]]
    return over


def rows_of(seen: IntArray) -> IntArray:
    """Return the row of the table that holds each n; 0 for n = 0."""
    rows: IntArray = np.maximum(np.searchsorted(_ALL_EDGES, seen, side="right") - 1, 0)
    return rows


_ALL_EDGES = row_edges(1 << 20)

_ROW_OF = rows_of(np.arange(1 << 15)).astype(np.int32)
"""Row of every n up to 32,767; tables end before."""


@lru_cache(maxsize=64)
def as_levels(table: ThresholdTable, arl0: float) -> Levels:
    """Return the critical values at ``arl0``, ready for :func:`critical`."""
    values = table.levels(arl0)
    floors = values.min(axis=1)
    if values.shape[1] != BINS:
        return Levels(values, floors, floors)
    border = np.arange(CELLS + 1) / (CELLS - 1)
    classes = np.arange(BINS)
    cells = np.empty((values.shape[0], CELLS), dtype=np.float32)
    for row, n in enumerate(_ALL_EDGES[: values.shape[0]]):
        # A half is added to counts before they are classed, which moves a rate by 1 / 2(n + 1) at most.
        slack = 0.5 / (n + 1.0) + 1e-6
        lowest, highest = (
            _rate_class(border[:-1] - slack)[:, np.newaxis],
            _rate_class(border[1:] + slack)[:, np.newaxis],
        )
        met = (classes >= lowest) & (classes <= highest)
        cells[row] = np.where(met, values[row], np.inf).min(axis=1)
    return Levels(values, floors, cells.ravel())


@cache
def shipped_levels(statistic: str, arl0: float) -> Levels:
    """Return the critical values that ship with the package for a statistic and an ARL0."""
    return as_levels(shipped(statistic), arl0)


@cache
def shipped(statistic: str) -> ThresholdTable:
    """Return the table that ships with the package for this statistic.

    Raises
    ------
    ConfigurationError
        If the package ships no table for these knobs.
    """
    folder = files("persona_lab.detectors") / "tables"
    # A rise of ones is a fall of zeros: the same table with the classes of the rate the other way round.
    mirrored = "-up-" in statistic
    try:
        raw = json.loads((folder / f"{statistic.replace('-up-', '-down-')}.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            "detector",
            "knobs",
            statistic,
            "knobs (and options) with a shipped table, or an own one: table=calibration.calibrate(detector), "
            "for K options calibrate(choices.ForOptions(detector, K))",
        ) from None
    packed = np.frombuffer(zlib.decompress(base64.b64decode(raw["log_levels"])), dtype="<i2")
    levels = packed.reshape(len(raw["arl0"]), raw["rows"], -1).astype(np.float32) / np.float32(1000)
    levels = np.ascontiguousarray(levels[..., ::-1] if mirrored else levels)
    return ThresholdTable(statistic, tuple(raw["arl0"]), levels.astype(np.float32))


def to_json(table: ThresholdTable) -> str:
    """Return the table as the JSON text in which tables ship: thousandths as little-endian int16, zlib, base 64."""
    thousandths = np.clip(np.rint(table.log_levels * 1000), -32000, 32000).astype("<i2")
    return json.dumps(
        {
            "statistic": table.statistic,
            "arl0": list(table.arl0),
            "rows": int(table.log_levels.shape[1]),
            "log_levels": base64.b64encode(zlib.compress(thousandths.tobytes(), 9)).decode("ascii"),
        },
        separators=(",", ":"),
    )
