"""Hierarchical and population Bayes: exactness against the legible filter, contract, learning, reliability."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from persona_lab.checks import find_failures
from persona_lab.checks.probes import identical
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import LANES, NO_OPTION, Kind, feedback, select
from persona_lab.randomness import generator
from persona_lab.simulate.scenarios import SCENARIOS, with_interactions
from persona_lab.strategies.exact_filter import Answering, ExactFilter, HabitFilter
from persona_lab.strategies.grid_priors import ATTENTIVE, CORE_PRIOR, DEFAULT, POPULATION, any_length, attentive
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes, listening
from persona_lab.strategies.population_bayes import fit
from persona_lab.strategies.worlds import Habits, Observer, Restless, Scheduled, Switching
from persona_lab.studies.targets import expected_errors, figures, measure, measure_expected, other_people


def one_world(dynamics, noise=0.1, **knobs):
    return HierarchicalBayes((dynamics,), (Observer(noise),), ((1.0,),), **knobs)


def answers(steps, options=4, streams=LANES, *, silent=0.0):
    chance = generator(7, "tests/bayes", options)
    for step in range(steps):
        proposed = chance.integers(0, options, streams)
        wanted = np.where(chance.random(streams) < 0.6, step // 15 % options, chance.integers(0, options, streams))
        kind = np.where(wanted == proposed, Kind.ACCEPTED, Kind.CORRECTED)
        kind = np.where((kind == Kind.CORRECTED) & (chance.random(streams) < 0.3), Kind.DECLINED, kind)
        kind = np.where(chance.random(streams) < silent, Kind.SILENT, kind)
        corrected = np.where(kind == Kind.CORRECTED, wanted, NO_OPTION)
        yield feedback(proposed=proposed, kind=kind, corrected=corrected)


@pytest.mark.parametrize("options", [2, 3, 4, 6])
@pytest.mark.parametrize(
    ("dynamics", "told"),
    [
        (Switching(0.02), ExactFilter(Answering(0.1, names_option=0.5), 0.02)),
        (Switching(0.005, 0.05), ExactFilter(Answering(0.1, names_option=0.5), 0.005, 0.05)),
        (
            Switching(0.02, 0.1, (0.5, 0.0, 0.2, 0.3)),
            ExactFilter(Answering(0.1, names_option=0.5), 0.02, 0.1, (0.5, 0.0, 0.2, 0.3)),
        ),
        (
            Scheduled(0.01, 0.2, block=15),
            ExactFilter(Answering(0.1, names_option=0.5), 0.0, blocks=(0.01, 0.2, 15)),
        ),
        (Habits(1 / 30), HabitFilter(Answering(0.1, names_option=0.5), 1 / 30)),
    ],
)
def test_one_world_is_the_exact_filter(options, dynamics, told):
    rule = one_world(dynamics)
    state, known = rule.init(options, LANES), told.init(options, LANES)
    for given in answers(60, options):
        np.testing.assert_allclose(rule.belief(state), told.belief(known), atol=2e-6)
        state, known = rule.update(state, given), told.update(known, given)


@pytest.mark.parametrize(
    "rule",
    [DEFAULT, any_length(DEFAULT), ATTENTIVE, listening(POPULATION, {None: 0.5, (0.3, 0.9): 0.5})],
    ids=["default", "any length", "attentive", "population"],
)
def test_contract(rule):
    assert find_failures(rule) == {}


def test_blocks_do_not_matter():
    streams = 5 * LANES
    whole = DEFAULT.init(4, streams)
    parts = [DEFAULT.init(4, LANES) for _ in range(streams // LANES)]
    for given in answers(12, streams=streams, silent=0.2):
        whole = DEFAULT.update(whole, given)
        cuts = [type(given)(*(array[i * LANES : (i + 1) * LANES] for array in given)) for i in range(len(parts))]
        parts = [DEFAULT.update(state, cut) for state, cut in zip(parts, cuts, strict=True)]
    together = np.concatenate([DEFAULT.belief(state) for state in parts], axis=1)
    assert DEFAULT.belief(whole).tobytes() == together.tobytes()


def test_streams_at_different_steps_keep_their_own_schedule():
    """A stream that joins later meets the calm and restless stretches of its own count, as it would alone."""
    rule = one_world(Scheduled(0.01, 0.3, block=5))
    early, alone, history = rule.init(4, LANES), rule.init(4, LANES), list(answers(30))
    for given in history[:7]:
        early = rule.update(early, given)
    joined = select(np.arange(LANES) < 10, early, alone)
    for given in history[7:]:
        early, alone, joined = (rule.update(state, given) for state in (early, alone, joined))
    expected = np.where(np.arange(LANES) < 10, rule.belief(early), rule.belief(alone))
    assert rule.belief(joined).tobytes() == expected.tobytes()
    assert np.abs(rule.belief(early) - rule.belief(alone)).max() > 1e-3


def test_an_update_hands_the_past_on_without_copying_it():
    before = DEFAULT.init(4, LANES)
    after = DEFAULT.update(before, next(answers(1)))
    assert all(new is old for new, old in zip(after.past[1:], before.past[:-1], strict=True))


def test_a_rule_that_was_used_pickles_like_one_that_was_not():
    fresh, used = replace(DEFAULT), replace(DEFAULT)
    used.update(used.init(4, LANES), next(answers(1)))
    assert pickle.dumps(used) == pickle.dumps(fresh)
    again = pickle.loads(pickle.dumps(used))
    assert again == DEFAULT
    assert identical(again.init(4, LANES), DEFAULT.init(4, LANES))


def test_single_precision_believes_the_same():
    slow, fast = replace(ATTENTIVE, single=False), replace(ATTENTIVE, single=True)
    slow_state, fast_state = slow.init(4, LANES), fast.init(4, LANES)
    for given in answers(120, silent=0.1):
        slow_state, fast_state = slow.update(slow_state, given), fast.update(fast_state, given)
        np.testing.assert_allclose(fast.belief(fast_state), slow.belief(slow_state), atol=2e-5)


def test_worlds_are_told_apart():
    """People of one world: its probability must beat each rival's, on average over people."""
    worlds = (Switching(0.0), Switching(0.025), Switching(0.0, 0.05), Habits(1 / 30))
    rule = HierarchicalBayes(worlds, (Observer(0.02), Observer(0.1)), ((1.0, 1.0),) * 4)
    for row, name in enumerate(("stable", "fast", "exceptions", "recurring")):
        log = other_people(SCENARIOS[f"{name}_noise10_v1"], DEFAULT, seed=3, users=LANES, interactions=300)
        state = rule.init(4, LANES)
        for given in log:
            state = rule.update(state, given)
        mean = rule.world_probabilities(state).mean(axis=2)
        assert mean.sum() == pytest.approx(1.0)
        assert np.unravel_index(mean.argmax(), mean.shape) == (row, 1)


