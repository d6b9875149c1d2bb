"""What a promise is worth: risk control in the long run and after a drift, and stated confidence, on fresh people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from persona_lab.feedback import Kind
from persona_lab.metrics import proactive as metrics
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.confidence import Calibrator, fit_isotonic
from persona_lab.policies.risk import RiskControlled
from persona_lab.policies.utilities import ACT
from persona_lab.protocols import StreamPolicy
from persona_lab.simulate.opportunities import (
    COST_SETTINGS,
    STEPS,
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


class ConfidenceStudy(NamedTuple):
    """Calibration on fresh people: ``worlds`` (one row per world and map), ``after`` a change by answers heard."""

    worlds: pl.DataFrame
    after: pl.DataFrame
    calibrator: Calibrator


def confidence_study(
    *,
    seed: int,
    people: int,
    training_seed: int,
    training_people: int,
    steps: int = STEPS,
    policy: StreamPolicy | None = None,
) -> ConfidenceStudy:
    """Measure stated confidence raw, with one isotonic map for all worlds, and with a map per world.

    ``person_deviation`` is the root mean square over people of (accepted - stated) in a perfect forecaster's standard
    errors: 1 if nobody is systematically over- or underestimated.

    Maps are fitted on other people (``training_seed``), on answered steps; scored on answered steps of fresh people.
    """
    if seed == training_seed:
        raise ValueError("calibration fitted on the people that are scored: choose another training_seed.")
    belief = policy or AdaptiveBayes()

    def gather(key: int, count: int) -> dict[AcceptanceWorld, Play]:
        found = {}
        for world in WORLDS:
            plays = [play(belief, world, s.costs, seed=key, people=count, steps=steps) for s in COST_SETTINGS]
            found[world] = Play(*(np.concatenate(parts, axis=1) for parts in zip(*plays, strict=True)))
        return found

    training, fresh = gather(training_seed, training_people), gather(seed, people)

    def fitted(plays: Sequence[Play]) -> Calibrator:
        heard = [one.kind != Kind.SILENT for one in plays]
        stated = np.concatenate([one.stated[here] for one, here in zip(plays, heard, strict=True)])
        wanted = np.concatenate([one.wanted[here] for one, here in zip(plays, heard, strict=True)])
        return fit_isotonic(stated, wanted)

    shared = fitted(list(training.values()))
    rows: list[tuple[object, ...]] = []
    after = []
    maps = {"raw": dict.fromkeys(WORLDS, Calibrator()), "one map": dict.fromkeys(WORLDS, shared)}
    maps["a map per world"] = {world: fitted([training[world]]) for world in WORLDS}
    for name, by_world in maps.items():
        everyone = []
        for world, seen in fresh.items():
            stated = by_world[world](seen.stated)
            heard = seen.kind != Kind.SILENT
            found = metrics.calibration(stated=stated[heard], happened=seen.wanted[heard])
            each = metrics.person_calibration(stated=stated, wanted=seen.wanted, kind=seen.kind)
            spread = float(np.sqrt(np.mean(each["deviation"].to_numpy() ** 2)))
            rows.append((name, world.name, found.ece.value, found.ece_perfect, found.brier.value, spread, found.ece.n))
            everyone.append((stated[heard], seen.wanted[heard]))
            if world.hazard > 0:
                table = metrics.calibration_after_change(
                    stated=stated, wanted=seen.wanted, kind=seen.kind, changed=seen.changed
                )
                after.append(table.with_columns(map=pl.lit(name), law=pl.lit(world.law)))
        pooled = metrics.calibration(
            stated=np.concatenate([s for s, _ in everyone]), happened=np.concatenate([y for _, y in everyone])
        )
        rows.append((name, "all", pooled.ece.value, pooled.ece_perfect, pooled.brier.value, None, pooled.ece.n))
    columns = ["map", "world", "ece", "ece_perfect", "brier", "person_deviation", "n"]
    return ConfidenceStudy(pl.DataFrame(rows, schema=columns, orient="row"), pl.concat(after), shared)


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
