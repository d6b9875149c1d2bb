"""The equal-false-alarm study of drift detectors: every figure beside its false-alarm rate, knobs set on other people.

A knob is chosen on training people so that the no-drift twin shows one false alarm per 1,000 events, cold start
included, and everything is scored on other people. All functions return Polars frames, one row a detector (and cell).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.calibration import calibrate
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
from persona_lab.simulate import drift_worlds as worlds

OPTIMUM = 7.858585332442451
"""Mean delay of the CUSUM told .85 and .35 at one alarm per 1,046.8 events: ``metrics.drift_optimum.optimal_cusum``."""

BEFORE, AFTER, CHANGE, EVENTS = 0.85, 0.35, 150, 300
EARLY_CHANGE = 30
BASE_RATES = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98)
TARGET = 1.0
"""False alarms per 1,000 events."""

TRAINING, SCORING = 11, 12
"""Seeds of the people on whom knobs are chosen, and of those who are scored."""

BLOCK = 2048
SHORT_HISTORY = 56.0
FLIP = ((0.7, 0.1, 0.1, 0.1), (0.1, 0.7, 0.1, 0.1))


@dataclass(frozen=True)
class Family:
    """A detector with one knob; a larger knob rings less often. ``slow`` ones (Python objects) get fewer people."""

    name: str
    make: Callable[[float], DriftDetector]
    low: float
    high: float
    slow: bool = False


def _wrapped(kind: Any, knob: str, sign: int = 1, **fixed: Any) -> Callable[[float], DriftDetector]:
    return lambda value: RiverReference(kind, tuple({knob: value**sign, **fixed}.items()))


FAMILIES = (
    Family("shiryaev-roberts", lambda a: ShiryaevRoberts(arl0=a), 50, 5000),
    Family("cusum", lambda a: Cusum(arl0=a), 50, 5000),
    Family("beta-factor", lambda a: BetaFactor(arl0=a), 50, 5000),
    Family("bocpd", lambda a: Bocpd(arl0=a), 50, 5000),
    Family("glr", lambda a: Glr(arl0=a), 50, 5000),
    Family("ewma-chart", lambda a: EwmaChart(arl0=a), 50, 5000),
    Family(
        "page-hinkley (threshold tuned)",
        lambda h: PageHinkley(threshold=h, delta=0.25, min_instances=1, mode="down"),
        0.5,
        40,
    ),
)
"""Ours hold one ARL0 for everybody; Page-Hinkley is given the tolerance that suits this drop (half of it)."""

RIVER = (
    Family("river ADWIN (clock 1)", _wrapped("ADWIN", "delta", -1, clock=1), 1.01, 1e6, slow=True),
    Family("river ADWIN (clock 32)", _wrapped("ADWIN", "delta", -1), 1.01, 1e6, slow=True),
    Family("river DDM", _wrapped("DDM", "drift_threshold", warm_start=30), 0.5, 20, slow=True),
    Family("river HDDM_A", _wrapped("HDDM_A", "drift_confidence", -1), 1.01, 1e8, slow=True),
    Family("river HDDM_W", _wrapped("HDDM_W", "drift_confidence", -1), 1.01, 1e8, slow=True),
    Family("river KSWIN", _wrapped("KSWIN", "alpha", -1, seed=1), 1.01, 1e8, slow=True),
)
"""river's, each at its own defaults but for the knob that sets how often it rings."""


def first_alarms(
    detector: DriftDetector, accepted: BoolArray, session: IntArray | None = None, *, block: int = BLOCK
) -> IntArray:
    """Return each person's first alarm; ``accepted`` and ``session`` are (events, people)."""
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


def short_history_family(*, streams: int = 300_000) -> Family:
    """Return Shiryaev-Roberts with critical values made for short histories (more of the alarms before 60)."""
    arl0 = (700.0, 1000.0, 1500.0, 2200.0)
    table = calibrate(ShiryaevRoberts(), arl0=arl0, streams=streams, longest=EVENTS + 10, short=SHORT_HISTORY)
    return Family(
        "shiryaev-roberts (short histories)", lambda a: ShiryaevRoberts(arl0=a, table=table), arl0[0], arl0[-1]
    )


