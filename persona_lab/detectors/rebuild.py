"""Rebuilds the threshold tables that ship with the package: ``python -m persona_lab.detectors.rebuild``.

With ``--check`` (and names) it rebuilds them elsewhere and says which differ from those that ship, byte for byte. The
same code writes the same bytes; ``checksums.json`` beside the tables holds what it wrote.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from persona_lab.detectors.beta_factor import BetaFactor
from persona_lab.detectors.bocpd import Bocpd
from persona_lab.detectors.calibration import EARLY, LONGEST, SHORT, calibrate
from persona_lab.detectors.calibration_people import in_sessions
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

CHECKSUMS = "checksums.json"


class Shipped(NamedTuple):
    """A statistic whose table ships, and how many streams and events it is simulated with (``late``: beyond LATE)."""

    statistic: Any
    streams: int
    longest: int
    late: int | None = None
    short: float = SHORT
    early: int = EARLY


DEFAULT, FAST, SLOW = (1_000_000, LONGEST, 262_144), (300_000, LONGEST, 65_536), (60_000, 400, None)
BURSTS, CHOICES = (160_000, 1_500, None), (150_000, 600, None)
"""A windowed statistic costs window times more to simulate: its table is noisier and ends at 400 events, so that its
ARL0 is true up to about 1,000 only (the evidence has the figures). The default is simulated most: with a third of the
streams, noise in its levels moved the delay after 150 events by a tenth of an event and ARL0 by up to 10 %."""

SESSIONS = 8192
"""Streams that have a calendar of their own; the calibration's blocks share them."""

SHIPPED = (
    Shipped(ShiryaevRoberts(), *DEFAULT, short=50.0),
    Shipped(in_sessions(ExceptionAware(), events=BURSTS[1], streams=SESSIONS), *BURSTS),
    Shipped(in_sessions(ExceptionAware(direction="both"), events=BURSTS[1], streams=SESSIONS), *BURSTS),
    Shipped(ForOptions(OptionShift(), 4), *CHOICES),
    Shipped(Cusum(), *FAST),
    Shipped(BetaFactor(), *SLOW),
    Shipped(EwmaChart(), *FAST),
    Shipped(ShiryaevRoberts(direction="both"), *DEFAULT),
    Shipped(Bocpd(), *SLOW),
    Shipped(Glr(), *SLOW),
    Shipped(ForOptions(DirichletFactor(), 4), *SLOW),
    Shipped(ForOptions(CategoricalBocpd(), 4), *SLOW),
    Shipped(ForOptions(OptionShift(), 3), *SLOW),
    Shipped(ForOptions(OptionShift(), 2), *SLOW),
    Shipped(Cusum(direction="both"), *FAST),
    Shipped(EwmaChart(direction="both"), *FAST),
)
"""A rise is looked up in the mirrored table of a fall. The default's ``short`` is chosen for changes after 30 events
and after 150 alike, on 96,000 training people (seed 2101): 49, 50 and 51 find them after 9.24, 9.06, 8.93 and 8.69,
8.72, 8.76 events; a pace that falls as n**-5 or n**-6 gains there what it loses after 50 (9.6, 9.8 for 9.3)."""


def rebuild(folder: Path, names: tuple[str, ...] = ()) -> list[Path]:
    """Write the tables of every shipped statistic (or of ``names`` only) into ``folder``; return their paths."""
    written = []
    for shipped in SHIPPED:
        name = shipped.statistic.statistic_name
        if names and name not in names:
            continue
        table = calibrate(
            shipped.statistic,
            streams=shipped.streams,
            longest=shipped.longest,
            late=shipped.late,
            short=shipped.short,
            early=shipped.early,
        )
        path = folder / f"{name}.json"
        path.write_text(to_json(table) + "\n", encoding="utf-8")
        written.append(path)
    return written


def write_checksums(folder: Path) -> dict[str, str]:
    """Write the SHA-256 of every table in ``folder`` into its ``checksums.json``; return them by file name."""
    sums = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob("*.json"))
        if path.name != CHECKSUMS
    }
    (folder / CHECKSUMS).write_text(json.dumps(sums, indent=1) + "\n", encoding="utf-8")
    return sums


def differing(folder: Path, names: tuple[str, ...] = ()) -> list[str]:
    """Rebuild tables into a temporary folder; return the names of those that are not what ``folder`` holds."""
    with TemporaryDirectory() as scratch:
        return [
            path.name
            for path in rebuild(Path(scratch), names)
            if not (folder / path.name).exists() or path.read_bytes() != (folder / path.name).read_bytes()
        ]


if __name__ == "__main__":
    TABLES = Path(__file__).parent / "tables"
    wanted = tuple(name for name in sys.argv[1:] if name != "--check")
    if "--check" in sys.argv:
        wrong = differing(TABLES, wanted)
        sys.exit(f"not what this code writes: {', '.join(wrong)}" if wrong else 0)
    rebuild(TABLES, wanted)
    write_checksums(TABLES)
