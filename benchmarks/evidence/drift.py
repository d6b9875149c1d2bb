"""Drift detectors at an equal false-alarm rate: every target of the drift issue, knobs set on other people.

``PERSONA_LAB_DRIFT_ONLY=references,intervals`` runs the named sections and leaves the others of the record as they are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl

from benchmarks.drift import speeds
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.errors import InputError
from persona_lab.studies import drift as study
from persona_lab.studies.drift_explained import interval_coverage
from persona_lab.studies.drift_logs import ada_learn, f1_table
from persona_lab.studies.drift_offers import confidence_price
from persona_lab.studies.drift_promise import (
    PROMISING,
    PROMISING_IN_SESSIONS,
    PROMISING_WINDOWED,
    chooser_false_alarms,
    default_choosers,
    stated_arl0,
)
from persona_lab.studies.drift_references import library_scores, tuned_references

PEOPLE = 6000
PROMISE_PEOPLE = 16_384
"""Standard errors below .01 of the ratio: with 4,096 people a cell 8 % off cannot be told from one 11 % off."""
WINDOWED = ("beta-factor", "bocpd", "glr")
WINDOWED_PEOPLE = 1000
TRAINING_PEOPLE, UNSEEN_PEOPLE = 24_000, 96_000
"""On whom the default's knob is chosen, and on whom its two delays are scored: standard errors of .05 and .02."""


def _families(*, windowed: bool) -> list[study.Family]:
    return [family for family in study.FAMILIES if (family.name in WINDOWED) == windowed]


def _promises() -> pl.DataFrame:
    """Return stated against true ARL0: every base rate for the default, three of them for the others."""
    default = {"shiryaev-roberts": PROMISING["shiryaev-roberts"]}
    others = {name: make for name, make in PROMISING.items() if name not in default}
    return pl.concat(
        [
            stated_arl0(default, people=PROMISE_PEOPLE),
            stated_arl0(others, people=PROMISE_PEOPLE, rates=(0.5, 0.85, 0.98)),
            stated_arl0(PROMISING_IN_SESSIONS, people=PROMISE_PEOPLE, rates=(0.5, 0.85, 0.98)),
            stated_arl0(PROMISING_WINDOWED, people=2048, arl0=(200.0, 1000.0), rates=(0.5, 0.85, 0.98)),
        ]
    )


def _default_setting() -> pl.DataFrame:
    """Return the default detector's two delays under one setting, on people whom no choice has looked at."""
    default = [family for family in study.FAMILIES if family.name == "shiryaev-roberts"]
    detectors = study.tuned(default, people=TRAINING_PEOPLE)
    return pl.concat(
        [
            study.equal_false_alarms(
                detectors, people=UNSEEN_PEOPLE, change=change, spread=False, seed=study.UNSEEN
            ).with_columns(pl.lit(change).alias("change"))
            for change in (study.EARLY_CHANGE, study.CHANGE)
        ]
    )


def _short_histories() -> pl.DataFrame:
    """Return delays after changes that come early, under the one setting of the main table."""
    detectors = study.tuned(_families(windowed=False), people=PEOPLE)
    tables = [
        study.equal_false_alarms(detectors, people=PEOPLE, change=change, spread=False).with_columns(
            pl.lit(change).alias("change")
        )
        for change in (20, study.EARLY_CHANGE, 50, 80, study.CHANGE)
    ]
    return pl.concat(tables)


SECTIONS: dict[str, Callable[[], pl.DataFrame]] = {
    "equal_false_alarms": lambda: study.equal_false_alarms(
        {**study.tuned(_families(windowed=False), people=PEOPLE), **study.CONTROLS}, people=PEOPLE
    ),
    "default_setting": _default_setting,
    "short_histories": _short_histories,
    "stated_arl0": _promises,
    "exception_price": lambda: study.exception_price(people=PEOPLE),
    "confidence_price": lambda: confidence_price(people=PEOPLE),
    "option_flip": lambda: study.option_flip(people=PEOPLE),
    "chooser_false_alarms": lambda: chooser_false_alarms(default_choosers(), people=3000),
    "interval_coverage": lambda: interval_coverage(people=2000),
    "ada_learn": lambda: f1_table(ada_learn()),
    "library_scores": lambda: library_scores({"shiryaev-roberts": ShiryaevRoberts()}, people=2000),
    "speed": speeds,
    "references": lambda: study.equal_false_alarms(tuned_references(), people=PEOPLE),
    "equal_false_alarms_windowed": lambda: study.equal_false_alarms(
        study.tuned(_families(windowed=True), people=WINDOWED_PEOPLE), people=WINDOWED_PEOPLE
    ),
}


def run(out: Path) -> None:
    """Write ``drift.json``, a section at a time, so that an interrupted run leaves what it has."""
    path = out / "drift.json"
    only = [name for name in os.environ.get("PERSONA_LAB_DRIFT_ONLY", "").split(",") if name]
    if unknown := set(only) - set(SECTIONS):
        raise SystemExit(f"unknown: {', '.join(sorted(unknown))}; there are: {', '.join(SECTIONS)}")
    for name in only or SECTIONS:
        try:
            frame = SECTIONS[name]()
        except InputError as error:
            found: object = str(error)
        else:
            found = frame.to_dicts()
            print(frame, flush=True)
        # Read again: sections may run side by side.
        record = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        record |= {"people": PEOPLE, "optimum": study.OPTIMUM, name: found}
        kept = {key: record[key] for key in ("people", "optimum", *SECTIONS) if key in record}
        path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
