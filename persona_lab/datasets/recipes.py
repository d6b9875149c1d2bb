"""Recipes: a few lines of TOML that say which column of a foreign log is what.

A recipe for a log of yes/no outcomes::

    title = "Phone surveys: is the phone unwelcome now?"
    user = "pid"
    time = "start_time"
    time_unit = "ms"
    outcome = "perceived_distraction"
    options = ["welcome", "unwelcome"]
    at_least = 3

and for a log of proposals and answers::

    user = "customer"
    time = "sent_at"
    context = "topic"
    proposal = "suggested_slot"
    outcome = "reaction"
    corrected = "slot_they_chose"

    [values]
    ok = "accepted"
    moved = "corrected"
    no = "declined"
    "" = "silent"
"""

from __future__ import annotations

import difflib
import math
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from persona_lab.errors import InputError

RECIPE_SCHEMA_VERSION = 1
MOST_OPTIONS = 100
"""Options of one context; their numbers are 8-bit integers in the arrays that rules work on."""

ANSWERS = ("accepted", "declined", "corrected", "silent")
TimeUnit = Literal["iso", "s", "ms", "us"]
_COLUMN_KEYS = (
    *("user", "time", "outcome", "proposal", "corrected", "weight", "propensity", "session", "event_id"),
    *("event_type", "source_column", "content", "true_parameter", "gold"),
)


