"""EWMA: the exponentially weighted moving average of the votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from persona_lab.feedback import Feedback, FloatArray
from persona_lab.strategies.baselines import Shares, uniform
from persona_lab.strategies.evidence import Equal, Votes, require


@dataclass(frozen=True, slots=True)
class Ewma:
    """Move the belief a fixed share of the way towards each answer: p += rate * (vote - p).

    The simple rule to ship if you must ship one. The same rule is known as Rescorla-Wagner (a learning rate towards
    the reward), and its arg max is that of the discounted Dirichlet count (votes fade by 1 - rate per answer): they
    differ in what they call a probability, never in what they choose. It fails by compromise: a rate low enough to
    shrug off a burst of exceptions is slow after a true change (.1 makes twice the limit's errors for people who
    switch), one high enough to follow changes rewrites the belief in every burst (.3). Its shares are not calibrated
    probabilities. For both at once use the hierarchical Bayes rule of the catalogue.

    Parameters
    ----------
    rate
        Share of the way moved per answer, in (0, 1]. Half-life in answers: ln 2 / -ln(1 - rate), 6.6 at .1.

    Notes
    -----
    Rescorla & Wagner (1972), "A theory of Pavlovian conditioning", equation 1 with alpha * beta = rate.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    rate: float = 0.1

    def __post_init__(self) -> None:
        require(self, "rate", lambda value: 0.0 < value <= 1.0, "a share in (0, 1]")

    def init(self, options: int, streams: int) -> Shares:
        """Return the state before any feedback."""
        return Shares(uniform(options, streams))

    def update(self, state: Shares, given: Feedback) -> Shares:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Shares, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Shares:
        """Return the shares moved by ``rate * weight`` of the way; ``evidence`` must sum to 1 over the options."""
        moved = evidence - state.share
        moved *= self.rate * weight
        moved += state.share
        return Shares(moved)

    def belief(self, state: Shares, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return state.share
