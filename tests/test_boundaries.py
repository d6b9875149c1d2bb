"""Boundaries are never crossed: 100,000 generated cases against an independent reading, and Hypothesis on decisions."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from clock_data import ODD_CHANGES, ZONES
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.contracts import Acceptance, Belief, Boundaries, Move, Opportunity, Permission, UserState
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import LANES, Kind
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.boundaries import DeclineBrake, Limits, Usage, ceiling, ceiling_for, next_allowed
from persona_lab.policies.clock import LocalClock, local_clock
from persona_lab.policies.decision import ACCEPTED, Advisor
from persona_lab.policies.utilities import ACT, SILENT, SUGGEST, choose_move, costs
from persona_lab.randomness import generator

CASES = 100_000
EARLIER = 3


def instants(luck, cases):
    """Half anywhere in 2019 to 2030, half within hours of a change of some zone's clock, some within minutes of it."""
    start = int(datetime(2019, 1, 1, tzinfo=UTC).timestamp())
    moments = start + luck.integers(0, 11 * 365 * 86_400, cases)
    days = start + 86_400 * np.arange(11 * 365)
    switches = []
    for zone in ZONES:
        offset = local_clock(days, zone).day * 86_400 + (local_clock(days, zone).hour * 3600).astype(np.int64) - days
        switches.append(days[1:][np.diff(offset) != 0] - 43_200)
    near = luck.choice(np.concatenate(switches), cases) + luck.integers(-46_800, 46_800, cases)
    close = luck.choice(ODD_CHANGES, cases) + luck.integers(-1_200, 1_200, cases)
    return np.where(luck.random(cases) < 0.5, moments, np.where(luck.random(cases) < 0.3, close, near))


def test_no_boundary_is_crossed_in_100_000_generated_cases():
    luck = generator(20, "test/boundaries")
    n = CASES
    zone = luck.integers(0, len(ZONES), n)
    now = instants(luck, n)
    first, stop = luck.integers(0, 24, n), luck.integers(1, 25, n)
    hour = np.arange(24)[:, None]
    hours = np.where(first < stop, (hour >= first) & (hour < stop), (hour >= first) | (hour < stop))
    days = luck.random((7, n)) < 0.8
    level = luck.integers(0, 3, n).astype(np.int8)
    in_scope, reversible = luck.random(n) < 0.9, luck.random(n) < 0.9
    budget = np.where(luck.random(n) < 0.5, np.inf, luck.integers(0, 4, n))
    cooldown = luck.choice([0, 600, 3600, 90_000], n).astype(np.float64)
    snoozed = np.where(luck.random(n) < 0.2, now + luck.integers(-7200, 7200, n), -np.inf)
    earlier = now[None, :] - luck.integers(0, 2 * 86_400, (EARLIER, n))
    count = luck.integers(0, EARLIER + 1, n)

    def clocks(moments):
        parts = [np.empty(moments.shape, dtype=d) for d in (np.float64, np.int64, np.int64, np.int64)]
        for index, name in enumerate(ZONES):
            for part, found in zip(parts, local_clock(moments[..., zone == index], name), strict=True):
                part[..., zone == index] = found
        return LocalClock(*parts)

    clock = clocks(now)
    happened = np.arange(EARLIER)[:, None] < count
    today = (happened & (clocks(earlier).day == clock.day)).sum(axis=0)
    last = np.where(happened, earlier, -np.inf).max(axis=0)
    limits = Limits(level, in_scope, reversible, hours, days, budget, cooldown, snoozed)
    top = ceiling(limits, clock, now.astype(np.float64), Usage(today, last))
    belief = luck.random(n)
    wish = choose_move(belief, np.minimum(1.0, belief + 0.3), costs(1.0, 0.4, 0.05))
    moves = np.minimum(wish, top.move)

    # An independent reading: the standard library alone, one case at a time.
    places = [ZoneInfo(name) for name in ZONES]
    violations = forbidden = silent_for_nothing = 0
    for i in range(n):
        local = datetime.fromtimestamp(int(now[i]), places[zone[i]])
        begin, end, h = int(first[i]), int(stop[i]), local.hour
        open_hour = begin <= h < end if begin < end else h >= begin or h < end
        past = [int(earlier[k, i]) for k in range(count[i])]
        spent = sum(datetime.fromtimestamp(t, places[zone[i]]).date() == local.date() for t in past)
        quiet = (
            level[i] == 0
            or not in_scope[i]
            or now[i] < snoozed[i]
            or not days[local.weekday(), i]
            or not open_hour
            or spent >= budget[i]
            or (past and now[i] - max(past) < cooldown[i])
        )
        allowed = SILENT if quiet else SUGGEST if level[i] == 1 or not reversible[i] else ACT
        violations += moves[i] > allowed
        silent_for_nothing += top.move[i] < allowed
        forbidden += wish[i] > allowed
    assert violations == 0
    assert silent_for_nothing == 0
    assert forbidden > n // 3, "the cases must tempt the policy"