def tune(family: Family, ring: Callable[[DriftDetector], IntArray], *, events: int, steps: int = 10) -> float:
    """Return the knob at which training people who never change ring ``TARGET`` times per 1,000 events."""
    low, high = np.log(family.low), np.log(family.high)
    for _ in range(steps):
        middle = 0.5 * (low + high)
        rate = metrics.false_alarm_rate(first=ring(family.make(float(np.exp(middle)))), events=events)
        low, high = (middle, high) if (rate.value or 0.0) > TARGET else (low, middle)
    return float(np.exp(0.5 * (low + high)))


def tuned(
    families: Iterable[Family], *, people: int, events: int = EVENTS, slow_people: int = 500
) -> dict[str, DriftDetector]:
    """Return every family at one false alarm per 1,000 events of people who accept ``BEFORE`` of the time."""
    found = {}
    for family in families:
        count = min(people, slow_people) if family.slow else people
        twin = worlds.acceptance(seed=TRAINING, people=(0, count), events=events, before=BEFORE)
        ring = lambda detector, twin=twin: first_alarms(detector, twin)  # noqa: E731  # binds the twin
        found[family.name] = family.make(tune(family, ring, events=events, steps=7 if family.slow else 10))
    return found


def equal_false_alarms(
    detectors: dict[str, DriftDetector], *, people: int, change: int = CHANGE, slow_people: int = 500
) -> pl.DataFrame:
    """Return delay at an equal false-alarm rate, and the spread of that rate over base rates under the same knob."""
    rows = []
    for name, detector in detectors.items():
        count = (0, min(people, slow_people) if isinstance(detector, RiverReference) else people)
        drop = worlds.acceptance(seed=SCORING, people=count, events=EVENTS, before=BEFORE, after=AFTER, change=change)
        first = first_alarms(detector, drop)
        rates = base_rate_rates(detector, people=count[1])
        delay = metrics.mean_delay(first=first, change=change, events=EVENTS)
        rows.append(
            {
                "detector": name,
                "knob": knob_of(detector),
                **_cells("false_alarms", rates[BEFORE]),
                **_cells("delay", delay),
                "ratio_to_optimum": None if delay.value is None else delay.value / OPTIMUM,
                "median_delay": metrics.median_delay(first=first, change=change).value,
                "missed": metrics.missed(first=first, change=change).value,
                "alarmed_before": metrics.alarmed_early(first=first, change=change).value,
                **_cells("spread", metrics.false_alarm_spread(rates=rates)),
                "people": count[1],
            }
        )
    return pl.DataFrame(rows)


def base_rate_rates(detector: DriftDetector, *, people: int) -> dict[float, Measurement]:
    """Return false alarms per 1,000 events for people of each base rate, one knob."""
    return {
        rate: metrics.false_alarm_rate(
            first=first_alarms(
                detector, worlds.acceptance(seed=SCORING, people=(0, people), events=EVENTS, before=rate)
            ),
            events=EVENTS,
        )
        for rate in BASE_RATES
    }


def base_rate_sweep(detectors: dict[str, DriftDetector], *, people: int) -> pl.DataFrame:
    """Return false alarms per 1,000 events by detector and base rate."""
    rows = []
    for name, detector in detectors.items():
        count = min(people, 500) if isinstance(detector, RiverReference) else people
        for rate, found in base_rate_rates(detector, people=count).items():
            rows.append({"detector": name, "base_rate": rate, **_cells("false_alarms", found)})
    return pl.DataFrame(rows)


def delay_curves(detectors: dict[str, DriftDetector], *, people: int, longest: int = 40) -> pl.DataFrame:
    """Return the share of changes caught within 1, 2, ... events, by detector."""
    drop = worlds.acceptance(seed=SCORING, people=(0, people), events=EVENTS, before=BEFORE, after=AFTER)
    rows = []
    for name, detector in detectors.items():
        part = drop[:, : min(people, 500)] if isinstance(detector, RiverReference) else drop
        curve = metrics.delay_curve(first=first_alarms(detector, part), change=CHANGE, longest=longest)
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
            part = drop[:, : min(people, 500)] if isinstance(detector, RiverReference) else drop
            delay = metrics.mean_delay(first=first_alarms(detector, part), change=CHANGE, events=EVENTS)
            rows.append({"detector": name, "falls_over": over, **_cells("delay", delay)})
    return pl.DataFrame(rows)


