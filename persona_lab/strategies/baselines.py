"""The controls of every table: never update, last write wins, running count, confidence-weighted average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.evidence import ByConfidence, Equal, Votes, require


class Shares(NamedTuple):
    """State of rules that keep the belief itself: (options, streams) shares that sum to 1 over the options."""

    share: FloatArray


class Counts(NamedTuple):
    """State of counting rules: (options, streams) votes so far."""

    votes: FloatArray


def uniform(options: int, streams: int) -> FloatArray:
    """Return (options, streams) equal shares."""
    return np.full((options, streams), 1.0 / options)


def normalised(votes: FloatArray, prior: float) -> FloatArray:
    """Return (options, streams) shares of ``votes + prior``; uniform where there is nothing at all."""
    total = fold(votes) + prior * votes.shape[0]
    empty = total <= 0.0
    share: FloatArray = (votes + prior) / np.where(empty, 1.0, total)
    return np.where(empty, 1.0 / votes.shape[0], share) if empty.any() else share


@dataclass(frozen=True, slots=True)
class NeverUpdate:
    """Learn nothing: the belief stays uniform, so the first proposal stands for ever.

    The control that scores 0 on the over-correction index and never adapts: it shows why that index is never read
    without the adaptation delay. No knobs.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    def init(self, options: int, streams: int) -> Shares:
        """Return the state before any feedback."""
        return Shares(uniform(options, streams))

    def update(self, state: Shares, given: Feedback) -> Shares:
        """Return the state unchanged."""
        return state

    def belief(self, state: Shares, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities: uniform."""
        return state.share


@dataclass(frozen=True, slots=True)
class LastWriteWins:
    """Believe the latest answer alone: what most memory products do.

    The fastest rule to follow a true change, and the yardstick of over-correction: every slip rewrites it. After a
    bare decline the belief is uniform over the other options. No knobs; for anything less jumpy use
    :class:`~persona_lab.strategies.ewma.Ewma`.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    def init(self, options: int, streams: int) -> Shares:
        """Return the state before any feedback."""
        return Shares(uniform(options, streams))

    def update(self, state: Shares, given: Feedback) -> Shares:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Shares, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Shares:
        """Return the evidence itself where it has any weight."""
        return Shares(np.where(weight > 0.0, evidence, state.share))

    def belief(self, state: Shares, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return state.share


@dataclass(frozen=True, slots=True)
class RunningCount:
    """Count the votes: share of all answers so far, each worth the same for ever (Dirichlet-multinomial mean).

    The right rule for people who never change, optimal there up to its prior. It fails by going stale: after a change
    it needs as many answers as it has already seen. For people who change use
    :class:`~persona_lab.strategies.ewma.Ewma`.

    Parameters
    ----------
    prior
        Pseudo-count of every option before any answer, in answers (>= 0). 1 is the uniform Dirichlet prior; 0 is
        the relative frequency, uniform before the first answer. It moves probabilities, never the arg max.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    prior: float = 1.0

    def __post_init__(self) -> None:
        require(self, "prior", lambda value: 0.0 <= value < np.inf, "a pseudo-count >= 0")

    def init(self, options: int, streams: int) -> Counts:
        """Return the state before any feedback."""
        return Counts(np.zeros((options, streams)))

    def update(self, state: Counts, given: Feedback) -> Counts:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.votes.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Counts, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Counts:
        """Return the counts with the weighted evidence added."""
        return Counts(state.votes + weight * evidence)

    def belief(self, state: Counts, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return normalised(state.votes, self.prior)


@dataclass(frozen=True, slots=True)
class ConfidenceAverage:
    """Average the answers, each weighted by its confidence: a vendor's promise, "weights prevent over-correction".

    A running count whose votes are worth their confidence. With confidence 1 throughout it *is* the running count,
    stale after a change; with misleading confidences it is worse than ignoring them. It fails silently: nothing
    in it asks whether the confidences are true. The siblings that learn how far to trust them are in the catalogue.

    Parameters
    ----------
    prior
        Pseudo-count of every option before any answer, in answers of confidence 1 (>= 0).
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    prior: float = 1.0

    def __post_init__(self) -> None:
        require(self, "prior", lambda value: 0.0 <= value < np.inf, "a pseudo-count >= 0")

    def init(self, options: int, streams: int) -> Counts:
        """Return the state before any feedback."""
        return Counts(np.zeros((options, streams)))

    def update(self, state: Counts, given: Feedback) -> Counts:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.votes.shape[0]), ByConfidence()(given), given.elapsed)

    def absorb(self, state: Counts, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Counts:
        """Return the counts with the weighted evidence added."""
        return Counts(state.votes + weight * evidence)

    def belief(self, state: Counts, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return normalised(state.votes, self.prior)
