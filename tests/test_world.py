"""People live by the stated law, and their lives depend on nothing but scenario, seed and person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from persona_lab.errors import ConfigurationError
from persona_lab.simulate.channel import BadDays, Channel, Delay, Weights
from persona_lab.simulate.paths import Exceptions, Gradual, Mixed, Stable, Switch, Types, VolatilityShift
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.routine import EPOCH, Routine, draw_times, local_moment
from persona_lab.simulate.scenarios import SCENARIOS, Scenario

USERS = (0, 1000)


def lives_of(path, *, channel=None, interactions=200, options=4, seed=0, users=USERS, **more) -> Lives:
    scenario = Scenario("test_v1", path, channel or Channel(0.1), options, interactions, **more)
    return live(scenario, seed=seed, users=users)


def assert_share(successes: np.ndarray, expected: float) -> None:
    """Five standard errors of a binomial share."""
    error = np.sqrt(expected * (1 - expected) / successes.size)
    assert successes.mean() == pytest.approx(expected, abs=5 * error + 1e-12)


@pytest.mark.parametrize("options", [2, 3, 4, 6])
def test_the_first_option_and_the_target_of_a_switch_are_uniform(options):
    z = lives_of(Switch(0.05), options=options).preferred
    assert z.min() >= 0
    assert z.max() < options
    for option in range(options):
        assert_share(z[0] == option, 1 / options)
    steps, people = np.nonzero(z[1:] != z[:-1])
    jump = (z[steps + 1, people] - z[steps, people]) % options
    for distance in range(1, options):
        assert_share(jump == distance, 1 / (options - 1))


@pytest.mark.parametrize("hazard", [0.0, 0.005, 0.3, 1.0])
def test_switches_come_with_the_hazard_from_the_second_interaction_on(hazard):
    z = lives_of(Switch(hazard)).preferred
    switched = z[1:] != z[:-1]
    assert_share(switched, hazard)
    assert_share(switched[0], hazard)
    # No memory: a switch is as likely right after another one.
    assert_share(switched[1:][switched[:-1]], hazard) if 0 < hazard < 1 else None


def test_recurring_people_toggle_between_two_habits():
    z = lives_of(SCENARIOS["recurring_noise10_v1"].path, interactions=300).preferred
    assert_share(z[1:] != z[:-1], 1 / 30)
    assert max(len(set(column.tolist())) for column in z.T) == 2


def test_volatility_starts_calm_and_alternates():
    z = lives_of(VolatilityShift(0.0, 0.2, 50)).preferred
    switched = np.concatenate([np.zeros((1, z.shape[1]), dtype=bool), z[1:] != z[:-1]])
    assert not switched[:50].any()
    assert not switched[100:150].any()
    assert_share(switched[50:100], 0.2)
    assert_share(switched[150:], 0.2)


def test_exceptions_are_bursts_that_want_another_option():
    path = Exceptions(0.05, longest=5, hazard=0.02)
    found = lives_of(path, interactions=400)
    inside, wanted, z = found.in_exception, found.wanted, found.preferred
    assert (wanted[~inside] == z[~inside]).all()
    assert (wanted[inside] != z[inside]).all()
    # A burst starts with probability e at each free interaction; mean length 3, so 1 / (1 + 3 e) are outside ...
    start = inside.copy()
    start[1:] &= ~inside[:-1]
    free_before = np.concatenate([np.ones((1, inside.shape[1]), dtype=bool), ~inside[:-1]])
    assert_share(start[free_before], 0.05)
    # ... and lengths are uniform: look at bursts that follow a free step and end before another can hide the end.
    assert_share(inside[0], 0.05)
    steps, people = np.nonzero(start[:380])
    alone = []
    for step, person in zip(steps[:20000], people[:20000], strict=True):
        run = inside[step : step + 20, person]
        alone.append(int(run.argmin()))
    one_long = np.array(alone) == 1
    # Length 1 (probability .2), and no new burst on the free step after it (.95).
    assert_share(one_long, 0.2 * 0.95)


def test_no_switch_and_no_other_exception_falls_into_a_burst():
    found = lives_of(Exceptions(0.2, hazard=0.3, lengths=(0.0, 0.0, 0.0, 1.0)), interactions=100, users=(0, 300))
    for z, wanted, inside in zip(found.preferred.T, found.wanted.T, found.in_exception.T, strict=True):
        step = int(inside.argmax())
        while step + 4 <= 100 and inside[step]:
            assert inside[step : step + 4].all()
            assert len(set(z[step : step + 4])) == len(set(wanted[step : step + 4])) == 1
            after = inside[step + 4 :]
            if not after.any():
                break
            step += 4 + int(after.argmax())


def test_noise_expresses_a_uniform_other_option():
    found = lives_of(Stable(), channel=Channel(0.25))
    slipped = found.expressed != found.wanted
    assert_share(slipped, 0.25)
    jump = (found.expressed[slipped] - found.wanted[slipped]) % 4
    for distance in (1, 2, 3):
        assert_share(jump == distance, 1 / 3)


def test_gradual_utilities_are_stationary_with_the_stated_correlation():
    u = lives_of(Gradual(tau=20.0, sd=2.0), interactions=60).utilities
    assert u is not None
    assert u.std() == pytest.approx(2.0, rel=0.02)
    assert u[:, 0].std(axis=1)[[0, -1]] == pytest.approx(2.0, rel=0.1)
    correlation = np.corrcoef(u[:-10].ravel(), u[10:].ravel())[0, 1]
    assert correlation == pytest.approx(np.exp(-10 / 20), abs=0.02)


@pytest.mark.parametrize("meaning", ["informative", "shuffled", "inverted"])
def test_confidence_means_what_the_scenario_says(meaning):
    found = lives_of(Stable(), channel=Channel(0.2, weights=Weights(meaning)))
    slipped, high = found.expressed != found.wanted, found.confidence == 0.9
    mean = 0.6 * 0.04 + 0.4 * 0.44
    at = {"informative": (0.04, 0.44), "shuffled": (mean, mean), "inverted": (0.44, 0.04)}[meaning]
    assert_share(slipped[high], at[0])
    assert_share(slipped[~high], at[1])
    assert_share(high, 0.4 if meaning == "inverted" else 0.6)


def test_mixed_people_have_the_stated_population():
    traits = lives_of(Mixed(), interactions=5, users=(0, 4000)).traits
    assert_share(traits.hazard == 0.0, 0.3)
    moving = np.log10(traits.hazard[traits.hazard > 0])
    assert moving.min() >= -2.7
    assert moving.max() <= -1.2
    assert moving.mean() == pytest.approx(-1.95, abs=0.03)
    assert_share(traits.recurring, 0.2)
    assert_share(traits.exception_rate[~traits.recurring] > 0, 0.5)
    assert not traits.exception_rate[traits.recurring].any()
    assert traits.noise.mean() == pytest.approx(1.6 / 11.6, abs=0.01)


def test_kinds_of_people_come_in_their_shares():
    path = Types((0.3, 0.7), (0.0, 0.1), (0.05, 0.2), (0.0, 0.02))
    traits = lives_of(path, interactions=5, users=(0, 4000)).traits
    assert_share(traits.noise == 0.05, 0.3)
    assert ((traits.hazard == 0.1) == (traits.noise == 0.2)).all()


def test_contexts_move_together_and_each_keeps_its_hazard():
    z = lives_of(Switch(0.02), interactions=300, users=(0, 600), contexts=3, together=0.7).preferred
    switched = (z[1:] != z[:-1]).reshape(299, 600, 3)
    assert_share(switched, 0.02)
    both = switched[:, :, 0] & switched[:, :, 1]
    assert_share(both, 0.7 * 0.02 + 0.3 * 0.02 * (0.3 * 0.02 / (1 - 0.7 * 0.02)))
    with pytest.raises(ConfigurationError, match="together"):
        Scenario("bad_v1", Stable(), Channel(0.1), contexts=2, together=0.5)


def test_bad_days_are_whole_sessions_of_noise():
    found = lives_of(Stable(), channel=Channel(0.0, bad_days=BadDays(0.2, 0.8)), days_between=0.1)
    slips = (found.expressed != found.wanted).reshape(20, 10, -1).sum(axis=1)
    assert_share(slips > 0, 0.2 * (1 - 0.2**10))
    assert slips[slips > 0].mean() == pytest.approx(8.0, rel=0.02)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_lives_do_not_depend_on_company_or_on_how_long_they_last(name):
    scenario = replace(SCENARIOS[name], interactions=90)
    whole = live(scenario, seed=4, users=(0, 60))
    part = live(scenario, seed=4, users=(40, 47))
    short = live(replace(scenario, interactions=70), seed=4, users=(0, 60))
    c = scenario.contexts
    for field in ("preferred", "wanted", "expressed", "in_exception", "confidence", "elapsed", "session"):
        everyone = getattr(whole, field)
        assert everyone.shape == (90, 60 * c)
        assert np.array_equal(getattr(part, field), everyone[:, 40 * c : 47 * c]), field
        assert np.array_equal(getattr(short, field), everyone[:70]), field
    if not isinstance(scenario.path, Gradual):
        assert (live(scenario, seed=5, users=(0, 60)).expressed != whole.expressed).any()


def test_the_core_suite_has_its_cells():
    core = [scenario for scenario in SCENARIOS.values() if "core" in scenario.tags]
    assert len(core) == 27
    assert all(scenario.channel.full and scenario.options == 4 for scenario in core)
    assert all(name == scenario.id and name.rsplit("_v", 1)[1].isdigit() for name, scenario in SCENARIOS.items())


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Switch(1.5), "hazard"),
        (lambda: Channel(-0.1), "noise"),
        (lambda: Channel(float("nan")), "noise"),
        (lambda: Scenario("x_v1", Stable(), Channel(0.1), options=0), "options"),
        (lambda: Scenario("x_v1", Stable(), Channel(0.1), users=-5), "users"),
        (lambda: Scenario("x_v1", Stable(), Channel(0.1), options=3, option_names=("a",)), "option_names"),
        (lambda: Exceptions(0.1, lengths=(0.5, 0.2)), "lengths"),
        (lambda: Gradual(0.0, 1.0), "tau"),
        (lambda: Delay(0.5, 0), "longest"),
        (lambda: Weights("misleading"), "meaning"),
        (lambda: Routine(zones=("Europe/Atlantis",)), "zones"),
        (lambda: Routine(per_week=0.0), "per_week"),
        (lambda: Routine(workday=(1.0,)), "workday"),
    ],
)
def test_bad_values_are_refused_by_name(make, field):
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert caught.value.field == field


def test_people_follow_their_local_routine():
    routine = Routine()
    times = draw_times(routine, seed=0, interactions=200, users=(0, 300))
    assert (np.diff(times.seconds, axis=0) >= 0).all()
    for index, zone in enumerate(routine.zones):
        mine = np.flatnonzero(times.zone == index)[:20]
        moments = [local_moment(int(s), zone) for s in times.seconds[:, mine].ravel()]
        workday = np.array([moment.weekday() < 5 for moment in moments])
        weekly = 5 * sum(routine.workday) + 2 * sum(routine.weekend)
        assert_share(workday, 5 * sum(routine.workday) / weekly)
        hours = np.array([moment.hour for moment in moments])
        if zone != "Asia/Kolkata":  # at half past the hour, an hour straddles two
            assert_share((hours == 9) & workday, 5 * routine.workday[9] / weekly)
        days = [(moment.date() - EPOCH.date()).days for moment in moments]
        assert np.array_equal(days, times.day[:, mine].ravel())


def test_clock_changes_skip_an_hour_and_repeat_one():
    night = tuple(100.0 if hour in (1, 2) else 0.0 for hour in range(24))
    routine = Routine(per_week=140.0, zones=("Europe/Berlin",), workday=night, weekend=night)
    times = draw_times(routine, seed=0, interactions=6000, users=(0, 20))
    berlin = ZoneInfo("Europe/Berlin")
    spring, autumn = (datetime(2025, 3, 30, tzinfo=UTC), datetime(2025, 10, 26, tzinfo=UTC))

    def during(day: datetime) -> list[datetime]:
        first = int((day - EPOCH).total_seconds())
        chosen = times.seconds[(times.seconds >= first) & (times.seconds < first + 3 * 3600)]
        return [(EPOCH + timedelta(seconds=int(s))).astimezone(berlin) for s in chosen]

    assert {moment.hour for moment in during(spring)} <= {1, 3}
    assert {(moment.hour, moment.fold) for moment in during(autumn)} >= {(2, 0), (2, 1)}
