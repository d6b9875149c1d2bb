"""Composition: likelihood x weight x memory x guard. A new rule is one memory of about ten lines.

The simple rules of this package are memories with a default likelihood and weight, so each of them is a strategy
as it stands *and* a part: ``Composed(memory=Ewma(0.2), weight=ByConfidence(), guard=Hysteresis(0.1))``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, IntArray
from persona_lab.protocols import State
from persona_lab.strategies.evidence import Equal, Likelihood, Votes, Weight, require, require_part

MEMORY, GUARD = ("init", "absorb", "belief"), ("init", "watch", "show")
"""What makes a memory, and a guard."""


class Memory(Protocol):
    """How evidence accumulates and fades."""

    def init(self, options: int, streams: int) -> State:
        """Return the state before any feedback."""
        ...

    def absorb(self, state: State, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> State:
        """Return the state after ``evidence`` (options, streams) of ``weight`` (streams,) came ``elapsed`` days on."""
        ...

    def belief(self, state: State, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        ...


class Guard(Protocol):
    """What keeps the visible choice from flapping."""

    def init(self, options: int, streams: int) -> State:
        """Return the state before anything was shown."""
        ...

    def watch(self, state: State, belief: FloatArray, given: Feedback) -> State:
        """Return the state after ``given``, with the memory's new ``belief``."""
        ...

    def show(self, state: State, belief: FloatArray) -> FloatArray:
        """Return the belief to act on: the guard may rearrange it, its arg max is what is shown."""
        ...


class ComposedState(NamedTuple):
    """State of a :class:`Composed` rule: the memory's, the guard's (empty without), how many options (streams,)."""

    memory: State
    guard: State
    options: IntArray


@dataclass(frozen=True, slots=True)
class Composed:
    """A rule put together from parts.

    Use it to try an idea, or to add a weight or a guard to a rule that lacks one. It fails where parts do not fit:
    averaging memories take :class:`~persona_lab.strategies.evidence.Votes`, Bayesian ones
    :class:`~persona_lab.strategies.evidence.Noisy`.

    Parameters
    ----------
    memory
        How evidence accumulates and fades.
    likelihood
        What a feedback says about each option.
    weight
        How much it counts.
    guard
        What keeps the visible choice from flapping, None for nothing.
    """

    memory: Memory
    likelihood: Likelihood = field(default_factory=Votes)
    weight: Weight = field(default_factory=Equal)
    guard: Guard | None = None

    def __post_init__(self) -> None:
        require_part(self, "memory", MEMORY, "a memory")
        require(self, "likelihood", _is_function, "a likelihood, such as Votes()")
        require(self, "weight", _is_function, "a weight, such as Equal()")
        if self.guard is not None:
            require_part(self, "guard", GUARD, "a guard, or None")

    def init(self, options: int, streams: int) -> ComposedState:
        """Return the state before any feedback."""
        guard = () if self.guard is None else self.guard.init(options, streams)
        return ComposedState(self.memory.init(options, streams), guard, np.full(streams, options, dtype=np.int16))

    def update(self, state: ComposedState, given: Feedback) -> ComposedState:
        """Return the state after one feedback per stream; pure."""
        # No stream, no entry that tells how many options there are: the (empty) belief still has that many rows.
        known = state.options.size > 0
        options = int(state.options[0]) if known else self.memory.belief(state.memory).shape[0]
        evidence = self.likelihood(given, options)
        memory = self.memory.absorb(state.memory, evidence, self.weight(given), given.elapsed)
        if self.guard is None:
            return state._replace(memory=memory)
        return state._replace(memory=memory, guard=self.guard.watch(state.guard, self.memory.belief(memory), given))

    def belief(self, state: ComposedState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities to act on."""
        belief = self.memory.belief(state.memory, elapsed)
        return belief if self.guard is None else self.guard.show(state.guard, belief)


def _is_function(part: Any) -> bool:
    return callable(part) and not isinstance(part, type)
