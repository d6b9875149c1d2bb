"""The common course of a detector over bits: statistic, critical value given the stream's past, alarm, fresh start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from persona_lab.detectors.stream import Trace, Watch, advance, binary, bits, ring, start_trace
from persona_lab.detectors.threshold import Levels, ThresholdTable, as_levels, critical, shipped_levels
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, IntArray, select

Core = Any
"""A detector's own arrays, a named tuple whose last axis is the stream."""


class State(NamedTuple):
    """What a detector over bits carries: its own arrays and the trace that all of them share."""

    core: Core
    trace: Trace


class BitStatistic(Protocol):
    """A number that grows when the rate of ones has changed; the part in which detectors differ."""

    @property
    def statistic_name(self) -> str:
        """The statistic and the knobs that shape it: the key of its threshold table."""
        ...

    def fresh(self, streams: int) -> Core:
        """Return the arrays before any event."""
        ...

    def step(self, core: Core, one: BoolArray, seen: IntArray, hits: IntArray) -> tuple[Core, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event; ``seen`` and ``hits`` are the counts before it."""
        ...


class ConditionalDetector(BitStatistic, Protocol):
    """A statistic with a stated number of events between false alarms."""

    @property
    def arl0(self) -> float:
        """Mean events to the first false alarm."""
        ...

    @property
    def watch(self) -> Watch:
        """What counts as a one."""
        ...

    @property
    def table(self) -> ThresholdTable | None:
        """Own table of critical values; None for the shipped one."""
        ...


def start(detector: ConditionalDetector, options: int, streams: int) -> State:
    """Return the state of streams that have seen nothing."""
    binary(detector, detector.watch, options)
    check_table(detector)
    return State(detector.fresh(streams), start_trace(streams))


def observe(detector: ConditionalDetector, state: State, given: Feedback) -> State:
    """Return the state after one feedback per stream."""
    active, one = bits(given, detector.watch)
    core, statistic = detector.step(state.core, one, state.trace.seen, state.trace.hits)
    trace = advance(state.trace, active, one)
    over = critical(levels_of(detector), statistic, trace.seen, trace.hits)
    if not active.all():
        core = select(active, core, state.core)
        over = over[active[over]]
    return State(restart(detector.fresh, core, over), ring(trace, over))


def restart(fresh: Callable[[int], Core], core: Core, which: NDArray[np.intp]) -> Core:
    """Put the streams ``which`` back to the start, in the arrays that the step has just made."""
    if which.size:
        for array, blank in zip(core, fresh(1), strict=True):
            array[..., which] = blank
    return core


def levels_of(detector: ConditionalDetector) -> Levels:
    """Return the detector's critical values."""
    if detector.table is None:
        return shipped_levels(detector.statistic_name, detector.arl0)
    return as_levels(detector.table, detector.arl0)


def check_table(detector: ConditionalDetector) -> None:
    """Refuse a table that was made for another statistic, and an ARL0 that the table does not reach."""
    own_table(detector, detector.table, detector.statistic_name)
    levels_of(detector)


def own_table(owner: object, table: ThresholdTable | None, statistic: str) -> None:
    """Refuse an own table that is none, or one of another statistic."""
    if table is None:
        return
    given = table.statistic if isinstance(table, ThresholdTable) else table
    if given != statistic:
        raise ConfigurationError(type(owner).__name__, "table", given, f"a table of {statistic!r}")
