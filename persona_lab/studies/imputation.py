"""Posterior imputation: what a strategy would have scored in its own closed loop, from a log of another agent.

Fit the hidden Markov model and the response model to the log (maximum likelihood), sample what each person preferred
and would have said at every interaction given the whole log (forward filter, backward sampling: Fruhwirth-Schnatter
1994), then put the strategy through these lives with freshly drawn answers. Repeat with parameters drawn from their
sampling distribution, so that the interval says what the fit does not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, IntArray, Kind, named_option, one_hot
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import generator
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Exceptions, Switch
from persona_lab.simulate.people import Lives, Traits
from persona_lab.simulate.scenarios import Scenario
from persona_lab.studies.fitting import Estimate, LogPart, PopulationFit

DRAWS = 8
"""Imputed lives per person; between-draw variance is part of the standard error."""

LEVEL = 1.96


@dataclass(frozen=True, slots=True)
class Imputed:
    """The disagreement rate of a strategy in its own closed loop: proposals that are not what the person would say.

    ``low`` and ``high`` are the 95 % interval over people, imputations and parameters.
    """

    strategy: str
    value: float
    standard_error: float
    low: float
    high: float


def impute(
    part: LogPart,
    fitted: PopulationFit,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int,
    draws: int = DRAWS,
    perturb: bool = True,
) -> list[Imputed]:
    """Estimate the closed-loop disagreement rate of strategies from a log.

    Parameters
    ----------
    part
        The log; every stream is taken to its own length.
    fitted
        Parameters, from :func:`persona_lab.studies.fitting.fit_population` on this log.
    strategies
        Name to strategy.
    seed
        Luck of the imputation.
    draws
        Imputed lives per person.
    perturb
        Whether to draw parameters from their sampling distribution; False takes the estimates as true.

    Raises
    ------
    InputError
        If ``draws`` is below 2: what the imputation does not know shows in the differences between draws; or if fewer
        than two people are in the log: how people differ is part of the interval; or if the log is empty.
    """
    if draws < 2:
        raise InputError("imputation needs more than one draw", value=draws, cure="Pass at least 2 draws.")
    if not part.log:
        raise InputError("the log has no interaction", cure="Pass a log of at least one interaction.")
    heard = np.stack([np.asarray(mask) for mask in part.active])
    streams = np.flatnonzero(heard.any(axis=0))
    if streams.size < 2:
        cure = "Pass the log of two people or more; one person's figure has no interval."
        raise InputError("imputation needs more than one person", value=int(streams.size), cure=cure)
    rates: dict[str, list[FloatArray]] = {name: [] for name in strategies}
    for draw in range(draws):
        told = _parameters(fitted, seed, draw, perturb)
        lives = sample_lives(part, told, seed=seed, draw=draw)
        scenario = _scenario(part, told)
        for name, strategy in strategies.items():
            path = closed_loop(
                scenario, lives, strategy, seed=_fresh(seed, draw), users=(0, heard.shape[1])
            )  # fmt: skip
            wrong = (path.proposed != lives.expressed) & heard
            rates[name].append(wrong.sum(axis=0)[streams] / heard.sum(axis=0)[streams])
    return [_pooled(name, np.stack(found)) for name, found in rates.items()]


@dataclass(frozen=True, slots=True)
class Band:
    """How far an imputed rate moves when the parameters are wrong.

    ``value`` is at the fitted parameters; ``low`` and ``high`` are the furthest ends of the 95 % intervals over all
    settings tried, ``low_at`` and ``high_at`` the setting in words.
    """

    strategy: str
    value: float
    low: float
    high: float
    low_at: str
    high_at: str


def sensitivity(
    part: LogPart,
    fitted: PopulationFit,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int,
    draws: int = 4,
    odds: float = 2.0,
) -> list[Band]:
    """Impute with each parameter moved down and up, one at a time, and return the band of each strategy.

    Read it where the fit warns that a parameter is not identified: the interval of :func:`impute` then trusts a
    curvature that says little. A band does not cover two parameters that are wrong at once in compounding ways.

    Parameters
    ----------
    part, fitted, strategies, seed, draws
        As in :func:`impute`.
    odds
        Each fitted probability is moved to its odds divided and multiplied by this, or to the end of its 95 % interval
        where that lies further out.

    Raises
    ------
    InputError
        If ``odds`` is not above 1.
    """
    if not odds > 1.0:
        raise InputError("a band needs parameters to move", value=odds, cure="Pass odds above 1, such as 2.")
    settings: dict[str, PopulationFit] = {"as fitted": fitted}
    for name in ("hazard", "noise", "exception_rate", "patience_accept", "patience_wrong"):
        estimate: Estimate | None = getattr(fitted, name)
        if estimate is None:
            continue
        step = math.log(odds)
        down = min(_logit(estimate.value) - step, _logit(estimate.low))
        up = max(_logit(estimate.value) + step, _logit(estimate.high))
        for logit in (down, up):
            moved = _expit(logit)
            settings[f"{name} {moved:.3g}"] = _with(fitted, name, moved)
    found = {
        words: impute(part, one, strategies, seed=seed, draws=draws, perturb=False) for words, one in settings.items()
    }
    bands = []
    for place, name in enumerate(strategies):
        low_at = min(found, key=lambda words: found[words][place].low)
        high_at = max(found, key=lambda words: found[words][place].high)
        low, high = max(0.0, found[low_at][place].low), min(1.0, found[high_at][place].high)
        bands.append(Band(name, found["as fitted"][place].value, low, high, low_at, high_at))
    return bands


@dataclass(frozen=True, slots=True)
class Told:
    """Parameters of one imputation."""

    hazard: float
    noise: float
    exception_rate: float
    patience_accept: float
    patience_wrong: float
    names_option: float
    longest: int


def sample_lives(part: LogPart, told: Told, *, seed: int, draw: int) -> Lives:
    """Sample what each person preferred and would have said, given the whole log, (interactions, streams)."""
    start, move, wanted, preferred = _states(part.options, told)
    options, steps = part.options, len(part.log)
    streams = part.log[0].kind.shape[0]
    slip = told.noise / (options - 1)
    speak = np.where(np.eye(options, dtype=bool), 1.0 - told.noise, slip)  # (wanted, said)
    filtered = np.empty((steps, start.size, streams))
    weight = np.repeat(start[:, np.newaxis], streams, axis=1)
    fits = [_said_weights(given, mask, told, options) for given, mask in zip(part.log, part.active, strict=True)]
    for step in range(steps):
        if step:
            weight = move.T @ filtered[step - 1]
        weight = weight * (speak @ fits[step])[wanted]
        filtered[step] = weight / weight.sum(axis=0)
    luck = generator(seed, f"backward sampling {draw}")
    state = _pick(filtered[-1], np.asarray(luck.random(streams)))
    path = np.empty((steps, streams), dtype=np.intp)
    path[-1] = state
    for step in range(steps - 2, -1, -1):
        state = _pick(filtered[step] * move[:, state], np.asarray(luck.random(streams)))
        path[step] = state
    said = np.empty((steps, streams), dtype=np.int8)
    for step in range(steps):
        chance = speak[wanted[path[step]]].T * fits[step]
        said[step] = _pick(chance, np.asarray(luck.random(streams)))
    want = wanted[path].astype(np.int8)
    return Lives(
        preferred=preferred[path].astype(np.int8),
        wanted=want,
        expressed=said,
        in_exception=path >= options,
        confidence=np.stack([np.asarray(given.confidence) for given in part.log]),
        utilities=None,
        traits=Traits(
            hazard=np.full(streams, told.hazard),
            noise=np.full(streams, told.noise),
            exception_rate=np.full(streams, told.exception_rate),
            recurring=np.zeros(streams, dtype=bool),
        ),
        elapsed=np.stack([np.asarray(given.elapsed) for given in part.log]),
        session=np.stack([np.asarray(given.session) for given in part.log]),
        times=None,
    )


def _said_weights(given: Feedback, mask: BoolArray, told: Told, options: int) -> FloatArray:
    """Return P(answer | the person would say option s), (options, streams), up to factors that do not depend on s."""
    named = named_option(given)
    is_proposed = one_hot(given.proposed, options)
    silent = np.where(is_proposed, 1.0 - told.patience_accept, 1.0 - told.patience_wrong)
    silent = np.where(given.proposed == NO_OPTION, 1.0, silent)
    declined = np.where(is_proposed, 0.0, 1.0)
    weights = np.where(named != NO_OPTION, one_hot(named, options), 1.0)
    weights = np.where(given.kind == Kind.DECLINED, declined, weights)
    weights = np.where(given.kind == Kind.SILENT, silent, weights)
    return np.where(mask, weights, 1.0)


def _states(options: int, told: Told) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Return start, transition matrix, wanted and preferred option of every hidden state.

    States 0 .. K - 1 prefer that option with no exception on; then (preferred, exception's option, interactions left).
    """
    law = (1.0 / told.longest,) * told.longest if told.exception_rate > 0.0 else ()
    bursts = [(z, x, left) for z in range(options) for x in range(options) if x != z for left in range(len(law))]
    place = {burst: options + number for number, burst in enumerate(bursts)}
    size = options + len(bursts)
    rate = told.exception_rate if bursts else 0.0
    # ``begin[z]`` is where an interaction with preference z and no exception under way lands.
    begin = np.zeros((options, size))
    for z in range(options):
        begin[z, z] = 1.0 - rate
        for x in range(options):
            if x != z:
                for left, share in enumerate(law):
                    begin[z, place[z, x, left]] = rate * share / (options - 1)
    switch = np.where(np.eye(options, dtype=bool), 1.0 - told.hazard, told.hazard / (options - 1))
    move = np.zeros((size, size))
    move[:options] = switch @ begin
    for (z, x, left), number in place.items():
        if left:
            move[number, place[z, x, left - 1]] = 1.0
        else:
            move[number] = switch[z] @ begin
    wanted = np.array([*range(options), *(x for _, x, _ in bursts)])
    preferred = np.array([*range(options), *(z for z, _, _ in bursts)])
    return begin.mean(axis=0), move, wanted, preferred


