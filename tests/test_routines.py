"""Routines: hours of the week in the person's zone, across daylight saving, with chances that hold."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from persona_lab.contracts import Belief, Boundaries, Permission
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.policies.goals import Goal
from persona_lab.policies.reminders import ReminderPlan
from persona_lab.policies.routines import RoutineModel, describe, focus_windows, weekly_counts, weekly_cycle
from persona_lab.randomness import generator

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 1, 5, tzinfo=BERLIN)


def weekly(weekday, hour, weeks, zone=BERLIN, chance=1.0, seed=1):
    luck = generator(seed, "test/routine")
    days = [START + timedelta(days=7 * week + weekday) for week in range(weeks)]
    return [day.replace(hour=hour, tzinfo=zone) for day in days if luck.random() < chance]


def test_a_habit_at_nine_stays_at_nine_when_the_clocks_change():
    events = weekly(1, 9, 20)  # January to May: 08:00 UTC, then 07:00 UTC
    assert {moment.astimezone(UTC).hour for moment in events} == {7, 8}
    model = RoutineModel(half_life_weeks=None, spread=0.0)
    routine = model.fit(events, "Europe/Berlin", as_of=START + timedelta(weeks=20))
    assert routine.rate.argmax() == 24 + 9
    assert routine.rate.max() > 0.9
    coming = routine.next_window(START + timedelta(weeks=20))
    assert coming.start.astimezone(BERLIN).strftime("%A %H:%M") == "Tuesday 09:00"
    assert coming.stop - coming.start == timedelta(hours=1)
    assert [describe(w) for w in routine.windows(most=1)] == ["Tuesday 09:00 to 10:00"]


def test_stated_chance_holds_on_people_like_these():
    """Of windows stated at about one half, about one half come true, over many simulated people."""
    stated, happened = [], []
    for person in range(150):
        chance = 0.2 + 0.75 * (person % 10) / 10
        events = weekly(2, 15, 30, chance=chance, seed=person)
        cut = START + timedelta(weeks=29)
        model = RoutineModel(half_life_weeks=None, spread=0.0)
        routine = model.fit([e for e in events if e < cut], "Europe/Berlin", as_of=cut, since=START)
        coming = routine.next_window(cut)
        stated.append(coming.chance)
        happened.append(any(coming.start <= e < coming.stop for e in events))
    stated, happened = np.array(stated), np.array(happened)
    # Poisson rates understate what happens at most once a week: 1 - exp(-r) against r.
    error = (stated * (1 - stated)).mean() ** 0.5 / len(stated) ** 0.5
    assert -3 * error <= happened.mean() - stated.mean() <= 0.2 + 3 * error
    assert np.corrcoef(stated, happened)[0, 1] > 0.3


def test_windows_of_a_half_hour_zone_start_on_its_hours():
    zone = ZoneInfo("Asia/Kolkata")
    events = weekly(3, 10, 10, zone)
    now = START + timedelta(weeks=10)
    coming = RoutineModel(spread=0.0).fit(events, "Asia/Kolkata", as_of=now).next_window(now)
    assert coming.start.astimezone(zone).strftime("%A %H:%M") == "Thursday 10:00"


def test_old_habits_fade_with_time_not_with_reading():
    old, new = weekly(0, 8, 10), [m + timedelta(weeks=12) for m in weekly(0, 18, 4)]
    now = START + timedelta(weeks=16)
    quick = RoutineModel(half_life_weeks=2).fit(old + new, "Europe/Berlin", as_of=now)
    patient = RoutineModel(half_life_weeks=None).fit(old + new, "Europe/Berlin", as_of=now)
    assert quick.rate[18] > quick.rate[8]
    assert patient.rate[8] > patient.rate[18]
    again = RoutineModel(half_life_weeks=2).fit(old + new, "Europe/Berlin", as_of=now)
    np.testing.assert_array_equal(quick.rate, again.rate)
    later = RoutineModel(half_life_weeks=2).fit(old + new, "Europe/Berlin", as_of=now + timedelta(weeks=30))
    assert later.rate.max() < 0.5 * quick.rate.max()


def test_focus_is_work_without_interruptions():
    now = START + timedelta(weeks=8)
    model = RoutineModel(spread=0.0)
    work = model.fit(weekly(0, 9, 8) + weekly(0, 10, 8) + weekly(0, 14, 8), "Europe/Berlin", as_of=now)
    meetings = model.fit(weekly(0, 14, 8), "Europe/Berlin", as_of=now)
    assert [describe(w) for w in focus_windows(work, meetings)] == ["Monday 09:00 to 11:00"]
    nothing = model.fit([], "Europe/Berlin", as_of=now)
    assert focus_windows(nothing, meetings) == ()
    assert nothing.next_window(now) is None
    assert len(focus_windows(work, nothing)) == 2


def test_weekly_cycle_is_found_only_where_there_is_one():
    luck = generator(4, "test/cycle")
    seconds = START.timestamp() + luck.random(300) * 40 * 7 * 86_400
    assert weekly_cycle(seconds, "Europe/Berlin").p_value > 0.01
    found = weekly_cycle(weekly(1, 9, 20) + weekly(4, 9, 5), "Europe/Berlin")
    assert found.p_value < 1e-6
    assert found.share.argmax() == 1


@pytest.mark.parametrize("events", [1, 3, 7, 10, 20, 70])
def test_weekly_cycle_rings_no_more_often_than_stated_on_few_events(events):
    luck = generator(5, "test/few")
    p = [weekly_cycle(luck.random(events) * 52 * 7 * 86_400, "UTC").p_value for _ in range(1000)]
    for level in (0.01, 0.05):
        assert np.mean(np.array(p) < level) <= level + 3 * (level * (1 - level) / len(p)) ** 0.5


def test_times_that_are_no_times_are_refused():
    for wrong in (np.array([np.nan, 1.0]), np.array([np.inf])):
        with pytest.raises(InputError, match="not finite"):
            weekly_cycle(wrong, "UTC")
    with pytest.raises(InputError, match="negative"):
        weekly_counts([START], "UTC", first=START, weeks=-1)


def test_weekly_counts_split_by_local_weeks():
    counts = weekly_counts(weekly(6, 23, 15), "Europe/Berlin", first=START, weeks=15)
    assert counts.shape == (15, 168)
    assert (counts[:, 167] == 1).all()
    assert counts.sum() == 15


def test_reminders_keep_to_the_allowed_hours_and_say_why():
    now = START + timedelta(weeks=8, hours=12)
    model = RoutineModel(half_life_weeks=None, spread=0.0)
    routines = {
        "review": model.fit(weekly(3, 16, 8), "Europe/Berlin", as_of=now),
        "late": model.fit(weekly(3, 23, 8), "Europe/Berlin", as_of=now),
    }
    office = Boundaries("Europe/Berlin", hours=((8, 18),))
    planned = ReminderPlan().from_routines(routines, office, user_id="u", now=now)
    assert [reminder.activity for reminder in planned] == ["review"]
    assert planned[0].at.astimezone(BERLIN).strftime("%A %H:%M") == "Thursday 15:30"
    assert "usually" in planned[0].reason
    never = Boundaries("Europe/Berlin", default=Permission.NEVER)
    assert ReminderPlan().from_routines(routines, never, user_id="u", now=now) == ()


def test_goal_reminders_come_when_they_press():
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    soon = Goal("finish presentation", "work", now + timedelta(days=1), work=1.0)
    far = Goal("tax return", "home", now + timedelta(days=90))
    found = ReminderPlan().from_goals([far, soon], Boundaries(hours=((9, 17),)), user_id="u", now=now)
    assert [reminder.activity for reminder in found] == ["finish presentation"]
    assert found[0].at.hour == 9


def test_goal_reminders_never_come_after_the_deadline_unless_it_is_past():
    now = datetime(2026, 3, 2, 18, tzinfo=UTC)
    tonight = Goal("send slides", "work", now + timedelta(hours=3))
    office = Boundaries(hours=((9, 17),))
    assert ReminderPlan().from_goals([tonight], office, user_id="u", now=now) == ()
    missed = Goal("send slides", "work", now - timedelta(hours=3))
    found = ReminderPlan().from_goals([missed], office, user_id="u", now=now)
    assert found[0].at == datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert "was due Monday" in found[0].reason
    long_ago = Goal("send slides", "work", now - timedelta(days=60))
    assert ReminderPlan().from_goals([long_ago], office, user_id="u", now=now) == ()


def test_planned_reminders_keep_budget_and_cooldown_among_themselves():
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    goals = [Goal(f"g{i}", f"c{i}", now + timedelta(days=1, hours=i), work=1.5) for i in range(4)]
    plan, daily = ReminderPlan(), Boundaries(hours=((9, 17),), daily_budget=2, cooldown=timedelta(hours=3))
    found = plan.from_goals(goals, daily, user_id="u", now=now)
    at = sorted(reminder.at for reminder in found)
    assert [moment.strftime("%d %H") for moment in at] == ["02 09", "02 12", "03 09"]
    assert len(found) == 3, "the fourth would fall after its deadline"
    told_today = plan.from_goals(goals, daily, user_id="u", now=now, earlier=[now, now])
    assert all(reminder.at.day == 3 for reminder in told_today)

    model = RoutineModel(half_life_weeks=None, spread=0.0)
    week8 = START + timedelta(weeks=8, hours=12)
    routines = {
        name: model.fit(weekly(3, hour, 8), "Europe/Berlin", as_of=week8) for name, hour in (("a", 10), ("b", 15))
    }
    once = Boundaries("Europe/Berlin", daily_budget=1)
    planned = plan.from_routines(routines, once, user_id="u", now=week8)
    assert [reminder.activity for reminder in planned] == ["a"]
    both = plan.from_routines(routines, Boundaries("Europe/Berlin"), user_id="u", now=week8)
    assert [reminder.activity for reminder in both] == ["a", "b"]


def test_a_later_wish_does_not_push_aside_what_is_planned():
    """A reminder planned first but later in the day keeps its cooldown against one that would come shortly before."""
    now = datetime(2026, 3, 2, 6, tzinfo=UTC)
    model = RoutineModel(half_life_weeks=None, spread=0.0)
    routines = {
        "a": model.fit([now + timedelta(hours=4) - timedelta(weeks=w) for w in range(1, 9)], "UTC", as_of=now),
        "b": model.fit([now + timedelta(hours=5) - timedelta(weeks=w) for w in range(1, 9)], "UTC", as_of=now),
    }
    slow = Boundaries(cooldown=timedelta(hours=2))
    planned = ReminderPlan().from_routines(routines, slow, user_id="u", now=now)
    assert [reminder.activity for reminder in planned] == ["a"]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("thursday_afternoon", "Thursday 14:00"),
        ("Thursday afternoon", "Thursday 14:00"),
        ("early-week", "Tuesday 09:00"),  # Monday noon has passed the morning
        ("evening", "Monday 18:00"),
        ("whenever", None),
    ],
)
def test_beliefs_about_when_become_reminders(option, expected):
    now = START + timedelta(hours=12)
    belief = Belief("u", "status_check", (option, "other"), (0.8, 0.2), 9.0, now)
    plan = ReminderPlan().from_belief(belief, "the status check-in", Boundaries("Europe/Berlin"), now=now)
    assert [reminder.at.astimezone(BERLIN).strftime("%A %H:%M") for reminder in plan] == (
        [expected] if expected else []
    )
    unsure = Belief("u", "status_check", (option, "other"), (0.4, 0.6), 9.0, now)
    assert ReminderPlan().from_belief(unsure, "x", Boundaries("Europe/Berlin"), now=now) == ()


@pytest.mark.parametrize("broken", [{"half_life_weeks": 0}, {"prior_weeks": 0}, {"spread": 0.5}])
def test_bad_routine_model_is_refused(broken):
    with pytest.raises(ConfigurationError):
        RoutineModel(**broken)