def test_weights_come_in_the_order_configured():
    """Mixing the weights of an even prior with another prior gives the beliefs of that prior, world by world."""
    even = replace(DEFAULT, prior=tuple(tuple(1.0 for _ in row) for row in CORE_PRIOR))
    state, mixed = even.init(4, LANES), DEFAULT.init(4, LANES)
    for given in answers(40):
        state, mixed = even.update(state, given), DEFAULT.update(mixed, given)
    belief = (even.weights(state) * np.asarray(CORE_PRIOR)[:, :, np.newaxis]).sum(axis=(1, 2))
    np.testing.assert_allclose(belief / belief.sum(axis=0), DEFAULT.belief(mixed), atol=1e-9)


def test_evidence_counts_bursts_under_way():
    """The weights of one world after a step must add up to the probability of what was heard."""
    rule = HierarchicalBayes((Switching(0.0), Switching(0.0, 0.2)), (Observer(0.1),), ((1.0,), (1.0,)))
    state = rule.init(2, LANES)
    for named in (0, 0, 0, 0, 1, 1):
        state = rule.update(state, feedback(proposed=NO_OPTION, kind=np.full(LANES, Kind.CORRECTED), corrected=named))
    steady = 0.5 * (0.9**4 * 0.1**2 + 0.1**4 * 0.9**2)
    assert rule.world_probabilities(state)[0, 0, 0] == pytest.approx(
        steady / (steady + brute_force((0, 0, 0, 0, 1, 1), rate=0.2, noise=0.1)), rel=1e-4
    )


