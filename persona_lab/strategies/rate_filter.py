"""A Bayes filter over a rate that may jump, never told how often: for outcomes rather than opinions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, fold, named_option, one_hot, select
from persona_lab.strategies.evidence import require, whole

LOWEST = 1e-30
"""Weight that a world never falls below."""


class RateState(NamedTuple):
    """Weights of (world, rate) by option, (worlds, rates, options, streams); they sum to 1 over worlds and rates."""

    weight: FloatArray


@dataclass(frozen=True, slots=True)
class RateFilter:
    """Believe in the mixture of all worlds of a graded rate that jumps now and then to a new value.

    Use it where the question is "how often", not "which one": acceptance of suggestions, interruptions that were
    welcome. The person's rate may be anything between 0 and 1, is redrawn with some hazard from a Beta law, and neither
    hazard nor law is known: a prior over (mean, strength, hazard) is carried along, best learnt from other people with
    :func:`fit_rates`. It fails where the rate depends on what is going on (a table per place and activity beats any
    history where the place is known). It costs hundreds of multiplications per update; where one option is right at a
    time, use ``HierarchicalBayes``, which knows that options exclude each other.

    Parameters
    ----------
    points
        How many rates the grid between 0 and 1 holds.
    means, strengths
        Beta laws from which a rate is drawn: mean in (0, 1), and how many outcomes the law is worth.
    hazards
        Probabilities of a jump per interaction, in [0, 1).
    prior
        Weight of each world, mean slowest and hazard fastest; None = equal.
    event
        With two options: index of the option whose rate the prior describes. None treats options alike: one filter per
        option, normalised.

    Notes
    -----
    The forward filter of a Bernoulli rate with resets (Behrens et al. 2007; Foucault & Meyniel 2024), mixed over
    worlds.
    """

    points: int = 25
    means: tuple[float, ...] = (0.2, 0.35, 0.5, 0.65, 0.8)
    strengths: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
    hazards: tuple[float, ...] = (0.0001, 0.003, 0.01, 0.03, 0.1)
    prior: tuple[float, ...] | None = None
    event: int | None = None

    def __post_init__(self) -> None:
        require(self, "points", lambda value: whole(value, 2), "a whole number, at least 2")
        require(self, "means", _each(lambda one: 0.0 < one < 1.0), "a tuple of means strictly between 0 and 1")
        require(self, "strengths", _each(lambda one: 0.0 < one < np.inf), "a tuple of numbers of outcomes > 0")
        require(self, "hazards", _each(lambda one: 0.0 <= one < 1.0), "a tuple of probabilities in [0, 1)")
        worlds = len(self.means) * len(self.strengths) * len(self.hazards)

        def is_prior(value: tuple[float, ...] | None) -> bool:
            return value is None or (
                _each(lambda one: 0.0 <= one < np.inf)(value) and len(value) == worlds and any(value)
            )

        require(self, "prior", is_prior, f"a tuple of {worlds} weights >= 0, not all 0, or None")
        require(self, "event", lambda value: value is None or (whole(value, 0) and value <= 1), "0, 1 or None")

    def init(self, options: int, streams: int) -> RateState:
        """Return the state before any feedback."""
        if self.event is not None and options != 2:
            raise ConfigurationError("RateFilter", "event", self.event, f"None with {options} options")
        _, law, _, prior = _plan(self)
        start = (prior[:, np.newaxis] * law)[:, :, np.newaxis, np.newaxis]
        return RateState(np.tile(start, (1, 1, 1 if self.event is not None else options, streams)))

    def update(self, state: RateState, given: Feedback) -> RateState:
        """Return the state after one feedback per stream; pure."""
        rates, law, hazard, _ = _plan(self)
        heard, happened = self._outcomes(given, state.weight.shape[2])
        rate = rates[:, np.newaxis, np.newaxis]
        likelihood = np.where(heard, np.where(happened, rate, 1.0 - rate), 1.0)
        weight = state.weight * likelihood
        total = fold(weight.swapaxes(0, 1))
        np.maximum(total, LOWEST, out=total)
        total /= fold(total)
        weight /= np.maximum(fold(fold(weight)), LOWEST)
        weight *= (1.0 - hazard)[:, np.newaxis, np.newaxis, np.newaxis]
        for point in range(rates.size):
            weight[:, point] += (hazard * law[:, point])[:, np.newaxis, np.newaxis] * total
        return RateState(weight)

    def belief(self, state: RateState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams): the expected rate of each option, normalised over options."""
        rates, _, _, _ = _plan(self)
        rate = fold(fold(state.weight) * rates[:, np.newaxis, np.newaxis])
        rate /= fold(fold(state.weight))
        if self.event is not None:
            return np.concatenate([1.0 - rate, rate] if self.event == 1 else [rate, 1.0 - rate])
        rate /= fold(rate)
        return rate

    def world_probabilities(self, state: RateState) -> FloatArray:
        """Return (worlds, options, streams): how likely each world is, options as filtered."""
        mass = fold(state.weight.swapaxes(0, 1))
        mass /= fold(mass)
        return mass

    def _outcomes(self, given: Feedback, filters: int) -> tuple[BoolArray, BoolArray]:
        """Return (options, streams) booleans: did the answer say whether it is this option, and is it."""
        options = 2 if self.event is not None else filters
        named = named_option(given)
        counts = (given.kind != Kind.SILENT) & (given.confidence > 0.0)
        happened = one_hot(named, options)
        ruled_out = one_hot(given.proposed, options) & (given.kind == Kind.DECLINED)
        if options == 2:  # not this one is the other one
            happened = happened | ruled_out[::-1]
            ruled_out = ruled_out | ruled_out[::-1]
        heard = counts & ((named != NO_OPTION) | ruled_out)
        if self.event is None:
            return heard, happened
        return heard[self.event : self.event + 1], happened[self.event : self.event + 1]


