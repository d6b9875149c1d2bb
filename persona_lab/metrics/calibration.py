"""Whether stated belief is honest: log-loss, Brier, ECE beside a perfect forecaster's, calibration slope.

The forecast is the belief before the answer, the event is "the preferred option is k", scored interactions only.
ECE and slope look at the top option: its stated probability against how often it is right.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray, IntArray, one_hot
from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics.pooled import pooled_ratio

ECE_BINS = 15
"""Equal-width bins of the top probability (Guo et al. 2017)."""

FINE_BINS = 300
"""Bins of the top probability kept for the calibration slope; a multiple of ``ECE_BINS``."""

CLIP = 1e-3
"""Probabilities are clipped to [CLIP, 1 - CLIP] in the log-loss, as in the replay protocol."""

SLOPE_STEPS = 50


class CalibrationTally(NamedTuple):
    """Sums from which every calibration figure follows.

    ``scored``, ``log_loss`` and ``brier`` are sums per user, (users,); ``forecasts``, ``stated`` and ``hits`` are
    pooled over users per fine bin of the top probability, (FINE_BINS,).
    """

    scored: NDArray[np.int64]
    log_loss: NDArray[np.float64]
    brier: NDArray[np.float64]
    forecasts: NDArray[np.int64]
    stated: NDArray[np.float64]
    hits: NDArray[np.int64]


def calibration_tally(*, belief: FloatArray, preferred: IntArray, in_exception: BoolArray) -> CalibrationTally:
    """Sum up calibration of ``belief`` (interactions, options, users) against ``preferred`` (interactions, users)."""
    steps, options, users = belief.shape
    scored = np.zeros(users, dtype=np.int64)
    loss, brier = np.zeros(users), np.zeros(users)
    count, stated, hits = np.zeros(FINE_BINS, dtype=np.int64), np.zeros(FINE_BINS), np.zeros(FINE_BINS, dtype=np.int64)
    for step in range(steps):
        now = belief[step].astype(np.float64)
        truth = one_hot(preferred[step], options)
        counted = ~in_exception[step]
        of_truth = np.where(truth, now, 0.0).sum(axis=0)
        scored += counted
        loss -= np.where(counted, np.log(np.clip(of_truth, CLIP, 1.0 - CLIP)), 0.0)
        brier += np.where(counted, ((now - truth) ** 2).sum(axis=0), 0.0)
        top = now.max(axis=0)
        right = now.argmax(axis=0) == preferred[step]
        cell = np.minimum((top * FINE_BINS).astype(np.int64), FINE_BINS - 1)[counted]
        count += np.bincount(cell, minlength=FINE_BINS)
        stated += np.bincount(cell, weights=top[counted], minlength=FINE_BINS)
        hits += np.bincount(cell, weights=right[counted], minlength=FINE_BINS).astype(np.int64)
    return CalibrationTally(scored, loss, brier, count, stated, hits)


def join(parts: list[CalibrationTally]) -> CalibrationTally:
    """Return one tally over the users of all ``parts``: per-user sums side by side, bins added in order."""
    users = (np.concatenate([part[field] for part in parts]) for field in range(3))
    bins = (np.add.reduce([part[field] for part in parts], axis=0) for field in range(3, 6))
    return CalibrationTally(*users, *bins)


def add(parts: list[CalibrationTally]) -> CalibrationTally:
    """Return one tally of the same users over all ``parts``: every sum added up."""
    return CalibrationTally(*(np.add.reduce(columns, axis=0) for columns in zip(*parts, strict=True)))


def grouped(counts: CalibrationTally, streams: int) -> CalibrationTally:
    """Return the tally with every ``streams`` neighbouring columns taken for one user."""
    scored, loss, squares = (column.reshape(-1, streams).sum(axis=1) for column in counts[:3])
    return counts._replace(scored=scored, log_loss=loss, brier=squares)


def log_loss(*, counts: CalibrationTally) -> Measurement:
    """Mean negative log belief in the true option, nats, clipped to [.001, .999]; lower is better."""
    return pooled_ratio(
        numerator=counts.log_loss, denominator=counts.scored, undefined_because="no interaction was scored"
    )


def brier(*, counts: CalibrationTally) -> Measurement:
    """Mean squared distance of the belief from the true option's indicator, summed over options; 0 to 2."""
    return pooled_ratio(
        numerator=counts.brier, denominator=counts.scored, undefined_because="no interaction was scored"
    )


