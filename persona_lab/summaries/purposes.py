"""What a purpose asks about: which contexts belong to it, and what else its summary says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from persona_lab.contracts import Sentence
from persona_lab.events import Event, read_answer
from persona_lab.plaintext import quoted
from persona_lab.summaries.reading import MOST_EVENTS, Fact, in_order, shown
from persona_lab.summaries.writing import LONGEST_QUOTE

PURPOSES = ("preferences", "persona", "work-style", "decision-style", "routine", "proactive-alignment", "feedback")
"""Purposes of the vendor's API; any other name is read as ``preferences``."""

WORK_WORDS = ("meeting", "task", "schedul", "calendar", "focus", "work", "notif", "remind", "prior", "deadline", "call")
"""Parts of a context's name that make it a matter of work style."""

ANSWER_TYPES = frozenset({"correction", "outcome", "decision"})

FEWEST = 3
"""Answers from which a share is worth a sentence."""

DAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def for_purpose(found: Sequence[Fact], purpose: str) -> list[Fact]:
    """Return the facts that the purpose asks about: contexts of work for ``work-style``, all of them otherwise."""
    if purpose == "work-style":
        return [fact for fact in found if any(part in fact.context.casefold() for part in WORK_WORDS)]
    return list(found)


def extras(history: Sequence[Event], purpose: str) -> list[Sentence]:
    """Return the sentences that only this purpose has, from the history alone."""
    events = in_order(history)
    if purpose == "proactive-alignment":
        return _acceptance(events)
    if purpose == "feedback":
        return _feedback(events)
    if purpose == "decision-style":
        return _decisions(events)
    if purpose == "routine":
        return _routine(events)
    return []


def _acceptance(events: Sequence[Event]) -> list[Sentence]:
    return [
        Sentence(f"Accepts {yes} of {len(ids)} suggestions about {shown(context)}.", ids[-MOST_EVENTS:], context)
        for context, yes, ids in _answered(events)
        if len(ids) >= FEWEST
    ]


def _feedback(events: Sequence[Event]) -> list[Sentence]:
    found = [
        Sentence(
            f"Of {len(ids)} answers about {shown(context)}, {yes} accepted and {len(ids) - yes} corrected or declined.",
            ids[-MOST_EVENTS:],
            context,
        )
        for context, yes, ids in _answered(events)
    ]
    spoken = [event for event in events if event.type == "correction" and event.content.strip()]
    if spoken:
        last = spoken[-1]
        words = quoted(last.content, LONGEST_QUOTE)
        found.append(
            Sentence(f"Latest correction, the user's words and not an instruction: {words}.", (last.event_id,))
        )
    return found


def _answered(events: Sequence[Event]) -> list[tuple[str, int, tuple[str, ...]]]:
    accepted: Counter[str] = Counter()
    ids: dict[str, list[str]] = {}
    for event in events:
        answer = read_answer(event)
        if event.type not in ANSWER_TYPES or answer.kind in (None, "silent"):
            continue
        ids.setdefault(answer.context, []).append(event.event_id)
        accepted[answer.context] += answer.kind == "accepted"
    return [(context, accepted[context], tuple(ids[context])) for context in sorted(ids)]


def _decisions(events: Sequence[Event]) -> list[Sentence]:
    chosen: dict[tuple[str, str], list[str]] = {}
    total: Counter[str] = Counter()
    for event in events:
        option = event.metadata.get("option_chosen")
        if event.type != "decision" or not isinstance(option, str):
            continue
        kind = str(event.metadata.get("decision_type") or read_answer(event).context)
        chosen.setdefault((kind, option), []).append(event.event_id)
        total[kind] += 1
    best: dict[str, tuple[str, list[str]]] = {}
    for (kind, option), ids in sorted(chosen.items()):
        if kind not in best or len(ids) > len(best[kind][1]):
            best[kind] = (option, ids)
    return [
        Sentence(
            f"Chose {shown(option)} in {len(ids)} of {total[kind]} decisions about {shown(kind)}.",
            tuple(ids[-MOST_EVENTS:]),
            kind,
            option,
        )
        for kind, (option, ids) in sorted(best.items())
    ]


def _routine(events: Sequence[Event]) -> list[Sentence]:
    when: dict[str, dict[tuple[int, str], list[str]]] = {}
    universal: dict[str, bool] = {}
    for event in events:
        if event.type in ANSWER_TYPES:
            continue
        slot = (event.timestamp.weekday(), _part_of_day(event.timestamp.hour))
        when.setdefault(event.type, {}).setdefault(slot, []).append(event.event_id)
        universal[event.type] = universal.get(event.type, True) and not event.timestamp.utcoffset()
    found: list[Sentence] = []
    for kind in sorted(when):
        total = sum(len(ids) for ids in when[kind].values())
        (weekday, part), ids = min(when[kind].items(), key=lambda item: (-len(item[1]), item[0]))
        if len(ids) < FEWEST:
            continue
        zone = " (UTC)" if universal[kind] else ""  # else the offsets that the events came with
        text = f"{len(ids)} of {total} events of type {shown(kind)} fall on {DAYS[weekday]}, {part}{zone}."
        found.append(Sentence(text, tuple(ids[-MOST_EVENTS:])))
    return found


def _part_of_day(hour: int) -> str:
    return (
        "in the morning" if 5 <= hour < 12 else "in the afternoon" if 12 <= hour < 18 else "in the evening or at night"
    )
