"""Updates per second, one core, 4 options, updates alone: this package, river, a plain loop, and the memory's speed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from river import stats

from persona_lab.catalog import STRATEGIES
from persona_lab.checks.probes import arrays_of
from persona_lab.feedback import NO_OPTION, Feedback, Kind, feedback
from persona_lab.randomness import generator
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.grid_priors import DEFAULT as HIERARCHICAL

OPTIONS = 4
BLOCK = 4096
STEPS = 64
"""Distinct steps, run through again and again: with fewer, options never named would decay to denormal numbers."""

RATE = 0.1
FAMILY = ("ewma-0.1", "last-write-wins", "running-count", "confidence-average", "bounded-step", "pearce-hall", "kalman")
BAYES: dict[str, Any] = {
    "fixed-share": STRATEGIES["fixed-share"],
    "hierarchical-bayes": HIERARCHICAL,
    "its single precision": replace(HIERARCHICAL, single=True),
}
GRIDS = ("hierarchical-bayes", "its single precision")
BAYES_BLOCK = 1024
"""Streams that the Bayesian rules meet together: so much of a grid's state stays in the cache."""

TARGET, GRID_TARGET = 60e6, 1e6
"""Updates per second that the EWMA family, and hierarchical Bayes, should reach on one core."""

SECONDS = 0.5
REPEATS = 3


def run() -> None:
    history = _history(STEPS, BLOCK)
    bandwidth = _bandwidth()
    river, river_error = _river(history)
    loop, loop_error = _plain_loop(history)
    print(f"   memory: {bandwidth / 1e9:.1f} GB/s copied; bytes: state and feedback read, state written, per update")
    print(f"   {'rule':22} {'M/s':>8} {'x river':>9} {'x loop':>8} {'bytes':>7} {'of memory':>10}   largest difference")
    print(f"   {'river, EWMean x 4':22} {river / 1e6:8.3f} {1:9.1f} {river / loop:8.1f} {'':>18}   {river_error:.1e}")
    print(f"   {'plain Python loop':22} {loop / 1e6:8.3f} {loop / river:9.1f} {1:8.1f} {'':>18}   {loop_error:.1e}")
    speeds = {}
    narrow = [Feedback(*(array[:BAYES_BLOCK] for array in given)) for given in history]
    for name, rule in {**{name: STRATEGIES[name] for name in FAMILY}, **BAYES}.items():
        met = history if name in FAMILY else narrow
        speed, error, moved = _speed(rule, met), _lone_stream_difference(rule, met), _bytes_moved(rule, met)
        speeds[name] = speed
        grid = f" ({len(rule.dynamics) * len(rule.observers)} worlds)" if hasattr(rule, "observers") else ""
        print(
            f"   {name:22} {speed / 1e6:8.3f} {speed / river:9.1f} {speed / loop:8.1f} {moved:7.0f} "
            f"{speed * moved / bandwidth:10.2f}   {error:.1e}{grid}"
        )
    _verdict("slowest of the EWMA family", min(speeds[name] for name in FAMILY), TARGET)
    for name in (name for name in GRIDS if name in speeds):
        _verdict(name, speeds[name], GRID_TARGET)
    print("   compare machines by the ratios")
    print("   largest difference: river and the loop against EWMA here; the others, a batch against a stream alone")


def _verdict(name: str, speed: float, target: float) -> None:
    reached = "met" if speed >= target else "missed"
    print(f"   {name}: {speed / 1e6:.2f} M/s of CPU time, target {target / 1e6:.0f}: {reached} here")


def _bytes_moved(rule: Any, history: list[Feedback]) -> float:
    """Return the least bytes that an update of one stream moves: all it knows and hears read, what is new written.

    Of the feedback the options, the kind and the confidence count; arrays handed on as they are count once.
    """
    before = rule.init(OPTIONS, history[0].kind.size)
    read = {id(array): array.nbytes for array in arrays_of(before)}
    written = sum(array.nbytes for array in arrays_of(rule.update(before, history[0])) if id(array) not in read)
    heard = sum(array.nbytes for array in history[0][:4])
    return (sum(read.values()) + written + heard) / history[0].kind.size