def brute_force(named, *, rate, noise):
    """Probability of what was named with two options and exceptions U{1..5}, by recursion over paths."""

    def said(option, wanted):
        return 1 - noise if option == wanted else noise

    def on(step, preferred, left):
        if step == len(named):
            return 1.0
        if left:
            return said(named[step], 1 - preferred) * on(step + 1, preferred, left - 1)
        free = (1 - rate) * said(named[step], preferred) * on(step + 1, preferred, 0)
        burst = sum(said(named[step], 1 - preferred) * on(step + 1, preferred, length - 1) for length in range(1, 6))
        return free + rate * burst / 5

    return 0.5 * (on(0, 0, 0) + on(0, 1, 0))


def test_other_people_help():
    scenario = SCENARIOS["exceptions_noise10_v1"]
    rule = fit(POPULATION, other_people(scenario, DEFAULT, seed=11), options=4, stubbornness=3.0)
    ready = with_interactions(scenario, 200)
    cells = measure_expected(ready, {"alone": DEFAULT, "fitted": rule}, seed=12, most=LANES, batch=LANES)
    alone, fitted = (cell.ratio for cell in cells)
    assert fitted.value < 1.10 + 3 * fitted.standard_error
    assert fitted.value + 3 * fitted.standard_error < alone.value + 3 * alone.standard_error
    assert rule.prior != POPULATION.prior


def test_fit_refuses_an_empty_log():
    with pytest.raises(InputError, match="log is empty"):
        fit(POPULATION, [], options=4)


@pytest.mark.parametrize("meaning", ["informative", "inverted"])
def test_confidence_is_learnt_in_either_direction(meaning):
    scenario = with_interactions(SCENARIOS[f"fast_weights_{meaning}_v1"], 200)
    found = expected_errors(scenario, {"ignores": DEFAULT, "learns": ATTENTIVE}, seed=5, users=(0, LANES))
    saved = found.errors["ignores"] - found.errors["learns"]
    assert saved.mean() > 3 * saved.std(ddof=1) / np.sqrt(saved.size)


def test_useless_confidence_costs_little():
    scenario = with_interactions(SCENARIOS["fast_weights_shuffled_v1"], 200)
    found = expected_errors(scenario, {"ignores": DEFAULT, "learns": ATTENTIVE}, seed=5, users=(0, 2 * LANES))
    lost = found.errors["learns"] - found.errors["ignores"]
    allowed = 0.02 * found.errors["ignores"].mean()
    assert lost.mean() < allowed + 3 * lost.std(ddof=1) / np.sqrt(lost.size)


@pytest.mark.parametrize("dynamics", [(0.02, 0.0), (0.005, 0.05)])
def test_told_answer_rates_are_the_exact_filters(dynamics):
    observer = Observer(0.1, answers=(0.2, 0.9))
    rule = HierarchicalBayes((Switching(*dynamics),), (observer,), ((1.0,),))
    told = ExactFilter(Answering(0.1, patience_accept=0.2, patience_wrong=0.9, names_option=0.5), *dynamics)
    state, known = rule.init(4, LANES), told.init(4, LANES)
    for given in answers(60, silent=0.5):
        np.testing.assert_allclose(rule.belief(state), told.belief(known), atol=2e-6)
        state, known = rule.update(state, given), told.update(known, given)


