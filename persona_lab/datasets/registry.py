"""Public logs by name: downloaded from their published address, checked, cached. Adding one is a row and a recipe."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from persona_lab.errors import InputError

CACHE_VARIABLE = "PERSONA_LAB_CACHE"
"""Environment variable that names another cache folder."""


@dataclass(frozen=True, slots=True)
class PublicLog:
    """A log that somebody else publishes.

    Attributes
    ----------
    urls
        Addresses of the same file at a pinned commit, tried in order.
    sha256
        Of the file as published.
    file
        Its name in the cache.
    recipe
        Packaged recipe that reads it.
    about, licence, citation
        One line each.
    """

    urls: tuple[str, ...]
    sha256: str
    file: str
    recipe: str
    about: str
    licence: str
    citation: str


_KAIST = "https://raw.githubusercontent.com/Kaist-ICLab/positive-computing-dataset-distracting-context"

PUBLIC_LOGS: dict[str, PublicLog] = {
    "kaist_distraction": PublicLog(
        # The second commit is the one that brought the file, in full; both hold the same bytes.
        urls=(f"{_KAIST}/7828239f/dataset.csv", f"{_KAIST}/f728666517692419ee41cc066f024854f43f3731/dataset.csv"),
        sha256="6e2b62e038088a5b9afe98f1e40fa70cea71a0a0cc637038d853e7bdf4a00641",
        file="kaist_distraction.csv",
        recipe="kaist_distraction",
        about="9,180 phone surveys of 34 people over 5 weeks: is the phone unwelcome now?",
        licence="MIT",
        citation="Kim et al., IMWUT 2020",
    ),
}
"""Name -> log."""

Downloader = Callable[[str, str, object], None]
"""What pooch calls to fetch (url, output file, pooch)."""


def cache_folder() -> Path:
    """Return where downloads are kept: ``PERSONA_LAB_CACHE``, else the user's cache folder."""
    import pooch

    return Path(os.environ.get(CACHE_VARIABLE) or pooch.os_cache("persona_lab"))


def get_log(name: str, *, folder: Path | None = None, downloader: Downloader | None = None) -> Path:
    """Return the file of a public log, downloaded once; a file whose hash differs is never returned.

    Raises
    ------
    InputError
        For an unknown name, a failed download, or a file that is not the published one.
    """
    if name not in PUBLIC_LOGS:
        near = difflib.get_close_matches(name, PUBLIC_LOGS, n=1)
        cure = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(PUBLIC_LOGS)}."
        raise InputError("there is no such public log", value=name, cure=cure)
    import pooch

    log = PUBLIC_LOGS[name]
    folder = folder if folder is not None else cache_folder()
    problems: list[str] = []
    for url in log.urls:
        try:
            found = pooch.retrieve(url, f"sha256:{log.sha256}", fname=log.file, path=folder, downloader=downloader)
        except ValueError as error:
            if "hash" not in str(error).lower():
                raise
            raise InputError(
                "the downloaded file is not the one that was published (its SHA-256 differs)",
                file=url,
                cure="Try again; if it stays so the publisher changed it: report it.",
            ) from None
        except OSError as error:  # requests' errors are OSErrors
            problems.append(f"{type(error).__name__}")
            continue
        return Path(found)
    raise InputError(
        f"the download failed ({', '.join(problems)})",
        file=log.urls[0],
        cure=f"Check the network, or fetch it yourself and save it as {folder / log.file}.",
    )
