"""The vendor's sentence "learned user accepted 80 % of proactive suggestions ... thresholds for autonomous behavior".

One sentence, three readings; none looks at what help is worth or costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Costs
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import FloatArray, IntArray, Kind
from persona_lab.policies.utilities import ACT, SILENT, SUGGEST

Z_ONE_SIDED_90 = 1.2815515655446004
"""Standard normal quantile of .9."""


class Approvals(NamedTuple):
    """Counts over all history (streams,), and a ring of the last answers (window, streams): 1, 0, or -1 for none."""

    accepted: FloatArray
    answered: FloatArray
    recent: IntArray
    place: IntArray


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Act once the approval rate reaches a threshold.

    Use it to reproduce the vendor's reading, not to ship: a rate over all history ignores drift, a rule that falls
    silent below its threshold never hears again that it is welcome (silence is absorbing), and the threshold is the
    same whether an unwanted act costs a shrug or a customer. :class:`~persona_lab.policies.adaptive.AdaptiveBayes` is
    the sibling to use instead.

    Parameters
    ----------
    reading
        What happens below ``act_at``: ``"else_silent"`` (the vendor's reading: no autonomy below the threshold),
        ``"else_suggest"``, or ``"three_way"`` (suggest from ``suggest_at``, else silent).
    act_at, suggest_at
        Approval rates, 0 to 1.
    cold_start
        Answers during which it always suggests; the rate counts from there.
    window
        Number of latest *answers* that count; None counts all history.
    wilson
        Compare the lower end of the one-sided 90 % Wilson interval (Wilson 1927) with the thresholds instead of the
        rate: slower to act on little evidence.

    Raises
    ------
    ConfigurationError
        If a rate lies outside [0, 1] or a count is not positive.
    """

    reading: Literal["else_silent", "else_suggest", "three_way"] = "else_silent"
    act_at: float = 0.8
    suggest_at: float = 0.5
    cold_start: int = 5
    window: int | None = None
    wilson: bool = False

    def __post_init__(self) -> None:
        if self.reading not in ("else_silent", "else_suggest", "three_way"):
            raise ConfigurationError("ApprovalRule", "reading", self.reading, "else_silent, else_suggest or three_way")
        for name in ("act_at", "suggest_at"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigurationError("ApprovalRule", name, getattr(self, name), "a rate, 0 to 1")
        if self.cold_start < 1:
            raise ConfigurationError("ApprovalRule", "cold_start", self.cold_start, "at least 1 answer")
        if self.window is not None and self.window < self.cold_start:
            raise ConfigurationError("ApprovalRule", "window", self.window, "None, or at least cold_start answers")

    def init(self, streams: int) -> Approvals:
        """Return the state before any answer."""
        nothing = np.zeros(streams)
        ring = np.full((self.window or 0, streams), -1, dtype=np.int8)
        return Approvals(nothing, nothing.copy(), ring, np.zeros(streams, dtype=np.int32))

    def acceptance(self, state: Approvals, luck: FloatArray) -> Acceptance:
        """Return the approval rate (one half before the first answer), or its Wilson bound."""
        rate, count = self._rate(state)
        return Acceptance(rate, rate, count)

    def decide(self, state: Approvals, costs: Costs, luck: FloatArray) -> IntArray:
        """Return the move; ``costs`` are ignored, which is the rule's fault."""
        rate, _ = self._rate(state)
        cold = state.answered < self.cold_start
        floor = {"else_silent": 2.0, "else_suggest": -1.0, "three_way": self.suggest_at}[self.reading]
        act = ~cold & (rate >= self.act_at)
        suggest = cold | (rate >= floor)
        moves: IntArray = np.where(act, ACT, np.where(suggest, SUGGEST, SILENT)).astype(np.int8)
        return moves

    def update(self, state: Approvals, move: IntArray, kind: IntArray) -> Approvals:
        """Count an answer; an act that is accepted counts like an accepted suggestion."""
        yes = kind == Kind.ACCEPTED
        heard = yes | (kind == Kind.DECLINED) | (kind == Kind.CORRECTED)
        ring, place = state.recent, state.place
        if self.window is not None:
            here = heard[np.newaxis, :] & (place[np.newaxis, :] == np.arange(self.window)[:, np.newaxis])
            ring = np.where(here, yes.astype(np.int8)[np.newaxis, :], ring)
            place = ((place + heard) % self.window).astype(np.int32)
        return Approvals(state.accepted + yes, state.answered + heard, ring, place)

    def _rate(self, state: Approvals) -> tuple[FloatArray, FloatArray]:
        if self.window is None:
            hits, count = state.accepted, state.answered
        else:
            hits = (state.recent == 1).sum(axis=0).astype(np.float64)
            count = (state.recent >= 0).sum(axis=0).astype(np.float64)
        trials = np.maximum(count, 1.0)
        rate = np.where(count > 0, hits / trials, 0.5)
        if self.wilson:
            rate = np.where(count > 0, wilson_lower(hits, trials), 0.5)
        return rate, count


def wilson_lower(hits: FloatArray, trials: FloatArray, z: float = Z_ONE_SIDED_90) -> FloatArray:
    """Return the lower end of the Wilson score interval of a rate, at ``z`` standard deviations."""
    rate = hits / trials
    centre = rate + z * z / (2.0 * trials)
    spread = z * np.sqrt(rate * (1.0 - rate) / trials + z * z / (4.0 * trials * trials))
    lower: FloatArray = np.maximum(0.0, (centre - spread) / (1.0 + z * z / trials))
    return lower


def wilson_upper(hits: FloatArray, trials: FloatArray, z: float = Z_ONE_SIDED_90) -> FloatArray:
    """Return the upper end of the Wilson score interval of a rate, at ``z`` standard deviations."""
    upper: FloatArray = 1.0 - wilson_lower(trials - hits, trials, z)
    return upper
