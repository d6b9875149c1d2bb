"""Where results go: looked at before a long run, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from persona_lab.errors import InputError


def check_folder(out: Path | None, option: str = "--out") -> None:
    """Refuse a folder that is a file or cannot be written into; nothing is created yet.

    Raises
    ------
    InputError
        Naming the path that stands in the way.
    """
    if out is None:
        return
    nearest = out.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        where = "is a file" if nearest == out.absolute() else f"lies under a file ({nearest})"
        raise InputError(f"{option} {where}", value=str(out), cure="Give a folder.")
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise InputError(f"{option} cannot be written ({nearest})", value=str(out), cure="Give a folder of your own.")
