"""Fit the packaged interpreter, adapter included, on all families but those that it is judged on."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Stance
from persona_lab.protocols import TextEncoder
from persona_lab.simulate.other_hands import (
    BEYOND_PER_FAMILY,
    families_fourth,
    families_second,
    rows_fourth,
    rows_more_wordings,
    rows_second,
)
from persona_lab.simulate.statements import Row, families_beyond, more_training_rows, rows_beyond, statement_rows
from persona_lab.text import adapting
from persona_lab.text.adapter import STANCES, stance_reader
from persona_lab.text.adapting import Labelled, fit_adapter
from persona_lab.text.encoder import SentenceEncoder
from persona_lab.text.fitting import Adapted, Example, fit_interpreter
from persona_lab.text.interpreter import TextInterpreter
from persona_lab.text.model import PACKAGED_MODEL, save_model

FOLDS = 3
"""Parts of the cross-fitting: every family is read by an adapter, and judged by an interpreter, fitted without it."""

MORE = 8
"""Further statements drawn per training family of the data set."""

ADAPTER_DRAWN = adapting.EPOCHS * adapting.PER_FAMILY
"""Statements drawn per family for the adapter, so that every pass has other ones."""

SEED = 11
JOBS = 2


def examples(rows: Sequence[Row]) -> list[Example]:
    """Return data set rows as training examples."""
    hands = {family.name: "fourth" for family in families_fourth()}
    hands |= {family.name: "second" for family in families_second()}
    hands |= {family.name: "beyond" for family in families_beyond()}
    return [
        Example(
            row.text,
            row.context or None,
            row.option or None,
            Stance(row.stance),
            row.family,
            int(row.wording),
            hands.get(row.family, "bank"),
        )
        for row in rows
    ]


def training_rows() -> list[Row]:
    """Return all that the packaged interpreter's linear parts are fitted on.

    The training families of the data set, the families beyond it, the second and the fourth hand's, and the training
    families once more in further words for the options. Neither the held-out families nor the last surface form of any
    option nor the third hand's families are among them.
    """
    own = [*_own(MORE), *rows_more_wordings(), *rows_more_wordings(hand="fourth")]
    return [*own, *rows_beyond(BEYOND_PER_FAMILY), *rows_second(), *rows_fourth()]


def adapter_statements() -> list[Labelled]:
    """Return more statements of the same families, which the adapter is fitted on."""
    rows = [*_own(ADAPTER_DRAWN), *rows_beyond(ADAPTER_DRAWN), *rows_second(ADAPTER_DRAWN)]
    rows += [*rows_fourth(ADAPTER_DRAWN), *rows_more_wordings()]
    return [Labelled(row.text, Stance(row.stance), row.family) for row in rows]


def parts() -> list[frozenset[str]]:
    """Return the training families in ``FOLDS`` parts."""
    names = sorted({row.family for row in training_rows()})
    return [frozenset(names[fold::FOLDS]) for fold in range(FOLDS)]


def rebuild(
    path: Path = PACKAGED_MODEL,
    encoder: TextEncoder | None = None,
    *,
    statements: Sequence[Labelled] | None = None,
    keep: Path | None = None,
) -> Path:
    """Fit on everything but what it is judged on and write the numbers; default: the packaged file.

    About twenty minutes on two cores, for the adapters; ``keep`` and ``statements`` as for :func:`adapters`.
    """
    reader = encoder or SentenceEncoder()
    rows = training_rows()
    *without, final = adapters(adapter_statements() if statements is None else statements, keep=keep)
    save_model(fit_interpreter(examples(rows), reader, Adapted(final, out_of_family(rows, reader, without))), path)
    return path


def cross_fitted(encoder: TextEncoder, keep: Path | None = None) -> Iterator[tuple[frozenset[str], TextInterpreter]]:
    """Yield parts of the data set's *training* families with an interpreter fitted on all the others.

    That is where choices are made. ``keep`` as for :func:`adapters`.
    """
    rows = training_rows()
    own = {row.family for row in statement_rows() if row.split == "train"}
    without = adapters(adapter_statements(), keep=keep, final=False)
    read = out_of_family(rows, encoder, without)
    for adapter, families in zip(without, parts(), strict=True):
        part = families & own
        others = np.array([row.family not in part for row in rows])
        fitted_on = [row for row, other in zip(rows, others, strict=True) if other]
        model = fit_interpreter(examples(fitted_on), encoder, Adapted(adapter, read[others]))
        yield part, TextInterpreter(encoder, model)


def adapters(
    statements: Sequence[Labelled], *, keep: Path | None = None, final: bool = True, jobs: int = JOBS
) -> list[NDArray[np.float16]]:
    """Return an adapter fitted without each of :func:`parts`, and where ``final`` one fitted on everything, last.

    Parameters
    ----------
    keep
        A folder in which fitted adapters wait to be used again; the file's name tells what it was fitted on.
    jobs
        Processes, one core each.
    """
    wanted = [*parts(), *([frozenset[str]()] if final else [])]
    files = [None if keep is None else keep / f"adapter-{_digest(statements, part)}.npy" for part in wanted]
    missing = [i for i, file in enumerate(files) if file is None or not file.exists()]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        fits = {i: pool.submit(fit_adapter, statements, seed=SEED, without=wanted[i]) for i in missing}
        fitted = {i: fit.result() for i, fit in fits.items()}
    for i, adapter in fitted.items():
        if (file := files[i]) is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.with_suffix(f".{os.getpid()}.tmp")
            with unfinished.open("wb") as out:
                np.save(out, adapter)
            unfinished.replace(file)
    return [fitted[i] if file is None or i in fitted else np.load(file) for i, file in enumerate(files)]


def out_of_family(
    rows: Sequence[Row], encoder: TextEncoder, without: Sequence[NDArray[np.float16]]
) -> NDArray[np.float32]:
    """Return (rows, stances) log chances, each row read by the adapter that was fitted without its family."""
    read = np.zeros((len(rows), STANCES), dtype=np.float32)
    for adapter, families in zip(without, parts(), strict=True):
        inside = [i for i, row in enumerate(rows) if row.family in families]
        reader = stance_reader(encoder, adapter)
        assert reader is not None  # the packaged interpreter's encoder takes adapters
        read[inside] = reader.encode([rows[i].text for i in inside])
    return read


def _own(more: int) -> list[Row]:
    return [row for row in statement_rows() if row.split == "train"] + more_training_rows(more)


def _digest(statements: Sequence[Labelled], without: frozenset[str]) -> str:
    settings = (SEED, adapting.EPOCHS, adapting.PER_FAMILY, adapting.RATE, sorted(without))
    return hashlib.blake2b(repr((settings, list(statements))).encode(), digest_size=12).hexdigest()
