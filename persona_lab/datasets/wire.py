"""Logs in wire form: JSONL, Parquet and CSV, in and out, and what they mean as canonical rows.

A JSONL line is an event with its user and source, or a whole ``POST /ingest`` batch. Parquet and CSV hold the same
fields as columns, metadata as JSON text. Writing and reading again gives the same events.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ValidationError

from persona_lab.datasets.mapping import BadRow
from persona_lab.datasets.schema import COLUMNS, REFERENCE
from persona_lab.datasets.tables import (
    CSV_ENDINGS,
    JSONL_ENDINGS,
    PARQUET_ENDINGS,
    check_readable,
    ending,
    json_lines,
    read_table,
    write_parquet,
    write_whole,
)
from persona_lab.errors import InputError
from persona_lab.events import SCHEMA_VERSION, IngestRequest, LoggedEvent, read_answer

FIELDS = (
    *("schema_version", "user_id", "source", "event_id", "type"),
    *("timestamp", "content", "weight", "confidence", "metadata"),
)
"""Wire fields in the order of the columns."""

REQUIRED = ("user_id", "event_id", "type", "timestamp")
_LIFTED = ("propensity", "true_parameter")


def read_events(path: str | Path, *, encoding: str = "utf-8") -> list[LoggedEvent]:
    """Return every event of a log in wire form, in file order.

    Raises
    ------
    InputError
        For a bad file, or at the first bad row, with its row, column, value and cure.
    """
    path = Path(path)
    found, bad = scan_events(path, encoding=encoding)
    if bad:
        raise bad[0].error(str(path), others=len(bad) - 1)
    return [event for _, event in found]


def write_events(events: Iterable[LoggedEvent], path: str | Path, *, encoding: str = "utf-8") -> None:
    """Write events as JSONL, Parquet or CSV, by the ending of ``path``; the whole file or none."""
    path = Path(path)
    rows = [event.model_dump(mode="json") for event in events]
    kind = ending(path)
    if kind in JSONL_ENDINGS:
        lines = [
            json.dumps({key: value for key, value in row.items() if value is not None}, ensure_ascii=False)
            for row in ({name: row[name] for name in FIELDS} for row in rows)
        ]
        text = "".join(line + "\n" for line in lines)
        write_whole(path, lambda temporary: temporary.write_bytes(_encoded(text, encoding, path)))
        return
    types: dict[str, pl.DataType] = {
        name: pl.Float64() if name in ("weight", "confidence") else pl.String() for name in FIELDS
    }
    types["schema_version"] = pl.Int64()
    flat = [row | {"metadata": json.dumps(row["metadata"], ensure_ascii=False)} for row in rows]
    frame = pl.DataFrame([{name: row[name] for name in FIELDS} for row in flat], schema=types)
    if kind in PARQUET_ENDINGS:
        write_parquet(frame, path)
    elif kind in CSV_ENDINGS:
        text = frame.write_csv(separator="\t" if kind == ".tsv" else ",")
        write_whole(path, lambda temporary: temporary.write_bytes(_encoded(text, encoding, path)))
    else:
        raise InputError(
            "the ending says no format that can be written",
            file=str(path),
            value=path.suffix,
            cure="Use .jsonl, .parquet or .csv.",
        )


def scan_events(path: Path, *, encoding: str = "utf-8") -> tuple[list[tuple[int, LoggedEvent]], list[BadRow]]:
    """Return (row, event) of the good rows and the bad rows; a later schema version refuses the file."""
    check_readable(path)
    if ending(path) in JSONL_ENDINGS:
        rows: Iterable[tuple[int, dict[str, Any]]] = json_lines(path, encoding)
    else:
        table = read_table(path, encoding)
        missing = [name for name in REQUIRED if name not in table.columns]
        if missing:
            raise InputError(
                "this is no log in wire form",
                file=str(path),
                column=missing[0],
                cure=f"Pass --recipe to say which column is what. The file has: {', '.join(table.columns)}.",
            )
        rows = _table_rows(table)
    found: list[tuple[int, LoggedEvent]] = []
    bad: list[BadRow] = []
    count = 0
    for number, row in rows:
        count += 1
        _check_version(row.get("schema_version"), number, path)
        try:
            found.extend((number, event) for event in _parse(row))
        except ValidationError as error:
            bad.append(_as_bad_row(error, number, row))
        except _BadMetadata as error:
            bad.append(BadRow(number, "metadata", error.value, "metadata is no JSON object", "Write it as JSON text."))
    if count == 0 or not (found or bad):
        raise InputError("the file holds no rows", file=str(path), cure="Export the log again.")
    return found, bad


def canonical(found: Sequence[tuple[int, LoggedEvent]]) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return canonical rows (not yet in order) of wire events, and the rows whose numbers cannot be used."""
    rows: list[dict[str, Any]] = []
    bad: list[BadRow] = []
    references: set[str] = set()
    for arrival, (number, event) in enumerate(found):
        answer = read_answer(event)
        metadata = event.metadata
        lifted: dict[str, float | None] = {}
        for key in (*_LIFTED, *(key for key in metadata if key.startswith(REFERENCE))):
            value = metadata.get(key)
            if key == REFERENCE:
                bad.append(BadRow(number, f"metadata.{key}", value, "a reference has no name", "Name it."))
                break
            if value is not None and not _is_share(value, positive=key == "propensity"):
                cure = "Write a number above 0 and up to 1." if key == "propensity" else "Write a number from 0 to 1."
                bad.append(BadRow(number, f"metadata.{key}", value, f"this is no {key}", cure))
                break
            lifted[key] = None if value is None else float(value)
        else:
            references.update(key for key in lifted if key.startswith(REFERENCE))
            session = metadata.get("session")
            stream = metadata.get("stream")
            rows.append(
                {
                    "event_id": event.event_id,
                    "user_id": event.user_id,
                    "context": answer.context,
                    "stream": _stream(event.user_id, answer.context, stream),
                    "timestamp": event.timestamp,
                    "arrival": arrival,
                    "row": number,
                    "type": event.type,
                    "kind": answer.kind,
                    "proposed": answer.proposed,
                    "corrected": answer.corrected,
                    "confidence": answer.confidence,
                    "session": str(session)
                    if session is not None
                    else event.timestamp.astimezone(UTC).date().isoformat(),
                    "source": event.source,
                    "content": event.content,
                    "metadata": json.dumps(metadata, ensure_ascii=False, sort_keys=True),
                    **lifted,
                }
            )
    types = COLUMNS | dict.fromkeys(sorted(references), pl.Float64())
    frame = pl.DataFrame({name: [row.get(name) for row in rows] for name in types}, schema=types, strict=True)
    return frame, bad


