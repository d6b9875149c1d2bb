"""Score an interpreter on the families held out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.contracts import Interpretation, Statement
from persona_lab.measurement import Measurement, undefined
from persona_lab.randomness import generator
from persona_lab.simulate.phrases import CONTEXTS
from persona_lab.simulate.phrases_contexts import forms_of
from persona_lab.simulate.statements import Row, statement_rows
from persona_lab.text.interpreter import TextInterpreter

BINS = 15
"""Bins of the expected calibration error, as everywhere in the project."""


class Reading(NamedTuple):
    """One held-out statement, what was meant and what was read."""

    row: Row
    read: Interpretation

    @property
    def pair_right(self) -> bool:
        """Whether context and option are right; both empty where nothing is taught."""
        return (self.read.context or "", self.read.option or "") == (self.row.context, self.row.option)

    @property
    def stance_right(self) -> bool:
        """Whether the stance is right."""
        return self.read.stance.value == self.row.stance

    @property
    def new_words(self) -> bool:
        """Whether the option is named by words that training never used."""
        return bool(self.row.option) and int(self.row.wording) == _last_wording(self.row)


def read_held_out(interpreter: TextInterpreter, among: Collection[str] | None = None) -> list[Reading]:
    """Interpret every statement of the families ``among`` (default: held out) for a user who has all contexts.

    That is the hardest case: all contexts and options of the bank compete.
    """
    rows = [row for row in statement_rows() if (row.split == "test" if among is None else row.family in among)]
    return [
        Reading(row, read)
        for row, read in zip(rows, interpreter.interpret([Statement(row.text) for row in rows], CONTEXTS), strict=True)
    ]


def score(readings: Sequence[Reading], *, seed: int = 1) -> dict[str, Measurement]:
    """Return the figures of the held-out families; standard errors by bootstrap over families.

    Keys: ``stance``, ``pair`` (context and option), ``pair_known_words``, ``pair_new_words`` (of statements that
    teach), ``all_right``, ``ece`` of the stated confidence.
    """
    teaching = [reading for reading in readings if reading.row.option]
    return {
        "stance": _share([r.stance_right for r in readings], readings, seed),
        "pair": _share(*_pairs_right(teaching), seed),
        "pair_known_words": _share(*_pairs_right([r for r in teaching if not r.new_words]), seed),
        "pair_new_words": _share(*_pairs_right([r for r in teaching if r.new_words]), seed),
        "all_right": _share([r.pair_right and r.stance_right for r in readings], readings, seed),
        "ece": _calibration_error(readings, seed),
    }


def confusion(readings: Sequence[Reading]) -> pl.DataFrame:
    """Return the stance meant by the stance read, as counts."""
    return (
        pl.DataFrame({"meant": [r.row.stance for r in readings], "read": [r.read.stance.value for r in readings]})
        .group_by("meant", "read")
        .len("statements")
        .sort("meant", "read")
    )


def by_register(readings: Sequence[Reading]) -> pl.DataFrame:
    """Return the shares right by register: plain, vague, sarcastic, indirect (hints)."""
    return (
        pl.DataFrame(
            {
                "register": [r.row.register for r in readings],
                "stance_right": [r.stance_right for r in readings],
                "pair_right": [r.pair_right for r in readings],
                "all_right": [r.pair_right and r.stance_right for r in readings],
                "confidence": [r.read.confidence for r in readings],
            }
        )
        .group_by("register")
        .agg(pl.len().alias("statements"), pl.col("stance_right", "pair_right", "all_right", "confidence").mean())
        .sort("register")
    )


def reliability(readings: Sequence[Reading], bins: int = 8) -> pl.DataFrame:
    """Return stated confidence beside the share right, in bins of equal count."""
    stated = np.array([r.read.confidence for r in readings])
    right = np.array([r.pair_right and r.stance_right for r in readings])
    parts = np.array_split(np.argsort(stated, kind="stable"), bins)
    return pl.DataFrame(
        [{"stated": stated[p].mean(), "right": right[p].mean(), "statements": len(p)} for p in parts if len(p)]
    )


def _pairs_right(readings: Sequence[Reading]) -> tuple[list[bool], Sequence[Reading]]:
    return [r.pair_right for r in readings], readings


def _share(right: Sequence[bool], among: Sequence[Reading], seed: int) -> Measurement:
    if not among:
        return undefined("no such statement is held out")
    values = np.array(right, dtype=np.float64)
    return Measurement(float(values.mean()), _family_error(values, [r.row.family for r in among], seed), len(among))


def _family_error(values: NDArray[np.float64], families: Sequence[str], seed: int, draws: int = 500) -> float:
    names, codes = np.unique(np.array(families), return_inverse=True)
    sums = np.bincount(codes, weights=values)
    sizes = np.bincount(codes)
    chosen = generator(seed, "families").integers(len(names), size=(draws, len(names)))
    return float((sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)).std(ddof=1))


def _calibration_error(readings: Sequence[Reading], seed: int) -> Measurement:
    stated = np.array([r.read.confidence for r in readings])
    right = np.array([r.pair_right and r.stance_right for r in readings], dtype=np.float64)

    def ece(rows: NDArray[np.int64]) -> float:
        place = np.minimum((stated[rows] * BINS).astype(int), BINS - 1)
        gaps = np.bincount(place, weights=stated[rows] - right[rows], minlength=BINS)
        return float(np.abs(gaps).sum() / len(rows))

    everyone = np.arange(len(readings))
    names, codes = np.unique([r.row.family for r in readings], return_inverse=True)
    members = [np.flatnonzero(codes == number) for number in range(len(names))]
    chosen = generator(seed, "families").integers(len(names), size=(200, len(names)))
    spread = np.std([ece(np.concatenate([members[i] for i in draw])) for draw in chosen], ddof=1)
    return Measurement(ece(everyone), float(spread), len(readings))


def _last_wording(row: Row) -> int:
    return len(forms_of(row.context, row.option)) - 1
