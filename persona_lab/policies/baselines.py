"""Policies that learn nothing: the controls of every table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Costs, Move
from persona_lab.feedback import FloatArray, IntArray
from persona_lab.policies.utilities import MOVES


class Nothing(NamedTuple):
    """State of a policy that remembers nothing: only how many streams there are."""

    streams: IntArray


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same move: always suggest, always act, or never speak.

    Use it as a control, never as a product: always suggesting interrupts those who never want help, always acting
    harms them, and never speaking misses every need while its unwanted acts are a perfect 0.

    Parameters
    ----------
    move
        The one move.
    """

    move: Move = Move.SUGGEST

    def init(self, streams: int) -> Nothing:
        """Return the (empty) state."""
        return Nothing(np.zeros(streams, dtype=np.int8))

    def acceptance(self, state: Nothing, luck: FloatArray) -> Acceptance:
        """Return the ignorant belief: one half, resting on nothing."""
        half = np.full(state.streams.shape, 0.5)
        return Acceptance(half, half, np.zeros(state.streams.shape))

    def decide(self, state: Nothing, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the one move for every stream."""
        return np.full(state.streams.shape, MOVES.index(self.move), dtype=np.int8)

    def update(self, state: Nothing, move: IntArray, kind: IntArray) -> Nothing:
        """Learn nothing."""
        return state
