"""Are explanations true? How often the stated interval holds the moment of change, and how many cited events speak."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.feedback import BoolArray, Feedback, FloatArray, IntArray
from persona_lab.protocols import DriftDetector
from persona_lab.simulate import drift_worlds as worlds
from persona_lab.studies.drift import EVENTS, FLIP, SCORING

CHANGES = ((0.85, 0.35, 150), (0.85, 0.35, 60), (0.85, 0.35, 35), (0.85, 0.6, 150), (0.95, 0.7, 150), (0.6, 0.2, 150))
"""Accept rates before and after, and the event at which they change."""


def interval_coverage(*, people: int) -> pl.DataFrame:
    """Return how often the 90 % interval of the change point holds the change, first alarms after the change only.

    ``cited_after`` is the share of the cited events, from the stated start to the alarm, that came after the change;
    ``of_after`` the share of the changed events, up to the alarm, that are cited.
    """
    rows = []
    for before, after, change in CHANGES:
        made: dict[str, DriftDetector] = {"shiryaev-roberts": ShiryaevRoberts(), "exception-aware": ExceptionAware()}
        accepted = worlds.acceptance(
            seed=SCORING, people=(0, people), events=EVENTS, before=before, after=after, change=change
        )
        session = worlds.sessions(seed=SCORING, people=(0, people), events=EVENTS)
        rows += _rows(
            made, _accepting(accepted, session), 2, people, change, f"accept {before:g} to {after:g} at {change}"
        )
    before_shares, after_shares = FLIP
    chosen = worlds.chosen_options(
        seed=SCORING, people=(0, people), events=EVENTS, before=before_shares, after=after_shares
    )
    feed = [worlds.choice_as_feedback(row) for row in chosen]
    rows += _rows(
        {"option-shift": OptionShift()}, feed, len(before_shares), people, 150, "favourite of four flips at 150"
    )
    return pl.DataFrame(rows, infer_schema_length=None)


def _accepting(accepted: BoolArray, session: IntArray) -> list[Feedback]:
    return [worlds.as_feedback(row, at) for row, at in zip(accepted, session, strict=True)]


def _rows(
    detectors: Mapping[str, DriftDetector], feed: list[Feedback], options: int, people: int, change: int, world: str
) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, detector in detectors.items():
        found = _first_explanations(detector, feed, options, people, change)
        alarm, start, low, high = found
        if alarm.size < 2:
            continue
        held = ((low <= change) & (change <= high)).astype(np.float64)
        cited = np.maximum(alarm - start + 1, 1)
        shared = alarm - np.maximum(start, change) + 1
        rows.append(
            {
                "world": world,
                "detector": name,
                "n": int(alarm.size),
                "coverage": float(held.mean()),
                "coverage_se": _error(held),
                "width": float((high - low + 1).mean()),
                "median_error": float(np.median(start - change)),
                "too_early": float((start < change).mean()),
                "cited_after": float((shared / cited).mean()),
                "of_after": float((shared / (alarm - change + 1)).mean()),
            }
        )
    return rows


def _error(values: FloatArray) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size))


def _first_explanations(
    detector: DriftDetector, feed: list[Feedback], options: int, people: int, change: int
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Return alarm, start, low and high of each stream that first rang after the change."""
    state = detector.init(options, people)
    waiting = np.ones(people, dtype=np.bool_)
    kept: list[IntArray] = []
    for t, given in enumerate(feed):
        state = detector.update(state, given)
        now = np.flatnonzero(detector.alarm(state) & waiting)
        if now.size == 0:
            continue
        waiting[now] = False
        if t >= change:
            said = detector.estimate(state)
            kept.append(np.stack([np.full(now.size, t), said.start[now], said.start_low[now], said.start_high[now]]))
    if not kept:
        return (np.empty(0, dtype=np.int64),) * 4
    alarm, start, low, high = np.concatenate(kept, axis=1)
    return alarm, start, low, high
