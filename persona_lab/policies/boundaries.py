"""What the person allows, as a ceiling over every policy: never crossed, whatever the belief and the utilities say.

The ceiling is one array rule; the form for one opportunity goes through it with one stream. Stated boundaries come
from the person; learnt ones only ever lower the level that was stated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from persona_lab.contracts import Boundaries, Opportunity, Permission
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray, IntArray, Kind
from persona_lab.policies.clock import LocalClock, local_clock, local_turns, seconds_of
from persona_lab.policies.utilities import ACT, SILENT, SUGGEST

LEVEL = {Permission.NEVER: SILENT, Permission.ASK: SUGGEST, Permission.MAY: ACT}
"""The furthest move of each permission."""


class Why(IntEnum):
    """Which boundary set the ceiling; the first that applies, in this order."""

    NOTHING = 0
    NEVER = 1
    OUT_OF_SCOPE = 2
    SNOOZED = 3
    WRONG_DAY = 4
    WRONG_HOUR = 5
    BUDGET_SPENT = 6
    COOLING_DOWN = 7
    ASK_FIRST = 8
    IRREVERSIBLE = 9


class Limits(NamedTuple):
    """Boundaries as arrays over streams.

    ``level`` is the furthest move permitted (stated and learnt together); ``in_scope`` and ``reversible`` booleans;
    ``hours`` (24, streams) and ``days`` (7, streams) booleans; ``budget`` proposals per local day (inf = no limit);
    ``cooldown`` seconds; ``snoozed_until`` seconds since the epoch (-inf = not snoozed).
    """

    level: IntArray
    in_scope: BoolArray
    reversible: BoolArray
    hours: BoolArray
    days: BoolArray
    budget: FloatArray
    cooldown: FloatArray
    snoozed_until: FloatArray


class Usage(NamedTuple):
    """Earlier proposals (suggestions and acts): how many ``today`` (local day) and seconds of the ``last`` (-inf)."""

    today: IntArray
    last: FloatArray


class Ceiling(NamedTuple):
    """The furthest move allowed now and the boundary that set it (:class:`Why`), int8 (streams,)."""

    move: IntArray
    why: IntArray


def ceiling(limits: Limits, clock: LocalClock, now: FloatArray, used: Usage) -> Ceiling:
    """Return the furthest move that the boundaries allow at this moment.

    Parameters
    ----------
    limits, used
        Arrays over streams.
    clock
        The local time of ``now`` in each person's zone.
    now
        Seconds since the epoch.
    """
    lane = np.arange(len(limits.level))
    hour = clock.hour.astype(np.int64)
    reasons: tuple[tuple[Why, BoolArray, int], ...] = (
        (Why.NEVER, limits.level <= SILENT, SILENT),
        (Why.OUT_OF_SCOPE, ~limits.in_scope, SILENT),
        (Why.SNOOZED, now < limits.snoozed_until, SILENT),
        (Why.WRONG_DAY, ~limits.days[clock.weekday, lane], SILENT),
        (Why.WRONG_HOUR, ~limits.hours[hour, lane], SILENT),
        (Why.BUDGET_SPENT, used.today >= limits.budget, SILENT),
        (Why.COOLING_DOWN, now - used.last < limits.cooldown, SILENT),
        (Why.ASK_FIRST, limits.level == SUGGEST, SUGGEST),
        (Why.IRREVERSIBLE, ~limits.reversible, SUGGEST),
    )
    move = np.full(limits.level.shape, ACT, dtype=np.int8)
    why = np.full(limits.level.shape, Why.NOTHING, dtype=np.int8)
    for reason, applies, furthest in reasons:
        tighter = applies & (move > furthest)
        move = np.where(tighter, np.int8(furthest), move)
        why = np.where(tighter, np.int8(reason), why)
    return Ceiling(move, why)


def limits_of(boundaries: Boundaries, opportunity: Opportunity, *, lowered: int = 0) -> Limits:
    """Return the boundaries that bear on one opportunity, as one stream.

    Parameters
    ----------
    lowered
        By how many levels repeated declines have lowered the stated permission (:class:`DeclineBrake`).

    Raises
    ------
    ConfigurationError
        If an hour lies outside 0 to 24, a day outside 0 to 6, a permission is none of the three, ``lowered`` is
        negative (what is learnt never raises what was stated), the budget or the cooldown is, or the scope is a word
        instead of a set.
    InputError
        If the snooze ends at a time without a zone.
    """
    if lowered < 0:
        raise ConfigurationError("Boundaries", "lowered", lowered, "at least 0: a learnt boundary only lowers")
    stated = LEVEL[stated_permission(boundaries, opportunity.context)]
    budget = boundaries.daily_budget
    if budget is not None and not (isinstance(budget, int | float) and budget >= 0):
        raise ConfigurationError("Boundaries", "daily_budget", budget, "None or a number of at least 0")
    if not isinstance(boundaries.cooldown, timedelta) or boundaries.cooldown < timedelta(0):
        raise ConfigurationError("Boundaries", "cooldown", boundaries.cooldown, "a timedelta of at least no time")
    if isinstance(boundaries.scope, str):
        # 'meet' is in 'meetings': a part of a word would be taken for a context inside.
        raise ConfigurationError("Boundaries", "scope", boundaries.scope, "None or a set of contexts")
    hours, days = open_hours(boundaries)[:, np.newaxis], open_days(boundaries)[:, np.newaxis]
    snoozed = snooze_end(boundaries)
    return Limits(
        np.array([max(SILENT, stated - lowered)], dtype=np.int8),
        np.array([boundaries.scope is None or opportunity.context in boundaries.scope]),
        np.array([opportunity.reversible]),
        hours,
        days,
        np.array([np.inf if budget is None else float(budget)]),
        np.array([boundaries.cooldown.total_seconds()]),
        np.array([snoozed]),
    )


def stated_permission(boundaries: Boundaries, context: str) -> Permission:
    """Return what the person stated for a context.

    Raises
    ------
    ConfigurationError
        If it is none of never, ask and may.
    """
    stated = boundaries.permissions.get(context, boundaries.default)
    try:
        return Permission(stated)
    except ValueError:
        raise ConfigurationError("Boundaries", f"permissions[{context!r}]", stated, "never, ask or may") from None


def open_hours(boundaries: Boundaries) -> BoolArray:
    """Return which local hours of the day allow proposals, (24,); (22, 6) wraps past midnight.

    Raises
    ------
    ConfigurationError
        If a pair is not of whole hours 0 to 24, or starts where it stops (nothing, or the whole day?).
    """
    hours = np.zeros(24, dtype=np.bool_)
    for pair in boundaries.hours:
        if len(pair) != 2:
            raise ConfigurationError("Boundaries", "hours", pair, "pairs of whole hours (first, stop)")
        first, stop = pair
        whole = isinstance(first, int) and isinstance(stop, int)
        if not (whole and 0 <= first <= 23 and 0 < stop <= 24 and first != stop):
            raise ConfigurationError(
                "Boundaries", "hours", (first, stop), "whole hours 0 to 24, first before 24, stop after 0, not the same"
            )
        inside = range(first, stop) if first < stop else (*range(first, 24), *range(stop))
        hours[list(inside)] = True
    return hours


def open_days(boundaries: Boundaries) -> BoolArray:
    """Return which weekdays allow proposals, (7,), 0 = Monday.

    Raises
    ------
    ConfigurationError
        If a day is none of 0 to 6.
    """
    if not all(isinstance(day, int) and 0 <= day <= 6 for day in boundaries.days):
        raise ConfigurationError("Boundaries", "days", boundaries.days, "whole numbers, 0 = Monday to 6 = Sunday")
    days = np.zeros(7, dtype=np.bool_)
    days[sorted(boundaries.days)] = True
    return days


def snooze_end(boundaries: Boundaries) -> float:
    """Return when the snooze ends in seconds since the epoch, -inf for none.

    Raises
    ------
    InputError
        If that time carries no zone.
    """
    if boundaries.snoozed_until is None:
        return -np.inf
    seconds_of(boundaries.snoozed_until)
    return boundaries.snoozed_until.timestamp()


def usage_of(earlier: Sequence[datetime], at: datetime, timezone: str) -> Usage:
    """Return how many of the ``earlier`` proposals fall on the local day of ``at``, and when the last one was.

    Proposals later than ``at`` are ignored: a read as of a moment knows only its past.
    """
    return _usage_at(earlier, np.array([at.timestamp()]), local_clock(np.array([seconds_of(at)]), timezone), timezone)


def _usage_at(earlier: Sequence[datetime], now: FloatArray, clock: LocalClock, timezone: str) -> Usage:
    """Return the usage as of several moments of one person, given in seconds and as local time."""
    days = local_clock(np.array([seconds_of(moment) for moment in earlier], dtype=np.int64), timezone).day
    moments = np.array([moment.timestamp() for moment in earlier], dtype=np.float64)
    happened = moments[:, np.newaxis] <= now
    today = (happened & (days[:, np.newaxis] == clock.day)).sum(axis=0)
    return Usage(today, np.where(happened, moments[:, np.newaxis], -np.inf).max(axis=0, initial=-np.inf))


def ceiling_for(
    opportunity: Opportunity, boundaries: Boundaries, earlier: Sequence[datetime] = (), *, lowered: int = 0
) -> Ceiling:
    """Return the ceiling of one opportunity: the array rule with one stream."""
    clock = local_clock(np.array([seconds_of(opportunity.at)]), boundaries.timezone)
    used = usage_of(earlier, opportunity.at, boundaries.timezone)
    limits = limits_of(boundaries, opportunity, lowered=lowered)
    return ceiling(limits, clock, np.array([opportunity.at.timestamp()]), used)


def next_allowed(
    opportunity: Opportunity, boundaries: Boundaries, earlier: Sequence[datetime] = (), *, lowered: int = 0
) -> datetime | None:
    """Return the first moment within the opportunity's window at which a proposal is allowed, None where there is none.

    It is exact, to the second where a cooldown or a snooze ends at a fraction of one: between two moments at which
    something may change (a full local hour, the end of a cooldown or of a snooze) nothing does.
    """
    limits = limits_of(boundaries, opportunity, lowered=lowered)
    first, stop = opportunity.at, opportunity.at + opportunity.window
    start, end = seconds_of(first), seconds_of(stop)
    turns = local_turns(start, end, boundaries.timezone)
    over = [math.ceil(moment.timestamp() + boundaries.cooldown.total_seconds()) for moment in earlier]
    if boundaries.snoozed_until is not None:
        over.append(math.ceil(boundaries.snoozed_until.timestamp()))
    # Seconds as floats are good to a fraction of a microsecond: an end may just not be reached where it seems to be.
    over += [second + 1 for second in over]
    later = np.unique(np.concatenate([turns, [second for second in over if start < second <= end]])).astype(np.int64)
    now = np.concatenate([[first.timestamp()], later])
    clock = local_clock(np.concatenate([[start], later]), boundaries.timezone)
    used = _usage_at(earlier, now, clock, boundaries.timezone)
    arrays: tuple[Any, ...] = tuple(np.repeat(part, len(now), axis=-1) for part in limits)
    everywhen = Limits(*arrays)
    allowed = ceiling(everywhen, clock, now, used).move > SILENT
    if not allowed.any():
        return None
    place = int(allowed.argmax())
    return first if place == 0 else datetime.fromtimestamp(int(later[place - 1]), first.tzinfo)


class Braked(NamedTuple):
    """State of :class:`DeclineBrake`, (streams,): declines and acceptances in a row, levels lowered, quiet time."""

    declines: IntArray
    accepts: IntArray
    lowered: IntArray
    quiet: IntArray


@dataclass(frozen=True, slots=True)
class DeclineBrake:
    """Learnt boundary: repeated declines lower the permission by one level; acceptance, or time, gives it back.

    Use it on top of stated boundaries; it can only lower them. Without ``rest`` it would be absorbing (a person who
    declined twice three times would never be asked again). It fails with people whose tolerance truly flickers: it
    then switches late. The belief-based sibling that weighs the same answers is the policy itself; the brake is the
    guarantee that needs no model.

    Parameters
    ----------
    declines
        Declines in a row that lower the level by one.
    accepts
        Acceptances in a row that raise it again by one.
    rest
        Opportunities without an answer after which it is raised by one.

    Raises
    ------
    ConfigurationError
        If a count is not positive.
    """

    declines: int = 4
    accepts: int = 2
    rest: int = 50

    def __post_init__(self) -> None:
        for name in ("declines", "accepts", "rest"):
            if getattr(self, name) < 1:
                raise ConfigurationError("DeclineBrake", name, getattr(self, name), "at least 1")

    def init(self, streams: int) -> Braked:
        """Return the state before any answer."""
        return Braked(*(np.zeros(streams, dtype=np.int32) for _ in Braked._fields))

    def update(self, state: Braked, kind: IntArray) -> Braked:
        """Return the state after one opportunity per stream."""
        yes = kind == Kind.ACCEPTED
        no = (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        declines = np.where(no, state.declines + 1, np.where(yes, 0, state.declines))
        accepts = np.where(yes, state.accepts + 1, np.where(no, 0, state.accepts))
        quiet = np.where(yes | no, 0, state.quiet + 1)
        lower, lift = declines >= self.declines, (accepts >= self.accepts) | (quiet >= self.rest)
        lowered = np.clip(state.lowered + lower - (lift & ~lower), 0, 2)
        return Braked(np.where(lower, 0, declines), np.where(lift, 0, accepts), lowered, np.where(lift, 0, quiet))
