"""The project's own data sets: small logs with cards, rebuilt byte for byte."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import tempfile
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import numpy as np

from persona_lab.datasets.wire import write_events
from persona_lab.events import LoggedEvent
from persona_lab.randomness import generator
from persona_lab.simulate.channel import Channel, Delay
from persona_lab.simulate.conversations import conversations
from persona_lab.simulate.loop import closed_loop
from persona_lab.simulate.opportunities import AcceptanceWorld, tolerance_paths
from persona_lab.simulate.paths import Exceptions
from persona_lab.simulate.people import live
from persona_lab.simulate.routine import EPOCH, Routine
from persona_lab.simulate.scenarios import Scenario
from persona_lab.simulate.statements import build_statements
from persona_lab.simulate.wire import to_told
from persona_lab.strategies.ewma import Ewma

SEED = 2026
PEOPLE = 16

SCHEDULING = Scenario(
    id="scheduling_v1",
    path=Exceptions(0.03, 4, 1 / 50),
    channel=Channel(0.06, 0.7, 0.95, names_option=0.85, duplicates=0.02, delay=Delay(0.05, 3)),
    options=4,
    interactions=100,
    routine=Routine(),
    context="meeting_time",
    option_names=("morning", "midday", "afternoon", "evening"),
)
"""People whose meeting hours an agent learns: changes of mind, exceptions, silence, declines, late and double ones."""

MOVES = ("silent", "suggest", "act")
PROPENSITIES = (0.2, 0.5, 0.3)
"""Probability with which the logging agent stayed silent, suggested, acted: it explored, whatever it believed."""

PROACTIVE = AcceptanceWorld("redraw", 0.01, extremes=1.0)
OPPORTUNITIES = 100
"""Opportunities per person."""

HASH_LINE = re.compile(r"^\*\*SHA-256\*\* of `(?P<file>[^`]+)`: `(?P<hash>[0-9a-f]*)`$", re.MULTILINE)


def build_scheduling(folder: Path) -> None:
    """Write ``events.jsonl`` on the wire and ``truth.csv`` with drift labels."""
    users = (0, PEOPLE)
    lives = live(SCHEDULING, seed=SEED, users=users)
    seen = closed_loop(SCHEDULING, lives, Ewma(0.3), seed=SEED, users=users)
    told = to_told(SCHEDULING, lives, seen, seed=SEED, users=users)
    write_events([item.event for item in told], folder / "events.jsonl")
    header = ("event_id", "preferred", "in_exception", "switched", "duplicate", "stance")
    rows = [
        (
            item.event.event_id,
            item.preferred,
            int(item.in_exception),
            int(item.switched),
            int(item.duplicate),
            item.label.stance.value if item.label else "",
        )
        for item in told
    ]
    _write_csv(folder / "truth.csv", header, rows)


def build_proactive(folder: Path) -> None:
    """Write ``events.jsonl`` with propensities and ``truth.csv`` with what would have been welcome."""
    tolerance, changed = tolerance_paths(PROACTIVE, seed=SEED, people=PEOPLE, steps=OPPORTUNITIES)
    events, rows = [], []
    for step in range(OPPORTUNITIES):
        for person in range(PEOPLE):
            luck = generator(SEED, "proactive decision", step, person)
            move = int(np.searchsorted(np.cumsum(PROPENSITIES), luck.random(), side="right"))
            welcome, heard = luck.random() < tolerance[step, person], luck.random() < PROACTIVE.answer_rate
            status = "no_response" if MOVES[move] == "silent" or not heard else "accepted" if welcome else "declined"
            event_id = f"proactive_v1-{person:04d}-{step:04d}"
            events.append(
                LoggedEvent(
                    event_id=event_id,
                    type="correction" if status == "declined" else "outcome",
                    timestamp=EPOCH + (step * 24 + person) * _HOUR,
                    metadata={
                        "context": "meeting_reschedule",
                        "status": status,
                        "move": MOVES[move],
                        "proposed": "reschedule",
                        "propensity": PROPENSITIES[move],
                    },
                    content="",
                    user_id=f"user_{person:04d}",
                    source="simulation",
                )
            )
            rows.append((event_id, int(welcome), round(float(tolerance[step, person]), 6), int(changed[step, person])))
    write_events(events, folder / "events.jsonl")
    _write_csv(folder / "truth.csv", ("event_id", "welcome", "tolerance", "changed"), rows)


def build_conversations(folder: Path) -> None:
    """Write ``conversations.jsonl``."""
    lines = [json.dumps(one, ensure_ascii=False, sort_keys=False) for one in conversations()]
    (folder / "conversations.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def build_sentences(folder: Path) -> None:
    """Write ``statements.csv``."""
    build_statements(folder)


BUILDERS: dict[str, Callable[[Path], None]] = {
    "proactive": build_proactive,
    "scheduling": build_scheduling,
    "statements": build_sentences,
    "support": build_conversations,
}
"""Folder under ``datasets/`` and what fills it. Cards (``CARD.md``) are written by hand, but for their hashes."""


def build(folder: Path, names: Iterable[str] = BUILDERS) -> list[Path]:
    """Rebuild data sets under ``folder`` and set the hashes in their cards; return the files written."""
    written = []
    for name in names:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        BUILDERS[name](place)
        files = sorted(file for file in place.iterdir() if file.name != "CARD.md")
        card = place / "CARD.md"
        if card.exists():
            card.write_text(_with_hashes(card.read_text(encoding="utf-8"), files), encoding="utf-8")
        written += files
    return written


def check(folder: Path) -> list[str]:
    """Return what differs between ``folder`` and a rebuild, in words; empty where every byte is the same."""
    problems = []
    with tempfile.TemporaryDirectory() as fresh:
        for name, builder in BUILDERS.items():
            place = Path(fresh) / name
            place.mkdir()
            builder(place)
            for file in sorted(place.iterdir()):
                kept = folder / name / file.name
                if not kept.exists():
                    problems.append(f"{name}/{file.name} is missing: run `persona-lab datasets build`")
                elif kept.read_bytes() != file.read_bytes():
                    problems.append(f"{name}/{file.name} differs from its rebuild")
            card = folder / name / "CARD.md"
            stated = dict(HASH_LINE.findall(card.read_text(encoding="utf-8"))) if card.exists() else {}
            problems += [
                f"{name}/CARD.md does not state the hash of {file.name}"
                for file in sorted(place.iterdir())
                if stated.get(file.name) != _hash(file)
            ]
    return problems


def _with_hashes(card: str, files: list[Path]) -> str:
    body = HASH_LINE.sub("", card).rstrip()
    lines = [f"**SHA-256** of `{file.name}`: `{_hash(file)}`" for file in files]
    return body + "\n\n" + "\n\n".join(lines) + "\n"


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode("utf-8"))


_HOUR = timedelta(hours=1)
