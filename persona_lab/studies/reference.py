"""Published ratios to the limit, and their reproduction: the first test of an implementation of these worlds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from persona_lab.metrics.tracking import Tally, error_rate, join, ratio_to_limit, regret, tally
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.people import Lives, live
from persona_lab.simulate.scenarios import Scenario

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
    """One published figure beside ours; ``z`` is their distance in standard errors, beyond the rounding."""

    cell: str
    rule: str
    published: float
    value: float
    standard_error: float
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
    """Return every published figure of these cells and rules beside ours, the limit's own error included.

    ``z`` takes the published figure's standard error from ours, scaled to its 5,000 people.
    """
    found = []
    for scenario in scenarios:
        tallies, best = compare(scenario, strategies, seed=seed, users=users)
        if best is None:
            continue
        rate = error_rate(counts=best)
        told = _published(scenario.id, "limit")
        if told is not None and rate.value is not None and rate.standard_error is not None:
            percent, error = 100.0 * rate.value, 100.0 * rate.standard_error
            z = _distance(percent, told, error, users)
            found.append(Reproduction(scenario.id, "limit", told, percent, error, z, 0.0))
        for name in strategies:
            ours = ratio_to_limit(counts=tallies[name], limit=best)
            published = _published(scenario.id, name)
            if published is None or ours.value is None or ours.standard_error is None:
                continue
            z = _distance(ours.value, published, ours.standard_error, users)
            extra = regret(counts=tallies[name], limit=best).value
            found.append(Reproduction(scenario.id, name, published, ours.value, ours.standard_error, z, extra))
    return found


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


def _distance(value: float, published: float, standard_error: float, users: int) -> float:
    """Return the distance beyond rounding, in standard errors of the difference."""
    digit = ROUNDING if published < 10.0 or round(published, 1) != published else 10.0 * ROUNDING
    both = max(standard_error * math.sqrt(1.0 + users / REFERENCE_USERS), TINY)
    return math.copysign(max(0.0, abs(value - published) - digit) / both, value - published)
