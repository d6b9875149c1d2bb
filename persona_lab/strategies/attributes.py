"""Attribute streams: an answer about an item moves the beliefs about its features.

A person who wants item B has said something about every feature of every item offered. Each feature gets two streams of
its own, "is it acceptable?" and "if so, is it a favourite?", kept by any memory of this package; this adapter works
out what the answer about items says about each of them.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, TIE, BoolArray, Feedback, FloatArray, IntArray, Kind, fold, one_hot
from persona_lab.protocols import State
from persona_lab.strategies.compose import MEMORY, Memory
from persona_lab.strategies.evidence import pointed_at, require, require_part
from persona_lab.strategies.fixed_share import FixedShare

NO_STREAM = -1
"""Stands where a choice has fewer distinct features than others of its batch."""

MOST_SLOTS = 9
"""Distinct features per choice that are weighed jointly: 3 ** 9 combinations."""

LEVELS = 3
"""A feature is not acceptable, acceptable, or a favourite."""


class Offer(NamedTuple):
    """One choice per person, among equally many items.

    Attributes
    ----------
    slot
        (items, features, people): which of the choice's distinct features each feature of an item is.
    stream
        (slots, people): stream number of each distinct feature, ``NO_STREAM`` where there are fewer.
    """

    slot: IntArray
    stream: IntArray


class ItemRule(Protocol):
    """What learns from answers about items; the state is opaque to everyone else."""

    def init(self, streams: int) -> State:
        """Return the state before any answer about any of ``streams`` features."""
        ...

    def predict(self, state: State, offer: Offer, at: FloatArray) -> FloatArray:
        """Return (items + 1, people) probabilities; the last row is "none of them"."""
        ...

    def update(self, state: State, offer: Offer, at: FloatArray, given: Feedback) -> State:
        """Return the state after one answer per person; the options of ``given`` are the items, then "none"."""
        ...


class AttributeState(NamedTuple):
    """State: the memories of both questions, and when each feature was last heard of (streams,)."""

    acceptable: State
    favourite: State
    touched: FloatArray


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """Learn which features a person accepts and favours, from answers about whole items.

    The person is taken to refuse an item with any unacceptable feature, to want, among the rest, one with most
    favourites (ties by luck), and to want none where all are refused. Given that, the probability of each combination
    of features is exact within a choice, and features are independent between choices (assumed-density filtering).
    Use it where items come and go and features stay. It fails where features interact (red, but only on shoes): give
    such a pair a feature of its own.

    Parameters
    ----------
    memory
        How a feature's evidence accumulates and fades. Bayesian memories
        (:class:`~persona_lab.strategies.fixed_share.FixedShare`) take the messages as likelihoods, which is what they
        are; averaging ones take them as votes. With ``daily_hazard`` tastes fade with time, heard of or not.
    noise
        Share of answers that are a uniform luck instead, in (0, 1).
    favourites
        Whether some acceptable features are favoured over others; without, all acceptable items are tied.

    Notes
    -----
    The structure (acceptable or not, favourites, "none" where all are refused) was settled on while looking at the ten
    shoppers of the public pahf log: its accuracy there is no score on unseen people. ``reports/evidence/pahf.json`` has
    the checks that are still possible, every choice refitted without the person scored, and without the later phases.

    Assumed-density filtering: Minka (2001), "A family of algorithms for approximate Bayesian inference", chapter 3.
    """

    memory: Memory = field(default_factory=lambda: FixedShare(hazard=0.0, daily_hazard=0.002))
    noise: float = 0.02
    favourites: bool = True

    def __post_init__(self) -> None:
        require_part(self, "memory", MEMORY, "a memory")
        require(self, "noise", lambda value: 0.0 < value < 1.0, "a share in (0, 1)")

    def init(self, streams: int) -> AttributeState:
        """Return the state before any answer about any of ``streams`` features."""
        return AttributeState(self.memory.init(2, streams), self.memory.init(2, streams), np.zeros(streams))

    def predict(self, state: AttributeState, offer: Offer, at: FloatArray) -> FloatArray:
        """Return what each person will want.

        Parameters
        ----------
        state
            What was learnt so far.
        offer
            One choice per person.
        at
            (people,) time of the choice, days (or any clock that ``daily_hazard`` counts).

        Returns
        -------
        (items + 1, people) probabilities; the last row is "none of them".
        """
        joint, wanted = self._weighed(state, offer, at)
        return np.stack([_total(row * joint) for row in wanted])

    def update(self, state: AttributeState, offer: Offer, at: FloatArray, given: Feedback) -> AttributeState:
        """Return the state after one answer per person; the options of ``given`` are the items, then "none"."""
        joint, wanted = self._weighed(state, offer, at)
        about = one_hot(pointed_at(given), len(wanted))
        chance = fold(np.where(about.reshape(about.shape[0], *[1] * (wanted.ndim - 2), -1), wanted, 0.0))
        chance = np.where(given.kind == Kind.DECLINED, 1.0 - chance, chance)
        heard = (given.kind != Kind.SILENT) & (pointed_at(given) != NO_OPTION) & (given.confidence > 0.0)
        posterior = joint * chance
        posterior = np.where(heard, posterior / np.where(heard, _total(posterior), 1.0), joint)
        before, after = _marginals(joint), _marginals(posterior)
        weight = np.where(heard, given.confidence, 0.0)
        known = (offer.stream != NO_STREAM) & heard
        stream = offer.stream[known]
        elapsed = np.broadcast_to(at, known.shape)[known] - state.touched[stream]
        weights = np.broadcast_to(weight, known.shape)[known]

        def learn(memory: State, old: FloatArray, new: FloatArray) -> State:
            yes, no = new / np.maximum(old, TIE), (1.0 - new) / np.maximum(1.0 - old, TIE)
            message = np.stack([no, yes])[:, known] / np.maximum((no + yes)[known], TIE)
            return _put(memory, stream, self.memory.absorb(_take(memory, stream), message, weights, elapsed))

        fine_before, fine_after = before[1] + before[2], after[1] + after[2]
        touched = state.touched.copy()
        touched[stream] = np.broadcast_to(at, known.shape)[known]
        favourite = state.favourite
        if self.favourites:
            top_before, top_after = before[2] / np.maximum(fine_before, TIE), after[2] / np.maximum(fine_after, TIE)
            favourite = learn(favourite, top_before, top_after)
        return AttributeState(learn(state.acceptable, fine_before, fine_after), favourite, touched)

    def _weighed(self, state: AttributeState, offer: Offer, at: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return P(combination), (3, ..., 3, people), and P(wanted | combination), (items + 1, 3, ..., 3, people)."""
        slots, people = offer.stream.shape
        stream = np.where(offer.stream == NO_STREAM, 0, offer.stream).ravel()
        elapsed = np.broadcast_to(at, (slots, people)).ravel() - state.touched[stream]
        fine = self.memory.belief(_take(state.acceptable, stream), elapsed)[1].reshape(slots, people)
        top = self.memory.belief(_take(state.favourite, stream), elapsed)[1].reshape(slots, people)
        if not self.favourites:
            top = np.zeros_like(top)
        levels = np.stack([1.0 - fine, fine * (1.0 - top), fine * top])
        combinations = _combinations(slots)
        joint = levels[combinations[:, 0], 0]
        for slot in range(1, slots):
            joint = joint * levels[combinations[:, slot], slot]
        score = []
        for item in offer.slot:
            of_item = combinations[:, item]  # (combinations, features, people)
            score.append(np.where((of_item > 0).all(axis=1), of_item.sum(axis=1, dtype=np.int64), 0))
        scores = np.stack(score)
        best = scores.max(axis=0)
        leading: BoolArray = (scores == best) & (best > 0)
        wanted = np.concatenate([leading / np.maximum(leading.sum(axis=0), 1), (best == 0)[np.newaxis]])
        wanted = (1.0 - self.noise) * wanted + self.noise / len(wanted)
        shape = (LEVELS,) * slots + (people,)
        return joint.reshape(shape), wanted.reshape(len(wanted), *shape)


