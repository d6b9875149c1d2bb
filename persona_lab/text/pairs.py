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

from persona_lab.contracts import Stance
from persona_lab.protocols import TextEncoder
from persona_lab.text.adapter import stance_reader
from persona_lab.text.cues import FEATURE_NAMES, MARKER_CLASSES, Segment, cue_values, hours, overlap, segments, words
from persona_lab.text.layers import stance_view
from persona_lab.text.model import InterpreterModel, softmax
from persona_lab.text.quantities import Quantities, closeness, quantities

Pair = tuple[str, str]

NO_ADAPTER: NDArray[np.float16] = np.zeros(0, dtype=np.float16)

LAYER_WEIGHT = 2.0
"""Of the middle layers beside cues and vector, so that the penalty shrinks them less."""

_CLASSES = len(MARKER_CLASSES)
_TURNS = ("comparison", "not_x_but_y", "x_not_y", "no_then_yes", "instead", "change_verb")
_TURN_PLACES = tuple(FEATURE_NAMES.index(name) for name in _TURNS)

HEAD_FEATURES = 4 + _CLASSES
NAME_FEATURES = 7 + 3 * _CLASSES
ORDER_FEATURES = 1 + len(Stance) + len(_TURNS)
PAIR_FEATURES = HEAD_FEATURES + 2 * NAME_FEATURES + ORDER_FEATURES + 2
"""Head; names of pairs in the lexicon; names of other pairs; mentioned before or after its rival; opens something new;
is in the lexicon."""


class Encoded(NamedTuple):
    """A statement made ready: its vector, its segments and theirs, its cues, and the amounts that it states.

    ``layers`` is what the encoder's middle layers make of it, empty where the encoder shows none; ``read`` the log
    chances of the stances by an adapter, empty where there is none.
    """

    vector: NDArray[np.float32]
    layers: NDArray[np.float32]
    read: NDArray[np.float32]
    parts: tuple[Segment, ...]
    part_vectors: NDArray[np.float32]
    cues: NDArray[np.float64]
    amounts: Quantities


class Candidates(NamedTuple):
    """The pairs that a statement may mean; arrays over pairs.

    Attributes
    ----------
    pairs
        (context, option) names.
    vectors
        (pairs, d) vectors of :func:`described`.
    places
        Row of the pair in the lexicon, -1 where it has none.
    new
        Whether taking it would open a new option or context.
    amounts
        (pairs, 2) amounts typical of the option, or stated by its name; NaN where there are none.
    """

    pairs: tuple[Pair, ...]
    vectors: NDArray[np.float32]
    places: NDArray[np.int64]
    new: NDArray[np.bool_]
    amounts: NDArray[np.float64]


def encode_statements(
    texts: Sequence[str], encoder: TextEncoder, adapter: NDArray[np.float16] = NO_ADAPTER
) -> list[Encoded]:
    """Return every text with its segments, all encoded in one call."""
    parts = [tuple(segments(text)) for text in texts]
    distinct = list(dict.fromkeys([*texts, *(part.text for group in parts for part in group)]))
    place = {text: number for number, text in enumerate(distinct)}
    vectors = encoder.encode(distinct)
    view = stance_view(encoder)
    layers = np.zeros((len(texts), 0), dtype=np.float32) if view is None else view.encode(texts)
    reader = stance_reader(encoder, adapter)
    read = np.zeros((len(texts), 0), dtype=np.float32) if reader is None else reader.encode(texts)
    return [
        Encoded(
            vectors[place[text]],
            own,
            said,
            group,
            vectors[[place[part.text] for part in group]],
            np.asarray(cue_values(text), dtype=np.float64),
            quantities(text),
        )
        for text, own, said, group in zip(texts, layers, read, parts, strict=True)
    ]


def stance_inputs(encoded: Sequence[Encoded]) -> NDArray[np.float64]:
    """Return (statements, cues + d + layers), the input of the stance classifier."""
    return np.stack([np.concatenate([one.cues, one.vector, LAYER_WEIGHT * one.layers]) for one in encoded])


def names_a_stranger(statement: Encoded, candidates: Candidates) -> bool:
    """Return whether the words name one of the user's own options that the lexicon lacks."""
    spoken = _stems(" ".join(part.text for part in statement.parts))
    own = np.flatnonzero((candidates.places < 0) & ~candidates.new)
    return any(_share(spoken, candidates.pairs[i][1]) == 1.0 for i in own)


def described(pair: Pair) -> str:
    """Return the pair in words, as the encoder sees it."""
    return f"{_spoken(pair[0])}: {_spoken(pair[1])}"


