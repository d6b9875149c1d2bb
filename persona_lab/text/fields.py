"""What structured metadata says of a statement before its words are read."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from persona_lab.contracts import Stance, Statement
from persona_lab.errors import InputError
from persona_lab.events import STATUSES
from persona_lab.plaintext import plain
from persona_lab.text.cues import words

NAMED_FIELDS = ("corrected", "corrected_to", "option_chosen")
"""Metadata fields that name what the user chose instead."""

PROPOSED_FIELDS = ("proposed", "proposal", "suggested")
"""Metadata fields that name what the user was offered; whether it was taken is for the status or the words to say."""

_YES = frozenset(
    ("yes", "yep", "yeah", "yup", "sure", "perfect", "great", "exactly", "correct", "good", "excellent", "absolutely")
)
_NO = frozenset(("no", "nope", "nah", "wrong", "never"))
_BESIDE = frozenset(
    ("please", "thanks", "thank", "you", "that", "that's", "it", "is", "sounds", "works", "very", "oh", "just", "all")
)
_SIGNS = {"\N{THUMBS UP SIGN}": True, "\N{WHITE HEAVY CHECK MARK}": True}
_SIGNS |= {"\N{THUMBS DOWN SIGN}": False, "\N{CROSS MARK}": False}


class Fields(NamedTuple):
    """What is settled by metadata, None where it is not.

    Attributes
    ----------
    context, option, stance
        As in an interpretation.
    proposed
        What the user was offered, where nothing says what became of it.
    refused
        What the user refused without naming anything else; the words may.
    any_given
        Whether metadata said anything at all.
    """

    context: str | None
    option: str | None
    stance: Stance | None
    proposed: str | None = None
    refused: str | None = None
    any_given: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is left for the words to fill in."""
        return None not in (self.context, self.option, self.stance)


def fields_of(statement: Statement) -> Fields:
    """Return what the metadata settles; a bare "yes", "no" or thumb answers what was proposed.

    Status words are those of :data:`persona_lab.events.STATUSES`. A refusal marked as an exception teaches nothing:
    what was not wanted once may be wanted next time.

    Raises
    ------
    InputError
        Where ``statement.metadata`` is no mapping.
    """
    data: Mapping[str, Any] = statement.metadata
    if not isinstance(data, Mapping):
        raise InputError("metadata is no mapping", cure="Pass a dict, {} where nothing came along.", value=data)
    kind = STATUSES.get(str(data.get("status", "")).strip().casefold())
    context, about = _name(data.get("context")), _name(data.get("option"))
    named = _first(data, NAMED_FIELDS) or (about if kind == "corrected" else None)
    proposed = _first(data, PROPOSED_FIELDS)
    given = any(value is not None for value in (kind, context, about, named, proposed))
    if kind == "silent":
        return Fields(context, None, None, any_given=given)  # nobody answered; text may still say something
    once = data.get("exception") is True or data.get("only_once") is True
    answered = _bare_answer(statement.text) if proposed and not (kind or named or once or about) else kind
    offered = proposed or about
    if named or answered == "accepted":
        return Fields(context, named or offered, Stance.ONLY_ONCE if once else Stance.WANTS, any_given=given)
    if answered in ("declined", "corrected"):  # a correction that names nothing is a decline
        stance = Stance.NOTHING if once else Stance.DOES_NOT_WANT
        return Fields(context, offered, stance, refused=offered, any_given=given)
    return Fields(context, about, Stance.ONLY_ONCE if once else None, proposed=proposed, any_given=given or once)


def check_known(known: Mapping[str, Sequence[str]]) -> None:
    """Raise InputError where ``known`` is not contexts with lists of option names."""
    if not isinstance(known, Mapping):
        raise InputError("contexts are no mapping", cure='Pass {"context": ["option", ...]}.', value=known)
    for context, options in known.items():
        listed = isinstance(options, Sequence) and not isinstance(options, str | bytes)
        if not isinstance(context, str) or not listed or not all(isinstance(option, str) for option in options):
            raise InputError(
                "a context's options are no list of names",
                cure="Pass a list of str.",
                column=str(context),
                value=options,
            )


def unreadable(text: str) -> bool:
    """Return whether a text without readable words shows something all the same: other scripts, emoji."""
    return any(unicodedata.category(character)[0] in "LSN" for character in plain(text))


def _bare_answer(text: str) -> str | None:
    said = words(text)
    if said:
        yes, no = any(word in _YES for word in said), any(word in _NO for word in said)
        if yes == no or not all(word in _YES | _NO | _BESIDE for word in said):
            return None
        return "accepted" if yes else "declined"
    signs = {_SIGNS[character] for character in text if character in _SIGNS}
    return None if len(signs) != 1 else ("accepted" if signs.pop() else "declined")


def _first(data: Mapping[str, Any], keys: Sequence[str]) -> str | None:
    return next((name for key in keys if (name := _name(data.get(key))) is not None), None)


def _name(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value != value:
        return None
    return str(value).strip() or None
