"""How good alarms are: delay at an equal false-alarm rate, spread over people, price of exceptions.

Times count a stream's events from 0; the change ``change`` is the first event under the new behaviour, and an alarm on
event ``t`` has delay ``t - change + 1``: the number of changed events it needed. ``NO_ALARM`` stands where none came.
Read delays only beside the false-alarm rate, and F1 only beside that of a random and an always-on alarm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.measurement import Measurement, undefined

NO_ALARM = -1


def first_alarm(*, alarms: BoolArray) -> IntArray:
    """Return the event of each stream's first alarm, ``NO_ALARM`` where none; ``alarms`` is (events, streams)."""
    if alarms.shape[0] == 0:
        return np.full(alarms.shape[1], NO_ALARM, dtype=np.int64)
    first: IntArray = np.where(alarms.any(axis=0), alarms.argmax(axis=0), NO_ALARM).astype(np.int64)
    return first


def mean_delay(*, first: IntArray, change: int, events: int) -> Measurement:
    """Return the mean delay in events, a miss counted as the rest of the stream (censored).

    Streams that alarmed before the change are left out: read :func:`alarmed_early` beside it. ``n`` counts streams
    kept.
    """
    kept = _kept(first, change)
    if kept.size == 0:
        return undefined("every stream alarmed before the change")
    delay = np.where(kept == NO_ALARM, events - change, kept - change + 1).astype(np.float64)
    return _mean(delay)


