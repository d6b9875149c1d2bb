"""Bayesian online change-point detection for K options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.choices import ChoiceState, explain_choices, observe_choices, start_choices
from persona_lab.detectors.dirichlet_factor import split_predictions
from persona_lab.detectors.stream import positive, probability, whole
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold


class CategoricalRunCore(NamedTuple):
    """``weight`` (window, streams): run length r + 1 in row r, relative to no change yet; ``since`` its choices."""

    weight: NDArray[np.float32]
    since: NDArray[np.float32]


@dataclass(frozen=True)
class CategoricalBocpd:
    """Posterior odds that the current run of choices began after the start, any number of changes allowed.

    Use it where tastes change again and again within one history; ``OptionShift`` is quicker for one change. Runs begin
    at ``hazard`` an event, shares have Dirichlet(``prior``) priors, runs longer than ``window`` are dropped. Source:
    Adams & MacKay 2007; critical values given who is in play: threshold.py.

    Parameters
    ----------
    arl0
        Mean events between false alarms, 20 to 5000.
    hazard
        Assumed probability of a change an event.
    window
        Longest run kept, in events.
    prior
        Pseudo-count of every option.
    table
        Own critical values for other knobs, or for another number of options than the 4 whose table ships:
        ``calibration.calibrate(ForOptions(detector, K))``.
    """

    arl0: float = 1000.0
    hazard: float = 0.01
    window: int = 40
    prior: float = 0.5
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        positive(self, "prior", self.prior)
        probability(self, "hazard", self.hazard)
        whole(self, "window", self.window, 1)

    def name_for(self, options: int) -> str:
        """Key of the threshold table for this many options."""
        return f"categorical-bocpd-{options}-{self.hazard:g}-{self.window}-{self.prior:g}"

    def fresh_for(self, options: int, streams: int) -> CategoricalRunCore:
        """Return the arrays before any event."""
        return CategoricalRunCore(
            np.zeros((self.window, streams), dtype=np.float32),
            np.zeros((self.window, options, streams), dtype=np.float32),
        )

    def step(
        self, core: CategoricalRunCore, chosen: IntArray, seen: IntArray, counts: IntArray
    ) -> tuple[CategoricalRunCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after a choice."""
        predicted, since, overall = split_predictions(core.since, chosen, seen, counts, self.prior)
        weight = np.empty_like(core.weight)
        odds = np.float32(self.hazard / (1.0 - self.hazard))
        weight[0] = odds * (np.float32(1) + fold(core.weight)) * (seen > 0)
        weight[1:] = core.weight[:-1]
        weight *= predicted / overall
        np.minimum(weight, np.float32(1e30), out=weight)
        return CategoricalRunCore(weight, since), fold(weight)

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
