"""Run a closed-loop study: simulate people block by block, put every strategy through the same luck, measure.

Blocks have a fixed number of people, so results do not depend on how many workers share them.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics import calibration, tracking
from persona_lab.metrics.calibration import CalibrationTally, calibration_tally
from persona_lab.metrics.tracking import Tally, tally
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit, population_limit
from persona_lab.simulate.loop import Trajectory, closed_loop
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.studies.frontier import frontier_strategies
from persona_lab.studies.plan import ALL, LAST_WRITE_WINS, LIMIT, StudyPlan, StudyResult, Timeline
from persona_lab.studies.records import environment, parameters, parameters_json, record, table
from persona_lab.studies.statistics import holm, paired_difference

BLOCK_USERS = 1024
"""People per task; fixed, so that pooled sums of floats have one order whatever the number of workers."""

Progress = Callable[[int, int, str], None]
"""Called as (tasks done, tasks in all, what was just done)."""


@dataclass(frozen=True)
class _Task:
    scenario: Scenario
    strategies: Mapping[str, UpdateStrategy]
    first: int
    stop: int
    seed: int
    frontier: bool
    timelines: int


@dataclass(frozen=True)
class _Block:
    tallies: dict[str, Tally]
    calibrations: dict[str, CalibrationTally]
    frontier: dict[tuple[str, str, float], Tally]
    timelines: tuple[Timeline, ...]
    no_limit: str | None
    population: Tally | None


def run_study(plan: StudyPlan, *, jobs: int = 1, progress: Progress | None = None) -> StudyResult:
    """Run a study; the same plan gives the same records, byte for byte, whatever ``jobs`` is.

    Parameters
    ----------
    plan
        What to run.
    jobs
        Worker processes; 1 runs in this process (needed for strategies defined in a notebook).
    progress
        Called after each block of people.
    """
    strategies = dict(plan.strategies)
    if LAST_WRITE_WINS not in strategies:
        strategies[LAST_WRITE_WINS] = _last_write_wins()
    tasks = [
        _Task(
            scenario=scenario if plan.interactions is None else replace(scenario, interactions=plan.interactions),
            strategies=strategies,
            first=first,
            stop=min(first + BLOCK_USERS, plan.users),
            seed=plan.seed,
            frontier=plan.frontier,
            timelines=plan.timelines if first == 0 else 0,
        )
        for scenario in plan.scenarios
        for first in range(0, plan.users, BLOCK_USERS)
    ]
    blocks: dict[str, list[_Block]] = {scenario.id: [] for scenario in plan.scenarios}
    for done, (task, block) in enumerate(zip(tasks, _execute(tasks, jobs), strict=True), start=1):
        blocks[task.scenario.id].append(block)
        if progress is not None:
            progress(done, len(tasks), f"{task.scenario.id}, people {task.first} to {task.stop - 1}")
    return _assemble(plan, strategies, blocks)


def _execute(tasks: list[_Task], jobs: int) -> Iterator[_Block]:
    if jobs <= 1 or len(tasks) == 1:
        yield from map(_run_block, tasks)
        return
    # Polars and BLAS hold threads: a forked child may inherit a held lock, so workers are spawned.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(_run_block, tasks)


def _run_block(task: _Task) -> _Block:
    scenario, users = task.scenario, (task.first, task.stop)
    lives = live(scenario, seed=task.seed, users=users)
    found = limit(scenario, lives)
    contenders: dict[str, UpdateStrategy] = dict(task.strategies)
    if found.strategy is not None:
        contenders = {LIMIT: found.strategy, **contenders}
    tallies, calibrations, timelines = {}, {}, []
    for name, strategy in contenders.items():
        trajectory = closed_loop(scenario, lives, strategy, seed=task.seed, users=users, record_belief=True)
        if trajectory.belief is None:
            raise AssertionError("a belief was asked for and none was recorded")
        tallies[name] = _by_person(scenario, lives, trajectory)
        streams = calibration_tally(
            belief=trajectory.belief, preferred=lives.preferred, in_exception=lives.in_exception
        )
        calibrations[name] = calibration.grouped(streams, scenario.contexts)
        timelines += [
            Timeline(
                scenario=scenario.id,
                strategy=name,
                user=task.first + user // scenario.contexts,
                preferred=lives.preferred[:, user].copy(),
                in_exception=lives.in_exception[:, user].copy(),
                proposed=trajectory.proposed[:, user].copy(),
                kind=trajectory.kind[:, user].copy(),
                corrected=trajectory.corrected[:, user].copy(),
                belief=trajectory.belief[:, :, user].copy(),
            )
            for user in range(min(task.timelines, task.stop - task.first))
        ]
    swept = {}
    if task.frontier:
        for point, strategy in frontier_strategies(scenario, lives).items():
            trajectory = closed_loop(scenario, lives, strategy, seed=task.seed, users=users)
            swept[point] = _by_person(scenario, lives, trajectory)
    anyone = population_limit(scenario).strategy
    population = None
    if anyone is not None:
        trajectory = closed_loop(scenario, lives, anyone, seed=task.seed, users=users)
        population = _by_person(scenario, lives, trajectory)
    return _Block(tallies, calibrations, swept, tuple(timelines), found.reason, population)


def _by_person(scenario: Scenario, lives: Lives, trajectory: Trajectory) -> Tally:
    """Count errors, the contexts of a person taken together: a person is the cluster of every standard error."""
    counts = tally(preferred=lives.preferred, proposed=trajectory.proposed, in_exception=lives.in_exception)
    return Tally(*(column.reshape(-1, scenario.contexts).sum(axis=1) for column in counts))


def _assemble(
    plan: StudyPlan, strategies: Mapping[str, UpdateStrategy], blocks: dict[str, list[_Block]]
) -> StudyResult:
    described = {name: parameters_json(strategy) for name, strategy in strategies.items()}
    described[LIMIT] = '{"type": "the exact Bayes filter told the scenario\'s parameters"}'
    rows: list[dict[str, object]] = []
    bins: list[dict[str, object]] = []
    points: list[dict[str, object]] = []
    differences: list[dict[str, object]] = []
    timelines: list[Timeline] = []
    pooled: dict[str, list[Tally]] = {}
    pooled_calibrations: dict[str, list[CalibrationTally]] = {}
    no_limits: dict[str, str] = {}
    for scenario, parts in blocks.items():
        tallies = {name: tracking.join([part.tallies[name] for part in parts]) for name in parts[0].tallies}
        calibrations = {
            name: calibration.join([part.calibrations[name] for part in parts]) for name in parts[0].calibrations
        }
        if parts[0].no_limit is not None:
            no_limits[scenario] = parts[0].no_limit
        for name, counts in tallies.items():
            pooled.setdefault(name, []).append(counts)
            figures = tracking_figures(counts, tallies.get(LIMIT), tallies[LAST_WRITE_WINS], no_limits.get(scenario))
            figures |= calibration_figures(calibrations[name])
            anyone = [part.population for part in parts if part.population is not None]
            if anyone:
                figures["ratio_to_population_limit"] = tracking.ratio_to_limit(
                    counts=counts, limit=tracking.join(anyone)
                )
            pooled_calibrations.setdefault(name, []).append(calibrations[name])
            rows += [
                record(
                    scenario=scenario,
                    strategy=name,
                    parameters=described[name],
                    seed=plan.seed,
                    metric=metric,
                    figure=figure,
                )
                for metric, figure in figures.items()
            ]
            bins += _reliability_rows(scenario, name, calibrations[name])
        for family, knob, setting in parts[0].frontier:
            counts = tracking.join([part.frontier[family, knob, setting] for part in parts])
            points.append(_frontier_row(scenario, family, knob, setting, counts, tallies[LAST_WRITE_WINS]))
        differences += _difference_rows(scenario, tallies)
        timelines += [line for part in parts for line in part.timelines]
    # The luck is keyed by person number, not by scenario: a person is one cluster over all scenarios.
    everywhere = {name: tracking.add(parts) for name, parts in pooled.items() if len(parts) == len(blocks)}
    sums = {name: calibration.add(pooled_calibrations[name]) for name in everywhere}
    rows += _pooled_rows(plan, everywhere, sums, described, no_limits)
    differences += _difference_rows(ALL, everywhere)
    return StudyResult(
        records=table(rows),
        calibration=pl.DataFrame(bins),
        frontier=pl.DataFrame(points),
        differences=pl.DataFrame(differences),
        timelines=tuple(timelines),
        manifest={
            "profile": plan.profile,
            "seed": plan.seed,
            "users": plan.users,
            "interactions": {scenario.id: plan.interactions or scenario.interactions for scenario in plan.scenarios},
            "scenarios": {scenario.id: parameters(scenario) for scenario in plan.scenarios},
            "strategies": {name: parameters(strategy) for name, strategy in strategies.items()},
            "no_limit": no_limits,
            "environment": environment(),
        },
    )


def tracking_figures(
    counts: Tally, limit_counts: Tally | None, last_write_wins: Tally, no_limit: str | None
) -> dict[str, Measurement]:
    """Return every tracking metric of one strategy on one scenario, by name."""
    missing = undefined(f"no limit is computed here: {no_limit}", n=counts.errors.size)
    return {
        "error_rate": tracking.error_rate(counts=counts),
        "cold_start_rate": tracking.error_share(counts=counts, cause="cold_start"),
        "adaptation_rate": tracking.error_share(counts=counts, cause="adaptation"),
        "over_correction_rate": tracking.error_share(counts=counts, cause="over_correction"),
        "over_correction_index": tracking.over_correction_index(counts=counts, last_write_wins=last_write_wins),
        "adaptation_delay": tracking.adaptation_delay(counts=counts),
        "ratio_to_limit": missing
        if limit_counts is None
        else tracking.ratio_to_limit(counts=counts, limit=limit_counts),
        "regret": missing if limit_counts is None else tracking.regret(counts=counts, limit=limit_counts),
        "volatility": tracking.volatility(counts=counts),
        "staleness": tracking.staleness(counts=counts),
    }


def calibration_figures(counts: CalibrationTally) -> dict[str, Measurement]:
    """Return every calibration metric of one strategy on one scenario, by name."""
    return {
        "log_loss": calibration.log_loss(counts=counts),
        "brier": calibration.brier(counts=counts),
        "ece": calibration.expected_calibration_error(counts=counts),
        "ece_perfect": calibration.perfect_calibration_error(counts=counts),
        "calibration_slope": calibration.calibration_slope(counts=counts),
    }


def _pooled_rows(
    plan: StudyPlan,
    everywhere: Mapping[str, Tally],
    calibrations: Mapping[str, CalibrationTally],
    described: Mapping[str, str],
    no_limits: Mapping[str, str],
) -> list[dict[str, object]]:
    """Pool all scenarios, person by person; the limit enters only where every scenario has one."""
    reason = "; ".join(f"{scenario}: {why}" for scenario, why in no_limits.items()) or None
    rows: list[dict[str, object]] = []
    for name, counts in everywhere.items():
        figures = tracking_figures(counts, everywhere.get(LIMIT), everywhere[LAST_WRITE_WINS], reason)
        figures |= calibration_figures(calibrations[name])
        rows += [
            record(
                scenario=ALL, strategy=name, parameters=described[name], seed=plan.seed, metric=metric, figure=figure
            )
            for metric, figure in figures.items()
        ]
    return rows


def _reliability_rows(scenario: str, strategy: str, counts: CalibrationTally) -> list[dict[str, object]]:
    n, stated, right = calibration.reliability(counts=counts)
    return [
        {"scenario": scenario, "strategy": strategy, "bin": index, "n": int(n[index]), "stated": float(stated[index]),
         "right": float(right[index])}
        for index in range(len(n))
        if n[index] > 0
    ]  # fmt: skip


def _frontier_row(
    scenario: str, family: str, knob: str, setting: float, counts: Tally, last_write_wins: Tally
) -> dict[str, object]:
    return {
        "scenario": scenario,
        "family": family,
        "knob": knob,
        "setting": setting,
        "over_correction_index": tracking.over_correction_index(counts=counts, last_write_wins=last_write_wins).value,
        "adaptation_delay": tracking.adaptation_delay(counts=counts).value,
        "error_rate": tracking.error_rate(counts=counts).value,
    }


def _difference_rows(scenario: str, tallies: Mapping[str, Tally]) -> list[dict[str, object]]:
    """Return every pair of strategies with its paired difference in error rate and Holm's p over the scenario."""
    rates = {
        name: np.where(counts.scored > 0, counts.errors / np.maximum(counts.scored, 1), 0.0)
        for name, counts in tallies.items()
    }
    names = list(rates)
    pairs = [(left, right) for index, left in enumerate(names) for right in names[index + 1 :]]
    found = [paired_difference(rates[left], rates[right]) for left, right in pairs]
    adjusted = holm([difference.p for difference in found])
    return [
        {"scenario": scenario, "left": left, "right": right, "value": difference.value,
         "standard_error": difference.standard_error, "p": p}
        for (left, right), difference, p in zip(pairs, found, adjusted, strict=True)
    ]  # fmt: skip


def _last_write_wins() -> UpdateStrategy:
    from persona_lab.catalog import STRATEGIES  # imported late: the catalogue is needed only for the control

    return STRATEGIES[LAST_WRITE_WINS]