def _pick(weights: FloatArray, luck: NDArray[np.float64]) -> NDArray[np.intp]:
    """Draw one row per column of ``weights``, with chances in proportion."""
    reached = np.cumsum(weights, axis=0)
    chosen = (luck * reached[-1] >= reached).sum(axis=0)
    drawn: NDArray[np.intp] = np.minimum(chosen, weights.shape[0] - 1).astype(np.intp)
    return drawn


def _parameters(fitted: PopulationFit, seed: int, draw: int, perturb: bool) -> Told:
    luck = generator(seed, "parameters", draw)

    def drawn(estimate: Estimate | None, absent: float) -> float:
        if estimate is None:
            return absent
        if not perturb or estimate.standard_error is None:
            return estimate.value
        # The interval is symmetric on the logit scale: draw there.
        low, high = _logit(estimate.low), _logit(estimate.high)
        return _expit((low + high) / 2 + (high - low) / (2 * LEVEL) * luck.standard_normal())

    return Told(
        hazard=drawn(fitted.hazard, 0.0),
        noise=drawn(fitted.noise, 0.0),
        exception_rate=drawn(fitted.exception_rate, 0.0),
        patience_accept=drawn(fitted.patience_accept, 1.0),
        patience_wrong=drawn(fitted.patience_wrong, 1.0),
        names_option=1.0 if fitted.names_option is None else fitted.names_option,
        longest=fitted.longest,
    )


