"""Simulated people as a log on the wire: timestamps, words, duplicates and all; truth apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np

from persona_lab.contracts import Stance
from persona_lab.events import LoggedEvent
from persona_lab.feedback import Kind
from persona_lab.randomness import generator
from persona_lab.simulate.answering import start_arrivals
from persona_lab.simulate.loop import Trajectory
from persona_lab.simulate.people import Lives
from persona_lab.simulate.phrases import CONTEXTS, Label, phrase
from persona_lab.simulate.routine import EPOCH, local_moment
from persona_lab.simulate.scenarios import Scenario

SOURCE = "simulation"
STATUS = {
    Kind.ACCEPTED: "accepted",
    Kind.DECLINED: "declined",
    Kind.CORRECTED: "corrected",
    Kind.SILENT: "no_response",
}
FRESH = 3
"""Interactions after a switch during which a correction is worded as a change of mind."""

SPOKEN_ACCEPTS = 0.1
"""Share of accepted proposals that come with words."""


class Told(NamedTuple):
    """An event and the truth behind it, which never goes on the wire.

    Attributes
    ----------
    event
        As it goes on the wire.
    label
        What the words mean; None where there are none.
    preferred
        The option truly preferred.
    in_exception
        Whether an exception was on.
    switched
        Whether the preference switched at this very interaction.
    duplicate
        Whether this is the second arrival of the same event.
    """

    event: LoggedEvent
    label: Label | None
    preferred: str
    in_exception: bool
    switched: bool
    duplicate: bool


def to_events(
    scenario: Scenario,
    lives: Lives,
    trajectory: Trajectory,
    *,
    seed: int,
    users: tuple[int, int],
    words: bool = True,
    silent: bool = True,
) -> list[LoggedEvent]:
    """Return what a product would have logged, in order of arrival (late answers late, duplicates twice).

    Parameters
    ----------
    scenario, lives, trajectory, seed, users
        A closed loop that was run; the seed gives the words their luck.
    words
        Whether people say something (``content``).
    silent
        Whether unanswered proposals are logged too.
    """
    told = to_told(scenario, lives, trajectory, seed=seed, users=users, words=words, silent=silent)
    return [item.event for item in told]


def to_told(
    scenario: Scenario,
    lives: Lives,
    trajectory: Trajectory,
    *,
    seed: int,
    users: tuple[int, int],
    words: bool = True,
    silent: bool = True,
) -> list[Told]:
    """Return the events of :func:`to_events` with the truth behind each."""
    steps, streams = lives.preferred.shape
    first = users[0] * scenario.contexts
    arrivals = start_arrivals(scenario.channel, seed, steps, (first, first + streams))
    arriving: list[tuple[int, datetime, int, int, Told]] = []
    for stream in range(streams):
        for step, told in _stream(scenario, lives, trajectory, stream, seed, first, words):
            if not silent and trajectory.kind[step, stream] == Kind.SILENT:
                continue
            late = step + int(arrivals.lateness[step, stream])
            user = stream // scenario.contexts
            arriving.append((user, _moment(scenario, lives, min(late, steps - 1), user), late, stream, told))
            if arrivals.twice[step, stream]:
                again = told._replace(duplicate=True)
                arriving.append((user, _moment(scenario, lives, min(late, steps - 1), user), late, stream, again))
    arriving.sort(key=lambda item: (item[1], item[0], item[2], item[3]))
    return [item[4] for item in arriving]


def names_of(scenario: Scenario, context: int) -> tuple[str, tuple[str, ...]]:
    """Return the name of a context and of its options: the scenario's own, those of the phrase bank, or made up."""
    bank = [name for name, options in CONTEXTS.items() if len(options) == scenario.options]
    options = scenario.option_names
    if scenario.context:
        name = scenario.context if context == 0 else f"{scenario.context}_{context + 1}"
    else:
        name = bank[context] if context < len(bank) else f"context_{context + 1}"
    if not options:
        known = tuple(CONTEXTS.get(name, ()))
        options = known if len(known) == scenario.options else tuple(f"option_{k + 1}" for k in range(scenario.options))
    return name, options


def _stream(
    scenario: Scenario, lives: Lives, trajectory: Trajectory, stream: int, seed: int, first: int, words: bool
) -> Iterator[tuple[int, Told]]:
    user, context = divmod(stream, scenario.contexts)
    name, options = names_of(scenario, context)
    person = (first + stream) // scenario.contexts
    preferred = lives.preferred[:, stream]
    switched = np.diff(preferred, prepend=preferred[:1]) != 0
    since = FRESH
    for step in range(preferred.size):
        since = 0 if switched[step] else since + 1
        kind = Kind(int(trajectory.kind[step, stream]))
        proposed = options[int(trajectory.proposed[step, stream])]
        corrected = options[int(trajectory.corrected[step, stream])] if kind == Kind.CORRECTED else None
        inside = bool(lives.in_exception[step, stream])
        metadata: dict[str, Any] = {
            "context": name,
            "status": STATUS[kind],
            "proposed": proposed,
            "session": f"day_{int(lives.session[step, stream])}",
        }
        if corrected is not None:
            metadata["corrected"] = corrected
        text, label = "", None
        if words and kind != Kind.SILENT:
            said = _words(scenario, seed, first + stream, step, name, kind, proposed, corrected, inside, since < FRESH)
            text, label = said if said is not None else ("", None)
        event = LoggedEvent(
            event_id=f"{scenario.id}-{person:06d}-{context}-{step:05d}",
            type="correction" if kind in (Kind.CORRECTED, Kind.DECLINED) else "outcome",
            timestamp=_moment(scenario, lives, step, user),
            metadata=metadata,
            content=text,
            confidence=float(lives.confidence[step, stream]),
            user_id=f"user_{person:06d}",
            source=SOURCE,
        )
        yield step, Told(event, label, options[int(preferred[step])], inside, bool(switched[step]), False)


def _words(
    scenario: Scenario,
    seed: int,
    stream: int,
    step: int,
    context: str,
    kind: Kind,
    proposed: str,
    corrected: str | None,
    inside: bool,
    fresh: bool,
) -> tuple[str, Label] | None:
    """Return what the person says with this answer and what it means."""
    luck = generator(seed, "words", stream, step)
    if kind == Kind.ACCEPTED:
        if luck.random() >= SPOKEN_ACCEPTS:
            return None
        said = phrase(luck, context, proposed, Stance.WANTS)
    elif corrected is None:
        said = phrase(luck, context, proposed, Stance.DOES_NOT_WANT)
    else:
        stance = Stance.ONLY_ONCE if inside else Stance.CHANGED_MIND if fresh else Stance.WANTS
        said = phrase(luck, context, corrected, stance)
    return said.text, said.label


def _moment(scenario: Scenario, lives: Lives, step: int, user: int) -> datetime:
    if lives.times is None or scenario.routine is None:
        return (EPOCH + timedelta(days=step * scenario.days_between)).astimezone(UTC)
    return local_moment(int(lives.times.seconds[step, user]), scenario.routine.zones[int(lives.times.zone[user])])
