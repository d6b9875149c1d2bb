"""Bad input ends in one line that names file, row, column, value and cure, in exit code 2, and in nothing written."""

import json
import math

import polars as pl
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from log_data import EVENT

from persona_lab.cli import main
from persona_lab.datasets.log import LogWarning, load_log
from persona_lab.datasets.recipes import recipe_from
from persona_lab.datasets.tables import write_whole
from persona_lab.errors import InputError

RECIPE = """
user = "who"
time = "at"
outcome = "said"
weight = "sure"
[values]
yes = "accepted"
no = "declined"
"""
GOOD = "who,at,said,sure\nann,2025-01-01T00:00:00Z,yes,0.5\nann,2025-01-02T00:00:00Z,no,1\nbob,2025-01-01,yes,\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def refused(folder, name, *arguments, contents=None):
    """Run the command on a file; return its one line of stderr."""
    path = folder / name
    if isinstance(contents, bytes):
        path.write_bytes(contents)
    elif contents is not None:
        path.write_text(contents, encoding="utf-8")
    out = folder / "out"
    result = CliRunner().invoke(main, ["replay", str(path), *map(str, arguments), "--out", str(out)])
    assert result.exit_code == 2, result.output
    assert not out.exists()
    assert not list(folder.glob("**/*.tmp"))
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("Error: ")
    return lines[0]


def bad_cell(folder, column, value):
    table = pl.read_csv(GOOD.encode(), infer_schema=False).with_row_index()
    table = table.with_columns(pl.when(pl.col("index") == 1).then(pl.lit(value)).otherwise(column).alias(column))
    text = table.drop("index").write_csv()
    return refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents=text)


def test_the_good_log_is_taken(folder):
    (folder / "log.csv").write_text(GOOD, encoding="utf-8")
    log = load_log(folder / "log.csv", folder / "recipe.toml")
    assert log.frame["kind"].to_list() == ["accepted", "accepted", "declined"]
    assert log.frame["confidence"].to_list() == [0.5, 1.0, 1.0]


def test_missing_column(folder):
    line = refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents="who,at,said\nann,2025-01-01,yes\n")
    assert "log.csv, column 'sure'" in line
    assert "The file has: who, at, said" in line


def test_unknown_recipe_key(folder):
    (folder / "bad.toml").write_text(RECIPE.replace("user", "usr"), encoding="utf-8")
    line = refused(folder, "log.csv", "--recipe", folder / "bad.toml", contents=GOOD)
    assert "bad.toml, column 'usr'" in line
    assert "Did you mean 'user'?" in line


def test_unknown_recipe(folder):
    assert "kaist_distraction" in refused(folder, "log.csv", "--recipe", "nothing_like_it", contents=GOOD)


def test_wrong_encoding_names_the_place_and_one_that_fits(folder):
    contents = GOOD.replace("bob", "보브").encode("cp949")
    line = refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents=contents)
    assert "log.csv, row 3" in line
    assert "--encoding cp949" in line
    log = load_log(folder / "log.csv", folder / "recipe.toml", encoding="cp949")
    assert "보브" in log.frame["user_id"].to_list()


def test_unknown_encoding(folder):
    assert "no such text encoding" in refused(
        folder, "log.csv", "--recipe", folder / "recipe.toml", "--encoding", "klingon", contents=GOOD
    )


@pytest.mark.parametrize("value", ["yesterday", "2025-13-01", "1730000000", "2025-01-01T25:00:00Z"])
def test_unparsable_time(folder, value):
    line = bad_cell(folder, "at", value)
    assert f"log.csv, row 2, column 'at', value '{value}'" in line
    assert "ISO 8601" in line


@pytest.mark.parametrize("value", ["1.01", "-0.1", "nan", "inf", "true", "False", "much"])
def test_weight_is_a_number_from_0_to_1(folder, value):
    line = bad_cell(folder, "sure", value)
    assert f"log.csv, row 2, column 'sure', value '{value}'" in line
    assert "from 0 to 1" in line


@pytest.mark.parametrize("weights", [[True, False, True], [0.5, math.nan, 1.0], [0.5, 2.0, 1.0], [0.5, math.inf, 1.0]])
def test_weights_of_a_parquet_log(folder, weights):
    table = pl.read_csv(GOOD.encode()).with_columns(sure=pl.Series(weights))
    table.write_parquet(folder / "log.parquet")
    line = refused(folder, "log.parquet", "--recipe", folder / "recipe.toml")
    assert "column 'sure'" in line
    assert f"row {1 if weights[0] is True else 2}" in line


