"""Fit the knobs of a rule, on training people only: ``fit(strategy, log or people) -> strategy``.

Score the result on other people. The search is plain and deterministic: a grid over one knob at a time, from the
rule's present setting, then finer grids around the best; a rule that is best at its default keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from persona_lab.datasets.log import Log
from persona_lab.datasets.streams import Streams, streams_of
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, select
from persona_lab.metrics.forecast import CLIP
from persona_lab.metrics.tracking import FEWEST_LIMIT_ERRORS
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import no_limit
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies import population_bayes
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.strategies.rate_filter import RateFilter, fit_rates
from persona_lab.studies.compared import Judge, errors_together
from persona_lab.studies.knobs import Knob, changed, knobs_of, read
from persona_lab.studies.targets import other_people

COARSE = 9
"""Points of the first grid over each knob."""

FINE_ROUNDS = 2
"""Rounds of finer grids, each with four points within the last grid's spacing."""

IMPROVEMENT = 1e-9
"""A setting must be this much better to replace the present one."""


@dataclass(frozen=True, slots=True)
class TrainingPeople:
    """Simulated people to fit on.

    Parameters
    ----------
    scenarios
        Populations; each counts the same.
    seed
        Luck. Score on another seed.
    users
        People per scenario.
    objective
        ``mean_ratio`` or ``worst_ratio`` of errors to the limit's, or ``mean_regret`` (extra errors per 100).
    """

    scenarios: tuple[Scenario, ...]
    seed: int
    users: int = 300
    objective: str = "mean_ratio"

    def __post_init__(self) -> None:
        if not self.scenarios or not all(isinstance(scenario, Scenario) for scenario in self.scenarios):
            raise ConfigurationError("TrainingPeople", "scenarios", self.scenarios, "at least one Scenario")
        if isinstance(self.users, bool) or not isinstance(self.users, int) or self.users < 1:
            raise ConfigurationError("TrainingPeople", "users", self.users, "a number of people per scenario, >= 1")
        if self.objective not in ("mean_ratio", "worst_ratio", "mean_regret"):
            expected = "mean_ratio, worst_ratio or mean_regret"
            raise ConfigurationError("TrainingPeople", "objective", self.objective, expected)


class Fitted(NamedTuple):
    """A fitted rule, its training loss, the loss it started from, and how many settings were tried."""

    strategy: UpdateStrategy
    loss: float
    loss_before: float
    tried: int


def fit(
    strategy: UpdateStrategy, training: Log | TrainingPeople, *, knobs: Mapping[str, Knob] | None = None
) -> UpdateStrategy:
    """Return the rule with the knobs that suit the training people best.

    Parameters
    ----------
    strategy
        The rule; its present setting is where the search starts.
    training
        A feedback log of training people (log-loss of each next answer, predicted before it is seen; the log's true
        parameters and its agent's forecasts are never read), or simulated people (errors against the limit's in the
        closed loop).
    knobs
        Field (dotted within wrapped rules) to range; None for those of :mod:`persona_lab.studies.knobs`.

    Returns
    -------
    The fitted rule. Filters over worlds (hierarchical Bayes, :class:`RateFilter`) have their prior learnt by EM
    instead, from the log, or from what the simulated people answered to the rule itself.

    Raises
    ------
    ConfigurationError
        If the rule is unknown and no knobs are given, or worlds are to be weighed on contexts of different sizes.
    """
    _check(strategy, training)
    if knobs is None and isinstance(strategy, HierarchicalBayes | RateFilter):
        given, active, options = _answers(strategy, training)
        if isinstance(strategy, HierarchicalBayes):
            return population_bayes.fit(strategy, given, options=options, active=active)
        return fit_rates(strategy, given, options=options, active=active)
    return search(strategy, training, knobs=knobs).strategy


Answers = tuple[list[Feedback], list[BoolArray], int]
"""One feedback per step, which streams have one, and the number of options."""


def _answers(strategy: UpdateStrategy, training: Log | TrainingPeople) -> Answers:
    """Return what the training people answered, streams side by side: their answers only, never their minds."""
    parts: list[tuple[Sequence[Feedback], Sequence[BoolArray], int]] = []
    if isinstance(training, Log):
        for block in streams_of(training).blocks:
            steps = range(block.row.shape[0])
            parts.append(([block.at(s) for s in steps], [block.active(s) for s in steps], len(block.options)))
    else:
        for scenario in training.scenarios:
            if isinstance(strategy, RateFilter) and strategy.event is not None and scenario.options != 2:
                raise ConfigurationError("fit", "training", scenario.id, "scenarios of two options for event 0 or 1")
            heard = other_people(
                scenario, strategy, seed=training.seed, users=training.users, interactions=scenario.interactions
            )
            parts.append((heard, [np.ones(given.kind.shape, dtype=np.bool_) for given in heard], scenario.options))
    sizes = {options for _, _, options in parts}
    if len(sizes) != 1:
        raise ConfigurationError("fit", "training", sorted(sizes), "contexts that all have equally many options")
    given, active = [], []
    for step in range(max(len(heard) for heard, _, _ in parts)):
        columns = zip(*(heard[min(step, len(heard) - 1)] for heard, _, _ in parts), strict=True)
        given.append(Feedback(*(np.concatenate(column) for column in columns)))
        there = [mask[step] if step < len(mask) else np.zeros_like(mask[-1]) for _, mask, _ in parts]
        active.append(np.concatenate(there))
    return given, active, sizes.pop()


