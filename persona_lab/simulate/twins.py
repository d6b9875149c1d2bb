"""Causal probes that any strategy can be put through: clean twins and impulse responses (DESIGN section 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray
from persona_lab.measurement import Measurement, undefined
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import uniforms
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.histories import pick
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import Lives
from persona_lab.simulate.scenarios import Scenario


class CleanTwin(NamedTuple):
    """Errors of a strategy on people and on their clean twins, on the noisy run's scored steps; (streams,) counts."""

    noisy: NDArray[np.int64]
    clean: NDArray[np.int64]
    scored: NDArray[np.int64]


class ImpulseResponse(NamedTuple):
    """What one wrong correction does to the belief in the true option.

    Attributes
    ----------
    gap
        Belief of the untouched twin minus that of the twin that heard it, mean over streams, by lag 1, 2, ...
    standard_error
        Of each gap.
    peak
        Largest mean gap.
    half_life
        Interactions until the mean gap has fallen to half its peak for good.
    area
        Sum of the gap over the lags, in interactions of complete disbelief.
    """

    gap: FloatArray
    standard_error: FloatArray
    peak: Measurement
    half_life: Measurement
    area: Measurement


def clean_twins(lives: Lives) -> Lives:
    """Return the same people with the same preferences, who never slip and have no exceptions."""
    return lives._replace(
        wanted=lives.preferred,
        expressed=lives.preferred,
        in_exception=np.broadcast_to(np.False_, lives.preferred.shape),
    )


def clean_twin(
    scenario: Scenario, lives: Lives, strategy: UpdateStrategy, *, seed: int, users: tuple[int, int]
) -> CleanTwin:
    """Run a strategy on people and on their clean twins, with the same luck of answering."""
    twins = clean_twins(lives)
    scored = ~lives.in_exception
    errors = [
        ((closed_loop(scenario, people, strategy, seed=seed, users=users).proposed != lives.preferred) & scored).sum(
            axis=0
        )
        for people in (lives, twins)
    ]
    return CleanTwin(noisy=errors[0], clean=errors[1], scored=scored.sum(axis=0))


def price_of_noise(
    scenario: Scenario, lives: Lives, strategy: UpdateStrategy, *, seed: int, users: tuple[int, int]
) -> Measurement:
    """Extra errors per 100 scored interactions that noise and exceptions cause; negative where they help.

    ``n`` counts streams; the standard error is over people. Read the error rate beside it: never-update pays nothing.
    """
    twin = clean_twin(scenario, lives, strategy, seed=seed, users=users)
    extra, scored = (_by_person(column, scenario.contexts) for column in (twin.noisy - twin.clean, twin.scored))
    if not scored.sum():
        return undefined("no interaction was scored", n=twin.scored.size)
    value = float(100.0 * extra.sum() / scored.sum())
    error = None
    if extra.size > 1:
        residual = 100.0 * extra - value * scored
        error = float(np.sqrt(np.square(residual).sum() * extra.size / (extra.size - 1)) / scored.sum())
    return Measurement(value, error, n=twin.scored.size)


def impulse_response(
    scenario: Scenario,
    lives: Lives,
    strategy: UpdateStrategy,
    *,
    seed: int,
    users: tuple[int, int],
    at: int,
    lags: int = 50,
) -> ImpulseResponse:
    """Inject one wrong correction at interaction ``at`` into one of two clean twins, and follow the belief gap.

    Both twins always answer and always name their option, whatever the channel: the probe is of the strategy,
    not of the people. The wrong option is uniform among the others, the same for every strategy.

    Raises
    ------
    ConfigurationError
        If ``at`` and ``lags`` do not fit into the lives.
    """
    steps, streams = lives.preferred.shape
    if not 0 <= at < at + lags < steps:
        raise ConfigurationError("impulse_response", "at", at, f"at + lags below the {steps} interactions of a life")
    probed = replace(scenario, channel=Channel(0.0))
    untouched = clean_twins(lives)
    first = users[0] * scenario.contexts
    luck = uniforms(seed, "impulse", steps=(0, 1), streams=(first, first + streams))[0]
    expressed = untouched.expressed.copy()
    expressed[at] = (expressed[at] + 1 + pick(luck, scenario.options - 1)) % scenario.options
    believed = []
    for people in (untouched, untouched._replace(expressed=expressed)):
        run = closed_loop(probed, people, strategy, seed=seed, users=users, record_belief=True)
        if run.belief is None:
            raise AssertionError("a belief was asked for and none was recorded")
        after = slice(at + 1, at + 1 + lags)
        true = lives.preferred[after, np.newaxis].astype(np.intp)
        believed.append(np.take_along_axis(run.belief[after], true, axis=1)[:, 0].astype(np.float64))
    gap = believed[0] - believed[1]
    mean = gap.mean(axis=1)
    spread = gap.std(axis=1, ddof=1) / np.sqrt(streams) if streams > 1 else np.zeros(lags)
    area = gap.sum(axis=0)
    top = int(mean.argmax())
    return ImpulseResponse(
        gap=mean,
        standard_error=spread,
        peak=Measurement(float(mean[top]), float(spread[top]) if streams > 1 else None, n=streams),
        half_life=_half_life(mean, streams),
        area=Measurement(
            float(area.mean()), float(area.std(ddof=1) / np.sqrt(streams)) if streams > 1 else None, n=streams
        ),
    )


def _half_life(gap: FloatArray, streams: int) -> Measurement:
    top = int(gap.argmax())
    if gap[top] <= 0.0:
        return undefined("the wrong correction lowered no belief", n=streams)
    above = np.flatnonzero(gap > gap[top] / 2.0)
    last = int(above[-1])
    if last == gap.size - 1:
        return undefined(f"the gap is above half its peak after {gap.size} interactions", n=streams)
    return Measurement(float(last + 1 - top), None, n=streams)


def _by_person(column: NDArray[np.int64], contexts: int) -> NDArray[np.int64]:
    total: NDArray[np.int64] = column.reshape(-1, contexts).sum(axis=1)
    return total
