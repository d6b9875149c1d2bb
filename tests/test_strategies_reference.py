"""The simple rules reproduce the published table; a batch, a lone stream and a replayed log give the same beliefs."""

from __future__ import annotations

import numpy as np
import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.feedback import LANES, feedback
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS, with_interactions
from persona_lab.studies.reference import CELLS, RATIOS, WEIGHT_CELLS, WEIGHT_RATIOS, reproduce


@pytest.mark.parametrize("cell", [cell for cell in CELLS if not cell.startswith("gradual")])
def test_simple_rules_reproduce_the_published_ratios(cell: str) -> None:
    # The gradual cell, whose limit is a particle filter, is in the evidence run.
    rows = reproduce([SCENARIOS[cell]], {name: STRATEGIES[name] for name in RATIOS}, seed=11, users=300)
    assert [row.rule for row in rows] == ["limit", *RATIOS]
    # 64 figures at 3 standard errors: about one in six such suites would break a bound of 3 by luck alone.
    assert {(row.rule, row.published, round(row.value, 3)) for row in rows if abs(row.z) > 3.0} == set()


@pytest.mark.parametrize("cell", WEIGHT_CELLS)
def test_confidence_weights_help_or_hurt_as_published(cell: str) -> None:
    rows = reproduce([SCENARIOS[cell]], {name: STRATEGIES[name] for name in WEIGHT_RATIOS}, seed=3, users=200)
    assert [row.rule for row in rows] == list(WEIGHT_RATIOS)
    assert {(row.rule, row.published, round(row.value, 3)) for row in rows if abs(row.z) > 3.0} == set()


@pytest.mark.parametrize("name", STRATEGIES)
def test_batch_equals_one_at_a_time_equals_the_replay_of_the_log(name: str) -> None:
    scenario = with_interactions(SCENARIOS["slow_exceptions_noise10_partial_v1"], 40)
    people, rule = (0, 70), STRATEGIES[name]
    lives = live(scenario, seed=5, users=people)
    trace = closed_loop(scenario, lives, rule, seed=5, users=people, record_belief=True)
    assert trace.belief is not None
    for stream in (0, 63, 64, 69):
        state = rule.init(scenario.options, LANES)
        for step in range(scenario.interactions):
            elapsed = scenario.days_between if step else 0.0
            assert rule.belief(state, elapsed)[:, 0].astype(np.float32).tolist() == (
                trace.belief[step, :, stream].tolist()
            )
            logged = feedback(
                proposed=trace.proposed[step, stream],
                kind=np.full(LANES, trace.kind[step, stream]),
                corrected=trace.corrected[step, stream],
                confidence=lives.confidence[step, stream],
                elapsed=elapsed,
            )
            state = rule.update(state, logged)
