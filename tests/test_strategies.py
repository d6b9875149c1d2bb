"""Each simple rule does what its equation says, on sequences small enough to work out by hand."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_lab.checks import check_strategy
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, Feedback, Kind, choose, feedback
from persona_lab.strategies.baselines import ConfidenceAverage, LastWriteWins, NeverUpdate, RunningCount
from persona_lab.strategies.bocpd import ChangePoint
from persona_lab.strategies.bounded_step import BoundedStep
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.debounce import Debounce
from persona_lab.strategies.evidence import ByConfidence, Equal, Noisy, Votes
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.fixed_share import FixedShare, MixingPast
from persona_lab.strategies.forgetting import ForgettingCount
from persona_lab.strategies.guards import Guarded, Hysteresis, ResetOnAlarm
from persona_lab.strategies.hgf import HierarchicalGaussian
from persona_lab.strategies.kalman import Kalman, VolatileKalman
from persona_lab.strategies.noise_or_volatility import NoiseOrVolatility
from persona_lab.strategies.pearce_hall import PearceHall
from persona_lab.strategies.sliding_window import SlidingWindow

LANES = 64


def says(option: int, *, proposed: int = NO_OPTION, confidence: float = 1.0, elapsed: float = 0.0) -> Feedback:
    return feedback(
        proposed=proposed, kind=[Kind.CORRECTED] * LANES, corrected=option, confidence=confidence, elapsed=elapsed
    )


def declines(proposed: int) -> Feedback:
    return feedback(proposed=proposed, kind=[Kind.DECLINED] * LANES, elapsed=0.0)


def silence(proposed: int) -> Feedback:
    return feedback(proposed=proposed, kind=[Kind.SILENT] * LANES, elapsed=0.0)


def after(rule: Any, *answers: Feedback, options: int = 4) -> list[float]:
    state = rule.init(options, LANES)
    for answer in answers:
        state = rule.update(state, answer)
    return rule.belief(state)[:, 0].tolist()


def test_never_update_and_last_write_wins() -> None:
    assert after(NeverUpdate(), says(2)) == [0.25] * 4
    assert after(LastWriteWins(), says(2), says(1)) == [0.0, 1.0, 0.0, 0.0]
    assert after(LastWriteWins(), says(2), declines(2)) == [1 / 3, 1 / 3, 0.0, 1 / 3]
    assert after(LastWriteWins(), says(2), silence(1)) == [0.0, 0.0, 1.0, 0.0]
    assert after(LastWriteWins(), says(2), says(1, confidence=0.0)) == [0.0, 0.0, 1.0, 0.0]


def test_running_count_and_confidence_average() -> None:
    assert after(RunningCount(prior=1.0), says(2), says(2), says(0)) == [2 / 7, 1 / 7, 3 / 7, 1 / 7]
    assert after(RunningCount(prior=0.0)) == [0.25] * 4
    assert after(RunningCount(prior=0.0), says(2), says(0)) == [0.5, 0.0, 0.5, 0.0]
    assert after(RunningCount(prior=1.0), declines(3)) == pytest.approx([4 / 15, 4 / 15, 4 / 15, 1 / 5])
    weighed = after(ConfidenceAverage(prior=0.0), says(2, confidence=0.75), says(0, confidence=0.25))
    assert weighed == [0.25, 0.0, 0.75, 0.0]


def test_ewma_moves_by_its_rate_and_has_the_arg_max_of_the_discounted_count() -> None:
    assert after(Ewma(0.2), says(1)) == pytest.approx([0.2, 0.4, 0.2, 0.2])
    assert after(Ewma(0.2), declines(1)) == pytest.approx([0.2 + 0.2 / 3, 0.2, 0.2 + 0.2 / 3, 0.2 + 0.2 / 3])
    rng = np.random.default_rng(1)  # a test's own luck
    ewma, count = Ewma(0.2), ForgettingCount(keep=0.8, half_life=None, prior=1.0)
    a, b = ewma.init(4, LANES), count.init(4, LANES)
    for _ in range(100):
        answer = feedback(proposed=0, kind=np.full(LANES, Kind.CORRECTED), corrected=rng.integers(0, 4, LANES))
        a, b = ewma.update(a, answer), count.update(b, answer)
        left, right = np.sort(ewma.belief(a), axis=0), count.belief(b)
        clear = left[-1] - left[-2] > 1e-9
        assert (ewma.belief(a).argmax(axis=0) == right.argmax(axis=0))[clear].all()


def test_sliding_window_forgets_at_once() -> None:
    assert after(SlidingWindow(2, prior=0.0), says(3), says(1), says(1)) == [0.0, 1.0, 0.0, 0.0]
    assert after(SlidingWindow(3, prior=0.0), says(3), silence(0), says(1), says(1, confidence=0.0)) == [0, 0.5, 0, 0.5]


def test_debounce_waits_for_a_run_and_a_broken_run_starts_over() -> None:
    rule = Debounce(3)
    assert after(rule, says(0)) == [1, 0, 0, 0]
    assert after(rule, says(0), says(1), says(1)) == [1, 0, 0, 0]
    assert after(rule, says(0), says(1), says(1), says(0), says(1)) == [1, 0, 0, 0]
    assert after(rule, says(0), says(1), says(1), says(1)) == [0, 1, 0, 0]
    assert after(rule, says(0), declines(0), declines(0), declines(0)) == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert after(Debounce(1), says(0), says(3), says(1)) == after(LastWriteWins(), says(0), says(3), says(1))


def test_bounded_step_arrives_and_never_oversteps() -> None:
    assert after(BoundedStep(0.1), says(1))[1] == pytest.approx(0.35)
    assert after(BoundedStep(0.1), *[says(1)] * 9) == pytest.approx([0, 1, 0, 0])


def test_pearce_hall_slows_down_when_answers_are_expected() -> None:
    rule = PearceHall(rate=0.5, decay=0.5)
    assert after(rule, says(1))[1] == pytest.approx(0.25 + 0.5 * 0.75)
    # Associability after the first answer: 1 + .5 (.75 - 1) = .875.
    assert after(rule, says(1), says(1))[1] == pytest.approx(0.625 + 0.5 * 0.875 * 0.375)


def test_kalman_settles_at_the_gain_of_the_riccati_equation_and_waits_widen_it() -> None:
    rule = Kalman(drift=0.01, noise=0.2, start=0.2)
    state = rule.init(4, LANES)
    for _ in range(200):
        state = rule.update(state, says(1))
    prior = (0.01 + np.sqrt(0.01**2 + 4 * 0.01 * 0.2)) / 2
    assert float(state.variance[0]) + 0.01 == pytest.approx(prior, rel=1e-12)
    patient = Kalman(daily_drift=0.1)
    assert after(patient, says(1), says(2, elapsed=30.0))[2] > after(patient, says(1), says(2))[2]


def test_volatile_kalman_follows_the_papers_equations() -> None:
    # Piray & Daw (2020) with one noisy binary cue: worked by hand for one step from w = .2, v = .1, m = .5.
    rule = VolatileKalman(rate=0.2, volatility=0.1, noise=0.2)
    state = rule.update(rule.init(2, LANES), says(1))
    gain = 0.3 / 0.5
    variance, autocovariance, move = (1 - gain) * 0.3, (1 - gain) * 0.2, gain * 0.5
    assert float(state.share[1, 0]) == pytest.approx(0.5 + move)
    assert float(state.variance[0]) == pytest.approx(variance)
    change = move**2 + 0.2 + variance - 2 * autocovariance
    assert float(state.volatility[0]) == pytest.approx(0.1 + 0.2 * (change - 0.1))


def test_hierarchical_gaussian_follows_the_papers_equations() -> None:
    # Mathys et al. (2014), one binary outcome from mu2 = 0, sigma2 = 1, mu3 = 0, sigma3 = 1, worked by hand.
    rule = HierarchicalGaussian(tonic=-1.0, coupling=1.0, meta=0.1)
    state = rule.update(rule.init(2, LANES), says(1))
    pace = np.exp(-1.0)
    expected = 1.0 + pace
    variance = 1.0 / (1.0 / expected + 0.25)
    logit = variance * 0.5
    share, relative = pace / expected, (pace - 1.0) / expected
    surprise = (variance + logit**2) / expected - 1.0
    precision = 1.0 / 1.1 + 0.5 * share * (share + relative * surprise)
    assert state.logit[:, 0].tolist() == pytest.approx([-logit, logit])
    assert float(state.variance[1, 0]) == pytest.approx(variance)
    assert float(state.volatility[1, 0]) == pytest.approx(0.5 * share * surprise / precision)
    assert float(state.volatility_variance[1, 0]) == pytest.approx(1.0 / precision)


def test_noise_or_volatility_tells_them_apart() -> None:
    rng = np.random.default_rng(2)  # a test's own luck
    rule = NoiseOrVolatility()
    noisy = rng.random((200, LANES)) < 0.3  # a steady person who slips
    switching = (np.arange(200)[:, None] // 12 + rng.integers(0, 2, LANES)) % 2 == 0  # one who changes every 12
    speed = []
    for options in (noisy, switching):
        state = rule.init(2, LANES)
        for row in options:
            state = rule.update(state, feedback(proposed=0, kind=np.full(LANES, Kind.CORRECTED), corrected=row * 1))
        before = rule.belief(state)[1]
        moved = rule.belief(rule.update(state, says(1)))[1] - before
        speed.append(float((moved / (1.0 - before)).mean()))
    assert speed[1] > 10 * speed[0]


def test_fixed_share_is_the_forward_algorithm() -> None:
    hazard, noise, options = 0.05, 0.2, 3
    move = np.full((options, options), hazard / 2) + np.eye(options) * (1 - hazard - hazard / 2)
    belief = np.full(options, 1 / 3)
    answers = [says(0), says(0), declines(1), says(2), silence(1), says(2)]
    for said, option in ((0, 0), (0, 0), (1, 1), (0, 2), (2, 1), (0, 2)):
        if said < 2:
            likelihood = np.where(np.arange(options) == option, 1 - noise, noise / 2)
            belief = belief * (likelihood if said == 0 else 1 - likelihood)
            belief = move @ (belief / belief.sum())
    assert after(FixedShare(hazard, noise), *answers, options=3) == pytest.approx(belief.tolist(), rel=1e-12)


def test_beliefs_fade_with_time_on_read_and_reading_after_equals_updating_after() -> None:
    share = FixedShare(0.01, 0.1, daily_hazard=0.1)
    state = share.update(share.init(4, LANES), says(1))
    tops = [float(share.belief(state, days)[1, 0]) for days in (0.0, 1.0, 10.0, 1e3)]
    assert tops == sorted(tops, reverse=True)
    assert tops[-1] == pytest.approx(0.25)
    count = ForgettingCount(keep=1.0, half_life=10.0, prior=1.0)
    state = count.update(count.init(4, LANES), says(1))
    assert float(count.belief(state, 10.0)[1, 0]) == pytest.approx(1.5 / 4.5)
    waited = count.update(state, silence(0)._replace(elapsed=np.full(LANES, 4.0)))
    assert count.belief(waited, 6.0)[:, 0].tolist() == pytest.approx(count.belief(state, 10.0)[:, 0].tolist())


def test_mixing_past_finds_an_old_habit_again_sooner_than_fixed_share() -> None:
    answers = [*[says(0)] * 20, *[says(1)] * 20, says(0), says(0)]
    other = [*[says(0)] * 20, *[says(1)] * 20, says(2), says(2)]
    assert after(MixingPast(0.03, 0.15), *answers)[0] > after(MixingPast(0.03, 0.15), *other)[2]
    assert after(FixedShare(0.03, 0.15), *answers)[0] == pytest.approx(
        after(FixedShare(0.03, 0.15), *other)[2], abs=1e-3
    )


def test_change_point_with_one_option_named_is_the_dirichlet_count_until_a_change() -> None:
    calm = ChangePoint(hazards=(1e-9,), concentration=1.0, longest=50)
    assert after(calm, *[says(1)] * 8) == pytest.approx(after(RunningCount(prior=1.0), *[says(1)] * 8), abs=1e-6)
    # Runs beyond the longest are merged, and nothing is lost by it while nothing changes.
    short = ChangePoint(hazards=(1e-9,), concentration=1.0, longest=3)
    assert after(short, *[says(1)] * 8) == pytest.approx(after(calm, *[says(1)] * 8), abs=1e-6)
    assert after(ChangePoint(), *[says(1)] * 30, *[says(2)] * 4)[2] > 0.8


def test_composition_is_the_rule_itself_and_weights_and_silence_plug_in() -> None:
    answers = [says(1, confidence=0.5), declines(1), silence(2)]
    assert after(Composed(memory=Ewma(0.2)), *answers) == after(Ewma(0.2), *answers)
    assert after(Composed(memory=FixedShare(), likelihood=Noisy(0.15)), *answers) == after(FixedShare(), *answers)
    halved = Composed(memory=Ewma(0.2), weight=ByConfidence())
    assert after(halved, says(1, confidence=0.5)) == after(Ewma(0.1), says(1))
    assert after(Composed(memory=Ewma(0.2), weight=Equal(silence=0.5)), silence(2)) == after(Ewma(0.1), says(2))
    assert after(Composed(memory=RunningCount(), weight=ByConfidence()), *answers) == after(
        ConfidenceAverage(), *answers
    )


def test_hysteresis_holds_the_choice_and_the_belief_stays_a_probability() -> None:
    plain, held = Ewma(0.4), Guarded(Ewma(0.4), Hysteresis(margin=0.3))
    answers = [says(0), says(1), says(1)]
    assert int(np.argmax(after(plain, *answers[:2]))) == 1
    assert int(np.argmax(after(held, *answers[:2]))) == 0
    assert sorted(after(held, *answers[:2])) == sorted(after(plain, *answers[:2]))
    assert after(held, *answers) == after(plain, *answers)  # by now the lead is beyond the margin
    patient = Guarded(LastWriteWins(), Hysteresis(margin=1.0, patience=3))
    for answers in ([0, 1, 1], [0, 1, 1, 1], [2, 1, 1, 3, 1, 1]):
        spoken = [says(option) for option in answers]
        assert np.argmax(after(patient, *spoken)) == np.argmax(after(Debounce(3), *spoken))


def test_options_tied_for_the_lead_are_not_ranked_by_a_guard() -> None:
    rule = Guarded(LastWriteWins(), Hysteresis(margin=0.9))
    assert after(rule, declines(2)) == pytest.approx([1 / 3, 1 / 3, 0.0, 1 / 3])
    # 3 is on show; declined, three others lead by a third, within the margin: they share 3's place below it.
    assert after(rule, says(3), declines(3)) == pytest.approx([2 / 9, 2 / 9, 2 / 9, 1 / 3])
    for margin in (0.0, 0.4, 1.0):
        check_strategy(Guarded(LastWriteWins(), Hysteresis(margin=margin, patience=2)))
        check_strategy(Guarded(Ewma(0.5), Hysteresis(margin=margin)))


class Seen(NamedTuple):
    alarm: Any
    misses: Any


class Misses:
    """A detector for this test: alarms at the second correction in a row."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Misses)

    def __hash__(self) -> int:
        return 7

    def init(self, options: int, streams: int) -> Seen:
        return Seen(np.zeros(streams, dtype=bool), np.zeros(streams))

    def update(self, state: Seen, given: Feedback) -> Seen:
        wrong = (given.kind == Kind.CORRECTED) & (given.corrected != given.proposed) & (given.confidence > 0)
        misses = np.where(wrong, np.where(state.alarm, 0, state.misses) + 1, 0.0)
        return Seen(misses >= 2, misses)

    def alarm(self, state: Seen) -> Any:
        return state.alarm

    def estimate(self, state: Seen) -> Any:
        raise NotImplementedError


