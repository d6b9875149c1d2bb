"""Fitting a population: truth within the stated errors, honest about short logs, written as a scenario that runs."""

import dataclasses

import numpy as np
import pytest
from click.testing import CliRunner

from persona_lab.cli import main
from persona_lab.errors import InputError
from persona_lab.feedback import feedback
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Exceptions, Stable, Switch, Types
from persona_lab.simulate.people import live
from persona_lab.simulate.scenario_files import load_scenario
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.fitting import fit_population, whole
from persona_lab.studies.spread import fit_spread, to_scenario


def log_of(scenario: Scenario, *, users: int, seed: int = 11):
    lives = live(scenario, seed=seed, users=(0, users))
    seen = closed_loop(scenario, lives, Ewma(0.2), seed=seed, users=(0, users))
    steps = range(scenario.interactions)
    log = [feedback(proposed=seen.proposed[t], kind=seen.kind[t], corrected=seen.corrected[t]) for t in steps]
    return whole(log, options=scenario.options)


def within(estimate, truth, errors=3.0):
    return abs(estimate.value - truth) < errors * estimate.standard_error


def test_full_feedback_gives_hazard_and_noise_within_three_errors():
    part = log_of(Scenario("a", Switch(0.03), Channel(0.1), options=3, interactions=120), users=128)
    fitted = fit_population([part], exceptions=False)
    assert within(fitted.hazard, 0.03)
    assert within(fitted.noise, 0.1)
    assert fitted.hazard.low < fitted.hazard.value < fitted.hazard.high
    assert fitted.exception_rate is None
    assert fitted.warnings == ()


def test_silence_declines_and_exceptions_are_told_apart():
    channel = Channel(0.08, patience_accept=0.5, patience_wrong=0.9, names_option=0.7)
    part = log_of(
        Scenario("b", Exceptions(0.06, longest=3, hazard=0.01), channel, options=3, interactions=120), users=96
    )
    fitted = fit_population([part], longest=3)
    assert fitted.exception_rate is not None
    for estimate, truth in (
        (fitted.hazard, 0.01),
        (fitted.noise, 0.08),
        (fitted.exception_rate, 0.06),
        (fitted.patience_accept, 0.5),
        (fitted.patience_wrong, 0.9),
    ):
        assert within(estimate, truth, 3.5)
    assert fitted.names_option == pytest.approx(0.7, abs=0.05)


def test_no_exceptions_are_found_where_there_are_none():
    part = log_of(Scenario("c", Switch(0.03), Channel(0.1), options=3, interactions=80), users=64)
    assert fit_population([part], longest=3).exception_rate is None


def test_a_log_too_short_says_so():
    part = log_of(Scenario("d", Stable(), Channel(0.2), interactions=8), users=4)
    fitted = fit_population([part], exceptions=False)
    assert any("too few to tell noise from change" in warning for warning in fitted.warnings)


def test_two_kinds_of_people_are_seen_and_one_kind_is_not_split():
    two = Types(shares=(0.5, 0.5), hazards=(0.002, 0.06), noises=(0.05, 0.2), exception_rates=(0.0, 0.0))
    mixed = log_of(Scenario("e", two, Channel(0.1), options=3, interactions=120), users=128)
    fitted = fit_population([mixed], exceptions=False)
    spread = fit_spread([mixed], fitted)
    assert spread.significant
    assert spread.deviation("noise") == pytest.approx(0.075, abs=0.04)
    assert isinstance(to_scenario(fitted, spread, name="x_v1", interactions=50, users=10).path, Types)
    same = log_of(Scenario("f", Switch(0.03), Channel(0.1), options=3, interactions=120), users=128)
    fitted = fit_population([same], exceptions=False)
    assert isinstance(
        to_scenario(fitted, fit_spread([same], fitted), name="x_v1", interactions=50, users=10).path, Switch
    )


def test_nothing_to_fit_is_refused():
    with pytest.raises(InputError, match="empty"):
        fit_population([])
    silent = whole([feedback(proposed=0, kind=np.zeros(4))], options=3)
    with pytest.raises(InputError, match="no interaction of the log was answered"):
        fit_population([silent])


def test_the_command_writes_a_scenario_that_loads(tmp_path):
    lines = ["person,when,answer"]
    lines += [
        f"p{person},2026-01-{1 + day:02d}T09:00:00Z,{(person + day // 9) % 2}"
        for person in range(6)
        for day in range(28)
    ]
    (tmp_path / "log.csv").write_text("\n".join(lines), encoding="utf-8")
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        'user = "person"\ntime = "when"\noutcome = "answer"\noptions = ["no", "yes"]\n[values]\n1 = "yes"\n0 = "no"\n',
        encoding="utf-8",
    )
    out = tmp_path / "mine.toml"
    ran = CliRunner().invoke(
        main, ["fit", str(tmp_path / "log.csv"), "--recipe", str(recipe), "--no-exceptions", "--out", str(out)]
    )
    assert ran.exit_code == 0, ran.output
    assert "hazard of a change" in ran.output
    scenario = load_scenario(out)
    assert scenario.options == 2
    assert dataclasses.replace(scenario, users=2).users == 2


def test_the_command_refuses_what_it_cannot_read(tmp_path):
    ran = CliRunner().invoke(main, ["fit", str(tmp_path / "absent.csv")])
    assert ran.exit_code == 2
    assert "absent.csv" in ran.output
