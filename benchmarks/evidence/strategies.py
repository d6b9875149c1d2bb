"""The simple rules against the published table, and each at its default and tuned over the core suite."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from persona_lab.catalog import STRATEGIES
from persona_lab.datasets.items import read_items
from persona_lab.metrics.tracking import ratio_to_limit, regret
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.scenarios import SCENARIOS, Scenario
from persona_lab.strategies.attributes import AttributeRule
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.studies.item_replay import cross_fitted, item_accuracy, replay_items
from persona_lab.studies.reference import CELLS, RATIOS, WEIGHT_CELLS, WEIGHT_RATIOS, compare, reproduce
from persona_lab.studies.tuning import TrainingPeople, search

SEED = 20_260
USERS = 2000
GRADUAL_USERS = 500
"""The limit of gradual paths is a particle filter, a hundred times slower than the exact ones."""

TRAINING = 250
"""People per training cell: eight paths at noise .1, of another seed than those scored in all 24 cells."""

SCORED = 600

PACES = (0.0005, 0.001, 0.002, 0.004, 0.008)
"""Candidate probabilities that a shopper's taste for a feature changes, per choice."""

TUNED = ("running-count", "ewma-0.1", "sliding-window", "debounce", "bounded-step", "forgetting-count", "pearce-hall")
TUNED += (
    "kalman",
    "volatile-kalman",
    "noise-or-volatility",
    "fixed-share",
    "mixing-past",
    "change-point",
    "hysteresis",
)


def run(out: Path) -> None:
    """Write ``strategies.json``: published figures beside ours, and simple rules, plain and tuned, in all cells."""
    rules = {name: STRATEGIES[name] for name in RATIOS}
    found = []
    for cell in CELLS:
        users = GRADUAL_USERS if cell.startswith("gradual") else USERS
        found += reproduce([SCENARIOS[cell]], rules, seed=SEED, users=users)
    weighed = {name: STRATEGIES[name] for name in WEIGHT_RATIOS}
    found += reproduce([SCENARIOS[cell] for cell in WEIGHT_CELLS], weighed, seed=SEED, users=USERS)
    farthest = max(found, key=lambda row: abs(row.z))
    print(
        f"   {len(found)} published figures, farthest {farthest.cell} {farthest.rule}: z = {farthest.z:.2f}", flush=True
    )
    cells = [s for s in SCENARIOS.values() if "core" in s.tags and not s.id.startswith("gradual")]
    taught = tuple(SCENARIOS[cell] for cell in CELLS if not cell.startswith("gradual"))
    training = TrainingPeople(taught, seed=SEED + 1, users=TRAINING)
    fitted = {}
    for name in TUNED:
        fitted[name] = search(STRATEGIES[name], training)
        print(
            f"   {name}: {fitted[name].loss_before:.3f} -> {fitted[name].loss:.3f} {fitted[name].strategy}", flush=True
        )
    plain = {name: STRATEGIES[name] for name in dict.fromkeys((*RATIOS, *TUNED))}
    tuned = {f"{name} (tuned)": found.strategy for name, found in fitted.items()}
    rows = _score(cells, {**plain, **tuned})
    summary = _summary(rows)
    for line in summary:
        print(
            "   {rule:32} worst {worst_ratio:6.2f} mean {mean_ratio:5.2f} worst regret {worst_regret:5.2f}".format(
                **line
            )
        )
    record = {
        "seeds": {"reproduction": SEED, "training": SEED + 1, "scored": SEED + 2},
        "users": {"reproduction": USERS, "gradual": GRADUAL_USERS, "training": TRAINING, "scored": SCORED},
        "reproduction": [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row._asdict().items()} for row in found
        ],
        "tuned": {
            name: {"strategy": repr(f.strategy), "loss_before": f.loss_before, "loss": f.loss, "tried": f.tried}
            for name, f in fitted.items()
        },
        "shoppers": _shoppers(),
        "summary": summary,
        "cells": rows,
    }
    out.joinpath("strategies.json").write_text(_one_line_per_row(record))


def _one_line_per_row(record: dict[str, Any]) -> str:
    """Return JSON whose lists take one line per entry: small, and readable in a diff."""
    parts = []
    for key, value in record.items():
        if isinstance(value, list):
            lines = ",\n  ".join(json.dumps(row) for row in value)
            parts.append(f" {json.dumps(key)}: [\n  {lines}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _shoppers() -> dict[str, Any]:
    """Return accuracy by phase on the public shopping log, the pace of change fitted on the other half of it."""
    data = Path(os.environ.get("PERSONA_LAB_DATA") or Path(__file__).parents[3] / "shared" / "data")
    file = data / "pahf" / "shopping.parquet"
    if not file.exists():
        return {"reason": "needs pahf/shopping.parquet in the folder of the environment variable PERSONA_LAB_DATA"}
    log = read_items(file, "pahf")
    rules = [AttributeRule(FixedShare(hazard=0.0, daily_hazard=pace)) for pace in PACES]
    forecasts, given = cross_fitted([replay_items(log, rule, learn=("1", "3")) for rule in rules], asked=("2", "4"))
    told = {phase: item_accuracy(forecasts=forecasts, sessions=(phase,)) for phase in ("2", "4")}
    print("   shoppers: " + ", ".join(f"phase {phase} {m.value:.3f}" for phase, m in told.items()), flush=True)
    return {
        "source": log.title,
        "paces": [PACES[number] for number in given],
        "accuracy": {phase: dataclasses.asdict(measure) for phase, measure in told.items()},
    }


def _score(cells: list[Scenario], rules: dict[str, UpdateStrategy]) -> list[dict[str, Any]]:
    """Return ratio and regret of every rule in every cell, on people that nothing was fitted on."""
    rows: list[dict[str, Any]] = []
    for scenario in cells:
        tallies, best = compare(scenario, rules, seed=SEED + 2, users=SCORED)
        if best is None:
            continue
        for name, counts in tallies.items():
            ratio, extra = ratio_to_limit(counts=counts, limit=best), regret(counts=counts, limit=best)
            figures = (ratio.value, ratio.standard_error, extra.value, extra.standard_error)
            names = ("ratio", "ratio_standard_error", "regret", "regret_standard_error")
            numbers = {key: None if x is None else round(x, 4) for key, x in zip(names, figures, strict=True)}
            why = {} if ratio.reason is None else {"reason": ratio.reason}
            rows.append({"cell": scenario.id, "rule": name, **numbers, **why})
    return rows


def _summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return worst and mean over the cells, by rule; ratios over the cells where they are defined."""
    lines = []
    for rule in dict.fromkeys(row["rule"] for row in rows):
        own = [row for row in rows if row["rule"] == rule]
        ratios = [row["ratio"] for row in own if row["ratio"] is not None]
        lines.append(
            {
                "rule": rule,
                "cells": len(ratios),
                "worst_ratio": max(ratios),
                "mean_ratio": round(sum(ratios) / len(ratios), 4),
                "worst_regret": max(row["regret"] for row in own),
            }
        )
    return lines
