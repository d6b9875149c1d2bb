"""Off-policy estimates: right where they claim to be, refused where they cannot be, imputation close to the truth."""

from dataclasses import replace

import numpy as np
import pytest

from persona_lab.errors import InputError
from persona_lab.feedback import feedback
from persona_lab.metrics import off_policy
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Exceptions, Switch
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.baselines import LastWriteWins, RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.fitting import Estimate, PopulationFit, fit_population, whole
from persona_lab.studies.imputation import Told, _states, impute, sample_lives, sensitivity
from persona_lab.studies.off_policy import decide_on_log, estimates, explored_log, true_rewards

RIVALS = {"last-write-wins": LastWriteWins(), "running-count": RunningCount(), "ewma-0.2": Ewma(0.2)}


def population(channel, *, users, seed, path=None, interactions=100):
    scenario = Scenario("off_policy_v1", path or Switch(1 / 40), channel, interactions=interactions)
    return scenario, live(scenario, seed=seed, users=(0, users))


def told(fitted_from: Channel, hazard: float, rate: float = 0.0) -> PopulationFit:
    """Return a fit that knows the truth."""

    def exactly(value: float) -> Estimate:
        return Estimate(value, None, value, value)

    return PopulationFit(
        hazard=exactly(hazard), noise=exactly(fitted_from.noise), exception_rate=exactly(rate) if rate else None,
        patience_accept=exactly(fitted_from.patience_accept), patience_wrong=exactly(fitted_from.patience_wrong),
        names_option=fitted_from.names_option, options=4, longest=3, log_likelihood=0.0, streams=1, interactions=1,
        warnings=(),
    )  # fmt: skip


def disagreement(scenario, lives, strategy, users):
    path = closed_loop(scenario, lives, strategy, seed=999, users=(0, users))
    return float((path.proposed != lives.expressed).mean())


def plain_log(scenario, lives, users, seed):
    seen = closed_loop(scenario, lives, Ewma(0.3), seed=seed, users=(0, users))
    steps = range(scenario.interactions)
    log = [feedback(proposed=seen.proposed[t], kind=seen.kind[t], corrected=seen.corrected[t]) for t in steps]
    return whole(log, options=4)


def test_inverse_propensity_and_doubly_robust_hold_the_truth_on_the_loggers_history():
    scenario, lives = population(Channel(0.1), users=512, seed=3)
    log = explored_log(scenario, lives, Ewma(0.3), epsilon=0.5, seed=4)
    truth = true_rewards(log, lives, RIVALS)
    for name, strategy in RIVALS.items():
        found = estimates(log, strategy)
        for method in ("inverse propensity", "self-normalised", "doubly robust"):
            estimate = found[method]
            assert abs(estimate.value - truth[name]) < 3 * estimate.standard_error, (name, method)
            assert estimate.low < estimate.value < estimate.high
        assert found["doubly robust"].standard_error < found["inverse propensity"].standard_error
        assert found["direct"].value == pytest.approx(1 - truth[name], abs=1e-12)


