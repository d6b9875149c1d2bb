"""A log as the arrays that rules work on: streams side by side, steps one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.datasets.log import Log
from persona_lab.datasets.recipes import MOST_OPTIONS
from persona_lab.errors import InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, Kind, padded

ACCEPTANCE = ("declined", "accepted")
"""Options of a stream whose events name none: what is forecast is whether the proposal is taken."""

BLOCK_STREAMS = 2048
_KIND_CODES = {"silent": Kind.SILENT, "accepted": Kind.ACCEPTED, "declined": Kind.DECLINED, "corrected": Kind.CORRECTED}


class StreamBlock(NamedTuple):
    """Streams of the same options, padded to a multiple of ``LANES``; the longest first.

    Attributes
    ----------
    options
        Names of the options.
    streams
        Labels of the streams, one per lane that is not padding.
    lengths
        Events of each lane, 0 in padding, (width,).
    given
        Feedback with arrays of shape (steps, width); SILENT where a lane has ended.
    named
        Option that the event names, ``NO_OPTION`` where none, (steps, width).
    row
        Row of the event in the log's frame, -1 where a lane has ended, (steps, width).
    """

    options: tuple[str, ...]
    streams: tuple[str, ...]
    lengths: NDArray[np.int64]
    given: Feedback
    named: NDArray[np.int8]
    row: NDArray[np.int64]

    def active(self, step: int) -> BoolArray:
        """Return which lanes have an event at ``step``, (width,)."""
        active: BoolArray = self.lengths > step
        return active

    def at(self, step: int) -> Feedback:
        """Return the feedback of one step, arrays of shape (width,)."""
        return Feedback(*(array[step] for array in self.given))


@dataclass(frozen=True, slots=True)
class Streams:
    """Every stream of a log, in blocks.

    Attributes
    ----------
    blocks
        Blocks of streams of similar length and equal options.
    acceptance
        Contexts in which acceptance is forecast, since their events name no options (or one only).
    activity
        Events that are plain activity, and so in no stream.
    """

    blocks: tuple[StreamBlock, ...]
    acceptance: tuple[str, ...]
    activity: int


def streams_of(log: Log) -> Streams:
    """Return the log's feedback as arrays.

    A yes/no outcome, an acceptance where no options are named, and a choice that the user made unprompted are each
    Kind.CORRECTED with proposed ``NO_OPTION``: the event names an option, and no proposal stood in its way.
    Accepting, declining or correcting a named proposal keeps its kind.

    Raises
    ------
    InputError
        Where no event is feedback, or a context has more than 100 options.
    """
    frame = log.frame.with_row_index("place").filter(pl.col("kind").is_not_null())
    activity = log.frame.height - frame.height
    if frame.height == 0:
        raise InputError(
            "no event of the log is feedback",
            file=log.file,
            cure="Give events a status, or type correction, outcome or decision.",
        )
    options = _options(log, frame)
    acceptance = tuple(options.filter(pl.col("options") == "/".join(ACCEPTANCE))["context"].sort())
    _refuse_mixed_streams(frame, log.file)
    frame = frame.with_columns(
        elapsed=pl.col("timestamp").diff().over("stream").dt.total_microseconds().fill_null(0) / 86_400e6,
        session_code=pl.col("session").rank("dense").cast(pl.Int32),
        source_code=(pl.col("source").rank("dense") - 1).clip(0, 32_000).cast(pl.Int16),
        step=pl.int_range(pl.len()).over("stream"),
    )
    frame = frame.join(options, on="context", how="left", maintain_order="left")
    blocks: list[StreamBlock] = []
    for _, part in sorted(frame.partition_by("options", as_dict=True).items()):
        names = tuple(part["names"][0])
        blocks.extend(_blocks(_numbered(part, names), names))
    return Streams(tuple(blocks), acceptance, activity)


def _options(log: Log, frame: pl.DataFrame) -> pl.DataFrame:
    """Return (context, names, options): names as a list and as one text; what names fewer than two is acceptance."""
    mentioned = pl.concat([frame.select("context", name=column) for column in ("proposed", "corrected")])
    found = mentioned.group_by("context").agg(names=pl.col("name").drop_nulls().unique().sort()).sort("context")
    many = found.filter(pl.col("names").list.len() > MOST_OPTIONS)
    if many.height:
        context, names = many.row(0)
        raise InputError(
            f"the context '{context}' has {len(names)} options, more than {MOST_OPTIONS}",
            file=log.file,
            value=names[0],
            cure="Options are names, not free text: map them to fewer in the recipe.",
        )
    taken = pl.lit(list(ACCEPTANCE))
    if log.target == "acceptance":
        found = found.with_columns(names=taken)
    elif log.options is not None:
        found = found.with_columns(names=pl.lit(list(log.options)))
    else:
        found = found.with_columns(names=pl.when(pl.col("names").list.len() < 2).then(taken).otherwise("names"))
    # A slash inside a name is escaped: options "a/b", "c" and options "a", "b/c" are different sets.
    escaped = pl.col("names").list.eval(pl.element().str.replace_all("/", "\\/", literal=True))
    return found.with_columns(options=escaped.list.join("/"))


def _numbered(part: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Add proposed, kind, corrected and named as option numbers."""
    if names == ACCEPTANCE:
        took = {"declined": 0, "corrected": 0, "accepted": 1, "silent": NO_OPTION}
        named = part["kind"].replace_strict(took, return_dtype=pl.Int8)
        kind = pl.Series([int(Kind.SILENT)], dtype=pl.Int8).extend_constant(0, part.height - 1)
        kind = kind.set(named != NO_OPTION, int(Kind.CORRECTED))
        nothing = pl.Series([NO_OPTION], dtype=pl.Int8).extend_constant(NO_OPTION, part.height - 1)
        return part.with_columns(named=named, proposal=nothing, code=kind, correction=named)
    codes = {name: number for number, name in enumerate(names)}
    proposal = part["proposed"].replace_strict(codes, default=NO_OPTION, return_dtype=pl.Int8)
    correction = part["corrected"].replace_strict(codes, default=NO_OPTION, return_dtype=pl.Int8)
    kinds = {name: int(code) for name, code in _KIND_CODES.items()}
    kind = part["kind"].replace_strict(kinds, return_dtype=pl.Int8)
    named = correction.zip_with(kind != int(Kind.ACCEPTED), proposal)
    return part.with_columns(named=named, proposal=proposal, code=kind, correction=correction)


