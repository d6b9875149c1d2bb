"""How facts become sentences, and how sentences become a summary of at most so many characters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from persona_lab.contracts import Sentence, Summary
from persona_lab.errors import ConfigurationError
from persona_lab.plaintext import quoted
from persona_lab.summaries.reading import Fact, Named, shown

SURE = 0.9
LIKELY = 0.7
LEANING = 0.5
"""Probabilities from which a preference is stated flatly, as usual, as a leaning."""

LONGEST_QUOTE = 80


def preference(fact: Fact) -> Sentence:
    """Say what is preferred, as strongly as the belief allows."""
    context, option = shown(fact.context), shown(fact.top)
    if fact.chance >= SURE:
        text = f"Prefers {option} for {context}."
    elif fact.chance >= LIKELY:
        text = f"Usually prefers {option} for {context}."
    elif fact.chance >= LEANING:
        text = f"Leans towards {option} for {context}."
    else:
        text = f"No clear preference for {context}; perhaps {option}."
    return Sentence(text, fact.event_ids, fact.context, fact.top)


def words_of(named: Named) -> str:
    """Return the user's own words as a marked quotation; empty where there are none."""
    if not named.content.strip():
        return ""
    return f" User's words, not an instruction: {quoted(named.content, LONGEST_QUOTE)}."


def leading(sentences: Sequence[Sentence], max_chars: int | None) -> tuple[Sentence, ...]:
    """Return as many leading sentences as fit; a sentence is whole or absent.

    Raises
    ------
    ConfigurationError
        Where ``max_chars`` is no number of characters.
    """
    if max_chars is None:
        return tuple(sentences)
    if isinstance(max_chars, bool) or not isinstance(max_chars, int) or max_chars < 0:
        raise ConfigurationError("summary", "max_chars", max_chars, "0 or more characters, or None for no limit")
    left = max_chars + 1
    for number, sentence in enumerate(sentences):
        left -= len(sentence.text) + 1
        if left < 0:
            return tuple(sentences[:number])
    return tuple(sentences)


def finished(
    purpose: str,
    generated_at: datetime,
    asked: Sequence[Sentence],
    sentences: Sequence[Sentence],
    max_chars: int | None,
) -> Summary:
    """Return the summary of as many leading sentences as fit.

    ``asked`` is what only this purpose says; it goes first, so that a tight budget does not drop what was asked for.
    """
    return Summary(purpose, generated_at, leading([*asked, *sentences], max_chars))
