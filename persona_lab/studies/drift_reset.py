"""What starting over on an alarm gains or loses against soft forgetting."""

from __future__ import annotations

import polars as pl

from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.metrics import tracking
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.strategies.baselines import RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.strategies.guards import ResetOnAlarm

WORLDS = ("stable_noise10_v1", "slow_noise10_v1", "fast_noise10_v1", "slow_exceptions_noise10_v1")
SEED = 41

RULES: dict[str, UpdateStrategy] = {
    "running count, never reset": RunningCount(),
    "reset on shiryaev-roberts (arl0 1000)": ResetOnAlarm(RunningCount(), ShiryaevRoberts(arl0=1000.0)),
    "reset on shiryaev-roberts (arl0 100)": ResetOnAlarm(RunningCount(), ShiryaevRoberts(arl0=100.0)),
    "reset on exception-aware (arl0 100)": ResetOnAlarm(RunningCount(), ExceptionAware(arl0=100.0)),
    "reset on option-shift (arl0 100)": ResetOnAlarm(RunningCount(), OptionShift(arl0=100.0)),
    "EWMA .1": Ewma(rate=0.1),
    "EWMA .3": Ewma(rate=0.3),
    "fixed share": FixedShare(hazard=0.01, noise=0.15),
}
"""Soft forgetting and hard resets; settings are the catalogue's, none tuned here."""


def reset_or_forget(*, users: int, seed: int = SEED) -> pl.DataFrame:
    """Return error rate, ratio and regret to the limit of every rule in four worlds, paired by person."""
    rows = []
    for name in WORLDS:
        scenario, everyone = SCENARIOS[name], (0, users)
        lives = live(scenario, seed=seed, users=everyone)
        best = limit(scenario, lives).strategy
        rules = RULES if best is None else {"limit": best, **RULES}
        counts = {}
        for rule, strategy in rules.items():
            path = closed_loop(scenario, lives, strategy, seed=seed, users=everyone)
            counts[rule] = tracking.tally(
                preferred=lives.preferred, proposed=path.proposed, in_exception=lives.in_exception
            )
        for rule, found in counts.items():
            rate = tracking.error_rate(counts=found)
            row = {"world": name, "rule": rule, "error_rate": rate.value, "error_rate_se": rate.standard_error}
            if "limit" in counts:
                lost = tracking.regret(counts=found, limit=counts["limit"])
                row |= {"regret": lost.value, "regret_se": lost.standard_error}
                row |= {"ratio": tracking.ratio_to_limit(counts=found, limit=counts["limit"]).value}
            rows.append(row)
    return pl.DataFrame(rows)
