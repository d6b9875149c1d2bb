"""What a promise is worth: risk control in the long run and after a drift, on fresh people."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from persona_lab.metrics import proactive as metrics
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.policies.risk import RiskControlled
from persona_lab.policies.utilities import ACT
from persona_lab.simulate.opportunities import (
    COST_SETTINGS,
    WORLDS,
    AcceptanceWorld,
    CostSetting,
    Play,
    play,
)
from persona_lab.simulate.opportunity_limits import bounded_clairvoyant

AFTER_DRIFT = 100
"""Opportunities after a change that are reported beside the long run."""

RIGHT_AFTER = 10
"""The first of them, in which nobody can know yet."""

LONG_RUN = 1000
"""Opportunities per person in the risk study."""


def risk_cells(
    alphas: Sequence[float] = (0.05, 0.1),
    *,
    seed: int,
    people: int,
    steps: int = LONG_RUN,
    worlds: Sequence[AcceptanceWorld] = WORLDS,
    settings: Sequence[CostSetting] = COST_SETTINGS,
) -> pl.DataFrame:
    """Play the risk-controlled policy; one row per alpha and cell.

    Columns: ``unwanted`` acts per opportunity with ``unwanted_se``, ``worst_person``, ``act`` rate, ``bounded_act`` of
    the clairvoyant who earns most under the same bound for each person, their ratio ``acting`` with ``acting_se``
    (null where that clairvoyant never acts), ``share`` of its utility, ``most_act`` of one who acts whenever the bound
    lets him, whatever it earns, and unwanted acts per opportunity in the 100 (``after_drift``) and the first 10
    (``right_after``) opportunities after a change from above one half to below (null in static worlds).
    """
    rows: list[dict[str, object]] = []
    for alpha in alphas:
        for world in worlds:
            for setting in settings:
                policy = RiskControlled(alpha=alpha)
                seen = play(policy, world, setting.costs, seed=seed, people=people, steps=steps)
                unwanted = metrics.unwanted_acts(move=seen.move, wanted=seen.tolerance)
                each = ((seen.move == ACT) * (1.0 - seen.tolerance)).mean(axis=0)
                limit = bounded_clairvoyant(seen.tolerance, setting.costs, alpha)
                earned = metrics.utility(move=seen.move, wanted=seen.tolerance, costs=setting.costs)
                acting = pooled_ratio(
                    numerator=(seen.move == ACT).mean(axis=0),
                    denominator=limit.acts,
                    undefined_because="even the clairvoyant never acts",
                )
                rows.append(
                    {
                        "alpha": alpha,
                        "law": world.law,
                        "drifting": world.hazard > 0,
                        "interruption": setting.interruption,
                        "harm": setting.harm,
                        "unwanted": unwanted.value,
                        "unwanted_se": unwanted.standard_error,
                        "worst_person": float(each.max()),
                        "act": metrics.act_rate(move=seen.move).value,
                        "bounded_act": float(limit.acts.mean()),
                        "acting": acting.value,
                        "acting_se": acting.standard_error,
                        "share": float(earned.mean() / limit.utility.mean()),
                        "most_act": float(limit.most_acts.mean()),
                        "after_drift": _after_drop(seen, AFTER_DRIFT),
                        "right_after": _after_drop(seen, RIGHT_AFTER),
                        "people": people,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def _after_drop(seen: Play, within: int) -> float | None:
    """Return unwanted acts per opportunity ``within`` so many steps of a change from above one half to below."""
    before = np.concatenate([seen.tolerance[:1], seen.tolerance[:-1]])
    drop = seen.changed & (before > 0.5) & (seen.tolerance < 0.5)
    step = np.arange(len(drop))[:, np.newaxis]
    latest = np.maximum.accumulate(np.where(drop, step, -(10**9)), axis=0)
    near = step - latest < within
    if not near.any():
        return None
    return float(((seen.move == ACT) * (1.0 - seen.tolerance))[near].mean())
