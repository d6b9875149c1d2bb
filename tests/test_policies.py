"""Policies over streams: contracts, confidence, risk, choices, goals, teams."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.contracts import Boundaries, Move, Permission
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import LANES, Kind
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.baselines import Fixed
from persona_lab.policies.calibrators import Calibrated, Calibrator, fit_beta, fit_isotonic
from persona_lab.policies.choices import ChoicePredictor, PastDecision
from persona_lab.policies.confidence import confidence
from persona_lab.policies.curious import Curious
from persona_lab.policies.expected_utility import DiscountedBeta, normal_quantile
from persona_lab.policies.goals import Goal, emerging, need, ordered, urgency
from persona_lab.policies.population import PopulationTolerance, Redrawing, Toggling
from persona_lab.policies.risk import RiskControlled
from persona_lab.policies.teams import Member, TeamTrends, common_hours
from persona_lab.policies.thresholds import ApprovalRule
from persona_lab.policies.told_bayes import ToldBayes
from persona_lab.policies.utilities import ACT, SUGGEST, costs
from persona_lab.randomness import generator, uniforms
from persona_lab.simulate.opportunities import COST_SETTINGS, AcceptanceWorld, play
from persona_lab.simulate.opportunity_limits import bounded_clairvoyant

POLICIES = [
    Fixed(Move.ACT),
    ApprovalRule("three_way"),
    ApprovalRule("else_silent", window=10, wilson=True),
    DiscountedBeta(),
    DiscountedBeta(explore="quantile"),
    DiscountedBeta(explore="thompson"),
    ToldBayes((0.05, 0.85), (0.5, 0.5), 0.01, "toggle"),
    ToldBayes((0.2, 0.5, 0.8), (0.3, 0.3, 0.4), 0.01, "redraw", "thompson"),
    AdaptiveBayes(),
    Calibrated(DiscountedBeta(), Calibrator((0.0, 0.5, 1.0), (0.1, 0.6, 0.9))),
    RiskControlled(DiscountedBeta(), alpha=0.1),
    RiskControlled(),
    SHIPPED_BELIEF,
    PopulationTolerance(hedge=1.0),
    Curious(DiscountedBeta(), DiscountedBeta(explore="quantile")),
]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def kinds_for(moves, seed, step, streams):
    draw = uniforms(seed, "test/answers", steps=(step, step + 1), streams=(0, streams))[0]
    answers = np.where(draw < 0.5, Kind.ACCEPTED, np.where(draw < 0.8, Kind.DECLINED, Kind.SILENT))
    return np.where(moves == 0, Kind.SILENT, answers).astype(np.int8)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: type(policy).__name__)
def test_policy_contract(policy):
    """Moves are legal, beliefs are probabilities, update is pure, a batch equals its streams, streams do not mix."""
    given_costs, streams = costs(1.0, 2.0, 0.3), LANES
    state, lone = policy.init(streams), policy.init(streams)
    for step in range(25):
        luck = uniforms(5, "test/luck", steps=(step, step + 1), streams=(0, streams))[0].astype(np.float64)
        moves = policy.decide(state, given_costs, luck)
        belief = policy.acceptance(state, luck)
        assert set(np.unique(moves)) <= {0, 1, 2}
        assert moves.dtype == np.int8
        assert ((belief.mean >= 0) & (belief.mean <= 1)).all()
        assert ((belief.optimistic >= 0) & (belief.optimistic <= 1)).all()
        assert (belief.evidence >= 0).all()
        kinds = kinds_for(moves, 5, step, streams)
        before = np.asarray(belief.mean).copy()
        after = policy.update(state, moves, kinds)
        np.testing.assert_array_equal(policy.acceptance(state, luck).mean, before)
        # Stream 3 alone, in its own padded block.
        alone_luck, alone_kinds = np.full(streams, luck[3]), np.full(streams, kinds[3])
        alone_moves = policy.decide(lone, given_costs, alone_luck)
        assert alone_moves[0] == moves[3]
        lone = policy.update(lone, alone_moves, alone_kinds)
        state = after
    luck = np.full(streams, 0.3)
    assert policy.acceptance(lone, luck).mean[0] == policy.acceptance(state, luck).mean[3]


@pytest.mark.parametrize("policy", [p for p in POLICIES if not isinstance(p, Fixed)], ids=lambda p: type(p).__name__)
def test_acceptance_moves_with_the_answers(policy):
    def after(kind):
        state = policy.init(LANES)
        for _ in range(10):
            state = policy.update(state, np.full(LANES, SUGGEST, np.int8), np.full(LANES, kind, np.int8))
        return policy.acceptance(state, np.full(LANES, 0.5)).mean[0]

    assert after(Kind.ACCEPTED) > 0.7 > 0.4 > after(Kind.DECLINED)


def test_adaptive_weights_add_up_and_silence_returns_it_to_asking():
    policy = AdaptiveBayes()
    state = policy.init(LANES)
    for _ in range(8):
        state = policy.update(state, np.full(LANES, SUGGEST, np.int8), np.full(LANES, Kind.DECLINED, np.int8))
    total = state.redraw.sum(axis=0) + state.habits.sum(axis=0)
    np.testing.assert_allclose(total, 1.0, atol=1e-12)
    given_costs = costs(1.0, 2.0, 0.3)
    assert (policy.decide(state, given_costs, np.zeros(LANES)) == 0).all()
    quiet = np.zeros(LANES, np.int8)
    for _ in range(200):
        state = policy.update(state, quiet, quiet)
    assert (policy.decide(state, given_costs, np.zeros(LANES)) == SUGGEST).all()


def test_adaptive_filter_equals_enumeration():
    """Three answers, two levels, one hazard: the belief equals Bayes over all hidden paths."""
    policy = AdaptiveBayes(
        levels=2, extremes=1.0, hazards=(0.1,), hazard_prior=(1.0,), own_share=0.0, habits_prior=0.0, habit_gap=0.4
    )
    answers = [Kind.ACCEPTED, Kind.DECLINED, Kind.DECLINED]
    state = policy.init(LANES)
    for kind in answers:
        state = policy.update(state, np.full(LANES, SUGGEST, np.int8), np.full(LANES, kind, np.int8))
    levels = (0.25, 0.75)
    top = bottom = 0.0
    for a in levels:
        for b in levels:
            for c in levels:
                for d in levels:
                    move = 0.5
                    for x, y in ((a, b), (b, c), (c, d)):
                        move *= 0.9 * (x == y) + 0.1 * 0.5
                    weight = move * a * (1 - b) * (1 - c)
                    top += weight * d
                    bottom += weight
    assert policy.acceptance(state, np.zeros(LANES)).mean[0] == pytest.approx(top / bottom, abs=1e-12)


def test_risk_is_controlled_for_a_careless_policy():
    # A policy that always wants to act: the account alone must hold the promise, whatever the belief is worth.
    alpha, steps, people = 0.1, 600, 128
    policy = RiskControlled(Fixed(Move.ACT), alpha=alpha, allowance=1.0)
    seen = play(
        policy, AcceptanceWorld("two_state", 0.01, answer_rate=1.0), costs(), seed=8, people=people, steps=steps
    )
    unwanted = ((seen.move == ACT) & ~seen.wanted).mean(axis=0)
    assert unwanted.max() <= alpha + 2.0 / steps
    assert (seen.move == ACT).mean() > alpha


def test_bounded_clairvoyant_by_hand():
    tolerance = np.array([[0.9], [0.9], [0.95], [0.1]])
    given_costs = costs(1.0, 1.0, 0.3)
    # Unwanted: .05 + .1 + .1 over 4; at alpha .0375 the budget is .15: all of .95 and one of the two .9.
    held = bounded_clairvoyant(tolerance, given_costs, 0.0375)
    assert held.acts[0] == pytest.approx(2 / 4)
    # Acts at .95 and one .9 are worth .9 and .8, a suggestion at the other .9 is worth .6, and .1 is left alone.
    assert held.utility[0] == pytest.approx((0.9 + 0.8 + 0.6) / 4)
    free = bounded_clairvoyant(tolerance, given_costs, 1.0)
    assert free.acts[0] == pytest.approx(3 / 4)
    assert free.most_acts[0] == pytest.approx(1.0)


def test_normal_quantile():
    np.testing.assert_allclose(
        normal_quantile(np.array([0.5, 0.9, 0.975, 0.025])), [0, 1.281552, 1.959964, -1.959964], atol=5e-4
    )


def test_confidence_says_count_interval_and_permission():
    kinds = [Kind.ACCEPTED] * 4 + [Kind.DECLINED] + [Kind.SILENT]
    found = confidence(kinds * 5, what="proactive meeting reschedules", permission=Permission.ASK)
    assert found.text.startswith(("High confidence: accepts 80%", "Moderate confidence: accepts 80%"))
    assert "20 of 25 answers" in found.text
    assert "asked first" in found.text
    assert found.low < found.value < found.high
    assert confidence([Kind.ACCEPTED] * 4, what="nudges").value is None
    refused = confidence(kinds * 5, what="nudges", permission=Permission.NEVER)
    assert "must not be used" in refused.text


@pytest.mark.parametrize("fit", [fit_isotonic, fit_beta])
def test_calibrators_mend_a_distorted_forecast(fit):
    luck = generator(3, "test/calibration")
    truth = luck.random(6000)
    happened = luck.random(6000) < truth
    stated = truth**2
    repaired = fit(stated[:3000], happened[:3000])(stated[3000:])
    assert np.abs(repaired - truth[3000:]).mean() < 0.04
    assert np.abs(stated[3000:] - truth[3000:]).mean() > 0.15


def test_calibrator_refuses_nonsense():
    with pytest.raises(ConfigurationError, match="ascending"):
        Calibrator((0.0, 1.0), (0.9, 0.1))
    with pytest.raises(InputError, match="forecasts"):
        fit_isotonic(np.array([]), np.array([]))


def decided(chosen, alternatives, days):
    return PastDecision(chosen, alternatives, NOW - timedelta(days=days), f"e{days}")


def test_choice_prediction_uses_what_was_on_offer_and_forgets():
    history = [decided("morning", ("morning", "evening"), d) for d in range(1, 9)]
    history += [decided("noon", ("noon", "evening"), d) for d in range(20, 23)]
    found = ChoicePredictor().predict(history, ("morning", "evening"), as_of=NOW)
    assert found.probabilities["morning"] > 0.85
    assert sum(found.probabilities.values()) == pytest.approx(1.0)
    assert found.event_ids == tuple(f"e{d}" for d in (22, 21, 20, 8, 7, 6, 5, 4, 3, 2, 1))
    changed = [decided("evening", ("morning", "evening"), d) for d in range(1, 6)]
    older = [decided("morning", ("morning", "evening"), d) for d in range(300, 330)]
    later = ChoicePredictor(half_life_days=30).predict(changed + older, ("morning", "evening"), as_of=NOW)
    assert later.probabilities["evening"] > 0.8


def test_choice_prediction_says_when_it_knows_nothing():
    found = ChoicePredictor().predict([decided("tea", ("tea", "coffee"), 2)], ("bus", "train"), as_of=NOW)
    assert found.probabilities is None
    assert "Not enough evidence" in found.reason
    future = [PastDecision("bus", ("bus", "train"), NOW + timedelta(days=1))]
    assert ChoicePredictor().predict(future, ("bus", "train"), as_of=NOW).probabilities is None
    with pytest.raises(InputError, match="two alternatives"):
        ChoicePredictor().predict([], ("bus",), as_of=NOW)
    with pytest.raises(InputError, match="without a zone"):
        ChoicePredictor().predict(
            [PastDecision("a", ("a", "b"), NOW.replace(tzinfo=None))], ("bus", "train"), as_of=NOW
        )


@given(st.floats(0, 1), st.lists(st.tuples(st.floats(0, 1), st.floats(-5, 20)), max_size=4))
@settings(max_examples=50, deadline=None)
def test_goals_only_raise_need(base, drawn):
    goals = [Goal(f"g{i}", "x", NOW + timedelta(days=d), importance=w) for i, (w, d) in enumerate(drawn)]
    raised = need(base, goals, "x", NOW)
    assert base - 1e-12 <= raised <= 1.0
    assert need(base, goals, "other", NOW) == pytest.approx(base)
    pressing = [goal.importance * urgency(goal, NOW) for goal in ordered(goals, NOW)]
    assert pressing == sorted(pressing, reverse=True)


def test_a_goal_that_was_missed_fades_and_bad_goals_are_refused():
    goal = Goal("slides", "x", NOW, work=2.0)
    assert urgency(goal, NOW - timedelta(days=1)) == 1.0
    assert urgency(goal, NOW) == 1.0
    fading = [urgency(goal, NOW + timedelta(days=d)) for d in (0, 1, 7, 14, 365)]
    assert fading == sorted(fading, reverse=True)
    assert fading[2] == pytest.approx(np.exp(-1))
    assert fading[-1] == urgency(Goal("some day", "x"), NOW)
    with pytest.raises(InputError, match="without a zone"):
        Goal("slides", "x", NOW.replace(tzinfo=None))
    with pytest.raises(ConfigurationError, match="work"):
        Goal("slides", "x", work=float("nan"))
    with pytest.raises(InputError, match="no probability"):
        need(1.5, [], "x", NOW)


def test_nothing_emerges_from_time_nobody_watched():
    """Twenty days of a steady habit, and nothing before because nobody looked, are no rise."""
    fresh = {"reports": [NOW - timedelta(days=d) for d in range(20)]}
    assert emerging(fresh, as_of=NOW) == ()
    assert emerging({"reports": fresh["reports"][:10]}, as_of=NOW) == ()
    assert emerging({}, as_of=NOW) == ()
    assert emerging({"reports": []}, as_of=NOW) == ()
    # Said to have been watched for ten weeks, the same events are a rise.
    watched = emerging(fresh, as_of=NOW, since=NOW - timedelta(weeks=10))
    assert [one.topic for one in watched] == ["reports"]
    with pytest.raises(ConfigurationError, match="positive"):
        emerging(fresh, as_of=NOW, recent_days=0)


def test_emerging_topics_are_found_and_steady_ones_are_not():
    steady = [NOW - timedelta(days=d) for d in range(70)]
    rising = [NOW - timedelta(days=d / 2) for d in range(20)]
    found = emerging({"reports": steady, "thesis": rising}, as_of=NOW)
    assert [one.topic for one in found] == ["thesis"]
    assert found[0].recent == 20
    assert found[0].ratio > 5


def test_team_trend_keeps_everyones_boundaries():
    allowed = Boundaries(permissions={"team_trends": Permission.MAY})
    refused = Boundaries(permissions={"team_trends": Permission.NEVER})
    busy = [NOW - timedelta(days=d / 2) for d in range(28)] + [NOW - timedelta(days=d) for d in range(15, 55)]
    quiet = [NOW - timedelta(days=d) for d in range(55)]
    team = {"a": Member(busy, allowed), "b": Member(busy, allowed), "c": Member(quiet, refused)}
    few = TeamTrends().trend(team, as_of=NOW)
    assert few.ratio is None
    assert "2 of 3 members allow it" in few.log_ratio.reason
    team |= {"d": Member(busy, allowed)}
    found = TeamTrends().trend(team, as_of=NOW)
    alone = TeamTrends().trend({k: v for k, v in team.items() if k != "c"}, as_of=NOW)
    assert found.counted == 3
    assert found.ratio == alone.ratio
    assert found.ratio == pytest.approx(2.0, rel=0.1)
    assert TeamTrends().allows(allowed, NOW)
    snoozed = replace(allowed, snoozed_until=NOW + timedelta(days=1))
    elsewhere = replace(allowed, scope=frozenset({"meetings"}))
    # Wanting to be asked is no consent: nobody asked.
    for one in (snoozed, elsewhere, Boundaries(), refused):
        assert not TeamTrends().allows(one, NOW)


def test_team_trend_refuses_to_show_one_person_among_idle_ones():
    allowed = Boundaries(permissions={"team_trends": Permission.MAY})
    busy = [NOW - timedelta(days=d) for d in range(50)]
    team = {"a": Member(busy, allowed), "b": Member((), allowed), "c": Member((), allowed)}
    found = TeamTrends().trend(team, as_of=NOW)
    assert found.ratio is None
    assert found.counted == 3
    assert "1 of 3 members counted have events" in found.log_ratio.reason


def test_common_hours_cross_time_zones():
    office = ((9, 17),)
    berlin, york = Boundaries("Europe/Berlin", hours=office), Boundaries("America/New_York", hours=office)
    hours = common_hours([berlin, york], start=datetime(2026, 1, 14, 0, tzinfo=UTC), hours=24)
    assert hours == (14, 15)
    # Nine to ten in Kolkata is 03:30 to 04:30 UTC: no full hour of UTC lies inside.
    kolkata = Boundaries("Asia/Kolkata", hours=((9, 10),))
    assert common_hours([kolkata], start=datetime(2026, 1, 14, 0, tzinfo=UTC), hours=24) == ()
    wider = Boundaries("Asia/Kolkata", hours=((9, 11),))
    assert common_hours([wider], start=datetime(2026, 1, 14, 0, tzinfo=UTC), hours=24) == (4,)
    with pytest.raises(InputError, match="need members"):
        common_hours([], start=NOW, hours=24)


def test_people_who_never_accept_are_left_alone():
    world = AcceptanceWorld("two_state", 0.0, low=0.02, high=0.02)
    seen = play(AdaptiveBayes(), world, COST_SETTINGS[2].costs, seed=4, people=64, steps=300)
    assert (seen.move[100:] != 0).mean() < 0.08
    assert (seen.move == ACT).sum() == 0


@pytest.mark.parametrize(
    ("kinds", "told"),
    [
        ({"toggling": (Toggling(0.05, 0.85, 0.02, 3.0),)}, ToldBayes((0.05, 0.85), (0.5, 0.5), 0.02, "toggle")),
        (
            {"redrawing": (Redrawing(1.0, 0.02, 0.2),)},
            ToldBayes(tuple((k + 0.5) / 20 for k in range(20)), (0.05,) * 20, 0.02, "redraw"),
        ),
    ],
)
def test_with_one_kind_of_people_it_is_the_filter_told_that_kind(kinds, told):
    ours, state, other = PopulationTolerance(**kinds, hedge=0.0, chance=0.1), None, told.init(LANES)
    state = ours.init(LANES)
    for step in range(40):
        seen, expected = ours.acceptance(state, np.zeros(LANES)), told.acceptance(other, np.zeros(LANES))
        np.testing.assert_allclose(seen.mean, expected.mean, atol=1e-12)
        np.testing.assert_allclose(seen.optimistic, expected.optimistic)
        np.testing.assert_allclose(seen.evidence, expected.evidence)
        answer = kinds_for(np.ones(LANES), 3, step, LANES)
        state, other = ours.update(state, answer, answer), told.update(other, answer, answer)
    np.testing.assert_allclose(ours.kinds(state), 1.0)


def test_a_prior_of_other_people_yields_to_the_person_and_refuses_nonsense():
    state = SHIPPED_BELIEF.init(LANES)
    answers = np.where(np.arange(300)[:, np.newaxis] % 2 == 0, Kind.ACCEPTED, Kind.DECLINED)
    for answer in np.broadcast_to(answers, (300, LANES)).astype(np.int8):
        state = SHIPPED_BELIEF.update(state, answer, answer)
    # Nobody in the prior accepts every other time; a person who does is believed all the same.
    assert SHIPPED_BELIEF.acceptance(state, np.zeros(LANES)).mean[0] == pytest.approx(0.5, abs=0.06)
    for wrong in (
        {"hedge": 0.0},
        {"hedge": 1.5},
        {"toggling": (Toggling(0.9, 0.1, 0.0, 1.0),)},
        {"toggling": (Toggling(0.1, 0.9, 1.0, 1.0),)},
        {"redrawing": (Redrawing(0.0, 0.0, 1.0),)},
        {"redrawing": (Redrawing(1.0, 0.0, float("nan")),)},
    ):
        with pytest.raises(ConfigurationError):
            PopulationTolerance(**wrong)


def test_curious_states_by_one_belief_and_asks_by_the_other():
    luck = np.zeros(LANES)
    policy = Curious(SHIPPED_BELIEF, AdaptiveBayes())
    state = policy.init(LANES)
    for answer in (Kind.DECLINED,) * 6:
        both = np.full(LANES, answer, np.int8)
        state = policy.update(state, both, both)
    seen = policy.acceptance(state, luck)
    np.testing.assert_array_equal(seen.mean, SHIPPED_BELIEF.acceptance(state.states, luck).mean)
    np.testing.assert_array_equal(seen.optimistic, AdaptiveBayes().acceptance(state.explores, luck).optimistic)
