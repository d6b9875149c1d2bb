"""How confident should I be in acting for this person? A calibrated figure, its interval and the count behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.contracts import Permission
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import LANES, FloatArray, IntArray, Kind
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.thresholds import wilson_lower, wilson_upper
from persona_lab.policies.utilities import SILENT, SUGGEST

Z_90 = 1.6448536269514722
"""Standard normal quantile of .95: a two-sided 90 % interval."""

HIGH, MODERATE = 0.75, 0.45
"""From which probability the words "high" and "moderate confidence" are used (a convention of this package)."""

FEWEST = 5
"""Fewer answers than this are called not enough evidence, whatever the figure."""

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


def fit_isotonic(stated: NDArray[Any], happened: NDArray[Any], *, knots: int = 101) -> Calibrator:
    """Fit isotonic regression (Zadrozny & Elkan 2002) on flat arrays of forecasts and outcomes.

    Raises
    ------
    InputError
        If there is nothing to fit on.
    """
    from sklearn.isotonic import IsotonicRegression

    p, y = _checked(stated, happened)
    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(p, y)
    grid = np.unique(np.quantile(p, np.linspace(0.0, 1.0, knots)))
    grid = np.unique(np.concatenate([[0.0], grid, [1.0]]))
    return _as_calibrator(grid, model.predict(grid))


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


class Confidence(NamedTuple):
    """Answer to "how confident should I be in being proactive here?".

    ``value`` is the probability that the next proposal is welcome, ``low`` to ``high`` its 90 % interval; None where
    ``answers`` are too few. ``accepted`` of ``answers`` and the Wilson interval of that rate describe all history;
    ``permission`` caps what the confidence may be used for; ``text`` says it in words.
    """

    value: float | None
    low: float | None
    high: float | None
    accepted: int
    answers: int
    permission: Permission
    text: str


def confidence(
    kinds: Sequence[int] | IntArray,
    *,
    what: str,
    permission: Permission = Permission.ASK,
    policy: AdaptiveBayes | None = None,
    calibrator: Calibrator | None = None,
) -> Confidence:
    """Score the confidence in proactive moves of one kind for one person.

    Parameters
    ----------
    kinds
        The person's answers to earlier proposals, oldest first (``feedback.Kind``; SILENT where nobody answered).
    what
        What was proposed, in the plural, such as ``"proactive meeting reschedules"``.
    permission
        What the person allows here; confidence never lifts it.
    policy, calibrator
        The belief to run over the answers, and a map fitted on other people (default: none).

    Raises
    ------
    InputError
        If an answer is none of ``feedback.Kind``.
    """
    belief = policy or AdaptiveBayes()
    raw = np.asarray(kinds)
    if raw.size and not np.isin(raw, [int(kind) for kind in Kind]).all():
        cure = "Pass feedback.Kind: SILENT, ACCEPTED, DECLINED or CORRECTED."
        raise InputError("an answer is of no known kind", value=str(kinds)[:80], cure=cure)
    answers = raw.astype(np.int8)
    # One stream in a padded block: the same arithmetic as the lab.
    state = belief.init(LANES)
    for kind in answers:
        spread = np.full(LANES, kind, dtype=np.int8)
        moved = np.full(LANES, SILENT if kind == Kind.SILENT else SUGGEST, dtype=np.int8)
        state = belief.update(state, moved, spread)
    accepted = int((answers == Kind.ACCEPTED).sum())
    heard = int((answers != Kind.SILENT).sum())
    if heard < FEWEST:
        text = f"Not enough evidence: {heard} answer{'' if heard == 1 else 's'} to {what} so far, {FEWEST} needed."
        return Confidence(None, None, None, accepted, heard, permission, text)
    adjust = calibrator or Calibrator()
    mean = float(adjust(belief.acceptance(state, np.zeros(LANES)).mean)[0])
    low, high = (float(adjust(edge)[0]) for edge in belief.interval(state, 0.9))
    trials, hits = np.array([float(heard)]), np.array([float(accepted)])
    wide = (float(wilson_lower(hits, trials, Z_90)[0]), float(wilson_upper(hits, trials, Z_90)[0]))
    word = "High" if mean >= HIGH else "Moderate" if mean >= MODERATE else "Low"
    may = {
        Permission.NEVER: " They allow no proactive help here, so the confidence must not be used.",
        Permission.ASK: " They want to be asked first.",
        Permission.MAY: "",
    }[permission]
    text = (
        f"{word} confidence: accepts {accepted / heard:.0%} of {what} ({accepted} of {heard} answers, 90 % interval "
        f"{wide[0]:.0%} to {wide[1]:.0%}); the next one is welcome with probability {mean:.2f} "
        f"({low:.2f} to {high:.2f}).{may}"
    )
    return Confidence(mean, low, high, accepted, heard, permission, text)


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
