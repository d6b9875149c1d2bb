"""The canonical log frame: one row per event, one documented schema, checked on eager frames.

Rows are in the total order (timestamp, arrival), the same in lab and engine.

================== ============= ===========================================================================
column             type          meaning
================== ============= ===========================================================================
``event_id``       text          unique in the log
``user_id``        text          whose event it is
``context``        text          what the preference is about
``stream``         text          user / context, divided further where the recipe says so
``timestamp``      datetime, UTC microseconds
``arrival``        int           place among events of the same time: order in the file
``row``            int           data row (JSONL: line) in the file, from 1
``type``           text          event type on the wire
``kind``           text or null  accepted, declined, corrected, silent; null = plain activity
``proposed``       text or null  option that the agent proposed
``corrected``      text or null  option that the user named; set if and only if ``kind`` is corrected
``confidence``     float         weight of the event, 0 to 1
``session``        text          session label, else the day
``source``         text          who reported it
``propensity``     float or null probability with which the agent chose its proposal, in (0, 1]
``true_parameter`` float or null hidden rate of the last option after the event, 0 to 1
``content``        text          what was said
``metadata``       text          JSON object: what the log knew beside
``reference_*``    float or null forecasts of the last option's rate that came with the log, made after the event
================== ============= ===========================================================================
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl

REFERENCE = "reference_"
TIMESTAMP = pl.Datetime("us", "UTC")

COLUMNS: dict[str, pl.DataType] = {
    "event_id": pl.String(),
    "user_id": pl.String(),
    "context": pl.String(),
    "stream": pl.String(),
    "timestamp": TIMESTAMP,
    "arrival": pl.Int64(),
    "row": pl.Int64(),
    "type": pl.String(),
    "kind": pl.String(),
    "proposed": pl.String(),
    "corrected": pl.String(),
    "confidence": pl.Float64(),
    "session": pl.String(),
    "source": pl.String(),
    "propensity": pl.Float64(),
    "true_parameter": pl.Float64(),
    "content": pl.String(),
    "metadata": pl.String(),
}
"""Canonical columns in order; ``reference_*`` columns follow."""

KINDS = ("accepted", "declined", "corrected", "silent")


def _corrected_iff_kind(data: pa.PolarsData) -> pl.LazyFrame:
    named = pl.col("corrected").is_not_null() == (pl.col("kind") == "corrected").fill_null(False)
    return data.lazyframe.select(named)


_NAMED = pa.Check.str_length(min_value=1)
_SHARE = pa.Check.in_range(0.0, 1.0)
_CHECKS: dict[str, list[pa.Check]] = {
    "event_id": [_NAMED],
    "user_id": [_NAMED],
    "context": [_NAMED],
    "arrival": [pa.Check.ge(0)],
    "row": [pa.Check.ge(1)],
    "type": [_NAMED],
    "kind": [pa.Check.isin(list(KINDS))],
    "confidence": [_SHARE],
    "propensity": [pa.Check.in_range(0.0, 1.0, include_min=False)],
    "true_parameter": [_SHARE],
}
_NULLABLE = ("kind", "proposed", "corrected", "propensity", "true_parameter")

LOG_FRAME = pa.DataFrameSchema(
    {
        name: pa.Column(dtype, _CHECKS.get(name), nullable=name in _NULLABLE, unique=name == "event_id")
        for name, dtype in COLUMNS.items()
    }
    | {f"^{REFERENCE}.+$": pa.Column(pl.Float64(), [_SHARE], nullable=True, regex=True, required=False)},
    checks=[pa.Check(_corrected_iff_kind, name="corrected is set if and only if kind is corrected")],
    ordered=True,
    strict=True,
)
"""The Pandera schema of the table above."""


def checked(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` checked, values included.

    Raises
    ------
    TypeError
        For a LazyFrame: Pandera would check its schema only, and bad values would pass in silence.
    pandera.errors.SchemaError
        Where the frame breaks the schema; the loaders report bad input themselves, so this means a fault of theirs.
    """
    if isinstance(frame, pl.LazyFrame):
        raise TypeError("collect the frame first: Pandera checks only the schema of a LazyFrame.")
    LOG_FRAME.validate(frame)
    return frame
