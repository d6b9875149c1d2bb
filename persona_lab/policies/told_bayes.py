"""Bayes told the world's hazard and prior: the reference that no shipped policy can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Costs
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray, IntArray, Kind, fold
from persona_lab.policies.expected_utility import Explore
from persona_lab.policies.utilities import choose_move


class Levels(NamedTuple):
    """Belief over tolerance levels (levels, streams) and the discounted count of answers behind it (streams,)."""

    weight: FloatArray
    answers: FloatArray


@dataclass(frozen=True, slots=True)
class ToldBayes:
    """Exact filter over tolerance levels, told how people differ and how often they change.

    Use it as a yardstick: it knows ``hazard`` and the prior. With ``explore="mean"`` it is Horvitz's myopic rule, which
    never starts where the prior's mean is below s/b. It fails where the told numbers are wrong; the sibling that
    learns them is :class:`~persona_lab.policies.adaptive.AdaptiveBayes`.

    Parameters
    ----------
    levels, prior
        Possible tolerances and their probabilities at the start.
    hazard
        Probability of a change before each opportunity.
    change
        ``"toggle"`` moves to the other of two levels, ``"redraw"`` draws from the prior.
    explore
        What decides between suggesting and silence: ``"mean"``, upper ``"quantile"`` or ``"thompson"`` draw.
    quantile
        Level of the upper quantile.

    Raises
    ------
    ConfigurationError
        If levels and prior do not match or a toggle has not exactly two levels.
    """

    levels: tuple[float, ...]
    prior: tuple[float, ...]
    hazard: float
    change: Literal["toggle", "redraw"]
    explore: Explore = "quantile"
    quantile: float = 0.9

    def __post_init__(self) -> None:
        if len(self.levels) != len(self.prior) or abs(sum(self.prior) - 1.0) > 1e-9:
            raise ConfigurationError("ToldBayes", "prior", self.prior, "one probability per level, adding up to 1")
        if self.change == "toggle" and len(self.levels) != 2:
            raise ConfigurationError("ToldBayes", "levels", self.levels, "two levels for a toggle")
        if not 0.0 <= self.hazard <= 1.0:
            raise ConfigurationError("ToldBayes", "hazard", self.hazard, "a probability, 0 to 1")

    def init(self, streams: int) -> Levels:
        """Return the prior for every stream."""
        weight = np.repeat(np.asarray(self.prior)[:, np.newaxis], streams, axis=1)
        return Levels(weight, np.zeros(streams))

    def acceptance(self, state: Levels, luck: FloatArray) -> Acceptance:
        """Return mean and exploration value of the filtered tolerance."""
        levels = np.asarray(self.levels)
        mean = fold(state.weight * levels[:, np.newaxis])
        if self.explore == "mean":
            return Acceptance(mean, mean, state.answers)
        point = np.full(mean.shape, self.quantile) if self.explore == "quantile" else luck
        return Acceptance(mean, grid_quantile(state.weight, levels, point), state.answers)

    def decide(self, state: Levels, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move of highest worth, the suggest threshold tested on the exploration value."""
        belief = self.acceptance(state, luck)
        return choose_move(belief.mean, belief.optimistic, costs)

    def update(self, state: Levels, move: IntArray, kind: IntArray) -> Levels:
        """Weigh the levels by the answer, then let time pass."""
        levels = np.asarray(self.levels)[:, np.newaxis]
        declined = (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        likelihood = np.where(kind == Kind.ACCEPTED, levels, np.where(declined, 1.0 - levels, 1.0))
        weight = state.weight * likelihood
        weight = weight / fold(weight)
        other = weight[::-1] if self.change == "toggle" else np.asarray(self.prior)[:, np.newaxis]
        weight = (1.0 - self.hazard) * weight + self.hazard * other
        heard = (kind == Kind.ACCEPTED) | declined
        return Levels(weight, (1.0 - self.hazard) * state.answers + heard)


def grid_quantile(weight: FloatArray, levels: FloatArray, point: FloatArray) -> FloatArray:
    """Return the smallest level (ascending) whose cumulated weight reaches ``point``, per stream."""
    cumulated = np.cumsum(weight, axis=0)
    reached = (cumulated < point[np.newaxis, :] - 1e-12).sum(axis=0)
    quantile: FloatArray = levels[np.minimum(reached, len(levels) - 1)]
    return quantile
