"""Bounded step: no single answer moves the belief by more than a fixed amount."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from persona_lab.feedback import TIE, Feedback, FloatArray
from persona_lab.strategies.baselines import Shares, uniform
from persona_lab.strategies.evidence import Equal, Votes, require


@dataclass(frozen=True, slots=True)
class BoundedStep:
    """Move the belief towards each answer by a fixed distance, however surprising the answer is.

    Use it where a promise like "one correction moves the model by at most 5 points" must hold, as it does here by
    construction (declared, and checked). It keeps no diminishing memory: answers move it by the same distance until
    it arrives, so it forgets like a window of 1 / step answers. It fails like EWMA, by compromise; for a rule
    without the promise use :class:`~persona_lab.strategies.ewma.Ewma`.

    Parameters
    ----------
    step
        Largest change of any option's probability per answer, in (0, 1].
    """

    declares: ClassVar[frozenset[str]] = frozenset(
        {"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op", "bounded_step"}
    )

    step: float = 0.05

    def __post_init__(self) -> None:
        require(self, "step", lambda value: 0.0 < value <= 1.0, "a probability in (0, 1]")

    def init(self, options: int, streams: int) -> Shares:
        """Return the state before any feedback."""
        return Shares(uniform(options, streams))

    def update(self, state: Shares, given: Feedback) -> Shares:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Shares, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Shares:
        """Return the shares moved straight towards the evidence, by ``step * weight`` at most."""
        way = evidence - state.share
        farthest = np.maximum(np.abs(way).max(axis=0), TIE)
        return Shares(state.share + np.minimum(1.0, self.step * weight / farthest) * way)

    def belief(self, state: Shares, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return state.share