hour_pairs = st.tuples(st.integers(0, 23), st.integers(1, 24)).filter(lambda pair: pair[0] != pair[1])
moments = st.integers(1_577_836_800, 1_893_456_000).map(lambda s: datetime.fromtimestamp(s, UTC))
boundaries = st.builds(
    Boundaries,
    timezone=st.sampled_from(ZONES),
    permissions=st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(list(Permission))),
    default=st.sampled_from(list(Permission)),
    hours=st.lists(hour_pairs, max_size=2).map(tuple),
    days=st.frozensets(st.integers(0, 6)),
    daily_budget=st.none() | st.integers(0, 3),
    cooldown=st.timedeltas(timedelta(0), timedelta(days=1)),
    snoozed_until=st.none() | moments,
    scope=st.none() | st.frozensets(st.sampled_from(["a", "b"])),
)
opportunities = st.builds(
    Opportunity,
    user_id=st.just("u"),
    context=st.sampled_from(["a", "b"]),
    option=st.just("move to 2 PM"),
    at=moments,
    window=st.timedeltas(timedelta(0), timedelta(hours=6)),
    benefit=st.floats(0.1, 10),
    harm=st.floats(0, 10),
    interruption=st.floats(0, 2),
    need=st.floats(0, 1),
    state=st.sampled_from(list(UserState)),
    reversible=st.booleans(),
)
ORDER = {Move.SILENT: 0, Move.SUGGEST: 1, Move.ACT: 2}


@given(
    st.floats(0, 1),
    st.floats(0, 50),
    opportunities,
    boundaries,
    st.lists(st.timedeltas(timedelta(0), timedelta(2)), max_size=4),
)
@settings(max_examples=300, deadline=None)
def test_a_decision_never_crosses_its_boundaries(probability, evidence, opportunity, stated, ages):
    chances = (probability, 1 - probability)
    belief = Belief("u", opportunity.context, (ACCEPTED, "declined"), chances, evidence, opportunity.at)
    earlier = [opportunity.at - age for age in ages]
    found = Advisor().decide(belief, opportunity, stated, earlier)
    local = opportunity.at.astimezone(ZoneInfo(stated.timezone))
    permission = stated.permissions.get(opportunity.context, stated.default)
    if found.move != Move.SILENT:
        assert permission != Permission.NEVER
        assert local.weekday() in stated.days
        assert any(a <= local.hour < b if a < b else local.hour >= a or local.hour < b for a, b in stated.hours)
        assert stated.scope is None or opportunity.context in stated.scope
        assert stated.snoozed_until is None or opportunity.at >= stated.snoozed_until
        assert all(opportunity.at - time >= stated.cooldown for time in earlier)
        if stated.daily_budget is not None:
            spent = sum(t.astimezone(local.tzinfo).date() == local.date() for t in earlier)
            assert spent < stated.daily_budget
    if found.move == Move.ACT:
        assert permission == Permission.MAY
        assert opportunity.reversible
    assert len(found.reason) > 20
    assert len(found.undo) > 20
    assert "{" not in found.reason + found.undo