def _history(steps: int, streams: int) -> list[Feedback]:
    luck = generator(0, "benchmark")
    proposed, wanted = luck.integers(0, OPTIONS, (2, steps, streams))
    kind = np.where(proposed == wanted, Kind.ACCEPTED, Kind.CORRECTED)
    return [
        feedback(
            proposed=proposed[t],
            kind=kind[t],
            corrected=np.where(kind[t] == Kind.CORRECTED, wanted[t], NO_OPTION),
            confidence=np.ones(streams),
            elapsed=np.ones(streams),
        )
        for t in range(steps)
    ]


def _best(work: Callable[[], int]) -> float:
    """Return updates per second of CPU time, the best of a few repeats: other work on the machine counts less."""
    best = 0.0
    for _ in range(REPEATS):
        done, started = 0, time.process_time()
        while time.process_time() - started < SECONDS:
            done += work()
        best = max(best, done / (time.process_time() - started))
    return best


def _speed(rule: Any, history: list[Feedback]) -> float:
    streams = history[0].kind.size
    state = rule.init(OPTIONS, streams)

    def work() -> int:
        nonlocal state
        for given in history:
            state = rule.update(state, given)
        return streams * len(history)

    return _best(work)


def _named(history: list[Feedback]) -> list[np.ndarray]:
    return [np.where(given.kind == Kind.CORRECTED, given.corrected, given.proposed) for given in history]


def _ours(history: list[Feedback]) -> np.ndarray:
    rule = Ewma(RATE)
    state = rule.init(OPTIONS, BLOCK)
    for given in history:
        state = rule.update(state, given)
    return rule.belief(state)


def _river(history: list[Feedback], streams: int = 256) -> tuple[float, float]:
    means = [[stats.EWMean(RATE) for _ in range(OPTIONS)] for _ in range(streams)]
    for row in means:
        for mean in row:
            mean.update(1.0 / OPTIONS)  # river starts at the first value, the rule at uniform
    named = [row[:streams].tolist() for row in _named(history)]

    def work() -> int:
        for row in named:
            for stream, option in enumerate(row):
                for k, mean in enumerate(means[stream]):
                    mean.update(k == option)
        return streams * len(named)

    work()
    theirs = np.array([[mean.get() for mean in row] for row in means]).T
    return _best(work), float(np.abs(theirs - _ours(history)[:, :streams]).max())


def _plain_loop(history: list[Feedback], streams: int = 256) -> tuple[float, float]:
    named = [row[:streams].tolist() for row in _named(history)]
    shares = [[1.0 / OPTIONS] * OPTIONS for _ in range(streams)]

    def work() -> int:
        for row in named:
            for stream, option in enumerate(row):
                share = shares[stream]
                for k in range(OPTIONS):
                    share[k] += RATE * ((k == option) - share[k])
        return streams * len(named)

    work()
    error = float(np.abs(np.array(shares).T - _ours(history)[:, :streams]).max())
    return _best(work), error


def _lone_stream_difference(rule: Any, history: list[Feedback]) -> float:
    """Return the largest difference between a stream of the batch and the same stream alone in a padded block."""
    batch, alone = rule.init(OPTIONS, history[0].kind.size), rule.init(OPTIONS, 64)
    for given in history:
        batch = rule.update(batch, given)
        alone = rule.update(alone, Feedback(*(np.repeat(array[777:778], 64) for array in given)))
    return float(np.abs(rule.belief(batch)[:, 777] - rule.belief(alone)[:, 0]).max())


def _bandwidth() -> float:
    """Return bytes moved per second by a copy out of the cache's reach, read and write counted."""
    source = np.ones(2**24)
    target = np.empty_like(source)

    def work() -> int:
        np.copyto(target, source)
        return 2 * source.nbytes

    work()
    return _best(work)


if __name__ == "__main__":
    run()
