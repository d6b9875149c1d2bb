"""The lines of the Bayes filter over a grid of worlds: written once, used by every strategy and limit that filters.

One *world* is a dynamics (how the wanted option moves) seen through an *observer* (how often the user slips). All
worlds are filtered side by side: arrays are (options, dynamics, observers, streams), unnormalised, so that the
weight of a world is the probability of everything heard so far under it, times its prior.

Bursts of exceptions are filtered exactly, whatever the law of their length, without a state per (option, exception,
age): an explicit-duration recursion. Let u_t(z) be the weight of "free to choose at t, preferring z", lambda_t(w) the
likelihood of the answer at t if w is wanted, and R_l(x) the product of the last l likelihoods of x. Then

    v_t(z) = (1 - e) u_t(z) lambda_t(z) + e / (K - 1) * sum_l rho_l u_{t+1-l}(z) * sum_{x != z} R_l(x)
    u_{t+1}(z) = (1 - h) v_t(z) + h / (K - 1) * sum_{k != z} v_t(k)

because a burst that starts from z at s and lasts l is a product of K numbers that do not depend on the dynamics. The
belief that matters for a proposal, "z is preferred and no exception is on", is (1 - e) u_t(z). This is the forward
recursion of an explicit-duration hidden Markov model (Yu 2010, "Hidden semi-Markov models", section 2.2.1), with the
products R in the place of the emission densities of a segment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, Feedback, FloatArray, Kind, fold, named_option, one_hot

SILENT = np.int8(Kind.SILENT)

FLOOR = 1e-18
"""Weight that a world never falls below in single precision, so that no number turns denormal."""

DEEP_FLOOR = 1e-100
"""The same in double precision."""

NEVER = 1e-7
"""Hazard used for "never switches": with ``FLOOR`` it keeps single precision away from denormal numbers."""

RUN_FLOOR = 1e-9
"""Smallest likelihood given to a run of answers: it costs 1e-9 of weight and keeps products off denormal numbers."""


def answer_likelihood(
    given: Feedback, noise: FloatArray, options: int, rates: FloatArray | None, scale: FloatArray
) -> FloatArray:
    """Return P(answer | wanted option, observer) / scale, shape (options, observers, streams).

    The user means option w and expresses it with probability 1 - noise, else a uniform other one; what is expressed is
    compared with the proposal. An accept or a correction reveals what was expressed, a bare decline rules one option
    out, silence speaks through the answer rates. Silence where nothing was proposed
    says nothing, nor does an answer of confidence 0.

    Parameters
    ----------
    given
        One answer per stream.
    noise
        (observers, 1) or (observers, streams) probabilities of a slip.
    options
        How many options, K.
    rates
        (2, observers, streams): probability that the user answers a proposal that is what they would say, and one
        that is not; None where silence says nothing whoever observes.
    scale
        (streams,): what the likelihood is divided by, to keep the running weights near 1.
    """
    named = named_option(given)
    points = named != NO_OPTION
    silent = given.kind == SILENT
    unasked = given.proposed == NO_OPTION
    ignored = given.confidence == 0.0
    mute = silent | ignored if rates is None else np.where(silent, unasked, ignored)
    # Integer arithmetic: NumPy's ``where`` is ten times as slow on bytes.
    about = named + (~points).view(np.int8) * (given.proposed - named)
    target = about - mute.view(np.int8) * (about - np.int8(NO_OPTION))
    one, slip = noise.dtype.type(1), noise / noise.dtype.type(options - 1)
    over = (one / scale).astype(noise.dtype)
    matching, differing = (mute | points) * over, (mute | ~points) * over
    if rates is not None:
        spoken = np.where(given.proposed == named, rates[0], rates[1])
        spoken[:, mute | unasked] = one
        matching = np.where(silent & ~mute, (one - rates[0]) * over, matching * spoken)
        differing = np.where(silent & ~mute, (one - rates[1]) * over, differing * spoken)
    hit = matching * (one - noise) + differing * noise
    miss = matching * slip + differing * (one - slip)
    likelihood: FloatArray = np.where(one_hot(target, options)[:, np.newaxis], hit, miss)
    return likelihood


def floor_of(array: FloatArray) -> float:
    """Return the weight that no world falls below, by precision."""
    return FLOOR if array.dtype == np.float32 else DEEP_FLOOR


def hazard_step(weight: FloatArray, hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Let a switch to a uniform other option happen with probability ``hazard``; overwrites ``weight``.

    Returns the weight and its total over options, (dynamics, observers, streams).
    """
    others = hazard / (weight.shape[0] - 1)
    total = fold(weight)
    np.maximum(total, floor_of(total), out=total)
    weight *= 1 - hazard - others
    weight += others * total
    return weight, total


