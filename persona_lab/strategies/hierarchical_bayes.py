"""Hierarchical Bayes: one filter per person over a grid of worlds, so that nobody has to set a learning rate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, FloatArray, fold
from persona_lab.strategies import grid_kernel as kernel
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
from persona_lab.strategies.worlds import Dynamics, Habits, Observer, Restless, Scheduled, Switching


class GridState(NamedTuple):
    """Weights of the worlds (see :mod:`persona_lab.strategies.grid_kernel`); the last axis is the stream.

    Attributes
    ----------
    plain
        Switching without exceptions, scheduled or not, (options, dynamics, observers, streams).
    past
        Switching with exceptions, free to choose now and 1, 2, ... interactions ago,
        (lengths, options, dynamics, observers, streams).
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
    past: FloatArray
    runs: FloatArray
    habits: FloatArray
    restless: FloatArray
    mass: FloatArray
    step: FloatArray
    answers: Answers
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class HierarchicalBayes:
    """Weigh many possible worlds by how well each predicts this person, and believe their mixture.

    Use it when a person's own answers are all there is, and the person may be steady, restless, given to exceptions or
    sloppy: it infers which, in about a microsecond per update. The default grid takes every answer alike and ignores
    silence: :data:`persona_lab.strategies.grid_priors.ATTENTIVE` learns what confidence and silence mean. It fails
    gently where taste drifts slowly, and badly where bursts outlast its law (``reports/evidence/bayes_lengths.json``):
    there use :func:`persona_lab.strategies.grid_priors.any_length`. A person's first change costs a few answers more
    than later ones, because a steady person is the likelier explanation until then. With logs of other people, use
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
        Compute in single precision: half the memory, about 1.6 times as fast, beliefs within about 1e-5; options that
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
        shape = (len(self.dynamics), len(self.observers))
        for name in ("dynamics", "observers", "prior"):
            if not isinstance(getattr(self, name), tuple):
                raise ConfigurationError("HierarchicalBayes", name, getattr(self, name), "a tuple")
        if odd := [world for world in self.dynamics if not isinstance(world, Dynamics)]:
            raise ConfigurationError("HierarchicalBayes", "dynamics", odd[0], "worlds of persona_lab.strategies.worlds")
        if not all(shape):
            raise ConfigurationError("HierarchicalBayes", "dynamics, observers", shape, "at least one of each")
        if len(self.prior) != shape[0] or any(len(row) != shape[1] for row in self.prior):
            raise ConfigurationError("HierarchicalBayes", "prior", self.prior, f"{shape[0]} rows of {shape[1]} columns")
        if not all(0 <= weight < math.inf for row in self.prior for weight in row) or sum(map(sum, self.prior)) <= 0:
            raise ConfigurationError("HierarchicalBayes", "prior", self.prior, "finite weights >= 0, not all 0")
        if len({d.phases for d in self.dynamics if isinstance(d, Restless)}) > 1:
            raise ConfigurationError("HierarchicalBayes", "dynamics", self.dynamics, "one number of phases throughout")

    def init(self, options: int, streams: int) -> GridState:
        """Return the state before any feedback."""
        plan = _plan(self)
        weight = plan.prior[..., np.newaxis] * np.ones(streams, plan.dtype)
        start = weight / plan.dtype(options)

        def spread(family: slice, *shape: int) -> FloatArray:
            part = start[family]
            return np.broadcast_to(part, (*shape, *part.shape)).copy()

        past = spread(plan.bursts, plan.lengths, options)
        past[1:] = 0
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
        plan = _plan(self)
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
        hazard = plan.plain_hazard
        if plan.scheduled:
            second = (state.step + 1) // plan.block % 2 == 1
            hazard = np.where(second, plan.restless_hazard, plan.plain_hazard)
        plain, mass = kernel.hazard_step(state.plain * likelihood[:, np.newaxis], hazard)
        by_observer = fold(mass) if mass.shape[0] else np.zeros_like(state.mass)
        past, runs = state.past, state.runs
        if past.shape[2]:
            runs = kernel.runs_after(runs, likelihood)
            moved = kernel.burst_step(past, runs, likelihood, plan.laws)
            past = np.empty_like(past)
            past[0], mass = kernel.hazard_step(moved, plan.burst_hazard)
            past[1:] = state.past[:-1]
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

    def belief(self, state: GridState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities, conditional on no exception being on now."""
        weight = fold(fold(self._by_family(state).swapaxes(0, 1)).swapaxes(0, 1)).astype(np.float64)
        weight /= fold(weight)
        return weight

    def weights(self, state: GridState) -> FloatArray:
        """Return (options, dynamics, observers, streams): weight of "prefers this, no exception is on" by world."""
        return _as_configured(_plan(self), self._by_family(state), axis=1)

    def world_probabilities(self, state: GridState) -> FloatArray:
        """Return (dynamics, observers, streams): how likely each world is for this person."""
        plan = _plan(self)
        mass = fold(self._by_family(state)).astype(np.float64)
        if state.past.shape[2]:
            free = fold(state.past[0])
            mass[plan.bursts] = free + kernel.burst_mass(state.past, state.runs, plan.laws)
        mass /= fold(fold(mass))
        return _as_configured(plan, mass, axis=0)

    def _by_family(self, state: GridState) -> FloatArray:
        """Return :meth:`weights` with dynamics in the order of the state: plain, exceptions, habits, restless."""
        parts = [state.plain]
        if state.past.shape[2]:
            parts.append(state.past[0] * (1 - _plan(self).burst_rate))
        if state.habits.shape[2]:
            parts.append(kernel.habit_belief(state.habits))
        if state.restless.shape[2]:
            parts.append(fold(state.restless))
        return np.concatenate(parts, axis=1)


