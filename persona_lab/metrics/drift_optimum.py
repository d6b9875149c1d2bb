"""The best any detector can do: exact run lengths of CUSUMs by Markov chain, the yardstick of every delay."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, eye
from scipy.sparse.linalg import spsolve


def lattice_run_length(*, reject_step: int, accept_step: int, threshold: int, accept_rate: float) -> float:
    """Return the mean events before S >= threshold, S = max(0, S + reject_step or - accept_step), from S = 0; exact."""
    stay = np.zeros((threshold, threshold))
    for score in range(threshold):
        stay[score, max(0, score - accept_step)] += accept_rate
        if score + reject_step < threshold:
            stay[score, score + reject_step] += 1.0 - accept_rate
    return float(np.linalg.solve(np.eye(threshold) - stay, np.ones(threshold))[0])


@dataclass(frozen=True, slots=True)
class Optimum:
    """The CUSUM that knows both rates (optimal by Moustakides 1986), in events.

    ``arl0`` between false alarms; ``worst_case_delay`` from score 0; ``steady_delay`` for a change that comes late,
    given that no alarm came before it.
    """

    arl0: float
    worst_case_delay: float
    steady_delay: float


def optimal_cusum(*, before: float, after: float, threshold: float, step: float = 0.0025) -> Optimum:
    """Return the run lengths of the log likelihood CUSUM from accept rate ``before`` to ``after``.

    The score lives on a grid of ``step`` nats, the two increments rounded to it; the chain is otherwise exact.
    """
    size = round(threshold / step)
    accept, reject = round(np.log(after / before) / step), round(np.log((1 - after) / (1 - before)) / step)
    false = _run_lengths(size, accept, reject, before)
    true = _run_lengths(size, accept, reject, after)
    steady = _steady(size, accept, reject, before)
    return Optimum(float(false[0]), float(true[0]), float(steady @ true))


def _moves(size: int, accept: int, reject: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    score = np.arange(size)
    return np.maximum(0, score + accept), np.maximum(0, score + reject)


def _reached(size: int, accept: int, reject: int) -> NDArray[np.intp]:
    seen = np.zeros(size, dtype=np.bool_)
    frontier = [0]
    while frontier:
        score = frontier.pop()
        if seen[score]:
            continue
        seen[score] = True
        frontier.extend(to for to in (max(0, score + accept), max(0, score + reject)) if to < size and not seen[to])
    return np.flatnonzero(seen)


def _run_lengths(size: int, accept: int, reject: int, rate: float) -> NDArray[np.float64]:
    """Solve L = 1 + P L over the reachable scores."""
    to_accept, to_reject = _moves(size, accept, reject)
    kept = _reached(size, accept, reject)
    place = np.full(size, -1)
    place[kept] = np.arange(kept.size)
    rows = np.arange(kept.size)
    down, up = to_accept[kept], to_reject[kept]
    alive_up = up < size
    alive_down = down < size
    matrix = csr_matrix(
        (
            np.concatenate([np.full(int(alive_down.sum()), rate), np.full(int(alive_up.sum()), 1 - rate)]),
            (
                np.concatenate([rows[alive_down], rows[alive_up]]),
                np.concatenate([place[down[alive_down]], place[up[alive_up]]]),
            ),
        ),
        shape=(kept.size, kept.size),
    )
    solved = spsolve((eye(kept.size) - matrix).tocsc(), np.ones(kept.size))
    lengths = np.zeros(size)
    lengths[kept] = solved
    return lengths


def _steady(size: int, accept: int, reject: int, rate: float) -> NDArray[np.float64]:
    """Return the distribution of the score after many events without alarm."""
    to_accept, to_reject = _moves(size, accept, reject)
    mass = np.zeros(size)
    mass[0] = 1.0
    for _ in range(400):
        moved = np.zeros(size)
        inside = to_accept < size
        np.add.at(moved, to_accept[inside], rate * mass[inside])
        inside = to_reject < size
        np.add.at(moved, to_reject[inside], (1 - rate) * mass[inside])
        mass = moved / moved.sum()
    return mass
