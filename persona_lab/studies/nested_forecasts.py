"""Choose the grid of a rate filter without the people it will forecast: cross-fitting inside cross-fitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from persona_lab.feedback import BoolArray, FloatArray, IntArray, fold, select
from persona_lab.strategies.rate_filter import RateFilter, weigh_rates
from persona_lab.studies.forecasts import CLIP, Forecasts, Outcomes, as_feedback, read_evidence


class Candidate(NamedTuple):
    """A grid, and how many people's worth of belief its even prior keeps."""

    base: RateFilter
    stubbornness: float


class Nested(NamedTuple):
    """Forecasts, and the candidate chosen for each group of people, by its place in the list."""

    forecasts: Forecasts
    chosen: tuple[int, ...]


def nested(outcomes: Outcomes, candidates: Sequence[Candidate], *, groups: int) -> Nested:
    """Forecast every group of people with the candidate, and the prior, that suit the other groups best.

    For each group, each candidate is cross-fitted among the *other* groups; the one of smallest log-loss there is
    fitted on all of them and forecasts the group. Nothing about the group decides anything about its forecasts.

    Parameters
    ----------
    outcomes
        Who did what; streams that share a sequence with a group never decide for it.
    candidates
        What may be chosen; the first of the tied is.
    groups
        People are dealt into so many groups in turn, at least 3; as many as there are people leaves one out.
    """
    people = np.unique(outcomes.person, return_inverse=True)[1]
    group = people % groups
    related = np.stack([_related(outcomes, group == number) for number in range(groups)])
    losses = np.zeros((len(candidates), groups))
    made: dict[int, Forecasts] = {}
    for base in dict.fromkeys(candidate.base for candidate in candidates):
        evidence = read_evidence(outcomes, base)
        read = [_read_worlds(outcomes.happened[:, group == number], base) for number in range(groups)]
        for place, candidate in enumerate(candidates):
            if candidate.base == base:
                made[place], losses[place] = _cross_fitted(outcomes, candidate, group, related, evidence, read)
    chosen = losses.argmin(axis=0)
    before, after = np.full(outcomes.happened.shape, np.nan), np.full(outcomes.happened.shape, np.nan)
    for number in range(groups):
        mine = group == number
        source = made[int(chosen[number])]
        before[:, mine], after[:, mine] = source.before[:, mine], source.after[:, mine]
    return Nested(Forecasts(before, after), tuple(int(place) for place in chosen))


def _related(outcomes: Outcomes, mine: BoolArray) -> BoolArray:
    """Return which streams are a group's own or share a sequence with it, (streams,)."""
    related: BoolArray = mine | np.isin(outcomes.sequence, outcomes.sequence[mine])
    return related


class _Worlds(NamedTuple):
    """(steps + 1, worlds, streams): each world's forecast before a step, and its share of the evidence by then."""

    rate: FloatArray
    share: FloatArray


def _read_worlds(happened: IntArray, base: RateFilter) -> _Worlds:
    flat = replace(base, prior=None)
    state = flat.init(2, happened.shape[1])
    rates, shares = [], []
    points = ((np.arange(base.points) + 0.5) / base.points)[:, np.newaxis]
    for step in range(len(happened) + 1):
        weight = state.weight[:, :, 0]  # (worlds, rates, streams)
        by_rate = weight.swapaxes(0, 1)
        mass = fold(by_rate)
        rates.append(fold(by_rate * points[:, np.newaxis]) / mass)
        shares.append(mass / fold(mass))
        if step < len(happened):
            there = happened[step] >= 0
            state = select(there, flat.update(state, as_feedback(happened[step])), state)
    return _Worlds(np.stack(rates), np.stack(shares))


def _cross_fitted(
    outcomes: Outcomes,
    candidate: Candidate,
    group: IntArray,
    related: BoolArray,
    evidence: FloatArray,
    read: Sequence[_Worlds],
) -> tuple[Forecasts, FloatArray]:
    """Return forecasts with each group left out, and each group's loss of the candidate among the others, (groups,)."""
    groups = len(read)
    before, after = np.full(outcomes.happened.shape, np.nan), np.full(outcomes.happened.shape, np.nan)
    losses = np.zeros(groups)

    def prior_without(left: int, right: int) -> FloatArray:
        others = ~related[left] & ~related[right]
        fitted = weigh_rates(candidate.base, evidence[:, others], stubbornness=candidate.stubbornness)
        return np.asarray(fitted.prior)

    for left in range(groups):
        for right in range(left, groups):
            prior = prior_without(left, right)
            if left == right:
                said = _mixed(read[left], prior)
                before[:, group == left], after[:, group == left] = said[:-1], said[1:]
                continue
            for outer, inner in ((left, right), (right, left)):
                happened = outcomes.happened[:, group == inner]
                counted = (happened >= 0) & ~related[outer][group == inner]
                said = _mixed(read[inner], prior)[:-1]
                chance = np.clip(np.where(happened == 1, said, 1.0 - said), CLIP, 1.0 - CLIP)
                losses[outer] -= float(np.log(chance[counted]).sum())
    return Forecasts(before, after), losses


def _mixed(worlds: _Worlds, prior: FloatArray) -> FloatArray:
    """Return (steps + 1, streams) forecasts under a prior over worlds."""
    weight = worlds.share * prior[:, np.newaxis]
    mixed: FloatArray = (weight * worlds.rate).sum(axis=1) / weight.sum(axis=1)
    return mixed
