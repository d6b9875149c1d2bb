"""How well a proposal tracks a preference: error rate, error budget, over-correction, delay, volatility.

Definitions are those of DESIGN section 7 and are fixed. Let the true option at interaction t be z_t and the proposal
a_t. Interactions inside an exception are not scored. An *epoch* is a stretch of constant z. Every error has exactly
one cause: cold start (first epoch, before its first hit), adaptation (a later epoch, before its first hit),
over-correction (after the epoch's first hit). The three add up to the errors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, IntArray
from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics.pooled import pooled_ratio

FEWEST_LIMIT_ERRORS = 200
"""Below this many errors of the limit a ratio to it is null (LIMITS, law of the core suite)."""

Counts = NDArray[np.int64]


class Tally(NamedTuple):
    """Counts per user, each of shape (users,); sums of tallies are tallies of the concatenated time.

    Attributes
    ----------
    interactions, scored
        All interactions, and those outside exceptions.
    errors, cold_start, adaptation, over_correction
        Scored interactions with a_t != z_t, and their three causes.
    switches
        Times that z changed.
    proposal_changes
        Times that the proposal changed.
    later_scored, stale
        Scored interactions in epochs after the first, and those whose proposal was the previous epoch's option.
    """

    interactions: Counts
    scored: Counts
    errors: Counts
    cold_start: Counts
    adaptation: Counts
    over_correction: Counts
    switches: Counts
    proposal_changes: Counts
    later_scored: Counts
    stale: Counts


def tally(*, preferred: IntArray, proposed: IntArray, in_exception: BoolArray) -> Tally:
    """Count errors and their causes.

    Parameters
    ----------
    preferred, proposed
        Option indices of shape (interactions, users): z_t and a_t.
    in_exception
        Booleans of the same shape, True where the interaction lies inside an exception.

    Returns
    -------
    Tally of (users,) arrays.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if not preferred.shape == proposed.shape == in_exception.shape or preferred.ndim != 2:
        raise ValueError(
            "preferred, proposed and in_exception must share one (interactions, users) shape, got "
            f"{preferred.shape}, {proposed.shape}, {in_exception.shape}."
        )
    steps, users = preferred.shape
    count = {name: np.zeros(users, dtype=np.int64) for name in Tally._fields}
    count["interactions"] += steps
    hit = np.zeros(users, dtype=bool)
    later = np.zeros(users, dtype=bool)
    previous = np.full(users, -1, dtype=preferred.dtype)
    for step in range(steps):
        truth, shown, scored = preferred[step], proposed[step], ~in_exception[step]
        if step:
            switched = truth != preferred[step - 1]
            previous = np.where(switched, preferred[step - 1], previous)
            hit &= ~switched
            later |= switched
            count["switches"] += switched
            count["proposal_changes"] += shown != proposed[step - 1]
        right = shown == truth
        error = scored & ~right
        before = error & ~hit
        count["scored"] += scored
        count["errors"] += error
        count["over_correction"] += error & hit
        count["cold_start"] += before & ~later
        count["adaptation"] += before & later
        count["later_scored"] += scored & later
        count["stale"] += scored & later & (shown == previous)
        hit |= scored & right
    return Tally(**count)


def join(parts: list[Tally]) -> Tally:
    """Return one tally over the users of all ``parts``, in their order."""
    return Tally(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def add(parts: list[Tally]) -> Tally:
    """Return one tally of the same users over all ``parts``, as if these were stretches of one life.

    Pooled standard errors then take a user as one observation: scenarios share the luck of a user.
    """
    return Tally(*(np.add.reduce(columns, axis=0) for columns in zip(*parts, strict=True)))


def error_rate(*, counts: Tally) -> Measurement:
    """Share of scored interactions with a wrong proposal, answered or not; read the error budget beside it."""
    return pooled_ratio(
        numerator=counts.errors, denominator=counts.scored, undefined_because="no interaction was scored"
    )


def error_share(*, counts: Tally, cause: str) -> Measurement:
    """Errors of one cause (``cold_start``, ``adaptation`` or ``over_correction``) per scored interaction."""
    return pooled_ratio(
        numerator=getattr(counts, cause), denominator=counts.scored, undefined_because="no interaction was scored"
    )


def over_correction_index(*, counts: Tally, last_write_wins: Tally) -> Measurement:
    """Over-correction errors as a share of last-write-wins' own, on the same people and luck; not clipped.

    0 = never moved by noise, 1 = as jumpy as last-write-wins. Never show it without :func:`adaptation_delay`:
    never-update scores 0.
    """
    return pooled_ratio(
        numerator=counts.over_correction,
        denominator=last_write_wins.over_correction,
        undefined_because="last-write-wins made no over-correction error on these people",
    )


def adaptation_delay(*, counts: Tally) -> Measurement:
    """Adaptation errors per true switch, switches never caught included (descriptive only on gradual paths)."""
    return pooled_ratio(
        numerator=counts.adaptation, denominator=counts.switches, undefined_because="no preference ever switched"
    )


def ratio_to_limit(*, counts: Tally, limit: Tally) -> Measurement:
    """Errors as a multiple of the limit's on the same people; null below 200 errors of the limit.

    Read :func:`regret` beside it, since ratios explode where the limit errs little.
    """
    made = int(limit.errors.sum())
    if made < FEWEST_LIMIT_ERRORS:
        return undefined(
            f"the limit made {made} errors, fewer than {FEWEST_LIMIT_ERRORS}: run more users", n=counts.errors.size
        )
    return pooled_ratio(numerator=counts.errors, denominator=limit.errors, undefined_because="the limit made no error")


def regret(*, counts: Tally, limit: Tally) -> Measurement:
    """Extra errors per 100 scored interactions over the limit's on the same people."""
    return pooled_ratio(
        numerator=100 * (counts.errors - limit.errors),
        denominator=counts.scored,
        undefined_because="no interaction was scored",
    )


def volatility(*, counts: Tally) -> Measurement:
    """Changes of the proposal per 100 interactions beyond the true switches (negative: switches were missed)."""
    return pooled_ratio(
        numerator=100 * (counts.proposal_changes - counts.switches),
        denominator=counts.interactions,
        undefined_because="there was no interaction",
    )


def staleness(*, counts: Tally) -> Measurement:
    """Share of scored proposals in later epochs that equal the previous epoch's option."""
    return pooled_ratio(
        numerator=counts.stale, denominator=counts.later_scored, undefined_because="no preference ever switched"
    )
