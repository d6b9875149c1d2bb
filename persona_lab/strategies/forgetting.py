"""Counts that fade, by answer and by elapsed time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from persona_lab.feedback import Feedback, FloatArray
from persona_lab.strategies.baselines import Counts, normalised
from persona_lab.strategies.evidence import Equal, Votes, require


@dataclass(frozen=True, slots=True)
class ForgettingCount:
    """Count votes that fade by a factor per answer and by half every ``half_life`` days, back to the prior.

    The discounted Dirichlet: the arg max of EWMA with rate 1 - keep, and a belief that knows how much it rests on.
    Use it where time matters: an option unseen for long is uncertain again, so a policy gets to try it, which a rule
    that forgets only on updates never does. Fading happens on read, so reading twice or restarting changes nothing.
    It fails, like EWMA, by compromise between bursts and changes.

    Parameters
    ----------
    keep
        Share of the old votes kept at each answer, in (0, 1]; 1 forgets by time alone. An answer of little weight
        makes as much room as any other (EWMA moves less for it instead); one of weight 0 makes none.
    half_life
        Days after which a vote is worth half, > 0; None forgets by answers alone.
    prior
        Pseudo-count of every option, in answers (> 0): what the belief fades to.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    keep: float = 0.9
    half_life: float | None = 60.0
    prior: float = 0.5

    def __post_init__(self) -> None:
        require(self, "keep", lambda value: 0.0 < value <= 1.0, "a share in (0, 1]")
        require(self, "half_life", lambda value: value is None or 0.0 < value < np.inf, "days > 0, or None")
        require(self, "prior", lambda value: 0.0 < value < np.inf, "a pseudo-count > 0")

    def init(self, options: int, streams: int) -> Counts:
        """Return the state before any feedback."""
        return Counts(np.zeros((options, streams)))

    def update(self, state: Counts, given: Feedback) -> Counts:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.votes.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Counts, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Counts:
        """Return the votes faded by the wait and the answer, with the weighted evidence added."""
        kept = self._faded(elapsed) * np.where(weight > 0.0, self.keep, 1.0)
        return Counts(kept * state.votes + weight * evidence)

    def belief(self, state: Counts, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities, faded by the days elapsed."""
        return normalised(self._faded(elapsed) * state.votes, self.prior)

    def _faded(self, elapsed: FloatArray | float) -> FloatArray | np.float64:
        """Return what is left of a vote after ``elapsed`` days."""
        if self.half_life is None:
            return np.float64(1.0)
        left: FloatArray = np.exp2(-np.asarray(elapsed, dtype=np.float64) / self.half_life)
        return left
