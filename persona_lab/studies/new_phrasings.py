"""How the interpreter reads phrasings by hands that it was not made from, and what fitting on more hands changes.

The held-out families of the data set share their author with its training families and with the cues: they flatter the
interpreter. The third hand's families (:mod:`persona_lab.simulate.other_hands`) are everyday sentences written without
sight of anything else, and nothing is fitted on them: the figure to expect of people at large.
``reports/evidence/words_new_phrasings.json`` has both, and the stance classifier, without the adapter, fitted with and
without the other hands; ``words_choices.json`` has what the adapter reads in families that it was not fitted on.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Statement
from persona_lab.measurement import Measurement
from persona_lab.protocols import TextEncoder
from persona_lab.simulate.other_hands import (
    BEYOND_PER_FAMILY,
    FOURTH_PER_FAMILY,
    SECOND_PER_FAMILY,
    rows_fourth,
    rows_second,
    rows_third,
)
from persona_lab.simulate.phrases import CONTEXTS
from persona_lab.simulate.statements import Row, more_training_rows, rows_beyond, statement_rows
from persona_lab.studies.fitted_interpreter import (
    FOLDS,
    MORE,
    adapter_statements,
    adapters,
    examples,
    out_of_family,
    training_rows,
)
from persona_lab.studies.interpreter import Reading
from persona_lab.text.adapting import stance_names
from persona_lab.text.fitting import STANCE_C
from persona_lab.text.interpreter import TextInterpreter
from persona_lab.text.pairs import encode_statements, stance_inputs

SURE = 0.97
"""A stance read with at least this chance is a sure one; sure misreadings are what lets opposites merge."""

DATA_SET, BEYOND, SECOND, THIRD, FOURTH = "the data set", "beyond", "second hand", "third hand", "fourth hand"
EVERY_HAND = "every hand but the third"


class StanceFit(NamedTuple):
    """What the stance classifier reads in families that it was not fitted on; errors over families.

    ``sure_and_wrong`` is the share of all statements misread with a chance of ``SURE`` or more.
    """

    judged_on: str
    fitted_on: str
    right: Measurement
    sure_and_wrong: Measurement


def read_third_hand(interpreter: TextInterpreter, per_family: int = SECOND_PER_FAMILY) -> list[Reading]:
    """Interpret statements of the third hand's families for a user who has all contexts."""
    rows = rows_third(per_family)
    found = interpreter.interpret([Statement(row.text) for row in rows], CONTEXTS)
    return [Reading(row, read) for row, read in zip(rows, found, strict=True)]


def stance_fits(encoder: TextEncoder, more: int = MORE, per_family: int = SECOND_PER_FAMILY) -> list[StanceFit]:
    """Cross-fit the stance classifier by family, on the data set alone and on all hands but the third.

    The held-out families take no part. Fitted with the interpreter's own inputs and penalty; needs scikit-learn.
    ``more`` further statements are drawn of every general training family, ``per_family`` of each other family.
    """
    hands = {
        DATA_SET: [row for row in statement_rows() if row.split == "train"] + more_training_rows(more),
        BEYOND: rows_beyond(min(per_family, BEYOND_PER_FAMILY)),
        SECOND: rows_second(per_family),
        FOURTH: rows_fourth(min(per_family, FOURTH_PER_FAMILY)),
        THIRD: rows_third(per_family),
    }
    rows = [row for part in hands.values() for row in part]
    hand = np.repeat(list(hands), [len(part) for part in hands.values()])
    inputs = stance_inputs(encode_statements([row.text for row in rows], encoder))
    inputs -= inputs.mean(axis=0)
    families = np.array([row.family for row in rows])
    found: list[StanceFit] = []
    for fitted_on, usable in ((DATA_SET, hand == DATA_SET), (EVERY_HAND, hand != THIRD)):
        right, sure = _cross_fitted(rows, inputs, families, usable)
        for judged_on in hands:
            judged = hand == judged_on
            found.append(
                StanceFit(
                    judged_on,
                    fitted_on,
                    _over_families(right[judged], families[judged]),
                    _over_families((sure & ~right)[judged], families[judged]),
                )
            )
    return found


class AdapterReading(NamedTuple):
    """What adapters read in families that they were not fitted on; errors over families."""

    hand: str
    right: Measurement


def adapter_readings(encoder: TextEncoder, keep: Path | None = None) -> list[AdapterReading]:
    """Return the stances that adapters alone read right, out of family, hand by hand; ``keep`` as for ``adapters``."""
    rows = training_rows()
    without = adapters(adapter_statements(), keep=keep, final=False)
    read = np.array(stance_names())[out_of_family(rows, encoder, without).argmax(axis=1)]
    right = read == np.array([row.stance for row in rows])
    families = np.array([row.family for row in rows])
    hands = np.array([example.hand for example in examples(rows)])
    return [
        AdapterReading(hand, _over_families(right[hands == hand], families[hands == hand]))
        for hand in ("bank", "beyond", "second", "fourth")
    ]


def _cross_fitted(
    rows: list[Row], inputs: NDArray[np.float64], families: NDArray[np.str_], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    from sklearn.linear_model import LogisticRegression

    stances = np.array([row.stance for row in rows])
    names, codes, counts = np.unique(families, return_inverse=True, return_counts=True)
    fold = (np.arange(len(names)) % FOLDS)[codes]
    weights = 1.0 / counts[codes]
    right, sure = np.zeros(len(rows), dtype=bool), np.zeros(len(rows), dtype=bool)
    for number in range(FOLDS):
        train, test = usable & (fold != number), fold == number
        fitted = LogisticRegression(C=STANCE_C, max_iter=2000)
        fitted.fit(inputs[train], stances[train], sample_weight=weights[train] / weights[train].mean())
        chances = fitted.predict_proba(inputs[test])
        right[test] = fitted.classes_[chances.argmax(axis=1)] == stances[test]
        sure[test] = chances.max(axis=1) >= SURE
    return right, sure


def _over_families(values: NDArray[np.bool_], families: NDArray[np.str_]) -> Measurement:
    """Return the mean over families, each counting once, with its standard error."""
    names, codes, counts = np.unique(families, return_inverse=True, return_counts=True)
    means = np.bincount(codes, weights=values.astype(float)) / counts
    return Measurement(float(means.mean()), float(means.std(ddof=1) / np.sqrt(len(names))), len(names))
