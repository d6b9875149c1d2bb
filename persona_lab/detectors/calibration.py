"""Builds the tables of critical values by simulation, deterministic in the seed.

Many streams without any change run side by side, their rates spread evenly over the arcsine scale. Row by row of the
table, each class of the count gets the critical value at which the share of its streams that have ever rung, dead or
alive, meets the target 1 - survival(n). Because the count is sufficient for the rate, the alarms of a row are then
spread alike over people of every rate. What small n cannot spend (three rejects in four events are no evidence for
anything) is carried to the next row by itself, since the target is cumulative.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from persona_lab.detectors.threshold import BINS, ThresholdTable, concentration_bin, rate_bin, row_edges
from persona_lab.feedback import BoolArray, IntArray, one_hot
from persona_lab.randomness import generator, uniforms

ARL0 = (20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0)
"""Stated mean events to the first false alarm that tables hold; others are read off in between."""

HORIZON = 2.5
"""Rows reach to this multiple of ARL0 (survival e**-2.5); later events use the last row, where nothing moves any
more."""

LONGEST = 1024
MARGIN = 1.5
"""Log statistics this far below the previous row's critical value are not even looked at."""
SURPLUS = 0.75
"""Rings a row and class that fresh streams have and simulated ones lack: 1 less what they carry out of the class."""
SEED = 20260401
KERNEL = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
SMOOTH_ROW, EDGE = 34, 6
"""Smoothed are rows from n = 43 on and rates from .04 to .96: beyond, levels move too fast with the class."""
EARLY, QUIET, SHORT = 25, 0.1, 42.0
"""Pace of false alarms: ``QUIET`` up to event ``EARLY`` (nothing can be told yet), then 1 + (``SHORT`` / n)**4: a
short history, in which every test is weak, is given more of the false alarms than a long one."""


class Population(Protocol):
    """Simulated people of whom none changes."""

    def nothing(self) -> NDArray[np.int32]:
        """Return counts before any event, last axis = streams."""
        ...

    def draw(self, luck: NDArray[np.float32], part: slice) -> Any:
        """Return the outcomes of the streams ``part``."""
        ...

    def tally(self, counts: NDArray[np.int32], outcome: Any) -> NDArray[np.int32]:
        """Return the counts after the outcomes."""
        ...

    def classify(self, counts: NDArray[np.int32], seen: IntArray) -> IntArray:
        """Return the class of each stream's history, 0 to ``BINS`` - 1: what critical values depend on."""
        ...


class Bernoulli(NamedTuple):
    """Accept/reject streams; ``rate`` (streams,)."""

    rate: NDArray[np.float32]

    @classmethod
    def spread(cls, streams: int, seed: int) -> Bernoulli:
        """Return streams with rates spread evenly over the arcsine scale, in random order."""
        order = np.argsort(uniforms(seed, "calibration/order", steps=(0, 1), streams=(0, streams))[0], kind="stable")
        return cls((np.sin(0.5 * np.pi * (order + 0.5) / streams) ** 2).astype(np.float32))

    def nothing(self) -> NDArray[np.int32]:
        """Return counts before any event."""
        return np.zeros(self.rate.size, dtype=np.int32)

    def draw(self, luck: NDArray[np.float32], part: slice) -> BoolArray:
        """Return who accepts."""
        one: BoolArray = luck < self.rate[part]
        return one

    def tally(self, counts: NDArray[np.int32], outcome: BoolArray) -> NDArray[np.int32]:
        """Return the counts after the outcomes."""
        more: NDArray[np.int32] = counts + outcome
        return more

    def classify(self, counts: NDArray[np.int32], seen: IntArray) -> IntArray:
        """Return the class of the rate (all streams have seen as many events: one look-up a stream)."""
        n = int(seen[0])
        classes: IntArray = rate_bin(np.arange(n + 1), np.full(n + 1, n))[counts]
        return classes


