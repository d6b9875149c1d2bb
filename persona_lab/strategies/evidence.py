"""Two of the four parts of a rule: what a feedback says (likelihood), and how much it counts (weight).

Both are small frozen callables; :class:`persona_lab.strategies.compose.Composed` joins them with a memory and a guard.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, Feedback, FloatArray, IntArray, Kind, one_hot

# Comparing an int8 array with an IntEnum takes five times as long as with a scalar of its own type.
CORRECTED = np.int8(Kind.CORRECTED)
DECLINED = np.int8(Kind.DECLINED)
SILENT = np.int8(Kind.SILENT)

LONGEST = 32_000
"""Counts of answers stop here."""

UNFIT = (bool, np.bool_, str, bytes, list, np.ndarray)
"""What no knob may be: configurations are compared and hashed, and True is not meant to be 1."""


class Likelihood(Protocol):
    """What a feedback says about each option."""

    def __call__(self, given: Feedback, options: int) -> FloatArray:
        """Return (options, streams) evidence >= 0; a constant column says nothing."""
        ...


class Weight(Protocol):
    """How much a feedback counts."""

    def __call__(self, given: Feedback) -> FloatArray:
        """Return (streams,) weights >= 0; 0 carries no evidence."""
        ...


def require(owner: object, field: str, allowed: Callable[[Any], bool], expected: str) -> None:
    """Raise :class:`ConfigurationError` unless a knob is in its range.

    Infinities, NaN, booleans and text never are, nor is what ``allowed`` cannot compare.
    """
    value = getattr(owner, field)
    try:
        good = not isinstance(value, UNFIT) and (not isinstance(value, Real) or math.isfinite(value))
        good = good and bool(allowed(value))
    except (TypeError, ValueError, OverflowError):
        good = False
    if not good:
        raise ConfigurationError(type(owner).__name__, field, value, expected)


def whole(value: Any, low: int, high: int = LONGEST) -> bool:
    """Return whether ``value`` is a whole number of at least ``low``; counts of answers go no higher than ``high``."""
    return isinstance(value, Integral) and low <= int(value) <= high


def require_part(owner: object, field: str, methods: tuple[str, ...], expected: str) -> None:
    """Raise :class:`ConfigurationError` unless a part has the methods that it is used by, and is no class."""
    part = getattr(owner, field)
    if isinstance(part, type) or not all(callable(getattr(part, method, None)) for method in methods):
        raise ConfigurationError(type(owner).__name__, field, part, f"{expected}, an object with {', '.join(methods)}")


def pointed_at(given: Feedback) -> IntArray:
    """Return the option each answer is about, int8 (streams,): the corrected-to one, else the one proposed."""
    # Integer arithmetic: NumPy's ``where`` is ten times as slow on bytes.
    corrected = (given.kind == CORRECTED).view(np.int8)
    about: IntArray = given.proposed + corrected * (given.corrected - given.proposed)
    return about


@dataclass(frozen=True, slots=True)
class Votes:
    """One vote per answer: for the option named; after a bare decline, shared by all options but the proposed one.

    The evidence of the averaging rules (counts, EWMA, Kalman). Columns sum to 1. A silent answer votes for the
    proposal, and weighs nothing unless the weight says otherwise.
    """

    def __call__(self, given: Feedback, options: int) -> FloatArray:
        """Return (options, streams) votes."""
        votes: FloatArray = one_hot(pointed_at(given), options).astype(np.float64)
        declined = given.kind == DECLINED
        if declined.any():  # rare: the usual answer names an option, and needs one pass less
            votes = np.where(declined, (1.0 - votes) / (options - 1), votes)
        return votes


@dataclass(frozen=True, slots=True)
class Noisy:
    """Probability of the answer under each preferred option, if a share ``noise`` of answers is a uniform other option.

    The evidence of the Bayesian memories (fixed share, change point). In a world with that noise it is exact.

    Parameters
    ----------
    noise
        Share of answers that do not express the preference, in (0, 1).
    """

    noise: float = 0.1

    def __post_init__(self) -> None:
        require(self, "noise", lambda value: 0.0 < value < 1.0, "a share in (0, 1)")

    def __call__(self, given: Feedback, options: int) -> FloatArray:
        """Return (options, streams) likelihoods."""
        hot = one_hot(pointed_at(given), options)
        other = self.noise / (options - 1)
        likelihood: FloatArray = np.where(hot, 1.0 - self.noise, other)
        declined = given.kind == DECLINED
        if declined.any():
            # The answer expressed some option other than the proposed one.
            likelihood = np.where(declined, 1.0 - likelihood, likelihood)
        return likelihood


@dataclass(frozen=True, slots=True)
class Equal:
    """Every answer counts 1, whatever its confidence; confidence 0 carries no evidence.

    Parameters
    ----------
    silence
        Weight of an answer that never came, read as consent to the proposal, 0 to 1 in units of one spoken
        answer. Random silence read as consent multiplies errors: with an EWMA of .2 and 30 % of answers to 2.5 to 4
        times the limit's, from 1.1 to 1.5 times. Leave it at 0 unless satisfied users are known to stay silent.
    """

    silence: float = 0.0

    def __post_init__(self) -> None:
        require(self, "silence", lambda value: 0.0 <= value <= 1.0, "a weight in [0, 1]")

    def __call__(self, given: Feedback) -> FloatArray:
        """Return (streams,) weights."""
        counts = (given.confidence > 0.0) & (pointed_at(given) != NO_OPTION)
        return _weigh_silence(counts.astype(np.float64), given, self.silence)


@dataclass(frozen=True, slots=True)
class ByConfidence:
    """Every answer counts its confidence, in [0, 1].

    Helps where confidence is informative; where it is misleading an EWMA of .2 makes up to three times the limit's
    errors (``reports/evidence/strategies.json``): learn what confidence means instead, ``attentive-bayes``.

    Parameters
    ----------
    silence
        As in :class:`Equal`.
    """

    silence: float = 0.0

    def __post_init__(self) -> None:
        require(self, "silence", lambda value: 0.0 <= value <= 1.0, "a weight in [0, 1]")

    def __call__(self, given: Feedback) -> FloatArray:
        """Return (streams,) weights."""
        counts: FloatArray = given.confidence * (pointed_at(given) != NO_OPTION)
        return _weigh_silence(counts, given, self.silence)


def _weigh_silence(weight: FloatArray, given: Feedback, silence: float) -> FloatArray:
    silent: Any = given.kind == SILENT
    if not silent.any():
        return weight
    weighed: FloatArray = np.where(silent, silence * weight, weight)
    return weighed
