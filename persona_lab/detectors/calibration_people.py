"""Who is simulated to calibrate detectors: people of every base rate or taste who never change."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from persona_lab.detectors.threshold import BINS, RIVALRIES, TOPS, choice_bin, rate_bin
from persona_lab.feedback import BoolArray, IntArray, one_hot
from persona_lab.randomness import generator, uniforms

SEED = 20260401
"""Of every table that ships."""


class Population(Protocol):
    """Simulated people of whom none changes."""

    @property
    def classes(self) -> tuple[int, int]:
        """(classes along which critical values are smoothed, kinds of history that are kept apart)."""
        ...

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
        """Return the class of each stream's history: what critical values depend on."""
        ...


class Bernoulli(NamedTuple):
    """Accept/reject streams; ``rate`` (streams,)."""

    rate: NDArray[np.float32]

    @property
    def classes(self) -> tuple[int, int]:
        """Classes of the rate, one kind of history."""
        return BINS, 1

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

    @property
    def classes(self) -> tuple[int, int]:
        """Classes of the favourite's share, kinds of rivalry (two options know one)."""
        return TOPS, RIVALRIES

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
        """Return the class of the favourite's share and of the rivalry."""
        return choice_bin(counts, seen)


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