def _as_configured(plan: _Plan, by_family: FloatArray, *, axis: int) -> FloatArray:
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


class _Plan(NamedTuple):
    """The grid, sorted by family and turned into arrays."""

    dtype: Any
    order: tuple[int, ...]
    prior: FloatArray
    plain: slice
    bursts: slice
    habits: slice
    restless: slice
    noise: FloatArray
    slope: FloatArray
    weighs: bool
    rates: NDArray[Any]
    random: BoolArray
    listens: bool
    lengths: int
    phases: int
    laws: kernel.Laws
    plain_hazard: FloatArray
    restless_hazard: FloatArray
    block: FloatArray
    scheduled: bool
    burst_hazard: FloatArray
    burst_rate: FloatArray
    habit_hazard: FloatArray
    leave: FloatArray
    phase_hazard: FloatArray


@lru_cache(maxsize=64)
def _plan(rule: HierarchicalBayes) -> _Plan:
    dtype = np.float32 if rule.single else np.float64
    numbered = list(enumerate(rule.dynamics))
    switching = [(i, d) for i, d in numbered if isinstance(d, Switching)]
    plain = [
        (i, d) for i, d in numbered if isinstance(d, Scheduled) or (isinstance(d, Switching) and not d.exception_rate)
    ]
    bursts = sorted(((i, d) for i, d in switching if d.exception_rate > 0), key=lambda pair: _law(pair[1]))
    habits = [(i, d) for i, d in numbered if isinstance(d, Habits)]
    restless = [(i, d) for i, d in numbered if isinstance(d, Restless)]
    order = tuple(i for i, _ in (*plain, *bursts, *habits, *restless))
    prior = np.asarray(rule.prior, dtype=np.float64)[list(order)]
    prior = np.maximum(prior / prior.sum(), kernel.FLOOR)
    ends = np.cumsum([len(plain), len(bursts), len(habits), len(restless)]).tolist()
    laws, first = [], 0
    for (rate, law), group in groupby(bursts, key=lambda pair: _law(pair[1])):
        last = first + len(list(group))
        laws.append((slice(first, last), rate, law))
        first = last
    phases = restless[0][1].phases if restless else 1

    def hazards(values: list[float]) -> FloatArray:
        return kernel.column([max(value, kernel.NEVER) for value in values], dtype)

    return _Plan(
        dtype=dtype,
        order=order,
        prior=prior.astype(dtype),
        plain=slice(0, ends[0]),
        bursts=slice(ends[0], ends[1]),
        habits=slice(ends[1], ends[2]),
        restless=slice(ends[2], ends[3]),
        noise=np.asarray([o.noise for o in rule.observers], dtype=dtype),
        slope=np.asarray([o.slope for o in rule.observers], dtype=dtype),
        weighs=any(o.slope != 0 for o in rule.observers),
        rates=np.asarray([o.answers or (0.5, 0.5) for o in rule.observers], dtype=dtype).T,
        random=np.asarray([o.answers is None for o in rule.observers]),
        listens=any(o.answers is not None for o in rule.observers),
        lengths=max((len(d.lengths) for _, d in bursts), default=1),
        phases=2 * phases,
        laws=tuple(laws),
        plain_hazard=hazards([d.calm if isinstance(d, Scheduled) else d.hazard for _, d in plain]),
        restless_hazard=hazards([d.restless if isinstance(d, Scheduled) else d.hazard for _, d in plain]),
        block=kernel.column([float(d.block) if isinstance(d, Scheduled) else 1.0 for _, d in plain], np.float64),
        scheduled=any(isinstance(d, Scheduled) for _, d in plain),
        burst_hazard=hazards([d.hazard for _, d in bursts]),
        burst_rate=kernel.column([d.exception_rate for _, d in bursts], dtype),
        habit_hazard=kernel.column([d.hazard for _, d in habits], dtype),
        leave=kernel.column([d.phases / d.block for _, d in restless], dtype),
        phase_hazard=kernel.column(
            [[max(d.calm if p < phases else d.restless, kernel.NEVER) for _, d in restless] for p in range(2 * phases)],
            dtype,
        ),
    )


def _law(world: Switching) -> tuple[float, tuple[float, ...]]:
    return world.exception_rate, world.lengths
