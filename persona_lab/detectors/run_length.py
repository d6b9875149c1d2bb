"""Alarm when a change since the latest alarm is more likely than not: for people who change again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
    known_watch,
    probability,
    ring,
    start_trace,
    whole,
)
from persona_lab.feedback import BoolArray, Feedback, fold, select


class RunLengthCore(NamedTuple):
    """Runs, newest first; the last row holds the longest alone. Each (window, streams)."""

    weight: NDArray[np.float64]
    hits: NDArray[np.float64]
    length: NDArray[np.float64]


class RunLengthState(NamedTuple):
    """The runs and the shared trace; ``since`` (streams,) counts events since the latest alarm (or the first event)."""

    core: RunLengthCore
    since: NDArray[np.int32]
    trace: Trace


@dataclass(frozen=True)
class RunLength:
    """Posterior probability that the current run began after the latest alarm.

    Use it where changes are frequent (one in tens of events) and every one of them matters: it never starts over, so
    what it learnt before an alarm helps it after. Its knob is a probability, not a promise about false alarms, and it
    needs the ``hazard``: where changes are rare, or false alarms must keep a stated pace, use ``ShiryaevRoberts``.
    Choose ``certainty`` on other people than those you report on (``studies.drift`` does, person by person). Source:
    Adams & MacKay 2007, equations 3 to 11; the alarm on P(run began after the latest alarm) is ours.

    Parameters
    ----------
    certainty
        Posterior probability that alarms, 0 to 1.
    hazard
        Assumed probability of a change an event.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    window
        Longest run told apart, in events.
    """

    certainty: float = 0.7
    hazard: float = 0.05
    watch: Watch = "acceptance"
    window: int = 80

    def __post_init__(self) -> None:
        known_watch(self, self.watch)
        for name in ("certainty", "hazard"):
            probability(self, name, getattr(self, name))
        whole(self, "window", self.window, 2)

    def init(self, options: int, streams: int) -> RunLengthState:
        """Return the state before any feedback."""
        binary(self, self.watch, options)

        def blank() -> NDArray[np.float64]:
            return np.zeros((self.window, streams))

        since = np.full(streams, -1, dtype=np.int32)
        return RunLengthState(RunLengthCore(blank(), blank(), blank()), since, start_trace(streams))

    def update(self, state: RunLengthState, given: Feedback) -> RunLengthState:
        """Return the state after one feedback per stream; the filter goes on through alarms."""
        active, one = bits(given, self.watch)
        old = state.core
        weight, hits, length = (np.empty_like(array) for array in old)
        # A run longer than the window stays in the last row; the run before it there is dropped.
        oldest = old.weight[-1] >= old.weight[-2]
        for new, previous in ((weight, old.weight), (hits, old.hits), (length, old.length)):
            new[1:] = previous[:-1]
            new[-1] = np.where(oldest, previous[-1], previous[-2])
            new[0] = 0.0
        first = state.since < 0
        weight *= 1.0 - self.hazard
        weight[0] = np.where(first, 1.0, self.hazard)
        predicted = (hits + 1.0) / (length + 2.0)
        weight *= np.where(one, predicted, 1.0 - predicted)
        weight /= fold(weight)
        hits[:] += one
        length += 1.0
        since = state.since + np.int32(1)
        # By length and not by row: the last row holds runs longer than the window, and those began before the alarm.
        changed = fold(np.where(length <= since, weight, 0.0))
        over = active & (changed > self.certainty)
        trace = ring(advance(state.trace, active, one), np.flatnonzero(over))
        since = np.where(over, np.int32(0), since)
        core = RunLengthCore(weight, hits, length)
        if not active.all():
            core, since = select(active, core, old), np.where(active, since, state.since)
        return RunLengthState(core, since, trace)

    def alarm(self, state: RunLengthState) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: RunLengthState) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_bits(state.trace, 2)
