"""A drift detector that allows for one bad day: Shiryaev-Roberts with an exception state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.conditional import own_table, restart
from persona_lab.detectors.stream import (
    Direction,
    Trace,
    Watch,
    advance,
    binary,
    bits,
    explain_bits,
    known_direction,
    known_watch,
    positive,
    probability,
    ring,
    sizes,
    start_trace,
)
from persona_lab.detectors.threshold import Levels, ThresholdTable, as_levels, critical, shipped_levels
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, FloatArray, IntArray, select

CEILING = np.float32(1e30)
LEAN, AGAINST, EVEN = 8.0, 2.0, 2.0
"""The running rate starts at Beta(8, 2) of what a change makes rarer; at Beta(2, 2) where both directions are looked
at, since whoever starts far from one side's prior looks changed to it for tens of events."""

SIDES = {"down": (True,), "up": (False,), "both": (True, False)}
"""By direction: for each filter, whether it looks for a fall of ones."""


class ExceptionCore(NamedTuple):
    """Weights relative to "nothing has changed, no exception on".

    ``burst`` (sides, streams): nothing has changed, an exception is on; ``changed`` and ``changed_burst`` (sides x
    shifts, streams): the same after a change. A side is a direction looked at. ``session`` (streams,): the session of
    the latest event, and ``opened`` whether there was one.
    """

    burst: NDArray[np.float32]
    changed: NDArray[np.float32]
    changed_burst: NDArray[np.float32]
    session: NDArray[np.int32]
    opened: NDArray[np.bool_]


class ExceptionState(NamedTuple):
    """The filter and the shared trace."""

    core: ExceptionCore
    trace: Trace


