"""The hierarchical Gaussian filter: beliefs on the logit scale, whose volatility is itself believed and learnt."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.evidence import Equal, Votes, require

LARGEST_LOGIT = 12.0
"""Logits are held within this: odds of 1 to 160,000 are as good as certain, and exponentials stay tame."""

SMALLEST_PRECISION = 0.1
"""Floor of the third level's precision. The quadratic approximation can turn negative after a great surprise (Mathys
et al. 2014, section on update failures); the floor keeps the step finite."""


class Levels(NamedTuple):
    """State, all (options, streams): logit and its variance, log-volatility and its variance."""

    logit: FloatArray
    variance: FloatArray
    volatility: FloatArray
    volatility_variance: FloatArray


@dataclass(frozen=True, slots=True)
class HierarchicalGaussian:
    """Track each option's log-odds as a walk whose pace is a walk too; three levels, one binary filter per option.

    The standard model of human learning under volatility: use it to compare with that literature. It gives more credit
    to answers that surprise after calm than a Kalman filter does. It fails after a long calm: certain answers
    carry no evidence on the logit scale while the walk goes on, so that after a few hundred answers alike one slip
    turns the choice (a lower ``tonic`` puts that off). It knows no exceptions. As a rule to ship
    :class:`~persona_lab.strategies.fixed_share.FixedShare` is simpler and better here.

    Parameters
    ----------
    tonic
        Log-variance that the logits gain per answer at log-volatility 0 (omega).
    coupling
        How much the log-volatility moves that (kappa), > 0.
    meta
        Variance that the log-volatility gains per answer (theta), >= 0.

    Notes
    -----
    Mathys, Daunizeau, Friston & Stephan (2011) and Mathys et al. (2014), "Uncertainty in perception and the
    hierarchical Gaussian filter", equations 9 to 14 and 22 to 29 for binary outcomes; options are one against the rest
    and their probabilities are normalised.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    tonic: float = -2.0
    coupling: float = 1.0
    meta: float = 0.01

    def __post_init__(self) -> None:
        require(self, "tonic", lambda value: -12.0 <= value <= 4.0, "a log-variance in [-12, 4]")
        require(self, "coupling", lambda value: 0.0 < value <= 4.0, "a number in (0, 4]")
        require(self, "meta", lambda value: 0.0 <= value < np.inf, "a variance >= 0")

    def init(self, options: int, streams: int) -> Levels:
        """Return the state before any feedback: equal odds, variance 1 at both levels."""
        ones = np.ones((options, streams))
        return Levels(-math.log(options - 1.0) * ones, ones, 0.0 * ones, ones.copy())

    def update(self, state: Levels, given: Feedback) -> Levels:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.logit.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Levels, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Levels:
        """Return both levels after one answer, whose precision counts ``weight`` times."""
        kappa = self.coupling
        pace = np.exp(np.clip(kappa * state.volatility + self.tonic, -LARGEST_LOGIT, LARGEST_LOGIT))
        expected = state.variance + pace
        chance = _sigmoid(state.logit)
        variance = 1.0 / (1.0 / expected + weight * chance * (1.0 - chance))
        move = variance * weight * (evidence - chance)
        logit = np.clip(state.logit + move, -LARGEST_LOGIT, LARGEST_LOGIT)
        share = pace / expected
        surprise = (variance + move * move) / expected - 1.0
        relative = (pace - state.variance) / expected
        precision = 1.0 / (state.volatility_variance + self.meta)
        precision = precision + 0.5 * kappa * kappa * share * (share + relative * surprise)
        precision = np.maximum(precision, SMALLEST_PRECISION)
        volatility = state.volatility + 0.5 * kappa * share * surprise / precision
        heard = weight > 0.0
        return Levels(
            np.where(heard, logit, state.logit),
            np.where(heard, variance, state.variance),
            np.where(heard, np.clip(volatility, -LARGEST_LOGIT, LARGEST_LOGIT), state.volatility),
            np.where(heard, 1.0 / precision, state.volatility_variance),
        )

    def belief(self, state: Levels, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        chance = _sigmoid(state.logit)
        return chance / fold(chance)


def _sigmoid(logit: FloatArray) -> FloatArray:
    chance: FloatArray = 1.0 / (1.0 + np.exp(-logit))
    return chance
