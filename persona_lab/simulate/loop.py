"""The closed loop: what the agent proposes decides what it learns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, TIE, BoolArray, Feedback, FloatArray, IntArray, padded
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import uniforms
from persona_lab.simulate.answering import Answered, Arrivals, answers, start_arrivals, start_mood
from persona_lab.simulate.people import Lives
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.exact_filter import KindKnownFilter

BLOCK_STREAMS = 4096
"""Streams processed together: (options, streams) arrays then stay in the cache. Results do not depend on it."""


class Trajectory(NamedTuple):
    """What happened: (interactions, streams) int8 arrays.

    ``belief`` is (interactions, options, streams) float32, or None where it was not asked for: the belief before the
    answer, the one that the proposal was taken from.
    """

    proposed: IntArray
    kind: IntArray
    corrected: IntArray
    belief: NDArray[np.float32] | None


def closed_loop(
    scenario: Scenario,
    lives: Lives,
    strategy: UpdateStrategy,
    *,
    seed: int,
    users: tuple[int, int],
    record_belief: bool = False,
    block: int = BLOCK_STREAMS,
) -> Trajectory:
    """Put a strategy through people's lives.

    The proposal is the arg max of the belief before the answer; ties within 1e-12 keep the last proposal, and where
    that is not among the tied, luck keyed by (seed, step, stream) picks one of them: so the first proposal is uniform.

    Parameters
    ----------
    scenario, lives
        The population and what its people do; ``lives`` covers exactly ``users``.
    strategy
        Any update strategy; it sees the feedback and nothing else.
    seed
        The seed of ``lives``: luck of answering and of ties.
    users
        Half-open range of person numbers of ``lives``.
    record_belief
        Whether to keep the belief at every step.
    block
        Streams processed together; results do not depend on it.

    Returns
    -------
    Trajectory, columns as in ``lives``.
    """
    steps, n = lives.preferred.shape
    first = users[0] * scenario.contexts
    proposed, kind, corrected = (np.empty((steps, n), dtype=np.int8) for _ in range(3))
    belief = np.empty((steps, scenario.options, n), dtype=np.float32) if record_belief else None
    for start in range(0, n, block):
        columns = slice(start, min(start + block, n))
        into = Trajectory(
            proposed[:, columns],
            kind[:, columns],
            corrected[:, columns],
            None if belief is None else belief[:, :, columns],
        )
        _block(scenario, lives, _cut(strategy, columns), seed, first + start, columns, into)
    return Trajectory(proposed, kind, corrected, belief)


def _block(
    scenario: Scenario,
    lives: Lives,
    strategy: UpdateStrategy,
    seed: int,
    first_stream: int,
    columns: slice,
    into: Trajectory,
) -> None:
    width = columns.stop - columns.start
    lanes = padded(width)
    streams = (first_stream, first_stream + lanes)
    expressed, wanted = _pad(lives.expressed[:, columns], lanes), _pad(lives.wanted[:, columns], lanes)
    confidence = _Rows(lives.confidence[:, columns], lanes)
    elapsed = _Rows(lives.elapsed[:, columns], lanes)
    session = _Rows(lives.session[:, columns], lanes)
    source, propensity = np.zeros(lanes, dtype=np.int16), np.full(lanes, np.nan)
    steps, options = expressed.shape[0], scenario.options
    channel = scenario.channel
    mood = start_mood(channel, lanes)
    luck = None if channel.full else _answering_luck(seed, steps, streams)
    arrivals = None if channel.arrives_in_order else start_arrivals(channel, seed, steps, streams)
    state = strategy.init(options, lanes)
    last: IntArray = np.full(lanes, NO_OPTION, dtype=np.int8)
    for step in range(steps):
        belief = strategy.belief(state, elapsed[step])
        last = propose(belief, last, seed=seed, step=step, streams=streams)
        if luck is None:
            answered = plain_answers(expressed[step], last)
        else:
            answered, mood = answers(channel, mood, expressed[step], wanted[step], last, luck[:, step])
        given = Feedback(
            proposed=last,
            kind=answered.kind,
            corrected=answered.corrected,
            confidence=confidence[step],
            elapsed=elapsed[step],
            session=session[step],
            source=source,
            propensity=propensity,
        )
        state, arrivals = _deliver(strategy, state, given, arrivals, step)
        into.proposed[step] = last[:width]
        into.kind[step] = answered.kind[:width]
        into.corrected[step] = answered.corrected[:width]
        if into.belief is not None:
            into.belief[step] = belief[:, :width]


def _cut(strategy: UpdateStrategy, columns: slice) -> UpdateStrategy:
    """Return the strategy of these columns: only the clairvoyant limit of mixed people differs between streams."""
    if not isinstance(strategy, KindKnownFilter):
        return strategy
    return strategy.columns(columns.start, padded(columns.stop - columns.start))


def _deliver(
    strategy: UpdateStrategy, state: Any, given: Feedback, arrivals: Arrivals | None, step: int
) -> tuple[Any, Arrivals | None]:
    """Return the state after all feedback that arrives before the next proposal."""
    if arrivals is None:
        return strategy.update(state, given), None
    return arrivals.deliver(strategy, state, given, step)


def _answering_luck(seed: int, steps: int, streams: tuple[int, int]) -> NDArray[np.float32]:
    """Return (3, steps, streams) uniforms: answering, naming, acquiescing."""
    purposes = ("answer", "naming", "acquiescence")
    return np.stack([uniforms(seed, purpose, steps=(0, steps), streams=streams) for purpose in purposes])


def plain_answers(expressed: IntArray, proposed: IntArray) -> Answered:
    """Return the answers of people who always answer and always name: accept, or a correction.

    Integer arithmetic instead of selection, as NumPy's ``where`` is eight times as slow on bytes:
    kind = CORRECTED - 2 where right, corrected = expressed where wrong, else ``NO_OPTION``.
    """
    right = (expressed == proposed).view(np.int8)
    kind = np.int8(3) - (right + right)
    corrected = (expressed + np.int8(1)) * (np.int8(1) - right) - np.int8(1)
    return Answered(kind, corrected)


def propose(belief: FloatArray, last: IntArray, *, seed: int, step: int, streams: tuple[int, int]) -> IntArray:
    """Return the proposal from ``belief`` (options, streams); see :func:`closed_loop` for ties."""
    near: BoolArray = belief >= belief.max(axis=0) - TIE
    hot = near.view(np.int8)
    count: IntArray = hot[0] + hot[1]
    chosen: IntArray = hot[1].copy()
    for option in range(2, hot.shape[0]):
        chosen += np.int8(option) * hot[option]
        count += hot[option]
    several = count != 1
    if several.any():
        tied = np.flatnonzero(several)
        chosen[tied] = _settle(near[:, tied], last[tied], seed=seed, step=step, streams=streams, which=tied)
    return chosen


def _settle(
    near: BoolArray, last: IntArray, *, seed: int, step: int, streams: tuple[int, int], which: NDArray[np.intp]
) -> IntArray:
    """Return the choice among tied options: the last proposal where it is one of them, else by luck."""
    hot = near.view(np.int8)
    kept = (last != NO_OPTION) & np.take_along_axis(near, np.maximum(last, 0)[np.newaxis].astype(np.intp), axis=0)[0]
    chosen = last.copy()
    open_ties = np.flatnonzero(~kept)
    if open_ties.size:
        luck = uniforms(seed, "tie", steps=(step, step + 1), streams=streams)[0][which[open_ties]]
        count = hot[:, open_ties].sum(axis=0, dtype=np.int8)
        rank = np.minimum((luck * count).astype(np.int8), count - np.int8(1))
        nth = np.cumsum(hot[:, open_ties], axis=0, dtype=np.int8) > rank
        chosen[open_ties] = nth.argmax(axis=0)
    settled: IntArray = chosen
    return settled


class _Rows:
    """Rows of an (interactions, streams) array, padded; rows that are one number repeated are made when needed."""

    def __init__(self, array: NDArray[Any], lanes: int) -> None:
        self._repeated = array[:, 0].copy() if array.strides[1] == 0 else None
        self._rows = _pad(array, lanes) if self._repeated is None else np.full((1, lanes), self._repeated[0])

    def __getitem__(self, step: int) -> NDArray[Any]:
        if self._repeated is None:
            row: NDArray[Any] = self._rows[step]
            return row
        if self._repeated[step] != self._rows[0, 0]:
            self._rows = np.full_like(self._rows, self._repeated[step])
        repeated: NDArray[Any] = self._rows[0]
        return repeated


def _pad(array: NDArray[Any], lanes: int) -> NDArray[Any]:
    """Repeat the last column up to ``lanes`` columns, contiguous in memory."""
    missing = lanes - array.shape[1]
    return np.ascontiguousarray(array if missing == 0 else np.pad(array, ((0, 0), (0, missing)), mode="edge"))
