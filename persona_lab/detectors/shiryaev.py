"""Shiryaev-Roberts statistic with a learnt base rate: the family's fast all-rounder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import State, check_table, observe, start
from persona_lab.detectors.stream import Direction, Watch, explain_bits, known_direction, known_watch, positive
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold

LEAN, AGAINST = 8.0, 2.0
"""The running rate starts at Beta(8, 2) when a fall is looked for, Beta(2, 8) for a rise: what falls was high. Critical
values are conditional on the counts, so this shapes power only, never the rate of false alarms."""

CEILING = np.float32(1e30)
"""Statistics are capped here; a critical value is never near it."""


class ShiryaevCore(NamedTuple):
    """``ratio`` (shifts, streams): for each shift, the sum over change points of the likelihood ratio."""

    ratio: NDArray[np.float32]


@dataclass(frozen=True)
class ShiryaevRoberts:
    """Sum over all change points of the likelihood ratio, the rate before the change learnt from the stream.

    Use it as the default for accept/reject streams: it holds its false-alarm promise for every base rate, its delay is
    close to that of a CUSUM told both rates, and it costs a few array operations an event. R <- (1 + R) L per shift,
    with L the likelihood ratio of an odds shift exp(-shift) away from the running rate (s + 8) / (n + 10); the mean
    over shifts alarms. Fails, like all of its kind, on a burst of rejects on one bad day: use ``ExceptionAware`` where
    streams have sessions; and the running rate is diluted by the new behaviour when the change comes within the first
    tens of events. Source: Shiryaev 1963; Roberts 1966; Pollak 1987 (mixtures); critical values given the count:
    threshold.py.

    Parameters
    ----------
    arl0
        Mean events between false alarms, 20 to 5000.
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    shifts
        Sizes of change to look for, in log-odds.
    table
        Own critical values (``calibration.calibrate``) where ``shifts`` differ from the default.
    """

    arl0: float = 1000.0
    direction: Direction = "down"
    watch: Watch = "acceptance"
    shifts: tuple[float, ...] = (1.5, 2.5)
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        known_direction(self, self.direction)
        known_watch(self, self.watch)
        if not self.shifts or min(self.shifts) <= 0:
            raise ConfigurationError("ShiryaevRoberts", "shifts", self.shifts, "log-odds above 0, at least one")

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return f"shiryaev-{self.direction}-" + "-".join(f"{shift:g}" for shift in self.shifts)

    def fresh(self, streams: int) -> ShiryaevCore:
        """Return the arrays before any event."""
        sides = 2 if self.direction == "both" else 1
        return ShiryaevCore(np.zeros((sides * len(self.shifts), streams), dtype=np.float32))

    def step(
        self, core: ShiryaevCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[ShiryaevCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event."""
        signs = {"down": (-1.0,), "up": (1.0,), "both": (-1.0, 1.0)}[self.direction]
        factors = [np.float32(np.exp(sign * shift)) for sign in signs for shift in self.shifts]
        events = seen.astype(np.float32) + np.float32(LEAN + AGAINST)
        ratio = np.empty_like(core.ratio)
        for row, factor in enumerate(factors):
            rate = (hits + np.float32(LEAN if factor < 1 else AGAINST)) / events
            # Odds times `factor`: the likelihood ratio of a one is factor / d and of a zero 1 / d, d = 1 - p + factor
            # p.
            divisor = np.float32(1) + (factor - np.float32(1)) * rate
            numerator = np.float32(1) + (factor - np.float32(1)) * one
            ratio[row] = (np.float32(1) + core.ratio[row]) * (numerator / divisor)
        np.minimum(ratio, CEILING, out=ratio)
        return ShiryaevCore(ratio), fold(ratio) * np.float32(1 / len(factors))

    def init(self, options: int, streams: int) -> State:
        """Return the state before any feedback."""
        check_table(self)
        return start(self, streams)

    def update(self, state: State, given: Feedback) -> State:
        """Return the state after one feedback per stream."""
        return observe(self, state, given)

    def alarm(self, state: State) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: State) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_bits(state.trace, 2)
