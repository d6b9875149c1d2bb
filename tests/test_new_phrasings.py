"""Phrasings by another hand: what the packaged interpreter makes of them, and a stance fitted on them too."""

from __future__ import annotations

from persona_lab.simulate.statements import families_beyond
from persona_lab.studies.interpreter import score
from persona_lab.studies.new_phrasings import read_beyond, stance_fits
from persona_lab.text import HashingEncoder, TextInterpreter


def test_packaged_interpreter_reads_phrasings_by_another_hand_worse_than_its_bank():
    figures = score(read_beyond(TextInterpreter(), per_family=1))
    # Better than the most frequent stance, far from the .9 of the held-out families: the record says how far.
    assert 0.5 < figures["stance"].value < 0.85
    assert figures["pair"].value > 0.85


def test_stance_is_judged_on_families_that_it_was_not_fitted_on():
    fits = {(fit.judged_on, fit.fitted_on): fit for fit in stance_fits(HashingEncoder(16), more=1)}
    assert len(fits) == 4
    own = fits["the data set", "the data set"]
    beyond = fits["beyond", "the data set"]
    both = fits["beyond", "the data set and beyond"]
    assert beyond.right.n == len(families_beyond())
    assert own.right.value > beyond.right.value + 2 * beyond.right.standard_error
    # What fitting on them buys is fewer sure misreadings.
    assert both.sure_and_wrong.value < beyond.sure_and_wrong.value
    assert all(0.0 < fit.right.value < 1.0 and fit.right.standard_error > 0.0 for fit in fits.values())