class Recipe(BaseModel):
    """Which column is what; unknown keys are refused.

    Attributes
    ----------
    user, time
        Columns of the user and of the time of the event; the rest may be absent.
    time_unit, time_format, timezone
        Times are ISO 8601 text or real date-times unless ``time_unit`` says seconds, milliseconds or microseconds
        since 1970 (or since the start of an experiment), or ``time_format`` gives a strftime pattern. Times without an
        offset are in ``timezone``.
    context
        Column (or columns) of what the preference is about; else every event is of ``context_name``.
    outcome, values, at_least
        Column of what the user did, and what its values mean: one of accepted, declined, corrected, silent, or one of
        ``options``. ``at_least`` splits a number instead: below it the first of two options, else the second.
    proposal, corrected
        Columns of the option that the agent proposed and of the one that the user named. Without ``outcome``,
        naming the proposal is accepting it, naming another is correcting it, naming nothing is silence.
    options
        Names of the options, in order. Without it the options of a context are those that its events mention.
    target
        ``"option"``: forecast which option the user wants. ``"acceptance"``: forecast whether the proposal is taken.
    weight, propensity, session, event_id, event_type, source_column, content
        Further columns; an absent weight is 1, an absent session is the day.
    stream
        A stream is one user x one context; columns named here divide it further (a new value starts afresh).
    order
        Columns that order events of the same time; then comes the order in the file.
    true_parameter
        Column of the hidden rate of the last option after the event, where an experiment knows it.
    references
        Forecasts of the last option's rate that came with the log, by name, made after each event.
    metadata
        Columns to keep as they are.
    items, item_names, gold
        For choices among items with features: columns of feature lists, the items' names, and the one wanted
        (null = none). See :func:`persona_lab.datasets.items.read_items`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: str = "recipe"
    schema_version: int = RECIPE_SCHEMA_VERSION
    title: str = ""
    source: str = ""
    licence: str = ""
    encoding: str = "utf-8"
    user: str
    time: str | None = None
    time_unit: TimeUnit = "iso"
    time_format: str | None = None
    timezone: str = "UTC"
    context: str | list[str] | None = None
    context_name: str = "general"
    outcome: str | None = None
    values: dict[str, str] = Field(default_factory=dict)
    at_least: float | int | None = None
    proposal: str | None = None
    corrected: str | None = None
    options: list[str] | None = None
    target: Literal["option", "acceptance"] = "option"
    weight: str | None = None
    propensity: str | None = None
    session: str | None = None
    event_id: str | None = None
    event_type: str | None = None
    source_column: str | None = None
    content: str | None = None
    stream: list[str] = Field(default_factory=list)
    order: list[str] = Field(default_factory=list)
    true_parameter: str | None = None
    references: dict[str, str] = Field(default_factory=dict)
    metadata: list[str] = Field(default_factory=list)
    items: list[str] = Field(default_factory=list)
    item_names: list[str] = Field(default_factory=list)
    gold: str | None = None

    @property
    def contexts(self) -> list[str]:
        """The context columns, none where the context is constant."""
        return [self.context] if isinstance(self.context, str) else list(self.context or [])

    def columns(self) -> dict[str, str]:
        """Return every column that the recipe needs, with the key that names it."""
        needed: dict[str, str] = {}
        for key in _COLUMN_KEYS:
            column = getattr(self, key)
            if column is not None:
                needed.setdefault(column, key)
        for key, columns in (
            ("context", self.contexts),
            ("stream", self.stream),
            ("order", self.order),
            ("references", list(self.references.values())),
            ("metadata", self.metadata),
            ("items", self.items),
        ):
            for column in columns:
                needed.setdefault(column, key)
        return needed


def packaged_recipes() -> dict[str, Path]:
    """Return the recipes that come with the package, by name."""
    folder = Path(str(resources.files("persona_lab.datasets"))) / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def load_recipe(name_or_path: str | Path) -> Recipe:
    """Return a packaged recipe by name, or one's own by path.

    Raises
    ------
    InputError
        Where there is no such recipe, it is no TOML, a key is unknown, a value has the wrong type or contradicts
        another, or it was written for a later version.
    """
    packaged = packaged_recipes()
    path = packaged.get(str(name_or_path), Path(name_or_path))
    if not path.is_file():
        raise InputError(
            "there is no such recipe",
            value=str(name_or_path),
            cure=f"Give the path of a TOML file, or one of: {', '.join(packaged)}.",
        )
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"this is not TOML: {error}", file=str(path), cure="Correct the file.") from None
    return recipe_from(raw, file=str(path), name=path.stem)


def recipe_from(raw: dict[str, Any], *, file: str | None = None, name: str = "recipe") -> Recipe:
    """Build a recipe from parsed TOML; ``file`` is for the error message."""
    version = raw.get("schema_version", RECIPE_SCHEMA_VERSION)
    if isinstance(version, int) and version > RECIPE_SCHEMA_VERSION:
        raise InputError(
            "the recipe was written for a later version of persona_lab",
            file=file,
            column="schema_version",
            value=version,
            cure=f"Upgrade persona_lab, or write the recipe for version {RECIPE_SCHEMA_VERSION}.",
        )
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InputError(
            "there is no such version of recipes",
            file=file,
            column="schema_version",
            value=version,
            cure=f"Write schema_version = {RECIPE_SCHEMA_VERSION}, or leave it out.",
        )
    for key in raw:
        if key not in Recipe.model_fields:
            near = difflib.get_close_matches(key, Recipe.model_fields, n=1)
            meant = f"Did you mean '{near[0]}'?" if near else f"Known keys: {', '.join(sorted(Recipe.model_fields))}."
            raise InputError("unknown recipe key", file=file, column=key, value=raw[key], cure=meant)
    try:
        recipe = Recipe(**{"name": name, **raw})
    except ValidationError as error:
        first = error.errors()[0]
        # Of a union, pydantic names the branch too: at_least.float.
        key = ".".join(str(part) for part in first["loc"] if part not in ("float", "int", "str", "list[str]"))
        if first["type"] == "missing":
            raise InputError(
                "the recipe does not say which column this is", file=file, column=key, cure=f'Add {key} = "..." to it.'
            ) from None
        raise InputError(
            f"the recipe cannot be used: {first['msg']}",
            file=file,
            column=key,
            value=first.get("input"),
            cure="Correct this key.",
        ) from None
    _check(recipe, file)
    return recipe


def _check(recipe: Recipe, file: str | None) -> None:
    def refuse(key: str, problem: str, cure: str, value: object = None) -> None:
        raise InputError(problem, file=file, column=key, value=value, cure=cure)

    try:
        ZoneInfo(recipe.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        refuse("timezone", "there is no such time zone", "Use an IANA name such as Asia/Seoul.", recipe.timezone)
    options = recipe.options
    if options is not None and (len(options) < 2 or len(set(options)) != len(options)):
        refuse("options", "options must be at least two different names", "Name each option once.", options)
    if options is not None and len(options) > MOST_OPTIONS:
        refuse("options", f"there are {len(options)} options, more than {MOST_OPTIONS}", "Map values to fewer options.")
    if "" in recipe.references:
        refuse("references", "a reference has no name", "Name it.")
    if recipe.at_least is not None and not math.isfinite(recipe.at_least):
        refuse("at_least", "at_least must be a finite number", "Write a number.", recipe.at_least)
    if recipe.items:
        if recipe.gold is None:
            refuse("gold", "a recipe with items needs the column of the wanted item", 'Add gold = "...".')
        if len(recipe.item_names) != len(recipe.items):
            refuse("item_names", "item_names and items differ in length", "Name each item.", recipe.item_names)
        return
    if recipe.time is None:
        refuse("time", "the recipe does not say which column this is", 'Add time = "...".')
    if recipe.outcome is None and recipe.corrected is None:
        refuse("outcome", "the recipe names neither outcome nor corrected", "Add one: nothing else can be learnt from.")
    if recipe.at_least is not None and (options is None or len(options) != 2 or recipe.values):
        refuse("at_least", "at_least needs two options and no values", "Give options = [below, from there on].")
    if recipe.outcome is not None and recipe.at_least is None and not recipe.values:
        refuse("values", "the recipe does not say what the values of outcome mean", "Add a [values] table or at_least.")
    for raw, meaning in recipe.values.items():
        if meaning not in ANSWERS and meaning not in (options or ()):
            known = ", ".join([*ANSWERS, *(options or ())])
            refuse(f"values.{raw}", "a value maps to nothing known", f"Use one of: {known}.", meaning)
