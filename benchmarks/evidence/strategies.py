"""The simple rules against the published table, and each at its default and tuned over the core suite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from persona_lab.catalog import STRATEGIES
from persona_lab.measurement import Measurement
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.studies.compared import MOST, PRECISION, Compared, grown, mean_difference, mean_ratio
from persona_lab.studies.reference import RATIOS, WEIGHT_CELLS, WEIGHT_RATIOS, beside_published, worst_beside_published
from persona_lab.studies.targets import core_cells
from persona_lab.studies.tuning import TrainingPeople, knobs_of, search

TRAINING_SEED, SCORED_SEED = 20_261, 20_262

TRAINING = 150
"""People per training cell: all 24 cells without gradual, of another seed than those scored."""

INTERVAL = 1.96
"""Half width of the printed intervals in standard errors: 95 %."""


def run(out: Path) -> None:
    """Write ``strategies.json``: published figures beside ours, and simple rules, plain and tuned, in all cells.

    Filters over worlds are not simple: their records are ``bayes_*.json``.
    """
    plain = {name: rule for name, rule in STRATEGIES.items() if not isinstance(rule, HierarchicalBayes)}
    training = TrainingPeople(tuple(core_cells()), seed=TRAINING_SEED, users=TRAINING)
    fitted = {}
    for name, rule in plain.items():
        if name.startswith("ewma-0.") and name not in ("ewma-0.1", "ewma-0.2-by-confidence"):
            continue  # one rule at three settings: fitted once
        if knobs_of(rule):
            fitted[name] = search(rule, training)
            print(f"   {name}: {fitted[name].loss_before:.3f} -> {fitted[name].loss:.3f}", flush=True)
    moved = {name: found for name, found in fitted.items() if found.strategy != plain[name]}
    rules = plain | {f"{name} (tuned)": found.strategy for name, found in moved.items()}
    cells = []
    for scenario in core_cells(gradual=True):
        cells.append(grown(scenario, rules, seed=SCORED_SEED))
        _print_cell(cells[-1])
    weighed = {name: STRATEGIES[name] for name in WEIGHT_RATIOS}
    weights = [grown(SCENARIOS[cell], weighed, seed=SCORED_SEED) for cell in WEIGHT_CELLS]
    found = [row for cell in (*cells, *weights) for row in beside_published(cell)] + worst_beside_published(cells)
    farthest = max(found, key=lambda row: abs(row.z))
    print(f"   {len(found)} published figures; farthest {farthest.cell} {farthest.rule}: z = {farthest.z:.2f}")
    summary = [_summary(cells, name, moved) for name in rules]
    for line in summary:
        print(f"   {json.dumps(line)}", flush=True)
    record = {
        "seeds": {"training": TRAINING_SEED, "scored": SCORED_SEED},
        "people": {"training": TRAINING, "scored": f"until the ratio's standard error is {PRECISION} of it, or {MOST}"},
        "errors": "expected, given all that was heard, where the limit is exact; counted on gradual paths",
        "tuned": {
            name: {"strategy": repr(f.strategy), "loss_before": f.loss_before, "loss": f.loss, "tried": f.tried}
            for name, f in fitted.items()
        },
        "reproduction": [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row._asdict().items()} for row in found
        ],
        "summary": summary,
        "cells": [row for cell in cells for row in _rows(cell)],
    }
    out.joinpath("strategies.json").write_text(_one_line_per_row(record))


def _print_cell(cell: Compared) -> None:
    ratios = {name: cell.ratio(name) for name in cell.rules}
    unsure = [name for name, r in ratios.items() if r.value is None or (r.standard_error or 0) > PRECISION * r.value]
    print(
        f"   {cell.scenario.id}: up to {len(cell.best.made)} people; less sure than {PRECISION:.0%}: "
        f"{', '.join(unsure) or 'none'}; {'; '.join(f'{name} {_interval(ratios[name])}' for name in RATIOS)}",
        flush=True,
    )


def _interval(figure: Measurement) -> list[float] | None:
    """Return the 95 % interval, None where it is undefined."""
    if figure.value is None or figure.standard_error is None:
        return None
    half = INTERVAL * figure.standard_error
    return [round(figure.value - half, 4), round(figure.value + half, 4)]


def _rows(cell: Compared) -> list[dict[str, Any]]:
    """Return ratio and regret of every rule in one cell."""
    rows = []
    for name in cell.rules:
        ratio, extra = cell.ratio(name), cell.regret(name)
        row: dict[str, Any] = {"cell": cell.scenario.id, "rule": name, "people": ratio.n}
        for key, figure in (("ratio", ratio), ("regret", extra)):
            row[key] = None if figure.value is None else round(figure.value, 4)
            row[f"{key}_standard_error"] = None if figure.standard_error is None else round(figure.standard_error, 4)
        row["ratio_interval"] = _interval(ratio)
        rows.append(row if ratio.reason is None else row | {"reason": ratio.reason})
    return rows


def _summary(cells: Sequence[Compared], name: str, fitted: dict[str, Any]) -> dict[str, Any]:
    """Return worst and mean of a rule over the cells without gradual, and over all; what tuning gained."""
    line: dict[str, Any] = {"rule": name}
    exact = [cell for cell in cells if not cell.scenario.id.startswith("gradual")]
    for label, chosen in (("24", exact), ("27", list(cells))):
        known = [cell for cell in chosen if cell.ratio(name).value is not None]
        worst = max(known, key=lambda cell: cell.ratio(name).value or 0.0)
        sorest = max(chosen, key=lambda cell: cell.regret(name).value or 0.0)
        line |= {
            f"worst_ratio_{label}": _pair(worst.ratio(name)) | {"cell": worst.scenario.id},
            f"mean_ratio_{label}": _pair(mean_ratio((cell, name) for cell in known)),
            f"worst_regret_{label}": _pair(sorest.regret(name)) | {"cell": sorest.scenario.id},
        }
    if name in fitted:
        gain = mean_difference(exact, f"{name} (tuned)", name)
        sure = gain.value is not None and abs(gain.value) > INTERVAL * (gain.standard_error or 0.0)
        line["tuning_changes_the_mean_of_24_by"] = _pair(gain) | {"more_than_noise": sure}
    return line


def _pair(figure: Measurement) -> dict[str, Any]:
    return {
        "value": None if figure.value is None else round(figure.value, 4),
        "standard_error": None if figure.standard_error is None else round(figure.standard_error, 4),
        "interval": _interval(figure),
        "n": figure.n,
    }


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
