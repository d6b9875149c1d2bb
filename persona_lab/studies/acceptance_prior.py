"""Which kinds of people are there, by how they answered? The mixing distribution behind the stated confidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import FloatArray, IntArray, Kind
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.population import PopulationTolerance, Redrawing, Toggling
from persona_lab.simulate.opportunities import WORLDS, AcceptanceWorld
from persona_lab.studies.proactive_confidence import gather

PRIOR_SEED, PRIOR_PEOPLE = 201, 250
"""People on whose answers the shipped prior was fitted, per world and pair of costs; never scored."""

COUNTED = 2.0
"""How often the people of the still two-state world count. Early on least can be known of them, so that in a fit by
likelihood alone the other worlds' honesty is bought at their cost. It was chosen from 1, 2, 3 and 4, together with a
hedge of .1, .15 or .25, on other people (seeds 302 and 303): no world's calibration error above .0165 there, and then
the best forecasts in eight worlds drawn at random."""

ENDS = tuple((k + 0.5) / 20 for k in range(20))
GAP = 0.19
HAZARDS = (0.0, 0.002, 0.005, 0.01, 0.02, 0.05)
EXTREMES = (0.4, 0.6, 0.8, 1.0, 1.5)
"""Candidates: every two of twenty levels at least .2 apart, and five shapes of redraw, each with six hazards."""

NEAR = (-0.025, -0.0125, 0.0, 0.0125, 0.025)
"""Around kinds that the first pass finds, the second looks this closely."""

FOUND, KEPT = 0.01, 0.004
"""Shares from which a kind is looked at closely, and from which it is kept in the end."""

PASSES = 600
BLOCK = 64

Candidates = tuple[list[Toggling], list[Redrawing]]


def fit_acceptance_prior(
    kinds: IntArray, weight: NDArray[Any] | None = None, *, hedge: float = 0.25, chance: float = 0.15
) -> PopulationTolerance:
    """Find kinds of people in their answers, and return the belief that expects people like them.

    The shares of candidate kinds are fitted by maximum likelihood (expectation-maximisation, Dempster, Laird & Rubin
    1977): first over a coarse lattice, then more closely around what was found.

    Parameters
    ----------
    kinds
        Answers, (opportunities, people), ``feedback.Kind``; SILENT where nothing was proposed or nobody answered. Which
        proposals were made may depend on earlier answers: that does not bias the fit.
    weight
        (people,) how often each person counts; default once.
    hedge, chance
        As in :class:`~persona_lab.policies.population.PopulationTolerance`.

    Raises
    ------
    InputError
        If nobody answered, or a weight is negative or missing.
    """
    if not (kinds != Kind.SILENT).any():
        raise InputError("a prior needs answers", value=kinds.shape, cure="Pass people who answered.")
    counted: FloatArray = np.ones(kinds.shape[1]) if weight is None else np.asarray(weight, dtype=np.float64)
    if counted.shape != kinds.shape[1:] or not (counted >= 0).all() or not counted.any():
        raise InputError("every person needs a weight", value=counted.shape, cure="Pass one number of 0 or more each.")
    toggling = [Toggling(low, high, h, 1.0) for low, high, h in product(ENDS, ENDS, HAZARDS) if high - low >= GAP]
    redrawing = [Redrawing(e, h, 1.0) for e, h in product(EXTREMES, HAZARDS)]
    found, redrawing_found = _shares(kinds, counted, (toggling, redrawing))
    close = {
        (round(one.low + a, 4), round(one.high + b, 4), one.hazard)
        for one, a, b in product([one for one in found if one.share >= FOUND], NEAR, NEAR)
    }
    close |= {(round(one.low, 4), round(one.high, 4), one.hazard) for one in found if one.share >= FOUND / 20}
    again = [Toggling(low, high, h, 1.0) for low, high, h in sorted(close) if 0.0 < low < high < 1.0]
    pairs, redraws = _shares(kinds, counted, (again, [one._replace(share=1.0) for one in redrawing_found]))
    return PopulationTolerance(
        tuple(one._replace(share=round(one.share, 4)) for one in pairs if one.share >= KEPT),
        tuple(one._replace(share=round(one.share, 4)) for one in redraws if one.share >= KEPT),
        hedge,
        chance,
    )


def shipped_belief(
    *,
    seed: int = PRIOR_SEED,
    people: int = PRIOR_PEOPLE,
    counted: float = COUNTED,
    worlds: Sequence[AcceptanceWorld] = WORLDS,
) -> PopulationTolerance:
    """Fit the belief that comes with the package: people of all four worlds together, each under four pairs of costs.

    Raises
    ------
    ConfigurationError
        If nobody would count.
    """
    if not counted > 0.0:
        raise ConfigurationError("shipped_belief", "counted", counted, "positive")
    seen: Mapping[AcceptanceWorld, Any] = gather(AdaptiveBayes(), seed=seed, people=people, worlds=worlds)
    still = {world: world.law == "two_state" and world.hazard == 0.0 for world in seen}
    weight = np.concatenate(
        [np.full(one.kind.shape[1], counted if still[world] else 1.0) for world, one in seen.items()]
    )
    return fit_acceptance_prior(np.concatenate([one.kind for one in seen.values()], axis=1), weight)


def _shares(kinds: IntArray, weight: FloatArray, candidates: Candidates) -> Candidates:
    """Return the candidates with their maximum likelihood shares."""
    belief = PopulationTolerance(tuple(candidates[0]), tuple(candidates[1]), hedge=0.0)
    likely = []
    for first in range(0, kinds.shape[1], BLOCK):
        answers = kinds[:, first : first + BLOCK]
        state = belief.init(answers.shape[1])
        for answer in answers:
            state = belief.update(state, answer, answer)
        # All started alike, so what a kind is believed in the end is its likelihood, up to a factor per person.
        likely.append(belief.kinds(state))
    likelihood = np.concatenate(likely, axis=1)
    share = np.full(len(likelihood), 1.0 / len(likelihood))
    for _ in range(PASSES):
        joint = share[:, np.newaxis] * likelihood
        share = (joint / joint.sum(axis=0) * weight).sum(axis=1) / weight.sum()
    pairs = len(candidates[0])
    return (
        [one._replace(share=float(s)) for one, s in zip(candidates[0], share[:pairs], strict=True)],
        [one._replace(share=float(s)) for one, s in zip(candidates[1], share[pairs:], strict=True)],
    )
