"""Tuning on a log without peeking: every user is forecast by the setting that suits the *other* users best.

All settings of a lattice that is fixed beforehand run over the whole log once. Then, user by user, the setting with the
smallest log-loss on everybody else is taken: leaving one user out for every user, at the price of one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.datasets.streams import Streams
from persona_lab.errors import ConfigurationError
from persona_lab.feedback import BoolArray, FloatArray, IntArray
from persona_lab.protocols import UpdateStrategy
from persona_lab.studies.knobs import knobs_of, lattice, read
from persona_lab.studies.prequential import Said, run


class CrossFitted(NamedTuple):
    """What a rule said when tuned on the others, and the setting that each user was given, by user number."""

    said: Said
    given: tuple[UpdateStrategy, ...]

    def settings(self) -> dict[str, Any]:
        """Return the values of each knob that were in use, sorted."""
        ranges = knobs_of(self.given[0])
        return {name: sorted({float(read(rule, name)) for rule in self.given}) for name in ranges}


def tunable(strategy: UpdateStrategy) -> bool:
    """Return whether a rule has knobs that a lattice can range over."""
    try:
        return bool(knobs_of(strategy))
    except ConfigurationError:
        return False


def cross_fit(
    strategy: UpdateStrategy,
    streams: Streams,
    *,
    user: IntArray,
    scored: BoolArray,
    clip: float,
    estimates: bool = False,
    settings: Sequence[UpdateStrategy] | None = None,
    sequence: IntArray | None = None,
) -> CrossFitted:
    """Forecast every user with the setting that had the smallest log-loss on the other users.

    Parameters
    ----------
    strategy
        The rule; where other users do not decide (ties, or nobody is left), its present setting is kept.
    streams
        The log.
    user, scored
        (rows,) user number of each row of the log, and whether it names an option.
    clip
        Probabilities are clipped to [clip, 1 - clip] in the log-loss.
    estimates
        Whether to keep what was believed after each event too.
    settings
        Candidates; None for the lattice over the rule's knobs.
    sequence
        (rows,) which sequence of outcomes the row belongs to, where users were shown the same ones: users who share a
        sequence with a user do not decide for that user. None where each has their own.
    """
    candidates = lattice(strategy) if settings is None else tuple(settings)
    height, users = len(user), int(user.max()) + 1
    group = user if sequence is None else np.unique(np.stack([user, sequence]), axis=1, return_inverse=True)[1]
    losses = np.stack([_losses(candidate, streams, group, scored, clip) for candidate in candidates])
    owner, shown = np.zeros(losses.shape[1], dtype=np.int64), None
    owner[group] = user
    if sequence is not None:
        shown = np.zeros(losses.shape[1], dtype=np.int64)
        shown[group] = sequence
    choice = np.array([_best_for(number, losses, owner, shown) for number in range(users)])
    said = Said(*(np.full(height, np.nan) for _ in Said._fields))
    for number in np.unique(choice):
        theirs = choice[user] == number
        for into, made in zip(said, run(candidates[number], streams, height, estimates), strict=True):
            into[theirs] = made[theirs]
    return CrossFitted(said, tuple(candidates[number] for number in choice))


def _losses(
    rule: UpdateStrategy, streams: Streams, group: IntArray, scored: BoolArray, clip: float
) -> NDArray[np.float64]:
    """Return the summed log-loss of each group of rows, (groups,)."""
    named = run(rule, streams, len(group), estimates=False).named
    terms = -np.log(np.clip(named[scored], clip, 1.0 - clip))
    return np.bincount(group[scored], weights=terms, minlength=int(group.max()) + 1).astype(np.float64)


def _best_for(user: int, losses: FloatArray, owner: IntArray, shown: IntArray | None) -> int:
    """Return the candidate with the smallest loss on the groups of others; the first of the tied."""
    others = owner != user
    if shown is not None:
        others &= ~np.isin(shown, shown[~others])
    return int(losses[:, others].sum(axis=1).argmin())
