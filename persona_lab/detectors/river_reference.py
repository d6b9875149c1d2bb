"""Detectors of the river library, wrapped as references: what most teams run today."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from persona_lab.contracts import DriftEstimate
from persona_lab.detectors.stream import (
    Trace,
    Watch,
    advance,
    binary,
    bits,
    explain_bits,
    known_watch,
    ring,
    start_trace,
)
from persona_lab.errors import ConfigurationError, MissingExtraError
from persona_lab.feedback import BoolArray, Feedback, IntArray

RiverKind = Literal["ADWIN", "DDM", "KSWIN", "HDDM_A", "HDDM_W", "PageHinkley"]

ERRORS = ("DDM", "HDDM_A", "HDDM_W")
"""These take errors (1 = rejected) rather than outcomes."""


class RiverState(NamedTuple):
    """One river object per stream, and the shared trace."""

    objects: tuple[Any, ...]
    trace: Trace


@dataclass(frozen=True)
class RiverReference:
    """One river detector per stream, for comparison only.

    Use it to see what a library's detector does on your streams; it is a Python object per stream, thousands of times
    slower than the detectors of this package, knows no ARL0, and holds no false-alarm rate for people of different base
    rates. Its state holds river objects, which change in place: this wrapper alone is not pure, so never reuse an old
    state. Needs the extra ``test``. Source: river 0.26.1.

    Parameters
    ----------
    kind
        ``"ADWIN"``, ``"DDM"``, ``"KSWIN"``, ``"HDDM_A"``, ``"HDDM_W"`` or ``"PageHinkley"``.
    knobs
        Passed on to river as they are; (name, value) pairs.
    watch
        What is a one: ``"acceptance"``, or ``"option"`` 1 of two. DDM and HDDM are given errors, 1 minus it.
    """

    kind: RiverKind = "ADWIN"
    knobs: tuple[tuple[str, Any], ...] = field(default=())
    watch: Watch = "acceptance"

    def __post_init__(self) -> None:
        if self.kind not in ("ADWIN", "DDM", "KSWIN", "HDDM_A", "HDDM_W", "PageHinkley"):
            raise ConfigurationError(
                "RiverReference", "kind", self.kind, "ADWIN, DDM, KSWIN, HDDM_A, HDDM_W or PageHinkley"
            )
        known_watch(self, self.watch)

    def init(self, options: int, streams: int) -> RiverState:
        """Return the state before any feedback.

        Raises
        ------
        MissingExtraError
            If river is not installed.
        """
        binary(self, self.watch, options)
        return RiverState(tuple(self._object() for _ in range(streams)), start_trace(streams))

    def first_alarms(self, ones: BoolArray) -> IntArray:
        """Return the event of each stream's first alarm, -1 where none; ``ones`` is (events, streams).

        The same alarms as :meth:`update`, without arrays in between and no further than the first.
        """
        first: IntArray = np.full(ones.shape[1], -1, dtype=np.int64)
        values = (~ones if self.kind in ERRORS else ones).astype(np.int8)
        for stream in range(ones.shape[1]):
            single = self._object()
            for t, value in enumerate(values[:, stream].tolist()):
                single.update(value)
                if single.drift_detected:
                    first[stream] = t
                    break
        return first

    def _object(self) -> Any:
        try:
            from river import drift
        except ImportError as error:
            raise MissingExtraError("RiverReference", "test") from error
        maker = {
            "ADWIN": drift.ADWIN,
            "KSWIN": drift.KSWIN,
            "PageHinkley": drift.PageHinkley,
            "DDM": drift.binary.DDM,
            "HDDM_A": drift.binary.HDDMA,
            "HDDM_W": drift.binary.HDDMW,
        }[self.kind]
        return maker(**dict(self.knobs))

    def update(self, state: RiverState, given: Feedback) -> RiverState:
        """Return the state after one feedback per stream (river's objects change in place)."""
        active, one = bits(given, self.watch)
        value = ~one if self.kind in ERRORS else one
        fired = np.zeros(active.shape, dtype=np.bool_)
        # river has no arrays: the one Python loop over streams in this package.
        for i in np.flatnonzero(active):
            state.objects[i].update(int(value[i]))
            fired[i] = state.objects[i].drift_detected
        return RiverState(state.objects, ring(advance(state.trace, active, one), np.flatnonzero(fired)))

    def alarm(self, state: RiverState) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        return state.trace.fired

    def estimate(self, state: RiverState) -> DriftEstimate:
        """Return since when, from what to what, for the latest alarm of each stream."""
        return explain_bits(state.trace, 2)
