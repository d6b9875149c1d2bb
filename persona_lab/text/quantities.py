"""Amounts that words state and vectors blur: how long something takes, and how often it happens."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SMALL = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "ninety": 90}

NUMBER_WORDS: dict[str, int] = {word: number for number, word in enumerate(_SMALL, start=1)} | _TENS

_MINUTES = {"second": 1 / 60, "sec": 1 / 60, "minute": 1.0, "min": 1.0, "hour": 60.0, "hr": 60.0, "day": 1440.0}
_MINUTES |= {"week": 10_080.0, "month": 43_200.0, "year": 525_600.0}

_UNIT = r"(?P<unit>second|sec|minute|min|hour|hr|day|week|month|year)s?"

_PERIOD = re.compile(
    r"\b(?:every|each|per|once (?:an?|per|every)|by the)\s+(?:single\s+)?(?:(?P<count>\w+)\s+)?"
    + _UNIT + r"\b|\b(?P<adverb>hourly|daily|weekly|monthly|yearly)\b"
    r"|\bend of (?:(?:the|each|every) )?(?P<end>day|week|month)\b"
)  # fmt: skip

_LENGTH = re.compile(
    r"\b(?P<half>half)[ -]?(?:an?[ -])?(?P<halfunit>hour|day)\b|\b(?P<quarter>quarter) (?:of an )?hour\b"
    r"|\b(?:(?P<count>\d+(?:\.\d+)?|" + "|".join(NUMBER_WORDS) + r")[ -]?)?" + _UNIT + r"\b"
)  # fmt: skip

_ADVERBS = {"hourly": 60.0, "daily": 1440.0, "weekly": 10_080.0, "monthly": 43_200.0, "yearly": 525_600.0}

CALENDAR = 1440.0
"""Minutes of a day: "this week" and "two days" say when, not how long a thing takes."""


LEAST_SHARE = 0.1
"""Share of an option's statements that must state an amount for it to be typical of the option."""


class Quantities(NamedTuple):
    """What a text states, as natural logarithms of minutes; NaN where it states nothing."""

    length: float
    period: float


def quantities(text: str) -> Quantities:
    """Return how long and how often ``text`` says.

    >>> [round(math.exp(quantities(text).length)) for text in ("half an hour", "a 45-minute call", "a full hour")]
    [30, 45, 60]
    >>> round(math.exp(quantities("tell me once a day").period) / 60)
    24
    """
    flat = text.casefold().replace("_", " ").replace("-", " ")
    period = length = math.nan
    found = _PERIOD.search(flat)
    if found:
        if found["adverb"]:
            minutes = _ADVERBS[found["adverb"]]
        elif found["end"]:
            minutes = _MINUTES[found["end"]]
        else:
            minutes = _number(found["count"]) * _MINUTES[found["unit"]]
        period = math.log(minutes)
        flat = f"{flat[: found.start()]} {flat[found.end() :]}"
    for match in _LENGTH.finditer(flat):
        if match["half"]:
            minutes = _MINUTES[match["halfunit"]] / 2
        elif match["quarter"]:
            minutes = 15.0
        else:
            minutes = _number(match["count"]) * _MINUTES[match["unit"]]
        if 0 < minutes < CALENDAR:
            length = math.log(minutes)
            break
    return Quantities(length, period)


def typical(texts: Sequence[str]) -> Quantities:
    """Return the median of what ``texts`` state; NaN where less than ``LEAST_SHARE`` of them state any."""
    stated = np.array([quantities(text) for text in texts], dtype=np.float64).reshape(-1, 2)
    shares = np.isfinite(stated).mean(axis=0) if len(stated) else np.zeros(2)
    return Quantities(
        *(float(np.nanmedian(stated[:, kind])) if shares[kind] >= LEAST_SHARE else math.nan for kind in range(2))
    )


def closeness(said: Quantities, own: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (pairs,) how well amounts agree: 1 equal, 0 a factor of two apart, -1 a factor of four; 0 if unknown.

    ``own`` is (pairs, 2), logarithms of minutes or NaN.
    """
    gaps = np.abs(own - np.asarray(said)) / math.log(2.0)
    values = np.where(np.isnan(gaps), 0.0, np.clip(1.0 - gaps, -1.0, 1.0))
    total: NDArray[np.float64] = values[:, 0] + values[:, 1]
    return total


def _number(word: str | None) -> float:
    if word is None:
        return 1.0
    try:
        value = float(word)
    except ValueError:
        return float(NUMBER_WORDS.get(word, 1))
    return value if 0 < value < 10_000 else 1.0
