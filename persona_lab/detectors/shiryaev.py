"""Shiryaev-Roberts statistic with a learnt base rate: the family's fast all-rounder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import State, observe, start
from persona_lab.detectors.stream import Direction, Watch, explain_bits, known_direction, known_watch, positive, sizes
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold

PRIOR, PRIOR_BOTH = 2.0, 0.5
"""The running rate starts at Beta(2, 2), alike for a fall and a rise. A prior that leans (8 to 2 for a fall) finds
early falls sooner, but a person who starts far from it looks changed at once, and then the rate learns nothing more.
Where both directions are looked at, Beta(2, 2) itself is far from whoever accepts nearly always: running at .9 after 16
accepts, they seemed to rise to their own .98. Jeffreys' Beta(.5, .5) leaves them alone; one-sided, it costs delay."""

CEILING = np.float32(1e30)
"""Statistics are capped here; a critical value is never near it."""

PRIOR_EVENTS, PER_EVENT = 100.0, 10.0
"""The running rate learns from event n in the proportion O / (O + R), O = 100 + 10 n: the probability that nothing has
changed yet if one change is expected in O events. After 30 answers, ten more would else pull the rate a third of the
way to the new one, and who is not caught at once never is. Chosen on training people."""


class ShiryaevCore(NamedTuple):
    """``ratio`` (shifts, streams): for each shift, the sum over change points of the likelihood ratio.

    ``learnt`` and ``ones`` (streams,): events and ones that the running rate rests on.
    """

    ratio: NDArray[np.float32]
    learnt: NDArray[np.float32]
    ones: NDArray[np.float32]


@dataclass(frozen=True)
class ShiryaevRoberts:
    """Sum over all change points of the likelihood ratio, the rate before the change learnt from the stream.

    Use it as the default for accept/reject streams: it holds its false-alarm promise for every base rate, its delay is
    close to that of a CUSUM told both rates, one setting serves short histories and long ones, and it costs a few array
    operations an event. R <- (1 + R) L per shift, with L the likelihood ratio of an odds shift exp(-shift) away from
    the running rate (s + 2) / (n + 4), in which an event counts the less, the likelier a change is by then; the mean
    over shifts alarms. Fails, like all of its kind, on a burst of rejects on one bad day: use ``ExceptionAware`` where
    streams have sessions. In a stream's first 30 events it hardly ever rings, whatever they hold. Source: Shiryaev
    1963; Roberts 1966; Pollak 1987 (mixtures); critical values given the count: threshold.py.

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000; for falls, and looking both ways, the true value is within 6 %
        of 200, 1,000 and 5,000 at base rates .5 to .98 (``stated_arl0`` in the record of the drift study); for rises,
        the mirror image of falls, at .02 to .5: of people who accept 98 % of the time hardly any ever rings for a rise.
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``, which finds either about two events later.
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
        sizes(self, "shifts", self.shifts)

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return f"shiryaev-{self.direction}-" + "-".join(f"{shift:g}" for shift in self.shifts)

    def fresh(self, streams: int) -> ShiryaevCore:
        """Return the arrays before any event."""
        sides = 2 if self.direction == "both" else 1
        blank = np.zeros(streams, dtype=np.float32)
        return ShiryaevCore(np.zeros((sides * len(self.shifts), streams), dtype=np.float32), blank, blank.copy())

    def step(
        self, core: ShiryaevCore, one: BoolArray, seen: IntArray, hits: IntArray
    ) -> tuple[ShiryaevCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event."""
        signs = {"down": (-1.0,), "up": (1.0,), "both": (-1.0, 1.0)}[self.direction]
        factors = [np.float32(np.exp(sign * shift)) for sign in signs for shift in self.shifts]
        outcome = one.astype(np.float32)
        prior = PRIOR_BOTH if self.direction == "both" else PRIOR
        events = core.learnt + np.float32(2 * prior)
        favoured = core.ones + np.float32(prior)
        ratio = core.ratio + np.float32(1)
        for row, factor in enumerate(factors):
            # Odds times `factor`: the likelihood ratio of a one is factor / d and of a zero 1 / d, d = 1 - p + factor
            # p. Both fractions are multiplied by `events`: one division instead of two.
            gain = factor - np.float32(1)
            numerator = (outcome * gain + np.float32(1)) * events
            ratio[row] *= numerator / (favoured * gain + events)
        np.minimum(ratio, CEILING, out=ratio)
        statistic = fold(ratio) * np.float32(1 / len(factors))
        odds = seen.astype(np.float32) * np.float32(PER_EVENT) + np.float32(PRIOR_EVENTS + PER_EVENT)
        weight: NDArray[np.float32] = np.divide(odds, odds + statistic)
        return ShiryaevCore(ratio, core.learnt + weight, core.ones + weight * outcome), statistic

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
