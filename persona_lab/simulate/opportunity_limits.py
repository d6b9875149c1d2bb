"""What could be reached at all: the exact optimum of the two-state world, and the clairvoyant's expected value.

The two-state world is a partially observed Markov decision problem whose belief is one number, the probability of the
high tolerance, so backward induction over a fine grid of it solves it (Smallwood & Sondik 1973). The redraw world's
belief is a density: no optimum is computed there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from persona_lab.contracts import Costs
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray
from persona_lab.policies.utilities import act_value, suggest_value
from persona_lab.simulate.opportunities import STEPS, AcceptanceWorld, beta_quantile, clairvoyant_value

CLEARLY = 1e-6
"""Utility by which acting must beat the other moves before the bounded clairvoyant acts (tolerances are float32)."""


class Optimum(NamedTuple):
    """Solution of the two-state world.

    ``value`` is utility per opportunity from an even prior; ``share`` that as a share of the clairvoyant's;
    ``beliefs`` the grid and ``suggest_from`` the lowest belief of the high state at which the optimum does not stay
    silent, by opportunities left (index 0 = the last one).
    """

    value: float
    share: float
    beliefs: FloatArray
    suggest_from: FloatArray


@dataclass(frozen=True, slots=True)
class Solver:
    """Backward induction; ``points`` of the belief grid (the share moves by less than .001 from 401 to 2,001)."""

    points: int = 801
    steps: int = STEPS

    def solve(self, world: AcceptanceWorld, given: Costs) -> Optimum:
        """Return the optimum of a two-state world.

        Raises
        ------
        ConfigurationError
            If the world is not ``two_state``.
        """
        if world.law != "two_state":
            raise ConfigurationError("Solver", "world.law", world.law, "'two_state': its belief is one number")
        belief = np.linspace(0.0, 1.0, self.points)
        mean = world.low + (world.high - world.low) * belief
        moved = _after_time(belief, world.hazard)
        accepted = _after_time(belief * world.high / mean, world.hazard)
        declined = _after_time(belief * (1.0 - world.high) / (1.0 - mean), world.hazard)
        now = np.maximum(suggest_value(mean, given), act_value(mean, given))
        value = np.zeros(self.points)
        first = np.empty(self.steps)
        for left in range(self.steps):
            quiet = np.interp(moved, belief, value)
            learnt = mean * np.interp(accepted, belief, value) + (1.0 - mean) * np.interp(declined, belief, value)
            speak = now + world.answer_rate * learnt + (1.0 - world.answer_rate) * quiet
            spoken = speak > quiet
            first[left] = belief[np.argmax(spoken)] if spoken.any() else 1.0
            value = np.maximum(speak, quiet)
        per_step = float(np.interp(0.5, belief, value)) / self.steps
        return Optimum(per_step, per_step / clairvoyant_expected(world, given), belief, first)


def clairvoyant_expected(world: AcceptanceWorld, given: Costs) -> float:
    """Return the clairvoyant's expected utility per opportunity; both laws are stationary."""
    if world.law == "two_state":
        levels = np.array([world.low, world.high])
    else:
        points = 100_000
        levels = beta_quantile((np.arange(points) + 0.5) / points, world.extremes)
    return float(clairvoyant_value(levels, given).mean())


def _after_time(belief: FloatArray, hazard: float) -> FloatArray:
    after: FloatArray = belief * (1.0 - hazard) + (1.0 - belief) * hazard
    return after


class Bounded(NamedTuple):
    """A clairvoyant held to unwanted acts <= alpha per opportunity, person by person; (people,) per opportunity.

    ``acts`` and ``utility`` are those of the one that earns most under the bound; ``most_acts`` is how often somebody
    could act at all under it, who looks at nothing else.
    """

    acts: FloatArray
    utility: FloatArray
    most_acts: FloatArray


def bounded_clairvoyant(tolerance: FloatArray, given: Costs, alpha: float) -> Bounded:
    """Return what each person's clairvoyant does when unwanted acts per opportunity may not exceed alpha.

    Knowing every tolerance, it acts where acting is clearly the best move, at the most welcoming opportunities first
    (the last one by lot), until the expected unwanted acts of that person reach ``alpha``; elsewhere it suggests or
    stays silent. What an act gains over the next best move, per unit of risk 1 - p, rises with p, so that this order
    earns the most (fractional knapsack, Dantzig 1957).

    Parameters
    ----------
    tolerance
        (steps, people).
    given, alpha
        Costs that do not change over time, and the bound.
    """
    p = np.sort(tolerance.astype(np.float64), axis=0)[::-1]
    acting, otherwise = act_value(p, given), np.maximum(0.0, suggest_value(p, given))
    pays = _within(p, acting > otherwise + CLEARLY, alpha)
    gained = otherwise + pays * (acting - otherwise)
    at_all = _within(p, np.ones(p.shape, dtype=np.bool_), alpha)
    return Bounded(pays.mean(axis=0), gained.mean(axis=0), at_all.mean(axis=0))


def _within(p: FloatArray, wish: BoolArray, alpha: float) -> FloatArray:
    """Return the share of each wished act, most welcoming first, that unwanted acts of ``alpha`` per step allow."""
    unwanted = np.where(wish, 1.0 - p, 0.0)
    left = alpha * len(p) - (np.cumsum(unwanted, axis=0) - unwanted)
    part = np.clip(left / np.where(unwanted > 0, unwanted, 1.0), 0.0, 1.0)
    taken: FloatArray = np.where(unwanted > 0, part, 1.0) * wish
    return taken