@given(st.lists(st.sampled_from([Kind.ACCEPTED, Kind.DECLINED, Kind.SILENT]), max_size=12), opportunities)
@settings(max_examples=60, deadline=None)
def test_without_boundaries_one_decision_is_the_lab_rule_with_one_stream(kinds, opportunity):
    policy = AdaptiveBayes()
    state = policy.init(LANES)
    for kind in kinds:
        state = policy.update(state, np.full(LANES, SUGGEST, np.int8), np.full(LANES, kind, np.int8))
    belief = policy.acceptance(state, np.zeros(LANES))
    one = Acceptance(belief.mean[:1], belief.optimistic[:1], belief.evidence[:1])
    certain = replace(opportunity, need=1.0, state=UserState.FREE, reversible=True)
    found = Advisor().advise(one, certain, Boundaries(default=Permission.MAY))
    given_costs = costs(certain.benefit, certain.harm, certain.interruption)
    assert ORDER[found.move] == policy.decide(state, given_costs, np.zeros(LANES))[0]


@given(opportunities, boundaries, st.integers(0, 2))
@settings(max_examples=100, deadline=None)
def test_learnt_boundaries_only_lower_the_stated_ones(opportunity, stated, lowered):
    plain = ceiling_for(opportunity, stated).move[0]
    assert ceiling_for(opportunity, stated, lowered=lowered).move[0] <= plain


