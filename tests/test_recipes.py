import hashlib

import numpy as np
import polars as pl
import pytest
from log_data import real

from persona_lab.datasets import registry
from persona_lab.datasets.items import NONE_WANTED, item_feature_log, read_items
from persona_lab.datasets.log import load_log
from persona_lab.datasets.recipes import load_recipe, packaged_recipes, recipe_from
from persona_lab.datasets.registry import PUBLIC_LOGS, get_log
from persona_lab.errors import InputError


def test_the_package_brings_a_recipe_for_each_of_the_four_logs():
    assert set(packaged_recipes()) >= {"ada_learn", "kaist_distraction", "coderec", "pahf"}
    for name in packaged_recipes():
        recipe = load_recipe(name)
        assert recipe.name == name
        assert recipe.source
        assert recipe.licence


@pytest.mark.parametrize(
    ("file", "recipe", "events", "users", "streams"),
    [
        ("ada_learn/prob.parquet", "ada_learn", 69_375, 55, 925),
        ("kaist_distraction/dataset.csv", "kaist_distraction", 9_180, 34, 34),
        ("coderec/decisions.parquet", "coderec", 632, 11, 11),
    ],
)
def test_the_real_logs_are_taken_as_they_stand(file, recipe, events, users, streams):
    log = load_log(real(file), recipe)
    frame = log.frame
    assert frame.height == events
    assert frame["user_id"].n_unique() == users
    assert frame["stream"].n_unique() == streams
    assert (log.duplicates, log.renamed, log.skipped) == (0, (), ())


def test_ada_learn_is_ordered_by_trial_and_carries_its_truth():
    frame = load_log(real("ada_learn/prob.parquet"), "ada_learn").frame
    raw = pl.read_parquet(real("ada_learn/prob.parquet")).with_row_index("row", offset=1)
    joined = frame.select("row", "stream", "true_parameter", "corrected").join(
        raw.with_columns(pl.col("row").cast(pl.Int64)), on="row", maintain_order="left"
    )
    assert (
        joined.with_columns(step=pl.int_range(pl.len()).over("stream"))
        .select((pl.col("step") == pl.col("trial")).all())
        .item()
    )
    assert (joined["true_parameter"] == joined["true_parameter_right"]).all()
    assert ((joined["corrected"] == "yes") == (joined["outcome"] == 1.0)).all()


def test_kaist_reads_korean_places_milliseconds_and_days_of_seoul():
    frame = load_log(real("kaist_distraction/dataset.csv"), "kaist_distraction").frame
    first = frame.row(0, named=True)
    assert first["timestamp"].isoformat() == "2019-05-07T02:12:50.024000+00:00"
    assert first["session"] == "2019-05-07"
    assert "강의실" in first["metadata"]
    assert round((frame["corrected"] == "unwelcome").mean(), 2) == 0.53


RECIPE = {
    "user": "who",
    "time": "at",
    "context": "topic",
    "proposal": "slot",
    "outcome": "said",
    "corrected": "rather",
    "values": {"ok": "accepted", "moved": "corrected", "no": "declined", "": "silent"},
}


def load_rows(tmp_path, recipe, *rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names), *(",".join(str(row.get(name, "")) for name in names) for row in rows)]
    (tmp_path / "log.csv").write_text("\n".join(lines), encoding="utf-8")
    return load_log(tmp_path / "log.csv", recipe_from(recipe))


def row(**fields):
    return {"who": "u", "at": "2025-01-01", "topic": "time", "slot": "am", "said": "ok", "rather": "", **fields}


