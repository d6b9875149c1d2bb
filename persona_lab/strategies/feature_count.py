"""Counting features: the simplest thing that learns from answers about whole items, and the control of the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, fold, one_hot
from persona_lab.strategies.attributes import NO_STREAM, Offer
from persona_lab.strategies.evidence import pointed_at, require


class FeatureCounts(NamedTuple):
    """State, all (streams,): answers for and against each feature, and when it was last heard of."""

    wanted: FloatArray
    refused: FloatArray
    touched: FloatArray


@dataclass(frozen=True, slots=True)
class FeatureCount:
    """Count how often a feature was in what was wanted; an item is as good as its worst feature.

    Use it as the control beside :class:`~persona_lab.strategies.attributes.AttributeRule`. It fails where an item is
    refused for one feature only: all of its features are blamed.

    Parameters
    ----------
    prior
        Answers for, and as many against, that every feature starts with, > 0.
    threshold
        None of the items is expected to be wanted where the best one's worst feature has a rate below this, in (0, 1).
    blame
        How much a feature of an item that was passed over for another counts as refused, in [0, 1].
    keep
        Share of the evidence that is left after one unit of time, in (0, 1]; 1 never forgets.
    """

    prior: float = 1.0
    threshold: float = 0.4
    blame: float = 0.0
    keep: float = 1.0

    def __post_init__(self) -> None:
        require(self, "prior", lambda value: 0.0 < value < np.inf, "a number of answers > 0")
        require(self, "threshold", lambda value: 0.0 < value < 1.0, "a rate in (0, 1)")
        require(self, "blame", lambda value: 0.0 <= value <= 1.0, "a weight in [0, 1]")
        require(self, "keep", lambda value: 0.0 < value <= 1.0, "a share in (0, 1]")

    def init(self, streams: int) -> FeatureCounts:
        """Return the state before any answer about any of ``streams`` features."""
        return FeatureCounts(np.zeros(streams), np.zeros(streams), np.zeros(streams))

    def predict(self, state: FeatureCounts, offer: Offer, at: FloatArray) -> FloatArray:
        """Return (items + 1, people) scores that sum to 1, the last row "none of them"; see ``AttributeRule.predict``.

        The likeliest answer is meant; the scores are no calibrated probabilities.
        """
        stream = np.where(offer.stream == NO_STREAM, 0, offer.stream)
        kept = self.keep ** (at - state.touched[stream])
        wanted, refused = state.wanted[stream] * kept + self.prior, state.refused[stream] * kept + self.prior
        rate = wanted / (wanted + refused)
        people = np.arange(stream.shape[1])
        worst = [rate[item, people].min(axis=0) for item in offer.slot]
        scores: FloatArray = np.stack([*worst, np.full(len(people), self.threshold)])
        scores /= fold(scores)
        return scores

    def update(self, state: FeatureCounts, offer: Offer, at: FloatArray, given: Feedback) -> FeatureCounts:
        """Return the state after one answer per person; the options of ``given`` are the items, then "none"."""
        items = len(offer.slot)
        about = one_hot(pointed_at(given), items + 1)
        heard = (given.kind != Kind.SILENT) & (given.confidence > 0.0)
        chosen = about & heard & (given.kind != Kind.DECLINED)
        declined = about & heard & (given.kind == Kind.DECLINED)
        has = _has(offer)
        good = (chosen[:-1, np.newaxis] & has).any(axis=0)
        passed_over = chosen[:-1].any(axis=0) & ~good & has.any(axis=0)
        bad = ((declined[:-1] | chosen[-1])[:, np.newaxis] & has).any(axis=0)
        weight = np.where(heard, given.confidence, 0.0)
        known = (offer.stream != NO_STREAM) & (pointed_at(given) != NO_OPTION) & heard
        stream = offer.stream[known]
        now = np.broadcast_to(at, known.shape)[known]
        kept = self.keep ** (now - state.touched[stream])
        wanted, refused, touched = state.wanted.copy(), state.refused.copy(), state.touched.copy()
        wanted[stream] = wanted[stream] * kept + (good * weight)[known]
        refused[stream] = refused[stream] * kept + ((bad + self.blame * passed_over) * weight)[known]
        touched[stream] = now
        return FeatureCounts(wanted, refused, touched)


def _has(offer: Offer) -> BoolArray:
    """Return (items, slots, people) booleans: does the item have this of the choice's distinct features."""
    slots = np.arange(len(offer.stream))[:, np.newaxis, np.newaxis]
    return np.stack([(item == slots).any(axis=1) for item in offer.slot])
