"""Published ratios to the limit, and their reproduction: the first test of an implementation of these worlds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from persona_lab.feedback import FloatArray, IntArray
from persona_lab.measurement import Measurement
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.metrics.tracking import Tally, join, tally
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.studies.compared import Compared, grown

CELLS = (
    "stable_noise10_v1",
    "slow_noise10_v1",
    "fast_noise10_v1",
    "recurring_noise10_v1",
    "exceptions_noise10_v1",
    "slow_exceptions_noise10_v1",
    "fast_exceptions_noise10_v1",
    "volatility_shift_noise10_v1",
    "gradual_noise10_v1",
)
"""The nine paths at noise .1, in the order of the columns below."""

REFERENCE_USERS = 5000
"""People per cell behind the published figures."""

ROUNDING = 0.005
"""Published figures have two decimals."""

TINY = 1e-9
"""Smallest standard error: a rule that decides exactly like the limit has none."""

LIMIT_ERROR_PERCENT = (0.25, 1.78, 6.11, 7.08, 0.39, 3.87, 10.67, 5.78, 21.31)
"""Error of the limit in the nine cells, in percent."""

RATIOS: dict[str, tuple[float, ...]] = {
    "last-write-wins": (40.8, 5.96, 2.02, 1.84, 36.9, 3.86, 1.55, 2.14, 1.79),
    "running-count": (1.00, 17.4, 8.97, 5.70, 1.17, 7.62, 5.06, 8.56, 2.23),
    "ewma-0.1": (1.00, 2.04, 2.33, 2.21, 3.07, 1.14, 1.38, 2.16, 1.01),
    "ewma-0.2": (1.09, 1.18, 1.40, 1.44, 12.8, 1.74, 1.19, 1.37, 1.04),
    "ewma-0.3": (2.85, 1.04, 1.01, 1.07, 18.2, 2.12, 1.14, 1.04, 1.18),
    "debounce": (1.29, 1.21, 1.47, 1.56, 24.1, 2.88, 1.62, 1.48, 1.17),
    "fixed-share": (2.60, 1.00, 1.00, 1.07, 20.0, 2.30, 1.20, 1.03, 1.11),
}
"""Errors as a multiple of the limit's, from the prototype's table in the project's LIMITS document."""

WORST: dict[str, tuple[float, float]] = {
    "last-write-wins": (62.6, 27.8),
    "running-count": (24.6, 49.8),
    "ewma-0.1": (4.0, 11.1),
    "ewma-0.2": (14.0, 7.2),
    "ewma-0.3": (20.4, 11.6),
    "debounce": (29.6, 10.2),
    "fixed-share": (23.2, 10.7),
}
"""Worst ratio and worst regret per 100 over the 27 cells of the core suite, same table, one decimal."""

WEIGHT_CELLS = (
    "slow_weights_informative_v1",
    "slow_weights_shuffled_v1",
    "slow_weights_inverted_v1",
    "fast_weights_informative_v1",
    "fast_weights_shuffled_v1",
    "fast_weights_inverted_v1",
    "slow_exceptions_weights_informative_v1",
    "slow_exceptions_weights_inverted_v1",
)

WEIGHT_RATIOS: dict[str, tuple[float, ...]] = {
    "ewma-0.2": (1.36, 1.07, 1.36, 1.35, 1.11, 1.35, 1.95, 1.95),
    "ewma-0.2-by-confidence": (1.15, 1.22, 2.98, 1.29, 1.17, 1.85, 1.77, 2.98),
}
"""The same for confidence weights: ignored, and taken at their word; the limit knows what they mean."""


class Reproduction(NamedTuple):
    """One published figure beside ours; ``z`` is their distance in standard errors, beyond the rounding.

    ``cell`` is a scenario, or the figure's name where it is the worst over the suite; ``rule`` may be ``limit``, whose
    figure is its error in percent.
    """

    cell: str
    rule: str
    published: float
    value: float
    standard_error: float
    people: int
    z: float
    regret: float | None


def compare(
    scenario: Scenario,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int,
    users: int,
    first: int = 0,
    block: int = 1024,
) -> tuple[dict[str, Tally], Tally | None]:
    """Run rules and the limit on the same people.

    Parameters
    ----------
    scenario
        The population.
    strategies
        Rules by name.
    seed, users, first
        Luck; how many people, from which number on.
    block
        People alive at a time (memory, never results).

    Returns
    -------
    Tallies by rule, and the limit's tally (None where there is no limit).
    """
    parts: dict[str, list[Tally]] = {name: [] for name in strategies}
    told: list[Tally] = []
    for start in range(first, first + users, block):
        people = (start, min(start + block, first + users))
        lives = live(scenario, seed=seed, users=people)
        best = limit(scenario, lives).strategy
        for name, rule in strategies.items():
            parts[name].append(tallied(scenario, lives, rule, seed=seed, users=people))
        if best is not None:
            told.append(tallied(scenario, lives, best, seed=seed, users=people))
    return {name: join(tallies) for name, tallies in parts.items()}, join(told) if told else None


