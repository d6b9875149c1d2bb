"""A foreign table and its recipe to canonical rows; every bad row found, with its column, value and cure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import polars.selectors as cs

from persona_lab.datasets.recipes import ANSWERS, Recipe
from persona_lab.datasets.schema import COLUMNS, REFERENCE, TIMESTAMP
from persona_lab.errors import InputError
from persona_lab.events import DEFAULT_CONTEXT

LATEST_SECONDS = 253_402_300_799
"""The last second of the year 9999: a time beyond it was read in the wrong unit."""

MICROSECONDS = {"s": 1e6, "ms": 1e3, "us": 1.0}


@dataclass(frozen=True, slots=True)
class BadRow:
    """One row that cannot be used: where, what, and what to do; ``row`` counts from 1."""

    row: int
    column: str
    value: object
    problem: str
    cure: str

    def error(self, file: str, others: int = 0) -> InputError:
        """Return it as an error; ``others`` says how many more rows are bad."""
        more = f" ({others} more bad {'row' if others == 1 else 'rows'}; --on-bad-rows skip leaves them out)"
        cure = self.cure + (more if others else "")
        shown = "(nothing)" if self.value is None else self.value
        return InputError(self.problem, file=file, row=self.row, column=self.column, value=shown, cure=cure)


class _Rows:
    """The table while it is mapped: its columns, and the rows found bad so far (the first finding counts)."""

    def __init__(self, table: pl.DataFrame) -> None:
        self.table = table
        self.bad: dict[int, BadRow] = {}

    def note(self, mask: pl.Series, column: str, problem: str, cure: str) -> None:
        for index in mask.fill_null(False).arg_true().to_list():
            if index not in self.bad:
                value = self.table[column][index]
                self.bad[index] = BadRow(index + 1, column, value, problem, cure)

    def text(self, column: str, *, required: bool = False) -> pl.Series:
        series = as_text(self.table[column])
        if required:
            self.note(series.is_null(), column, "a required value is missing", "Fill it in, or leave the row out.")
        return series

    def number(self, column: str, low: float, high: float, what: str, *, open_low: bool = False) -> pl.Series:
        raw = self.table[column]
        if raw.dtype == pl.Boolean:
            self.note(raw.is_not_null(), column, f"a boolean is no {what}", f"Write a number from {low:g} to {high:g}.")
            return pl.Series([None] * len(raw), dtype=pl.Float64)
        text = as_text(raw)
        value = text.cast(pl.Float64, strict=False) if not raw.dtype.is_numeric() else raw.cast(pl.Float64)
        cure = f"Write a number {'above' if open_low else 'from'} {low:g} {'and up ' if open_low else ''}to {high:g}."
        self.note(text.is_not_null() & value.is_null(), column, f"this is no {what}", cure)
        self.note(value.is_nan() | value.is_infinite(), column, f"a {what} must be a finite number", cure)
        below = value <= low if open_low else value < low
        self.note(below | (value > high), column, f"the {what} is out of range", cure)
        return value.set(value.is_nan() | value.is_infinite(), None)


def map_table(table: pl.DataFrame, recipe: Recipe, file: str) -> tuple[pl.DataFrame, list[BadRow]]:
    """Return canonical rows (not yet in order) of the good rows, and the bad ones.

    Raises
    ------
    InputError
        Where a column that the recipe names is missing, or holds lists or structures.
    """
    check_columns(table, recipe, file)
    rows = _Rows(table)
    height = table.height
    user = rows.text(recipe.user, required=True)
    timestamp = _timestamps(rows, recipe)
    context = _joined([rows.text(column) for column in recipe.contexts], DEFAULT_CONTEXT if recipe.contexts else None)
    if context is None:
        context = pl.Series([recipe.context_name]).extend_constant(recipe.context_name, height - 1)
    kind, proposed, corrected = _answers(rows, recipe)
    weight = rows.number(recipe.weight, 0.0, 1.0, "weight") if recipe.weight else None
    day = timestamp.dt.convert_time_zone(recipe.timezone).dt.strftime("%Y-%m-%d")

    def optional(column: str | None, default: str | None) -> pl.Series:
        if column is None:
            return pl.Series([default], dtype=pl.String).extend_constant(default, height - 1)
        series = rows.text(column)
        return series if default is None else series.fill_null(default)

    arrival = pl.Series(range(height), dtype=pl.Int64)
    if recipe.order:
        keys = table.select([ordered_key(table[column]).alias(f"{n}") for n, column in enumerate(recipe.order)])
        by = keys.with_row_index("index").sort(keys.columns, maintain_order=True)["index"]
        arrival = pl.DataFrame({"index": by, "rank": arrival}).sort("index")["rank"]
    parts = [user, context, *(as_text(table[column]).fill_null("") for column in recipe.stream)]
    nothing = pl.Series([None], dtype=pl.Float64).extend_constant(None, height - 1)
    columns: dict[str, Any] = {
        "event_id": rows.text(recipe.event_id, required=True)
        if recipe.event_id
        else pl.Series([f"row-{n}" for n in range(1, height + 1)]),
        "user_id": user,
        "context": context,
        "stream": _joined(parts, None),
        "timestamp": timestamp,
        "arrival": arrival,
        "row": pl.Series(range(1, height + 1), dtype=pl.Int64),
        "type": optional(recipe.event_type, None),
        "kind": kind,
        "proposed": proposed,
        "corrected": corrected,
        "confidence": weight.fill_null(1.0) if weight is not None else nothing.fill_null(1.0),
        "session": optional(recipe.session, None).fill_null(day) if recipe.session else day,
        "source": optional(recipe.source_column, ""),
        "propensity": rows.number(recipe.propensity, 0.0, 1.0, "propensity", open_low=True)
        if recipe.propensity
        else nothing,
        "true_parameter": rows.number(recipe.true_parameter, 0.0, 1.0, "rate") if recipe.true_parameter else nothing,
        "content": optional(recipe.content, ""),
        "metadata": _metadata(table, recipe.metadata),
    }
    for name, column in recipe.references.items():
        columns[REFERENCE + name] = rows.number(column, 0.0, 1.0, "forecast")
    frame = pl.DataFrame(columns).with_columns(
        type=pl.col("type").fill_null(
            pl.when(pl.col("kind").is_in(["declined", "corrected"]) & pl.col("proposed").is_not_null())
            .then(pl.lit("correction"))
            .when(pl.col("kind") == "corrected")
            .then(pl.lit("decision"))
            .when(pl.col("kind") == "declined")
            .then(pl.lit("correction"))
            .otherwise(pl.lit("outcome"))
        )
    )
    good = ~pl.Series(range(height)).is_in(list(rows.bad))
    bad = [rows.bad[index] for index in sorted(rows.bad)]
    return frame.filter(good).cast({name: dtype for name, dtype in COLUMNS.items() if name in frame.columns}), bad


def check_columns(table: pl.DataFrame, recipe: Recipe, file: str) -> None:
    """Refuse a table that lacks a column of the recipe, or nests where a single value is meant."""
    for column, key in recipe.columns().items():
        if column not in table.columns:
            raise InputError(
                f"the recipe '{recipe.name}' takes '{key}' from a column that the file does not have",
                file=file,
                column=column,
                cure=f"Correct the recipe, or use another file. The file has: {', '.join(table.columns)}.",
            )
        kind = table[column].dtype
        if key not in ("items", "metadata") and (kind.is_nested() or kind in (pl.Binary, pl.Duration, pl.Object)):
            raise InputError(
                f"'{key}' must be text, a number or a time in each row, and this column holds {kind}",
                file=file,
                column=column,
                cure="Convert the column first.",
            )


def as_text(series: pl.Series) -> pl.Series:
    """Return values as text: trimmed, whole numbers without a point, booleans lower case, blank and NaN as null."""
    if series.dtype.is_float():
        series = series.fill_nan(None)  # a missing number, in frames that know no null
        whole = series.is_finite() & (series == series.round(0)) & (series.abs() < 2**53)
        as_whole = series.set(~whole.fill_null(False), None).cast(pl.Int64, strict=False).cast(pl.String)
        return as_whole.zip_with(whole.fill_null(False), series.cast(pl.String))
    text = series.cast(pl.String).str.strip_chars()
    return text.set(text == "", None)


def ordered_key(series: pl.Series) -> pl.Series:
    """Return the values to sort by: text that is all numbers sorts as numbers."""
    if series.dtype != pl.String:
        return series
    numbers = series.str.strip_chars().cast(pl.Float64, strict=False)
    return series if (numbers.is_null() & series.is_not_null()).any() else numbers


def _joined(parts: list[pl.Series], missing: str | None) -> pl.Series | None:
    if not parts:
        return None
    # A slash inside a part is escaped: "a/b" + "c" and "a" + "b/c" are different streams.
    escaped = [
        (part if missing is None else part.fill_null(missing)).str.replace_all("/", "\\/", literal=True)
        for part in parts
    ]
    if len(escaped) == 1:
        return parts[0] if missing is None else parts[0].fill_null(missing)
    frame = pl.DataFrame({str(n): part for n, part in enumerate(escaped)})
    return frame.select(pl.concat_str(pl.all(), separator="/")).to_series()


def _timestamps(rows: _Rows, recipe: Recipe) -> pl.Series:
    column = recipe.time or ""
    raw = rows.table[column]
    zone = ZoneInfo(recipe.timezone)
    cure = "Set time_unit, time_format or timezone in the recipe, or repair the value."
    rows.note(as_text(raw).is_null() if raw.dtype == pl.String else raw.is_null(), column, "the time is missing", cure)
    if raw.dtype == pl.Date:
        raw = raw.cast(pl.Datetime("us"))
    if raw.dtype == pl.Datetime:
        aware = raw.dt.cast_time_unit("us")
        if getattr(raw.dtype, "time_zone", None) is None:
            aware = aware.dt.replace_time_zone(recipe.timezone, ambiguous="earliest", non_existent="null")
            rows.note(aware.is_null(), column, f"this local time does not exist in {recipe.timezone}", cure)
        return aware.dt.convert_time_zone("UTC").alias("timestamp")
    if recipe.time_unit in MICROSECONDS:
        value = as_text(raw).cast(pl.Float64, strict=False) * MICROSECONDS[recipe.time_unit]
        problem = f"this is no time in '{recipe.time_unit}'"
        rows.note(value.is_null() | value.is_nan() | value.is_infinite(), column, problem, cure)
        far = value.abs() > LATEST_SECONDS * 1e6
        rows.note(far, column, f"read in '{recipe.time_unit}' this lies beyond the year 9999", cure)
        usable = value.set((value.is_nan() | value.is_infinite() | far).fill_null(True), None)
        return usable.round(0).cast(pl.Int64).cast(TIMESTAMP).alias("timestamp")
    if raw.dtype.is_numeric():
        every = pl.Series([True]).extend_constant(True, len(raw) - 1)
        rows.note(every, column, "a bare number says no time", 'Add time_unit = "s", "ms" or "us" to the recipe.')
        return pl.Series([None] * len(raw), dtype=TIMESTAMP)
    parsed = pl.Series([_iso(text, recipe.time_format, zone) for text in as_text(raw)], dtype=TIMESTAMP)
    expected = f"'{recipe.time_format}'" if recipe.time_format else "ISO 8601, such as 2025-10-27T15:00:00Z"
    skipped = "" if recipe.timezone == "UTC" else f", or does not exist in {recipe.timezone}"
    rows.note(parsed.is_null(), column, f"the time cannot be read as {expected}{skipped}", cure)
    return parsed.alias("timestamp")


def _iso(text: str | None, pattern: str | None, zone: ZoneInfo) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.strptime(text, pattern) if pattern else datetime.fromisoformat(text)  # noqa: DTZ007 - below
        if found.tzinfo is not None:
            return found.astimezone(UTC)
        moment = found.replace(tzinfo=zone).astimezone(UTC)
        # A local time that the clocks skip comes back as another one.
        return moment if moment.astimezone(zone).replace(tzinfo=None) == found else None
    except (ValueError, OverflowError):
        return None


def _answers(rows: _Rows, recipe: Recipe) -> tuple[pl.Series, pl.Series, pl.Series]:
    height = rows.table.height
    absent = pl.Series([None], dtype=pl.String).extend_constant(None, height - 1)
    proposed = rows.text(recipe.proposal) if recipe.proposal else absent
    corrected = rows.text(recipe.corrected) if recipe.corrected else absent
    if recipe.options is not None:
        for column, series in ((recipe.proposal, proposed), (recipe.corrected, corrected)):
            if column is not None:
                unknown = series.is_not_null() & ~series.is_in(recipe.options)
                known = ", ".join(recipe.options)
                rows.note(unknown, column, "this is none of the recipe's options", f"Known options: {known}.")
    if recipe.outcome is None:
        meaning = pl.Series([None], dtype=pl.String).extend_constant(None, height - 1)
        meaning = meaning.set(corrected.is_null(), "silent").set(corrected.is_not_null(), "corrected")
    else:
        meaning = _meanings(rows, recipe, recipe.outcome)
        is_option = meaning.is_not_null() & ~meaning.is_in(list(ANSWERS))
        corrected = corrected.zip_with(~is_option, meaning)
        meaning = meaning.set(is_option, "corrected")
    where = recipe.corrected or recipe.outcome or recipe.user
    clash = (meaning == "silent") & corrected.is_not_null()
    rows.note(clash, where, "an event cannot be silent and name an option", "Correct the one or the other.")
    clash = (meaning == "accepted") & proposed.is_not_null() & corrected.is_not_null() & (proposed != corrected)
    rows.note(clash, where, "an event cannot accept one option and name another", "Map the value to 'corrected'.")
    bare = (meaning == "corrected") & corrected.is_null()
    rows.note(bare, where, "a correction must name an option", "Fill it in, or map the value to 'declined'.")
    named = corrected.is_not_null() & meaning.is_in(["corrected", "declined", "accepted"])
    same = named & proposed.is_not_null() & (proposed == corrected)
    kind = meaning.set(named.fill_null(False), "corrected").set(same.fill_null(False), "accepted")
    return kind, proposed, corrected.set((kind != "corrected").fill_null(True), None)


def _meanings(rows: _Rows, recipe: Recipe, column: str) -> pl.Series:
    if recipe.at_least is not None:
        number = rows.number(column, float("-inf"), float("inf"), "number")
        rows.note(number.is_null(), column, "the outcome is missing", "Fill it in, or leave the row out.")
        below, above = recipe.options or ["", ""]
        over = (number >= recipe.at_least).fill_null(False)
        return pl.Series([below]).extend_constant(below, len(number) - 1).set(over, above)
    table = {_plain_key(raw): meaning for raw, meaning in recipe.values.items()}
    text = as_text(rows.table[column]).fill_null("")
    meaning = text.replace_strict(list(table), list(table.values()), default=None, return_dtype=pl.String)
    known = ", ".join(repr(raw) for raw in recipe.values)
    rows.note(meaning.is_null(), column, "unknown outcome value", f"Add it to [values] of the recipe; known: {known}.")
    return meaning


def _plain_key(raw: str) -> str:
    try:
        number = float(raw)
    except ValueError:
        return raw.strip()
    return as_text(pl.Series([number]))[0] or raw.strip()


def _metadata(table: pl.DataFrame, columns: list[str]) -> pl.Series:
    if not columns:
        return pl.Series(["{}"]).extend_constant("{}", table.height - 1)
    rows = table.select(pl.col(columns)).with_columns(cs.float().fill_nan(None)).iter_rows(named=True)
    return pl.Series([json.dumps(row, ensure_ascii=False, sort_keys=True, default=str) for row in rows])
