"""Two numbers of ``grid_priors`` that no game gives: how readily silence is heard, how burst lengths are weighed.

Each is swept on training people; the values that were taken are scored elsewhere, on others (``bayes_attention``,
``bayes``). What is printed is what the choice rested on: pooled errors against the limit.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.evidence.bayes import ALONE, length_scenarios, plain, write
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.strategies.grid_priors import CONSENT, LAW_SHARES, any_length, attentive
from persona_lab.studies.targets import measure, measure_expected

TRAINING_SEED = 777
PEOPLE = 1_024

SHARES = (0.03, 0.07, CONSENT, 0.16)
LAWS_TRIED = ((1 / 3, 1 / 3, 1 / 3), (1.5, 0.25, 0.33), (1.5, 0.25, 0.42), LAW_SHARES)


def consent() -> dict[str, Any]:
    """Every scenario in which answers may not come: random silence must cost little, consent be understood soon."""
    rules: dict[str, UpdateStrategy] = {"ignores": ALONE}
    rules |= {f"{share:g}": replace(attentive(ALONE, consent=share), single=True) for share in SHARES}
    found = {}
    for scenario in SCENARIOS.values():
        if {"sparse", "silent"} & set(scenario.id.split("_")):
            cells = measure(scenario, rules, seed=TRAINING_SEED, most=PEOPLE)
            found[scenario.id] = {cell.strategy: plain(cell.ratio) for cell in cells}
            print(scenario.id, {cell.strategy: cell.ratio.value for cell in cells}, flush=True)
    return {"taken": CONSENT, "people": PEOPLE, "seed": TRAINING_SEED, "ratio_to_limit": found}


def law_shares() -> dict[str, Any]:
    """Nine cells with bursts of three laws: the worst ratio to the same rule told the law decides."""
    found = {}
    for scenario, law in length_scenarios():
        rules: dict[str, UpdateStrategy] = {"told": any_length(ALONE, (law,), (1.0,))}
        rules |= {str(shares): any_length(ALONE, shares=shares) for shares in LAWS_TRIED}
        cells = measure_expected(scenario, rules, seed=TRAINING_SEED, most=PEOPLE)
        found[scenario.id] = {cell.strategy: plain(cell.ratio) for cell in cells}
        print(scenario.id, {cell.strategy: cell.ratio.value for cell in cells}, flush=True)
    return {"taken": LAW_SHARES, "people": PEOPLE, "seed": TRAINING_SEED, "ratio_to_limit": found}


def run(out: Path) -> None:
    write((law_shares, consent), out)
