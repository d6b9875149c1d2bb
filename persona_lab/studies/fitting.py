"""Fit a population to a log: hazard, noise, exceptions and patience by maximum likelihood, with standard errors.

The model is the switching world of ``simulate.paths``: the likelihood is the exact forward filter's, so silence,
bare declines and confidence one all count as what they are. Every stream is one independent life.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, select
from persona_lab.strategies.exact_filter import Answering, ExactFilter

LEVEL = 1.96
"""Normal quantile of a 95 % interval."""

WIDEST = 10.0
"""A hazard interval wider than this factor is called too wide to tell noise from change."""

SIGNIFICANT = 2.706 / 2
"""Log-likelihood that exceptions must gain: a likelihood-ratio test at 5 % on the boundary (chi-bar-squared)."""

STARTS = (0.005, 0.05)
"""Hazards from which the search starts."""

SMALLEST = 1e-5
"""Probabilities are searched in [SMALLEST, 1 - SMALLEST]."""

STEP = 0.01
"""Step of the second derivatives, logits."""

SMALLEST_CHANCE = 1e-300
"""Floor under a probability before its logarithm."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A probability with its standard error and 95 % interval (symmetric on the logit scale)."""

    value: float
    standard_error: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class PopulationFit:
    """What a log says about the people behind it.

    Attributes
    ----------
    hazard, noise, exception_rate
        Of one interaction; ``exception_rate`` is None where exceptions do not improve the fit significantly.
    patience_accept, patience_wrong
        Probability of an answer; None where the log has no silence or no proposals.
    names_option
        Share of corrections that name the option, None where there are no corrections.
    log_likelihood
        Of the fitted model, nats.
    streams, interactions
        What it rests on.
    warnings
        What the log is too short or too one-sided to tell, in words; empty where all is well.
    """

    hazard: Estimate
    noise: Estimate
    exception_rate: Estimate | None
    patience_accept: Estimate | None
    patience_wrong: Estimate | None
    names_option: float | None
    options: int
    longest: int
    log_likelihood: float
    streams: int
    interactions: int
    warnings: tuple[str, ...]


class LogPart(NamedTuple):
    """Streams of a log with the same options.

    ``log`` is one feedback per step, streams aligned, oldest first; ``active`` says which streams had an interaction at
    each step, (streams,); ``options`` is how many options, K.
    """

    log: Sequence[Feedback]
    active: Sequence[BoolArray]
    options: int


def whole(log: Sequence[Feedback], *, options: int) -> LogPart:
    """Return a log in which every stream had an interaction at every step."""
    return LogPart(log, [np.ones(given.kind.shape, dtype=bool) for given in log], options)


def fit_population(parts: Sequence[LogPart], *, exceptions: bool = True, longest: int = 5) -> PopulationFit:
    """Fit hazard, noise, exception rate and patience to a log by maximum likelihood.

    Parameters
    ----------
    parts
        The log; people share hazard, noise and patience whatever the number of options.
    exceptions
        Whether to try bursts of exceptions too.
    longest
        Assumed longest burst, interactions (lengths uniform from 1).

    Raises
    ------
    InputError
        If the log is empty or holds no answer.
    """
    pairs = [(given, mask) for part in parts for given, mask in zip(part.log, part.active, strict=True)]
    if not pairs:
        raise InputError("the log is empty", cure="Fit to a log with at least one interaction.")
    count = {kind: sum(int(((given.kind == kind) & mask).sum()) for given, mask in pairs) for kind in Kind}
    interactions = sum(count.values())
    if interactions == count[Kind.SILENT]:
        raise InputError("no interaction of the log was answered", cure="Fit to a log with answers in it.")
    proposals = any(((given.proposed != NO_OPTION) & mask).any() for given, mask in pairs)
    patient = proposals and count[Kind.SILENT] > 0
    corrections = count[Kind.CORRECTED] + count[Kind.DECLINED]
    names = count[Kind.CORRECTED] / corrections if corrections and proposals else None

    def loss(theta: NDArray[np.float64]) -> float:
        p = _probabilities(theta)
        answering = Answering(
            noise=p[1],
            patience_accept=p[2] if patient else 1.0,
            patience_wrong=p[3] if patient else 1.0,
            names_option=1.0 if names is None else min(max(names, SMALLEST), 1.0 - SMALLEST),
        )
        burst = float(p[-1]) if len(p) in (3, 5) else 0.0
        model = ExactFilter(answering, float(p[0]), burst, (1.0 / longest,) * longest)
        return -sum(float(log_likelihood(model, part).sum()) for part in parts)

    base = [_logit(0.1)] + ([_logit(0.7)] * 2 if patient else [])
    best = min((_search(loss, [_logit(start), *base]) for start in STARTS), key=lambda found: found[1])
    with_bursts = False
    if exceptions:
        trial = min((_search(loss, [*best[0], _logit(rate)]) for rate in (0.01, 0.05)), key=lambda found: found[1])
        if best[1] - trial[1] > SIGNIFICANT:
            best, with_bursts = trial, True
    theta, minimum = best
    errors = _standard_errors(loss, theta)
    estimates = [_estimate(value, error) for value, error in zip(theta, errors, strict=True)]
    streams = sum(int(np.any(part.active, axis=0).sum()) for part in parts)
    return PopulationFit(
        hazard=estimates[0],
        noise=estimates[1],
        exception_rate=estimates[-1] if with_bursts else None,
        patience_accept=estimates[2] if patient else None,
        patience_wrong=estimates[3] if patient else None,
        names_option=names,
        options=max(parts, key=lambda part: sum(int(mask.sum()) for mask in part.active)).options,
        longest=longest,
        log_likelihood=-minimum,
        streams=streams,
        interactions=interactions,
        warnings=_warnings(estimates[0], estimates[1], interactions, streams),
    )


