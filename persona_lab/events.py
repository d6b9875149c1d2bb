"""The wire: events as the vendor documents show them, strict in types, open in metadata.

One place reads an event as an answer (:func:`read_answer`), for the lab's logs and the engine alike.

Metadata keys with a meaning; every other key is kept as it came:

=================== ==============================================================================
``context``         what the preference is about; absent = ``"general"``
``status``          what became of the proposal, see :data:`STATUSES`; unknown words are kept, and teach nothing
``proposed``        the option the agent proposed (also ``proposal``, ``suggested``)
``corrected``       the option the user named (also ``corrected_to``; ``option_chosen`` of a decision)
``option``          the option the event is about: the named one of a correction, else the proposed one
``propensity``      probability with which the agent chose its proposal
``session``         session label; absent = the day (UTC)
``stream``          divides a user's context further; a new label starts afresh
``weight``          0 to 1, as at top level (also ``confidence``)
``true_parameter``  hidden rate of the last option, where an experiment knows it
=================== ==============================================================================
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    field_validator,
)

SCHEMA_VERSION = 1
"""Version of the wire form that this package writes; a higher one is refused."""

DEFAULT_CONTEXT = "general"

STATUSES: dict[str, str] = {
    "accepted": "accepted",
    "approved": "accepted",
    "confirmed": "accepted",
    "completed": "accepted",
    "positive": "accepted",
    "declined": "declined",
    "rejected": "declined",
    "dismissed": "declined",
    "negative": "declined",
    "corrected": "corrected",
    "changed": "corrected",
    "edited": "corrected",
    "silent": "silent",
    "ignored": "silent",
    "no_response": "silent",
    "expired": "silent",
}
"""Status words of the wire -> the four kinds of feedback."""

UnitWeight = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False, strict=True)]
_WEIGHT: TypeAdapter[float] = TypeAdapter(UnitWeight)


_NUMBER = re.compile(r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", re.IGNORECASE)


def _text_or_datetime(value: object) -> object:
    # pydantic would take a bare number as seconds since 1970, or milliseconds when it is large: no guessing here.
    if not isinstance(value, str | datetime) or (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise ValueError("a timestamp is ISO 8601 text with its offset, such as 2025-10-27T15:00:00Z")
    return value


def _within_the_calendar(value: datetime) -> datetime:
    try:
        value.astimezone(UTC)
    except OverflowError:
        raise ValueError("the timestamp lies outside the years 1 to 9999 in UTC") from None
    return value


def _whole_text(value: str) -> str:
    # JSON may escape half of a surrogate pair, which no file and no table can hold.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("the text holds half of a surrogate pair") from None
    return value


Timestamp = Annotated[AwareDatetime, BeforeValidator(_text_or_datetime), AfterValidator(_within_the_calendar)]
Text = Annotated[str, AfterValidator(_whole_text)]


class Event(BaseModel):
    """One event on the wire; unknown types and metadata are kept, never refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: Text = Field(min_length=1)
    type: Text = Field(min_length=1)
    timestamp: Timestamp
    metadata: dict[str, Any] = Field(default_factory=dict)
    content: Text = ""
    weight: UnitWeight | None = None
    confidence: UnitWeight | None = None

    @field_validator("metadata")
    @classmethod
    def _finite_metadata(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        # Raises on NaN and infinity, at any depth.
        _whole_text(json.dumps(metadata, allow_nan=False, ensure_ascii=False, default=str))
        for key in ("weight", "confidence"):
            if metadata.get(key) is not None:
                _WEIGHT.validate_python(metadata[key])
        return metadata


class LoggedEvent(Event):
    """An event in a log file: with its user and source, which on the wire stand around the batch."""

    user_id: Text = Field(min_length=1)
    source: Text = ""
    schema_version: int = Field(default=SCHEMA_VERSION, strict=True, ge=1)


class IngestRequest(BaseModel):
    """A batch as ``POST /ingest`` takes it; a line of a JSONL log may be one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user_id: Text = Field(min_length=1)
    source: Text = ""
    events: list[Event]
    documents: list[dict[str, Any]] = Field(default_factory=list)
    options: dict[str, Any] = Field(default_factory=dict)
    schema_version: int = Field(default=SCHEMA_VERSION, strict=True, ge=1)

    def logged(self) -> list[LoggedEvent]:
        """Return the batch's events, each with its user and source."""
        return [
            LoggedEvent(
                **event.model_dump(), user_id=self.user_id, source=self.source, schema_version=self.schema_version
            )
            for event in self.events
        ]


class Answer(NamedTuple):
    """What an event says as feedback.

    ``kind`` is ``"accepted"``, ``"declined"``, ``"corrected"`` or ``"silent"``; None for plain activity, which feeds
    routines and moves no belief. ``corrected`` is set if and only if ``kind`` is ``"corrected"``.
    """

    context: str
    kind: str | None
    proposed: str | None
    corrected: str | None
    confidence: float


def read_answer(event: Event) -> Answer:
    """Return what ``event`` says as feedback; structured fields only, its text is the interpreter's.

    ``status`` decides where it is known. Without one the type does: a correction is a correction where it names an
    option and a decline where it does not, an outcome is an acceptance, a decision names the option chosen. Declining
    while naming another option is a correction; so is accepting while naming another one. A correction that names
    nothing is a decline.
    """
    metadata = event.metadata
    status = metadata.get("status")
    kind = STATUSES.get(str(status).strip().lower()) if status is not None else None
    proposed = _first(metadata, "proposed", "proposal", "suggested")
    named = _first(metadata, "corrected", "corrected_to", "option_chosen")
    option = _first(metadata, "option")
    if kind is None and status is None:
        kind = {"correction": "declined", "outcome": "accepted"}.get(event.type)
    if option is not None:
        if event.type in ("correction", "decision") and named is None and kind not in ("accepted", "silent"):
            named = option
        elif proposed is None:
            proposed = option
    if kind != "silent" and named is not None and event.type in ("correction", "outcome", "decision"):
        kind = "accepted" if named == proposed else "corrected"
    elif kind == "corrected":
        kind = "corrected" if named is not None else "declined"
    context = _first(metadata, "context") or DEFAULT_CONTEXT
    return Answer(context, kind, proposed, named if kind == "corrected" else None, event_confidence(event))


def event_confidence(event: Event) -> float:
    """Return how much the event counts, 0 to 1; 1 where it does not say.

    ``weight`` goes before ``confidence``, the top level before metadata.
    """
    for value in (
        event.weight,
        event.confidence,
        event.metadata.get("weight"),
        event.metadata.get("confidence"),
    ):
        if value is not None:
            return float(value)
    return 1.0


def _first(metadata: dict[str, Any], *keys: str) -> str | None:
    for key in keys:
        value = metadata.get(key)
        if value is not None and not isinstance(value, dict | list):
            text = str(value).strip()
            if text:
                return text
    return None
