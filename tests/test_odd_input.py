"""Odd but real input: what JSON, Parquet and clocks allow and a log cannot mean, and what it can and must not lose."""

import json
import math

import polars as pl
import pytest
from log_data import EVENT

from persona_lab.datasets.log import load_log
from persona_lab.datasets.recipes import recipe_from
from persona_lab.datasets.streams import streams_of
from persona_lab.errors import InputError

ANSWERS = {"user": "who", "time": "at", "outcome": "said", "values": {"yes": "accepted", "no": "declined"}}
PROPOSALS = {**ANSWERS, "context": "topic", "proposal": "offer", "corrected": "instead"}


def written(tmp_path, frame):
    frame.write_parquet(tmp_path / "log.parquet")
    return tmp_path / "log.parquet"


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"content": "\ud800"}, "content"),
        ({"source": "\udfff"}, "source"),
        ({"metadata": {"status": "accepted", "proposed": "\ud83d"}}, "metadata"),
        ({"metadata": {"\ud800": 1}}, "metadata"),
        ({"timestamp": "0001-01-01T00:00:00+14:00"}, "timestamp"),
        ({"timestamp": "9999-12-31T23:59:59-10:00"}, "timestamp"),
        ({"timestamp": "1730000000"}, "timestamp"),
        ({"timestamp": " 1.73e9 "}, "timestamp"),
        ({"metadata": {"reference_": 0.5}}, "metadata.reference_"),
        ({"weight": 10**400}, "weight"),
        ({"schema_version": -1}, "schema_version"),
    ],
)
def test_what_json_can_say_and_a_log_cannot_mean(tmp_path, change, column):
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join(map(json.dumps, [EVENT, {**EVENT, "event_id": "e2", **change}])), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_log(path)
    assert (caught.value.file, caught.value.row, caught.value.column) == (str(path), 2, column)


@pytest.mark.parametrize("encoding", ["base64", "rot13", "klingon", "punycode"])
def test_an_encoding_that_is_no_text_encoding(tmp_path, encoding):
    (tmp_path / "log.csv").write_text("who,at,said\na,2025-01-01,yes\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"log\.csv"):
        load_log(tmp_path / "log.csv", recipe_from(ANSWERS), encoding=encoding)


def test_a_slash_in_the_name_of_an_option_loses_no_event(tmp_path):
    rows = [("t1", "a/b"), ("t1", "c"), ("t2", "a"), ("t2", "b/c")]
    frame = pl.DataFrame(
        {"who": "ann", "at": f"2025-01-0{day}", "topic": topic, "offer": offer, "said": "yes", "instead": None}
        for day, (topic, offer) in enumerate(rows, start=1)
    )
    streams = streams_of(load_log(written(tmp_path, frame), recipe_from(PROPOSALS)))
    assert sorted(block.options for block in streams.blocks) == [("a", "b/c"), ("a/b", "c")]
    assert sum(int((block.named >= 0).sum()) for block in streams.blocks) == len(rows)


def test_nan_in_a_column_of_names_is_a_missing_value(tmp_path):
    frame = pl.DataFrame({"who": [1.0, 1.0], "at": ["2025-01-01", "2025-01-02"], "topic": "t", "offer": [1.0, 2.0]})
    frame = frame.with_columns(said=pl.lit("yes"), instead=math.nan)
    log = load_log(written(tmp_path, frame), recipe_from(PROPOSALS))
    assert log.frame["kind"].to_list() == ["accepted", "accepted"]
    with pytest.raises(InputError, match="required value is missing"):
        load_log(written(tmp_path, frame.with_columns(who=math.nan)), recipe_from(PROPOSALS))


def test_a_local_time_that_the_clocks_skip_is_refused(tmp_path):
    (tmp_path / "log.csv").write_text("who,at,said\na,2025-10-26T02:30:00,yes\na,2025-03-30T02:30:00,yes\n")
    with pytest.raises(InputError, match="does not exist in Europe/Berlin") as caught:
        load_log(tmp_path / "log.csv", recipe_from({**ANSWERS, "timezone": "Europe/Berlin"}))
    assert caught.value.row == 2


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"options": [f"o{n}" for n in range(101)]}, "options"),
        ({"references": {"": "x"}}, "references"),
        ({"at_least": math.nan, "options": ["a", "b"], "values": {}}, "at_least"),
        ({"at_least": True, "options": ["a", "b"], "values": {}}, "at_least"),
    ],
)
def test_recipes_beyond_what_rules_can_hold(change, key):
    with pytest.raises(InputError) as caught:
        recipe_from({**ANSWERS, **change}, file="recipe.toml")
    assert caught.value.column == key
