"""What every summary strategy reads: beliefs and history as facts per context, in a fixed order."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from persona_lab.contracts import Belief
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.events import Event, read_answer
from persona_lab.plaintext import plain, quoted

NO_LOG = datetime(1970, 1, 1, tzinfo=UTC)
"""``generated_at`` of a summary of nothing."""

LONGEST_NAME = 40
"""Characters of a context's or option's name that are shown; names come from the wire and may be anything."""

LONGEST_PLAIN = 2
"""Words up to which a name may stand unquoted: "phone call", but not "ignore previous instructions"."""

LONGEST_JOINED = 3
"""The same for words that marks join, such as "one-on-one"."""

_WORD = re.compile(r"[^\W_]+")

COMMANDS = frozenset(
    {
        "ignore",
        "disregard",
        "forget",
        "obey",
        "execute",
        "delete",
        "erase",
        "reveal",
        "leak",
        "override",
        "bypass",
        "pretend",
        "assume",
        "act",
        "follow",
    }
)
"""A name that holds one of these words is quoted however short: it would read as an order to the reader."""

SLACK = 1e-6
"""By which a probability may leave 0 to 1: rules count in single precision."""

MOST_EVENTS = 20
"""Events that a sentence cites: the latest that bear on it."""


class Named(NamedTuple):
    """One event that points at an option: accepted, corrected to, or chosen."""

    event_id: str
    timestamp: datetime
    option: str
    content: str


class Fact(NamedTuple):
    """What is known of one context.

    ``top`` is the most probable option and ``chance`` its probability, ``margin`` the distance to the runner-up;
    ``named`` the events that name an option, oldest first; ``event_ids`` what a sentence about it cites.
    """

    context: str
    options: tuple[str, ...]
    top: str
    chance: float
    margin: float
    evidence: float
    named: tuple[Named, ...]
    event_ids: tuple[str, ...]


def facts(beliefs: Sequence[Belief], history: Sequence[Event]) -> list[Fact]:
    """Return one fact per belief, in order of the context's name; of two beliefs about a context the last counts.

    A belief that no event is behind, neither its own nor one of the history, is a prior and no knowledge of the person:
    nothing is said of it, since every sentence must cite the events that it rests on.
    """
    by_context = {_checked(belief).context: belief for belief in beliefs}
    told: dict[str, list[Named]] = {context: [] for context in by_context}
    bearing: dict[str, list[str]] = {context: [] for context in by_context}
    for event in in_order(history):
        answer = read_answer(event)
        if answer.context not in told:
            continue
        bearing[answer.context].append(event.event_id)
        option = answer.proposed if answer.kind == "accepted" else answer.corrected
        if option is not None:
            told[answer.context].append(Named(event.event_id, event.timestamp, option, event.content))
    found: list[Fact] = []
    for context in sorted(by_context):
        belief = by_context[context]
        if not belief.options:
            continue
        ranked = sorted(zip(belief.probabilities, belief.options, strict=True), key=lambda pair: (-pair[0], pair[1]))
        chance, top = ranked[0]
        cited = belief.event_ids or tuple(bearing[context])
        if not cited:
            continue
        found.append(
            Fact(
                context,
                belief.options,
                top,
                chance,
                chance - (ranked[1][0] if len(ranked) > 1 else 0.0),
                belief.evidence,
                tuple(told[context]),
                cited[-MOST_EVENTS:],
            )
        )
    return found


def _checked(belief: Belief) -> Belief:
    numbers = (*belief.probabilities, belief.evidence)
    if len(belief.probabilities) != len(belief.options):
        problem = f"{len(belief.options)} options have {len(belief.probabilities)} probabilities"
    elif not all(-SLACK <= number <= 1.0 + SLACK for number in belief.probabilities) or not belief.evidence >= 0.0:
        problem = "probabilities are 0 to 1 and evidence is 0 or more"
    else:
        return belief
    cure = "Pass what the update rule believes, one probability per option."
    raise InputError(f"a belief does not fit together: {problem}", cure=cure, column=belief.context, value=numbers)


def in_order(history: Sequence[Event]) -> list[Event]:
    """Return the events by time; equal times keep their order of arrival, and of two of one id the first counts."""
    first: dict[str, Event] = {}
    for event in history:
        first.setdefault(event.event_id, event)
    return sorted(first.values(), key=lambda event: event.timestamp)


def moment_of(beliefs: Sequence[Belief], history: Sequence[Event]) -> datetime:
    """Return the latest moment that the input speaks of: a function of the log, not of the wall clock."""
    for belief in beliefs:
        if belief.as_of.tzinfo is None:
            # Read as local time, the same log would give other bytes on another machine.
            raise InputError(
                "a belief's as_of has no offset from UTC",
                cure="Give it one, such as datetime(2026, 10, 3, tzinfo=UTC).",
                column=belief.context,
                value=belief.as_of,
            )
    moments = [belief.as_of for belief in beliefs] + [event.timestamp for event in history]
    return max(moments, default=NO_LOG).astimezone(UTC)


def within_freshness(
    beliefs: Sequence[Belief], history: Sequence[Event], days: float | None, as_of: datetime | None = None
) -> tuple[list[Belief], list[Event]]:
    """Leave only events of the last ``days`` and beliefs that rest on at least one of them.

    Parameters
    ----------
    days
        ``freshness_days`` of the API; None keeps everything.
    as_of
        Counted back from here; default the latest moment of the log.
    """
    if days is None:
        return list(beliefs), list(history)
    if isinstance(days, bool) or not isinstance(days, int | float) or not days > 0:
        raise ConfigurationError("summary", "freshness_days", days, "more than 0 days")
    if as_of is not None and as_of.tzinfo is None:
        raise ConfigurationError("summary", "as_of", as_of, "a moment with its offset from UTC")
    until = as_of or moment_of(beliefs, history)
    window = timedelta(days=min(days, timedelta.max.days))
    fresh = [event for event in history if timedelta(0) <= until - event.timestamp <= window]
    ids = {event.event_id for event in fresh}
    contexts = {read_answer(event).context for event in fresh}
    kept = [b for b in beliefs if (ids & set(b.event_ids) if b.event_ids else b.context in contexts)]
    return kept, fresh


def shown(name: str) -> str:
    """Return a context's or option's name in words; a name that is more than a few plain words is quoted."""
    words = plain(name.replace("_", " "), LONGEST_NAME + 1)
    simple = all(character.isalnum() or character in " -+:.,'/&%" for character in words)
    # ". " or ": " would end the sentence around the name and begin another, in the user's words.
    simple = simple and not any(mark in f"{words} " for mark in (". ", ": "))
    # Marks join words as spaces do ("ignore-previous-instructions"), and wide letters spell the same words.
    said = _WORD.findall(unicodedata.normalize("NFKC", words).casefold())
    calm = len(words.split()) <= LONGEST_PLAIN and len(said) <= LONGEST_JOINED and not COMMANDS.intersection(said)
    if words and simple and calm and len(words) <= LONGEST_NAME:
        return words
    return quoted(name, LONGEST_NAME)


def day(moment: datetime) -> str:
    """Return the day in UTC, the same in every locale: ``2026-10-03``."""
    return moment.astimezone(UTC).date().isoformat()
