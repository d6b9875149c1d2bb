import json
from datetime import UTC

import pandera.errors
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_data import EVENT, real

from persona_lab.datasets.log import Log, load_log, write_log
from persona_lab.datasets.mapping import as_text
from persona_lab.datasets.schema import checked
from persona_lab.datasets.streams import ACCEPTANCE, streams_of
from persona_lab.datasets.tables import write_parquet
from persona_lab.datasets.wire import read_events, write_events
from persona_lab.events import LoggedEvent
from persona_lab.feedback import LANES, NO_OPTION, Kind, named_option

ENDINGS = ("jsonl", "parquet", "csv", "tsv")

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    # A lone surrogate is no text, and no encoding takes it.
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=3),
    max_leaves=5,
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
EVENTS = st.builds(
    LoggedEvent,
    event_id=st.text("ab#,\"'\n", min_size=1, max_size=4),
    type=st.sampled_from(["correction", "outcome", "decision", "meeting"]),
    timestamp=st.datetimes(timezones=st.sampled_from([UTC])),
    metadata=st.dictionaries(st.text("xyz", min_size=1, max_size=3), JSON, max_size=3),
    content=TEXT,
    weight=st.none() | st.floats(0, 1),
    confidence=st.none() | st.floats(0, 1),
    user_id=st.sampled_from(["usr_1", "보브"]),
    source=TEXT,
)


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=40, deadline=None)
@given(events=st.lists(EVENTS, min_size=1, max_size=4))
def test_events_come_back_as_they_were_written(tmp_path_factory, ending, events):
    path = tmp_path_factory.mktemp("wire") / f"log.{ending}"
    write_events(events, path)
    assert read_events(path) == events


def test_encodings_of_csv(tmp_path):
    event = LoggedEvent.model_validate({**EVENT, "content": "다음에"})
    write_events([event], tmp_path / "log.csv", encoding="cp949")
    assert read_events(tmp_path / "log.csv", encoding="cp949") == [event]


@pytest.mark.parametrize("ending", ["jsonl", "parquet", "csv"])
@pytest.mark.parametrize(("name", "recipe"), [("coderec/decisions.parquet", "coderec"), (None, "wire")])
def test_a_log_round_trips_through_the_wire(tmp_path, ending, name, recipe):
    if name is not None:
        log = load_log(real(name), recipe)
    else:
        (tmp_path / "in.jsonl").write_text(json.dumps(EVENT), encoding="utf-8")
        log = load_log(tmp_path / "in.jsonl")
    write_log(log, tmp_path / f"one.{ending}")
    again = load_log(tmp_path / f"one.{ending}")
    besides = ["arrival", "row", "metadata"]
    assert again.frame.drop(besides).equals(log.frame.drop(besides))
    assert list(again.frame["arrival"]) == sorted(again.frame["arrival"])
    write_log(again, tmp_path / f"two.{ending}")
    assert (tmp_path / f"one.{ending}").read_bytes() == (tmp_path / f"two.{ending}").read_bytes()


