"""Middle layers of a sentence encoder: they still tell how a thing is said, where the last tells what it is about.

A sentence encoder is trained to bring sentences about one topic together, so its last layer drops much of what carries
a stance. The layers before it keep more of the syntax (Jawahar, Sagot & Seddah 2019): on phrasing families that took no
part in the fit they read the stance better than the last one, alone and beside the cues.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.protocols import TextEncoder
from persona_lab.text.batches import in_batches

MIDDLE = (2, 3, 4)
"""Layers of six, chosen by cross-validation over the training families."""


@runtime_checkable
class Layered(Protocol):
    """An encoder that can also show its middle layers."""

    def layers(self) -> TextEncoder:
        """Return the encoder of the middle layers."""
        ...


@dataclass(frozen=True, slots=True)
class LayerEncoder:
    """The mean over tokens of some hidden layers of a sentence-transformers model, one unit vector per layer, in a row.

    When to use it: as input of a classifier of how something is said. Not for cosine: what sentences share by being
    sentences outweighs the rest; :class:`persona_lab.text.SentenceEncoder` is for topics. Needs the extra ``semantic``.

    Parameters
    ----------
    model, batch_size, threads
        As for :class:`persona_lab.text.SentenceEncoder`.
    places
        Layers, counted from 1; 0 is the input embedding.
    """

    model: str
    batch_size: int = 64
    threads: int = 1
    places: tuple[int, ...] = MIDDLE

    @property
    def name(self) -> str:
        """Name shown in tables and cache keys."""
        return f"{self.model}, layers {'-'.join(map(str, self.places))}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, layers * dimensions); only the first 2,000 visible characters of a text are read.

        Raises
        ------
        MissingExtraError
            Where sentence-transformers, torch or the packaged weights are not installed.
        ConfigurationError
            Where the model has fewer layers.
        """
        from persona_lab.text.encoder import load_model

        model = load_model(self.model)
        width = len(self.places) * int(model.get_embedding_dimension())
        if not texts:
            return np.zeros((0, width), dtype=np.float32)
        return in_batches(
            texts, width, lambda said: self._batch(model, said), batch_size=self.batch_size, threads=self.threads
        )

    def _batch(self, model: Any, texts: list[str]) -> NDArray[np.float32]:
        tokens = model.tokenizer(
            texts, padding=True, truncation=True, max_length=model.max_seq_length, return_tensors="pt"
        )
        hidden = model[0].auto_model(**tokens, output_hidden_states=True).hidden_states
        if max(self.places) >= len(hidden):
            raise ConfigurationError("LayerEncoder", "places", self.places, f"layers up to {len(hidden) - 1}")
        mask = tokens["attention_mask"].unsqueeze(-1)
        means = [((hidden[place] * mask).sum(1) / mask.sum(1)).numpy() for place in self.places]
        return np.hstack([mean / np.linalg.norm(mean, axis=1, keepdims=True) for mean in means]).astype(np.float32)


def stance_view(encoder: TextEncoder) -> TextEncoder | None:
    """Return the encoder of middle layers, None where the encoder has none to show."""
    return encoder.layers() if isinstance(encoder, Layered) else None
