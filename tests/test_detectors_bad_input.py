"""Detectors given what they should never get: refused by name, or left alone without a sound."""

import dataclasses

import numpy as np
import pytest

from persona_lab.catalog import DETECTORS
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.pooled import shared_drift
from persona_lab.detectors.routine import routine_drift
from persona_lab.detectors.run_length import RunLength
from persona_lab.detectors.threshold import shipped
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import Kind, feedback

CHOOSING = ("option-shift", "dirichlet-factor", "categorical-bocpd")
EVERY = {**DETECTORS, "run-length": RunLength()}
PROMISING = [name for name, detector in EVERY.items() if hasattr(detector, "arl0")]


def options_of(name):
    return 4 if name in CHOOSING else 2


@pytest.mark.parametrize("name", EVERY)
def test_streams_that_never_answer_never_ring_and_have_nothing_to_explain(name):
    detector = EVERY[name]
    state = detector.init(options_of(name), 3)
    for _ in range(40):
        state = detector.update(state, feedback(proposed=1, kind=np.full(3, Kind.SILENT)))
        assert not detector.alarm(state).any()
    found = detector.estimate(state)
    assert (found.start == -1).all()
    assert np.isnan(found.before).all()


@pytest.mark.parametrize("name", EVERY)
def test_no_streams_at_all_are_no_error(name):
    detector = EVERY[name]
    state = detector.init(options_of(name), 0)
    state = detector.update(state, feedback(proposed=np.zeros(0), kind=np.zeros(0)))
    assert detector.alarm(state).shape == (0,)


@pytest.mark.parametrize("name", EVERY)
def test_feedback_of_another_width_is_refused(name):
    detector = EVERY[name]
    state = detector.init(options_of(name), 4)
    with pytest.raises(ValueError, match="shape"):
        detector.update(state, feedback(proposed=0, kind=np.full(3, Kind.ACCEPTED)))


@pytest.mark.parametrize("name", CHOOSING)
def test_who_has_one_option_cannot_choose(name):
    with pytest.raises(ConfigurationError, match="at least 2 options"):
        EVERY[name].init(1, 3)


@pytest.mark.parametrize("name", CHOOSING)
def test_options_out_of_range_are_left_alone(name):
    detector = EVERY[name]
    before = detector.init(4, 2)
    after = detector.update(before, feedback(proposed=-1, kind=np.full(2, Kind.CORRECTED), corrected=7))
    np.testing.assert_array_equal(after.trace.counts, before.trace.counts)
    assert not detector.alarm(after).any()


@pytest.mark.parametrize("arl0", [0.5, 1.0, 19.0, 5001.0, float("nan"), float("inf"), -3.0, 0.0, True, "often"])
@pytest.mark.parametrize("name", PROMISING)
def test_a_pace_of_false_alarms_that_no_table_reaches_is_refused(name, arl0):
    with pytest.raises(ConfigurationError, match="arl0"):
        dataclasses.replace(EVERY[name], arl0=arl0).init(options_of(name), 2)


@pytest.mark.parametrize("confidence", [float("nan"), -0.1, 1.5])
def test_confidence_that_is_no_weight_is_refused_where_it_counts(confidence):
    detector = ExceptionAware()
    with pytest.raises(ConfigurationError, match="confidence"):
        detector.update(detector.init(2, 2), feedback(proposed=1, kind=[1, 1], confidence=confidence))


def test_a_table_made_for_another_statistic_is_refused_by_the_exception_aware_detector():
    down = ExceptionAware()
    other = shipped(ExceptionAware(direction="both").statistic_name)
    assert dataclasses.replace(down, table=shipped(down.statistic_name)).init(2, 3).trace.seen.shape == (3,)
    with pytest.raises(ConfigurationError, match="table"):
        dataclasses.replace(down, table=other).init(2, 3)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in CHOOSING])
def test_elapsed_times_and_propensities_do_not_matter(name):
    detector, luck = EVERY[name], np.random.default_rng(3)
    kinds = np.where(luck.random((80, 6)) < 0.8, Kind.ACCEPTED, Kind.DECLINED)
    plain, odd = detector.init(2, 6), detector.init(2, 6)
    for row in kinds:
        plain = detector.update(plain, feedback(proposed=1, kind=row))
        odd = detector.update(odd, feedback(proposed=1, kind=row, elapsed=-3.0, propensity=np.nan))
        np.testing.assert_array_equal(detector.alarm(plain), detector.alarm(odd))


@pytest.mark.parametrize(
    ("outcomes", "knobs", "field"),
    [
        (np.full((10, 2), np.nan), {}, "outcomes"),
        (np.zeros((10, 2), dtype=int), {}, "outcomes"),
        (np.zeros((10, 0), dtype=bool), {}, "outcomes"),
        (np.zeros((4, 2), dtype=bool), {}, "outcomes"),
        (np.zeros((10, 2), dtype=bool), {"shortest": 0}, "shortest"),
        (np.zeros((10, 2), dtype=bool), {"reshuffles": 0}, "reshuffles"),
        (np.zeros((10, 2), dtype=bool), {"share": 1.5}, "share"),
    ],
)
def test_the_pooled_test_refuses_what_it_cannot_test(outcomes, knobs, field):
    with pytest.raises(ConfigurationError, match=field):
        shared_drift(outcomes, **knobs)


@pytest.mark.parametrize(
    ("counts", "knobs", "field"),
    [
        (np.full((5, 168), np.nan), {}, "counts"),
        (np.full((5, 168), -1), {}, "counts"),
        (np.zeros((5, 100), dtype=int), {}, "counts"),
        (np.zeros((5, 168), dtype=int), {"level": 2.0}, "level"),
        (np.zeros((5, 168), dtype=int), {"recent": 5}, "recent"),
        (np.zeros((5, 168), dtype=int), {"smooth": float("nan")}, "smooth"),
        (np.zeros((5, 168), dtype=int), {"smooth": -1.0}, "smooth"),
    ],
)
def test_the_routine_test_refuses_what_it_cannot_test(counts, knobs, field):
    with pytest.raises(ConfigurationError, match=field):
        routine_drift(counts, **knobs)
