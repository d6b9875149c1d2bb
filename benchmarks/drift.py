"""Accept/reject events per second, one core: our detectors beside river's in the same run, and bytes a stream."""

from __future__ import annotations

import sys
import time
from statistics import median
from typing import Any

import polars as pl
from river import drift as river

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.ewma_chart import EwmaChart
from persona_lab.detectors.glr import Glr
from persona_lab.detectors.page_hinkley import PageHinkley
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.protocols import DriftDetector
from persona_lab.simulate.drift_worlds import acceptance, as_feedback

BLOCK = 8192
STEPS = 128
SECONDS, PAIRS = 0.15, 7
"""Of each measurement, and how many each detector gets."""
DETECTORS: dict[str, DriftDetector] = {
    "cusum": Cusum(),
    "shiryaev-roberts": ShiryaevRoberts(),
    "ewma-chart": EwmaChart(),
    "page-hinkley": PageHinkley(),
    "beta-factor": BetaFactor(),
    "bocpd": Bocpd(),
    "glr": Glr(),
}


def speeds() -> pl.DataFrame:
    """Return events per second of every detector, as a ratio to river's Page-Hinkley, and bytes a stream.

    River and ours take turns, ``PAIRS`` times; the ratio is the median over turns, between the lowest and the highest:
    what else the machine does slows both.
    """
    accepted = acceptance(seed=0, people=(0, BLOCK), events=STEPS)
    contestants: dict[str, DriftDetector | None] = {"river ADWIN": None, **DETECTORS}
    rows = [{"detector": "river PageHinkley", "ratio": 1.0, "bytes": _river_bytes(river.PageHinkley())}]
    for name, detector in contestants.items():
        turns = []
        for _ in range(PAIRS):
            reference = _river(river.PageHinkley(), accepted)
            own = _river(river.ADWIN(), accepted) if detector is None else _speed(detector, accepted)
            turns.append((own / reference, own))
        ratios = [ratio for ratio, _ in turns]
        rows.append(
            {
                "detector": name,
                "ratio": median(ratios),
                "lowest": min(ratios),
                "highest": max(ratios),
                "million_per_second": max(own for _, own in turns) / 1e6,
                "bytes": _river_bytes(river.ADWIN()) if detector is None else _state_bytes(detector),
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def run() -> None:
    with pl.Config(tbl_rows=20, float_precision=2):
        print(speeds())


def _speed(detector: DriftDetector, accepted: Any) -> float:
    given = [as_feedback(row) for row in accepted]
    state = detector.init(2, BLOCK)
    state = detector.update(state, given[0])
    events, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        for one in given[:16]:
            state = detector.update(state, one)
        events += 16 * BLOCK
    return events / (time.perf_counter() - started)


def _state_bytes(detector: DriftDetector) -> int:
    return _bytes(detector.init(2, BLOCK)) // BLOCK


def _bytes(state: Any) -> int:
    if isinstance(state, tuple):
        return sum(_bytes(part) for part in state)
    return int(state.nbytes)


def _river(detector: Any, accepted: Any) -> float:
    values = [int(value) for value in accepted[:, :32].ravel()]
    events, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        for value in values:
            detector.update(value)
        events += len(values)
    return events / (time.perf_counter() - started)


def _river_bytes(detector: Any) -> int:
    return int(getattr(detector, "_raw_memory_usage", 0) or sys.getsizeof(detector))
