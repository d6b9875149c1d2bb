"""The equal-false-alarm study of drift detectors: every figure beside its false-alarm rate, knobs set on other people.

A knob is chosen on training people so that the no-drift twin shows one false alarm per 1,000 events, cold start
included, and everything is scored on other people. All functions return Polars frames, one row a detector (and cell).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.ewma_chart import EwmaChart
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.glr import Glr
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.page_hinkley import PageHinkley
from persona_lab.detectors.river_reference import RiverReference
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.feedback import BoolArray, IntArray
from persona_lab.measurement import Measurement
from persona_lab.metrics import drift as metrics
from persona_lab.protocols import DriftDetector
from persona_lab.randomness import uniforms
from persona_lab.simulate import drift_worlds as worlds

OPTIMUM = 7.858585332442451
"""Mean delay of the CUSUM told .85 and .35 at one alarm per 1,046.8 events: ``metrics.drift_optimum.optimal_cusum``."""

BEFORE, AFTER, CHANGE, EVENTS = 0.85, 0.35, 150, 300
EARLY_CHANGE = 30
BASE_RATES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
TARGET = 1.0
"""False alarms per 1,000 events."""

TRAINING, SCORING, CONTROL = 11, 12, 13
"""Seeds of the people on whom knobs are chosen, of those who are scored, and of the luck of random alarms."""

UNSEEN = 601
"""Seed of people nobody had looked at when the default's pace of false alarms was settled; ``SCORING`` had been."""

BLOCK = 2048
FLIP = ((0.7, 0.1, 0.1, 0.1), (0.1, 0.7, 0.1, 0.1))


@dataclass(frozen=True)
class Family:
    """A detector with one knob; a larger knob rings less often."""

    name: str
    make: Callable[[float], DriftDetector]
    low: float
    high: float


FAMILIES = (
    Family("shiryaev-roberts", lambda a: ShiryaevRoberts(arl0=a), 50, 5000),
    Family("cusum", lambda a: Cusum(arl0=a), 50, 5000),
    Family("beta-factor", lambda a: BetaFactor(arl0=a), 50, 5000),
    Family("bocpd", lambda a: Bocpd(arl0=a), 50, 5000),
    Family("glr", lambda a: Glr(arl0=a), 50, 5000),
    Family("ewma-chart", lambda a: EwmaChart(arl0=a), 50, 5000),
)
"""Ours: one ARL0 for everybody. What other libraries have stands in ``studies.drift_references``."""


@dataclass(frozen=True)
class Control:
    """An alarm that looks at nothing and rings with probability ``rate`` an event: random, or at 1 always on."""

    rate: float

    def first_alarms(self, accepted: BoolArray) -> IntArray:
        """Return each person's first alarm."""
        luck = uniforms(CONTROL, "drift/random-alarm", steps=(0, accepted.shape[0]), streams=(0, accepted.shape[1]))
        return metrics.first_alarm(alarms=metrics.random_alarms(luck=luck, rate=self.rate))


CONTROLS = {"random alarm": Control(TARGET / 1000), "always on": Control(1.0)}
"""What every table holds a detector against; the second rings a thousand times too often."""

Scored = DriftDetector | Control


def first_alarms(
    detector: Scored, accepted: BoolArray, session: IntArray | None = None, *, block: int = BLOCK
) -> IntArray:
    """Return each person's first alarm; ``accepted`` and ``session`` are (events, people)."""
    if isinstance(detector, RiverReference | Control):
        return detector.first_alarms(accepted)
    return metrics.first_alarm(alarms=alarms(detector, accepted, session, block=block))


def alarms(
    detector: DriftDetector, accepted: BoolArray, session: IntArray | None = None, *, block: int = BLOCK
) -> BoolArray:
    """Return every alarm, (events, people), of accept/reject streams."""
    rung = np.zeros(accepted.shape, dtype=np.bool_)
    for first in range(0, accepted.shape[1], block):
        part = slice(first, min(first + block, accepted.shape[1]))
        state = detector.init(2, part.stop - part.start)
        for t in range(accepted.shape[0]):
            given = worlds.as_feedback(accepted[t, part], 0 if session is None else session[t, part])
            state = detector.update(state, given)
            rung[t, part] = detector.alarm(state)
    return rung


def first_choice_alarms(detector: DriftDetector, chosen: IntArray, options: int, *, block: int = BLOCK) -> IntArray:
    """Return each person's first alarm on choices (events, people)."""
    rung = np.zeros(chosen.shape, dtype=np.bool_)
    for first in range(0, chosen.shape[1], block):
        part = slice(first, min(first + block, chosen.shape[1]))
        state = detector.init(options, part.stop - part.start)
        for t in range(chosen.shape[0]):
            state = detector.update(state, worlds.choice_as_feedback(chosen[t, part]))
            rung[t, part] = detector.alarm(state)
    return metrics.first_alarm(alarms=rung)


