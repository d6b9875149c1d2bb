"""The simple rules reproduce the published table; a batch, a lone stream and a replayed log give the same beliefs."""

from __future__ import annotations

import numpy as np
import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.feedback import LANES, feedback
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS, with_interactions
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.studies.compared import Judge, errors_together, grown, mean_difference, mean_ratio
from persona_lab.studies.reference import (
    CELLS,
    RATIOS,
    WEIGHT_CELLS,
    WEIGHT_RATIOS,
    WORST,
    reproduce,
    worst_beside_published,
)


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


def test_people_are_added_until_the_ratio_is_known_or_there_are_enough() -> None:
    cell = SCENARIOS["fast_exceptions_noise10_v1"]
    rules = {name: STRATEGIES[name] for name in ("ewma-0.2", "running-count")}
    sure = grown(cell, rules, seed=4, precision=0.008, most=2_000, batch=100)
    people = {name: sure.ratio(name).n for name in rules}
    assert people["ewma-0.2"] == 100 < people["running-count"] < 2_000  # each stops as soon as it is known
    for name, n in people.items():
        ratio = sure.ratio(name)
        assert ratio.standard_error <= 0.008 * ratio.value
        fewer = grown(cell, {name: rules[name]}, seed=4, precision=0.0, most=n // 2, batch=64).ratio(name)
        assert fewer.n == n // 2
        if name == "running-count":
            assert fewer.standard_error > 0.008 * fewer.value
    again = grown(cell, rules, seed=4, precision=0.0, most=people["running-count"], batch=64)
    assert again.rules["running-count"].made == pytest.approx(sure.rules["running-count"].made)


@pytest.mark.parametrize("cell", ["fast_noise10_v1", "slow_exceptions_noise25_v1", "recurring_noise10_v1"])
def test_expected_errors_have_the_mean_of_the_counted_ones_and_less_variance(cell: str) -> None:
    rules = {name: STRATEGIES[name] for name in ("last-write-wins", "ewma-0.3", "reset-on-alarm")}
    found = grown(SCENARIOS[cell], rules, seed=9, precision=0.0, most=600, batch=600)
    assert found.expected
    for own in (*found.rules.values(), found.best):
        gap = own.made - own.counted
        assert abs(gap.mean()) < 3.5 * gap.std() / np.sqrt(600)
        assert own.made.sum() != own.counted.sum()
    lww, best = found.rules["last-write-wins"], found.best
    spread = [np.var(a - a.sum() / b.sum() * b) for a, b in ((lww.made, best.made), (lww.counted, best.counted))]
    assert spread[0] < 0.6 * spread[1]
    gradual = grown(SCENARIOS["gradual_noise10_v1"], {"ewma-0.3": STRATEGIES["ewma-0.3"]}, seed=9, most=8, batch=8)
    assert not gradual.expected
    assert gradual.rules["ewma-0.3"].made.tolist() == gradual.rules["ewma-0.3"].counted.tolist()


def test_people_judged_side_by_side_are_judged_as_alone() -> None:
    names = ("fast_noise10_v1", "slow_noise10_thumbs_v1", "slow_exceptions_noise25_v1", "gradual_noise02_v1")
    judges = [
        Judge(SCENARIOS[name], seed=3, users=(0, people)) for name, people in zip(names, (70, 20, 90, 5), strict=True)
    ]
    rule = FixedShare(hazard=0.011, noise=0.13)  # no ties after the first proposal, whose luck is of the place
    for judge, found in zip(judges, errors_together(judges, rule), strict=True):
        alone = judge.errors(rule)
        assert found.scored.tolist() == alone.scored.tolist()
        assert np.abs(found.made - alone.made).max() <= 1.0
        assert np.abs(found.made - alone.made).sum() < 0.8 * len(alone.made) + 1.0
    assert len({judge.alike for judge in judges}) == 2  # two of them share a loop


def test_the_mean_over_cells_takes_a_person_as_one_cluster() -> None:
    cell, rules = SCENARIOS["fast_noise10_v1"], {name: STRATEGIES[name] for name in ("ewma-0.1", "ewma-0.3")}
    found = grown(cell, rules, seed=4, precision=0.0, most=200)
    alone = found.ratio("ewma-0.3").standard_error
    # The same people twice are no more evidence than once; a person against itself is none at all.
    assert mean_ratio([(found, "ewma-0.3")] * 2).standard_error == pytest.approx(alone)
    same = mean_difference([found], "ewma-0.3", "ewma-0.3")
    assert (same.value, same.standard_error) == (0.0, 0.0)
    apart = mean_difference([found], "ewma-0.1", "ewma-0.3")
    spread = [found.rules[name].made - found.ratio(name).value * found.best.made for name in rules]
    by_hand = np.std(spread[0] - spread[1], ddof=1) * np.sqrt(200) / found.best.made.sum()
    assert apart.standard_error == pytest.approx(by_hand)


def test_worst_figures_are_set_beside_the_published_ones() -> None:
    cells = [SCENARIOS[name] for name in ("fast_noise10_v1", "fast_noise25_v1")]
    rules = {name: STRATEGIES[name] for name in WORST}
    rows = worst_beside_published([grown(cell, rules, seed=4, precision=0.0, most=64) for cell in cells])
    assert [(row.cell, row.rule) for row in rows[:2]] == [
        ("worst ratio of 2", "last-write-wins"),
        ("worst regret of 2", "last-write-wins"),
    ]
    assert rows[0].value == pytest.approx(2.69, abs=0.3)  # the noisier of the two cells
    assert rows[0].z < -3.0  # far below the worst of all 27
