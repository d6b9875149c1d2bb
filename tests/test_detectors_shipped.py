"""Every detector of the catalogue works as listed, finds what it is for, and is quiet where nothing ever changes."""

import numpy as np
import pytest

from persona_lab.catalog import DETECTORS
from persona_lab.detectors.choices import REMEMBERED, explain_choices, start_choices
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.detectors.stream import explain_bits, start_trace
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, Kind, feedback

FOR_OPTIONS = ("option-shift", "dirichlet-factor", "categorical-bocpd")
BITS = tuple(name for name in DETECTORS if name not in FOR_OPTIONS)


def alarms(detector, feed, *, options, streams):
    state, found = detector.init(options, streams), []
    for given in feed:
        state = detector.update(state, given)
        found.append(detector.alarm(state).copy())
    return np.array(found)


def chosen(options_by_step):
    return [
        feedback(proposed=NO_OPTION, kind=np.full(row.shape, Kind.CORRECTED), corrected=row) for row in options_by_step
    ]


def answered(accepted_by_step):
    return [feedback(proposed=0, kind=np.where(row, Kind.ACCEPTED, Kind.DECLINED)) for row in accepted_by_step]


@pytest.mark.parametrize("name", FOR_OPTIONS)
def test_a_flip_of_the_favourite_option_is_found_soon(name):
    luck = np.random.default_rng(4)
    before = luck.choice(4, p=[0.7, 0.1, 0.1, 0.1], size=(120, 128))
    after = luck.choice(4, p=[0.1, 0.7, 0.1, 0.1], size=(40, 128))
    found = alarms(DETECTORS[name], chosen(np.concatenate([before, after])), options=4, streams=128)
    assert found[:120].sum() / (120 * 128) < 0.005
    assert found[120:].any(axis=0).mean() > 0.9


@pytest.mark.parametrize("name", FOR_OPTIONS)
def test_a_batch_of_choices_equals_its_streams(name):
    picks = np.random.default_rng(5).choice(4, p=[0.4, 0.4, 0.1, 0.1], size=(150, 64))
    whole = alarms(DETECTORS[name], chosen(picks), options=4, streams=64)
    for stream in (0, 17):
        alone = np.repeat(picks[:, stream : stream + 1], 64, axis=1)
        assert (alarms(DETECTORS[name], chosen(alone), options=4, streams=64)[:, 0] == whole[:, stream]).all()


@pytest.mark.parametrize("accepts", [True, False])
@pytest.mark.parametrize("name", BITS)
def test_a_person_who_always_answers_alike_never_rings(name, accepts):
    rows = np.full((1500, 4), accepts)
    assert not alarms(DETECTORS[name], answered(rows), options=2, streams=4).any()


@pytest.mark.parametrize("option", [0, 3])
@pytest.mark.parametrize("name", FOR_OPTIONS)
def test_a_person_who_always_chooses_the_same_never_rings(name, option):
    rows = np.full((1500, 4), option)
    assert not alarms(DETECTORS[name], chosen(rows), options=4, streams=4).any()


def test_the_interval_of_the_change_point_holds_its_estimate():
    # Any history that an alarm could ring on, most without a clear change: there the best split may lie in a tail.
    luck, streams = np.random.default_rng(6), 2000
    recent = luck.integers(0, 2**63, streams, dtype=np.uint64)
    seen = luck.integers(8, 65, streams).astype(np.int32)
    hits = np.array([int(word & ((1 << int(n)) - 1)).bit_count() for word, n in zip(recent, seen, strict=True)])
    bits = start_trace(streams)._replace(at_recent=recent, at_seen=seen, at_hits=hits.astype(np.int32))
    picks = luck.integers(0, 4, (REMEMBERED, streams)).astype(np.int8)
    counts = (picks[np.newaxis] == np.arange(4)[:, np.newaxis, np.newaxis]).sum(axis=1).astype(np.int32)
    choices = start_choices(OptionShift(), 4, streams).trace._replace(at_recent=picks, at_counts=counts)
    for found in (explain_bits(bits, 2), explain_choices(choices)):
        assert (found.start_low <= found.start).all()
        assert (found.start <= found.start_high).all()


@pytest.mark.parametrize("arl0", [0.0, -5.0, float("nan")])
def test_an_impossible_arl0_is_refused(arl0):
    for made in (ShiryaevRoberts, Cusum):
        with pytest.raises(ConfigurationError, match="arl0"):
            made(arl0=arl0).init(2, 1)


@pytest.mark.parametrize("detector", [OptionShift(), Cusum(direction="both")])
def test_tables_for_fewer_options_and_both_directions_ship(detector):
    options = 3 if isinstance(detector, OptionShift) else 2
    assert detector.init(options, 2) is not None
