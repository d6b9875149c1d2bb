"""Population Bayes: the hierarchical filter whose prior over worlds is learnt from other people's logs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from persona_lab.errors import ConfigurationError, InputError
from persona_lab.feedback import NO_OPTION, BoolArray, Feedback, FloatArray, Kind, fold, select
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes, listening

ROUNDS = 300
"""Steps of expectation maximisation; each is a few multiplications over (worlds, people)."""

RATES = (0.1, 0.3, 0.5, 0.7, 0.9)
FINER = (-0.08, 0.0, 0.08)
"""Answer rates that are tried, then steps around the best."""


STUBBORNNESS = 3.0
"""People's worth of belief that a fit keeps for what the log does not show."""


def fit(
    base: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
    stubbornness: float = STUBBORNNESS,
    rounds: int = ROUNDS,
) -> HierarchicalBayes:
    """Return ``base`` with its prior, and what silence means, learnt from other people (empirical Bayes).

    Use it whenever logs of other people exist: 50 people with 100 interactions each take most of the way to the limit.
    It fails where the people to come differ from those in the log, or change their ways after it ends (restless people
    whose log ends while they are calm): ``stubbornness`` is what is kept back for that.

    Parameters
    ----------
    base
        The grid to weigh; its own prior is what ``stubbornness`` falls back on. Where the log says that silence means
        something and no observer of the grid names answer rates, each observer is doubled: answering at random, and at
        the rates that explain the log best.
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
        If the log is empty, or its steps do not have the same people in the same places.
    ConfigurationError
        If ``stubbornness`` is not a finite number >= 0, or there are fewer than two options or one round.

    Notes
    -----
    Maximum a posteriori by EM under a Dirichlet prior on the weights of the worlds (Dempster, Laird & Rubin 1977):
    w_g <- (sum over people of P(g | person) + s * base_g) / (people + s).
    """
    _check(log, active)
    if options < 2:
        raise ConfigurationError("population_bayes.fit", "options", options, "at least 2")
    if rounds < 1:
        raise ConfigurationError("population_bayes.fit", "rounds", rounds, "at least 1")
    if not 0.0 <= stubbornness < np.inf:
        raise ConfigurationError("population_bayes.fit", "stubbornness", stubbornness, "people's worth of belief, >= 0")
    if all(seen.answers is None for seen in base.observers):
        rates = answer_rates(_even(base), log, options=options, active=active)
        base = base if rates is None else listening(base, {None: 0.5, rates: 0.5})
    flat = _even(base)
    evidence, _ = read_log(flat, log, options=options, active=active)
    prior = np.asarray(base.prior, dtype=np.float64)
    prior = prior / prior.sum()
    people = evidence.shape[-1]
    weight = prior
    for _ in range(rounds):
        share = weight[..., np.newaxis] * evidence
        share /= share.sum(axis=(0, 1))
        weight = (share.sum(axis=-1) + stubbornness * prior) / (people + stubbornness)
    return replace(base, prior=tuple(tuple(float(w) for w in row) for row in weight))


def _check(log: Sequence[Feedback], active: Sequence[BoolArray] | None) -> None:
    if not len(log) or not log[0].kind.size:
        raise InputError("the log is empty", cure="Pass at least one step of feedback of at least one person.")
    sizes = {given.kind.size for given in log} | {mask.size for mask in active or ()}
    if len(sizes) > 1:
        raise InputError(
            f"its steps have {' and '.join(map(str, sorted(sizes)))} people",
            cure="Give everybody a place in every step, and say in `active` who had an interaction.",
        )
    if active is not None and len(active) != len(log):
        raise InputError(f"{len(active)} masks for {len(log)} steps", cure="Pass one mask for each step in `active`.")


def _even(base: HierarchicalBayes) -> HierarchicalBayes:
    return replace(base, single=False, prior=tuple(tuple(1.0 for _ in row) for row in base.prior))


def read_log(
    flat: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
) -> tuple[FloatArray, float]:
    """Return how well each world predicted each person, and the log-evidence of the whole log under ``flat``.

    The first is (dynamics, observers, people), relative to the person's best world, for a rule with an even prior.
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


def answer_rates(
    flat: HierarchicalBayes,
    log: Sequence[Feedback],
    *,
    options: int,
    active: Sequence[BoolArray] | None = None,
) -> tuple[float, float] | None:
    """Return the likeliest rates of answers, to proposals that are what the person would say and to others.

    One pair for all people, searched on a grid, then on a finer one around the best. None where silence says nothing:
    where there is none, or where one rate for all proposals explains the log nearly as well. The second rate must earn
    log(n) nats over n proposals, twice what the Bayesian information criterion asks (Schwarz 1978), since people are
    never quite as a grid has them; consent that matters earns hundreds.
    """
    there = [given.proposed != NO_OPTION for given in log]
    if active is not None:
        there = [asked & counted for asked, counted in zip(there, active, strict=True)]
    asked = sum(int(seen.sum()) for seen in there)
    quiet = sum(int(((given.kind == Kind.SILENT) & seen).sum()) for given, seen in zip(log, there, strict=True))
    if not quiet:
        return None

    def score(rates: tuple[float, float]) -> float:
        observers = tuple(replace(seen, answers=rates) for seen in flat.observers)
        return read_log(replace(flat, observers=observers), log, options=options, active=active)[1]

    best = max(((a, b) for a in RATES for b in RATES), key=score)
    near = [[min(max(rate + step, 0.01), 0.99) for step in FINER] for rate in best]
    best = max(((a, b) for a in near[0] for b in near[1]), key=score)
    common = (asked - quiet) / asked
    at_random = read_log(flat, log, options=options, active=active)[1] + quiet * float(np.log(1 - common))
    at_random += (asked - quiet) * float(np.log(common)) if quiet < asked else 0.0
    return best if score(best) - at_random > np.log(asked) else None
