"""State and act by one belief, keep asking by another's optimism."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from persona_lab.contracts import Acceptance, Costs
from persona_lab.feedback import FloatArray, IntArray
from persona_lab.policies.acceptance_prior import SHIPPED_BELIEF
from persona_lab.policies.adaptive import AdaptiveBayes
from persona_lab.policies.utilities import choose_move
from persona_lab.protocols import StreamPolicy


class Both(NamedTuple):
    """State of the belief that states, and of the one that explores."""

    states: Any
    explores: Any


@dataclass(frozen=True, slots=True)
class Curious:
    """Act on the mean of a belief that knows other people; ask while a belief that does not still finds it worth while.

    Use it where the probability is both stated and decided upon. A belief with a well-fitted prior is soon sure of a
    person, and a sure belief stops asking: alone, it earns less under drift than a belief that keeps doubting. It fails
    where its parts do, and where those on whom the prior was fitted differ from those it meets. Without other people's
    answers :class:`~persona_lab.policies.adaptive.AdaptiveBayes` is the sibling to use.

    Parameters
    ----------
    policy
        States the mean, which alone decides whether to act.
    explorer
        Its optimistic view decides between suggesting and silence.
    """

    policy: StreamPolicy = SHIPPED_BELIEF
    explorer: StreamPolicy = field(default_factory=AdaptiveBayes)

    def init(self, streams: int) -> Both:
        """Return both states before any answer."""
        return Both(self.policy.init(streams), self.explorer.init(streams))

    def acceptance(self, state: Both, luck: FloatArray) -> Acceptance:
        """Return the mean and evidence of the one, the optimistic view of the other."""
        stated = self.policy.acceptance(state.states, luck)
        optimistic = self.explorer.acceptance(state.explores, luck).optimistic
        return Acceptance(stated.mean, optimistic, stated.evidence)

    def decide(self, state: Both, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move of highest worth, the suggest threshold tested on the optimistic view."""
        belief = self.acceptance(state, luck)
        return choose_move(belief.mean, belief.optimistic, costs)

    def update(self, state: Both, move: IntArray, kind: IntArray) -> Both:
        """Let both learn."""
        return Both(self.policy.update(state.states, move, kind), self.explorer.update(state.explores, move, kind))
