"""The seams: every swappable part as a Protocol, signatures only.

A component is a frozen dataclass (its configuration). State is a value passed in and returned: a named tuple of
arrays whose last axis is the stream. Nothing here is subclassed; anything with these methods fits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import (
    Acceptance,
    Belief,
    Boundaries,
    Costs,
    DriftEstimate,
    Interpretation,
    Opportunity,
    ProactiveDecision,
    Statement,
    Summary,
)
from persona_lab.events import Event
from persona_lab.feedback import BoolArray, Feedback, FloatArray, IntArray

State = Any
"""A named tuple of arrays, last axis = streams; opaque to everyone but its component."""


class UpdateStrategy(Protocol):
    """How belief moves with feedback."""

    def init(self, options: int, streams: int) -> State:
        """Return the state before any feedback."""
        ...

    def update(self, state: State, given: Feedback) -> State:
        """Return the state after one feedback per stream; pure."""
        ...

    def belief(self, state: State, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities, conditional on no exception being on now.

        ``elapsed`` is in days since the last feedback: forgetting is a property of time, computed on read.
        """
        ...


class DriftDetector(Protocol):
    """When a preference has changed for good."""

    def init(self, options: int, streams: int) -> State:
        """Return the state before any feedback."""
        ...

    def update(self, state: State, given: Feedback) -> State:
        """Return the state after one feedback per stream; pure. Restarts itself on the event after an alarm."""
        ...

    def alarm(self, state: State) -> BoolArray:
        """Return (streams,) booleans: did the latest feedback raise the alarm."""
        ...

    def estimate(self, state: State) -> DriftEstimate:
        """Return since when, from what and to what, as arrays over streams."""
        ...


class SummaryStrategy(Protocol):
    """What an agent gets to read of its user; pure: same input, same bytes."""

    def __call__(
        self, beliefs: Sequence[Belief], history: Sequence[Event], purpose: str, max_chars: int | None
    ) -> Summary:
        """Return a summary whose every sentence cites the events behind it."""
        ...


class ProactivePolicy(Protocol):
    """Whether to stay silent, suggest or act."""

    def decide(
        self,
        acceptance: Belief,
        opportunity: Opportunity,
        boundaries: Boundaries,
        earlier: Sequence[datetime] = (),
    ) -> ProactiveDecision:
        """Return the decision with its reason in words; ``earlier`` are the times of previous proposals."""
        ...


class StreamPolicy(Protocol):
    """The same decision over streams: what the lab runs, and what the scalar form calls with one stream."""

    def init(self, streams: int) -> State:
        """Return the state before any answer."""
        ...

    def acceptance(self, state: State, luck: FloatArray) -> Acceptance:
        """Return the belief of acceptance now; ``luck`` is one uniform per stream, for policies that randomise."""
        ...

    def decide(self, state: State, costs: Costs, luck: FloatArray) -> IntArray:
        """Return one move per stream: 0 silent, 1 suggest, 2 act."""
        ...

    def update(self, state: State, move: IntArray, kind: IntArray) -> State:
        """Return the state after one opportunity; ``kind`` is a ``feedback.Kind``, SILENT where nobody answered."""
        ...


class Interpreter(Protocol):
    """What a statement means for the user's model."""

    def interpret(
        self, statements: Sequence[Statement], known: Mapping[str, Sequence[str]]
    ) -> Sequence[Interpretation]:
        """Return one interpretation per statement; ``known`` maps each context of the user to its options."""
        ...


class TextEncoder(Protocol):
    """Texts to vectors."""

    @property
    def name(self) -> str:
        """Name shown in tables and cache keys."""
        ...

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, dimensions) unit vectors."""
        ...


class EventStore(Protocol):
    """Where events live."""

    def append(self, events: Sequence[Event]) -> tuple[int, int]:
        """Store events; return how many were accepted and how many were duplicates."""
        ...

    def events(self, user_id: str, since: datetime | None = None) -> Sequence[Event]:
        """Return the user's events in (timestamp, arrival) order."""
        ...
