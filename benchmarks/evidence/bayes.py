"""Targets of the Bayesian rules: one person alone, other people's logs, mixed people, unknown lengths, calibration.

Full feedback is scored by errors expected given what was heard, all else by counted errors; people are added until the
ratio's standard error is 1 % or the stated most is reached. Fitted people and scored people come from different seeds.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from persona_lab.feedback import FloatArray
from persona_lab.measurement import Measurement
from persona_lab.metrics.calibration import (
    calibration_slope,
    calibration_tally,
    expected_calibration_error,
    join,
    perfect_calibration_error,
)
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Exceptions, Gradual, Switch, VolatilityShift
from persona_lab.simulate.people import live
from persona_lab.simulate.population import of_mixture
from persona_lab.simulate.scenarios import SCENARIOS, Channel, Scenario
from persona_lab.strategies.grid_priors import ATTENTIVE, DEFAULT, LAW_SHARES, LAWS, POPULATION, any_length
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.strategies.mixed_prior import MIXED_PRIOR
from persona_lab.strategies.population_bayes import fit
from persona_lab.strategies.worlds import Observer
from persona_lab.studies.targets import (
    BLOCK,
    PRECISION,
    Cell,
    Expected,
    core_cells,
    drifts,
    expected_errors,
    figures,
    measure,
    measure_expected,
    other_people,
)

FIT_SEED, SCORE_SEED = 4_001, 4_002
MOST = 10_000
BATCH = 1_024
ALONE: HierarchicalBayes = replace(DEFAULT, single=True)
CROWD: HierarchicalBayes = replace(POPULATION, single=True)
LEARNS: HierarchicalBayes = replace(ATTENTIVE, single=True)
KINDS = {"core", "feedback", "options", "weights"}
"""Tags of the homogeneous cells of LIMITS."""


def scored(scenario: Scenario, rules: dict[str, UpdateStrategy], most: int = MOST) -> list[Cell]:
    if scenario.channel.full and not isinstance(scenario.path, Gradual):
        return measure_expected(scenario, rules, seed=SCORE_SEED, most=most)
    return measure(scenario, rules, seed=SCORE_SEED, most=most, batch=512)


def plain(found: Measurement) -> dict[str, Any]:
    return {"value": found.value, "standard_error": found.standard_error, "n": found.n, "reason": found.reason}


def row(cell: Cell) -> dict[str, Any]:
    return {
        "scenario": cell.scenario,
        "strategy": cell.strategy,
        "ratio": plain(cell.ratio),
        "regret_per_100": plain(cell.regret),
        "yardstick_error": plain(cell.yardstick_error),
    }


def one_person() -> dict[str, Any]:
    """Targets A and D: 24 core cells without gradual, one setting; and worlds between the grid's points."""
    cells = [scored(scenario, {"hierarchical-bayes": ALONE})[0] for scenario in core_cells()]
    moving = [cell for cell in cells if drifts(SCENARIOS[cell.scenario])]
    every, drifting = figures(cells), figures(moving)
    between = [
        Scenario("slow_between_v1", Switch(1 / 100), Channel(0.07)),
        Scenario("fast_between_v1", Switch(1 / 28), Channel(0.14)),
        Scenario("exceptions_between_v1", Exceptions(0.03, longest=4, hazard=1 / 120), Channel(0.07)),
        Scenario("stable_between_v1", Exceptions(0.03, longest=4), Channel(0.14)),
        Scenario("volatility_shift_between_v1", VolatilityShift(0.001, 0.05, block=140), Channel(0.1)),
    ]
    return {
        "targets": {
            "worst_ratio": [plain(every.worst_ratio), 1.40],
            "mean_ratio": [plain(every.mean_ratio), 1.18],
            "worst_drifting": [plain(drifting.worst_ratio), 1.20],
            "mean_drifting": [plain(drifting.mean_ratio), 1.10],
            "worst_regret_per_100": [plain(every.worst_regret), 1.5],
        },
        "cells": [row(cell) for cell in cells],
        "off_the_suite": [row(scored(scenario, {"hierarchical-bayes": ALONE})[0]) for scenario in between],
    }


