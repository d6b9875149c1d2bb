"""Texts per second of the encoder, as a ratio to a bare batched ``encode`` of the same model in the same run."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from persona_lab.simulate.statements import statement_rows
from persona_lab.text import CachedEncoder, SentenceEncoder
from persona_lab.text.encoder import DEFAULT_MODEL, load_model

TEXTS = 1024
REPEATS = 3


def run() -> None:
    texts = [row.text for row in statement_rows()][:TEXTS]
    encoder = SentenceEncoder()
    model = load_model(DEFAULT_MODEL)
    torch.set_num_threads(1)

    def bare() -> None:
        model.encode(texts, batch_size=encoder.batch_size, normalize_embeddings=True, show_progress_bar=False)

    bare()
    # By turns, so that a busy machine slows both alike; the best of each.
    times = [(_seconds(bare), _seconds(lambda: encoder.encode(texts))) for _ in range(REPEATS)]
    library, ours = (min(pair[side] for pair in times) for side in (0, 1))
    with tempfile.TemporaryDirectory() as folder:
        cached = CachedEncoder(encoder, Path(folder) / "vectors.db")
        cached.encode(texts)
        free = _seconds(lambda: cached.encode(texts))
    print(f"{'':28}{'texts/s':>12}{'ratio':>9}")
    for name, seconds in (("bare batched encode", library), ("SentenceEncoder", ours), ("CachedEncoder, known", free)):
        print(f"{name:28}{TEXTS / seconds:12,.0f}{library / seconds:9.2f}")


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