def _blocks(part: pl.DataFrame, options: tuple[str, ...]) -> list[StreamBlock]:
    sizes = part.group_by("stream").len().sort(["len", "stream"], descending=[True, False])
    lengths = sizes["len"].to_numpy().astype(np.int64)
    blocks, first = [], 0
    while first < len(lengths):
        # A block ends where streams get shorter than half its longest: padding then costs at most double.
        stop = first + max(int(np.searchsorted(-lengths[first:], -(lengths[first] // 2), side="right")), 1)
        stop = min(stop, first + BLOCK_STREAMS)
        blocks.append(_block(part, sizes[first:stop], options))
        first = stop
    return blocks


def _block(part: pl.DataFrame, sizes: pl.DataFrame, options: tuple[str, ...]) -> StreamBlock:
    lanes = sizes.select("stream").with_row_index("lane")
    rows = part.join(lanes, on="stream", how="inner", maintain_order="left")
    width, steps = padded(lanes.height), int(sizes["len"][0])
    lane, step = rows["lane"].to_numpy(), rows["step"].to_numpy()

    def spread(column: str, default: float, dtype: type) -> NDArray[Any]:
        array: NDArray[Any] = np.full((steps, width), default, dtype=dtype)
        array[step, lane] = rows[column].fill_null(float("nan") if column == "propensity" else 0).to_numpy()
        return array

    given = Feedback(
        proposed=spread("proposal", NO_OPTION, np.int8),
        kind=spread("code", Kind.SILENT, np.int8),
        corrected=spread("correction", NO_OPTION, np.int8),
        confidence=spread("confidence", 1.0, np.float64),
        elapsed=spread("elapsed", 0.0, np.float64),
        session=spread("session_code", 0, np.int32),
        source=spread("source_code", 0, np.int16),
        propensity=spread("propensity", np.nan, np.float64),
    )
    lengths = np.zeros(width, dtype=np.int64)
    lengths[: lanes.height] = sizes["len"].to_numpy()
    named = np.full((steps, width), NO_OPTION, dtype=np.int8)
    named[step, lane] = rows["named"].to_numpy()
    row = np.full((steps, width), -1, dtype=np.int64)
    row[step, lane] = rows["place"].to_numpy()
    return StreamBlock(options, tuple(lanes["stream"]), lengths, given, named, row)


def _refuse_mixed_streams(frame: pl.DataFrame, file: str) -> None:
    mixed = frame.group_by("stream").agg(pl.col("user_id").n_unique(), pl.col("context").n_unique())
    mixed = mixed.filter((pl.col("user_id") > 1) | (pl.col("context") > 1))
    if mixed.height:
        raise InputError(
            "a stream mixes users or contexts",
            file=file,
            column="stream",
            value=mixed["stream"].sort()[0],
            cure="A stream is one user x one context: give each its own label.",
        )