def fit_rates(
    base: RateFilter,
    log: Sequence[Feedback],
    *,
    options: int = 2,
    active: Sequence[BoolArray] | None = None,
    stubbornness: float = 1.0,
) -> RateFilter:
    """Return ``base`` with its prior over worlds learnt from other people's logs (:func:`weigh_rates`).

    Parameters
    ----------
    base
        The filter; with two options set ``event``.
    log
        One feedback per step, streams aligned, oldest first.
    options
        How many options.
    active
        Which streams had an interaction at each step, default all.
    stubbornness
        How many people's worth of belief the prior of ``base`` keeps.

    Raises
    ------
    InputError
        If the log is empty.
    """
    evidence = rate_evidence(base, log, options=options, active=active)
    return weigh_rates(base, evidence.reshape(evidence.shape[0], -1), stubbornness=stubbornness)


def rate_evidence(
    base: RateFilter, log: Sequence[Feedback], *, options: int = 2, active: Sequence[BoolArray] | None = None
) -> FloatArray:
    """Return how well each world predicted each stream, (worlds, options as filtered, streams), up to a factor each."""
    if not log:
        raise InputError("the log is empty", cure="Pass at least one step of feedback of at least one person.")
    flat = replace(base, prior=None)
    state = flat.init(options, log[0].kind.shape[0])
    for step, given in enumerate(log):
        new = flat.update(state, given)
        state = new if active is None else select(active[step], new, state)
    return flat.world_probabilities(state)


def weigh_rates(base: RateFilter, evidence: FloatArray, *, stubbornness: float = 1.0, rounds: int = 100) -> RateFilter:
    """Return ``base`` with the prior that best explains ``evidence`` (worlds, people), by expectation maximisation."""
    prior = _plan(base).prior
    weight = prior
    for _ in range(rounds):
        share = weight[:, np.newaxis] * evidence
        share /= share.sum(axis=0)
        weight = (share.sum(axis=1) + stubbornness * prior) / (evidence.shape[1] + stubbornness)
    return replace(base, prior=tuple(float(w) for w in weight))


def _each(allowed: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda values: isinstance(values, tuple) and bool(values) and all(allowed(value) for value in values)


class _Plan(NamedTuple):
    rates: FloatArray
    law: FloatArray
    hazard: FloatArray
    prior: FloatArray


@lru_cache(maxsize=64)
def _plan(rule: RateFilter) -> _Plan:
    rates = (np.arange(rule.points) + 0.5) / rule.points
    laws, hazards = [], []
    for mean in rule.means:
        for strength in rule.strengths:
            # Beta(mean * strength, (1 - mean) * strength) on the grid, up to its constant
            log_law = (mean * strength - 1.0) * np.log(rates) + ((1.0 - mean) * strength - 1.0) * np.log1p(-rates)
            law = np.exp(log_law - log_law.max())
            for hazard in rule.hazards:
                laws.append(law / law.sum())
                hazards.append(hazard)
    prior = np.ones(len(laws)) if rule.prior is None else np.asarray(rule.prior, dtype=np.float64)
    return _Plan(rates, np.stack(laws), np.asarray(hazards), prior / prior.sum())
