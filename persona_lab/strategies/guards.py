"""Guards and wrappers: what keeps the visible choice from flapping, and what starts a rule afresh."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import NO_OPTION, TIE, BoolArray, Feedback, FloatArray, IntArray, Kind, one_hot, select
from persona_lab.protocols import DriftDetector, State, UpdateStrategy
from persona_lab.strategies.compose import GUARD, Guard
from persona_lab.strategies.evidence import LONGEST, require, require_part, whole

STRATEGY = ("init", "update", "belief")
"""What makes an update strategy."""


class Shown(NamedTuple):
    """State: the option on show (streams,), ``NO_OPTION`` while several are tied for it, and how long others have led.

    ``led`` is (options, streams): answers in a row after which the option led and the one on show did not.
    """

    option: IntArray
    led: IntArray


@dataclass(frozen=True, slots=True)
class Hysteresis:
    """Keep showing the old option until another leads by ``margin``, or has led for ``patience`` answers in a row.

    Use it where a change of mind on screen is itself a cost. It adds delay to every true change, so it needs a
    memory that is *faster* than one would pick alone. While it holds an option back, the leader's and the held
    option's probabilities trade places: the belief to act on is not the belief to explain, ask the wrapped rule
    for that.

    Parameters
    ----------
    margin
        Lead in probability that moves the choice at once, in [0, 1].
    patience
        Answers in a row after which any lead moves it, >= 1; None for never.
    """

    margin: float = 0.1
    patience: int | None = None

    def __post_init__(self) -> None:
        require(self, "margin", lambda value: 0.0 <= value <= 1.0, "a probability in [0, 1]")
        require(
            self, "patience", lambda value: value is None or whole(value, 1), "a whole number of answers >= 1, or None"
        )

    def init(self, options: int, streams: int) -> Shown:
        """Return the state before anything was shown."""
        return Shown(np.full(streams, NO_OPTION, dtype=np.int8), np.zeros((options, streams), dtype=np.int16))

    def watch(self, state: Shown, belief: FloatArray, given: Feedback) -> Shown:
        """Return the state after ``given``: what is on show now, and who challenges it."""
        best = belief.max(axis=0)
        near = belief >= best - TIE
        unset = state.option == NO_OPTION
        held = near & one_hot(state.option, len(belief))
        challenged = ~unset & ~held.any(axis=0)
        led = np.where(challenged & near, np.minimum(state.led, LONGEST) + 1, 0).astype(np.int16)
        ready = best - _at(belief, np.where(unset, 0, state.option)) > self.margin
        if self.patience is not None:
            ready |= led.max(axis=0) >= self.patience
        moves = unset | (challenged & ready)
        # Options tied for the lead have no rank: until one leads alone, none is held.
        leader = np.where(near.sum(axis=0) == 1, near.argmax(axis=0), NO_OPTION)
        return Shown(np.where(moves, leader, state.option).astype(np.int8), np.where(moves, 0, led).astype(np.int16))

    def show(self, state: Shown, belief: FloatArray) -> FloatArray:
        """Return the belief with the held option on top: it trades places with the leader."""
        held = one_hot(state.option, belief.shape[0])
        best = belief.max(axis=0)
        near = belief >= best - TIE
        swap: BoolArray = (state.option != NO_OPTION) & ~(held & near).any(axis=0)
        # Tied leaders share the held option's probability among them, one of their own places given up.
        own = _at(belief, np.where(swap, state.option, 0))
        many = near.sum(axis=0)
        beaten = (best * (many - 1) + own) / many
        return np.where(swap & held, best, np.where(swap & near, beaten, belief))


def _at(belief: FloatArray, option: IntArray) -> FloatArray:
    """Return the belief in one option per stream, (streams,)."""
    picked: FloatArray = np.take_along_axis(belief, option[np.newaxis].astype(np.intp), axis=0)[0]
    return picked


class GuardedState(NamedTuple):
    """State of :class:`Guarded`: the wrapped rule's and the guard's."""

    strategy: State
    guard: State


@dataclass(frozen=True, slots=True)
class Guarded:
    """Any strategy behind a guard on the choice that it shows.

    Parameters
    ----------
    strategy
        The rule to wrap; it never knows.
    guard
        What keeps the visible choice from flapping.
    """

    strategy: UpdateStrategy
    guard: Guard = field(default_factory=Hysteresis)

    def __post_init__(self) -> None:
        require_part(self, "strategy", STRATEGY, "an update strategy")
        require_part(self, "guard", GUARD, "a guard")

    def init(self, options: int, streams: int) -> GuardedState:
        """Return the state before any feedback."""
        return GuardedState(self.strategy.init(options, streams), self.guard.init(options, streams))

    def update(self, state: GuardedState, given: Feedback) -> GuardedState:
        """Return the state after one feedback per stream; pure."""
        inner = self.strategy.update(state.strategy, given)
        return GuardedState(inner, self.guard.watch(state.guard, self.strategy.belief(inner), given))

    def belief(self, state: GuardedState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities to act on."""
        return self.guard.show(state.guard, self.strategy.belief(state.strategy, elapsed))