def test_reset_on_alarm_starts_afresh_from_the_answer_that_raised_it() -> None:
    rule = ResetOnAlarm(RunningCount(), Misses())
    steady = [says(0, proposed=0)] * 50
    assert after(rule, *steady, says(1, proposed=0)) == after(RunningCount(), *steady, says(1, proposed=0))
    assert after(rule, *steady, says(1, proposed=0), says(1, proposed=0)) == after(RunningCount(), says(1))
    check_strategy(rule)


@pytest.mark.parametrize(
    "build",
    [
        lambda: Ewma(0.0),
        lambda: RunningCount(-1.0),
        lambda: SlidingWindow(0),
        lambda: Debounce(0),
        lambda: BoundedStep(2.0),
        lambda: PearceHall(rate=0.0),
        lambda: Kalman(noise=0.0),
        lambda: VolatileKalman(rate=1.0),
        lambda: NoiseOrVolatility(noises=()),
        lambda: HierarchicalGaussian(coupling=0.0),
        lambda: FixedShare(hazard=1.0),
        lambda: MixingPast(noise=0.0),
        lambda: ChangePoint(hazards=(0.0,)),
        lambda: ForgettingCount(keep=0.0),
        lambda: ForgettingCount(half_life=np.inf),
        lambda: Hysteresis(patience=0),
        lambda: Noisy(0.0),
        lambda: Equal(silence=2.0),
    ],
)
def test_knobs_out_of_range_are_refused_with_the_range(build: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        build()


@settings(max_examples=60, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(list(Kind)), min_size=LANES, max_size=LANES),
    options=st.integers(2, 6),
    seed=st.integers(0, 2**16),
)
def test_votes_sum_to_one_and_likelihoods_are_probabilities(kinds: list[Kind], options: int, seed: int) -> None:
    rng = np.random.default_rng(seed)  # a test's own luck
    proposed, wanted = rng.integers(0, options, (2, LANES))
    answer = feedback(
        proposed=proposed, kind=kinds, corrected=np.where(np.array(kinds) == Kind.CORRECTED, wanted, NO_OPTION)
    )
    votes, likelihood = Votes()(answer, options), Noisy(0.1)(answer, options)
    np.testing.assert_allclose(votes.sum(axis=0), 1.0, rtol=1e-15)
    assert ((likelihood > 0) & (likelihood < 1)).all()
    declined = np.array(kinds) == Kind.DECLINED
    # The option that the answer speaks for is the likeliest; a declined one is the least likely.
    best = choose(likelihood, votes.argmax(axis=0).astype(np.int8))
    assert (best == votes.argmax(axis=0)).all()
    assert (np.take_along_axis(likelihood, proposed[None], 0)[0] == likelihood.min(axis=0))[declined].all()


