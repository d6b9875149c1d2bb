"""Which costs and which law of tolerance lie behind the published proactive table? A search over baselines alone.

No policy of this package takes part: only the rows of the table that name a rule exactly. The first pass compares every
quadruple of cost pairs under every prior on the rows whose moves do not depend on costs (and the optimum); the second
plays the rows that do for the few best.
"""

import itertools
import json
from pathlib import Path
from typing import NamedTuple

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
FINALISTS = 4


class Row(NamedTuple):
    """Static mean, drifting mean and worst of sixteen, in per cent of the clairvoyant's utility."""

    static: float
    drifting: float
    worst: float


class Candidate(NamedTuple):
    """An exponent of the prior and four pairs of costs: squared misfit in units of chance, and the rows it gives."""

    misfit: float
    exponent: float
    pairs: list[CostSetting]
    rows: dict[str, Row]


def run(out: Path, people: int = PEOPLE) -> None:
    """Search, and write the best candidates with every row of the table beside what was published."""
    still = [_free(AcceptanceWorld("two_state", h), people) for h in HAZARDS]
    optimum = [
        np.array([100 * Solver(points=201).solve(AcceptanceWorld("two_state", h), one.costs).share for one in PAIRS])
        for h in HAZARDS
    ]
    every = np.array(list(itertools.combinations(range(len(PAIRS)), 4)))
    best = _table([optimum[0]], [optimum[1]], every)
    fit = _misfit(best, PUBLISHED["optimum (two-state)"])
    near = fit <= np.quantile(fit, 0.1)
    kept = every[near]
    candidates = []
    for exponent in EXPONENTS:
        drawn = [_free(AcceptanceWorld("redraw", h, extremes=exponent), people) for h in HAZARDS]
        rows = {
            rule: _table([still[0][rule], drawn[0][rule]], [still[1][rule], drawn[1][rule]], kept) for rule in RULES
        }
        rows["optimum (two-state)"] = best[:, near]
        total = sum(_misfit(table, PUBLISHED[name]) for name, table in rows.items())
        candidates += [
            Candidate(
                float(total[place]),
                exponent,
                [PAIRS[pair] for pair in kept[place]],
                {name: Row(*(float(part) for part in table[:, place])) for name, table in rows.items()},
            )
            for place in np.argsort(total)[:FINALISTS]
        ]
    candidates.sort(key=lambda one: one.misfit)
    finalists = [_played(one, people // 4) for one in candidates[:FINALISTS]]
    finalists.sort(key=lambda one: one.misfit)
    record = {
        "people": people,
        "seed": SEED,
        "quadruples": len(every),
        "published": PUBLISHED,
        "best": [_shown(one) for one in finalists],
        "first_pass_by_exponent": {
            str(e): _shown(min((one for one in candidates if one.exponent == e), key=lambda one: one.misfit))
            for e in EXPONENTS
        },
    }
    print(json.dumps(record["best"][0]), flush=True)  # type: ignore[index]  # a list, set above
    (out / "proactive_worlds.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _free(world: AcceptanceWorld, people: int) -> dict[str, NDArray[np.float64]]:
    """Return the share of every pair of costs, in per cent, for rules whose moves do not depend on costs."""
    found: dict[str, NDArray[np.float64]] = {}
    limit: NDArray[np.float64] | None = None
    for name, rule in RULES.items():
        seen = play(rule, world, costs(), seed=SEED, people=people)
        p, act, ask = seen.tolerance.astype(np.float64), seen.move == ACT, seen.move == SUGGEST
        if limit is None:
            limit = np.array([clairvoyant_value(p, one.costs).sum() for one in PAIRS])
        gained, harmed, asked = (p * (act | ask)).sum(), ((1.0 - p) * act).sum(), ask.sum()
        paid = np.array([one.harm * harmed + one.interruption * asked for one in PAIRS])
        found[name] = 100 * (gained - paid) / limit
    return found


def _played(candidate: Candidate, people: int) -> Candidate:
    """Add the rows whose moves depend on costs."""
    rows = dict(candidate.rows)
    worlds = [AcceptanceWorld(law, h, extremes=candidate.exponent) for h in HAZARDS for law in ("two_state", "redraw")]
    for name in ("discounted Beta .97", "myopic Bayes, told", "Bayes told hazard and prior"):
        shares: dict[bool, list[float]] = {False: [], True: []}
        for world in worlds:
            for one in candidate.pairs:
                policy: StreamPolicy = DiscountedBeta()
                if name != "discounted Beta .97":
                    policy = told(world, "mean" if name.startswith("myopic") else "quantile")
                seen = play(policy, world, one.costs, seed=SEED, people=people)
                earned = metrics.utility(move=seen.move, wanted=seen.tolerance, costs=one.costs).sum()
                shares[world.hazard > 0].append(
                    float(100 * earned / clairvoyant_value(seen.tolerance, one.costs).sum())
                )
        rows[name] = Row(float(np.mean(shares[False])), float(np.mean(shares[True])), min(shares[False] + shares[True]))
    misfit = sum(float(_misfit(np.array([row]).T, PUBLISHED[name])[0]) for name, row in rows.items())
    return candidate._replace(misfit=misfit, rows=rows)


def _shown(candidate: Candidate) -> dict[str, object]:
    return {
        "misfit": round(candidate.misfit, 2),
        "exponent": candidate.exponent,
        "pairs": [one.name for one in candidate.pairs],
        "rows": {name: [round(part, 1) for part in row] for name, row in candidate.rows.items()},
    }


def _table(
    static: list[NDArray[np.float64]], drifting: list[NDArray[np.float64]], quadruples: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return static mean, drifting mean and worst, (3, quadruples), over the laws given."""
    quiet = np.concatenate([shares[quadruples] for shares in static], axis=1)
    moving = np.concatenate([shares[quadruples] for shares in drifting], axis=1)
    worst = np.minimum(quiet.min(axis=1), moving.min(axis=1))
    return np.stack([quiet.mean(axis=1), moving.mean(axis=1), worst])


def _misfit(table: NDArray[np.float64], published: tuple[float, float, float]) -> NDArray[np.float64]:
    within = np.array([MEANS_WITHIN, MEANS_WITHIN, WORST_WITHIN])[:, np.newaxis]
    squares: NDArray[np.float64] = (((table - np.array(published)[:, np.newaxis]) / within) ** 2).sum(axis=0)
    return squares