def test_a_uniform_logger_gives_the_closed_form():
    reward, logged = np.array([1.0, 0.0, 1.0, 0.0]), np.array([0, 1, 2, 0])
    chosen = np.array([[1.0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]])
    arguments = {"reward": reward, "logged": logged, "propensity": np.full(4, 1 / 3), "chosen": chosen}
    found = off_policy.inverse_propensity(**arguments, user=np.arange(4))
    assert found.value == pytest.approx(3 * (1 + 1) / 4)
    assert off_policy.self_normalised(**arguments, user=np.arange(4)).value == pytest.approx(0.5)
    assert found.effective_sample_size == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("propensity", "says"),
    [
        (np.array([0.5, np.nan, 0.5]), "1 of 3 interactions carry no propensity"),
        (np.array([0.5, 0.0, 0.5]), r"must lie in \(0, 1\]"),
        (np.ones(3), "never explored"),
    ],
)
def test_refusals_say_why(propensity, says):
    chosen = np.array([[0.0, 0, 0], [1, 1, 1]])
    found = off_policy.inverse_propensity(
        reward=np.ones(3), logged=np.zeros(3, int), propensity=propensity, chosen=chosen, user=np.arange(3)
    )
    assert found.value is None
    assert __import__("re").search(says, found.reason)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"reward": np.array([1.0, np.nan, 0.0])}, "1 of 3 rewards"),
        ({"logged": np.array([0, 1, -1])}, "none of the 2 options"),
        ({"logged": np.array([0, 1, 2])}, "none of the 2 options"),
        ({"chosen": np.full((2, 3), np.nan)}, "sum to 1"),
        ({"chosen": np.ones((2, 3))}, "sum to 1"),
        ({"chosen": np.array([[-1.0] * 3, [2.0] * 3])}, "sum to 1"),
        ({"predicted": np.full((2, 3), np.nan)}, "must be finite"),
        ({"predicted": np.full((3, 3), 0.5)}, "predictions of shape"),
        ({"propensity": np.full(3, 1e-320)}, "lie in (0, 1]"),
        ({"propensity": np.full(2, 0.5)}, "2 propensities for 3"),
        ({"reward": np.ones(4)}, "4 rewards for 3"),
    ],
)
def test_weighting_refuses_what_it_cannot_weigh(wrong, says):
    given = {
        "reward": np.array([1.0, 0.0, 0.0]),
        "logged": np.array([0, 1, 0]),
        "propensity": np.full(3, 0.5),
        "chosen": np.array([[1.0] * 3, [0.0] * 3]),
        "predicted": np.full((2, 3), 0.5),
        "user": np.arange(3),
    }
    assert off_policy.doubly_robust(**given).value is not None
    found = [off_policy.doubly_robust(**(given | wrong))]
    if "predicted" not in wrong:
        weighted = {name: value for name, value in (given | wrong).items() if name != "predicted"}
        found += [off_policy.inverse_propensity(**weighted), off_policy.self_normalised(**weighted)]
    for one in found:
        assert one.value is None
        assert says in one.reason


def test_an_estimate_without_spread_has_no_interval():
    chosen = np.array([[1.0] * 4, [0.0] * 4])
    arguments = {"reward": np.zeros(4), "logged": np.zeros(4, int), "propensity": np.full(4, 0.5), "chosen": chosen}
    alike = off_policy.inverse_propensity(**arguments, user=np.arange(4))
    assert (alike.value, alike.standard_error, alike.low, alike.high) == (0.0, None, None, None)
    assert "all 4 users are alike" in alike.reason
    alone = off_policy.inverse_propensity(**arguments, user=np.zeros(4, int))
    assert alone.low is None
    assert "one user only" in alone.reason


def test_a_log_of_silence_says_nothing_about_acceptance():
    still = [
        feedback(proposed=np.zeros(4, np.int8), kind=np.zeros(4, np.int8), propensity=np.full(4, 0.5)) for _ in range(9)
    ]
    found = estimates(whole(still, options=2), Ewma(0.2))
    for method in ("inverse propensity", "self-normalised", "doubly robust", "direct", "naive"):
        assert found[method].value is None, method
        assert found[method].reason
    assert "nobody ever answered" in found["inverse propensity"].reason


def test_one_person_is_not_imputed():
    log = whole([feedback(proposed=np.zeros(1, np.int8), kind=np.ones(1, np.int8)) for _ in range(9)], options=2)
    with pytest.raises(InputError, match="more than one person"):
        impute(log, told(Channel(0.1), 0.02), RIVALS, seed=1)


def test_overlap_that_fails_is_refused():
    n = 5000
    chosen = np.zeros((2, n))
    chosen[1] = 1.0
    logged = np.zeros(n, int)
    logged[0] = 1
    found = off_policy.doubly_robust(
        reward=np.ones(n), logged=logged, propensity=np.full(n, 0.5), chosen=chosen, predicted=chosen, user=np.arange(n)
    )
    assert found.value is None
    assert "overlap fails" in found.reason


def test_direct_scoring_is_refused_where_answers_are_a_biased_sample():
    for channel, says in ((Channel(0.1, names_option=0.0), "declines"), (Channel(0.1, 0.2, 0.8), "silent")):
        scenario, lives = population(channel, users=64, seed=5, interactions=40)
        found = estimates(plain_log(scenario, lives, 64, 5), Ewma(0.2))["direct"]
        assert found.value is None
        assert says in found.reason


def test_naive_scores_are_far_off_where_imputation_is_close():
    channel, users = Channel(0.1, patience_accept=0.2, patience_wrong=0.8), 256
    scenario, lives = population(channel, users=users, seed=6)
    log = plain_log(scenario, lives, users, 6)
    fitted = fit_population([log], exceptions=False)
    found = {one.strategy: one for one in impute(log, fitted, RIVALS, seed=1, draws=4)}
    for name, strategy in RIVALS.items():
        truth = disagreement(scenario, lives, strategy, users)
        assert abs(found[name].value - truth) < 3 * found[name].standard_error + 0.005
        naive = estimates(log, strategy)["naive"].value
        assert naive - truth > 0.1


