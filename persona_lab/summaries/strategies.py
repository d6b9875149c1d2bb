"""The six summary strategies: same beliefs and log, six ways to spend an agent's attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Belief, Sentence, Summary
from persona_lab.errors import ConfigurationError
from persona_lab.events import Event
from persona_lab.summaries.purposes import extras, for_purpose
from persona_lab.summaries.reading import MOST_EVENTS, Fact, day, facts, moment_of, shown
from persona_lab.summaries.writing import SURE, finished, leading, preference, words_of


@dataclass(frozen=True, slots=True)
class Template:
    """One sentence per context, in order of its name: the plainest, and the most complete.

    When to use it: few contexts, room enough. How it fails: states leanings beside certainties (worded as such),
    and with ``max_chars`` drops the end of the alphabet; then use :class:`Budgeted`.
    """

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return the summary."""
        sentences = [preference(fact) for fact in for_purpose(facts(beliefs, history), purpose)]
        return finished(purpose, moment_of(beliefs, history), extras(history, purpose), sentences, max_chars)


@dataclass(frozen=True, slots=True)
class TopK:
    """The ``k`` contexts with most evidence behind a clear favourite.

    When to use it: many contexts, and the agent needs the main ones. How it fails: a new preference has little
    evidence and is left out until it is old; then use :class:`Recency` or :class:`ChangeFirst`.

    Parameters
    ----------
    k
        How many contexts, at least 1.
    """

    k: int = 3

    def __post_init__(self) -> None:
        _require(self, "k", _is_count(self.k), "a whole number of at least 1")

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return the summary."""
        found = for_purpose(facts(beliefs, history), purpose)
        found.sort(key=lambda fact: (-round(fact.evidence * fact.margin, 9), fact.context))
        sentences = [preference(fact) for fact in found[: self.k]]
        return finished(purpose, moment_of(beliefs, history), extras(history, purpose), sentences, max_chars)


@dataclass(frozen=True, slots=True)
class Recency:
    """What was asked for lately, whatever the belief says, with the user's words.

    When to use it: never alone; as the control that most memory products resemble. How it fails: a one-off is in
    the next summary, because the last ``last`` answers are all it looks at.

    Parameters
    ----------
    last
        Answers per context that are looked at; the option named most often wins, the later one on a tie.
    """

    last: int = 3

    def __post_init__(self) -> None:
        _require(self, "last", _is_count(self.last), "a whole number of at least 1")

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return the summary."""
        found = [fact for fact in for_purpose(facts(beliefs, history), purpose) if fact.named]
        found.sort(key=lambda fact: fact.context)
        found.sort(key=lambda fact: fact.named[-1].timestamp, reverse=True)
        sentences = [self._sentence(fact) for fact in found]
        return finished(purpose, moment_of(beliefs, history), extras(history, purpose), sentences, max_chars)

    def _sentence(self, fact: Fact) -> Sentence:
        latest = fact.named[-self.last :]
        votes = Counter(named.option for named in latest)
        place = {named.option: number for number, named in enumerate(latest)}
        option = max(votes, key=lambda name: (votes[name], place[name]))
        cited = [named for named in latest if named.option == option]
        text = f"Lately {shown(option)} for {shown(fact.context)} ({day(cited[-1].timestamp)}).{words_of(cited[-1])}"
        return Sentence(text, tuple(named.event_id for named in cited), fact.context, option)


