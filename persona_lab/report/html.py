"""HTML: one self-contained file that opens without a network; the same sections give the same bytes."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import plotly.io as pio
from plotly.offline import get_plotlyjs

from persona_lab.report.sections import Cell, Drawing, Section, Table

HERE = Path(__file__).parent


def page(title: str, lead: str, sections: Sequence[Section], footer: str = "") -> str:
    """Return the report as one HTML document with a single embedded copy of plotly.js.

    Parameters
    ----------
    title, lead
        Heading and the line under it.
    sections
        In reading order; the first is set large.
    footer
        Last line, small Markdown.

    Raises
    ------
    ValueError
        If two drawings share a name, which is their element's id.
    """
    names = [drawing.name for section in sections for drawing in section.drawings]
    if len(set(names)) != len(names):
        raise ValueError(f"every drawing of a page needs its own name, got {sorted(names)}.")
    anchors = [(_anchor(section.title), section.title) for section in sections]
    links = "".join(f'<a href="#{anchor}">{html.escape(name)}</a>' for anchor, name in anchors)
    body = "\n".join(_section(section, first=index == 0) for index, section in enumerate(sections))
    drawn = any(section.drawings for section in sections)
    scripts = f"<script>{_plotly()}</script>\n<script>{_asset('page.js')}</script>" if drawn else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>\n{_asset('page.css')}</style>\n</head>\n<body>\n"
        f'<h1>{html.escape(title)}</h1>\n<p class="lead">{inline(lead)}</p>\n<nav>{links}</nav>\n'
        f"{body}\n<footer>{inline(footer)}</footer>\n{scripts}\n</body>\n</html>\n"
    )


def inline(text: str) -> str:
    """Return small Markdown (bold, code) as HTML, all else escaped."""
    escaped = html.escape(text, quote=False)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    return re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", escaped)


def table(found: Table) -> str:
    """Return a table with its footnotes; it scrolls sideways on its own where the page is narrow."""
    notes: dict[str, int] = {}
    head = "".join(
        f'<th scope="col"{" class=n" if index and _numeric(found, index) else ""}>{html.escape(column)}</th>'
        for index, column in enumerate(found.columns)
    )
    lines = []
    for index, row in enumerate(found.rows):
        cells = "".join(_cell(cell, notes, row_head=column == 0) for column, cell in enumerate(row))
        lines.append(f"<tr{' class=best' if index in found.highlight else ''}>{cells}</tr>")
    listed = "".join(f"<li><sup>{number}</sup> {html.escape(note)}</li>" for note, number in notes.items())
    return (
        f"<h3>{html.escape(found.title)}</h3>\n"
        f'<div class="scroll"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n' + "\n".join(lines) + "\n</tbody>"
        "</table></div>\n"
        + (f'<ul class="notes">{listed}</ul>\n' if listed else "")
        + (f'<p class="reading">{inline(found.reading)}</p>\n' if found.reading else "")
    )


def _section(section: Section, *, first: bool) -> str:
    anchor = _anchor(section.title)
    heading = f'<h2 id="{anchor}">{html.escape(section.title)}</h2>'
    parts = [f"<p>{inline(paragraph)}</p>" for paragraph in section.prose]
    parts += [_drawing(drawing) for drawing in section.drawings]
    parts += [table(found) for found in section.tables]
    body = "\n".join(parts)
    if section.folded:
        return f"<details><summary>{heading}</summary>\n{body}\n</details>"
    return f"<section{' class=verdict' if first else ''}>{heading}\n{body}\n</section>"


def _drawing(drawing: Drawing) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9-]*", drawing.name):
        raise ValueError(f"a drawing's name is lower case letters, digits and hyphens, got {drawing.name!r}.")
    data = {"narrow": drawing.narrow, "figures": [_figure(figure) for _, figure in drawing.choices]}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False).replace("</", "<\\/")
    choose = ""
    if len(drawing.choices) > 1:
        options = "".join(f"<option>{html.escape(label)}</option>" for label, _ in drawing.choices)
        choose = f'<label class="choose">Show <select id="{drawing.name}-choice">{options}</select></label>\n'
    height = drawing.choices[0][1].layout.height or 450
    label = html.escape(f"{drawing.choices[0][1].layout.title.text or drawing.name}. {drawing.reading}", quote=True)
    return (
        f'<figure>\n{choose}<div class="plot" id="{drawing.name}" role="img" aria-label="{label}" '
        f'style="min-height:{height}px"></div>\n'
        f'<script type="application/json" id="{drawing.name}-data">{text}</script>\n'
        f"<figcaption><strong>Reading this figure.</strong> {inline(drawing.reading)}</figcaption>\n</figure>"
    )


def _figure(figure: Any) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(pio.to_json(figure, validate=True))
    return {"data": spec["data"], "layout": spec["layout"]}


def _cell(cell: Cell, notes: dict[str, int], *, row_head: bool) -> str:
    text = html.escape(cell.text)
    if cell.note is not None and not row_head and cell.number:
        number = notes.setdefault(cell.note, len(notes) + 1)
        text = f'<abbr title="{html.escape(cell.note)}">{text}<sup>{number}</sup></abbr>'
    elif cell.note is not None:
        text = f'<abbr title="{html.escape(cell.note)}">{text}</abbr>'
    small = f"<small>{html.escape(cell.small)}</small>" if cell.small else ""
    wide = " wrap" if len(cell.text) > 28 else ""
    if row_head:
        return f'<th scope="row" class="h{wide}">{text}{small}</th>'
    style = f' style="background:{cell.shade}"' if cell.shade else ""
    return f'<td class="{"n" if cell.number else "t"}{wide}"{style}>{text}{small}</td>'


def _numeric(found: Table, column: int) -> bool:
    return bool(found.rows) and found.rows[0][column].number


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


@cache
def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    source: str = get_plotlyjs()
    return source.replace("</script", "<\\/script")
