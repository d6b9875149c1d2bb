"""Drift detectors at an equal false-alarm rate: every target of the drift issue, knobs set on other people."""

from __future__ import annotations

import json
import os
from pathlib import Path

import polars as pl

from persona_lab.errors import InputError
from persona_lab.studies import drift as study
from persona_lab.studies.drift_logs import ada_learn, f1_table

WINDOWED = ("beta-factor", "bocpd", "glr")
PEOPLE = int(os.environ.get("PERSONA_LAB_DRIFT_PEOPLE", "6000"))


def run(out: Path) -> None:
    """Write ``drift.json``, a section at a time, so that an interrupted run leaves what it has."""
    path = out / "drift.json"
    record: dict[str, object] = {"people": PEOPLE, "optimum": study.OPTIMUM}
    fast = [family for family in study.FAMILIES if family.name not in WINDOWED]
    slow = [family for family in study.FAMILIES if family.name in WINDOWED]
    main = [family for family in study.FAMILIES if family.name == "shiryaev-roberts"]
    short = [*main, study.short_history_family()]
    few = min(PEOPLE, 2000)
    sections = {
        "exception_price": lambda: study.exception_price(people=PEOPLE),
        "option_flip": lambda: study.option_flip(people=PEOPLE),
        "ada_learn": lambda: f1_table(ada_learn()),
        "equal_false_alarms": lambda: study.equal_false_alarms(study.tuned(fast, people=PEOPLE), people=PEOPLE),
        "change_after_30": lambda: study.equal_false_alarms(
            study.tuned(short, people=PEOPLE), people=PEOPLE, change=study.EARLY_CHANGE
        ),
        "stated_arl0": lambda: study.stated_arl0(people=1024),
        "equal_false_alarms_windowed": lambda: study.equal_false_alarms(study.tuned(slow, people=few), people=few),
        "river": lambda: study.equal_false_alarms(study.tuned(study.RIVER, people=500), people=PEOPLE),
    }
    for name, make in sections.items():
        try:
            frame: pl.DataFrame = make()
        except InputError as error:
            record[name] = str(error)
        else:
            record[name] = frame.to_dicts()
            print(frame)
        path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
