"""Calibration figures: honest forecasters look honest, overconfident ones do not, closed forms hold."""

import numpy as np
import pytest

from persona_lab.metrics import calibration
from persona_lab.metrics.calibration import calibration_tally


def simulated(sharpen: float, *, steps: int = 60, users: int = 500, seed: int = 1):
    """Truth drawn from p; the forecaster states p sharpened by a power."""
    random = np.random.default_rng(seed)
    p = random.dirichlet([0.6] * 3, size=(steps, users))
    truth = (random.random((steps, users, 1)) > p.cumsum(axis=2)).sum(axis=2).clip(max=2)
    stated = p**sharpen
    stated /= stated.sum(axis=2, keepdims=True)
    return calibration_tally(
        belief=stated.transpose(0, 2, 1), preferred=truth.astype(np.int8), in_exception=np.zeros((steps, users), bool)
    )


def test_a_perfect_forecaster_shows_the_stated_perfect_error_and_slope_one():
    counts = simulated(1.0)
    shown = calibration.expected_calibration_error(counts=counts).value
    assert shown == pytest.approx(calibration.perfect_calibration_error(counts=counts).value, rel=0.6)
    slope = calibration.calibration_slope(counts=counts)
    assert abs(slope.value - 1.0) < 3 * slope.standard_error


@pytest.mark.parametrize(("sharpen", "side"), [(2.0, -1), (0.5, 1)])
def test_over_and_underconfidence_show_in_error_and_slope(sharpen, side):
    counts = simulated(sharpen)
    assert calibration.expected_calibration_error(counts=counts).value > 0.05
    slope = calibration.calibration_slope(counts=counts)
    assert side * (slope.value - 1.0) > 10 * slope.standard_error


def test_closed_forms_of_a_constant_forecast():
    truth = np.array([[0, 0, 0, 1]], dtype=np.int8)
    belief = np.tile(np.array([0.75, 0.25])[None, :, None], (1, 1, 4))
    counts = calibration_tally(belief=belief, preferred=truth, in_exception=np.zeros((1, 4), bool))
    assert calibration.log_loss(counts=counts).value == pytest.approx(-(3 * np.log(0.75) + np.log(0.25)) / 4)
    assert calibration.brier(counts=counts).value == pytest.approx((3 * 0.125 + 1.125) / 4)
    assert calibration.expected_calibration_error(counts=counts).value == pytest.approx(0.0)
    assert "one value" in calibration.calibration_slope(counts=counts).reason


def test_exceptions_are_not_scored_and_nothing_scored_is_undefined():
    belief = np.full((1, 2, 3), 0.5)
    counts = calibration_tally(belief=belief, preferred=np.zeros((1, 3), np.int8), in_exception=np.ones((1, 3), bool))
    for metric in (calibration.log_loss, calibration.brier, calibration.expected_calibration_error):
        assert metric(counts=counts).value is None
