"""Coverage of the fit's 95 % intervals: 200 simulated logs of 200 people x 150 interactions."""

import json
from pathlib import Path

from persona_lab.feedback import feedback
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Switch
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.fitting import fit_population, whole

LOGS = 200
USERS = 200
HAZARDS = (1 / 200, 1 / 40)
NOISES = (0.05, 0.1, 0.2)


def run(out: Path, logs: int = LOGS) -> None:
    """Fit every log and write how often the intervals hold the truth."""
    held = {"hazard": 0, "noise": 0}
    errors: dict[str, list[float]] = {"hazard": [], "noise": []}
    for number in range(logs):
        truth = {"hazard": HAZARDS[number % 2], "noise": NOISES[number % 3]}
        scenario = Scenario("coverage_v1", Switch(truth["hazard"]), Channel(truth["noise"]), interactions=150)
        lives = live(scenario, seed=10_000 + number, users=(0, USERS))
        seen = closed_loop(scenario, lives, Ewma(0.2), seed=10_000 + number, users=(0, USERS))
        log = [
            feedback(proposed=seen.proposed[t], kind=seen.kind[t], corrected=seen.corrected[t])
            for t in range(scenario.interactions)
        ]
        fitted = fit_population([whole(log, options=scenario.options)], exceptions=False)
        for name, value in truth.items():
            estimate = getattr(fitted, name)
            held[name] += estimate.low <= value <= estimate.high
            errors[name].append((estimate.value - value) / estimate.standard_error)
    record = {
        "logs": logs,
        "users": USERS,
        "interactions": 150,
        "coverage": {name: count / logs for name, count in held.items()},
        "mean_error_in_standard_errors": {name: sum(values) / logs for name, values in errors.items()},
    }
    (out / "fit.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"   coverage of 95 % intervals over {logs} logs: {record['coverage']}")