@pytest.mark.parametrize(
    ("fields", "kind", "corrected"),
    [
        ({}, "accepted", None),
        ({"rather": "am"}, "accepted", None),
        ({"said": "no"}, "declined", None),
        ({"said": "no", "rather": "pm"}, "corrected", "pm"),
        ({"said": "moved", "rather": "pm"}, "corrected", "pm"),
        ({"said": "moved", "rather": "am"}, "accepted", None),
        ({"said": ""}, "silent", None),
    ],
)
def test_answers_to_proposals(tmp_path, fields, kind, corrected):
    frame = load_rows(tmp_path, RECIPE, row(**fields)).frame
    assert frame.select("kind", "proposed", "corrected").row(0) == (kind, "am", corrected)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"rather": "pm"}, "accept one option and name another"),
        ({"said": "", "rather": "pm"}, "silent and name an option"),
        ({"said": "moved"}, "must name an option"),
        ({"who": ""}, "required value is missing"),
        ({"at": ""}, "time is missing"),
    ],
)
def test_answers_that_contradict_themselves(tmp_path, fields, problem):
    with pytest.raises(InputError, match=problem):
        load_rows(tmp_path, RECIPE, row(), row(**fields))


def test_without_outcome_the_named_option_speaks(tmp_path):
    recipe = {key: value for key, value in RECIPE.items() if key not in ("outcome", "values")}
    frame = load_rows(tmp_path, recipe, row(rather="am"), row(rather="pm"), row()).frame
    assert frame["kind"].to_list() == ["accepted", "corrected", "silent"]


def test_fixed_options_refuse_others(tmp_path):
    recipe = {**RECIPE, "options": ["am", "pm"]}
    assert load_rows(tmp_path, recipe, row()).options == ("am", "pm")
    with pytest.raises(InputError, match="none of the recipe's options"):
        load_rows(tmp_path, recipe, row(slot="noon"))


@pytest.mark.parametrize(
    ("unit", "value", "expected"),
    [
        ("s", "1.5", "1970-01-01T00:00:01.500000+00:00"),
        ("ms", " 1557195170024 ", "2019-05-07T02:12:50.024000+00:00"),
        ("us", "1557195170024001", "2019-05-07T02:12:50.024001+00:00"),
        ("iso", "2025-07-01 12:00", "2025-07-01T10:00:00+00:00"),
        ("iso", "2025-07-01T12:00:00+09:00", "2025-07-01T03:00:00+00:00"),
    ],
)
def test_times(tmp_path, unit, value, expected):
    recipe = {**RECIPE, "time_unit": unit, "timezone": "Europe/Berlin"}
    assert load_rows(tmp_path, recipe, row(at=value)).frame["timestamp"][0].isoformat() == expected


def test_milliseconds_read_as_seconds_are_refused(tmp_path):
    with pytest.raises(InputError, match="beyond the year 9999"):
        load_rows(tmp_path, {**RECIPE, "time_unit": "s"}, row(at="1557195170024"))
    with pytest.raises(InputError, match="no time in 's'"):
        load_rows(tmp_path, {**RECIPE, "time_unit": "s"}, row(at="nan"))


def test_times_by_pattern(tmp_path):
    recipe = {**RECIPE, "time_format": "%d.%m.%Y %H:%M"}
    assert (
        load_rows(tmp_path, recipe, row(at="03.02.2025 04:05"))
        .frame["timestamp"][0]
        .isoformat()
        .startswith("2025-02-03T04:05")
    )
    with pytest.raises(InputError, match="%d"):
        load_rows(tmp_path, recipe, row(at="2025-02-03"))


def test_a_threshold_splits_a_number(tmp_path):
    recipe = {"user": "who", "time": "at", "outcome": "said", "options": ["low", "high"], "at_least": 3}
    log = load_rows(tmp_path, recipe, row(said="2.99"), row(said="3"), row(said="4"))
    assert log.frame["corrected"].to_list() == ["low", "high", "high"]
    for bad in ("", "nan", "x"):
        with pytest.raises(InputError, match="column 'said'"):
            load_rows(tmp_path, recipe, row(said=bad))


def test_streams_and_contexts_do_not_run_together(tmp_path):
    recipe = {**RECIPE, "context": ["topic", "part"], "stream": ["session"]}
    rows = [
        row(topic="a/b", part="c", session="1"),
        row(topic="a", part="b/c", session="1"),
        row(topic="a", part="b/c", session="2"),
    ]
    frame = load_rows(tmp_path, recipe, *rows).frame
    assert frame["context"].n_unique() == 2
    assert frame["stream"].n_unique() == 3