@pytest.mark.parametrize("value", ["maybe", ""])
def test_unknown_outcome_value(folder, value):
    line = bad_cell(folder, "said", value)
    assert "row 2, column 'said'" in line
    assert "unknown outcome value" in line
    assert "[values]" in line


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
@pytest.mark.parametrize("recipe", [True, False])
def test_empty_file(folder, name, recipe):
    arguments = ["--recipe", folder / "recipe.toml"] if recipe else []
    assert "empty" in refused(folder, name, *arguments, contents=b"")


@pytest.mark.parametrize("contents", ["who,at,said,sure\n", "\n\n", "\ufeff"])
def test_a_header_alone_is_no_log(folder, contents):
    assert "no rows" in refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents=contents)


def test_parquet_without_rows(folder):
    pl.read_csv(GOOD.encode()).clear().write_parquet(folder / "log.parquet")
    assert "no rows" in refused(folder, "log.parquet", "--recipe", folder / "recipe.toml")


@pytest.mark.parametrize("keep", [4, 100, -1, -8])
def test_truncated_parquet(folder, keep):
    pl.read_csv(GOOD.encode()).write_parquet(folder / "whole.parquet")
    contents = (folder / "whole.parquet").read_bytes()[:keep]
    line = refused(folder, "log.parquet", "--recipe", folder / "recipe.toml", contents=contents)
    assert "not a complete Parquet file" in line


def test_truncated_json_line(folder):
    text = json.dumps(EVENT) + "\n" + json.dumps(EVENT)[:40]
    line = refused(folder, "log.jsonl", contents=text)
    assert "log.jsonl, row 2" in line
    assert "incomplete copy" in line


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
def test_a_future_schema_version(folder, suffix):
    row = {**EVENT, "metadata": json.dumps(EVENT["metadata"]), "schema_version": 2}
    if suffix == "jsonl":
        (folder / "log.jsonl").write_text(json.dumps({**EVENT, "schema_version": 2}), encoding="utf-8")
    elif suffix == "csv":
        pl.DataFrame([row]).write_csv(folder / "log.csv")
    else:
        pl.DataFrame([row]).write_parquet(folder / "log.parquet")
    line = refused(folder, f"log.{suffix}")
    assert f"log.{suffix}, row 1, column 'schema_version', value 2" in line
    assert "Upgrade" in line


def test_a_future_schema_version_is_never_skipped_as_a_bad_row(folder):
    text = json.dumps(EVENT) + "\n" + json.dumps({**EVENT, "schema_version": 99})
    assert "later version" in refused(folder, "log.jsonl", "--on-bad-rows", "skip", contents=text)


def test_a_future_schema_version_in_a_foreign_table_and_in_a_recipe(folder):
    table = pl.read_csv(GOOD.encode()).with_columns(schema_version=7)
    table.write_csv(folder / "log.csv")
    assert "later version" in refused(folder, "log.csv", "--recipe", folder / "recipe.toml")
    (folder / "new.toml").write_text("schema_version = 2\n" + RECIPE, encoding="utf-8")
    assert "later version" in refused(folder, "log.csv", "--recipe", folder / "new.toml")
    own = (RECIPE).replace("[values]", 'metadata = ["schema_version"]\n[values]')
    (folder / "own.toml").write_text(own, encoding="utf-8")
    assert load_log(folder / "log.csv", folder / "own.toml").frame.height == 3


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"weight": True}, "weight"),
        ({"weight": 1.5}, "weight"),
        ({"confidence": "0.5"}, "confidence"),
        ({"metadata": {"weight": False}}, "metadata"),
        ({"metadata": {"propensity": 0}}, "metadata.propensity"),
        ({"metadata": {"propensity": True}}, "metadata.propensity"),
        ({"metadata": "text"}, "metadata"),
        ({"timestamp": "2025-10-27 15:00"}, "timestamp"),
        ({"timestamp": 1730000000}, "timestamp"),
        ({"event_id": 7}, "event_id"),
        ({"event_id": ""}, "event_id"),
        ({"user_id": None}, "user_id"),
        ({"mood": "good"}, "mood"),
        ({"schema_version": 0}, "schema_version"),
    ],
)
def test_bad_wire_events(folder, change, column):
    text = "\n".join([json.dumps(EVENT), "", json.dumps({**EVENT, **change})])
    line = refused(folder, "log.jsonl", contents=text)
    assert f"log.jsonl, row 3, column '{column}'" in line


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_nan_on_the_wire(folder, value):
    text = json.dumps(EVENT)[:-1] + f', "weight": {value}}}'
    assert "is not JSON" in refused(folder, "log.jsonl", contents=text)


