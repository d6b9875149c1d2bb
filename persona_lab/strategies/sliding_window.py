"""Sliding window: the share of votes among the latest few answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, IntArray, fold
from persona_lab.strategies.baselines import normalised
from persona_lab.strategies.evidence import Equal, Votes, require, whole


class Window(NamedTuple):
    """State: a ring of weighted votes (length, options, streams) and the slot to write next (streams,)."""

    ring: FloatArray
    slot: IntArray


@dataclass(frozen=True, slots=True)
class SlidingWindow:
    """Count the latest ``length`` answers and forget the rest at once.

    Use it where "the last nine times" must be explainable. It fails like EWMA, by compromise: a window longer than
    any burst of exceptions is slow after a true change. EWMA keeps one number where this keeps ``length``, and does
    as well; prefer :class:`~persona_lab.strategies.ewma.Ewma` unless the hard edge matters.

    Parameters
    ----------
    length
        Answers kept, >= 1; only answers that carry weight take a place.
    prior
        Pseudo-count of every option, in answers (>= 0); moves probabilities, never the arg max.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    length: int = 9
    prior: float = 1.0

    def __post_init__(self) -> None:
        require(self, "length", lambda value: whole(value, 1), "a whole number of answers >= 1")
        require(self, "prior", lambda value: 0.0 <= value < np.inf, "a pseudo-count >= 0")

    def init(self, options: int, streams: int) -> Window:
        """Return the state before any feedback."""
        return Window(np.zeros((self.length, options, streams)), np.zeros(streams, dtype=np.int16))

    def update(self, state: Window, given: Feedback) -> Window:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.ring.shape[1]), Equal()(given), given.elapsed)

    def absorb(self, state: Window, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Window:
        """Return the window with the weighted evidence in place of the oldest entry."""
        heard = np.flatnonzero(weight > 0.0)
        ring, slot = state.ring.copy(), state.slot.copy()
        ring[slot[heard], :, heard] = (weight * evidence)[:, heard].T
        slot[heard] = (slot[heard] + 1) % self.length
        return Window(ring, slot)

    def belief(self, state: Window, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return normalised(fold(state.ring), self.prior)
