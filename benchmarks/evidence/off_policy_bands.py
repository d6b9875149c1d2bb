"""Short logs of thumbs, where parameters are hardly identified: whether the sensitivity band holds the truth."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.evidence.off_policy import RIVALS
from persona_lab.feedback import feedback
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Switch
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.fitting import fit_population, whole
from persona_lab.studies.imputation import impute, sensitivity

KINDS = {
    "thumbs only, 30 % answer": Channel(0.1, 0.3, 0.3, names_option=0.0),
    "thumbs only, accepts answered 20 %, declines 80 %": Channel(0.1, 0.2, 0.8, names_option=0.0),
}
LOGS = 10
USERS = 40
INTERACTIONS = 30
TRUTH_USERS = 4000


def run(out: Path, logs: int = LOGS) -> None:
    """Measure how often band and interval hold the truth, and write the record."""
    record: dict[str, Any] = {"logs_per_kind": logs, "users": USERS, "interactions": INTERACTIONS}
    for kind, channel in KINDS.items():
        record[kind] = _kind(channel, logs)
        print(f"   {kind}: {record[kind]}", flush=True)
    (out / "off_policy_bands.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def _kind(channel: Channel, logs: int) -> dict[str, float]:
    scenario = Scenario("off_policy_v1", Switch(1 / 60), channel, interactions=INTERACTIONS)
    many, everyone = live(scenario, seed=7, users=(0, TRUTH_USERS)), (0, TRUTH_USERS)
    truth = {
        name: float((closed_loop(scenario, many, rule, seed=7, users=everyone).proposed != many.expressed).mean())
        for name, rule in RIVALS.items()
    }
    inside, trusted, widths, errors, warned = [], [], [], [], 0
    for number in range(logs):
        seed = 70_000 + number
        lives = live(scenario, seed=seed, users=(0, USERS))
        seen = closed_loop(scenario, lives, Ewma(0.3), seed=seed, users=(0, USERS))
        log = [
            feedback(proposed=seen.proposed[t], kind=seen.kind[t], corrected=seen.corrected[t])
            for t in range(INTERACTIONS)
        ]
        part = whole(log, options=scenario.options)
        fitted = fit_population([part], exceptions=False)
        warned += bool(fitted.warnings)
        bands = sensitivity(part, fitted, RIVALS, seed=seed, draws=2)
        for band, one in zip(bands, impute(part, fitted, RIVALS, seed=seed), strict=True):
            right = truth[band.strategy]
            inside.append(band.low <= right <= band.high)
            trusted.append(one.low <= right <= one.high)
            widths.append(band.high - band.low)
            errors.append(abs(one.value - right))
    return {
        "band_holds_truth": float(np.mean(inside)),
        "interval_holds_truth": float(np.mean(trusted)),
        "mean_band_width_points": 100 * float(np.mean(widths)),
        "mean_absolute_error_points": 100 * float(np.mean(errors)),
        "logs_with_a_warning": warned,
    }
