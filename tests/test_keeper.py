"""The keeper of learnt boundaries: pure, replayable, and never above what the person stated."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.contracts import Boundaries, Move, Opportunity, Permission
from persona_lab.errors import InputError
from persona_lab.events import IngestRequest
from persona_lab.feedback import LANES, Kind
from persona_lab.policies.boundaries import LEVEL, DeclineBrake
from persona_lab.policies.expected_utility import DiscountedBeta
from persona_lab.policies.keeper import Entry, ProposalKeeper, answers_of
from persona_lab.policies.utilities import MOVES

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CONTEXTS = ("meetings", "tasks")
CHEAP = ProposalKeeper(policy=DiscountedBeta(explore="quantile"))


def moment(hours):
    return NOW + timedelta(hours=hours)


def answered(kinds, context="meetings", move=Move.SUGGEST, start=0):
    """Return a log in which every proposal is answered within the hour."""
    log = []
    for place, kind in enumerate(kinds):
        log += [
            Entry(context, moment(start + 2 * place), move=move),
            Entry(context, moment(start + 2 * place + 1), kind=kind),
        ]
    return log


def chance(hours, context="meetings", **changes):
    return Opportunity("u", context, "x", moment(hours), timedelta(hours=1), **{"harm": 0.3, **changes})


def may(**changes):
    return Boundaries(permissions=dict.fromkeys(CONTEXTS, Permission.MAY), **changes)


entries = st.lists(
    st.tuples(
        st.sampled_from(CONTEXTS),
        st.integers(0, 400),
        st.one_of(
            st.tuples(st.sampled_from(list(Move)), st.none()),
            st.tuples(st.none(), st.sampled_from(list(Kind))),
            st.tuples(st.none(), st.none()),
        ),
    ),
    max_size=40,
).map(lambda drawn: [Entry(context, moment(hours), *what) for context, hours, what in drawn])


@given(entries, st.sampled_from(CONTEXTS), st.sampled_from(list(Permission)), st.floats(0.0, 1.0))
@settings(max_examples=150, deadline=None)
def test_whatever_was_learnt_nothing_stated_is_exceeded(log, context, permission, harm):
    kept = CHEAP.replay(log)
    stated = Boundaries(permissions={context: permission})
    decision = CHEAP.decide(kept, chance(500, context, harm=harm), stated)
    level = LEVEL[permission]
    assert MOVES.index(decision.move) <= max(0, level - CHEAP.lowered(kept, context)) <= level
    # Only declines lower: the same log with every decline accepted leaves the stated level as it is.
    kind = {Kind.DECLINED: Kind.ACCEPTED, Kind.CORRECTED: Kind.ACCEPTED}
    glad = [entry._replace(kind=kind.get(entry.kind, entry.kind)) for entry in log]
    assert CHEAP.lowered(CHEAP.replay(glad), context) == 0


@given(entries, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_state_is_a_function_of_the_log(log, shuffle):
    stepped = CHEAP.init()
    ordered = sorted(log, key=lambda entry: entry.at)
    for entry in ordered:
        before = (stepped.proposed, dict(stepped.contexts), stepped.latest)
        after = CHEAP.record(stepped, entry)
        assert (stepped.proposed, dict(stepped.contexts), stepped.latest) == before
        stepped = after
    # Entries of one moment keep their order of arrival; moments may arrive in any order.
    moments = sorted({entry.at for entry in log})
    shuffle.shuffle(moments)
    mixed = [entry for at in moments for entry in ordered if entry.at == at]
    for kept in (CHEAP.replay(log), CHEAP.replay(mixed)):
        assert kept.proposed == stepped.proposed
        for context, here in stepped.contexts.items():
            assert kept.contexts[context].answers == here.answers
            assert kept.contexts[context].open == here.open
            for part in ("belief", "brake"):
                for one, other in zip(getattr(kept.contexts[context], part), getattr(here, part), strict=True):
                    np.testing.assert_array_equal(one, other)


def test_repeated_declines_lower_the_level_and_acceptance_or_time_gives_it_back():
    keeper = ProposalKeeper(brake=DeclineBrake(declines=3, accepts=2, rest=5))
    no, yes = Kind.DECLINED, Kind.ACCEPTED
    log = answered([yes] * 12 + [no] * 3)
    kept = keeper.replay(log)
    assert keeper.lowered(kept, "meetings") == 1
    assert keeper.lowered(kept, "tasks") == 0
    decision = keeper.decide(kept, chance(100, harm=0.05, benefit=9.0), may())
    assert decision.move == Move.SUGGEST
    assert "repeatedly, so you are asked first" in decision.reason
    assert keeper.decide(keeper.replay(log[:24]), chance(100, harm=0.05, benefit=9.0), may()).move == Move.ACT

    twice = keeper.replay(log + answered([no] * 3, start=40))
    assert keeper.lowered(twice, "meetings") == 2
    quiet = keeper.decide(twice, chance(100, harm=0.05, benefit=9.0), may())
    assert quiet.move == Move.SILENT
    assert "left alone for a while" in quiet.reason

    passed = [Entry("meetings", moment(60 + h), move=Move.SILENT) for h in range(5)]
    assert keeper.lowered(keeper.replay(log + answered([no] * 3, start=40) + passed), "meetings") == 1
    assert keeper.lowered(keeper.replay(log + answered([yes] * 2, start=40)), "meetings") == 0


def test_the_keeper_brakes_as_the_array_rule_does():
    brake, state = DeclineBrake(), DeclineBrake().init(LANES)
    kinds = [Kind.DECLINED] * 9 + [Kind.SILENT] * 60 + [Kind.DECLINED] * 4 + [Kind.ACCEPTED]
    kept = CHEAP.init()
    for entry, kind in zip(answered(kinds)[1::2], kinds, strict=True):
        kept = CHEAP.record(kept, entry)
        state = brake.update(state, np.full(LANES, kind, np.int8))
        assert CHEAP.lowered(kept, "meetings") == state.lowered[0]


def test_a_new_statement_clears_what_was_learnt_but_not_the_belief():
    log = answered([Kind.DECLINED] * 8)
    before, after = CHEAP.replay(log), CHEAP.replay([*log, Entry("meetings", moment(20))])
    assert (CHEAP.lowered(before, "meetings"), CHEAP.lowered(after, "meetings")) == (2, 0)
    assert CHEAP.acceptance(after, "meetings").mean == CHEAP.acceptance(before, "meetings").mean


def test_budget_and_cooldown_count_every_context_and_unanswered_proposals():
    kept = CHEAP.replay([Entry("tasks", moment(0), move=Move.SUGGEST)])
    assert "budget" in CHEAP.decide(kept, chance(1), may(daily_budget=1)).reason
    assert "too recent" in CHEAP.decide(kept, chance(1), may(cooldown=timedelta(hours=2))).reason
    assert CHEAP.decide(kept, chance(1), may()).move != Move.SILENT
    left = CHEAP.replay([Entry("tasks", moment(0), move=Move.SILENT)])
    assert left.proposed == ()


def test_an_expired_proposal_is_one_opportunity_without_an_answer():
    twice = [Entry("tasks", moment(0), move=Move.SUGGEST), Entry("tasks", moment(1), move=Move.ACT)]
    assert CHEAP.replay(twice).contexts["tasks"].answers == (Kind.SILENT,)
    expired = [twice[0], Entry("tasks", moment(1), kind=Kind.SILENT)]
    assert CHEAP.replay(expired).contexts["tasks"].answers == (Kind.SILENT,)
    assert CHEAP.replay(expired).proposed == (moment(0),)


def test_what_lies_after_the_moment_of_the_read_does_not_count():
    log = answered([Kind.DECLINED] * 4)
    assert CHEAP.lowered(CHEAP.replay(log, as_of=moment(6)), "meetings") == 0
    assert CHEAP.lowered(CHEAP.replay(log, as_of=moment(7)), "meetings") == 1


def test_the_vendors_events_are_read_as_answers():
    body = {
        "user_id": "usr_42af7c",
        "source": "scheduler_agent",
        "events": [
            {
                "event_id": "evt_proactive_02",
                "type": "correction",
                "timestamp": "2025-10-27T15:10:00Z",
                "metadata": {"context": "task_priority", "status": "declined"},
                "content": "User rejected automatic prioritization; prefers manual ordering for now.",
            },
            {
                "event_id": "evt_proactive_01",
                "type": "outcome",
                "timestamp": "2025-10-27T15:00:00Z",
                "metadata": {"context": "meeting_reschedule", "status": "accepted"},
                "content": "User accepted proactive meeting reschedule suggestion.",
            },
            {"event_id": "e3", "type": "email", "timestamp": "2025-10-27T15:20:00Z", "content": "Hello."},
        ],
    }
    log = answers_of(IngestRequest.model_validate_json(json.dumps(body)).logged())
    assert [(entry.context, entry.kind) for entry in log] == [
        ("meeting_reschedule", Kind.ACCEPTED),
        ("task_priority", Kind.DECLINED),
    ]
    keeper = ProposalKeeper()
    many = [entry._replace(at=entry.at + timedelta(days=day)) for day in range(8) for entry in log]
    kept = keeper.replay(many)
    said = keeper.confidence(kept, "meeting_reschedule", Boundaries(), what="proactive meeting reschedules")
    assert said.text.startswith("High confidence: accepts 100% of proactive meeting reschedules (8 of 8 answers")
    assert keeper.lowered(kept, "task_priority") == 2
    # What it decides by is what it states.
    assert keeper.acceptance(kept, "meeting_reschedule").mean[0] == said.value


def test_a_restart_from_the_events_keeps_what_was_learnt_and_spent():
    """Events that say what the agent did bring back the state of the keeper that lived through them."""
    story = [(Move.SUGGEST, "declined")] * 4 + [(Move.SILENT, "no_response")] * 3 + [(Move.ACT, "no_response")]
    events, lived = [], CHEAP.init()
    for hour, (move, status) in enumerate(story):
        metadata = {"context": "meetings", "status": status, "move": move.value}
        kind = "correction" if status == "declined" else "outcome"
        at = moment(hour).isoformat()
        events.append({"event_id": f"e{hour}", "type": kind, "timestamp": at, "metadata": metadata, "content": ""})
        lived = CHEAP.record(lived, Entry("meetings", moment(hour), move=move))
        if move != Move.SILENT:
            answer = Kind.DECLINED if status == "declined" else Kind.SILENT
            lived = CHEAP.record(lived, Entry("meetings", moment(hour), kind=answer))
    body = json.dumps({"user_id": "u", "source": "agent", "events": events})
    again = CHEAP.replay(answers_of(IngestRequest.model_validate_json(body).logged()))
    assert CHEAP.lowered(again, "meetings") == CHEAP.lowered(lived, "meetings") == 1
    assert again.proposed == lived.proposed
    assert len(again.proposed) == 5
    assert again.contexts["meetings"].answers == lived.contexts["meetings"].answers
    np.testing.assert_array_equal(CHEAP.acceptance(again, "meetings").mean, CHEAP.acceptance(lived, "meetings").mean)


def test_entries_that_make_no_sense_are_refused():
    kept = CHEAP.replay([Entry("tasks", moment(1), move=Move.SUGGEST)])
    with pytest.raises(InputError, match="before the latest"):
        CHEAP.record(kept, Entry("tasks", moment(0), kind=Kind.ACCEPTED))
    with pytest.raises(InputError, match="move or an answer"):
        CHEAP.record(kept, Entry("tasks", moment(2), Move.ACT, Kind.ACCEPTED))
    for odd in (Entry("tasks", moment(2), kind=9), Entry("tasks", moment(2), move="later")):
        with pytest.raises(InputError, match="no known kind"):
            CHEAP.record(kept, odd)
    with pytest.raises(InputError, match="zone"):
        CHEAP.replay([Entry("tasks", NOW), Entry("tasks", NOW.replace(tzinfo=None))])
    with pytest.raises(InputError, match="zone"):
        CHEAP.record(kept, Entry("tasks", NOW.replace(tzinfo=None), move=Move.ACT))


def test_an_opportunity_before_a_kept_proposal_does_not_slip_past_the_budget():
    kept = CHEAP.record(CHEAP.init(), Entry("a", chance(5, "a").at, move=Move.SUGGEST))
    assert "budget" in CHEAP.decide(kept, chance(5, "a"), may(daily_budget=1)).reason
    with pytest.raises(InputError, match="before a proposal"):
        CHEAP.decide(kept, chance(4, "a"), may(daily_budget=1))
