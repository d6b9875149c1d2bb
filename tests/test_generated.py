"""The project's own data sets: the same bytes every time, cards that state their hashes, truth apart from the log."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from persona_lab.cli import main
from persona_lab.datasets.log import load_log
from persona_lab.studies import generated

FOLDER = Path(__file__).parents[1] / "datasets"


def rows(file):
    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_every_data_set_is_its_rebuild_byte_for_byte():
    assert generated.check(FOLDER) == []


def test_a_changed_byte_a_lost_file_and_a_stale_card_are_reported(tmp_path):
    copy = tmp_path / "datasets"
    shutil.copytree(FOLDER, copy)
    file = copy / "support" / "conversations.jsonl"
    file.write_bytes(file.read_bytes()[:-1] + b" ")
    (copy / "proactive" / "truth.csv").unlink()
    card = copy / "scheduling" / "CARD.md"
    card.write_text(
        card.read_text(encoding="utf-8").replace("`events.jsonl`: `", "`events.jsonl`: `0"), encoding="utf-8"
    )
    ran = CliRunner().invoke(main, ["datasets", "build", "--check", "--folder", str(copy)])
    assert ran.exit_code == 1
    for words in ("conversations.jsonl differs", "truth.csv is missing", "does not state the hash of events.jsonl"):
        assert words in ran.output


def test_the_scheduling_log_reads_without_a_recipe_and_its_truth_lines_up():
    events = [json.loads(line) for line in (FOLDER / "scheduling" / "events.jsonl").read_text("utf-8").splitlines()]
    truth = rows(FOLDER / "scheduling" / "truth.csv")
    assert [event["event_id"] for event in events] == [row["event_id"] for row in truth]
    assert not any(key in event["metadata"] for event in events for key in ("preferred", "in_exception", "switched"))
    log = load_log(FOLDER / "scheduling" / "events.jsonl")
    assert log.duplicates == sum(int(row["duplicate"]) for row in truth) > 0
    assert sum(int(row["switched"]) for row in truth) > 5
    kinds = set(log.frame["kind"].drop_nulls())
    assert kinds == {"accepted", "corrected", "declined", "silent"}


def test_proactive_propensities_are_those_of_the_moves():
    events = [json.loads(line) for line in (FOLDER / "proactive" / "events.jsonl").read_text("utf-8").splitlines()]
    moves = [event["metadata"]["move"] for event in events]
    for move, propensity in zip(generated.MOVES, generated.PROPENSITIES, strict=True):
        share = moves.count(move) / len(moves)
        assert share == pytest.approx(propensity, abs=4 * (propensity * (1 - propensity) / len(moves)) ** 0.5)
        assert {e["metadata"]["propensity"] for e in events if e["metadata"]["move"] == move} == {propensity}
    assert all(e["metadata"]["status"] == "no_response" for e in events if e["metadata"]["move"] == "silent")


def test_thumbs_are_mostly_deserved_and_often_missing():
    lines = (FOLDER / "support" / "conversations.jsonl").read_text("utf-8").splitlines()
    talks = [json.loads(line) for line in lines]
    rated = [talk for talk in talks if talk["rating"]]
    wrong = sum((talk["rating"] == "positive") != talk["deserved"] for talk in rated) / len(rated)
    assert 0.02 < wrong < 0.15
    assert 0.4 < len(rated) / len(talks) < 0.8
    assert all([message["role"] for message in talk["messages"]] == ["user", "agent"] for talk in talks)