class WatchedState(NamedTuple):
    """State of :class:`ResetOnAlarm`: the wrapped rule's and the detector's."""

    strategy: State
    detector: State


@dataclass(frozen=True, slots=True)
class ResetOnAlarm:
    """Any strategy, started afresh when any drift detector raises its alarm.

    Use it to give a slow, steady rule (a running count) a way out of the past. It is as good as the detector: an
    alarm after a burst of exceptions throws a sound belief away, a missed change leaves a stale one. The answer
    that raised the alarm is the first one that the fresh belief learns from.

    Where nothing was proposed (yes/no outcomes, unprompted choices), the detector is shown what the belief would have
    proposed: a choice that agrees counts as accepted, any other as corrected, and none counts while several options
    are tied. An answer of confidence 0 is silence to it.

    Parameters
    ----------
    strategy
        The rule to wrap.
    detector
        What raises the alarm.
    """

    strategy: UpdateStrategy
    detector: DriftDetector

    declares: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        require_part(self, "strategy", STRATEGY, "an update strategy")
        require_part(self, "detector", ("init", "update", "alarm"), "a drift detector")

    def init(self, options: int, streams: int) -> WatchedState:
        """Return the state before any feedback."""
        return WatchedState(self.strategy.init(options, streams), self.detector.init(options, streams))

    def update(self, state: WatchedState, given: Feedback) -> WatchedState:
        """Return the state after one feedback per stream; pure."""
        detector = self.detector.update(state.detector, self._shown(state, given))
        alarm = self.detector.alarm(detector)
        before: Any = state.strategy
        if alarm.any():
            options, streams = self.strategy.belief(state.strategy).shape
            before = select(alarm, self.strategy.init(options, streams), before)
        return WatchedState(self.strategy.update(before, given), detector)

    def _shown(self, state: WatchedState, given: Feedback) -> Feedback:
        """Return the feedback that the detector sees: with the proposal that the belief implies where none was made."""
        kind = np.where(given.confidence > 0.0, given.kind, Kind.SILENT).astype(np.int8)
        implied = (given.proposed == NO_OPTION) & (kind != Kind.SILENT)
        if not implied.any():
            return given._replace(kind=kind)
        belief = self.strategy.belief(state.strategy, given.elapsed)
        near = belief >= belief.max(axis=0) - TIE
        leader = near.argmax(axis=0).astype(np.int8)
        agrees = np.where(given.corrected == leader, Kind.ACCEPTED, kind)
        alone = near.sum(axis=0) == 1
        kind = np.where(implied, np.where(alone, agrees, Kind.SILENT), kind).astype(np.int8)
        corrected = np.where(implied & (kind != Kind.CORRECTED), NO_OPTION, given.corrected).astype(np.int8)
        proposed = np.where(implied & alone, leader, given.proposed).astype(np.int8)
        return given._replace(proposed=proposed, kind=kind, corrected=corrected)

    def belief(self, state: WatchedState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return self.strategy.belief(state.strategy, elapsed)
