"""Off-policy evaluation by weighting: how often 95 % intervals hold what they state, over 600 logs that explored."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evidence.off_policy import HAZARD, INTERACTIONS, RIVALS, TRUTH_USERS, USERS
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.paths import Switch
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.off_policy import (
    PREDICTOR,
    WEIGHTED,
    decide_on_log,
    explored_log,
    true_rewards,
    weighted_estimates,
)

LOGS = 600
TRUTH_SEEDS = range(1, 7)
"""The truth rests on this many times 8,000 people: its own error would otherwise shift all intervals alike."""


def run(out: Path, logs: int = LOGS) -> None:
    """Measure coverage and write the record."""
    record = _weighting(logs)
    (out / "off_policy_weighting.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _weighting(logs: int) -> dict[str, Any]:
    """Coverage of the weighting estimators on the estimand that they state."""
    scenario = Scenario("off_policy_v1", Switch(HAZARD), Channel(0.1), interactions=INTERACTIONS)
    truth = {name: float(np.mean(rates)) for name, rates in _weighted_truth(scenario).items()}
    held: dict[str, list[float]] = {method: [] for method in WEIGHTED}
    for number in range(logs):
        seed = 90_000 + number
        lives = live(scenario, seed=seed, users=(0, USERS))
        part = explored_log(scenario, lives, Ewma(0.3), epsilon=0.4, seed=seed)
        inside: dict[str, list[bool]] = {method: [] for method in WEIGHTED}
        predicted = decide_on_log(part, PREDICTOR, seed=seed).predicted
        for name, strategy in RIVALS.items():
            found = weighted_estimates(decide_on_log(part, strategy, seed=seed), predicted)
            for method in WEIGHTED:
                one = found[method]
                if one.low is None or one.high is None:
                    raise RuntimeError(f"{method} was refused: {one.reason}")
                inside[method].append(one.low <= truth[name] <= one.high)
        for method in WEIGHTED:
            held[method].append(float(np.mean(inside[method])))
    coverage = {method: float(np.mean(shares)) for method, shares in held.items()}
    # The five rivals share a log, so logs are the sample.
    errors = {method: float(np.std(shares, ddof=1)) / math.sqrt(logs) for method, shares in held.items()}
    print(f"   coverage of 95 % intervals over {logs} logs: {coverage}, standard errors {errors}", flush=True)
    return {
        "logs": logs,
        "estimand": "acceptance of the new agent's choices on the logger's history",
        "truth": truth,
        "truth_people": TRUTH_USERS * len(TRUTH_SEEDS),
        **coverage,
        "standard_errors": errors,
    }


def _weighted_truth(scenario: Scenario) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in RIVALS}
    for seed in TRUTH_SEEDS:
        large = live(scenario, seed=seed, users=(0, TRUTH_USERS))
        log = explored_log(scenario, large, Ewma(0.3), epsilon=0.4, seed=seed)
        for name, rate in true_rewards(log, large, RIVALS).items():
            rates[name].append(rate)
    return rates
