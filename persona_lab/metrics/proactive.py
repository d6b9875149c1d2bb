"""How well an agent anticipates: acceptance never alone, always beside what it cost and what it missed.

Arrays are (steps, people) unless said. ``move`` codes 0 silent, 1 suggest, 2 act; ``wanted`` is the truth, either what
happened (booleans) or its probability (floats, which removes the luck of the draw from the figure). Standard errors are
user-level: people, not opportunities, are the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from persona_lab.contracts import Costs
from persona_lab.errors import InputError
from persona_lab.feedback import FloatArray, IntArray, Kind
from persona_lab.measurement import Measurement, undefined
from persona_lab.metrics.calibration import ECE_BINS
from persona_lab.metrics.pooled import mean, pooled_ratio
from persona_lab.policies.utilities import ACT, SILENT, SUGGEST, act_value, suggest_value

ANSWER_GROUPS = (
    *((lag, lag) for lag in range(6)),
    (6, 7),
    (8, 10),
    (11, 13),
    (14, 16),
    *((first, first + 4) for first in range(17, 42, 5)),
)
"""Answers since a change that are scored together, so that a group has enough: 0, 1, ... 5, 6 to 7, ... 37 to 41."""

ROUNDING = 1e-6
"""How far a stated probability may lie outside [0, 1]: plays keep them in float32."""


class Calibration(NamedTuple):
    """Calibration of stated confidence: ``ece`` beside ``ece_perfect``, what a perfect forecaster shows at this n."""

    ece: Measurement
    ece_perfect: float | None
    brier: Measurement


def acceptance_rate(*, kind: IntArray) -> Measurement:
    """Return accepted answers / answers; read it only beside :func:`proposal_rate` and :func:`missed_need`."""
    accepted = (kind == Kind.ACCEPTED).sum(axis=0)
    answered = (kind != Kind.SILENT).sum(axis=0)
    return pooled_ratio(
        numerator=accepted, denominator=answered, undefined_because="nothing was proposed, or nobody answered"
    )


def proposal_rate(*, move: IntArray) -> Measurement:
    """Return suggestions and acts per opportunity."""
    return _per_opportunity(move != SILENT)


def act_rate(*, move: IntArray) -> Measurement:
    """Return acts per opportunity."""
    return _per_opportunity(move == ACT)


def missed_need(*, move: IntArray, wanted: NDArray[Any]) -> Measurement:
    """Return the share of welcome opportunities at which the agent stayed silent."""
    welcome = wanted.astype(np.float64)
    missed = (welcome * (move == SILENT)).sum(axis=0)
    return pooled_ratio(numerator=missed, denominator=welcome.sum(axis=0), undefined_because="no help was ever welcome")


def unwanted_acts(*, move: IntArray, wanted: NDArray[Any]) -> Measurement:
    """Return acts that were not welcome, per opportunity (not per act: an agent that never acts scores 0)."""
    return _per_opportunity((move == ACT) * (1.0 - wanted.astype(np.float64)))


def utility(*, move: IntArray, wanted: NDArray[Any], costs: Costs) -> FloatArray:
    """Return the utility of every move, same shape as ``move``."""
    p = wanted.astype(np.float64)
    gained: FloatArray = np.where(
        move == ACT, act_value(p, costs), np.where(move == SUGGEST, suggest_value(p, costs), 0.0)
    )
    return gained


def net_utility(*, move: IntArray, wanted: NDArray[Any], costs: Costs) -> Measurement:
    """Return utility per 100 opportunities, in the unit of the costs."""
    return _per_opportunity(100.0 * utility(move=move, wanted=wanted, costs=costs))


def share_of_limit(*, utility: FloatArray, limit: FloatArray) -> Measurement:
    """Return pooled utility / pooled utility of a limit on the same people; null where the limit earns nothing."""
    return pooled_ratio(
        numerator=utility.sum(axis=0), denominator=limit.sum(axis=0), undefined_because="the limit earns nothing here"
    )


def calibration(*, stated: NDArray[Any], happened: NDArray[Any], bins: int = ECE_BINS) -> Calibration:
    """Return ECE and Brier score of stated probabilities; read them beside ``ece_perfect``.

    Parameters
    ----------
    stated, happened
        Probabilities and outcomes (booleans), flat arrays of equal length; ``n`` counts forecasts, and the Brier
        score's standard error treats them as independent.
    bins
        Equal-width bins on [0, 1].
    """
    p = np.asarray(stated, dtype=np.float64).ravel()
    y = np.asarray(happened, dtype=np.float64).ravel()
    n = len(p)
    if n == 0:
        nothing = undefined("no forecast was stated")
        return Calibration(nothing, None, nothing)
    table = reliability(stated=p, happened=y, bins=bins)
    share = table["n"].to_numpy() / n
    gap = np.abs(table["stated"].to_numpy() - table["happened"].to_numpy())
    # A perfect forecaster's bin mean misses by sqrt(p (1 - p) / n) times E|N(0, 1)| = sqrt(2 / pi).
    mean = table["stated"].to_numpy()
    chance = np.sqrt(2.0 / np.pi) * np.sqrt(mean * (1.0 - mean) / table["n"].to_numpy())
    squared = (p - y) ** 2
    brier = Measurement(float(squared.mean()), float(squared.std() / np.sqrt(n)), n)
    return Calibration(Measurement(float((share * gap).sum()), None, n), float((share * chance).sum()), brier)


def reliability(*, stated: NDArray[Any], happened: NDArray[Any], bins: int = ECE_BINS) -> pl.DataFrame:
    """Return one row per non-empty bin: mean ``stated``, mean ``happened``, ``n``.

    Raises
    ------
    InputError
        If a stated probability lies outside [0, 1] or is not a number.
    """
    p = np.asarray(stated, dtype=np.float64).ravel()
    inside = (p >= -ROUNDING) & (p <= 1.0 + ROUNDING)
    if not inside.all():
        wrong = float(p[~inside][0])
        raise InputError("a stated confidence is no probability", value=wrong, cure="Pass numbers from 0 to 1.")
    y = np.asarray(happened, dtype=np.float64).ravel()
    which = np.clip((p * bins).astype(np.int64), 0, bins - 1)
    n = np.bincount(which, minlength=bins)
    some = n > 0
    return pl.DataFrame(
        {
            "bin": np.flatnonzero(some),
            "stated": np.bincount(which, p, minlength=bins)[some] / n[some],
            "happened": np.bincount(which, y, minlength=bins)[some] / n[some],
            "n": n[some],
        }
    )


def answers_since_change(*, kind: IntArray, changed: NDArray[np.bool_]) -> IntArray:
    """Return (steps, people): answers heard since the latest change, before this step; -1 before the first change."""
    heard = np.cumsum(kind != Kind.SILENT, axis=0) - (kind != Kind.SILENT)
    at_change = np.maximum.accumulate(np.where(changed, heard, -1), axis=0)
    since: IntArray = np.where(at_change >= 0, heard - at_change, -1)
    return since


def calibration_after_change(
    *,
    stated: NDArray[Any],
    wanted: NDArray[Any],
    kind: IntArray,
    changed: NDArray[np.bool_],
    groups: Sequence[tuple[int, int]] = ANSWER_GROUPS,
) -> pl.DataFrame:
    """Return the ECE of the forecast by answers heard since the latest change, in ``groups`` (first, last).

    Only steps at which somebody answered are scored (elsewhere a move was not made or its outcome is unknown to all).
    Columns: ``answers`` (the last of the group), ``ece``, ``ece_perfect``, ``n``.
    """
    since = answers_since_change(kind=kind, changed=changed)
    heard = kind != Kind.SILENT
    rows = []
    for first, last in groups:
        here = heard & (since >= first) & (since <= last)
        found = calibration(stated=stated[here], happened=wanted[here])
        rows.append((last, found.ece.value, found.ece_perfect, found.ece.n))
    schema = {"answers": pl.Int64, "ece": pl.Float64, "ece_perfect": pl.Float64, "n": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def risk_coverage(*, stated: NDArray[Any], wanted: NDArray[Any], points: int = 50) -> pl.DataFrame:
    """Return the risk-coverage curve (El-Yaniv & Wiener 2010): acting on the most confident share of opportunities.

    Columns: ``coverage`` (share acted on), ``risk`` (share of those unwelcome), ``threshold`` (confidence needed).

    Raises
    ------
    InputError
        If a stated confidence is not a number.
    """
    p = np.asarray(stated, dtype=np.float64).ravel()
    harm = 1.0 - np.asarray(wanted, dtype=np.float64).ravel()
    if not np.isfinite(p).all():
        raise InputError("a stated confidence is no number", cure="Leave out what was not stated.")
    if len(p) == 0:
        return pl.DataFrame(schema={"coverage": pl.Float64, "risk": pl.Float64, "threshold": pl.Float64})
    order = np.argsort(-p, kind="stable")
    running = np.cumsum(harm[order]) / np.arange(1, len(p) + 1)
    at = np.unique(np.linspace(len(p) / points, len(p), points).round().clip(1).astype(np.int64)) - 1
    return pl.DataFrame({"coverage": (at + 1) / len(p), "risk": running[at], "threshold": p[order][at]})


def _per_opportunity(value: NDArray[Any]) -> Measurement:
    steps, people = value.shape
    if steps == 0:
        return undefined("there were no opportunities", n=people)
    return mean(values=value.astype(np.float64).mean(axis=0), undefined_because="there were no people")


def person_calibration(*, stated: FloatArray, wanted: NDArray[Any], kind: IntArray) -> pl.DataFrame:
    """Return calibration in the large per person, over answered steps.

    Columns: ``person``, mean ``stated``, mean ``happened``, ``n`` answers, and ``deviation``: the gap in standard
    errors of a perfect forecaster, which over people should have standard deviation 1. People without answers are left
    out.
    """
    heard = kind != Kind.SILENT
    n = heard.sum(axis=0)
    some = n > 0
    p = np.where(heard, stated, 0.0).astype(np.float64)
    said, happened = p.sum(axis=0)[some], (heard & wanted).sum(axis=0)[some]
    spread = np.sqrt((p * (1.0 - p)).sum(axis=0)[some])
    count = n[some]
    return pl.DataFrame(
        {
            "person": np.flatnonzero(some),
            "stated": said / count,
            "happened": happened / count,
            "n": count,
            "deviation": (happened - said) / np.maximum(spread, 1e-9),
        }
    )
