"""People who welcome help or do not: streams of opportunities with a hidden, drifting tolerance.

At each opportunity the person would welcome help with probability p, their *tolerance*, which changes with the world's
hazard. Two laws: ``two_state`` toggles between a low and a high tolerance, ``redraw`` draws a fresh p from a symmetric
Beta at each change. A move that is made (suggest or act) is answered with the answer rate, truthfully; silence teaches
nothing.

The costs are four pairs of (interruption s, harm c) at benefit b = 1, each in both worlds: eight settings, and sixteen
cells with the static and the drifting hazard. The published table (LIMITS of this project) names neither the pairs nor
the prior of a redrawn tolerance. They were identified from the published baselines alone (always, the three readings of
the approval rule, myopic, told Bayes, discounted Beta, optimum), never from a policy of this package, and frozen. Every
quadruple of pairs over s in {.1, .15, .2, .25, .3, .4, .45, .5} and c in {.5, 1, 2, 3, 4, 5, 6, 8} was compared, with
priors Beta(e, e) from e = .5 to 1 (``benchmarks/evidence/proactive_worlds.py`` repeats the search). Several quadruples
fit about equally well; they share s = .2, c = 6 and s = .45, c = 2, where the two-state prior's mean equals s, so that
a myopic rule is indifferent, stays silent and scores 0, as published. What the vendor's reading earns in the static
cells tells the priors apart: it rests on how many people are nearly always willing, and falls short with a uniform one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Costs, UserState
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray, IntArray, Kind, padded
from persona_lab.policies.utilities import INTERRUPTION_FACTOR, SILENT, act_value, costs, suggest_value
from persona_lab.protocols import StreamPolicy
from persona_lab.randomness import uniforms

STEPS = 400
"""Opportunities per person in the published table."""

DRIFT_HAZARD = 0.01
"""Chance of a change before each opportunity in the drifting cells."""


@dataclass(frozen=True, slots=True)
class AcceptanceWorld:
    """One law of tolerance.

    Parameters
    ----------
    law
        ``"two_state"``: p is ``low`` or ``high``, equally likely at first, and a change goes to the other.
        ``"redraw"``: p is Beta(``extremes``, ``extremes``), and a change draws it afresh.
    hazard
        Probability of a change before each opportunity but the first; 0 is the static world.
    answer_rate
        Probability that a move is answered at all, whatever the answer.
    low, high
        The two tolerances of ``two_state``.
    extremes
        Exponent of the Beta of ``redraw``: 1 is uniform, below it people tend to be clearly willing or clearly not.
    need
        Share of opportunities at which anything is needed at all; elsewhere help is unwelcome whatever the tolerance.
    meeting, focus
        Shares of opportunities that arise in a meeting or in focused work, where a suggestion costs a multiple
        (``policies.utilities.INTERRUPTION_FACTOR``); the agent sees which.

    Raises
    ------
    ConfigurationError
        If a probability lies outside [0, 1], the law is unknown or ``extremes`` is not positive.
    """

    law: Literal["two_state", "redraw"]
    hazard: float = 0.0
    answer_rate: float = 0.8
    low: float = 0.05
    high: float = 0.85
    extremes: float = 0.75
    need: float = 1.0
    meeting: float = 0.0
    focus: float = 0.0

    def __post_init__(self) -> None:
        if self.law not in ("two_state", "redraw"):
            raise ConfigurationError("AcceptanceWorld", "law", self.law, "'two_state' or 'redraw'")
        for name in ("hazard", "answer_rate", "low", "high", "need", "meeting", "focus"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigurationError("AcceptanceWorld", name, getattr(self, name), "a probability, 0 to 1")
        if not self.extremes > 0.0:
            raise ConfigurationError("AcceptanceWorld", "extremes", self.extremes, "positive")
        if self.meeting + self.focus > 1.0:
            raise ConfigurationError("AcceptanceWorld", "focus", self.focus, "at most 1 together with meeting")

    @property
    def name(self) -> str:
        """Name shown in tables."""
        return f"{self.law}/{'drifting' if self.hazard > 0 else 'static'}"


class CostSetting(NamedTuple):
    """One pair of costs at benefit 1: ``interruption`` (s) of a suggestion, ``harm`` (c) of an unwanted act."""

    interruption: float
    harm: float

    @property
    def costs(self) -> Costs:
        """The pair as arrays."""
        return costs(1.0, self.harm, self.interruption)

    @property
    def name(self) -> str:
        """Name shown in tables."""
        return f"s={self.interruption:g} c={self.harm:g}"


COST_SETTINGS = (CostSetting(0.2, 0.5), CostSetting(0.2, 2.0), CostSetting(0.2, 6.0), CostSetting(0.45, 2.0))
"""The four pairs, each played in both worlds."""

WORLDS = tuple(AcceptanceWorld(law, hazard) for hazard in (0.0, DRIFT_HAZARD) for law in ("two_state", "redraw"))
"""Static and drifting, both laws: with the four pairs, the sixteen cells."""


class Play(NamedTuple):
    """What happened, and the truth behind it; every array is (steps, people).

    ``move`` codes 0 silent, 1 suggest, 2 act; ``kind`` is what the policy saw (``feedback.Kind``); ``wanted`` whether
    the help would have been welcome; ``tolerance`` its probability, need included; ``stated`` the policy's own
    probability before the answer; ``changed`` where the tolerance changed; ``interruption`` the cost of a suggestion by
    what the person was doing. All but the first two are truth or diagnosis: for metrics only.
    """

    move: IntArray
    kind: IntArray
    wanted: BoolArray
    tolerance: FloatArray
    stated: FloatArray
    changed: BoolArray
    interruption: FloatArray

    def costs(self, given: Costs) -> Costs:
        """Return the costs with the interruption of every opportunity, (steps, people)."""
        return given._replace(interruption=self.interruption)


def tolerance_paths(
    world: AcceptanceWorld, *, seed: int, people: int, steps: int = STEPS
) -> tuple[NDArray[np.float32], BoolArray]:
    """Return the tolerance (steps, people) and where it changed; the same luck for every hazard."""
    where = {"steps": (0, steps), "streams": (0, people)}
    changed = uniforms(seed, "tolerance/change", **where) < world.hazard
    changed[0] = False
    levels = uniforms(seed, "tolerance/level", **where)
    if world.law == "two_state":
        high = (levels[0] < 0.5) ^ (np.cumsum(changed, axis=0) % 2 == 1)
        return np.where(high, np.float32(world.high), np.float32(world.low)), changed
    drawn = changed.copy()
    drawn[0] = True
    # Only where a tolerance is drawn: the inverse of the Beta's distribution is slow.
    levels[drawn] = beta_quantile(levels[drawn], world.extremes)
    source = np.maximum.accumulate(np.where(changed, np.arange(steps)[:, np.newaxis], 0), axis=0)
    return np.take_along_axis(levels, source, axis=0), changed


def play(
    policy: StreamPolicy, world: AcceptanceWorld, given: Costs, *, seed: int, people: int, steps: int = STEPS
) -> Play:
    """Run one policy through one world in a closed loop.

    Two policies with the same seed meet the same people and luck: the same opportunity would be welcome, and answered,
    for both. The policy never sees ``wanted`` where it stayed silent or where nobody answered.

    Parameters
    ----------
    policy
        Any :class:`~persona_lab.protocols.StreamPolicy`.
    world, given
        The law of tolerance, and the costs (scalars or (people,) arrays).
    seed, people, steps
        Key of the luck, number of streams, opportunities each.
    """
    width = padded(people)
    tolerance, changed = tolerance_paths(world, seed=seed, people=width, steps=steps)
    where = {"steps": (0, steps), "streams": (0, width)}
    tolerance = tolerance * np.float32(world.need)
    wanted = uniforms(seed, "opportunity/wanted", **where) < tolerance
    heard = uniforms(seed, "opportunity/answered", **where) < world.answer_rate
    luck = uniforms(seed, "opportunity/policy", **where)
    padded_costs = Costs(*(np.resize(part, width) if part.ndim else part for part in given))
    interruption = padded_costs.interruption * _busy(world, uniforms(seed, "opportunity/state", **where))
    moves = np.empty((steps, width), dtype=np.int8)
    kinds = np.empty((steps, width), dtype=np.int8)
    stated = np.empty((steps, width), dtype=np.float32)
    state = policy.init(width)
    for t in range(steps):
        chance = luck[t].astype(np.float64)
        stated[t] = policy.acceptance(state, chance).mean
        moves[t] = policy.decide(state, padded_costs._replace(interruption=interruption[t]), chance)
        kinds[t] = np.where(
            (moves[t] != SILENT) & heard[t], np.where(wanted[t], Kind.ACCEPTED, Kind.DECLINED), Kind.SILENT
        )
        state = policy.update(state, moves[t], kinds[t])
    cut = (slice(None), slice(0, people))
    return Play(moves[cut], kinds[cut], wanted[cut], tolerance[cut], stated[cut], changed[cut], interruption[cut])


def beta_quantile(probability: FloatArray, extremes: float) -> FloatArray:
    """Return the quantile of the symmetric Beta(extremes, extremes), same shape."""
    from scipy.special import betaincinv

    quantile: FloatArray = probability if extremes == 1.0 else betaincinv(extremes, extremes, probability)
    return quantile


def _busy(world: AcceptanceWorld, luck: FloatArray) -> FloatArray:
    """Return by how much a suggestion costs more at each opportunity, for what the person is doing."""
    factor = INTERRUPTION_FACTOR
    doing = np.where(luck < world.meeting + world.focus, factor[UserState.FOCUS], factor[UserState.FREE])
    times: FloatArray = np.where(luck < world.meeting, factor[UserState.MEETING], doing)
    return times


def clairvoyant_value(tolerance: FloatArray, given: Costs) -> FloatArray:
    """Return the expected utility of the best move for whoever knows the tolerance: a limit, never reachable."""
    p = tolerance.astype(np.float64)
    best: FloatArray = np.maximum(0.0, np.maximum(suggest_value(p, given), act_value(p, given)))
    return best