@pytest.mark.parametrize("odd", [True, float("inf"), float("nan"), -1])
def test_knobs_refuse_booleans_and_infinities(odd):
    from persona_lab.strategies.debounce import Debounce
    from persona_lab.strategies.sliding_window import SlidingWindow

    for made in (lambda: Ewma(rate=odd), lambda: SlidingWindow(length=odd), lambda: Debounce(repeats=odd)):
        with pytest.raises(ConfigurationError):
            made()


def test_reset_on_alarm_hears_of_a_change_where_nothing_was_proposed() -> None:
    rule, count = ResetOnAlarm(RunningCount(), ShiryaevRoberts(arl0=300.0)), RunningCount()
    luck = np.random.default_rng(5).random((240, LANES))  # a test's own luck
    state, slow = rule.init(2, LANES), count.init(2, LANES)
    for step in range(240):
        outcome = (luck[step] < (0.9 if step < 160 else 0.1)).astype(np.int8)
        answer = feedback(proposed=NO_OPTION, kind=np.full(LANES, Kind.CORRECTED), corrected=outcome)
        state, slow = rule.update(state, answer), count.update(slow, answer)
    # 144 of 160, then 8 of 80: the count still says .63, a fresh start says the new rate.
    assert count.belief(slow)[1].mean() == pytest.approx(0.63, abs=0.02)
    assert rule.belief(state)[1].mean() == pytest.approx(0.12, abs=0.05)
    assert (rule.belief(state)[1] < 0.3).mean() > 0.9


def test_the_watch_of_reset_on_alarm_sees_agreement_with_the_belief_and_nothing_while_options_tie() -> None:
    rule = ResetOnAlarm(RunningCount(), Misses())
    state = rule.update(rule.init(4, LANES), says(2))  # all four are tied: not a miss
    assert not rule.detector.alarm(state.detector).any()
    assert (state.detector.misses == 0).all()
    state = rule.update(rule.update(state, says(2)), says(1))
    assert (state.detector.misses == 1).all()
    unheard = rule.update(state, says(1, confidence=0.0))
    assert not rule.detector.alarm(unheard.detector).any()
    missed = rule.update(state, says(1))
    assert rule.detector.alarm(missed.detector).all()
    assert rule.belief(missed)[:, 0].tolist() == after(RunningCount(), says(1))
