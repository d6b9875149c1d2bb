"""What every detector of this package shares: which events count, the trace it keeps, and how an alarm is explained.

A detector over bits looks either at acceptance (accepted = 1, declined or corrected = 0) or at the option that the
answer names (binary logs: option 1 = 1). Events that say nothing (silence, no named option) leave a stream as it was.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln

from persona_lab.contracts import DriftEstimate
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, FloatArray, IntArray, Kind, fold, named_option

Watch = Literal["acceptance", "option"]
Direction = Literal["down", "up", "both"]

REMEMBERED = 64
"""Latest events that an explanation can look back on: one machine word a stream."""

INTERVAL_TAIL = 0.05
"""Posterior mass outside each end of the 90 % interval of the change point."""


class Trace(NamedTuple):
    """Counts and the latest outcomes of each stream; every array has shape (streams,).

    ``seen`` and ``hits`` count events and ones since the latest restart, ``origin`` the events before it. ``recent``
    holds the last 64 outcomes, newest in the lowest bit. ``fired`` is the alarm of the latest event, ``at_*`` the trace
    as it stood when the latest alarm rang (``at_seen`` 0 where none has).
    """

    seen: NDArray[np.int32]
    hits: NDArray[np.int32]
    origin: NDArray[np.int32]
    recent: NDArray[np.uint64]
    fired: BoolArray
    at_seen: NDArray[np.int32]
    at_hits: NDArray[np.int32]
    at_origin: NDArray[np.int32]
    at_recent: NDArray[np.uint64]


def start_trace(streams: int) -> Trace:
    """Return the trace of streams that have seen nothing."""

    def count() -> NDArray[np.int32]:
        return np.zeros(streams, dtype=np.int32)

    def word() -> NDArray[np.uint64]:
        return np.zeros(streams, dtype=np.uint64)

    return Trace(
        count(), count(), count(), word(), np.zeros(streams, dtype=np.bool_), count(), count(), count(), word()
    )


def bits(given: Feedback, watch: Watch) -> tuple[BoolArray, BoolArray]:
    """Return (active, one), each (streams,): which streams have an event that counts, and its outcome."""
    known_kinds(given)
    if watch == "acceptance":
        return given.kind != Kind.SILENT, given.kind == Kind.ACCEPTED
    named = named_option(given)
    return (named >= 0) & (given.kind != Kind.SILENT), named == 1


def known_kinds(given: Feedback) -> None:
    """Refuse a kind of answer that there is not: it would count as a decline."""
    lowest, highest = given.kind.min(initial=Kind.SILENT), given.kind.max(initial=Kind.SILENT)
    if lowest < Kind.SILENT or highest > Kind.CORRECTED:
        wrong = int(lowest if lowest < Kind.SILENT else highest)
        raise ConfigurationError("detector", "feedback.kind", wrong, "one of " + ", ".join(f"{k:d}" for k in Kind))


def advance(trace: Trace, active: BoolArray, one: BoolArray) -> Trace:
    """Return the trace after the event, no alarm raised yet."""
    if active.all():
        return trace._replace(
            seen=trace.seen + np.int32(1),
            hits=trace.hits + one,
            recent=(trace.recent << np.uint64(1)) | one,
            fired=np.zeros_like(trace.fired),
        )
    return trace._replace(
        seen=trace.seen + active,
        hits=trace.hits + (one & active),
        recent=np.where(active, (trace.recent << np.uint64(1)) | one, trace.recent),
        fired=np.zeros_like(trace.fired),
    )


def ring(trace: Trace, which: NDArray[np.intp]) -> Trace:
    """Return a fresh trace in which the streams ``which`` raise the alarm, remember why, and start over."""
    if which.size == 0:
        return trace
    seen, hits, origin = trace.seen.copy(), trace.hits.copy(), trace.origin.copy()
    fired = trace.fired.copy()
    at_seen, at_hits = trace.at_seen.copy(), trace.at_hits.copy()
    at_origin, at_recent = trace.at_origin.copy(), trace.at_recent.copy()
    at_seen[which], at_hits[which] = seen[which], hits[which]
    at_origin[which], at_recent[which] = origin[which], trace.recent[which]
    origin[which] += seen[which]
    seen[which] = 0
    hits[which] = 0
    fired[which] = True
    return Trace(seen, hits, origin, trace.recent, fired, at_seen, at_hits, at_origin, at_recent)


def explain_bits(trace: Trace, options: int) -> DriftEstimate:
    """Return since when, from what to what, for the latest alarm of each stream.

    The change point's posterior gives each split of the history the product of two Beta(1, 1) marginals, the rate
    before and the rate after, and looks back at most 64 events. Rates are posterior means of the most probable split;
    with two options row 1 is the rate of ones (accepted, or option 1). For more options (acceptance watched) the rates
    of acceptance stand in row 0 and those of rejection in row 1, NaN elsewhere.
    """
    streams = trace.seen.shape[0]
    n, s = trace.at_seen.astype(np.float64), trace.at_hits.astype(np.float64)
    rung = trace.at_seen > 0
    after_hits = np.zeros(streams)
    score = np.full((REMEMBERED, streams), -np.inf)
    hits_by_split = np.zeros((REMEMBERED, streams))
    for length in range(1, REMEMBERED + 1):
        after_hits = after_hits + ((trace.at_recent >> np.uint64(length - 1)) & np.uint64(1))
        possible = rung & (length < trace.at_seen)
        before_n, before_s = np.maximum(n - length, 0.0), np.clip(s - after_hits, 0.0, None)
        value = betaln(before_s + 1, np.maximum(before_n - before_s, 0.0) + 1) + betaln(
            after_hits + 1, length - after_hits + 1
        )
        score[length - 1] = np.where(possible, value, -np.inf)
        hits_by_split[length - 1] = after_hits
    known = np.isfinite(score).any(axis=0)
    top = np.where(known, score.max(axis=0), 0.0)
    mass = np.exp(score - top)
    total = np.where(known, fold(mass), 1.0)
    share = np.cumsum(mass / total, axis=0)
    split = np.where(known, score.argmax(axis=0) + 1, 1)
    shortest = np.where(known, (share >= INTERVAL_TAIL).argmax(axis=0) + 1, 1)
    longest = np.where(known, (share >= 1.0 - INTERVAL_TAIL).argmax(axis=0) + 1, 1)
    # The most probable split may lie in a tail: an interval that leaves out its own estimate would confuse.
    shortest, longest = np.minimum(shortest, split), np.maximum(longest, split)
    end = trace.at_origin + trace.at_seen

    def place(count: IntArray) -> IntArray:
        where: IntArray = np.where(rung, end - count, -1).astype(np.int64)
        return where

    picked = hits_by_split[split - 1, np.arange(streams)]
    after = np.where(known, (picked + 1) / (split + 2), np.nan)
    before = np.where(known, (s - picked + 1) / (n - split + 2), np.nan)
    return DriftEstimate(
        start=place(split),
        start_low=place(longest),
        start_high=place(shortest),
        before=_rates(before, options),
        after=_rates(after, options),
    )


def _rates(one: FloatArray, options: int) -> FloatArray:
    rows = np.full((options, one.shape[0]), np.nan)
    rows[0 if options > 2 else min(1, options - 1)] = one
    if options >= 2:
        rows[1 if options > 2 else 0] = 1.0 - one
    return rows


def is_number(value: object) -> bool:
    """Return whether a knob is a number at all: True is none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def positive(owner: object, field: str, value: float) -> None:
    """Refuse a knob that is not a number above 0."""
    if not (is_number(value) and value > 0):
        raise ConfigurationError(type(owner).__name__, field, value, "a number above 0")


