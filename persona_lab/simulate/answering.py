"""One answer per stream under the law of :mod:`persona_lab.simulate.channel`, and when it arrives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, IntArray, Kind, select
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import uniforms
from persona_lab.simulate.channel import Channel


class Answered(NamedTuple):
    """Kind and named option of one answer per stream, int8 (streams,)."""

    kind: IntArray
    corrected: IntArray


class Mood(NamedTuple):
    """Trust and fatigue of each person, 0 to 1, (streams,)."""

    trust: FloatArray
    fatigue: FloatArray


def start_mood(channel: Channel, streams: int) -> Mood:
    """Return the mood before the first interaction."""
    return Mood(np.full(streams, channel.trust.start if channel.trust is not None else 1.0), np.zeros(streams))


def answers(
    channel: Channel, mood: Mood, expressed: IntArray, wanted: IntArray, proposed: IntArray, luck: NDArray[np.float32]
) -> tuple[Answered, Mood]:
    """Return one answer per stream, and the mood it leaves.

    Parameters
    ----------
    channel
        How people answer.
    mood
        Trust and fatigue now.
    expressed, wanted, proposed
        Options, (streams,).
    luck
        (3, streams) uniforms: answering, naming, acquiescing.
    """
    matches = (expressed == proposed) | (luck[2] < channel.acquiescence)
    patience = np.where(matches, channel.patience_accept, channel.patience_wrong)
    if channel.moves:
        patience = patience * mood.trust * (1.0 - mood.fatigue)
    answered = luck[0] < patience
    names = answered & ~matches & (luck[1] < channel.names_option)
    kind = np.where(answered, np.where(matches, Kind.ACCEPTED, Kind.DECLINED), Kind.SILENT)
    kind = np.where(names, Kind.CORRECTED, kind).astype(np.int8)
    corrected = np.where(names, expressed, NO_OPTION).astype(np.int8)
    if channel.moves:
        mood = _mood_after(channel, mood, answered, answered & ~matches, wanted == proposed)
    return Answered(kind, corrected), mood


def _mood_after(channel: Channel, mood: Mood, engaged: BoolArray, corrected: BoolArray, good: BoolArray) -> Mood:
    trust, fatigue = mood
    if channel.trust is not None:
        up, down = trust + channel.trust.gain * (1.0 - trust), trust * (1.0 - channel.trust.loss)
        trust = np.where(engaged, np.where(good, up, down), trust)
    if channel.fatigue is not None:
        fatigue = fatigue * (1.0 - channel.fatigue.recovery)
        fatigue = np.where(corrected, fatigue + channel.fatigue.per_correction * (1.0 - fatigue), fatigue)
    return Mood(trust, fatigue)


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Answers under way: those of the last interactions, how late each is, and which arrive twice.

    Attributes
    ----------
    lateness
        Interactions until an answer arrives, 0 = before the next proposal; (interactions, streams).
    twice
        Whether it arrives a second time at once; (interactions, streams).
    waiting
        The last ``longest + 1`` feedbacks, the newest last.
    moment
        Days since the start: now, and of the latest event processed; (2, streams).
    """

    lateness: IntArray
    twice: BoolArray
    longest: int
    waiting: tuple[tuple[Feedback, FloatArray], ...]
    moment: FloatArray

    def deliver(self, strategy: UpdateStrategy, state: Any, given: Feedback, step: int) -> tuple[Any, Arrivals]:
        """Return the state after all answers that arrive now, the older first, and what is still under way.

        ``elapsed`` of an answer counts from the latest event already processed, 0 where it comes out of order.
        """
        now = self.moment[0] + given.elapsed
        waiting = (*self.waiting, (given, now))[-(self.longest + 1) :]
        latest = self.moment[1]
        for age in range(len(waiting) - 1, -1, -1):
            sent = step - age
            feedback, happened = waiting[-1 - age]
            here = self.lateness[sent] == age
            for arriving in (here, here & self.twice[sent]):
                if not arriving.any():
                    continue
                timed = feedback._replace(elapsed=np.maximum(happened - latest, 0.0))
                state = select(arriving, strategy.update(state, timed), state)
                latest = np.where(arriving, np.maximum(latest, happened), latest)
        return state, Arrivals(self.lateness, self.twice, self.longest, waiting, np.stack([now, latest]))


def start_arrivals(channel: Channel, seed: int, steps: int, streams: tuple[int, int]) -> Arrivals:
    """Return what is under way before the first interaction: nothing."""
    shape = (steps, streams[1] - streams[0])
    lateness: IntArray = np.zeros(shape, dtype=np.int8)
    longest = 0
    if channel.delay is not None and channel.delay.share > 0.0:
        longest = channel.delay.longest
        draws = uniforms(seed, "delay", steps=(0, steps), streams=streams)
        within = np.minimum((draws / channel.delay.share * longest).astype(np.int8), np.int8(longest - 1))
        lateness = np.where(draws < channel.delay.share, within + np.int8(1), lateness)
    twice = uniforms(seed, "twice", steps=(0, steps), streams=streams) < channel.duplicates
    return Arrivals(lateness, twice, longest, (), np.zeros((2, shape[1])))
