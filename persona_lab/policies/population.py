"""How welcome help is, as told by other people: a belief whose prior was fitted on people who are never scored."""

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

LEVELS = 20
"""Grid points of a tolerance that is drawn afresh, equally spaced inside (0, 1)."""

BROAD_LEVELS = 6
BROAD_GAP = 0.3
BROAD_HAZARDS = (0.0, 0.005, 0.02)
BROAD_PAIRS_SHARE = 0.5
"""The hedge: half of it toggles between any two of six levels at least .3 apart, half redraws from a uniform prior."""


class Toggling(NamedTuple):
    """A ``share`` of people who alternate between two tolerances with probability ``hazard`` per opportunity."""

    low: float
    high: float
    hazard: float
    share: float


class Redrawing(NamedTuple):
    """A ``share`` of people whose tolerance is drawn afresh from Beta(``extremes``, ``extremes``) at each change."""

    extremes: float
    hazard: float
    share: float


class Mixed(NamedTuple):
    """Joint belief of kind of person and tolerance; last axis = stream.

    ``toggling`` (2 x kinds, streams): low, high, low, high, ...; ``redrawing`` (kinds, levels, streams). Together they
    add up to 1. ``evidence`` (streams,): answers heard, fading with the expected hazard.
    """

    toggling: FloatArray
    redrawing: FloatArray
    evidence: FloatArray


class _Tables(NamedTuple):
    level: FloatArray
    other: IntArray
    hazard: FloatArray
    pair_prior: FloatArray
    redraw_hazard: FloatArray
    base: FloatArray
    redraw_prior: FloatArray
    order: IntArray
    sorted_levels: FloatArray


GRID = (np.arange(LEVELS) + 0.5) / LEVELS


