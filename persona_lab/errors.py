"""Errors that carry their cure: what was given, where, what was expected, what to do."""

from __future__ import annotations


class PersonaLabError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(PersonaLabError, ValueError):
    """A value from outside (file, scenario, command line) cannot be used.

    Parameters
    ----------
    problem
        What is wrong, in one sentence without a full stop.
    cure
        What the reader should do about it, in the imperative.
    file, row, column, value
        Where it was found; ``row`` counts data rows from 1, as a spreadsheet without its header.
    """

    def __init__(
        self,
        problem: str,
        *,
        cure: str,
        file: str | None = None,
        row: int | None = None,
        column: str | None = None,
        value: object | None = None,
    ) -> None:
        self.problem = problem
        self.cure = cure
        self.file = file
        self.row = row
        self.column = column
        self.value = value
        super().__init__(str(self))

    def __str__(self) -> str:
        places = [
            f"{self.file}" if self.file is not None else "",
            f"row {self.row}" if self.row is not None else "",
            f"column '{self.column}'" if self.column is not None else "",
            f"value {_shortened(self.value)}" if self.value is not None else "",
        ]
        where = ", ".join(place for place in places if place)
        return f"{where + ': ' if where else ''}{self.problem}. {self.cure}"


class ConfigurationError(PersonaLabError, ValueError):
    """A component or scenario was configured with a value outside its range."""

    def __init__(self, owner: str, field: str, value: object, expected: str) -> None:
        self.owner = owner
        self.field = field
        self.value = value
        self.expected = expected
        super().__init__(f"{owner}.{field} = {value!r}: expected {expected}.")


class MissingExtraError(PersonaLabError, ImportError):
    """A part was used whose optional dependencies are not installed."""

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(f"{what} needs the extra '{extra}'. Install it: pip install 'persona_lab[{extra}]'.")


def _shortened(value: object, longest: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= longest else text[: longest - 3] + "..."