def test_hypotheses_of_silence_are_weighed_by_their_evidence():
    """Accept, silence, decline of option 0 of two, nobody changes: by hand, against a uniform rate of answers."""
    noise, right, wrong = 0.1, 0.3, 0.8
    rule = HierarchicalBayes((Switching(0.0),), (Observer(noise), Observer(noise, answers=(right, wrong))), ((1, 1),))
    state = rule.init(2, LANES)
    for kind in (Kind.ACCEPTED, Kind.SILENT, Kind.DECLINED):
        state = rule.update(state, feedback(proposed=0, kind=np.full(LANES, kind)))
    at_random = noise * (1 - noise) * (1 / 2) * (1 / 3) * (2 / 4)
    agree = (1 - noise, noise)  # that what the user would say is option 0, by what the user prefers
    named = sum(
        0.5 * match * right * (match * (1 - right) + (1 - match) * (1 - wrong)) * (1 - match) * wrong for match in agree
    )
    expected = named / (named + at_random)
    np.testing.assert_allclose(rule.world_probabilities(state)[0, 1], expected, rtol=1e-5)


@pytest.mark.parametrize(("kind", "sign"), [("silent", 1), ("sparse", 0)])
def test_silence_is_read_as_consent_where_it_is(kind, sign):
    """Fewer errors where silence is consent; at most 2 % more, to three standard errors, where it means nothing."""
    scenario = with_interactions(SCENARIOS[f"slow_exceptions_noise10_{kind}_v1"], 200)
    rules = {"ignores": DEFAULT, "learns": ATTENTIVE}
    cells = {c.strategy: c.ratio for c in measure(scenario, rules, seed=6, most=4 * LANES, batch=4 * LANES)}
    ignores, learns = cells["ignores"], cells["learns"]
    spread = 3 * np.hypot(ignores.standard_error, learns.standard_error)
    assert (
        learns.value < (1 - 0.1 * sign) * ignores.value - spread
        if sign
        else learns.value < 1.02 * ignores.value + spread
    )


def test_fit_learns_what_silence_means():
    scenario = SCENARIOS["fast_noise10_silent_v1"]
    rule = fit(POPULATION, other_people(scenario, DEFAULT, seed=11), options=4, stubbornness=3.0)
    weight = np.asarray(rule.prior).sum(axis=0)
    found = {seen.answers for seen in rule.observers} - {None}
    assert len(found) == 1
    right, wrong = found.pop()
    assert (right, wrong) == (pytest.approx(0.1, abs=0.1), pytest.approx(0.9, abs=0.1))
    assert sum(w for w, seen in zip(weight, rule.observers, strict=True) if seen.answers) > 0.9 * weight.sum()


@pytest.mark.parametrize("seed", [11, 12])
def test_fit_does_not_hear_random_silence(seed):
    log = other_people(SCENARIOS["slow_noise10_sparse_v1"], DEFAULT, seed=seed)
    assert all(seen.answers is None for seen in fit(POPULATION, log, options=4, stubbornness=3.0).observers)


def test_fit_reads_a_log_of_silence_alone():
    log = [feedback(proposed=1, kind=np.full(LANES, Kind.SILENT))] * 5
    assert fit(DEFAULT, log, options=4).observers == DEFAULT.observers


def test_fit_refuses_a_log_whose_steps_do_not_fit_together():
    one = feedback(proposed=1, kind=np.full(LANES, Kind.ACCEPTED))
    with pytest.raises(InputError, match="32 and 64 people"):
        fit(DEFAULT, [one, feedback(proposed=1, kind=np.full(32, Kind.ACCEPTED))], options=4)
    with pytest.raises(InputError, match="1 masks for 2 steps"):
        fit(DEFAULT, [one, one], options=4, active=[np.ones(LANES, dtype=bool)])
    with pytest.raises(InputError, match="log is empty"):
        fit(DEFAULT, [feedback(proposed=1, kind=np.zeros(0))], options=4)
    for odd in ({"options": 1}, {"options": 4, "rounds": 0}):
        with pytest.raises(ConfigurationError, match="at least"):
            fit(DEFAULT, [one], **odd)


