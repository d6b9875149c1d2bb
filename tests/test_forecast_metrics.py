import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from persona_lab.metrics import forecast
from persona_lab.metrics.forecast import Forecasts, scored_terms
from persona_lab.randomness import generator


def made(probability, named, user=None):
    """Return forecasts from (options, events) probabilities and the options named."""
    probability, named = np.asarray(probability, dtype=float), np.asarray(named)
    users = np.zeros(len(named), dtype=np.int64) if user is None else np.asarray(user)
    return Forecasts(*scored_terms(probability=probability, named=named), user=users, binary=len(probability) == 2)


def coin(seed, events=4000, users=20):
    """Return a calibrated forecaster of two options: probability, named, user."""
    chance = generator(seed, "test forecasts")
    p = chance.beta(2, 2, size=events)
    named = (chance.random(events) < p).astype(np.int64)
    return np.stack([1 - p, p]), named, chance.integers(0, users, size=events)


def test_figures_agree_with_scikit_learn():
    p, named, user = coin(1)
    given_ = made(p, named, user)
    assert forecast.log_loss(forecasts=given_, clip=1e-9).value == pytest.approx(log_loss(named, p[1]))
    assert forecast.brier(forecasts=given_).value == pytest.approx(brier_score_loss(named, p[1]))
    assert forecast.auc(forecasts=given_).value == pytest.approx(roc_auc_score(named, p[1]))
    assert forecast.accuracy(forecasts=given_).value == pytest.approx(((p[1] > 0.5) == named).mean())


def test_three_options_agree_with_scikit_learn():
    chance = generator(2, "test forecasts")
    p = chance.dirichlet([1, 1, 1], size=500).T
    named = chance.integers(0, 3, size=500)
    given_ = made(p, named)
    assert forecast.log_loss(forecasts=given_, clip=1e-9).value == pytest.approx(log_loss(named, p.T, labels=[0, 1, 2]))
    assert forecast.brier(forecasts=given_).value == pytest.approx(brier_score_loss(named, p.T, labels=[0, 1, 2]))
    assert forecast.auc(forecasts=given_).reason == "AUC needs streams of two options"
    assert forecast.accuracy(forecasts=given_).value == pytest.approx((p.argmax(axis=0) == named).mean())


@settings(deadline=None)
@given(scores=st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9, 1.0]), st.booleans()), min_size=2, max_size=30))
def test_auc_counts_ties_half(scores):
    p = np.array([score for score, _ in scores])
    named = np.array([int(happened) for _, happened in scores])
    figure = forecast.auc(forecasts=made(np.stack([1 - p, p]), named))
    if named.min() == named.max():
        assert figure.value is None
        assert figure.reason
    else:
        assert figure.value == pytest.approx(roc_auc_score(named, p))


def test_a_tie_earns_its_share_of_accuracy():
    given_ = made([[0.5, 0.4, 0.2], [0.5, 0.4, 0.2], [0.0, 0.2, 0.6]], [0, 2, 2])
    assert given_.hit.tolist() == [0.5, 0.0, 1.0]


def test_the_clip_bounds_the_loss_of_a_certain_error():
    given_ = made([[1.0], [0.0]], [1])
    assert forecast.log_loss(forecasts=given_).value == pytest.approx(-math.log(0.001))
    assert forecast.log_loss(forecasts=given_, clip=0.01).value == pytest.approx(-math.log(0.01))


def test_ece_of_a_calibrated_forecaster_is_what_perfect_ece_expects():
    measured, expected = [], []
    for seed in range(40):
        given_ = made(*coin(seed, events=1500))
        measured.append(forecast.ece(forecasts=given_).value)
        expected.append(forecast.perfect_ece(forecasts=given_).value)
    error = np.std(measured, ddof=1) / math.sqrt(len(measured))
    assert abs(np.mean(measured) - np.mean(expected)) < 3 * error
    wrong = made(*(lambda p, named, user: (p[::-1], named, user))(*coin(0)))
    assert forecast.ece(forecasts=wrong).value > 10 * forecast.perfect_ece(forecasts=wrong).value


def test_standard_errors_and_intervals_take_the_user_as_the_unit():
    chance = generator(3, "test forecasts")
    users, each = 40, 50
    level = chance.normal(size=users)
    user = np.repeat(np.arange(users), each)
    terms = level[user] + 0.1 * chance.normal(size=users * each)
    drawn = forecast.resamples(users=users, seed=0, count=2000)
    interval = forecast.mean_interval(terms=terms, user=user, drawn=drawn)
    expected = np.std([terms[user == one].mean() for one in range(users)], ddof=1) / math.sqrt(users)
    assert (interval.high - interval.low) / (2 * 1.96) == pytest.approx(expected, rel=0.1)
    difference, paired = forecast.difference_interval(terms=terms + 0.01, other=terms, user=user, drawn=drawn)
    assert difference.value == pytest.approx(0.01)
    assert (paired.low, paired.high) == (pytest.approx(0.01), pytest.approx(0.01))


def test_bootstrap_intervals_of_auc_and_ece_hold_their_figures_scale():
    given_ = made(*coin(5, events=3000, users=30))
    drawn = forecast.resamples(users=30, seed=1, count=400)
    again = forecast.auc_interval(forecasts=given_, drawn=forecast.resamples(users=30, seed=1, count=400))
    interval = forecast.auc_interval(forecasts=given_, drawn=drawn)
    assert interval == again
    assert interval.low < forecast.auc(forecasts=given_).value < interval.high
    exact = []
    for weights in drawn.weights[:60]:
        rows = np.repeat(np.arange(3000), weights[given_.user].astype(int))
        exact.append(roc_auc_score(given_.occurred[rows], given_.stated[rows]))
    assert np.std(exact) == pytest.approx((interval.high - interval.low) / (2 * 1.96), rel=0.3)
    ece = forecast.ece_interval(forecasts=given_, drawn=drawn)
    assert 0 <= ece.low < ece.high < 0.2


def test_one_user_has_no_interval_and_nothing_has_no_figure():
    p, named, _ = coin(6, events=50)
    given_ = made(p, named)
    drawn = forecast.resamples(users=1, seed=0)
    assert forecast.mean_interval(terms=given_.hit, user=given_.user, drawn=drawn) == (None, None)
    assert forecast.auc_interval(forecasts=given_, drawn=drawn) == (None, None)
    assert forecast.log_loss(forecasts=given_).standard_error is None
    empty = Forecasts(*(np.zeros(0),) * 5, user=np.zeros(0, dtype=np.int64), binary=True)
    for figure in (
        forecast.log_loss,
        forecast.brier,
        forecast.accuracy,
        forecast.auc,
        forecast.ece,
        forecast.perfect_ece,
    ):
        assert figure(forecasts=empty).value is None
        assert figure(forecasts=empty).reason


def test_errors_against_the_hidden_rate_leave_unknown_rates_out():
    estimate, truth = np.array([0.5, 0.7, 0.9]), np.array([0.4, 0.7, np.nan])
    user = np.zeros(3, dtype=np.int64)
    assert forecast.mean_absolute_error(estimate=estimate, truth=truth, user=user).value == pytest.approx(0.05)
    root = forecast.root_mean_squared_error(estimate=estimate, truth=truth, user=user)
    assert (root.value, root.n) == (pytest.approx(math.sqrt(0.005)), 2)
    nothing = np.full(3, np.nan)
    for figure in (forecast.mean_absolute_error, forecast.root_mean_squared_error):
        assert figure(estimate=estimate, truth=nothing, user=user).reason == "the log carries no true parameter"
