"""Whether a summary tells the truth about a person, and what reading only the summary costs.

All functions take integer arrays of shape (checkpoints, people, contexts): options as indices, ``NOT_STATED`` where the
summary says nothing about the context. Standard errors are over people.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.measurement import Measurement, undefined

NOT_STATED = -1
"""Stands where a summary is silent about a context, or where there is no earlier option."""


def faithfulness(*, stated: IntArray, preferred: IntArray) -> Measurement:
    """Share of the stated preferences that are true; read it beside :func:`coverage`: silence is never wrong."""
    said = stated != NOT_STATED
    return _ratio(said & (stated == preferred), said, "nothing was stated")


def coverage(*, stated: IntArray) -> Measurement:
    """Share of (checkpoint, person, context) about which something is stated."""
    return _ratio(stated != NOT_STATED, np.ones(stated.shape, dtype=bool), "there are no checkpoints")


def staleness(*, stated: IntArray, previous: IntArray) -> Measurement:
    """Share of the stated preferences, after a switch, that still name the option before it.

    ``previous`` is the option of the epoch before, ``NOT_STATED`` in the first.
    """
    later = (stated != NOT_STATED) & (previous != NOT_STATED)
    return _ratio(later & (stated == previous), later, "nobody switched before a checkpoint")


def over_correction(*, stated: IntArray, preferred: IntArray, one_off: IntArray) -> Measurement:
    """Share of one-offs that got into the summary.

    ``one_off`` is an option that an exception or a slip named since the checkpoint before and that is not the
    preferred one, ``NOT_STATED`` where there was none. Contexts that the summary is silent about count as kept out.
    """
    happened = (one_off != NOT_STATED) & (one_off != preferred)
    return _ratio(happened & (stated == one_off), happened, "there were no one-offs")


def churn(*, changed: BoolArray, preferred: IntArray) -> Measurement:
    """Share of context sentences that changed between checkpoints while the truth stood still.

    ``changed`` is (checkpoints - 1, people, contexts): the sentence about the context differs from the one before,
    or came or went.
    """
    still = preferred[1:] == preferred[:-1]
    return _ratio(changed & still, still, "the truth never stood still")


def length(*, characters: IntArray) -> Measurement:
    """Mean length in characters; ``characters`` is (checkpoints, people)."""
    return _ratio(characters, np.ones(characters.shape), "there are no checkpoints")


def reader_errors(*, stated: IntArray, preferred: IntArray, scored: BoolArray, options: int) -> Measurement:
    """Error rate of an agent that reads only the summary: proposes what is stated, guesses evenly where nothing is.

    ``scored`` is False inside exceptions, as for every error rate of the project.
    """
    expected = _expected_errors(stated, preferred, options)
    return _ratio(np.where(scored, expected, 0.0), scored, "nothing was scored")


def reading_cost(
    *, stated: IntArray, believed: IntArray, preferred: IntArray, scored: BoolArray, options: int
) -> Measurement:
    """Extra errors per 100 proposals of the summary's reader over an agent that reads the belief; paired by person."""
    gap = _expected_errors(stated, preferred, options) - (believed != preferred)
    found = _ratio(np.where(scored, gap, 0.0), scored, "nothing was scored")
    if found.value is None:
        return found
    error = found.standard_error
    return Measurement(100.0 * found.value, None if error is None else 100.0 * error, found.n)


def _expected_errors(stated: IntArray, preferred: IntArray, options: int) -> FloatArray:
    wrong: FloatArray = np.where(stated == NOT_STATED, 1.0 - 1.0 / options, (stated != preferred).astype(np.float64))
    return wrong


def _ratio(part: NDArray[np.generic], whole: NDArray[np.generic], reason: str) -> Measurement:
    """Return pooled part / whole with the delta-method standard error over people (axis 1)."""
    other = tuple(axis for axis in range(whole.ndim) if axis != 1)
    above: FloatArray = np.asarray(np.sum(part, axis=other, dtype=np.float64))
    below: FloatArray = np.asarray(np.sum(whole, axis=other, dtype=np.float64))
    total = float(below.sum())
    if total == 0.0:
        return undefined(reason)
    value = float(above.sum()) / total
    people = len(below)
    if people < 2:
        return Measurement(value, None, round(total))
    residual = above - value * below
    error = float(np.sqrt(people / (people - 1) * (residual**2).sum()) / total)
    return Measurement(value, error, round(total))
