"""Data that components pass to each other: frozen, named, unit-carrying."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from persona_lab.feedback import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Belief:
    """What is believed of one context of one user, as of a moment.

    ``probabilities`` align with ``options``; ``evidence`` is the effective number of events it rests on;
    ``event_ids`` are those events, oldest first.
    """

    user_id: str
    context: str
    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    evidence: float
    as_of: datetime
    event_ids: tuple[str, ...] = ()


class DriftEstimate(NamedTuple):
    """Since when, from what to what; arrays over streams, NaN or -1 where no alarm has been raised yet.

    ``start`` and its 90 % interval ``start_low``, ``start_high`` count the stream's events from 0;
    ``before`` and ``after`` are (options, streams) rates.
    """

    start: IntArray
    start_low: IntArray
    start_high: IntArray
    before: FloatArray
    after: FloatArray


class Stance(StrEnum):
    """What a statement says about its option."""

    WANTS = "wants"
    DOES_NOT_WANT = "does_not_want"
    CHANGED_MIND = "changed_mind"
    ONLY_ONCE = "only_once"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Statement:
    """Something a user said, with the metadata that came along."""

    text: str
    metadata: dict[str, Any] = field(default_factory=dict)
    timestamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What a statement means; ``confidence`` is the calibrated probability that all of it is right."""

    context: str | None
    option: str | None
    stance: Stance
    confidence: float
    from_metadata: bool

    def weight(self, own: float = 1.0) -> float:
        """Return the weight of the event: its ``own``, 0 to 1, times the confidence that it was understood."""
        return own * self.confidence


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a summary and the events behind it."""

    text: str
    event_ids: tuple[str, ...]
    context: str | None = None
    option: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What an agent reads of its user; ``text`` is the sentences joined by single spaces."""

    purpose: str
    generated_at: datetime
    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        """The summary as one string."""
        return " ".join(sentence.text for sentence in self.sentences)


class Move(StrEnum):
    """What an agent may do with an opportunity."""

    SILENT = "silent"
    SUGGEST = "suggest"
    ACT = "act"


class Costs(NamedTuple):
    """What help is worth and what it costs, (streams,) or scalar arrays in one utility unit.

    ``benefit`` (b) of wanted help, ``harm`` (c) of an unwanted act, ``interruption`` (s) of a suggestion.
    """

    benefit: FloatArray
    harm: FloatArray
    interruption: FloatArray


class Acceptance(NamedTuple):
    """Belief that the next proactive move would be wanted; arrays over streams.

    ``mean`` is the probability itself, ``optimistic`` the value that decides whether to ask, ``evidence`` the effective
    number of answers behind it.
    """

    mean: FloatArray
    optimistic: FloatArray
    evidence: FloatArray


class UserState(StrEnum):
    """What the user is doing when the opportunity arises."""

    FREE = "free"
    MEETING = "meeting"
    FOCUS = "focus"


@dataclass(frozen=True, slots=True)
class Opportunity:
    """A chance to help unasked.

    ``benefit`` (b), ``harm`` (c: cost of an unwanted act) and ``interruption`` (s: cost of a suggestion) are in one
    utility unit; ``need`` is the probability, 0 to 1, that anything is needed at all. What cannot be undone
    (``reversible`` False) is never done unasked.
    """

    user_id: str
    context: str
    option: str
    at: datetime
    window: timedelta
    benefit: float = 1.0
    harm: float = 2.0
    interruption: float = 0.1
    need: float = 1.0
    state: UserState = UserState.FREE
    reversible: bool = True


class Permission(StrEnum):
    """How far an agent may go in a context."""

    NEVER = "never"
    ASK = "ask"
    MAY = "may"


@dataclass(frozen=True, slots=True)
class Boundaries:
    """What the user allows; hours and days are local to ``timezone`` (an IANA name).

    ``hours`` are half-open (first, stop) pairs of local hours, (22, 6) wraps past midnight; ``days`` are 0 = Monday to
    6 = Sunday; ``daily_budget`` counts suggestions and acts of a local day; ``scope`` names the only contexts in which
    the agent may be proactive at all (None = every context).
    """

    timezone: str = "UTC"
    permissions: dict[str, Permission] = field(default_factory=dict)
    default: Permission = Permission.ASK
    hours: tuple[tuple[int, int], ...] = ((0, 24),)
    days: frozenset[int] = frozenset(range(7))
    daily_budget: int | None = None
    cooldown: timedelta = timedelta(0)
    snoozed_until: datetime | None = None
    scope: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class ProactiveDecision:
    """What to do, why in words, the numbers behind it, and how to undo it."""

    move: Move
    reason: str
    numbers: dict[str, float]
    undo: str