def pair_features(
    statement: Encoded,
    candidates: Candidates,
    head: NDArray[np.float64] | None,
    stances: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return (pairs, PAIR_FEATURES).

    Parameters
    ----------
    head
        (1 + segments, pairs) chances by the head, for the whole statement and each segment, 0 outside the lexicon;
        None takes every pair as one that the lexicon lacks.
    stances
        (stances,) chances of what the statement may want of the option: after "I used to like" the last one counts.
    """
    pairs = candidates.pairs
    in_lexicon = candidates.places >= 0 if head is not None else np.zeros(len(pairs), dtype=bool)
    columns = [MARKER_CLASSES.index(part.marker) for part in statement.parts]
    features = np.zeros((len(pairs), PAIR_FEATURES))
    mentions = np.zeros((len(columns), len(pairs)))
    if head is not None:
        features[:, 0] = head[0]
        features[:, 1] = np.where(in_lexicon, np.log(head[0] + 1e-3), 0.0)
        features[:, 2] = _context_share(head[0], pairs)
        features[:, 3] = np.where(in_lexicon, np.log(head[1:].max(axis=0) + 1e-3), 0.0)
        for column, row in zip(columns, head[1:], strict=True):
            features[:, 4 + column] = np.maximum(features[:, 4 + column], row)
        mentions = np.maximum(mentions, head[1:])
    names = np.zeros((len(pairs), NAME_FEATURES))
    whole = candidates.vectors @ statement.vector
    names[:, 0] = whole
    names[:, 1] = whole - _context_mean(whole, pairs)
    names[:, 2] = _context_mean(whole, pairs) - whole.mean()
    names[:, 3] = closeness(statement.amounts, candidates.amounts)
    names[:, 4] = np.maximum.reduce([_hours_agree(part.text, pairs) for part in statement.parts])
    names[:, 5] = _context_best(names[:, 3], pairs)
    names[:, 6] = _context_best(names[:, 4], pairs)
    for place, (column, part, vector) in enumerate(zip(columns, statement.parts, statement.part_vectors, strict=True)):
        near = candidates.vectors @ vector
        spoken = _stems(part.text)
        values: tuple[NDArray[np.float64], ...] = (
            np.asarray(near - _context_mean(near, pairs), dtype=np.float64),
            _hours_agree(part.text, pairs),
            np.array([_share(spoken, option) for _, option in pairs]),
        )
        for kind, value in enumerate(values):
            at = 7 + kind * _CLASSES + column
            names[:, at] = np.where(np.abs(value) > np.abs(names[:, at]), value, names[:, at])
        mentions[place] = np.clip(np.maximum(mentions[place], np.maximum(4.0 * values[0], values[2])), 0.0, 1.0)
    start = HEAD_FEATURES
    features[:, start : start + NAME_FEATURES] = names * in_lexicon[:, None]
    features[:, start + NAME_FEATURES : start + 2 * NAME_FEATURES] = names * ~in_lexicon[:, None]
    order = _order(mentions, pairs)
    turns = np.concatenate([[1.0], stances, statement.cues[list(_TURN_PLACES)]])
    features[:, -2 - ORDER_FEATURES : -2] = order[:, None] * turns
    features[:, -2] = candidates.new
    features[:, -1] = in_lexicon
    return features


def _order(mentions: NDArray[np.float64], pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """Return (pairs,) whether a pair is mentioned after (1) or before (-1) its likeliest rival in its context.

    0 where only one of them is mentioned; ``mentions`` is (segments, pairs), how surely each segment speaks of each.
    """
    strength = mentions.max(axis=0)
    where = mentions.argmax(axis=0)
    groups, count = _groups(tuple(context for context, _ in pairs))
    found = np.zeros(len(pairs))
    if len(mentions) < 2:
        return found
    for group in range(count):
        inside = np.flatnonzero(groups == group)
        if len(inside) < 2:
            continue
        ranked = inside[np.argsort(-strength[inside], kind="stable")]
        first = ranked[0]
        # The best rival speaks from another segment than the likeliest option does.
        others = mentions[:, ranked[1:]].copy()
        others[where[first]] = 0.0
        segment, column = np.unravel_index(others.argmax(), others.shape)
        rival = ranked[1:][column]
        both = min(float(strength[first]), float(others.max()))
        found[first] = both * np.sign(where[first] - int(segment))
        found[rival] = -found[first]
    return found


def head_chances(statement: Encoded, model: InterpreterModel, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return (1 + segments, pairs) chances by the head; ``places`` indexes the lexicon, -1 for pairs it lacks."""
    vectors = np.vstack([statement.vector[None], statement.part_vectors])
    chances = softmax(vectors @ model.head_weights.T + model.head_bias)
    found: NDArray[np.float64] = np.where(places >= 0, chances[:, places], 0.0)
    return found


def _hours_agree(text: str, pairs: Sequence[Pair]) -> NDArray[np.float64]:
    """Return (pairs,) how well the hours of the day that ``text`` speaks of agree with those of the option's name."""
    said = hours(text)
    return np.array([overlap(said, _hours_of(option)) if said else 0.0 for _, option in pairs], dtype=np.float64)


def _context_best(values: NDArray[np.float64], pairs: Sequence[Pair]) -> NDArray[np.float64]:
    groups, count = _groups(tuple(context for context, _ in pairs))
    best = np.full(count, -np.inf)
    np.maximum.at(best, groups, values)
    return np.asarray(best[groups], dtype=np.float64)


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
