"""One opportunity, one decision: silent, suggest or act, with the reason in words, the numbers, and how to undo it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from persona_lab.contracts import Acceptance, Belief, Boundaries, Move, Opportunity, ProactiveDecision
from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import TIE, FloatArray
from persona_lab.policies.boundaries import LEVEL, Why, ceiling_for, next_allowed, stated_permission
from persona_lab.policies.clock import zone
from persona_lab.policies.expected_utility import normal_quantile
from persona_lab.policies.utilities import (
    ACT,
    MOVES,
    SILENT,
    SUGGEST,
    act_value,
    choose_move,
    costs_of,
    suggest_value,
    thresholds,
)

ACCEPTED = "accepted"
"""Option of the acceptance belief that means "the help was wanted"."""

BOUNDARY_WORDS = {
    Why.NEVER: "you never want proactive help with {context}",
    Why.OUT_OF_SCOPE: "{context} is outside the scope that you set",
    Why.SNOOZED: "you snoozed suggestions",
    Why.WRONG_DAY: "you allow no suggestions on this day",
    Why.WRONG_HOUR: "you allow no suggestions at this hour",
    Why.BUDGET_SPENT: "today's budget of suggestions is spent",
    Why.COOLING_DOWN: "the last suggestion was too recent",
    Why.ASK_FIRST: "you want to be asked first about {context}",
    Why.IRREVERSIBLE: "it could not be undone",
}

LEARNT_WORDS = {
    Why.NEVER: "you declined help with {context} repeatedly, so you are left alone for a while",
    Why.ASK_FIRST: "you declined help with {context} repeatedly, so you are asked first for a while",
}
"""Words where repeated declines, not the person's own statement, set the ceiling."""


