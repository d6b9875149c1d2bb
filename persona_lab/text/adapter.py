"""A low-rank adapter of a sentence encoder that reads stances, as numbers: Hu et al. (2022), "LoRA", equation 3.

A sentence encoder is trained on topics, so what its frozen layers tell of a stance is what happened to survive. An
adapter adds a product of two thin matrices to every linear map of the model, ``W + scale * B A``, and a linear head on
the mean over tokens; only these are fitted (:mod:`persona_lab.text.adapting`), half a megabyte of numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError
from persona_lab.protocols import TextEncoder
from persona_lab.text.batches import in_batches

RANK = 8
SCALE = 2.0
"""Rank of the products, and their factor."""

STANCES = 5
LONGEST = 64
"""Tokens read by the adapter; a statement rarely has twenty."""

_LINEAR = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)


@runtime_checkable
class Adaptable(Protocol):
    """An encoder whose model takes an adapter."""

    def adapted(self, adapter: NDArray[np.float16]) -> TextEncoder:
        """Return what reads (texts, stances) log chances with ``adapter``."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class AdaptedEncoder:
    """Texts to log chances of the stances, by a sentence-transformers model with an adapter. Needs ``semantic``.

    Parameters
    ----------
    model, batch_size, threads
        As for :class:`persona_lab.text.SentenceEncoder`.
    adapter
        (n,) all numbers in one row, as :func:`parts` cuts them.
    """

    model: str
    adapter: NDArray[np.float16]
    batch_size: int = 64
    threads: int = 1

    @property
    def name(self) -> str:
        """Name shown in cache keys: the model and a hash of the adapter."""
        return f"{self.model}, stances {hashlib.blake2b(self.adapter.tobytes(), digest_size=8).hexdigest()}"

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, stances) natural logarithms of chances, stances by name; the first 64 tokens of a text count.

        Raises
        ------
        MissingExtraError
            Where sentence-transformers, torch or the packaged weights are not installed.
        ConfigurationError
            Where the adapter belongs to a model of another shape.
        """
        if not texts:
            return np.zeros((0, STANCES), dtype=np.float32)
        network, tokenizer, head, bias = _merged(self.model, self.adapter.tobytes())

        def read(said: list[str]) -> NDArray[np.float32]:
            means = pooled(network, tokens(tokenizer, said)).numpy()
            scores = means @ head.T + bias
            scores -= scores.max(axis=1, keepdims=True)
            return np.asarray(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)), dtype=np.float32)

        return in_batches(texts, STANCES, read, batch_size=self.batch_size, threads=self.threads)


def stance_reader(encoder: TextEncoder, adapter: NDArray[np.float16]) -> TextEncoder | None:
    """Return what reads log chances of stances; None where there is no adapter or the encoder takes none."""
    return encoder.adapted(adapter) if len(adapter) and isinstance(encoder, Adaptable) else None


def tokens(tokenizer: Any, texts: list[str]) -> Any:
    """Return the texts as padded tokens."""
    return tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")


def pooled(network: Any, batch: Any) -> Any:
    """Return (texts, width) means over tokens of the last layer."""
    hidden = network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1)
    return (hidden * mask).sum(1) / mask.sum(1)


def linear_maps(network: Any) -> list[Any]:
    """Return the linear maps that the adapter changes, layer by layer."""
    return [layer.get_submodule(name) for layer in network.encoder.layer for name in _LINEAR]


def shapes(network: Any) -> list[tuple[int, int]]:
    """Return the shapes of the adapter's matrices in order: A and B of every linear map, then head and bias."""
    found: list[tuple[int, int]] = []
    for linear in linear_maps(network):
        found += [(RANK, int(linear.in_features)), (int(linear.out_features), RANK)]
    return [*found, (STANCES, int(network.config.hidden_size)), (1, STANCES)]


def parts(adapter: NDArray[np.float16], network: Any) -> list[NDArray[np.float32]]:
    """Cut the row of numbers into matrices for ``network``.

    Raises
    ------
    ConfigurationError
        Where there are more or fewer numbers than the model takes.
    """
    wanted = shapes(network)
    ends = np.cumsum([rows * columns for rows, columns in wanted])
    if len(adapter) != ends[-1]:
        raise ConfigurationError("AdaptedEncoder", "adapter", f"{len(adapter)} numbers", f"{ends[-1]} of this model")
    pieces = np.split(adapter.astype(np.float32), ends[:-1])
    return [piece.reshape(shape) for piece, shape in zip(pieces, wanted, strict=True)]


@lru_cache(maxsize=8)
def _merged(model: str, adapter: bytes) -> tuple[Any, Any, NDArray[np.float32], NDArray[np.float32]]:
    """Return a copy of the model with the adapter added to its weights, the tokenizer, and the head."""
    import torch

    from persona_lab.text.encoder import load_model

    whole = load_model(model)
    network = deepcopy(whole[0].auto_model).eval()
    *pairs, head, bias = parts(np.frombuffer(adapter, dtype=np.float16), network)
    with torch.no_grad():
        for linear, down, up in zip(linear_maps(network), pairs[::2], pairs[1::2], strict=True):
            linear.weight += SCALE * torch.from_numpy(up @ down)
    return network, whole.tokenizer, head, bias[0]
