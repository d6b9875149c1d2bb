"""Local time for arrays of instants: hour, weekday and day in a person's time zone, daylight saving included."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import InputError
from persona_lab.feedback import FloatArray, IntArray

SECONDS_PER_DAY = 86_400
EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday (0 = Monday)."""

SLOT = 900
"""Seconds looked up together. Offsets since 1973 are whole quarters of an hour, but they do not all change on one:
Newfoundland changed at one minute past midnight until 2011, Casey Station in 2020 to 2022. A quarter in which the
offset changes is looked up second by second."""


class LocalClock(NamedTuple):
    """Local time of instants, arrays of one shape.

    ``hour`` is the local hour with its fraction, 0 <= hour < 24; ``weekday`` 0 = Monday to 6 = Sunday; ``day`` counts
    local calendar days since 1970-01-01; ``hour_of_week`` = 24 weekday + whole hour, 0 to 167.
    """

    hour: FloatArray
    weekday: IntArray
    day: IntArray
    hour_of_week: IntArray


def zone(timezone: str) -> ZoneInfo:
    """Return a time zone by its IANA name.

    Raises
    ------
    InputError
        If the name is unknown.
    """
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
        raise InputError(
            "unknown time zone", value=timezone, cure="Use an IANA name such as 'Europe/Berlin' or 'UTC'."
        ) from error


def local_clock(seconds: NDArray[np.int64] | NDArray[np.float64], timezone: str) -> LocalClock:
    """Return the local time of instants given in seconds since 1970-01-01T00:00Z.

    An instant has exactly one local time, so the repeated hour of autumn and the missing hour of spring need no rule.

    Raises
    ------
    InputError
        If the time zone is unknown, or an instant lies outside the years 1 to 9999 of its local calendar.
    """
    place = zone(timezone)
    instants = np.floor(np.asarray(seconds, dtype=np.float64)).astype(np.int64)
    slots, which = np.unique(instants // SLOT, return_inverse=True)
    first, last = _ends(slots, place)
    which = which.reshape(instants.shape)
    offsets, torn = first[which], (first != last)[which]
    if torn.any():
        offsets[torn] = [_offset(int(second), place) for second in instants[torn]]
    return clock_at_offset(instants, offsets)


def local_turns(start: int, stop: int, timezone: str) -> NDArray[np.int64]:
    """Return every second in (start, stop] at which a local hour may begin, ascending.

    These are the quarters of an hour of UTC, and the seconds at which the offset changes in between.
    """
    place = zone(timezone)
    slots = np.arange(start // SLOT, stop // SLOT + 1)
    first, last = _ends(slots, place)
    changes = []
    for slot, before in zip(slots[first != last], first[first != last], strict=True):
        low, high = int(slot) * SLOT, (int(slot) + 1) * SLOT - 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(middle, place) == before else (low, middle)
        changes.append(high)
    turns = np.unique(np.concatenate([slots * SLOT, np.array(changes, dtype=np.int64)]))
    inside: NDArray[np.int64] = turns[(turns > start) & (turns <= stop)]
    return inside


def clock_at_offset(seconds: IntArray, offset: IntArray) -> LocalClock:
    """Return the local time of instants whose offsets from UTC, in seconds, are known."""
    local = seconds + offset
    day = local // SECONDS_PER_DAY
    hour = (local - day * SECONDS_PER_DAY) / 3600.0
    weekday = (day + EPOCH_WEEKDAY) % 7
    return LocalClock(hour, weekday, day, 24 * weekday + hour.astype(np.int64))


def seconds_of(moment: datetime) -> int:
    """Return whole seconds since the epoch of an aware datetime.

    Raises
    ------
    InputError
        If it is no datetime, or carries no time zone.
    """
    if not isinstance(moment, datetime):
        raise InputError("a time is no datetime", value=moment, cure="Pass an aware datetime.")
    if moment.tzinfo is None:
        raise InputError(
            "a time without a zone cannot be placed", value=moment.isoformat(), cure="Pass an aware datetime."
        )
    return int(moment.timestamp() // 1)


def _ends(slots: NDArray[np.int64], place: ZoneInfo) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the offsets in the first and the last second of each slot: where they agree, it did not change within."""
    seconds = np.stack([slots * SLOT, (slots + 1) * SLOT - 1])
    found = [[_offset(int(second), place) for second in end] for end in seconds]
    return np.array(found[0], dtype=np.int64), np.array(found[1], dtype=np.int64)


def _offset(second: int, place: ZoneInfo) -> int:
    try:
        offset = datetime.fromtimestamp(second, UTC).astimezone(place).utcoffset()
    except (OverflowError, OSError, ValueError) as error:
        cure = "Pass seconds since 1970 (not milliseconds), between the years 1 and 9999."
        raise InputError("a time lies outside the calendar", value=second, cure=cure) from error
    return 0 if offset is None else int(offset.total_seconds())
