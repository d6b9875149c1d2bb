"""Bayes-adaptive proactivity: how welcome help is, how fast that changes, and between what, learnt per person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Costs
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray, IntArray, Kind, fold
from persona_lab.policies.told_bayes import grid_quantile
from persona_lab.policies.utilities import choose_move


class Tolerance(NamedTuple):
    """Joint belief of one person's tolerance and of how it moves; last axis = stream.

    ``redraw`` (levels x hazards, streams): tolerance is drawn afresh at each change. ``habits`` (habit states,
    streams): it alternates between two levels. Together they add up to 1. ``familiar`` (levels, streams): where answers
    have placed this person so far, as counts. ``evidence`` (streams,): answers heard, fading with the expected hazard.
    """

    redraw: FloatArray
    habits: FloatArray
    familiar: FloatArray
    evidence: FloatArray


class _Tables(NamedTuple):
    levels: FloatArray
    base: FloatArray
    hazard: FloatArray
    redraw_prior: FloatArray
    habit_level: FloatArray
    habit_other: IntArray
    habit_hazard: FloatArray
    habit_prior: FloatArray
    order: IntArray
    sorted_levels: FloatArray


@dataclass(frozen=True, slots=True)
class AdaptiveBayes:
    """Filter tolerance under unknown hazard and unknown law, act on the mean, suggest while it may well be worth it.

    Use it where no other people's answers are at hand: one setting, told neither the hazard nor the prior. It averages
    over two families of people (tolerance redrawn at each change; two habits that alternate), each with a quick and a
    slow hazard, weighs them by the person's own answers, and lowers only the suggest threshold: it asks while the
    chance that a suggestion pays exceeds ``chance``. It fails with few answers (the prior speaks), where tolerance
    changes faster than about once in twenty opportunities, and where acceptance depends on what is proposed rather than
    on the person; keep one stream per context. What it states understates those who are nearly always willing
    (:class:`~persona_lab.policies.population.PopulationTolerance` is the sibling for stating). Cost: about 100
    multiplications per grid state and opportunity; the cheap sibling is
    :class:`~persona_lab.policies.expected_utility.DiscountedBeta`.

    Parameters
    ----------
    levels
        Grid points of tolerance, equally spaced inside (0, 1).
    extremes
        Exponent e of the symmetric Beta(e, e) from which a redrawn tolerance comes: below 1, people tend to be clearly
        willing or clearly not.
    hazards, hazard_prior
        Chances of a change per opportunity that are entertained, and their prior probabilities.
    own_share, own_prior
        Share of a redraw that comes from this person's own past levels, and how many answers of prior weight that
        histogram starts with.
    habits_prior
        Prior probability that the person alternates between two levels.
    habit_levels, habit_gap
        Grid points for those levels and their least distance.
    chance
        Suggest while the probability that a suggestion pays is above it; .15 means an 85 % quantile.

    Raises
    ------
    ConfigurationError
        If a probability lies outside [0, 1], a grid is too small or the hazard prior does not add up to 1.

    Notes
    -----
    Forward filter of a hidden Markov model with unknown transition parameters on a grid (hierarchical Bayes); the
    histogram of past levels is mixing past posteriors (Bousquet & Warmuth 2002). The defaults were chosen on people of
    seeds that are never scored.
    """

    levels: int = 11
    extremes: float = 0.4
    hazards: tuple[float, ...] = (0.003, 0.014)
    hazard_prior: tuple[float, ...] = (0.35, 0.65)
    own_share: float = 0.6
    own_prior: float = 20.0
    habits_prior: float = 0.65
    habit_levels: int = 8
    habit_gap: float = 0.6
    chance: float = 0.15

    def __post_init__(self) -> None:
        for name in ("own_share", "habits_prior", "habit_gap", "chance"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ConfigurationError("AdaptiveBayes", name, getattr(self, name), "at least 0 and below 1")
        if self.levels < 2 or self.habit_levels < 2:
            raise ConfigurationError("AdaptiveBayes", "levels", self.levels, "at least 2 grid points in both grids")
        if not self.extremes > 0 or not self.own_prior > 0:
            raise ConfigurationError("AdaptiveBayes", "extremes", self.extremes, "positive, and own_prior too")
        if len(self.hazards) != len(self.hazard_prior) or abs(sum(self.hazard_prior) - 1.0) > 1e-9:
            raise ConfigurationError(
                "AdaptiveBayes", "hazard_prior", self.hazard_prior, "one probability per hazard, adding up to 1"
            )
        if not all(0.0 <= h < 1.0 for h in self.hazards):
            raise ConfigurationError("AdaptiveBayes", "hazards", self.hazards, "probabilities below 1")

    def init(self, streams: int) -> Tolerance:
        """Return the prior for every stream."""
        table = _tables(self)

        def spread(column: FloatArray) -> FloatArray:
            return np.repeat(column[:, np.newaxis], streams, axis=1)

        return Tolerance(
            spread(table.redraw_prior),
            spread(table.habit_prior),
            spread(table.base * self.own_prior),
            np.zeros(streams),
        )

    def acceptance(self, state: Tolerance, luck: FloatArray) -> Acceptance:
        """Return mean tolerance, its upper quantile at 1 - ``chance``, and the answers behind them."""
        table = _tables(self)
        weight = np.concatenate([self._by_level(state.redraw), state.habits])[table.order]
        mean = fold(weight * table.sorted_levels[:, np.newaxis])
        point = np.full(mean.shape, 1.0 - self.chance)
        return Acceptance(mean, grid_quantile(weight, table.sorted_levels, point), state.evidence)

    def interval(self, state: Tolerance, coverage: float) -> tuple[FloatArray, FloatArray]:
        """Return the equal-tailed credible interval of tolerance, two (streams,) arrays."""
        table = _tables(self)
        weight = np.concatenate([self._by_level(state.redraw), state.habits])[table.order]
        tail = np.full(weight.shape[1], (1.0 - coverage) / 2.0)
        low = grid_quantile(weight, table.sorted_levels, tail)
        return low, grid_quantile(weight, table.sorted_levels, 1.0 - tail)

    def decide(self, state: Tolerance, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move of highest worth, the suggest threshold tested on the upper quantile."""
        belief = self.acceptance(state, luck)
        return choose_move(belief.mean, belief.optimistic, costs)

    def update(self, state: Tolerance, move: IntArray, kind: IntArray) -> Tolerance:
        """Weigh every state by the answer, note where it places the person, then let one opportunity pass."""
        table = _tables(self)
        accepted = kind == Kind.ACCEPTED
        declined = (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        heard = accepted | declined
        redraw = state.redraw * _likelihood(np.repeat(table.levels, len(table.hazard)), accepted, declined)
        habits = state.habits * _likelihood(table.habit_level, accepted, declined)
        total = fold(redraw) + fold(habits)
        redraw, habits = redraw / total, habits / total

        by_level = self._by_level(redraw)
        familiar = state.familiar + heard * by_level / np.maximum(fold(by_level), 1e-9)
        base = (1.0 - self.own_share) * table.base[:, np.newaxis] + self.own_share * familiar / fold(familiar)

        shape = (len(table.levels), len(table.hazard), -1)
        cells = redraw.reshape(shape)
        leaving = fold(cells) * table.hazard[:, np.newaxis]
        cells = cells * (1.0 - table.hazard)[:, np.newaxis] + base[:, np.newaxis, :] * leaving
        toggling = table.habit_hazard[:, np.newaxis]
        habits_next = habits * (1.0 - toggling) + habits[table.habit_other] * toggling

        hazard = fold(leaving) + fold(habits * toggling)
        return Tolerance(cells.reshape(redraw.shape), habits_next, familiar, (1.0 - hazard) * state.evidence + heard)

    def _by_level(self, redraw: FloatArray) -> FloatArray:
        """Sum the redraw family over hazards, (levels, streams)."""
        cells = redraw.reshape(self.levels, len(self.hazards), -1)
        return fold(cells.swapaxes(0, 1))


def _likelihood(levels: FloatArray, accepted: BoolArray, declined: BoolArray) -> FloatArray:
    """Return p where accepted, 1 - p where declined, 1 where nobody answered: base + slope p, exact in each case."""
    base = 1.0 - accepted
    slope = accepted.astype(np.float64) - declined
    likely: FloatArray = base + slope * levels[:, np.newaxis]
    return likely


@lru_cache(maxsize=64)
def _tables(policy: AdaptiveBayes) -> _Tables:
    """Build the grids of a configuration once."""
    levels = (np.arange(policy.levels) + 0.5) / policy.levels
    base = (levels * (1.0 - levels)) ** (policy.extremes - 1.0)
    base = base / base.sum()
    hazard = np.array(policy.hazards)
    prior = np.array(policy.hazard_prior)
    redraw_prior = (1.0 - policy.habits_prior) * (base[:, np.newaxis] * prior).ravel()

    ends = (np.arange(policy.habit_levels) + 0.5) / policy.habit_levels
    pairs = [(low, high) for high in ends for low in ends if high - low >= policy.habit_gap - 1e-9]
    states = [(level, h, p) for h, p in zip(hazard, prior, strict=True) for pair in pairs for level in pair]
    level, habit_hazard, weight = (np.array(column, dtype=np.float64) for column in zip(*states, strict=True))
    habit_prior = policy.habits_prior * weight / weight.sum()
    every = np.concatenate([levels, level])
    order = np.argsort(every, kind="stable")
    return _Tables(
        levels,
        base,
        hazard,
        redraw_prior,
        level,
        np.arange(len(level)) ^ 1,
        habit_hazard,
        habit_prior,
        order,
        every[order],
    )
