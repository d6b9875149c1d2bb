"""Fit the knobs of a rule, on training people only: ``fit(strategy, log or people) -> strategy``.

Score the result on other people. The search is plain and deterministic: a grid over one knob at a time, from the
rule's present setting, then finer grids around the best; a rule that is best at its default keeps it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from persona_lab.datasets.log import Log
from persona_lab.datasets.streams import Streams, streams_of
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import NO_OPTION, Feedback, select
from persona_lab.metrics.forecast import CLIP
from persona_lab.metrics.tracking import ratio_to_limit, regret
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.people import live
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies import population_bayes
from persona_lab.strategies.attributes import AttributeRule
from persona_lab.strategies.baselines import ConfidenceAverage, LastWriteWins, NeverUpdate, RunningCount
from persona_lab.strategies.bocpd import ChangePoint
from persona_lab.strategies.bounded_step import BoundedStep
from persona_lab.strategies.compose import Composed
from persona_lab.strategies.debounce import Debounce
from persona_lab.strategies.ewma import Ewma
from persona_lab.strategies.fixed_share import FixedShare, MixingPast
from persona_lab.strategies.forgetting import ForgettingCount
from persona_lab.strategies.guards import Guarded, Hysteresis, ResetOnAlarm
from persona_lab.strategies.hgf import HierarchicalGaussian
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.strategies.kalman import Kalman, VolatileKalman
from persona_lab.strategies.noise_or_volatility import NoiseOrVolatility
from persona_lab.strategies.pearce_hall import PearceHall
from persona_lab.strategies.sliding_window import SlidingWindow
from persona_lab.studies.reference import tallied

COARSE = 9
"""Points of the first grid over each knob."""

FINE_ROUNDS = 2
"""Rounds of finer grids, each with four points within the last grid's spacing."""

IMPROVEMENT = 1e-9
"""A setting must be this much better to replace the present one."""


class Knob(NamedTuple):
    """Range of one knob; ``scale`` is linear, log, integer (log-spaced), or rest (log-spaced in 1 - value)."""

    low: float
    high: float
    scale: str = "log"

    def at(self, place: float) -> float:
        """Return the value at a place in [0, 1]."""
        if self.scale == "linear":
            return self.low + place * (self.high - self.low)
        low, high = (1.0 - self.low, 1.0 - self.high) if self.scale == "rest" else (self.low, self.high)
        value = low * math.exp(place * math.log(high / low))
        if self.scale == "integer":
            return round(value)
        return 1.0 - value if self.scale == "rest" else value

    def place(self, value: float) -> float:
        """Return where a value lies, in [0, 1]."""
        value = min(max(value, min(self.low, self.high)), max(self.low, self.high))
        if self.scale == "linear":
            return (value - self.low) / (self.high - self.low)
        low, high = (1.0 - self.low, 1.0 - self.high) if self.scale == "rest" else (self.low, self.high)
        return math.log((1.0 - value if self.scale == "rest" else value) / low) / math.log(high / low)


PRIOR = Knob(0.01, 10.0)
HAZARD = Knob(0.0005, 0.2)
NOISE = Knob(0.02, 0.5)
FALSE_ALARMS = Knob(20.0, 5000.0)
"""Events between false alarms of a detector: what its tables of critical values hold."""