@dataclass(frozen=True, slots=True)
class Advisor:
    """Decide by expected utility under the boundaries (:class:`~persona_lab.protocols.ProactivePolicy`).

    Use it wherever one opportunity is at hand; over streams of answers, let a
    :class:`~persona_lab.protocols.StreamPolicy` keep the belief and hand its :class:`~persona_lab.contracts.Acceptance`
    to :meth:`advise`. The rule, the boundaries and the costs are the array functions of the lab, called with one
    stream. It fails as its belief fails: a miscalibrated probability acts too often or asks too much.

    Parameters
    ----------
    chance
        For :meth:`decide`, which knows only mean and evidence: suggest while the probability that a suggestion pays is
        above it; .15 is the upper 85 % point of a Beta.

    Raises
    ------
    ConfigurationError
        If ``chance`` lies outside (0, .5].
    """

    chance: float = 0.15

    def __post_init__(self) -> None:
        if not 0.0 < self.chance <= 0.5:
            raise ConfigurationError("Advisor", "chance", self.chance, "above 0, at most .5")

    def decide(
        self,
        acceptance: Belief,
        opportunity: Opportunity,
        boundaries: Boundaries,
        earlier: Sequence[datetime] = (),
        *,
        lowered: int = 0,
    ) -> ProactiveDecision:
        """Decide from a belief over the options ``accepted`` and anything else; the rest as in :meth:`advise`.

        Raises
        ------
        InputError
            If the belief is of another user or context, or has no option ``accepted`` with its probability.
        """
        about, asked = (acceptance.user_id, acceptance.context), (opportunity.user_id, opportunity.context)
        if about != asked:
            cure = "Pass the belief of the opportunity's own user and context."
            raise InputError("the belief is about something else than the opportunity", value=(about, asked), cure=cure)
        if len(acceptance.options) != len(acceptance.probabilities):
            cure = "Pass one probability per option."
            raise InputError("a belief needs a probability per option", value=acceptance.probabilities, cure=cure)
        if ACCEPTED not in acceptance.options:
            raise InputError(
                "a belief of acceptance needs the option 'accepted'",
                value=acceptance.options,
                cure="Pass a belief over ('accepted', 'declined').",
            )
        mean = np.array([acceptance.probabilities[acceptance.options.index(ACCEPTED)]], dtype=np.float64)
        evidence = np.array([acceptance.evidence], dtype=np.float64)
        _check_evidence(evidence)
        if not 0.0 <= mean[0] <= 1.0:
            raise InputError("acceptance is no probability", value=float(mean[0]), cure="Pass a number from 0 to 1.")
        # A Beta whose mean is given and that has seen `evidence` answers on a uniform prior.
        deviation = np.sqrt(mean * (1.0 - mean) / (evidence + 3.0))
        optimistic = np.clip(mean + normal_quantile(np.array([1.0 - self.chance])) * deviation, 0.0, 1.0)
        return self.advise(Acceptance(mean, optimistic, evidence), opportunity, boundaries, earlier, lowered=lowered)

    def advise(
        self,
        acceptance: Acceptance,
        opportunity: Opportunity,
        boundaries: Boundaries,
        earlier: Sequence[datetime] = (),
        *,
        lowered: int = 0,
    ) -> ProactiveDecision:
        """Decide from one stream's acceptance.

        Parameters
        ----------
        acceptance
            Arrays of shape (1,).
        opportunity, boundaries, earlier
            The chance to help, what the person allows, and the times of previous proposals.
        lowered
            Levels by which repeated declines have lowered the permission
            (:class:`~persona_lab.policies.boundaries.DeclineBrake`).

        Raises
        ------
        InputError
            If a time carries no zone, a cost is negative or not finite, the benefit is not positive, need or
            acceptance is no probability, the evidence is no count, or a time or window runs past the calendar.
        ConfigurationError
            If the boundaries make no sense.
        """
        _check(opportunity, acceptance)
        given = costs_of(opportunity)
        mean, optimistic = opportunity.need * acceptance.mean, opportunity.need * acceptance.optimistic
        wish = int(choose_move(mean, optimistic, given)[0])
        top = ceiling_for(opportunity, boundaries, earlier, lowered=lowered)
        allowed, why = int(top.move[0]), Why(int(top.why[0]))
        # A wish to act that may only be asked: ask if asking still pays, on the optimistic view as everywhere.
        if wish > allowed:
            pays = float(suggest_value(optimistic, given)[0]) > 0.0
            move = SUGGEST if allowed == SUGGEST and pays else SILENT
        else:
            move = wish
        suggest_from, act_from = thresholds(given)
        numbers = {
            "acceptance": float(acceptance.mean[0]),
            "acceptance_optimistic": float(acceptance.optimistic[0]),
            "evidence": float(acceptance.evidence[0]),
            "need": opportunity.need,
            "benefit": float(given.benefit),
            "harm": float(given.harm),
            "interruption": float(given.interruption),
            "value_silent": 0.0,
            "value_suggest": float(suggest_value(mean, given)[0]),
            "value_act": float(act_value(mean, given)[0]),
            "suggest_above": float(suggest_from),
            "act_above": float(act_from),
        }
        learnt = lowered > 0 and allowed < LEVEL[stated_permission(boundaries, opportunity.context)]
        words = LEARNT_WORDS.get(why, BOUNDARY_WORDS.get(why, "")) if learnt else BOUNDARY_WORDS.get(why, "")
        reason = _reason(move, wish, why, words.format(context=opportunity.context), opportunity, numbers)
        if allowed == SILENT and wish != SILENT and why != Why.NEVER:
            later = next_allowed(opportunity, boundaries, earlier, lowered=lowered)
            if later is not None:
                local = later.astimezone(zone(boundaries.timezone))
                same = local.date() == opportunity.at.astimezone(local.tzinfo).date()
                reason += f" Allowed again at {local:%H:%M}" + ("" if same else f" on {local:%A}") + ", still in time."
        return ProactiveDecision(MOVES[move], reason, numbers, _undo(MOVES[move], opportunity))


