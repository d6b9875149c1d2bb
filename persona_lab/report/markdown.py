"""Markdown: the same sections for a terminal, a pull request or a chat."""

from __future__ import annotations

from collections.abc import Sequence

from persona_lab.report.sections import Cell, Section, Table


def document(title: str, lead: str, sections: Sequence[Section]) -> str:
    """Return sections as Markdown; figures are left to the HTML report."""
    parts = [f"# {title}", lead]
    for section in sections:
        parts.append(f"## {section.title}")
        parts += section.prose
        parts += [table(found) for found in section.tables]
    return "\n\n".join(part for part in parts if part) + "\n"


def table(found: Table) -> str:
    """Return a table with its notes under it."""
    notes: dict[str, int] = {}
    lines = [
        f"| {' | '.join(_escaped(column) for column in found.columns)} |",
        f"|{'|'.join(_rule(found, index) for index in range(len(found.columns)))}|",
    ]
    for index, row in enumerate(found.rows):
        cells = [
            _cell(cell, notes, named=column == 0, bold=index in found.highlight) for column, cell in enumerate(row)
        ]
        lines.append(f"| {' | '.join(cells)} |")
    listed = [f"{number}. {note}" for note, number in notes.items()]
    return "\n\n".join(
        part for part in (f"**{found.title}**", "\n".join(lines), "\n".join(listed), found.reading) if part
    )


def _rule(found: Table, column: int) -> str:
    return "---:" if found.rows and found.rows[0][column].number else "---"


def _cell(cell: Cell, notes: dict[str, int], *, named: bool, bold: bool) -> str:
    text = _escaped(f"{cell.text} {cell.small}".strip())
    if cell.note is not None and not named and cell.number:
        text = f"{text} ({notes.setdefault(cell.note, len(notes) + 1)})"
    return f"**{text}**" if bold and named else text


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
