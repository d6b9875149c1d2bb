"""The error budget adds up for any sequence, and each cause means what DESIGN says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from persona_lab.metrics import tracking
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.metrics.tracking import tally

SHAPES = st.tuples(st.integers(1, 30), st.integers(1, 6))


def count(preferred: list[int], proposed: list[int], exceptions: tuple[int, ...] = ()) -> tracking.Tally:
    z, a = np.array(preferred, dtype=np.int8)[:, None], np.array(proposed, dtype=np.int8)[:, None]
    inside = np.isin(np.arange(len(preferred)), exceptions)[:, None]
    return tally(preferred=z, proposed=a, in_exception=inside)


@settings(deadline=None)
@given(st.data(), SHAPES)
def test_the_budget_adds_up_to_the_errors_for_any_sequence(data, shape):
    options = arrays(np.int8, shape, elements=st.integers(0, 3))
    preferred, proposed = data.draw(options), data.draw(options)
    inside = data.draw(arrays(np.bool_, shape))
    counts = tally(preferred=preferred, proposed=proposed, in_exception=inside)
    assert (counts.cold_start + counts.adaptation + counts.over_correction == counts.errors).all()
    assert (counts.errors == ((preferred != proposed) & ~inside).sum(axis=0)).all()
    assert (counts.stale <= counts.later_scored).all()
    assert (counts.scored == (~inside).sum(axis=0)).all()


def test_each_cause_by_hand():
    counts = count(preferred=[0, 0, 0, 0, 1, 1, 1, 1], proposed=[2, 0, 1, 0, 0, 0, 1, 0])
    assert (counts.cold_start[0], counts.adaptation[0], counts.over_correction[0]) == (1, 2, 2)
    assert (counts.switches[0], counts.proposal_changes[0]) == (1, 5)
    assert (counts.later_scored[0], counts.stale[0]) == (4, 3)


def test_inside_an_exception_nothing_is_scored_and_no_hit_counts():
    counts = count(preferred=[0, 0, 0], proposed=[1, 0, 1], exceptions=(1,))
    assert (counts.errors[0], counts.cold_start[0], counts.over_correction[0]) == (2, 2, 0)


def test_a_switch_during_an_exception_starts_a_new_epoch():
    counts = count(preferred=[0, 1, 1], proposed=[0, 0, 0], exceptions=(1,))
    assert (counts.adaptation[0], counts.over_correction[0], counts.stale[0]) == (1, 0, 1)


def test_undefined_is_null_with_a_reason():
    still = count(preferred=[0, 0], proposed=[0, 0])
    assert tracking.adaptation_delay(counts=still).value is None
    assert "switched" in tracking.adaptation_delay(counts=still).reason
    assert tracking.over_correction_index(counts=still, last_write_wins=still).value is None
    assert "fewer than 200" in tracking.ratio_to_limit(counts=still, limit=still).reason
    assert tracking.error_rate(counts=still).value == 0.0
    assert tracking.error_rate(counts=count([0], [0], (0,))).value is None


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="share one"):
        tally(preferred=np.zeros((2, 3)), proposed=np.zeros((2, 2)), in_exception=np.zeros((2, 3), dtype=bool))


def test_the_standard_error_of_a_ratio_is_the_spread_of_its_estimates():
    random = np.random.default_rng(3)
    estimates, stated = [], []
    for _ in range(400):
        size = random.integers(1, 9, 60)
        figure = pooled_ratio(numerator=random.binomial(size, 0.3), denominator=size, undefined_because="-")
        estimates.append(figure.value)
        stated.append(figure.standard_error)
    assert np.mean(estimates) == pytest.approx(0.3, abs=0.005)
    assert np.mean(stated) == pytest.approx(np.std(estimates), rel=0.12)


def test_joining_users_equals_counting_them_together():
    random = np.random.default_rng(5)
    z, a = random.integers(0, 3, (2, 40, 8)).astype(np.int8)
    inside = random.random((40, 8)) < 0.1
    parts = [tally(preferred=z[:, s], proposed=a[:, s], in_exception=inside[:, s]) for s in (slice(3), slice(3, 8))]
    whole = tally(preferred=z, proposed=a, in_exception=inside)
    assert all((left == right).all() for left, right in zip(tracking.join(parts), whole, strict=True))
