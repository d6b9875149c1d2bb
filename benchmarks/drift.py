"""Accept/reject events per second, one core: our detectors beside river's in the same run, and bytes a stream."""

from __future__ import annotations

import sys
import time
from typing import Any

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
SECONDS = 1.0
DETECTORS: dict[str, DriftDetector] = {
    "cusum": Cusum(),
    "shiryaev-roberts": ShiryaevRoberts(),
    "ewma-chart": EwmaChart(),
    "page-hinkley": PageHinkley(),
    "beta-factor": BetaFactor(),
    "bocpd": Bocpd(),
    "glr": Glr(),
}


def run() -> None:
    accepted = acceptance(seed=0, people=(0, BLOCK), events=STEPS)
    reference = _river(river.PageHinkley(), accepted)
    print(f"   {'detector':28} {'M events/s':>11} {'x river':>9} {'bytes a stream':>15}")
    print(f"   {'river PageHinkley':28} {reference / 1e6:11.2f} {1:9.1f} {_river_bytes(river.PageHinkley()):15d}")
    adwin = _river(river.ADWIN(), accepted)
    print(f"   {'river ADWIN':28} {adwin / 1e6:11.2f} {adwin / reference:9.1f} {_river_bytes(river.ADWIN()):15d}")
    for name, detector in DETECTORS.items():
        speed, size = _speed(detector, accepted)
        print(f"   {name:28} {speed / 1e6:11.2f} {speed / reference:9.1f} {size:15d}")


def _speed(detector: DriftDetector, accepted: Any) -> tuple[float, int]:
    given = [as_feedback(row) for row in accepted]
    state = detector.init(2, BLOCK)
    state = detector.update(state, given[0])
    best = 0.0
    for _ in range(3):
        events, started = 0, time.perf_counter()
        while time.perf_counter() - started < SECONDS / 3:
            for one in given[:16]:
                state = detector.update(state, one)
            events += 16 * BLOCK
        best = max(best, events / (time.perf_counter() - started))
    return best, _bytes(state) // BLOCK


def _bytes(state: Any) -> int:
    if isinstance(state, tuple):
        return sum(_bytes(part) for part in state)
    return int(state.nbytes)


def _river(detector: Any, accepted: Any) -> float:
    values = [int(value) for value in accepted[:, :32].ravel()]
    best = 0.0
    for _ in range(3):
        events, started = 0, time.perf_counter()
        while time.perf_counter() - started < SECONDS / 3:
            for value in values:
                detector.update(value)
            events += len(values)
        best = max(best, events / (time.perf_counter() - started))
    return best


def _river_bytes(detector: Any) -> int:
    return int(getattr(detector, "_raw_memory_usage", 0) or sys.getsizeof(detector))
