"""Bayesian online change-point detection for bits."""

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
    whole,
)
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold


class RunCore(NamedTuple):
    """``weight`` (window + 1, streams): run length r + 1 in row r, relative to no change yet; the last row longer runs.

    ``hits`` (window + 1, streams): ones within the run.
    """

    weight: NDArray[np.float32]
    hits: NDArray[np.float32]


@dataclass(frozen=True)
class Bocpd:
    """Posterior odds that the current run began after the start, any number of changes allowed.

    Use it where changes come again and again within one history and the run length itself is of interest; for one
    change ``ShiryaevRoberts`` is quicker and far cheaper. Runs begin at ``hazard`` an event and have Beta(1, 1) rates;
    runs longer than ``window`` are dropped. The statistic is P(a change has come) / P(none has). Source: Adams & MacKay
    2007, equations 3 to 11; critical values given the count: threshold.py.

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000; its table ends at 400 events: at 200 and 1,000 the true value
        is within 12 % of it, beyond that it was not checked.
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``, which needs an own ``table``.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    hazard
        Assumed probability of a change an event.
    window
        Longest run kept, in events.
    table
        Own critical values (``calibration.calibrate``) where knobs differ from the default.
    """

    arl0: float = 1000.0
    direction: Direction = "down"
    watch: Watch = "acceptance"
    hazard: float = 0.01
    window: int = 60
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        known_direction(self, self.direction)
        known_watch(self, self.watch)
        probability(self, "hazard", self.hazard)
        whole(self, "window", self.window, 1)

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return f"bocpd-{self.direction}-{self.hazard:g}-{self.window}"

    def fresh(self, streams: int) -> RunCore:
        """Return the arrays before any event."""
        shape = (self.window, streams)
        return RunCore(np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32))

    def step(
        self, core: RunCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[RunCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event.

        Everything is kept relative to the weight of "no change yet", which the common factor 1 - hazard leaves alone.
        """
        ones = one.astype(np.float32)
        alpha, beta = {"down": (1.0, 2.0), "up": (2.0, 1.0), "both": (1.0, 1.0)}[self.direction]
        overall = (hits.astype(np.float32) + np.float32(1)) / (seen.astype(np.float32) + np.float32(2))
        scale = np.float32(1) / np.where(one, overall, np.float32(1) - overall)
        odds = np.float32(self.hazard / (1.0 - self.hazard))
        weight = np.empty_like(core.weight)
        weight[0] = odds * (np.float32(1) + fold(core.weight)) * (seen > 0)
        weight[1:] = core.weight[:-1]
        count = np.empty_like(core.hits)
        count[0] = 0
        count[1:] = core.hits[:-1]
        length = np.arange(self.window, dtype=np.float32)[:, np.newaxis]
        predicted = (count + np.float32(alpha)) / (length + np.float32(alpha + beta))
        weight *= np.where(one, predicted, np.float32(1) - predicted) * scale
        np.minimum(weight, np.float32(1e30), out=weight)
        return RunCore(weight, count + ones), fold(weight)

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
