"""Would this programmer accept this suggestion? A replay of coderec, every person predicted from the others.

Only the ``show_*`` columns enter, which were known when the suggestion was shown; anything written after the decision
(how long it took, what was typed next) would leak the answer. Data: Mozannar et al. 2024, "Reading between the lines",
github.com/microsoft/coderec_programming_states, MIT; users bring their own copy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from persona_lab.errors import InputError
from persona_lab.feedback import FloatArray
from persona_lab.measurement import Measurement
from persona_lab.metrics.proactive import Calibration, calibration
from persona_lab.randomness import generator

SHOWN = "show_"
"""Prefix of the columns known when the suggestion was shown."""

CLIP = 1e-3
"""Probabilities are clipped to [.001, .999] in log-loss and slope."""

REGULARISATION = 0.1
"""Inverse strength C of the ridge penalty, fixed beforehand (as published)."""

RESAMPLES = 500


class CoderecReplay(NamedTuple):
    """Out-of-person forecasts and how good they are.

    ``forecasts`` has columns ``person``, ``stated``, ``accepted``. ``slope`` is the calibration slope (1 = neither
    over- nor underconfident) with ``slope_low`` to ``slope_high``, its 95 % interval over resampled people.
    """

    forecasts: pl.DataFrame
    log_loss: Measurement
    auc: float
    slope: float
    slope_low: float
    slope_high: float
    calibration: Calibration


def replay_coderec(decisions: pl.DataFrame, *, seed: int = 0) -> CoderecReplay:
    """Predict every person's decisions with a logistic model fitted on the other people.

    Parameters
    ----------
    decisions
        Columns ``user_id``, ``accepted`` (0 or 1) and the features known when shown, ``show_*`` (nulls allowed: they
        take the training mean).
    seed
        Key of the bootstrap over people.

    Raises
    ------
    InputError
        If a column is missing, a feature is no number or not finite, a person is unknown, there are fewer than three
        people, ``accepted`` is not 0 and 1, or the people other than some person all answered alike.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    known = [name for name in decisions.columns if name.startswith(SHOWN)]
    missing = [name for name in ("user_id", "accepted") if name not in decisions.columns]
    if missing or not known:
        raise InputError(
            "a column is missing",
            column=(missing or [f"{SHOWN}*"])[0],
            cure="Pass the decisions with user_id, accepted and show_* columns.",
        )
    if set(decisions["accepted"].unique()) != {0, 1}:
        raise InputError(
            "answers must be 0 and 1, and both occur", column="accepted", cure="Leave out unknown answers."
        )
    if decisions["user_id"].null_count():
        raise InputError(
            "whose decision it was is unknown", column="user_id", cure="Leave out decisions of nobody known."
        )
    person, accepted = decisions["user_id"].to_numpy(), decisions["accepted"].to_numpy().astype(np.int64)
    people = np.unique(person)
    if len(people) < 3:
        raise InputError("people held out need others", value=len(people), cure="Pass at least three people.")
    raw = _numbers(decisions, known)
    features = np.sign(raw) * np.log1p(np.abs(raw))
    stated = np.empty(len(accepted))
    for held_out in people:
        train, test = person != held_out, person == held_out
        if accepted[train].min() == accepted[train].max():
            raise InputError(
                "the other people all answered alike", value=str(held_out), cure="Pass people of both answers."
            )
        # A feature that nobody else has a value of says nothing about this person.
        told = ~np.isnan(features[train]).all(axis=0)
        kept = features if told.all() else features[:, told]
        centre, scale = np.nanmean(kept[train], axis=0), np.nanstd(kept[train], axis=0)
        scaled = np.nan_to_num((kept - centre) / np.where(scale > 0, scale, 1.0))
        model = LogisticRegression(C=REGULARISATION, max_iter=2000).fit(scaled[train], accepted[train])
        stated[test] = model.predict_proba(scaled[test])[:, 1]
    inside = np.clip(stated, CLIP, 1.0 - CLIP)
    loss = -np.where(accepted == 1, np.log(inside), np.log(1.0 - inside))
    logit = np.log(inside / (1.0 - inside))
    slope = _slope(logit, accepted)
    luck = generator(seed, "coderec/bootstrap")
    rows = [np.flatnonzero(person == one) for one in people]
    slopes = []
    for _ in range(RESAMPLES):
        drawn = np.concatenate([rows[index] for index in luck.integers(0, len(people), len(people))])
        slopes.append(_slope(logit[drawn], accepted[drawn]))
    low, high = np.quantile(slopes, [0.025, 0.975])
    by_person = np.array([loss[row].sum() for row in rows])
    counts = np.array([len(row) for row in rows])
    mean = float(loss.mean())
    residual = by_person - mean * counts
    error = float(np.sqrt((residual**2).sum() * len(people) / (len(people) - 1)) / counts.sum())
    forecasts = pl.DataFrame({"person": person, "stated": stated, "accepted": accepted})
    return CoderecReplay(
        forecasts,
        Measurement(mean, error, len(accepted)),
        float(roc_auc_score(accepted, stated)),
        slope,
        float(low),
        float(high),
        calibration(stated=stated, happened=accepted),
    )


def _numbers(decisions: pl.DataFrame, known: list[str]) -> FloatArray:
    """Return the features, (decisions, features); NaN where unknown."""
    for name in known:
        if not (decisions[name].dtype.is_numeric() or decisions[name].dtype in (pl.Boolean, pl.Null)):
            raise InputError("a feature is no number", column=name, cure="Pass numbers, or leave the column out.")
        if decisions[name].dtype.is_float() and decisions[name].is_infinite().any():
            raise InputError("a feature is not finite", column=name, cure="Pass null where a value is unknown.")
    raw: FloatArray = decisions.select(pl.col(known).cast(pl.Float64)).to_numpy()
    if np.isnan(raw).all():
        raise InputError("no feature has a value", column=f"{SHOWN}*", cure="Pass what was known when shown.")
    return raw


def _slope(logit: FloatArray, happened: np.ndarray) -> float:
    """Return the slope of a logistic regression of the outcome on the stated log-odds (Cox 1958), by Newton steps."""
    design = np.stack([np.ones_like(logit), logit], axis=1)
    weights = np.zeros(2)
    for _ in range(25):
        p = 1.0 / (1.0 + np.exp(-design @ weights))
        gradient = design.T @ (happened - p)
        hessian = (design * (p * (1.0 - p))[:, np.newaxis]).T @ design
        step = np.linalg.solve(hessian, gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-9:
            break
    return float(weights[1])
