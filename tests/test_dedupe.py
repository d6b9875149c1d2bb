"""Dedupe: what is never one signal, whatever the vectors say, and what odd input does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache

import pytest

from persona_lab.errors import InputError
from persona_lab.simulate.phrases import CONTEXTS
from persona_lab.text import Dedupe, TextInterpreter
from persona_lab.text.dedupe import Said, conflicting

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


@cache
def dedupe() -> Dedupe:
    return Dedupe(TextInterpreter())


def marks(*texts, apart=timedelta(seconds=20)):
    return dedupe().duplicates([Said(text, NOON + i * apart) for i, text in enumerate(texts)], CONTEXTS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("\N{THUMBS UP SIGN} mornings", "\N{THUMBS DOWN SIGN} mornings"),
        ("mornings \N{WHITE HEAVY CHECK MARK}", "mornings \N{CROSS MARK}"),
        ("Встречи утром в 9", "Встречи вечером в 9"),
        ("No, mornings.", "No mornings."),
        ("C++ answers", "C answers"),
        ("Keep it at -5 degrees", "Keep it at 5 degrees"),
        ("Room 12 please", "Room 14 please"),
    ],
)
def test_what_the_reader_does_not_read_keeps_texts_apart(one, other):
    assert conflicting(one, other)
    assert marks(one, other) == [None, None]
    assert dedupe().sameness([(one, other)], CONTEXTS)[0] == 0.0
    assert marks(one, one) == [None, 0]


def test_the_last_word_counts():
    said = "Please schedule meetings in the morning."
    assert marks(said, "Please don't schedule meetings in the morning.", said) == [None, None, None]
    assert marks(said, "Please schedule meetings in the afternoon.", said) == [None, None, None]
    # What lies in between is about something else, or about nothing.
    assert marks(said, "Remind me by email, please.", said) == [None, None, 0]
    assert marks(said, "ok thanks", said) == [None, None, 0]
    assert marks(said, said, said) == [None, 0, 0]


def test_times_must_be_in_order_and_have_a_zone():
    with pytest.raises(InputError, match="no time zone"):
        dedupe().duplicates([Said("a", NOON.replace(tzinfo=None))], CONTEXTS)
    with pytest.raises(InputError, match="out of order"):
        dedupe().duplicates([Said("a", NOON), Said("b", NOON - timedelta(seconds=1))], CONTEXTS)
    assert dedupe().duplicates([], CONTEXTS) == []


def test_thousands_of_statements_at_one_instant_are_marked_within_their_context():
    said = [Said(f"{'please ' * (i % 7)}remind me by email", NOON, f"context {i % 50}") for i in range(3000)]
    found = dedupe().duplicates(said, CONTEXTS)
    assert 50 <= found.count(None) <= 350
    assert all(
        j is None or (said[j].context == one.context and found[j] is None) for one, j in zip(said, found, strict=True)
    )
