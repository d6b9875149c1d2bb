"""The closed loop: what the agent proposes decides what it learns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, TIE, Feedback, FloatArray, IntArray, Kind, one_hot, padded
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import uniforms
from persona_lab.simulate.people import Lives
from persona_lab.simulate.scenarios import Scenario

BLOCK_STREAMS = 4096
"""Streams processed together: (options, streams) arrays then stay in the cache. Results do not depend on it."""


class Trajectory(NamedTuple):
    """What happened: (interactions, users) int8 arrays; ``belief`` is (interactions, options, users) float32 or None.

    ``belief`` is the belief before the answer, the one that the proposal was taken from.
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
    that is not among the tied, luck keyed by (seed, step, person) picks one of them: so the first proposal is uniform.

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
    """
    steps, n = lives.preferred.shape
    proposed, kind, corrected = (np.empty((steps, n), dtype=np.int8) for _ in range(3))
    belief = np.empty((steps, scenario.options, n), dtype=np.float32) if record_belief else None
    for start in range(0, n, block):
        stop = min(start + block, n)
        columns = slice(start, stop)
        part = _block(scenario, lives, strategy, seed, users[0] + start, columns, record_belief)
        proposed[:, columns], kind[:, columns], corrected[:, columns] = part.proposed, part.kind, part.corrected
        if belief is not None:
            belief[:, :, columns] = part.belief
    return Trajectory(proposed, kind, corrected, belief)


def _block(
    scenario: Scenario,
    lives: Lives,
    strategy: UpdateStrategy,
    seed: int,
    first_user: int,
    columns: slice,
    record_belief: bool,
) -> Trajectory:
    width = columns.stop - columns.start
    lanes = padded(width)
    people = (first_user, first_user + lanes)
    expressed = _pad(lives.expressed[:, columns], lanes)
    confidence = _pad(lives.confidence[:, columns], lanes)
    steps, options = expressed.shape[0], scenario.options
    channel = scenario.channel
    answer = None if channel.full else uniforms(seed, "answer", steps=(0, steps), streams=people)
    naming = None if channel.full else uniforms(seed, "naming", steps=(0, steps), streams=people)
    spans = np.array([0.0, scenario.days_between])
    none = np.full(lanes, np.nan)
    session, source = np.zeros(lanes, dtype=np.int32), np.zeros(lanes, dtype=np.int16)
    record = np.empty((3, steps, lanes), dtype=np.int8)
    believed = np.empty((steps, options, lanes), dtype=np.float32) if record_belief else None
    state = strategy.init(options, lanes)
    last: IntArray = np.full(lanes, NO_OPTION, dtype=np.int8)
    for step in range(steps):
        elapsed = np.broadcast_to(spans[min(step, 1)], lanes)
        belief = strategy.belief(state, elapsed)
        last = propose(belief, last, seed=seed, step=step, people=people)
        right = expressed[step] == last
        kinds, named = np.where(right, Kind.ACCEPTED, Kind.CORRECTED), np.where(right, NO_OPTION, expressed[step])
        if answer is not None and naming is not None:
            names = right | (naming[step] < channel.names_option)
            answered = answer[step] < np.where(right, channel.patience_accept, channel.patience_wrong)
            kinds = np.where(answered, np.where(names, kinds, Kind.DECLINED), Kind.SILENT)
            named = np.where(answered & names, named, NO_OPTION)
        given = Feedback(
            proposed=last,
            kind=kinds.astype(np.int8),
            corrected=named.astype(np.int8),
            confidence=confidence[step],
            elapsed=elapsed,
            session=session,
            source=source,
            propensity=none,
        )
        state = strategy.update(state, given)
        record[0, step], record[1, step], record[2, step] = last, given.kind, given.corrected
        if believed is not None:
            believed[step] = belief
    return Trajectory(
        record[0, :, :width],
        record[1, :, :width],
        record[2, :, :width],
        None if believed is None else believed[:, :, :width],
    )


def propose(belief: FloatArray, last: IntArray, *, seed: int, step: int, people: tuple[int, int]) -> IntArray:
    """Return the proposal from ``belief`` (options, streams); see :func:`closed_loop` for ties."""
    near = belief >= belief.max(axis=0) - TIE
    chosen: IntArray = near.argmax(axis=0).astype(np.int8)
    count = near.sum(axis=0, dtype=np.int8)
    tied = count > 1
    if not tied.any():
        return chosen
    keep = tied & (near & one_hot(last, belief.shape[0])).any(axis=0)
    chosen = np.where(keep, last, chosen)
    open_ties = tied & ~keep
    if open_ties.any():
        luck = uniforms(seed, "tie", steps=(step, step + 1), streams=people)[0]
        rank = np.minimum((luck * count).astype(np.int8), count - 1)
        nth = (np.cumsum(near, axis=0, dtype=np.int8) > rank).argmax(axis=0)
        chosen = np.where(open_ties, nth, chosen)
    return chosen.astype(np.int8)


def _pad(array: NDArray[np.generic], lanes: int) -> NDArray[np.generic]:
    """Repeat the last column up to ``lanes`` columns, contiguous in memory."""
    missing = lanes - array.shape[1]
    return np.ascontiguousarray(array if missing == 0 else np.pad(array, ((0, 0), (0, missing)), mode="edge"))