def test_order_columns_sort_as_numbers(tmp_path):
    recipe = {**RECIPE, "order": ["n"], "metadata": ["n"]}
    frame = load_rows(tmp_path, recipe, row(n=10), row(n=9), row(n=2)).frame
    assert frame["row"].to_list() == [3, 2, 1]


def test_choices_among_items():
    items = read_items(real("pahf/shopping.parquet"), "pahf")
    assert len(items.users) == 1800
    assert len(set(items.users)) == 10
    assert items.items == ("A", "B", "C")
    assert (items.gold == NONE_WANTED).sum() == 919
    assert [len(features) for features in items.features[0]] == [3, 3, 3]
    phases = np.array(items.sessions, dtype=int)
    assert (np.diff(phases) >= 0).all()
    with pytest.raises(InputError, match="item_feature_log"):
        load_log(real("pahf/shopping.parquet"), "pahf")


def test_items_spread_over_features(tmp_path):
    recipe = {"user": "u", "items": ["a", "b"], "item_names": ["A", "B"], "gold": "gold", "context": "topic"}
    lines = ["u,topic,a,b,gold", "ann,tv,red|big,red|small,A", "ann,tv,red,blue,", "ann,tv,red|big,blue,B"]
    (tmp_path / "items.csv").write_text("\n".join(lines), encoding="utf-8")
    log = item_feature_log(read_items(tmp_path / "items.csv", recipe_from(recipe)))
    said = log.frame.select("context", "corrected").rows()
    expected = "red wanted,big wanted,small unwanted,red unwanted,blue unwanted,red unwanted,big unwanted,blue wanted"
    assert said == [(f"tv/{feature}", kind) for feature, kind in (pair.split() for pair in expected.split(","))]
    assert log.frame["stream"][0] == "ann/tv/red"


def test_items_without_features_or_of_no_name_are_refused(tmp_path):
    recipe = recipe_from({"user": "u", "items": ["a"], "item_names": ["A"], "gold": "gold"})
    for cells, problem in (("ann,,A", "no features"), ("ann,x,Z", "none of the items"), (",x,A", "missing")):
        (tmp_path / "items.csv").write_text(f"u,a,gold\nann,x,A\n{cells}\n", encoding="utf-8")
        with pytest.raises(InputError, match=problem) as caught:
            read_items(tmp_path / "items.csv", recipe)
        assert caught.value.row == 2


def test_the_published_hash_is_that_of_the_file():
    found = hashlib.sha256(real("kaist_distraction/dataset.csv").read_bytes()).hexdigest()
    assert found == PUBLIC_LOGS["kaist_distraction"].sha256
    for log in PUBLIC_LOGS.values():
        assert log.recipe in packaged_recipes()
        assert all(url.startswith("https://") for url in log.urls)


def test_a_download_is_checked_cached_and_tried_at_every_address(tmp_path, monkeypatch):
    contents = b"who,at\n"
    log = PUBLIC_LOGS["kaist_distraction"]
    mine = registry.PublicLog(
        **{
            **{name: getattr(log, name) for name in log.__slots__},
            "urls": ("https://first.invalid/a.csv", "https://second.invalid/a.csv"),
            "sha256": hashlib.sha256(contents).hexdigest(),
        }
    )
    monkeypatch.setattr(registry, "PUBLIC_LOGS", {"mine": mine})
    asked = []

    def fetch(url, output, _):
        asked.append(url)
        if "first" in url:
            raise ConnectionError("no route")
        with open(output, "wb") as stream:
            stream.write(contents)

    assert get_log("mine", folder=tmp_path, downloader=fetch).read_bytes() == contents
    assert asked == list(mine.urls)
    get_log("mine", folder=tmp_path, downloader=fetch)
    assert len(asked) == 2
    (tmp_path / log.file).unlink()
    contents = b"something else"
    with pytest.raises(InputError, match="SHA-256"):
        get_log("mine", folder=tmp_path, downloader=fetch)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="no such public log"):
        get_log("nothing")


def test_a_failed_download_says_where_to_put_the_file(tmp_path):
    def fetch(url, output, _):
        raise ConnectionError("no route")

    with pytest.raises(InputError, match="save it as"):
        get_log("kaist_distraction", folder=tmp_path, downloader=fetch)
