"""Off-policy evaluation by imputation from five kinds of log: bias, coverage, right winner; 200 logs in all."""

import json
import math
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from persona_lab.feedback import feedback
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Switch
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.baselines import LastWriteWins, RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.fitting import LogPart, fit_population, whole
from persona_lab.studies.imputation import impute
from persona_lab.studies.off_policy import estimates

KINDS = {
    "named, all answer": Channel(0.1),
    "named, 30 % answer": Channel(0.1, 0.3, 0.3),
    "accepts answered 20 %, corrections 80 %": Channel(0.1, 0.2, 0.8),
    "30 % of corrections named": Channel(0.1, names_option=0.3),
    "thumbs only": Channel(0.1, names_option=0.0),
}
RIVALS: dict[str, UpdateStrategy] = {
    "last-write-wins": LastWriteWins(),
    "running-count": RunningCount(),
    "ewma-0.1": Ewma(0.1),
    "ewma-0.2": Ewma(0.2),
    "ewma-0.3": Ewma(0.3),
}
LOGS = 40
USERS = 200
TRUTH_USERS = 8000
INTERACTIONS = 150
HAZARD = 1 / 60


def run(out: Path, logs: int = LOGS) -> None:
    """Evaluate every kind of log and write the record."""
    record: dict[str, Any] = {"logs_per_kind": logs, "users": USERS, "interactions": INTERACTIONS, "hazard": HAZARD}
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.map(partial(_imputation, logs=logs), KINDS.values())
        record["imputation"] = dict(zip(KINDS, found, strict=True))
    (out / "off_policy.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _imputation(channel: Channel, logs: int) -> dict[str, Any]:
    scenario = Scenario("off_policy_v1", Switch(HAZARD), channel, interactions=INTERACTIONS)
    truth = _truth(scenario)
    best = min(truth, key=truth.__getitem__)
    errors: dict[str, list[float]] = {name: [] for name in RIVALS}
    naive: dict[str, list[float]] = {name: [] for name in RIVALS}
    held = winners = 0
    for number in range(logs):
        seed = 50_000 + number
        part = _log(scenario, seed)
        fitted = fit_population([part], exceptions=False)
        found = {one.strategy: one for one in impute(part, fitted, RIVALS, seed=seed)}
        winners += min(found, key=lambda name: found[name].value) == best
        for name, one in found.items():
            errors[name].append(one.value - truth[name])
            held += one.low <= truth[name] <= one.high
            score = estimates(part, RIVALS[name])["naive"].value
            naive[name].append(math.nan if score is None else score - truth[name])
    points = {name: 100 * float(np.mean(found)) for name, found in errors.items()}
    result = {
        "truth": truth,
        "bias_points": points,
        "bias_standard_error_points": {
            name: 100 * float(np.std(found, ddof=1)) / math.sqrt(logs) for name, found in errors.items()
        },
        "naive_bias_points": {name: 100 * float(np.nanmean(found)) for name, found in naive.items()},
        "interval_coverage": held / (logs * len(RIVALS)),
        "right_winner": winners / logs,
        "winner": best,
    }
    worst = max(abs(value) for value in points.values())
    print(f"   {scenario.channel}: worst bias {worst:.2f} points, right winner {winners}/{logs}", flush=True)
    return result


def _truth(scenario: Scenario) -> dict[str, float]:
    lives = live(scenario, seed=7, users=(0, TRUTH_USERS))
    rates = {}
    for name, strategy in RIVALS.items():
        path = closed_loop(scenario, lives, strategy, seed=7, users=(0, TRUTH_USERS))
        rates[name] = float((path.proposed != lives.expressed).mean())
    return rates


def _log(scenario: Scenario, seed: int) -> LogPart:
    lives = live(scenario, seed=seed, users=(0, USERS))
    seen = closed_loop(scenario, lives, Ewma(0.3), seed=seed, users=(0, USERS))
    steps = range(scenario.interactions)
    return whole(
        [feedback(proposed=seen.proposed[t], kind=seen.kind[t], corrected=seen.corrected[t]) for t in steps],
        options=scenario.options,
    )
