"""Duplicates by meaning: said twice in a minute is one signal, said again next week is new evidence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Statement
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.plaintext import plain
from persona_lab.protocols import TextEncoder
from persona_lab.text.cues import FEATURE_NAMES, cue_values, hours, normalised, overlap, words
from persona_lab.text.interpreter import Meaning, TextInterpreter
from persona_lab.text.quantities import quantities

THRESHOLD = 0.75
"""Default: where about one in 500 opposites of the *training* families merges, each family read by an interpreter
fitted on the others, its adapter on two thirds of them (``reports/evidence/words_choices.json``)."""

SAME_PAIR = 0.5
"""Two statements are about one (context, option) if that is more likely than not. Multiplied into the chance instead,
it costs recall on the same training families, whatever number of opposites may merge."""

SWAPPED_WORDS = 0.6
"""Share of words in common from which two contrasts ("not A but B") are taken for swapped roles."""

DIFFERENT = float(np.log(1.5))
"""Logarithm of the factor by which two amounts must differ to be two amounts."""


class Said(NamedTuple):
    """A statement of one user with when it was said and, where structured fields say so, what about."""

    text: str
    timestamp: datetime
    context: str | None = None


@dataclass(frozen=True, slots=True)
class Dedupe:
    """Mark statements that repeat an earlier one of the same user within a short while.

    Two statements are one signal if they were said within ``window``, are more likely than not about the same option of
    the same context, and the chance that they point the same way reaches ``threshold``: for, against, or only once,
    wanting and having changed one's mind to it counted as one. Cosine alone would merge "mornings" and
    "afternoons" (.87). Identical words are always one signal, unless something else was said of the matter in between.
    When in doubt it keeps both, since a lost opposite costs more than a counted echo.

    Parameters
    ----------
    interpreter
        Reads the meaning.
    threshold
        0 to 1; higher merges less.
    window
        Repeats further apart are new evidence.
    """

    interpreter: TextInterpreter = field(default_factory=TextInterpreter)
    threshold: float = THRESHOLD
    window: timedelta = timedelta(minutes=10)

    def __post_init__(self) -> None:
        if not 0.0 < self.threshold <= 1.0:
            raise ConfigurationError("Dedupe", "threshold", self.threshold, "above 0 and at most 1")
        if self.window < timedelta(0):
            raise ConfigurationError("Dedupe", "window", self.window, "0 or longer")

    def duplicates(self, said: Sequence[Said], known: Mapping[str, Sequence[str]]) -> list[int | None]:
        """Return, for each statement, the index of the earlier one that it repeats, None where it is new.

        A statement repeats no earlier one that was taken back or answered otherwise in between: of "mornings", "no
        mornings", "mornings", said in one minute, all three count.

        Parameters
        ----------
        said
            One user's statements in order of time.
        known
            The user's contexts and options, as for the interpreter.

        Raises
        ------
        InputError
            Where a timestamp has no time zone or comes before the one before it.
        """
        _check_times(said)
        if not said:
            return []
        meanings = self.interpreter.meanings([_statement(one) for one in said], known)
        chances = _Chances(
            np.stack([meaning.pairs for meaning in meanings]), np.stack([meaning.directions for meaning in meanings])
        )
        topics = np.stack([meaning.topics for meaning in meanings])
        contexts = np.array([one.context or "" for one in said])
        keys = np.array([_key(one.text) for one in said])
        found: list[int | None] = []
        new = np.zeros(len(said), dtype=bool)
        first = 0
        for i, one in enumerate(said):
            while one.timestamp - said[first].timestamp > self.window:
                first += 1
            match = None
            if first < i:
                there = (contexts[first:i] == contexts[i]) | (contexts[first:i] == "") | (contexts[i] == "")
                pairs, directions = chances.agreement(i, first)
                same = there & ((keys[first:i] == keys[i]) | ((pairs >= SAME_PAIR) & (directions >= self.threshold)))
                otherwise = there & ~same & (topics[first:i] @ topics[i] >= 0.5) & (np.minimum(pairs, directions) < 0.5)
                otherwise &= chances.directions[first:i].sum(axis=1) >= 0.5
                since = int(np.flatnonzero(otherwise)[-1]) + 1 if otherwise.any() else 0
                match = self._newest(i, said, first + since + np.flatnonzero((same & new[first:i])[since:]))
            found.append(match)
            new[i] = match is None  # an echo of an echo is an echo of the first
        return found

    def sameness(self, pairs: Sequence[tuple[str, str]], known: Mapping[str, Sequence[str]]) -> NDArray[np.float64]:
        """Return (pairs,) the chance that the texts of each pair mean the same; 1 where they are equal."""
        texts = [text for pair in pairs for text in pair]
        meanings = self.interpreter.meanings([Statement(text) for text in texts], known)
        return np.array(
            [
                1.0
                if _key(one) == _key(other)
                else (0.0 if conflicting(one, other) else agreement(meanings[2 * i], meanings[2 * i + 1]))
                for i, (one, other) in enumerate(pairs)
            ]
        )

    def _newest(self, place: int, said: Sequence[Said], candidates: NDArray[np.int64]) -> int | None:
        for j in candidates[::-1]:
            one, other = said[place].text, said[int(j)].text
            if _key(one) == _key(other) or not conflicting(one, other):
                return int(j)
        return None


class _Chances(NamedTuple):
    pairs: NDArray[np.float64]
    directions: NDArray[np.float64]

    def agreement(self, place: int, first: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the chances that a statement means the same pair, and direction, as each from ``first`` up to it."""
        return self.pairs[first:place] @ self.pairs[place], self.directions[first:place] @ self.directions[place]