def to_events(frame: pl.DataFrame) -> Iterator[LoggedEvent]:
    """Yield the wire events of a canonical frame: what was lifted out of metadata goes back into it."""
    references = [name for name in frame.columns if name.startswith(REFERENCE)]
    for row in frame.iter_rows(named=True):
        known = {key: row[key] for key in ("context", "session", "stream", "proposed", "corrected", *_LIFTED)}
        known |= {"status": row["kind"]} | {name: row[name] for name in references}
        metadata = {key: value for key, value in known.items() if value is not None} | json.loads(row["metadata"])
        yield LoggedEvent(
            event_id=row["event_id"],
            type=row["type"],
            timestamp=row["timestamp"],
            metadata=metadata,
            content=row["content"],
            weight=row["confidence"],
            user_id=row["user_id"],
            source=row["source"],
        )


def _stream(user_id: str, context: str, label: object) -> str:
    """Return the stream: user / context, divided by a label; a label that says both already stands as it is."""
    whole = "/".join(part.replace("/", "\\/") for part in (user_id, context))
    if label is None or str(label) == whole or str(label).startswith(whole + "/"):
        return whole if label is None else str(label)
    return f"{whole}/{label}"


class _BadMetadata(ValueError):
    def __init__(self, value: object) -> None:
        self.value = value


def _parse(row: dict[str, Any]) -> list[LoggedEvent]:
    if "events" in row:
        return IngestRequest.model_validate(row).logged()
    return [LoggedEvent.model_validate(row)]


def _table_rows(table: pl.DataFrame) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (row, fields) as JSON would hold them; cells that hold nothing are left out."""
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        cells = {key: value for key, value in row.items() if value is not None and value != ""}
        for key in ("weight", "confidence", "schema_version"):
            if isinstance(cells.get(key), str):
                cells[key] = _number(cells[key])
        metadata = cells.get("metadata")
        if isinstance(metadata, str):
            try:
                cells["metadata"] = json.loads(metadata)
            except ValueError:
                cells["metadata"] = metadata
        yield number, cells


def _number(text: str) -> object:
    try:
        return int(text) if text.strip().lstrip("+-").isdigit() else float(text)
    except ValueError:
        return text


def _check_version(version: object, row: int, path: Path) -> None:
    if isinstance(version, int | float) and not isinstance(version, bool) and version > SCHEMA_VERSION:
        raise InputError(
            "the log was written by a later version of persona_lab",
            file=str(path),
            row=row,
            column="schema_version",
            value=version,
            cure=f"Upgrade persona_lab, or export the log in version {SCHEMA_VERSION}.",
        )


_CURES = {
    "missing": "Add it; every event has an event_id, a type, a timestamp and a user_id.",
    "extra_forbidden": "Move it into metadata, where unknown keys are kept.",
    "float_type": "Write a number from 0 to 1.",
    "finite_number": "Write a number from 0 to 1.",
    "greater_than_equal": "Write a number from 0 to 1.",
    "less_than_equal": "Write a number from 0 to 1.",
    "timezone_aware": "Add the offset from UTC, such as Z.",
    "string_type": "Write it as text.",
    "string_too_short": "Write at least one character.",
}


def _as_bad_row(error: ValidationError, number: int, row: dict[str, Any]) -> BadRow:
    first = error.errors()[0]
    column = ".".join(str(part) for part in first["loc"]) or "event"
    message = first["msg"].removeprefix("Value error, ")
    message = message[0].lower() + message[1:]
    if column.split(".")[-1] == "timestamp" and first["type"] != "missing":
        cure = "Write ISO 8601 with its offset, such as 2025-10-27T15:00:00Z."
    elif "surrogate" in message or first["type"] == "string_unicode":
        cure = "Write the character whole, or leave it out."
    elif column.split(".")[-1] == "metadata":
        cure = "Write a JSON object; its weight and confidence are finite numbers from 0 to 1."
    elif column.split(".")[-1] == "schema_version":
        cure = f"Write the version as a whole number; this one reads up to {SCHEMA_VERSION}."
    else:
        cure = _CURES.get(first["type"], "Correct it.")
    value = None if first["type"] == "missing" else first.get("input")
    return BadRow(number, column, value, message, cure)


def _is_share(value: object, *, positive: bool) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (value > 0.0 if positive else value >= 0.0) and value <= 1.0


def _encoded(text: str, encoding: str, path: Path) -> bytes:
    try:
        return text.encode(encoding)
    except (UnicodeEncodeError, LookupError) as error:
        raise InputError(
            f"the log cannot be written as {encoding} ({error})", file=str(path), cure="Write it as utf-8."
        ) from None