@dataclass(frozen=True, slots=True)
class PopulationTolerance:
    """Exact filter over the kinds of people that others were found to be, hedged by a broad prior.

    Use it where the probability is *stated*: what it says of a person it has met five times is what was true of other
    people who answered like that. It fails when the people are not like those, though not for long: a share ``hedge``
    is kept for people unlike any of them, and the person's own answers decide. To *decide* by it alone is a mistake
    under drift: soon sure of a person, it stops asking (wrap it in :class:`~persona_lab.policies.curious.Curious`).
    Without other people's answers :class:`~persona_lab.policies.adaptive.AdaptiveBayes` is the sibling to use.

    Parameters
    ----------
    toggling, redrawing
        Kinds of people with their shares (``studies.acceptance_prior.fit_acceptance_prior`` finds them in a log; the
        ones that come with the package are ``policies.acceptance_prior.SHIPPED_BELIEF``). Shares are normalised.
    hedge
        Prior probability of a person unlike any of them, 0 to 1; with no kinds given it is all there is.
    chance
        Suggest while the probability that a suggestion pays is above it; .15 means an 85 % quantile.

    Raises
    ------
    ConfigurationError
        If a probability lies outside its range, or there are neither kinds nor a hedge.

    Notes
    -----
    Forward filters of the two laws, weighed by the likelihood that each gives to the answers (finite mixture); the
    shares are the nonparametric maximum likelihood estimate of a mixing distribution (Kiefer & Wolfowitz 1956).
    """

    toggling: tuple[Toggling, ...] = ()
    redrawing: tuple[Redrawing, ...] = ()
    hedge: float = 0.25
    chance: float = 0.15

    def __post_init__(self) -> None:
        for name in ("hedge", "chance"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigurationError("PopulationTolerance", name, getattr(self, name), "a probability, 0 to 1")
        for pair in self.toggling:
            if not (0.0 < pair.low < pair.high < 1.0 and 0.0 <= pair.hazard < 1.0 and pair.share >= 0.0):
                raise ConfigurationError(
                    "PopulationTolerance", "toggling", tuple(pair), "0 < low < high < 1, a hazard below 1, a share"
                )
        for one in self.redrawing:
            if not (one.extremes > 0.0 and 0.0 <= one.hazard < 1.0 and one.share >= 0.0):
                raise ConfigurationError(
                    "PopulationTolerance", "redrawing", tuple(one), "positive extremes, a hazard below 1, a share"
                )
        known = _known(self)
        if known == 0.0 and self.hedge == 0.0:
            raise ConfigurationError("PopulationTolerance", "hedge", self.hedge, "kinds of people, or a hedge")

    def init(self, streams: int) -> Mixed:
        """Return the prior for every stream."""
        table = _tables(self)
        return Mixed(
            np.repeat(table.pair_prior[:, np.newaxis], streams, axis=1),
            np.repeat(table.redraw_prior[:, :, np.newaxis], streams, axis=2),
            np.zeros(streams),
        )

    def acceptance(self, state: Mixed, luck: FloatArray) -> Acceptance:
        """Return mean tolerance, its upper quantile at 1 - ``chance``, and the answers behind them."""
        weight, levels = self._sorted(state)
        mean = fold(weight * levels[:, np.newaxis])
        point = np.full(mean.shape, 1.0 - self.chance)
        return Acceptance(mean, grid_quantile(weight, levels, point), state.evidence)

    def interval(self, state: Mixed, coverage: float) -> tuple[FloatArray, FloatArray]:
        """Return the equal-tailed credible interval of tolerance, two (streams,) arrays."""
        weight, levels = self._sorted(state)
        tail = np.full(weight.shape[1], (1.0 - coverage) / 2.0)
        return grid_quantile(weight, levels, tail), grid_quantile(weight, levels, 1.0 - tail)

    def decide(self, state: Mixed, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move of highest worth, the suggest threshold tested on the upper quantile."""
        belief = self.acceptance(state, luck)
        return choose_move(belief.mean, belief.optimistic, costs)

    def update(self, state: Mixed, move: IntArray, kind: IntArray) -> Mixed:
        """Weigh every kind and level by the answer, then let one opportunity pass."""
        table = _tables(self)
        accepted = kind == Kind.ACCEPTED
        declined = (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        heard = accepted | declined
        toggling = state.toggling * _likelihood(table.level, accepted, declined)
        redrawing = state.redrawing * _likelihood(GRID, accepted, declined)
        total = _summed(toggling) + _summed(_by_kind(redrawing))
        toggling, redrawing = toggling / total, redrawing / total

        hazard = table.hazard[:, np.newaxis]
        moved = toggling * (1.0 - hazard) + toggling[table.other] * hazard
        leaving = _by_kind(redrawing) * table.redraw_hazard[:, np.newaxis]
        redrawn = (
            redrawing * (1.0 - table.redraw_hazard)[:, np.newaxis, np.newaxis]
            + table.base[:, :, np.newaxis] * leaving[:, np.newaxis, :]
        )
        changing = _summed(toggling * hazard) + _summed(leaving)
        return Mixed(moved, redrawn, (1.0 - changing) * state.evidence + heard)

    def kinds(self, state: Mixed) -> FloatArray:
        """Return the probability of each kind of person, (kinds, streams): toggling, redrawing, then the hedge's."""
        pairs = state.toggling[::2] + state.toggling[1::2]
        drawn = _by_kind(state.redrawing)
        known = len(self.toggling), len(self.redrawing)
        return np.concatenate([pairs[: known[0]], drawn[: known[1]], pairs[known[0] :], drawn[known[1] :]])

    def _sorted(self, state: Mixed) -> tuple[FloatArray, FloatArray]:
        """Return the belief of each level, ascending, (levels, streams), and the levels."""
        table = _tables(self)
        weight = np.concatenate([state.toggling, _summed(state.redrawing)])
        return weight[table.order], table.sorted_levels


def _likelihood(levels: FloatArray, accepted: BoolArray, declined: BoolArray) -> FloatArray:
    """Return p where accepted, 1 - p where declined, 1 where nobody answered: base + slope p, exact in each case."""
    slope = accepted.astype(np.float64) - declined
    likely: FloatArray = (1.0 - accepted) + slope * levels[:, np.newaxis]
    return likely


def _known(policy: PopulationTolerance) -> float:
    """Return what the shares of the kinds given add up to."""
    return sum(one.share for one in policy.toggling) + sum(one.share for one in policy.redrawing)


def _by_kind(redrawing: FloatArray) -> FloatArray:
    """Sum over levels, (kinds, streams)."""
    return fold(redrawing.swapaxes(0, 1))


def _summed(array: FloatArray) -> FloatArray:
    """Fold the first axis, which may be empty: then zeros of the remaining shape."""
    return fold(array) if len(array) else np.zeros(array.shape[1:])


def _broad() -> tuple[tuple[Toggling, ...], tuple[Redrawing, ...]]:
    """Return the kinds of the hedge; their shares add up to 1."""
    ends = [(k + 0.5) / BROAD_LEVELS for k in range(BROAD_LEVELS)]
    pairs = [(low, high, h) for low in ends for high in ends if high - low >= BROAD_GAP for h in BROAD_HAZARDS]
    share, rest = BROAD_PAIRS_SHARE / len(pairs), (1.0 - BROAD_PAIRS_SHARE) / len(BROAD_HAZARDS)
    return tuple(Toggling(*pair, share) for pair in pairs), tuple(Redrawing(1.0, h, rest) for h in BROAD_HAZARDS)


@lru_cache(maxsize=16)
def _tables(policy: PopulationTolerance) -> _Tables:
    """Build the grids of a configuration once."""
    from scipy.special import betainc

    known = _known(policy)
    hedge = policy.hedge if known > 0.0 else 1.0
    scale = (1.0 - hedge) / known if known > 0.0 else 0.0
    broad_pairs, broad_redraws = _broad() if hedge > 0.0 else ((), ())
    pairs = [one._replace(share=scale * one.share) for one in policy.toggling]
    pairs += [one._replace(share=hedge * one.share) for one in broad_pairs]
    redraws = [one._replace(share=scale * one.share) for one in policy.redrawing]
    redraws += [one._replace(share=hedge * one.share) for one in broad_redraws]
    level = np.array([end for one in pairs for end in (one.low, one.high)], dtype=np.float64)
    edges = np.linspace(0.0, 1.0, LEVELS + 1)
    base = np.array([np.diff(betainc(one.extremes, one.extremes, edges)) for one in redraws]).reshape(-1, LEVELS)
    every = np.concatenate([level, GRID])
    order = np.argsort(every, kind="stable")
    return _Tables(
        level,
        np.arange(len(level)) ^ 1,
        np.array([one.hazard for one in pairs for _ in range(2)], dtype=np.float64),
        np.array([one.share / 2.0 for one in pairs for _ in range(2)], dtype=np.float64),
        np.array([one.hazard for one in redraws], dtype=np.float64),
        base,
        base * np.array([one.share for one in redraws], dtype=np.float64)[:, np.newaxis],
        order,
        every[order],
    )
