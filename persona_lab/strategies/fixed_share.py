"""Fixed share: the Bayes filter with an assumed hazard and noise; and its sibling that remembers old habits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.baselines import Shares, uniform
from persona_lab.strategies.evidence import Equal, Noisy, require


class Posteriors(NamedTuple):
    """State: the belief (options, streams), the sum of all posteriors so far, and how many (streams,)."""

    share: FloatArray
    total: FloatArray
    posteriors: FloatArray


def tempered(likelihood: FloatArray, weight: FloatArray) -> FloatArray:
    """Return ``likelihood ** weight``, exactly the likelihood at weight 1 and exactly 1 at weight 0."""
    if (weight == 1.0).all():
        return likelihood
    partial = np.where((weight > 0.0) & (weight < 1.0), np.power(likelihood, weight), 1.0)
    power: FloatArray = np.where(weight == 1.0, likelihood, partial)
    return power


def switched(share: FloatArray, hazard: FloatArray | float) -> FloatArray:
    """Return the belief after a chance ``hazard`` of a switch to a uniform other option."""
    others = hazard / (share.shape[0] - 1.0)
    after: FloatArray = share * (1.0 - hazard - others) + others
    return after


def conditioned(share: FloatArray, evidence: FloatArray, weight: FloatArray) -> FloatArray:
    """Return Bayes' posterior; where the weight is 0 the share itself, bit for bit."""
    joint = share * tempered(evidence, weight)
    return np.where(weight > 0.0, joint / fold(joint), share)


@dataclass(frozen=True, slots=True)
class FixedShare:
    """Bayes' rule for a person who switches with probability ``hazard`` per interaction and slips with ``noise``.

    The exact filter where its two numbers are right, and its beliefs are then calibrated probabilities. Use it where
    both are known. It fails where they are wrong, and in bursts of exceptions, which it takes for switches (20 times
    the limit's errors for people who only have exceptions); the hierarchical Bayes rule learns the numbers.

    Parameters
    ----------
    hazard
        Probability of a switch per answer of any weight > 0, in [0, 1).
    noise
        Share of answers that do not express the preference, in (0, 1).
    daily_hazard
        Probability of a switch per day elapsed, in [0, 1): beliefs fade towards uniform between answers, on read.

    Notes
    -----
    Herbster & Warmuth (1998), "Tracking the best expert", figure 1 (fixed-share update) under log-loss; the same
    recursion is the forward algorithm of a hidden Markov model.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    hazard: float = 0.01
    noise: float = 0.15
    daily_hazard: float = 0.0

    def __post_init__(self) -> None:
        require(self, "hazard", lambda value: 0.0 <= value < 1.0, "a probability in [0, 1)")
        require(self, "noise", lambda value: 0.0 < value < 1.0, "a share in (0, 1)")
        require(self, "daily_hazard", lambda value: 0.0 <= value < 1.0, "a probability in [0, 1)")

    def init(self, options: int, streams: int) -> Shares:
        """Return the state before any feedback."""
        return Shares(uniform(options, streams))

    def update(self, state: Shares, given: Feedback) -> Shares:
        """Return the state after one feedback per stream; pure."""
        likelihood = Noisy(self.noise)(given, state.share.shape[0])
        return self.absorb(state, likelihood, Equal()(given), given.elapsed)

    def absorb(self, state: Shares, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Shares:
        """Return the posterior after the wait, the answer, and the chance of a switch before the next one."""
        posterior = conditioned(self.belief(state, elapsed), evidence, weight)
        return Shares(np.where(weight > 0.0, switched(posterior, self.hazard), posterior))

    def belief(self, state: Shares, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities, faded by the days elapsed."""
        if self.daily_hazard == 0.0:
            return state.share
        options = state.share.shape[0]
        kept = np.maximum(0.0, 1.0 - self.daily_hazard * options / (options - 1.0)) ** np.asarray(elapsed)
        faded: FloatArray = kept * state.share + (1.0 - kept) / options
        return faded


@dataclass(frozen=True, slots=True)
class MixingPast:
    """Fixed share that mixes in the average of its own past beliefs: habits once held are found again sooner.

    Use it for people who go back and forth between a few habits. With no past to return to it is fixed share with a
    little less room for a new option; it fails in bursts of exceptions exactly like
    :class:`FixedShare`, and worse after many of them, as it remembers those too.

    Parameters
    ----------
    hazard
        Share of the belief replaced by the average past belief per answer (alpha), in [0, 1).
    noise
        Share of answers that do not express the preference, in (0, 1).

    Notes
    -----
    Bousquet & Warmuth (2002), "Tracking a small set of experts by mixing past posteriors", uniform past scheme
    (figure 1); the uniform start counts as the first posterior, so no option is ever lost.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    hazard: float = 0.03
    noise: float = 0.15

    def __post_init__(self) -> None:
        require(self, "hazard", lambda value: 0.0 <= value < 1.0, "a probability in [0, 1)")
        require(self, "noise", lambda value: 0.0 < value < 1.0, "a share in (0, 1)")

    def init(self, options: int, streams: int) -> Posteriors:
        """Return the state before any feedback."""
        return Posteriors(uniform(options, streams), uniform(options, streams), np.ones(streams))

    def update(self, state: Posteriors, given: Feedback) -> Posteriors:
        """Return the state after one feedback per stream; pure."""
        likelihood = Noisy(self.noise)(given, state.share.shape[0])
        return self.absorb(state, likelihood, Equal()(given), given.elapsed)

    def absorb(self, state: Posteriors, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Posteriors:
        """Return the posterior, mixed with the average of the past ones."""
        heard = weight > 0.0
        posterior = conditioned(state.share, evidence, weight)
        mixed = (1.0 - self.hazard) * posterior + self.hazard * (state.total / state.posteriors)
        return Posteriors(
            np.where(heard, mixed, state.share),
            np.where(heard, state.total + posterior, state.total),
            np.where(heard, state.posteriors + 1.0, state.posteriors),
        )

    def belief(self, state: Posteriors, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return state.share
