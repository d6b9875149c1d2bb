"""The wire: events as the vendor documents show them, strict in types, open in metadata."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

UnitWeight = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False, strict=True)]


class Event(BaseModel):
    """One event on the wire; unknown types and metadata are kept, never refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event_id: str = Field(min_length=1)
    type: str = Field(min_length=1)
    timestamp: AwareDatetime
    metadata: dict[str, Any] = Field(default_factory=dict)
    content: str = ""
    weight: UnitWeight | None = None
    confidence: UnitWeight | None = None
