"""What detectors over K options share: counts, the latest choices, critical values given who is in play."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import own_table, restart
from persona_lab.detectors.stream import INTERVAL_TAIL, known_kinds
from persona_lab.detectors.threshold import Levels, ThresholdTable, as_levels, critical, shipped_levels
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import (
    NO_OPTION,
    BoolArray,
    Feedback,
    IntArray,
    Kind,
    fold,
    named_option,
    one_hot,
    select,
)

REMEMBERED = 48
"""Latest choices kept for explanations."""


class ChoiceTrace(NamedTuple):
    """Counts and latest choices of each stream; the last axis is the stream.

    ``counts`` (options, streams) since the latest restart, ``origin`` events before it, ``recent`` (48, streams) the
    latest choices, newest first, -1 where none; ``at_*`` the same as they stood when the latest alarm rang.
    """

    counts: NDArray[np.int32]
    origin: NDArray[np.int32]
    recent: NDArray[np.int8]
    fired: NDArray[np.bool_]
    at_counts: NDArray[np.int32]
    at_origin: NDArray[np.int32]
    at_recent: NDArray[np.int8]


class ChoiceState(NamedTuple):
    """A detector's own arrays and the shared trace."""

    core: Any
    trace: ChoiceTrace


class ChoiceDetector(Protocol):
    """A statistic over choices with a stated number of events between false alarms."""

    @property
    def arl0(self) -> float:
        """Mean events to the first false alarm."""
        ...

    @property
    def table(self) -> ThresholdTable | None:
        """Own table of critical values; None for the shipped one."""
        ...

    def name_for(self, options: int) -> str:
        """Key of the threshold table for this many options."""
        ...

    def fresh_for(self, options: int, streams: int) -> Any:
        """Return the arrays before any event."""
        ...

    def step(self, core: Any, chosen: IntArray, seen: IntArray, counts: IntArray) -> tuple[Any, NDArray[np.float32]]:
        """Return new arrays and the statistic after a choice; ``seen`` and ``counts`` (options, streams) before it."""
        ...


class ForOptions(NamedTuple):
    """A detector bound to a number of options: what calibration simulates."""

    detector: ChoiceDetector
    options: int

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        return self.detector.name_for(self.options)

    def fresh(self, streams: int) -> Any:
        """Return the arrays before any event."""
        return self.detector.fresh_for(self.options, streams)

    def step(self, core: Any, chosen: IntArray, seen: IntArray, counts: IntArray) -> tuple[Any, NDArray[np.float32]]:
        """Return new arrays and the statistic after a choice."""
        return self.detector.step(core, chosen, seen, counts)


def enough_options(owner: object, options: int) -> None:
    """Refuse fewer than two options: who cannot choose cannot change."""
    if options < 2:
        raise ConfigurationError(type(owner).__name__, "options", options, "at least 2 options")


def choice_levels(detector: ChoiceDetector, options: int) -> Levels:
    """Return the detector's critical values for this many options."""
    if detector.table is not None:
        return as_levels(detector.table, detector.arl0)
    return shipped_levels(detector.name_for(options), detector.arl0)


def start_choices(detector: ChoiceDetector, options: int, streams: int) -> ChoiceState:
    """Return the state of streams that have seen nothing.

    Raises
    ------
    ConfigurationError
        If there are fewer than two options, or critical values for this many neither ship nor fit.
    """
    enough_options(detector, options)
    own_table(detector, detector.table, detector.name_for(options))
    choice_levels(detector, options)
    counts = np.zeros((options, streams), dtype=np.int32)
    none = np.zeros(streams, dtype=np.int32)
    recent = np.full((REMEMBERED, streams), -1, dtype=np.int8)
    trace = ChoiceTrace(
        counts, none, recent, np.zeros(streams, dtype=np.bool_), counts.copy(), none.copy(), recent.copy()
    )
    return ChoiceState(detector.fresh_for(options, streams), trace)


