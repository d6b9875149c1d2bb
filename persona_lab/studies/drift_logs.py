"""Drift detection on a real log with labelled changes: ada_learn (Foucault & Meyniel, Open Mind 2024; CC BY 4.0).

55 people watched 925 sessions of 75 binary outcomes whose hidden rate jumps about every 20. An alarm matches the latest
unmatched change at most 15 events before it, each once; the first trial of a session is no change. Knobs are chosen on
other people: every person is scored by a knob set without that person's fold.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl

from persona_lab.detectors.run_length import RunLength
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.errors import InputError
from persona_lab.feedback import BoolArray, IntArray
from persona_lab.metrics import drift as metrics
from persona_lab.protocols import DriftDetector
from persona_lab.randomness import generator, uniforms
from persona_lab.studies.drift import alarms

FOLDS = 5
TOLERANCE = 15
TRIALS = 75
SEED = 31


@dataclass(frozen=True)
class LabelledLog:
    """Outcomes and true changes, (events, streams), and whose stream it is (streams,)."""

    outcomes: BoolArray
    changes: BoolArray
    person: IntArray


def data_folder() -> Path:
    """Return where the public logs lie: ``PERSONA_LAB_DATA``, else ``../shared/data`` from the project's root."""
    return Path(os.environ.get("PERSONA_LAB_DATA", Path(__file__).parents[3] / "shared" / "data"))


def ada_learn(file: Path | None = None) -> LabelledLog:
    """Read ada_learn.

    Raises
    ------
    InputError
        If the file is not there.
    """
    path = file or data_folder() / "ada_learn" / "prob.parquet"
    if not path.exists():
        raise InputError("the log is not there", cure="Set PERSONA_LAB_DATA to the folder of the logs.", file=str(path))
    log = pl.read_parquet(path).sort("run_id", "session", "trial")

    def column(name: str) -> BoolArray:
        values: BoolArray = log[name].to_numpy().reshape(-1, TRIALS).T.astype(np.bool_)
        return values

    changes = column("change_point").copy()
    changes[0] = False
    person = np.unique(log["user_id"].to_numpy().reshape(-1, TRIALS)[:, 0], return_inverse=True)[1].astype(np.int64)
    return LabelledLog(column("outcome"), changes, person)


def folds(person: IntArray) -> IntArray:
    """Return the fold of each stream: people, not streams, are dealt out."""
    people = int(person.max()) + 1
    dealt: IntArray = (generator(SEED, "ada_learn/folds").permutation(people) % FOLDS)[person]
    return dealt


def cross_fitted(log: LabelledLog, candidates: dict[str, Callable[[], BoolArray]]) -> tuple[BoolArray, list[str]]:
    """Return alarms of each fold under the candidate that was best on the other folds, and the names chosen."""
    fold = folds(log.person)
    rung = {name: make() for name, make in candidates.items()}
    chosen, picked = np.zeros_like(log.outcomes), []
    for held_out in range(FOLDS):
        train = fold != held_out
        best = max(rung, key=lambda name: _f1(rung[name], log, train))
        picked.append(best)
        chosen[:, ~train] = rung[best][:, ~train]
    return chosen, picked


def f1_table(log: LabelledLog) -> pl.DataFrame:
    """Return F1 of detectors with cross-fitted knobs beside random and always-on alarms, errors over people."""

    def ring(detector: DriftDetector) -> Callable[[], BoolArray]:
        return lambda: alarms(detector, log.outcomes, block=1024)

    luck = uniforms(SEED, "ada_learn/random", steps=(0, TRIALS), streams=(0, log.person.size))
    families: dict[str, dict[str, Callable[[], BoolArray]]] = {
        "run-length": {
            f"hazard={hazard}, certainty={certainty}": ring(
                RunLength(certainty=certainty, hazard=hazard, window=TRIALS)
            )
            for hazard in (0.03, 0.05, 0.08)
            for certainty in (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85)
        },
        "shiryaev-roberts (both)": {
            f"arl0={arl0}": ring(ShiryaevRoberts(arl0=arl0, direction="both")) for arl0 in (20.0, 30.0, 50.0, 100.0)
        },
        "random alarm": {
            f"rate={rate}": partial(metrics.random_alarms, luck=luck, rate=rate)
            for rate in (0.03, 0.05, 0.06, 0.07, 0.08, 0.1, 0.12)
        },
        "always on": {"rate=1": lambda: np.ones_like(log.outcomes)},
    }
    rows = []
    for name, candidates in families.items():
        chosen, picked = cross_fitted(log, candidates)
        found = metrics.match(alarms=chosen, changes=log.changes, tolerance=TOLERANCE)
        value = metrics.f1(matches=found, groups=log.person)
        rows.append(
            {
                "detector": name,
                "f1": value.value,
                "f1_se": value.standard_error,
                "precision": _share(found.hits, found.alarms),
                "recall": _share(found.hits, found.changes),
                "alarms_per_session": float(found.alarms.mean()),
                "knobs chosen on other people": "; ".join(sorted(set(picked))),
                "people": int(log.person.max()) + 1,
                "sessions": int(log.person.size),
            }
        )
    return pl.DataFrame(rows)


def _f1(rung: BoolArray, log: LabelledLog, streams: BoolArray) -> float:
    found = metrics.match(alarms=rung[:, streams], changes=log.changes[:, streams], tolerance=TOLERANCE)
    return metrics.f1(matches=found).value or 0.0


def _share(hits: IntArray, of: IntArray) -> float | None:
    return float(hits.sum() / of.sum()) if of.sum() else None
