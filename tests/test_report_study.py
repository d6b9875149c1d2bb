"""The report of a real study and of a real replay: small runs from end to end."""

from __future__ import annotations

import json
from dataclasses import replace

import polars as pl
import pytest

from persona_lab.catalog import STRATEGIES
from persona_lab.datasets.log import load_log
from persona_lab.datasets.recipes import recipe_from
from persona_lab.report.build import write_report
from persona_lab.report.notebook import show
from persona_lab.report.overview import svg
from persona_lab.report.plane_figures import plane, undominated
from persona_lab.report.replay_figures import replay_figure
from persona_lab.report.sanity import checks
from persona_lab.report.study import ALL, Study
from persona_lab.report.study_sections import study_sections
from persona_lab.report.study_tables import headline_table, population_table
from persona_lab.report.verdict import verdict
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.studies.plan import LIMIT, StudyPlan, StudyResult
from persona_lab.studies.replay import replay
from persona_lab.studies.runner import run_study

RULES = ("never-update", "last-write-wins", "running-count", "ewma-0.1", "ewma-0.3")


def _plan() -> StudyPlan:
    return StudyPlan(
        scenarios=tuple(SCENARIOS[name] for name in ("stable_noise10_v1", "slow_exceptions_noise10_v1", "mixed_v1")),
        strategies={name: STRATEGIES[name] for name in RULES},
        users=96,
        interactions=150,
        seed=5,
        profile="test",
    )


@pytest.fixture(scope="module")
def result() -> StudyResult:
    return run_study(_plan())


def test_a_real_study_passes_every_check_and_writes_the_same_bytes_twice(result, tmp_path):
    assert [check for check in checks(Study(result)) if check.problem] == []
    again = run_study(_plan())
    # A commit between the two runs would change the revision that the manifest records, and nothing else.
    again = replace(again, manifest=again.manifest | {"environment": result.manifest["environment"]})
    write_report(result, tmp_path / "a")
    write_report(again, tmp_path / "b")
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_the_verdict_quotes_the_records(result):
    study = Study(result)
    said = " ".join(verdict(study))
    best = study.best
    assert f"**{best}** makes the fewest errors" in said
    assert f"{100 * study.value(ALL, best, 'error_rate'):.2f} ± " in said
    assert f"**{100 * study.value(ALL, best, 'over_correction_rate'):.2f} errors for noise**" in said
    assert f"**{100 * study.value(ALL, best, 'adaptation_rate'):.2f} for change**" in said
    assert study.best == min(RULES, key=lambda name: study.value(ALL, name, "error_rate"))


def test_ratios_without_enough_errors_of_the_limit_are_dashes_with_the_reason(result):
    study = Study(result)
    assert study.value("stable_noise10_v1", "ewma-0.1", "ratio_to_limit") is None
    tables = [table for section in study_sections(study) for table in section.tables]
    heat = next(table for table in tables if table.title.startswith("Ratio to the limit"))
    column = heat.columns.index(study.title("stable_noise10_v1"))
    assert all(row[column].text == "—" and "fewer than 200" in row[column].note for row in heat.rows)


def test_the_frontier_is_the_undominated_part_of_the_sweep(result):
    study = Study(result)
    found = plane(study, "slow_exceptions_noise10_v1", study.shown)
    curves = dict(found.curves)
    frontier = curves["the limit"]
    assert [x for x, _, _ in frontier] == sorted({x for x, _, _ in frontier})
    assert [y for _, y, _ in frontier] == sorted({y for _, y, _ in frontier}, reverse=True)
    assert undominated([(1.0, 1.0, 0.0), (2.0, 2.0, 0.0), (0.5, 3.0, 0.0)]) == [(0.5, 3.0, 0.0), (1.0, 1.0, 0.0)]
    assert svg(found).startswith("<svg ")


def test_manifest_rebuilds_the_plan(result, tmp_path):
    write_report(result, tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    plan = _plan()
    assert (manifest["users"], manifest["seed"]) == (plan.users, plan.seed)
    assert set(manifest["strategies"]) == set(RULES)
    assert set(manifest["scenarios"]) == {scenario.id for scenario in plan.scenarios}


def test_tables_show_in_a_notebook_and_in_a_terminal(result):
    shown = show(headline_table(Study(result)))
    assert shown._repr_html_().count("<tr") == len(RULES) + 2
    assert repr(shown).count("\n| ") >= len(RULES)
    assert LIMIT in repr(shown)


def test_a_replay_is_drawn_with_every_rule_and_its_interval(tmp_path):
    rows = [(f"u{user}", step, "ab"[(user + step // 7) % 2]) for step in range(30) for user in range(6)]
    path = tmp_path / "log.csv"
    pl.DataFrame(rows, schema=["who", "when", "asked"], orient="row").write_csv(path)
    recipe = recipe_from({"user": "who", "time": "when", "time_unit": "s", "corrected": "asked", "options": ["a", "b"]})
    made = replay(load_log(path, recipe), {name: STRATEGIES[name] for name in RULES}, resamples=50)
    figure = replay_figure(made)
    (drawn,) = figure.data
    assert set(drawn.y) == set(RULES)
    assert drawn.x[-1] == made.strategies[0].figures["log_loss"].value
    assert all(length >= 0 for length in (*drawn.error_x.array, *drawn.error_x.arrayminus))


def test_people_who_differ_stand_beside_the_filter_that_knows_the_population(result):
    study = Study(result)
    assert population_table(study, "stable_noise10_v1") is None
    table = population_table(study, "mixed_v1")
    assert {row[0].text for row in table.rows} == {"the clairvoyant", *RULES}
    assert float(table.rows[0][1].text) <= float(table.rows[-1][1].text)
