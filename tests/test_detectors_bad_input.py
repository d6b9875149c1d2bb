"""Detectors given what they should never get: refused by name, or left alone without a sound."""

import dataclasses

import numpy as np
import pytest

from persona_lab.catalog import DETECTORS
from persona_lab.detectors.calibration import calibrate
from persona_lab.detectors.choices import ForOptions
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.explain import explain
from persona_lab.detectors.pooled import shared_drift
from persona_lab.detectors.routine import routine_drift
from persona_lab.detectors.run_length import RunLength
from persona_lab.detectors.threshold import shipped
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import Kind, feedback
from persona_lab.simulate import drift_worlds as worlds

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
def test_options_that_there_are_not_are_refused(name):
    detector = EVERY[name]
    before = detector.init(4, 2)
    with pytest.raises(InputError, match="names option 7, but there are 4"):
        detector.update(before, feedback(proposed=-1, kind=np.full(2, Kind.CORRECTED), corrected=7))
    silent = detector.update(before, feedback(proposed=7, kind=np.full(2, Kind.SILENT)))
    np.testing.assert_array_equal(silent.trace.counts, before.trace.counts)


@pytest.mark.parametrize("arl0", [0.5, 1.0, 19.0, 5001.0, float("nan"), float("inf"), -3.0, 0.0, True, "often"])
@pytest.mark.parametrize("name", PROMISING)
def test_a_pace_of_false_alarms_that_no_table_reaches_is_refused(name, arl0):
    with pytest.raises(ConfigurationError, match="arl0"):
        dataclasses.replace(EVERY[name], arl0=arl0).init(options_of(name), 2)


@pytest.mark.parametrize("kind", [-1, 4, 9])
@pytest.mark.parametrize("name", EVERY)
def test_a_kind_of_answer_that_there_is_not_is_refused(name, kind):
    detector = EVERY[name]
    state = detector.init(options_of(name), 2)
    # Not through ``feedback``: arrays that others built must not slip by.
    given = feedback(proposed=1, kind=[Kind.ACCEPTED, Kind.ACCEPTED])._replace(kind=np.array([1, kind], dtype=np.int8))
    with pytest.raises(ConfigurationError, match=r"feedback\.kind"):
        detector.update(state, given)


WRONG = [None, "x", (), True, float("nan"), (float("nan"),), -1]
KNOBS = [
    (name, field.name)
    for name, detector in EVERY.items()
    for field in dataclasses.fields(detector)
    if field.name != "table"
]


@pytest.mark.parametrize(("name", "field"), KNOBS)
def test_knobs_that_are_no_such_thing_are_refused_by_name(name, field):
    for value in WRONG:
        with pytest.raises(ConfigurationError, match=field):
            dataclasses.replace(EVERY[name], **{field: value})


@pytest.mark.parametrize("table", ["x", 0, (), float("nan")])
@pytest.mark.parametrize("name", PROMISING)
def test_a_table_that_is_none_is_refused(name, table):
    with pytest.raises(ConfigurationError, match="table"):
        dataclasses.replace(EVERY[name], table=table).init(options_of(name), 2)


@pytest.mark.parametrize("name", [name for name in EVERY if name not in CHOOSING])
def test_codes_of_more_than_two_options_are_not_watched_as_numbers(name):
    watching = dataclasses.replace(EVERY[name], watch="option")
    watching.init(2, 3)
    with pytest.raises(ConfigurationError, match="OptionShift"):
        watching.init(4, 3)
    assert EVERY[name].init(4, 3).trace.seen.shape == (3,)


@pytest.mark.parametrize("options", [2, 3, 5, 12])
@pytest.mark.parametrize("name", CHOOSING)
def test_any_number_of_options_can_be_calibrated_as_the_error_says(name, options):
    plain = EVERY[name]
    made = calibrate(ForOptions(plain, options), arl0=(20.0, 50.0), streams=512, longest=40)
    detector = dataclasses.replace(plain, table=made, arl0=30.0)
    state, luck = detector.init(options, 64), np.random.default_rng(options)
    rung = np.zeros(64, dtype=bool)
    for step in range(60):
        favourite = 0 if step < 30 else options - 1
        chosen = np.where(luck.random(64) < 0.8, favourite, luck.integers(0, options, 64))
        state = detector.update(state, feedback(proposed=-1, kind=np.full(64, Kind.CORRECTED), corrected=chosen))
        rung |= detector.alarm(state) & (step >= 30)
    assert rung.mean() > 0.8
    with pytest.raises(ConfigurationError, match="table"):
        detector.init(options + 1, 2)


@pytest.mark.parametrize("name", EVERY)
def test_a_mixed_log_is_taken_as_it_comes(name):
    # Silence, declines, corrections to any option, unprompted choices, no confidence, equal sessions.
    detector, luck = EVERY[name], np.random.default_rng(8)
    state = detector.init(options_of(name), 20)
    for step in range(150):
        kind = luck.integers(0, 4, 20)
        given = feedback(
            proposed=luck.integers(-1, options_of(name), 20),
            kind=kind,
            corrected=np.where(kind == Kind.CORRECTED, luck.integers(0, options_of(name), 20), -1),
            confidence=luck.integers(0, 2, 20),
            elapsed=0.0,
            session=step // 50,
        )
        state = detector.update(state, given)
        assert not detector.alarm(state)[kind == Kind.SILENT].any()
    found = detector.estimate(state)
    told = found.start >= 0
    assert ((found.start_low <= found.start) & (found.start <= found.start_high))[told].all()
    for rates in (found.before, found.after):
        assert ((rates[:, told] >= 0) & (rates[:, told] <= 1)).all()


