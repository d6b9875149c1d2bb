"""Fit a stance adapter: low-rank updates of a frozen sentence encoder, cross-entropy over phrasing families.

Minutes on one CPU core. Chance (first values, order, dropout) is keyed by the seed; two machines may differ in the last
digits of what comes out, which is why the fitted numbers are packaged and not fitted at install time.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Stance
from persona_lab.randomness import generator
from persona_lab.text.adapter import pooled, tokens
from persona_lab.text.batches import torch_threads
from persona_lab.text.encoder import DEFAULT_MODEL, load_model

EPOCHS = 6
PER_FAMILY = 4
"""Passes, and statements of every family in each; the next pass takes others. More of both only makes it overconfident
(cross-fitted over the training families)."""

RATE = 2e-3
WARM_UP = 100
BATCH = 32
DROPOUT = 0.1
DECAY = 0.01
LARGEST_STEP = 1.0
"""Of AdamW: peak rate, steps up to it (a tenth of a short fit; then straight down to 0), statements a step, dropout
before A and before the head, weight decay, norm of the gradient."""


class Labelled(NamedTuple):
    """A statement, what it means, and the phrasing family that it comes from."""

    text: str
    stance: Stance
    family: str


def stance_names() -> list[str]:
    """Return the stances in the order of the adapter's head."""
    return sorted(stance.value for stance in Stance)


def fit_adapter(
    statements: Sequence[Labelled],
    *,
    seed: int,
    model: str = DEFAULT_MODEL,
    without: Collection[str] = (),
    threads: int = 1,
    epochs: int = EPOCHS,
) -> NDArray[np.float16]:
    """Return the numbers of an adapter fitted on all families but those of ``without``.

    Every family weighs the same, however many statements it has. Raises MissingExtraError without ``semantic``.
    """
    whole = load_model(model)  # names the extra where torch is missing
    import torch

    families: dict[str, list[Labelled]] = {}
    for one in statements:
        if one.family not in without:
            families.setdefault(one.family, []).append(one)
    chance = generator(seed, "adapter")
    with torch_threads(threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(chance.integers(2**31)))
        return _fit(whole, families, chance, epochs)


def _fit(
    whole: Any, families: dict[str, list[Labelled]], chance: np.random.Generator, epochs: int
) -> NDArray[np.float16]:
    import torch
    from torch import nn

    from persona_lab.text.adapter_network import adapted_copy

    network, matrices = adapted_copy(whole, DROPOUT)
    head, bias = matrices[-2:]
    optimiser = torch.optim.AdamW(matrices, lr=RATE, weight_decay=DECAY)
    names = stance_names()
    order = {name: chance.permutation(len(own)) for name, own in sorted(families.items())}
    steps = epochs * math.ceil(sum(min(PER_FAMILY, len(own)) for own in families.values()) / BATCH)
    warm_up = max(1, min(WARM_UP, steps // 10))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warm_up) * max(0.0, 1.0 - step / max(steps, 1))
    )
    loss_of = nn.CrossEntropyLoss(reduction="none")
    dropout = nn.Dropout(DROPOUT)
    for epoch in range(epochs):
        chosen, weights = _next(families, order, epoch)
        for rows in _batches([one.text for one in chosen], chance):
            target = torch.tensor([names.index(chosen[i].stance.value) for i in rows])
            with torch.autocast("cpu", dtype=torch.bfloat16):
                means = pooled(network, tokens(whole.tokenizer, [chosen[i].text for i in rows]))
                scores = dropout(means) @ head.T + bias
            loss = (loss_of(scores.float(), target) * torch.tensor(weights[rows])).mean()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(matrices, LARGEST_STEP)
            optimiser.step()
            schedule.step()
    return np.concatenate([matrix.detach().numpy().ravel() for matrix in matrices]).astype(np.float16)


def _next(
    families: dict[str, list[Labelled]], order: dict[str, NDArray[np.int64]], epoch: int
) -> tuple[list[Labelled], NDArray[np.float32]]:
    """Return the statements of a pass, each family's next ones, and their weights."""
    chosen: list[Labelled] = []
    weights: list[float] = []
    for name, places in order.items():
        count = min(PER_FAMILY, len(places))
        chosen += [families[name][places[(epoch * PER_FAMILY + k) % len(places)]] for k in range(count)]
        weights += [PER_FAMILY / count] * count
    return chosen, np.array(weights, dtype=np.float32)


def _batches(texts: Sequence[str], chance: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield batches of texts of like length in random order: padding is what costs."""
    lengths = np.array([len(text) for text in texts])
    order = chance.permutation(len(texts))
    for start in range(0, len(order), BATCH * 16):
        group = order[start : start + BATCH * 16]
        ranked = group[np.argsort(lengths[group], kind="stable")]
        starts = np.arange(0, len(ranked), BATCH)
        for first in chance.permutation(starts):
            yield ranked[first : first + BATCH]
