"""Tables and figures inside a notebook."""

from __future__ import annotations

from dataclasses import dataclass

from persona_lab.report import html, markdown
from persona_lab.report.figures import use_in_notebook
from persona_lab.report.sections import Table

__all__ = ["Shown", "show", "use_in_notebook"]


STYLE = """
.persona-lab-table td small { display: block; opacity: .7; white-space: nowrap; }
.persona-lab-table tbody th { text-align: left !important; font-weight: 400; white-space: nowrap; }
.persona-lab-table tr.best > * { font-weight: 700; }
.persona-lab-table abbr { text-decoration: none; }
"""
"""Keeps notebooks' own table style, and sets standard errors under their figures."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A table that a notebook shows as HTML and a terminal as Markdown."""

    table: Table

    def _repr_html_(self) -> str:
        return f'<div class="persona-lab-table"><style>{STYLE}</style>{html.table(self.table)}</div>'

    def __repr__(self) -> str:
        return markdown.table(self.table)


def show(table: Table) -> Shown:
    """Return the table in a form that Jupyter renders; put it last in a cell."""
    return Shown(table)
