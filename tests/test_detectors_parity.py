"""Detectors equal their references: river alarm for alarm, GLR and Bayes factors by brute force."""

import numpy as np
import pytest
from scipy.special import betaln, xlogy

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.glr import Glr
from persona_lab.detectors.page_hinkley import PageHinkley
from persona_lab.detectors.river_reference import RiverReference
from persona_lab.detectors.shiryaev import PER_EVENT, PRIOR, PRIOR_EVENTS, ShiryaevRoberts
from persona_lab.feedback import Kind, feedback
from persona_lab.randomness import uniforms


def outcomes(seed, events, streams, before=0.85, after=0.35):
    luck = uniforms(seed, "test/outcomes", steps=(0, events), streams=(0, streams))
    rate = np.where(np.arange(events) < events // 2, before, after)[:, np.newaxis]
    return luck < rate


def alarms(detector, ones):
    state = detector.init(2, ones.shape[1])
    rows = []
    for row in ones:
        kind = np.where(row, Kind.ACCEPTED, Kind.DECLINED)
        state = detector.update(state, feedback(proposed=1, kind=kind))
        rows.append(detector.alarm(state))
    return np.array(rows)


@pytest.mark.parametrize("mode", ["both", "up", "down"])
@pytest.mark.parametrize(("threshold", "delta", "min_instances"), [(2.0, 0.005, 1), (5.0, 0.1, 30), (1.0, 0.25, 10)])
def test_page_hinkley_equals_river_alarm_for_alarm(mode, threshold, delta, min_instances):
    pytest.importorskip("river", reason="river is in the extra 'test'")
    ones = outcomes(1, 400, 12)
    ours = PageHinkley(threshold=threshold, delta=delta, min_instances=min_instances, mode=mode)
    knobs = {"threshold": threshold, "delta": delta, "min_instances": min_instances, "mode": mode}
    theirs = RiverReference("PageHinkley", tuple(knobs.items()))
    found = alarms(ours, ones)
    np.testing.assert_array_equal(found, alarms(theirs, ones))
    assert mode == "up" or found.any()


@pytest.mark.parametrize("kind", ["ADWIN", "DDM", "KSWIN", "HDDM_A", "HDDM_W"])
def test_river_references_ring_when_river_rings(kind):
    drift = pytest.importorskip("river.drift", reason="river is in the extra 'test'")
    ones = outcomes(2, 300, 3)
    knobs = (("seed", 1),) if kind == "KSWIN" else ()
    maker = {"HDDM_A": "HDDMA", "HDDM_W": "HDDMW", "DDM": "DDM"}
    theirs = getattr(drift.binary, maker[kind]) if kind in maker else getattr(drift, kind)
    expected = np.zeros_like(ones)
    for i in range(ones.shape[1]):
        single = theirs(**dict(knobs))
        for t in range(ones.shape[0]):
            single.update(int(ones[t, i]) if kind not in maker else int(not ones[t, i]))
            expected[t, i] = single.drift_detected
    found = alarms(RiverReference(kind, knobs), ones)
    np.testing.assert_array_equal(found, expected)
    assert found.any()


def statistics(detector, ones):
    core = detector.fresh(ones.shape[1])
    hits = np.zeros(ones.shape[1], dtype=np.int32)
    rows = []
    for n, row in enumerate(ones):
        core, value = detector.step(core, row, np.full(hits.size, n, dtype=np.int32), hits)
        hits = hits + row
        rows.append(np.log(np.maximum(value, 1e-30)))
    return np.array(rows)


def maximised(s, n):
    return xlogy(s, s / n) + xlogy(n - s, (n - s) / n)


@pytest.mark.parametrize("direction", ["both", "down", "up"])
def test_glr_equals_brute_force_over_all_splits(direction):
    ones = outcomes(3, 70, 5)
    found = statistics(Glr(direction=direction, window=70), ones)
    for i in range(ones.shape[1]):
        for n in range(1, 71):
            x = ones[:n, i]
            best = 0.0
            for k in range(1, n):
                a, b = x[:k].sum(), x[k:].sum()
                wanted = {"both": True, "down": b / (n - k) < a / k, "up": b / (n - k) > a / k}[direction]
                if wanted:
                    best = max(best, maximised(a, k) + maximised(b, n - k) - maximised(a + b, n))
            assert found[n - 1, i] == pytest.approx(best, abs=2e-4)


@pytest.mark.parametrize("direction", ["both", "down", "up"])
def test_bayes_factor_equals_the_closed_form(direction):
    ones = outcomes(4, 60, 4)
    detector = BetaFactor(direction=direction, window=60)
    alpha, beta = detector.after
    found = statistics(detector, ones)
    for i in range(ones.shape[1]):
        for n in (1, 2, 17, 60):
            x = ones[:n, i]
            total = 0.0
            for k in range(n):
                a, b = x[:k].sum(), x[k:].sum()
                late = betaln(b + alpha, n - k - b + beta) - betaln(alpha, beta)
                early = betaln(a + 1, k - a + 1) - betaln(a + b + 1, n - a - b + 1)
                total += np.exp(late + early)
            assert found[n - 1, i] == pytest.approx(np.log(total), abs=1e-4)


def test_bocpd_equals_the_posterior_over_all_run_lengths():
    ones = outcomes(5, 40, 3)
    hazard = 0.05
    found = statistics(Bocpd(direction="both", hazard=hazard, window=60), ones)
    for i in range(ones.shape[1]):
        weight = {0: 1.0}
        for n, x in enumerate(ones[:, i]):
            moved = {}
            if n:
                moved = {start: w * (1 - hazard) for start, w in weight.items()}
                moved[n] = hazard * sum(weight.values())
            else:
                moved = dict(weight)
            for start in moved:
                s = ones[start:n, i].sum()
                p = (s + 1) / (n - start + 2)
                moved[start] *= p if x else 1 - p
            weight = moved
            if n:
                odds = sum(w for start, w in weight.items() if start) / weight[0]
                assert found[n, i] == pytest.approx(np.log(odds), abs=1e-4)


def test_shiryaev_roberts_equals_its_sum_over_change_points():
    ones = outcomes(6, 50, 3)
    detector = ShiryaevRoberts()
    found = statistics(detector, ones)
    for i in range(ones.shape[1]):
        x = ones[:, i]
        ratios = {shift: [] for shift in detector.shifts}
        learnt = hits = 0.0
        for n in range(50):
            rate = (hits + PRIOR) / (learnt + 2 * PRIOR)
            for shift, ratio in ratios.items():
                c = np.exp(-shift)
                ratio.append((c if x[n] else 1.0) / (1 - rate + c * rate))
            total = np.mean([sum(np.prod(ratio[k:]) for k in range(n + 1)) for ratio in ratios.values()])
            odds = PRIOR_EVENTS + PER_EVENT * (n + 1)
            learnt, hits = learnt + odds / (odds + total), hits + x[n] * odds / (odds + total)
            assert found[n, i] == pytest.approx(np.log(total), abs=1e-4)
