"""Reminders from routines, goals and beliefs: before the hour it usually happens, inside what the person allows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from persona_lab.contracts import Belief, Boundaries, Opportunity, Permission
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.policies.boundaries import next_allowed
from persona_lab.policies.clock import zone
from persona_lab.policies.goals import Goal, ordered, urgency
from persona_lab.policies.routines import WEEKDAYS, Routine

DAYS: Mapping[str, tuple[int, ...]] = {
    **{name: (day,) for day, name in enumerate(name.lower() for name in WEEKDAYS)},
    "early": (0, 1),
    "late": (3, 4),
}
"""Weekdays (0 = Monday) that an option may name."""

HOURS: Mapping[str, int] = {"morning": 9, "noon": 12, "afternoon": 14, "evening": 18}
"""Local hour of the parts of a day (a convention)."""


class Reminder(NamedTuple):
    """When to remind of what, with the reason in words and the chance that it is apt."""

    at: datetime
    activity: str
    reason: str
    chance: float


@dataclass(frozen=True, slots=True)
class ReminderPlan:
    """Which reminders to give.

    Parameters
    ----------
    lead
        How long before the usual window starts.
    least_chance
        Below this probability that the activity will come up, nothing is said: a reminder of what does not happen is
        noise.
    horizon
        How far ahead to plan.

    Raises
    ------
    ConfigurationError
        If ``least_chance`` lies outside [0, 1] or a time is negative.
    """

    lead: timedelta = timedelta(minutes=30)
    least_chance: float = 0.5
    horizon: timedelta = timedelta(days=7)

    def __post_init__(self) -> None:
        if not 0.0 <= self.least_chance <= 1.0:
            raise ConfigurationError("ReminderPlan", "least_chance", self.least_chance, "a probability, 0 to 1")
        if self.lead < timedelta(0) or self.horizon < timedelta(0):
            raise ConfigurationError("ReminderPlan", "lead", self.lead, "at least 0, as horizon")

    def from_routines(
        self,
        routines: Mapping[str, Routine],
        boundaries: Boundaries,
        *,
        user_id: str,
        now: datetime,
        earlier: Sequence[datetime] = (),
    ) -> tuple[Reminder, ...]:
        """Return at most one reminder per activity that is likely enough and allowed, soonest first.

        The activity is the boundaries' context. A reminder that falls outside the allowed hours moves to the next
        allowed moment before the window starts, or is dropped. Budget and cooldown count the ``earlier`` proposals and
        the reminders planned here.
        """
        expected = [
            (window.start, activity, window)
            for activity in sorted(routines)
            if (window := routines[activity].next_window(now + self.lead, horizon=self.horizon)) is not None
            and window.chance >= self.least_chance
        ]
        planned: list[Reminder] = []
        for _, activity, window in sorted(expected):
            start = window.start - self.lead
            at = self._allowed(user_id, activity, start, window.start, boundaries, now, earlier, planned)
            if at is None:
                continue
            local = window.start.astimezone(zone(boundaries.timezone))
            reason = (
                f"You usually do '{activity}' around {local:%A %H:%M}; it comes up then with probability "
                f"{window.chance:.2f} ({window.events} events so far)."
            )
            planned.append(Reminder(at, activity, reason, window.chance))
        return tuple(sorted(planned))

    def from_goals(
        self,
        goals: Sequence[Goal],
        boundaries: Boundaries,
        *,
        user_id: str,
        now: datetime,
        earlier: Sequence[datetime] = (),
    ) -> tuple[Reminder, ...]:
        """Return reminders for the goals that have become pressing (urgency x importance), most pressing first.

        None comes after the deadline, unless the deadline has already passed. Budget and cooldown count the ``earlier``
        proposals and the reminders planned here.
        """
        planned: list[Reminder] = []
        for goal in ordered(goals, now):
            pressing = goal.importance * urgency(goal, now)
            if pressing < self.least_chance or goal.deadline is None:
                continue
            missed = goal.deadline < now
            stop = now + self.horizon if missed else min(goal.deadline, now + self.horizon)
            at = self._allowed(user_id, goal.context, now, stop, boundaries, now, earlier, planned)
            if at is None:
                continue
            local = goal.deadline.astimezone(zone(boundaries.timezone))
            said = "You said" if goal.stated else "It looks as if"
            when = f"{'was' if missed else 'is'} due {local:%A %d %B %H:%M}"
            reason = f"{said} '{goal.name}' {when}, and about {goal.work:g} days of work are left."
            planned.append(Reminder(at, goal.name, reason, pressing))
        return tuple(planned)

    def from_belief(
        self,
        belief: Belief,
        activity: str,
        boundaries: Boundaries,
        *,
        now: datetime,
        earlier: Sequence[datetime] = (),
    ) -> tuple[Reminder, ...]:
        """Return the reminder that a belief about *when* asks for, if it is sure enough; at most one.

        The belief's options name times: a weekday, ``early_week``, ``late_week``, a part of the day (:data:`DAYS`,
        :data:`HOURS`), or two of these joined, such as ``thursday_afternoon``. Anything else plans nothing.

        Raises
        ------
        InputError
            If the belief has no options, or a probability is none.
        """
        if not belief.options or not all(0.0 <= p <= 1.0 for p in belief.probabilities):
            raise InputError(
                "a belief about when has no probabilities",
                value=belief.probabilities,
                cure="Pass one per option, 0 to 1.",
            )
        chance = max(belief.probabilities)
        option = belief.options[belief.probabilities.index(chance)]
        words = (
            re.sub(r"[-\s]+", "_", option.lower())
            .replace("early_week", "early")
            .replace("late_week", "late")
            .split("_")
        )
        days = next((DAYS[word] for word in words if word in DAYS), None)
        hour = next((HOURS[word] for word in words if word in HOURS), None)
        if chance < self.least_chance or (days is None and hour is None):
            return ()
        place = zone(boundaries.timezone)
        first = now.astimezone(place)
        for ahead in range(self.horizon // timedelta(days=1) + 1):
            date = first.date() + timedelta(days=ahead)
            at = datetime.combine(date, time(hour if hour is not None else HOURS["morning"]), place).astimezone(UTC)
            if at <= now or (days is not None and date.weekday() not in days):
                continue
            stop = at + timedelta(hours=3)
            allowed = self._allowed(belief.user_id, belief.context, at, stop, boundaries, now, earlier, ())
            if allowed is not None:
                reason = (
                    f"You prefer '{option}' for {activity} (probability {chance:.2f}, {belief.evidence:.0f} events)."
                )
                return (Reminder(allowed, activity, reason, chance),)
        return ()

    def _allowed(
        self,
        user_id: str,
        context: str,
        start: datetime,
        stop: datetime,
        boundaries: Boundaries,
        now: datetime,
        earlier: Sequence[datetime],
        planned: Sequence[Reminder],
    ) -> datetime | None:
        """Return when a reminder may be given, all that was proposed and is planned counted, those to come too."""
        begin = max(start, now)
        taken = [*earlier, *(one.at for one in planned)]
        while True:
            chance = Opportunity(user_id, context, "remind", begin, max(stop - begin, timedelta(0)))
            at = next_allowed(chance, boundaries, taken)
            if at is None:
                return None
            after = [moment for moment in taken if moment > at]
            if all(self._still_allowed(moment, at, taken, boundaries) for moment in after):
                return at
            begin = min(after)
            if begin > stop:
                return None

    def _still_allowed(self, moment: datetime, at: datetime, taken: Sequence[datetime], boundaries: Boundaries) -> bool:
        """Return whether what is planned for ``moment`` would keep budget and cooldown with a reminder at ``at``."""
        others = [*(other for other in taken if other != moment), at]
        any_context = Opportunity("", "", "remind", moment, timedelta(0))
        open_always = replace(boundaries, permissions={}, default=Permission.ASK, scope=None)
        return next_allowed(any_context, open_always, others) is not None
