"""Builds the tables of critical values by simulation, deterministic in the seed.

Many streams without any change run side by side, their rates spread evenly over the arcsine scale. Row by row of the
table, each class of the count gets the critical value at which the share of its streams that have ever rung, dead or
alive, meets the target 1 - survival(n). Because the count is sufficient for the rate, the alarms of a row are then
spread alike over people of every rate. What small n cannot spend (three rejects in four events are no evidence for
anything) is carried to the next row by itself, since the target is cumulative.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.detectors.conditional import BitStatistic
from persona_lab.detectors.threshold import BINS, ThresholdTable, rate_bin, row_edges
from persona_lab.randomness import uniforms

ARL0 = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Stated mean events to the first false alarm that tables hold; others are read off in between."""

HORIZON = 2.5
"""Rows reach to this multiple of ARL0 (survival e**-2.5); later events use the last row, where nothing moves any
more."""

LONGEST = 2048
BISECTIONS = 14
MARGIN = 1.5
"""Log statistics this far below the previous row's critical value are not even looked at."""
SEED = 20260401
EARLY, LATE = 20, 60
BOOST, QUIET = 2.0, 0.3
"""Pace of false alarms, relative: ``QUIET`` before event ``EARLY`` (nothing can be told yet), ``BOOST`` up to ``LATE``
(short histories need it most), 1 afterwards."""


def survival(arl0: float, longest: int) -> NDArray[np.float64]:
    """Return P(no false alarm by event n) for n = 0 to ``longest``: the target of every base rate."""
    pace = np.ones(max(longest, int(30 * arl0)) + 1)
    pace[0] = 0.0
    pace[1 : EARLY + 1] = QUIET
    pace[EARLY + 1 : LATE + 1] = BOOST
    total = np.cumsum(pace)
    low, high = 0.1 / arl0, 10.0 / arl0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.exp(-middle * total).sum() > arl0 else (low, middle)
    curve: NDArray[np.float64] = np.exp(-low * total)[: longest + 1]
    return curve


def calibrate(
    statistic: BitStatistic,
    *,
    arl0: tuple[float, ...] = ARL0,
    streams: int = 200_000,
    longest: int = LONGEST,
    seed: int = SEED,
    block: int = 8192,
) -> ThresholdTable:
    """Return the threshold table of a statistic.

    Parameters
    ----------
    statistic
        A detector or anything else with ``fresh``, ``step`` and ``statistic_name``.
    arl0
        Mean events to the first false alarm, ascending.
    streams
        Simulated streams; the relative error of a row's pace of false alarms falls with its root.
    longest
        Events simulated at most.
    seed
        Any integer; the same seed gives the same table.
    block
        Streams simulated at a time (memory and cache only; results do not depend on it).
    """
    reach = min(longest, int(HORIZON * max(arl0)))
    edges = row_edges(reach)
    edges = edges[edges <= reach]
    rows = len(edges)
    targets = [1.0 - survival(a, reach) for a in arl0]
    order = np.argsort(uniforms(seed, "calibration/order", steps=(0, 1), streams=(0, streams))[0], kind="stable")
    rate = (np.sin(0.5 * np.pi * (order + 0.5) / streams) ** 2).astype(np.float32)
    cores = [statistic.fresh(min(block, streams - first)) for first in range(0, streams, block)]
    hits = np.zeros(streams, dtype=np.int32)
    dead = np.zeros((len(arl0), streams), dtype=np.bool_)
    levels = np.full((len(arl0), rows, BINS), np.nan)
    low = np.full((len(arl0), BINS), -np.inf)
    for row in range(rows):
        stop = int(edges[row + 1]) if row + 1 < rows else reach + 1
        if all(edges[row] > HORIZON * a for a in arl0):
            break
        found = _row_candidates(
            statistic, cores, hits, rate, range(int(edges[row]), stop), low.min(axis=0), seed, block
        )
        for j, a in enumerate(arl0):
            if edges[row] > HORIZON * a:
                levels[j, row] = levels[j, row - 1]
                continue
            level = _solve(found, dead[j], float(targets[j][stop - 1]), low[j])
            crossing = found.value > level[found.bin]  # comparison with NaN is False: nobody rings there
            dead[j, found.stream[crossing]] = True
            levels[j, row] = level
            low[j] = np.where(np.isfinite(level), level, low[j]) - MARGIN
    return ThresholdTable(statistic.statistic_name, arl0, _filled(levels).astype(np.float32))