def agreement(one: Meaning, other: Meaning) -> float:
    """Return the chance that two readings point the same way; 0 where they are hardly about one option.

    Low where either teaches nothing, since saying nothing is no direction.
    """
    return float(one.directions @ other.directions) if one.pairs @ other.pairs >= SAME_PAIR else 0.0


def conflicting(one: str, other: str) -> bool:
    """Return whether the words alone show that two texts do not say the same, whatever their vectors say."""
    return unread_differs(one, other) or roles_swapped(one, other) or amounts_differ(one, other)


def unread_differs(one: str, other: str) -> bool:
    """Return whether the texts differ in what the interpreter does not read.

    That is emoji and other symbols, words of other scripts, the figures where both have some, and whether a "no" is
    cut off ("No, mornings" against "No mornings").
    """
    first, second = _unread(plain(one)), _unread(plain(other))
    figures = bool(first.figures and second.figures) and first.figures != second.figures
    return figures or first.marks != second.marks or (first.no != second.no and words(one) == words(other))


class _Unread(NamedTuple):
    marks: frozenset[str]
    figures: frozenset[str]
    no: bool


@lru_cache(maxsize=4096)
def _unread(text: str) -> _Unread:
    foreign = re.findall(r"[^\W\d_a-zA-Z]+", text.casefold())
    signs = [mark for mark in text if mark in "#%@&*/=" or unicodedata.category(mark)[0] == "S"]
    return _Unread(frozenset([*foreign, *signs]), frozenset(_FIGURES.findall(text)), bool(_NO_CUT_OFF.search(text)))


_FIGURES = re.compile(r"(?<!\w)[-\N{MINUS SIGN}]?\d+(?:[.,:]\d+)*")
_NO_CUT_OFF = re.compile(r"\bno\s*[-,.:;!\N{EN DASH}\N{EM DASH}]", re.IGNORECASE)


def roles_swapped(one: str, other: str) -> bool:
    """Return whether two contrasts share their words but not the order: "not slides but PDF", "not PDF but slides"."""
    first, second = words(one), words(other)
    if first == second or not (_contrasts(one) or _contrasts(other)):
        return False
    return len({*first} & {*second}) >= SWAPPED_WORDS * len({*first} | {*second})


def amounts_differ(one: str, other: str) -> bool:
    """Return whether both texts state how long, how often or at what hour, and not the same."""
    first, second = hours(one), hours(other)
    apart = first is not None and second is not None and overlap(first, second) < 0.0
    gaps = np.abs(np.subtract(quantities(plain(one)), quantities(plain(other))))
    return apart or bool((gaps > DIFFERENT).any())  # NaN, not stated, is no difference


def _contrasts(text: str) -> bool:
    values = cue_values(text)
    return any(values[i] for i in _CONTRASTS) or _CHOICE.search(normalised(text)) is not None


_CHOICE = re.compile(r"\bwhere i\b|\bbetween\b.*\band\b|\bfrom\b.*\bto\b", re.IGNORECASE)

_CONTRASTS = tuple(
    FEATURE_NAMES.index(name) for name in ("comparison", "not_x_but_y", "x_not_y", "instead", "no_then_yes")
)


def same_words_similarity(encoder: TextEncoder, one: Sequence[str], other: Sequence[str]) -> NDArray[np.float64]:
    """Return row-wise cosine: what a dedupe by cosine alone would cut, shown beside :meth:`Dedupe.sameness`."""
    return np.asarray((encoder.encode(one) * encoder.encode(other)).sum(axis=1), dtype=np.float64)


def _key(text: str) -> str:
    """Return what identical statements share: everything but case, spacing and the closing full stop."""
    return plain(text).casefold().rstrip(".! \N{HORIZONTAL ELLIPSIS}")


def _check_times(said: Sequence[Said]) -> None:
    for number, one in enumerate(said):
        if one.timestamp.tzinfo is None:
            raise InputError("a timestamp has no time zone", cure="Add its offset.", row=number + 1)
        if number and one.timestamp < said[number - 1].timestamp:
            raise InputError("statements are out of order", cure="Sort them by time.", row=number + 1)


def _statement(one: Said) -> Statement:
    return Statement(one.text, {} if one.context is None else {"context": one.context}, one.timestamp)