def log_likelihood(model: ExactFilter, part: LogPart) -> FloatArray:
    """Return the log-likelihood of each stream under a told filter, nats, (streams,)."""
    streams = part.log[0].kind.shape[0]
    state = model.init(part.options, streams)
    total = np.zeros(streams)
    for given, mask in zip(part.log, part.active, strict=True):
        new, chance = model.advance(state, given)
        state = new if mask.all() else select(mask, new, state)
        total += np.where(mask, np.log(np.maximum(chance, SMALLEST_CHANCE)), 0.0)
    return total


def _search(loss: Callable[[NDArray[np.float64]], float], start: Sequence[float]) -> tuple[NDArray[np.float64], float]:
    from scipy.optimize import minimize  # SciPy's optimisers load slowly and only fitting needs them

    edge = _logit(SMALLEST)
    found = minimize(
        loss, np.asarray(start, dtype=np.float64), method="L-BFGS-B", bounds=[(edge, -edge)] * len(start),
        options={"eps": 1e-4, "ftol": 1e-10},
    )  # fmt: skip
    return np.asarray(found.x, dtype=np.float64), float(found.fun)


def _standard_errors(loss: Callable[[NDArray[np.float64]], float], theta: NDArray[np.float64]) -> list[float | None]:
    """Return standard errors on the logit scale from the observed information; None where it is not curved."""
    n = theta.size
    at = loss(theta)
    information = np.empty((n, n))
    shifts = STEP * np.eye(n)
    single = [(loss(theta + shift), loss(theta - shift)) for shift in shifts]
    for i in range(n):
        information[i, i] = (single[i][0] - 2 * at + single[i][1]) / shifts[i, i] ** 2
        for j in range(i):
            both = loss(theta + shifts[i] + shifts[j]) + loss(theta - shifts[i] - shifts[j])
            crossed = both - sum(single[i]) - sum(single[j]) + 2 * at
            information[i, j] = information[j, i] = crossed / (2 * shifts[i, i] * shifts[j, j])
    curved = np.diag(information) > 1e-6
    errors: list[float | None] = [None] * n
    if curved.any():
        inner = information[np.ix_(curved, curved)]
        try:
            variance = np.diag(np.linalg.inv(inner))
        except np.linalg.LinAlgError:
            return errors
        for place, value in zip(np.flatnonzero(curved), variance, strict=True):
            errors[place] = math.sqrt(value) if value > 0 else None
    return errors


def _estimate(logit: float, error: float | None) -> Estimate:
    value = _expit(logit)
    if error is None:
        return Estimate(value, None, 0.0, 1.0)
    return Estimate(value, error * value * (1.0 - value), _expit(logit - LEVEL * error), _expit(logit + LEVEL * error))


def _warnings(hazard: Estimate, noise: Estimate, interactions: int, streams: int) -> tuple[str, ...]:
    found = []
    size = f"{interactions} interactions of {streams} streams"
    if hazard.standard_error is None or hazard.high > WIDEST * max(hazard.low, SMALLEST):
        found.append(
            f"{size} are too few to tell noise from change: the 95 % interval of the hazard reaches from "
            f"{hazard.low:.2g} to {hazard.high:.2g}. Collect longer logs per person."
        )
    if noise.standard_error is None or noise.high - noise.low > 0.2:
        found.append(f"{size} leave the noise between {noise.low:.2g} and {noise.high:.2g}.")
    return tuple(found)


def _probabilities(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    p: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-theta))
    return p


def _logit(p: float) -> float:
    return math.log(p / (1.0 - p))


def _expit(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-logit))
