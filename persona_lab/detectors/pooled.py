"""Have many streams changed together? One test over contexts of a person, or over people after a product change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from persona_lab.detectors.stream import is_number
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray
from persona_lab.randomness import generator

RESHUFFLES = 999
"""Null draws; the smallest p-value is 1 / (RESHUFFLES + 1)."""


class SharedDrift(NamedTuple):
    """What the pooled test found.

    ``p_value`` of "no stream changed at a common moment"; ``start`` the most probable common event, ``start_low`` and
    ``start_high`` its 90 % interval; ``share_changed`` the posterior probability, stream by stream (streams,), that it
    is among those that changed then; ``evidence`` the log of the test statistic.
    """

    p_value: float
    start: int
    start_low: int
    start_high: int
    share_changed: FloatArray
    evidence: float


def shared_drift(
    outcomes: BoolArray, *, share: float = 0.5, shortest: int = 3, reshuffles: int = RESHUFFLES, seed: int = 0
) -> SharedDrift:
    """Test whether streams changed their rates together.

    Each stream either changes at the common moment (with probability ``share``) or never; rates have Beta(1, 1) priors
    before and after. The statistic is the log of the sum, over common moments, of the product of the streams' mixtures.
    Its null distribution comes from shuffling every stream's events in time on its own, which keeps each stream's
    count: exact for people of any base rate (conditional on the counts), and streams need not be alike.

    Parameters
    ----------
    outcomes
        (events, streams) booleans, aligned in time: event t of every stream lies in the same stretch of time.
    share
        Prior share of streams that change together; 1 where a change must hit all.
    shortest
        Fewest events before and after a change.
    reshuffles
        Null draws.
    seed
        Of the shuffles.

    Raises
    ------
    ConfigurationError
        If ``outcomes`` is not (events, streams) with at least twice ``shortest`` events and one stream, or a knob is
        out of range.

    Notes
    -----
    Looks once, at a finished window; looked at again after every event its false alarms add up. Drifts of single
    streams that have nothing to do with each other raise it little: they do not agree on the moment.
    """
    outcomes = np.asarray(outcomes)
    if outcomes.dtype != np.bool_:
        raise ConfigurationError("shared_drift", "outcomes", outcomes.dtype, "booleans")
    for name, value in (("shortest", shortest), ("reshuffles", reshuffles)):
        if not isinstance(value, (int, np.integer)) or value < 1:
            raise ConfigurationError("shared_drift", name, value, "a whole number of at least 1")
    if outcomes.ndim != 2 or outcomes.shape[0] < 2 * shortest or outcomes.shape[1] < 1:
        raise ConfigurationError(
            "shared_drift", "outcomes", outcomes.shape, f"(events, streams), events >= {2 * shortest}, streams >= 1"
        )
    if not (is_number(share) and 0 < share <= 1):
        raise ConfigurationError("shared_drift", "share", share, "a share above 0, at most 1")
    score, single = _scores(outcomes, share, shortest)
    evidence = float(np.logaddexp.reduce(score))
    luck = generator(seed, "shared-drift")
    above = 0
    for _ in range(reshuffles):
        shuffled = luck.permuted(outcomes, axis=0)
        null = float(np.logaddexp.reduce(_scores(shuffled, share, shortest)[0]))
        above += null >= evidence
    posterior = np.exp(score - evidence)
    cumulated = np.cumsum(posterior)
    best = int(score.argmax())
    odds = np.log(share) + single[best] - np.logaddexp(np.log(share) + single[best], _log_rest(share))
    return SharedDrift(
        p_value=(above + 1) / (reshuffles + 1),
        start=best + shortest,
        start_low=int(np.searchsorted(cumulated, 0.05)) + shortest,
        start_high=int(np.searchsorted(cumulated, 0.95)) + shortest,
        share_changed=np.exp(odds),
        evidence=evidence,
    )


def _log_rest(share: float) -> float:
    return float(np.log(1.0 - share)) if share < 1 else -np.inf


def _scores(outcomes: BoolArray, share: float, shortest: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log evidence of each common moment, (moments,), and log Bayes factors, (moments, streams)."""
    n = outcomes.shape[0]
    ones = np.cumsum(outcomes, axis=0, dtype=np.float64)
    whole = ones[-1]
    k = np.arange(shortest, n - shortest + 1, dtype=np.float64)[:, np.newaxis]
    early = ones[shortest - 1 : n - shortest]
    late = whole - early
    single = (
        betaln(early + 1, k - early + 1)
        + betaln(late + 1, n - k - late + 1)
        - betaln(whole + 1, n - whole + 1)[np.newaxis, :]
    )
    mixed = np.logaddexp(np.log(share) + single, _log_rest(share))
    return mixed.sum(axis=1), single
