"""How confident should I be in acting for this person? A calibrated figure, its interval and the count behind it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from persona_lab.contracts import Permission
from persona_lab.errors import InputError
from persona_lab.feedback import LANES, IntArray, Kind
from persona_lab.policies.acceptance_map import ACCEPTANCE_MAP
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.calibrators import Calibrator
from persona_lab.policies.population import PopulationTolerance
from persona_lab.policies.thresholds import wilson_lower, wilson_upper
from persona_lab.policies.utilities import SILENT, SUGGEST

Z_90 = 1.6448536269514722
"""Standard normal quantile of .95: a two-sided 90 % interval."""

HIGH, MODERATE = 0.75, 0.45
"""From which probability the words "high" and "moderate confidence" are used (a convention of this package)."""

FEWEST = 5
"""Fewer answers than this are called not enough evidence, whatever the figure."""


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
    policy: PopulationTolerance | AdaptiveBayes | None = None,
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
    policy
        The belief to run over the answers. Default: the one that comes with the package, whose prior was fitted on the
        answers of other people (:data:`~persona_lab.policies.acceptance_prior.SHIPPED_BELIEF`).
    calibrator
        A map fitted on other people's answers to this very belief. Default: for ``AdaptiveBayes()`` the one that comes
        with the package (:data:`~persona_lab.policies.acceptance_map.ACCEPTANCE_MAP`), none for any other, since the
        default belief is calibrated by its prior; ``Calibrator()`` states the belief as it is.

    Raises
    ------
    InputError
        If an answer is none of ``feedback.Kind``, or the answers are no list.
    """
    belief: PopulationTolerance | AdaptiveBayes = policy or SHIPPED_BELIEF
    raw = np.asarray(kinds)
    if raw.ndim != 1 or (raw.size and not np.isin(raw, [int(kind) for kind in Kind]).all()):
        cure = "Pass one feedback.Kind each: SILENT, ACCEPTED, DECLINED or CORRECTED."
        raise InputError("an answer is of no known kind", value=str(kinds)[:80], cure=cure)
    answers = raw.astype(np.int8)
    # One stream in a padded block: the same arithmetic as the lab.
    state: Any = belief.init(LANES)
    for kind in answers:
        spread = np.full(LANES, kind, dtype=np.int8)
        moved = np.full(LANES, SILENT if kind == Kind.SILENT else SUGGEST, dtype=np.int8)
        state = belief.update(state, moved, spread)
    accepted = int((answers == Kind.ACCEPTED).sum())
    heard = int((answers != Kind.SILENT).sum())
    if heard < FEWEST:
        text = f"Not enough evidence: {heard} answer{'' if heard == 1 else 's'} to {what} so far, {FEWEST} needed."
        return Confidence(None, None, None, accepted, heard, permission, text)
    shipped = ACCEPTANCE_MAP if belief == AdaptiveBayes() else Calibrator()
    adjust = calibrator or shipped
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
