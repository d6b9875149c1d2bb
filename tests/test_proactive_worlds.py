"""The sixteen cells: worlds, limits and the published baselines."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import betainc

from persona_lab.contracts import Move
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import Kind
from persona_lab.metrics import proactive as metrics
from persona_lab.policies.baselines import Fixed
from persona_lab.policies.expected_utility import DiscountedBeta
from persona_lab.policies.thresholds import ApprovalRule, wilson_lower, wilson_upper
from persona_lab.policies.utilities import (
    ACT,
    SILENT,
    SUGGEST,
    act_value,
    choose_move,
    costs,
    suggest_value,
    thresholds,
)
from persona_lab.simulate.opportunities import (
    COST_SETTINGS,
    DRIFT_HAZARD,
    WORLDS,
    AcceptanceWorld,
    clairvoyant_value,
    play,
    tolerance_paths,
)
from persona_lab.simulate.opportunity_limits import Solver, clairvoyant_expected
from persona_lab.studies.proactive import PUBLISHED, optimum_cells, run_cells, summarise, told

ROOT = Path(__file__).resolve().parent.parent
PEOPLE = 1000
SEED = 20


@pytest.fixture(scope="module")
def baselines():
    rules = {
        "always suggest": Fixed(Move.SUGGEST),
        "approval >= .8 act, else suggest": ApprovalRule("else_suggest"),
        "approval >= .8 act, else nothing": ApprovalRule("else_silent"),
        "approval >= .8 act, >= .5 suggest, else nothing": ApprovalRule("three_way"),
        "discounted Beta .97": DiscountedBeta(),
    }
    cells = run_cells({name: lambda world, rule=rule: rule for name, rule in rules.items()}, seed=SEED, people=PEOPLE)
    return summarise(cells)


# Static people differ for good, so 1,000 of them leave a standard error of about 1 point on a mean of eight cells and
# of 3 to 6 points on a single dear cell; the published means are rounded, from other people.
@pytest.mark.parametrize("column", ["static", "drifting"])
def test_published_baselines_are_reproduced(baselines, column):
    gap = (baselines[column] - baselines[f"published_{column}"]).abs()
    assert gap.max() <= 3.0, baselines


def test_published_worst_cells_are_reproduced(baselines):
    gap = (baselines["worst"] - baselines["published_worst"]).abs()
    assert gap.max() <= 6.0, baselines


def test_optimum_is_reproduced():
    row = summarise(optimum_cells()).row(0, named=True)
    assert row["static"] == pytest.approx(99, abs=1)
    assert row["drifting"] == pytest.approx(86, abs=1)
    assert row["worst"] == pytest.approx(74, abs=1)


def test_optimum_bounds_the_told_filter_and_grid_is_fine_enough():
    world, setting = AcceptanceWorld("two_state", DRIFT_HAZARD), COST_SETTINGS[3]
    best = Solver().solve(world, setting.costs)
    finer = Solver(points=1601).solve(world, setting.costs)
    assert abs(best.share - finer.share) < 1e-3
    cell = run_cells({"told": lambda w: told(w, "quantile")}, seed=SEED, people=500, worlds=[world], settings=[setting])
    assert cell["share"][0] <= best.share + 3 * cell["share_se"][0]


def test_optimum_equals_enumeration_of_two_steps():
    # Two opportunities, even prior: by hand, over suggest / silent / act first and the best move second.
    world, given = AcceptanceWorld("two_state", 0.2), costs(1.0, 2.0, 0.45)

    def best(p):
        return max(0.0, float(suggest_value(p, given)), float(act_value(p, given)))

    def mean(belief):
        return 0.05 + 0.8 * belief

    def later(belief):
        return best(mean(belief * 0.8 + (1 - belief) * 0.2))

    yes = 0.5 * 0.85 / 0.45
    no = 0.5 * 0.15 / 0.55
    learnt = 0.45 * later(yes) + 0.55 * later(no)
    now = max(float(suggest_value(0.45, given)), float(act_value(0.45, given)))
    by_hand = max(later(0.5), now + 0.8 * learnt + 0.2 * later(0.5))
    assert Solver(points=4001, steps=2).solve(world, given).value * 2 == pytest.approx(by_hand, abs=1e-4)


def test_worlds_have_their_hazard_and_levels():
    for world in WORLDS:
        path, changed = tolerance_paths(world, seed=3, people=500, steps=200)
        assert changed.mean() == pytest.approx(world.hazard * 199 / 200, abs=4 * (0.01 / 100_000) ** 0.5)
        assert not changed[0].any()
        still = ~changed[1:]
        assert (path[1:][still] == path[:-1][still]).all()
        assert path.mean() == pytest.approx(0.45 if world.law == "two_state" else 0.5, abs=0.06)
        if world.law == "redraw":
            # Beta(e, e) at e = .75: variance 1 / (4 (2 e + 1)), and more people at the ends than a uniform law has.
            assert path[0].var() == pytest.approx(1 / 10, abs=0.02)
            assert (path[0] < 0.1).mean() == pytest.approx(betainc(0.75, 0.75, 0.1), abs=0.06)


def test_clairvoyant_expectation_matches_its_people():
    for world in WORLDS[2:]:
        path, _ = tolerance_paths(world, seed=5, people=2000)
        for setting in COST_SETTINGS:
            mean = clairvoyant_value(path, setting.costs).mean()
            assert mean == pytest.approx(clairvoyant_expected(world, setting.costs), rel=0.05)


def test_play_hides_what_nobody_said_and_does_not_depend_on_who_else_plays():
    world = AcceptanceWorld("redraw", DRIFT_HAZARD)
    many = play(DiscountedBeta(), world, COST_SETTINGS[0].costs, seed=1, people=130, steps=60)
    few = play(DiscountedBeta(), world, COST_SETTINGS[0].costs, seed=1, people=3, steps=60)
    for one, other in zip(many, few, strict=True):
        np.testing.assert_array_equal(one[:, :3], other)
    assert (many.kind[many.move == SILENT] == Kind.SILENT).all()
    answered = many.kind != Kind.SILENT
    assert ((many.kind == Kind.ACCEPTED) == many.wanted)[answered].all()
    assert answered[many.move != SILENT].mean() == pytest.approx(0.8, abs=0.02)


def test_busy_people_are_interrupted_less_and_unneeded_help_is_unwelcome():
    given = costs(1.0, 2.0, 0.1)
    free, busy = AcceptanceWorld("redraw"), AcceptanceWorld("redraw", need=0.5, meeting=0.3, focus=0.3)
    seen = play(DiscountedBeta(), busy, given, seed=2, people=300, steps=100)
    plain = play(DiscountedBeta(), free, given, seed=2, people=300, steps=100)
    np.testing.assert_allclose(seen.tolerance, plain.tolerance / 2)
    at_focus, at_leisure = seen.interruption > 0.4, seen.interruption < 0.2
    assert at_focus.mean() == pytest.approx(0.3, abs=0.01)
    assert (seen.move == SUGGEST)[at_focus].mean() < 0.5 * (seen.move == SUGGEST)[at_leisure].mean()
    assert np.unique(plain.interruption).tolist() == [0.1]


def test_static_rule_thresholds():
    p = np.linspace(0.001, 0.999, 997)
    for given in (costs(1, 2, 0.1), costs(1, 0.5, 0.4), costs(2, 6, 0.5), costs(1, 0.2, 0.9)):
        suggest, act = thresholds(given)
        moves = choose_move(p, p, given)
        clear = (np.abs(p - suggest) > 1e-6) & (np.abs(p - act) > 1e-6)
        expected = np.where(p > act, ACT, np.where(p > suggest, SUGGEST, SILENT))
        assert (moves == expected)[clear].all()
        worth = np.stack([np.zeros_like(p), suggest_value(p, given), act_value(p, given)])
        np.testing.assert_allclose(worth[moves, np.arange(len(p))], worth.max(axis=0))


def test_indifference_stays_silent():
    assert choose_move(np.array([0.25]), np.array([0.25]), costs(1, 100, 0.25))[0] == SILENT


def test_wilson_interval_known_values():
    # Wilson (1927) for 8 of 10 at 95 %: (.4902, .9433).
    assert wilson_lower(np.array([8.0]), np.array([10.0]), 1.959964)[0] == pytest.approx(0.4902, abs=1e-4)
    assert wilson_upper(np.array([8.0]), np.array([10.0]), 1.959964)[0] == pytest.approx(0.9433, abs=1e-4)


def test_approval_window_counts_only_the_latest_answers():
    rule = ApprovalRule("three_way", window=5, cold_start=5)
    state = rule.init(1)
    for kind in [Kind.ACCEPTED] * 8 + [Kind.SILENT] * 3 + [Kind.DECLINED] * 2:
        state = rule.update(state, np.array([SUGGEST]), np.array([kind]))
    assert rule.acceptance(state, np.zeros(1)).mean[0] == pytest.approx(0.6)
    assert ApprovalRule("three_way").acceptance(state, np.zeros(1)).mean[0] == pytest.approx(0.8)


@pytest.mark.parametrize(
    "broken",
    [
        lambda: AcceptanceWorld("sometimes"),
        lambda: AcceptanceWorld("redraw", hazard=1.5),
        lambda: AcceptanceWorld("redraw", meeting=0.6, focus=0.6),
        lambda: ApprovalRule(act_at=80),
        lambda: ApprovalRule(window=2),
        lambda: DiscountedBeta(discount=0),
        lambda: Solver().solve(AcceptanceWorld("redraw"), costs()),
    ],
)
def test_bad_configuration_is_refused(broken):
    with pytest.raises(ConfigurationError, match="expected"):
        broken()


def test_metrics_of_a_tiny_play_by_hand():
    move = np.array([[SUGGEST, SILENT], [ACT, ACT]], dtype=np.int8)
    kind = np.array([[Kind.ACCEPTED, Kind.SILENT], [Kind.DECLINED, Kind.SILENT]], dtype=np.int8)
    wanted = np.array([[True, True], [False, True]])
    given = costs(1.0, 3.0, 0.25)
    assert metrics.acceptance_rate(kind=kind).value == 0.5
    assert metrics.proposal_rate(move=move).value == 0.75
    assert metrics.act_rate(move=move).value == 0.5
    assert metrics.missed_need(move=move, wanted=wanted).value == pytest.approx(1 / 3)
    assert metrics.unwanted_acts(move=move, wanted=wanted).value == 0.25
    assert metrics.net_utility(move=move, wanted=wanted, costs=given).value == pytest.approx(100 * (0.75 - 3 + 1) / 4)
    silent = np.zeros_like(move)
    nothing = metrics.acceptance_rate(kind=silent)
    assert nothing.value is None
    assert "nothing was proposed" in nothing.reason
    assert metrics.missed_need(move=silent, wanted=np.zeros_like(wanted)).value is None


def test_the_worlds_are_the_ones_that_the_search_found():
    """The frozen costs and prior are the best of the recorded search, and every published row is near theirs."""
    record = json.loads((ROOT / "reports" / "evidence" / "proactive_worlds.json").read_text(encoding="utf-8"))
    best = record["best"][0]
    assert best["pairs"] == [setting.name for setting in COST_SETTINGS]
    assert best["exponent"] == AcceptanceWorld("redraw").extremes
    assert set(best["rows"]) == set(PUBLISHED)
    for name, (static, drifting, worst) in PUBLISHED.items():
        found = best["rows"][name]
        assert found[:2] == pytest.approx([static, drifting], abs=1.5), name
        assert found[2] == pytest.approx(worst, abs=2.0), name
    uniform = record["first_pass_by_exponent"]["1.0"]
    assert uniform["rows"]["approval >= .8 act, else nothing"][0] < 34, "a uniform prior falls short of 36"
