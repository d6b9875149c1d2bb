"""What can be turned on each rule, and how far: ranges of knobs, by type of rule."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping
from typing import Any

from persona_lab.errors import ConfigurationError
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
from persona_lab.strategies.kalman import Kalman, VolatileKalman
from persona_lab.strategies.noise_or_volatility import NoiseOrVolatility
from persona_lab.strategies.pearce_hall import PearceHall
from persona_lab.strategies.sliding_window import SlidingWindow

SCALES = {
    "log": (0.0, math.inf),
    "integer": (0.0, math.inf),
    "linear": (-math.inf, math.inf),
    "rest": (-math.inf, 1.0),
}
"""What the ends of a knob's range must lie between, by scale."""

LATTICE = {0: 1, 1: 25, 2: 9, 3: 7}
"""Points along each knob of a lattice, by number of knobs."""


@dataclasses.dataclass(frozen=True, slots=True)
class Knob:
    """Range of one knob; ``scale`` is linear, log, integer (log-spaced), or rest (log-spaced in 1 - value)."""

    low: float
    high: float
    scale: str = "log"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ConfigurationError("Knob", "scale", self.scale, " or ".join(SCALES))
        low, high = SCALES[self.scale]
        if not low < self.low < self.high < high:
            raise ConfigurationError("Knob", "low, high", (self.low, self.high), f"{low:g} < low < high < {high:g}")

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
HAZARD = Knob(0.00001, 0.2)
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
    VolatileKalman: {"rate": Knob(0.00001, 0.3), "volatility": Knob(1e-4, 0.1), "noise": Knob(0.02, 2.0)},
    NoiseOrVolatility: {"fade": Knob(0.001, 0.2)},
    HierarchicalGaussian: {"tonic": Knob(-6.0, 1.0, "linear"), "meta": Knob(1e-4, 1.0)},
    FixedShare: {"hazard": HAZARD, "noise": NOISE},
    MixingPast: {"hazard": HAZARD, "noise": NOISE},
    ChangePoint: {"concentration": Knob(0.05, 30.0)},
    Hysteresis: {"margin": Knob(0.0, 0.5, "linear")},
}
"""What is fitted, by rule; for a rule of one's own pass ``knobs``."""


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


def read(strategy: Any, name: str) -> Any:
    """Return the present setting of a knob, dotted names reach into wrapped rules."""
    for part in name.split("."):
        strategy = getattr(strategy, part)
    return strategy


def lattice(strategy: Any, *, knobs: Mapping[str, Knob] | None = None) -> tuple[Any, ...]:
    """Return the rule at its present setting, then at every point of an even lattice over its knobs.

    Settings that are fixed beforehand can be scored once each and chosen from again and again, as cross-fitting does.
    """
    ranges = dict(knobs) if knobs is not None else knobs_of(strategy)
    points = LATTICE.get(len(ranges), 4)
    places = [place / (points - 1) for place in range(points)] if points > 1 else []
    found = {strategy: None}
    for combination in itertools.product(places, repeat=len(ranges)):
        candidate = strategy
        for (name, knob), place in zip(ranges.items(), combination, strict=True):
            candidate = changed(candidate, name, knob.at(place))
        found[candidate] = None
    return tuple(found)
