import json
import math
import sys
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner
from log_data import EVENT, real

from persona_lab.cli import COMMANDS, main
from persona_lab.datasets.log import load_log
from persona_lab.datasets.streams import streams_of
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION
from persona_lab.strategies.baselines import NeverUpdate, RunningCount
from persona_lab.strategies.ewma import Ewma
from persona_lab.studies.prequential import run as run_rule
from persona_lab.studies.replay import BASELINE, _refusal, replay
from persona_lab.studies.replay_report import as_frame, as_json, as_markdown
from persona_lab.studies.replay_strategies import chosen_strategies, replay_strategies

FEW = {BASELINE: RunningCount(prior=0.0), "ewma-0.12": Ewma(rate=0.12), "never-update": NeverUpdate()}


def run(*arguments):
    result = CliRunner().invoke(main, ["replay", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    return result


def by_name(document):
    return {row["name"]: row for row in document["strategies"]}


def test_ada_learn_gives_the_published_figures():
    document = json.loads(run(real("ada_learn/prob.parquet"), "--recipe", "ada_learn", "--json").stdout)
    rows = by_name(document)
    for name, loss, error in (("running-count", 0.764, 0.213), ("ewma-0.12", 0.646, 0.149), ("ewma-0.4", 0.776, 0.181)):
        assert rows[name]["log_loss"] == pytest.approx(loss, abs=0.002)
        assert rows[name]["mae"] == pytest.approx(error, abs=0.002)
        assert rows[name]["n"] == 69_375
    assert rows["running-count-prior-1"]["log_loss"] == pytest.approx(0.691, abs=0.002)
    assert rows["running-count"]["prior"] == 0.0
    assert document["protocol"]["clip"] == [0.001, 0.999]
    scored = [row for row in document["strategies"] if row["log_loss"] is not None]
    assert all(row["first_forecast"] == pytest.approx(0.5) for row in scored)
    losses = [row["log_loss"] for row in scored]
    assert losses == sorted(losses)
    references = {row["name"]: row for row in document["references"]}
    assert references["ideal-observer"]["log_loss"] == pytest.approx(0.627, abs=0.002)
    assert references["ideal-observer"]["mae"] == pytest.approx(0.139, abs=0.002)
    assert references["people"]["log_loss"] == pytest.approx(0.668, abs=0.002)
    assert references["people"]["rmse"] == pytest.approx(0.220, abs=0.002)
    low, high = rows["ewma-0.12"]["intervals"]["log_loss"]
    assert low < rows["ewma-0.12"]["log_loss"] < high
    versus = rows["ewma-0.12"]["versus_running_count"]["log_loss"]
    assert versus["difference"] == pytest.approx(rows["ewma-0.12"]["log_loss"] - rows["running-count"]["log_loss"])
    assert versus["low"] < versus["difference"] < versus["high"] < 0
    assert rows["running-count"]["versus_running_count"] == {}


def test_kaist_runs_on_the_file_as_published():
    document = json.loads(run(real("kaist_distraction/dataset.csv"), "--recipe", "kaist_distraction", "--json").stdout)
    rows = by_name(document)
    assert rows["ewma-0.08"]["log_loss"] == pytest.approx(0.457, abs=0.002)
    assert rows["running-count-prior-1"]["log_loss"] == pytest.approx(0.500, abs=0.002)
    for count in ("running-count", "running-count-prior-1"):
        assert rows["ewma-0.08"]["log_loss"] < rows[count]["log_loss"]
    assert rows["ewma-0.08"]["versus_running_count"]["log_loss"]["high"] < 0
    assert rows["ewma-0.08"]["mae"] is None
    assert rows["ewma-0.08"]["reasons"]["mae"] == "the log carries no true parameter"


def test_coderec_is_read_as_acceptance_and_says_what_the_figures_are_not():
    made = replay(load_log(real("coderec/decisions.parquet"), "coderec"), FEW, resamples=50)
    assert (made.users, made.scored) == (11, 632)
    assert any("not what would have happened under another agent" in note for note in made.notes)


def test_pahf_replays_over_feature_streams():
    document = json.loads(
        run(
            real("pahf/shopping.parquet"), "--recipe", "pahf", "--json", "--strategy", "ewma-0.1", "--resamples", 20
        ).stdout
    )
    assert document["log"]["users"] == 10
    assert document["log"]["title"].endswith("is it wanted?)")
    assert all(math.isfinite(row["log_loss"]) for row in document["strategies"])


def plain_loop(rows, rate):
    """Return the log-loss of EWMA, one event after the other."""
    belief, losses = {}, []
    for user, wanted in rows:
        p = belief.get(user, 0.5)
        losses.append(-math.log(min(max(p if wanted else 1 - p, 0.001), 0.999)))
        belief[user] = p + rate * (wanted - p)
    return sum(losses) / len(losses)


@pytest.fixture
def uneven(tmp_path):
    """A log of streams of very different lengths, shuffled in the file."""
    chance = np.random.Generator(np.random.Philox(7))
    lengths = [1, 2, 3, 7, 40, 300, *([5] * 80)]
    rows = [
        (f"u{user}", step, int(chance.random() < 0.2 + 0.6 * (user % 2)))
        for user, n in enumerate(lengths)
        for step in range(n)
    ]
    order = chance.permutation(len(rows))
    table = pl.DataFrame([rows[place] for place in order], schema=["user", "time", "outcome"], orient="row")
    table.write_csv(tmp_path / "log.csv")
    recipe = 'user = "user"\ntime = "time"\ntime_unit = "s"\noutcome = "outcome"\noptions = ["no", "yes"]\n'
    (tmp_path / "own.toml").write_text(recipe + '[values]\n0 = "no"\n1 = "yes"\n', encoding="utf-8")
    in_order = [(user, wanted) for user, _, wanted in sorted(rows, key=lambda row: row[1])]
    return load_log(tmp_path / "log.csv", tmp_path / "own.toml"), in_order, tmp_path


def test_replay_equals_a_plain_loop_over_events(uneven):
    log, rows, _ = uneven
    made = replay(log, {"a": Ewma(rate=0.12), "b": Ewma(rate=0.5)}, resamples=0)
    figures = {row.name: row.figures["log_loss"].value for row in made.strategies}
    assert figures["a"] == pytest.approx(plain_loop(rows, 0.12), abs=1e-12)
    assert figures["b"] == pytest.approx(plain_loop(rows, 0.5), abs=1e-12)
    assert made.strategies[0].intervals["log_loss"] == (None, None)


class Seen(NamedTuple):
    events: np.ndarray


@dataclass(frozen=True)
class Spy:
    """A rule that only remembers what it was asked and told, in order."""

    calls: list

    def init(self, options, streams):
        return Seen(np.zeros(streams))

    def update(self, state, given):
        self.calls.append(("update", given))
        return Seen(state.events + 1)

    def belief(self, state, elapsed=0.0):
        self.calls.append(("belief", np.array(elapsed, copy=True), state.events.copy()))
        return np.full((2, len(state.events)), 0.5)


def test_every_event_is_predicted_before_it_is_seen_and_ended_streams_stand_still(uneven):
    log = uneven[0]
    spy = Spy([])
    replay(log, {"spy": spy}, resamples=0)
    blocks = iter(streams_of(log).blocks)
    calls = iter(spy.calls)
    for block in blocks:
        for step in range(block.row.shape[0]):
            kind, elapsed, seen = next(calls)
            assert kind == "belief"
            assert (seen[: len(block.streams)] == np.minimum(step, block.lengths[: len(block.streams)])).all()
            assert (elapsed == block.given.elapsed[step]).all()
            kind, told = next(calls)
            assert kind == "update"
            assert (told.kind == block.given.kind[step]).all()


def test_declines_teach_but_are_not_scored_and_notes_say_so(tmp_path):
    rows = []
    for number, status in enumerate(["accepted", "declined", "accepted", "ignored"]):
        metadata = {"context": "slot", "status": status, "proposed": ["am", "pm"][number % 2]}
        rows.append(
            {**EVENT, "event_id": f"e{number}", "timestamp": f"2025-01-0{number + 1}T00:00:00Z", "metadata": metadata}
        )
    rows.append({**EVENT, "event_id": "m", "type": "meeting", "metadata": {}, "timestamp": "2025-01-09T00:00:00Z"})
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = replay(load_log(tmp_path / "log.jsonl"), FEW, resamples=10)
    assert (made.events, made.scored) == (5, 2)
    said = " ".join(made.notes)
    assert "2 answers name no option" in said
    assert "1 events are plain activity" in said
    assert "under another agent" in said
    (block,) = streams_of(made.log).blocks
    assert (block.named[:, 0] == [0, NO_OPTION, 0, NO_OPTION]).all()


def test_contexts_of_different_options_replay_together(tmp_path):
    rows = []
    for number in range(12):
        context, options = ("slot", ["am", "pm", "eve"]) if number % 2 else ("tone", ["formal", "casual"])
        metadata = {"context": context, "option_chosen": options[number % len(options)]}
        rows.append(
            {**EVENT, "event_id": f"e{number}", "type": "decision", "metadata": metadata, "user_id": f"u{number % 3}"}
        )
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    made = replay(load_log(tmp_path / "log.jsonl"), FEW, resamples=30)
    never = next(row for row in made.strategies if row.name == "never-update")
    slots = sum(row["metadata"]["context"] == "slot" for row in rows)
    chosen = {row["metadata"]["option_chosen"] for row in rows if row["metadata"]["context"] == "tone"}
    acceptance = len(chosen) < 2
    assert acceptance or never.figures["log_loss"].value == pytest.approx(
        (slots * math.log(3) + (12 - slots) * math.log(2)) / 12
    )
    assert never.first_forecast is None
    assert never.figures["auc"].reason == "AUC needs streams of two options"


def test_the_same_seed_gives_the_same_bytes_and_files_appear_whole(uneven):
    _, _, folder = uneven
    arguments = [folder / "log.csv", "--recipe", folder / "own.toml", "--strategy", "ewma-0.17", "--resamples", 50]
    texts = [run(*arguments, "--json", "--out", folder / f"out{n}").stdout for n in range(2)]
    assert texts[0] == texts[1]
    names = sorted(path.name for path in (folder / "out0").iterdir())
    assert names == ["replay.json", "report.html", "results.parquet", "summary.md"]
    for name in names:
        assert (folder / "out0" / name).read_bytes() == (folder / "out1" / name).read_bytes()
    frame = pl.read_parquet(folder / "out0" / "results.parquet")
    assert set(frame["strategy"]) == {"ewma-0.17", BASELINE}
    undefined = frame.filter(pl.col("value").is_null())
    assert undefined["reason"].null_count() == 0
    assert frame.filter(pl.col("value").is_nan()).height == 0
    page = (folder / "out0" / "report.html").read_text(encoding="utf-8")
    assert "ewma-0.17" in page
    assert "<script src" not in page
    assert "| ewma-0.17 | rate=0.17 |" in (folder / "out0" / "summary.md").read_text(encoding="utf-8")


def test_the_table_prints_prior_clip_and_protocol(uneven):
    _, _, folder = uneven
    shown = run(folder / "log.csv", "--recipe", folder / "own.toml", "--strategy", "ewma-0.1", "--resamples", 20).stdout
    for part in ("prior=0", "[0.001, 0.999]", "ewma-0.1", "log-loss", "running count", "first"):
        assert part in shown


def test_json_is_strict_and_agrees_with_the_frame(uneven):
    made = replay(uneven[0], FEW, resamples=20)
    document = json.loads(json.dumps(as_json(made), allow_nan=False))
    frame = as_frame(made)
    for row in document["strategies"]:
        for metric in ("log_loss", "brier", "accuracy", "auc", "ece"):
            found = frame.filter((pl.col("strategy") == row["name"]) & (pl.col("metric") == metric))["value"].item()
            assert found == row[metric]


def test_every_rule_of_the_catalogue_is_replayed(uneven):
    made = replay(uneven[0], replay_strategies(), resamples=0)
    assert {row.name for row in made.strategies} == set(replay_strategies())
    for row in made.strategies:
        loss = row.figures["log_loss"]
        assert loss.reason if loss.value is None else math.isfinite(loss.value)
    assert list(chosen_strategies(["ewma-0.25"])) == ["ewma-0.25", BASELINE]


def test_a_rule_whose_beliefs_are_no_probabilities_is_refused(uneven):
    @dataclass(frozen=True)
    class Broken(NeverUpdate):
        factor: float = 1.0

        def belief(self, state, elapsed=0.0):
            return state.share * self.factor

    for factor in (0.9, float("nan"), -1.0):
        with pytest.raises(ConfigurationError, match="add up to 1"):
            replay(uneven[0], {"broken": Broken(factor)}, resamples=0)


def test_a_rule_that_does_not_take_the_log_has_null_figures_and_says_why(uneven):
    @dataclass(frozen=True)
    class OnlyFour(NeverUpdate):
        def init(self, options, streams):
            if options != 4:
                raise ConfigurationError("OnlyFour", "options", options, "four")
            return super().init(options, streams)

    made = replay(uneven[0], {"only-four": OnlyFour(), **FEW}, resamples=10)
    assert made.strategies[-1].name == "only-four"
    (row,) = (row for row in as_json(made)["strategies"] if row["name"] == "only-four")
    assert row["log_loss"] is None
    assert "expected four" in row["reasons"]["log_loss"]
    assert "only-four" in as_markdown(made)


def test_one_user_has_figures_and_no_intervals(tmp_path):
    rows = [{**EVENT, "event_id": f"e{n}", "timestamp": f"2025-01-0{n + 1}T00:00:00Z"} for n in range(3)]
    rows[1] = {**rows[1], "metadata": {**EVENT["metadata"], "corrected": "evening"}}
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    document = json.loads(run(tmp_path / "log.jsonl", "--json", "--out", tmp_path / "out").stdout)
    row = by_name(document)["ewma-0.1"]
    assert row["log_loss"] > 0
    assert row["intervals"]["log_loss"] == [None, None]
    assert any("they need two users" in note for note in document["notes"])


@pytest.mark.parametrize("name", list(replay_strategies()))
def test_a_stream_alone_is_forecast_bit_for_bit_as_in_the_batch(uneven, name):
    log = uneven[0]
    strategy = replay_strategies()[name]
    if _refusal(strategy, streams_of(log)) is not None:
        pytest.skip("the rule does not take logs of two options")
    whole = forecasts_by_row(log, strategy)
    for user in ("u0", "u3", "u5"):
        alone = forecasts_by_row(replace(log, frame=log.frame.filter(pl.col("user_id") == user)), strategy)
        assert alone.items() <= whole.items()


def forecasts_by_row(log, strategy):
    """Return (forecast, forecast after) by row of the file."""
    said = run_rule(strategy, streams_of(log), log.frame.height, True)
    return dict(zip(log.frame["row"], zip(said.named.tolist(), said.after.tolist(), strict=True), strict=True))


def test_help_reads_well_and_loads_little():
    import subprocess

    code = (
        "import sys; from click.testing import CliRunner; from persona_lab.cli import main;"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0;"
        "print(sorted({'numpy', 'polars', 'pandera', 'torch', 'sklearn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    shown = CliRunner().invoke(main, ["--help"]).stdout
    assert all(name in shown for name in ("replay", "datasets"))
    assert set(COMMANDS) == {"replay", "run", "list", "fit", "datasets"}
    text = CliRunner().invoke(main, ["replay", "--help"]).stdout
    assert "--recipe" in text
    assert "Examples" in text
    assert CliRunner().invoke(main, ["datasets", "list"]).exit_code == 0


def test_an_unknown_command_and_option_exit_with_2():
    assert CliRunner().invoke(main, ["repaly"]).exit_code == 2
    assert CliRunner().invoke(main, ["replay"]).exit_code == 2
    found = CliRunner().invoke(main, ["datasets", "get", "kaist_distractoin"])
    assert found.exit_code == 2
    assert "Did you mean kaist_distraction?" in found.stderr
