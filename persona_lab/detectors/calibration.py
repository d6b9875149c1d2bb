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

from persona_lab.detectors.calibration_people import SEED, Bernoulli, Categorical, Population
from persona_lab.detectors.threshold import BINS, ThresholdTable, row_edges
from persona_lab.randomness import uniforms

ARL0 = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Stated mean events to the first false alarm that tables hold; others are read off in between."""

HORIZON = 1.5
"""Rows are solved up to this multiple of ARL0, while a fifth of the streams has not rung; later events use the mean of
the ``LAST`` rows, where little moves any more."""

LAST = 5
LONGEST = 7_500
"""``HORIZON`` times the largest ARL0. Rows that end at 1,024 events made people who accept 98 % ring 10 % too often at
ARL0 5,000: their running rate of rejects is still off by a fifth by then."""

LATE = 1024
"""From here rows hold a hundred events and more, so that fewer streams show their pace as well."""
MARGIN = 1.5
"""Log statistics this far below the previous row's critical value are not even looked at."""
SURPLUS = 0.5
"""Rings a row and class that fresh streams have and simulated ones lack: 1 less what they carry out of the class and
what smoothing takes away."""
KERNEL = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
SMOOTH_ROW, EDGE = 34, 6
LONG_ROW, LONG_EDGE = 52, 4
"""Smoothed are rows from n = 43 on and rates from .04 to .96, from n = 346 on .02 to .98: beyond, levels move too fast
with the class, since the rarer answer has come a few times at most."""
EARLY, QUIET, SHORT = 30, 0.1, 51.0
"""Pace of false alarms: ``QUIET`` up to event ``EARLY``, then 1 + (``SHORT`` / n)**4. Thirty answers are too few to
know a person by, and an alarm spent on them is missing later; from then on a short history, in which every test is
weak, is given more of the false alarms than a long one. Chosen on training people (drops after 30 and 150 events)."""


def survival(arl0: float, longest: int, short: float = SHORT, early: int = EARLY) -> NDArray[np.float64]:
    """Return P(no false alarm by event n) for n = 0 to ``longest``: the target of every base rate."""
    events = np.arange(max(longest, int(30 * arl0)) + 1)
    pace = np.where(events > early, 1.0 + (short / np.maximum(events, 1)) ** 4, QUIET)
    pace[0] = 0.0
    total = np.cumsum(pace)
    low, high = 0.1 / arl0, 10.0 / arl0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if np.exp(-middle * total).sum() > arl0 else (low, middle)
    curve: NDArray[np.float64] = np.exp(-low * total)[: longest + 1]
    return curve


