"""Texts through a torch model in batches of like length, with the threads that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from persona_lab.plaintext import plain


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let torch use ``threads`` CPU threads within the block."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def in_batches(
    texts: Sequence[str],
    width: int,
    read: Callable[[list[str]], NDArray[np.float32]],
    *,
    batch_size: int,
    threads: int,
) -> NDArray[np.float32]:
    """Return (texts, width): what ``read`` makes of each text, its first 2,000 visible characters."""
    import torch

    said = [plain(text) for text in texts]
    order = np.argsort([len(text) for text in said], kind="stable")
    found = np.zeros((len(texts), width), dtype=np.float32)
    with torch_threads(threads), torch.inference_mode():
        for start in range(0, len(said), batch_size):
            rows = order[start : start + batch_size]
            found[rows] = read([said[i] for i in rows])
    return found
