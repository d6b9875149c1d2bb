"""Tuned on a log means tuned on the other users, and the best of many rules is called the best of many."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from persona_lab.cli import main
from persona_lab.datasets.log import Log, load_log
from persona_lab.datasets.streams import streams_of
from persona_lab.strategies.baselines import LastWriteWins, RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.cross_fitting import CrossFitted, cross_fit, tunable
from persona_lab.studies.knobs import lattice
from persona_lab.studies.prequential import run, scored_rows
from persona_lab.studies.replay import BASELINE, replay
from persona_lab.studies.replay_report import adjusted_p, as_json, verdict
from persona_lab.studies.replay_strategies import chosen_strategies
from persona_lab.studies.statistics import holm

RECIPE = 'user = "user"\ntime = "time"\ntime_unit = "s"\noutcome = "outcome"\noptions = ["no", "yes"]\n'
RECIPE += '[values]\n0 = "no"\n1 = "yes"\n'
CLIP = 1e-3


def _log(folder: Path, outcomes: dict[str, list[int]]) -> Log:
    rows = [(user, step, said) for user, values in outcomes.items() for step, said in enumerate(values)]
    pl.DataFrame(rows, schema=["user", "time", "outcome"], orient="row").write_csv(folder / "log.csv")
    (folder / "own.toml").write_text(RECIPE, encoding="utf-8")
    return load_log(folder / "log.csv", folder / "own.toml")


def _people(users: int = 6, events: int = 40, switch: int = 10) -> dict[str, list[int]]:
    """Return people whose rate toggles between .9 and .1, the first of them quickly."""
    luck = np.random.default_rng(2)  # a test's own luck
    found = {}
    for user in range(users):
        rate = np.where(np.arange(events) // (3 if user == 0 else switch) % 2, 0.1, 0.9)
        found[f"u{user}"] = (luck.random(events) < rate).astype(int).tolist()
    return found


def _fitted(log: Log, rule: object, **more: object) -> CrossFitted:
    streams = streams_of(log)
    user = (log.frame["user_id"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    scored = scored_rows(streams, log.frame.height)
    return cross_fit(rule, streams, user=user, scored=scored, clip=CLIP, **more)  # type: ignore[arg-type]  # any rule


def _losses(log: Log, rule: object) -> np.ndarray:
    streams = streams_of(log)
    named = run(rule, streams, log.frame.height, estimates=False).named  # type: ignore[arg-type]  # any rule
    user = (log.frame["user_id"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    return np.bincount(user, weights=-np.log(np.clip(named, CLIP, 1 - CLIP)))


def test_every_user_gets_the_setting_that_is_best_for_the_others_and_its_forecasts(tmp_path: Path) -> None:
    log = _log(tmp_path, _people())
    settings = [Ewma(rate) for rate in (0.05, 0.2, 0.4, 0.8)]
    found = _fitted(log, Ewma(0.05), settings=settings)
    losses = np.stack([_losses(log, rule) for rule in settings])
    for user in range(6):
        assert found.given[user] == settings[int(np.delete(losses, user, axis=1).sum(axis=1).argmin())]
    tuned = np.bincount(
        (log.frame["user_id"].rank("dense") - 1).cast(pl.Int64).to_numpy(),
        weights=-np.log(np.clip(found.said.named, CLIP, 1 - CLIP)),
    )
    assert tuned == pytest.approx([losses[settings.index(rule), user] for user, rule in enumerate(found.given)])
    assert len(set(found.given)) > 1  # leaving out another user changes the choice: the test above can fail


def test_a_users_own_outcomes_never_decide_its_own_setting(tmp_path: Path) -> None:
    people = _people()
    before = _fitted(_log(tmp_path, people), Ewma(0.1))
    flipped = people | {"u3": [1 - said for said in people["u0"]]}
    after = _fitted(_log(tmp_path, flipped), Ewma(0.1))
    assert before.given[3] == after.given[3]
    assert before.given != after.given  # but they do decide others'


def test_users_shown_the_same_sequence_do_not_decide_for_each_other(tmp_path: Path) -> None:
    people = _people(users=5)
    log = _log(tmp_path, people | {"u5": people["u0"]})  # u5 saw what u0 saw
    user = (log.frame["user_id"].rank("dense") - 1).cast(pl.Int64).to_numpy()
    apart = _fitted(log, Ewma(0.1), sequence=np.where(user == 5, 0, user))
    alone = _fitted(_log(tmp_path, people), Ewma(0.1))
    assert apart.given[0] == alone.given[0]
    losses = np.stack([_losses(log, rule) for rule in lattice(Ewma(0.1))])
    for number in (0, 5):
        assert apart.given[number] == lattice(Ewma(0.1))[int(losses[:, 1:5].sum(axis=1).argmin())]


def test_a_replay_adds_tuned_rows_and_one_user_alone_has_none(tmp_path: Path) -> None:
    log = _log(tmp_path, _people())
    rules = chosen_strategies(["ewma-0.1", "ewma-0.3", "last-write-wins", "hierarchical-bayes"])
    made = replay(log, rules, resamples=20, tuned=True)
    names = {row.name for row in made.strategies}
    # EWMA is one rule at two settings: tuned once. Bayes is fitted by its own EM, last-write-wins has no knobs.
    assert names == {*rules, "ewma-0.1 (tuned)", "running-count (tuned)"}
    by_name = {row.name: row for row in made.strategies}
    expected = sum(_losses(log, rule)[user] for user, rule in enumerate(_fitted(log, rules["ewma-0.1"]).given))
    assert by_name["ewma-0.1 (tuned)"].figures["log_loss"].value == pytest.approx(expected / log.frame.height)
    assert any("Tuned rules" in note for note in made.notes)
    assert not tunable(LastWriteWins())
    assert tunable(RunningCount())
    alone = replay(_log(tmp_path, {"u0": [0, 1, 1, 0, 1]}), rules, resamples=0, tuned=True)
    assert {row.name for row in alone.strategies} == set(rules)


def test_the_command_line_tunes_when_asked(tmp_path: Path) -> None:
    _log(tmp_path, _people())
    shell = ["replay", str(tmp_path / "log.csv"), "--recipe", str(tmp_path / "own.toml"), "--strategy", "ewma-0.1"]
    told = json.loads(CliRunner().invoke(main, [*shell, "--resamples", "10", "--json", "--tuned"]).stdout)
    rows = {row["name"]: row for row in told["strategies"]}
    assert len(rows["ewma-0.1 (tuned)"]["parameters"]["rate"]) >= 1
    assert rows["ewma-0.1"]["log_loss_p_holm"] is not None
    assert rows["running-count"]["log_loss_p_holm"] is None


def test_the_verdict_counts_how_many_rules_were_compared(tmp_path: Path) -> None:
    luck = np.random.default_rng(4)  # a test's own luck
    coins = {f"u{user}": luck.integers(0, 2, 30).tolist() for user in range(8)}
    rules = {BASELINE: RunningCount(1.0)} | {f"count {prior}": RunningCount(prior) for prior in (1.01, 1.02, 1.05)}
    made = replay(_log(tmp_path, coins), rules, resamples=50)
    adjusted = adjusted_p(made)
    assert set(adjusted) == set(rules) - {BASELINE}
    rows = {row["name"]: row for row in as_json(made)["strategies"]}
    assert {name: rows[name]["log_loss_p_holm"] for name in adjusted} == adjusted
    log = _log(tmp_path, coins)
    alone = [replay(log, {name: rules[name] for name in (BASELINE, other)}, resamples=50) for other in adjusted]
    raw = [next(iter(adjusted_p(one).values())) for one in alone]
    assert list(adjusted.values()) == pytest.approx(holm(raw))
    assert min(adjusted.values()) == pytest.approx(3 * min(raw))
    said = verdict(replay(_log(tmp_path, _people(switch=5)), rules | {"slow": Ewma(0.02)}, resamples=50))
    assert "of 5 rules on these very users" in said
    assert "4 rules compared" in said
