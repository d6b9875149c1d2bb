"""The worlds that a filter may weigh: how a person's preferred option can move, and how the person answers."""

from __future__ import annotations

from dataclasses import dataclass

from persona_lab.strategies.evidence import require, whole

UNIFORM_TO_5 = (0.2, 0.2, 0.2, 0.2, 0.2)
"""Law of the length of a burst of exceptions in the core suite: 1 to 5 interactions, equally likely."""

STEEPEST = 100.0
"""Largest slope of an observer, in logits of noise per unit of confidence: beyond it an answer is certain or void."""


@dataclass(frozen=True, slots=True)
class Switching:
    """The preferred option switches to a uniform other one; bursts of exceptions may interrupt it.

    Parameters
    ----------
    hazard
        Probability of a switch per interaction outside a burst, in [0, 1).
    exception_rate
        Probability per free interaction that a burst starts, in [0, 1).
    lengths
        Probability that a burst lasts 1, 2, ... interactions; sums to 1.
    """

    hazard: float
    exception_rate: float = 0.0
    lengths: tuple[float, ...] = UNIFORM_TO_5

    def __post_init__(self) -> None:
        _share(self, "hazard")
        _share(self, "exception_rate")
        require(self, "lengths", _is_law, "a tuple of probabilities of 1, 2, ... that sum to 1")


@dataclass(frozen=True, slots=True)
class Habits:
    """Two habits, an unknown pair of options, trade places with probability ``hazard`` per interaction."""

    hazard: float

    def __post_init__(self) -> None:
        _share(self, "hazard")


@dataclass(frozen=True, slots=True)
class Restless:
    """Calm stretches and restless ones take turns, starting calm.

    Parameters
    ----------
    calm, restless
        Probability of a switch per interaction in either.
    block
        Mean length of a stretch in interactions, > ``phases``.
    phases
        A stretch is this many phases of geometric length (an Erlang law: more phases, more regular stretches).
    """

    calm: float
    restless: float
    block: float = 100.0
    phases: int = 4

    def __post_init__(self) -> None:
        _share(self, "calm")
        _share(self, "restless")
        require(self, "phases", lambda value: whole(value, 1), "a whole number, at least 1")
        require(self, "block", lambda value: value > self.phases, f"more interactions than phases ({self.phases})")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Calm and restless stretches of exactly ``block`` interactions take turns, starting calm, counted from the first.

    What :class:`Restless` is where nobody knows when a stretch ends: a probation, a term, a season known in advance.

    Parameters
    ----------
    calm, restless
        Probability of a switch per interaction in either.
    block
        Length of a stretch in interactions, at least 1.
    """

    calm: float
    restless: float
    block: int = 100

    def __post_init__(self) -> None:
        _share(self, "calm")
        _share(self, "restless")
        require(self, "block", lambda value: whole(value, 1), "a whole number of interactions, at least 1")


Dynamics = Switching | Habits | Restless | Scheduled


@dataclass(frozen=True, slots=True)
class Observer:
    """How the person's answers come about.

    Parameters
    ----------
    noise
        Probability that an answer of average confidence expresses another option than the wanted one, in (0, 1).
    slope
        How many logits of noise an answer loses per unit of confidence above the person's average: 0 where
        confidence says nothing, negative where it misleads.
    answers
        Probability that the person answers a proposal that is what they would say, and one that is not; (.1, .9) is a
        person whose silence is consent. None: they answer at random, at whatever rate, and silence says nothing.
    """

    noise: float
    slope: float = 0.0
    answers: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        require(self, "noise", lambda value: 0.0 < value < 1.0, "a probability strictly between 0 and 1")
        require(self, "slope", lambda value: -STEEPEST <= value <= STEEPEST, f"a number within {STEEPEST:g} of 0")
        require(self, "answers", _is_pair_or_none, "a pair of probabilities strictly between 0 and 1, or None")


def _is_law(value: tuple[float, ...]) -> bool:
    return isinstance(value, tuple) and min(value) >= 0.0 and abs(sum(value) - 1.0) <= 1e-9


def _is_pair_or_none(value: tuple[float, ...] | None) -> bool:
    return value is None or (isinstance(value, tuple) and len(value) == 2 and all(0.0 < rate < 1.0 for rate in value))


def _share(owner: object, field: str) -> None:
    require(owner, field, lambda value: 0.0 <= value < 1.0, "a probability in [0, 1)")