def _with(fitted: PopulationFit, name: str, value: float) -> PopulationFit:
    known: dict[str, Any] = {name: Estimate(value, None, value, value)}
    return replace(fitted, **known)


EDGE = 1e-6
"""Probabilities are kept this far from 0 and 1: at an edge a log would be impossible, not merely surprising."""


def _logit(p: float) -> float:
    inside = min(max(p, EDGE), 1.0 - EDGE)
    return math.log(inside / (1.0 - inside))


def _expit(logit: float) -> float:
    p = 1.0 / (1.0 + math.exp(-max(min(logit, 500.0), -500.0)))
    return min(max(p, EDGE), 1.0 - EDGE)


def _scenario(part: LogPart, told: Told) -> Scenario:
    path = (
        Exceptions(told.exception_rate, told.longest, told.hazard) if told.exception_rate > 0.0 else Switch(told.hazard)
    )
    channel = Channel(
        noise=told.noise,
        patience_accept=told.patience_accept,
        patience_wrong=told.patience_wrong,
        names_option=told.names_option,
    )
    return Scenario("imputed_v1", path, channel, options=part.options, interactions=len(part.log))


def _fresh(seed: int, draw: int) -> int:
    """Return a seed for the answers of one imputation, apart from every seed a study would be given."""
    return (seed + 1) * 1_000_003 + draw


def _pooled(name: str, rates: FloatArray) -> Imputed:
    """Combine (draws, users) rates by Rubin's rules: variance within plus between draws (Rubin 1987, eq. 3.1.5)."""
    draws, users = rates.shape
    per_draw = rates.mean(axis=1)
    value = float(per_draw.mean())
    within = float(rates.var(axis=1, ddof=1).mean()) / users
    between = float(per_draw.var(ddof=1)) * (1.0 + 1.0 / draws)
    error = math.sqrt(within + between)
    # A rate lies in [0, 1], and so does whatever an interval of it can mean.
    return Imputed(name, value, error, max(0.0, value - LEVEL * error), min(1.0, value + LEVEL * error))
