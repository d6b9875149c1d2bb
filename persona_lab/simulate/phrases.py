"""What a simulated person says: several hundred phrasings with a truthful label of what was meant.

``phrase(generator, context, option, stance)`` picks a phrasing family, one of its templates and surface forms, and adds
small surface noise (case, full stops). Vague, sarcastic and indirect families carry the label of what was meant, not of
what the words say: "Oh great, morning meetings again" does not want them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, TypeVar

import numpy as np

from persona_lab.contracts import Stance
from persona_lab.simulate.phrases_contexts import CONTEXTS, Form, forms_of, topic_of
from persona_lab.simulate.phrases_families import FAMILIES, Family

__all__ = ["CONTEXTS", "FAMILIES", "Family", "Label", "Phrase", "families_for", "phrase", "render"]

_T = TypeVar("_T")

LOWER_CASE_SHARE = 0.15
"""Share of statements typed without capitals."""

NO_STOP_SHARE = 0.3
"""Share of statements that end without their full stop."""


class Label(NamedTuple):
    """What was meant; context and option are None where the statement teaches nothing."""

    context: str | None
    option: str | None
    stance: Stance
    register: str


class Phrase(NamedTuple):
    """A statement, the phrasing family it comes from, and what was meant."""

    text: str
    family: str
    label: Label


@cache
def families_for(context: str, option: str | None, stance: Stance) -> tuple[Family, ...]:
    """Return the families that can say ``stance`` about the option: the general ones and its own indirect ones."""
    return tuple(
        family
        for family in FAMILIES
        if family.stance is stance and family.context in (None, context) and family.option in (None, option)
    )


def phrase(generator: np.random.Generator, context: str, option: str, stance: Stance) -> Phrase:
    """Return something a person could say to express ``stance`` about ``option`` of ``context``.

    Parameters
    ----------
    generator
        From :func:`persona_lab.randomness.generator`; the same state gives the same words.
    context, option
        Names; those of the bank (``CONTEXTS``) have several surface forms, others are spoken by their name.
    stance
        What is meant. ``Stance.NOTHING`` gives small talk or a question, some of it naming the option.
    """
    families = families_for(context, option, stance)
    family = families[int(generator.integers(len(families)))]
    return render(generator, family, context, option)


def render(
    generator: np.random.Generator,
    family: Family,
    context: str,
    option: str,
    *,
    last_forms: bool = True,
) -> Phrase:
    """Return one rendering of ``family`` about the option, without every option's last surface form if told so."""
    own = _allowed(context, option, last_forms)
    others = [name for name in CONTEXTS.get(context, ()) if name != option]
    template = _pick(generator, family.templates)
    form = _pick(generator, own)
    other = Form("the other way", "do it the other way")
    if others:
        other = _pick(generator, _allowed(context, _pick(generator, others), last_forms))
    text = filled(template, form, other, topic_of(context))
    if generator.random() < LOWER_CASE_SHARE:
        text = text.lower()
    if generator.random() < NO_STOP_SHARE:
        text = text.removesuffix(".")
    if family.stance is Stance.NOTHING:
        label = Label(None, None, Stance.NOTHING, family.register)
    else:
        label = Label(context, option, family.stance, family.register)
    return Phrase(text, family.name, label)


def _pick(generator: np.random.Generator, choices: Sequence[_T]) -> _T:
    return choices[int(generator.integers(len(choices)))]


def _allowed(context: str, option: str, last_forms: bool) -> tuple[Form, ...]:
    forms = forms_of(context, option)
    return forms if last_forms or len(forms) == 1 else forms[:-1]


def filled(template: str, form: Form, other: Form, topic: str) -> str:
    slots = {"np": form.noun, "do": form.request, "other_np": other.noun, "other_do": other.request, "topic": topic}
    capitals = {name.capitalize(): value[:1].upper() + value[1:] for name, value in slots.items()}
    return template.format(**slots, **capitals)