def reliability(*, counts: CalibrationTally) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (count, mean stated probability, share right) per ECE bin; the means of an empty bin are NaN."""
    shape = (ECE_BINS, FINE_BINS // ECE_BINS)
    count = counts.forecasts.reshape(shape).sum(axis=1)
    filled = np.maximum(count, 1)
    stated = np.where(count > 0, counts.stated.reshape(shape).sum(axis=1) / filled, np.nan)
    right = np.where(count > 0, counts.hits.reshape(shape).sum(axis=1) / filled, np.nan)
    return count, stated, right


def expected_calibration_error(*, counts: CalibrationTally) -> Measurement:
    """Mean gap between stated and observed share right over 15 bins; read :func:`perfect_calibration_error` beside."""
    count, stated, right = reliability(counts=counts)
    total = int(count.sum())
    if total == 0:
        return undefined("no interaction was scored")
    gap = np.where(count > 0, np.abs(stated - right), 0.0)
    return Measurement(value=float((gap * count).sum() / total), standard_error=None, n=total)


def perfect_calibration_error(*, counts: CalibrationTally) -> Measurement:
    """ECE that a perfect forecaster with these stated probabilities would show at this n, in expectation.

    E|gap| of a bin is sqrt(2 p (1 - p) / (pi n)) in the normal approximation.
    """
    count, stated, _ = reliability(counts=counts)
    total = int(count.sum())
    if total == 0:
        return undefined("no interaction was scored")
    p = np.where(count > 0, stated, 0.0)
    gap = np.sqrt(2.0 * p * (1.0 - p) / (math.pi * np.maximum(count, 1)))
    return Measurement(value=float((gap * count).sum() / total), standard_error=None, n=total)


def calibration_slope(*, counts: CalibrationTally) -> Measurement:
    """Slope of the logit of being right on the logit of the stated probability; 1 = honest, below 1 = overconfident.

    Logistic regression with intercept (Cox 1958) on the fine bins; the standard error is the model's, which takes
    interactions as independent. Stated probabilities are clipped to [.001, .999].
    """
    filled = counts.forecasts > 0
    n, hits = counts.forecasts[filled].astype(np.float64), counts.hits[filled].astype(np.float64)
    total = int(n.sum())
    if filled.sum() < 2:
        return undefined("the stated probability takes one value only", n=total)
    if hits.sum() in (0.0, n.sum()):
        return undefined("every proposal was right, or every one wrong", n=total)
    stated = np.clip(counts.stated[filled] / n, CLIP, 1.0 - CLIP)
    x = np.log(stated / (1.0 - stated))
    a, b = 0.0, 1.0
    for _ in range(SLOPE_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(a + b * x, -30.0, 30.0)))
        w = n * p * (1.0 - p)
        gradient = np.array([(hits - n * p).sum(), ((hits - n * p) * x).sum()])
        hessian = np.array([[w.sum(), (w * x).sum()], [(w * x).sum(), (w * x * x).sum()]])
        if np.linalg.cond(hessian) > 1e12:
            return undefined("right and wrong proposals are separated by their stated probability", n=total)
        step = np.linalg.solve(hessian, gradient)
        a, b = a + float(np.clip(step[0], -2.0, 2.0)), b + float(np.clip(step[1], -2.0, 2.0))
        if np.abs(step).max() < 1e-10:
            break
    else:
        return undefined("the logistic fit did not converge", n=total)
    return Measurement(value=b, standard_error=float(math.sqrt(np.linalg.inv(hessian)[1, 1])), n=total)
