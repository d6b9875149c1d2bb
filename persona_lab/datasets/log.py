"""``load_log``: any feedback log to one canonical frame, with an honest account of what was left out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl

from persona_lab.datasets.mapping import BadRow, map_table
from persona_lab.datasets.recipes import Recipe, load_recipe, packaged_recipes
from persona_lab.datasets.schema import COLUMNS, REFERENCE, checked
from persona_lab.datasets.tables import read_table
from persona_lab.datasets.wire import canonical, scan_events, to_events, write_events
from persona_lab.errors import InputError
from persona_lab.events import SCHEMA_VERSION

OnBadRows = Literal["refuse", "skip"]
WIRE = "wire"
"""Recipe name of logs that are in wire form already."""


class LogWarning(UserWarning):
    """Something in a log was left out or renamed, and counted."""


@dataclass(frozen=True, slots=True)
class Log:
    """A feedback log in canonical form.

    Attributes
    ----------
    frame
        One row per event in the order (timestamp, arrival); columns as in :mod:`persona_lab.datasets.schema`.
    file, recipe
        Where it came from, and the recipe's name (``"wire"`` for logs in wire form).
    title
        One line about the log, from the recipe.
    options
        Option names where the recipe fixes them; else a context's options are those that its events mention.
    target
        What is forecast: the ``"option"`` wanted, or the ``"acceptance"`` of what was proposed.
    duplicates
        How many events came again with the same id and the same content (counted once each, and left out).
    renamed
        Suffixed ids of events whose id had been used with other content (kept).
    skipped
        Bad rows left out, where the caller asked for that.
    """

    frame: pl.DataFrame
    file: str
    recipe: str = WIRE
    title: str = ""
    options: tuple[str, ...] | None = None
    target: str = "option"
    duplicates: int = 0
    renamed: tuple[str, ...] = ()
    skipped: tuple[BadRow, ...] = field(default=(), repr=False)

    @property
    def references(self) -> tuple[str, ...]:
        """Names of the forecasts that came with the log."""
        return tuple(name.removeprefix(REFERENCE) for name in self.frame.columns if name.startswith(REFERENCE))


def load_log(
    path: str | Path,
    recipe: str | Path | Recipe | None = None,
    *,
    encoding: str | None = None,
    on_bad_rows: OnBadRows = "refuse",
) -> Log:
    """Read a feedback log.

    Parameters
    ----------
    path
        JSONL, Parquet or CSV.
    recipe
        Name of a packaged recipe, path of one's own, or a :class:`Recipe`; None (or ``"wire"``) for logs in wire form.
    encoding
        Text encoding, before that of the recipe; utf-8 without either.
    on_bad_rows
        ``"refuse"`` raises at the first bad row; ``"skip"`` leaves bad rows out, warns, and lists them in ``skipped``.

    Raises
    ------
    InputError
        With file, row, column, value and cure.

    Warns
    -----
    LogWarning
        Where rows were skipped, and where an event id came again with other content.
    """
    path = Path(path)
    if recipe is None or recipe == WIRE:
        try:
            found, bad = scan_events(path, encoding=encoding or "utf-8")
        except InputError as error:
            raise _with_suggestion(error, path) from None
        frame, more = canonical(found)
        log = finished(frame, [*bad, *more], str(path), on_bad_rows)
        return log
    known = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if known.items:
        raise InputError(
            f"the recipe '{known.name}' reads choices among items, not answers to proposals",
            file=str(path),
            cure="Use persona_lab.datasets.items: read_items, then item_feature_log, as `persona-lab replay` does.",
        )
    table = read_table(path, encoding or known.encoding)
    check_version(table, known, str(path))
    frame, bad = map_table(table, known, str(path))
    options = tuple(known.options) if known.options is not None else None
    return finished(
        frame, bad, str(path), on_bad_rows, recipe=known.name, title=known.title, options=options, target=known.target
    )


def write_log(log: Log, path: str | Path, *, encoding: str = "utf-8") -> None:
    """Write a log in wire form (JSONL, Parquet or CSV); reading it again gives the same beliefs."""
    write_events(to_events(log.frame), path, encoding=encoding)


def check_version(table: pl.DataFrame, recipe: Recipe, file: str) -> None:
    """Refuse a table that says it was written in a later schema version."""
    if "schema_version" not in table.columns or "schema_version" in recipe.columns():
        return
    version = table["schema_version"].cast(pl.Float64, strict=False)
    later = (version > SCHEMA_VERSION).fill_null(False).arg_true()
    if len(later):
        raise InputError(
            "the log was written by a later version of persona_lab",
            file=file,
            row=int(later[0]) + 1,
            column="schema_version",
            value=table["schema_version"][int(later[0])],
            cure="Upgrade persona_lab, or name the column under metadata in the recipe if it is the log's own.",
        )


def finished(
    frame: pl.DataFrame,
    bad: list[BadRow],
    file: str,
    on_bad_rows: OnBadRows,
    *,
    recipe: str = WIRE,
    title: str = "",
    options: tuple[str, ...] | None = None,
    target: str = "option",
) -> Log:
    """Return the log of canonical rows: bad rows refused or told, in order, deduplicated, checked."""
    bad = sorted(bad, key=lambda row: row.row)
    if bad and on_bad_rows == "refuse":
        raise bad[0].error(file, others=len(bad) - 1)
    if frame.height == 0:
        raise InputError(
            f"no usable row is left ({len(bad)} bad)", file=file, cure="Read the first error with --on-bad-rows refuse."
        )
    frame = frame.sort("timestamp", "arrival", maintain_order=True)
    frame, duplicates, renamed = _deduplicated(frame)
    if bad:
        rows = ", ".join(str(row.row) for row in bad[:10]) + (", ..." if len(bad) > 10 else "")
        first = bad[0].error(file)
        warnings.warn(f"{file}: {len(bad)} bad rows left out (rows {rows}); the first: {first}", LogWarning, 3)
    if renamed:
        warnings.warn(
            f"{file}: {len(renamed)} events reuse an event_id with other content; kept as "
            f"{', '.join(renamed[:5])}{', ...' if len(renamed) > 5 else ''}.",
            LogWarning,
            3,
        )
    ordered = [*COLUMNS, *sorted(name for name in frame.columns if name.startswith(REFERENCE))]
    return Log(
        checked(frame.select(ordered)), file, recipe, title, options, target, duplicates, renamed, skipped=tuple(bad)
    )


def _deduplicated(frame: pl.DataFrame) -> tuple[pl.DataFrame, int, tuple[str, ...]]:
    """Drop repeats of the same event; give a suffix to ids that come again with other content."""
    if not frame["event_id"].is_duplicated().any():
        return frame, 0, ()
    content = [name for name in frame.columns if name not in ("arrival", "row")]
    kept = frame.unique(content, keep="first", maintain_order=True)
    duplicates = frame.height - kept.height
    # The id keeps its first arrival; later ones get #2, #3, ... in order of arrival, never one that is taken.
    taken, renamed, ids = set(kept["event_id"]), [], kept["event_id"].to_list()
    seen: set[str] = set()
    for place in kept.with_row_index("place").sort("arrival")["place"].to_list():
        name = ids[place]
        if name in seen:
            number = 2
            while f"{name}#{number}" in taken:
                number += 1
            ids[place] = f"{name}#{number}"
            taken.add(ids[place])
            renamed.append(ids[place])
        seen.add(ids[place])
    return kept.with_columns(event_id=pl.Series(ids, dtype=pl.String)), duplicates, tuple(renamed)


def _with_suggestion(error: InputError, path: Path) -> InputError:
    """Name the packaged recipes whose columns the file has, where it is no log in wire form."""
    if "wire form" not in error.problem:
        return error
    columns = set(read_table(path, "latin-1").columns)
    fitting = [name for name in packaged_recipes() if set(load_recipe(name).columns()) <= columns]
    if not fitting:
        return error
    cure = f"It looks like --recipe {' or '.join(fitting)}."
    return InputError(error.problem, cure=cure, file=error.file, column=error.column)