@given(
    opportunities,
    boundaries,
    st.lists(st.timedeltas(timedelta(hours=-6), timedelta(1)), max_size=3),
    st.lists(st.floats(0, 1), min_size=8, max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_next_allowed_is_the_first_allowed_moment_of_the_window(opportunity, stated, ages, shares):
    earlier = [opportunity.at - age for age in ages]

    def allowed(at):
        return ceiling_for(Opportunity("u", opportunity.context, "x", at, timedelta(0)), stated, earlier).move[0]

    later = next_allowed(opportunity, stated, earlier)
    stop = opportunity.at + opportunity.window if later is None else later
    assert opportunity.at <= stop <= opportunity.at + opportunity.window
    if later is not None:
        assert allowed(later) > SILENT
    # Nothing before it: anywhere in between, and just before it (exact to the second).
    before = [opportunity.at + share * (stop - opportunity.at) for share in shares]
    if later is not None and later - opportunity.at > timedelta(seconds=1):
        before.append(later - timedelta(seconds=1.001))
    for at in before:
        # Found to the second where a cooldown or a snooze ends at a fraction of one.
        if at < stop - (timedelta(seconds=1) if later is not None else timedelta(0)):
            assert allowed(at) == SILENT, at


def test_next_allowed_is_exact_where_a_cooldown_a_snooze_or_an_hour_ends():
    at = datetime(2026, 3, 2, 8, 7, 31, tzinfo=UTC)
    chance = Opportunity("u", "a", "x", at, timedelta(hours=4))
    cooling = Boundaries(cooldown=timedelta(minutes=50))
    assert next_allowed(chance, cooling, [at - timedelta(minutes=3)]) == at + timedelta(minutes=47)
    snoozed = Boundaries(snoozed_until=at + timedelta(seconds=77))
    assert next_allowed(chance, snoozed) == at + timedelta(seconds=77)
    kolkata = Boundaries("Asia/Kolkata", hours=((15, 16),))
    assert next_allowed(chance, kolkata) == datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
    # 29 March 2026: two to three does not exist in Berlin; 25 October it comes twice.
    night = Boundaries("Europe/Berlin", hours=((2, 3),))
    spring = Opportunity("u", "a", "x", datetime(2026, 3, 29, 0, tzinfo=UTC), timedelta(hours=5))
    assert next_allowed(spring, night) is None
    autumn = replace(spring, at=datetime(2026, 10, 25, 0, 59, tzinfo=UTC))
    assert next_allowed(autumn, night) == autumn.at
    assert next_allowed(replace(autumn, at=datetime(2026, 10, 24, 23, 30, tzinfo=UTC)), night).hour == 0


def test_an_unknown_state_is_refused_with_the_known_ones():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    belief = Belief("u", "a", (ACCEPTED, "declined"), (0.99, 0.01), 60.0, at)
    with pytest.raises(InputError, match=r"no known kind.*'free', 'meeting', 'focus'"):
        Advisor().decide(belief, Opportunity("u", "a", "x", at, timedelta(0), state="asleep"), Boundaries())
    said = Advisor().decide(belief, Opportunity("u", "a", "x", at, timedelta(0), state="meeting"), Boundaries())
    assert said.move == Move.SUGGEST


def test_repeated_declines_lower_the_level_and_time_gives_it_back():
    brake = DeclineBrake(declines=3, accepts=2, rest=10)
    state = brake.init(2)

    def answer(state, kind, times):
        for _ in range(times):
            state = brake.update(state, np.array([kind, Kind.ACCEPTED]))
        return state

    assert answer(state, Kind.DECLINED, 2).lowered[0] == 0
    once = answer(state, Kind.DECLINED, 3)
    assert once.lowered.tolist() == [1, 0]
    assert answer(once, Kind.DECLINED, 6).lowered[0] == 2
    assert answer(once, Kind.ACCEPTED, 2).lowered[0] == 0
    assert answer(once, Kind.SILENT, 9).lowered[0] == 1
    assert answer(once, Kind.SILENT, 10).lowered[0] == 0


def test_reasons_name_the_boundary_and_when_it_opens_again():
    belief = Belief(
        "u", "meeting_reschedule", ("accepted", "declined"), (0.97, 0.03), 60.0, datetime(2026, 3, 1, tzinfo=UTC)
    )
    berlin = Boundaries("Europe/Berlin", {"meeting_reschedule": Permission.MAY}, hours=((9, 17),))
    # 29 March 2026, 07:30 in Berlin, on the morning after the clocks went forward.
    at = datetime(2026, 3, 29, 5, 30, tzinfo=UTC)
    chance = Opportunity("u", "meeting_reschedule", "move to 2 PM", at, timedelta(hours=3))
    early = Advisor().decide(belief, chance, berlin)
    assert early.move == Move.SILENT
    assert "no suggestions at this hour" in early.reason
    assert "Allowed again at 09:00" in early.reason
    on_time = Opportunity("u", "meeting_reschedule", "move to 2 PM", at + timedelta(hours=3), timedelta(0))
    acting = Advisor().decide(belief, on_time, berlin)
    assert acting.move == Move.ACT
    assert "reverted" in acting.undo
    asking = Advisor().decide(belief, on_time, Boundaries("Europe/Berlin"))
    assert asking.move == Move.SUGGEST
    assert "asked first" in asking.reason
    permanent = Opportunity("u", "meeting_reschedule", "delete", on_time.at, timedelta(0), reversible=False)
    assert Advisor().decide(belief, permanent, berlin).move == Move.SUGGEST
    focus = Opportunity(
        "u", "meeting_reschedule", "x", on_time.at, timedelta(0), interruption=0.3, harm=90, state=UserState.FOCUS
    )
    assert Advisor().decide(belief, focus, berlin).move == Move.SILENT


def test_bad_boundaries_are_refused():
    chance = Opportunity("u", "a", "x", datetime(2026, 1, 1, tzinfo=UTC), timedelta(0))
    for wrong in (Boundaries(hours=((9, 25),)), Boundaries(days=frozenset({7})), Boundaries(daily_budget=-1)):
        with pytest.raises(ConfigurationError):
            ceiling_for(chance, wrong)
    with pytest.raises(InputError, match="unknown time zone"):
        ceiling_for(chance, Boundaries("Mars/Olympus"))
    with pytest.raises(InputError, match="without a zone"):
        ceiling_for(Opportunity("u", "a", "x", chance.at.replace(tzinfo=None), timedelta(0)), Boundaries())


@pytest.mark.parametrize(
    "wrong",
    [
        Boundaries(hours=((9, 9),)),
        Boundaries(hours=((9.5, 17),)),
        Boundaries(daily_budget=float("nan")),
        Boundaries(cooldown=timedelta(hours=-1)),
        Boundaries(cooldown=60),
        Boundaries(daily_budget="3"),
        Boundaries(days=frozenset({1.0})),
        Boundaries(hours=((9, 12, 17),)),
        Boundaries(scope="ab"),
        Boundaries(permissions={"a": "always"}),
        Boundaries(snoozed_until=datetime(2027, 1, 1)),  # noqa: DTZ001 - a time without a zone is the point
        Boundaries("a" * 300),
        Boundaries(None),
    ],
)
def test_a_boundary_that_cannot_be_read_is_refused_and_never_read_as_consent(wrong):
    chance = Opportunity("u", "a", "x", datetime(2026, 1, 1, tzinfo=UTC), timedelta(0))
    with pytest.raises((ConfigurationError, InputError)):
        ceiling_for(chance, wrong)


def test_what_is_learnt_never_raises_what_was_stated_and_gives_its_own_reason():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    chance = Opportunity("u", "a", "x", at, timedelta(hours=1))
    belief = Belief("u", "a", (ACCEPTED, "declined"), (0.99, 0.01), 60.0, at)
    with pytest.raises(ConfigurationError, match="only lowers"):
        ceiling_for(chance, Boundaries(), lowered=-1)
    quiet = Advisor().decide(belief, chance, Boundaries(), lowered=1)
    assert quiet.move == Move.SILENT
    assert "you declined help with a repeatedly" in quiet.reason
    asked = Advisor().decide(belief, chance, Boundaries(permissions={"a": Permission.MAY}), lowered=1)
    assert asked.move == Move.SUGGEST
    assert "asked first for a while" in asked.reason
    stated = Advisor().decide(belief, chance, Boundaries(default=Permission.NEVER), lowered=1)
    assert "you never want" in stated.reason


@pytest.mark.parametrize(
    "wrong",
    [
        {"benefit": 0.0},
        {"benefit": -1.0},
        {"harm": float("nan")},
        {"harm": -1.0},
        {"interruption": float("inf")},
        {"need": 1.5},
        {"need": float("nan")},
        {"window": timedelta(minutes=-1)},
    ],
)
def test_what_cannot_be_weighed_is_refused(wrong):
    at = datetime(2026, 1, 1, tzinfo=UTC)
    chance = Opportunity("u", "a", "x", at, wrong.pop("window", timedelta(0)), **wrong)
    belief = Belief("u", "a", (ACCEPTED, "declined"), (0.99, 0.01), 60.0, at)
    with pytest.raises(InputError):
        Advisor().decide(belief, chance, Boundaries())


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"context": "b"}, "something else"),
        ({"user_id": "v"}, "something else"),
        ({"probabilities": ()}, "a probability per option"),
        ({"evidence": -1.0}, "no count"),
        ({"evidence": float("inf")}, "no count"),
        ({"evidence": float("nan")}, "no count"),
    ],
)
def test_a_belief_that_does_not_bear_on_the_opportunity_is_refused(wrong, says):
    belief = Belief("u", "a", (ACCEPTED, "declined"), (0.99, 0.01), 60.0, datetime(2026, 1, 1, tzinfo=UTC))
    chance = Opportunity("u", "a", "x", belief.as_of, timedelta(0))
    assert Advisor().decide(belief, chance, Boundaries()).move == Move.SUGGEST
    with pytest.raises(InputError, match=says):
        Advisor().decide(replace(belief, **wrong), chance, Boundaries())
