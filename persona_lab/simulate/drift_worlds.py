"""Small exact worlds in which detectors are compared.

Every array is (events, people); every draw is keyed by (seed, purpose, event, person), so detectors meet the same luck
and an exception's twin differs in the exception alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.detectors.calibration_people import session_numbers
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, Feedback, IntArray, Kind, feedback
from persona_lab.randomness import uniforms

LONGEST_SESSION = 8
"""Sessions hold 1 to this many events, all lengths alike."""


def acceptance(
    *,
    seed: int,
    people: tuple[int, int],
    events: int,
    before: float = 0.85,
    after: float | None = None,
    change: int = 150,
    gradual: int = 0,
) -> BoolArray:
    """Return who accepts: at rate ``before``, from event ``change`` on at ``after`` (None: never changes).

    With ``gradual`` the rate moves linearly over that many events.
    """
    for name, rate in (("before", before), ("after", after)):
        if rate is not None and not 0 <= rate <= 1:
            raise ConfigurationError("acceptance", name, rate, "a rate from 0 to 1")
    t = np.arange(events)
    moved = np.clip((t - change + 1) / gradual, 0, 1) if gradual else (t >= change).astype(np.float64)
    path = before + ((before if after is None else after) - before) * moved
    luck = uniforms(seed, "drift/acceptance", steps=(0, events), streams=people)
    accepted: BoolArray = luck < path[:, np.newaxis].astype(np.float32)
    return accepted


def chosen_options(
    *,
    seed: int,
    people: tuple[int, int],
    events: int,
    before: tuple[float, ...],
    after: tuple[float, ...] | None = None,
    change: int = 150,
) -> IntArray:
    """Return which option is chosen, int8: drawn from ``before``, from event ``change`` on from ``after``."""
    for name, shares in (("before", before), ("after", after)):
        if shares is None:
            continue
        if len(shares) != len(before) or not min(shares) >= 0 or not np.isclose(sum(shares), 1):
            raise ConfigurationError("chosen_options", name, shares, f"{len(before)} shares that add up to 1")
    luck = uniforms(seed, "drift/options", steps=(0, events), streams=people)
    early = np.searchsorted(np.cumsum(before)[:-1], luck, side="right")
    late = early if after is None else np.searchsorted(np.cumsum(after)[:-1], luck, side="right")
    chosen: IntArray = np.where(np.arange(events)[:, np.newaxis] < change, early, late).astype(np.int8)
    return chosen


def sessions(*, seed: int, people: tuple[int, int], events: int) -> IntArray:
    """Return session numbers from 0, int32; session lengths are uniform on 1 to 8 events."""
    luck = uniforms(seed, "drift/sessions", steps=(0, events), streams=people)
    return session_numbers(luck, LONGEST_SESSION)


class BadDay(NamedTuple):
    """A world with an exception and its twin without; the sessions are the same in both."""

    accepted: BoolArray
    twin: BoolArray
    session: NDArray[np.int32]


def bad_day(
    *, seed: int, people: tuple[int, int], events: int, rejects: int, at: int = 150, before: float = 0.85
) -> BadDay:
    """Return people who reject ``rejects`` times in a row from event ``at``, all in one session, then go on as before.

    That session holds between ``rejects`` and 8 events and the run lies anywhere in it.
    """
    if not 1 <= rejects <= LONGEST_SESSION:
        raise ConfigurationError("bad_day", "rejects", rejects, f"1 to {LONGEST_SESSION}: all in one session")
    if not LONGEST_SESSION <= at <= events - rejects:
        raise ConfigurationError("bad_day", "at", at, f"{LONGEST_SESSION} to {events - rejects} of {events} events")
    twin = acceptance(seed=seed, people=people, events=events, before=before)
    accepted = twin.copy()
    accepted[at : at + rejects] = False
    luck = uniforms(seed, "drift/bad-day", steps=(0, 2), streams=people)
    length = rejects + (luck[0] * (LONGEST_SESSION - rejects + 1)).astype(np.int32)
    first = at - (luck[1] * (length - rejects + 1)).astype(np.int32)
    early = sessions(seed=seed, people=people, events=events)
    late = sessions(seed=seed + 1, people=people, events=events)
    t = np.arange(events)[:, np.newaxis]
    since = np.clip(t - (first + length), 0, events - 1)
    number = np.where(
        t < first, early, np.where(t < first + length, events, events + 1 + np.take_along_axis(late, since, 0))
    )
    return BadDay(accepted, twin, number.astype(np.int32))


def as_feedback(accepted: BoolArray, session: IntArray | int = 0) -> Feedback:
    """Return one event of every person as feedback on proposal 1 of two options; both arrays (people,)."""
    return feedback(proposed=1, kind=np.where(accepted, Kind.ACCEPTED, Kind.DECLINED), session=session)


def choice_as_feedback(chosen: IntArray) -> Feedback:
    """Return one unprompted choice of every person as feedback; (people,)."""
    return feedback(proposed=-1, kind=Kind.CORRECTED * np.ones_like(chosen), corrected=chosen)