KNOBS: dict[type, dict[str, Knob]] = {
    NeverUpdate: {},
    LastWriteWins: {},
    RunningCount: {"prior": PRIOR},
    ConfidenceAverage: {"prior": PRIOR},
    Ewma: {"rate": Knob(0.005, 0.8)},
    SlidingWindow: {"length": Knob(2, 60, "integer"), "prior": PRIOR},
    Debounce: {"repeats": Knob(1, 8, "integer")},
    BoundedStep: {"step": Knob(0.005, 0.5)},
    ForgettingCount: {"keep": Knob(0.5, 0.995, "rest"), "half_life": Knob(1.0, 1000.0), "prior": PRIOR},
    PearceHall: {"rate": Knob(0.05, 1.0), "decay": Knob(0.01, 0.5)},
    Kalman: {"drift": Knob(1e-5, 0.1), "start": Knob(0.01, 2.0), "daily_drift": Knob(1e-6, 0.1)},
    VolatileKalman: {"rate": Knob(0.001, 0.3), "volatility": Knob(1e-4, 0.1), "noise": Knob(0.02, 2.0)},
    NoiseOrVolatility: {"fade": Knob(0.001, 0.2)},
    HierarchicalGaussian: {"tonic": Knob(-6.0, 1.0, "linear"), "meta": Knob(1e-4, 1.0)},
    FixedShare: {"hazard": HAZARD, "noise": NOISE},
    MixingPast: {"hazard": HAZARD, "noise": NOISE},
    ChangePoint: {"concentration": Knob(0.05, 3.0)},
    Hysteresis: {"margin": Knob(0.0, 0.5, "linear")},
}
"""What is fitted, by rule; for a rule of one's own pass ``knobs``."""


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
        A feedback log of training people (log-loss of each next answer, predicted before it is seen), or simulated
        people (errors against the limit's in the closed loop).
    knobs
        Field (dotted within wrapped rules) to range; None for those of ``KNOBS``.

    Raises
    ------
    ConfigurationError
        If the rule is unknown and no knobs are given; hierarchical Bayes is fitted by its own EM, to logs only.
    """
    if isinstance(strategy, HierarchicalBayes) and knobs is None:
        return _population(strategy, training)
    return search(strategy, training, knobs=knobs).strategy


def _population(strategy: HierarchicalBayes, training: Log | TrainingPeople) -> HierarchicalBayes:
    """Return the rule with its prior over worlds learnt from the log, see ``population_bayes``."""
    if isinstance(training, TrainingPeople):
        expected = "a Log: the prior over worlds is learnt from logs, see population_bayes.fit"
        raise ConfigurationError("fit", "training", training, expected)
    blocks = streams_of(training).blocks
    options = {len(block.options) for block in blocks}
    if len(options) != 1:
        raise ConfigurationError("fit", "training", sorted(options), "a log whose contexts have equally many options")
    steps = max(block.row.shape[0] for block in blocks)
    given, active = [], []
    for step in range(steps):
        parts = [(block, min(step, block.row.shape[0] - 1)) for block in blocks]
        columns = zip(*(block.at(at) for block, at in parts), strict=True)
        given.append(Feedback(*(np.concatenate(column) for column in columns)))
        active.append(np.concatenate([block.active(step) for block in blocks]))
    return population_bayes.fit(strategy, given, options=options.pop(), active=active)


def search(
    strategy: UpdateStrategy, training: Log | TrainingPeople, *, knobs: Mapping[str, Knob] | None = None
) -> Fitted:
    """Do as :func:`fit`, and tell what the search found."""
    ranges = dict(knobs) if knobs is not None else knobs_of(strategy)
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
            centre = knob.place(float(_read(best, name)))
            for offset in (-0.67, -0.33, 0.33, 0.67):
                attempt(name, centre + offset * spacing)
        spacing /= 3.0
    return Fitted(best, known[best], before, len(known))


def knobs_of(strategy: Any) -> dict[str, Knob]:
    """Return the knobs of a rule that are in use, those of wrapped rules with dotted names.

    Raises
    ------
    ConfigurationError
        If the rule is unknown.
    """
    if isinstance(strategy, (Composed, AttributeRule)):
        return {f"memory.{name}": knob for name, knob in knobs_of(strategy.memory).items()}
    if isinstance(strategy, Guarded):
        inner = {f"strategy.{name}": knob for name, knob in knobs_of(strategy.strategy).items()}
        return inner | {f"guard.{name}": knob for name, knob in knobs_of(strategy.guard).items()}
    if isinstance(strategy, ResetOnAlarm):
        inner = {f"strategy.{name}": knob for name, knob in knobs_of(strategy.strategy).items()}
        return inner | ({"detector.arl0": FALSE_ALARMS} if hasattr(strategy.detector, "arl0") else {})
    if type(strategy) not in KNOBS:
        raise ConfigurationError(
            type(strategy).__name__, "knobs", None, "a mapping of field to Knob, as this rule is not in KNOBS"
        )
    return {name: knob for name, knob in KNOBS[type(strategy)].items() if getattr(strategy, name) is not None}


def changed(strategy: Any, name: str, value: float) -> Any:
    """Return the rule with one knob changed, dotted names reach into wrapped rules."""
    head, _, rest = name.partition(".")
    inner = changed(getattr(strategy, head), rest, value) if rest else value
    return dataclasses.replace(strategy, **{head: inner})


def _read(strategy: Any, name: str) -> Any:
    for part in name.split("."):
        strategy = getattr(strategy, part)
    return strategy


def _people_loss(training: TrainingPeople) -> Callable[[UpdateStrategy], float]:
    people = (0, training.users)
    cells = []
    for scenario in training.scenarios:
        lives = live(scenario, seed=training.seed, users=people)
        best = limit(scenario, lives).strategy
        if best is not None:
            cells.append((scenario, lives, tallied(scenario, lives, best, seed=training.seed, users=people)))
    measure = regret if training.objective == "mean_regret" else ratio_to_limit

    def loss(strategy: UpdateStrategy) -> float:
        values = []
        for scenario, lives, told in cells:
            counts = tallied(scenario, lives, strategy, seed=training.seed, users=people)
            value = measure(counts=counts, limit=told).value
            if value is not None:
                values.append(value)
        if not values:
            raise ConfigurationError("TrainingPeople", "users", training.users, "enough people for 200 limit errors")
        return max(values) if training.objective == "worst_ratio" else float(np.mean(values))

    return loss


def _log_loss(log: Log) -> Callable[[UpdateStrategy], float]:
    streams = streams_of(log)
    return lambda strategy: prequential_loss(strategy, streams)


def prequential_loss(strategy: UpdateStrategy, streams: Streams) -> float:
    """Return the mean log-loss in nats of every named event, predicted before it is learnt from."""
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
    return total / count
