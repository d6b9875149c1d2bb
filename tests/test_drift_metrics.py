"""Drift metrics against golden values (computed by hand or by CapyMOA 0.15.1 and ruptures 1.1.10) and definitions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.errors import ConfigurationError
from persona_lab.metrics import drift
from persona_lab.metrics.drift_compat import capymoa_scores, hausdorff, rand_index, ruptures_precision_recall
from persona_lab.metrics.drift_optimum import lattice_run_length, optimal_cusum


@pytest.mark.parametrize(
    ("threshold", "before", "after"),
    [
        (4, 46.839122936683886, 3.75179262222972),
        (6, 215.41897999585692, 5.962521404616668),
        (8, 867.0359435393681, 8.128006257772993),
        (10, 3328.474198195147, 10.265206528470618),
        (12, 12558.555768526932, 12.387139083367634),
    ],
)
def test_lattice_run_lengths_equal_the_markov_chain(threshold, before, after):
    step = {"reject_step": 2, "accept_step": 1, "threshold": threshold}
    assert lattice_run_length(**step, accept_rate=0.85) == pytest.approx(before, rel=1e-12)
    assert lattice_run_length(**step, accept_rate=0.35) == pytest.approx(after, rel=1e-12)


@pytest.mark.parametrize(
    ("threshold", "arl0", "worst", "steady"),
    [
        (2.9375, 125.70295704415473, 5.237931090209057, 4.771554722655271),
        (5.2575, 1046.8233598973386, 8.357974503566654, 7.85858533244245),
        (7.0325, 6175.200239172354, 11.133248477394906, 10.602281597064158),
    ],
)
def test_optimal_cusum_equals_the_golden_values(threshold, arl0, worst, steady):
    found = optimal_cusum(before=0.85, after=0.35, threshold=threshold)
    assert found.arl0 == pytest.approx(arl0, rel=1e-9)
    assert found.worst_case_delay == pytest.approx(worst, rel=1e-9)
    assert found.steady_delay == pytest.approx(steady, rel=1e-9)


ALWAYS = list(range(1, 301))


@pytest.mark.parametrize(
    ("changes", "alarms", "max_delay", "n", "expected"),
    [
        ([1000, 2000], [500, 1200, 1250, 2100], 200, 200, (2, 2, 0, 0.5, 1.0, 1.0, 2 / 3, 150.0, 0.75, 10.0, 20.0)),
        ([150], [158], 50, 300, (0, 1, 0, 1.0, 1.0, 1.0, 1.0, 8.0, 0.16, 0.0, 10 / 3)),
        ([150], [230], 50, 300, (1, 0, 1, 0.0, 0.0, 0.0, 0.0, None, None, 10 / 3, 10 / 3)),
        ([150], [40, 160, 170], 50, 300, (1, 2, 0, 2 / 3, 1.0, 1.0, 0.8, 10.0, 0.2, 10 / 3, 10.0)),
        ([150], ALWAYS, 50, 300, (249, 51, 0, 0.17, 1.0, 1.0, 0.2905982905982906, 0.0, 0.0, 830.0, 1000.0)),
        ([150], ALWAYS, 150, 300, (149, 151, 0, 151 / 300, 1.0, 1.0, 0.6696230598669622, 0.0, 0.0, 1490 / 3, 1000.0)),
        ([150], list(range(10, 301, 10)), 50, 300, (24, 6, 0, 0.2, 1.0, 1.0, 1 / 3, 0.0, 0.0, 80.0, 100.0)),
        ([(150, 200)], [175], 50, 300, (0, 1, 0, 1.0, 1.0, 1.0, 1.0, 25.0, 0.5, 0.0, 10 / 3)),
        ([150], [], 50, 300, (0, 0, 1, 0.0, 0.0, 0.0, 0.0, None, None, 0.0, 0.0)),
    ],
)
def test_capymoa_scores_equal_the_golden_values(changes, alarms, max_delay, n, expected):
    found = capymoa_scores(changes=changes, alarms=alarms, max_delay=max_delay, n=n)
    for name, value in zip(type(found).__slots__, expected, strict=True):
        got = getattr(found, name)
        assert got is None if value is None else got == pytest.approx(value, rel=1e-12), name


@pytest.mark.parametrize(
    ("true", "found", "scores", "distance", "rand"),
    [
        ([100, 200, 500], [105, 115, 350, 400, 500], (0.25, 0.5), 200.0, 0.6627254509018037),
        ([150, 300], [158, 300], (1.0, 1.0), 8.0, 0.9479152731326644),
        ([150, 300], [160, 300], (0.0, 0.0), 10.0, 0.935340022296544),
        ([150, 300], [300], (0.0, 0.0), None, 0.4983277591973244),
    ],
)
def test_break_point_scores_equal_ruptures(true, found, scores, distance, rand):
    assert ruptures_precision_recall(true=true, found=found, margin=10) == scores
    assert hausdorff(true=true, found=found) == distance
    assert rand_index(true=true, found=found) == pytest.approx(rand, rel=1e-12)


def test_delays_leave_out_early_alarms_and_censor_misses():
    first = np.array([20, 155, drift.NO_ALARM, 149, 150])
    mean = drift.mean_delay(first=first, change=150, events=300)
    assert (mean.value, mean.n) == (pytest.approx((6 + 150 + 1) / 3), 3)
    assert drift.median_delay(first=first, change=150).value == 6
    assert drift.missed(first=first, change=150).value == pytest.approx(1 / 3)
    assert drift.alarmed_early(first=first, change=150).value == pytest.approx(2 / 5)
    assert drift.delay_curve(first=first, change=150, longest=6).tolist() == pytest.approx([0] + [1 / 3] * 5 + [2 / 3])


def test_median_of_mostly_missed_changes_is_undefined_with_a_reason():
    found = drift.median_delay(first=np.array([drift.NO_ALARM, drift.NO_ALARM, 152]), change=150)
    assert found.value is None
    assert "half" in (found.reason or "")


def test_nobody_left_is_undefined():
    assert drift.mean_delay(first=np.array([3, 4]), change=150, events=300).value is None


def test_false_alarm_rate_counts_events_at_risk():
    first = np.array([99, drift.NO_ALARM])
    assert drift.false_alarm_rate(first=first, events=300).value == pytest.approx(1000 / 400)


def test_run_length_refuses_streams_that_are_too_short():
    first = np.array([10, drift.NO_ALARM])
    assert drift.run_length(first=first, events=50).value is None
    assert drift.run_length(first=np.array([9, 19]), events=50).value == 15


def test_spread_is_undefined_where_someone_never_rang():
    none = drift.false_alarm_rate(first=np.array([drift.NO_ALARM]), events=10)
    some = drift.false_alarm_rate(first=np.array([4]), events=10)
    assert drift.false_alarm_spread(rates={0.5: none, 0.9: some}).value is None
    assert drift.false_alarm_spread(rates={0.5: some, 0.9: some}).value == 1


def test_excess_alarms_pair_people_and_drop_early_alarms():
    with_exception, without = np.array([155, 100, 160, -1]), np.array([-1, -1, 161, -1])
    found = drift.excess_alarms(with_exception=with_exception, without=without, at=150)
    assert (found.value, found.n) == (pytest.approx(1 / 3), 3)


def _match_by_hand(alarms, changes, tolerance):
    unmatched, hits = [], 0
    for t in range(len(alarms)):
        if changes[t]:
            unmatched.append(t)
        near = [c for c in unmatched if t - c <= tolerance]
        if alarms[t] and near:
            unmatched.remove(max(near))
            hits += 1
    return hits


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40), st.integers(0, 6))
@settings(max_examples=80, deadline=None)
def test_matching_equals_one_stream_by_hand(rows, tolerance):
    alarms, changes = (np.array(column)[:, np.newaxis] for column in zip(*rows, strict=True))
    found = drift.match(alarms=alarms, changes=changes, tolerance=tolerance)
    assert found.hits[0] == _match_by_hand(alarms[:, 0], changes[:, 0], tolerance)
    assert found.hits[0] <= min(found.alarms[0], found.changes[0])
    value = drift.f1(matches=found).value
    assert value is None or 0 <= value <= 1


def test_f1_of_perfect_alarms_is_one_and_of_none_is_zero():
    changes = np.zeros((30, 3), dtype=bool)
    changes[5] = True
    assert drift.f1(matches=drift.match(alarms=changes, changes=changes)).value == 1
    assert drift.f1(matches=drift.match(alarms=np.zeros_like(changes), changes=changes)).value == 0
    assert drift.f1(matches=drift.match(alarms=np.zeros_like(changes), changes=np.zeros_like(changes))).value is None


def test_streams_without_an_event_have_no_alarm_and_nobody_left_has_no_curve():
    none = drift.first_alarm(alarms=np.zeros((0, 3), dtype=bool))
    assert none.tolist() == [drift.NO_ALARM] * 3
    assert drift.delay_curve(first=np.array([2, 3]), change=10, longest=5).size == 0
    assert drift.first_alarm(alarms=np.zeros((4, 0), dtype=bool)).size == 0
    nobody = np.empty(0, dtype=np.int64)
    for found in (
        drift.mean_delay(first=nobody, change=1, events=3),
        drift.median_delay(first=nobody, change=1),
        drift.missed(first=nobody, change=1),
        drift.alarmed_early(first=nobody, change=1),
        drift.false_alarm_rate(first=nobody, events=3),
        drift.run_length(first=nobody, events=3),
        drift.excess_alarms(with_exception=nobody, without=nobody, at=1),
    ):
        assert found.value is None
        assert found.reason


@pytest.mark.parametrize(("n", "max_delay"), [(0, 5), (100, 0)])
def test_rates_of_no_events_are_refused(n, max_delay):
    with pytest.raises(ConfigurationError, match="at least 1"):
        capymoa_scores(changes=[5], alarms=[6], max_delay=max_delay, n=n)
