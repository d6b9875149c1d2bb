"""Interactions per second of the closed loop, one core: EWMA, switch path, 4 options, full feedback.

Beside it, in the same run: the speed of memory, of river.bandit and of a plain Python loop on the same people. Each
speed has its mean reward (share of proposals accepted) beside an independent recomputation.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from river import bandit, stats

from persona_lab.feedback import Kind
from persona_lab.randomness import uniforms
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import BLOCK_STREAMS, Trajectory, closed_loop
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.scenarios import SCENARIOS
from persona_lab.strategies.ewma import Ewma

SCENARIO = SCENARIOS["slow_noise10_v1"]
RATE = 0.1
SEED = 0
PEOPLE = 2 * BLOCK_STREAMS
FEW = 50
"""People for the slow contenders."""

REPEATS = 5
TARGET = 30e6
TARGET_OVER_RIVER = 50.0
TARGET_BYTES = 100


class Row(NamedTuple):
    """Speed (interactions per second), mean reward, and the same recomputed independently."""

    name: str
    speed: float
    reward: float
    recomputed: float


def run() -> None:
    bandwidth = _bandwidth()
    lives = live(SCENARIO, seed=SEED, users=(0, PEOPLE))
    steps = SCENARIO.interactions
    found: list[Trajectory] = []
    loop = _best(PEOPLE * steps, lambda: found.append(_loop(lives)))
    both = _best(PEOPLE * steps, lambda: _loop(live(SCENARIO, seed=SEED, users=(0, PEOPLE))))
    people = _best(PEOPLE * steps, lambda: live(SCENARIO, seed=SEED, users=(0, PEOPLE)))
    told = limit(SCENARIO, lives).strategy
    exact = _best(PEOPLE * steps, lambda: closed_loop(SCENARIO, lives, told, seed=SEED, users=(0, PEOPLE)), repeats=2)
    reward = float((found[-1].kind == Kind.ACCEPTED).mean())
    again = float((found[-1].proposed == lives.expressed).mean())
    plain, plain_reward = _plain_loop(lives)
    ours_few = float((found[-1].kind[:, :FEW] == Kind.ACCEPTED).mean())
    rows = [
        Row("closed loop, people drawn before", loop, reward, again),
        Row("closed loop, people drawn within", both, reward, again),
        Row("plain Python loop", plain, plain_reward, ours_few),
        _river(lives),
    ]
    river = rows[-1].speed
    print(f"   memory: {bandwidth / 1e9:.1f} GB/s copied")
    print(
        f"   {'one core, CPU time':34} {'M/s':>8} {'x river':>9} {'x loop':>8} {'mean reward':>12} {'recomputed':>11}"
    )
    for row in rows:
        print(
            f"   {row.name:34} {row.speed / 1e6:8.3f} {row.speed / river:9.1f} {row.speed / plain:8.1f}"
            f" {row.reward:12.6f} {row.recomputed:11.6f}"
        )
    print(f"   {'people alone':34} {people / 1e6:8.3f}")
    print(f"   {'closed loop of the exact limit':34} {exact / 1e6:8.3f} {exact / river:9.1f} {exact / plain:8.1f}")
    print("   the plain loop is held against the closed loop on the same people; river learns from rewards only")
    state = Ewma(RATE).init(SCENARIO.options, PEOPLE)
    per_stream = sum(array.nbytes for array in state) / PEOPLE + 1
    kept = sum(array.nbytes for array in (lives.preferred, lives.expressed, *found[-1][:3])) / PEOPLE / steps
    moved = 2 * SCENARIO.options * 8 + 19 + 5
    print(f"   per interaction: {both / bandwidth:.2e} interactions per byte copied; EWMA moves {moved} bytes:")
    print(f"   {both * moved / bandwidth:.2f} of the memory's speed")
    print(f"   bytes per stream: {per_stream:.0f} (belief and last proposal), and {kept:.0f} per interaction kept")
    for what, value, target in (
        ("interactions per second, people drawn within", both, TARGET),
        ("times river.bandit", both / river, TARGET_OVER_RIVER),
    ):
        print(f"   target {what}: {value:,.0f} of {target:,.0f}: {'met' if value >= target else 'MISSED'}")
    print(
        f"   target bytes per stream: {per_stream:.0f} of {TARGET_BYTES}: "
        f"{'met' if per_stream <= TARGET_BYTES else 'MISSED'}"
    )


def _loop(lives: Lives) -> Trajectory:
    return closed_loop(SCENARIO, lives, Ewma(RATE), seed=SEED, users=(0, PEOPLE))


def _best(interactions: int, work: Callable[[], object], repeats: int = REPEATS) -> float:
    """Return interactions per second of CPU time, the best repeat: other work on the machine counts less."""
    best = np.inf
    for _ in range(repeats):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return interactions / best


def _plain_loop(lives: Lives) -> tuple[float, float]:
    """Run the first people through the same loop, written one interaction at a time; return speed and mean reward."""
    expressed = lives.expressed[:, :FEW].T.tolist()
    options, accepted = SCENARIO.options, 0
    luck = uniforms(SEED, "tie", steps=(0, 1), streams=(0, FEW))[0].tolist()
    started = time.process_time()
    for person, wants in enumerate(expressed):
        share = [1.0 / options] * options
        proposed = int(luck[person] * options)
        for option in wants:
            best = max(share)
            if share[proposed] < best - 1e-12:
                proposed = share.index(best)
            accepted += proposed == option
            for k in range(options):
                share[k] += RATE * ((k == option) - share[k])
    taken = time.process_time() - started
    interactions = FEW * SCENARIO.interactions
    return interactions / taken, accepted / interactions


def _river(lives: Lives) -> Row:
    """Run the first people through river's greedy bandit, one policy per person, rewarded where accepted."""
    expressed = lives.expressed[:, :FEW].T.tolist()
    arms = list(range(SCENARIO.options))
    pulled: list[list[int]] = []
    rewards = 0.0
    started = time.process_time()
    for person, wants in enumerate(expressed):
        policy = bandit.EpsilonGreedy(epsilon=0.1, reward_obj=stats.EWMean(RATE), seed=person)
        pulls = []
        for option in wants:
            arm = policy.pull(arms)
            reward = float(arm == option)
            policy.update(arm, reward)
            rewards += reward
            pulls.append(arm)
        pulled.append(pulls)
    taken = time.process_time() - started
    interactions = FEW * SCENARIO.interactions
    again = float((lives.expressed[:, :FEW] == np.array(pulled).T).mean())
    return Row("river.bandit, epsilon-greedy", interactions / taken, rewards / interactions, again)


def _bandwidth() -> float:
    """Return bytes moved per second by a copy out of the cache's reach, read and write counted."""
    source = np.ones(2**24)
    target = np.empty_like(source)
    target[:] = 0.0
    return _best(2 * source.nbytes, lambda: np.copyto(target, source))


if __name__ == "__main__":
    run()
