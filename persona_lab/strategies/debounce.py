"""Debounce: believe a new option only after it was named several times in a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.baselines import uniform
from persona_lab.strategies.evidence import Equal, Votes, require, whole


class Runs(NamedTuple):
    """State: the belief held and, per option, how many answers in a row were for it; both (options, streams)."""

    share: FloatArray
    run: FloatArray


@dataclass(frozen=True, slots=True)
class Debounce:
    """Hold the belief until ``repeats`` answers in a row name the same other option; the first ever counts at once.

    Looks like the cure for over-correction and is a trap: a burst of k exceptions *is* k corrections in a row, so
    it moves at the end of each burst and pays again on the way back. It fails worst for people with exceptions
    (24 times the limit's errors at ``repeats`` 3). The share of noisy events that move it looks excellent, which
    is why that share is no measure of over-correction. Prefer a rule with an exception state.

    Parameters
    ----------
    repeats
        Answers in a row that it takes, >= 1. 1 is last-write-wins. Bare declines count for every other option.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    repeats: int = 3

    def __post_init__(self) -> None:
        require(self, "repeats", lambda value: whole(value, 1), "a whole number of answers >= 1")

    def init(self, options: int, streams: int) -> Runs:
        """Return the state before any feedback: one answer short of believing anything."""
        return Runs(uniform(options, streams), np.full((options, streams), self.repeats - 1.0))

    def update(self, state: Runs, given: Feedback) -> Runs:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Runs, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Runs:
        """Return the runs one longer where the evidence is for the option, else broken."""
        heard = weight > 0.0
        run = np.where(heard, np.where(evidence > 0.0, state.run + 1.0, 0.0), state.run)
        ready = (run >= self.repeats).astype(np.float64)
        many = fold(ready)
        moved = heard & (many > 0.0)
        return Runs(np.where(moved, ready / np.maximum(many, 1.0), state.share), run)

    def belief(self, state: Runs, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities: 1 for the option held (shared after declines)."""
        return state.share
