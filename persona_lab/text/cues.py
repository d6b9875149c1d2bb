"""What cosine does not see: negation, contrast, time of day, duration, questions; and where a sentence turns.

A statement is cut into segments at its turns ("not", "instead of", "but", "from ... to"); each segment remembers the marker
before it, so that a classifier can learn that what follows "instead of" is rarely what is wanted.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MARKERS: tuple[tuple[str, str], ...] = (
    ("instead", r"\b(?:instead of|rather than|as opposed to|in place of|than|over)\b"),
    (
        "past",
        r"\b(?:used to|no longer|not anymore|said|told|were great|had been|months with|years of|normally|usually|stopped lik\w+|outgrown|grown out of|done with|gave up|given up)\b",
    ),
    ("forget", r"\b(?:forget|scrap|ignore|disregard|the old|as the usual|from)\b"),
    ("negation", r"\b(?:not|no|never|don'?t|doesn'?t|didn'?t|won'?t|can'?t|wouldn'?t|stop|avoid|without|hate)\b"),
    ("but", r"\b(?:but|however|yet|and now|so|now|today|to(?= \w+ing| [a-z]+ (?:meet|remind)|(?=$)))\b"),
    ("stop", r"[.,;:!?\u2014\u2013\u2026]"),
)
"""Turns of a sentence, by class; the order breaks ties."""

MARKER_CLASSES: tuple[str, ...] = ("start", *(name for name, _ in MARKERS))

_MARKER = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in MARKERS), re.IGNORECASE)

_NOT = r"(?:not|never|no|don't|do not|doesn't|does not|didn't|won't|can't|cannot|wouldn't|isn't|aren't|nobody|without)"

CUES: tuple[tuple[str, str], ...] = (
    ("negator", rf"\b{_NOT}\b"),
    ("no_first", r"^\W*no\b(?!\s+(?:more|thanks|way|good|use|problem|worries|need|complaints|to\b|opinion))"),
    ("no_comma", r"^\W*(?:no|wrong|nope|correction)\s*[,:;.]\s*\w"),
    ("not_first", r"^\W*(?:please,?\s+)?not\b"),
    ("no_thing", r"\bno (?:more|good|use|way|thanks|need)\b|:\s*no\W*$|\ba no\b"),
    ("imperative_not", r"(?:^|[,.;:!]\s*|\bplease,?\s+)(?:please\s+)?(?:don't|do not|never|stop|quit)\b"),
    (
        "remove",
        r"\b(?:enough of|stop|quit|avoid|skip|drop|cut out|disable|turn(?:ed)? off|remove|exclude|get rid|ban|end to)\b",
    ),
    (
        "remove_away",
        r"\b(?:refrain|leave (?:out|off)|off (?:the|my)|spare me|save me|steer clear|(?:keep|stay) \w* ?away|reject)\b",
    ),
    (
        "dislike",
        r"\b(?:hate|dislike|annoy\w*|bother\w*|stand|bear|sick of|waste|distract\w*|loathe|detest|lose|put up with)\b",
    ),
    (
        "bad",
        r"\b(?:useless|awful|terrible|worst|worse|bad|wrong|mistake|unhappy|forbidden|old|too many|too much|doubts?)\b",
    ),
    ("less", r"\b(?:less|fewer|could do with less|out)\b"),
    ("interjection", r"\b(?:meh|nah|nope|ugh|yuck|bah|eww?|blah)\b"),
    ("against", r"\b(?:anything but|everything but|except|whatever you|last thing)\b"),
    ("like", r"\b(?:like|love|prefer|preference|enjoy|fan of|happy|glad|perfect|ideal|favou?rite|value|keen)\b"),
    (
        "good",
        r"\b(?:good|great|nice|best|better|right|well done|spot on|suits?|helps?|helpful|works?|productive|exactly|fine)\b",
    ),
    (
        "negated_like",
        rf"\b{_NOT}\b(?:\s+\w+){{0,3}}\s+(?:like|love|want|need|fan|sure|thing|use|happy|help|suit|work|ideal|right)\b",
    ),
    ("negated_bad", r"\b(?:no|not|never|without)\b(?:\s+\w+){0,1}\s+(?:bad|problem|worries|complaints|mistake)\b"),
    (
        "praise",
        r"\b(?:nothing|can't|hard to|never|no one)\b(?:\s+\w+){0,3}\s+(?:beats?|go wrong|better|tired of|enough|do without)\b",
    ),
    ("without", r"\b(?:do (?:it )?without|miss out on|live without)\b"),
    ("dont_forget", r"\b(?:don't|never|do not) (?:forget|hesitate|fail)\b"),
    ("worse", r"\bnothing (?:is )?worse\b|\bthe worst\b"),
    (
        "wish",
        r"\b(?:want|wanted|hope|hoping|would like|i'd like|rather|choose|pick|ask(?:ed)? for|expecting|looking for|after:)\b",
    ),
    (
        "complaint_then_wish",
        r"\b(?:wrong|not right|not that|no)\b.*\b(?:i (?:asked|wanted|said|meant)|should have been)\b",
    ),
    ("no_then_yes", r"\bno\b.*\byes\b|\b(?:don't|no)\b[^?]*,\s*(?:i want|i'd like|give|go|use|do|make)\b"),
    ("go_for", r"\b(?:go(?:ing)? (?:for|with)|stick with|stay with|keep|set|make)\b"),
    ("need", r"\b(?:i|we) (?:really )?need\b"),
    ("request", r"\b(?:please|pls|could you|can you|would you|will you|kindly|make sure|remember|go ahead)\b"),
    (
        "could_not",
        r"\b(?:could|can|would) you (?:please )?(?:not|stop|quit)\b|\bmust you\b|\bdo you have to\b|\bwhy did\b",
    ),
    ("could_you", r"^\W*(?:could|can|would|will) you\b(?! (?:please )?(?:not|stop|quit))"),
    ("wish_not", r"\bwish you (?:wouldn't|didn't)\b|\brather (?:not|you didn't)\b"),
    ("nobody_asked", r"\b(?:never|didn't|nobody|who|not) (?:\w+ )?ask(?:ed)?\b|\bnever said\b|\bdidn't want\b"),
    ("emotion_when", r"\b(?:it|me) when you\b|\bit (?:doesn't|does not)\b"),
    ("yes", r"^\W*(?:yes|sure|exactly|agreed|i agree|perfect|right)\b|\?\s*yes\b"),
    (
        "always",
        r"\b(?:always|by default|default|standard|every time|each time|as a rule|usually|in general|generally)\b",
    ),
    ("from_now_on", r"\b(?:from now on|from here on|going forward|from today|as of today|henceforth|for good)\b"),
    (
        "change_verb",
        r"\b(?:chang(?:e|ed|es)|switch\w*|mov(?:e|ed|ing)|updat\w*|replace\w*|convert\w*|differently|different)\b",
    ),
    (
        "mind",
        r"\b(?:chang\w+ (?:my|our) mind|reconsider\w*|second thought|thinking it over|take (?:it )?back|take back what)\b",
    ),
    ("new", r"\bnew (?:job|habit|rule|rules|life|plan|home)\b|\bstarted (?:to|liking|prefer\w*)\b|\bdecided\b"),
    (
        "grown",
        r"\b(?:grown?|outgrown|grew|come (?:round|around|to)|warmed|become|became|turned out|turns out|gave up|given up|done with)\b",
    ),
    (
        "used_to",
        r"\b(?:used to|no longer|any ?more|in the past|previously|until now|so far|back then|once liked|stopped lik\w+)\b",
    ),
    ("past_verb", r"\b(?:was|were|wanted|liked|said|told|had)\b"),
    ("now", r"\bnow\b(?! on)"),
    ("for_now", r"\bfor (?:now|today|tonight|tomorrow|a few days|this)\b"),
    ("these_days", r"\b(?:these days|nowadays|lately|recently|by now)\b"),
    ("since", r"\bsince\b"),
    ("since_event", r"\bsince (?:the|my|our|last|summer|winter|spring|i (?:moved|started|became|changed))\b"),
    ("after_all", r"\bafter all\b"),
    ("forget_old", r"(?<!don't )(?<!never )\b(?:forget|scrap|ignore|disregard|never ?mind) (?!to\b)"),
    ("once", r"\b(?:just|only|this) once\b|\bonce[.;!]?\s*$|\bonce;|\bone[- ](?:off|time)\b|\b(?:single|one) time\b"),
    ("this_once", r"\b(?:only|just|for) this\b|\bthis (?:once|one|time)\b|\bthis occasion\b"),
    ("exception", r"\b(?:exception(?:ally|al)?|temporar\w+|special case|permanent\w*|provisional\w*)\b"),
    ("today", r"\b(?:today|tonight|tomorrow)\b(?<!from today)(?<!of today)"),
    (
        "this_week",
        r"\bthis (?:week|month|morning|afternoon|evening)\b|\bnext one\b|\buntil (?:\w+day|the)\b|\bfor a few\b",
    ),
    (
        "only_time",
        r"\b(?:just|only)\b(?:\s+\w+){0,2}\s+(?:today|tomorrow|once|one|while|time|week|tonight|month|because)\b|\b(?:today|tomorrow|week|month) only\b",
    ),
    (
        "then_back",
        r"\b(?:back|next week|afterwards|after that|as (?:always|usual|before|they are)|the usual|then the usual)\b",
    ),
    ("normally", r"\b(?:normally|usually)\b.*\b(?:but|today|this)\b"),
    ("leave_settings", r"\b(?:leave|don't change|keep) (?:my|the|anything|everything)\b"),
    (
        "circumstance",
        r"\b(?:while|i'm|i am|i have a) (?:\w+ )?(?:travel\w*|on the road|ill|sick|away|visiting|on (?:holiday|vacation)|cold|headache|is away)\b",
    ),
    ("guests", r"\b(?:guests?|visiting|visitors?|in town|closed|slept badly|headache|holiday|vacation)\b"),
    ("not_habit", r"\b(?:not|don't|isn't)\b.*\b(?:habit|rule|permanent|for good)\b"),
    ("question", r"\?\s*$"),
    ("wh_question", r"^\W*(?:who|what|when|where|how|which)\b.*\?"),
    ("yes_no_question", r"^\W*(?:did|is|are|does|do|was|were|has|have|will it|any)\b.*\?"),
    ("option_question", r"^\W*[\w ,-]+\?\s+\w"),
    ("what_suits", r"^\W*what\b.*[^?]$"),
    ("why_not", r"\bwhy (?:not|don't)\b"),
    (
        "others",
        r"\b(?:my|our|his|her|the other) (?:\w+ )?(?:sister|brother|boss|wife|husband|colleagues?|friend|mother|father|team)\b",
    ),
    ("others_verb", r"\b(?:loves|prefers|uses|likes|picks|wants|is keen|are|have) \S+"),
    ("people", r"\b(?:people|someone|anyone|somebody|many people)\b"),
    (
        "news",
        r"\b(?:reading|heard|article|by the way|in the news|radio|mentioned|history of|even an option|mean by|talk about|option)\b",
    ),
    (
        "indifferent",
        r"\b(?:whatever works|either way|don't (?:mind|care)|really don't care|up to you|your call|you choose|same to me|no opinion)\b",
    ),
    ("no_feelings", r"\bno (?:strong )?(?:preference|feelings|opinion)\b"),
    (
        "small_talk",
        r"^\W*(?:ok(?:ay)?|thanks?|thank you|got it|understood|hm+|lol|ha(?:ha)+|bye|hi|hello|great|cool|nice|sure|fine)\b\W*(?:\w+\W*){0,2}$",
    ),
    ("one_word", r"^\W*\w*\W*$"),
    (
        "sarcasm_open",
        r"^\W*(?:oh|wow|right|fantastic|wonderful|brilliant|lovely|bravo|congrat\w*|lucky me|as if|thanks for)\b",
    ),
    ("again", r"\b(?:again|once (?:more|again))\b"),
    (
        "sarcasm_close",
        r"\b(?:obviously|just what i|how thoughtful|brilliant idea|made my day|lucky me|could go wrong|really|truly)\b",
    ),
    ("not_end", r"\bnot\W*$"),
    ("everybody", r"\b(?:everybody|everyone|who (?:doesn't|wouldn't|asked)|anybody|because)\b"),
    ("just_love", r"\bjust love\b|\bcan't wait\b|\bhardly wait\b|\byet again\b|\balready\b"),
    (
        "hedge",
        r"\b(?:maybe|perhaps|guess|suppose|i think|lean\w*|if possible|hm+|probably|kind of|sort of|meh|not quite|well)\b",
    ),
    ("not_x_but_y", rf"\b(?:not|no|never|don't)\b[^.;!?]*(?:\bbut\b|,\s*(?!please|thanks)\w+)"),
    ("x_not_y", r"\w,\s*not\b"),
    ("comparison", r"\b(?:instead of|rather than|than|over|as opposed to|in place of|where i)\b"),
    ("instead", r"\binstead\b"),
    ("but", r"\bbut\b"),
    ("exclaim", r"!"),
    ("colon", r"\w:\s"),
)
"""Name and pattern of every cue; a cue is 1 where its pattern occurs, else 0."""

LEANS: dict[str, tuple[str, ...]] = {
    "for": (
        "no_comma",
        "negated_bad",
        "praise",
        "without",
        "dont_forget",
        "like",
        "good",
        "wish",
        "go_for",
        "need",
        "request",
        "could_you",
        "yes",
        "always",
        "from_now_on",
        "what_suits",
        "why_not",
        "not_x_but_y",
        "comparison",
    ),
    "for_despite_negation": (
        "no_comma",
        "negated_bad",
        "praise",
        "without",
        "dont_forget",
        "why_not",
        "not_x_but_y",
        "no_first",
    ),
    "against": (
        "negator",
        "not_first",
        "no_thing",
        "imperative_not",
        "remove",
        "remove_away",
        "dislike",
        "bad",
        "less",
        "against",
        "negated_like",
        "worse",
        "could_not",
        "wish_not",
        "nobody_asked",
        "emotion_when",
    ),
    "against_firmly": (
        "no_thing",
        "remove",
        "remove_away",
        "dislike",
        "against",
        "negated_like",
        "worse",
        "could_not",
        "wish_not",
        "nobody_asked",
    ),
    "sarcastic": ("sarcasm_open", "again", "sarcasm_close", "not_end", "everybody", "just_love"),
    "changed": (
        "change_verb",
        "mind",
        "new",
        "grown",
        "used_to",
        "past_verb",
        "now",
        "these_days",
        "since_event",
        "after_all",
        "forget_old",
    ),
    "changed_firmly": ("mind", "new", "grown", "used_to", "these_days", "since_event", "after_all", "forget_old"),
    "once": (
        "for_now",
        "once",
        "this_once",
        "exception",
        "today",
        "this_week",
        "only_time",
        "then_back",
        "normally",
        "leave_settings",
        "circumstance",
        "guests",
        "not_habit",
    ),
    "nothing": (
        "wh_question",
        "yes_no_question",
        "others",
        "people",
        "news",
        "indifferent",
        "no_feelings",
        "small_talk",
        "one_word",
    ),
}
"""Which cues lean which way: their counts let a rare cue borrow strength from its group."""

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
    for number, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), start=1)
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
    """Return the statement's cues, their counts by lean, which leans meet, and its length, as ``FEATURE_NAMES`` says."""
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
    for match in _MARKER.finditer(flat):
        piece = flat[start : match.start()].strip()
        if words(piece) and len(found) < most - 1:
            found.append(Segment(marker, piece))
            marker = str(match.lastgroup)
        elif match.lastgroup != "stop" or marker == "start":
            marker = str(match.lastgroup)
        start = match.end()
    piece = flat[start:].strip()
    if words(piece) or not found:
        found.append(Segment(marker, piece or flat))
    return found


def hours(text: str) -> tuple[float, float] | None:
    """Return the (from, to) hours of the day that ``text`` speaks of, None where it speaks of none.

    >>> hours("no calls before lunch please")
    (6.0, 12.0)
    >>> hours("after 1 PM"), hours("at 9 AM")
    ((13.0, 23.0), (9.0, 10.0))
    """
    flat = normalised(text).casefold().replace("_", " ")
    for name, first, last in _DAY_PARTS:
        if re.search(rf"\b{name}s?\b", flat):
            return (float(first), float(last))
    bounded = _BOUNDED.search(flat)
    if bounded:
        hour = _hour(bounded.group(2), bounded.group(3))
        if hour is not None:
            return (6.0, hour) if bounded.group(1) in {"before", "until", "by"} else (hour, 23.0)
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
