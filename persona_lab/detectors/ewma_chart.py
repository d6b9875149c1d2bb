"""The EWMA control chart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import State, observe, start
from persona_lab.detectors.stream import (
    Direction,
    Watch,
    explain_bits,
    known_direction,
    known_watch,
    positive,
    probability,
)
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray


class EwmaCore(NamedTuple):
    """``level`` (streams,): exponentially weighted mean of the deviations from the running rate."""

    level: NDArray[np.float32]
    spread: NDArray[np.float32]


@dataclass(frozen=True)
class EwmaChart:
    """An exponentially weighted mean of recent deviations, standardised.

    Use it for slow, small drifts and where everybody already knows EWMA charts; for abrupt changes ``ShiryaevRoberts``
    is quicker. E <- (1 - rate) E + rate (x - p), p the running rate before the event; the statistic is exp of E over
    its standard deviation. Source: Roberts 1959; critical values given the count: threshold.py.

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000; the true value is from 4 % below to 14 % above it at base
        rates .5, .85 and .98.
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``, which at a base rate of .98 rings after .7 of a stated 1,000
        events.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    rate
        Weight of the newest event, 0 to 1.
    table
        Own critical values (``calibration.calibrate``) where ``rate`` differs from the default.
    """

    arl0: float = 1000.0
    direction: Direction = "down"
    watch: Watch = "acceptance"
    rate: float = 0.1
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        known_direction(self, self.direction)
        known_watch(self, self.watch)
        probability(self, "rate", self.rate)

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return f"ewma-{self.direction}-{self.rate:g}"

    def fresh(self, streams: int) -> EwmaCore:
        """Return the arrays before any event."""
        return EwmaCore(np.zeros(streams, dtype=np.float32), np.zeros(streams, dtype=np.float32))

    def step(
        self, core: EwmaCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[EwmaCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event."""
        rate = (hits.astype(np.float32) + np.float32(1)) / (seen.astype(np.float32) + np.float32(2))
        keep, weight = np.float32(1 - self.rate), np.float32(self.rate)
        level = keep * core.level + weight * (one - rate)
        spread = keep * keep * core.spread + weight * weight * (rate * (np.float32(1) - rate))
        score = level / np.sqrt(spread)
        signed = {"down": -score, "up": score, "both": np.abs(score)}[self.direction]
        return EwmaCore(level, spread), np.exp(signed)

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