def exception_curves(detectors: dict[str, DriftDetector], *, people: int) -> pl.DataFrame:
    """Return excess alarms within 20 events of 1 to 5 rejects in one session, by detector."""
    rows = []
    for rejects in range(1, 6):
        world = worlds.bad_day(seed=SCORING, people=(0, people), events=CHANGE + 20, rejects=rejects)
        for name, detector in detectors.items():
            count = min(people, 500) if isinstance(detector, RiverReference) else people
            with_exception = first_alarms(detector, world.accepted[:, :count], world.session[:, :count])
            without = first_alarms(detector, world.twin[:, :count], world.session[:, :count])
            found = metrics.excess_alarms(with_exception=with_exception, without=without, at=CHANGE)
            rows.append({"detector": name, "rejects": rejects, **_cells("excess", found)})
    return pl.DataFrame(rows)


def exception_price(*, people: int) -> pl.DataFrame:
    """Return what looking at sessions buys (fewer alarms after a bad day) and what it costs (delay)."""
    families = (
        Family("shiryaev-roberts", lambda a: ShiryaevRoberts(arl0=a), 50, 5000),
        Family("exception-aware", lambda a: ExceptionAware(arl0=a), 50, 5000),
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
            **_cells("false_alarms", rate),
            **_cells("delay", delay),
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
            row |= _cells(f"excess_{rejects}", excess)
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
                **_cells(
                    "false_alarms",
                    metrics.false_alarm_rate(first=first_choice_alarms(detector, twin, 4), events=EVENTS),
                ),
                **_cells("delay", metrics.mean_delay(first=first, change=CHANGE, events=EVENTS)),
                "median_delay": metrics.median_delay(first=first, change=CHANGE).value,
                "missed": metrics.missed(first=first, change=CHANGE).value,
                "alarmed_before": metrics.alarmed_early(first=first, change=CHANGE).value,
                "people": people,
            }
        ]
    )


def stated_arl0(
    *, people: int, arl0: tuple[float, ...] = (200.0, 1000.0, 5000.0), rates: tuple[float, ...] = BASE_RATES
) -> pl.DataFrame:
    """Return the mean events to the first alarm from a cold start beside the ARL0 stated, for every base rate."""
    rows = []
    for stated in arl0:
        detector = ShiryaevRoberts(arl0=stated)
        for rate in rates:
            found = metrics.run_length(
                first=_first_alarms_streaming(detector, rate, people, int(4.5 * stated)), events=int(4.5 * stated)
            )
            ratio = None if found.value is None else found.value / stated
            rows.append({"stated": stated, "base_rate": rate, **_cells("mean", found), "ratio": ratio})
    return pl.DataFrame(rows)


def knob_of(detector: DriftDetector) -> str:
    """Return the knob that sets how often the detector rings, in words."""
    if isinstance(detector, RiverReference):
        return ", ".join(f"{name}={value:.3g}" for name, value in detector.knobs if name != "seed")
    if isinstance(detector, PageHinkley):
        return f"threshold={detector.threshold:.3g}, delta={detector.delta:g}"
    return f"arl0={getattr(detector, 'arl0', float('nan')):.0f}"


def _first_alarms_streaming(detector: DriftDetector, rate: float, people: int, events: int) -> IntArray:
    """Return first alarms over long streams without keeping them, 512 events at a time."""
    state = detector.init(2, people)
    first: NDArray[np.int64] = np.full(people, metrics.NO_ALARM, dtype=np.int64)
    for start in range(0, events, 512):
        stop = min(events, start + 512)
        # Seeds differ by stretch: worlds count their events from 0.
        accepted = worlds.acceptance(seed=SCORING + 1000 * start, people=(0, people), events=stop - start, before=rate)
        for t in range(stop - start):
            state = detector.update(state, worlds.as_feedback(accepted[t]))
            rung = detector.alarm(state) & (first == metrics.NO_ALARM)
            first[rung] = start + t
    return first


def _cells(name: str, found: Measurement) -> dict[str, float | None]:
    return {name: found.value, f"{name}_se": found.standard_error}
