"""Which costs and which law of tolerance lie behind the published proactive table? A search over baselines alone.

No policy of this package takes part: only the rows of the table that name a rule exactly. The first pass compares every
quadruple of cost pairs under every prior on the rows whose moves do not depend on costs (and the optimum); the second
plays the rows that do for the best of each prior.
"""

import itertools
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Move
from persona_lab.metrics import proactive as metrics
from persona_lab.policies.baselines import Fixed
from persona_lab.policies.expected_utility import DiscountedBeta
from persona_lab.policies.thresholds import ApprovalRule
from persona_lab.policies.utilities import ACT, SUGGEST, costs
from persona_lab.protocols import StreamPolicy
from persona_lab.simulate.opportunities import DRIFT_HAZARD, AcceptanceWorld, CostSetting, clairvoyant_value, play
from persona_lab.simulate.opportunity_limits import Solver
from persona_lab.studies.proactive import PUBLISHED, told

INTERRUPTIONS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5)
HARMS = (0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)
PAIRS = tuple(CostSetting(s, c) for s in INTERRUPTIONS for c in HARMS)
EXPONENTS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0)
HAZARDS = (0.0, DRIFT_HAZARD)
RULES: dict[str, StreamPolicy] = {
    "always suggest": Fixed(Move.SUGGEST),
    "approval >= .8 act, else suggest": ApprovalRule("else_suggest"),
    "approval >= .8 act, else nothing": ApprovalRule("else_silent"),
    "approval >= .8 act, >= .5 suggest, else nothing": ApprovalRule("three_way"),
}
MEANS_WITHIN, WORST_WITHIN = 1.0, 3.0
"""Points by which means of eight cells and worst cells may differ by chance and rounding: the unit of the misfit."""

PEOPLE = 4000
SEED = 77
FINALISTS = 3


class Row(NamedTuple):
    """Static mean, drifting mean and worst of sixteen, in per cent of the clairvoyant's utility."""

    static: float
    drifting: float
    worst: float


def run(out: Path, people: int = PEOPLE) -> None:
    """Search, and write the best candidates with every row of the table beside what was published."""
    still = {(h, None): _free(AcceptanceWorld("two_state", h), people) for h in HAZARDS}
    optimum = {h: np.array([100 * Solver(points=201).solve(AcceptanceWorld("two_state", h), one.costs).share
                            for one in PAIRS]) for h in HAZARDS}  # fmt: skip
    every = np.array(list(itertools.combinations(range(len(PAIRS)), 4)))
    best = PUBLISHED["optimum (two-state)"]
    fit = _misfit(_table([optimum[0.0]], [optimum[DRIFT_HAZARD]], every), best)
    kept = every[fit < np.quantile(fit, 0.1)]
    base = fit[fit < np.quantile(fit, 0.1)]
    candidates = []
    for exponent in EXPONENTS:
        drawn = {h: _free(AcceptanceWorld("redraw", h, extremes=exponent), people) for h in HAZARDS}
        total = base.copy()
        for rule in RULES:
            rows = _table(
                [still[0.0, None][rule], drawn[0.0][rule]],
                [still[DRIFT_HAZARD, None][rule], drawn[DRIFT_HAZARD][rule]],
                kept,
            )
            total = total + _misfit(rows, PUBLISHED[rule])
        for place in np.argsort(total)[:FINALISTS]:
            chosen = [PAIRS[pair] for pair in kept[place]]
            candidates.append(_finalist(exponent, chosen, people // 4, still, drawn, optimum, kept[[place]]))
    candidates.sort(key=lambda one: one["misfit"])
    for one in candidates[:3]:
        print(json.dumps(one), flush=True)
    record = {"people": people, "seed": SEED, "quadruples": len(every), "published": PUBLISHED, "best": candidates[:10]}
    record["best_by_exponent"] = {
        str(e): min((one for one in candidates if one["exponent"] == e), key=lambda one: float(one["misfit"]))
        for e in EXPONENTS
    }
    (out / "proactive_worlds.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _free(world: AcceptanceWorld, people: int) -> dict[str, NDArray[np.float64]]:
    """Return the share of every pair of costs, in per cent, for rules whose moves do not depend on costs."""
    found = {}
    for name, rule in RULES.items():
        seen = play(rule, world, costs(), seed=SEED, people=people)
        p, act, ask = seen.tolerance.astype(np.float64), seen.move == ACT, seen.move == SUGGEST
        gained, harmed, asked = (p * (act | ask)).sum(), ((1.0 - p) * act).sum(), ask.sum()
        limit = np.array([clairvoyant_value(p, one.costs).sum() for one in PAIRS])
        paid = np.array([one.harm * harmed + one.interruption * asked for one in PAIRS])
        found[name] = 100 * (gained - paid) / limit
    return found


def _finalist(
    exponent: float, chosen: list[CostSetting], people: int, still: Any, drawn: Any, optimum: Any, place: Any
) -> dict[str, Any]:
    rows: dict[str, Row] = {
        rule: _one(
            _table(
                [still[0.0, None][rule], drawn[0.0][rule]],
                [still[DRIFT_HAZARD, None][rule], drawn[DRIFT_HAZARD][rule]],
                place,
            )
        )
        for rule in RULES
    }
    rows["optimum (two-state)"] = _one(_table([optimum[0.0]], [optimum[DRIFT_HAZARD]], place))
    worlds = [AcceptanceWorld(law, h, extremes=exponent) for h in HAZARDS for law in ("two_state", "redraw")]
    for name in ("discounted Beta .97", "myopic Bayes, told", "Bayes told hazard and prior"):
        shares: dict[bool, list[float]] = {False: [], True: []}
        for world in worlds:
            for one in chosen:
                policy: StreamPolicy = DiscountedBeta()
                if name != "discounted Beta .97":
                    policy = told(world, "mean" if name.startswith("myopic") else "quantile")
                seen = play(policy, world, one.costs, seed=SEED, people=people)
                earned = metrics.utility(move=seen.move, wanted=seen.tolerance, costs=one.costs).sum()
                shares[world.hazard > 0].append(100 * earned / clairvoyant_value(seen.tolerance, one.costs).sum())
        means = (float(np.mean(shares[False])), float(np.mean(shares[True])))
        rows[name] = Row(*means, float(min(shares[False] + shares[True])))
    misfit = sum(float(_misfit(np.array([row]).T, PUBLISHED[name])[0]) for name, row in rows.items())
    return {
        "misfit": misfit,
        "exponent": exponent,
        "pairs": [one.name for one in chosen],
        "rows": {name: [round(float(part), 1) for part in row] for name, row in rows.items()},
    }


def _table(static: Any, drifting: Any, quadruples: Any) -> NDArray[np.float64]:
    """Return static mean, drifting mean and worst, (3, quadruples), over the laws given."""
    quiet = np.concatenate([shares[quadruples] for shares in static], axis=1)
    moving = np.concatenate([shares[quadruples] for shares in drifting], axis=1)
    worst = np.minimum(quiet.min(axis=1), moving.min(axis=1))
    return np.stack([quiet.mean(axis=1), moving.mean(axis=1), worst])


def _one(table: NDArray[np.float64]) -> Row:
    return Row(*(float(part[0]) for part in table))


def _misfit(table: NDArray[np.float64], published: tuple[float, float, float]) -> NDArray[np.float64]:
    within = np.array([MEANS_WITHIN, MEANS_WITHIN, WORST_WITHIN])[:, np.newaxis]
    squares: NDArray[np.float64] = (((table - np.array(published)[:, np.newaxis]) / within) ** 2).sum(axis=0)
    return squares
