"""Real outcomes forecast by a rule that learnt its prior from everybody else: cross-fitted by person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, Feedback, FloatArray, Kind, feedback, padded, select
from persona_lab.measurement import Measurement
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.strategies.rate_filter import RateFilter, rate_evidence, weigh_rates

CLIP = 0.001
"""Forecasts are clipped to [CLIP, 1 - CLIP] before the log-loss is taken (the protocol of the data sets' figures)."""

TOGETHER = 128
"""Streams filtered together while evidence is read."""


class Outcomes(NamedTuple):
    """Binary outcomes of people, streams side by side.

    Attributes
    ----------
    happened
        (steps, streams) int8, -1 where the stream has ended.
    person
        Whose stream it is, (streams,).
    sequence
        Which sequence of outcomes was shown, (streams,): where people were shown the same one, those who share a
        sequence with a person are left out of that person's fit. Number the streams where none is shared.
    """

    happened: NDArray[np.int8]
    person: NDArray[np.int64]
    sequence: NDArray[np.int64]


class Forecasts(NamedTuple):
    """(steps, streams): the probability of an outcome before it was seen, and the rate believed in after it."""

    before: FloatArray
    after: FloatArray


def cross_fitted(outcomes: Outcomes, base: RateFilter, *, stubbornness: float = 1.0) -> Forecasts:
    """Forecast every person with ``base`` fitted on all other people.

    Parameters
    ----------
    outcomes
        Who did what.
    base
        The grid; ``event`` must be 1 (the outcome happened).
    stubbornness
        See :func:`persona_lab.strategies.rate_filter.weigh_rates`.
    """
    evidence = read_evidence(outcomes, base)
    before = np.full(outcomes.happened.shape, np.nan)
    after = before.copy()
    for person in np.unique(outcomes.person):
        own = outcomes.person == person
        others = ~own & ~np.isin(outcomes.sequence, outcomes.sequence[own])
        rule = weigh_rates(base, evidence[:, others], stubbornness=stubbornness)
        forecast = follow(outcomes.happened[:, own], rule)
        before[:, own], after[:, own] = forecast
    return Forecasts(before, after)


def read_evidence(outcomes: Outcomes, base: RateFilter) -> FloatArray:
    """Return (worlds, streams): how well each world explains each stream."""
    parts = []
    for first in range(0, outcomes.person.size, TOGETHER):
        happened = outcomes.happened[:, first : first + TOGETHER]
        log = [as_feedback(row) for row in happened]
        parts.append(rate_evidence(base, log, active=list(happened >= 0))[:, 0])
    return np.concatenate(parts, axis=1)


def follow(happened: NDArray[np.int8], rule: RateFilter) -> Forecasts:
    """Run ``rule`` over (steps, streams) outcomes, forecasting each before it is seen."""
    steps, streams = happened.shape
    wide = np.pad(happened, ((0, 0), (0, padded(streams) - streams)), constant_values=-1)
    state = rule.init(2, wide.shape[1])
    before, after = np.full(wide.shape, np.nan), np.full(wide.shape, np.nan)
    for step in range(steps):
        there = wide[step] >= 0
        before[step] = np.where(there, rule.belief(state)[1], np.nan)
        state = select(there, rule.update(state, as_feedback(wide[step])), state)
        after[step] = np.where(there, rule.belief(state)[1], np.nan)
    return Forecasts(before[:, :streams], after[:, :streams])


def as_feedback(happened: NDArray[np.int8]) -> Feedback:
    """Return outcomes (streams,) as unprompted choices of option 1 (it happened) or 0; -1 becomes silence."""
    kind = np.where(happened >= 0, Kind.CORRECTED, Kind.SILENT)
    return feedback(proposed=NO_OPTION, kind=kind, corrected=np.where(happened >= 0, happened, NO_OPTION))


def log_loss(*, outcomes: Outcomes, before: FloatArray) -> Measurement:
    """Mean negative log forecast of what came, nats per outcome; standard error over people."""
    there = outcomes.happened >= 0
    said = np.clip(np.where(outcomes.happened == 1, before, 1.0 - before), CLIP, 1.0 - CLIP)
    return _by_person(np.where(there, -np.log(said), 0.0), outcomes)


def absolute_error(*, outcomes: Outcomes, after: FloatArray, truth: FloatArray) -> Measurement:
    """Mean absolute distance of the believed rate from the true one after each outcome; standard error over people."""
    there = outcomes.happened >= 0
    return _by_person(np.where(there, np.abs(after - truth), 0.0), outcomes)


def _by_person(values: FloatArray, outcomes: Outcomes) -> Measurement:
    people, index = np.unique(outcomes.person, return_inverse=True)
    total = np.bincount(index, weights=values.sum(axis=0), minlength=people.size)
    count = np.bincount(index, weights=(outcomes.happened >= 0).sum(axis=0), minlength=people.size)
    return pooled_ratio(numerator=total, denominator=count, undefined_because="there is no outcome")
