"""Target E: what learning the meaning of confidence weights and of silence gains, and costs where they have none.

Errors are counted, on people that no rule was fitted on, until every ratio is known within 1 %.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.evidence.bayes import (
    ALONE,
    CROWD,
    FIT_SEED,
    MOST,
    SCORE_SEED,
    plain,
    trusting_crowd,
    write,
)
from persona_lab.feedback import NO_OPTION, Feedback, Kind
from persona_lab.metrics.tracking import Tally, join, ratio_to_limit, tally
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import MEANINGS, SCENARIOS, Scenario
from persona_lab.strategies.grid_priors import ATTENTIVE
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes, listening
from persona_lab.strategies.population_bayes import fit
from persona_lab.strategies.worlds import Observer
from persona_lab.studies.targets import BLOCK, PRECISION, other_people

LEARNS: HierarchicalBayes = replace(ATTENTIVE, single=True)
BATCH = 1_024


class Trio(NamedTuple):
    """A rule that does not listen to something, the rule that learns what it means, and the rule told."""

    ignores: UpdateStrategy
    learns: UpdateStrategy
    told: UpdateStrategy


def gains(scenario: Scenario, trios: dict[str, Trio], *, meaningful: bool) -> dict[str, Any]:
    """Compare, name by name, a rule that learns with itself ignoring, and with itself told; errors counted.

    ``learns_over_ignores`` is a ratio of errors on the same people; ``gain_to_limit`` is how much of the way from
    ignoring to the limit is gone, ``gain_to_told`` of the way to the same rule told, null where there is no way to go.
    """
    entry: dict[str, Any] = {"scenario": scenario.id}
    for name, trio in trios.items():
        counts = counted_until_known(scenario, trio._asdict())
        ratio = {rule: ratio_to_limit(counts=counts[rule], limit=counts[LIMIT]) for rule in Trio._fields}
        over_ignores = ratio_to_limit(counts=counts["learns"], limit=counts["ignores"])
        ignores, learns, told = (float(found.value or np.nan) for found in ratio.values())
        entry[name] = {
            "ratio": {rule: plain(found) for rule, found in ratio.items()},
            "learns_over_ignores": plain(over_ignores),
            "gain_to_limit": (ignores - learns) / (ignores - 1) if meaningful else None,
            "gain_to_told": (ignores - learns) / (ignores - told) if meaningful else None,
        }
        print(scenario.id, name, ignores, learns, told, plain(over_ignores), flush=True)
    return entry


LIMIT = "limit"


def counted_until_known(scenario: Scenario, rules: dict[str, UpdateStrategy]) -> dict[str, Tally]:
    """Return counted errors of the rules and the limit, of enough people to know every ratio, or of ``MOST``."""
    parts: dict[str, list[Tally]] = {name: [] for name in (*rules, LIMIT)}
    users = 0
    while True:
        span = (users, min(users + BATCH, MOST))
        users = span[1]
        lives = live(scenario, seed=SCORE_SEED, users=span)
        told = limit(scenario, lives).strategy
        assert told is not None  # every scenario with weights or silence has one
        for name, rule in {**rules, LIMIT: told}.items():
            seen = closed_loop(scenario, lives, rule, seed=SCORE_SEED, users=span, block=BLOCK)
            parts[name].append(
                tally(preferred=lives.preferred, proposed=seen.proposed, in_exception=lives.in_exception)
            )
        counts = {name: join(seen) for name, seen in parts.items()}
        errors = [ratio_to_limit(counts=counts[name], limit=counts[LIMIT]).standard_error for name in rules]
        if users >= MOST or all(error is not None and error <= PRECISION for error in errors):
            return counts


def weights() -> dict[str, Any]:
    """Target E: what learning the reliability of confidence weights gains, per person and with other people's logs."""
    found = []
    for name in ("slow", "fast", "slow_exceptions"):
        for meaning in MEANINGS:
            scenario = SCENARIOS[f"{name}_weights_{meaning}_v1"]
            slope = {"informative": 6.0, "inverted": -6.0, "shuffled": 0.0}[meaning]
            log = other_people(scenario, ALONE, seed=FIT_SEED)
            crowd = fit(CROWD, log, options=4)
            trusting = fit(trusting_crowd(), log, options=4)
            found.append(
                gains(
                    scenario,
                    {
                        "alone": Trio(ALONE, LEARNS, sloped(ALONE, slope)),
                        "with other people's logs": Trio(crowd, trusting, fit(sloped(CROWD, slope), log, options=4)),
                    },
                    meaningful=meaning != "shuffled",
                )
            )
    return {"target": {"gain": 0.70, "learns_over_ignores": 1.02}, "cells": found}


def sloped(rule: HierarchicalBayes, slope: float) -> HierarchicalBayes:
    """Return the rule told what confidence means."""
    return replace(rule, observers=tuple(Observer(seen.noise, slope) for seen in rule.observers))


def silence() -> dict[str, Any]:
    """Target E: what learning the answer rates gains where silence means consent, and costs where it means nothing."""
    found = []
    for scenario in SCENARIOS.values():
        channel = scenario.channel
        if "feedback" not in scenario.tags or channel.names_option < 1.0 or channel.patience_accept == 1.0:
            continue
        truth = {(channel.patience_accept, channel.patience_wrong): 1.0}
        log = other_people(scenario, ALONE, seed=FIT_SEED)
        deaf = fit(CROWD, [without_silence(given) for given in log], options=4)
        crowd = fit(CROWD, log, options=4)
        told = fit(listening(CROWD, truth), log, options=4)
        trios = {
            "alone": Trio(ALONE, LEARNS, listening(ALONE, truth)),
            "with other people's logs": Trio(deaf, crowd, told),
        }
        meaningful = channel.patience_accept != channel.patience_wrong
        found.append(gains(scenario, trios, meaningful=meaningful))
    return {"target": {"gain": 0.70, "learns_over_ignores": 1.02}, "cells": found}


def without_silence(given: Feedback) -> Feedback:
    """Return the feedback as if nothing had been proposed where nothing was answered."""
    return given._replace(proposed=np.where(given.kind == Kind.SILENT, np.int8(NO_OPTION), given.proposed))


def run(out: Path) -> None:
    write((silence, weights), out)