@pytest.mark.parametrize("name", EVERY)
def test_one_event_never_rings(name):
    detector = EVERY[name]
    for kind in (Kind.ACCEPTED, Kind.DECLINED, Kind.CORRECTED):
        corrected = 1 if kind == Kind.CORRECTED else -1
        state = detector.update(
            detector.init(options_of(name), 1), feedback(proposed=0, kind=[kind], corrected=corrected)
        )
        assert not detector.alarm(state).any()
        assert detector.estimate(state).start.tolist() == [-1]


@pytest.mark.parametrize("confidence", [float("nan"), -0.1, 1.5])
def test_confidence_that_is_no_weight_is_refused_where_it_counts(confidence):
    detector = ExceptionAware()
    given = feedback(proposed=1, kind=[1, 1])._replace(confidence=np.full(2, confidence))
    with pytest.raises(ConfigurationError, match="confidence"):
        detector.update(detector.init(2, 2), given)


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
        given = feedback(proposed=1, kind=row)
        odd = detector.update(odd, given._replace(elapsed=np.full(6, -3.0), propensity=np.full(6, np.nan)))
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
        (np.zeros((10, 2), dtype=bool), {"share": float("nan")}, "share"),
        (np.zeros((10, 2), dtype=bool), {"share": None}, "share"),
        (np.zeros((10, 2), dtype=bool), {"shortest": 2.5}, "shortest"),
        (np.zeros(10, dtype=bool), {}, "outcomes"),
        ([[1, 0], [0, 1]], {}, "outcomes"),
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
        (np.zeros((5, 168), dtype=int), {"recent": 1.5}, "recent"),
        (np.zeros((5, 168), dtype=int), {"level": "low"}, "level"),
        (np.zeros((1, 168), dtype=int), {}, "two weeks"),
        (np.zeros((0, 168), dtype=int), {}, "two weeks"),
        (np.zeros((5, 168), dtype=int), {"smooth": float("nan")}, "smooth"),
        (np.zeros((5, 168), dtype=int), {"smooth": -1.0}, "smooth"),
    ],
)
def test_the_routine_test_refuses_what_it_cannot_test(counts, knobs, field):
    with pytest.raises(ConfigurationError, match=field):
        routine_drift(counts, **knobs)


def test_a_routine_without_any_event_has_not_shifted():
    assert not routine_drift(np.zeros((30, 168), dtype=int)).shifted


def test_streams_that_never_vary_share_no_change():
    found = shared_drift(np.ones((20, 3), dtype=bool), reshuffles=19)
    assert found.p_value == 1.0


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"stream": 3}, "stream"),
        ({"stream": -1}, "stream"),
        ({"options": ("yes",)}, "options"),
        ({"alarm_at": 99}, "alarm_at"),
        ({"alarm_at": 0}, "alarm_at"),
    ],
)
def test_an_explanation_of_what_there_is_not_is_refused(change, field):
    accepted = np.concatenate([np.ones((60, 1), dtype=bool), np.zeros((20, 1), dtype=bool)])
    accepted[::9] = False
    detector, at = EVERY["cusum"], -1
    state = detector.init(2, 1)
    for t, row in enumerate(accepted):
        state = detector.update(state, worlds.as_feedback(row))
        if detector.alarm(state)[0]:
            at = t
            break
    assert at > 60
    usual = {
        "stream": 0,
        "alarm_at": at,
        "event_ids": [f"e{i}" for i in range(80)],
        "options": ("rejected", "accepted"),
    }
    assert explain(detector.estimate(state), **usual) is not None
    with pytest.raises(ConfigurationError, match=field):
        explain(detector.estimate(state), **(usual | change))


@pytest.mark.parametrize("rate", [0.0, 1.0])
@pytest.mark.parametrize("name", [name for name in EVERY if name not in CHOOSING])
def test_people_who_accept_all_or_nothing_never_ring(name, rate):
    accepted = worlds.acceptance(seed=1, people=(0, 5), events=400, before=rate)
    detector = EVERY[name]
    state = detector.init(2, 5)
    for row in accepted:
        state = detector.update(state, worlds.as_feedback(row))
        assert not detector.alarm(state).any()


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: worlds.acceptance(seed=1, people=(0, 2), events=9, before=1.2), "before"),
        (lambda: worlds.acceptance(seed=1, people=(0, 2), events=9, after=float("nan")), "after"),
        (lambda: worlds.chosen_options(seed=1, people=(0, 2), events=9, before=(0.5, 0.6)), "before"),
        (lambda: worlds.chosen_options(seed=1, people=(0, 2), events=9, before=(0.5, 0.5), after=(1.0,)), "after"),
        (lambda: worlds.bad_day(seed=1, people=(0, 2), events=90, rejects=9), "rejects"),
        (lambda: worlds.bad_day(seed=1, people=(0, 2), events=90, rejects=3, at=89), "at"),
    ],
)
def test_worlds_that_cannot_be_are_refused(make, field):
    with pytest.raises(ConfigurationError, match=field):
        make()
