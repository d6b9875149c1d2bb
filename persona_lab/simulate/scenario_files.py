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
from persona_lab.simulate.scenarios import Channel, Scenario, Weights

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

TOP = ("id", "options", "interactions", "days_between", "description", "path", "channel")


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
        raise InputError(f"this is not TOML: {error}", file=name, cure="See `persona-lab fit --help`.") from None
    except OSError as error:
        raise InputError(f"the file cannot be read: {error.strerror}", file=name, cure="Check the path.") from None
    _refuse_unknown(content, TOP, name, "")
    for key in ("path", "channel"):
        if not isinstance(content.get(key), dict):
            raise InputError(f"the table [{key}] is missing", file=name, cure=f"Add [{key}] with its values.")
    path_table = dict(content["path"])
    kind = path_table.pop("kind", None)
    if kind not in PATHS:
        raise InputError(
            "unknown path" if kind is not None else "the path has no kind",
            file=name,
            column="path.kind",
            value=kind,
            cure=f"Use one of {', '.join(PATHS)}.",
        )
    channel_table = dict(content["channel"])
    weights = channel_table.pop("weights", None)
    if weights is not None:
        channel_table["weights"] = _build(Weights, weights, name, "channel.weights")
    scenario = {key: content[key] for key in TOP[:5] if key in content}
    scenario.setdefault("id", file.stem)
    scenario["path"] = _build(PATHS[kind], path_table, name, "path")
    scenario["channel"] = _build(Channel, channel_table, name, "channel")
    built: Scenario = _build(Scenario, scenario, name, "")
    return built


def dump_scenario(scenario: Scenario, *, comment: str = "") -> str:
    """Return the scenario as TOML that :func:`load_scenario` reads back to an equal one (tags left out)."""
    kinds = {made: kind for kind, made in PATHS.items()}
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += [f"{key} = {_toml(getattr(scenario, key))}" for key in TOP[:5]]
    lines += ["", "[path]", f'kind = "{kinds[type(scenario.path)]}"', *_fields(scenario.path)]
    lines += ["", "[channel]", *_fields(scenario.channel)]
    if scenario.channel.weights is not None:
        lines += ["", "[channel.weights]", *_fields(scenario.channel.weights)]
    return "\n".join(lines) + "\n"


def _build(made: type, table: Any, file: str, where: str) -> Any:
    if not isinstance(table, Mapping):
        raise InputError("a table was expected", file=file, column=where, value=table, cure="Write [table] and keys.")
    fields = {field.name: field for field in dataclasses.fields(made)}
    _refuse_unknown(table, tuple(fields), file, where)
    values = {key: _value(value, file, f"{where}.{key}".strip(".")) for key, value in table.items()}
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
            "a value has the wrong type", file=file, column=where or None, value=dict(values), cure="Numbers are bare."
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
    return [
        f"{field.name} = {_toml(getattr(made, field.name))}"
        for field in dataclasses.fields(made)
        if getattr(made, field.name) is not None and not isinstance(getattr(made, field.name), Weights)
    ]


def _toml(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return repr(value)
