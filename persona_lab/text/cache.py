"""Vectors kept on disk, so that a text is encoded once."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.plaintext import refuse_bare
from persona_lab.protocols import TextEncoder
from persona_lab.text.adapter import stance_reader
from persona_lab.text.layers import stance_view

_LOOKUP = 500
"""Keys per SELECT; SQLite's own limit is far above."""


@dataclass(frozen=True, slots=True)
class CachedEncoder:
    """Any encoder with an on-disk cache in front, keyed by the encoder's name and the text's hash.

    Repeated texts within a call are encoded once too. The file is SQLite, so several processes may share it. Delete
    the file to empty the cache; a changed model needs a changed name.

    Parameters
    ----------
    encoder
        What encodes the texts that are not in the cache.
    file
        Where vectors live; created with its folder if needed.
    """

    encoder: TextEncoder
    file: Path

    def __post_init__(self) -> None:
        if not isinstance(self.file, Path):
            raise ConfigurationError("CachedEncoder", "file", self.file, "a pathlib.Path")

    @property
    def name(self) -> str:
        """The wrapped encoder's name: the cache changes no vector."""
        return self.encoder.name

    def layers(self) -> TextEncoder:
        """Return the wrapped encoder's middle layers, cached in the same file; no columns where it shows none."""
        view = stance_view(self.encoder)
        return _Nothing("no layers") if view is None else CachedEncoder(view, self.file)

    def adapted(self, adapter: NDArray[np.float16]) -> TextEncoder:
        """Return what the wrapped encoder reads with an adapter, cached likewise; no columns if it takes none."""
        reader = stance_reader(self.encoder, adapter)
        return _Nothing("no adapter") if reader is None else CachedEncoder(reader, self.file)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, dimensions) unit vectors, from the cache where known.

        Raises
        ------
        InputError
            Where the file is no cache, or damaged.
        """
        try:
            return self._encode(texts)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise  # locked, read-only, disk full: deleting the file would not help
            raise _damaged(self.file) from error

    def _encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        refuse_bare(texts)
        keys = [_key(self.name, text) for text in texts]
        first = dict(zip(reversed(keys), reversed(texts), strict=True))
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self.file, timeout=30.0)) as base, base:
            base.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"
            )
            known = _known(base, list(first))
            missing = [key for key in dict.fromkeys(keys) if key not in known]
            if missing or not keys:
                fresh = self.encoder.encode([first[key] for key in missing])
                if not keys:
                    return fresh
                known.update(zip(missing, fresh, strict=True))
                base.executemany(
                    "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                    [(key, np.asarray(known[key], dtype="<f4").tobytes()) for key in missing],
                )
        found = [known[key] for key in keys]
        if len({vector.shape for vector in found}) > 1:
            raise _damaged(self.file)  # one encoder gives vectors of one length
        return np.stack(found)


@dataclass(frozen=True, slots=True)
class _Nothing:
    name: str

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 0), dtype=np.float32)


def _damaged(file: Path) -> InputError:
    return InputError("this is not a cache of vectors, or it is damaged", cure="Delete the file.", file=file.name)


def _key(name: str, text: str) -> bytes:
    return hashlib.blake2b(f"{name}\0{text}".encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _known(base: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
    found: dict[bytes, NDArray[np.float32]] = {}
    for start in range(0, len(keys), _LOOKUP):
        part = keys[start : start + _LOOKUP]
        marks = ",".join("?" * len(part))
        # The statement is built from question marks only; the values are bound.
        for key, blob in base.execute(f"SELECT key, vector FROM vectors WHERE key IN ({marks})", part):
            if not isinstance(blob, bytes) or len(blob) % 4:
                raise sqlite3.DatabaseError("a row is no vector")
            found[key] = np.frombuffer(blob, dtype="<f4").astype(np.float32)
    return found
