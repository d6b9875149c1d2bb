"""The exact forward filter told the world's parameters: the limit of learning, and an ordinary strategy when guessed.

Hidden Markov forward algorithm (Rabiner 1989, equations 19 to 20) over (preferred option, exception's option,
interactions left of the exception). Written for legibility and exactness, every state explicit; the filter over a
grid of worlds (``grid_kernel``) reaches the same numbers by an explicit-duration recursion, and a test holds one
against the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, fold, one_hot

Rate = float | FloatArray
"""One number for all streams, or one per stream, (streams,)."""


@dataclass(frozen=True, slots=True)
class Answering:
    """How the user answers, as told to a filter.

    Parameters
    ----------
    noise
        Probability that the expressed option is a uniform other one than the wanted; per stream if an array.
    patience_accept, patience_wrong
        Probability of an answer to a proposal that matches, or does not match, the expressed option.
    names_option
        Probability that a correction names its option.
    acquiescence
        Probability that the user takes any proposal for a match.
    noise_by_confidence
        Pairs (confidence, noise) that replace ``noise`` for events of that confidence.
    """

    noise: Rate
    patience_accept: float = 1.0
    patience_wrong: float = 1.0
    names_option: float = 1.0
    acquiescence: float = 0.0
    noise_by_confidence: tuple[tuple[float, float], ...] = ()

    def likelihood(self, given: Feedback, options: int) -> FloatArray:
        """Return P(answer | wanted option), (options, streams); all ones where nothing could be learnt.

        Events of confidence 0, and answers that such a user cannot give, teach nothing.
        """
        noise: FloatArray = np.broadcast_to(np.asarray(self.noise, dtype=np.float64), given.kind.shape)
        for confidence, at_confidence in self.noise_by_confidence:
            noise = np.where(np.abs(given.confidence - confidence) < 1e-9, at_confidence, noise)
        slip = noise / (options - 1)
        of_proposal = np.where(one_hot(given.proposed, options), 1.0 - noise, slip)
        of_named = np.where(one_hot(given.corrected, options), 1.0 - noise, slip)
        matches = self.acquiescence + (1.0 - self.acquiescence) * of_proposal
        differs = (1.0 - self.acquiescence) * (1.0 - of_proposal)
        accepted = self.patience_accept * matches
        # A choice made unprompted is named whatever the patience; the constant factors do not depend on the option.
        corrected = np.where(given.proposed == NO_OPTION, 1.0, self.patience_wrong * self.names_option) * of_named
        declined = self.patience_wrong * (1.0 - self.names_option) * differs
        silent = (1.0 - self.patience_accept) * matches + (1.0 - self.patience_wrong) * differs
        likelihood: FloatArray = np.select(
            [given.kind == Kind.ACCEPTED, given.kind == Kind.CORRECTED, given.kind == Kind.DECLINED],
            [accepted, corrected, declined],
            np.where(given.proposed == NO_OPTION, 1.0, silent),
        )
        mute = (likelihood.max(axis=0) <= 0.0) | ((given.confidence <= 0.0) & (given.kind != Kind.SILENT))
        return np.where(mute, 1.0, likelihood) if mute.any() else likelihood


class SwitchingState(NamedTuple):
    """Forward weights before the next answer.

    ``free`` (options, streams): no exception on, before the next burst may start; ``burst`` (left, preferred, wanted,
    streams): an exception on with ``left + 1`` interactions to go; ``step`` (streams,): interactions so far.
    """

    free: FloatArray
    burst: FloatArray
    step: FloatArray


@dataclass(frozen=True)
class ExactFilter:
    """Bayes filter for a preference that switches, with exceptions, told every parameter.

    With ``exception_rate`` 0 it is fixed share (Herbster & Warmuth 1998) with a Bayesian loss. Told the truth it is the
    limit that nobody beats on full feedback; told wrong numbers it is a strategy like others.

    Parameters
    ----------
    answering
        How the user answers.
    hazard
        Probability of a switch per interaction outside a burst, to a uniform other option.
    exception_rate
        Probability that a burst starts, per interaction outside a burst.
    lengths
        Probability that a burst lasts 1, 2, ... interactions.
    blocks
        (calm hazard, restless hazard, block length) where the hazard follows a known schedule; replaces ``hazard``.

    Raises
    ------
    ConfigurationError
        If a parameter is out of range.
    """

    answering: Answering
    hazard: Rate
    exception_rate: Rate = 0.0
    lengths: tuple[float, ...] = (0.2, 0.2, 0.2, 0.2, 0.2)
    blocks: tuple[float, float, int] | None = None

    def __post_init__(self) -> None:
        for name in ("hazard", "exception_rate"):
            value = np.asarray(getattr(self, name))
            if not ((value >= 0.0) & (value <= 1.0)).all():
                raise ConfigurationError("ExactFilter", name, getattr(self, name), "probabilities in [0, 1]")
        if abs(sum(self.lengths) - 1.0) > 1e-9 or min(self.lengths) < 0.0:
            raise ConfigurationError("ExactFilter", "lengths", self.lengths, "probabilities that sum to 1")

    def init(self, options: int, streams: int) -> SwitchingState:
        """Return the state before any feedback: a uniform first option."""
        longest = len(self.lengths) - 1 if self._bursts() else 0
        return SwitchingState(
            free=np.full((options, streams), 1.0 / options),
            burst=np.zeros((longest, options, options, streams)),
            step=np.zeros(streams),
        )

    def update(self, state: SwitchingState, given: Feedback) -> SwitchingState:
        """Return the state after one answer per stream; pure."""
        return self.advance(state, given)[0]

    def advance(self, state: SwitchingState, given: Feedback) -> tuple[SwitchingState, FloatArray]:
        """Return the state after one answer per stream and P(answer | the answers before it), (streams,)."""
        options = state.free.shape[0]
        likelihood = self.answering.likelihood(given, options)
        rate = np.asarray(self.exception_rate, dtype=np.float64)
        free = state.free * likelihood
        burst = state.burst
        if self._bursts():
            start = rate * state.free / (options - 1)
            onset = start[:, np.newaxis] * (1.0 - np.eye(options))[:, :, np.newaxis]
            burst = np.empty_like(state.burst)
            for left, share in enumerate(self.lengths):
                going = share * onset
                if left < len(state.burst):
                    going += state.burst[left]
                np.multiply(going, likelihood, out=burst[left - 1] if left else going)
                if not left:
                    free = (1.0 - rate) * free + fold(going.swapaxes(0, 1))
        hazard = self._hazard(state.step + 1.0)
        others = hazard / (options - 1)
        total = fold(free)
        free = (1.0 - hazard - others) * free + others * total
        scale = fold(free)
        for left in burst:
            scale = scale + fold(fold(left))
        free /= scale
        if burst.size:
            burst *= 1.0 / scale
        return SwitchingState(free, burst, state.step + 1.0), scale

    def belief(self, state: SwitchingState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return P(preferred option, no exception on), normalised; (options, streams)."""
        free = fold(state.free)
        if (free > 0.0).all():
            belief: FloatArray = state.free / free
            return belief
        # An exception is on for certain (possible without noise only): what is preferred behind it.
        behind = state.free.copy()
        for left in state.burst:
            behind += fold(left.swapaxes(0, 1))
        certain: FloatArray = np.where(free > 0.0, state.free, behind)
        return certain / fold(certain)

    def _bursts(self) -> bool:
        return bool(np.any(np.asarray(self.exception_rate) > 0.0))

    def _hazard(self, step: FloatArray) -> FloatArray:
        if self.blocks is None:
            return np.asarray(self.hazard, dtype=np.float64)
        calm, restless, length = self.blocks
        return np.where((step // length) % 2 == 1, restless, calm)


class HabitState(NamedTuple):
    """Weights of (current habit, other habit), (options, options, streams); the diagonal is 0."""

    pair: FloatArray


@dataclass(frozen=True)
class HabitFilter:
    """Bayes filter for two habits, an unknown pair, that trade places with a known hazard.

    Parameters
    ----------
    answering
        How the user answers.
    hazard
        Probability per interaction that the habits trade places.
    """

    answering: Answering
    hazard: Rate

    def init(self, options: int, streams: int) -> HabitState:
        """Return the state before any feedback: a uniform ordered pair."""
        pair = np.broadcast_to((1.0 - np.eye(options))[:, :, np.newaxis], (options, options, streams))
        return HabitState(pair / (options * (options - 1)))

    def update(self, state: HabitState, given: Feedback) -> HabitState:
        """Return the state after one answer per stream; pure."""
        likelihood = self.answering.likelihood(given, state.pair.shape[0])
        after = state.pair * likelihood[:, np.newaxis]
        hazard = np.asarray(self.hazard, dtype=np.float64)
        after = (1.0 - hazard) * after + hazard * after.swapaxes(0, 1)
        return HabitState(after / fold(fold(after)))

    def belief(self, state: HabitState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return P(current habit), (options, streams)."""
        return fold(state.pair.swapaxes(0, 1))


def columns_of(value: Rate, first: int, lanes: int) -> Rate:
    """Return the parameters of ``lanes`` streams from ``first`` on, the last one repeated; one number stays one."""
    if not isinstance(value, np.ndarray):
        return value
    chosen = value[first : first + lanes]
    return np.pad(chosen, (0, lanes - chosen.size), mode="edge")


class EitherState(NamedTuple):
    """States of both filters."""

    habits: HabitState
    switching: SwitchingState


@dataclass(frozen=True, eq=False)
class KindKnownFilter:
    """Run each stream through the filter of its own kind of person.

    Parameters
    ----------
    recurring
        (streams,) booleans: whose filter is ``habits``.
    habits, switching
        The two filters.
    """

    recurring: BoolArray
    habits: HabitFilter
    switching: ExactFilter

    def columns(self, first: int, lanes: int) -> KindKnownFilter:
        """Return the filter of ``lanes`` streams from ``first`` on; drivers cut it to the block at hand."""
        told = self.switching.answering
        answering = replace(told, noise=columns_of(told.noise, first, lanes))
        return KindKnownFilter(
            recurring=np.pad(
                self.recurring[first : first + lanes], (0, max(0, first + lanes - self.recurring.size)), mode="edge"
            ),
            habits=HabitFilter(answering, columns_of(self.habits.hazard, first, lanes)),
            switching=replace(
                self.switching,
                answering=answering,
                hazard=columns_of(self.switching.hazard, first, lanes),
                exception_rate=columns_of(self.switching.exception_rate, first, lanes),
            ),
        )

    def init(self, options: int, streams: int) -> EitherState:
        """Return the state before any feedback."""
        return EitherState(self.habits.init(options, streams), self.switching.init(options, streams))

    def update(self, state: EitherState, given: Feedback) -> EitherState:
        """Return the state after one answer per stream; pure."""
        return EitherState(self.habits.update(state.habits, given), self.switching.update(state.switching, given))

    def belief(self, state: EitherState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities of each stream's own filter."""
        belief: FloatArray = np.where(
            self.recurring, self.habits.belief(state.habits), self.switching.belief(state.switching)
        )
        return belief
