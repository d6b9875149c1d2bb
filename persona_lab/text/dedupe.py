"""Duplicates by meaning: said twice in a minute is one signal, said again next week is new evidence."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Stance, Statement
from persona_lab.errors import ConfigurationError
from persona_lab.plaintext import plain
from persona_lab.protocols import TextEncoder
from persona_lab.text.cues import FEATURE_NAMES, cue_values, hours, normalised, overlap, words
from persona_lab.text.interpreter import Meaning, TextInterpreter
from persona_lab.text.quantities import quantities

THRESHOLD = 0.85
"""Default: where about one in 2,000 opposites of the *training* families merges, each family read by an interpreter
fitted on the others (``reports/evidence/words_choices.json``)."""

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

    Two statements are one signal if they were said within ``window`` and the chance that they mean the same reaches
    ``threshold``. That chance is the interpreter's: the probability, summed over (context, option, stance), that both
    mean it, wanting and having changed one's mind to it counted as one. Cosine alone would merge "mornings" and
    "afternoons" (.87). Identical words are always one signal. When in doubt it keeps both, since a lost opposite
    costs more than a counted echo.

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

        Parameters
        ----------
        said
            One user's statements in order of time.
        known
            The user's contexts and options, as for the interpreter.
        """
        meanings = self.interpreter.meanings([_statement(one) for one in said], known)
        found: list[int | None] = []
        for i, one in enumerate(said):
            match = None
            for j in range(i - 1, -1, -1):
                if one.timestamp - said[j].timestamp > self.window:
                    break
                # An echo of an echo is an echo of the first.
                if found[j] is None and self._same(one, said[j], meanings[i], meanings[j]):
                    match = j
                    break
            found.append(match)
        return found

    def sameness(self, pairs: Sequence[tuple[str, str]], known: Mapping[str, Sequence[str]]) -> NDArray[np.float64]:
        """Return (pairs,) the chance that the two texts of each pair mean the same, the number the threshold cuts."""
        texts = [text for pair in pairs for text in pair]
        meanings = self.interpreter.meanings([Statement(text) for text in texts], known)
        return np.array(
            [
                0.0 if conflicting(one, other) else agreement(meanings[2 * i], meanings[2 * i + 1])
                for i, (one, other) in enumerate(pairs)
            ]
        )

    def _same(self, one: Said, other: Said, first: Meaning, second: Meaning) -> bool:
        if one.context is not None and other.context is not None and one.context != other.context:
            return False
        if _letters(one.text) == _letters(other.text):
            return True
        return not conflicting(one.text, other.text) and agreement(first, second) >= self.threshold


def agreement(one: Meaning, other: Meaning) -> float:
    """Return the chance that two readings mean the same pair and the same direction; 0 where either teaches nothing."""
    pairs = float(one.pairs @ other.pairs)
    return pairs * float(one.directions @ other.directions)


def conflicting(one: str, other: str) -> bool:
    """Return whether the words alone show that two texts do not say the same, whatever their vectors say."""
    return roles_swapped(one, other) or amounts_differ(one, other)


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


def direction_names() -> tuple[str, ...]:
    """Return what :class:`Meaning` tells apart: for, against, only once; saying nothing is no direction."""
    return (Stance.WANTS.value, Stance.DOES_NOT_WANT.value, Stance.ONLY_ONCE.value)


def _letters(text: str) -> list[str]:
    return words(normalised(plain(text))) or [plain(text)]


def _statement(one: Said) -> Statement:
    return Statement(one.text, {} if one.context is None else {"context": one.context}, one.timestamp)