def median_delay(*, first: IntArray, change: int) -> Measurement:
    """Return the median delay in events, a miss counted as infinite; undefined where half are missed."""
    kept = _kept(first, change)
    if kept.size == 0:
        return undefined("every stream alarmed before the change")
    delay = np.where(kept == NO_ALARM, np.inf, kept - change + 1.0)
    middle = float(np.median(delay)) if np.isfinite(np.sort(delay)[kept.size // 2]) else np.inf
    if not np.isfinite(middle):
        return undefined("at least half of the changes are missed", n=int(kept.size))
    return Measurement(middle, None, int(kept.size))


def missed(*, first: IntArray, change: int) -> Measurement:
    """Return the share of changes without any alarm after them, among streams that had not alarmed before."""
    kept = _kept(first, change)
    return _mean((kept == NO_ALARM).astype(np.float64)) if kept.size else undefined("every stream alarmed early")


def alarmed_early(*, first: IntArray, change: int) -> Measurement:
    """Return the share of streams that alarmed before the change: what the delay leaves out."""
    return _mean(((first != NO_ALARM) & (first < change)).astype(np.float64))


def delay_curve(*, first: IntArray, change: int, longest: int) -> FloatArray:
    """Return the share of changes detected within 0, 1, ..., ``longest`` events, shape (longest + 1,).

    Empty where every stream alarmed before the change: there is nobody of whom to say a share.
    """
    kept = _kept(first, change)
    if kept.size == 0:
        return np.empty(0)
    delay = np.where(kept == NO_ALARM, np.inf, kept - change + 1.0)
    curve: FloatArray = (delay[np.newaxis, :] <= np.arange(longest + 1)[:, np.newaxis]).mean(axis=1)
    return curve


def false_alarm_rate(*, first: IntArray, events: int) -> Measurement:
    """Return first false alarms per 1,000 events at risk on streams without any change, cold start included.

    A stream is at risk until its first alarm; the standard error is that of a ratio of means over streams.
    """
    rung = (first != NO_ALARM).astype(np.float64)
    risk = np.where(first == NO_ALARM, events, first + 1).astype(np.float64)
    if risk.size == 0:
        return undefined("no streams")
    rate = rung.sum() / risk.sum()
    error = np.sqrt(np.mean((rung - rate * risk) ** 2) / risk.size) / risk.mean()
    return Measurement(float(1000 * rate), float(1000 * error), int(risk.size))


def run_length(*, first: IntArray, events: int) -> Measurement:
    """Return the mean events to the first alarm of streams without any change (ARL0).

    Undefined where more than a twentieth of the streams never alarmed within ``events``; the few that did not are given
    the mean residual of a constant hazard (events at risk over alarms).
    """
    if first.size == 0:
        return undefined("no streams")
    silent = first == NO_ALARM
    if silent.mean() > 0.05:
        return undefined(f"{silent.mean():.0%} of the streams never alarmed: simulate longer", n=int(first.size))
    length = np.where(silent, events, first + 1).astype(np.float64)
    residual = length.sum() / max(1, int((~silent).sum()))
    return _mean(length + np.where(silent, residual, 0.0))


def false_alarm_spread(*, rates: Mapping[float, Measurement]) -> Measurement:
    """Return the largest false-alarm rate over the smallest: people of different base rates, one threshold."""
    values = [rate.value for rate in rates.values()]
    defined = [value for value in values if value is not None]
    if len(defined) < len(values) or not defined:
        return undefined("a false-alarm rate is undefined")
    if min(defined) <= 0:
        return undefined("someone never had a false alarm: simulate more people", n=len(defined))
    largest, smallest = max(defined), min(defined)
    errors = {rate.value: rate.standard_error or 0.0 for rate in rates.values()}
    error = largest / smallest * np.hypot(errors[largest] / largest, errors[smallest] / smallest)
    return Measurement(largest / smallest, float(error), len(defined))


def excess_alarms(*, with_exception: IntArray, without: IntArray, at: int, within: int = 20) -> Measurement:
    """Return the extra share of streams that alarm within ``within`` events of an exception's start.

    Both arrays are first alarms of the same people and luck, with and without the exception at event ``at``; pairs in
    which either alarmed before it are left out.
    """
    early = ((with_exception != NO_ALARM) & (with_exception < at)) | ((without != NO_ALARM) & (without < at))

    def soon(first: IntArray) -> FloatArray:
        inside: FloatArray = ((first >= at) & (first < at + within))[~early].astype(np.float64)
        return inside

    difference = soon(with_exception) - soon(without)
    return _mean(difference) if difference.size else undefined("every stream alarmed before the exception")


class Matches(NamedTuple):
    """Alarms matched to changes, each once; (streams,) counts."""

    hits: IntArray
    alarms: IntArray
    changes: IntArray


def match(*, alarms: BoolArray, changes: BoolArray, tolerance: int = 15) -> Matches:
    """Match every alarm, in order, to the latest unmatched change at most ``tolerance`` events before it.

    Both arrays are (events, streams). A change on the event of the alarm itself counts.
    """
    free = changes.copy()
    hits = np.zeros(alarms.shape[1], dtype=np.int64)
    for t in np.flatnonzero(alarms.any(axis=1)):
        looking = alarms[t].copy()
        for lag in range(min(tolerance, int(t)) + 1):
            found = looking & free[t - lag]
            free[t - lag] &= ~found
            hits += found
            looking &= ~found
            if not looking.any():
                break
    return Matches(hits, alarms.sum(axis=0), changes.sum(axis=0))


def f1(*, matches: Matches, groups: IntArray | None = None) -> Measurement:
    """Return F1 = 2 hits / (alarms + changes), pooled over streams.

    ``groups`` (streams,) names the person of each stream for the standard error (ratio of sums over people); without it
    each stream is a person.
    """
    top: FloatArray = 2.0 * matches.hits
    bottom: FloatArray = (matches.alarms + matches.changes).astype(np.float64)
    if bottom.sum() == 0:
        return undefined("no alarms and no changes")
    if groups is not None:
        _, index = np.unique(groups, return_inverse=True)
        top = np.bincount(index, weights=top).astype(np.float64)
        bottom = np.bincount(index, weights=bottom).astype(np.float64)
    value = top.sum() / bottom.sum()
    error = None
    if top.size > 1:
        error = float(np.sqrt(np.var(top - value * bottom, ddof=1) / top.size) / bottom.mean())
    return Measurement(float(value), error, int(top.size))


def _kept(first: IntArray, change: int) -> IntArray:
    kept: IntArray = first[(first == NO_ALARM) | (first >= change)]
    return kept


def _mean(values: FloatArray) -> Measurement:
    if values.size == 0:
        return undefined("no streams")
    error = float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else None
    return Measurement(float(values.mean()), error, int(values.size))


def random_alarms(*, luck: NDArray[np.float32], rate: float) -> BoolArray:
    """Return alarms that ring with probability ``rate`` an event whatever happens: the control beside every F1."""
    rung: BoolArray = luck < rate
    return rung