def variants_alone() -> dict[str, Any]:
    """One person alone under sparse, partial, thumbs and silent feedback and with 3 and 6 options."""
    chosen = [s for s in SCENARIOS.values() if "feedback" in s.tags or "options" in s.tags]
    return {"cells": [row(scored(s, {"hierarchical-bayes": ALONE})[0]) for s in chosen]}


def learnt(base: HierarchicalBayes, scenario: Scenario, *, people: int = 50, steps: int = 100) -> HierarchicalBayes:
    log = other_people(scenario, ALONE, seed=FIT_SEED, users=people, interactions=steps)
    return fit(base, log, options=scenario.options)


def population() -> dict[str, Any]:
    """Target B: every homogeneous cell, prior learnt from 50 other people with 100 interactions each."""
    cells = []
    for scenario in SCENARIOS.values():
        if not KINDS & set(scenario.tags) or isinstance(scenario.path, Gradual):
            continue
        base = trusting_crowd() if "weights" in scenario.tags else CROWD
        cells += scored(scenario, {"population-bayes": learnt(base, scenario)})
        print(cells[-1].scenario, cells[-1].ratio, flush=True)
    elsewhere = Scenario("volatility_shift_between_v1", VolatilityShift(0.001, 0.05, block=140), Channel(0.1))
    off = scored(elsewhere, {"population-bayes": learnt(CROWD, elsewhere)})
    named = [cell for cell in cells if cell.ratio.value is not None]
    worst = max(named, key=lambda cell: float(cell.ratio.value or 0.0))
    return {
        "target": 1.10,
        "worst": row(worst),
        "cells": [row(cell) for cell in cells],
        "off_the_suite": [row(cell) for cell in off],
    }


def gradual() -> dict[str, Any]:
    """Target B on gradual paths, against the particle filter."""
    cells = []
    for scenario in core_cells(gradual=True):
        if isinstance(scenario.path, Gradual):
            rules = {"population-bayes": learnt(CROWD, scenario), "hierarchical-bayes": ALONE}
            cells += scored(scenario, rules, most=256)
    return {"target": 1.10, "cells": [row(cell) for cell in cells]}


def trusting_crowd() -> HierarchicalBayes:
    """Return the population grid with confidence that may speak for, against or not at all."""
    slopes = (0.0, 6.0, -6.0)
    return replace(
        CROWD,
        observers=tuple(Observer(seen.noise, slope) for slope in slopes for seen in CROWD.observers),
        prior=tuple(tuple(weight / len(slopes) for _ in slopes for weight in line) for line in CROWD.prior),
    )


def mixed() -> dict[str, Any]:
    """Target C: mixed people, against the filter that knows the population but not the person."""
    scenario = SCENARIOS["mixed_v1"]
    path: Any = scenario.path
    knows = replace(of_mixture(path, noises=8), single=True)
    rule = learnt(CROWD, scenario, people=300, steps=400)
    rules = {"population-bayes": rule, "hierarchical-bayes": ALONE}
    cells = measure(scenario, rules, seed=SCORE_SEED, yardstick=knows, precision=0.001, most=4 * MOST)
    shipped = float(np.abs(np.asarray(rule.prior) - np.asarray(MIXED_PRIOR)).max())
    return {
        "target": 1.02,
        "cells": [row(cell) for cell in cells],
        "largest_difference_from_the_shipped_prior": shipped,
    }


def length_scenarios() -> list[tuple[Scenario, tuple[float, ...]]]:
    """Return nine scenarios with bursts of three laws, with no, slow and fast switches, and the law of each."""
    hazards = {"exceptions": 0.0, "slow_exceptions": 1 / 200, "fast_exceptions": 1 / 40}
    laws = dict(zip(("uniform_5", "uniform_8", "geometric_3"), LAWS, strict=True))
    return [
        (Scenario(f"{name}_{called}_v1", Exceptions(0.05, hazard=hazard, lengths=law), Channel(0.1)), law)
        for name, hazard in hazards.items()
        for called, law in laws.items()
    ]


