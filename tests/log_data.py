"""Where the real logs are, and small logs for tests of reading and replay."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("PERSONA_LAB_DATA", Path(__file__).resolve().parents[1] / ".." / "shared" / "data"))


def real(name: str) -> Path:
    """Return a real log, or skip where this checkout does not have it."""
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the real logs are not here ({name}): set PERSONA_LAB_DATA")
    return path


EVENT = {
    "user_id": "usr_1",
    "source": "calendar_agent",
    "event_id": "evt_1",
    "type": "correction",
    "timestamp": "2025-10-27T15:00:00Z",
    "metadata": {"context": "meeting_time", "status": "corrected", "proposed": "morning", "corrected": "afternoon"},
    "content": "No, after 1 PM please.",
}
