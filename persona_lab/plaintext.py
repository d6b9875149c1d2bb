"""Text from outside made safe to handle and to show: bounded, without control or direction marks, quoted as data."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence

from persona_lab.errors import InputError

LONGEST_TEXT = 2_000
"""Characters of a statement that are looked at; the encoder itself reads about 256 tokens."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories dropped: control, format (bidirectional, zero width), surrogate, private, unassigned."""

_BREAKS = frozenset("\n\r\t\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")
"""Hidden characters that part words: each becomes a space."""

_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters, marks and symbols that show nothing (fillers, variation selectors): whole sentences can hide in them."""


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return ``text`` without hidden characters, on one line, single-spaced, at most ``longest`` characters.

    Emoji sequences lose their joiners and become their parts. Only the first four times ``longest`` characters are
    looked at, so that a text of any length costs the same.

    Raises
    ------
    InputError
        Where ``text`` is no text.
    """
    if not isinstance(text, str):
        raise InputError("this is no text", cure="Pass a str; leave out what was not said.", value=text)
    kept = (
        character if unicodedata.category(character) not in _HIDDEN else (" " if character in _BREAKS else "")
        for character in _UNSEEN.sub("", text[: 4 * longest])
    )
    return " ".join("".join(kept).split())[:longest]


def refuse_bare(texts: Sequence[str]) -> None:
    """Raise InputError where one text stands for a list of texts: its letters would be taken for the texts."""
    if isinstance(texts, str | bytes):
        raise InputError("this is one text, not a list of texts", cure="Pass [text].", value=texts)


def quoted(text: str, longest: int = 80) -> str:
    """Return user text as a quotation that a reader, person or model, cannot mistake for the agent's own words.

    Hidden characters are dropped, HTML is escaped, and quotation marks, braces, back-ticks and line structure are
    neutralised, so that nothing inside can close the quotation; longer texts end in an ellipsis.
    """
    flat = plain(text, max(4 * longest, LONGEST_TEXT))
    for marks, instead in _NEUTRAL:
        flat = marks.sub(instead, flat)
    if len(flat) > longest:
        flat = flat[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return f'"{html.escape(flat, quote=False)}"'


_QUOTES = '"\u00ab\u00bb\u02ba\u02dd\u02ee\u02f6\u05f4\u2033\u2034\u2036\u2037\u2057\u201c-\u201f'
_QUOTES += "\u275d\u275e\u2760\u276e\u276f\u2e42\u3003"
_QUOTES += "\u300c-\u300f\u301d-\u301f\ufe41-\ufe44\uff02\uff62\uff63\U0001f676-\U0001f678`\uff40"
"""What a reader may take for the end of a quotation: double marks of every script, and back-ticks."""

_NEUTRAL = (
    (re.compile(f"[{_QUOTES}]"), "'"),
    (re.compile(r"[\\\uff3c\ufe68\u29f5]"), "/"),  # a back-slash before the closing mark would keep it open
    (re.compile(r"[\uff1c\ufe64]"), "("),
    (re.compile(r"[\uff1e\ufe65]"), ")"),
    (re.compile(r"[\[{\uff3b\uff5b\ufe5b]"), "("),
    (re.compile(r"[\]}\uff3d\uff5d\ufe5c]"), ")"),
    (re.compile(r"[#\uff03\ufe5f]"), " "),
    (re.compile(r"[|\uff5c]"), "/"),
)