def search(
    strategy: UpdateStrategy, training: Log | TrainingPeople, *, knobs: Mapping[str, Knob] | None = None
) -> Fitted:
    """Do as :func:`fit`, and tell what the search found."""
    _check(strategy, training)
    ranges = dict(knobs) if knobs is not None else knobs_of(strategy)
    for name, knob in ranges.items():
        try:
            read(strategy, name)
        except AttributeError:
            raise ConfigurationError("fit", "knobs", name, f"a field of {type(strategy).__name__}") from None
        if not isinstance(knob, Knob):
            raise ConfigurationError("fit", f"knobs[{name!r}]", knob, "a Knob(low, high, scale)")
    loss = _log_loss(training) if isinstance(training, Log) else _people_loss(training)
    before = loss(strategy)
    known: dict[UpdateStrategy, float] = {strategy: before}
    best = strategy

    def attempt(name: str, place: float) -> None:
        nonlocal best
        candidate = changed(best, name, ranges[name].at(min(max(place, 0.0), 1.0)))
        if candidate not in known:
            known[candidate] = loss(candidate)
        if known[candidate] < known[best] - IMPROVEMENT:
            best = candidate

    for name in ranges:
        for point in range(COARSE):
            attempt(name, point / (COARSE - 1))
    spacing = 1.0 / (COARSE - 1)
    for _ in range(FINE_ROUNDS):
        for name, knob in ranges.items():
            centre = knob.place(float(read(best, name)))
            for offset in (-0.67, -0.33, 0.33, 0.67):
                attempt(name, centre + offset * spacing)
        spacing /= 3.0
    return Fitted(best, known[best], before, len(known))


def _check(strategy: UpdateStrategy, training: Log | TrainingPeople) -> None:
    if isinstance(strategy, type | str):
        expected = "an update strategy; those with names are in persona_lab.catalog.STRATEGIES"
        raise ConfigurationError("fit", "strategy", strategy, expected)
    if not isinstance(training, Log | TrainingPeople):
        raise ConfigurationError("fit", "training", type(training).__name__, "a Log (load_log) or TrainingPeople")


def _people_loss(training: TrainingPeople) -> Callable[[UpdateStrategy], float]:
    judges = [
        Judge(scenario, seed=training.seed, users=(0, training.users))
        for scenario in training.scenarios
        if no_limit(scenario.channel) is None
    ]
    # Expected errors are never 0; counted ones tell nothing where the limit made few.
    judges = [judge for judge in judges if judge.expected or judge.best.made.sum() >= FEWEST_LIMIT_ERRORS]
    if not judges:
        raise ConfigurationError("TrainingPeople", "users", training.users, "enough people for 200 limit errors")

    def loss(strategy: UpdateStrategy) -> float:
        values = []
        for judge, own in zip(judges, errors_together(judges, strategy), strict=True):
            best = judge.best
            extra, scored = float(own.made.sum() - best.made.sum()), float(own.scored.sum())
            if training.objective == "mean_regret":
                values.append(100.0 * extra / scored)
            else:
                values.append(1.0 + extra / float(best.made.sum()))
        return max(values) if training.objective == "worst_ratio" else float(np.mean(values))

    return loss


def _log_loss(log: Log) -> Callable[[UpdateStrategy], float]:
    streams = streams_of(log)
    return lambda strategy: prequential_loss(strategy, streams)


def prequential_loss(strategy: UpdateStrategy, streams: Streams) -> float:
    """Return the mean log-loss in nats of every named event, predicted before it is learnt from.

    Raises
    ------
    InputError
        If no event names an option: nothing can be scored.
    """
    total, count = 0.0, 0
    for block in streams.blocks:
        steps, width = block.row.shape
        state = strategy.init(len(block.options), width)
        for step in range(steps):
            given, active = block.at(step), block.active(step)
            named = block.named[step]
            scored = active & (named != NO_OPTION)
            if scored.any():
                belief = strategy.belief(state, given.elapsed)
                chance = np.take_along_axis(belief, named[np.newaxis].clip(0).astype(np.intp), axis=0)[0]
                total -= float(np.log(np.clip(chance[scored], CLIP, 1.0 - CLIP)).sum())
                count += int(scored.sum())
            state = select(active, strategy.update(state, given), state)
    if not count:
        raise InputError("no event names an option", cure="Fit on a log in which people say what they want.")
    return total / count
