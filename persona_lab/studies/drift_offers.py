"""What a stream offers beside accept and reject: what confidence buys against a bad day, and what it costs."""

from __future__ import annotations

import numpy as np
import polars as pl

from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.metrics import drift as metrics
from persona_lab.randomness import uniforms
from persona_lab.simulate import drift_worlds as worlds
from persona_lab.studies.drift import AFTER, CHANGE, EVENTS, SCORING, cells

DOUBTFUL = 0.4
"""Confidence of an event that its source is not sure of (the lower level of the weights variants)."""

SHARE = 0.4
"""Share of doubtful events where confidence says nothing."""

REJECTS = 5


def confidence_price(*, people: int) -> pl.DataFrame:
    """Return false alarms, delay and excess after a bad day where confidence marks the bad day, or marks nothing.

    The detector is the exception-aware one at ARL0 1,000, its table made for confidence 1.
    """
    everyone, detector = (0, people), ExceptionAware()
    session = worlds.sessions(seed=SCORING, people=everyone, events=EVENTS)
    calm = worlds.acceptance(seed=SCORING, people=everyone, events=EVENTS)
    drop = worlds.acceptance(seed=SCORING, people=everyone, events=EVENTS, after=AFTER)
    day = worlds.bad_day(seed=SCORING, people=everyone, events=CHANGE + 20, rejects=REJECTS)
    luck = uniforms(SCORING, "drift/confidence", steps=(0, EVENTS), streams=everyone)
    sure = np.ones((EVENTS, people))
    marked = sure.copy()
    marked[CHANGE : CHANGE + REJECTS] = DOUBTFUL
    noise = np.where(luck < SHARE, DOUBTFUL, 1.0)
    rows = []
    for name, usual, exceptional in (
        ("always 1", sure, sure),
        ("low on the bad day", sure, marked),
        ("low at random", noise, noise),
    ):
        first = _first(detector, drop, session, usual)
        rung = _first(detector, day.accepted, day.session, exceptional)
        twin = _first(detector, day.twin, day.session, usual)
        rate = metrics.false_alarm_rate(first=_first(detector, calm, session, usual), events=EVENTS)
        rows.append(
            {
                "confidence": name,
                **cells("false_alarms", rate),
                **cells("delay", metrics.mean_delay(first=first, change=CHANGE, events=EVENTS)),
                **cells("excess_5", metrics.excess_alarms(with_exception=rung, without=twin, at=CHANGE)),
                "people": people,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def _first(detector: ExceptionAware, accepted: BoolArray, session: IntArray, confidence: FloatArray) -> IntArray:
    state = detector.init(2, accepted.shape[1])
    rung = np.zeros(accepted.shape, dtype=np.bool_)
    for t, row in enumerate(accepted):
        given = worlds.as_feedback(row, session[t])._replace(confidence=confidence[t])
        state = detector.update(state, given)
        rung[t] = detector.alarm(state)
    return metrics.first_alarm(alarms=rung)