class _Found(NamedTuple):
    """Every moment in a row at which a statistic came near its critical value."""

    value: NDArray[np.float32]
    bin: NDArray[np.int8]
    stream: NDArray[np.int32]
    classes: NDArray[np.int8]
    """(samples, all streams): the class of each stream at the row's first, middle and last event."""


def _row_candidates(
    statistic: BitStatistic,
    cores: list[Any],
    hits: NDArray[np.int32],
    rate: NDArray[np.float32],
    events: range,
    low: NDArray[np.float64],
    seed: int,
    block: int,
) -> _Found:
    """Move every stream (``cores`` and ``hits`` in place) through ``events``; return log statistics above ``low``."""
    values, bins, streams = [], [], []
    samples = sorted({0, len(events) // 2, len(events) - 1})
    classes = np.empty((len(samples), rate.size), dtype=np.int8)
    floor = np.exp(low).astype(np.float32)
    for i, first in enumerate(range(0, rate.size, block)):
        part = slice(first, min(first + block, rate.size))
        luck = uniforms(seed, "calibration/events", steps=(events.start, events.stop), streams=(part.start, part.stop))
        counts = hits[part]
        core = cores[i]
        for k, n in enumerate(events):
            one = luck[k] < rate[part]
            seen = np.full(counts.size, n - 1, dtype=np.int32)
            core, value = statistic.step(core, one, seen, counts)
            counts = counts + one
            where = rate_bin(counts, seen + 1)
            if k in samples:
                classes[samples.index(k), part] = where
            near = np.flatnonzero(value > floor[where])
            values.append(np.log(np.maximum(value[near], np.float32(1e-30))))
            bins.append(where[near].astype(np.int8))
            streams.append((near + first).astype(np.int32))
        cores[i] = core
        hits[part] = counts
    return _Found(np.concatenate(values), np.concatenate(bins), np.concatenate(streams), classes)


def _solve(found: _Found, dead: NDArray[np.bool_], target: float, low: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lowest log level of each class at which no more streams have rung than ``target`` allows.

    Streams of a class are counted as the mean over the row's first, middle and last event; one that rings in this row
    counts for the class in which it does.
    """
    samples = found.classes.shape[0]
    everyone = sum(np.bincount(row, minlength=BINS) for row in found.classes) / samples
    gone = sum(np.bincount(row[dead], minlength=BINS) for row in found.classes) / samples
    allowed = target * everyone - gone
    alive = ~dead[found.stream]
    value, bins, stream = found.value[alive], found.bin[alive].astype(np.intp), found.stream[alive]
    top, bottom = np.full(BINS, -np.inf), np.full(BINS, np.inf)
    np.maximum.at(top, bins, value.astype(np.float64))
    np.minimum.at(bottom, bins, value.astype(np.float64))
    near = np.isfinite(top)
    lower, upper = np.where(near, bottom - 1e-3, 0.0), np.where(near, top + 1e-3, 0.0)
    for _ in range(BISECTIONS):
        middle = 0.5 * (lower + upper)
        crossing = np.flatnonzero(value > middle[bins])
        _, first = np.unique(stream[crossing], return_index=True)
        too_many = np.bincount(bins[crossing[first]], minlength=BINS) > allowed
        lower, upper = np.where(too_many, middle, lower), np.where(too_many, upper, middle)
    highest_looked_at = np.where((everyone > 0) & np.isfinite(low), low + MARGIN, np.nan)
    # Levels ship in thousandths; rounded up, past rounding of exp and log, so that ties stay on the quiet side.
    return np.ceil(np.where(near, upper, highest_looked_at) * 1000 + 0.05) / 1000


def _filled(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill classes that no simulated stream reached from their neighbours, and rows beyond the last from it."""
    places = np.arange(BINS)
    for table in levels:
        for row in range(table.shape[0]):
            known = np.isfinite(table[row])
            if known.any():
                table[row] = np.interp(places, places[known], table[row][known])
            else:
                table[row] = table[row - 1] if row else 0.0
    return levels
