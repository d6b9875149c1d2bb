"""The Page-Hinkley test, alarm for alarm with river 0.26."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.stream import (
    Trace,
    Watch,
    advance,
    binary,
    bits,
    explain_bits,
    is_number,
    known_watch,
    positive,
    ring,
    start_trace,
    whole,
)
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, FloatArray, select


class PageHinkleyCore(NamedTuple):
    """Running sums of each stream, all (streams,): count, mean, both cumulated deviations and their extremes."""

    n: NDArray[np.float64]
    mean: NDArray[np.float64]
    up: NDArray[np.float64]
    down: NDArray[np.float64]
    lowest_up: NDArray[np.float64]
    highest_down: NDArray[np.float64]


class PageHinkleyState(NamedTuple):
    """Running sums and the shared trace."""

    core: PageHinkleyCore
    trace: Trace


@dataclass(frozen=True)
class PageHinkley:
    """Cumulated deviation from the running mean, against its extreme so far.

    Use it to reproduce what others ran: it equals river's ``PageHinkley`` alarm for alarm, float64 in the same order.
    Its threshold is a sum of deviations, not a promise about false alarms: at one threshold the false-alarm rates of
    people with base rates .5 to .98 differ by hundreds of times, and river's default (50) misses a quarter of the
    changes within 150 events. ``Cusum`` and ``ShiryaevRoberts`` are the siblings that hold a stated ARL0. Source: Page
    1954; Hinkley 1971; river 0.26.1.

    Parameters
    ----------
    threshold
        Sum of deviations that alarms, in units of the outcome.
    delta
        Deviation of the mean that is tolerated, an event.
    min_instances
        Events before the first test.
    alpha
        Forgetting of the sums, an event.
    mode
        ``"up"``, ``"down"`` or ``"both"``: the direction in which the mean moves.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    """

    threshold: float = 50.0
    delta: float = 0.005
    min_instances: int = 30
    alpha: float = 1 - 1e-4
    mode: Literal["up", "down", "both"] = "both"
    watch: Watch = "acceptance"

    def __post_init__(self) -> None:
        positive(self, "threshold", self.threshold)
        known_watch(self, self.watch)
        if not (is_number(self.delta) and 0 <= self.delta < np.inf):
            raise ConfigurationError("PageHinkley", "delta", self.delta, "a number of at least 0")
        whole(self, "min_instances", self.min_instances, 0)
        if not (is_number(self.alpha) and 0 < self.alpha <= 1):
            raise ConfigurationError("PageHinkley", "alpha", self.alpha, "a number above 0, at most 1")
        if self.mode not in ("up", "down", "both"):
            raise ConfigurationError("PageHinkley", "mode", self.mode, "'up', 'down' or 'both'")

    def init(self, options: int, streams: int) -> PageHinkleyState:
        """Return the state before any feedback."""
        binary(self, self.watch, options)
        return PageHinkleyState(_fresh(streams), start_trace(streams))

    def advance_core(self, core: PageHinkleyCore, value: FloatArray) -> tuple[PageHinkleyCore, BoolArray]:
        """Return the sums after a value, and which streams they make ring; river's order of operations."""
        n = core.n + 1
        mean = core.mean + (value - core.mean) / n
        deviation = value - mean
        up = self.alpha * core.up + deviation - self.delta
        down = self.alpha * core.down + deviation + self.delta
        lowest_up = np.minimum(core.lowest_up, up)
        highest_down = np.maximum(core.highest_down, down)
        rises, falls = up - lowest_up > self.threshold, highest_down - down > self.threshold
        over = {"up": rises, "down": falls, "both": rises | falls}[self.mode] & (n >= self.min_instances)
        return PageHinkleyCore(n, mean, up, down, lowest_up, highest_down), over

    def update(self, state: PageHinkleyState, given: Feedback) -> PageHinkleyState:
        """Return the state after one feedback per stream."""
        active, one = bits(given, self.watch)
        core, over = self.advance_core(state.core, one.astype(np.float64))
        trace = advance(state.trace, active, one)
        if not active.all():
            core = select(active, core, state.core)
        which = np.flatnonzero(over & active)
        for array, blank in zip(core, _fresh(1), strict=True):
            array[which] = blank
        return PageHinkleyState(core, ring(trace, which))

    def alarm(self, state: PageHinkleyState) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: PageHinkleyState) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_bits(state.trace, 2)


def _fresh(streams: int) -> PageHinkleyCore:
    def full(value: float) -> NDArray[np.float64]:
        return np.full(streams, value, dtype=np.float64)

    # river starts the highest downward sum at -1, not at minus infinity.
    return PageHinkleyCore(full(0), full(0), full(0), full(0), full(np.inf), full(-1.0))
