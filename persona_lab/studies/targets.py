"""How near a rule comes to the limit, cell by cell and over a suite: the figures that the targets are set in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from persona_lab.feedback import NO_OPTION, Feedback, FloatArray, IntArray, Kind, choose, feedback, padded
from persona_lab.measurement import Measurement
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.metrics.tracking import Tally, error_rate, join, ratio_to_limit, regret, tally
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Exceptions, Gradual, Stable
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import SCENARIOS, Scenario, with_interactions

BATCH = 1024
"""People simulated together."""

BLOCK = 256
"""Streams that a rule meets together: the weights of a grid filter then stay in the cache."""

MOST = 10_000
PRECISION = 0.01
"""People are added until every ratio has this standard error, or there are ``MOST`` of them."""


class Cell(NamedTuple):
    """One rule on one scenario.

    Attributes
    ----------
    scenario, strategy
        Their names.
    ratio
        Errors as a multiple of the yardstick's.
    regret
        Extra errors per 100 interactions.
    yardstick_error
        Error rate of the yardstick.
    """

    scenario: str
    strategy: str
    ratio: Measurement
    regret: Measurement
    yardstick_error: Measurement


class Figures(NamedTuple):
    """A rule over many cells: worst and arithmetic mean ratio, worst regret per 100, with standard errors.

    The standard error of a worst is that of the cell where it is; that of a mean takes cells as independent.
    """

    cells: int
    worst_ratio: Measurement
    mean_ratio: Measurement
    worst_regret: Measurement


def measure(
    scenario: Scenario,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int,
    yardstick: UpdateStrategy | None = None,
    precision: float = PRECISION,
    most: int = MOST,
    batch: int = BATCH,
) -> list[Cell]:
    """Compare rules with the limit on the same people and luck, adding people until the ratios are known.

    Parameters
    ----------
    scenario
        Where.
    strategies
        Rules by name.
    seed
        Luck; give another one than that of the people fitted on.
    yardstick
        What errors are divided by; default the limit told the scenario's parameters.
    precision, most
        Stop at this standard error of every ratio, or at this many people.
    batch
        People added at a time.

    Raises
    ------
    ValueError
        If the scenario has no limit and no yardstick is given.
    """
    counted: dict[str, list[Tally]] = {name: [] for name in (*strategies, "")}
    users = 0
    while True:
        span = (users, min(users + batch, most))
        users = span[1]
        lives = live(scenario, seed=seed, users=span)
        told = yardstick
        if told is None:
            found = limit(scenario, lives)
            if found.strategy is None:
                raise ValueError(f"{scenario.id} has no limit: {found.reason}")
            told = found.strategy
        for name, rule in {**strategies, "": told}.items():
            # The limit of mixed people is told each person's parameters: it must see them all in one block.
            width = batch if rule is told else BLOCK
            seen = closed_loop(scenario, lives, rule, seed=seed, users=span, block=width)
            counted[name].append(
                tally(preferred=lives.preferred, proposed=seen.proposed, in_exception=lives.in_exception)
            )
        pooled = {name: join(parts) for name, parts in counted.items()}
        ratios = {name: ratio_to_limit(counts=pooled[name], limit=pooled[""]) for name in strategies}
        known = all(r.standard_error is not None and r.standard_error <= precision for r in ratios.values())
        if known or users >= most:
            return [
                Cell(
                    scenario.id,
                    name,
                    ratios[name],
                    regret(counts=pooled[name], limit=pooled[""]),
                    error_rate(counts=pooled[""]),
                )
                for name in strategies
            ]


def figures(cells: Iterable[Cell]) -> Figures:
    """Return worst and mean over the cells of one rule.

    Raises
    ------
    ValueError
        If a ratio is undefined: a figure over the others would hide it.
    """
    listed = list(cells)
    ratios, errors, regrets = [], [], []
    for cell in listed:
        if cell.ratio.value is None or cell.ratio.standard_error is None or cell.regret.value is None:
            raise ValueError(f"{cell.scenario}: {cell.ratio.reason}")
        ratios.append(cell.ratio.value)
        errors.append(cell.ratio.standard_error)
        regrets.append(cell.regret.value)
    worst, sorest = int(np.argmax(ratios)), int(np.argmax(regrets))
    n = len(listed)
    return Figures(
        cells=n,
        worst_ratio=Measurement(ratios[worst], errors[worst], n),
        mean_ratio=Measurement(float(np.mean(ratios)), float(np.sqrt(np.square(errors).sum()) / n), n),
        worst_regret=Measurement(regrets[sorest], listed[sorest].regret.standard_error, n),
    )


def core_cells(*, gradual: bool = False, drifting_only: bool = False) -> list[Scenario]:
    """Return the core suite: 24 cells, 27 with gradual ones; 18 where the preference changes for good."""
    return [
        scenario
        for scenario in SCENARIOS.values()
        if "core" in scenario.tags
        and (gradual or not isinstance(scenario.path, Gradual))
        and not (drifting_only and not drifts(scenario))
    ]


def drifts(scenario: Scenario) -> bool:
    """Return whether people of this scenario ever change for good."""
    path = scenario.path
    return not isinstance(path, Stable) and not (isinstance(path, Exceptions) and path.hazard == 0.0)


def other_people(
    scenario: Scenario, rule: UpdateStrategy, *, seed: int, users: int = 50, interactions: int = 100
) -> list[Feedback]:
    """Return a log to fit on: people of the scenario as they answered an agent that used ``rule``."""
    short = with_interactions(scenario, interactions)
    lives = live(short, seed=seed, users=(0, users))
    seen = closed_loop(short, lives, rule, seed=seed, users=(0, users), block=BLOCK)
    return [
        feedback(
            proposed=seen.proposed[step],
            kind=seen.kind[step],
            corrected=seen.corrected[step],
            confidence=lives.confidence[step],
            elapsed=0.0 if step == 0 else scenario.days_between,
        )
        for step in range(interactions)
    ]


class Expected(NamedTuple):
    """Errors per person expected given all that was heard, (users,): the rules' by name, the limit's, and steps."""

    errors: dict[str, FloatArray]
    limit_errors: FloatArray
    scored: IntArray


def expected_errors(
    scenario: Scenario, strategies: Mapping[str, UpdateStrategy], *, seed: int, users: tuple[int, int]
) -> Expected:
    """Return expected instead of counted errors: for a proposal a, the limit's own probability that z is not a.

    On full feedback what is heard does not depend on the proposal, and the limit's belief is the conditional law of the
    preference; so this is the conditional expectation of the count given what was heard (Rao & Blackwell): the same
    mean, a fraction of the variance.

    Raises
    ------
    ValueError
        If the channel is not full, or the scenario has no exact limit.
    """
    lives = live(scenario, seed=seed, users=users)
    told = limit(scenario, lives).strategy
    if told is None or not scenario.channel.full or isinstance(scenario.path, Gradual):
        raise ValueError(f"{scenario.id} has no exact limit on full feedback: count errors with measure().")
    steps, n = lives.preferred.shape
    lanes = padded(n)
    rules = {**strategies, "": told}
    states = {name: rule.init(scenario.options, lanes) for name, rule in rules.items()}
    last: dict[str, IntArray] = {name: np.full(lanes, NO_OPTION, dtype=np.int8) for name in strategies}
    errors = {name: np.zeros(lanes) for name in rules}
    expressed = np.pad(lives.expressed, ((0, 0), (0, lanes - n)), mode="edge")
    confidence = np.pad(lives.confidence, ((0, 0), (0, lanes - n)), mode="edge")
    free = ~np.pad(lives.in_exception, ((0, 0), (0, lanes - n)), mode="edge")
    for step in range(steps):
        truth = told.belief(states[""])
        errors[""] += np.where(free[step], 1.0 - truth.max(axis=0), 0.0)
        given = feedback(
            proposed=NO_OPTION,
            kind=np.full(lanes, Kind.CORRECTED),
            corrected=expressed[step],
            confidence=confidence[step],
            elapsed=0.0 if step == 0 else scenario.days_between,
        )
        for name, rule in strategies.items():
            last[name] = choose(rule.belief(states[name], given.elapsed), last[name])
            right = np.take_along_axis(truth, last[name][np.newaxis].astype(np.intp), axis=0)[0]
            errors[name] += np.where(free[step], 1.0 - right, 0.0)
        states = {name: rule.update(states[name], given) for name, rule in rules.items()}
    return Expected(
        {name: errors[name][:n] for name in strategies}, errors[""][:n], free[:, :n].sum(axis=0, dtype=np.int64)
    )


def measure_expected(
    scenario: Scenario,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int,
    precision: float = PRECISION,
    most: int = MOST,
    batch: int = BLOCK,
) -> list[Cell]:
    """Compare rules with the limit as :func:`measure` does, by expected errors: full feedback only, fewer people."""
    parts: list[Expected] = []
    users = 0
    while True:
        span = (users, min(users + batch, most))
        users = span[1]
        parts.append(expected_errors(scenario, strategies, seed=seed, users=span))
        bottom = np.concatenate([part.limit_errors for part in parts])
        scored = np.concatenate([part.scored for part in parts])
        cells = []
        for name in strategies:
            top = np.concatenate([part.errors[name] for part in parts])
            why = "the limit made no error"
            cells.append(
                Cell(
                    scenario.id,
                    name,
                    pooled_ratio(numerator=top, denominator=bottom, undefined_because=why),
                    pooled_ratio(numerator=100 * (top - bottom), denominator=scored, undefined_because=why),
                    pooled_ratio(numerator=bottom, denominator=scored, undefined_because=why),
                )
            )
        errors = [cell.ratio.standard_error for cell in cells]
        if users >= most or all(error is not None and error <= precision for error in errors):
            return cells
