"""Telling noise from volatility: a bank of Kalman filters, weighed by how well each predicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.evidence import Equal, Votes, require


class Bank(NamedTuple):
    """State: log weights (filters, streams), mean shares (filters, options, streams), variances (filters, streams)."""

    credit: FloatArray
    share: FloatArray
    variance: FloatArray


@dataclass(frozen=True, slots=True)
class NoiseOrVolatility:
    """Estimate at once how noisy and how volatile a person is, and move as that implies.

    Both make answers surprising, and ask for opposite learning rates: noise leaves successive surprises unrelated,
    volatility makes them agree. Every pair of a volatility and a noise runs its Kalman filter, and Bayes' rule weighs
    them by their predictions; old predictions fade, so that a person may become more volatile. Use it where people
    differ and the number of options is small. It fails on sudden switches and bursts of exceptions, as its world
    only wanders; the hierarchical Bayes rule knows both.

    Parameters
    ----------
    volatilities
        Candidate variances gained per answer, in squared probability (> 0).
    noises
        Candidate variances of one answer of weight 1 (> 0).
    fade
        Share of the log-evidence forgotten per answer, in [0, 1).

    Notes
    -----
    After Piray & Daw (2021), "A model for learning based on the joint estimation of stochasticity and volatility":
    their Rao-Blackwellised particles are replaced by a fixed grid, so that the rule has no luck of its own.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"zero_weight_is_a_no_op"})

    volatilities: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.1)
    noises: tuple[float, ...] = (0.05, 0.15, 0.45)
    fade: float = 0.01

    def __post_init__(self) -> None:
        require(self, "volatilities", _are_variances, "a tuple of variances > 0")
        require(self, "noises", _are_variances, "a tuple of variances > 0")
        require(self, "fade", lambda value: 0.0 <= value < 1.0, "a share in [0, 1)")

    def _grid(self) -> tuple[FloatArray, FloatArray]:
        """Return the volatility and the noise of each filter, both (filters, 1)."""
        volatility, noise = np.meshgrid(self.volatilities, self.noises, indexing="ij")
        return volatility.reshape(-1, 1), noise.reshape(-1, 1)

    def init(self, options: int, streams: int) -> Bank:
        """Return the state before any feedback: equal credit; each filter as unsure as the uniform prior."""
        filters = len(self.volatilities) * len(self.noises)
        return Bank(
            np.zeros((filters, streams)),
            np.full((filters, options, streams), 1.0 / options),
            np.full((filters, streams), (options - 1.0) / options**2),  # variance of a one-hot vote
        )

    def update(self, state: Bank, given: Feedback) -> Bank:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[1]), Equal()(given), given.elapsed)

    def absorb(self, state: Bank, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Bank:
        """Return every filter after one answer, and its credit after its prediction of it."""
        volatility, noise = self._grid()
        heard = weight > 0.0
        prior = state.variance + volatility
        gain = prior * weight / (prior * weight + noise)
        way = evidence - state.share
        share = state.share + gain[:, None, :] * way
        # Gaussian log-density of the answer in the options - 1 free directions, at variance prior + noise / weight.
        spread = prior + noise / np.where(heard, weight, 1.0)
        squared = way[:, 0] * way[:, 0]
        for option in range(1, way.shape[1]):
            squared = squared + way[:, option] * way[:, option]
        density = -0.5 * (squared / spread + (way.shape[1] - 1.0) * np.log(spread))
        credit = (1.0 - self.fade) * state.credit + density
        credit -= credit.max(axis=0)
        return Bank(
            np.where(heard, credit, state.credit),
            np.where(heard, share, state.share),
            np.where(heard, (1.0 - gain) * prior, state.variance),
        )

    def belief(self, state: Bank, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities: the filters' means, weighed by their credit."""
        trust = np.exp(state.credit)
        trust /= fold(trust)
        return fold(trust[:, None, :] * state.share)


def _are_variances(values: tuple[float, ...]) -> bool:
    return isinstance(values, tuple) and bool(values) and all(0.0 < value < np.inf for value in values)
