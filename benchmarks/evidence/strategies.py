"""The simple rules against the published table: nine paths at noise .1, and the worst of the 27 cells."""

from __future__ import annotations

import json
from pathlib import Path

from persona_lab.catalog import STRATEGIES
from persona_lab.metrics.tracking import ratio_to_limit, regret
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.studies.reference import CELLS, RATIOS, compare, reproduce

SEED = 20_260
USERS = 5000
GRADUAL_USERS = 1000
"""The limit of gradual paths is a particle filter, a hundred times slower than the exact ones."""

EXTRA = ("change-point", "sliding-window", "bounded-step", "pearce-hall", "kalman", "volatile-kalman")
EXTRA += ("noise-or-volatility", "mixing-past", "forgetting-count", "hysteresis")


def run(out: Path) -> None:
    """Write ``strategies.json``: every published figure beside ours, and all simple rules over the core suite."""
    rules = {name: STRATEGIES[name] for name in RATIOS}
    found = []
    for cell in CELLS:
        users = GRADUAL_USERS if cell.startswith("gradual") else USERS
        found += reproduce([SCENARIOS[cell]], rules, seed=SEED, users=users)
    worst_z = max(found, key=lambda row: abs(row.z))
    print(f"   {len(found)} published figures, farthest {worst_z.cell} {worst_z.rule}: z = {worst_z.z:.2f}")
    out.joinpath("strategies.json").write_text(
        json.dumps(
            {
                "seed": SEED,
                "users": {"core": USERS, "gradual": GRADUAL_USERS},
                "reproduction": [row._asdict() for row in found],
                "core_suite": _core(),
            },
            indent=1,
        )
        + "\n"
    )


def _core() -> list[dict[str, object]]:
    """Return ratio and regret of every simple rule in every core cell, 1,000 people each."""
    rules = {name: STRATEGIES[name] for name in (*RATIOS, *EXTRA)}
    rows: list[dict[str, object]] = []
    for scenario in SCENARIOS.values():
        if "core" not in scenario.tags:
            continue
        tallies, best = compare(scenario, rules, seed=SEED + 1, users=1000)
        if best is None:
            continue
        for name, counts in tallies.items():
            ratio, extra = ratio_to_limit(counts=counts, limit=best), regret(counts=counts, limit=best)
            rows.append(
                {
                    "cell": scenario.id,
                    "rule": name,
                    "ratio": ratio.value,
                    "ratio_standard_error": ratio.standard_error,
                    "reason": ratio.reason,
                    "regret": extra.value,
                    "regret_standard_error": extra.standard_error,
                }
            )
        print(f"   {scenario.id}", flush=True)
    return rows
