"""Risk control: unwanted acts per opportunity held at alpha in the long run, whatever the belief is worth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Costs
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import TIE, FloatArray, IntArray, Kind
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.utilities import ACT, SILENT, SUGGEST, act_value, suggest_value
from persona_lab.protocols import StreamPolicy

RESERVED = 0.1
"""Share of the account kept for acts that the wrapped policy itself wants; the rest is open to eager ones."""

FINE_LEVELS = 31
"""Grid points of the default belief. Where harm is dear, acting pays only above 1 - s/c, and a belief whose highest
level lies below that can never be sure enough to act (11 points end at .95; s = .2, c = 6 asks for .967)."""

EAGER_CHANCE = 0.1
"""Upper tail of the default belief's optimistic view; chosen, as the grid, on people that are never scored."""


def _eager_belief() -> AdaptiveBayes:
    return AdaptiveBayes(levels=FINE_LEVELS, chance=EAGER_CHANCE)


class Account(NamedTuple):
    """State: that of the wrapped policy, unwanted acts so far, opportunities so far; (streams,).

    ``unwanted`` counts an answered act as 0 or 1 and an unanswered one by the belief at the time.
    """

    inner: Any
    unwanted: FloatArray
    opportunities: FloatArray


@dataclass(frozen=True, slots=True)
class RiskControlled:
    """Let a policy act only while an account of unwanted acts covers it.

    Use it when a promise must hold for each person: an act is made only if the unwanted acts counted so far (answered
    ones whatever the model is worth, unanswered ones by the belief), and the chance that this one is unwanted, stay
    within alpha per opportunity. While the account has slack, it also acts where acting would pay on an optimistic
    view (and on average beats silence), since risk within alpha has been granted: it spends the bound where acting
    pays, and earns a little less than a policy that only acts when sure. It fails in the short run: for some
    opportunities after a drift, unwanted acts exceed alpha (that stretch is reported beside the long run). The promise
    is about counted acts: where few answer, or answers were lucky, one person may truly see more. Without a promise to
    keep, the wrapped policy alone earns more.

    Parameters
    ----------
    policy
        Any :class:`~persona_lab.protocols.StreamPolicy`; where it may not act, it suggests if that pays, else is quiet.
    alpha
        Unwanted acts per opportunity allowed in the long run, 0 to 1.
    allowance
        Unwanted acts that the account may run ahead of alpha x opportunities: the promise after n opportunities is
        alpha + (allowance + 1) / n.

    Raises
    ------
    ConfigurationError
        If a knob lies outside its range.
    """

    policy: StreamPolicy = field(default_factory=_eager_belief)
    alpha: float = 0.05
    allowance: float = 2.0

    def __post_init__(self) -> None:
        if not 0.0 < self.alpha <= 1.0:
            raise ConfigurationError("RiskControlled", "alpha", self.alpha, "above 0, at most 1")
        if not self.allowance >= 0:
            raise ConfigurationError("RiskControlled", "allowance", self.allowance, "at least 0")

    def init(self, streams: int) -> Account:
        """Return the state before any opportunity."""
        return Account(self.policy.init(streams), np.zeros(streams), np.zeros(streams))

    def acceptance(self, state: Account, luck: FloatArray) -> Acceptance:
        """Return the wrapped policy's belief."""
        return self.policy.acceptance(state.inner, luck)

    def decide(self, state: Account, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the wrapped policy's move; an act that the account does not cover becomes a suggestion or silence."""
        belief = self.policy.acceptance(state.inner, luck)
        wish = self.policy.decide(state.inner, costs, luck)
        booked = state.unwanted + (1.0 - belief.mean)
        earned = self.alpha * (state.opportunities + 1.0)
        gain = act_value(belief.optimistic, costs) - suggest_value(belief.optimistic, costs)
        eager = (act_value(belief.mean, costs) > TIE) & (gain > TIE) & (booked <= (1.0 - RESERVED) * earned)
        acts = ((wish == ACT) | eager) & (booked <= earned + self.allowance)
        instead = np.where(suggest_value(belief.optimistic, costs) > TIE, np.int8(SUGGEST), np.int8(SILENT))
        moves: IntArray = np.where(acts, np.int8(ACT), np.where(wish == ACT, instead, wish)).astype(np.int8)
        return moves

    def update(self, state: Account, move: IntArray, kind: IntArray) -> Account:
        """Book the act and let the wrapped policy learn."""
        belief = self.policy.acceptance(state.inner, np.full(move.shape, 0.5))
        declined = (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        guess = np.where(kind == Kind.ACCEPTED, 0.0, np.where(declined, 1.0, 1.0 - belief.mean))
        unwanted = np.where(move == ACT, guess, 0.0)
        return Account(
            self.policy.update(state.inner, move, kind), state.unwanted + unwanted, state.opportunities + 1.0
        )