def test_missing_wire_field(folder):
    fields = {key: value for key, value in EVENT.items() if key != "timestamp"}
    line = refused(folder, "log.jsonl", contents=json.dumps(fields))
    assert "row 1, column 'timestamp'" in line


def test_an_unmapped_table_names_the_recipe_that_would_fit(folder):
    text = "user_id,decided_at,seq,accepted,task\n1,2025-01-01,0,1,x\n"
    line = refused(folder, "log.csv", contents=text)
    assert "--recipe coderec" in line


def test_other_files(folder):
    assert "no such file" in refused(folder, "nowhere.csv")
    assert "format" in refused(folder, "log.xlsx", contents="x")
    (folder / "inner.csv").mkdir()
    assert "not a file" in refused(folder, "inner.csv")


def test_ragged_and_doubled_csv(folder):
    line = refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents=GOOD + "x,2025-01-01,yes,1,2\n")
    assert "log.csv, row 4" in line
    line = refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents="who,who\n1,2\n")
    assert "column 'who'" in line


def test_unknown_strategy_and_odd_knobs(folder):
    (folder / "log.csv").write_text(GOOD, encoding="utf-8")
    recipe = ("--recipe", folder / "recipe.toml")
    assert "Did you mean" in refused(folder, "log.csv", *recipe, "--strategy", "running-cuont")
    assert "clip" in refused(folder, "log.csv", *recipe, "--clip", "0.7")
    assert "resamples" in refused(folder, "log.csv", *recipe, "--resamples", "-1")
    assert "unknown strategy" in refused(folder, "log.csv", *recipe, "--strategy", "ewma-0.0")


def test_out_that_is_a_file(folder):
    (folder / "log.csv").write_text(GOOD, encoding="utf-8")
    (folder / "taken").write_text("mine", encoding="utf-8")
    arguments = ["replay", str(folder / "log.csv"), "--recipe", str(folder / "recipe.toml")]
    result = CliRunner().invoke(main, [*arguments, "--out", str(folder / "taken")])
    assert result.exit_code == 2
    assert (folder / "taken").read_text(encoding="utf-8") == "mine"


def test_skipping_says_how_many_and_which(folder):
    bad = GOOD + "cid,2025-01-01,perhaps,1\ncid,never,yes,1\n"
    (folder / "log.csv").write_text(bad, encoding="utf-8")
    with pytest.raises(InputError, match="1 more bad row"):
        load_log(folder / "log.csv", folder / "recipe.toml")
    with pytest.warns(LogWarning, match=r"2 bad rows left out \(rows 4, 5\)"):
        log = load_log(folder / "log.csv", folder / "recipe.toml", on_bad_rows="skip")
    assert [(row.row, row.column) for row in log.skipped] == [(4, "said"), (5, "at")]
    assert log.frame["row"].to_list() == [1, 3, 2]
    arguments = ["replay", str(folder / "log.csv"), "--recipe", str(folder / "recipe.toml")]
    result = CliRunner().invoke(main, [*arguments, "--on-bad-rows", "skip", "--json", "--resamples", "20"])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["log"]["skipped_rows"] == [4, 5]
    assert "2 bad rows left out (rows 4, 5)" in result.stderr


def test_skipping_everything_is_no_log(folder):
    text = "who,at,said,sure\nann,never,yes,1\n"
    line = refused(folder, "log.csv", "--recipe", folder / "recipe.toml", "--on-bad-rows", "skip", contents=text)
    assert "no usable row" in line


def test_the_same_id_again(folder):
    other = {**EVENT, "content": "Really, after 1 PM."}
    taken = {**EVENT, "event_id": "evt_1#2", "user_id": "usr_2"}
    rows = [EVENT, EVENT, other, taken, {**EVENT, "user_id": "usr_3"}]
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    with pytest.warns(LogWarning, match="2 events reuse an event_id with other content"):
        log = load_log(folder / "log.jsonl")
    assert log.duplicates == 1
    assert log.frame["event_id"].to_list() == ["evt_1", "evt_1#3", "evt_1#2", "evt_1#4"]
    assert log.frame["content"][1] == "Really, after 1 PM."


