"""How good forecasts of a real log were: every event predicted before it was seen.

Figures are pooled over events; uncertainty is between users, who are the independent units: standard errors of the
pooled ratio, and percentile intervals of a seeded bootstrap that resamples whole users (Efron 1979). Two rules are
compared on the same resampled users. ``n`` counts events.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, TIE, FloatArray, IntArray
from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.randomness import generator

CLIP = 1e-3
"""Probabilities are clipped to [CLIP, 1 - CLIP] in the log-loss: a rule that says 0 and errs pays 6.9 nats."""

BINS = 15
"""Equal-width bins of the ECE (Guo et al. 2017)."""

RANK_BINS = 256
"""Equally filled score bins that the bootstrap of the AUC works on; the figure itself is exact."""

RESAMPLES = 1000
LEVEL = 0.95
NO_EVENTS = "no event names an option"


class Forecasts(NamedTuple):
    """What a rule said before each event that names an option; arrays of shape (events,).

    Attributes
    ----------
    named
        Probability given to the option that the event named.
    squared
        Squared distance of the probabilities from the event's indicator: (p - y)^2 with two options, else the sum
        over options (scikit-learn's ``brier_score_loss`` scales the same way).
    hit
        1 where the most probable option was named, else 0; shared among options tied for most probable.
    stated
        Probability of the last of two options; with more options, of the most probable one.
    occurred
        Whether that came true, 0 or 1 (fractional where tied).
    user
        User of the event, 0 to users - 1.
    binary
        Whether every event had two options.
    """

    named: FloatArray
    squared: FloatArray
    hit: FloatArray
    stated: FloatArray
    occurred: FloatArray
    user: IntArray
    binary: bool


class Interval(NamedTuple):
    """A bootstrap interval; None where it is undefined (fewer than two users, or an undefined figure)."""

    low: float | None
    high: float | None


class Resamples(NamedTuple):
    """How often each user is drawn in each resample, (resamples, users); shared by every rule on the log."""

    weights: FloatArray


def resamples(*, users: int, seed: int, count: int = RESAMPLES) -> Resamples:
    """Draw ``count`` bootstrap samples of whole users."""
    if users < 2:
        return Resamples(np.zeros((0, users)))
    chance = generator(seed, "replay bootstrap")
    return Resamples(chance.multinomial(users, np.full(users, 1.0 / users), size=count).astype(np.float64))


def scored_terms(*, probability: FloatArray, named: IntArray) -> tuple[FloatArray, ...]:
    """Return (named, squared, hit, stated, occurred) of forecasts (options, events) of the events ``named``.

    Columns whose ``named`` is ``NO_OPTION`` hold nothing meaningful: leave them out.
    """
    options = probability.shape[0]
    truth = np.arange(options)[:, np.newaxis] == np.where(named == NO_OPTION, 0, named)[np.newaxis]
    of_named = np.where(truth, probability, 0.0).sum(axis=0)
    squared = ((probability - truth) ** 2).sum(axis=0)
    top = probability.max(axis=0)
    tied = probability >= top - TIE
    hit = (tied & truth).any(axis=0) / tied.sum(axis=0)
    if options == 2:
        return of_named, squared / 2.0, hit, probability[1], truth[1].astype(np.float64)
    return of_named, squared, hit, top, hit


def log_loss(*, forecasts: Forecasts, clip: float = CLIP) -> Measurement:
    """Mean negative log probability of what happened, nats; lower is better. Read the clip beside it."""
    return _mean(loss_terms(forecasts=forecasts, clip=clip), forecasts.user)


def loss_terms(*, forecasts: Forecasts, clip: float = CLIP) -> FloatArray:
    """Return the negative log probability of each event, (events,)."""
    terms: FloatArray = -np.log(np.clip(forecasts.named, clip, 1.0 - clip))
    return terms


def brier(*, forecasts: Forecasts) -> Measurement:
    """Mean squared error of the probabilities; 0 to 1 with two options, to 2 with more."""
    return _mean(forecasts.squared, forecasts.user)


def accuracy(*, forecasts: Forecasts) -> Measurement:
    """Share of events whose most probable option was the one named; ties count in part. Blind to confidence."""
    return _mean(forecasts.hit, forecasts.user)


def auc(*, forecasts: Forecasts) -> Measurement:
    """Probability that an event with the last option was given a higher forecast of it than one without.

    Pooled over users, so a rule that only tells users apart scores well: read the log-loss beside it. Two options only.
    """
    n = len(forecasts.user)
    reason = _no_auc(forecasts)
    if reason is not None:
        return undefined(reason, n=n)
    positive, negative = _split(forecasts, _ranks(forecasts.stated, exact=True), np.zeros(n, dtype=np.int64), 1)
    value = float(_auc(np.ones((1, 1)), positive, negative)[0])
    return Measurement(value=value, standard_error=None, n=n)


def ece(*, forecasts: Forecasts) -> Measurement:
    """Expected calibration error, 15 equal-width bins of the stated probability; read :func:`perfect_ece` beside it."""
    n = len(forecasts.user)
    if n == 0:
        return undefined(NO_EVENTS)
    gaps = _bin_gaps(forecasts, np.zeros(n, dtype=np.int64), 1)
    return Measurement(value=float(np.abs(gaps).sum() / n), standard_error=None, n=n)


def perfect_ece(*, forecasts: Forecasts) -> Measurement:
    """ECE expected of a perfect forecaster who stated these probabilities for this many events.

    A bin's gap is then near normal with variance sum p (1 - p), and E|gap| = sqrt(2 variance / pi).
    """
    n = len(forecasts.user)
    if n == 0:
        return undefined(NO_EVENTS)
    variance = np.bincount(_bins(forecasts.stated), weights=forecasts.stated * (1 - forecasts.stated), minlength=BINS)
    return Measurement(value=float(np.sqrt(2.0 * variance / math.pi).sum() / n), standard_error=None, n=n)


def mean_absolute_error(*, estimate: FloatArray, truth: FloatArray, user: IntArray) -> Measurement:
    """Mean distance of the estimate from the hidden rate, both after the event, (events,); NaN truth is left out."""
    known = np.isfinite(truth)
    if not known.any():
        return undefined("the log carries no true parameter")
    return _mean(np.abs(estimate - truth)[known], user[known])


def root_mean_squared_error(*, estimate: FloatArray, truth: FloatArray, user: IntArray) -> Measurement:
    """Root mean squared distance of the estimate from the hidden rate; its standard error by the delta method."""
    known = np.isfinite(truth)
    if not known.any():
        return undefined("the log carries no true parameter")
    mean = _mean(((estimate - truth) ** 2)[known], user[known])
    root = math.sqrt(mean.value or 0.0)
    error = None if mean.standard_error is None or root == 0.0 else mean.standard_error / (2.0 * root)
    return Measurement(value=root, standard_error=error, n=mean.n)


def mean_interval(*, terms: FloatArray, user: IntArray, drawn: Resamples, root: bool = False) -> Interval:
    """Return the interval of the pooled mean of ``terms`` (of its square root where ``root``)."""
    means = _resampled_means(terms, user, drawn)
    return _percentiles(np.sqrt(means) if root else means)


def difference_interval(
    *, terms: FloatArray, other: FloatArray, user: IntArray, drawn: Resamples
) -> tuple[Measurement, Interval]:
    """Return the paired difference of pooled means, ``terms - other`` on the same events, and its interval."""
    difference = terms - other
    return _mean(difference, user), _percentiles(_resampled_means(difference, user, drawn))


def auc_interval(*, forecasts: Forecasts, drawn: Resamples) -> Interval:
    """Return the interval of the AUC; its resamples are computed on ``RANK_BINS`` equally filled bins of the score."""
    if _no_auc(forecasts) is not None:
        return Interval(None, None)
    users = drawn.weights.shape[1]
    positive, negative = _split(forecasts, _ranks(forecasts.stated, exact=False), forecasts.user, users)
    return _percentiles(_auc(drawn.weights, positive, negative))


def ece_interval(*, forecasts: Forecasts, drawn: Resamples) -> Interval:
    """Return the interval of the ECE. Resampling adds noise to every bin, so it lies high: compare it between rules."""
    if len(forecasts.user) == 0:
        return Interval(None, None)
    users = drawn.weights.shape[1]
    gaps = _bin_gaps(forecasts, forecasts.user, users)
    counts = np.bincount(forecasts.user, minlength=users).astype(np.float64)
    total = drawn.weights @ counts
    return _percentiles(np.abs(drawn.weights @ gaps).sum(axis=1) / np.where(total > 0, total, np.nan))


def _mean(terms: FloatArray, user: IntArray) -> Measurement:
    users = int(user.max()) + 1 if len(user) else 0
    sums, counts = np.bincount(user, weights=terms, minlength=users), np.bincount(user, minlength=users)
    present = counts > 0
    figure = pooled_ratio(numerator=sums[present], denominator=counts[present], undefined_because=NO_EVENTS)
    return replace(figure, n=len(user))


def _resampled_means(terms: FloatArray, user: IntArray, drawn: Resamples) -> FloatArray:
    users = drawn.weights.shape[1]
    sums = drawn.weights @ np.bincount(user, weights=terms, minlength=users)
    counts = drawn.weights @ np.bincount(user, minlength=users).astype(np.float64)
    means: FloatArray = sums / np.where(counts > 0, counts, np.nan)
    return means


def _percentiles(values: FloatArray) -> Interval:
    finite = values[np.isfinite(values)]
    if finite.size < 2:
        return Interval(None, None)
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high))


def _bins(stated: FloatArray) -> IntArray:
    bins: IntArray = np.clip((stated * BINS).astype(np.int64), 0, BINS - 1)
    return bins


def _bin_gaps(forecasts: Forecasts, group: IntArray, groups: int) -> FloatArray:
    """Return sum of (stated - occurred) per group and bin, (groups, BINS)."""
    cell = group * BINS + _bins(forecasts.stated)
    gaps: FloatArray = np.bincount(cell, weights=forecasts.stated - forecasts.occurred, minlength=groups * BINS).astype(
        np.float64
    )
    return gaps.reshape(groups, BINS)


def _no_auc(forecasts: Forecasts) -> str | None:
    if not forecasts.binary:
        return "AUC needs streams of two options"
    if len(forecasts.user) == 0:
        return NO_EVENTS
    share = forecasts.occurred.mean()
    return "only one of the two options ever happened" if share in (0.0, 1.0) else None


def _ranks(score: FloatArray, *, exact: bool) -> IntArray:
    """Return the place of each score among the distinct ones, or among equally filled bins; ties stay together."""
    if exact:
        return np.unique(score, return_inverse=True)[1]
    edges = np.unique(np.quantile(score, np.arange(1, RANK_BINS) / RANK_BINS))
    return np.searchsorted(edges, score, side="right")


def _split(forecasts: Forecasts, rank: IntArray, group: IntArray, groups: int) -> tuple[FloatArray, FloatArray]:
    """Return counts of events with and without the last option, (groups, ranks) each."""
    ranks = int(rank.max()) + 1
    cell = group * ranks + rank
    happened = forecasts.occurred > 0.5
    positive = np.bincount(cell[happened], minlength=groups * ranks).reshape(groups, ranks)
    negative = np.bincount(cell[~happened], minlength=groups * ranks).reshape(groups, ranks)
    return positive.astype(np.float64), negative.astype(np.float64)


def _auc(weights: FloatArray, positive: FloatArray, negative: FloatArray) -> FloatArray:
    """Return the Mann-Whitney AUC of each row of ``weights`` (resamples, groups): ties count half."""
    with_it, without = weights @ positive, weights @ negative
    below = np.cumsum(without, axis=1) - without / 2.0
    pairs = with_it.sum(axis=1) * without.sum(axis=1)
    value: NDArray[np.float64] = (with_it * below).sum(axis=1) / np.where(pairs > 0, pairs, np.nan)
    return value
