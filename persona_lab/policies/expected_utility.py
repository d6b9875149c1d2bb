"""Expected utility from a discounted Beta belief: myopic, with optimism, or with Thompson sampling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Costs
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray, IntArray, Kind
from persona_lab.policies.utilities import choose_move

Explore = Literal["mean", "quantile", "thompson"]


class Counts(NamedTuple):
    """Discounted counts of accepted and declined moves, (streams,)."""

    accepted: FloatArray
    declined: FloatArray


@dataclass(frozen=True, slots=True)
class DiscountedBeta:
    """Maximise expected utility under Beta(prior + discounted counts) (Horvitz 1999).

    Use it as the simple rule to ship if you must: three knobs, told nothing about the person or the world. It fails
    where tolerance drifts slowly and harm is dear: one discount cannot be both patient and quick. With
    ``explore="mean"`` (myopic) it is absorbed by silence: below s/b it never asks again until the discount has washed
    the evidence out. The sibling to use instead is :class:`~persona_lab.policies.adaptive.AdaptiveBayes`.

    Parameters
    ----------
    discount
        Weight of the past per *opportunity*, 0 to 1, whether or not anything was answered, so that silence makes it
        forget too; .97 remembers about 33 opportunities.
    prior_accepted, prior_declined
        Pseudo-counts of the Beta prior; they are not discounted.
    explore
        What decides between suggesting and silence: the ``"mean"``, the upper ``"quantile"``, or a ``"thompson"`` draw
        (both by the normal approximation of the Beta, clipped to [0, 1]).
    quantile_z
        Standard normal quantile of the optimism; 1.28 is 90 %.

    Raises
    ------
    ConfigurationError
        If a knob lies outside its range.
    """

    discount: float = 0.97
    prior_accepted: float = 1.0
    prior_declined: float = 1.0
    explore: Explore = "mean"
    quantile_z: float = 1.2815515655446004

    def __post_init__(self) -> None:
        if not 0.0 < self.discount <= 1.0:
            raise ConfigurationError("DiscountedBeta", "discount", self.discount, "0 < discount <= 1")
        for name in ("prior_accepted", "prior_declined"):
            if not getattr(self, name) > 0:
                raise ConfigurationError("DiscountedBeta", name, getattr(self, name), "a positive pseudo-count")
        if self.explore not in ("mean", "quantile", "thompson"):
            raise ConfigurationError("DiscountedBeta", "explore", self.explore, "mean, quantile or thompson")

    def init(self, streams: int) -> Counts:
        """Return the state before any answer."""
        return Counts(np.zeros(streams), np.zeros(streams))

    def acceptance(self, state: Counts, luck: FloatArray) -> Acceptance:
        """Return mean, exploration value and evidence of the Beta belief."""
        yes = state.accepted + self.prior_accepted
        total = yes + state.declined + self.prior_declined
        mean = yes / total
        evidence = state.accepted + state.declined
        if self.explore == "mean":
            return Acceptance(mean, mean, evidence)
        deviation = np.sqrt(mean * (1.0 - mean) / (total + 1.0))
        z = self.quantile_z if self.explore == "quantile" else normal_quantile(luck)
        return Acceptance(mean, np.clip(mean + z * deviation, 0.0, 1.0), evidence)

    def decide(self, state: Counts, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move of highest worth, the suggest threshold tested on the exploration value."""
        belief = self.acceptance(state, luck)
        return choose_move(belief.mean, belief.optimistic, costs)

    def update(self, state: Counts, move: IntArray, kind: IntArray) -> Counts:
        """Fade the counts by one opportunity and add the answer, if any."""
        declined = (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        return Counts(
            self.discount * state.accepted + (kind == Kind.ACCEPTED), self.discount * state.declined + declined
        )


def normal_quantile(probability: FloatArray) -> FloatArray:
    """Return the standard normal quantile to 4.5e-4 (Abramowitz & Stegun 1964, 26.2.23)."""
    tail = np.clip(np.minimum(probability, 1.0 - probability), 1e-12, 0.5)
    t = np.sqrt(-2.0 * np.log(tail))
    top = 2.515517 + t * (0.802853 + t * 0.010328)
    bottom = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))
    upper = t - top / bottom
    quantile: FloatArray = np.where(probability < 0.5, -upper, upper)
    return quantile
