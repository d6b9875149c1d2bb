"""The closed loop: answers by the law of the channel, whatever the block; twins and the wire."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from persona_lab.datasets.log import load_log
from persona_lab.events import read_answer
from persona_lab.feedback import NO_OPTION, Kind, choose
from persona_lab.randomness import generator
from persona_lab.simulate.channel import Channel, Delay, Fatigue, Trust
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop, propose
from persona_lab.simulate.paths import Stable, Switch
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS, Scenario
from persona_lab.simulate.twins import clean_twin, impulse_response, price_of_noise
from persona_lab.simulate.wire import names_of, to_events, to_told
from persona_lab.strategies.baselines import LastWriteWins, NeverUpdate, RunningCount
from persona_lab.strategies.ewma import Ewma

USERS = (30, 230)


def run(scenario, strategy, *, users=USERS, seed=1, **more):
    lives = live(scenario, seed=seed, users=users)
    return lives, closed_loop(scenario, lives, strategy, seed=seed, users=users, **more)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_results_do_not_depend_on_the_block(name):
    scenario = replace(SCENARIOS[name], interactions=30)
    lives = live(scenario, seed=1, users=USERS)
    rules = [Ewma(0.1), LastWriteWins(), RunningCount()]
    if (best := limit(scenario, lives).strategy) is not None:
        rules.append(best)
    for rule in rules:
        whole = closed_loop(scenario, lives, rule, seed=1, users=USERS, record_belief=True)
        small = closed_loop(scenario, lives, rule, seed=1, users=USERS, record_belief=True, block=37)
        assert all(np.array_equal(a, b) for a, b in zip(whole, small, strict=True))
    alone_users = (101, 102)
    alone_lives, alone = run(scenario, Ewma(0.1), users=alone_users)
    whole = closed_loop(scenario, lives, Ewma(0.1), seed=1, users=USERS)
    columns = slice(71 * scenario.contexts, 72 * scenario.contexts)
    assert np.array_equal(alone.proposed, whole.proposed[:, columns])
    assert np.array_equal(alone_lives.expressed, lives.expressed[:, columns])


def test_full_feedback_accepts_what_is_expressed_and_corrects_the_rest():
    lives, found = run(SCENARIOS["slow_exceptions_noise10_v1"], Ewma(0.3))
    right = found.proposed == lives.expressed
    assert (found.kind[right] == Kind.ACCEPTED).all()
    assert (found.kind[~right] == Kind.CORRECTED).all()
    assert (found.corrected[right] == NO_OPTION).all()
    assert (found.corrected[~right] == lives.expressed[~right]).all()


def test_the_general_answers_equal_the_plain_ones_where_nothing_is_withheld():
    plain = SCENARIOS["fast_noise10_v1"]
    general = replace(plain, channel=replace(plain.channel, fatigue=Fatigue(0.0, 0.0)))
    assert not general.channel.full
    assert all(
        np.array_equal(a, b) for a, b in zip(run(plain, Ewma(0.2))[1][:3], run(general, Ewma(0.2))[1][:3], strict=True)
    )


def test_answer_rates_and_names_are_those_of_the_channel():
    channel = Channel(0.2, patience_accept=0.3, patience_wrong=0.8, names_option=0.4)
    lives, found = run(Scenario("rates_v1", Stable(), channel), NeverUpdate())
    right = found.proposed == lives.expressed
    answered = found.kind != Kind.SILENT
    error = 5 * 0.5 / np.sqrt(right.sum())
    assert answered[right].mean() == pytest.approx(0.3, abs=error)
    assert answered[~right].mean() == pytest.approx(0.8, abs=error)
    assert (found.kind[~right & answered] == Kind.CORRECTED).mean() == pytest.approx(0.4, abs=error)
    assert ((found.corrected != NO_OPTION) == (found.kind == Kind.CORRECTED)).all()


def test_acquiescence_accepts_what_is_wrong():
    lives, found = run(Scenario("yes_v1", Stable(), Channel(0.1, acquiescence=0.3)), NeverUpdate())
    wrong = found.proposed != lives.expressed
    assert (found.kind[wrong] == Kind.ACCEPTED).mean() == pytest.approx(0.3, abs=5 * 0.5 / np.sqrt(wrong.sum()))


def test_trust_falls_with_bad_outcomes_and_fatigue_with_corrections():
    bad = run(Scenario("trust_v1", Stable(), Channel(0.0, trust=Trust(0.9, 0.1, 0.3))), NeverUpdate(), users=(0, 2000))[
        1
    ]
    good = run(
        Scenario("trust_v1", Stable(), Channel(0.0, trust=Trust(0.9, 0.1, 0.3))), RunningCount(), users=(0, 2000)
    )[1]
    answered = [(t.kind != Kind.SILENT).mean(axis=1) for t in (bad, good)]
    assert answered[0][0] == pytest.approx(0.9, abs=0.04)
    assert answered[0][-50:].mean() < 0.5 < 0.9 < answered[1][-50:].mean()
    tired = run(Scenario("tired_v1", Stable(), Channel(0.5, fatigue=Fatigue(0.5, 0.05))), NeverUpdate())[1]
    rate = (tired.kind != Kind.SILENT).mean(axis=1)
    assert rate[0] == 1.0
    assert rate[20:].mean() < 0.5


class Count(NamedTuple):
    heard: np.ndarray


class Counter:
    """Counts the answers that reach it, and shows the count in its belief."""

    def init(self, options, streams):
        return Count(np.zeros(streams))

    def update(self, state, given):
        return Count(state.heard + 1.0)

    def belief(self, state, elapsed=0.0):
        return np.array([[1.0], [0.0], [0.0], [0.0]]) * (1.0 + state.heard)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        (Channel(0.1, delay=Delay(1.0, 5)), 199 - 3.0),  # as many under way at the end as the mean lateness
        (Channel(0.1, delay=Delay(0.5, 5)), 199 - 1.5),
        (Channel(0.1, duplicates=0.25), 199 * 1.25),
        (Channel(0.1, delay=Delay(0.0, 5)), 199.0),
    ],
)
def test_late_answers_arrive_late_and_duplicates_twice(channel, expected):
    scenario = Scenario("late_v1", Stable(), channel, interactions=200)
    found = run(scenario, Counter(), users=(0, 640), record_belief=True)[1]
    assert found.belief[-1, 0].mean() - 1.0 == pytest.approx(expected, abs=1.2 if channel.duplicates else 0.25)


def test_the_first_proposal_is_uniform_and_ties_keep_the_last():
    uniform = np.full((4, 64_000), 0.25)
    nothing = np.full(64_000, NO_OPTION, dtype=np.int8)
    first = propose(uniform, nothing, seed=0, step=0, streams=(0, 64_000))
    shares = np.bincount(first, minlength=4) / 64_000
    assert shares == pytest.approx(0.25, abs=5 * np.sqrt(0.25 * 0.75 / 64_000))
    assert np.array_equal(propose(uniform, first, seed=0, step=1, streams=(0, 64_000)), first)
    near = np.tile([[0.4], [0.4 - 1e-13], [0.1], [0.1]], 10)
    last = np.array([1, 0, 2, 3, 1, 0, 2, 3, 1, 0], dtype=np.int8)
    chosen = propose(near, last, seed=0, step=0, streams=(0, 10))
    assert np.array_equal(chosen[last < 2], last[last < 2])
    assert (chosen < 2).all()
    clear = np.tile([[0.4], [0.4 - 1e-10], [0.1], [0.1]], 10)
    assert (propose(clear, last, seed=0, step=0, streams=(0, 10)) == 0).all()


def test_last_write_wins_moves_to_a_uniform_other_option_after_a_bare_decline():
    found = run(Scenario("thumbs_v1", Stable(), Channel(0.1, names_option=0.0)), LastWriteWins(), users=(0, 500))[1]
    declined = found.kind[:-1] == Kind.DECLINED
    moved = (found.proposed[1:] - found.proposed[:-1])[declined] % 4
    assert (moved != 0).all()
    assert np.bincount(moved, minlength=4)[1:] / moved.size == pytest.approx(1 / 3, abs=0.02)


def test_clean_twins_share_the_truth_and_never_slip():
    scenario = SCENARIOS["slow_exceptions_noise10_v1"]
    lives = live(scenario, seed=0, users=(0, 200))
    twin = clean_twin(scenario, lives, LastWriteWins(), seed=0, users=(0, 200))
    assert twin.clean.sum() < twin.noisy.sum() / 5
    still = price_of_noise(scenario, lives, NeverUpdate(), seed=0, users=(0, 200))
    assert (still.value, still.standard_error) == (0.0, 0.0)
    jumpy, calm = (
        price_of_noise(scenario, lives, rule, seed=0, users=(0, 200)) for rule in (LastWriteWins(), Ewma(0.1))
    )
    assert jumpy.value > 5 * calm.value > 0


def test_an_impulse_moves_the_ewma_by_its_rate_and_fades_with_its_half_life():
    scenario = Scenario("still_v1", Stable(), Channel(0.3))
    lives = live(scenario, seed=0, users=(0, 50))
    found = impulse_response(scenario, lives, Ewma(0.1), seed=0, users=(0, 50), at=300, lags=60)
    assert found.gap == pytest.approx(0.1 * 0.9 ** np.arange(60), abs=1e-4)
    assert found.half_life.value == 7.0
    assert found.area.value == pytest.approx(1 - 0.9**60, abs=1e-3)
    written = impulse_response(scenario, lives, LastWriteWins(), seed=0, users=(0, 50), at=300, lags=60)
    assert (written.peak.value, written.half_life.value, written.area.value) == (1.0, 1.0, 1.0)
    never = impulse_response(scenario, lives, NeverUpdate(), seed=0, users=(0, 50), at=300, lags=60)
    assert never.half_life.value is None


def test_events_say_what_happened_and_keep_the_truth_off_the_wire(tmp_path):
    scenario = replace(
        SCENARIOS["slow_routine_v1"],
        interactions=60,
        contexts=2,
        path=Switch(0.05),
        channel=Channel(0.1, patience_accept=0.8, names_option=0.7, duplicates=0.1, delay=Delay(0.2, 4)),
    )
    users = (5, 11)
    lives, found = run(scenario, Ewma(0.2), users=users)
    told = to_told(scenario, lives, found, seed=1, users=users)
    once = [item for item in told if not item.duplicate]
    assert len(once) == 60 * 6 * 2
    assert len(told) > len(once)
    assert len({item.event.event_id for item in told}) == len(once)
    assert [item.event.timestamp for item in told] != sorted(item.event.timestamp for item in told)
    for item in once:
        user, context, step = (int(part) for part in item.event.event_id.rsplit("-", 3)[1:])
        stream = (user - 5) * 2 + context
        name, options = names_of(scenario, context)
        answer = read_answer(item.event)
        kind = Kind(int(found.kind[step, stream]))
        assert answer.context == name
        assert answer.kind == kind.name.lower()
        assert answer.proposed == options[found.proposed[step, stream]]
        assert item.preferred == options[lives.preferred[step, stream]]
        assert (answer.corrected is not None) == (kind == Kind.CORRECTED)
        assert bool(item.event.content) == (item.label is not None)
        assert not {"preferred", "truth", "label", "in_exception"} & item.event.metadata.keys()
    assert len({item.event.content for item in once}) > 100
    again = to_events(scenario, lives, found, seed=1, users=users)
    assert again == [item.event for item in told]
    file = tmp_path / "log.jsonl"
    file.write_text("\n".join(event.model_dump_json() for event in again), encoding="utf-8")
    assert load_log(file).frame.height == len(once)


def test_the_loop_proposes_what_the_engine_chooses_except_where_luck_breaks_a_tie():
    luck = generator(0, "beliefs")
    belief = luck.integers(0, 4, (4, 5000)) / 10.0
    last = luck.integers(0, 4, 5000).astype(np.int8)
    chosen, proposed = choose(belief, last), propose(belief, last, seed=0, step=3, streams=(0, 5000))
    tied = (belief == belief.max(axis=0)).sum(axis=0) > 1
    assert np.array_equal(proposed[~tied], chosen[~tied])
    assert np.array_equal(proposed[chosen == last], chosen[chosen == last])
    assert (belief[proposed, np.arange(5000)] == belief.max(axis=0)).all()
