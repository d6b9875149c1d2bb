"""One rule over a log, prequentially: every event of every stream is predicted, then learnt from (Dawid 1984)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.datasets.log import Log
from persona_lab.datasets.schema import REFERENCE
from persona_lab.datasets.streams import StreamBlock, Streams
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, FloatArray, select
from persona_lab.metrics import forecast
from persona_lab.protocols import UpdateStrategy

CHUNK_STEPS = 128
SUM_TOLERANCE = 1e-4
"""Beliefs may miss a sum of 1 by this much: rules may keep them in float32."""


class Said(NamedTuple):
    """What a rule said, by row of the log's frame: terms of the scores, and its estimate after the event."""

    named: FloatArray
    squared: FloatArray
    hit: FloatArray
    stated: FloatArray
    occurred: FloatArray
    after: FloatArray = np.empty(0)


def run(strategy: UpdateStrategy, streams: Streams, height: int, estimates: bool) -> Said:
    """Return what a rule said of every event, by row of a log of ``height`` rows; ``estimates`` after the event too."""
    path = Said(*(np.full(height, np.nan) for _ in Said._fields))
    for block in streams.blocks:
        _run_block(strategy, block, path, estimates)
    return path


def _run_block(strategy: UpdateStrategy, block: StreamBlock, path: Said, estimates: bool) -> None:
    steps, width = block.row.shape
    options, lanes = len(block.options), len(block.streams)
    said = np.empty((min(steps, CHUNK_STEPS), options, width))
    after = np.empty((min(steps, CHUNK_STEPS), width))
    state = strategy.init(options, width)
    for start in range(0, steps, CHUNK_STEPS):
        stop = min(start + CHUNK_STEPS, steps)
        for step in range(start, stop):
            given, active = block.at(step), block.active(step)
            said[step - start] = strategy.belief(state, given.elapsed)
            new = strategy.update(state, given)
            # Lanes of padding are never read; a stream that has ended stands still.
            state = new if active[:lanes].all() else select(active, new, state)
            if estimates:
                after[step - start] = strategy.belief(state, 0.0)[-1]
        live = block.row[start:stop] >= 0
        row = block.row[start:stop][live]
        spread = np.moveaxis(said[: stop - start], 1, 0)[:, live]
        total = spread.sum(axis=0)
        if not (np.abs(total - 1.0) <= SUM_TOLERANCE).all() or (spread < 0.0).any():
            worst = float(total[np.argmax(np.where(np.isfinite(total), np.abs(total - 1.0), np.inf))])
            raise ConfigurationError(type(strategy).__name__, "belief", worst, "probabilities that add up to 1")
        terms = forecast.scored_terms(probability=spread, named=block.named[start:stop][live])
        for array, values in zip(path, terms, strict=False):
            array[row] = values
        if estimates:
            path.after[row] = after[: stop - start][live]


def scored_rows(streams: Streams, height: int) -> NDArray[np.bool_]:
    """Return which rows of a log of ``height`` rows name an option, (height,)."""
    scored = np.zeros(height, dtype=np.bool_)
    for block in streams.blocks:
        scored[block.row[block.named != NO_OPTION]] = True
    return scored


def reference(log: Log, streams: Streams, name: str) -> Said:
    """Return a forecast that came with the log: made after each event, so it predicts the stream's next one."""
    column = pl.col(REFERENCE + name).forward_fill()
    made = log.frame.select(
        after=column.over("stream"), before=column.shift(1).over("stream").fill_null(0.5)
    ).fill_null(0.5)
    before = made["before"].to_numpy()
    named = np.full(log.frame.height, NO_OPTION, dtype=np.int8)
    for block in streams.blocks:
        live = block.row >= 0
        named[block.row[live]] = block.named[live]
    terms = forecast.scored_terms(probability=np.stack([1.0 - before, before]), named=named)
    return Said(*terms)._replace(after=made["after"].to_numpy())
