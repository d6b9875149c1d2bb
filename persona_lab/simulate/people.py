"""People living a scenario: what they prefer, want and express at every interaction. Truth, for metrics only."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.randomness import generator, uniforms
from persona_lab.simulate.paths import Exceptions, Gradual, Mixed, Recurring, Switch, Types, VolatilityShift
from persona_lab.simulate.scenarios import Scenario, Weights


class Traits(NamedTuple):
    """Parameters of each person, (users,): what the clairvoyant limit is told."""

    hazard: FloatArray
    noise: FloatArray
    exception_rate: FloatArray
    recurring: BoolArray


class Lives(NamedTuple):
    """Interactions of people, (interactions, users); streams are people, as scenarios have one context.

    Attributes
    ----------
    preferred
        The true option z_t (int8).
    wanted
        z_t, or the exception's option while one lasts (int8).
    expressed
        ``wanted`` after noise: what an answer names (int8).
    in_exception
        Whether an exception is on.
    confidence
        Reported weight of the event, 0 to 1 (float64).
    utilities
        (interactions, options, users) on gradual paths, else None.
    traits
        Parameters of each person.
    """

    preferred: IntArray
    wanted: IntArray
    expressed: IntArray
    in_exception: BoolArray
    confidence: FloatArray
    utilities: FloatArray | None
    traits: Traits


def live(scenario: Scenario, *, seed: int, users: tuple[int, int]) -> Lives:
    """Live through a scenario.

    Parameters
    ----------
    scenario
        The population.
    seed
        Luck; a person's life depends on (scenario law, seed, person number) alone.
    users
        Half-open range of person numbers.

    Returns
    -------
    Lives of shape (interactions, users).
    """
    steps, options = scenario.interactions, scenario.options
    traits = draw_traits(scenario, seed=seed, users=users)
    luck = _Luck(seed, steps, users)
    first = _other(luck.once("first option"), options)
    utilities: FloatArray | None = None
    inside = np.zeros((steps, users[1] - users[0]), dtype=bool)
    if isinstance(scenario.path, Gradual):
        utilities = _drift(scenario.path, options, seed=seed, steps=steps, users=users)
        preferred = utilities.argmax(axis=1).astype(np.int8)
        wanted = _softmax_choice(utilities, luck.draw("choice"))
    else:
        preferred, wanted, inside = _discrete(scenario, traits, first, luck)
    noise, confidence = _noise_and_confidence(scenario.channel.weights, traits.noise, luck)
    expressed = _slip(wanted, luck.draw("noise"), noise, options)
    return Lives(preferred, wanted, expressed, inside, confidence, utilities, traits)


def draw_traits(scenario: Scenario, *, seed: int, users: tuple[int, int]) -> Traits:
    """Return the parameters of each person; equal for all but on ``Mixed`` paths."""
    first, stop = users
    n = stop - first
    path = scenario.path
    if isinstance(path, Mixed):
        rows = [_mixed_person(path, generator(seed, "traits", user)) for user in range(first, stop)]
        hazard, noise, rate, recurring = (np.array(column) for column in zip(*rows, strict=True))
        return Traits(hazard, noise, rate, recurring.astype(bool))
    if isinstance(path, Types):
        draw = uniforms(seed, "kind of person", steps=(0, 1), streams=users)[0]
        kind = np.minimum(np.searchsorted(np.cumsum(path.shares), draw, side="right"), len(path.shares) - 1)
        hazards, noises, rates = (np.array(v)[kind] for v in (path.hazards, path.noises, path.exception_rates))
        return Traits(hazards, noises, rates, np.zeros(n, dtype=bool))
    everyone = path.hazard if isinstance(path, (Switch, Exceptions, Recurring)) else 0.0
    bursts = path.rate if isinstance(path, Exceptions) else 0.0
    return Traits(
        hazard=np.full(n, everyone),
        noise=np.full(n, scenario.channel.noise),
        exception_rate=np.full(n, bursts),
        recurring=np.full(n, isinstance(path, Recurring)),
    )


def _mixed_person(path: Mixed, luck: np.random.Generator) -> tuple[float, float, float, bool]:
    never, kind, tail = luck.random(3)
    hazard = 0.0 if never < path.never else float(10 ** luck.uniform(*path.log10_hazard))
    noise = float(np.clip(luck.beta(*path.noise_beta), *path.noise_range))
    recurring = bool(kind < path.recurring)
    rate = float(luck.uniform(*path.exception_rate)) if not recurring and tail < path.with_exceptions else 0.0
    return hazard, noise, rate, recurring


class _Luck:
    """Uniform draws of one rectangle of people, by purpose."""

    def __init__(self, seed: int, steps: int, users: tuple[int, int]) -> None:
        self.seed, self.steps, self.users = seed, steps, users

    def draw(self, purpose: str) -> NDArray[np.float32]:
        return uniforms(self.seed, purpose, steps=(0, self.steps), streams=self.users)

    def once(self, purpose: str) -> NDArray[np.float32]:
        first: NDArray[np.float32] = uniforms(self.seed, purpose, steps=(0, 1), streams=self.users)[0]
        return first


def _other(luck: NDArray[np.floating[Any]], count: int) -> IntArray:
    """Turn uniforms into integers 0 .. count - 1."""
    index: IntArray = np.minimum((luck.astype(np.float64) * count).astype(np.int8), count - 1)
    return index


def _slip(wanted: IntArray, luck: NDArray[np.float32], noise: FloatArray, options: int) -> IntArray:
    """Return ``wanted``, or a uniform other option with probability ``noise``; one draw decides both."""
    slipped = luck < noise
    jump = 1 + _other(luck / np.where(slipped, noise, 1.0), options - 1)
    expressed: IntArray = np.where(slipped, (wanted + jump) % options, wanted).astype(np.int8)
    return expressed


def _discrete(scenario: Scenario, traits: Traits, first: IntArray, luck: _Luck) -> tuple[IntArray, IntArray, BoolArray]:
    """Return preferred, wanted and in_exception under the law of the module ``paths``."""
    path, options = scenario.path, scenario.options
    steps, n = scenario.interactions, first.size
    preferred = np.empty((steps, n), dtype=np.int8)
    wanted, inside = preferred.copy(), np.zeros((steps, n), dtype=bool)
    now = first.copy()
    other = ((first + 1 + _other(luck.once("other habit"), options - 1)) % options).astype(np.int8)
    moving = luck.draw("switch") if not np.all(traits.hazard == 0.0) or isinstance(path, VolatilityShift) else None
    law = path.law if isinstance(path, Exceptions) else _uniform_law(path)
    edges = np.cumsum(law)
    bursting = luck.draw("burst") if law and traits.exception_rate.any() else None
    lasting = luck.draw("burst length") if bursting is not None else None
    left = np.zeros(n, dtype=np.int16)
    exception = np.zeros(n, dtype=np.int8)
    for step in range(steps):
        free = left == 0
        if step and moving is not None:
            hazard = path.hazard_at(step) if isinstance(path, VolatilityShift) else traits.hazard
            moves = free & (moving[step] < hazard)
            jump = 1 + _other(moving[step] / np.where(moves, hazard, 1.0), options - 1)
            target = np.where(traits.recurring, other, (now + jump) % options).astype(np.int8)
            other = np.where(moves & traits.recurring, now, other)
            now = np.where(moves, target, now)
        preferred[step] = now
        if bursting is None or lasting is None:
            wanted[step] = now
            continue
        starts = free & (bursting[step] < traits.exception_rate)
        if starts.any():
            jump = 1 + _other(bursting[step] / np.where(starts, traits.exception_rate, 1.0), options - 1)
            length = 1 + np.minimum(np.searchsorted(edges, lasting[step], side="right"), len(law) - 1)
            exception = np.where(starts, (now + jump) % options, exception).astype(np.int8)
            left = np.where(starts, length, left).astype(np.int16)
        on = left > 0
        inside[step] = on
        wanted[step] = np.where(on, exception, now)
        left -= on
    return preferred, wanted, inside


def _uniform_law(path: object) -> tuple[float, ...]:
    return (1.0 / path.longest,) * path.longest if isinstance(path, (Mixed, Types)) else ()


def _drift(path: Gradual, options: int, *, seed: int, steps: int, users: tuple[int, int]) -> FloatArray:
    """Return stationary Ornstein-Uhlenbeck utilities, (interactions, options, users), by exact discretisation."""
    from scipy.special import ndtri

    keep = np.exp(-1.0 / path.tau)
    spread = path.sd * np.sqrt(1.0 - keep**2)
    utilities = np.empty((steps, options, users[1] - users[0]))
    for option in range(options):
        draws = uniforms(seed, f"utility {option}", steps=(0, steps), streams=users).astype(np.float64)
        normal = ndtri(draws + 2.0**-25)  # float32 uniforms are multiples of 2**-24 from 0: centre them in their cells
        utilities[0, option] = path.sd * normal[0]
        for step in range(1, steps):
            utilities[step, option] = keep * utilities[step - 1, option] + spread * normal[step]
    return utilities


def _softmax_choice(utilities: FloatArray, luck: NDArray[np.float32]) -> IntArray:
    """Draw one option per interaction with softmax probabilities."""
    weight = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    reached = np.cumsum(weight, axis=1)
    chosen: IntArray = (luck[:, np.newaxis] * reached[:, -1:] >= reached).sum(axis=1).astype(np.int8)
    last = np.int8(utilities.shape[1] - 1)
    return np.minimum(chosen, last, out=chosen)


def _noise_and_confidence(weights: Weights | None, noise: FloatArray, luck: _Luck) -> tuple[FloatArray, FloatArray]:
    """Return noise and reported confidence per interaction, broadcastable to (interactions, users)."""
    shape = (luck.steps, noise.size)
    if weights is None:
        return noise, np.broadcast_to(np.float64(1.0), shape)
    careful = luck.draw("care") < weights.careful_share
    actual: FloatArray = np.where(careful, weights.careful_noise, weights.careless_noise)
    if weights.meaning == "shuffled":
        marked = luck.draw("marking") < weights.careful_share
    else:
        marked = careful if weights.meaning == "informative" else ~careful
    return actual, np.where(marked, weights.high, weights.low)