class Categorical(NamedTuple):
    """Streams of choices between options; ``share`` (options, streams)."""

    share: NDArray[np.float32]

    @classmethod
    def spread(cls, options: int, streams: int, seed: int) -> Categorical:
        """Return streams with Dirichlet shares, from near-uniform people to people who always choose the same."""
        luck = generator(seed, "calibration/shares")
        concentration = np.exp(luck.uniform(np.log(0.1), np.log(3.0), streams))
        raw = luck.gamma(concentration, size=(options, streams)) + 1e-6
        return cls((raw / raw.sum(axis=0)).astype(np.float32))

    def nothing(self) -> NDArray[np.int32]:
        """Return counts before any event."""
        return np.zeros(self.share.shape, dtype=np.int32)

    def draw(self, luck: NDArray[np.float32], part: slice) -> IntArray:
        """Return the chosen options, int8."""
        chosen: IntArray = (luck >= np.cumsum(self.share[:-1, part], axis=0)).sum(axis=0).astype(np.int8)
        return chosen

    def tally(self, counts: NDArray[np.int32], outcome: IntArray) -> NDArray[np.int32]:
        """Return the counts after the outcomes."""
        more: NDArray[np.int32] = counts + one_hot(outcome, counts.shape[0])
        return more

    def classify(self, counts: NDArray[np.int32], seen: IntArray) -> IntArray:
        """Return the class of the concentration."""
        return concentration_bin(counts, seen)


def survival(arl0: float, longest: int, short: float = SHORT) -> NDArray[np.float64]:
    """Return P(no false alarm by event n) for n = 0 to ``longest``: the target of every base rate."""
    events = np.arange(max(longest, int(30 * arl0)) + 1)
    pace = np.where(events > EARLY, 1.0 + (short / np.maximum(events, 1)) ** 4, QUIET)
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
    seed: int = SEED,
    block: int = 8192,
    short: float = SHORT,
) -> ThresholdTable:
    """Return the threshold table of a statistic.

    Parameters
    ----------
    statistic
        A detector or anything else with ``fresh``, ``step`` and ``statistic_name``.
    population
        Who is simulated; None for accept/reject streams of every base rate.
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
    short
        Events up to which a history counts as short and gets more of the false alarms; larger finds changes in short
        histories sooner, and those in long ones later.
    """
    crowd = population or Bernoulli.spread(streams, seed)
    reach = min(longest, int(HORIZON * max(arl0)))
    edges = row_edges(reach)
    edges = edges[edges <= reach]
    rows = len(edges)
    targets = [1.0 - survival(a, reach, short) for a in arl0]
    cores = [statistic.fresh(min(block, streams - first)) for first in range(0, streams, block)]
    hits = crowd.nothing()
    dead = np.zeros((len(arl0), streams), dtype=np.bool_)
    levels = np.full((len(arl0), rows, BINS), np.nan)
    low = np.full((len(arl0), BINS), -np.inf)
    surplus = np.zeros((len(arl0), BINS))
    for row in range(rows):
        stop = int(edges[row + 1]) if row + 1 < rows else reach + 1
        if all(edges[row] > HORIZON * a for a in arl0):
            break
        found = _row_candidates(
            statistic, cores, hits, crowd, range(int(edges[row]), stop), low.min(axis=0), seed, block, streams
        )
        for j, a in enumerate(arl0):
            if edges[row] > HORIZON * a:
                levels[j, row] = levels[j, row - 1]
                low[j] = np.inf
                continue
            level, spent = _solve(found, dead[j], surplus[j], float(targets[j][stop - 1]), low[j])
            # Of N fresh streams k + 1 exceed the (k + 1)-th largest simulated value, of the simulated ones k.
            surplus[j] += SURPLUS * spent * (edges[row] > EARLY)
            crossing = found.value > level[found.bin]  # comparison with NaN is False: nobody rings there
            dead[j, found.stream[crossing]] = True
            levels[j, row] = level
            low[j] = np.where(np.isfinite(level), level, low[j]) - MARGIN
    return ThresholdTable(statistic.statistic_name, arl0, smoothed(_filled(levels)).astype(np.float32))


