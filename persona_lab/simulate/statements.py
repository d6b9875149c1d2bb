"""The statements data set: labelled sentences for the interpreter, split by phrasing family.

A quarter of the families of every stance is held out, chosen by a hash of the family's name; the last surface form of
every option is never used in training either, so that the test meets new templates and new words.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from persona_lab.contracts import Stance
from persona_lab.randomness import generator
from persona_lab.simulate.phrases import CONTEXTS, FAMILIES, Family, render
from persona_lab.simulate.phrases_beyond import DOES_NOT_WANT, WANTS
from persona_lab.simulate.phrases_beyond_more import (
    CHANGED_MIND,
    NOTHING,
    ONLY_ONCE,
    SARCASTIC,
    VAGUE_AGAINST,
    VAGUE_WANTS,
)
from persona_lab.simulate.phrases_contexts import forms_of
from persona_lab.text.cues import words

SEED = 7
HELD_OUT_SHARE = 0.25
PER_FAMILY = 12
"""Statements drawn per general family; an indirect family gives each of its templates once or twice."""

MORE_PER_FAMILY = 24
"""Further statements per training family, at most; the packaged interpreter takes fewer."""

FILE_NAME = "statements.csv"

_BEYOND = (
    (Stance.WANTS, "plain", WANTS),
    (Stance.DOES_NOT_WANT, "plain", DOES_NOT_WANT),
    (Stance.CHANGED_MIND, "plain", CHANGED_MIND),
    (Stance.ONLY_ONCE, "plain", ONLY_ONCE),
    (Stance.NOTHING, "plain", NOTHING),
    (Stance.DOES_NOT_WANT, "sarcastic", SARCASTIC),
    (Stance.WANTS, "vague", VAGUE_WANTS),
    (Stance.DOES_NOT_WANT, "vague", VAGUE_AGAINST),
)


class Row(NamedTuple):
    """One line of the data set; context and option are empty where the statement teaches nothing.

    ``wording`` is the number of the option's surface form, -1 where none of them occurs as it stands.
    """

    text: str
    context: str
    option: str
    stance: str
    family: str
    register: str
    wording: str
    split: str


def held_out_families() -> frozenset[str]:
    """Return the families kept for the test: of each stance and kind, the quarter whose names hash lowest."""
    groups: dict[tuple[Stance, bool], list[str]] = {}
    for family in FAMILIES:
        groups.setdefault((family.stance, family.register == "indirect"), []).append(family.name)
    chosen: set[str] = set()
    for names in groups.values():
        ranked = sorted(names, key=lambda name: hashlib.blake2b(name.encode(), digest_size=8).digest())
        chosen.update(ranked[: round(HELD_OUT_SHARE * len(names))])
    return frozenset(chosen)


def statement_rows() -> list[Row]:
    """Return the whole data set, distinct texts only, in the order of the families."""
    return drawn("statements", PER_FAMILY, FAMILIES)


def more_training_rows(per_family: int = MORE_PER_FAMILY) -> list[Row]:
    """Return further statements of the training families, same templates and words, none of the data set's texts."""
    held_out = held_out_families()
    general = [family for family in FAMILIES if family.name not in held_out and family.context is None]
    known = {same_text(row.text) for row in statement_rows()}
    return [row for row in drawn("more statements", per_family, general) if same_text(row.text) not in known]


@cache
def families_beyond() -> tuple[Family, ...]:
    """Return the families that are no part of the data set, without the templates that they happen to share with it."""
    taken = {plain_template(one) for family in FAMILIES for one in family.templates}
    found: list[Family] = []
    for stance, register, families in _BEYOND:
        for name, templates in families.items():
            kept = tuple(template for template in templates if plain_template(template) not in taken)
            if kept:
                found.append(Family(name, stance, register, kept))
    return tuple(found)


def rows_beyond(per_family: int = PER_FAMILY) -> list[Row]:
    """Return statements of the families beyond the data set, none of its texts, in words for the options that it has.

    They are marked "train": the packaged interpreter is fitted on them.
    """
    known = {same_text(row.text) for row in statement_rows()}
    return [row for row in drawn("beyond", per_family, families_beyond()) if same_text(row.text) not in known]


def plain_template(template: str) -> str:
    """Return a template without case and punctuation: two that agree here say the same in the same words."""
    return " ".join(words(template.replace("_", "").casefold()))


def drawn(purpose: str, per_family: int, families: Sequence[Family]) -> list[Row]:
    """Return ``per_family`` statements of every family, distinct texts only; chance is keyed by ``purpose``."""
    held_out = held_out_families()
    pairs = [(context, option) for context, options in CONTEXTS.items() for option in options]
    rows: dict[str, Row] = {}
    for number, family in enumerate(families):
        split = "test" if family.name in held_out else "train"
        chance = generator(SEED, purpose, number)
        order = [pairs[i] for i in chance.permutation(len(pairs))]
        count = per_family if family.context is None else 2 * len(family.templates)
        for place in range(count):
            context, option = _about(family, order[place % len(order)])
            said = render(chance, family, context, option, last_forms=split == "test")
            label = said.label
            rows.setdefault(
                same_text(said.text),
                Row(
                    said.text,
                    label.context or "",
                    label.option or "",
                    label.stance.value,
                    family.name,
                    label.register,
                    str(_wording(said.text, context, option)),
                    split,
                ),
            )
    return list(rows.values())


def same_text(text: str) -> str:
    """Return what two statements share that differ in case and full stop alone."""
    return text.casefold().rstrip(".")


def build_statements(folder: Path) -> Path:
    """Write the data set into ``folder`` (created if needed), the same bytes every time; return the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(Row._fields)
    writer.writerows(statement_rows())
    path = folder / FILE_NAME
    path.write_bytes(text.getvalue().encode("utf-8"))
    return path


def read_statements(path: Path) -> list[Row]:
    """Read a data set written by :func:`build_statements`."""
    with path.open(encoding="utf-8", newline="") as file:
        return [Row(**line) for line in csv.DictReader(file)]


def _wording(text: str, context: str, option: str) -> int:
    """Return the number of the longest form that occurs; "answers in French" holds "French" too."""
    said = text.casefold()
    found = [
        (len(phrase), number)
        for number, form in enumerate(forms_of(context, option))
        for phrase in (form.noun, form.request)
        if phrase.casefold() in said
    ]
    return max(found)[1] if found else -1


def _about(family: Family, drawn: tuple[str, str]) -> tuple[str, str]:
    return (family.context or drawn[0], family.option or drawn[1])
