"""Dirichlet-categorical Bayes factor summed over splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.choices import ChoiceState, explain_choices, observe_choices, start_choices
from persona_lab.detectors.stream import positive, whole
from persona_lab.detectors.threshold import ThresholdTable
from persona_lab.feedback import BoolArray, Feedback, IntArray, fold


class DirichletCore(NamedTuple):
    """Per split (row r: the change came r + 1 events ago): Bayes factor (window, streams) and choices since.

    ``since`` is (window, options, streams).
    """

    factor: NDArray[np.float32]
    since: NDArray[np.float32]


@dataclass(frozen=True)
class DirichletFactor:
    """Bayes factor of "the shares of K options changed once" against "never", summed over splits.

    Use it where any change of shares matters, not just a new favourite; ``OptionShift`` is quicker on those and far
    cheaper. Shares have Dirichlet(``prior``) priors before, after and overall. Changes longer ago than ``window`` are
    forgotten. Source: Barry & Hartigan 1993; critical values given who is in play: threshold.py.

    Parameters
    ----------
    arl0
        Mean events between false alarms, 20 to 5000.
    window
        Splits looked at, in events back.
    prior
        Pseudo-count of every option.
    table
        Own critical values for other knobs, or for another number of options than the 4 whose table ships:
        ``calibration.calibrate(ForOptions(detector, K))``.
    """

    arl0: float = 1000.0
    window: int = 40
    prior: float = 0.5
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        positive(self, "arl0", self.arl0)
        positive(self, "prior", self.prior)
        whole(self, "window", self.window, 1)

    def name_for(self, options: int) -> str:
        """Key of the threshold table for this many options."""
        return f"dirichlet-factor-{options}-{self.window}-{self.prior:g}"

    def fresh_for(self, options: int, streams: int) -> DirichletCore:
        """Return the arrays before any event."""
        return DirichletCore(
            np.zeros((self.window, streams), dtype=np.float32),
            np.zeros((self.window, options, streams), dtype=np.float32),
        )

    def step(
        self, core: DirichletCore, chosen: IntArray, seen: IntArray, counts: IntArray
    ) -> tuple[DirichletCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after a choice."""
        predicted, since, overall = split_predictions(core.since, chosen, seen, counts, self.prior)
        factor = np.empty_like(core.factor)
        factor[0] = 1
        factor[1:] = core.factor[:-1]
        factor *= predicted / overall
        np.minimum(factor, np.float32(1e30), out=factor)
        return DirichletCore(factor, since), fold(factor)

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


def split_predictions(
    since: NDArray[np.float32],
    chosen: IntArray,
    seen: IntArray,
    counts: IntArray,
    prior: float,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Return by split the probability of the choice and the counts after it, and its overall probability."""
    options = counts.shape[0]
    moved = np.empty_like(since)
    moved[0] = 0
    moved[1:] = since[:-1]
    hot = (chosen == np.arange(options, dtype=np.int8)[:, np.newaxis]).astype(np.float32)
    length = np.arange(since.shape[0], dtype=np.float32)[:, np.newaxis]
    picked = moved[:, 0] * hot[0]
    for option in range(1, options):
        picked += moved[:, option] * hot[option]
    predicted = (picked + np.float32(prior)) / (length + np.float32(prior * options))
    whole = fold(counts.astype(np.float32) * hot)
    overall: NDArray[np.float32] = (whole + np.float32(prior)) / (seen + prior * options).astype(np.float32)
    moved += hot
    return predicted, moved, overall
