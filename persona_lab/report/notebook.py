"""Tables and figures inside a notebook."""

from __future__ import annotations

from dataclasses import dataclass

from persona_lab.report import html, markdown
from persona_lab.report.figures import use_in_notebook
from persona_lab.report.sections import Table

__all__ = ["Shown", "show", "use_in_notebook"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that a notebook shows as HTML and a terminal as Markdown."""

    table: Table

    def _repr_html_(self) -> str:
        return html.table(self.table)

    def __repr__(self) -> str:
        return markdown.table(self.table)


def show(table: Table) -> Shown:
    """Return the table in a form that Jupyter renders; put it last in a cell."""
    return Shown(table)
