"""How far to trust what comes along with an answer: its confidence, and silence.

Both are learnt per person, from how well the answers agree with each other: a confidence that goes with slips loses
its say, or is read upside down; a user who is silent when content teaches that silence is consent.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, named_option

DOUBT = 0.1
"""Prior odds that silence means anything: reading random silence as consent costs more than ignoring consent."""


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
    """Soft counts of how a stream answers; arrays over streams.

    ``right`` and ``wrong`` proposals that were answered or met with silence.
    """

    right_answered: FloatArray
    right_silent: FloatArray
    wrong_answered: FloatArray
    wrong_silent: FloatArray


def answers_start(streams: int, prior: tuple[float, float, float, float]) -> Answers:
    """Return the counts before any answer: the prior's pseudo-counts, in the order of :class:`Answers`."""
    return Answers(*(np.full(streams, count) for count in prior))


def heard(state: Answers) -> FloatArray:
    """Return (2, streams): the probability that a right proposal is answered, and a wrong one.

    Both are pulled to the common rate as long as the counts do not show a difference (then silence says nothing): the
    weight of two separate rates follows the Bayesian information criterion (Schwarz 1978) from prior odds ``DOUBT``.
    """
    right = state.right_answered + state.right_silent
    wrong = state.wrong_answered + state.wrong_silent
    total = right + wrong
    rate_right, rate_wrong = state.right_answered / right, state.wrong_answered / wrong
    common = (state.right_answered + state.wrong_answered) / total
    gain = _likelihood(state.right_answered, right) + _likelihood(state.wrong_answered, wrong)
    gain -= _likelihood(state.right_answered + state.wrong_answered, total)
    odds = DOUBT * np.exp(np.minimum(gain, 50.0)) / np.sqrt(total)
    separate = odds / (1.0 + odds)
    return common + separate * np.stack([rate_right - common, rate_wrong - common])


def _likelihood(hits: FloatArray, trials: FloatArray) -> FloatArray:
    """Return the log-likelihood of ``hits`` in ``trials`` at their own rate."""
    rate = hits / trials
    best: FloatArray = hits * np.log(rate) + (trials - hits) * np.log1p(-rate)
    return best


def answers_after(state: Answers, given: Feedback, matching: FloatArray) -> Answers:
    """Return the counts after one interaction (an online step of expectation maximisation, Cappe & Moulines 2009).

    ``matching`` (streams,) is the probability, before the answer, that the user would express the proposed option; only
    its entries for silent streams are used. Unprompted choices and silence without a proposal count for nothing.
    """
    proposed = given.proposed != NO_OPTION
    silent = given.kind == Kind.SILENT
    if not (proposed & silent).any():
        return _answered(state, given, proposed & (given.confidence > 0))
    proposed &= silent | (given.confidence > 0)
    answered = _answered(state, given, proposed & ~silent)
    rate = heard(state)
    consent = matching * (1.0 - rate[0])
    share = consent / np.maximum(consent + (1.0 - matching) * (1.0 - rate[1]), 1e-12)
    mute = proposed & silent
    return answered._replace(
        right_silent=state.right_silent + np.where(mute, share, 0.0),
        wrong_silent=state.wrong_silent + np.where(mute, 1.0 - share, 0.0),
    )


def _answered(state: Answers, given: Feedback, counts: BoolArray) -> Answers:
    right = counts & (named_option(given) == given.proposed)
    return state._replace(
        right_answered=state.right_answered + right, wrong_answered=state.wrong_answered + (counts & ~right)
    )
