"""People living a scenario: what they prefer, want and express at every interaction. Truth, for metrics only.

A stream is one context of one person; streams of a person lie side by side, person by person.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.randomness import generator, uniforms
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.histories import (
    History,
    Luck,
    drifting_utilities,
    interrupted,
    pick,
    softmax_choice,
    steady,
)
from persona_lab.simulate.paths import Exceptions, Gradual, Mixed, Recurring, Switch, Types, VolatilityShift
from persona_lab.simulate.routine import Times, draw_times
from persona_lab.simulate.scenarios import Scenario

EARLIEST_DAY = -1
"""Local day of the epoch west of Greenwich, counted from the day of the epoch itself."""


class Traits(NamedTuple):
    """Parameters of each stream, (streams,): what the clairvoyant limit is told."""

    hazard: FloatArray
    noise: FloatArray
    exception_rate: FloatArray
    recurring: BoolArray


class Lives(NamedTuple):
    """Interactions of people, (interactions, streams); with one context per person, streams are people.

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
        (interactions, options, streams) on gradual paths, else None.
    traits
        Parameters of each stream.
    elapsed
        Days since the stream's previous interaction, 0 for the first (float64).
    session
        Number of the day, on the person's own calendar (int32).
    times
        Moments and time zones where the scenario has a routine, else None.
    """

    preferred: IntArray
    wanted: IntArray
    expressed: IntArray
    in_exception: BoolArray
    confidence: FloatArray
    utilities: FloatArray | None
    traits: Traits
    elapsed: FloatArray
    session: IntArray
    times: Times | None


def live(scenario: Scenario, *, seed: int, users: tuple[int, int]) -> Lives:
    """Live through a scenario.

    Parameters
    ----------
    scenario
        The population.
    seed
        Luck; a person's life depends on (scenario law, seed, person number) alone, and a longer life starts with the
        shorter one.
    users
        Half-open range of person numbers.

    Returns
    -------
    Lives of shape (interactions, people * contexts).
    """
    contexts = scenario.contexts
    luck = Luck(seed, scenario.interactions, (users[0] * contexts, users[1] * contexts))
    traits = draw_traits(scenario, seed=seed, users=users)
    utilities: FloatArray | None = None
    if isinstance(scenario.path, Gradual):
        utilities = drifting_utilities(scenario.path, scenario.options, luck)
        preferred = utilities.argmax(axis=1).astype(np.int8)
        wanted = softmax_choice(utilities, luck.draw("choice"))
        history = History(preferred, wanted, _never(preferred.shape))
    elif isinstance(scenario.path, VolatilityShift) or traits.exception_rate.any():
        history = interrupted(
            scenario.path, scenario.options, traits.hazard, traits.exception_rate, traits.recurring, luck
        )
    else:
        history = _steady_lives(scenario, traits, luck, users)
    elapsed, session, times = _clock(scenario, seed, users)
    noise, confidence = _noise_and_confidence(scenario.channel, traits.noise, session, luck)
    expressed = slip(history.wanted, luck.draw("noise"), noise, scenario.options)
    return Lives(
        preferred=history.preferred,
        wanted=history.wanted,
        expressed=expressed,
        in_exception=history.in_exception,
        confidence=confidence,
        utilities=utilities,
        traits=traits,
        elapsed=elapsed,
        session=session,
        times=times,
    )


def draw_traits(scenario: Scenario, *, seed: int, users: tuple[int, int]) -> Traits:
    """Return the parameters of each stream; equal for all but on ``Mixed`` and ``Types`` paths."""
    first, stop = users
    n = stop - first
    path = scenario.path
    if isinstance(path, Mixed):
        rows = [_mixed_person(path, generator(seed, "traits", user)) for user in range(first, stop)]
        hazard, noise, rate, recurring = (np.array(column) for column in zip(*rows, strict=True))
        traits = Traits(hazard, noise, rate, recurring.astype(bool))
    elif isinstance(path, Types):
        draw = uniforms(seed, "kind of person", steps=(0, 1), streams=users)[0]
        kind = np.minimum(np.searchsorted(np.cumsum(path.shares), draw, side="right"), len(path.shares) - 1)
        hazards, noises, rates = (np.array(v)[kind] for v in (path.hazards, path.noises, path.exception_rates))
        traits = Traits(hazards, noises, rates, np.zeros(n, dtype=bool))
    else:
        everyone = path.hazard if isinstance(path, (Switch, Exceptions, Recurring)) else 0.0
        bursts = path.rate if isinstance(path, Exceptions) else 0.0
        traits = Traits(
            hazard=np.full(n, everyone),
            noise=np.full(n, scenario.channel.noise),
            exception_rate=np.full(n, bursts),
            recurring=np.full(n, isinstance(path, Recurring)),
        )
    return Traits(
        hazard=np.repeat(traits.hazard, scenario.contexts),
        noise=np.repeat(traits.noise, scenario.contexts),
        exception_rate=np.repeat(traits.exception_rate, scenario.contexts),
        recurring=np.repeat(traits.recurring, scenario.contexts),
    )


def slip(wanted: IntArray, luck: NDArray[np.float32], noise: FloatArray, options: int) -> IntArray:
    """Return ``wanted``, or a uniform other option with probability ``noise``; one draw decides both."""
    expressed = wanted.copy()
    where = np.flatnonzero(luck < noise.astype(np.float32))
    bound = noise[where % noise.size] if noise.ndim == 1 else noise.ravel()[where]
    jump = 1 + pick(np.minimum(luck.ravel()[where] / bound, 1.0), options - 1)
    flat = expressed.reshape(-1)
    flat[where] = (flat[where] + jump) % options
    return expressed


def _mixed_person(path: Mixed, luck: np.random.Generator) -> tuple[float, float, float, bool]:
    never, kind, tail = luck.random(3)
    hazard = 0.0 if never < path.never else float(10 ** luck.uniform(*path.log10_hazard))
    noise = float(np.clip(luck.beta(*path.noise_beta), *path.noise_range))
    recurring = bool(kind < path.recurring)
    rate = float(luck.uniform(*path.exception_rate)) if not recurring and tail < path.with_exceptions else 0.0
    return hazard, noise, rate, recurring


def _never(shape: tuple[int, ...]) -> BoolArray:
    return np.broadcast_to(np.False_, shape)


def _steady_lives(scenario: Scenario, traits: Traits, luck: Luck, users: tuple[int, int]) -> History:
    hazard, events = traits.hazard, None
    if scenario.together > 0.0:
        # A context switches with hazard h: in a life event (probability s h) or else on its own, (h - s h) / (1 - s h).
        shared = scenario.together * hazard
        hazard = (hazard - shared) / (1.0 - shared)
        draws = uniforms(luck.seed, "life event", steps=(0, luck.steps), streams=users)
        events = np.repeat(draws, scenario.contexts, axis=1) < shared
        events[0] = False
    preferred = steady(scenario.options, hazard, traits.recurring, luck, life_events=events)
    return History(preferred, preferred, _never(preferred.shape))


def _clock(scenario: Scenario, seed: int, users: tuple[int, int]) -> tuple[FloatArray, IntArray, Times | None]:
    """Return elapsed days, sessions and times, broadcastable to (interactions, streams)."""
    steps, contexts = scenario.interactions, scenario.contexts
    shape = (steps, (users[1] - users[0]) * contexts)
    if scenario.routine is None:
        elapsed = np.full((steps, 1), scenario.days_between)
        elapsed[0] = 0.0
        day = np.floor(np.arange(steps) * scenario.days_between + 1e-9).astype(np.int32)[:, np.newaxis]
        return np.broadcast_to(elapsed, shape), np.broadcast_to(day, shape), None
    times = draw_times(scenario.routine, seed=seed, interactions=steps, users=users)
    elapsed = np.diff(times.seconds, axis=0, prepend=times.seconds[:1]) / 86_400.0
    return np.repeat(elapsed, contexts, axis=1), np.repeat(times.day, contexts, axis=1), times


def _noise_and_confidence(
    channel: Channel, noise: FloatArray, session: IntArray, luck: Luck
) -> tuple[FloatArray, FloatArray]:
    """Return noise, (streams,) or (interactions, streams), and reported confidence, (interactions, streams)."""
    shape = (luck.steps, noise.size)
    confidence: FloatArray = np.broadcast_to(np.float64(1.0), shape)
    weights = channel.weights
    if weights is not None:
        careful = luck.draw("care") < weights.careful_share
        noise = np.where(careful, weights.careful_noise, weights.careless_noise)
        if weights.meaning == "shuffled":
            marked = luck.draw("marking") < weights.careful_share
        else:
            marked = careful if weights.meaning == "informative" else ~careful
        confidence = np.where(marked, weights.high, weights.low)
    if channel.bad_days is not None:
        first = EARLIEST_DAY
        days = uniforms(luck.seed, "bad day", steps=(0, int(session.max()) - first + 1), streams=luck.streams)
        bad = np.take_along_axis(days < channel.bad_days.share, (session - first).astype(np.int64), axis=0)
        noise = np.where(bad, channel.bad_days.noise, noise)
    return noise, confidence
