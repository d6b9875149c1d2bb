"""Goals, stated or emerging: they raise need, order tasks, and never stand in for the person's consent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.policies.clock import SECONDS_PER_DAY, seconds_of
from persona_lab.policies.routines import as_seconds


@dataclass(frozen=True, slots=True)
class Goal:
    """Something the person wants done.

    Parameters
    ----------
    name, context
        What it is, and the context in which an agent may help with it.
    deadline
        When it must be done; None for none.
    work
        Work left, in days.
    importance
        Weight among goals, 0 to 1.
    stated
        Whether the person said so; an emerging goal (see :func:`emerging`) is a guess.

    Raises
    ------
    ConfigurationError
        If ``work`` is negative or ``importance`` outside [0, 1].
    InputError
        If the deadline carries no time zone.
    """

    name: str
    context: str
    deadline: datetime | None = None
    work: float = 0.0
    importance: float = 1.0
    stated: bool = True

    def __post_init__(self) -> None:
        if self.deadline is not None:
            seconds_of(self.deadline)
        if not self.work >= 0:
            raise ConfigurationError("Goal", "work", self.work, "days of work left, at least 0")
        if not 0.0 <= self.importance <= 1.0:
            raise ConfigurationError("Goal", "importance", self.importance, "a weight, 0 to 1")


SLACK_DAYS = 3.0
"""Days of slack at which the urgency of a goal has fallen to 1/e (a convention)."""

OVERDUE_DAYS = 7.0
"""Days after the deadline at which the urgency of a goal that was missed has fallen to 1/e (a convention)."""

IDLE_NEED = 0.1
"""Need that a goal without a deadline adds, times its importance (a convention)."""


def urgency(goal: Goal, at: datetime) -> float:
    """Return how pressing a goal is, 0 to 1: exp(-slack / 3 days), slack = time to the deadline less work left.

    Past its latest start it is 1; past its deadline it fades, exp(-overdue / 7 days), to the .1 of a goal without a
    deadline: what was missed long ago is either given up or not urgent.
    """
    if goal.deadline is None:
        return IDLE_NEED
    left = (goal.deadline - at) / timedelta(days=1)
    if left < 0.0:
        return float(max(IDLE_NEED, np.exp(left / OVERDUE_DAYS)))
    slack = left - goal.work
    return float(np.exp(-max(slack, 0.0) / SLACK_DAYS))


def need(base: float, goals: Sequence[Goal], context: str, at: datetime) -> float:
    """Return the probability that help in a context is needed, raised by the goals that it serves.

    ``base`` is the need without goals; each goal independently adds importance x urgency (noisy or).

    Raises
    ------
    InputError
        If ``base`` is no probability.
    """
    if not 0.0 <= base <= 1.0:
        raise InputError("the need without goals is no probability", value=base, cure="Pass a number from 0 to 1.")
    unneeded = 1.0 - base
    for goal in goals:
        if goal.context == context:
            unneeded *= 1.0 - goal.importance * urgency(goal, at)
    return 1.0 - unneeded


def ordered(goals: Sequence[Goal], at: datetime) -> tuple[Goal, ...]:
    """Return the goals most pressing first: importance x urgency, then deadline, then name; stated before emerging."""

    def key(goal: Goal) -> tuple[float, bool, float, str]:
        end = float("inf") if goal.deadline is None else goal.deadline.timestamp()
        return (-goal.importance * urgency(goal, at), not goal.stated, end, goal.name)

    return tuple(sorted(goals, key=key))


class Emerging(NamedTuple):
    """A topic whose rate is rising: events ``recent`` and ``before``, rate ``ratio``, Holm-adjusted ``p_value``."""

    topic: str
    recent: int
    before: int
    ratio: float
    p_value: float


def emerging(
    moments: Mapping[str, Sequence[datetime]],
    *,
    as_of: datetime,
    recent_days: float = 14.0,
    before_days: float = 56.0,
    level: float = 0.05,
    since: datetime | None = None,
) -> tuple[Emerging, ...]:
    """Return the topics that come up more often lately than before, surest first.

    Given its events in both stretches, a topic of constant rate has Binomial(n, recent / (recent + before)) of them
    recent: an exact one-sided test (Przyborowski & Wilenski 1940), Holm-adjusted over all topics.

    Parameters
    ----------
    moments
        Event times by topic.
    as_of
        End of the recent stretch.
    recent_days, before_days
        Lengths of the two stretches.
    level
        Adjusted p-value below which a topic is called emerging.
    since
        Start of observation; default the first event of any topic. Time before it is no time without events: of
        somebody observed for less than ``recent_days`` nothing can be said to emerge.

    Raises
    ------
    ConfigurationError
        If a stretch is not positive.
    """
    from scipy.stats import binom

    if not (recent_days > 0 and before_days > 0):
        raise ConfigurationError("emerging", "recent_days", recent_days, "positive, as before_days")
    now = seconds_of(as_of)
    times = {topic: as_seconds(moments[topic]) for topic in sorted(moments)}
    first = min((int(seconds[0]) for seconds in times.values() if len(seconds)), default=now)
    observed = first - 1 if since is None else seconds_of(since)
    split = now - recent_days * SECONDS_PER_DAY
    start = max(split - before_days * SECONDS_PER_DAY, observed)
    if start >= split:
        return ()
    before_days = (split - start) / SECONDS_PER_DAY
    found = []
    for topic, seconds in times.items():
        recent = int(((seconds > split) & (seconds <= now)).sum())
        before = int(((seconds > start) & (seconds <= split)).sum())
        share = recent_days / (recent_days + before_days)
        p_value = float(binom.sf(recent - 1, recent + before, share)) if recent else 1.0
        ratio = (recent / recent_days) / max(before / before_days, 0.5 / before_days)
        found.append(Emerging(topic, recent, before, ratio, p_value))
    found.sort(key=lambda one: (one.p_value, one.topic))
    adjusted, highest = [], 0.0
    for rank, one in enumerate(found):
        highest = max(highest, min(1.0, one.p_value * (len(found) - rank)))
        adjusted.append(one._replace(p_value=highest))
    return tuple(one for one in adjusted if one.p_value < level)


def as_goal(topic: Emerging, context: str) -> Goal:
    """Return the emerging topic as an unstated goal whose importance is its certainty, at most one half."""
    return Goal(topic.topic, context, importance=0.5 * (1.0 - topic.p_value), stated=False)
