"""Knobs are fitted on training people and serve others: simulated ones, and those of a log."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.checks import check_strategy
from persona_lab.datasets.log import Log, load_log
from persona_lab.datasets.streams import streams_of
from persona_lab.datasets.wire import write_events
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.metrics.tracking import regret
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS, with_interactions
from persona_lab.simulate.wire import to_told
from persona_lab.strategies.baselines import LastWriteWins
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.strategies.guards import Guarded, Hysteresis
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.strategies.rate_filter import RateFilter
from persona_lab.studies.knobs import Knob, changed, knobs_of, lattice, read
from persona_lab.studies.reference import compare
from persona_lab.studies.tuning import TrainingPeople, fit, prequential_loss, search

DATA = Path(os.environ.get("PERSONA_LAB_DATA") or Path(__file__).parents[2] / "shared" / "data")
ADA = DATA / "ada_learn" / "prob.parquet"


@pytest.mark.parametrize(
    "knob",
    [Knob(0.01, 10.0), Knob(0.5, 0.995, "rest"), Knob(0.0, 0.5, "linear"), Knob(2, 60, "integer")],
    ids=lambda knob: knob.scale,
)
def test_knobs_reach_both_ends_and_find_their_place_again(knob: Knob) -> None:
    assert knob.at(0.0) == pytest.approx(knob.low)
    assert knob.at(1.0) == pytest.approx(knob.high)
    for place in (0.0, 0.3, 1.0):
        assert knob.at(knob.place(knob.at(place))) == pytest.approx(knob.at(place))


def test_fitted_on_restless_people_ewma_serves_other_restless_people_better() -> None:
    cell = SCENARIOS["fast_noise10_v1"]
    found = search(Ewma(0.05), TrainingPeople((cell,), seed=1, users=100))
    assert found.loss < found.loss_before
    assert isinstance(found.strategy, Ewma)
    assert 0.2 < found.strategy.rate < 0.5  # two answers in a row must be enough to move: 1 - (1 - rate)^2 >= 1/2
    tallies, best = compare(cell, {"default": Ewma(0.1), "fitted": found.strategy}, seed=2, users=200)
    assert best is not None
    extra = {name: regret(counts=counts, limit=best).value for name, counts in tallies.items()}
    assert extra["fitted"] is not None
    assert extra["default"] is not None
    assert extra["fitted"] < 0.25 * extra["default"]


def test_wrapped_rules_are_fitted_by_dotted_names_and_rules_without_knobs_stay() -> None:
    rule = Guarded(Ewma(0.3), Hysteresis(0.1))
    assert set(knobs_of(rule)) == {"strategy.rate", "guard.margin"}
    assert set(knobs_of(Composed(memory=FixedShare()))) == {"memory.hazard", "memory.noise"}
    assert changed(rule, "guard.margin", 0.2) == Guarded(Ewma(0.3), Hysteresis(0.2))
    people = TrainingPeople((SCENARIOS["fast_noise10_v1"],), seed=1, users=64)
    assert fit(LastWriteWins(), people) == LastWriteWins()
    with pytest.raises(ConfigurationError, match="knobs"):
        knobs_of(object())
    with pytest.raises(ConfigurationError, match="objective"):
        TrainingPeople(people.scenarios, seed=0, objective="best")


def test_every_simple_rule_of_the_catalogue_has_its_knobs() -> None:
    for name, rule in STRATEGIES.items():
        if isinstance(rule, HierarchicalBayes):
            continue
        for knob in knobs_of(rule):
            assert changed(rule, knob, getattr_path(rule, knob)) == rule, name


def getattr_path(rule: object, name: str) -> float:
    for part in name.split("."):
        rule = getattr(rule, part)
    assert isinstance(rule, (int, float))
    return rule


@pytest.mark.skipif(not ADA.exists(), reason="needs ada_learn/prob.parquet (PERSONA_LAB_DATA)")
def test_fitted_on_some_people_a_rule_forecasts_others_better_than_its_default() -> None:
    log = load_log(ADA, "ada_learn")
    people = sorted(log.frame["user_id"].unique())
    train, test = (replace(log, frame=log.frame.filter(pl.col("user_id").is_in(people[k::6]))) for k in (0, 1))
    fitted = fit(Ewma(0.4), train, knobs={"rate": Knob(0.02, 0.6)})
    streams = streams_of(test)
    losses = [prequential_loss(rule, streams) for rule in (Ewma(0.4), fitted)]
    assert isinstance(fitted, Ewma)
    assert 0.08 < fitted.rate < 0.2
    assert losses[1] < losses[0] - 0.08
    assert np.isfinite(losses).all()


@pytest.fixture(scope="module")
def simulated_log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Sixteen people of three options who answer some proposals, as a log that any agent might have kept."""
    scenario = replace(with_interactions(SCENARIOS["slow_noise10_partial_v1"], 25), options=3)
    lives = live(scenario, seed=8, users=(0, 16))
    trace = closed_loop(scenario, lives, Ewma(0.3), seed=8, users=(0, 16))
    path = tmp_path_factory.mktemp("log") / "events.jsonl"
    write_events((told.event for told in to_told(scenario, lives, trace, seed=8, users=(0, 16))), path)
    return load_log(path)