@dataclass(frozen=True)
class ExceptionAware:
    """Tells a changed person from one bad session.

    Use it where rejects come in bursts that mean nothing for tomorrow (a sick day, a one-off errand) and where streams
    have sessions or days. A filter over four states, changed or not times exception on or not: exceptions begin with
    ``rate`` an event, reject with probability ``severity`` (accept, where a rise is looked for: the day on which a
    person waves everything through), end with ``ending`` an event and at the latest with the session. Evidence for a
    change is the changed states' weight over the others', so a run that an exception explains as well counts little
    until the next session confirms it. The price is a longer delay (printed by ``studies.drift``); without exceptions
    in your data ``ShiryaevRoberts`` is quicker. Of what a stream offers it uses sessions, the structure of runs, and
    confidence (an event of confidence c counts as likelihood ** c, and a change may have come before it by as much);
    context tags it does not: a stream is one context, so whoever tags events by context gives each its own stream.
    Sources: Shiryaev 1963; hidden Markov forward algorithm (Rabiner 1989, equations 19 to 21).

    Parameters
    ----------
    arl0
        Mean events to the first false alarm, 20 to 5000, for streams whose sessions hold 1 to 8 events; longer or
        shorter sessions move it (``calibration.calibrate`` makes an own table). At base rates .5, .85
        and .98 the true value is from 4 % below to 9 % above 200, 1,000 and 5,000; looking both ways within 12 % of
        them at .5 and .85, while people who accept 98 % ring late (15 % at 1,000, 26 % at 5,000; at 200 some never do).
    direction
        ``"down"``: fewer ones; ``"up"``; ``"both"``.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two.
    shifts
        Sizes of change to look for, in log-odds.
    rate
        Probability that an exception begins, an event.
    severity
        Probability of a reject (of an accept, on the side that looks for a rise) during an exception.
    ending
        Probability that an exception ends, an event.
    table
        Own critical values.
    """

    arl0: float = 1000.0
    direction: Direction = "down"
    watch: Watch = "acceptance"
    shifts: tuple[float, ...] = (1.5, 2.5)
    rate: float = 0.03
    severity: float = 0.95
    ending: float = 0.1
    table: ThresholdTable | None = None

    def __post_init__(self) -> None:
        known_watch(self, self.watch)
        known_direction(self, self.direction)
        positive(self, "arl0", self.arl0)
        for name in ("rate", "severity", "ending"):
            probability(self, name, getattr(self, name))
        sizes(self, "shifts", self.shifts)

    @property
    def statistic_name(self) -> str:
        """Key of the threshold table."""
        shape = "-".join(f"{value:g}" for value in (*self.shifts, self.rate, self.severity, self.ending))
        return f"exception-aware-{self.direction}-{shape}"

    def fresh(self, streams: int) -> ExceptionCore:
        """Return the arrays before any event."""
        sides = len(SIDES[self.direction])
        shape = (sides * len(self.shifts), streams)
        return ExceptionCore(
            np.zeros((sides, streams), dtype=np.float32),
            np.zeros(shape, dtype=np.float32),
            np.zeros(shape, dtype=np.float32),
            np.zeros(streams, dtype=np.int32),
            np.zeros(streams, dtype=np.bool_),
        )

    def step_in_session(
        self,
        core: ExceptionCore,
        one: BoolArray,
        seen: IntArray,
        hits: IntArray,
        session: IntArray,
        confidence: FloatArray | float = 1.0,
    ) -> tuple[ExceptionCore, NDArray[np.float32]]:
        """Return new arrays and the statistic after an event in ``session``."""
        fresh_session = (session != core.session) | ~core.opened
        # An exception that was on stays on with 1 - ending, and never into the next session.
        stay = np.where(fresh_session, np.float32(0), np.float32(1 - self.ending))
        weight = np.asarray(confidence, dtype=np.float32)
        # A NaN would stay in the filter for ever and silence the stream.
        if not ((weight >= 0) & (weight <= 1)).all():
            raise ConfigurationError("ExceptionAware", "confidence", "a value that is none", "numbers from 0 to 1")
        burst, changed, changed_burst = (np.empty_like(array) for array in core[:3])
        statistic = np.zeros(one.shape, dtype=np.float32)
        for side, falls in enumerate(SIDES[self.direction]):
            # A rise of ones is a fall of zeros.
            good = one if falls else ~one
            goods = hits if falls else seen - hits
            rows = slice(side * len(self.shifts), (side + 1) * len(self.shifts))
            burst[side], changed[rows], changed_burst[rows], evidence = self._side(
                core.burst[side], core.changed[rows], core.changed_burst[rows], good, goods, seen, stay, weight
            )
            statistic += evidence
        statistic *= np.float32(1 / changed.shape[0])
        moved = ExceptionCore(burst, changed, changed_burst, session.astype(np.int32), np.ones_like(core.opened))
        return moved, np.minimum(statistic, CEILING)

    def _side(
        self,
        burst: NDArray[np.float32],
        changed: NDArray[np.float32],
        changed_burst: NDArray[np.float32],
        one: BoolArray,
        hits: IntArray,
        seen: IntArray,
        stay: NDArray[np.float32],
        weight: NDArray[np.float32],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Move the filter that looks for fewer ones; return its weights and the evidence summed over shifts."""
        begin = np.float32(self.rate)
        lean, against = (EVEN, EVEN) if self.direction == "both" else (LEAN, AGAINST)
        rate = (hits.astype(np.float32) + np.float32(lean)) / (seen.astype(np.float32) + np.float32(lean + against))
        certain = bool((weight == 1).all())

        def told(probability: NDArray[np.float32]) -> NDArray[np.float32]:
            return probability if certain else np.power(probability, weight)

        bad = told(np.where(one, np.float32(1 - self.severity), np.float32(self.severity)))
        usual = told(np.where(one, rate, np.float32(1) - rate))
        leaves = np.float32(1) - stay
        calm = (np.float32(1) + burst * leaves) * (np.float32(1) - begin)
        storm = burst * stay + (np.float32(1) + burst * leaves) * begin
        calm_now, storm_now = calm * usual, storm * bad
        on = storm_now / calm_now
        new_changed, new_burst = np.empty_like(changed), np.empty_like(changed_burst)
        evidence = np.zeros_like(on)
        for row, shift in enumerate(self.shifts):
            factor = np.float32(np.exp(-shift))
            lower = factor * rate / (np.float32(1) + (factor - np.float32(1)) * rate)
            after = told(np.where(one, lower, np.float32(1) - lower))
            free = changed[row] + changed_burst[row] * leaves
            held = changed_burst[row] * stay
            # A change may come before every event: the unchanged weight moves over, as in R <- (1 + R) L, by as much as
            # the event counts; else events that say nothing would add up to evidence.
            new_changed[row] = (free * (np.float32(1) - begin) + calm * weight) * after / calm_now
            new_burst[row] = (held + free * begin + storm * weight) * bad / calm_now
            evidence += new_changed[row] + new_burst[row]
        evidence /= np.float32(1) + on
        return (
            np.minimum(on, CEILING),
            np.minimum(new_changed, CEILING),
            np.minimum(new_burst, CEILING),
            evidence,
        )

    def init(self, options: int, streams: int) -> ExceptionState:
        """Return the state before any feedback."""
        binary(self, self.watch, options)
        own_table(self, self.table, self.statistic_name)
        self.levels()
        return ExceptionState(self.fresh(streams), start_trace(streams))

    def levels(self) -> Levels:
        """Return the critical values in use."""
        if self.table is None:
            return shipped_levels(self.statistic_name, self.arl0)
        return as_levels(self.table, self.arl0)

    def update(self, state: ExceptionState, given: Feedback) -> ExceptionState:
        """Return the state after one feedback per stream."""
        active, one = bits(given, self.watch)
        before = state.trace
        core, statistic = self.step_in_session(
            state.core, one, before.seen, before.hits, given.session, given.confidence
        )
        trace = advance(before, active, one)
        over = critical(self.levels(), statistic, trace.seen, trace.hits)
        if not active.all():
            core = select(active, core, state.core)
            over = over[active[over]]
        return ExceptionState(restart(self.fresh, core, over), ring(trace, over))

    def alarm(self, state: ExceptionState) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: ExceptionState) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_bits(state.trace, 2)
