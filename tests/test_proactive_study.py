"""The targets at small scale, stated confidence, risk control, and coderec."""

import numpy as np
import polars as pl
import pytest
from log_data import DATA

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import Kind
from persona_lab.metrics import proactive as metrics
from persona_lab.policies.acceptance_map import ACCEPTANCE_MAP
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.calibrators import Calibrated, Calibrator
from persona_lab.policies.population import PopulationTolerance
from persona_lab.randomness import generator
from persona_lab.simulate.opportunities import COST_SETTINGS, WORLDS, play
from persona_lab.studies.acceptance_prior import PRIOR_SEED, fit_acceptance_prior, shipped_belief
from persona_lab.studies.coderec import replay_coderec
from persona_lab.studies.proactive import policies, run_cells, summarise, told
from persona_lab.studies.proactive_checks import risk_cells
from persona_lab.studies.proactive_confidence import (
    LIMIT,
    MAP_SEED,
    MAPPED,
    RAW,
    SHIPPED,
    confidence_study,
    fit_acceptance_map,
    told_forecasts,
)

CODEREC = DATA / "coderec" / "decisions.parquet"


@pytest.fixture(scope="module")
def scored():
    chosen = {name: policies()[name] for name in ("adaptive Bayes, told nothing", "discounted Beta .97")}
    return run_cells(chosen, seed=77, people=400)


def test_adaptive_policy_meets_the_targets_told_nothing(scored):
    """Means of eight cells; the standard error of a mean is below .4 points at 400 people."""
    ours = summarise(scored).row(0, named=True)
    assert ours["static"] >= 96 - 0.8
    assert ours["drifting"] >= 85 - 0.8
    # The worst cell alone has a standard error of about 1.2 points at this size; 5,000 people in the evidence.
    assert ours["worst"] >= 70 - 2.4


def test_adaptive_beats_the_best_simple_rule_on_the_same_people(scored):
    wide = scored.pivot("policy", index=["law", "drifting", "interruption", "harm"], values="share")
    gain = wide["adaptive Bayes, told nothing"] - wide["discounted Beta .97"]
    assert gain.mean() > 0.02
    assert gain.min() > -0.03


def test_one_setting_serves_all_cells(scored):
    assert scored.filter(pl.col("policy") == "adaptive Bayes, told nothing").height == len(WORLDS) * len(COST_SETTINGS)
    assert AdaptiveBayes() == AdaptiveBayes()


def test_acceptance_never_stands_alone(scored):
    for column in ("acceptance", "proposal", "missed_need", "unwanted", "net_utility", "act"):
        assert scored[column].null_count() == 0
    assert ((scored["missed_need"] >= 0) & (scored["missed_need"] <= 1)).all()


def test_confidence_is_calibrated_on_fresh_people():
    found = confidence_study(seed=301, people=100, training_seed=302, training_people=50)
    table = {(row["map"], row["world"]): row["ece"] for row in found.worlds.iter_rows(named=True)}
    # In every world, though it is told none of them; no map of one number gets there.
    assert max(table[SHIPPED, world] for world in ("all", *(world.name for world in WORLDS))) <= 0.02
    for world in WORLDS[::2]:
        assert table[SHIPPED, world.name] < table[MAPPED, world.name] < table[RAW, world.name]
    # Nobody who is told the worlds, but not which it is, can be less honest over all of them than one who is not.
    assert table[LIMIT, "all"] <= table[SHIPPED, "all"] + 0.005
    late = found.after.filter((pl.col("answers") >= 26) & (pl.col("answers") <= 36) & (pl.col("map") == SHIPPED))
    # Few answers per lag at this size: the mean over its groups, less what a perfect forecaster would show.
    assert (late["ece"] - late["ece_perfect"]).mean() <= 0.05
    assert PRIOR_SEED == MAP_SEED
    for seed in (1, MAP_SEED):
        with pytest.raises(ConfigurationError, match="another seed"):
            confidence_study(seed=seed, people=10, training_seed=1, training_people=10)


def test_the_shipped_map_is_what_its_recipe_gives():
    """Fitted again on a part of its people it is the same map, as closely as that part allows."""
    again = fit_acceptance_map(people=64)
    stated = np.linspace(0.15, 0.9, 16)
    np.testing.assert_allclose(again(stated), ACCEPTANCE_MAP(stated), atol=0.04)
    assert np.abs(ACCEPTANCE_MAP(stated) - stated).max() > 0.02, "a map that changes nothing would pass, too"


