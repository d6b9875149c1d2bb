"""What will they choose between A and B? Luce's choice model with recency, from decisions with named alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import FloatArray
from persona_lab.policies.clock import seconds_of

PASSES = 200
"""Passes of the minorise-maximise iteration; it stops earlier when nothing moves by more than 1e-10."""


class PastDecision(NamedTuple):
    """One decision: what was ``chosen`` among ``alternatives`` (the chosen one included), when, and its event id."""

    chosen: str
    alternatives: tuple[str, ...]
    at: datetime
    event_id: str = ""


class Prediction(NamedTuple):
    """Probabilities of the named alternatives, or None where nothing is known about any of them.

    ``evidence`` is the discounted number of past decisions in which one of them was available; ``event_ids`` those
    decisions, oldest first; ``reason`` says it in words.
    """

    probabilities: dict[str, float] | None
    evidence: float
    event_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class ChoicePredictor:
    """Predict a choice from past choices, whatever alternatives were on offer each time (Luce 1959).

    Use it for named alternatives that recur. It fails where alternatives are near-duplicates (red bus, blue bus:
    Luce's independence of irrelevant alternatives) and says nothing about one that was never on offer. For one option
    set that never varies, an update strategy of the lab is the sibling to use.

    Parameters
    ----------
    half_life_days
        Age at which a decision counts half; None never forgets.
    prior_wins
        Pseudo-decisions each alternative wins, and loses, against an average one: draws sparse weights to equality.

    Raises
    ------
    ConfigurationError
        If a knob is not positive.

    Notes
    -----
    Maximum a posteriori weights by the MM algorithm (Hunter 2004, "MM algorithms for generalized Bradley-Terry
    models", section 4).
    """

    half_life_days: float | None = 60.0
    prior_wins: float = 0.5

    def __post_init__(self) -> None:
        if self.half_life_days is not None and not self.half_life_days > 0:
            raise ConfigurationError("ChoicePredictor", "half_life_days", self.half_life_days, "None or positive")
        if not self.prior_wins > 0:
            raise ConfigurationError("ChoicePredictor", "prior_wins", self.prior_wins, "positive")

    def predict(self, history: Sequence[PastDecision], alternatives: Sequence[str], *, as_of: datetime) -> Prediction:
        """Return the probability of each of the named alternatives; decisions after ``as_of`` are ignored.

        Raises
        ------
        InputError
            If fewer than two different alternatives are named, a decision did not offer what was chosen, or a time
            carries no zone.
        """
        offered = tuple(dict.fromkeys(alternatives))
        if len(offered) < 2:
            raise InputError("a choice needs two alternatives", value=alternatives, cure="Name at least two.")
        now = seconds_of(as_of)
        past = sorted((one for one in history if seconds_of(one.at) <= now), key=lambda one: one.at)
        for one in past:
            if one.chosen not in one.alternatives:
                raise InputError(
                    "the chosen option was not among the alternatives", value=one.chosen, cure="List it too."
                )
        bearing = [one for one in past if set(one.alternatives) & set(offered) and len(set(one.alternatives)) > 1]
        if not bearing:
            return Prediction(None, 0.0, (), f"Not enough evidence: no past decision offered {_listed(offered)}.")
        names = tuple(dict.fromkeys([*offered, *(name for one in past for name in one.alternatives)]))
        weight = np.array([self._weight(as_of - one.at) for one in past])
        worth = self._fit(past, names, weight)
        shares = worth[: len(offered)] / worth[: len(offered)].sum()
        probabilities = {name: float(share) for name, share in zip(offered, shares, strict=True)}
        evidence = float(sum(self._weight(as_of - one.at) for one in bearing))
        best = max(offered, key=lambda name: probabilities[name])
        times = sum(one.chosen == best for one in bearing)
        on_offer = sum(best in one.alternatives for one in bearing)
        reason = (
            f"Most likely '{best}' ({probabilities[best]:.0%}): chosen {times} of the {on_offer} times it was on offer."
        )
        return Prediction(probabilities, evidence, tuple(one.event_id for one in bearing if one.event_id), reason)

    def _weight(self, age: timedelta) -> float:
        if self.half_life_days is None:
            return 1.0
        return float(0.5 ** (age / timedelta(days=self.half_life_days)))

    def _fit(self, past: Sequence[PastDecision], names: tuple[str, ...], weight: FloatArray) -> FloatArray:
        place = {name: index for index, name in enumerate(names)}
        offered = np.zeros((len(past), len(names)))
        wins = np.full(len(names), self.prior_wins)
        for row, one in enumerate(past):
            offered[row, [place[name] for name in one.alternatives]] = 1.0
            wins[place[one.chosen]] += weight[row]
        worth: FloatArray = np.ones(len(names))
        for _ in range(PASSES):
            denominators = (weight / (offered * worth).sum(axis=1))[:, np.newaxis] * offered
            # The prior: prior_wins won and prior_wins lost against an alternative of worth 1.
            new: FloatArray = wins / (denominators.sum(axis=0) + 2.0 * self.prior_wins / (worth + 1.0))
            if np.abs(new - worth).max() < 1e-10:
                return new
            worth = new
        return worth


def _listed(names: Sequence[str]) -> str:
    return " or ".join(f"'{name}'" for name in names)