def calibrate(
    statistic: Any,
    *,
    population: Population | None = None,
    arl0: tuple[float, ...] = ARL0,
    streams: int = 200_000,
    longest: int = LONGEST,
    late: int | None = None,
    seed: int = SEED,
    block: int = 8192,
    short: float = SHORT,
    early: int = EARLY,
) -> ThresholdTable:
    """Return the threshold table of a statistic.

    Parameters
    ----------
    statistic
        A detector or anything else with ``fresh``, ``step`` and ``statistic_name``; for K options
        ``choices.ForOptions(detector, K)``.
    population
        Who is simulated; None for streams of every base rate, or of every taste between K options.
    arl0
        Mean events to the first false alarm, ascending.
    streams
        Simulated streams; the relative error of a row's pace of false alarms falls with its root.
    longest
        Events simulated at most.
    late
        Streams followed beyond event ``LATE``; None for all. Rounded up to whole blocks.
    seed
        Any integer; the same seed gives the same table.
    block
        Streams simulated at a time (memory and cache only; results do not depend on it).
    short
        Events up to which a history counts as short and gets more of the false alarms; larger finds changes in short
        histories sooner, and those in long ones later.
    early
        Events that are too few to know a person by, on which hardly any false alarm is spent.
    """
    options = getattr(statistic, "options", None)
    everyone = Bernoulli.spread(streams, seed) if options is None else Categorical.spread(options, streams, seed)
    crowd = population or everyone
    reach = min(longest, int(HORIZON * max(arl0)))
    edges = row_edges(reach)
    edges = edges[edges <= reach]
    rows = len(edges)
    classes = crowd.classes[0] * crowd.classes[1]
    targets = [1.0 - survival(a, reach, short, early) for a in arl0]
    cores = [statistic.fresh(min(block, streams - first)) for first in range(0, streams, block)]
    hits = crowd.nothing()
    dead = np.zeros((len(arl0), streams), dtype=np.bool_)
    levels = np.full((len(arl0), rows, classes), np.nan)
    low = np.full((len(arl0), classes), -np.inf)
    surplus = np.zeros((len(arl0), classes))
    for row in range(rows):
        stop = int(edges[row + 1]) if row + 1 < rows else reach + 1
        if all(edges[row] > HORIZON * a for a in arl0):
            break
        if late is not None and edges[row] > LATE and (kept := -(-late // block) * block) < hits.shape[-1]:
            allowed = [targets[j][int(edges[row]) - 1] for j in range(len(arl0))]
            surplus = _carried(crowd, hits, int(edges[row]) - 1, dead, np.array(allowed), surplus, kept)
            cores, hits, dead = cores[: kept // block], hits[..., :kept].copy(), dead[:, :kept].copy()
            low = np.full_like(low, -np.inf)
        found = _row_candidates(
            statistic, cores, hits, crowd, range(int(edges[row]), stop), low.min(axis=0), seed, block, hits.shape[-1]
        )
        for j, a in enumerate(arl0):
            if edges[row] > HORIZON * a:
                solved = int(np.searchsorted(edges, HORIZON * a, side="right"))
                levels[j, row] = levels[j, max(0, solved - LAST) : solved].mean(axis=0)
                low[j] = np.inf
                continue
            level, spent = _solve(found, dead[j], surplus[j], float(targets[j][stop - 1]), low[j])
            # Of N fresh streams k + 1 exceed the (k + 1)-th largest simulated value, of the simulated ones k.
            surplus[j] += SURPLUS * spent * (edges[row] > early)
            crossing = found.value > level[found.bin]  # comparison with NaN is False: nobody rings there
            dead[j, found.stream[crossing]] = True
            levels[j, row] = level
            low[j] = np.where(np.isfinite(level), level, low[j]) - MARGIN
    return ThresholdTable(statistic.statistic_name, arl0, smoothed(levels, crowd.classes).astype(np.float32))


def _carried(
    crowd: Population,
    hits: NDArray[np.int32],
    seen: int,
    dead: NDArray[np.bool_],
    allowed: NDArray[np.float64],
    surplus: NDArray[np.float64],
    kept: int,
) -> NDArray[np.float64]:
    """Return the surplus, (arl0, classes), that leaves the first ``kept`` streams their share of what is unspent.

    Without it the next row would make up for the chance by which more or fewer of those have rung than of all.
    """
    where = crowd.classify(hits, np.full(hits.shape[-1], seen, dtype=np.int32))
    share = kept / hits.shape[-1]

    def unspent(j: int, streams: slice) -> NDArray[np.float64]:
        everyone = np.bincount(where[streams], minlength=surplus.shape[1])
        gone = np.bincount(where[streams][dead[j, streams]], minlength=surplus.shape[1])
        rest: NDArray[np.float64] = allowed[j] * everyone - gone
        return rest

    return np.array(
        [share * surplus[j] + unspent(j, slice(kept)) - share * unspent(j, slice(None)) for j in range(len(allowed))]
    )


class _Found(NamedTuple):
    """Every moment in a row at which a statistic came near its critical value."""

    value: NDArray[np.float32]
    bin: NDArray[np.int16]
    stream: NDArray[np.int32]
    classes: NDArray[np.int16]
    """(samples, all streams): the class of each stream at the row's first, middle and last event."""


def _row_candidates(
    statistic: Any,
    cores: list[Any],
    hits: NDArray[np.int32],
    crowd: Population,
    events: range,
    low: NDArray[np.float64],
    seed: int,
    block: int,
    total: int,
) -> _Found:
    """Move every stream (``cores`` and ``hits`` in place) through ``events``; return log statistics above ``low``."""
    values, bins, streams = [], [], []
    samples = sorted({0, len(events) // 2, len(events) - 1})
    classes = np.empty((len(samples), total), dtype=np.int16)
    floor = np.exp(low).astype(np.float32)
    for i, first in enumerate(range(0, total, block)):
        part = slice(first, min(first + block, total))
        luck = uniforms(seed, "calibration/events", steps=(events.start, events.stop), streams=(part.start, part.stop))
        counts = hits[..., part]
        core = cores[i]
        for k, n in enumerate(events):
            outcome = crowd.draw(luck[k], part)
            seen = np.full(counts.shape[-1], n - 1, dtype=np.int32)
            core, value = statistic.step(core, outcome, seen, counts)
            counts = crowd.tally(counts, outcome)
            where = crowd.classify(counts, seen + 1)
            if k in samples:
                classes[samples.index(k), part] = where
            near = np.flatnonzero(value > floor[where])
            values.append(np.log(np.maximum(value[near], np.float32(1e-30))))
            bins.append(where[near].astype(np.int16))
            streams.append((near + first).astype(np.int32))
        cores[i] = core
        hits[..., part] = counts
    return _Found(np.concatenate(values), np.concatenate(bins), np.concatenate(streams), classes)


def _solve(
    found: _Found, dead: NDArray[np.bool_], surplus: NDArray[np.float64], target: float, low: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the lowest log level of each class at which no more streams have rung than ``target`` allows.

    ``surplus`` are rings that the simulated streams lack but fresh ones have; the second result is where one is added.

    Streams of a class are counted as the mean over the row's first, middle and last event; one that rings in this row
    counts for the class in which it does.
    """
    samples, classes = found.classes.shape[0], low.size
    everyone = sum(np.bincount(row, minlength=classes) for row in found.classes) / samples
    gone = sum(np.bincount(row[dead], minlength=classes) for row in found.classes) / samples
    allowed = target * everyone - gone - surplus
    alive = ~dead[found.stream]
    value, bins, stream = found.value[alive], found.bin[alive].astype(np.int64), found.stream[alive]
    # The highest value of each stream in each class: a stream counts once in every class in which it would ring.
    key = bins * dead.size + stream
    order = np.lexsort((-value, key))
    key, value, bins = key[order], value[order], bins[order]
    highest = np.concatenate([[True], key[1:] != key[:-1]]) if key.size else np.zeros(0, dtype=np.bool_)
    value, bins = value[highest].astype(np.float64), bins[highest]
    order = np.lexsort((-value, bins))
    value = value[order]
    count = np.bincount(bins, minlength=classes)
    start = np.cumsum(count) - count
    spend = np.clip(np.floor(allowed), 0, None).astype(np.int64)
    # The stream after the last that may ring keeps quiet; where all may ring, so may whoever comes lower still.
    quiet = np.minimum(start + spend, max(0, value.size - 1))
    near = count > 0
    level = np.where(spend < count, value[quiet], low) if value.size else low
    highest_looked_at = np.where((everyone > 0) & np.isfinite(low), low + MARGIN, np.nan)
    # Levels ship in thousandths; rounded up, past rounding of exp and log, so that ties stay on the quiet side.
    rounded = np.ceil(np.where(near, level, highest_looked_at) * 1000 + 0.05) / 1000
    return rounded, (spend > 0) & (spend < count)


def _fill(table: NDArray[np.float64]) -> None:
    """Fill classes of (rows, classes) that no simulated stream reached from neighbours, and rows from the last."""
    places = np.arange(table.shape[1])
    for row in range(table.shape[0]):
        known = np.isfinite(table[row])
        if known.any():
            table[row] = np.interp(places, places[known], table[row][known])
        else:
            table[row] = table[row - 1] if row else 0.0


def _blurred(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (rows, classes) averaged over neighbours both ways, edges repeated."""
    for axis in (0, 1):
        wide = np.pad(table, [(2, 2) if axis == i else (0, 0) for i in (0, 1)], mode="edge")
        parts = (np.take(wide, range(i, i + table.shape[axis]), axis=axis) for i in range(len(KERNEL)))
        table = sum((w * part for w, part in zip(KERNEL, parts, strict=True)), np.zeros_like(table))
    return table


def smoothed(levels: NDArray[np.float64], classes: tuple[int, int] = (BINS, 1)) -> NDArray[np.float64]:
    """Fill and smooth (arl0, rows, classes) log levels over neighbouring rows and classes, away from the edges.

    ``classes`` are (classes that are neighbours, kinds of history that are not: they vary fastest). Noise in the levels
    costs delay: it spends false alarms where they buy least. It is the pace, exp(-level), that is averaged, relative to
    the blurred levels: those that fall steadily from class to class then stay what they are.
    """
    count, kinds = classes
    out = levels.copy()
    edge, long_edge = (place * count // BINS for place in (EDGE, LONG_EDGE))
    for whole in out:
        for kind in range(kinds):
            table = whole[:, kind::kinds]
            _fill(table)
            if table.shape[0] <= SMOOTH_ROW:
                continue
            raw = table[SMOOTH_ROW:]
            trend = _blurred(raw)
            mean = trend - np.log(_blurred(np.exp(trend - raw)))
            table[SMOOTH_ROW:, edge : count - edge] = mean[:, edge : count - edge]
            table[LONG_ROW:, long_edge : count - long_edge] = mean[
                LONG_ROW - SMOOTH_ROW :, long_edge : count - long_edge
            ]
    return out
