"""Rebuilds the threshold tables that ship with the package: ``python -m persona_lab.detectors.rebuild``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.calibration import SEED, Categorical, calibrate, in_sessions
from persona_lab.detectors.categorical_bocpd import CategoricalBocpd
from persona_lab.detectors.choices import ForOptions
from persona_lab.detectors.cusum import Cusum
from persona_lab.detectors.dirichlet_factor import DirichletFactor
from persona_lab.detectors.ewma_chart import EwmaChart
from persona_lab.detectors.exception_aware import ExceptionAware
from persona_lab.detectors.glr import Glr
from persona_lab.detectors.option_shift import OptionShift
from persona_lab.detectors.shiryaev import ShiryaevRoberts
from persona_lab.detectors.threshold import to_json


class Shipped(NamedTuple):
    """A statistic whose table ships, and how many streams and events it is simulated with."""

    statistic: Any
    streams: int
    longest: int
    options: int = 2


DEFAULT, FAST, SLOW = (200_000, 1024), (60_000, 1024), (40_000, 400)
"""A windowed statistic costs window times more to simulate; its table is that much noisier, not biased."""

SESSIONS = 8192
"""Streams that have a calendar of their own; the calibration's blocks share them."""

SHIPPED = (
    Shipped(ShiryaevRoberts(), *DEFAULT),
    Shipped(in_sessions(ExceptionAware(), events=SLOW[1], streams=SESSIONS), *SLOW),
    Shipped(ForOptions(OptionShift(), 4), *SLOW, options=4),
    Shipped(Cusum(), *FAST),
    Shipped(BetaFactor(), *SLOW),
    Shipped(EwmaChart(), *FAST),
    Shipped(ShiryaevRoberts(direction="both"), *FAST),
    Shipped(Bocpd(), *SLOW),
    Shipped(Glr(), *SLOW),
    Shipped(ForOptions(DirichletFactor(), 4), *SLOW, options=4),
    Shipped(ForOptions(CategoricalBocpd(), 4), *SLOW, options=4),
    Shipped(ForOptions(OptionShift(), 3), *SLOW, options=3),
    Shipped(ForOptions(OptionShift(), 2), *SLOW, options=2),
    Shipped(BetaFactor(direction="both"), *SLOW),
    Shipped(Cusum(direction="both"), *FAST),
    Shipped(EwmaChart(direction="both"), *FAST),
    Shipped(Bocpd(direction="both"), *SLOW),
    Shipped(Glr(direction="both"), *SLOW),
)
"""A rise is looked up in the mirrored table of a fall."""


def rebuild(folder: Path, names: tuple[str, ...] = ()) -> list[Path]:
    """Write the tables of every shipped statistic (or of ``names`` only) into ``folder``; return their paths."""
    written = []
    for shipped in SHIPPED:
        name = shipped.statistic.statistic_name
        if names and name not in names:
            continue
        chooses = isinstance(shipped.statistic, ForOptions)
        crowd = Categorical.spread(shipped.options, shipped.streams, SEED) if chooses else None
        table = calibrate(shipped.statistic, population=crowd, streams=shipped.streams, longest=shipped.longest)
        path = folder / f"{name}.json"
        path.write_text(to_json(table) + "\n", encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    rebuild(Path(__file__).parent / "tables", tuple(sys.argv[1:]))
