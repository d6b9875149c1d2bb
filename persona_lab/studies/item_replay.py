"""Replay choices among items with features: predict what a person wants, then learn, in the sessions meant for it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.datasets.items import NONE_WANTED, ItemLog
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, IntArray, Kind, feedback
from persona_lab.measurement import Measurement
from persona_lab.metrics.pooled import pooled_ratio
from persona_lab.strategies.attributes import NO_STREAM, ItemRule, Offer


class ItemForecasts(NamedTuple):
    """What was predicted of every choice of a log, in its order.

    Attributes
    ----------
    probability
        (choices, items + 1); the last column is "none of them".
    wanted
        (choices,) what was wanted, as a column of ``probability``.
    person
        (choices,) number of the person, in order of appearance.
    session
        Session of each choice.
    """

    probability: FloatArray
    wanted: IntArray
    person: IntArray
    session: tuple[str, ...]


def replay_items(
    items: ItemLog, rule: ItemRule, *, learn: Collection[str] | None = None, named: bool = True
) -> ItemForecasts:
    """Predict every choice before it is known, people side by side.

    Parameters
    ----------
    items
        The choices.
    rule
        What learns from them.
    learn
        Sessions whose answers are revealed, as a correction to the item that was wanted (or to none); None = all.
        Time counts the person's choices, revealed or not.
    named
        Whether answers name what was wanted. Without, the rule proposes its likeliest answer (the first of the tied)
        and only learns whether that was right: accepted or declined.
    """
    names = {name: number for number, name in enumerate(dict.fromkeys(items.users))}
    person = np.array([names[user] for user in items.users])
    slot, stream, streams = _encoded(items)
    wanted = np.where(items.gold == NONE_WANTED, len(items.items), items.gold)
    revealed = np.array([learn is None or session in learn for session in items.sessions])
    probability = np.empty((len(person), len(items.items) + 1))
    state = rule.init(streams)
    turn = _turns(person)
    for step in range(int(turn.max()) + 1):
        rows = np.flatnonzero(turn == step)
        offer = Offer(slot[rows].transpose(1, 2, 0), stream[rows].T)
        at = np.full(len(rows), float(step))
        probability[rows] = rule.predict(state, offer, at).T
        said = revealed[rows]
        given = _answer(probability[rows], wanted[rows], said, named)
        state = rule.update(state, offer, at, given)
    return ItemForecasts(probability, wanted, person, items.sessions)


def _answer(probability: FloatArray, wanted: IntArray, said: BoolArray, named: bool) -> Feedback:
    if named:
        kind = np.where(said, Kind.CORRECTED, Kind.SILENT)
        return feedback(proposed=NO_OPTION, kind=kind, corrected=np.where(said, wanted, NO_OPTION))
    proposed = probability.argmax(axis=1)
    right = np.where(proposed == wanted, Kind.ACCEPTED, Kind.DECLINED)
    return feedback(proposed=proposed, kind=np.where(said, right, Kind.SILENT))


def cross_fitted(
    runs: Sequence[ItemForecasts], *, asked: Collection[str], folds: int = 2
) -> tuple[ItemForecasts, tuple[int, ...]]:
    """Return forecasts in which every person is forecast by the rule that suits the *other* people best.

    Parameters
    ----------
    runs
        Forecasts of one log by the candidate rules.
    asked
        Sessions whose accuracy on the other people decides.
    folds
        People are dealt into so many groups in turn.

    Returns
    -------
    The forecasts, and which candidate each group was given.
    """
    people = int(runs[0].person.max()) + 1
    probability = runs[0].probability.copy()
    given = []
    for fold in range(folds):
        others = [person for person in range(people) if person % folds != fold]
        told = [item_accuracy(forecasts=run, sessions=asked, people=others).value or 0.0 for run in runs]
        given.append(int(np.argmax(told)))
        mine = runs[0].person % folds == fold
        probability[mine] = runs[given[-1]].probability[mine]
    return runs[0]._replace(probability=probability), tuple(given)


def item_accuracy(
    *, forecasts: ItemForecasts, sessions: Collection[str], people: Collection[int] | None = None
) -> Measurement:
    """Share of choices of these sessions whose likeliest answer was right; n = people."""
    right, scored = _by_person(forecasts, forecasts.probability.argmax(axis=1) == forecasts.wanted, sessions, people)
    return pooled_ratio(numerator=right, denominator=scored, undefined_because="no choice was scored")


def item_log_loss(
    *, forecasts: ItemForecasts, sessions: Collection[str], people: Collection[int] | None = None
) -> Measurement:
    """Mean log-loss in nats of the choices of these sessions; n = people."""
    chance = np.take_along_axis(forecasts.probability, forecasts.wanted[:, np.newaxis], axis=1)[:, 0]
    loss, scored = _by_person(forecasts, -np.log(chance), sessions, people)
    return pooled_ratio(numerator=loss, denominator=scored, undefined_because="no choice was scored")


def _by_person(
    forecasts: ItemForecasts, value: FloatArray | BoolArray, sessions: Collection[str], people: Collection[int] | None
) -> tuple[FloatArray, FloatArray]:
    """Return the sum of ``value`` and the number of scored choices of each person."""
    scored = np.array([session in sessions for session in forecasts.session])
    count = int(forecasts.person.max()) + 1
    who = forecasts.person[scored]
    total, number = np.zeros(count), np.zeros(count)
    np.add.at(total, who, np.asarray(value, dtype=np.float64)[scored])
    np.add.at(number, who, 1.0)
    keep = np.arange(count) if people is None else np.array(sorted(people), dtype=np.int64)
    return total[keep], number[keep]


def _turns(person: IntArray) -> NDArray[np.int64]:
    """Return how many earlier choices the person of each choice made."""
    seen: dict[int, int] = {}
    turns = []
    for number in person.tolist():
        turns.append(seen.get(number, 0))
        seen[number] = turns[-1] + 1
    return np.array(turns)


def _encoded(items: ItemLog) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Return slots (choices, items, features), streams (choices, slots) and the number of streams."""
    streams: dict[tuple[str, str, str], int] = {}
    width = max(len({name for features in offered for name in features}) for offered in items.features)
    longest = max(len(features) for offered in items.features for features in offered)
    slot = np.zeros((len(items.users), len(items.items), longest), dtype=np.int64)
    stream = np.full((len(items.users), width), NO_STREAM, dtype=np.int64)
    for choice, (user, context, offered) in enumerate(zip(items.users, items.contexts, items.features, strict=True)):
        slots: dict[str, int] = {}
        for number, features in enumerate(offered):
            places = [slots.setdefault(name, len(slots)) for name in features]
            # An item with fewer features repeats its first one, which changes no item's acceptability.
            slot[choice, number] = places + [places[0]] * (longest - len(places))
        for name, place in slots.items():
            stream[choice, place] = streams.setdefault((user, context, name), len(streams))
    return slot, stream, len(streams)
