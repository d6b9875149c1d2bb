"""What the checks have in common: a history of every kind of feedback, a rule's way through it, bitwise comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, feedback
from persona_lab.protocols import State, UpdateStrategy
from persona_lab.randomness import generator

STEPS = 40


class Course(NamedTuple):
    """States and beliefs after each step, the first entry before any feedback."""

    states: list[State]
    beliefs: list[FloatArray]


def feedback_history(streams: int, options: int, purpose: str = "history") -> list[Feedback]:
    """Return ``STEPS`` feedbacks of every kind, weight, gap, session and source; padded lanes look like silence."""
    chance = generator(0, f"checks/{purpose}", options)
    proposed = chance.integers(0, options, (STEPS, streams))
    wanted = chance.integers(0, options, (STEPS, streams))
    kinds = np.where(wanted == proposed, Kind.ACCEPTED, Kind.CORRECTED)
    kinds = np.where((wanted != proposed) & (chance.random((STEPS, streams)) < 0.2), Kind.DECLINED, kinds)
    kinds = np.where(chance.random((STEPS, streams)) < 0.15, Kind.SILENT, kinds)
    confidence = chance.choice([0.0, 0.3, 0.4, 0.9, 1.0, 1.0], (STEPS, streams))
    elapsed = chance.choice([0.0, 0.1, 1.0, 30.0], (STEPS, streams))
    elapsed[0] = 0.0
    session = np.cumsum(elapsed >= 1.0, axis=0)
    source = chance.integers(0, 3, (STEPS, streams))
    return [
        feedback(
            proposed=proposed[t],
            kind=kinds[t],
            corrected=np.where(kinds[t] == Kind.CORRECTED, wanted[t], NO_OPTION),
            confidence=confidence[t],
            elapsed=elapsed[t],
            session=session[t],
            source=source[t],
        )
        for t in range(STEPS)
    ]


def run_through(strategy: UpdateStrategy, options: int, history: list[Feedback]) -> Course:
    """Return every state and belief on the way through a history."""
    state = strategy.init(options, len(history[0].kind))
    states, beliefs = [state], [strategy.belief(state)]
    for given in history:
        state = strategy.update(state, given)
        states.append(state)
        beliefs.append(strategy.belief(state))
    return Course(states, beliefs)


def arrays_of(state: State) -> Iterator[NDArray[Any]]:
    """Yield the arrays of a named tuple, nested ones too."""
    if isinstance(state, tuple):
        for part in state:
            yield from arrays_of(part)
    else:
        yield np.asarray(state)


def identical(left: State, right: State, streams: BoolArray | slice = slice(None)) -> bool:
    """Return whether two states are the same bit for bit (NaN equals NaN) in the given streams."""
    pairs = zip(arrays_of(left), arrays_of(right), strict=True)
    return all(a.dtype == b.dtype and a[..., streams].tobytes() == b[..., streams].tobytes() for a, b in pairs)


def demand(condition: bool, seen: str) -> None:
    """Raise AssertionError with what was seen unless the condition holds."""
    if not condition:
        raise AssertionError(seen)
