"""Goals, stated or emerging: they raise need, order tasks, and never stand in for the person's consent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError
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
    """

    name: str
    context: str
    deadline: datetime | None = None
    work: float = 0.0
    importance: float = 1.0
    stated: bool = True

    def __post_init__(self) -> None:
        if self.work < 0:
            raise ConfigurationError("Goal", "work", self.work, "days of work left, at least 0")
        if not 0.0 <= self.importance <= 1.0:
            raise ConfigurationError("Goal", "importance", self.importance, "a weight, 0 to 1")


SLACK_DAYS = 3.0
"""Days of slack at which the urgency of a goal has fallen to 1/e (a convention)."""

IDLE_NEED = 0.1
"""Need that a goal without a deadline adds, times its importance (a convention)."""


def urgency(goal: Goal, at: datetime) -> float:
    """Return how pressing a goal is, 0 to 1: exp(-slack / 3 days), slack = time to the deadline less work left.

    Past its latest start it is 1; without a deadline it is .1.
    """
    if goal.deadline is None:
        return IDLE_NEED
    slack = (goal.deadline - at) / timedelta(days=1) - goal.work
    return float(np.exp(-max(slack, 0.0) / SLACK_DAYS))


def need(base: float, goals: Sequence[Goal], context: str, at: datetime) -> float:
    """Return the probability that help in a context is needed, raised by the goals that it serves.

    ``base`` is the need without goals; each goal independently adds importance x urgency (noisy or).
    """
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
    """
    from scipy.stats import binom

    now = seconds_of(as_of)
    split, start = now - recent_days * SECONDS_PER_DAY, now - (recent_days + before_days) * SECONDS_PER_DAY
    found = []
    for topic in sorted(moments):
        seconds = as_seconds(moments[topic])
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
