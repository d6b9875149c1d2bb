"""What each move is worth, and the one rule that turns a belief of acceptance into silent, suggest or act.

With benefit b, harm c of an unwanted act, cost s of a suggestion and probability p that the help is wanted,

* silent is worth 0,
* suggest is worth p b - s (the person decides; the interruption is paid either way),
* act is worth p b - (1 - p) c (no interruption, but nobody was asked).

The static rule follows (Horvitz 1999, "Principles of mixed-initiative user interfaces", figure 2): nothing below s/b,
suggest up to 1 - s/c, act above; where s >= b c/(b + c) a suggestion never pays and the agent acts above c/(b + c).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from persona_lab.contracts import Costs, Move, Opportunity, UserState
from persona_lab.errors import InputError
from persona_lab.feedback import TIE, FloatArray, IntArray

SILENT, SUGGEST, ACT = 0, 1, 2
"""Codes of the moves in arrays, ordered by how far they go."""

MOVES = (Move.SILENT, Move.SUGGEST, Move.ACT)
"""Move of each code."""

INTERRUPTION_FACTOR = {UserState.FREE: 1.0, UserState.MEETING: 3.0, UserState.FOCUS: 5.0}
"""Cost of a suggestion by what the user is doing, as a multiple of its cost while free.

An assumption, not a measurement: interruptions cost most in focused work (Horvitz & Apacible 2003, "Learning and
reasoning about interruption", give the same order). Replace it by passing ``interruption`` already scaled."""


def costs(benefit: Any = 1.0, harm: Any = 2.0, interruption: Any = 0.1) -> Costs:
    """Return :class:`Costs` of float64 arrays; scalars or (streams,) arrays, all in one utility unit."""
    return Costs(*(np.asarray(value, dtype=np.float64) for value in (benefit, harm, interruption)))


def costs_of(opportunity: Opportunity, factors: dict[UserState, float] | None = None) -> Costs:
    """Return the costs of one opportunity, the interruption scaled by what the user is doing.

    Raises
    ------
    InputError
        If no factor is known for what the user is doing.
    """
    known = INTERRUPTION_FACTOR if factors is None else factors
    factor = known.get(opportunity.state)
    if factor is None:
        cure = f"Pass one of {', '.join(repr(str(state)) for state in known)}, or a factor for it."
        raise InputError("what the user is doing is of no known kind", value=opportunity.state, cure=cure)
    return costs(opportunity.benefit, opportunity.harm, opportunity.interruption * factor)


def act_value(acceptance: FloatArray, given: Costs) -> FloatArray:
    """Return the expected utility of acting at probability of acceptance ``acceptance``."""
    value: FloatArray = acceptance * given.benefit - (1.0 - acceptance) * given.harm
    return value


def suggest_value(acceptance: FloatArray, given: Costs) -> FloatArray:
    """Return the expected utility of suggesting at probability of acceptance ``acceptance``."""
    value: FloatArray = acceptance * given.benefit - given.interruption
    return value


def choose_move(mean: FloatArray, optimistic: FloatArray, given: Costs) -> IntArray:
    """Return the move of highest worth; ties go to the quieter move.

    Parameters
    ----------
    mean
        Expected probability of acceptance: it alone decides whether to act.
    optimistic
        Probability used for *suggest or stay silent*. Equal to ``mean`` it gives the myopic rule; an upper quantile or
        a Thompson draw keeps asking people of whom little is known. Staying silent teaches nothing, whereas an act
        teaches as much as a suggestion, so the exact optimum too lowers only the suggest threshold.
    given
        Costs, broadcastable against ``mean``.

    Returns
    -------
    int8 array of move codes, 0 silent, 1 suggest, 2 act.
    """
    acting = act_value(mean, given)
    suggesting = suggest_value(mean, given)
    act = (acting > TIE) & (acting > suggesting + TIE)
    suggest = ~act & (suggest_value(optimistic, given) > TIE)
    moves: IntArray = np.where(act, np.int8(ACT), np.where(suggest, np.int8(SUGGEST), np.int8(SILENT))).astype(np.int8)
    return moves


def thresholds(given: Costs) -> tuple[FloatArray, FloatArray]:
    """Return the static rule's two thresholds on acceptance: suggest above the first, act above the second.

    Where a suggestion never pays (s >= b c/(b + c)) both are c/(b + c).
    """
    b, c, s = given
    alone = c / (b + c)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # A harm of (next to) nothing: s/c is infinite, and acting beats asking from the start.
        from_suggesting = np.where(c > 0, 1.0 - s / c, -np.inf)
    never_suggest = s / b >= alone
    suggest: FloatArray = np.where(never_suggest, alone, s / b)
    act: FloatArray = np.where(never_suggest, alone, np.maximum(from_suggesting, 0.0))
    return suggest, act
