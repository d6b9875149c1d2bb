"""Beta-Bernoulli Bayes factor summed over splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import State, observe, start
from persona_lab.detectors.stream import Direction, Watch, explain_bits, known_direction, known_watch, positive, whole
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold


class FactorCore(NamedTuple):
    """Per split (row r: the change came r + 1 events ago): Bayes factor and ones since, (window, streams)."""

    factor: NDArray[np.float32]
    hits: NDArray[np.float32]


@dataclass(frozen=True)
class BetaFactor:
    """Bayes factor of "one change" against "no change", summed over where the change may have come.

    Use it where the size of change is unknown and cost is no matter (window times dearer than ``ShiryaevRoberts``).
    Rates have Beta priors: uniform before and overall, ``after`` since the change. Each split's factor grows by the
    ratio of the two predictive probabilities, so an event costs one multiplication a split. Changes longer ago than
    ``window`` are forgotten. Source: Barry & Hartigan 1993 (product partition models); critical values given the count:
    threshold.py.

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000; its table ends at 400 events: at 200 and 1,000 the true value
        is within 11 % of it, beyond that it was not checked.
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
        return f"beta-factor-{self.direction}-{self.window}"

    @property
    def after(self) -> tuple[float, float]:
        """Beta prior of the rate since the change: leaning to the direction looked for."""
        return {"down": (1.0, 2.0), "up": (2.0, 1.0), "both": (1.0, 1.0)}[self.direction]

    def fresh(self, streams: int) -> FactorCore:
        """Return the arrays before any event."""
        shape = (self.window, streams)
        return FactorCore(np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32))

    def step(
        self, core: FactorCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[FactorCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event."""
        ones = one.astype(np.float32)
        alpha, beta = (np.float32(value) for value in self.after)
        overall = (hits.astype(np.float32) + np.float32(1)) / (seen.astype(np.float32) + np.float32(2))
        scale = np.float32(1) / np.where(one, overall, np.float32(1) - overall)
        sign = ones + ones - np.float32(1)
        offset = np.float32(1) - ones
        length = np.arange(self.window, dtype=np.float32)[:, np.newaxis]
        count = np.empty_like(core.hits)
        count[0] = 0
        count[1:] = core.hits[:-1]
        predicted = (count + alpha) / (length + (alpha + beta))
        factor = np.empty_like(core.factor)
        factor[0] = 1
        factor[1:] = core.factor[:-1]
        factor *= (offset + sign * predicted) * scale
        count += ones
        return FactorCore(factor, count), fold(factor)

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
