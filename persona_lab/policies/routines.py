"""When does this person usually do it? Rates by hour of the week in their own time zone, and what follows from them.

Counts are kept per local hour of the week (0 = Monday 00:00, 167 = Sunday 23:00), so a habit at nine stays at nine when
the clocks change. Rates are Gamma-Poisson per hour and week: unseen hours are unlikely, never impossible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import FloatArray, IntArray
from persona_lab.policies.clock import SECONDS_PER_DAY, SLOT, local_clock, seconds_of

HOURS = 168
"""Hours of a week."""

WEEK = 7 * SECONDS_PER_DAY

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class RoutineModel:
    """How events become a routine.

    Use it for anything that recurs by the clock and the week. It fails with fewer than about three weeks of events,
    with shift work whose cycle is not a week, and right after a move to another time zone (fit again from there).

    Parameters
    ----------
    half_life_weeks
        Age at which a week counts half; None never forgets. Forgetting is by time, so a quiet month fades a habit.
    prior_weeks
        Weeks of prior at the person's own average rate: how strongly sparse hours are drawn to it.
    spread
        Share of an event that counts for each of the two neighbouring hours, 0 to .5.

    Raises
    ------
    ConfigurationError
        If a knob lies outside its range.
    """

    half_life_weeks: float | None = 8.0
    prior_weeks: float = 0.5
    spread: float = 0.15

    def __post_init__(self) -> None:
        if self.half_life_weeks is not None and not self.half_life_weeks > 0:
            raise ConfigurationError("RoutineModel", "half_life_weeks", self.half_life_weeks, "None or positive")
        if not self.prior_weeks > 0:
            raise ConfigurationError("RoutineModel", "prior_weeks", self.prior_weeks, "positive")
        if not 0.0 <= self.spread < 0.5:
            raise ConfigurationError("RoutineModel", "spread", self.spread, "at least 0 and below .5")

    def fit(
        self,
        moments: Sequence[datetime] | NDArray[Any],
        timezone: str,
        *,
        as_of: datetime,
        since: datetime | None = None,
    ) -> Routine:
        """Learn a routine from event times.

        Parameters
        ----------
        moments
            Aware datetimes, or seconds since the epoch; those after ``as_of`` are ignored.
        timezone
            The person's IANA time zone.
        as_of
            The moment of the read: decay and exposure count up to it.
        since
            Start of observation; default the first event.

        Raises
        ------
        InputError
            If the time zone is unknown or a datetime has none.
        """
        seconds = as_seconds(moments)
        now = seconds_of(as_of)
        seconds = seconds[seconds <= now]
        start = seconds_of(since) if since is not None else int(seconds.min()) if len(seconds) else now
        seconds = seconds[seconds >= start]
        weeks = max((now - start) / WEEK, 0.0)
        weight = np.ones(len(seconds))
        exposure = weeks
        if self.half_life_weeks is not None:
            fade = np.log(2.0) / self.half_life_weeks
            weight = np.exp(-fade * (now - seconds) / WEEK)
            exposure = float((1.0 - np.exp(-fade * weeks)) / fade)
        slots = local_clock(seconds, timezone).hour_of_week
        counts = np.bincount(slots, weight, minlength=HOURS)
        smooth = (1.0 - 2.0 * self.spread) * counts + self.spread * (np.roll(counts, 1) + np.roll(counts, -1))
        average = counts.sum() / HOURS / max(exposure, 1.0)
        shape = smooth + self.prior_weeks * average
        return Routine(timezone, shape, exposure + self.prior_weeks, len(seconds), weeks, as_of)


class Window(NamedTuple):
    """A stretch of local hours of the week: ``weekday`` 0 = Monday, ``first`` to ``stop`` hour, events per week."""

    weekday: int
    first: int
    stop: int
    rate: float


class NextWindow(NamedTuple):
    """The next time: ``start`` to ``stop`` (UTC), ``chance`` of at least one event in it, ``events`` behind it all."""

    start: datetime
    stop: datetime
    chance: float
    events: int


@dataclass(frozen=True, slots=True, eq=False)
class Routine:
    """A learnt routine: Gamma(``shape``, ``weeks_weighted``) rates per hour of the week.

    Attributes
    ----------
    timezone
        IANA name; every hour below is local to it.
    shape
        (168,) discounted, smoothed counts with their prior.
    weeks_weighted
        Effective weeks behind them, prior included.
    events, weeks
        Number of events and weeks observed, undiscounted.
    as_of
        The moment up to which it is valid.
    """

    timezone: str
    shape: FloatArray
    weeks_weighted: float
    events: int
    weeks: float
    as_of: datetime

    @property
    def rate(self) -> FloatArray:
        """Expected events per hour of the week, (168,)."""
        expected: FloatArray = self.shape / self.weeks_weighted
        return expected

    def chance(self, slots: IntArray) -> float:
        """Return the probability of at least one event in these hours of one coming week (negative binomial)."""
        quiet = self.weeks_weighted / (self.weeks_weighted + 1.0)
        return float(1.0 - quiet ** self.shape[slots].sum())

    def windows(self, *, top: float = 0.5, most: int = 10) -> tuple[Window, ...]:
        """Return the stretches of hours whose rate reaches ``top`` x the highest hour, busiest first.

        These are the energy windows when the events are finished work.
        """
        if self.events == 0:
            return ()
        busy = self.rate >= top * self.rate.max()
        return _stretches(busy, self.rate, most)

    def next_window(
        self, after: datetime, *, least: float = 0.25, horizon: timedelta = timedelta(days=14)
    ) -> NextWindow | None:
        """Return the next stretch of hours after a moment in which an event is to be expected.

        Parameters
        ----------
        after
            Search from the next quarter of an hour on.
        least
            Hours whose rate is below ``least`` x the highest do not belong to a window.
        horizon
            How far to look.

        Returns
        -------
        None where no event was ever seen, or nothing falls within the horizon.
        """
        if self.events == 0:
            return None
        first = -(-seconds_of(after) // SLOT) * SLOT
        steps = first + SLOT * np.arange(int(horizon.total_seconds() // SLOT))
        slots = local_clock(steps, self.timezone).hour_of_week
        busy = self.rate[slots] >= least * self.rate.max()
        if not busy.any():
            return None
        begin = int(busy.argmax())
        rest = np.flatnonzero(~busy[begin:])
        end = begin + (int(rest[0]) if len(rest) else len(busy) - begin)
        chance = self.chance(np.unique(slots[begin:end]))
        return NextWindow(
            datetime.fromtimestamp(int(steps[begin]), UTC),
            datetime.fromtimestamp(int(steps[end - 1]) + SLOT, UTC),
            chance,
            self.events,
        )


def focus_windows(
    work: Routine, interruptions: Routine, *, top: float = 0.5, quiet: float = 0.5, most: int = 10
) -> tuple[Window, ...]:
    """Return the hours of the week in which work gets done and few interruptions happen.

    Parameters
    ----------
    work, interruptions
        Routines of finished work, and of meetings and messages, of one person.
    top
        Work at least ``top`` x its highest hour.
    quiet
        Interruptions at most ``quiet`` x their mean over those working hours.
    """
    if work.events == 0:
        return ()
    busy = work.rate >= top * work.rate.max()
    usual = interruptions.rate[busy].mean() if interruptions.events else 0.0
    calm = interruptions.rate <= quiet * usual if interruptions.events else np.ones(HOURS, dtype=np.bool_)
    return _stretches(busy & calm, work.rate, most)


class WeeklyCycle(NamedTuple):
    """Does the weekday matter? ``share`` of events by weekday (7,), corrected G on 6 degrees, ``p_value``, events."""

    share: FloatArray
    statistic: float
    p_value: float
    events: int


def weekly_cycle(moments: Sequence[datetime] | NDArray[Any], timezone: str) -> WeeklyCycle:
    """Test whether events prefer some weekdays (likelihood-ratio test against equal days).

    The statistic carries Williams's correction (1976), without which 10 to 20 events would call equal days unequal too
    often. The test takes events as independent: bursts (ten messages within an hour) make it ring falsely.

    Raises
    ------
    InputError
        If there are no events.
    """
    from scipy.stats import chi2

    seconds = as_seconds(moments)
    if len(seconds) == 0:
        raise InputError("a weekly cycle needs events", cure="Pass at least one event time.")
    counts = np.bincount(local_clock(seconds, timezone).weekday, minlength=7).astype(np.float64)
    share = counts / counts.sum()
    seen = counts > 0
    # Williams: 1 + (k^2 - 1) / (6 n (k - 1)) for k = 7 equal classes.
    correction = 1.0 + 8.0 / (6.0 * len(seconds))
    statistic = float(2.0 * (counts[seen] * np.log(share[seen] * 7.0)).sum()) / correction
    return WeeklyCycle(share, statistic, float(chi2.sf(statistic, 6)), len(seconds))


def weekly_counts(
    moments: Sequence[datetime] | NDArray[Any], timezone: str, *, first: datetime, weeks: int
) -> NDArray[np.int64]:
    """Return counts by week and local hour of the week, (weeks, 168).

    Weeks are counted from the local day of ``first``. Routine drift compares the latest rows with the earlier ones.

    Raises
    ------
    InputError
        If ``weeks`` is negative.
    """
    if weeks < 0:
        raise InputError("a number of weeks is negative", value=weeks, cure="Pass 0 or more.")
    clock = local_clock(as_seconds(moments), timezone)
    start = local_clock(np.array([seconds_of(first)]), timezone).day[0]
    week = (clock.day - start) // 7
    inside = (clock.day >= start) & (week < weeks)
    flat = np.bincount(week[inside] * HOURS + clock.hour_of_week[inside], minlength=weeks * HOURS)
    return flat.reshape(weeks, HOURS)


def describe(window: Window) -> str:
    """Return a window in words, such as ``"Tuesday 09:00 to 12:00"``."""
    return f"{WEEKDAYS[window.weekday]} {window.first:02d}:00 to {window.stop:02d}:00"


def as_seconds(moments: Sequence[datetime] | NDArray[Any]) -> NDArray[np.int64]:
    """Return event times as whole seconds since the epoch, in ascending order.

    Raises
    ------
    InputError
        If a time is not finite, or carries no zone.
    """
    if isinstance(moments, np.ndarray):
        if moments.dtype.kind == "f" and not np.isfinite(moments).all():
            raise InputError("an event time is not finite", cure="Leave out events without a time.")
        return np.sort(moments.astype(np.int64))
    return np.sort(np.array([seconds_of(moment) for moment in moments], dtype=np.int64))


def _stretches(chosen: NDArray[np.bool_], rate: FloatArray, most: int) -> tuple[Window, ...]:
    """Return runs of chosen hours within each day, busiest first, in calendar order where tied."""
    found = []
    for weekday in range(7):
        day = np.concatenate([[False], chosen[24 * weekday : 24 * weekday + 24], [False]])
        edges = np.flatnonzero(np.diff(day.astype(np.int8)))
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            total = float(rate[24 * weekday + first : 24 * weekday + stop].sum())
            found.append(Window(weekday, int(first), int(stop), total))
    found.sort(key=lambda window: (-window.rate, window.weekday, window.first))
    return tuple(found[:most])
