"""What has been proposed to one person and how they answered, kept as a value: belief, learnt boundary, earlier times.

Boundaries are stated by the person and passed in; what is *learnt* from repeated declines lives here. State goes in and
comes out, and is a function of the log alone: replaying the log gives the same decisions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from persona_lab.contracts import Acceptance, Boundaries, Move, Opportunity, ProactiveDecision
from persona_lab.errors import InputError
from persona_lab.events import STATUSES, LoggedEvent, read_answer
from persona_lab.feedback import LANES, Kind
from persona_lab.policies.boundaries import Braked, DeclineBrake, stated_permission
from persona_lab.policies.clock import seconds_of
from persona_lab.policies.confidence import Confidence, confidence
from persona_lab.policies.curious import Curious
from persona_lab.policies.decision import Advisor
from persona_lab.policies.utilities import MOVES
from persona_lab.protocols import StreamPolicy


class Entry(NamedTuple):
    """One line of a person's log of proposals.

    Exactly one of three things happened in ``context`` at ``at``: the agent made a ``move`` (silence included: an
    opportunity let pass), the person answered it (``kind``; SILENT once it has expired unanswered), or, with both None,
    the person stated anew what they allow here, which clears what was learnt.
    """

    context: str
    at: datetime
    move: Move | None = None
    kind: Kind | None = None


class Standing(NamedTuple):
    """One context: the policy's state, the brake's, the move that awaits an answer (None = none), answers so far."""

    belief: Any
    brake: Braked
    open: Move | None
    answers: tuple[int, ...]


class Kept(NamedTuple):
    """State of one person: a standing per context, and when anything was proposed in any context, oldest first."""

    contexts: Mapping[str, Standing]
    proposed: tuple[datetime, ...]
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class ProposalKeeper:
    """Keep the state that decisions about one person need, and decide.

    Use it wherever an agent proposes to one person again and again; the lab's arrays do the same for many at once. Log
    entries come in order of time. It fails where answers cannot be told apart by context: a second proposal in a
    context closes the first as unanswered.

    Parameters
    ----------
    policy
        Belief of acceptance, one stream per context. Default: the belief whose confidence is
        stated, calibrated on other people, with the doubts of one that knows nobody.
    brake
        Turns repeated declines into a lower level, never a higher one.
    advisor
        Decides and says why.
    """

    policy: StreamPolicy = field(default_factory=Curious)
    brake: DeclineBrake = field(default_factory=DeclineBrake)
    advisor: Advisor = field(default_factory=Advisor)

    def init(self) -> Kept:
        """Return the state of somebody to whom nothing was ever proposed."""
        return Kept({}, (), None)

    def record(self, kept: Kept, entry: Entry) -> Kept:
        """Return the state after one entry; ``kept`` stays as it was.

        An answer without an open proposal counts as the answer to a suggestion made then (a log may hold answers only).

        Raises
        ------
        InputError
            If the entry has both a move and an answer or one of no known kind, lies before the latest one, or its time
            has no zone.
        """
        seconds_of(entry.at)
        if entry.move not in (None, *Move) or entry.kind not in (None, *Kind):
            cure = "Pass a contracts.Move, or a feedback.Kind, or neither."
            raise InputError("an entry is of no known kind", value=(entry.move, entry.kind), cure=cure)
        if entry.move is not None and entry.kind is not None:
            raise InputError("an entry is a move or an answer", value=entry.context, cure="Pass two entries.")
        if kept.latest is not None and entry.at < kept.latest:
            cure = "Sort the log by time; replay() does."
            raise InputError("an entry lies before the latest one", value=entry.at.isoformat(), cure=cure)
        here = kept.contexts.get(entry.context) or self._new()
        proposed = kept.proposed
        if entry.move is not None:
            if here.open is not None:
                here = self._learnt(here, here.open, Kind.SILENT)
            if entry.move == Move.SILENT:
                here = self._learnt(here, Move.SILENT, Kind.SILENT)
            else:
                here, proposed = here._replace(open=Move(entry.move)), (*proposed, entry.at)
        elif entry.kind is not None:
            if here.open is None:
                proposed = (*proposed, entry.at)
            here = self._learnt(here, here.open or Move.SUGGEST, Kind(entry.kind))
        else:
            here = here._replace(brake=self.brake.init(LANES))
        return Kept({**kept.contexts, entry.context: here}, proposed, entry.at)

    def replay(self, log: Iterable[Entry], *, as_of: datetime | None = None) -> Kept:
        """Return the state after a log: entries in order of (time, arrival), those after ``as_of`` left out."""
        kept, entries = self.init(), list(log)
        for entry in entries:
            seconds_of(entry.at)
        for entry in sorted(entries, key=lambda one: one.at):
            if as_of is None or entry.at <= as_of:
                kept = self.record(kept, entry)
        return kept

    def lowered(self, kept: Kept, context: str) -> int:
        """Return by how many levels repeated declines have lowered what the person stated for a context, 0 to 2."""
        here = kept.contexts.get(context)
        return 0 if here is None else int(here.brake.lowered[0])

    def acceptance(self, kept: Kept, context: str) -> Acceptance:
        """Return the belief of acceptance in a context, arrays of shape (1,)."""
        belief = (kept.contexts.get(context) or self._new()).belief
        seen = self.policy.acceptance(belief, np.full(LANES, 0.5))
        return Acceptance(*(np.asarray(part)[:1] for part in seen))

    def decide(self, kept: Kept, opportunity: Opportunity, boundaries: Boundaries) -> ProactiveDecision:
        """Decide about an opportunity under the stated boundaries and the learnt ones.

        Raises
        ------
        InputError, ConfigurationError
            As :meth:`~persona_lab.policies.decision.Advisor.advise`; and if the opportunity lies before a proposal that
            is kept, which would then count against neither budget nor cooldown.
        """
        context = opportunity.context
        seconds_of(opportunity.at)
        if kept.proposed and opportunity.at < kept.proposed[-1]:
            cure = "Decide as of now, or replay the log with as_of the opportunity."
            raise InputError("an opportunity lies before a proposal", value=opportunity.at.isoformat(), cure=cure)
        return self.advisor.advise(
            self.acceptance(kept, context), opportunity, boundaries, kept.proposed, lowered=self.lowered(kept, context)
        )

    def confidence(self, kept: Kept, context: str, boundaries: Boundaries, *, what: str) -> Confidence:
        """Score the confidence in proactive moves in a context, from its answers, under the stated boundaries."""
        here = kept.contexts.get(context) or self._new()
        return confidence(here.answers, what=what, permission=stated_permission(boundaries, context))

    def _new(self) -> Standing:
        return Standing(self.policy.init(LANES), self.brake.init(LANES), None, ())

    def _learnt(self, here: Standing, move: Move, kind: Kind) -> Standing:
        """Return a standing after one opportunity has come to its end; one stream in a padded block."""
        answered = np.full(LANES, kind, dtype=np.int8)
        belief = self.policy.update(here.belief, np.full(LANES, MOVES.index(move), dtype=np.int8), answered)
        return Standing(belief, self.brake.update(here.brake, answered), None, (*here.answers, int(kind)))


def answers_of(events: Sequence[LoggedEvent]) -> tuple[Entry, ...]:
    """Return the answers to proposals in a person's events, in order of (time, arrival): what a restart replays.

    An answer to a proposal is an outcome or a correction that says what became of it: ``metadata.status``, as in the
    vendor's proactive examples. Events without one are about preferences or activity, and answer nothing. Where
    ``metadata.move`` says what the agent did (silent, suggest, act), it comes before the answer as an entry of its own:
    an opportunity that was let pass is no proposal, and counts against neither budget nor cooldown.
    """
    found: list[Entry] = []
    for event in sorted(events, key=lambda one: one.timestamp):
        status = str(event.metadata.get("status", "")).strip().lower()
        answer = read_answer(event)
        if event.type not in ("outcome", "correction") or status not in STATUSES or answer.kind is None:
            continue
        said = str(event.metadata.get("move", "")).strip().lower()
        move = Move(said) if said in tuple(Move) else None
        if move is not None:
            found.append(Entry(answer.context, event.timestamp, move=move))
        if move != Move.SILENT:
            found.append(Entry(answer.context, event.timestamp, kind=Kind[answer.kind.upper()]))
    return tuple(found)
