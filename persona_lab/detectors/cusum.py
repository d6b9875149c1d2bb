"""CUSUM with a learnt base rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import State, observe, start
from persona_lab.detectors.stream import Direction, Watch, explain_bits, known_direction, known_watch, positive
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray

CEILING = np.float32(1e30)


class CusumCore(NamedTuple):
    """``likelihood`` (sides, streams): likelihood ratio of the best change point so far, at least 1 before an event."""

    likelihood: NDArray[np.float32]


@dataclass(frozen=True)
class Cusum:
    """The best change point's likelihood ratio, the rate before the change learnt from the stream.

    Use it where one size of change is expected; ``ShiryaevRoberts`` mixes several sizes and is the safer default. In
    logs: C <- max(0, C) + log L, L the likelihood ratio of an odds shift exp(-shift) away from the running rate (s + 1)
    / (n + 2). Fails on a burst of rejects in one session (``ExceptionAware``) and on changes far smaller than
    ``shift``. Source: Page 1954; Moustakides 1986 (optimal where both rates are known); critical values given the
    count: threshold.py.

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000; the true value is from 4 % below to 13 % above it at base
        rates .5, .85 and .98.
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    shift
        Size of change to look for, in log-odds.
    table
        Own critical values (``calibration.calibrate``) where ``shift`` differs from the default.
    """

    arl0: float = 1000.0
    direction: Direction = "down"
    watch: Watch = "acceptance"
    shift: float = 2.0
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        known_direction(self, self.direction)
        known_watch(self, self.watch)
        positive(self, "shift", self.shift)

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return f"cusum-{self.direction}-{self.shift:g}"

    def fresh(self, streams: int) -> CusumCore:
        """Return the arrays before any event."""
        return CusumCore(np.ones((2 if self.direction == "both" else 1, streams), dtype=np.float32))

    def step(
        self, core: CusumCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[CusumCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event."""
        rate = (hits.astype(np.float32) + np.float32(1)) / (seen.astype(np.float32) + np.float32(2))
        likelihood = np.empty_like(core.likelihood)
        signs = {"down": (-1.0,), "up": (1.0,), "both": (-1.0, 1.0)}[self.direction]
        for row, sign in enumerate(signs):
            factor = np.float32(np.exp(sign * self.shift))
            divisor = np.float32(1) + (factor - np.float32(1)) * rate
            # np.where on a boolean costs five times a multiplication: 1 + (factor - 1) * one is the same number.
            numerator = np.float32(1) + (factor - np.float32(1)) * one
            likelihood[row] = np.maximum(core.likelihood[row], np.float32(1)) * (numerator / divisor)
        np.minimum(likelihood, CEILING, out=likelihood)
        statistic = likelihood[0].copy() if len(signs) == 1 else np.maximum(likelihood[0], likelihood[1])
        return CusumCore(likelihood), statistic

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
