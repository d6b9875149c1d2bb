"""Scenarios as TOML files: written by a fit or by hand, read with one clear error for each mistake."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.simulate import paths
from persona_lab.simulate.channel import BadDays, Channel, Delay, Fatigue, Trust, Weights
from persona_lab.simulate.routine import Routine
from persona_lab.simulate.scenarios import Scenario

PATHS: dict[str, type] = {
    "stable": paths.Stable,
    "switch": paths.Switch,
    "exceptions": paths.Exceptions,
    "recurring": paths.Recurring,
    "volatility_shift": paths.VolatilityShift,
    "gradual": paths.Gradual,
    "mixed": paths.Mixed,
    "types": paths.Types,
}
"""Name of a path in a file (``[path] kind = "..."``) and its class."""

PARTS: dict[str, type] = {
    "channel": Channel,
    "channel.weights": Weights,
    "channel.bad_days": BadDays,
    "channel.trust": Trust,
    "channel.fatigue": Fatigue,
    "channel.delay": Delay,
    "routine": Routine,
}
"""Tables of a file besides ``[path]`` and their classes."""

NOT_IN_FILES = ("tags",)
"""Fields of a scenario that only the package's own scenarios have."""


def load_scenario(file: FilePath) -> Scenario:
    """Read a scenario.

    Raises
    ------
    InputError
        With file, key, value and cure, for anything that is not a scenario.
    """
    name = str(file)
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("there is no such file", file=name, cure="Check the path.") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"this is not TOML: {error}", file=name, cure="`persona-lab fit --out` writes one.") from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", file=name, cure="Check the path.") from None
    for key in ("path", "channel"):
        if not isinstance(content.get(key), dict):
            raise InputError(f"the table [{key}] is missing", file=name, cure=f"Add [{key}] with its values.")
    for key in NOT_IN_FILES:
        if key in content:
            raise InputError("unknown key", file=name, column=key, cure="Leave it out.")
    content.setdefault("id", file.stem)
    content["path"] = _path(content["path"], name)
    built: Scenario = _build(Scenario, content, name, "")
    return built


def dump_scenario(scenario: Scenario, *, comment: str = "") -> str:
    """Return the scenario as TOML that :func:`load_scenario` reads back to an equal one (tags left out)."""
    kinds = {made: kind for kind, made in PATHS.items()}
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += [line for line in _fields(scenario) if line.partition(" ")[0] not in NOT_IN_FILES]
    lines += ["", "[path]", f'kind = "{kinds[type(scenario.path)]}"', *_fields(scenario.path)]
    for table in PARTS:
        part: Any = scenario
        for name in table.split("."):
            part = getattr(part, name)
        if part is not None:
            lines += ["", f"[{table}]", *_fields(part)]
    return "\n".join(lines) + "\n"


def _path(table: Mapping[str, Any], file: str) -> Any:
    values = dict(table)
    kind = values.pop("kind", None)
    if not isinstance(kind, str) or kind not in PATHS:
        raise InputError(
            "unknown path" if kind is not None else "the path has no kind",
            file=file,
            column="path.kind",
            value=kind,
            cure=f"Use one of {', '.join(PATHS)}.",
        )
    return _build(PATHS[kind], values, file, "path")


def _build(made: type, table: Any, file: str, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise InputError("a table was expected", file=file, column=where, value=table, cure="Write [table] and keys.")
    fields = {field.name: field for field in dataclasses.fields(made)}
    _refuse_unknown(table, tuple(fields), file, where)
    values = {}
    for key, value in table.items():
        place = f"{where}.{key}".strip(".")
        values[key] = _build(PARTS[place], value, file, place) if place in PARTS else _value(value, file, place)
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in values:
            raise InputError("a value is missing", file=file, column=f"{where}.{name}".strip("."), cure="Add it.")
    try:
        return made(**values)
    except ConfigurationError as error:
        column = f"{where}.{error.field}".strip(".")
        raise InputError(
            f"expected {error.expected}", file=file, column=column, value=error.value, cure="Correct the value."
        ) from None
    except TypeError:
        raise InputError(
            "a value has the wrong type", file=file, column=where or None, value=dict(table), cure="Numbers are bare."
        ) from None


def _value(value: Any, file: str, where: str) -> Any:
    if isinstance(value, bool):
        raise InputError("true and false are no numbers", file=file, column=where, value=value, cure="Write a number.")
    if isinstance(value, list):
        return tuple(_value(item, file, where) for item in value)
    if isinstance(value, float) and value != value:
        raise InputError("nan is no number", file=file, column=where, value=value, cure="Write a number.")
    return value


def _refuse_unknown(table: Mapping[str, Any], known: tuple[str, ...], file: str, where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            cure = f"Did you mean '{near[0]}'?" if near else f"Use {', '.join(known) or 'no key'}."
            raise InputError("unknown key", file=file, column=f"{where}.{key}".strip("."), cure=cure)


def _fields(made: Any) -> list[str]:
    values = {field.name: getattr(made, field.name) for field in dataclasses.fields(made)}
    return [
        f"{name} = {_toml(value)}"
        for name, value in values.items()
        if value is not None and not dataclasses.is_dataclass(value)
    ]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)
