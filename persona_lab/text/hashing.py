"""A test encoder: hashed words and character trigrams, no model, no meaning."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.plaintext import plain, refuse_bare


@dataclass(frozen=True, slots=True)
class HashingEncoder:
    """Encode by signed feature hashing (Weinberger et al. 2009) of words and character trigrams.

    For tests and for machines without the ``semantic`` extra. It knows spelling, not meaning: "mail" and "email" are
    close, "mail" and "letter" are strangers. Its :attr:`name` says so wherever it appears. Use
    :class:`persona_lab.text.SentenceEncoder` for anything that is reported.

    Parameters
    ----------
    dimensions
        Length of the vectors, at least 16.
    """

    dimensions: int = 384

    def __post_init__(self) -> None:
        if self.dimensions < 16:
            raise ConfigurationError("HashingEncoder", "dimensions", self.dimensions, "at least 16")

    @property
    def name(self) -> str:
        """Name shown in tables and cache keys."""
        return f"hashing-{self.dimensions} (test encoder, spelling only)"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, dimensions) unit vectors; the zero vector for a text without letters or digits."""
        refuse_bare(texts)
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for feature, weight in _features(plain(text)):
                code = zlib.crc32(feature.encode())
                row[code % self.dimensions] += weight if code & 0x8000_0000 else -weight
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / np.where(lengths > 0, lengths, 1), dtype=np.float32)


def _features(text: str) -> list[tuple[str, float]]:
    words = "".join(c if c.isalnum() else " " for c in text.casefold()).split()
    found = [(f"w:{word}", 1.0) for word in words]
    for word in words:
        padded = f"<{word}>"
        found.extend((f"t:{padded[i : i + 3]}", 0.4) for i in range(len(padded) - 2))
    return found
