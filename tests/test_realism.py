"""The realism targets hold for people fitted to them; a log simulated from a population looks like that population."""

from dataclasses import replace

import numpy as np
import pytest

from persona_lab.errors import ConfigurationError
from persona_lab.simulate.advice import (
    ADVICE,
    ADVICE_TAKERS,
    PROGRAMMERS,
    TARGETS,
    AdviceTakers,
    advice_figures,
    all_figures,
    fit_advice,
    take_advice,
)
from persona_lab.studies.realism import answer_figures


@pytest.mark.parametrize("seed", [101, 202])
def test_the_targets_hold_for_the_fitted_people_on_luck_that_was_not_fitted(seed):
    found = all_figures(ADVICE_TAKERS, PROGRAMMERS, seed=seed, people=22_000)
    assert set(found) == set(TARGETS)
    for name, target in TARGETS.items():
        assert abs(found[name] - target.value) <= target.tolerance, (name, found[name])


def test_people_who_are_not_moved_by_outcomes_miss_the_targets():
    unmoved = replace(ADVICE_TAKERS, after_good=0.0, after_bad=0.0, after_missed=0.0, after_avoided=0.0, spread=0.0)
    found = advice_figures(take_advice(unmoved, seed=1, people=8000))
    missed = [name for name in ADVICE if abs(found[name] - TARGETS[name].value) > TARGETS[name].tolerance]
    assert len(missed) >= 3


def test_the_fit_comes_closer_than_its_start():
    start = AdviceTakers(1.0, 0.5, 0.0, 0.0, 0.0, 0.0, quality=0.55)

    def distance(takers):
        found = advice_figures(take_advice(takers, seed=1, people=2000))
        return sum((found[name] - TARGETS[name].value) ** 2 for name in ADVICE)

    assert distance(fit_advice(start, seed=1, people=2000, steps=40)) < 0.5 * distance(start)


def test_advice_does_not_depend_on_how_many_people_there_are():
    few, many = (take_advice(ADVICE_TAKERS, seed=3, people=people) for people in (10, 600))
    assert all((a == b[:, :10]).all() for a, b in zip(few, many, strict=True))


def test_bad_configurations_are_refused():
    with pytest.raises(ConfigurationError, match="spread"):
        replace(ADVICE_TAKERS, spread=-1.0)
    with pytest.raises(ConfigurationError, match="quality"):
        replace(ADVICE_TAKERS, quality=1.5)


def test_answer_figures_by_hand():
    named = np.array([[0, 1], [0, 1], [1, -1], [0, 0]])
    found = answer_figures(named, 2)
    assert found["share of the favourite, mean over people"] == pytest.approx((3 / 4 + 2 / 3) / 2)
    assert found["agreement at lag 1"] == pytest.approx(2 / 4)
    assert found["agreement at lag 2"] == pytest.approx(1 / 3)
