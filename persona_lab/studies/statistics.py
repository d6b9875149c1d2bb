"""Statistics of comparisons: paired differences by person, Holm's correction, seeded bootstrap intervals."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.randomness import generator

RESAMPLES = 2000
LEVEL = 0.95


class Difference(NamedTuple):
    """A paired difference: mean over users, standard error, two-sided p by the normal approximation."""

    value: float
    standard_error: float
    p: float


def paired_difference(left: NDArray[np.floating], right: NDArray[np.floating]) -> Difference:
    """Compare two strategies on the same people: mean of ``left - right`` over users, both (users,).

    Raises
    ------
    ValueError
        If there are fewer than two users.
    """
    difference = np.asarray(left, dtype=np.float64) - np.asarray(right, dtype=np.float64)
    if difference.size < 2:
        raise ValueError(f"a paired difference needs at least 2 users, got {difference.size}.")
    value = float(difference.mean())
    error = float(difference.std(ddof=1) / math.sqrt(difference.size))
    if error == 0.0:
        return Difference(value, 0.0, 1.0 if value == 0.0 else 0.0)
    return Difference(value, error, math.erfc(abs(value / error) / math.sqrt(2.0)))


def holm(p_values: list[float]) -> list[float]:
    """Return p values adjusted over the family by Holm (1979), in the given order."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def bootstrap_ratio(
    numerator: NDArray[np.floating], denominator: NDArray[np.floating], *, seed: int, level: float = LEVEL
) -> tuple[float, float]:
    """Return the percentile interval of sum(numerator) / sum(denominator), resampling users (Efron 1979)."""
    users = len(numerator)
    draws = generator(seed, "bootstrap").integers(0, users, size=(RESAMPLES, users))
    top, bottom = np.asarray(numerator)[draws].sum(axis=1), np.asarray(denominator)[draws].sum(axis=1)
    ratios = top[bottom != 0] / bottom[bottom != 0]
    low, high = np.quantile(ratios, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
