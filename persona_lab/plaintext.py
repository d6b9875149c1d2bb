"""Text from outside made safe to handle and to show: bounded, without control or direction marks, quoted as data."""

from __future__ import annotations

import html
import unicodedata

LONGEST_TEXT = 2_000
"""Characters of a statement that are looked at; the encoder itself reads about 256 tokens."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Unicode categories dropped: control, format (bidirectional, zero width), surrogate, private, unassigned."""

_JOINERS = {"\N{ZERO WIDTH JOINER}", "\N{VARIATION SELECTOR-16}"}
"""Kept inside emoji sequences by :func:`plain`; they carry no direction."""


def plain(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return ``text`` without hidden characters, on one line, single-spaced, at most ``longest`` characters.

    The bound is applied first, so that a text of any length costs the same.
    """
    kept = (
        character if unicodedata.category(character) not in _HIDDEN else (" " if character in "\n\r\t\x0b\x0c" else "")
        for character in text[: 4 * longest]
        if character not in _JOINERS
    )
    return " ".join("".join(kept).split())[:longest]


def quoted(text: str, longest: int = 80) -> str:
    """Return user text as a quotation that a reader, person or model, cannot mistake for the agent's own words.

    Hidden characters are dropped, HTML is escaped, and quotation marks, braces, back-ticks and line structure are
    neutralised, so that nothing inside can close the quotation; longer texts end in an ellipsis.
    """
    flat = plain(text, max(4 * longest, LONGEST_TEXT)).translate(_NEUTRAL)
    if len(flat) > longest:
        flat = flat[: longest - 1].rstrip() + "\N{HORIZONTAL ELLIPSIS}"
    return f'"{html.escape(flat, quote=False)}"'


_NEUTRAL = str.maketrans(
    {
        '"': "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": "'",
        "\N{RIGHT DOUBLE QUOTATION MARK}": "'",
        "\N{DOUBLE LOW-9 QUOTATION MARK}": "'",
        "\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}": "'",
        "\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}": "'",
        "\N{DOUBLE HIGH-REVERSED-9 QUOTATION MARK}": "'",
        "\N{REVERSED DOUBLE PRIME QUOTATION MARK}": "'",
        "\N{DOUBLE PRIME QUOTATION MARK}": "'",
        "\N{LOW DOUBLE PRIME QUOTATION MARK}": "'",
        "\N{DOUBLE PRIME}": "'",
        "\N{FULLWIDTH QUOTATION MARK}": "'",
        "\N{FULLWIDTH LESS-THAN SIGN}": "(",
        "\N{FULLWIDTH GREATER-THAN SIGN}": ")",
        "`": "'",
        "{": "(",
        "}": ")",
        "[": "(",
        "]": ")",
        "#": " ",
        "|": "/",
    }
)
