"""The grid of a rate filter is chosen without the people it forecasts."""

from __future__ import annotations

import numpy as np
import pytest

from persona_lab.strategies.rate_filter import RateFilter
from persona_lab.studies.forecasts import CLIP, Outcomes, cross_fitted
from persona_lab.studies.nested_forecasts import Candidate, nested

STILL = Candidate(RateFilter(points=9, means=(0.3, 0.6), strengths=(2.0, 8.0), hazards=(0.0001,), event=1), 1.0)
MOVING = Candidate(RateFilter(points=9, means=(0.3, 0.6), strengths=(2.0, 8.0), hazards=(0.05, 0.2), event=1), 1.0)


def _outcomes(restless: int, people: int = 5, steps: int = 60) -> Outcomes:
    """Return people of whom the first ``restless`` toggle between often and seldom; the last one's record is short."""
    luck = np.random.default_rng(3)  # a test's own luck
    block = np.arange(steps)[:, np.newaxis] // 15 % 2
    rate = np.where((np.arange(people) < restless) & (block == 1), 0.1, 0.9)
    happened = (luck.random((steps, people)) < rate).astype(np.int8)
    happened[40:, -1] = -1
    return Outcomes(happened, np.arange(people), np.arange(people))


def test_with_one_candidate_it_is_plain_cross_fitting() -> None:
    outcomes = _outcomes(3)
    found = nested(outcomes, [MOVING], groups=5)
    plain = cross_fitted(outcomes, MOVING.base)
    there = outcomes.happened >= 0
    assert found.chosen == (0,) * 5
    assert found.forecasts.before[there] == pytest.approx(plain.before[there], abs=1e-12)
    assert found.forecasts.after[there] == pytest.approx(plain.after[there], abs=1e-12)


def test_the_candidate_is_the_one_best_among_the_others_cross_fitted_without_the_person() -> None:
    outcomes = _outcomes(2)
    found = nested(outcomes, [STILL, MOVING], groups=5)
    for person in range(5):
        others = np.arange(5) != person
        inner = Outcomes(*(array[..., others] for array in outcomes))
        losses = []
        for candidate in (STILL, MOVING):
            said = cross_fitted(inner, candidate.base).before
            chance = np.clip(np.where(inner.happened == 1, said, 1.0 - said), CLIP, 1.0 - CLIP)
            losses.append(-np.log(chance[inner.happened >= 0]).sum())
        assert found.chosen[person] == int(np.argmin(losses))
    assert nested(_outcomes(5), [STILL, MOVING], groups=5).chosen == (1,) * 5
    assert nested(_outcomes(0), [STILL, MOVING], groups=5).chosen == (0,) * 5


def test_nothing_about_a_person_decides_its_own_forecasts_before_it_is_heard() -> None:
    outcomes = _outcomes(2)
    flipped = outcomes.happened.copy()
    flipped[:, 0] = 1 - flipped[:, 0]
    before = nested(outcomes, [STILL, MOVING], groups=5)
    after = nested(outcomes._replace(happened=flipped), [STILL, MOVING], groups=5)
    assert before.chosen[0] == after.chosen[0]
    assert before.forecasts.before[0, 0] == after.forecasts.before[0, 0]
    assert before.forecasts.before[0, 1] != after.forecasts.before[0, 1]  # the others do hear of it


def test_streams_of_a_shared_sequence_never_decide() -> None:
    outcomes = _outcomes(2, people=6)
    shared = outcomes._replace(sequence=np.array([0, 1, 2, 3, 4, 0]))  # the last person saw what the first saw
    changed = outcomes.happened.copy()
    changed[:40, 5] = 1 - changed[:40, 5]
    before = nested(shared, [STILL, MOVING], groups=6)
    after = nested(shared._replace(happened=changed), [STILL, MOVING], groups=6)
    assert before.forecasts.before[:, 0].tobytes() == after.forecasts.before[:, 0].tobytes()
