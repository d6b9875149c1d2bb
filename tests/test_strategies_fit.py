"""Knobs are fitted on training people and serve others: simulated ones, and those of a log."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.datasets.log import load_log
from persona_lab.datasets.streams import streams_of
from persona_lab.errors import ConfigurationError
from persona_lab.metrics.tracking import regret
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.strategies.baselines import LastWriteWins
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.fixed_share import FixedShare
from persona_lab.strategies.guards import Guarded, Hysteresis
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.studies.reference import compare
from persona_lab.studies.tuning import Knob, TrainingPeople, changed, fit, knobs_of, prequential_loss, search

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
        TrainingPeople((), seed=0, objective="best")


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