def _names_of_rules_with_knobs() -> list[str]:
    return [name for name, rule in STRATEGIES.items() if isinstance(rule, HierarchicalBayes) or knobs_of(rule)]


@pytest.mark.parametrize("name", _names_of_rules_with_knobs())
def test_every_rule_with_knobs_is_fitted_from_a_log_and_from_scenario_people(name: str, simulated_log: Log) -> None:
    rule = STRATEGIES[name]
    blind = replace(
        simulated_log,
        frame=simulated_log.frame.with_columns(true_parameter=pl.lit(0.123), reference_oracle=pl.lit(0.9)),
    )
    fitted = fit(rule, simulated_log)
    assert fit(rule, blind) == fitted  # neither the truth nor anybody's forecasts in the log are read
    people = TrainingPeople(
        (with_interactions(SCENARIOS["fast_noise25_v1"], 30), with_interactions(SCENARIOS["slow_noise25_v1"], 20)),
        seed=5,
        users=48,
        objective="mean_regret",
    )
    taught = fit(rule, people)
    assert type(fitted) is type(taught) is type(rule)
    if isinstance(rule, HierarchicalBayes):
        assert fitted != rule  # the prior always moves
        assert taught != rule
        assert fitted != taught
    else:
        streams = streams_of(simulated_log)
        assert prequential_loss(fitted, streams) <= prequential_loss(rule, streams)
    for found in (fitted, taught):
        check_strategy(found)


def test_worlds_of_a_rate_are_weighed_from_a_log_and_from_scenario_people(simulated_log: Log) -> None:
    small = RateFilter(points=9, means=(0.3, 0.6), strengths=(2.0, 16.0), hazards=(0.001, 0.1))
    people = TrainingPeople((with_interactions(SCENARIOS["fast_noise10_v1"], 30),), seed=5, users=32)
    for training in (simulated_log, people):
        found = fit(small, training)
        assert isinstance(found, RateFilter)
        assert found.prior is not None
        assert sum(found.prior) == pytest.approx(1.0)
        assert max(found.prior) > 1.5 / 8  # no longer even
    with pytest.raises(ConfigurationError, match="two options"):
        fit(replace(small, event=1), people)
    with pytest.raises(ConfigurationError, match="equally many options"):
        fit(small, TrainingPeople((SCENARIOS["fast_noise10_v1"], replace(SCENARIOS["fast_noise10_v1"], options=3)), 5))


def test_a_lattice_is_fixed_beforehand_and_starts_at_the_present_setting() -> None:
    rule = FixedShare(hazard=0.0123, noise=0.2)
    points = lattice(rule)
    assert points[0] == rule
    assert len(points) == len(set(points)) == 1 + 9 * 9
    assert {read(point, "hazard") for point in points[1:]} == {Knob(0.00001, 0.2).at(place / 8) for place in range(9)}
    assert lattice(LastWriteWins()) == (LastWriteWins(),)


def test_a_log_of_silence_alone_is_refused_with_a_cure(simulated_log: Log) -> None:
    unanswered = simulated_log.frame.with_columns(kind=pl.lit("silent"), corrected=pl.lit(None, dtype=pl.String))
    with pytest.raises(InputError, match="no event names an option"):
        fit(Ewma(0.1), replace(simulated_log, frame=unanswered))
    assert isinstance(
        fit(STRATEGIES["hierarchical-bayes"], replace(simulated_log, frame=unanswered)), HierarchicalBayes
    )


PEOPLE = TrainingPeople((SCENARIOS["fast_noise10_v1"],), seed=5, users=8)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (lambda: fit("ewma-0.1", PEOPLE), "an update strategy"),
        (lambda: fit(Ewma, PEOPLE), "an update strategy"),
        (lambda: fit(Ewma(), [1.0]), "a Log"),
        (lambda: fit(Ewma(), PEOPLE, knobs={"speed": Knob(0.1, 0.5)}), "a field of Ewma"),
        (lambda: fit(Ewma(), PEOPLE, knobs={"rate": (0.1, 0.5)}), "a Knob"),
        (lambda: TrainingPeople((), seed=5), "at least one Scenario"),
        (lambda: TrainingPeople(("fast_noise10_v1",), seed=5), "at least one Scenario"),
        (lambda: replace(PEOPLE, users=0), "a number of people"),
        (lambda: Knob(0.1, 0.5, "cubic"), "log or integer"),
        (lambda: Knob(0.0, 0.5), "0 < low < high"),
        (lambda: Knob(0.5, 0.1, "linear"), "low < high"),
        (lambda: Knob(0.5, 1.0, "rest"), "high < 1"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_what_was_expected(build: Any, expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected):
        build()
