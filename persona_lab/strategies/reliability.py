"""What comes along with an answer: its confidence, and silence; the few counts that their hypotheses need.

Whether either means anything is weighed like any other question about a person, by worlds of the grid that differ in
it (:class:`persona_lab.strategies.worlds.Observer`).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from persona_lab.feedback import NO_OPTION, Feedback, FloatArray, Kind


class Confidence(NamedTuple):
    """Running mean of the confidence of a stream's answers; arrays over streams."""

    total: FloatArray
    answers: FloatArray


def confidence_start(streams: int) -> Confidence:
    """Return the state before any answer."""
    return Confidence(np.zeros(streams), np.zeros(streams))


def confidence_after(state: Confidence, given: Feedback) -> Confidence:
    """Return the mean after one more answer; silence and confidence 0 carry none."""
    answered = (given.kind != Kind.SILENT) & (given.confidence > 0)
    return Confidence(state.total + np.where(answered, given.confidence, 0.0), state.answers + answered)


def noise_at(state: Confidence, given: Feedback, noise: FloatArray, slope: FloatArray) -> FloatArray:
    """Return the noise of this answer, (observers, streams), where confidence has ``slope`` logits per unit.

    logit noise(c) = logit noise - slope * (c - mean c): with two levels of confidence, which is what most products
    have, this is a free noise per level; ``state`` includes this answer, so that a constant confidence changes nothing.
    """
    mean = state.total / np.maximum(state.answers, 1.0)
    away = np.where(given.kind == Kind.SILENT, 0.0, given.confidence - mean)
    logit = np.log(noise / (1 - noise))[:, np.newaxis] - slope[:, np.newaxis] * away
    at: FloatArray = 1.0 / (1.0 + np.exp(-logit))
    return at


class Answers(NamedTuple):
    """How many proposals a stream answered, and met with silence; arrays over streams."""

    answered: FloatArray
    silent: FloatArray


def answers_start(streams: int) -> Answers:
    """Return the counts before any answer."""
    return Answers(np.zeros(streams), np.zeros(streams))


def answers_after(state: Answers, given: Feedback) -> Answers:
    """Return the counts after one interaction.

    Unprompted choices, silence without a proposal and answers of confidence 0 count for nothing.
    """
    proposed = given.proposed != NO_OPTION
    silent = given.kind == Kind.SILENT
    return Answers(state.answered + (proposed & ~silent & (given.confidence > 0)), state.silent + (proposed & silent))


def random_rate(state: Answers) -> FloatArray:
    """Return the probability of an answer from a person who answers at random, at an unknown rate: (streams,).

    Laplace's rule of succession: the exact predictive probability under a uniform prior on the rate, so that "silence
    says nothing" competes fairly, as evidence, with hypotheses that name their rates.
    """
    rate: FloatArray = (state.answered + 1.0) / (state.answered + state.silent + 2.0)
    return rate
