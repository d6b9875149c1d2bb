"""Rules beside the limit on the same people, as many of them as it takes to know the ratio of their errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import FloatArray, IntArray
from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.metrics.tracking import FEWEST_LIMIT_ERRORS
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.paths import Gradual
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario

PRECISION = 0.01
MOST = 10_000
"""People are added until a rule's ratio has this standard error, as a share of the ratio, or there are ``MOST``."""


class Errors(NamedTuple):
    """Errors of each person that figures are made of, errors as counted, scored interactions; all (users,)."""

    made: FloatArray
    counted: FloatArray
    scored: IntArray


class Judge:
    """People of a scenario on whom rules are judged, one rule at a time, with the limit worked out once.

    On full feedback with an exact limit, errors are the expected ones given all that was heard: for a proposal a, the
    limit's own probability that the preference is not a. What is heard does not depend on the proposal there, so this
    is the conditional expectation of the count (Rao & Blackwell): the same mean, a fraction of the variance.

    Parameters
    ----------
    scenario, seed, users
        Who, and their luck.

    Attributes
    ----------
    expected
        Whether errors are expected ones instead of counted ones.
    best
        The limit's errors.

    Raises
    ------
    ValueError
        If the scenario has no limit.
    """

    def __init__(self, scenario: Scenario, *, seed: int, users: tuple[int, int]) -> None:
        self._scenario, self._seed, self._users = scenario, seed, users
        self._lives = live(scenario, seed=seed, users=users)
        found = limit(scenario, self._lives)
        if found.strategy is None:
            raise ValueError(f"{scenario.id} has no limit: {found.reason}")
        self.expected = scenario.channel.full and not isinstance(scenario.path, Gradual)
        told = closed_loop(scenario, self._lives, found.strategy, seed=seed, users=users, record_belief=self.expected)
        self._truth = told.belief
        self.best = self.judged(told.proposed)

    def errors(self, rule: UpdateStrategy) -> Errors:
        """Return the errors of a rule in its own closed loop with these people."""
        return self.judged(closed_loop(self._scenario, self._lives, rule, seed=self._seed, users=self._users).proposed)

    @property
    def alike(self) -> tuple[int, ...] | None:
        """What people must share to meet a rule side by side; None where they need a loop of their own."""
        scenario, steps = self._scenario, self._lives.preferred.shape[0]
        plain = scenario.channel.full and scenario.channel.arrives_in_order and scenario.contexts == 1
        return (scenario.options, steps, self._seed) if plain else None

    def side_by_side(self, judges: Sequence[Judge], rule: UpdateStrategy) -> IntArray:
        """Return what a rule proposes to the people of judges that are ``alike``, (interactions, all their people)."""

        def beside(name: str) -> NDArray[Any]:
            return np.concatenate([getattr(judge._lives, name) for judge in judges], axis=1)

        lives = self._lives._replace(
            preferred=beside("preferred"),
            wanted=beside("wanted"),
            expressed=beside("expressed"),
            in_exception=beside("in_exception"),
            confidence=beside("confidence"),
            elapsed=beside("elapsed"),
            session=beside("session"),
        )
        people = (0, lives.preferred.shape[1])
        return closed_loop(self._scenario, lives, rule, seed=self._seed, users=people).proposed

    def judged(self, proposed: IntArray) -> Errors:
        """Return the errors of proposals (interactions, users) to these people."""
        free = ~self._lives.in_exception
        scored = free.sum(axis=0, dtype=np.int64)
        counted = (free & (proposed != self._lives.preferred)).sum(axis=0).astype(np.float64)
        if self._truth is None:
            return Errors(counted, counted, scored)
        right = np.take_along_axis(self._truth, proposed[:, np.newaxis].astype(np.intp), axis=1)[:, 0]
        return Errors(np.where(free, 1.0 - right, 0.0).sum(axis=0, dtype=np.float64), counted, scored)


def errors_together(judges: Sequence[Judge], rule: UpdateStrategy) -> list[Errors]:
    """Return the errors of a rule with the people of every judge; those that can share a closed loop do.

    People who answer everything, and have as many options and interactions, differ in their lives only: side by side
    they take a fraction of the time. Their luck in ties is then that of their place among all.
    """
    groups: dict[tuple[int, ...], list[int]] = {}
    for number, judge in enumerate(judges):
        key = judge.alike
        groups.setdefault(key if key is not None else (number,), []).append(number)
    found: dict[int, Errors] = {}
    for numbers in groups.values():
        if len(numbers) == 1:
            found[numbers[0]] = judges[numbers[0]].errors(rule)
            continue
        proposed = judges[numbers[0]].side_by_side([judges[number] for number in numbers], rule)
        first = 0
        for number in numbers:
            people = len(judges[number].best.made)
            found[number] = judges[number].judged(proposed[:, first : first + people])
            first += people
    return [found[number] for number in range(len(judges))]