class _Found(NamedTuple):
    """Every moment in a row at which a statistic came near its critical value."""

    value: NDArray[np.float32]
    bin: NDArray[np.int8]
    stream: NDArray[np.int32]
    classes: NDArray[np.int8]
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
    classes = np.empty((len(samples), total), dtype=np.int8)
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
            bins.append(where[near].astype(np.int8))
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
    samples = found.classes.shape[0]
    everyone = sum(np.bincount(row, minlength=BINS) for row in found.classes) / samples
    gone = sum(np.bincount(row[dead], minlength=BINS) for row in found.classes) / samples
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
    count = np.bincount(bins, minlength=BINS)
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


def smoothed(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Smooth (arl0, rows, classes) log levels over neighbouring rows and classes, away from the edges.

    The pace of false alarms goes with exp(-level), so it is that which is averaged. Noise in the levels costs delay: it
    spends false alarms where they buy least.
    """
    out = levels.copy()
    if out.shape[1] <= SMOOTH_ROW:
        return out
    for table in out:
        pace = np.exp(-table[SMOOTH_ROW:])
        rows = np.pad(pace, ((2, 2), (0, 0)), mode="edge")
        pace = sum(w * rows[i : i + pace.shape[0]] for i, w in enumerate(KERNEL))
        classes = np.pad(pace, ((0, 0), (2, 2)), mode="edge")
        pace = sum(w * classes[:, i : i + BINS] for i, w in enumerate(KERNEL))
        table[SMOOTH_ROW:, EDGE : BINS - EDGE] = -np.log(pace[:, EDGE : BINS - EDGE])
    return out


class SessionStatistic(Protocol):
    """A statistic that also looks at which session an event belongs to."""

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        ...

    def fresh(self, streams: int) -> Any:
        """Return the arrays before any event."""
        ...

    def step_in_session(
        self, core: Any, one: BoolArray, seen: IntArray, hits: IntArray, session: IntArray
    ) -> tuple[Any, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event in ``session``."""
        ...


class InSessions(NamedTuple):
    """Gives a statistic that looks at sessions a calendar to be calibrated on: sessions of 1 to ``longest`` events.

    ``calendar`` (events, streams) holds session numbers; streams of different blocks share them, outcomes they do not.
    """

    statistic: SessionStatistic
    calendar: NDArray[np.int32]

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return self.statistic.statistic_name

    def fresh(self, streams: int) -> Any:
        """Return the arrays before any event."""
        return self.statistic.fresh(streams)

    def step(self, core: Any, one: BoolArray, seen: IntArray, hits: IntArray) -> tuple[Any, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event (the same ``seen`` for all streams)."""
        session = self.calendar[int(seen[0]), : one.size]
        return self.statistic.step_in_session(core, one, seen, hits, session)


def in_sessions(statistic: SessionStatistic, *, longest: int = 8, events: int, streams: int) -> InSessions:
    """Return the statistic with a calendar of sessions of 1 to ``longest`` events, all lengths alike."""
    return InSessions(
        statistic, session_numbers(uniforms(SEED, "sessions", steps=(0, events), streams=(0, streams)), longest)
    )


def session_numbers(luck: NDArray[np.float32], longest: int = 8) -> NDArray[np.int32]:
    """Return (events, streams) session numbers; ``luck`` of that shape makes lengths uniform on 1 to ``longest``."""
    events, streams = luck.shape
    number = np.zeros((events, streams), dtype=np.int32)
    left = np.zeros(streams, dtype=np.int32)
    current = np.full(streams, -1, dtype=np.int32)
    for t in range(events):
        opens = left == 0
        left = np.where(opens, 1 + (luck[t] * longest).astype(np.int32), left) - 1
        current = current + opens
        number[t] = current
    return number