def lengths() -> dict[str, Any]:
    """Exceptions of unknown length: the rule that weighs several laws against the same rule told the law.

    Told twice: with the default prior, and with exceptions as likely beforehand as the rule that is told nothing has
    them, which isolates what knowing the law is worth.
    """
    found = []
    for scenario, law in length_scenarios():
        rules = {
            "any length": any_length(ALONE),
            "told": any_length(ALONE, (law,), (1.0,)),
            "told, exceptions as likely": any_length(ALONE, (law,), (sum(LAW_SHARES),)),
            "assumes 1 to 5": ALONE,
        }
        seen = people_until_known(scenario, rules)
        limit_errors = np.concatenate([part.limit_errors for part in seen])
        errors = {rule: np.concatenate([part.errors[rule] for part in seen]) for rule in rules}
        entry = {
            "scenario": scenario.id,
            "ratio": {rule: plain(over(errors[rule], limit_errors)) for rule in rules},
            "over_told": plain(over(errors["any length"], errors["told"])),
            "over_told_exceptions_as_likely": plain(over(errors["any length"], errors["told, exceptions as likely"])),
        }
        print(entry, flush=True)
        found.append(entry)
    return {"target": 1.05, "cells": found}


def over(top: FloatArray, bottom: FloatArray) -> Measurement:
    return pooled_ratio(numerator=top, denominator=bottom, undefined_because="no errors")


def people_until_known(scenario: Scenario, rules: dict[str, UpdateStrategy]) -> list[Expected]:
    """Return expected errors of enough people to know every ratio to the limit within 1 %, or of ``MOST``."""
    parts: list[Expected] = []
    while True:
        first = len(parts) * BLOCK
        parts.append(expected_errors(scenario, rules, seed=SCORE_SEED, users=(first, first + BLOCK)))
        bottom = np.concatenate([part.limit_errors for part in parts])
        ratios = [over(np.concatenate([part.errors[rule] for part in parts]), bottom) for rule in rules]
        known = all(r.standard_error is not None and r.standard_error <= PRECISION for r in ratios)
        if known or len(parts) * BLOCK >= MOST:
            return parts


def calibration() -> dict[str, Any]:
    """ECE over the core suite, pooled."""
    found = {}
    for name, rule in (("hierarchical-bayes", ALONE), ("population-bayes", None)):
        parts = []
        for scenario in core_cells():
            used = rule or learnt(CROWD, scenario)
            lives = live(scenario, seed=SCORE_SEED, users=(0, BLOCK))
            seen = closed_loop(
                scenario, lives, used, seed=SCORE_SEED, users=(0, BLOCK), record_belief=True, block=BLOCK
            )
            parts.append(
                calibration_tally(belief=seen.belief, preferred=lives.preferred, in_exception=lives.in_exception)
            )
        pooled = join(parts)
        found[name] = {
            "ece": plain(expected_calibration_error(counts=pooled)),
            "ece_perfect": plain(perfect_calibration_error(counts=pooled)),
            "slope": plain(calibration_slope(counts=pooled)),
        }
    return {"target": 0.02, "rules": found}


PARTS: tuple[Callable[[], dict[str, Any]], ...] = (
    one_person, lengths, mixed, calibration, population, variants_alone, gradual,
)  # fmt: skip


def run(out: Path) -> None:
    write(PARTS, out)


def write(parts: tuple[Callable[[], dict[str, Any]], ...], out: Path) -> None:
    for part in parts:
        started = time.perf_counter()
        record = part()
        (out / f"bayes_{part.__name__}.json").write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
        print(f"{part.__name__}: {time.perf_counter() - started:.0f} s", flush=True)
