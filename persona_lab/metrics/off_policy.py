"""Off-policy estimates: what another agent's decisions would have earned, from a log in which this one chose.

These estimators score *decisions on the logger's history*: at each logged interaction the new agent, having read what
the logger read, would have made its own choice. They do not say what would have happened had the new agent run from the
start, since it would then have learnt from other answers; for that see ``studies.imputation``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import FloatArray, IntArray

TAIL = 0.025
"""Each tail of a 95 % interval."""

SMALLEST_SHARE = 0.01
"""Refuse where the effective sample is a smaller share of the log than this: a few rows would decide everything."""

SMALLEST_PROPENSITY = 1e-12
"""A smaller propensity is rounding, not a choice that was ever made: one such row would be the whole estimate."""

ALIKE = 1e-12
"""Standard errors below this are rounding: no user differs from another."""

ESTIMAND = "mean reward per interaction of the new agent's choices on the logger's history"


@dataclass(frozen=True, slots=True)
class OffPolicyEstimate:
    """An off-policy estimate, or the reason why there is none.

    Attributes
    ----------
    method
        Name of the estimator.
    estimand
        What is estimated, in words.
    value, standard_error, low, high
        The estimate and its 95 % interval, clustered by user; None where refused, the interval also where there is one
        user only or every user is alike (a width of 0 would claim certainty).
    effective_sample_size
        (sum of weights)^2 / sum of squared weights (Kish 1965), None where weights are undefined.
    n
        Logged interactions.
    reason
        Why there is no estimate, or an estimate without an interval; None where there are both.
    """

    method: str
    estimand: str
    value: float | None
    standard_error: float | None
    low: float | None
    high: float | None
    effective_sample_size: float | None
    n: int
    reason: str | None = None


def inverse_propensity(
    *, reward: FloatArray, logged: IntArray, propensity: FloatArray, chosen: FloatArray, user: IntArray
) -> OffPolicyEstimate:
    """Estimate by inverse propensity score (Horvitz & Thompson 1952): unbiased, wide where choices differ.

    Parameters
    ----------
    reward
        Observed reward of the logged choice, (n,).
    logged
        Option the logger chose, (n,).
    propensity
        Probability with which it chose that, (n,).
    chosen
        (options, n) probability that the new agent chooses each option; rows of 0 and 1 for a deterministic one.
    user
        User of each interaction, (n,): the cluster of the standard error.
    """
    weights, refused = _weights("inverse propensity", logged, propensity, chosen, reward)
    if refused is not None:
        return refused
    return _clustered("inverse propensity", weights * reward, np.ones_like(reward), user, weights)


def self_normalised(
    *, reward: FloatArray, logged: IntArray, propensity: FloatArray, chosen: FloatArray, user: IntArray
) -> OffPolicyEstimate:
    """Estimate by the self-normalised score (Swaminathan & Joachims 2015): slightly biased, narrower.

    Parameters are those of :func:`inverse_propensity`.
    """
    weights, refused = _weights("self-normalised inverse propensity", logged, propensity, chosen, reward)
    if refused is not None:
        return refused
    return _clustered("self-normalised inverse propensity", weights * reward, weights, user, weights)


def doubly_robust(
    *,
    reward: FloatArray,
    logged: IntArray,
    propensity: FloatArray,
    chosen: FloatArray,
    predicted: FloatArray,
    user: IntArray,
) -> OffPolicyEstimate:
    """Estimate by the doubly robust method (Dudik, Langford & Li 2011): right if propensities or predictions are.

    Parameters
    ----------
    reward, logged, propensity, chosen, user
        As in :func:`inverse_propensity`.
    predicted
        (options, n) reward predicted for each option, from what came before the interaction.
    """
    weights, refused = _weights("doubly robust", logged, propensity, chosen, reward)
    if refused is not None:
        return refused
    if predicted.shape != chosen.shape:
        why = f"predictions of shape {predicted.shape} for choices of shape {chosen.shape}"
        return refuse("doubly robust", ESTIMAND, why, logged.size)
    if not np.isfinite(predicted).all():
        return refuse("doubly robust", ESTIMAND, "predicted rewards must be finite", logged.size)
    of_logged = np.take_along_axis(predicted, logged[np.newaxis].astype(np.intp), axis=0)[0]
    value = (chosen * predicted).sum(axis=0) + weights * (reward - of_logged)
    return _clustered("doubly robust", value, np.ones_like(value), user, weights)


def direct(*, right: FloatArray, user: IntArray, estimand: str) -> OffPolicyEstimate:
    """Score choices directly where the answers name the option that was wanted, whatever was proposed.

    Parameters
    ----------
    right
        1 where the new agent's choice is the named option, else 0, (n,).
    user
        User of each interaction, (n,).
    estimand
        What the mean of ``right`` estimates, in words.
    """
    if right.size == 0:
        return refuse("direct", estimand, "no answer of the log names an option", 0)
    if not np.isfinite(right).all():
        return refuse(
            "direct", estimand, f"{int((~np.isfinite(right)).sum())} of {right.size} scores are not finite", right.size
        )
    return _clustered("direct", right, np.ones_like(right), user, None, estimand)


def refuse(method: str, estimand: str, reason: str, n: int) -> OffPolicyEstimate:
    """Return a refusal with its reason."""
    return OffPolicyEstimate(method, estimand, None, None, None, None, None, n, reason)


def _weights(
    method: str, logged: IntArray, propensity: FloatArray, chosen: FloatArray, reward: FloatArray
) -> tuple[NDArray[np.float64], OffPolicyEstimate | None]:
    n = logged.size
    none = np.zeros(n)
    if n == 0:
        return none, refuse(method, ESTIMAND, "the log has no interaction with a proposal", 0)
    sizes = {"rewards": reward.size, "propensities": propensity.size, "choices": chosen.shape[-1]}
    for what, size in sizes.items():
        if size != n:
            return none, refuse(method, ESTIMAND, f"{size} {what} for {n} logged interactions", n)
    if np.isnan(propensity).any():
        missing = int(np.isnan(propensity).sum())
        return none, refuse(method, ESTIMAND, f"{missing} of {n} interactions carry no propensity", n)
    if ((propensity < SMALLEST_PROPENSITY) | (propensity > 1.0)).any():
        return none, refuse(method, ESTIMAND, "propensities must lie in (0, 1]", n)
    if not np.isfinite(reward).all():
        missing = int((~np.isfinite(reward)).sum())
        return none, refuse(method, ESTIMAND, f"{missing} of {n} rewards are not finite", n)
    if ((logged < 0) | (logged >= len(chosen))).any():
        return none, refuse(method, ESTIMAND, f"a logged choice is none of the {len(chosen)} options", n)
    if not ((chosen >= 0.0).all() and np.allclose(chosen.sum(axis=0), 1.0)):
        return none, refuse(method, ESTIMAND, "the new agent's choices must be probabilities that sum to 1", n)
    of_logged = np.take_along_axis(chosen, logged[np.newaxis].astype(np.intp), axis=0)[0]
    if propensity.min() > 1.0 - 1e-9 and (of_logged < 1.0 - 1e-9).any():
        return none, refuse(
            method, ESTIMAND, "the logger never explored (every propensity is 1), so its log says nothing about "
            "other choices", n
        )  # fmt: skip
    weights = of_logged / propensity
    size = _effective(weights)
    if size < SMALLEST_SHARE * n:
        return none, refuse(
            method, ESTIMAND, f"overlap fails: {size:.0f} effective of {n} logged interactions", n
        )  # fmt: skip
    return weights, None


def _effective(weights: FloatArray) -> float:
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def _clustered(
    method: str,
    numerator: FloatArray,
    denominator: FloatArray,
    user: IntArray,
    weights: FloatArray | None,
    estimand: str = ESTIMAND,
) -> OffPolicyEstimate:
    """Return sum / sum with a standard error that takes a user as one observation (linearised).

    The interval is Student's with users - 1 degrees of freedom: with few users the normal one is too narrow.
    """
    from scipy.special import stdtrit

    total = float(denominator.sum())
    value = float(numerator.sum()) / total
    _, place = np.unique(user, return_inverse=True)
    users = int(place.max()) + 1
    residual = np.bincount(place, weights=numerator - value * denominator)
    error = math.sqrt(float((residual**2).sum()) * users / (users - 1)) / total if users > 1 else None
    reason = "one user only: how users differ is unknown" if users == 1 else None
    if error is not None and error < ALIKE:
        error, reason = None, f"all {users} users are alike, so that nothing says how far off the estimate may be"
    width = None if error is None else float(stdtrit(users - 1, 1.0 - TAIL)) * error
    return OffPolicyEstimate(
        method=method,
        estimand=estimand,
        value=value,
        standard_error=error,
        low=None if width is None else value - width,
        high=None if width is None else value + width,
        effective_sample_size=None if weights is None else _effective(weights),
        n=numerator.size,
        reason=reason,
    )