def probability(owner: object, field: str, value: float) -> None:
    """Refuse a knob that is not a number between 0 and 1, both left out."""
    if not (is_number(value) and 0 < value < 1):
        raise ConfigurationError(type(owner).__name__, field, value, "a number between 0 and 1")


def whole(owner: object, field: str, value: int, least: int) -> None:
    """Refuse a knob that is not a whole number of at least ``least``."""
    number = isinstance(value, (int, np.integer)) and not isinstance(value, (bool, np.bool_))
    if not (number and value >= least):
        raise ConfigurationError(type(owner).__name__, field, value, f"a whole number of at least {least}")


def sizes(owner: object, field: str, values: tuple[float, ...], most: float = np.inf) -> None:
    """Refuse a knob that is not a tuple of numbers between 0 and ``most``, both left out, at least one."""
    if not isinstance(values, tuple) or not values or not all(is_number(one) and 0 < one < most for one in values):
        limit = "above 0" if np.isinf(most) else f"between 0 and {most:g}"
        raise ConfigurationError(type(owner).__name__, field, values, f"a tuple of numbers {limit}, at least one")


def binary(owner: object, watch: str, options: int) -> None:
    """Refuse to watch option 1 where there are not exactly two: codes of more options have no order."""
    if watch == "option" and options != 2:
        raise ConfigurationError(
            type(owner).__name__, "options", options, "2 where an option is watched; OptionShift takes more"
        )


def known_direction(owner: object, direction: str) -> None:
    """Refuse a direction other than down, up, both."""
    if direction not in ("down", "up", "both"):
        raise ConfigurationError(type(owner).__name__, "direction", direction, "'down', 'up' or 'both'")


def known_watch(owner: object, watch: str) -> None:
    """Refuse anything to watch other than acceptance and option."""
    if watch not in ("acceptance", "option"):
        raise ConfigurationError(type(owner).__name__, "watch", watch, "'acceptance' or 'option'")
