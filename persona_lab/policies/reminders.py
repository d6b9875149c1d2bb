"""Reminders from routines and goals: before the hour it usually happens, inside what the person allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from persona_lab.contracts import Boundaries, Opportunity
from persona_lab.errors import ConfigurationError
from persona_lab.policies.boundaries import next_allowed
from persona_lab.policies.clock import zone
from persona_lab.policies.goals import Goal, ordered, urgency
from persona_lab.policies.routines import Routine


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
        self, routines: Mapping[str, Routine], boundaries: Boundaries, *, user_id: str, now: datetime
    ) -> tuple[Reminder, ...]:
        """Return one reminder per activity that is likely enough and allowed, soonest first.

        The activity is the boundaries' context. A reminder that falls outside the allowed hours moves to the next
        allowed quarter of an hour before the window starts, or is dropped.
        """
        planned = []
        for activity in sorted(routines):
            window = routines[activity].next_window(now + self.lead, horizon=self.horizon)
            if window is None or window.chance < self.least_chance:
                continue
            at = self._allowed(user_id, activity, window.start - self.lead, window.start, boundaries, now)
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
        self, goals: Sequence[Goal], boundaries: Boundaries, *, user_id: str, now: datetime
    ) -> tuple[Reminder, ...]:
        """Return reminders for the goals that have become pressing (urgency x importance), most pressing first."""
        planned = []
        for goal in ordered(goals, now):
            pressing = goal.importance * urgency(goal, now)
            if pressing < self.least_chance or goal.deadline is None:
                continue
            at = self._allowed(user_id, goal.context, now, now + self.horizon, boundaries, now)
            if at is None:
                continue
            local = goal.deadline.astimezone(zone(boundaries.timezone))
            said = "You said" if goal.stated else "It looks as if"
            reason = (
                f"{said} '{goal.name}' is due {local:%A %d %B %H:%M}, and about {goal.work:g} days of work are left."
            )
            planned.append(Reminder(at, goal.name, reason, pressing))
        return tuple(planned)

    def _allowed(
        self, user_id: str, context: str, start: datetime, stop: datetime, boundaries: Boundaries, now: datetime
    ) -> datetime | None:
        begin = max(start, now)
        chance = Opportunity(user_id, context, "remind", begin, max(stop - begin, timedelta(0)))
        return next_allowed(chance, boundaries)
