"""What other libraries would do: detectors of river and Page-Hinkley, tuned as carefully as ours.

Every reference has the knob that sets how often it rings, put where training people who never change ring once per
1,000 events, and a few settings of its second knob (window, warm-up, tolerance), of which the one with the smallest
mean delay on training people is scored, on other people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from persona_lab.detectors.page_hinkley import PageHinkley
from persona_lab.detectors.river_reference import RiverKind, RiverReference
from persona_lab.metrics import drift as metrics
from persona_lab.metrics.drift_compat import capymoa_scores
from persona_lab.protocols import DriftDetector
from persona_lab.randomness import uniforms
from persona_lab.simulate import drift_worlds as worlds
from persona_lab.studies.drift import (
    AFTER,
    BEFORE,
    CHANGE,
    CONTROL,
    CONTROLS,
    EVENTS,
    SCORING,
    TRAINING,
    Control,
    Family,
    Scored,
    alarms,
    first_alarms,
    tune,
)

STEPS = 9
"""Halvings of the range of a knob, on a log scale."""


@dataclass(frozen=True)
class Reference:
    """A detector of which several settings compete on the training people.

    ``training`` and ``scored`` are numbers of people: fewer where river needs a millisecond an event.
    """

    name: str
    variants: tuple[Family, ...]
    training: int
    scored: int


def _river(
    kind: RiverKind, knob: str, low: float, high: float, settings: Iterable[dict[str, Any]], *, sign: int = 1
) -> tuple[Family, ...]:
    def make(fixed: dict[str, Any]) -> Callable[[float], DriftDetector]:
        return lambda value: RiverReference(kind, tuple({knob: value**sign, **fixed}.items()))

    return tuple(Family(f"river {kind}", make(fixed), low, high) for fixed in settings)


def _page_hinkley(delta: float, min_instances: int) -> Family:
    return Family(
        "page-hinkley",
        lambda h: PageHinkley(threshold=h, delta=delta, min_instances=min_instances, mode="down"),
        0.5,
        40,
    )


REFERENCES = (
    Reference(
        "page-hinkley (tuned to this drop)",
        tuple(_page_hinkley(delta, first) for delta in (0.15, 0.2, 0.25, 0.3) for first in (1, 30)),
        3000,
        6000,
    ),
    Reference(
        "river ADWIN (clock 1)",
        _river("ADWIN", "delta", 0.2, 1e6, [{"clock": 1, "min_window_length": w} for w in (1, 3, 5)], sign=-1),
        1500,
        6000,
    ),
    Reference("river ADWIN (clock 32)", _river("ADWIN", "delta", 0.2, 1e6, [{}], sign=-1), 1500, 6000),
    Reference(
        "river DDM", _river("DDM", "drift_threshold", 0.5, 20, [{"warm_start": n} for n in (10, 30, 60)]), 3000, 6000
    ),
    Reference("river HDDM_A", _river("HDDM_A", "drift_confidence", 1.01, 1e8, [{}], sign=-1), 300, 600),
    Reference(
        "river HDDM_W",
        _river("HDDM_W", "drift_confidence", 1.01, 1e8, [{"lambda_val": rate} for rate in (0.05, 0.1, 0.15)], sign=-1),
        300,
        600,
    ),
    Reference(
        "river KSWIN",
        _river(
            "KSWIN",
            "alpha",
            1.01,
            1e8,
            [{"seed": 1, "window_size": 100, "stat_size": 30}, {"seed": 1, "window_size": 60, "stat_size": 20}],
            sign=-1,
        ),
        40,
        80,
    ),
)
"""One-sided where the library has one side (DDM, HDDM, Page-Hinkley); ADWIN and KSWIN look both ways. ADWIN that tests
every 32 events needs a delta above 1 to ring once per 1,000 events: no probability any more, but river takes it."""


def tuned_references(
    references: Iterable[Reference] = REFERENCES, *, share: float = 1.0
) -> dict[str, tuple[DriftDetector, int]]:
    """Return by name the setting that was best on training people, and how many people it is to be scored on.

    ``share`` scales every number of people: small for a quick look.
    """
    found = {}
    for reference in references:
        people = (0, max(20, round(share * reference.training)))
        twin = worlds.acceptance(seed=TRAINING, people=people, events=EVENTS, before=BEFORE)
        drop = worlds.acceptance(seed=TRAINING, people=people, events=EVENTS, before=BEFORE, after=AFTER, change=CHANGE)
        ring = lambda detector, twin=twin: first_alarms(detector, twin)  # noqa: E731  # binds the twin
        made = [
            family.make(tune(family, ring, events=EVENTS, steps=STEPS if len(twin[0]) > 500 else STEPS - 2))
            for family in reference.variants
        ]
        delays = [
            metrics.mean_delay(first=first_alarms(detector, drop), change=CHANGE, events=EVENTS).value
            for detector in made
        ]
        # A setting under which everybody rings before the change has no delay: it loses to any that has.
        _, best = min((EVENTS if delay is None else delay, i) for i, delay in enumerate(delays))
        found[reference.name] = (made[best], max(20, round(share * reference.scored)))
    return found


def library_scores(detectors: Mapping[str, Scored], *, people: int, max_delay: int = 50) -> pl.DataFrame:
    """Return scores as CapyMOA defines them, means over people, of detectors beside a random and an always-on alarm.

    Read with care: every alarm within ``max_delay`` events of a change is a hit, so that an alarm that never stops
    scores a precision equal to the share of such events; see ``metrics.drift_compat``.
    """
    drop = worlds.acceptance(seed=SCORING, people=(0, people), events=EVENTS, after=AFTER)
    luck = uniforms(CONTROL, "drift/random-alarm", steps=(0, EVENTS), streams=(0, people))
    rows = []
    for name, detector in {**detectors, **CONTROLS}.items():
        rung = (
            metrics.random_alarms(luck=luck, rate=detector.rate)
            if isinstance(detector, Control)
            else alarms(detector, drop)
        )
        scores = [
            capymoa_scores(changes=[CHANGE], alarms=np.flatnonzero(rung[:, i]).tolist(), max_delay=max_delay, n=EVENTS)
            for i in range(people)
        ]
        row: dict[str, object] = {"detector": name, "people": people}
        for field in ("f1", "precision", "recall", "far", "ar"):
            values = np.array([getattr(score, field) for score in scores])
            row |= {field: float(values.mean()), f"{field}_se": float(values.std(ddof=1) / np.sqrt(people))}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)
