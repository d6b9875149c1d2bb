"""When people interact: daily and weekly routines in their own time zone, daylight saving included.

Interactions are an inhomogeneous Poisson process whose intensity is a weekly profile of local hours, sampled by time
change (Lewis & Shedler 1979 call it inversion): unit-rate arrivals mapped through the inverse of the cumulative
intensity. The cumulative intensity is built hour by hour in UTC from the local hour that each falls on, so the hour
that a clock change skips gets nobody, and the hour that it repeats comes twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray, IntArray
from persona_lab.randomness import uniforms

EPOCH = datetime(2025, 1, 6, tzinfo=UTC)
"""A Monday: where simulated time starts."""

ZONES = ("Europe/Berlin", "America/New_York", "America/Los_Angeles", "Asia/Kolkata", "Australia/Sydney")
"""Zones with daylight saving in both hemispheres, and one without, at half past the hour."""

WORKDAY = (0.1, 0.05, 0.05, 0.05, 0.05, 0.1, 0.4, 1, 3, 5, 5, 4, 2.5, 3.5, 5, 4.5, 4, 3, 2, 1.5, 1.2, 1, 0.6, 0.3)
WEEKEND = (
    0.1,
    0.05,
    0.05,
    0.05,
    0.05,
    0.05,
    0.1,
    0.2,
    0.5,
    0.8,
    1,
    1,
    0.8,
    0.7,
    0.7,
    0.8,
    0.8,
    0.8,
    0.9,
    1,
    1,
    0.8,
    0.5,
    0.3,
)
"""Relative activity by local hour: two peaks on a workday, a slow weekend."""

SECONDS_PER_HOUR = 3600
HOURS_PER_DAY = 24


@dataclass(frozen=True, slots=True)
class Routine:
    """A weekly routine.

    Parameters
    ----------
    per_week
        Interactions per week and person.
    zones
        IANA time zones; each person lives in one of them, all equally likely.
    workday, weekend
        Relative activity in each of the 24 local hours.

    Raises
    ------
    ConfigurationError
        If a value is out of range or a zone is unknown.
    """

    per_week: float = 28.0
    zones: tuple[str, ...] = ZONES
    workday: tuple[float, ...] = WORKDAY
    weekend: tuple[float, ...] = WEEKEND

    def __post_init__(self) -> None:
        if not 0.0 < self.per_week <= 10_000:
            raise ConfigurationError("Routine", "per_week", self.per_week, "interactions per week, above 0")
        for name in ("workday", "weekend"):
            profile = getattr(self, name)
            if len(profile) != HOURS_PER_DAY or min(profile) < 0 or not sum(self.workday) > 0:
                raise ConfigurationError("Routine", name, profile, "24 numbers >= 0, with some activity on workdays")
        if not self.zones:
            raise ConfigurationError("Routine", "zones", self.zones, "at least one time zone")
        for zone in self.zones:
            try:
                ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError):
                raise ConfigurationError("Routine", "zones", zone, "IANA names such as Europe/Berlin") from None


class Times(NamedTuple):
    """When interactions happen, (interactions, users).

    Attributes
    ----------
    seconds
        Seconds since ``EPOCH`` (int64).
    day
        Local calendar day, counted from that of ``EPOCH`` (int32): the session.
    zone
        Index into the routine's zones, (users,).
    """

    seconds: NDArray[np.int64]
    day: IntArray
    zone: IntArray


def draw_times(routine: Routine, *, seed: int, interactions: int, users: tuple[int, int]) -> Times:
    """Draw the moments of every interaction; a person's depend on (routine, seed, person number) alone."""
    n = users[1] - users[0]
    zone = (uniforms(seed, "zone", steps=(0, 1), streams=users)[0] * len(routine.zones)).astype(np.int8)
    gaps = -np.log1p(-uniforms(seed, "moment", steps=(0, interactions), streams=users).astype(np.float64))
    arrivals = np.cumsum(gaps, axis=0)
    seconds = np.empty((interactions, n), dtype=np.int64)
    day = np.empty((interactions, n), dtype=np.int32)
    needed = float(arrivals.max(initial=0.0))
    for index, name in enumerate(routine.zones):
        mine = np.flatnonzero(zone == index)
        if not mine.size:
            continue
        cumulative, offsets = _intensity(routine, name, _weeks(routine, needed))
        hours = np.interp(arrivals[:, mine], cumulative, np.arange(cumulative.size, dtype=np.float64))
        moments = np.floor(hours * SECONDS_PER_HOUR).astype(np.int64)
        at = np.minimum((moments // SECONDS_PER_HOUR).astype(np.int64), offsets.size - 1)
        seconds[:, mine] = moments
        day[:, mine] = np.floor_divide(moments + offsets[at], HOURS_PER_DAY * SECONDS_PER_HOUR)
    return Times(seconds, day, zone)


def local_moment(seconds: int, zone: str) -> datetime:
    """Return the moment as an aware datetime on the person's own clock."""
    return (EPOCH + timedelta(seconds=int(seconds))).astimezone(ZoneInfo(zone))


def _weeks(routine: Routine, needed: float) -> int:
    # Rounded up to years, so that the cached tables are few; results do not depend on how far a table reaches.
    weeks = needed / routine.per_week + 2.0
    return 53 * int(np.ceil(weeks / 53.0))


@lru_cache(maxsize=32)
def _intensity(routine: Routine, zone: str, weeks: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return cumulative expected interactions at each UTC hour since ``EPOCH``, and the UTC offset in seconds.

    Zones whose offset is no whole hour have hours that straddle two local ones; they count as the earlier one.
    """
    clock = ZoneInfo(zone)
    hours = weeks * 7 * HOURS_PER_DAY
    weekly = 5.0 * sum(routine.workday) + 2.0 * sum(routine.weekend)
    rate = np.empty(hours)
    offsets = np.empty(hours, dtype=np.int64)
    for hour in range(hours):
        local = (EPOCH + timedelta(hours=hour)).astimezone(clock)
        profile = routine.workday if local.weekday() < 5 else routine.weekend
        rate[hour] = profile[local.hour] * routine.per_week / weekly
        offset = local.utcoffset()
        offsets[hour] = int(offset.total_seconds()) if offset is not None else 0
    return np.concatenate([[0.0], np.cumsum(rate)]), offsets
