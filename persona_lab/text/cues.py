"""What cosine does not see: negation, contrast, time of day, duration, questions; and where a sentence turns.

A statement is cut into segments at its turns ("not", "instead of", "but", "from ... to"); each segment remembers the
marker before it, so that a classifier can learn that what follows "instead of" is rarely what is wanted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from persona_lab.text.cue_patterns import CUES, LEANS

MARKERS: tuple[tuple[str, str], ...] = (
    ("instead", r"\b(?:instead of|rather than|as opposed to|in place of|than|over)\b"),
    (
        "past",
        r"\b(?:used to|no longer|not anymore|said|told|were great|had been|months with|years of"
        r"|normally|usually|previously|until now|so far|stopped lik\w+|outgrown|grown out of|done with"
        r"|gave up|given up)\b",
    ),
    ("forget", r"\b(?:forget|scrap|ignore|disregard|the old|as the usual|from)\b"),
    ("negation", r"\b(?:not|no|never|don'?t|doesn'?t|didn'?t|won'?t|can'?t|wouldn'?t|stop|avoid|without|hate)\b"),
    ("swap", r"\b(?:replac\w+|swap\w*|exchang\w+|trad(?:e|ing))\b"),
    ("but", r"\b(?:but|however|yet|where|and now|so|now|today|to(?= \w+ing| [a-z]+ (?:meet|remind)|(?=$)))\b"),
    ("stop", r"[.,;:!?\u2014\u2013\u2026]"),
)
"""Turns of a sentence, by class; the order breaks ties."""

MARKER_CLASSES: tuple[str, ...] = ("start", *(name for name, _ in MARKERS))

_SWAPPED_FOR = re.compile(r"\b(?:with|by|for|against)\b", re.IGNORECASE)
"""After a swap these words bring in what is wanted: "replace email by chat"; elsewhere they turn nothing."""

_MARKER = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in MARKERS), re.IGNORECASE)

CUE_NAMES: tuple[str, ...] = tuple(name for name, _ in CUES)

FEATURE_NAMES: tuple[str, ...] = (
    *CUE_NAMES,
    *(f"{lean}:{kind}" for lean in LEANS for kind in ("any", "count")),
    *(f"{one}&{other}" for i, one in enumerate(LEANS) for other in tuple(LEANS)[i + 1 :]),
    "length",
)
"""Names of the values that :func:`cue_values` returns."""

_GROUPS = tuple(tuple(CUE_NAMES.index(name) for name in names) for names in LEANS.values())

_DOUBLE_NEGATIONS = tuple(
    CUE_NAMES.index(name) for name in ("praise", "without", "dont_forget", "negated_bad", "complaint_then_wish")
)

_NEGATIVE = frozenset(CUE_NAMES.index(name) for name in LEANS["against"])

_CUES = tuple(re.compile(pattern, re.IGNORECASE) for _, pattern in CUES)

_WORD = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")

_NUMBERS = {
    word: number
    for number, word in enumerate(
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"], start=1
    )
}

_CLOCK = re.compile(r"\b(\d{1,2})(?::\d\d)?\s*(a\.?m\.?|p\.?m\.?|o'?clock|h\b)?", re.IGNORECASE)

_DAY_PARTS: tuple[tuple[str, float, float], ...] = (
    ("before lunch", 6, 12), ("after lunch", 13, 18), ("before noon", 6, 12), ("after noon", 12, 18),
    ("after dinner", 19, 23), ("before dinner", 15, 19), ("after work", 17, 22), ("before work", 5, 9),
    ("first thing", 6, 10), ("end of the day", 16, 19), ("midday", 11, 14), ("lunchtime", 11, 14), ("midnight", 23, 24),
    ("morning", 6, 12), ("afternoon", 12, 18), ("evening", 18, 23), ("night", 20, 24),
)  # fmt: skip

_BOUNDED = re.compile(
    r"\b(before|until|by|after|from|past)\s+(noon|\d{1,2}|[a-z]+)\s*(a\.?m\.?|p\.?m\.?)?", re.IGNORECASE
)


AFTER = 6.0
"""Hours that "after one" reaches: it means the afternoon, though the evening is after one too."""


class Segment(NamedTuple):
    """A stretch of a statement between turns, and the class of the marker before it."""

    marker: str
    text: str


def normalised(text: str) -> str:
    """Return ``text`` with straight apostrophes, for the patterns above."""
    return text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")


def words(text: str) -> list[str]:
    """Return the lower-case words of ``text``."""
    return _WORD.findall(normalised(text).casefold())


def cue_values(text: str) -> list[float]:
    """Return cues, their counts by lean, which leans meet, and the length, in the order of ``FEATURE_NAMES``."""
    flat = normalised(text)
    cues = [1.0 if pattern.search(flat) else 0.0 for pattern in _CUES]
    if any(cues[i] for i in _DOUBLE_NEGATIONS):
        # "You can't go wrong with": the negation praises, so it must not count against.
        cues = [0.0 if i in _NEGATIVE else cue for i, cue in enumerate(cues)]
    counts = [sum(cues[i] for i in group) for group in _GROUPS]
    leans = [value for count in counts for value in (min(count, 1.0), min(count, 4.0) / 2.0)]
    pairs = [min(a, b, 1.0) for i, a in enumerate(counts) for b in counts[i + 1 :]]
    return [*cues, *leans, *pairs, min(len(words(flat)), 20) / 10.0]


def segments(text: str, most: int = 8) -> list[Segment]:
    """Cut ``text`` at its turns; at least one segment, at most ``most`` (the rest stays with the last)."""
    flat = normalised(text)
    found: list[Segment] = []
    marker, start = "start", 0
    for match in _turns(flat):
        piece = flat[start : match.start()].strip()
        if words(piece) and len(found) < most - 1:
            found.append(Segment(marker, piece))
            marker = match.lastgroup or "but"
        elif match.lastgroup != "stop" or marker == "start":
            marker = match.lastgroup or "but"
        start = match.end()
    piece = flat[start:].strip()
    if words(piece) or not found:
        found.append(Segment(marker, piece or flat))
    return found


def _turns(flat: str) -> list[re.Match[str]]:
    """Return the turns in order; a swap brings one more, the next "with" or "by"."""
    found = list(_MARKER.finditer(flat))
    swaps = [match.end() for match in found if match.lastgroup == "swap"]
    brought = [match for end in swaps if (match := _SWAPPED_FOR.search(flat, end))]
    return sorted([*found, *brought], key=lambda match: match.start())


def hours(text: str) -> tuple[float, float] | None:
    """Return the (from, to) hours of the day that ``text`` speaks of, None where it speaks of none.

    >>> hours("no calls before lunch please")
    (6.0, 12.0)
    >>> hours("after 1 PM"), hours("at 9 AM")
    ((13.0, 19.0), (9.0, 10.0))
    """
    flat = normalised(text).casefold().replace("_", " ")
    for name, first, last in _DAY_PARTS:
        if re.search(rf"\b{name}s?\b", flat):
            return (float(first), float(last))
    bounded = _BOUNDED.search(flat)
    if bounded:
        hour = _hour(bounded.group(2), bounded.group(3))
        if hour is not None:
            return (6.0, hour) if bounded.group(1) in {"before", "until", "by"} else (hour, min(hour + AFTER, 24.0))
    for match in _CLOCK.finditer(flat):
        if match.group(2):
            hour = _hour(match.group(1), match.group(2))
            if hour is not None:
                return (hour, hour + 1.0)
    return None


def overlap(one: tuple[float, float] | None, other: tuple[float, float] | None) -> float:
    """Return how well two spans of hours agree: 1 inside, -1 disjoint, 0 where either is unknown."""
    if one is None or other is None:
        return 0.0
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return 2.0 * max(shared, 0.0) / min(one[1] - one[0], other[1] - other[0]) - 1.0


def _hour(word: str, half: str | None) -> float | None:
    if word == "noon":
        return 12.0
    number = _NUMBERS.get(word, int(word) if word.isdigit() else 0)
    if not 1 <= number <= 24:
        return None
    if half and half.startswith("p") and number < 12:
        return number + 12.0
    if not half and 1 <= number <= 6:
        return number + 12.0  # office hours: "after one" is 13:00
    return float(number)
