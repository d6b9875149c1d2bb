"""Pearce-Hall: a learning rate that follows surprise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from persona_lab.feedback import Feedback, FloatArray, fold
from persona_lab.strategies.baselines import uniform
from persona_lab.strategies.evidence import Equal, Votes, require


class Associated(NamedTuple):
    """State: shares (options, streams) and associability (streams,), the recent surprise in [0, 1]."""

    share: FloatArray
    associability: FloatArray


@dataclass(frozen=True, slots=True)
class PearceHall:
    """EWMA whose rate is ``rate`` times recent surprise: fast after surprises, slow when answers are as expected.

    Use it where calm and restless stretches alternate. It fails by taking noise for news: many slips are surprising
    too, so noisy people get a high rate when they need a low one; telling the two apart takes
    :class:`~persona_lab.strategies.noise_or_volatility.NoiseOrVolatility` or the hierarchical Bayes rule.

    Parameters
    ----------
    rate
        Rate at full surprise (kappa), in (0, 1].
    decay
        Share of the associability replaced by each answer's surprise (eta), in (0, 1].

    Notes
    -----
    Pearce & Hall (1980); hybrid form of Li, Schiller, Schoenbaum, Phelps & Daw (2011), equations 2 and 3:
    V += kappa alpha delta, then alpha = eta |delta| + (1 - eta) alpha. |delta| is the total variation distance here.
    """

    declares: ClassVar[frozenset[str]] = frozenset({"agreement_never_lowers_the_choice", "zero_weight_is_a_no_op"})

    rate: float = 0.5
    decay: float = 0.1

    def __post_init__(self) -> None:
        require(self, "rate", lambda value: 0.0 < value <= 1.0, "a share in (0, 1]")
        require(self, "decay", lambda value: 0.0 < value <= 1.0, "a share in (0, 1]")

    def init(self, options: int, streams: int) -> Associated:
        """Return the state before any feedback: everything is still surprising."""
        return Associated(uniform(options, streams), np.ones(streams))

    def update(self, state: Associated, given: Feedback) -> Associated:
        """Return the state after one feedback per stream; pure."""
        return self.absorb(state, Votes()(given, state.share.shape[0]), Equal()(given), given.elapsed)

    def absorb(self, state: Associated, evidence: FloatArray, weight: FloatArray, elapsed: FloatArray) -> Associated:
        """Return the shares moved by ``rate * associability``, and the associability moved towards the surprise."""
        way = evidence - state.share
        surprise = 0.5 * fold(np.abs(way))
        share = state.share + (self.rate * weight * state.associability) * way
        return Associated(share, state.associability + self.decay * weight * (surprise - state.associability))

    def belief(self, state: Associated, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return (options, streams) probabilities."""
        return state.share
