"""Population Bayes: the hierarchical filter whose prior over worlds is learnt from other people's logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from persona_lab.errors import InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, fold, named_option, select
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes

ROUNDS = 300
"""Steps of expectation maximisation; each is a few multiplications over (worlds, people)."""

RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
FINER = (-0.08, 0.0, 0.08)
"""Answer rates that are tried, then steps around the best."""

SURE = 1e6
"""Pseudo-counts of a rate that is tried: no log outweighs them."""

TRUST = 100.0
"""Pseudo-counts of the rates that are found: a person is taken to answer like the others until as many differ."""


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
    It fails where the people to come differ from those in the log, or change their ways after it ends (restless people
    whose log ends while they are calm): ``stubbornness`` is what is kept back for that.

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
    flat = replace(base, single=False, prior=tuple(tuple(1.0 for _ in row) for row in base.prior))
    if any(((given.kind == Kind.SILENT) & (given.proposed != NO_OPTION)).any() for given in log):
        flat = replace(flat, answering=answering_of(flat, log, options=options, active=active))
    evidence, _ = read_log(flat, log, options=options, active=active)
    prior = np.asarray(base.prior, dtype=np.float64)
    prior = prior / prior.sum()
    people = evidence.shape[-1]
    weight = prior
    for _ in range(rounds):
        share = weight[..., np.newaxis] * evidence
        share /= share.sum(axis=(0, 1))
        weight = (share.sum(axis=-1) + stubbornness * prior) / (people + stubbornness)
    return replace(base, prior=tuple(tuple(float(w) for w in row) for row in weight), answering=flat.answering)


def read_log(
    flat: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
) -> tuple[FloatArray, float]:
    """Return how well each world predicted each person, and the log-evidence of the whole log under ``flat``.

    The first is (dynamics, observers, people), relative to the person's best world, for a rule with an even prior. The
    second leaves out how often answers came: see :func:`answering_of`.
    """
    state = flat.init(options, log[0].kind.shape[0])
    total = 0.0
    for step, given in enumerate(log):
        new = flat.update(state, given)
        there = np.ones(given.kind.shape, dtype=bool) if active is None else active[step]
        total += float(np.log(fold(state.mass)[there]).sum())  # what the update divided by
        state = select(there, new, state)
    total += float(np.log(fold(state.mass)).sum())
    evidence = flat.world_probabilities(state)
    evidence /= evidence.max(axis=(0, 1))
    return evidence, total


def answering_of(
    flat: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
) -> tuple[float, float, float, float]:
    """Return the likeliest answer rates as pseudo-counts: right answered, right silent, wrong answered, wrong silent.

    Rates of answering right and wrong proposals are searched on a grid, then on a finer one around the best.
    """
    proposed = [given.proposed != NO_OPTION for given in log]
    answered = [(given.kind != Kind.SILENT) & there for given, there in zip(log, proposed, strict=True)]
    right = [seen & (named_option(given) == given.proposed) for given, seen in zip(log, answered, strict=True)]
    counted = active if active is not None else [np.ones(given.kind.shape, dtype=bool) for given in log]
    rights = sum(int((hit & there).sum()) for hit, there in zip(right, counted, strict=True))
    wrongs = sum(int((seen & there).sum()) for seen, there in zip(answered, counted, strict=True)) - rights

    def counts(rates: tuple[float, float]) -> tuple[float, float, float, float]:
        return (SURE * rates[0], SURE * (1 - rates[0]), SURE * rates[1], SURE * (1 - rates[1]))

    def score(rates: tuple[float, float]) -> float:
        _, evidence = read_log(replace(flat, answering=counts(rates)), log, options=options, active=active)
        return evidence + rights * float(np.log(rates[0])) + wrongs * float(np.log(rates[1]))

    best = max(((a, b) for a in RATES for b in RATES), key=score)
    near = [[min(max(rate + step, 0.01), 0.99) for step in FINER] for rate in best]
    best = max(((a, b) for a in near[0] for b in near[1]), key=score)
    return tuple(TRUST * count / SURE for count in counts(best))  # type: ignore[return-value]  # four of them
