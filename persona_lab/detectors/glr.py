"""Generalised likelihood ratio over all splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import State, observe, start
from persona_lab.detectors.stream import Direction, Watch, explain_bits, known_direction, known_watch, positive, whole
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray

LIKELY = np.float32(1e-30)


class GlrCore(NamedTuple):
    """``hits`` (window, streams): ones within the latest r + 1 events, for each row r."""

    hits: NDArray[np.float32]


@dataclass(frozen=True)
class Glr:
    """The largest likelihood ratio over all places where the rate may have changed.

    Use it as the textbook reference with no prior; within ``window`` events it looks at every split, which for
    Bernoulli data with unknown rates is what FOCuS computes by pruning (Romano et al. 2023). It needs logarithms for
    every split: the slowest here. ``BetaFactor`` is as general, quicker to react and cheaper. Statistic: exp of the
    best split's log likelihood ratio. Source: Siegmund & Venkatraman 1995; critical values given the count:
    threshold.py.

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000; its table ends at 400 events: at 1,000 the true value is from
        13 % below to 24 % above it, beyond that it was not checked.
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``, which needs an own ``table``.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    window
        Splits looked at, in events back.
    table
        Own critical values (``calibration.calibrate``) where ``window`` differs from the default.
    """

    arl0: float = 1000.0
    direction: Direction = "down"
    watch: Watch = "acceptance"
    window: int = 60
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        known_direction(self, self.direction)
        known_watch(self, self.watch)
        whole(self, "window", self.window, 1)

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return f"glr-{self.direction}-{self.window}"

    def fresh(self, streams: int) -> GlrCore:
        """Return the arrays before any event."""
        return GlrCore(np.zeros((self.window, streams), dtype=np.float32))

    def step(
        self, core: GlrCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[GlrCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event."""
        ones = one.astype(np.float32)
        recent = np.empty_like(core.hits)
        recent[0] = 0
        recent[1:] = core.hits[:-1]
        recent += ones
        n = seen.astype(np.float32) + np.float32(1)
        s = hits.astype(np.float32) + ones
        whole = _log_likelihood(s, n)
        best = np.zeros_like(n)
        # Rows longer than the oldest stream of the batch hold no split.
        for row in range(min(self.window, int(seen.max(initial=0)))):
            length = np.float32(row + 1)
            before = n - length
            possible = before >= 1
            late, early = recent[row], s - recent[row]
            gain = _log_likelihood(early, np.maximum(before, np.float32(1))) + _log_likelihood(late, length) - whole
            if self.direction == "down":
                possible &= late * before < early * length
            elif self.direction == "up":
                possible &= late * before > early * length
            best = np.maximum(best, np.where(possible, gain, np.float32(0)))
        return GlrCore(recent), np.exp(best)

    def init(self, options: int, streams: int) -> State:
        """Return the state before any feedback."""
        return start(self, options, streams)

    def update(self, state: State, given: Feedback) -> State:
        """Return the state after one feedback per stream."""
        return observe(self, state, given)

    def alarm(self, state: State) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: State) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_bits(state.trace, 2)


def _log_likelihood(hits: NDArray[np.float32], n: NDArray[np.float32] | np.float32) -> NDArray[np.float32]:
    """Return the maximised Bernoulli log likelihood."""
    misses = n - hits
    value: NDArray[np.float32] = hits * np.log(np.maximum(hits / n, LIKELY)) + misses * np.log(
        np.maximum(misses / n, LIKELY)
    )
    return value
