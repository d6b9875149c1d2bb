"""Population Bayes: the hierarchical filter whose prior over worlds is learnt from other people's logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from persona_lab.errors import InputError
from persona_lab.feedback import BoolArray, Feedback, FloatArray, select
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes

ROUNDS = 300
"""Steps of expectation maximisation; each is a few multiplications over (worlds, people)."""


def fit(
    base: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
    stubbornness: float = 1.0,
    rounds: int = ROUNDS,
) -> HierarchicalBayes:
    """Return ``base`` with its prior, and the answer rates it expects, learnt from other people (empirical Bayes).

    Use it whenever logs of other people exist: 50 people with 100 interactions each take most of the way to the limit.
    It fails where the people to come differ from those in the log; ``stubbornness`` is what is kept back for that.

    Parameters
    ----------
    base
        The grid to weigh; its own prior is what ``stubbornness`` falls back on.
    log
        One feedback per step, streams aligned: other people's answers, oldest first.
    options
        How many options, K.
    active
        Which streams had an interaction at each step (streams,); default all.
    stubbornness
        How many people's worth of belief the prior of ``base`` keeps.
    rounds
        Steps of expectation maximisation.

    Raises
    ------
    InputError
        If the log is empty.

    Notes
    -----
    Maximum a posteriori by EM under a Dirichlet prior on the weights of the worlds (Dempster, Laird & Rubin 1977):
    w_g <- (sum over people of P(g | person) + s * base_g) / (people + s).
    """
    if not log:
        raise InputError("the log is empty", cure="Pass at least one step of feedback of at least one person.")
    evidence, answering = read_log(base, log, options=options, active=active)
    prior = np.asarray(base.prior, dtype=np.float64)
    prior = prior / prior.sum()
    people = evidence.shape[-1]
    weight = prior
    for _ in range(rounds):
        share = weight[..., np.newaxis] * evidence
        share /= share.sum(axis=(0, 1))
        weight = (share.sum(axis=-1) + stubbornness * prior) / (people + stubbornness)
    return replace(base, prior=tuple(tuple(float(w) for w in row) for row in weight), answering=answering)


def read_log(
    base: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
) -> tuple[FloatArray, tuple[float, float, float, float]]:
    """Return how well each world predicted each person, and the average answer counts of a person.

    Evidence is (dynamics, observers, people), relative to the person's best world.
    """
    flat = replace(base, prior=tuple(tuple(1.0 for _ in row) for row in base.prior))
    state = flat.init(options, log[0].kind.shape[0])
    for step, given in enumerate(log):
        new = flat.update(state, given)
        state = new if active is None else select(active[step], new, state)
    evidence = flat.world_probabilities(state)
    evidence /= evidence.max(axis=(0, 1))
    counts = tuple(float(np.mean(count)) for count in state.answers)
    return evidence, (counts[0], counts[1], counts[2], counts[3])