def tune(family: Family, ring: Callable[[DriftDetector], IntArray], *, events: int, steps: int = 10) -> float:
    """Return the knob at which training people who never change ring ``TARGET`` times per 1,000 events."""
    low, high = np.log(family.low), np.log(family.high)
    for _ in range(steps):
        middle = 0.5 * (low + high)
        rate = metrics.false_alarm_rate(first=ring(family.make(float(np.exp(middle)))), events=events)
        low, high = (middle, high) if (rate.value or 0.0) > TARGET else (low, middle)
    return float(np.exp(0.5 * (low + high)))


def tuned(families: Iterable[Family], *, people: int, events: int = EVENTS) -> dict[str, DriftDetector]:
    """Return every family at one false alarm per 1,000 events of people who accept ``BEFORE`` of the time."""
    twin = worlds.acceptance(seed=TRAINING, people=(0, people), events=events, before=BEFORE)
    return {
        family.name: family.make(tune(family, lambda found: first_alarms(found, twin), events=events))
        for family in families
    }


def equal_false_alarms(
    detectors: Mapping[str, Scored | tuple[Scored, int]],
    *,
    people: int,
    change: int = CHANGE,
    spread: bool = True,
    seed: int = SCORING,
) -> pl.DataFrame:
    """Return delay at an equal false-alarm rate, and the spread of that rate over base rates under the same knob.

    A detector may come with the number of people it is scored on (of ``people`` at most). Without ``spread`` only
    people who accept ``BEFORE`` of the time are looked at. ``seed`` draws the people who are scored.
    """
    rows = []
    for name, given in detectors.items():
        detector, count = _with_people(given, people)
        drop = worlds.acceptance(seed=seed, people=(0, count), events=EVENTS, before=BEFORE, after=AFTER, change=change)
        first = first_alarms(detector, drop)
        rates = base_rate_rates(detector, people=count, rates=BASE_RATES if spread else (BEFORE,), seed=seed)
        delay = metrics.mean_delay(first=first, change=change, events=EVENTS)
        rows.append(
            {
                "detector": name,
                "knob": knob_of(detector),
                **cells("false_alarms", rates[BEFORE]),
                **cells("delay", delay),
                "ratio_to_optimum": None if delay.value is None else delay.value / OPTIMUM,
                "ratio_to_optimum_se": None if delay.standard_error is None else delay.standard_error / OPTIMUM,
                "median_delay": metrics.median_delay(first=first, change=change).value,
                "missed": metrics.missed(first=first, change=change).value,
                "alarmed_before": metrics.alarmed_early(first=first, change=change).value,
                **(cells("spread", metrics.false_alarm_spread(rates=rates)) if spread else {}),
                "people": count,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _with_people(given: Scored | tuple[Scored, int], people: int) -> tuple[Scored, int]:
    if isinstance(given, tuple):
        return given[0], min(people, given[1])
    return given, people


def base_rate_rates(
    detector: Scored, *, people: int, rates: tuple[float, ...] = BASE_RATES, seed: int = SCORING
) -> dict[float, Measurement]:
    """Return false alarms per 1,000 events for people of each base rate, one knob."""
    return {
        rate: metrics.false_alarm_rate(
            first=first_alarms(detector, worlds.acceptance(seed=seed, people=(0, people), events=EVENTS, before=rate)),
            events=EVENTS,
        )
        for rate in rates
    }


def base_rate_sweep(detectors: Mapping[str, Scored | tuple[Scored, int]], *, people: int) -> pl.DataFrame:
    """Return false alarms per 1,000 events by detector and base rate."""
    rows = []
    for name, given in detectors.items():
        detector, count = _with_people(given, people)
        for rate, found in base_rate_rates(detector, people=count).items():
            rows.append({"detector": name, "base_rate": rate, **cells("false_alarms", found)})
    return pl.DataFrame(rows)


def delay_curves(
    detectors: Mapping[str, Scored | tuple[Scored, int]], *, people: int, longest: int = 40
) -> pl.DataFrame:
    """Return the share of changes caught within 1, 2, ... events, by detector."""
    drop = worlds.acceptance(seed=SCORING, people=(0, people), events=EVENTS, before=BEFORE, after=AFTER)
    rows = []
    for name, given in detectors.items():
        detector, count = _with_people(given, people)
        curve = metrics.delay_curve(first=first_alarms(detector, drop[:, :count]), change=CHANGE, longest=longest)
        rows += [{"detector": name, "events": i, "caught": float(value)} for i, value in enumerate(curve)]
    return pl.DataFrame(rows)


def gradual_drift(detectors: dict[str, DriftDetector], *, people: int) -> pl.DataFrame:
    """Return mean delays where the fall takes 0, 20, 50 or 100 events."""
    rows = []
    for over in (0, 20, 50, 100):
        drop = worlds.acceptance(
            seed=SCORING, people=(0, people), events=EVENTS, before=BEFORE, after=AFTER, gradual=over
        )
        for name, detector in detectors.items():
            delay = metrics.mean_delay(first=first_alarms(detector, drop), change=CHANGE, events=EVENTS)
            rows.append({"detector": name, "falls_over": over, **cells("delay", delay)})
    return pl.DataFrame(rows)


def exception_curves(detectors: dict[str, DriftDetector], *, people: int) -> pl.DataFrame:
    """Return excess alarms within 20 events of 1 to 5 rejects in one session, by detector."""
    rows = []
    for rejects in range(1, 6):
        world = worlds.bad_day(seed=SCORING, people=(0, people), events=CHANGE + 20, rejects=rejects)
        for name, detector in detectors.items():
            with_exception = first_alarms(detector, world.accepted, world.session)
            without = first_alarms(detector, world.twin, world.session)
            found = metrics.excess_alarms(with_exception=with_exception, without=without, at=CHANGE)
            rows.append({"detector": name, "rejects": rejects, **cells("excess", found)})
    return pl.DataFrame(rows)


def exception_price(*, people: int) -> pl.DataFrame:
    """Return what looking at sessions buys (fewer alarms after a bad day) and what it costs (delay)."""
    families = (
        Family("shiryaev-roberts", lambda a: ShiryaevRoberts(arl0=a), 50, 5000),
        Family("exception-aware", lambda a: ExceptionAware(arl0=a), 50, 5000),
        Family("exception-aware (both)", lambda a: ExceptionAware(arl0=a, direction="both"), 50, 5000),
    )
    everyone = (0, people)
    train_session = worlds.sessions(seed=TRAINING, people=everyone, events=EVENTS)
    twin = worlds.acceptance(seed=TRAINING, people=everyone, events=EVENTS)
    session = worlds.sessions(seed=SCORING, people=everyone, events=EVENTS)
    drop = worlds.acceptance(seed=SCORING, people=everyone, events=EVENTS, after=AFTER)
    calm = worlds.acceptance(seed=SCORING, people=everyone, events=EVENTS)
    rows = []
    for family in families:
        detector = family.make(tune(family, lambda found: first_alarms(found, twin, train_session), events=EVENTS))
        first = first_alarms(detector, drop, session)
        delay = metrics.mean_delay(first=first, change=CHANGE, events=EVENTS)
        rate = metrics.false_alarm_rate(first=first_alarms(detector, calm, session), events=EVENTS)
        row = {
            "detector": family.name,
            "knob": knob_of(detector),
            **cells("false_alarms", rate),
            **cells("delay", delay),
            "ratio_to_optimum": None if delay.value is None else delay.value / OPTIMUM,
            "missed": metrics.missed(first=first, change=CHANGE).value,
        }
        for rejects in (1, 3, 5):
            world = worlds.bad_day(seed=SCORING, people=everyone, events=CHANGE + 20, rejects=rejects)
            excess = metrics.excess_alarms(
                with_exception=first_alarms(detector, world.accepted, world.session),
                without=first_alarms(detector, world.twin, world.session),
                at=CHANGE,
            )
            row |= cells(f"excess_{rejects}", excess)
        rows.append(row)
    return pl.DataFrame(rows)


def option_flip(*, people: int) -> pl.DataFrame:
    """Return the delay after a favourite of four options loses to another, at one false alarm per 1,000 events."""
    before, after = FLIP
    calm = worlds.chosen_options(seed=TRAINING, people=(0, people), events=EVENTS, before=before)
    family = Family("option-shift", lambda a: OptionShift(arl0=a), 50, 5000)
    detector = family.make(tune(family, lambda found: first_choice_alarms(found, calm, 4), events=EVENTS))
    flip = worlds.chosen_options(seed=SCORING, people=(0, people), events=EVENTS, before=before, after=after)
    twin = worlds.chosen_options(seed=SCORING, people=(0, people), events=EVENTS, before=before)
    first = first_choice_alarms(detector, flip, 4)
    return pl.DataFrame(
        [
            {
                "detector": family.name,
                "knob": knob_of(detector),
                **cells(
                    "false_alarms",
                    metrics.false_alarm_rate(first=first_choice_alarms(detector, twin, 4), events=EVENTS),
                ),
                **cells("delay", metrics.mean_delay(first=first, change=CHANGE, events=EVENTS)),
                "median_delay": metrics.median_delay(first=first, change=CHANGE).value,
                "missed": metrics.missed(first=first, change=CHANGE).value,
                "alarmed_before": metrics.alarmed_early(first=first, change=CHANGE).value,
                "people": people,
            }
        ]
    )


def knob_of(detector: Scored) -> str:
    """Return the knob that sets how often the detector rings, in words."""
    if isinstance(detector, Control):
        return f"rate={detector.rate:g}"
    if isinstance(detector, RiverReference):
        return ", ".join(f"{name}={value:.3g}" for name, value in detector.knobs if name != "seed")
    if isinstance(detector, PageHinkley):
        return f"threshold={detector.threshold:.3g}, delta={detector.delta:g}, min_instances={detector.min_instances}"
    return f"arl0={getattr(detector, 'arl0', float('nan')):.0f}"


def cells(name: str, found: Measurement) -> dict[str, float | None]:
    """Return a figure and its standard error as two cells of a row."""
    return {name: found.value, f"{name}_se": found.standard_error}