def test_the_shipped_belief_is_what_its_recipe_gives():
    """Fitted again on a small part of its people, it states nearly the same about answers of others."""
    again = shipped_belief(people=20)
    assert {one.hazard for one in again.toggling} >= {0.0, 0.01}
    kinds = play(AdaptiveBayes(), WORLDS[2], COST_SETTINGS[0].costs, seed=305, people=64, steps=100).kind
    stated = []
    for belief in (again, SHIPPED_BELIEF, PopulationTolerance(hedge=1.0)):
        state, seen = belief.init(64), []
        for answer in kinds:
            seen.append(belief.acceptance(state, np.zeros(64)).mean)
            state = belief.update(state, answer, answer)
        stated.append(np.array(seen))
    assert np.abs(stated[0] - stated[1]).mean() < 0.02
    assert np.abs(stated[2] - stated[1]).mean() > 0.04, "a prior that says nothing would pass, too"


def test_a_prior_finds_the_kinds_of_people_there_are():
    luck = generator(4, "test/kinds of people")
    tolerance = np.where(luck.random(120) < 0.5, 0.2, 0.9)
    answers = np.where(luck.random((80, 120)) < tolerance, Kind.ACCEPTED, Kind.DECLINED).astype(np.int8)
    found = fit_acceptance_prior(answers, hedge=0.0)
    state = found.init(1)
    assert found.acceptance(state, np.zeros(1)).mean[0] == pytest.approx((answers == Kind.ACCEPTED).mean(), abs=0.02)
    yes = np.array([Kind.ACCEPTED], np.int8)
    for _ in range(6):
        state = found.update(state, yes, yes)
    assert found.acceptance(state, np.zeros(1)).mean[0] == pytest.approx(0.9, abs=0.03)
    with pytest.raises(InputError, match="answers"):
        fit_acceptance_prior(np.zeros((5, 3), np.int8))
    with pytest.raises(InputError, match="weight"):
        fit_acceptance_prior(answers, np.ones(3))


def test_calibrated_policy_states_and_decides_by_the_map():
    plain, low = AdaptiveBayes(), Calibrator((0.0, 1.0), (0.0, 0.1))
    seen = play(Calibrated(plain, low), WORLDS[0], COST_SETTINGS[2].costs, seed=9, people=64, steps=20)
    assert (seen.move == 0).all()
    assert seen.stated.max() <= 0.1
    same = play(Calibrated(plain, Calibrator()), WORLDS[0], COST_SETTINGS[2].costs, seed=9, people=64, steps=20)
    np.testing.assert_array_equal(
        same.move, play(plain, WORLDS[0], COST_SETTINGS[2].costs, seed=9, people=64, steps=20).move
    )


def test_told_forecasts_are_those_of_the_told_filter_where_there_is_one_world():
    world = WORLDS[2]
    seen = play(told(world, "mean"), world, COST_SETTINGS[0].costs, seed=9, people=64, steps=30)
    np.testing.assert_allclose(told_forecasts(seen, [world]), seen.stated, atol=1e-6)


def test_risk_is_kept_in_the_long_run():
    drifting = [world for world in WORLDS if world.hazard > 0]
    cells = risk_cells((0.1,), seed=303, people=100, steps=600, worlds=drifting, settings=COST_SETTINGS[:2])
    assert (cells["unwanted"] <= cells["alpha"] + 2 * cells["unwanted_se"]).all()
    # The dear pair of costs in the two-state world is one in which even the clairvoyant never acts.
    assert cells["acting"].null_count() == 1
    assert (cells["acting"].drop_nulls() >= 0.8 - 2 * cells["acting_se"].drop_nulls()).all()
    assert cells["after_drift"].null_count() == 0
    assert (cells["act"] <= cells["most_act"]).all()


def test_calibration_metric_by_hand_and_of_a_perfect_forecaster():
    stated = np.array([0.1] * 10 + [0.9] * 10)
    happened = np.array([True] * 2 + [False] * 8 + [True] * 9 + [False])
    found = metrics.calibration(stated=stated, happened=happened)
    assert found.ece.value == pytest.approx(0.05)
    luck = generator(1, "test/perfect")
    p = luck.random(20_000)
    perfect = metrics.calibration(stated=p, happened=luck.random(20_000) < p)
    assert perfect.ece.value == pytest.approx(perfect.ece_perfect, rel=0.5)
    nothing = metrics.calibration(stated=np.array([]), happened=np.array([]))
    assert nothing.ece.value is None


def test_answers_since_change_by_hand():
    heard, quiet = Kind.ACCEPTED, Kind.SILENT
    kind = np.array([[heard], [heard], [quiet], [heard], [heard]], dtype=np.int8)
    changed = np.array([[False], [False], [True], [False], [False]])
    assert metrics.answers_since_change(kind=kind, changed=changed).ravel().tolist() == [-1, -1, 0, 0, 1]