def reproduce(
    scenarios: Sequence[Scenario], strategies: Mapping[str, UpdateStrategy], *, seed: int, users: int
) -> list[Reproduction]:
    """Return every published figure of these cells and rules beside ours, on so many people."""
    return [
        row
        for scenario in scenarios
        for row in beside_published(grown(scenario, strategies, seed=seed, precision=0.0, most=users))
    ]


def beside_published(found: Compared) -> list[Reproduction]:
    """Return every published figure of a cell beside ours, the limit's own error included.

    The published figures counted errors: ``z`` takes their standard error from errors counted here, scaled to their
    5,000 people.
    """
    cell, rows = found.scenario.id, []
    rate, told = found.limit_error(), _published(found.scenario.id, "limit")
    if told is not None and rate.value is not None and rate.standard_error is not None:
        percent, error = 100.0 * rate.value, 100.0 * rate.standard_error
        theirs = 100.0 * _published_error(found.best.counted, found.best.scored)
        z = _distance(percent, told, error, theirs, digit=_digit(told))
        rows.append(Reproduction(cell, "limit", told, percent, error, rate.n, z, 0.0))
    for name, own in found.rules.items():
        ours, published = found.ratio(name), _published(cell, name)
        if published is None or ours.value is None or ours.standard_error is None:
            continue
        theirs = _published_error(own.counted, found.best.counted[: ours.n])
        z = _distance(ours.value, published, ours.standard_error, theirs, digit=_digit(published))
        extra = found.regret(name).value
        rows.append(Reproduction(cell, name, published, ours.value, ours.standard_error, ours.n, z, extra))
    return rows


def worst_beside_published(cells: Sequence[Compared]) -> list[Reproduction]:
    """Return the published worst ratio and worst regret of each rule over the whole core suite beside ours."""
    rows = []
    for name, (ratio, extra) in WORST.items():
        worst = max((cell for cell in cells if cell.ratio(name).value is not None), key=lambda c: _of(c.ratio(name)))
        people = len(worst.rules[name].made)
        theirs = _published_error(worst.rules[name].counted, worst.best.counted[:people])
        rows.append(_worst(f"worst ratio of {len(cells)}", name, ratio, worst.ratio(name), theirs))
        sorest = max(cells, key=lambda cell: _of(cell.regret(name)))
        own = sorest.rules[name]
        theirs = _published_error(100.0 * (own.counted - sorest.best.counted[: len(own.made)]), own.scored)
        rows.append(_worst(f"worst regret of {len(cells)}", name, extra, sorest.regret(name), theirs))
    return rows


def _of(figure: Measurement) -> float:
    return -math.inf if figure.value is None else figure.value


def _worst(figure: str, rule: str, published: float, ours: Measurement, theirs: float) -> Reproduction:
    value, error = ours.value or 0.0, ours.standard_error or 0.0
    z = _distance(value, published, error, theirs, digit=10.0 * ROUNDING)
    return Reproduction(figure, rule, published, value, error, ours.n, z, None)


def _published_error(numerator: FloatArray, denominator: FloatArray | IntArray) -> float:
    """Return the standard error that a pooled ratio of counts has over the published figures' people."""
    found = pooled_ratio(numerator=numerator, denominator=denominator, undefined_because="nothing was counted")
    return (found.standard_error or 0.0) * math.sqrt(found.n / REFERENCE_USERS)


def tallied(scenario: Scenario, lives: Lives, rule: UpdateStrategy, *, seed: int, users: tuple[int, int]) -> Tally:
    """Return the errors that a rule makes on these people, by user."""
    trace = closed_loop(scenario, lives, rule, seed=seed, users=users)
    return tally(preferred=lives.preferred, proposed=trace.proposed, in_exception=lives.in_exception)


def _published(cell: str, rule: str) -> float | None:
    """Return the published figure, None where there is none."""
    if cell in CELLS:
        row = LIMIT_ERROR_PERCENT if rule == "limit" else RATIOS.get(rule)
        return None if row is None else row[CELLS.index(cell)]
    weighed = WEIGHT_RATIOS.get(rule) if cell in WEIGHT_CELLS else None
    return None if weighed is None else weighed[WEIGHT_CELLS.index(cell)]


def _digit(published: float) -> float:
    """Return half a unit of the last digit of the nine columns: two decimals, one from 10 on."""
    return ROUNDING if published < 10.0 or round(published, 1) != published else 10.0 * ROUNDING


def _distance(value: float, published: float, ours: float, theirs: float, *, digit: float) -> float:
    """Return the distance beyond rounding, in standard errors of the difference."""
    both = max(math.hypot(ours, theirs), TINY)
    return math.copysign(max(0.0, abs(value - published) - digit) / both, value - published)