class Compared(NamedTuple):
    """Rules and the limit on the same people of one scenario.

    Attributes
    ----------
    scenario
        Where.
    rules
        By name; rules whose ratio was known early stopped at fewer people, the first ones.
    best
        The limit's, of all people that any rule met.
    expected
        Whether figures are made of expected errors, given all that was heard, instead of counted ones.
    """

    scenario: Scenario
    rules: dict[str, Errors]
    best: Errors
    expected: bool

    def ratio(self, rule: str) -> Measurement:
        """Return a rule's errors as a multiple of the limit's on the same people; null below 200 errors of these."""
        own = self.rules[rule].made
        least = self.best.made[: len(own)]
        if least.sum() < FEWEST_LIMIT_ERRORS:
            why = f"the limit made {least.sum():.0f} errors, fewer than {FEWEST_LIMIT_ERRORS}: run more users"
            return undefined(why, n=len(own))
        return pooled_ratio(numerator=own, denominator=least, undefined_because="the limit made no error")

    def regret(self, rule: str) -> Measurement:
        """Return a rule's extra errors per 100 over the limit's on the same people."""
        own = self.rules[rule]
        extra = 100.0 * (own.made - self.best.made[: len(own.made)])
        return pooled_ratio(numerator=extra, denominator=own.scored, undefined_because="no interaction was scored")

    def limit_error(self) -> Measurement:
        """Return the limit's own error rate."""
        why = "no interaction was scored"
        return pooled_ratio(numerator=self.best.made, denominator=self.best.scored, undefined_because=why)


def grown(
    scenario: Scenario,
    strategies: Mapping[str, UpdateStrategy],
    *,
    seed: int,
    precision: float = PRECISION,
    most: int = MOST,
    batch: int = 512,
) -> Compared:
    """Compare rules with the limit, adding people until the ratios are known.

    Parameters
    ----------
    scenario, strategies, seed
        As in :func:`compare`.
    precision, most
        A rule stops when its ratio has this standard error as a share of the ratio, or at this many people.
    batch
        People added first; then as many as there are, 2,048 at most.

    Raises
    ------
    ValueError
        If the scenario has no limit.
    """
    parts: dict[str, list[Errors]] = {name: [] for name in strategies}
    told: list[Errors] = []
    open_rules, users, added = dict(strategies), 0, min(batch, most)
    while True:
        people = (users, users + added)
        judge = Judge(scenario, seed=seed, users=people)
        users += added
        told.append(judge.best)
        for name, rule in open_rules.items():
            parts[name].append(judge.errors(rule))
        found = Compared(scenario, {name: _joined(some) for name, some in parts.items()}, _joined(told), judge.expected)
        open_rules = {name: rule for name, rule in open_rules.items() if not _known(found.ratio(name), precision)}
        added = min(users, 2048, most - users)
        if not open_rules or not added:
            return found


def _known(ratio: Measurement, precision: float) -> bool:
    return (
        ratio.value is not None
        and ratio.standard_error is not None
        and ratio.standard_error <= precision * abs(ratio.value)
    )


def _joined(parts: Sequence[Errors]) -> Errors:
    return Errors(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def mean_ratio(pairs: Iterable[tuple[Compared, str]]) -> Measurement:
    """Return the arithmetic mean of ratios over cells; the standard error takes a person as one cluster.

    Cells share the luck of a person, so their errors are not independent: the linearised residuals of a person are
    added up over the cells before they are squared. Cells where the ratio is undefined are left out; n = cells.
    """
    values, residuals = [], []
    for found, rule in pairs:
        value = found.ratio(rule).value
        if value is not None:
            values.append(value)
            residuals.append(_influence(found, rule, value))
    error = _clustered(residuals) / max(len(values), 1)
    return Measurement(float(np.mean(values)), error, len(values))


def mean_difference(cells: Sequence[Compared], left: str, right: str) -> Measurement:
    """Return the mean over cells of the ratio of ``left`` less that of ``right``, a person one cluster."""
    values, residuals = [], []
    for found in cells:
        a, b = found.ratio(left).value, found.ratio(right).value
        if a is not None and b is not None:
            values.append(a - b)
            residuals += [_influence(found, left, a), -_influence(found, right, b)]
    return Measurement(float(np.mean(values)), _clustered(residuals) / max(len(values), 1), len(values))


def _influence(found: Compared, rule: str, ratio: float) -> FloatArray:
    """Return what each person adds to a ratio, (users,), linearised."""
    top = found.rules[rule].made
    bottom = found.best.made[: len(top)]
    share: FloatArray = (top - ratio * bottom) / float(bottom.sum())
    return share


def _clustered(residuals: Sequence[FloatArray]) -> float:
    """Return the standard error of a sum over cells whose first people are the same ones."""
    people = max(len(residual) for residual in residuals)
    total = np.zeros(people)
    for residual in residuals:
        total[: len(residual)] += residual
    return float(np.sqrt((total**2).sum() * people / (people - 1)))
