"""How the interpreter reads phrasings by another hand, and what fitting the stance on them too would change.

The held-out families of the data set share their author with the families, and the cues, that the interpreter was made
from: they flatter it. These were written to differ, and are odder than everyday speech, so they may do the opposite.
In ``reports/evidence/words_new_phrasings.json`` about two stances in three are read right here, and one statement in
ten is misread with a chance above ``SURE``. Fitting on such families as well reads no more of the others right, and
fewer of the data set's own, but cuts the sure misreadings to a fourth: the packaged interpreter is not fitted on them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Statement
from persona_lab.measurement import Measurement
from persona_lab.protocols import TextEncoder
from persona_lab.simulate.phrases import CONTEXTS
from persona_lab.simulate.statements import PER_FAMILY, Row, more_training_rows, rows_beyond, statement_rows
from persona_lab.studies.interpreter import FOLDS, MORE, Reading
from persona_lab.text.fitting import STANCE_C, stance_inputs
from persona_lab.text.interpreter import TextInterpreter
from persona_lab.text.pairs import encode_statements

SURE = 0.97
"""A stance read with at least this chance is a sure one; sure misreadings are what lets opposites merge."""


class StanceFit(NamedTuple):
    """What the stance classifier reads in families that it was not fitted on; errors over families.

    ``sure_and_wrong`` is the share of all statements misread with a chance of ``SURE`` or more.
    """

    judged_on: str
    fitted_on: str
    right: Measurement
    sure_and_wrong: Measurement


def read_beyond(interpreter: TextInterpreter, per_family: int = PER_FAMILY) -> list[Reading]:
    """Interpret statements of the families beyond the data set for a user who has all contexts."""
    rows = rows_beyond(per_family)
    found = interpreter.interpret([Statement(row.text) for row in rows], CONTEXTS)
    return [Reading(row, read) for row, read in zip(rows, found, strict=True)]


def stance_fits(encoder: TextEncoder, more: int = MORE) -> list[StanceFit]:
    """Cross-fit the stance classifier by family, with and without the families beyond the data set; no held-out ones.

    Both are fitted with the interpreter's own inputs and penalty; needs scikit-learn. ``more`` further statements are
    drawn of every general training family, half as many of each family beyond.
    """
    own = [row for row in statement_rows() if row.split == "train"] + more_training_rows(more)
    beyond = rows_beyond((more + 1) // 2)
    rows = own + beyond
    inputs = stance_inputs(encode_statements([row.text for row in rows], encoder))
    outside = np.arange(len(rows)) >= len(own)
    families = np.array([row.family for row in rows])
    found: list[StanceFit] = []
    for fitted_on, usable in (("the data set", ~outside), ("the data set and beyond", np.ones(len(rows), dtype=bool))):
        right, sure = _cross_fitted(rows, inputs, families, usable)
        for judged_on, judged in (("the data set", ~outside), ("beyond", outside)):
            found.append(
                StanceFit(
                    judged_on,
                    fitted_on,
                    _over_families(right[judged], families[judged]),
                    _over_families((sure & ~right)[judged], families[judged]),
                )
            )
    return found


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
