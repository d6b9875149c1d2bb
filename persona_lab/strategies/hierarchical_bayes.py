"""Hierarchical Bayes: one filter per person over a grid of worlds, so that nobody has to set a learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies import grid_kernel as kernel
from persona_lab.strategies.evidence import require
from persona_lab.strategies.grid_plan import Plan, plan_of
from persona_lab.strategies.reliability import (
    Answers,
    Confidence,
    answers_after,
    answers_start,
    confidence_after,
    confidence_start,
    noise_at,
    random_rate,
)
from persona_lab.strategies.worlds import Dynamics, Observer, Restless


class Past(tuple[FloatArray, ...]):
    """Arrays from now backwards; an update puts one in front and hands the others on, which copies nothing."""

    __slots__ = ()

    def __new__(cls, *arrays: FloatArray) -> Past:
        """Build it from its parts, as named tuples are built."""
        return super().__new__(cls, arrays)

    def __getnewargs__(self) -> tuple[FloatArray, ...]:
        """Return what pickle builds it from."""
        return tuple(self)


class GridState(NamedTuple):
    """Weights of the worlds (see :mod:`persona_lab.strategies.grid_kernel`); the last axis is the stream.

    Attributes
    ----------
    plain
        Switching without exceptions, scheduled or not, (options, dynamics, observers, streams).
    past
        Switching with exceptions, free to choose now and 1, 2, ... interactions ago: as many arrays
        (options, dynamics, observers, streams) as the longest burst has interactions.
    runs
        Products of the last 1, 2, ... likelihoods, (lengths, options, observers, streams).
    habits
        Pairs of habits, (current, other, dynamics, observers, streams).
    restless
        Calm and restless phases, (phases, options, dynamics, observers, streams).
    mass
        Total weight by observer, (observers, streams).
    step
        Interactions so far, (streams,).
    answers, confidence
        What is known of the person's silence and of the confidence of answers.
    """

    plain: FloatArray
    past: Past
    runs: FloatArray
    habits: FloatArray
    restless: FloatArray
    mass: FloatArray
    step: FloatArray
    answers: Answers
    confidence: Confidence


@dataclass(frozen=True)
class HierarchicalBayes:
    """Weigh many possible worlds by how well each predicts this person, and believe their mixture.

    Use it when a person's own answers are all there is, and the person may be steady, restless, given to exceptions or
    sloppy: it infers which, in about a microsecond per update. In its one default setting it makes 1.17 times the
    errors of a filter told the truth, on the mean of 24 kinds of people, and 1.4 times at worst, for steady ones;
    for the 18 kinds that change 1.12 times, and no rule that is as good for the others gets to 1.10
    (``reports/evidence/bayes_one_person.json``, ``bayes_prior.json``). The default grid takes every answer alike and
    ignores silence: :data:`persona_lab.strategies.grid_priors.ATTENTIVE` learns what confidence and silence mean. It
    fails gently where taste drifts slowly, and badly where bursts outlast its law
    (``reports/evidence/bayes_lengths.json``): there use
    :func:`persona_lab.strategies.grid_priors.any_length`. A person's first change costs a few answers more than later
    ones, because a steady person is the likelier explanation until then. With logs of other people, use
    :func:`persona_lab.strategies.population_bayes.fit` instead; for a single multiplication per answer, ``Ewma``.

    Parameters
    ----------
    dynamics
        How the preferred option may move.
    observers
        How the person may answer.
    prior
        Probability of each world, one row per dynamics, one column per observer; normalised here.
    single
        Compute in single precision: half the memory, about 1.8 times as fast, beliefs within about 1e-5; options that
        are exactly tied may then be told apart by rounding. The records of the long runs use it.

    Notes
    -----
    Exact mixture of hidden Markov filters (Bayesian model averaging); explicit-duration exceptions. The default prior
    is the outcome of a game against the core suite, see :mod:`persona_lab.strategies.grid_priors`.
    """

    dynamics: tuple[Dynamics, ...]
    observers: tuple[Observer, ...]
    prior: tuple[tuple[float, ...], ...]
    single: bool = False

    def __post_init__(self) -> None:
        kinds = {"dynamics": Dynamics, "observers": Observer}
        for name, kind in kinds.items():
            require(self, name, _all_of(kind), f"a tuple, not empty, of {name} of persona_lab.strategies.worlds")
        rows, columns = len(self.dynamics), len(self.observers)
        table = f"{rows} rows of {columns} columns of finite weights >= 0, not all 0"
        require(self, "prior", lambda prior: _is_table(prior, rows, columns), table)
        require(self, "dynamics", _have_one_count_of_phases, "one number of phases throughout")
        if not isinstance(self.single, bool):
            raise ConfigurationError("HierarchicalBayes", "single", self.single, "True or False")

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled and copied: the configuration, not the arrays made of it."""
        return {part.name: getattr(self, part.name) for part in fields(self)}

    @cached_property
    def _plan(self) -> Plan:
        return plan_of(self.dynamics, self.observers, self.prior, single=self.single)

    def init(self, options: int, streams: int) -> GridState:
        """Return the state before any feedback."""
        plan = self._plan
        weight = plan.prior[..., np.newaxis] * np.ones(streams, plan.dtype)
        start = weight / plan.dtype(options)

        def spread(family: slice, *shape: int) -> FloatArray:
            part = start[family]
            return np.broadcast_to(part, (*shape, *part.shape)).copy()

        free = spread(plan.bursts, options)
        past = Past(free, *(np.zeros_like(free) for _ in range(1, plan.lengths)))
        pairs = spread(plan.habits, options, options)
        pairs *= ((1 - np.eye(options)) / (options - 1)).astype(plan.dtype)[:, :, np.newaxis, np.newaxis, np.newaxis]
        restless = spread(plan.restless, plan.phases, options)
        restless[1:] = 0
        return GridState(
            plain=spread(plan.plain, options),
            past=past,
            runs=np.zeros((plan.lengths, options, len(self.observers), streams), plan.dtype),
            habits=pairs,
            restless=restless,
            mass=fold(weight),
            step=np.zeros(streams),
            answers=answers_start(streams),
            confidence=confidence_start(streams),
        )

    def update(self, state: GridState, given: Feedback) -> GridState:
        """Return the state after one feedback per stream; pure."""
        plan = self._plan
        options = state.plain.shape[0]
        confidence, noise = state.confidence, plan.noise[:, np.newaxis]
        if plan.weighs:
            confidence = confidence_after(confidence, given)
            noise = noise_at(confidence, given, plan.noise, plan.slope).astype(plan.dtype)
        answers, rates = state.answers, None
        if plan.listens:
            at_random = random_rate(answers).astype(plan.dtype)
            rates = np.where(plan.random[:, np.newaxis], at_random, plan.rates[..., np.newaxis])
            answers = answers_after(answers, given)
        total = np.maximum(fold(state.mass), kernel.FLOOR)
        likelihood = kernel.answer_likelihood(given, noise, options, rates, total)
        plain, mass = kernel.hazard_step(state.plain * likelihood[:, np.newaxis], self._plain_hazard(state.step))
        by_observer = fold(mass) if mass.shape[0] else np.zeros_like(state.mass)
        past, runs = state.past, state.runs
        if past[0].shape[1]:
            runs = kernel.runs_after(runs, likelihood)
            free, mass = kernel.hazard_step(kernel.burst_step(past, runs, likelihood, plan.laws), plan.burst_hazard)
            past = Past(free, *past[:-1])
            by_observer += fold(mass)
        habits = state.habits
        if habits.shape[2]:
            habits = kernel.habit_step(habits * likelihood[:, np.newaxis, np.newaxis], plan.habit_hazard)
            by_observer += fold(fold(kernel.habit_belief(habits)))
        restless = state.restless
        if restless.shape[2]:
            restless, mass = kernel.regime_step(
                restless * likelihood[np.newaxis, :, np.newaxis], plan.leave, plan.phase_hazard
            )
            by_observer += fold(mass)
        return GridState(plain, past, runs, habits, restless, by_observer, state.step + 1, answers, confidence)

    def _plain_hazard(self, step: FloatArray) -> FloatArray:
        """Return the hazard of the plain dynamics now, a column, or (dynamics, 1, streams) where schedules differ."""
        plan = self._plan
        if not plan.scheduled:
            return plan.plain_hazard
        if (step == step[:1]).all():  # as in most batches: one column serves every stream
            step = step[:1]
        hazard = np.repeat(plan.plain_hazard, step.shape[0], axis=2)
        restless = (step + 1) // plan.block % 2 == 1
        hazard[plan.scheduled] = np.where(restless, plan.restless_hazard, plan.plain_hazard[plan.scheduled])
        return hazard

    def belief(self, state: GridState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities, conditional on no exception being on now."""
        weight = fold(fold(self._by_family(state).swapaxes(0, 1)).swapaxes(0, 1)).astype(np.float64)
        weight /= fold(weight)
        return weight

    def weights(self, state: GridState) -> FloatArray:
        """Return (options, dynamics, observers, streams): weight of "prefers this, no exception is on" by world."""
        return _as_configured(self._plan, self._by_family(state), axis=1)

    def world_probabilities(self, state: GridState) -> FloatArray:
        """Return (dynamics, observers, streams): how likely each world is for this person."""
        plan = self._plan
        mass = fold(self._by_family(state)).astype(np.float64)
        if state.past[0].shape[1]:
            free = fold(state.past[0])
            mass[plan.bursts] = free + kernel.burst_mass(state.past, state.runs, plan.laws)
        mass /= fold(fold(mass))
        return _as_configured(plan, mass, axis=0)

    def _by_family(self, state: GridState) -> FloatArray:
        """Return :meth:`weights` with dynamics in the order of the state: plain, exceptions, habits, restless."""
        parts = [state.plain]
        if state.past[0].shape[1]:
            parts.append(state.past[0] * (1 - self._plan.burst_rate))
        if state.habits.shape[2]:
            parts.append(kernel.habit_belief(state.habits))
        if state.restless.shape[2]:
            parts.append(fold(state.restless))
        return np.concatenate(parts, axis=1)


def _all_of(kind: Any) -> Callable[[Any], bool]:
    return lambda parts: isinstance(parts, tuple) and bool(parts) and all(isinstance(part, kind) for part in parts)


def _is_table(prior: tuple[tuple[float, ...], ...], rows: int, columns: int) -> bool:
    shaped = _all_of(tuple)(prior) and len(prior) == rows and {len(row) for row in prior} == {columns}
    return shaped and all(0.0 <= weight < math.inf for row in prior for weight in row) and sum(map(sum, prior)) > 0.0


def _have_one_count_of_phases(dynamics: tuple[Dynamics, ...]) -> bool:
    return len({world.phases for world in dynamics if isinstance(world, Restless)}) <= 1


def _as_configured(plan: Plan, by_family: FloatArray, *, axis: int) -> FloatArray:
    return np.take(by_family, np.argsort(plan.order), axis=axis)


Answering = tuple[float, float] | None
"""What an observer takes silence for, see :class:`persona_lab.strategies.worlds.Observer`."""


def listening(base: HierarchicalBayes, shares: Mapping[Answering, float]) -> HierarchicalBayes:
    """Return ``base`` with every observer split over hypotheses about how people answer, in the given shares.

    Raises
    ------
    ConfigurationError
        If an observer of ``base`` has an opinion of silence already.
    """
    if heard := [seen.answers for seen in base.observers if seen.answers is not None]:
        raise ConfigurationError("listening", "base", heard[0], "observers that ignore silence")
    whole = sum(shares.values())
    return replace(
        base,
        observers=tuple(replace(seen, answers=rates) for rates in shares for seen in base.observers),
        prior=tuple(tuple(share / whole * weight for share in shares.values() for weight in row) for row in base.prior),
    )
