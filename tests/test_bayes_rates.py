"""The rate filter: contract, what it learns, cross-fitting, and three real logs in short."""

import numpy as np
import pytest

from benchmarks.evidence.bayes_logs import data_folder, load
from persona_lab.checks import find_failures
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import LANES, Kind, feedback
from persona_lab.randomness import generator
from persona_lab.strategies.rate_filter import RateFilter, fit_rates, weigh_rates
from persona_lab.studies.forecasts import Outcomes, as_feedback, cross_fitted, follow, log_loss, read_evidence

SMALL = RateFilter(points=15, means=(0.3, 0.5, 0.7), strengths=(2.0, 8.0), hazards=(0.003, 0.05))
BINARY = RateFilter(points=15, means=(0.3, 0.5, 0.7), strengths=(2.0, 8.0), hazards=(0.003, 0.05), event=1)


def jumping(people, *, steps=80, hazard=0.05):
    chance = generator(1, "tests/rates", people)
    rate = chance.random(people)
    happened = np.empty((steps, people), dtype=np.int8)
    for step in range(steps):
        rate = np.where(chance.random(people) < hazard, chance.random(people), rate)
        happened[step] = chance.random(people) < rate
    return Outcomes(happened, np.arange(people), np.arange(people))


def test_contract():
    assert find_failures(SMALL) == {}


def test_matches_the_closed_form_without_jumps():
    """With no hazard and a uniform law the mean is Laplace's rule of succession (k + 1) / (n + 2)."""
    rule = RateFilter(points=400, means=(0.5,), strengths=(2.0,), hazards=(0.0,), event=1)
    outcomes = np.tile(np.array([[1], [1], [0], [1]], dtype=np.int8), (1, 3))
    after = follow(outcomes, rule).after
    np.testing.assert_allclose(after[:, 0], [2 / 3, 3 / 4, 3 / 5, 4 / 6], atol=1e-4)


def test_two_options_are_complements():
    state = SMALL.init(2, LANES)
    alone = BINARY.init(2, LANES)
    for happened in (1, 1, 0, 1):
        given = as_feedback(np.full(LANES, happened, dtype=np.int8))
        state, alone = SMALL.update(state, given), BINARY.update(alone, given)
    np.testing.assert_allclose(SMALL.belief(state), BINARY.belief(alone), atol=1e-9)


def test_a_decline_says_it_did_not_happen():
    declined = feedback(proposed=1, kind=np.full(LANES, Kind.DECLINED))
    named = as_feedback(np.zeros(LANES, dtype=np.int8))
    start = BINARY.init(2, LANES)
    left, right = BINARY.update(start, declined), BINARY.update(start, named)
    assert BINARY.belief(left).tobytes() == BINARY.belief(right).tobytes()


def test_hazard_is_learnt_and_helps():
    outcomes = jumping(120)
    evidence = read_evidence(outcomes, BINARY)
    fitted = weigh_rates(BINARY, evidence)
    prior = np.reshape(fitted.prior, (3, 2, 2))
    assert prior[:, :, 1].sum() > 0.9
    fresh = Outcomes(jumping(150).happened[:, :100], np.arange(100), np.arange(100))
    ours = log_loss(outcomes=fresh, before=follow(fresh.happened, fitted).before)
    count = np.cumsum(fresh.happened, axis=0)
    past = np.vstack([np.zeros((1, 100)), count[:-1]])
    running = (past + 1) / (np.arange(80)[:, np.newaxis] + 2)
    theirs = log_loss(outcomes=fresh, before=running)
    assert ours.value + 3 * ours.standard_error < theirs.value + 3 * theirs.standard_error
    assert ours.value < theirs.value - 0.02


def test_fit_on_a_log_equals_fit_on_its_evidence():
    outcomes = jumping(LANES, steps=20)
    log = [as_feedback(row) for row in outcomes.happened]
    fitted = fit_rates(BINARY, log)
    np.testing.assert_allclose(fitted.prior, weigh_rates(BINARY, read_evidence(outcomes, BINARY)).prior)


def test_nobody_is_fitted_on_themselves_or_their_sequence():
    """Two people saw the same sequence, a third another one: each forecast may rest on the other sequence alone."""
    ones, mixed = np.ones(30, dtype=np.int8), np.tile(np.array([0, 1], dtype=np.int8), 15)
    outcomes = Outcomes(np.stack([ones, ones, mixed], 1), np.arange(3), np.array([0, 0, 1]))
    got = cross_fitted(outcomes, BINARY).before
    alone = weigh_rates(BINARY, read_evidence(outcomes, BINARY)[:, 2:])
    np.testing.assert_allclose(got[:, 0], follow(outcomes.happened[:, :1], alone).before[:, 0])
    np.testing.assert_allclose(got[:, 0], got[:, 1])


def test_streams_that_end_early_count_only_what_happened():
    happened = np.array([[1, 1], [0, -1]], dtype=np.int8)
    outcomes = Outcomes(happened, np.arange(2), np.arange(2))
    forecast = follow(happened, BINARY)
    assert np.isnan(forecast.before[1, 1])
    found = log_loss(outcomes=outcomes, before=forecast.before)
    said = np.array([forecast.before[0, 0], forecast.before[0, 1], 1 - forecast.before[1, 0]])
    assert found.value == pytest.approx(-np.log(said).mean())


@pytest.mark.parametrize("name", ["kaist_distraction", "coderec"])
def test_real_logs_beat_a_running_count(name):
    if not (data_folder() / name).exists():
        pytest.skip(f"the data set {name} is not here: set PERSONA_LAB_DATA")
    outcomes, _ = load(name)
    few = outcomes.person < 12
    outcomes = Outcomes(outcomes.happened[:150, few], outcomes.person[few], outcomes.sequence[few])
    ours = log_loss(outcomes=outcomes, before=cross_fitted(outcomes, BINARY).before)
    there = outcomes.happened >= 0
    past = np.vstack([np.zeros((1, there.shape[1])), np.cumsum(np.where(there, outcomes.happened, 0), axis=0)[:-1]])
    running = (past + 1) / (np.arange(there.shape[0])[:, np.newaxis] + 2)
    theirs = log_loss(outcomes=outcomes, before=running)
    assert ours.value < theirs.value


def test_refusals():
    with pytest.raises(InputError, match="log is empty"):
        fit_rates(BINARY, [])
    with pytest.raises(ConfigurationError, match="event"):
        BINARY.init(3, LANES)


@pytest.mark.parametrize(
    "knobs",
    [
        {"points": 1},
        {"means": (0.0,)},
        {"strengths": (0.0,)},
        {"hazards": (1.0,)},
        {"hazards": ()},
        {"prior": (1.0,)},
        {"event": 2},
    ],
)
def test_impossible_configurations_are_refused(knobs):
    with pytest.raises(ConfigurationError):
        RateFilter(**knobs)
