"""From stated to calibrated probability: maps fitted on other people, and a policy that carries one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Acceptance, Costs
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import FloatArray, IntArray
from persona_lab.policies.utilities import choose_move
from persona_lab.protocols import StreamPolicy

CLIP = 1e-4
"""Probabilities are kept this far from 0 and 1 before taking logarithms."""


@dataclass(frozen=True, slots=True)
class Calibrator:
    """Monotone map from stated to calibrated probability: linear between knots, flat outside.

    Fit it on other people than those it is applied to (:func:`fit_isotonic`, :func:`fit_beta`). It fails when the
    people change: a map fitted on one population biases another.

    Parameters
    ----------
    stated, calibrated
        Knots, ascending, of equal length.

    Raises
    ------
    ConfigurationError
        If the knots are not ascending or not probabilities.
    """

    stated: tuple[float, ...] = (0.0, 1.0)
    calibrated: tuple[float, ...] = (0.0, 1.0)

    def __post_init__(self) -> None:
        for name in ("stated", "calibrated"):
            knots = np.array(getattr(self, name))
            rising = len(knots) > 1 and (np.diff(knots) >= 0).all()
            if not (rising and knots[0] >= 0 and knots[-1] <= 1):
                raise ConfigurationError("Calibrator", name, getattr(self, name), "ascending probabilities")
        if len(self.stated) != len(self.calibrated):
            raise ConfigurationError("Calibrator", "calibrated", self.calibrated, "as many knots as stated")

    def __call__(self, stated: NDArray[Any]) -> FloatArray:
        """Return calibrated probabilities, same shape."""
        calibrated: FloatArray = np.interp(stated, self.stated, self.calibrated)
        return calibrated


def fit_isotonic(stated: NDArray[Any], happened: NDArray[Any], *, knots: int = 41) -> Calibrator:
    """Fit isotonic regression (Zadrozny & Elkan 2002) on flat arrays of forecasts and outcomes.

    The steps are averaged over ``knots`` groups of equal count, so that every knot rests on many answers and the map
    never states 0 or 1 on the strength of a handful at the edge.

    Raises
    ------
    InputError
        If there is nothing to fit on.
    """
    from sklearn.isotonic import IsotonicRegression

    p, y = _checked(stated, happened)
    order = np.argsort(p, kind="stable")
    level = IsotonicRegression(y_min=0.0, y_max=1.0).fit(p, y).predict(p[order])
    groups = [group for group in np.array_split(np.arange(len(p)), knots) if len(group)]
    centre = np.array([p[order][group].mean() for group in groups])
    mean = np.array([level[group].mean() for group in groups])
    distinct, place = np.unique(centre, return_inverse=True)
    value = np.bincount(place, mean) / np.bincount(place)
    if len(distinct) == 1:
        return _as_calibrator(np.array([0.0, 1.0]), np.repeat(value, 2))
    return _as_calibrator(distinct, value)


def fit_beta(stated: NDArray[Any], happened: NDArray[Any], *, knots: int = 101) -> Calibrator:
    """Fit beta calibration (Kull, Silva Filho & Flach 2017): logit q = a ln p - b ln(1 - p) + c, a and b >= 0.

    Raises
    ------
    InputError
        If there is nothing to fit on, or only one outcome ever happened.
    """
    from sklearn.linear_model import LogisticRegression

    p, y = _checked(stated, happened)
    if y.min() == y.max():
        raise InputError("every outcome is the same", value=float(y[0]), cure="Fit on people with both outcomes.")

    def features(values: FloatArray) -> FloatArray:
        inside = np.clip(values, CLIP, 1.0 - CLIP)
        return np.stack([np.log(inside), -np.log1p(-inside)], axis=1)

    columns = [0, 1]
    for _ in range(2):
        model = LogisticRegression(C=1e6, max_iter=1000).fit(features(p)[:, columns], y)
        kept = [column for column, slope in zip(columns, model.coef_[0], strict=True) if slope >= 0]
        if len(kept) == len(columns) or not kept:
            break
        columns = kept
    grid = np.linspace(0.0, 1.0, knots)
    return _as_calibrator(grid, model.predict_proba(features(grid)[:, columns])[:, 1])


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Pass a policy's belief of acceptance through a map before it is stated or decided upon.

    Use it where the probability is shown to somebody or compared with costs. The map must have been fitted on the
    answers to this very policy, configured alike, by other people. It fails when the people change. The sibling that
    needs no other people is the policy alone.

    Parameters
    ----------
    policy
        Any :class:`~persona_lab.protocols.StreamPolicy` that decides by expected utility: its moves are decided anew
        from the calibrated belief.
    calibrator
        The map, for the mean and the optimistic view alike.
    """

    policy: StreamPolicy
    calibrator: Calibrator

    def init(self, streams: int) -> Any:
        """Return the wrapped policy's state before any answer."""
        return self.policy.init(streams)

    def acceptance(self, state: Any, luck: FloatArray) -> Acceptance:
        """Return the wrapped policy's belief, calibrated."""
        belief = self.policy.acceptance(state, luck)
        return Acceptance(self.calibrator(belief.mean), self.calibrator(belief.optimistic), belief.evidence)

    def decide(self, state: Any, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move of highest worth under the calibrated belief."""
        belief = self.acceptance(state, luck)
        return choose_move(belief.mean, belief.optimistic, costs)

    def update(self, state: Any, move: IntArray, kind: IntArray) -> Any:
        """Let the wrapped policy learn."""
        return self.policy.update(state, move, kind)


def _checked(stated: NDArray[Any], happened: NDArray[Any]) -> tuple[FloatArray, FloatArray]:
    p = np.asarray(stated, dtype=np.float64).ravel()
    y = np.asarray(happened, dtype=np.float64).ravel()
    if len(p) == 0 or len(p) != len(y):
        raise InputError(
            "calibration needs forecasts and as many outcomes",
            value=(len(p), len(y)),
            cure="Pass arrays of one length.",
        )
    if not (((p >= 0) & (p <= 1)).all() and np.isin(y, (0.0, 1.0)).all()):
        raise InputError("calibration needs probabilities and outcomes", cure="Pass 0 to 1, and outcomes 0 or 1.")
    return p, y


def _as_calibrator(grid: FloatArray, values: NDArray[Any]) -> Calibrator:
    level = np.clip(np.maximum.accumulate(np.asarray(values, dtype=np.float64)), 0.0, 1.0)
    return Calibrator(tuple(map(float, grid)), tuple(map(float, level)))
