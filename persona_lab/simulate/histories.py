"""Draw histories of a preferred option under the law of :mod:`persona_lab.simulate.paths`.

Where nothing interrupts the clock of switching, only the switches are drawn (geometric gaps); with bursts of exceptions
or a schedule of hazards, every interaction is.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.randomness import uniforms
from persona_lab.simulate.paths import Exceptions, Gradual, Mixed, Path, Types, VolatilityShift

GAP_ROWS = 8
"""Gaps drawn at a time; results do not depend on it."""


class Luck(NamedTuple):
    """Uniform draws of one rectangle of streams, by purpose."""

    seed: int
    steps: int
    streams: tuple[int, int]

    def draw(self, purpose: str) -> NDArray[np.float32]:
        """Return (steps, streams) uniforms."""
        return uniforms(self.seed, purpose, steps=(0, self.steps), streams=self.streams)

    def row(self, purpose: str, step: int = 0) -> NDArray[np.float32]:
        """Return one row of uniforms, (streams,)."""
        row: NDArray[np.float32] = uniforms(self.seed, purpose, steps=(step, step + 1), streams=self.streams)[0]
        return row


class History(NamedTuple):
    """Preferred option, wanted option, whether an exception is on; (interactions, streams)."""

    preferred: IntArray
    wanted: IntArray
    in_exception: BoolArray


def pick(luck: FloatArray | NDArray[np.float32], count: int) -> IntArray:
    """Turn uniforms into integers 0 .. count - 1, int8."""
    index: IntArray = np.minimum((luck.astype(np.float64) * count).astype(np.int8), np.int8(count - 1))
    return index


def steady(
    options: int, hazard: FloatArray, recurring: BoolArray, luck: Luck, *, life_events: BoolArray | None = None
) -> IntArray:
    """Return the preferred option where switches come with one hazard per stream and nothing interrupts them.

    Parameters
    ----------
    options
        K.
    hazard
        Probability of a switch per interaction from the second on, (streams,).
    recurring
        Which streams toggle between two habits instead of switching to a uniform other option, (streams,).
    luck
        Draws of these streams.
    life_events
        (interactions, streams) booleans: switches that come on top, from what moves all contexts of a person.
    """
    jump = np.zeros((luck.steps, hazard.size), dtype=np.int8)
    columns = np.flatnonzero(hazard > 0.0)
    at = np.zeros(hazard.size, dtype=np.int64)
    with np.errstate(divide="ignore"):
        slowness = 1.0 / np.log1p(-hazard)
    row = 0
    while columns.size:
        draws = uniforms(luck.seed, "gap", steps=(row, row + GAP_ROWS), streams=luck.streams)
        for gaps in draws:
            length = np.log1p(-gaps[columns].astype(np.float64)) * slowness[columns]
            at[columns] += 1 + np.minimum(length, luck.steps).astype(np.int64)
            columns = columns[at[columns] < luck.steps]
            jump[at[columns], columns] = 1
            if not columns.size:
                break
        row += GAP_ROWS
    if life_events is not None:
        jump |= life_events.view(np.int8)
    steps, streams = np.divmod(np.flatnonzero(jump), hazard.size)
    luck_of_target = _nth_draws(jump, steps, streams, luck)
    first = pick(luck.row("first option"), options)
    target = 1 + pick(luck_of_target, options - 1)
    if recurring.any():
        away = 1 + pick(luck.row("other habit"), options - 1)
        nth = np.cumsum(jump, axis=0, dtype=np.int16)[steps, streams]
        back = np.where(nth % 2 == 1, away[streams], options - away[streams])
        target = np.where(recurring[streams], back, target).astype(np.int8)
    jump[steps, streams] = target
    jump[0] += first
    return _cumulative_modulo(jump, options)


def _nth_draws(jump: IntArray, steps: IntArray, streams: IntArray, luck: Luck) -> NDArray[np.float32]:
    """Return one uniform per switch: that of its (number within the stream, stream)."""
    if not steps.size:
        return np.empty(0, dtype=np.float32)
    count = np.zeros(luck.streams[1] - luck.streams[0], dtype=np.int64)
    nth = np.empty(steps.size, dtype=np.int64)
    bounds = np.searchsorted(steps, np.arange(luck.steps + 1))  # one row holds a stream at most once
    for step in range(luck.steps):
        here = slice(bounds[step], bounds[step + 1])
        nth[here] = count[streams[here]]
        count[streams[here]] += 1
    draws = uniforms(luck.seed, "target", steps=(0, int(nth.max()) + 1), streams=luck.streams)
    found: NDArray[np.float32] = draws[nth, streams]
    return found


def _cumulative_modulo(jump: IntArray, options: int) -> IntArray:
    """Return the running sum of ``jump`` (each below ``options``) modulo ``options``; overwrites ``jump``."""
    for before, now in pairwise(jump):
        now += before
        now -= np.int8(options) * (now >= options).view(np.int8)
    return jump


def interrupted(
    path: Path, options: int, hazard: FloatArray, rate: FloatArray, recurring: BoolArray, luck: Luck
) -> History:
    """Return histories with bursts of exceptions, or a schedule of hazards; step by step."""
    n = hazard.size
    now = pick(luck.row("first option"), options)
    other = (now + np.int8(1) + pick(luck.row("other habit"), options - 1)) % np.int8(options)
    preferred = np.empty((luck.steps, n), dtype=np.int8)
    wanted, inside = preferred.copy(), np.zeros((luck.steps, n), dtype=bool)
    scheduled = isinstance(path, VolatilityShift)
    moving = luck.draw("switch") if scheduled or hazard.any() else None
    bursting, lasting = (luck.draw("burst"), luck.draw("burst length")) if rate.any() else (None, None)
    law = burst_law(path)
    edges = np.cumsum(law)
    left = np.zeros(n, dtype=np.int16)
    exception = np.zeros(n, dtype=np.int8)
    for step in range(luck.steps):
        free = left == 0
        if step and moving is not None:
            chance = np.full(n, path.hazard_at(step)) if isinstance(path, VolatilityShift) else hazard
            who = np.flatnonzero(free & (moving[step] < chance))
            uniform = (now[who] + 1 + pick(moving[step][who] / chance[who], options - 1)) % options
            target = np.where(recurring[who], other[who], uniform)
            other[who] = np.where(recurring[who], now[who], other[who])
            now[who] = target
        preferred[step] = now
        if bursting is None or lasting is None:
            continue
        who = np.flatnonzero(free & (bursting[step] < rate))
        exception[who] = (now[who] + 1 + pick(bursting[step][who] / rate[who], options - 1)) % options
        left[who] = 1 + np.minimum(np.searchsorted(edges, lasting[step][who], side="right"), len(law) - 1)
        on = np.greater(left, 0, out=inside[step]).view(np.int8)
        wanted[step] = now + on * (exception - now)
        left -= on
    return History(preferred, preferred if bursting is None else wanted, inside)


def burst_law(path: Path) -> tuple[float, ...]:
    """Return the probabilities of bursts of 1, 2, ... interactions; empty where the path has none."""
    if isinstance(path, Exceptions):
        return path.law
    return (1.0 / path.longest,) * path.longest if isinstance(path, (Mixed, Types)) else ()


def drifting_utilities(path: Gradual, options: int, luck: Luck) -> FloatArray:
    """Return stationary Ornstein-Uhlenbeck utilities, (interactions, options, streams), by exact discretisation."""
    from scipy.special import ndtri  # imported where it is needed: scipy takes a quarter of a second

    keep = np.exp(-1.0 / path.tau)
    spread = path.sd * np.sqrt(1.0 - keep**2)
    utilities = np.empty((luck.steps, options, luck.streams[1] - luck.streams[0]))
    for option in range(options):
        draws = luck.draw(f"utility {option}").astype(np.float64)
        normal = ndtri(draws + 2.0**-25)  # float32 uniforms are multiples of 2**-24 from 0: centre them in their cells
        utilities[0, option] = path.sd * normal[0]
        for step in range(1, luck.steps):
            utilities[step, option] = keep * utilities[step - 1, option] + spread * normal[step]
    return utilities


def softmax_choice(utilities: FloatArray, luck: NDArray[np.float32]) -> IntArray:
    """Draw one option per interaction with softmax probabilities."""
    weight = np.exp(utilities - utilities.max(axis=1, keepdims=True))
    reached = np.cumsum(weight, axis=1)
    chosen: IntArray = (luck[:, np.newaxis] * reached[:, -1:] >= reached).sum(axis=1).astype(np.int8)
    return np.minimum(chosen, np.int8(utilities.shape[1] - 1))