def observe_choices(detector: ChoiceDetector, state: ChoiceState, given: Feedback) -> ChoiceState:
    """Return the state after one feedback per stream; streams whose feedback names no option stay as they are.

    Raises
    ------
    InputError
        If an answer names an option that there is not.
    """
    known_kinds(given)
    trace, options = state.trace, state.trace.counts.shape[0]
    named = named_option(given)
    active: BoolArray = (named >= 0) & (given.kind != Kind.SILENT)
    chosen = np.where(active, named, np.int8(NO_OPTION))
    if chosen.max(initial=NO_OPTION) >= options:
        raise InputError(
            f"an answer names option {chosen.max()}, but there are {options}",
            cure=f"Number the options from 0 to {options - 1}, or init the detector with more of them.",
        )
    seen = trace.counts.sum(axis=0, dtype=np.int32)  # integers: any order gives the same sum
    core, statistic = detector.step(state.core, np.where(active, chosen, 0).astype(np.int8), seen, trace.counts)
    counts = trace.counts + one_hot(chosen, options)
    over = critical(choice_levels(detector, options), statistic, seen + 1, counts)
    recent = np.empty_like(trace.recent)
    recent[0], recent[1:] = chosen, trace.recent[:-1]
    if not active.all():
        core, recent = select(active, core, state.core), np.where(active, recent, trace.recent)
        over = over[active[over]]
    moved = trace._replace(counts=counts, recent=recent, fired=np.zeros_like(trace.fired))
    blank = lambda streams: detector.fresh_for(options, streams)  # noqa: E731  # one expression, used once
    return ChoiceState(restart(blank, core, over), _ring(moved, over))


def _ring(trace: ChoiceTrace, which: NDArray[np.intp]) -> ChoiceTrace:
    if which.size == 0:
        return trace
    counts, origin, fired = trace.counts.copy(), trace.origin.copy(), trace.fired.copy()
    at_counts, at_origin, at_recent = trace.at_counts.copy(), trace.at_origin.copy(), trace.at_recent.copy()
    at_counts[:, which], at_origin[which] = counts[:, which], origin[which]
    at_recent[:, which] = trace.recent[:, which]
    origin[which] += counts[:, which].sum(axis=0)
    counts[:, which] = 0
    fired[which] = True
    return ChoiceTrace(counts, origin, trace.recent, fired, at_counts, at_origin, at_recent)


def explain_choices(trace: ChoiceTrace) -> DriftEstimate:
    """Return since when, from what to what, for the latest alarm of each stream.

    The change point's posterior gives each split the product of two Dirichlet(1) marginals and looks back at most 48
    events; shares are posterior means of the most probable split.
    """
    options, streams = trace.at_counts.shape
    whole = trace.at_counts.astype(np.float64)
    n = fold(whole)
    rung = n > 0
    late = np.zeros((REMEMBERED, options, streams))
    score = np.full((REMEMBERED, streams), -np.inf)
    for row in range(REMEMBERED):
        late[row] = (late[row - 1] if row else 0.0) + one_hot(trace.at_recent[row], options)
        possible = rung & (row + 1 < n)
        early = np.maximum(whole - late[row], 0.0)
        value = fold(gammaln(early + 1)) - gammaln(np.maximum(n - row - 1, 0) + options)
        value = value + fold(gammaln(late[row] + 1)) - gammaln(row + 1 + options)
        score[row] = np.where(possible, value, -np.inf)
    known = np.isfinite(score).any(axis=0)
    mass = np.exp(score - np.where(known, score.max(axis=0), 0.0))
    share = np.cumsum(mass / np.where(known, fold(mass), 1.0), axis=0)
    best = np.where(known, score.argmax(axis=0), 0)
    shortest = np.where(known, (share >= INTERVAL_TAIL).argmax(axis=0) + 1, 1)
    longest = np.where(known, (share >= 1.0 - INTERVAL_TAIL).argmax(axis=0) + 1, 1)
    # As in ``explain_bits``: the interval holds the most probable split, even where that lies in a tail.
    shortest, longest = np.minimum(shortest, best + 1), np.maximum(longest, best + 1)
    end = trace.at_origin + n.astype(np.int64)
    picked = late[best, :, np.arange(streams)].T

    def place(count: IntArray) -> IntArray:
        where: IntArray = np.where(rung, end - count, -1).astype(np.int64)
        return where

    after = np.where(known, (picked + 1) / (best + 1 + options), np.nan)
    before = np.where(known, (whole - picked + 1) / (n - best - 1 + options), np.nan)
    return DriftEstimate(place(best + 1), place(longest), place(shortest), before, after)