def test_expected_errors_agree_with_counted_ones():
    scenario = SCENARIOS["fast_noise25_v1"]
    rules = {"hierarchical-bayes": replace(DEFAULT, single=True)}
    expected = measure_expected(scenario, rules, seed=21, most=128, batch=128)[0].ratio
    counted = measure(scenario, rules, seed=21, most=256, batch=256)[0].ratio
    gap = abs(expected.value - counted.value)
    assert gap < 3 * np.hypot(expected.standard_error, counted.standard_error)
    assert expected.value > 1.0


def test_one_person_targets_in_short():
    """Cells of every kind at noise .1, few people: ratios stay within the target plus three standard errors."""
    names = ("slow", "fast", "recurring", "slow_exceptions", "fast_exceptions", "volatility_shift")
    rules = {"hierarchical-bayes": replace(DEFAULT, single=True)}
    cells = [
        measure_expected(SCENARIOS[f"{name}_noise10_v1"], rules, seed=31, most=LANES, batch=LANES)[0] for name in names
    ]
    worst = figures(cells)
    assert worst.worst_ratio.value < 1.20 + 3 * worst.worst_ratio.standard_error
    assert worst.worst_regret.value < 1.5 + 3 * worst.worst_regret.standard_error


def test_expected_errors_need_full_feedback():
    with pytest.raises(ValueError, match="no exact limit"):
        expected_errors(SCENARIOS["slow_noise10_thumbs_v1"], {"a": DEFAULT}, seed=1, users=(0, 8))


@pytest.mark.parametrize(
    "broken",
    [
        lambda: Switching(-0.1),
        lambda: Switching(0.1, 0.1, (0.5, 0.4)),
        lambda: Restless(0.001, 0.05, block=3.0),
        lambda: Restless(0.001, 0.05, phases=0),
        lambda: Scheduled(0.001, 0.05, block=0),
        lambda: Scheduled(0.001, 0.05, block=1.5),
        lambda: Restless(0.001, 0.05, block=float("nan")),
        lambda: Restless(0.001, 0.05, phases=1.5),
        lambda: Switching(False),
        lambda: Switching(0.1, 0.1, (float("nan"), 1.0)),
        lambda: Observer(0.1, slope=float("nan")),
        lambda: Observer(0.1, slope=1e4),
        lambda: HierarchicalBayes((Switching(0.1),), (Observer(0.1),), ((float("nan"),),)),
        lambda: HierarchicalBayes([Switching(0.1)], (Observer(0.1),), ((1.0,),)),
        lambda: HierarchicalBayes((object(),), (Observer(0.1),), ((1.0,),)),
        lambda: listening(ATTENTIVE, {None: 1.0}),
        lambda: attentive(DEFAULT, consent=1.0),
        lambda: any_length(DEFAULT, (), ()),
        lambda: fit(DEFAULT, [feedback(proposed=1, kind=np.full(LANES, Kind.ACCEPTED))], options=4, stubbornness=-1.0),
        lambda: Observer(0.0),
        lambda: HierarchicalBayes((), (), ()),
        lambda: replace(DEFAULT, prior=CORE_PRIOR[:-1]),
        lambda: replace(DEFAULT, prior=tuple(tuple(-w for w in row) for row in CORE_PRIOR)),
        lambda: Observer(0.1, answers=(0.0, 0.5)),
        lambda: Observer(0.1, answers=(0.5,)),
        lambda: HierarchicalBayes(
            (Restless(0.001, 0.05, phases=2), Restless(0.001, 0.05)), (Observer(0.1),), ((1.0,), (1.0,))
        ),
    ],
)
def test_impossible_configurations_are_refused(broken):
    with pytest.raises(ConfigurationError):
        broken()
