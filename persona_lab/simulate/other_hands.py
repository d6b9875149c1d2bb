"""Phrasing families and words for options by other hands than the bank's: to fit the interpreter on, and to judge it.

Their authors saw neither the bank nor each other's files. The *second* and the *fourth* hand's families and words are
fitted on; the *third* hand's everyday sentences never are: they tell how the packaged interpreter reads people who
speak unlike everything that it was made from. Templates that a hand happens to share with the data set, held-out
families included, or with a hand before it are left out. The fourth hand is several authors who saw nobody's phrasings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from persona_lab.contracts import Stance
from persona_lab.randomness import generator
from persona_lab.simulate.phrases import CONTEXTS, FAMILIES, Family, filled
from persona_lab.simulate.phrases_contexts import Form, forms_of, topic_of
from persona_lab.simulate.statements import (
    SEED,
    Row,
    drawn,
    families_beyond,
    held_out_families,
    plain_template,
    same_text,
    statement_rows,
)

SECOND_HAND = "phrases_second_hand.json"
THIRD_HAND = "phrases_third_hand.json"
FOURTH_HAND = "phrases_fourth_hand.json"
WORDINGS = {"second": "wordings_second_hand.json", "fourth": "wordings_fourth_hand.json"}

SECOND_PER_FAMILY = 5
FOURTH_PER_FAMILY = 3
BEYOND_PER_FAMILY = 6
PER_WORDING = 3
"""Statements drawn per family and per wording for the packaged interpreter."""


@cache
def families_second() -> tuple[Family, ...]:
    """Return the second hand's families, none of their templates in the data set or in the families beyond it."""
    return _families(SECOND_HAND, (*FAMILIES, *families_beyond()))


@cache
def families_third() -> tuple[Family, ...]:
    """Return the third hand's families, none of their templates in anything that is fitted on or held out."""
    return _families(THIRD_HAND, (*FAMILIES, *families_beyond(), *families_second()))


@cache
def families_fourth() -> tuple[Family, ...]:
    """Return the fourth hand's families, none of their templates in any other hand's or in the data set."""
    return _families(FOURTH_HAND, (*FAMILIES, *families_beyond(), *families_second(), *families_third()))


def rows_second(per_family: int = SECOND_PER_FAMILY) -> list[Row]:
    """Return statements of the second hand's families, none of the data set's texts and no last surface form."""
    return _fresh(drawn("second hand", per_family, families_second()))


def rows_third(per_family: int = SECOND_PER_FAMILY) -> list[Row]:
    """Return statements of the third hand's families, none of the data set's texts and no last surface form."""
    return _fresh(drawn("third hand", per_family, families_third()))


def rows_fourth(per_family: int = FOURTH_PER_FAMILY) -> list[Row]:
    """Return statements of the fourth hand's families, none of the data set's texts and no last surface form."""
    return _fresh(drawn("fourth hand", per_family, families_fourth()))


@cache
def more_forms(context: str, option: str, hand: str = "second") -> tuple[Form, ...]:
    """Return a hand's words for an option of the bank, none of them its held-back last form or part of it."""
    wordings: dict[str, dict[str, list[tuple[str, str]]]] = _read(WORDINGS[hand])
    found = [Form(noun, request) for noun, request in wordings[context][option]]
    taken = [phrase.casefold() for name in CONTEXTS[context] for phrase in forms_of(context, name)[-1]]
    return tuple(form for form in found if not any(_overlap(phrase, last) for phrase in form for last in taken))


def rows_more_wordings(per_wording: int = PER_WORDING, hand: str = "second") -> list[Row]:
    """Return statements of the bank's training families that name options in a hand's words for them."""
    held_out = held_out_families()
    families = [
        family
        for family in FAMILIES
        if family.name not in held_out and family.context is None and family.stance is not Stance.NOTHING
    ]
    chance = generator(SEED, "more wordings" if hand == "second" else f"more wordings, {hand} hand")
    rows: dict[str, Row] = {}
    for context, options in CONTEXTS.items():
        for option in options:
            for number, form in enumerate(
                more_forms(context, option, hand), start=_wordings_before(context, option, hand)
            ):
                for _ in range(per_wording):
                    family = families[int(chance.integers(len(families)))]
                    template = family.templates[int(chance.integers(len(family.templates)))]
                    rivals = [one for name in options if name != option for one in more_forms(context, name, hand)]
                    other = rivals[int(chance.integers(len(rivals)))]
                    text = filled(template, form, other, topic_of(context))
                    label = (context, option, family.stance.value, family.name, family.register)
                    rows.setdefault(same_text(text), Row(text, *label, str(number), "train"))
    return _fresh(rows.values())


def _wordings_before(context: str, option: str, hand: str) -> int:
    own = len(forms_of(context, option))
    return own if hand == "second" else own + len(more_forms(context, option))


def _families(file: str, before: Iterable[Family]) -> tuple[Family, ...]:
    taken = {plain_template(one) for family in before for one in family.templates}
    found: list[Family] = []
    written: dict[str, dict[str, list[str]]] = _read(file)
    for stance, families in written.items():
        for name, templates in families.items():
            kept = tuple(template for template in templates if plain_template(template) not in taken)
            if kept:
                found.append(Family(name, Stance(stance), "plain", kept))
    return tuple(found)


def _fresh(rows: Iterable[Row]) -> list[Row]:
    known = {same_text(row.text) for row in statement_rows()}
    return [row for row in rows if same_text(row.text) not in known]


def _overlap(phrase: str, last: str) -> bool:
    said = phrase.casefold()
    return said in last or last in said


def _read(file: str) -> Any:
    return json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
