"""Which (context, option) a statement speaks of: features of every candidate pair, scored by a conditional logit.

Two sources: a head that learnt the lexicon's options from training statements, and what works for any names: cosine to
the names, shared word stems, hours of the day. Each is taken per segment and kept apart by the marker before the
segment, so that the fit can learn that the option after "instead of" is rarely the one meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.protocols import TextEncoder
from persona_lab.text.cues import MARKER_CLASSES, Segment, cue_values, hours, overlap, segments, words
from persona_lab.text.model import InterpreterModel, softmax

Pair = tuple[str, str]

_CLASSES = len(MARKER_CLASSES)
HEAD_FEATURES = 3 + _CLASSES
NAME_FEATURES = 3 + 3 * _CLASSES
PAIR_FEATURES = HEAD_FEATURES + 2 * NAME_FEATURES + 2
"""Head; names of pairs in the lexicon; names of other pairs; opens something new; is in the lexicon."""


class Encoded(NamedTuple):
    """A statement made ready: its vector, its segments and theirs, and its cues."""

    vector: NDArray[np.float32]
    parts: tuple[Segment, ...]
    part_vectors: NDArray[np.float32]
    cues: NDArray[np.float64]


def encode_statements(texts: Sequence[str], encoder: TextEncoder) -> list[Encoded]:
    """Return every text with its segments, all encoded in one call."""
    parts = [tuple(segments(text)) for text in texts]
    distinct = list(dict.fromkeys([*texts, *(part.text for group in parts for part in group)]))
    place = {text: number for number, text in enumerate(distinct)}
    vectors = encoder.encode(distinct)
    return [
        Encoded(
            vectors[place[text]],
            group,
            vectors[[place[part.text] for part in group]],
            np.asarray(cue_values(text), dtype=np.float64),
        )
        for text, group in zip(texts, parts, strict=True)
    ]


def described(pair: Pair) -> str:
    """Return the pair in words, as the encoder sees it."""
    return f"{_spoken(pair[0])}: {_spoken(pair[1])}"


def pair_features(
    statement: Encoded,
    pairs: Sequence[Pair],
    pair_vectors: NDArray[np.float32],
    head: NDArray[np.float64] | None,
    in_lexicon: NDArray[np.bool_],
    new: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Return (pairs, PAIR_FEATURES).

    Parameters
    ----------
    pair_vectors
        (pairs, d) vectors of :func:`described`.
    head
        (1 + segments, pairs) chances by the head, for the whole statement and each segment, 0 outside the lexicon;
        None reads as all zero.
    in_lexicon, new
        (pairs,) whether the head knows the pair; whether taking it would open a new option or context.
    """
    columns = [MARKER_CLASSES.index(part.marker) for part in statement.parts]
    features = np.zeros((len(pairs), PAIR_FEATURES))
    if head is not None:
        features[:, 0] = head[0]
        features[:, 1] = np.where(in_lexicon, np.log(head[0] + 1e-3), 0.0)
        features[:, 2] = _context_share(head[0], pairs)
        for column, row in zip(columns, head[1:], strict=True):
            features[:, 3 + column] = np.maximum(features[:, 3 + column], row)
    names = np.zeros((len(pairs), NAME_FEATURES))
    whole = pair_vectors @ statement.vector
    names[:, 0] = whole
    names[:, 1] = whole - _context_mean(whole, pairs)
    names[:, 2] = _context_mean(whole, pairs) - whole.mean()
    for column, part, vector in zip(columns, statement.parts, statement.part_vectors, strict=True):
        near = pair_vectors @ vector
        said, spoken = hours(part.text), _stems(part.text)
        values: tuple[NDArray[np.float64], ...] = (
            np.asarray(near - _context_mean(near, pairs), dtype=np.float64),
            np.array([overlap(said, _hours_of(option)) if said else 0.0 for _, option in pairs]),
            np.array([_share(spoken, option) for _, option in pairs]),
        )
        for kind, value in enumerate(values):
            at = 3 + kind * _CLASSES + column
            names[:, at] = np.where(np.abs(value) > np.abs(names[:, at]), value, names[:, at])
    start = HEAD_FEATURES
    features[:, start : start + NAME_FEATURES] = names * in_lexicon[:, None]
    features[:, start + NAME_FEATURES : start + 2 * NAME_FEATURES] = names * ~in_lexicon[:, None]
    features[:, -2] = new
    features[:, -1] = in_lexicon
    return features


def head_chances(statement: Encoded, model: InterpreterModel, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (1 + segments, pairs) chances by the head; ``places`` indexes the lexicon, -1 for pairs it lacks."""
    vectors = np.vstack([statement.vector[None], statement.part_vectors])
    chances = softmax(vectors @ model.head_weights.T + model.head_bias)
    found: NDArray[np.float64] = np.where(places >= 0, chances[:, places], 0.0)
    return found


def _context_mean(values: NDArray[np.floating], pairs: Sequence[Pair]) -> NDArray[np.float64]:
    groups, count = _groups(tuple(context for context, _ in pairs))
    sums = np.bincount(groups, weights=values, minlength=count)
    sizes = np.bincount(groups, minlength=count)
    return np.asarray((sums / sizes)[groups], dtype=np.float64)


def _context_share(values: NDArray[np.float64], pairs: Sequence[Pair]) -> NDArray[np.float64]:
    groups, count = _groups(tuple(context for context, _ in pairs))
    return np.asarray(np.bincount(groups, weights=values, minlength=count)[groups], dtype=np.float64)


@cache
def _groups(contexts: tuple[str, ...]) -> tuple[NDArray[np.int64], int]:
    place = {context: number for number, context in enumerate(dict.fromkeys(contexts))}
    return np.array([place[context] for context in contexts], dtype=np.int64), len(place)


@cache
def _hours_of(option: str) -> tuple[float, float] | None:
    return hours(_spoken(option))


@cache
def _stems_of(option: str) -> frozenset[str]:
    return _stems(_spoken(option))


def _stems(text: str) -> frozenset[str]:
    return frozenset(word[:5] for word in words(text) if len(word) > 2 or word.isdigit())


def _share(spoken: frozenset[str], option: str) -> float:
    own = _stems_of(option)
    return len(own & spoken) / len(own) if own else 0.0


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")
