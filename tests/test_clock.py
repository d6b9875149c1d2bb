"""Local time equals the standard library's, also where clocks change between two quarters of an hour."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from clock_data import ODD_CHANGES, ZONES
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.contracts import Belief, Boundaries, Opportunity
from persona_lab.errors import InputError
from persona_lab.policies.boundaries import next_allowed
from persona_lab.policies.clock import local_clock, seconds_of
from persona_lab.policies.decision import ACCEPTED, Advisor


@given(st.sampled_from([*ZONES, "Africa/Monrovia", "Asia/Pyongyang"]), st.integers(0, 2_000_000_000))
@settings(max_examples=300, deadline=None)
def test_local_clock_equals_the_standard_library(zone, second):
    local = datetime.fromtimestamp(second, ZoneInfo(zone))
    clock = local_clock(np.array([second]), zone)
    assert int(clock.hour[0]) == local.hour
    assert clock.weekday[0] == local.weekday()
    assert clock.day[0] == local.date().toordinal() - date(1970, 1, 1).toordinal()
    assert clock.hour_of_week[0] == 24 * local.weekday() + local.hour


def test_local_clock_is_exact_where_the_clock_changes_between_two_quarters():
    for change, name in zip(
        ODD_CHANGES, ("Antarctica/Casey",) * 3 + ("America/St_Johns",) * 2 + ("Asia/Gaza",), strict=True
    ):
        seconds = change + np.arange(-1_000, 1_000)
        clock, place = local_clock(seconds, name), ZoneInfo(name)
        local = [datetime.fromtimestamp(int(second), place) for second in seconds]
        assert clock.hour.astype(int).tolist() == [one.hour for one in local]
        assert clock.weekday.tolist() == [one.weekday() for one in local]
    # Casey went from one minute past midnight to 03:01: whoever allows three to four is free from that minute on.
    night = Boundaries("Antarctica/Casey", hours=((3, 4),))
    at = datetime.fromtimestamp(ODD_CHANGES[0] - 600, UTC)
    assert next_allowed(Opportunity("u", "a", "x", at, timedelta(hours=1)), night) == at + timedelta(minutes=10)


def test_times_beyond_the_calendar_are_refused_with_their_cure():
    at = datetime(9999, 12, 31, 23, tzinfo=UTC)
    belief = Belief("u", "a", (ACCEPTED, "declined"), (0.99, 0.01), 60.0, at)
    with pytest.raises(InputError, match="past the calendar"):
        Advisor().decide(belief, Opportunity("u", "a", "x", at, timedelta(days=3)), Boundaries())
    for seconds, zone in ((at.timestamp(), "Asia/Tokyo"), (1.8e12, "UTC"), (-62_135_595_000, "America/New_York")):
        with pytest.raises(InputError, match="outside the calendar"):
            local_clock(np.array([seconds]), zone)


def test_what_is_no_time_is_refused():
    with pytest.raises(InputError, match="no datetime"):
        seconds_of("2026-01-01")