def test_a_batch_line_and_an_event_line_read_alike(tmp_path):
    inner = {key: value for key, value in EVENT.items() if key not in ("user_id", "source")}
    batch = {"user_id": EVENT["user_id"], "source": EVENT["source"], "events": [inner], "options": {"dedupe": True}}
    (tmp_path / "a.jsonl").write_text(json.dumps(EVENT) + "\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(json.dumps(batch) + "\n\n", encoding="utf-8")
    assert load_log(tmp_path / "a.jsonl").frame.equals(load_log(tmp_path / "b.jsonl").frame)


def test_order_is_time_then_arrival(tmp_path):
    times = ["2025-01-02T00:00:00Z", "2025-01-01T09:00:00+09:00", "2025-01-01T00:00:00Z", "2024-12-31T23:59:59.999999Z"]
    rows = [{**EVENT, "event_id": f"e{n}", "timestamp": time} for n, time in enumerate(times)]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    assert load_log(tmp_path / "log.jsonl").frame["event_id"].to_list() == ["e3", "e1", "e2", "e0"]


def test_the_schema_refuses_bad_values_and_lazy_frames(tmp_path):
    (tmp_path / "log.jsonl").write_text(json.dumps(EVENT), encoding="utf-8")
    frame = load_log(tmp_path / "log.jsonl").frame
    assert checked(frame) is frame
    for bad in (
        frame.with_columns(confidence=pl.lit(1.5)),
        frame.with_columns(confidence=pl.lit(float("nan"))),
        frame.with_columns(kind=pl.lit("maybe")),
        frame.with_columns(kind=pl.lit("accepted")),
        frame.with_columns(propensity=pl.lit(0.0)),
        frame.with_columns(surplus=pl.lit(1)),
        frame.with_columns(timestamp=pl.col("timestamp").dt.replace_time_zone(None)),
        pl.concat([frame, frame]),
    ):
        with pytest.raises(pandera.errors.SchemaError):
            checked(bad)
    with pytest.raises(TypeError, match="collect"):
        checked(frame.lazy())


def write_rows(tmp_path, rows):
    base = {"user_id": "u", "type": "outcome"}
    lines = []
    for number, row in enumerate(rows):
        event = {**base, "event_id": f"e{number}", "timestamp": f"2025-01-{number + 1:02d}T00:00:00Z", **row}
        lines.append(json.dumps(event))
    (tmp_path / "log.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return load_log(tmp_path / "log.jsonl")


def test_streams_hold_each_event_once_at_its_place(tmp_path):
    slot = {"context": "slot"}
    log = write_rows(
        tmp_path,
        [
            {"metadata": {**slot, "status": "accepted", "proposed": "am"}},
            {"type": "correction", "metadata": {**slot, "proposed": "am", "corrected": "pm", "propensity": 0.5}},
            {"metadata": {"context": "reschedule", "status": "accepted"}, "weight": 0.25},
            {"metadata": {**slot, "status": "declined", "proposed": "pm"}},
            {"type": "meeting"},
            {"metadata": {"context": "reschedule", "status": "declined"}},
            {"metadata": {"context": "reschedule", "status": "ignored"}},
        ],
    )
    streams = streams_of(log)
    assert streams.activity == 1
    assert streams.acceptance == ("reschedule",)
    blocks = {block.options: block for block in streams.blocks}
    assert set(blocks) == {("am", "pm"), ACCEPTANCE}
    named = blocks[("am", "pm")]
    assert named.row.shape == (3, LANES)
    assert named.row[:, 0].tolist() == [0, 1, 3]
    assert (named.row[:, 1:] == -1).all()
    assert named.given.kind[:, 0].tolist() == [Kind.ACCEPTED, Kind.CORRECTED, Kind.DECLINED]
    assert named.given.proposed[:, 0].tolist() == [0, 0, 1]
    assert named.named[:, 0].tolist() == [0, 1, NO_OPTION]
    assert named.given.elapsed[:, 0].tolist() == [0.0, 1.0, 2.0]
    assert named.given.propensity[1, 0] == 0.5
    taken = blocks[ACCEPTANCE]
    assert taken.given.kind[:, 0].tolist() == [Kind.CORRECTED, Kind.CORRECTED, Kind.SILENT]
    assert taken.named[:, 0].tolist() == [1, 0, NO_OPTION]
    assert taken.given.confidence[0, 0] == 0.25
    for block in streams.blocks:
        for step in range(block.row.shape[0]):
            assert (named_option(block.at(step)) == block.named[step]).all()
            assert (block.active(step) == (block.row[step] >= 0)).all()


@settings(max_examples=25, deadline=None)
@given(lengths=st.lists(st.integers(1, 40), min_size=1, max_size=150))
def test_blocks_cover_streams_of_any_length(lengths):
    users = [f"u{number}" for number, length in enumerate(lengths) for _ in range(length)]
    height = len(users)
    blank = {"proposed": None, "propensity": None, "true_parameter": None}
    frame = pl.DataFrame(
        {"user_id": users, "stream": users, "corrected": ["yes", "no"] * (height // 2) + ["no"] * (height % 2)}
    ).with_columns(
        *(
            pl.lit(value, dtype=pl.Float64 if name != "proposed" else pl.String).alias(name)
            for name, value in blank.items()
        ),
        kind=pl.lit("corrected"),
        context=pl.lit("c"),
        session=pl.lit("s"),
        source=pl.lit(""),
        confidence=pl.lit(1.0),
        timestamp=pl.int_range(height).cast(pl.Datetime("us", "UTC")),
    )
    streams = streams_of(Log(frame, "log", options=("no", "yes")))
    rows = sorted(row for block in streams.blocks for row in block.row[block.row >= 0].tolist())
    assert rows == list(range(height))
    for block in streams.blocks:
        assert block.row.shape[1] % LANES == 0
        assert block.lengths.max() == block.row.shape[0]
        if len(block.streams) > LANES:
            assert (block.row >= 0).sum() * 2 > len(block.streams) * block.row.shape[0] * 0.9


def test_a_stream_of_two_users_and_options_without_end_are_refused(tmp_path):
    rows = [{"user_id": f"u{n}", "metadata": {"status": "accepted", "stream": "shared"}} for n in range(2)]
    log = write_rows(tmp_path, rows)
    assert log.frame["stream"].to_list() == ["u0/general/shared", "u1/general/shared"]
    mixed = Log(log.frame.with_columns(stream=pl.lit("one")), "log")
    with pytest.raises(ValueError, match="mixes users"):
        streams_of(mixed)
    table = pl.DataFrame({"u": "a", "t": [f"2025-01-01T00:00:{n % 60:02d}Z" for n in range(150)], "c": range(150)})
    table.write_csv(tmp_path / "free.csv")
    (tmp_path / "free.toml").write_text('user = "u"\ntime = "t"\ncorrected = "c"', encoding="utf-8")
    with pytest.raises(ValueError, match="more than 100"):
        streams_of(load_log(tmp_path / "free.csv", tmp_path / "free.toml"))


def test_written_parquet_is_sorted_whole_and_the_same_bytes(tmp_path):
    frame = pl.DataFrame({"a": [2, 1, 2], "b": ["x", "y", "z"]})
    write_parquet(frame, tmp_path / "deep" / "one.parquet", sort_by=["a"])
    write_parquet(frame.sort("a", maintain_order=True), tmp_path / "two.parquet")
    assert pl.read_parquet(tmp_path / "deep" / "one.parquet")["b"].to_list() == ["y", "x", "z"]
    assert (tmp_path / "deep" / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_numbers_as_text():
    values = as_text(pl.Series([1.0, 0.5, None, float("nan"), -0.0, 1e300]))
    assert values.to_list() == ["1", "0.5", None, None, "0", "1e+300"]
    assert as_text(pl.Series([" a ", "", None, "\t"])).to_list() == ["a", None, None, None]
    assert as_text(pl.Series([True, None])).to_list() == ["true", None]


def test_contexts_of_equal_options_share_blocks(tmp_path):
    rows = [
        {"type": "decision", "metadata": {"context": f"c{n % 40}", "option_chosen": "ab"[n % 3 % 2]}} for n in range(28)
    ]
    blocks = streams_of(write_rows(tmp_path, rows * 1)).blocks
    assert {block.options for block in blocks} == {ACCEPTANCE}
    rows = [
        {"type": "decision", "metadata": {"context": f"c{n % 4}", "option_chosen": "ab"[n // 4 % 2]}} for n in range(28)
    ]
    (block,) = streams_of(write_rows(tmp_path, rows)).blocks
    assert block.options == ("a", "b")
    assert len(block.streams) == 4
