"""The study runner: reproducible to the byte, whatever shares the work; plans refuse what cannot be run."""

import json
from dataclasses import replace

import polars as pl
import pytest
from click.testing import CliRunner

from benchmarks.evidence import bayes, bayes_choices, bayes_prior
from persona_lab.catalog import STRATEGIES
from persona_lab.cli import main
from persona_lab.cli.listing import PARTS
from persona_lab.errors import ConfigurationError
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies import runner
from persona_lab.studies.plan import TRAINING_SEEDS, StudyPlan
from persona_lab.studies.runner import run_study
from persona_lab.studies.statistics import bootstrap_ratio, holm, paired_difference

FEW = {name: STRATEGIES[name] for name in ("last-write-wins", "running-count", "ewma-0.1")}
CELLS = (SCENARIOS["slow_noise10_v1"], SCENARIOS["exceptions_noise10_v1"])


def plan(**changes):
    return StudyPlan(**{"scenarios": CELLS, "strategies": FEW, "users": 64, "interactions": 60, "seed": 7, **changes})


def test_jobs_do_not_change_a_byte(tmp_path, monkeypatch):
    files = []
    for jobs in ("1", "2"):
        out = tmp_path / jobs
        arguments = ["run", "--users", "1100", "--interactions", "12", "--seed", "7", "--jobs", jobs, "--quiet"]
        arguments += ["--scenario", CELLS[0].id, "--strategy", "ewma-0.1", "--strategy", "running-count"]
        ran = CliRunner().invoke(main, [*arguments, "--out", str(out)])
        assert ran.exit_code == 0, ran.output
        files.append((out / "results.parquet").read_bytes())
    assert files[0] == files[1]


def test_the_order_of_strategies_and_scenarios_does_not_matter():
    turned = plan(scenarios=CELLS[::-1], strategies=dict(reversed(FEW.items())))
    assert run_study(plan()).records.equals(run_study(turned).records)


def test_the_limit_is_always_there_and_last_write_wins_is_its_own_yardstick():
    result = run_study(plan(strategies={"mine": Ewma(0.2)}, frontier=False))
    assert set(result.records["strategy"]) == {"limit", "mine", "last-write-wins"}
    assert result.value("all", "last-write-wins", "over_correction_index") == pytest.approx(1.0)
    assert result.value("slow_noise10_v1", "limit", "regret") == 0.0


def test_no_value_is_nan_and_every_null_has_a_reason():
    records = run_study(plan()).records
    assert records["value"].is_nan().sum() == 0
    assert records.filter(pl.col("value").is_null() & pl.col("reason").is_null()).is_empty()
    assert not records.filter(pl.col("value").is_null()).is_empty()


def test_the_manifest_rebuilds_the_run():
    manifest = run_study(plan()).manifest
    assert manifest["strategies"]["ewma-0.1"] == {"type": "Ewma", "rate": 0.1}
    assert manifest["scenarios"]["slow_noise10_v1"]["path"]["hazard"] == 1 / 200
    assert manifest["environment"]["dependencies"]["numpy"]
    json.dumps(manifest)


def test_more_people_keep_the_first_ones(monkeypatch):
    few = run_study(plan(users=64)).timelines[0]
    many = run_study(plan(users=128)).timelines[0]
    assert (few.proposed == many.proposed).all()
    monkeypatch.setattr(runner, "BLOCK_USERS", 32)
    split = run_study(plan(users=64)).timelines[0]
    assert (few.proposed == split.proposed).all()


@pytest.mark.parametrize(
    "change",
    [
        {"scenarios": ()},
        {"strategies": {}},
        {"strategies": {"limit": Ewma(0.1)}},
        {"users": 1},
        {"interactions": 0},
        {"seed": -1},
        {"scenarios": (CELLS[0], CELLS[0])},
        {"scenarios": (replace(CELLS[0], id="all"),)},
        {"seed": 2**63},
    ],
)
def test_plans_refuse_what_cannot_be_run(change):
    with pytest.raises(ConfigurationError):
        plan(**change)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--scenario", "slow_noise10"], "Did you mean slow_noise10_v1"),
        (["--strategy", "ewma"], "Did you mean"),
        (["--strategy", "limit"], "always run"),
        (["--scenario-file", "absent.toml"], "no such file"),
        (["--seed", str(2**63)], "not in the range"),
        (["--seed", "4001"], "training people"),
    ],
)
def test_the_command_says_what_is_wrong(arguments, says, tmp_path):
    ran = CliRunner().invoke(main, ["run", *arguments, "--out", str(tmp_path / "out"), "--quiet"])
    assert ran.exit_code == 2
    assert says in ran.output
    assert not (tmp_path / "out").exists()


def test_nobody_is_scored_who_taught_the_priors_that_ship():
    taught = {bayes.FIT_SEED, bayes_prior.SEED, bayes_choices.TRAINING_SEED}
    assert taught == set(TRAINING_SEEDS)
    for seed in taught:
        with pytest.raises(ConfigurationError, match="training people"):
            plan(seed=seed)
    assert not taught & {bayes.SCORE_SEED, bayes_prior.TEST_SEED, plan().seed, 0}


@pytest.mark.parametrize(
    "arguments", [["run", "--out"], ["replay", "log.csv", "--out"], ["fit", "log.csv", "--out"]], ids=lambda a: a[0]
)
def test_a_folder_that_cannot_be_is_refused_before_any_work(arguments, tmp_path):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    ran = CliRunner().invoke(main, [*arguments, str(tmp_path / "file" / "deeper" / "out")])
    assert ran.exit_code == 2
    assert ran.output.startswith("Error: ")
    assert f"under a file ({tmp_path / 'file'})" in ran.output
    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def test_list_names_every_part():
    ran = CliRunner().invoke(main, ["list", "--json"])
    kinds = json.loads(ran.output)
    assert set(kinds["scenarios"]) == set(SCENARIOS)
    assert set(kinds["strategies"]) == set(STRATEGIES)
    for parts in kinds.values():
        lines = list(parts.values())
        assert all(lines)
        assert len(set(lines)) == len(lines)
        assert not any("`" in line or "\n" in line for line in lines)
    assert set(PARTS) <= set(STRATEGIES)


def test_holm_and_paired_differences_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    same = paired_difference(pl.Series([1.0, 2.0]).to_numpy(), pl.Series([1.0, 2.0]).to_numpy())
    assert (same.value, same.p) == (0.0, 1.0)
    low, high = bootstrap_ratio(pl.Series([1.0, 2.0, 3.0]).to_numpy(), pl.Series([2.0, 4.0, 6.0]).to_numpy(), seed=1)
    assert (low, high) == (0.5, 0.5)


def test_the_contexts_of_a_person_are_one_cluster_and_mixed_people_have_a_second_limit():
    apart = replace(CELLS[0], id="apart_v1", contexts=3)
    result = run_study(plan(scenarios=(apart, SCENARIOS["mixed_v1"]), users=96, frontier=False))
    rows = result.records.filter((pl.col("scenario") == "apart_v1") & (pl.col("metric") == "error_rate"))
    assert set(rows["n"]) == {96}
    metrics = result.records.filter(pl.col("metric") == "ratio_to_population_limit")
    assert set(metrics["scenario"]) == {"mixed_v1"}
    known, anyone = (
        result.value("mixed_v1", "ewma-0.1", metric) for metric in ("ratio_to_limit", "ratio_to_population_limit")
    )
    assert known > anyone > 1.0