def test_sampled_lives_keep_every_answer_of_the_log():
    channel, users = Channel(0.1, 0.5, 0.9, names_option=0.5), 64
    scenario, lives = population(channel, users=users, seed=7, path=Exceptions(0.05, 3, 0.02), interactions=60)
    log = plain_log(scenario, lives, users, 7)
    sampled = sample_lives(log, Told(0.02, 0.1, 0.05, 0.5, 0.9, 0.5, 3), seed=1, draw=0)
    d = decide_on_log(log, Ewma(0.2))
    said = np.asarray(sampled.expressed).ravel()
    named = d.named >= 0
    assert (said[named] == d.named[named]).all()
    declined = d.kind == 2
    assert declined.any()
    assert (said[declined] != d.logged[declined]).all()
    assert sampled.in_exception.any()


def test_imputed_exceptions_occur_as_often_as_true_ones():
    channel, users = Channel(0.05), 256
    scenario, lives = population(channel, users=users, seed=8, path=Exceptions(0.05, 3, 0.02), interactions=80)
    log = plain_log(scenario, lives, users, 8)
    sampled = sample_lives(log, Told(0.02, 0.05, 0.05, 1.0, 1.0, 1.0, 3), seed=1, draw=0)
    assert sampled.in_exception.mean() == pytest.approx(lives.in_exception.mean(), abs=0.01)
    assert (sampled.preferred == lives.preferred).mean() > 0.9


def test_hidden_states_form_a_proper_chain():
    start, move, wanted, preferred = _states(3, Told(0.1, 0.1, 0.2, 1.0, 1.0, 1.0, 4))
    assert start.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(move.sum(axis=1), 1.0)
    assert (wanted[3:] != preferred[3:]).all()
    assert (wanted[:3] == preferred[:3]).all()


def test_the_sensitivity_band_covers_the_truth_where_the_interval_trusts_wrong_parameters():
    channel, users = Channel(0.1, patience_accept=0.2, patience_wrong=0.8), 256
    scenario, lives = population(channel, users=users, seed=16)
    log = plain_log(scenario, lives, users, 16)
    right = told(channel, 1 / 40)
    wrong = replace(right, patience_accept=Estimate(0.33, None, 0.33, 0.33))
    missed = 0
    for band, trusted in zip(
        sensitivity(log, wrong, RIVALS, seed=1, draws=2), impute(log, wrong, RIVALS, seed=1, draws=2), strict=True
    ):
        truth = disagreement(scenario, lives, RIVALS[band.strategy], users)
        missed += not trusted.low <= truth <= trusted.high
        assert 0.0 <= band.low <= truth <= band.high <= 1.0, band
        assert band.low < band.value < band.high
        assert band.low_at in ("as fitted",) or band.low_at.split()[0] in Told.__dataclass_fields__
    assert missed, "the parameters were not wrong enough to tell"
    with pytest.raises(InputError, match="odds above 1"):
        sensitivity(log, wrong, RIVALS, seed=1, odds=1.0)
    with pytest.raises(InputError, match="at least 2 draws"):
        impute(log, wrong, RIVALS, seed=1, draws=1)


def test_a_log_of_nothing_but_accepts_is_imputed_however_wide_the_fit():
    always = [feedback(proposed=np.full(4, t % 2, np.int8), kind=np.ones(4, np.int8)) for t in range(10)]
    log = whole(always, options=2)
    found = impute(log, fit_population([log], exceptions=False), RIVALS, seed=1, draws=2)
    assert all(0.0 <= one.low <= one.value <= one.high <= 1.0 for one in found)


def test_nothing_to_score_is_no_score():
    unknown = off_policy.direct(right=np.array([np.nan, 1.0]), user=np.arange(2), estimand="x")
    assert unknown.value is None
    assert "1 of 2 scores" in unknown.reason
    empty = whole([], options=2)
    with pytest.raises(InputError, match="no interaction"):
        estimates(empty, Ewma(0.2))
    with pytest.raises(InputError, match="no interaction"):
        impute(empty, told(Channel(0.1), 0.02), RIVALS, seed=1)
