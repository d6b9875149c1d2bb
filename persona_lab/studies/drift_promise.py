"""Is the stated number of events between false alarms true, and for whom? No stream of this file ever changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.ewma_chart import EwmaChart
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.glr import Glr
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.feedback import IntArray
from persona_lab.metrics import drift as metrics
from persona_lab.protocols import DriftDetector
from persona_lab.simulate import drift_worlds as worlds
from persona_lab.studies.drift import BASE_RATES, EVENTS, SCORING, cells, first_choice_alarms

STATED = (200.0, 1000.0, 5000.0)
LONGEST = 4.5
"""Streams run to this multiple of the stated ARL0; 1 in 90 has not rung by then and is given the mean residual."""

STRETCH = 512

Maker = Callable[[float], DriftDetector]

PROMISING: dict[str, Maker] = {
    "shiryaev-roberts": lambda a: ShiryaevRoberts(arl0=a),
    "shiryaev-roberts (both)": lambda a: ShiryaevRoberts(arl0=a, direction="both"),
    "cusum": lambda a: Cusum(arl0=a),
    "ewma-chart": lambda a: EwmaChart(arl0=a),
    "cusum (both)": lambda a: Cusum(arl0=a, direction="both"),
    "ewma-chart (both)": lambda a: EwmaChart(arl0=a, direction="both"),
}

PROMISING_IN_SESSIONS: dict[str, Maker] = {
    "exception-aware": lambda a: ExceptionAware(arl0=a),
    "exception-aware (both)": lambda a: ExceptionAware(arl0=a, direction="both"),
}
"""They look at sessions, here of 1 to 8 events; their tables end at 1,500 events."""

PROMISING_WINDOWED: dict[str, Maker] = {
    "beta-factor": lambda a: BetaFactor(arl0=a),
    "bocpd": lambda a: Bocpd(arl0=a),
    "glr": lambda a: Glr(arl0=a),
}
"""Their tables end at 400 events; windows make them tens of times dearer to check, so that fewer cells are."""

CHOOSERS: tuple[tuple[float, ...], ...] = (
    (0.7, 0.1, 0.1, 0.1),
    (0.4, 0.2, 0.2, 0.2),
    (0.25, 0.25, 0.25, 0.25),
    (0.7, 0.3, 0.0, 0.0),
    (0.5, 0.5, 0.0, 0.0),
    (0.8, 0.2, 0.0, 0.0),
    (0.6, 0.3, 0.1, 0.0),
    (0.4, 0.4, 0.2, 0.0),
    (0.5, 0.4, 0.05, 0.05),
    (0.9, 0.04, 0.03, 0.03),
    (0.97, 0.01, 0.01, 0.01),
)
"""Kinds of people who choose between four options: many or few rivals, some never chosen, nearly always the same."""


def stated_arl0(
    makers: Mapping[str, Maker],
    *,
    people: int,
    arl0: tuple[float, ...] = STATED,
    rates: tuple[float, ...] = BASE_RATES,
) -> pl.DataFrame:
    """Return the mean events to the first alarm from a cold start beside the ARL0 stated, for every base rate."""
    rows = []
    for name, make in makers.items():
        for stated in arl0:
            for rate in rates:
                events = int(LONGEST * stated)
                found = metrics.run_length(first=first_alarms_long(make(stated), rate, people, events), events=events)
                ratio, error = found.value, found.standard_error
                rows.append(
                    {
                        "detector": name,
                        "stated": stated,
                        "base_rate": rate,
                        **cells("mean", found),
                        "ratio": None if ratio is None else ratio / stated,
                        "ratio_se": None if error is None else error / stated,
                        "people": people,
                    }
                )
    return pl.DataFrame(rows, infer_schema_length=None)


def chooser_false_alarms(detectors: Mapping[str, DriftDetector], *, people: int) -> pl.DataFrame:
    """Return false alarms per 1,000 of the first ``EVENTS`` choices for each kind of person of :data:`CHOOSERS`."""
    rows = []
    for shares in CHOOSERS:
        chosen = worlds.chosen_options(seed=SCORING, people=(0, people), events=EVENTS, before=shares)
        for name, detector in detectors.items():
            found = metrics.false_alarm_rate(first=first_choice_alarms(detector, chosen, len(shares)), events=EVENTS)
            rows.append({"detector": name, "shares": list(shares), **cells("false_alarms", found), "people": people})
    return pl.DataFrame(rows, infer_schema_length=None)


def default_choosers() -> dict[str, DriftDetector]:
    """Return the K-option detector that the flip's delay is reported of, at ARL0 1,000."""
    return {"option-shift": OptionShift()}


def first_alarms_long(detector: DriftDetector, rate: float, people: int, events: int) -> IntArray:
    """Return first alarms over long streams without keeping them; a stream is followed to its first alarm."""
    state: Any = detector.init(2, people)
    in_sessions = isinstance(detector, ExceptionAware)
    first: NDArray[np.int64] = np.full(people, metrics.NO_ALARM, dtype=np.int64)
    alive = np.arange(people)
    for start in range(0, events, STRETCH):
        stop = min(events, start + STRETCH)
        # Seeds differ by stretch: worlds count their events from 0.
        seed = SCORING + 1000 * start
        accepted = worlds.acceptance(seed=seed, people=(0, people), events=stop - start, before=rate)[:, alive]
        session: IntArray = np.zeros(accepted.shape, dtype=np.int32)
        if in_sessions:
            # Of two stretches no session is the same: numbers go on from ``start``, an event has at most one.
            session = start + worlds.sessions(seed=seed, people=(0, people), events=stop - start)[:, alive]
        for t in range(stop - start):
            state = detector.update(state, worlds.as_feedback(accepted[t], session[t]))
            rung = alive[detector.alarm(state)]
            first[rung] = np.where(first[rung] == metrics.NO_ALARM, start + t, first[rung])
        quiet = first[alive] == metrics.NO_ALARM
        alive, state = alive[quiet], _of(state, quiet)
        if alive.size == 0:
            break
    return first


def _of(state: Any, which: NDArray[np.bool_]) -> Any:
    """Return the streams ``which`` of a state: nested named tuples of arrays whose last axis is the stream."""
    if isinstance(state, tuple):
        return type(state)(*(_of(part, which) for part in state))
    return state[..., which]