def test_a_failed_write_leaves_what_was_there(tmp_path):
    path = tmp_path / "kept.txt"
    path.write_text("before", encoding="utf-8")

    def half(temporary):
        temporary.write_text("hal", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, half)
    assert path.read_text(encoding="utf-8") == "before"
    assert [found.name for found in tmp_path.iterdir()] == ["kept.txt"]


def test_recipes_that_contradict_themselves():
    base = {"user": "u", "time": "t", "outcome": "o", "values": {"1": "accepted"}}
    for change, key in [
        ({"values": {"1": "taken"}}, "values.1"),
        ({"values": {}}, "values"),
        ({"at_least": 3}, "at_least"),
        ({"options": ["a"]}, "options"),
        ({"options": ["a", "a"]}, "options"),
        ({"user": 3}, "user"),
        ({"time_unit": "hours"}, "time_unit"),
        ({"outcome": None}, "outcome"),
        ({"items": ["a"]}, "gold"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
    ]:
        with pytest.raises(InputError) as caught:
            recipe_from({**base, **change}, file="recipe.toml")
        assert caught.value.column == key
        assert caught.value.file == "recipe.toml"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: text.replace(",", ";"),
        lambda text: text.replace("bob", '"bob"'),
        lambda text: text.rstrip("\n"),
    ],
    ids=["byte-order mark", "CRLF", "CR", "semicolons", "quotes", "no last line end"],
)
def test_harmless_ways_to_write_csv(folder, change):
    (folder / "log.csv").write_bytes(change(GOOD).encode())
    assert load_log(folder / "log.csv", folder / "recipe.toml").frame["user_id"].to_list() == ["ann", "bob", "ann"]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), wire=st.booleans())
def test_whatever_the_file_holds_the_answer_is_a_log_or_an_input_error(tmp_path_factory, data, wire):
    folder = tmp_path_factory.getbasetemp()
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    contents = bytearray((json.dumps(EVENT) if wire else GOOD).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(contents)))
        cut = data.draw(st.integers(0, 12))
        contents[place : place + cut] = data.draw(st.sampled_from(ODD))
    path = folder / ("fuzz.jsonl" if wire else "fuzz.csv")
    path.write_bytes(contents)
    try:
        told = "" if load_log(path, None if wire else folder / "recipe.toml").frame.height else "an empty log"
    except InputError as error:
        told = "" if str(path) in str(error) else f"an error without its file: {error}"
    assert told == ""


ODD = (
    *(b"", b'"', b",", b"\n", b"\r", b"{", b"}", b"[", b"\0", b"\xff", b"NaN", b"null", b"true", b"-", b"1e999"),
    *(b"9" * 30, b":", b" ", b"\\u0000", b"\xed\xa0\x80", b"\xe2\x80\xa8"),
    *(b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59"),
)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ("bob,2025-01-03,yes", ["row 4", "'sure'", "3 cells where the header has 4"]),
        ("bob,2025-01-03", ["row 4", "'said'", "2 cells where the header has 4"]),
        ('bob,2025-01-03,yes,"0.5"7', ["row 4", "not CSV", "twice"]),
        ('bob,"2025-01-03"",yes,0.5', ["row 4", "not CSV"]),
    ],
)
def test_a_short_row_and_a_stray_quote_name_their_row(folder, row, named):
    said = refused(folder, "log.csv", "--recipe", folder / "recipe.toml", contents=GOOD + row + "\n")
    for part in ("log.csv", *named):
        assert part in said


def test_blanks_at_the_end_of_a_row_and_blank_lines_are_no_short_rows(folder):
    (folder / "log.csv").write_text(GOOD + 'ann,2025-01-05,"yes",""\n', encoding="utf-8")
    assert load_log(folder / "log.csv", folder / "recipe.toml").frame.height == 4


@pytest.mark.parametrize("version", ["0", "-1", "true", '"1"', "1.0"])
def test_recipes_of_no_version_are_refused(folder, version):
    (folder / "odd.toml").write_text(f"schema_version = {version}\n{RECIPE}", encoding="utf-8")
    said = refused(folder, "log.csv", "--recipe", folder / "odd.toml", contents=GOOD)
    assert "schema_version" in said
    assert "no such version" in said