def runs_after(runs: FloatArray, likelihood: FloatArray) -> FloatArray:
    """Return R_1..R_L, the products of the last l likelihoods, (lengths, options, observers, streams)."""
    after = np.empty_like(runs)
    after[0] = likelihood
    np.multiply(runs[:-1], likelihood, out=after[1:])
    return after


def others(runs: FloatArray) -> FloatArray:
    """Return sum over x != z of ``runs``, same shape: what exceptions from z would have made of the answers."""
    rest: FloatArray = fold(runs.swapaxes(0, 1))[:, np.newaxis] - runs
    np.maximum(rest, RUN_FLOOR, out=rest)  # the difference of two rounded numbers may fall below zero
    return rest


def burst_step(past: Sequence[FloatArray], runs: FloatArray, likelihood: FloatArray, laws: Laws) -> FloatArray:
    """Return v_t of the worlds with exceptions, (options, dynamics, observers, streams).

    Parameters
    ----------
    past
        u_t, u_{t-1}, ..., each (options, dynamics, observers, streams).
    runs
        R_1..R_L including this answer.
    likelihood
        lambda_t.
    laws
        Slices of the dynamics axis with the rate e and the length law (rho_1, rho_2, ...) of each.
    """
    ended = others(runs)
    moved: FloatArray = np.empty_like(past[0])
    for where, rate, law in laws:
        part = moved[:, where]
        weigh = part.dtype.type
        weight = ended[0] * weigh(rate * law[0] / (part.shape[0] - 1))
        weight += likelihood * weigh(1 - rate)
        np.multiply(past[0][:, where], weight[:, np.newaxis], out=part)
        product = np.empty_like(part)
        for age in range(1, len(law)):
            if law[age] > 0:
                np.multiply(ended[age], weigh(rate * law[age] / (part.shape[0] - 1)), out=weight)
                part += np.multiply(past[age][:, where], weight[:, np.newaxis], out=product)
    return moved


def burst_mass(past: Sequence[FloatArray], runs: FloatArray, laws: Laws) -> FloatArray:
    """Return the weight of the bursts that are still going on, (dynamics, observers, streams).

    Needed for the evidence of a world only, never for a proposal.
    """
    mass: FloatArray = np.zeros_like(past[0][0])
    under_way = others(runs)
    for where, rate, law in laws:
        left = 1.0 - np.cumsum(law)
        for age in range(len(law) - 1):
            # ``past`` holds u_{t+1} first: a burst that has lasted age + 1 interactions started from past[age + 1]
            alive = fold(past[age + 1][:, where] * under_way[age][:, np.newaxis])
            mass[where] += alive * mass.dtype.type(rate * max(left[age], 0.0) / (past[0].shape[0] - 1))
    return mass


def habit_step(weight: FloatArray, hazard: FloatArray) -> FloatArray:
    """Let the two habits of each pair (current, other) trade places with probability ``hazard``."""
    traded = hazard * weight.swapaxes(0, 1)
    after: FloatArray = (1 - hazard) * weight
    after += traded
    pairs = 1 - np.eye(len(weight), dtype=weight.dtype)[:, :, np.newaxis, np.newaxis, np.newaxis]
    np.maximum(after, floor_of(weight) * pairs, out=after)
    return after


def habit_belief(weight: FloatArray) -> FloatArray:
    """Return the weight of each current habit, summed over the other one in double precision.

    The order of that sum differs from option to option; rounding it in single precision would break exact ties.
    """
    total: FloatArray = fold(weight.swapaxes(0, 1).astype(np.float64, copy=False)).astype(weight.dtype, copy=False)
    return total


def regime_step(weight: FloatArray, leave: FloatArray, hazard: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Advance the phase, then let the option switch at the phase's hazard; overwrites ``weight``.

    ``weight`` is (phases, options, dynamics, observers, streams), the first half of the phases calm; ``leave`` the
    probability of leaving a phase, (dynamics, 1, 1); ``hazard`` (phases, dynamics, 1, 1).
    """
    leaving = leave * weight
    weight *= 1 - leave
    weight[1:] += leaving[:-1]
    weight[0] += leaving[-1]
    _, total = hazard_step(weight.swapaxes(0, 1), hazard)
    return weight, fold(total)


Laws = tuple[tuple[slice, float, tuple[float, ...]], ...]
"""Which slice of the dynamics axis has which rate of bursts and which law of their length."""


def column(values: Any, dtype: Any) -> NDArray[Any]:
    """Return values of the dynamics axis as (dynamics, 1, 1), to broadcast over observers and streams."""
    return np.asarray(values, dtype=dtype)[..., np.newaxis, np.newaxis]
