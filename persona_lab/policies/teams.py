"""Trends of a team, each member's boundaries kept: who has not agreed is not counted, and nobody is singled out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import numpy as np

from persona_lab.contracts import Boundaries, Permission
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.measurement import Measurement, undefined
from persona_lab.policies.boundaries import open_days, open_hours, snooze_end, stated_permission
from persona_lab.policies.clock import SECONDS_PER_DAY, SLOT, local_clock, seconds_of
from persona_lab.policies.routines import as_seconds

Z_90 = 1.6448536269514722
"""Standard normal quantile of .95."""


class Member(NamedTuple):
    """One person: when the activity happened, and what they allow."""

    moments: Sequence[datetime]
    boundaries: Boundaries


class TeamTrend(NamedTuple):
    """Rate now / rate before over the members counted: ``log_ratio`` (natural log), 90 % interval of the ``ratio``.

    ``counted`` members of ``members``; ``ratio`` and interval are None where ``log_ratio`` has no value.
    """

    log_ratio: Measurement
    ratio: float | None
    low: float | None
    high: float | None
    counted: int
    members: int


@dataclass(frozen=True, slots=True)
class TeamTrends:
    """Pool a trend over people.

    Use it for "is the team meeting more than it used to?". Every member is compared with their own past
    (Mantel-Haenszel over people), so that a busy newcomer does not look like a trend. It fails when few have agreed:
    below ``fewest`` members it refuses, because a figure about two people is a figure about one of them.

    Parameters
    ----------
    context
        The context whose permission counts: only who set it to ``may`` is counted (``ask`` is no consent), unless it
        lies outside their scope or they are snoozing at the moment.
    fewest
        Members needed, each with at least one event of their own in the time compared.
    recent_days, before_days
        Stretches compared.

    Raises
    ------
    ConfigurationError
        If ``fewest`` is below 3 or a stretch is not positive.
    """

    context: str = "team_trends"
    fewest: int = 3
    recent_days: float = 14.0
    before_days: float = 42.0

    def __post_init__(self) -> None:
        if self.fewest < 3:
            raise ConfigurationError("TeamTrends", "fewest", self.fewest, "at least 3, or single people show")
        if not (self.recent_days > 0 and self.before_days > 0):
            raise ConfigurationError("TeamTrends", "recent_days", self.recent_days, "positive, as before_days")

    def allows(self, boundaries: Boundaries, at: datetime) -> bool:
        """Return whether a member may be counted at this moment."""
        agreed = stated_permission(boundaries, self.context) == Permission.MAY
        inside = boundaries.scope is None or self.context in boundaries.scope
        awake = at.timestamp() >= snooze_end(boundaries)
        return agreed and inside and awake

    def trend(self, members: Mapping[str, Member], *, as_of: datetime) -> TeamTrend:
        """Return the pooled trend of those who allow it."""
        counted = [member for name, member in sorted(members.items()) if self.allows(member.boundaries, as_of)]
        if len(counted) < self.fewest:
            why = f"{len(counted)} of {len(members)} members allow it, {self.fewest} needed"
            return TeamTrend(undefined(why, n=len(counted)), None, None, None, len(counted), len(members))
        now = seconds_of(as_of)
        split = now - self.recent_days * SECONDS_PER_DAY
        start = split - self.before_days * SECONDS_PER_DAY
        recent, before = [], []
        for member in counted:
            seconds = as_seconds(member.moments)
            recent.append(int(((seconds > split) & (seconds <= now)).sum()))
            before.append(int(((seconds > start) & (seconds <= split)).sum()))
        a, b = np.array(recent, dtype=np.float64), np.array(before, dtype=np.float64)
        active = int((a + b > 0).sum())
        if active < self.fewest:
            # A figure over three of whom one did something is a figure about that one.
            why = f"{active} of {len(counted)} members counted have events, {self.fewest} needed"
            return TeamTrend(undefined(why, n=active), None, None, None, len(counted), len(members))
        share = self.recent_days / (self.recent_days + self.before_days)
        above, below = (a * (1.0 - share)).sum(), (b * share).sum()
        if not (above > 0 and below > 0):
            nothing = undefined("no events in one of the two stretches", n=len(counted))
            return TeamTrend(nothing, None, None, None, len(counted), len(members))
        value = float(np.log(above / below))
        # Sandwich over people (delta method on the log of a ratio of sums): people are the sample.
        residual = a * (1.0 - share) / above - b * share / below
        spread = float(np.sqrt((residual**2).sum() * len(counted) / (len(counted) - 1)))
        return TeamTrend(
            Measurement(value, spread, len(counted)),
            float(np.exp(value)),
            float(np.exp(value - Z_90 * spread)),
            float(np.exp(value + Z_90 * spread)),
            len(counted),
            len(members),
        )


def common_hours(everyone: Sequence[Boundaries], *, start: datetime, hours: int) -> tuple[int, ...]:
    """Return the full hours after ``start`` (as offsets 0 to ``hours`` - 1) in which every member allows proposals.

    Each member's hours and days are read in their own time zone.

    Raises
    ------
    InputError
        If there is no member: nobody's hours are not everybody's.
    """
    if not everyone:
        raise InputError("common hours need members", cure="Pass the boundaries of at least one member.")
    first = -(-seconds_of(start) // 3600) * 3600
    # By quarters: where a zone is off by half an hour, a full hour of UTC lies in two local ones.
    # First and last second of each: the clock may also change within (clock.SLOT).
    starts = first + SLOT * np.arange(3600 // SLOT * hours)
    instants = np.stack([starts, starts + SLOT - 1], axis=1).ravel()
    open_to_all = np.ones(len(instants), dtype=np.bool_)
    for one in everyone:
        clock = local_clock(instants, one.timezone)
        open_to_all &= open_hours(one)[clock.hour.astype(np.int64)] & open_days(one)[clock.weekday]
        open_to_all &= instants >= snooze_end(one)
    whole = open_to_all.reshape(hours, -1).all(axis=1)
    return tuple(int(offset) for offset in np.flatnonzero(whole))
