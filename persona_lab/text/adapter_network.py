"""The adapter while it is fitted: a copy of the model whose linear maps carry a trainable low-rank product."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from persona_lab.text.adapter import SCALE, linear_maps, shapes


class LowRankLinear(nn.Module):
    """``W x + scale * B A dropout(x)`` with W frozen (Hu et al. 2022, equation 3)."""

    def __init__(self, linear: nn.Linear, down: nn.Parameter, up: nn.Parameter, dropout: float) -> None:
        super().__init__()
        self.linear, self.down, self.up = linear, down, up
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (..., out) of (..., in)."""
        found: torch.Tensor = self.linear(inputs) + SCALE * ((self.dropout(inputs) @ self.down.T) @ self.up.T)
        return found


def adapted_copy(whole: Any, dropout: float) -> tuple[Any, list[nn.Parameter]]:
    """Return a copy of the model in training mode, and its trainable matrices in the order of ``shapes``.

    A starts random and B at zero, so that the copy starts as the model; the head starts random, its bias at zero.
    """
    network = deepcopy(whole[0].auto_model)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    matrices = [nn.Parameter(torch.zeros(shape)) for shape in shapes(network)]
    with torch.no_grad():
        for matrix in (*matrices[:-2:2], matrices[-2]):
            matrix.normal_(std=1.0 / math.sqrt(matrix.shape[1]))
    for linear, down, up in zip(linear_maps(network), matrices[:-2:2], matrices[1:-2:2], strict=True):
        _replace(network, linear, LowRankLinear(linear, down, up, dropout))
    return network.train(), matrices


def _replace(network: Any, old: nn.Module, new: nn.Module) -> None:
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if child is old and module is not new:
                setattr(module, name, new)