@dataclass(frozen=True, slots=True)
class Cautious:
    """Only what is sure, and in one sentence what is not.

    When to use it: the reader acts on what it reads. How it fails: says little early on; if an unsure guess is better
    than none, use :class:`Template`.

    Parameters
    ----------
    sure
        Probability from which a preference is stated, above 0 and at most 1.
    evidence
        Effective events that a stated preference needs behind it.
    """

    sure: float = SURE
    evidence: float = 3.0

    def __post_init__(self) -> None:
        _require(self, "sure", _is_number(self.sure) and 0.0 < self.sure <= 1.0, "a probability above 0")
        _require(self, "evidence", _is_number(self.evidence) and self.evidence >= 0.0, "0 or more events")

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return the summary."""
        found = for_purpose(facts(beliefs, history), purpose)
        stated = [fact for fact in found if fact.chance >= self.sure and fact.evidence >= self.evidence]
        open_ones = [fact for fact in found if fact not in stated]
        sentences = [
            Sentence(f"Prefers {shown(fact.top)} for {shown(fact.context)}.", fact.event_ids, fact.context, fact.top)
            for fact in stated
        ]
        if open_ones:
            names = ", ".join(shown(fact.context) for fact in open_ones)
            cited = tuple(dict.fromkeys(event for fact in open_ones for event in fact.event_ids[-3:]))
            sentences.append(Sentence(f"Not yet sure, so ask first: {names}.", cited))
        return finished(purpose, moment_of(beliefs, history), extras(history, purpose), sentences, max_chars)


@dataclass(frozen=True, slots=True)
class ChangeFirst:
    """Changes first, with since when and from what; then the rest.

    When to use it: a reader that knew the person before. How it fails: a belief that jumps announces changes that
    are none; pair it with a rule that does not over-correct.

    Parameters
    ----------
    fewest
        Events that must have named the old option before the change, and the new one after it.
    """

    fewest: int = 3

    def __post_init__(self) -> None:
        _require(self, "fewest", _is_count(self.fewest), "a whole number of at least 1")

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return the summary."""
        changed: list[tuple[str, Sentence]] = []
        steady: list[Sentence] = []
        for fact in for_purpose(facts(beliefs, history), purpose):
            found = self._change(fact)
            if found is None:
                steady.append(preference(fact))
                continue
            start, before = found
            first = fact.named[start]
            text = (
                f"Since {day(first.timestamp)} prefers {shown(fact.top)} for {shown(fact.context)}, "
                f"before that {shown(before)}."
            )
            old = [named.event_id for named in fact.named[:start] if named.option == before]
            new = [named.event_id for named in fact.named[start:] if named.option == fact.top]
            ids = (*old[-self.fewest :], *new)[:MOST_EVENTS]
            changed.append((first.timestamp.isoformat(), Sentence(text, ids, fact.context, fact.top)))
        changed.sort(key=lambda item: (item[0], item[1].context or ""), reverse=True)
        sentences = [*(sentence for _, sentence in changed), *steady]
        return finished(purpose, moment_of(beliefs, history), extras(history, purpose), sentences, max_chars)

    def _change(self, fact: Fact) -> tuple[int, str] | None:
        """Return where the belief's favourite took over, and from what; None where it always led.

        The split maximises (favourite after) - (favourite before): the least-squares change point of its indicator.
        """
        hits = [named.option == fact.top for named in fact.named]
        if sum(hits) < self.fewest:
            return None
        best, start, before, after = 0.0, 0, 0.0, sum(2.0 * hit - 1.0 for hit in hits)
        for place, hit in enumerate(hits):
            if hit and after - before > best:
                best, start = after - before, place
            step = 2.0 * hit - 1.0
            before, after = before + step, after - step
        earlier = Counter(named.option for named in fact.named[:start])
        if not earlier:
            return None
        old = max(sorted(earlier), key=lambda option: earlier[option])
        enough = earlier[old] >= self.fewest and 2 * earlier[old] > start and sum(hits[start:]) >= self.fewest
        return (start, old) if old != fact.top and enough else None


@dataclass(frozen=True, slots=True)
class Budgeted:
    """The best coverage that fits: an exact knapsack over short sentences, valued by how far they beat a guess.

    When to use it: ``max_chars`` is tight. How it fails: terse; certainty is not worded. Without a limit it
    says all contexts.
    """

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return the summary."""
        found = for_purpose(facts(beliefs, history), purpose)
        found.sort(key=lambda fact: (-round(_value(fact), 9), fact.context))
        sentences = [
            Sentence(f"{shown(fact.context)}: {shown(fact.top)}.", fact.event_ids, fact.context, fact.top)
            for fact in found
        ]
        asked = leading(extras(history, purpose), max_chars)
        if max_chars is not None:
            room = max_chars + 1 - sum(len(sentence.text) + 1 for sentence in asked)
            chosen = _knapsack([len(s.text) + 1 for s in sentences], [_value(fact) for fact in found], room)
            sentences = [sentence for number, sentence in enumerate(sentences) if number in chosen]
        return finished(purpose, moment_of(beliefs, history), asked, sentences, max_chars)


def _require(owner: object, field: str, good: bool, expected: str) -> None:
    if not good:
        raise ConfigurationError(type(owner).__name__, field, getattr(owner, field), expected)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _value(fact: Fact) -> float:
    """Return how much likelier the statement is than a guess; a little for covering the context at all."""
    return max(fact.chance - 1.0 / len(fact.options), 0.0) + 1e-3


def _knapsack(sizes: Sequence[int], values: Sequence[float], room: int) -> set[int]:
    """Return the exact best choice by dynamic programming over the characters left; ties keep the earlier choice."""
    if room >= sum(sizes):
        return set(range(len(sizes)))
    room = max(room, 0)
    best = np.zeros(room + 1)
    taken: list[NDArray[np.uint8]] = []  # one bit per place: ten thousand contexts must fit too
    for size, value in zip(sizes, values, strict=True):
        take = np.zeros(room + 1, dtype=np.bool_)
        if size <= room:
            with_it = best[: room + 1 - size] + value
            take[size:] = with_it > best[size:] + 1e-12
            best[size:] = np.where(take[size:], with_it, best[size:])
        taken.append(np.packbits(take))
    chosen: set[int] = set()
    for number in range(len(sizes) - 1, -1, -1):
        if np.unpackbits(taken[number], count=room + 1)[room]:
            chosen.add(number)
            room -= sizes[number]
    return chosen