def _check(opportunity: Opportunity, acceptance: Acceptance) -> None:
    """Refuse what would become a decision without a reason: no number of it may be anything but a number."""
    for name in ("benefit", "harm", "interruption"):
        value = getattr(opportunity, name)
        if not (math.isfinite(value) and value >= 0 and (name != "benefit" or value > 0)):
            cure = "Pass a finite utility, 0 or more (a benefit above 0)."
            raise InputError(f"{name} of an opportunity is no cost to weigh", value=value, cure=cure)
    chances = {"need": opportunity.need, "acceptance": acceptance.mean[0], "optimism": acceptance.optimistic[0]}
    for name, value in chances.items():
        if not 0.0 <= value <= 1.0 + TIE:
            raise InputError(f"{name} is no probability", value=float(value), cure="Pass a number from 0 to 1.")
    if opportunity.window < timedelta(0):
        raise InputError("an opportunity cannot close before it opens", value=opportunity.window, cure="Swap them.")
    try:
        _ = opportunity.at + opportunity.window
    except OverflowError as error:
        cure = "Pass a window that ends before the year 10000."
        raise InputError("a window runs past the calendar", value=opportunity.window, cure=cure) from error
    _check_evidence(acceptance.evidence)


def _check_evidence(evidence: FloatArray) -> None:
    if not (math.isfinite(evidence[0]) and evidence[0] >= 0.0):
        cure = "Pass a finite number of answers, 0 or more."
        raise InputError("evidence is no count of answers", value=float(evidence[0]), cure=cure)


def _reason(move: int, wish: int, why: Why, boundary: str, opportunity: Opportunity, numbers: dict[str, float]) -> str:
    what = f"'{opportunity.option}' for {opportunity.context}"
    answers = f"{numbers['evidence']:.0f} answer{'' if round(numbers['evidence']) == 1 else 's'}"
    belief = f"help like this is welcome with probability {numbers['acceptance']:.2f} ({answers})"
    if opportunity.need < 1.0:
        together = opportunity.need * numbers["acceptance"]
        belief += f" and needed with probability {opportunity.need:.2f}, {together:.2f} together"
    state = "" if opportunity.state == "free" else f" while you are in {_state_words(opportunity)}"
    if move < wish:
        if move == SUGGEST:
            return f"Suggest {what} instead of doing it: {boundary}. Otherwise {belief}."
        if why in (Why.ASK_FIRST, Why.IRREVERSIBLE):
            worth = f"asking is worth {numbers['value_suggest']:+.2f}{state}"
            return f"Stay silent about {what}: {boundary}, and {worth}, although {belief}."
        return f"Stay silent about {what}: {boundary}. Otherwise {belief}."
    if move == ACT:
        return (
            f"Do {what}: {belief}, above the {numbers['act_above']:.2f} from which doing it is worth more "
            f"({numbers['value_act']:+.2f}) than asking ({numbers['value_suggest']:+.2f}){state}."
        )
    if move == SUGGEST:
        if numbers["value_suggest"] > 0:
            return (
                f"Suggest {what}: {belief}; asking is worth {numbers['value_suggest']:+.2f}{state}, doing it unasked "
                f"{numbers['value_act']:+.2f}."
            )
        return (
            f"Suggest {what}: {belief}, which is below the {numbers['suggest_above']:.2f} from which asking pays"
            f"{state}, but little is known yet and it may be as high as {numbers['acceptance_optimistic']:.2f}."
        )
    return (
        f"Stay silent about {what}: {belief}; asking is worth {numbers['value_suggest']:+.2f}{state} "
        f"and doing it unasked {numbers['value_act']:+.2f}."
    )


def _state_words(opportunity: Opportunity) -> str:
    return "a meeting" if opportunity.state == "meeting" else "focused work"


def _undo(move: Move, opportunity: Opportunity) -> str:
    if move == Move.SILENT:
        return "Nothing was done, so there is nothing to undo."
    if move == Move.SUGGEST:
        return "Decline or ignore the suggestion: nothing changes until you accept it. Snooze to hear none for a while."
    return (
        f"Say 'undo {opportunity.context}': '{opportunity.option}' is reverted, and the undo counts as a declined act. "
        f"Set {opportunity.context} to 'ask' or 'never' to keep it from happening again."
    )
