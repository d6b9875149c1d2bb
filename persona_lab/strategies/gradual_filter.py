"""The particle filter for tastes that drift: the limit of gradual paths, with a stated error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError
from persona_lab.feedback import LANES, Feedback, FloatArray, fold
from persona_lab.randomness import uniforms
from persona_lab.strategies.exact_filter import Answering

SUB_BLOCK = LANES
"""Streams whose particles are moved together: 300 particles of 64 streams fit the second-level cache."""

LOW = 0.5
"""Particles are resampled where fewer than this share of them carry the weight (effective sample size)."""


class ParticleState(NamedTuple):
    """Particles before the next answer: utilities (particles, options, streams), weights (particles, streams), step."""

    utility: FloatArray
    weight: FloatArray
    step: FloatArray


@dataclass(frozen=True)
class GradualFilter:
    """Particle filter told the Ornstein-Uhlenbeck law of the utilities.

    Bootstrap filter with systematic resampling where the effective sample size falls below half (Gordon, Salmond &
    Smith 1993; Kitagawa 1996; Liu & Chen 1995). The softmax choice and the noise are summed out exactly, so only the
    utilities are sampled, in single precision. All streams share the particles' own noise: that leaves every stream's
    filter as it is, and makes results independent of how streams are put into blocks. Its error falls with the number
    of particles: 300 err .6 % more often than 1,200, 600 err .1 % more often (``make evidence``). Use it on
    gradual paths only: it costs about 10 microseconds per update.

    Parameters
    ----------
    answering
        How the user answers.
    tau
        Correlation time of a utility, interactions.
    sd
        Stationary standard deviation of a utility, logits.
    particles
        How many.
    seed
        Luck of the particles.

    Raises
    ------
    ConfigurationError
        If a number is not above 0.
    """

    answering: Answering
    tau: float
    sd: float
    particles: int = 300
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("tau", "sd", "particles"):
            if not getattr(self, name) > 0:
                raise ConfigurationError("GradualFilter", name, getattr(self, name), "a number above 0")

    def init(self, options: int, streams: int) -> ParticleState:
        """Return the state before any feedback: particles from the stationary law."""
        start = np.float32(self.sd) * normals(self.seed, 0, self.particles, options)
        utility = np.repeat(start[:, :, np.newaxis], streams, axis=2)
        weight = np.full((self.particles, streams), np.float32(1.0 / self.particles))
        return ParticleState(utility, weight, np.zeros(streams))

    def update(self, state: ParticleState, given: Feedback) -> ParticleState:
        """Return the state after one answer per stream; pure."""
        options, streams = state.utility.shape[1:]
        likelihood = self.answering.likelihood(given, options).astype(np.float32)
        noise = normals(self.seed, int(state.step.max(initial=0.0)) + 1, self.particles, options)
        keep = np.exp(-1.0 / self.tau)
        noise = np.float32(self.sd * np.sqrt(1.0 - keep**2)) * noise[:, :, np.newaxis]
        utility, weight = np.empty_like(state.utility), np.empty_like(state.weight)
        for first in range(0, streams, SUB_BLOCK):
            part = slice(first, first + SUB_BLOCK)
            before = state.utility[:, :, part]
            now = state.weight[:, part] * _explained(before, likelihood[:, part])
            now /= _sum(now)
            before = _resampled(before, now)
            utility[:, :, part] = np.float32(keep) * before + noise
            weight[:, part] = now
        return ParticleState(utility, weight, state.step + 1.0)

    def belief(self, state: ParticleState, elapsed: FloatArray | float = 0.0) -> FloatArray:
        """Return P(option has the highest utility), (options, streams)."""
        options, streams = state.utility.shape[1:]
        belief = np.empty((options, streams))
        for first in range(0, streams, SUB_BLOCK):
            part = slice(first, first + SUB_BLOCK)
            utility, weight = state.utility[:, :, part], state.weight[:, part]
            best = utility.max(axis=1, keepdims=True)
            belief[:, part] = _sum((utility == best) * weight[:, np.newaxis])
        belief /= fold(belief)
        return belief


def _explained(utility: FloatArray, likelihood: FloatArray) -> FloatArray:
    """Return P(answer | utilities), (particles, streams): the softmax mean of the likelihood."""
    chance = np.exp(utility - utility.max(axis=1, keepdims=True))
    total, hit = chance[:, 0].copy(), chance[:, 0] * likelihood[0]
    for option in range(1, utility.shape[1]):
        total += chance[:, option]
        hit += chance[:, option] * likelihood[option]
    explained: FloatArray = hit / total
    return explained


def _sum(array: FloatArray) -> FloatArray:
    """Sum over the particles, row after row: NumPy's own order where the summed axis is the slowest of the memory.

    ``feedback.fold`` does the same in a Python loop, which 300 particles make slow.
    """
    total: FloatArray = np.add.reduce(np.ascontiguousarray(array), axis=0)
    return total


def _resampled(utility: FloatArray, weight: FloatArray) -> FloatArray:
    """Return the utilities, resampled in streams of few effective particles, whose ``weight`` is set equal in place."""
    particles = weight.shape[0]
    poor = np.flatnonzero(_sum(weight * weight) * np.float32(LOW * particles) > 1.0)
    if not poor.size:
        return utility
    reached = np.cumsum(weight[:, poor], axis=0, dtype=np.float64)
    # One comb per stream with its teeth at (i + 1/2) / particles (Kitagawa's deterministic variant): no luck is needed.
    teeth = np.ceil(reached / reached[-1] * particles - 0.5).astype(np.int64)
    teeth[-1] = particles
    children = np.diff(teeth, axis=0, prepend=0).T
    ancestor = np.repeat(np.broadcast_to(np.arange(particles), children.shape).ravel(), children.ravel())
    chosen = ancestor.reshape(children.shape).T
    utility = utility.copy()
    utility[:, :, poor] = np.take_along_axis(utility[:, :, poor], chosen[:, np.newaxis], axis=0)
    weight[:, poor] = np.float32(1.0 / particles)
    return utility


@lru_cache(maxsize=2048)
def normals(seed: int, step: int, particles: int, options: int) -> FloatArray:
    """Return (particles, options) standard normal draws of one step, float32; read-only."""
    from scipy.special import ndtri  # imported where it is needed: scipy takes a quarter of a second

    draws = uniforms(seed, f"particles/{options}", steps=(step, step + 1), streams=(0, particles * options))[0]
    found: FloatArray = ndtri(draws.astype(np.float64) + 2.0**-25).astype(np.float32).reshape(particles, options)
    found.flags.writeable = False
    return found
