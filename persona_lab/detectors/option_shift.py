"""Has the favourite of K options changed? Shiryaev-Roberts over who the new favourite is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.choices import ChoiceState, explain_choices, observe_choices, start_choices
from persona_lab.detectors.stream import positive, sizes
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold

CEILING = np.float32(1e30)


class ShiftCore(NamedTuple):
    """``ratio`` (strengths x options, streams): for each strength and new favourite, the sum over change points."""

    ratio: NDArray[np.float32]


@dataclass(frozen=True)
class OptionShift:
    """Sum over change points and new favourites of the likelihood ratio, shares before the change learnt.

    Use it as the default where answers name one of K options and a change means a new favourite. After the change the
    new favourite has share ``strength``, the others split the rest; before it every option has its running share, so R
    <- (1 + R) L per (strength, favourite), weighted by the option's share among the rivals of the present favourite.
    Works on options by identity: permuting them changes nothing. Fails on changes that leave the favourite alone (use
    ``DirichletFactor``), on a burst within one session, and on people who choose the same 97 times in 100: every rare
    choice looks like news, and they have about four false alarms per 1,000 events where all others have 1.0 to 1.2
    (``chooser_false_alarms`` in the record of the drift study). Source: Pollak 1987 (mixture Shiryaev-Roberts);
    critical values given the favourite's share and who else is in play: threshold.py.

    Parameters
    ----------
    arl0
        Mean events between false alarms, 20 to 5000.
    strengths
        Shares that a new favourite may have.
    table
        Own critical values for other strengths, or for more than the 2, 3 or 4 options whose tables ship:
        ``calibration.calibrate(ForOptions(detector, K))``. They hold the less well, the more options are hardly ever
        chosen: make those one option, "other", where the pace of false alarms matters.
    """

    arl0: float = 1000.0
    strengths: tuple[float, ...] = (0.6, 0.8)
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        sizes(self, "strengths", self.strengths, most=1)

    def name_for(self, options: int) -> str:
        """Key of the threshold table for this many options."""
        return f"option-shift-{options}-" + "-".join(f"{value:g}" for value in self.strengths)

    def fresh_for(self, options: int, streams: int) -> ShiftCore:
        """Return the arrays before any event."""
        return ShiftCore(np.zeros((len(self.strengths) * options, streams), dtype=np.float32))

    def step(
        self, core: ShiftCore, chosen: IntArray, seen: IntArray, counts: IntArray
    ) -> tuple[ShiftCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after a choice."""
        options = counts.shape[0]
        share = (counts.astype(np.float32) + np.float32(0.5)) / (seen + np.float32(0.5 * options)).astype(np.float32)
        of_chosen = fold(np.where(chosen == np.arange(options)[:, np.newaxis], share, np.float32(0)))
        scale = np.float32(1) / of_chosen
        # A rival's weight is its share among the rivals: the weights of any person add up to one, so that people with
        # one live rival and people with three raise false alarms at the same pace.
        top = share.max(axis=0)
        rival = np.where(share < top, share, np.float32(0))
        weight = rival / np.maximum(fold(rival), np.float32(1e-9))
        ratio = np.empty_like(core.ratio)
        evidence = np.zeros_like(scale)
        for i, strength in enumerate(self.strengths):
            other = np.float32((1.0 - strength) / (options - 1))
            for option in range(options):
                row = i * options + option
                likelihood = np.where(chosen == option, np.float32(strength), other) * scale
                ratio[row] = (np.float32(1) + core.ratio[row]) * likelihood
                evidence += ratio[row] * weight[option]
        np.minimum(ratio, CEILING, out=ratio)
        return ShiftCore(ratio), np.minimum(evidence, CEILING)

    def init(self, options: int, streams: int) -> ChoiceState:
        """Return the state before any feedback."""
        return start_choices(self, options, streams)

    def update(self, state: ChoiceState, given: Feedback) -> ChoiceState:
        """Return the state after one feedback per stream."""
        return observe_choices(self, state, given)

    def alarm(self, state: ChoiceState) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: ChoiceState) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_choices(state.trace)
