"""Kalman filters on the votes: a fixed volatility, and one that is learnt (volatile Kalman filter)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.baselines import uniform
from persona_lab.strategies.evidence import Equal, Votes, require


class Estimate(NamedTuple):
    """State: mean shares (options, streams) and their common variance (streams,)."""

    share: FloatArray
    variance: FloatArray


class VolatileEstimate(NamedTuple):
    """State: mean shares (options, streams), their common variance and the volatility, both (streams,)."""

    share: FloatArray
    variance: FloatArray
    volatility: FloatArray


@dataclass(frozen=True, slots=True)
class Kalman:
    """Track shares that wander like a random walk: the gain starts high, and settles at what wander and noise imply.

    EWMA with a better start: the settled gain is a constant rate. Use it where time passes unevenly: ``daily_drift``
    makes old beliefs yield faster to new answers after a long gap. It fails on sudden switches, which no constant
    gain follows; see :class:`VolatileKalman`, and :class:`~persona_lab.strategies.fixed_share.FixedShare`.

    Parameters
    ----------
    drift
        Variance that the shares gain per answer (>= 0), in units of squared probability.
    daily_drift
        Variance gained per day elapsed (>= 0).
    noise
        Variance of one answer of weight 1 (> 0), the same unit.
    start
        Variance before any answer (> 0).

    Notes
    -----
    Kalman (1960); as a learning rule Dayan, Kakade & Montague (2000), "Learning and selective attention".
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice"})

    drift: float = 0.005
    daily_drift: float = 0.0
    noise: float = 0.2
    start: float = 0.2

    def __post_init__(self) -> None:
        require(self, "drift", lambda value: value >= 0.0, "a variance >= 0")
        require(self, "daily_drift", lambda value: value >= 0.0, "a variance >= 0")
        require(self, "noise", lambda value: value > 0.0, "a variance > 0")
        require(self, "start", lambda value: value > 0.0, "a variance > 0")

    def init(self, options: int, streams: int) -> Estimate:
        """Return the state before any feedback."""
        return Estimate(uniform(options, streams), np.full(streams, self.start))

    def update(self, state: Estimate, given: Feedback) -> Estimate:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Estimate, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Estimate:
        """Return the estimate after one answer whose variance is ``noise / weight``."""
        waited = state.variance + self.daily_drift * elapsed
        prior = waited + self.drift * (weight > 0.0)
        gain = prior * weight / (prior * weight + self.noise)
        return Estimate(state.share + gain * (evidence - state.share), (1.0 - gain) * prior)

    def belief(self, state: Estimate, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities; waiting widens the variance and leaves the mean."""
        return state.share


@dataclass(frozen=True, slots=True)
class VolatileKalman:
    """A Kalman filter that learns how volatile the person is from how far its own estimate had to move.

    Use it where the pace of change differs between people or times. It fails by charging noise to volatility: its
    noise is a given, so people noisier than ``noise`` look restless;
    :class:`~persona_lab.strategies.noise_or_volatility.NoiseOrVolatility` estimates both.

    Parameters
    ----------
    rate
        Learning rate of the volatility (lambda), in (0, 1).
    volatility
        Volatility before any answer (> 0), in squared probability per answer.
    noise
        Variance of one answer of weight 1 (> 0).

    Notes
    -----
    Piray & Daw (2020), "A simple model for learning in volatile environments", equations 9 to 13; the squared change
    and the variance are averages over the options, which share one volatility.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    rate: float = 0.01
    volatility: float = 0.002
    noise: float = 0.2

    def __post_init__(self) -> None:
        require(self, "rate", lambda value: 0.0 < value < 1.0, "a share in (0, 1)")
        require(self, "volatility", lambda value: value > 0.0, "a variance > 0")
        require(self, "noise", lambda value: value > 0.0, "a variance > 0")

    def init(self, options: int, streams: int) -> VolatileEstimate:
        """Return the state before any feedback; the variance starts at the noise, as in the paper."""
        return VolatileEstimate(
            uniform(options, streams), np.full(streams, self.noise), np.full(streams, self.volatility)
        )

    def update(self, state: VolatileEstimate, given: Feedback) -> VolatileEstimate:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(
        self, state: VolatileEstimate, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray
    ) -> VolatileEstimate:
        """Return the estimate after one answer whose variance is ``noise / weight``."""
        prior = state.variance + state.volatility
        gain = prior * weight / (prior * weight + self.noise)
        move = gain * (evidence - state.share)
        variance = (1.0 - gain) * prior
        autocovariance = (1.0 - gain) * state.variance
        change = fold(move * move) / len(move) + state.variance + variance - 2.0 * autocovariance
        volatility = state.volatility + self.rate * (change - state.volatility)
        heard = weight > 0.0
        return VolatileEstimate(
            state.share + move,
            np.where(heard, variance, state.variance),
            np.where(heard, volatility, state.volatility),
        )

    def belief(self, state: VolatileEstimate, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return state.share
