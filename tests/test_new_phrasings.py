"""Phrasings by other hands: what the packaged interpreter makes of the third, and a stance fitted on more hands."""

from __future__ import annotations

from persona_lab.simulate.other_hands import (
    families_fourth,
    families_second,
    families_third,
    more_forms,
    rows_more_wordings,
    rows_second,
    rows_third,
)
from persona_lab.simulate.phrases import CONTEXTS, FAMILIES
from persona_lab.simulate.phrases_contexts import forms_of
from persona_lab.simulate.statements import families_beyond, held_out_families, plain_template, statement_rows
from persona_lab.studies.fitted_interpreter import training_rows
from persona_lab.studies.interpreter import score
from persona_lab.studies.new_phrasings import read_third_hand, stance_fits
from persona_lab.text import HashingEncoder, TextInterpreter


def _templates(families):
    return {plain_template(one) for family in families for one in family.templates}


def test_no_hand_shares_a_template_with_what_it_is_judged_against():
    fitted = (*FAMILIES, *families_beyond(), *families_second())
    assert len(families_second()) > 500
    assert len(families_third()) > 200
    assert not _templates(families_second()) & _templates((*FAMILIES, *families_beyond()))
    assert not _templates(families_third()) & _templates(fitted)
    assert len(families_fourth()) > 1500
    assert not _templates(families_fourth()) & _templates((*fitted, *families_third()))
    names = [family.name for family in (*fitted, *families_third(), *families_fourth())]
    assert len(set(names)) == len(names)


def test_the_packaged_interpreter_is_fitted_on_nothing_that_it_is_judged_on():
    rows = training_rows()
    held_out, third = held_out_families(), {family.name for family in families_third()}
    assert not {row.family for row in rows} & (held_out | third)
    judged = {row.text.casefold() for row in statement_rows() if row.split == "test"}
    judged |= {row.text.casefold() for row in rows_third()}
    assert not {row.text.casefold() for row in rows} & judged
    last = {p.casefold() for c, options in CONTEXTS.items() for o in options for p in forms_of(c, o)[-1]}
    further = {
        p.casefold()
        for c, options in CONTEXTS.items()
        for o in options
        for hand in ("second", "fourth")
        for form in more_forms(c, o, hand)
        for p in form
    }
    assert len(further) > 500
    assert not further & last
    for hand in ("second", "fourth"):
        assert {row.stance for row in rows_more_wordings(hand=hand)} == {
            "wants",
            "does_not_want",
            "changed_mind",
            "only_once",
        }
    assert rows_second() == rows_second()


def test_packaged_interpreter_reads_a_hand_that_it_never_met_worse_than_its_bank():
    figures = score(read_third_hand(TextInterpreter(), per_family=1))
    # The record says how far it is from the held-out families of the data set.
    assert 0.85 < figures["stance"].value < 0.97
    assert figures["pair"].value > 0.85


def test_stance_is_judged_on_families_that_it_was_not_fitted_on():
    fits = {(fit.judged_on, fit.fitted_on): fit for fit in stance_fits(HashingEncoder(16), more=1, per_family=2)}
    assert len(fits) == 10
    alone, every = fits["third hand", "the data set"], fits["third hand", "every hand but the third"]
    assert alone.right.n == len(families_third())
    assert fits["the data set", "the data set"].right.value > alone.right.value + 2 * alone.right.standard_error
    # More hands read a new one better, and misread it surely less often.
    assert every.right.value > alone.right.value
    assert every.sure_and_wrong.value < alone.sure_and_wrong.value
    assert all(0.0 < fit.right.value < 1.0 and fit.right.standard_error > 0.0 for fit in fits.values())
