"""Choices among items with features: read as they are, or spread over one stream per feature.

A recipe with ``items`` says which columns hold the features of each item offered, and which item was wanted. Such a
choice is no feedback about one option: it speaks of every feature of every item. :func:`read_items` returns it as
arrays for adapters of one's own; :func:`item_feature_log` is the plain adapter.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.datasets.log import Log, OnBadRows, check_version, finished
from persona_lab.datasets.mapping import BadRow, as_text, check_columns, ordered_key
from persona_lab.datasets.recipes import Recipe, load_recipe
from persona_lab.datasets.schema import COLUMNS
from persona_lab.datasets.tables import read_table
from persona_lab.errors import InputError

NONE_WANTED = -1


@dataclass(frozen=True, slots=True)
class ItemLog:
    """Choices among items, in order.

    Attributes
    ----------
    file, recipe, title
        Where they came from.
    users, contexts, sessions
        One label per choice.
    items
        Names of the items.
    features
        For each choice, for each item, its features.
    gold
        The wanted item, ``NONE_WANTED`` where none, (choices,).
    row
        Data row in the file, from 1, (choices,).
    """

    file: str
    recipe: str
    title: str
    users: tuple[str, ...]
    contexts: tuple[str, ...]
    sessions: tuple[str, ...]
    items: tuple[str, ...]
    features: tuple[tuple[tuple[str, ...], ...], ...]
    gold: NDArray[np.int64]
    row: NDArray[np.int64]
    skipped: tuple[BadRow, ...] = ()


def read_items(
    path: str | Path,
    recipe: str | Path | Recipe,
    *,
    encoding: str | None = None,
    on_bad_rows: OnBadRows = "refuse",
) -> ItemLog:
    """Read choices among items; text cells list their features separated by ``|``.

    Raises
    ------
    InputError
        As :func:`persona_lab.datasets.log.load_log`; also where the recipe has no ``items``.
    """
    path = Path(path)
    known = recipe if isinstance(recipe, Recipe) else load_recipe(recipe)
    if not known.items or known.gold is None:
        raise InputError("the recipe reads no items", value=known.name, cure="Use load_log, or add items and gold.")
    table = read_table(path, encoding or known.encoding).with_row_index("row_number", offset=1)
    check_version(table, known, str(path))
    check_columns(table, known, str(path))
    if known.order:
        keys = table.select([ordered_key(table[column]).alias(str(n)) for n, column in enumerate(known.order)])
        table = table[keys.with_row_index("index").sort(keys.columns, maintain_order=True)["index"]]
    numbers = table["row_number"].cast(pl.Int64).to_list()
    users = as_text(table[known.user]).to_list()
    contexts = [as_text(table[column]).fill_null("").to_list() for column in known.contexts]
    sessions = as_text(table[known.session]).fill_null("").to_list() if known.session else [""] * table.height
    wanted = as_text(table[known.gold]).to_list()
    offered = [_feature_lists(table[column]) for column in known.items]
    bad: list[BadRow] = []
    kept: list[int] = []
    for index, number in enumerate(numbers):
        problem = _problem(known, users[index], wanted[index], [lists[index] for lists in offered])
        if problem is None:
            kept.append(index)
        else:
            bad.append(BadRow(number, *problem))
    bad.sort(key=lambda row: row.row)
    if bad and on_bad_rows == "refuse":
        raise bad[0].error(str(path), others=len(bad) - 1)
    if not kept:
        raise InputError("no usable row is left", file=str(path), cure="Read it with --on-bad-rows refuse.")
    return ItemLog(
        file=str(path),
        recipe=known.name,
        title=known.title,
        users=tuple(users[index] for index in kept),
        contexts=tuple("/".join(column[index] for column in contexts) or known.context_name for index in kept),
        sessions=tuple(sessions[index] for index in kept),
        items=tuple(known.item_names),
        features=tuple(tuple(tuple(lists[index] or ()) for lists in offered) for index in kept),
        gold=np.array([_place(known, wanted[index]) for index in kept], dtype=np.int64),
        row=np.array([numbers[index] for index in kept], dtype=np.int64),
        skipped=tuple(bad),
    )


def item_feature_log(items: ItemLog) -> Log:
    """Return a log of one stream per user x context x feature, with options ``unwanted`` and ``wanted``.

    Features of the wanted item were wanted; features that only passed-over items have were not; where none was wanted,
    no feature was. A plain reading, and a biased one: an item may be passed over for one feature while its others are
    liked. Rules that treat the features of one choice together start from :func:`read_items`.
    """
    rows: list[tuple[str, str, str, int, int, bool]] = []
    for choice, (user, context, offered) in enumerate(zip(items.users, items.contexts, items.features, strict=True)):
        gold = int(items.gold[choice])
        wanted = set(offered[gold]) if gold != NONE_WANTED else set()
        seen = dict.fromkeys(name for item in offered for name in item)
        rows += [(user, context, feature, choice, int(items.row[choice]), feature in wanted) for feature in seen]
    names = ("user_id", "context", "feature", "choice", "row", "wanted")
    table = pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
    parts = [pl.col(name).str.replace_all("/", "\\/", literal=True) for name in ("user_id", "context", "feature")]
    sessions = pl.Series(items.sessions)
    frame = table.select(
        event_id=pl.format("row-{}-{}", "row", pl.int_range(pl.len()).over("choice")),
        user_id="user_id",
        context=pl.concat_str(parts[1:], separator="/"),
        stream=pl.concat_str(parts, separator="/"),
        timestamp=(pl.col("choice") * 1_000_000).cast(pl.Datetime("us")).dt.replace_time_zone("UTC"),
        arrival=pl.int_range(pl.len(), dtype=pl.Int64),
        row="row",
        type=pl.lit("decision"),
        kind=pl.lit("corrected"),
        proposed=pl.lit(None, dtype=pl.String),
        corrected=pl.when("wanted").then(pl.lit("wanted")).otherwise(pl.lit("unwanted")),
        confidence=pl.lit(1.0),
        session=sessions.gather(table["choice"]),
        source=pl.lit(""),
        propensity=pl.lit(None, dtype=pl.Float64),
        true_parameter=pl.lit(None, dtype=pl.Float64),
        content=pl.lit(""),
        metadata=pl.lit("{}"),
    ).cast(pl.Schema(COLUMNS))
    return finished(
        frame,
        list(items.skipped),
        items.file,
        "skip",
        recipe=items.recipe,
        title=f"{items.title} (one stream per feature: is it wanted?)",
        options=("unwanted", "wanted"),
    )


def _feature_lists(series: pl.Series) -> list[list[str] | None]:
    if series.dtype == pl.String:
        split = [None if text is None else [part.strip() for part in text.split("|")] for text in as_text(series)]
        return [None if parts is None else [part for part in parts if part] for parts in split]
    if isinstance(series.dtype, pl.List):
        return [None if value is None else [str(part) for part in value] for value in series.to_list()]
    return [None] * len(series)


def _problem(
    recipe: Recipe, user: str | None, wanted: str | None, offered: list[list[str] | None]
) -> tuple[str, object, str, str] | None:
    if user is None:
        return recipe.user, None, "a required value is missing", "Fill it in, or leave the row out."
    for column, features in zip(recipe.items, offered, strict=True):
        if not features:
            cure = "Give a list of features, or text separated by |."
            return column, features, "the item has no features", cure
    if wanted is not None and wanted not in recipe.item_names:
        known = ", ".join(recipe.item_names)
        return recipe.gold or "", wanted, "this is none of the items", f"Use one of {known}, or nothing for none."
    return None


def _place(recipe: Recipe, wanted: str | None) -> int:
    return NONE_WANTED if wanted is None else recipe.item_names.index(wanted)