@lru_cache(maxsize=MOST_SLOTS)
def _combinations(slots: int) -> NDArray[np.int8]:
    """Return all (3 ** slots, slots) combinations of levels, in the order of a C-contiguous table."""
    if slots > MOST_SLOTS:
        raise ValueError(f"a choice with {slots} distinct features: at most {MOST_SLOTS} are weighed jointly.")
    return np.array(list(itertools.product(range(LEVELS), repeat=slots)), dtype=np.int8)


def _total(table: FloatArray) -> FloatArray:
    """Sum over all combinations, (people,), in fixed order."""
    while table.ndim > 1:
        table = fold(table)
    return table


def _marginals(table: FloatArray) -> FloatArray:
    """Return P(level) of every slot, (3, slots, people)."""
    found = []
    for slot in range(table.ndim - 1):
        rest = np.moveaxis(table, slot, -2)
        while rest.ndim > 2:
            rest = fold(rest)
        found.append(rest)
    return np.stack(found, axis=1)


def _take(state: State, streams: IntArray) -> State:
    if isinstance(state, tuple):
        return type(state)(*(_take(part, streams) for part in state))
    return state[..., streams]


def _put(state: State, streams: IntArray, new: State) -> State:
    if isinstance(state, tuple):
        return type(state)(*(_put(a, streams, b) for a, b in zip(state, new, strict=True)))
    array: NDArray[Any] = state.copy()
    array[..., streams] = new
    return array