def test_risk_coverage_starts_with_the_surest():
    curve = metrics.risk_coverage(stated=np.array([0.9, 0.8, 0.2, 0.1]), wanted=np.array([1, 1, 0, 0]), points=4)
    assert curve["risk"].to_list() == [0.0, 0.0, pytest.approx(1 / 3), 0.5]
    assert curve["coverage"].to_list() == [0.25, 0.5, 0.75, 1.0]


def test_no_curve_of_nothing_and_no_confidence_beyond_one():
    nothing = np.zeros(0)
    assert metrics.risk_coverage(stated=nothing, wanted=nothing).is_empty()
    for wrong in (np.nan, 1.5, -0.5):
        with pytest.raises(InputError, match="no probability"):
            metrics.calibration(stated=np.array([wrong]), happened=np.array([True]))


def test_person_calibration_leaves_out_the_silent():
    kind = np.array([[Kind.ACCEPTED, Kind.SILENT], [Kind.DECLINED, Kind.SILENT]], dtype=np.int8)
    table = metrics.person_calibration(
        stated=np.full((2, 2), 0.5), wanted=np.array([[True, True], [False, True]]), kind=kind
    )
    assert table["person"].to_list() == [0]
    assert table["deviation"].to_list() == [0.0]


@pytest.mark.skipif(not CODEREC.exists(), reason="needs coderec/decisions.parquet (PERSONA_LAB_DATA)")
def test_coderec_people_held_out():
    found = replay_coderec(pl.read_parquet(CODEREC))
    assert found.log_loss.value <= 0.555
    assert found.auc >= 0.74
    assert found.slope_low <= 1.0 <= found.slope_high
    assert found.forecasts.height == 632


@pytest.mark.skipif(not CODEREC.exists(), reason="needs coderec/decisions.parquet (PERSONA_LAB_DATA)")
def test_coderec_forecasts_do_not_see_the_person_or_the_future():
    """Flipping one person's answers leaves that person's forecasts unchanged, as do columns written later."""
    decisions = pl.read_parquet(CODEREC)
    one = decisions["user_id"][0]
    flipped = decisions.with_columns(
        accepted=pl.when(pl.col("user_id") == one).then(1 - pl.col("accepted")).otherwise(pl.col("accepted")),
        decided_at=pl.col("shown_at"),
    )
    mine = pl.col("person") == one
    before = replay_coderec(decisions).forecasts.filter(mine)["stated"]
    assert (before == replay_coderec(flipped).forecasts.filter(mine)["stated"]).all()


@pytest.mark.parametrize("answers", [[1] * 6, [0, 1, 2, 1, 0, 1], [0, None, 0, 1, 0, 1]])
def test_coderec_needs_answers_of_both_kinds_and_no_other(answers):
    people = ["a", "a", "b", "b", "c", "c"]
    with pytest.raises(InputError, match="0 and 1"):
        replay_coderec(pl.DataFrame({"user_id": people, "accepted": answers, "show_x": range(6)}))


def test_coderec_needs_its_columns():
    with pytest.raises(InputError, match="missing"):
        replay_coderec(pl.DataFrame({"user_id": [1], "accepted": [1]}))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"show_x": ["a"] * 6}, "no number"),
        ({"show_x": [float("inf")] + [1.0] * 5}, "not finite"),
        ({"show_x": [None] * 6}, "no feature has a value"),
        ({"user_id": [None, "a", "b", "b", "c", "c"]}, "unknown"),
        ({"accepted": [1, 0, 1, 1, 1, 1]}, "answered alike"),
    ],
)
def test_coderec_refuses_what_it_cannot_read(wrong, says):
    given = {"user_id": ["a", "a", "b", "b", "c", "c"], "accepted": [0, 1, 1, 0, 0, 1], "show_x": range(6)}
    assert replay_coderec(pl.DataFrame(given)).forecasts.height == 6
    with pytest.raises(InputError, match=says):
        replay_coderec(pl.DataFrame(given | wrong))


def test_coderec_passes_over_a_feature_that_nobody_else_has_a_value_of():
    given = pl.DataFrame(
        {"user_id": ["a", "a", "b", "b", "c", "c"], "accepted": [0, 1, 1, 0, 0, 1], "show_x": range(6)}
    )
    alone = given.with_columns(show_y=pl.Series([1.0, 2.0, None, None, None, None]))
    mine = pl.col("person") == "a"
    assert (
        replay_coderec(alone).forecasts.filter(mine)["stated"] == replay_coderec(given).forecasts.filter(mine)["stated"]
    ).all()
