"""Fields before words: what a proposal, a refusal, a bare answer and odd metadata mean to the interpreter."""

from __future__ import annotations

from functools import cache

import pytest

from persona_lab.contracts import Stance, Statement
from persona_lab.errors import InputError
from persona_lab.text import TextInterpreter
from persona_lab.text.fields import fields_of

KNOWN = {
    "meeting_time": ("morning", "afternoon", "evening"),
    "reminder_channel": ("email", "chat", "sms", "phone_call"),
}
OFFER = {"context": "meeting_time", "proposed": "morning"}


@cache
def interpreter() -> TextInterpreter:
    return TextInterpreter()


def read(text, known=KNOWN, **metadata):
    return interpreter().interpret([Statement(text, metadata)], known)[0]


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("No, afternoons please.", "afternoon"),
        ("Afternoons would be better.", "afternoon"),
        ("I'd rather have evenings.", "evening"),
        pytest.param(
            "Not mornings, afternoons.",
            "afternoon",
            marks=pytest.mark.xfail(reason="contrast in few words", strict=True),
        ),
    ],
)
def test_words_that_name_another_option_correct_the_proposal(text, option):
    for status in ({}, {"status": "declined"}, {"status": "corrected"}):
        found = read(text, **OFFER, **status)
        assert (found.context, found.option) == ("meeting_time", option), status
        assert found.stance is Stance.WANTS, status
        assert found.confidence < 1.0


def test_a_refusal_that_names_nothing_else_refuses_the_proposal():
    for text in ("", "No.", "Please don't schedule meetings in the morning."):
        found = read(text, **OFFER, status="declined")
        assert (found.option, found.stance, found.confidence) == ("morning", Stance.DOES_NOT_WANT, 1.0), text


@pytest.mark.parametrize("text", ["Yes.", "yes please", "Perfect, thanks!", "\N{THUMBS UP SIGN}"])
def test_a_bare_yes_takes_the_proposal(text):
    found = read(text, **OFFER)
    assert (found.option, found.stance, found.confidence) == ("morning", Stance.WANTS, 1.0)
    assert fields_of(Statement(text)).stance is None


@pytest.mark.parametrize("text", ["No.", "nope", "no thanks", "\N{THUMBS DOWN SIGN}"])
def test_a_bare_no_declines_it(text):
    found = read(text, **OFFER)
    assert (found.option, found.stance) == ("morning", Stance.DOES_NOT_WANT)


@pytest.mark.parametrize("text", ["ok thanks", "yes and no", "\N{THUMBS UP SIGN}\N{THUMBS DOWN SIGN}", "thanks"])
def test_what_is_no_answer_answers_nothing(text):
    assert fields_of(Statement(text, OFFER)).stance is None


def test_a_refusal_for_once_teaches_nothing():
    found = read("not today, just this once", **OFFER, status="declined")
    assert (found.option, found.stance) == (None, Stance.NOTHING)
    assert read("", **OFFER, status="declined", exception=True).stance is Stance.NOTHING
    assert read("", **OFFER, status="accepted", exception=True).stance is Stance.ONLY_ONCE


def test_a_number_may_name_an_option():
    found = read("", {"length": ("30", "60")}, context="length", status="corrected", corrected=30)
    assert (found.option, found.stance) == ("30", Stance.WANTS)
    assert read("", context="meeting_time", status="accepted", proposed=True).option is None


def test_text_in_another_script_may_say_anything():
    assert read("Встречи утром").confidence == 0.0
    assert read("\N{PILE OF POO}").confidence == 0.0
    assert read("   ").confidence == 1.0
    assert not read("").from_metadata


def test_a_context_without_options_leaves_nothing_to_be_sure_of():
    found = read("Please schedule meetings in the afternoon.", context="lunch")
    assert (found.context, found.option, found.confidence) == ("lunch", None, 0.0)


@pytest.mark.parametrize("known", [None, ["a"], {"a": "abc"}, {"a": None}, {"a": [1]}, {1: ["a"]}])
def test_what_are_no_contexts_is_refused(known):
    with pytest.raises(InputError):
        interpreter().interpret([Statement("mornings please")], known)
    with pytest.raises(InputError):
        interpreter().meanings([Statement("mornings please")], known)


def test_metadata_that_is_no_mapping_is_refused():
    with pytest.raises(InputError, match="mapping"):
        interpreter().interpret([Statement("mornings please", None)], KNOWN)


def test_the_confidence_multiplies_the_event_s_own_weight():
    found = read("Please schedule meetings in the afternoon.")
    assert found.weight() == found.confidence
    assert found.weight(0.5) == pytest.approx(found.confidence / 2)
