"""Feedback in numbers: parallel arrays over streams, the one input of every update rule and detector.

Arrays have the stream as their last axis; belief-like arrays are (options, streams), so that streams lie
contiguous in memory and arrays of shape (streams,) broadcast without ceremony.
"""

from __future__ import annotations

import sys
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import InputError

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.integer[Any]]
BoolArray = NDArray[np.bool_]

NO_OPTION = -1
"""Stands where no option was proposed, or none was named."""

TIE = 1e-12
"""Beliefs closer than this are tied (LIMITS, law of the core suite)."""

MOST_OPTIONS = 128
"""Options are numbered in int8."""

LANES = 64
"""Drivers pad the stream axis to a multiple of this, so that a lone stream meets the same arithmetic as a batch."""


class Kind(IntEnum):
    """What the user did with the proposal."""

    SILENT = 0
    ACCEPTED = 1
    DECLINED = 2
    CORRECTED = 3


class Feedback(NamedTuple):
    """One answer per stream; every array has shape (streams,).

    Attributes
    ----------
    proposed
        Option index the agent proposed, ``NO_OPTION`` where it proposed nothing (int8).
    kind
        A :class:`Kind` (int8). A choice that the user made unprompted is CORRECTED with proposed ``NO_OPTION``.
    corrected
        Option index the user named, ``NO_OPTION`` where none (int8). Set if and only if kind is CORRECTED.
    confidence
        Weight of the event, 0 to 1 (float64).
    elapsed
        Days since the stream's previous interaction, >= 0; 0 for the first (float64).
    session
        Session (or day) the event belongs to; equal numbers within a stream mean the same session (int32).
    source
        Index of the source that reported it (int16).
    propensity
        Probability with which the agent chose what it proposed, NaN where unknown (float64).
    """

    proposed: IntArray
    kind: IntArray
    corrected: IntArray
    confidence: FloatArray
    elapsed: FloatArray
    session: IntArray
    source: IntArray
    propensity: FloatArray


def feedback(
    *,
    proposed: Any,
    kind: Any,
    corrected: Any = NO_OPTION,
    confidence: Any = 1.0,
    elapsed: Any = 1.0,
    session: Any = 0,
    source: Any = 0,
    propensity: Any = np.nan,
) -> Feedback:
    """Build a :class:`Feedback`; scalars are broadcast over the streams of ``kind``.

    Raises
    ------
    InputError
        If a number is not what the field of that name may hold. That option numbers are below the number of options
        only the reader of the log can tell.
    """
    kinds = np.atleast_1d(_checked("kind", kind, 0, max(Kind), "a Kind, 0 to 3")).astype(np.int8)

    def spread(array: NDArray[Any], dtype: type) -> NDArray[Any]:
        array = array.astype(dtype, copy=False)
        return array if array.shape == kinds.shape else np.broadcast_to(array, kinds.shape)

    option = f"an option's number, 0 to {MOST_OPTIONS - 1}, or {NO_OPTION}"
    return Feedback(
        proposed=spread(_checked("proposed", proposed, NO_OPTION, MOST_OPTIONS - 1, option), np.int8),
        kind=kinds,
        corrected=spread(_checked("corrected", corrected, NO_OPTION, MOST_OPTIONS - 1, option), np.int8),
        confidence=spread(_checked("confidence", confidence, 0.0, 1.0, "a weight from 0 to 1"), np.float64),
        elapsed=spread(_checked("elapsed", elapsed, 0.0, sys.float_info.max, "days, 0 or more"), np.float64),
        session=spread(np.asarray(session), np.int32),
        source=spread(np.asarray(source), np.int16),
        propensity=spread(np.asarray(propensity), np.float64),
    )


def _checked(field: str, value: Any, low: float, high: float, expected: str) -> NDArray[Any]:
    """Return ``value`` as an array of numbers from ``low`` to ``high``; NaN is outside."""
    array = np.asarray(value)
    if array.size and not (array.min() >= low and array.max() <= high):
        odd = array[~((array >= low) & (array <= high))].flat[0]
        raise InputError(f"{field} holds {odd.item()!r}", cure=f"Pass {expected}.")
    return array


def named_option(given: Feedback) -> IntArray:
    """Return the option that the user's answer points at, int8 (streams,); ``NO_OPTION`` where it names none.

    An accepted proposal names itself, a correction names its option; silence and a bare decline name nothing.
    """
    # NumPy's ``where`` is ten times as slow on bytes, and comparing them with an IntEnum five times.
    accepted = (given.kind == np.int8(Kind.ACCEPTED)).view(np.int8)
    named: IntArray = given.corrected + accepted * (given.proposed - given.corrected)
    return named


def one_hot(option: IntArray, options: int) -> BoolArray:
    """Return (options, streams) booleans, True where ``option`` points; a column of False for ``NO_OPTION``.

    Raises
    ------
    InputError
        If an option's number is not below ``options``: a rule that went on would believe in nothing.
    """
    if option.size and option.max() >= options:
        raise InputError(
            f"an answer names option {option.max()}, but there are {options}",
            cure=f"Number the options from 0 to {options - 1}, or init the rule with more of them.",
        )
    hot: BoolArray = option[np.newaxis, :] == np.arange(options, dtype=np.int8)[:, np.newaxis]
    return hot


def fold(array: FloatArray) -> FloatArray:
    """Sum over the first axis (options or grid points) in fixed order: a batch then equals its streams bit for bit."""
    total: FloatArray = array[0] + array[1] if len(array) > 1 else array[0].copy()
    for row in array[2:]:
        total += row
    return total


def choose(belief: FloatArray, last: IntArray) -> IntArray:
    """Return the proposal: the arg max of ``belief`` (options, streams); ties within ``TIE`` keep ``last``.

    Where ``last`` is not among the tied options (or is ``NO_OPTION``), the tied option of lowest index is taken.
    """
    best = belief.max(axis=0)
    near = belief >= best - TIE
    first = near.argmax(axis=0).astype(np.int8)
    keep = (near & one_hot(last, belief.shape[0])).any(axis=0)
    chosen: IntArray = np.where(keep, last, first).astype(np.int8)
    return chosen


def select(active: BoolArray, new: Any, old: Any) -> Any:
    """Return the state ``new`` where ``active`` (streams,), else ``old``, for any named tuple of arrays.

    Drivers use it to freeze streams that had no interaction in a step: rules themselves never see them.
    """
    if isinstance(new, tuple):
        return type(new)(*(select(active, a, b) for a, b in zip(new, old, strict=True)))
    return np.where(active, new, old)


def padded(streams: int) -> int:
    """Return the width of the block that holds ``streams``: the next multiple of ``LANES``."""
    return -(-streams // LANES) * LANES
