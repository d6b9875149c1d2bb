"""What a report is made of: sections of prose, figures and tables; HTML and Markdown are two faces of them.

Prose is a small Markdown: ``**bold**``, `` `code` ``. Another area adds its part of the report by passing
``Section`` objects to :func:`persona_lab.report.build.write_report`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go

from persona_lab.measurement import Measurement

UNDEFINED = "—"


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table.

    Attributes
    ----------
    text
        What is read.
    small
        A second, smaller line.
    note
        Why the figure is undefined, or another remark; becomes a footnote and is shown on hover.
    shade
        Background, hexadecimal; the ink is chosen for contrast.
    number
        Whether it is set flush right.
    """

    text: str
    small: str = ""
    note: str | None = None
    shade: str | None = None
    number: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A table: the first column names the row; ``highlight`` are the indices of rows set in bold."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    reading: str = ""
    highlight: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Drawing:
    """A figure, or several of one kind to choose from.

    Attributes
    ----------
    name
        Unique in the report; letters, digits and hyphens. The figure's element id.
    choices
        (label, figure) pairs; the first is shown, and printed.
    reading
        How to read it, one or two sentences.
    narrow
        Layout changes for screens narrower than 700 pixels, and on narrow screens direct labels give way to legends.
    """

    name: str
    choices: tuple[tuple[str, go.Figure], ...]
    reading: str
    narrow: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A part of the report; ``folded`` ones are closed on the screen and open in print."""

    title: str
    prose: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: bool = False


def name_cell(text: str, note: str | None = None) -> Cell:
    """Return a cell that names its row."""
    return Cell(text, note=note, number=False)


def figure_cell(figure: Measurement, *, scale: float = 1.0, digits: int = 2, unit: str = "") -> Cell:
    """Return the cell of a figure with its standard error; an em dash with the reason where it is undefined."""
    if figure.value is None:
        return Cell(UNDEFINED, note=figure.reason)
    text = f"{scale * figure.value:.{digits}f}{unit}"
    if figure.standard_error is None:
        return Cell(signed(text))
    return Cell(signed(text), small=f"± {scale * figure.standard_error:.{digits}f}")


def signed(text: str) -> str:
    """Return a number's text with a true minus sign, and without a sign on zero."""
    if text.startswith("-") and not any(digit in text for digit in "123456789"):
        return text[1:]
    return text.replace("-", "\N{MINUS SIGN}")


def listing(names: Sequence[str], word: str = "and") -> str:
    """Return "a, b and c"."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {word} {names[-1]}"
