"""Contracts of drift detectors: protocol, silence, restart, explanations, thresholds, worlds."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.calibration import calibrate, survival
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.ewma_chart import EwmaChart
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.explain import explain
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.page_hinkley import PageHinkley
from persona_lab.detectors.pooled import shared_drift
from persona_lab.detectors.routine import routine_drift
from persona_lab.detectors.run_length import RunLength
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.detectors.threshold import BINS, rate_bin, row_edges, shipped
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import LANES, Kind, feedback
from persona_lab.metrics import drift as metrics
from persona_lab.randomness import generator
from persona_lab.simulate import drift_worlds as worlds
from persona_lab.studies.drift import alarms, first_alarms, first_choice_alarms

BITS = {
    "shiryaev-roberts": ShiryaevRoberts(arl0=200),
    "cusum": Cusum(arl0=200),
    "beta-factor": BetaFactor(arl0=200),
    "bocpd": Bocpd(arl0=200),
    "ewma-chart": EwmaChart(arl0=200),
    "page-hinkley": PageHinkley(threshold=5.0),
    "exception-aware": ExceptionAware(arl0=200),
    "run-length": RunLength(),
}
NAMES = pytest.mark.parametrize("name", BITS)


def leaves(state):
    if isinstance(state, tuple):
        return [leaf for part in state for leaf in leaves(part)]
    return [state]


def drop(people, events=120, change=60, seed=1):
    return worlds.acceptance(seed=seed, people=(0, people), events=events, after=0.2, change=change)


@NAMES
def test_configuration_is_frozen(name):
    with pytest.raises(FrozenInstanceError):
        BITS[name].watch = "option"


@NAMES
def test_update_is_pure_and_a_batch_equals_its_streams_bit_for_bit(name):
    detector, accepted = BITS[name], drop(2 * LANES)
    batch, lone = detector.init(2, 2 * LANES), detector.init(2, LANES)
    for row in accepted:
        before = [leaf.copy() for leaf in leaves(batch)]
        after = detector.update(batch, worlds.as_feedback(row))
        for old, kept in zip(leaves(batch), before, strict=True):
            np.testing.assert_array_equal(old, kept)
        batch = after
        lone = detector.update(lone, worlds.as_feedback(np.resize(row[77], LANES)))
    for whole, single in zip(leaves(batch), leaves(lone), strict=True):
        np.testing.assert_array_equal(whole[..., 77], single[..., 0])


@NAMES
def test_silence_changes_nothing_and_never_alarms(name):
    detector, accepted = BITS[name], drop(LANES)
    state = detector.init(2, LANES)
    for row in accepted[:70]:
        state = detector.update(state, worlds.as_feedback(row))
    silent = detector.update(state, feedback(proposed=1, kind=np.full(LANES, Kind.SILENT)))
    assert not detector.alarm(silent).any()
    for before, after in zip(leaves(state), leaves(silent), strict=True):
        if after.dtype != np.bool_:
            np.testing.assert_array_equal(before, after)


@NAMES
def test_a_large_drop_is_caught_and_explained(name):
    detector, accepted = BITS[name], drop(256, events=160, change=80, seed=3)
    state = detector.init(2, 256)
    start = np.full(256, -1)
    covered = np.zeros(256, dtype=bool)
    for t, row in enumerate(accepted):
        state = detector.update(state, worlds.as_feedback(row))
        now = detector.alarm(state) & (start < 0) & (t >= 80)
        if not now.any():
            continue
        found = detector.estimate(state)
        start[now] = found.start[now]
        covered |= now & (found.start_low <= 80) & (found.start_high >= 80)
        assert (found.start_low <= found.start_high).all()
    assert (start >= 0).mean() > 0.95
    assert np.abs(np.median(start[start >= 0]) - 80) <= 6
    assert covered.mean() > 0.7


def test_a_detector_starts_over_after_an_alarm():
    detector = ShiryaevRoberts(arl0=200)
    accepted = drop(LANES, seed=4)
    state = detector.init(2, LANES)
    for row in accepted:
        state = detector.update(state, worlds.as_feedback(row))
        rung = detector.alarm(state)
        assert (state.trace.seen[rung] == 0).all()
        assert (state.core.ratio[:, rung] == 0).all()


def test_up_on_the_complement_equals_down():
    accepted = drop(LANES)
    down, up = alarms(ShiryaevRoberts(arl0=200), accepted), alarms(ShiryaevRoberts(arl0=200, direction="up"), ~accepted)
    assert (down != up).mean() < 0.002  # a count of exactly half lies on the border of two classes
    assert down.any()


def test_option_logs_are_watched_by_option():
    accepted = drop(LANES)
    detector = ShiryaevRoberts(arl0=200, watch="option")
    state = detector.init(2, LANES)
    rung = []
    for row in accepted:
        state = detector.update(state, worlds.choice_as_feedback(row.astype(np.int8)))
        rung.append(detector.alarm(state))
    np.testing.assert_array_equal(np.array(rung), alarms(ShiryaevRoberts(arl0=200), accepted))


@pytest.mark.parametrize("rate", [0.5, 0.85, 0.98])
def test_stated_arl0_holds_for_every_base_rate(rate):
    stated, people = 200, 2500
    accepted = worlds.acceptance(seed=9, people=(0, people), events=900, before=rate)
    found = metrics.run_length(first=first_alarms(ShiryaevRoberts(arl0=stated), accepted), events=900)
    assert found.value == pytest.approx(stated, abs=0.1 * stated + 3 * found.standard_error)


def test_false_alarms_of_different_base_rates_agree():
    rates = {}
    for rate in (0.5, 0.85, 0.95):
        accepted = worlds.acceptance(seed=8, people=(0, 4000), events=300, before=rate)
        rates[rate] = metrics.false_alarm_rate(first=first_alarms(ShiryaevRoberts(), accepted), events=300)
    spread = metrics.false_alarm_spread(rates=rates)
    assert spread.value <= 1.5


def test_delay_is_near_the_optimum():
    accepted = worlds.acceptance(seed=7, people=(0, 3000), events=300, after=0.35)
    delay = metrics.mean_delay(first=first_alarms(ShiryaevRoberts(), accepted), change=150, events=300)
    assert delay.value <= 1.15 * 7.86 + 3 * delay.standard_error


def test_a_bad_day_is_not_drift():
    world = worlds.bad_day(seed=6, people=(0, 2000), events=170, rejects=5)
    excess = {}
    for detector in (ShiryaevRoberts(), ExceptionAware()):
        excess[type(detector)] = metrics.excess_alarms(
            with_exception=first_alarms(detector, world.accepted, world.session),
            without=first_alarms(detector, world.twin, world.session),
            at=150,
        )
    aware = excess[ExceptionAware]
    assert aware.value <= 0.10 + 3 * aware.standard_error
    assert excess[ShiryaevRoberts].value > 0.5


def test_a_flip_between_options_is_caught_and_explained():
    before, after = (0.7, 0.1, 0.1, 0.1), (0.1, 0.7, 0.1, 0.1)
    chosen = worlds.chosen_options(seed=5, people=(0, 1000), events=170, before=before, after=after, change=120)
    first = first_choice_alarms(OptionShift(), chosen, 4)
    delay = metrics.mean_delay(first=first, change=120, events=170)
    assert delay.value < 8
    detector = OptionShift()
    state = detector.init(4, LANES)
    rung = np.zeros(LANES, dtype=bool)
    for t, row in enumerate(chosen[:, :LANES]):
        state = detector.update(state, worlds.choice_as_feedback(row))
        if t >= 120:
            rung |= detector.alarm(state)
    found = detector.estimate(state)
    assert rung.mean() > 0.9
    assert np.nanmean(found.before[0, rung]) > 0.5
    assert np.nanmean(found.after[1, rung]) > 0.4
    np.testing.assert_allclose(np.nansum(found.after[:, rung], axis=0), 1.0)


def test_permuting_options_changes_nothing():
    chosen = worlds.chosen_options(
        seed=4, people=(0, 300), events=120, before=(0.6, 0.3, 0.05, 0.05), after=(0.05, 0.1, 0.8, 0.05), change=60
    )
    order = np.array([2, 0, 3, 1], dtype=np.int8)
    plain = first_choice_alarms(OptionShift(arl0=200), chosen, 4)
    moved = first_choice_alarms(OptionShift(arl0=200), order[chosen], 4)
    assert (plain == moved).mean() > 0.99  # sums of options in another order differ in the last bit


@pytest.mark.parametrize(
    ("detector", "field"),
    [
        (lambda: ShiryaevRoberts(direction="sideways"), "direction"),
        (lambda: ShiryaevRoberts(shifts=()), "shifts"),
        (lambda: Cusum(shift=0.0), "shift"),
        (lambda: EwmaChart(rate=1.0), "rate"),
        (lambda: BetaFactor(window=0), "window"),
        (lambda: Bocpd(hazard=0.0), "hazard"),
        (lambda: PageHinkley(threshold=-1.0), "threshold"),
        (lambda: ExceptionAware(severity=1.0), "severity"),
        (lambda: RunLength(certainty=1.5), "certainty"),
        (lambda: OptionShift(strengths=(1.0,)), "strengths"),
        (lambda: ShiryaevRoberts(watch="nothing"), "watch"),
    ],
)
def test_bad_knobs_are_refused_by_name(detector, field):
    with pytest.raises(ConfigurationError, match=field):
        detector()


def test_unshipped_knobs_and_unreachable_arl0_say_what_to_do():
    with pytest.raises(ConfigurationError, match="calibrat"):
        ShiryaevRoberts(shifts=(0.7,)).init(2, 4)
    with pytest.raises(ConfigurationError, match="calibrated range"):
        ShiryaevRoberts(arl0=1e6).init(2, 4)


def test_own_tables_are_used_and_must_fit():
    statistic = Cusum(shift=1.0)
    table = calibrate(statistic, arl0=(50.0, 100.0), streams=2000, longest=60)
    assert alarms(Cusum(shift=1.0, arl0=70, table=table), drop(LANES)).any()
    with pytest.raises(ConfigurationError, match="table"):
        Cusum(shift=1.5, table=table).init(2, 4)


def test_calibration_is_deterministic_and_free_of_the_block():
    one = calibrate(Cusum(), arl0=(100.0,), streams=1024, longest=40, block=1024)
    other = calibrate(Cusum(), arl0=(100.0,), streams=1024, longest=40, block=256)
    np.testing.assert_array_equal(one.log_levels, other.log_levels)


@given(st.floats(30, 5000))
@settings(max_examples=15, deadline=None)
def test_survival_has_the_stated_mean(arl0):
    curve = survival(arl0, int(30 * arl0))
    assert curve.sum() == pytest.approx(arl0, rel=1e-6)
    assert (np.diff(curve) <= 0).all()


@given(st.integers(1, 3000), st.data())
@settings(max_examples=60, deadline=None)
def test_rate_classes_are_ordered_and_in_range(seen, data):
    hits = data.draw(st.integers(0, seen))
    here = int(rate_bin(np.array([hits]), np.array([seen]))[0])
    assert 0 <= here < BINS
    if hits < seen:
        assert int(rate_bin(np.array([hits + 1]), np.array([seen]))[0]) >= here


def test_shipped_levels_rise_with_arl0_where_people_live():
    table = shipped(ShiryaevRoberts().statistic_name)
    rows = np.searchsorted(row_edges(2000), [40, 150, 300])
    classes = slice(BINS // 2, BINS - 4)
    at = {arl0: table.log_levels[i][rows, classes].mean() for i, arl0 in enumerate(table.arl0)}
    assert at[100.0] < at[500.0] < at[1000.0] < at[5000.0]


def test_an_alarm_is_explained_in_words():
    detector = ShiryaevRoberts(arl0=200)
    accepted = np.ones((60, LANES), dtype=bool)
    accepted[40:] = False
    state = detector.init(2, LANES)
    assert (
        explain(detector.estimate(state), stream=0, alarm_at=0, event_ids=["a"], options=("rejected", "accepted"))
        is None
    )
    last = 0
    for t, row in enumerate(accepted):
        state = detector.update(state, worlds.as_feedback(row))
        last = t
        if detector.alarm(state)[0]:
            break
    ids = [f"e{i}" for i in range(60)]
    found = explain(detector.estimate(state), stream=0, alarm_at=last, event_ids=ids, options=("rejected", "accepted"))
    assert found is not None
    assert found.events[0] == "e40"
    assert found.events[-1] == f"e{last}"
    assert "'accepted' went from" in found.words
    assert "e40" in found.words


def test_shared_drift_finds_what_single_streams_cannot_show():
    luck = generator(1, "test/shared")
    calm = luck.random((60, 12)) < 0.8
    moved = calm.copy()
    moved[35:, :8] = luck.random((25, 8)) < 0.45
    found = shared_drift(moved, reshuffles=199)
    assert found.p_value <= 0.01
    assert found.start_low <= 35 <= found.start_high + 1
    assert found.share_changed[:8].mean() > found.share_changed[8:].mean()


def test_shared_drift_keeps_its_level():
    luck = generator(2, "test/shared-null")
    values = [
        shared_drift(luck.random((30, 6)) < luck.uniform(0.5, 0.98, 6), reshuffles=39, seed=i).p_value
        for i in range(120)
    ]
    assert np.mean(np.array(values) <= 0.1) <= 0.1 + 3 * np.sqrt(0.09 / 120)


def weekly(luck, weeks, at):
    rate = np.full(168, 0.02)
    for day in range(5):
        rate[24 * day + at : 24 * day + at + 3] = 1.5
    return luck.poisson(rate, size=(weeks, 168))


def test_a_shifted_routine_is_found_and_described():
    luck = generator(3, "test/routine")
    counts = np.concatenate([weekly(luck, 24, 9), weekly(luck, 1, 13)])
    found = routine_drift(counts)
    assert found.shifted
    assert found.shift_hours == 4
    assert "4 h later" in found.words


def test_an_unchanged_routine_alarms_at_most_at_its_level():
    luck = generator(4, "test/routine-null")
    rung = [routine_drift(weekly(luck, 20, 9), level=0.1).shifted for _ in range(150)]
    assert np.mean(rung) <= 0.1 + 3 * np.sqrt(0.09 / 150)


def test_few_weeks_are_said_to_be_too_few_and_bad_shapes_refused():
    luck = generator(5, "test/routine-few")
    assert "Too few weeks" in routine_drift(weekly(luck, 4, 9)).words
    with pytest.raises(ConfigurationError, match="168"):
        routine_drift(np.zeros((4, 24), dtype=int))


def test_worlds_are_paired_and_do_not_depend_on_who_else_is_there():
    whole = worlds.bad_day(seed=1, people=(0, 700), events=60, rejects=3, at=30)
    part = worlds.bad_day(seed=1, people=(600, 700), events=60, rejects=3, at=30)
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_array_equal(a[:, 600:], b)
    np.testing.assert_array_equal(np.delete(whole.accepted, slice(30, 33), 0), np.delete(whole.twin, slice(30, 33), 0))
    assert (whole.session[30] == whole.session[32]).all()
    _, sizes = np.unique(whole.session[:, 0], return_counts=True)
    assert sizes.max() <= 8
