"""Opposites that must stay apart and paraphrases that should merge: what a dedupe by meaning is scored on."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Stance
from persona_lab.measurement import Measurement
from persona_lab.randomness import generator
from persona_lab.simulate.phrases import CONTEXTS, FAMILIES, Family
from persona_lab.simulate.phrases_contexts import Form, forms_of, topic_of
from persona_lab.simulate.statements import held_out_families
from persona_lab.text.dedupe import Dedupe

PAIRS = 500


class TextPair(NamedTuple):
    """Two statements about one context; ``kind`` says how they relate."""

    kind: str
    first: str
    second: str


def opposite_pairs(
    *,
    seed: int,
    count: int = PAIRS,
    among: Collection[str] | None = None,
    families: Sequence[Family] = FAMILIES,
) -> list[TextPair]:
    """Return pairs in similar words that must never merge.

    By turns: the same words for the option wanted and not wanted, and one template about two options of a context.
    ``among`` names the phrasing families out of ``families``; default those of the data set that the interpreter was
    not fitted on.
    """
    chance = generator(seed, "opposite pairs")
    wants, against = _families(Stance.WANTS, among, families), _families(Stance.DOES_NOT_WANT, among, families)
    pairs: list[TextPair] = []
    while len(pairs) < count:
        context, option, other = _about(chance)
        form, another = _form(chance, context, option), _form(chance, context, other)
        family = wants[int(chance.integers(len(wants)))]
        if len(pairs) % 2 == 0:
            refusal = against[int(chance.integers(len(against)))]
            first = _said(chance, family, form, another, context)
            pairs.append(TextPair("stance", first, _said(chance, refusal, form, another, context)))
        else:
            template = family.templates[int(chance.integers(len(family.templates)))]
            first = _filled(template, form, another, context)
            pairs.append(TextPair("option", first, _filled(template, another, form, context)))
    return pairs


def paraphrase_pairs(
    *,
    seed: int,
    count: int = PAIRS,
    among: Collection[str] | None = None,
    families: Sequence[Family] = FAMILIES,
) -> list[TextPair]:
    """Return pairs of two families of one stance about the same option in the same words for it."""
    chance = generator(seed, "paraphrase pairs")
    pairs: list[TextPair] = []
    while len(pairs) < count:
        stance = (Stance.WANTS, Stance.DOES_NOT_WANT)[len(pairs) % 2]
        own = _families(stance, among, families)
        one, two = (own[i] for i in chance.choice(len(own), size=2, replace=False))
        context, option, other = _about(chance)
        form, another = _form(chance, context, option), _form(chance, context, other)
        first = _said(chance, one, form, another, context)
        pairs.append(TextPair(stance.value, first, _said(chance, two, form, another, context)))
    return pairs


def sameness(dedupe: Dedupe, pairs: list[TextPair]) -> NDArray[np.float64]:
    """Return (pairs,) the figure that the threshold cuts, for a user who has every context of the bank."""
    return dedupe.sameness([(pair.first, pair.second) for pair in pairs], CONTEXTS)


def merged(values: NDArray[np.float64], threshold: float) -> Measurement:
    """Return the share of pairs that a threshold merges, with its binomial standard error."""
    share = float((values >= threshold).mean())
    return Measurement(share, float(np.sqrt(share * (1.0 - share) / len(values))), len(values))


def _families(stance: Stance, among: Collection[str] | None, families: Sequence[Family]) -> list[Family]:
    names = held_out_families() if among is None else among
    return [
        family for family in families if family.stance is stance and family.register == "plain" and family.name in names
    ]


def _about(chance: np.random.Generator) -> tuple[str, str, str]:
    context = tuple(CONTEXTS)[int(chance.integers(len(CONTEXTS)))]
    option, other = (CONTEXTS[context][i] for i in chance.choice(len(CONTEXTS[context]), size=2, replace=False))
    return context, option, other


def _form(chance: np.random.Generator, context: str, option: str) -> Form:
    forms = forms_of(context, option)[:-1]
    return forms[int(chance.integers(len(forms)))]


def _said(chance: np.random.Generator, family: Family, form: Form, other: Form, context: str) -> str:
    return _filled(family.templates[int(chance.integers(len(family.templates)))], form, other, context)


def _filled(template: str, form: Form, other: Form, context: str) -> str:
    slots = {
        "np": form.noun,
        "do": form.request,
        "other_np": other.noun,
        "other_do": other.request,
        "topic": topic_of(context),
    }
    return template.format(**slots, **{name.capitalize(): text[:1].upper() + text[1:] for name, text in slots.items()})
