"""What detectors promise about false alarms and delay holds, and the shipped tables are what the code builds."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import persona_lab.detectors
from persona_lab.detectors.calibration import calibrate
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.rebuild import CHECKSUMS, SHIPPED
from persona_lab.detectors.river_reference import RiverReference
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.detectors.threshold import choice_bin, critical, rate_bin, rows_of, shipped, shipped_levels
from persona_lab.feedback import LANES
from persona_lab.metrics import drift as metrics
from persona_lab.simulate import drift_worlds as worlds
from persona_lab.studies.drift import OPTIMUM, Control, alarms, first_alarms
from persona_lab.studies.drift_explained import interval_coverage
from persona_lab.studies.drift_promise import CHOOSERS, PROMISING, chooser_false_alarms, first_alarms_long

TABLES = Path(persona_lab.detectors.__file__).parent / "tables"


@pytest.mark.parametrize("rate", [0.5, 0.85, 0.98])
@pytest.mark.parametrize("name", PROMISING)
def test_stated_arl0_is_true_for_every_promising_detector(name, rate):
    stated, people, events = 200.0, 2000, 900
    found = metrics.run_length(first=first_alarms_long(PROMISING[name](stated), rate, people, events), events=events)
    assert found.value == pytest.approx(stated, abs=0.1 * stated + 3 * found.standard_error)


def test_following_streams_to_their_first_alarm_only_changes_nothing():
    detector = ShiryaevRoberts(arl0=200.0)
    accepted = worlds.acceptance(seed=12, people=(0, 100), events=400, before=0.85)
    whole = metrics.first_alarm(alarms=alarms(detector, accepted))
    np.testing.assert_array_equal(first_alarms_long(detector, 0.85, 100, 400), whole)


def test_one_setting_serves_a_change_after_30_events_and_after_150():
    # The knob at which 24,000 training people ring once per 1,000 events, as the record of the drift study has it.
    detector = ShiryaevRoberts(arl0=1101.0)
    for change, most in ((30, 9.3), (150, 1.12 * OPTIMUM)):
        drop = worlds.acceptance(seed=78, people=(0, 8000), events=300, after=0.35, change=change)
        delay = metrics.mean_delay(first=first_alarms(detector, drop), change=change, events=300)
        assert delay.value <= most + 2 * delay.standard_error


@pytest.mark.parametrize("entry", SHIPPED, ids=lambda entry: entry.statistic.statistic_name)
def test_every_table_ships_with_its_checksum(entry):
    name = f"{entry.statistic.statistic_name}.json"
    sums = json.loads((TABLES / CHECKSUMS).read_text(encoding="utf-8"))
    assert hashlib.sha256((TABLES / name).read_bytes()).hexdigest() == sums[name]


def test_no_table_ships_that_the_code_does_not_build():
    names = {f"{entry.statistic.statistic_name}.json" for entry in SHIPPED}
    assert {path.name for path in TABLES.glob("*.json")} - {CHECKSUMS} == names


@pytest.mark.parametrize(
    "name", ["cusum-both-2", "ewma-down-0.1", "shiryaev-both-1.5-2.5", "option-shift-2-0.6-0.8", "beta-factor-down-60"]
)
def test_the_first_rows_of_shipped_tables_are_what_the_code_builds(name):
    # Rows are built one after the other and the first ones are not smoothed: a short run must meet them exactly.
    entry = next(entry for entry in SHIPPED if entry.statistic.statistic_name == name)
    rows = 12
    made = calibrate(entry.statistic, streams=entry.streams, longest=rows, short=entry.short, early=entry.early)
    ours = np.clip(np.rint(made.log_levels * 1000), -32000, 32000) / 1000
    np.testing.assert_allclose(shipped(name).log_levels[:, :rows], ours[:, :rows], atol=1e-4)


def test_quick_bounds_miss_no_alarm():
    luck = np.random.default_rng(1)
    levels = shipped_levels(ShiryaevRoberts().statistic_name, 1000.0)
    for reach in (3, 40, 900, 50_000):
        seen = luck.integers(0, reach, 4000).astype(np.int32)
        hits = luck.binomial(seen, luck.random(4000)).astype(np.int32)
        statistic = np.exp(luck.normal(4, 3, 4000)).astype(np.float32)
        rows = np.minimum(rows_of(seen), levels.values.shape[0] - 1)
        over = (statistic > levels.values[rows, rate_bin(hits, seen)]) & (hits > 0) & (hits < seen)
        np.testing.assert_array_equal(critical(levels, statistic, seen, hits), np.flatnonzero(over))


def test_classes_of_choices_do_not_depend_on_the_order_of_options():
    counts = np.random.default_rng(2).integers(0, 30, (4, 500)).astype(np.int32)
    order = np.array([2, 0, 3, 1])
    seen = counts.sum(axis=0)
    np.testing.assert_array_equal(choice_bin(counts, seen), choice_bin(counts[order], seen))


def test_false_alarms_of_people_with_few_and_many_rivals_are_near():
    table = chooser_false_alarms({"option-shift": OptionShift()}, people=600)
    usual = [row for row in table.to_dicts() if max(row["shares"]) < 0.95]
    assert len(usual) == len(CHOOSERS) - 1
    assert max(row["false_alarms"] for row in usual) <= 4 * min(row["false_alarms"] for row in usual)


def test_the_exception_aware_detector_looks_both_ways():
    accepted = worlds.acceptance(seed=3, people=(0, LANES), events=200, before=0.3, after=0.85, change=120)
    session = worlds.sessions(seed=3, people=(0, LANES), events=200)
    up = alarms(ExceptionAware(direction="up"), accepted, session)
    both = alarms(ExceptionAware(direction="both"), accepted, session)
    down = alarms(ExceptionAware(), accepted, session)
    np.testing.assert_array_equal(alarms(ExceptionAware(direction="up", arl0=200), accepted, session).shape, up.shape)
    assert up[120:].any(axis=0).mean() > 0.9
    assert both[120:].any(axis=0).mean() > 0.9
    assert down[120:].any(axis=0).mean() < 0.3
    falls = alarms(ExceptionAware(direction="both"), ~accepted, session)
    assert falls[120:].any(axis=0).mean() > 0.9


def test_low_confidence_on_a_bad_day_quietens_it():
    world = worlds.bad_day(seed=6, people=(0, 500), events=170, rejects=5)
    rung = []
    for confidence in (1.0, 0.4):
        detector = ExceptionAware(arl0=200)
        state = detector.init(2, 500)
        found = np.zeros(500, dtype=bool)
        for t, row in enumerate(world.accepted):
            told = confidence if 150 <= t < 155 else 1.0
            state = detector.update(
                state, worlds.as_feedback(row, world.session[t])._replace(confidence=np.full(500, told))
            )
            found |= detector.alarm(state) & (t >= 150)
        rung.append(found.mean())
    assert rung[1] < rung[0]


@pytest.mark.parametrize("kind", ["ADWIN", "DDM", "HDDM_W", "PageHinkley"])
def test_first_alarms_of_river_are_those_of_the_stream_by_stream_wrapper(kind):
    pytest.importorskip("river", reason="river is in the extra 'test'")
    accepted = worlds.acceptance(seed=5, people=(0, 20), events=250, after=0.2, change=100)
    knobs = (("threshold", 5.0),) if kind == "PageHinkley" else ()
    detector = RiverReference(kind, knobs)
    whole = metrics.first_alarm(alarms=alarms(detector, accepted))
    np.testing.assert_array_equal(first_alarms(detector, accepted), whole)
    assert (whole >= 0).any()


def test_controls_ring_at_their_rate_whatever_happens():
    accepted = worlds.acceptance(seed=5, people=(0, 3000), events=300, after=0.2)
    rate = metrics.false_alarm_rate(first=first_alarms(Control(0.001), accepted), events=300)
    assert rate.value == pytest.approx(1.0, abs=4 * rate.standard_error)
    assert (first_alarms(Control(1.0), accepted) == 0).all()


def test_intervals_of_the_change_point_hold_it():
    rows = interval_coverage(people=300).to_dicts()
    for row in rows:
        if "0.35" in row["world"] or "flips" in row["world"]:
            assert row["coverage"] >= 0.9 - 3 * row["coverage_se"]
            assert row["cited_after"] > 0.8
