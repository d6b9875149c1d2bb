"""Off-policy evaluation of a strategy from a log in which another agent chose.

Which method holds depends on the log. Options named and answering independent of agreement: score directly. Logged
propensities with overlap: inverse propensity and its kin, for decisions on the logger's history. Everything else:
posterior imputation (``studies.imputation``). Naive scores are here to show how far off they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from persona_lab.errors import InputError
from persona_lab.feedback import (
    NO_OPTION,
    BoolArray,
    Feedback,
    FloatArray,
    IntArray,
    Kind,
    named_option,
    one_hot,
    padded,
    select,
)
from persona_lab.metrics import off_policy
from persona_lab.metrics.off_policy import OffPolicyEstimate
from persona_lab.protocols import UpdateStrategy
from persona_lab.randomness import uniforms
from persona_lab.simulate.loop import propose
from persona_lab.simulate.people import Lives
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.exact_filter import Answering, ExactFilter
from persona_lab.studies.fitting import LogPart

DISAGREEMENT = "share of named answers that the new agent's choice on the logger's history disagrees with"

WEIGHTED = ("inverse propensity", "self-normalised", "doubly robust")
"""The estimates that weight rewards by propensities."""

PREDICTOR = ExactFilter(Answering(0.15, patience_accept=0.5, patience_wrong=0.5, names_option=0.5), hazard=0.02)
"""A fair predictor of rewards for people of unknown parameters."""


class Decisions(NamedTuple):
    """Logged interactions and what the new agent would have chosen, having read what the logger read; all (n,).

    ``chosen`` is (options, n), 1 where the new agent chooses; ``predicted`` (options, n) is its belief before it.
    """

    logged: IntArray
    kind: IntArray
    named: IntArray
    propensity: FloatArray
    chosen: FloatArray
    predicted: FloatArray
    user: IntArray


def decide_on_log(part: LogPart, strategy: UpdateStrategy, *, seed: int = 0) -> Decisions:
    """Replay a strategy on the log and return its choice beside the logger's at every interaction.

    Raises
    ------
    InputError
        If the log is empty.
    """
    if not part.log:
        raise InputError("the log has no interaction", cure="Pass a log of at least one interaction.")
    streams, options = part.log[0].kind.shape[0], part.options
    lanes = padded(streams)
    state = strategy.init(options, lanes)
    last: IntArray = np.full(lanes, NO_OPTION, dtype=np.int8)
    found: list[tuple[NDArray[Any], ...]] = []
    for step, (given, mask) in enumerate(zip(part.log, part.active, strict=True)):
        wide, active = _widened(given, lanes), np.pad(mask, (0, lanes - streams))
        belief = strategy.belief(state, wide.elapsed)
        choice = propose(belief, last, seed=seed, step=step, streams=(0, lanes))
        last = np.where(active, choice, last).astype(np.int8)
        state = select(active, strategy.update(state, wide), state)
        kept = np.flatnonzero(mask)
        found.append(
            (
                given.proposed[kept],
                given.kind[kept],
                named_option(given)[kept],
                given.propensity[kept],
                one_hot(choice, options).astype(np.float64)[:, kept],
                belief[:, kept],
                kept,
            )
        )
    columns = list(zip(*found, strict=True))
    return Decisions(*(np.concatenate(column, axis=-1) for column in columns))


def estimates(
    part: LogPart,
    strategy: UpdateStrategy,
    *,
    seed: int = 0,
    predictor: UpdateStrategy = PREDICTOR,
    independent: bool | None = None,
) -> dict[str, OffPolicyEstimate]:
    """Return every estimate that a log allows, refusals included, by method.

    ``inverse propensity`` and its kin estimate the acceptance per interaction of the new agent's choices on the
    logger's history; ``direct`` and the naive score estimate disagreement.

    Parameters
    ----------
    part, strategy, seed
        The log, the new agent, luck of ties.
    predictor
        What predicts the reward of each option for the doubly robust estimate; a poor one costs width, not truth.
    independent
        Whether answering is known to be independent of agreement (compare the fitted answer rates); None = unknown.
    """
    d = decide_on_log(part, strategy, seed=seed)
    return {
        "direct": direct_score(d, independent=independent),
        "naive": naive_score(d),
        "rejection replay": rejection_replay(part, strategy, seed=seed),
        **weighted_estimates(d, decide_on_log(part, predictor, seed=seed).predicted),
    }


def weighted_estimates(d: Decisions, predicted: FloatArray) -> dict[str, OffPolicyEstimate]:
    """Return inverse propensity, self-normalised and doubly robust estimates of the acceptance of the agent's choices.

    Parameters
    ----------
    d
        Logged interactions and the agent's choices.
    predicted
        (options, n) chance that each option is wanted, from what came before the interaction.
    """
    shown = d.logged != NO_OPTION
    answered = float((d.kind[shown] != Kind.SILENT).mean()) if shown.any() else 1.0
    if answered == 0.0:
        why = "nobody ever answered, so that no acceptance could be seen: 0 would be a figure about silence"
        return {name: off_policy.refuse(name, off_policy.ESTIMAND, why, int(shown.sum())) for name in WEIGHTED}
    asked = {
        "reward": (d.kind[shown] == Kind.ACCEPTED).astype(np.float64),
        "logged": d.logged[shown],
        "propensity": d.propensity[shown],
        "chosen": d.chosen[:, shown],
        "user": d.user[shown],
    }
    found = (
        off_policy.inverse_propensity(**asked),
        off_policy.self_normalised(**asked),
        off_policy.doubly_robust(**asked, predicted=answered * predicted[:, shown]),
    )
    return dict(zip(WEIGHTED, found, strict=True))


def direct_score(d: Decisions, *, independent: bool | None = None) -> OffPolicyEstimate:
    """Score choices against named answers, refused where the log shows that naming depends on agreement.

    Answering is taken to depend on agreement where bare declines occur, or where silence and proposals both do and no
    propensity tells them apart: then the named answers are not a fair sample.
    """
    declines = int((d.kind == Kind.DECLINED).sum())
    if declines:
        reason = f"{declines} declines name no option, so the named answers over-represent agreement"
        return off_policy.refuse("direct", DISAGREEMENT, reason, d.kind.size)
    if independent is not True and (d.kind == Kind.SILENT).any() and (d.logged != NO_OPTION).any():
        silent = float((d.kind == Kind.SILENT).mean())
        reason = (
            f"{silent:.0%} of interactions are silent, and silence may depend on agreement: compare the fitted answer "
            "rates, or impute"
        )
        return off_policy.refuse("direct", DISAGREEMENT, reason, d.kind.size)
    return _scored(d, d.named != NO_OPTION, "direct")


def naive_score(d: Decisions) -> OffPolicyEstimate:
    """Score choices wherever the log happens to tell: far off where answering is selective (reports/evidence)."""
    told = (d.named != NO_OPTION) | ((d.kind == Kind.DECLINED) & (d.chosen.argmax(axis=0) == d.logged))
    return _scored(d, told, "naive")


def response_weighted(d: Decisions, *, patience_accept: float, patience_wrong: float) -> OffPolicyEstimate:
    """Weight each answered interaction by one over its answer rate: right for the logger, not for a new agent."""
    told = d.named != NO_OPTION
    weight = np.where(d.kind == Kind.ACCEPTED, 1.0 / patience_accept, 1.0 / patience_wrong)[told]
    wrong = (d.chosen.argmax(axis=0) != d.named)[told]
    if not told.any():
        return off_policy.refuse("response-weighted", DISAGREEMENT, "no answer of the log names an option", 0)
    value = float((weight * wrong).sum() / weight.sum())
    return OffPolicyEstimate("response-weighted", DISAGREEMENT, value, None, None, None, None, int(told.sum()))


def rejection_replay(part: LogPart, strategy: UpdateStrategy, *, seed: int = 0) -> OffPolicyEstimate:
    """Keep only interactions where the new agent agrees with the logger (Li et al. 2011), learning from those alone.

    For people who change it is wrong however the logger explored: time passes K times faster between two kept events.
    """
    streams, options = part.log[0].kind.shape[0], part.options
    lanes = padded(streams)
    state = strategy.init(options, lanes)
    last: IntArray = np.full(lanes, NO_OPTION, dtype=np.int8)
    right, users = [], []
    for step, (given, mask) in enumerate(zip(part.log, part.active, strict=True)):
        wide, active = _widened(given, lanes), np.pad(mask, (0, lanes - streams))
        choice = propose(strategy.belief(state, wide.elapsed), last, seed=seed, step=step, streams=(0, lanes))
        agrees = active & (choice == wide.proposed)
        last = np.where(active, choice, last).astype(np.int8)
        state = select(agrees, strategy.update(state, wide), state)
        kept = np.flatnonzero(agrees[:streams] & (given.kind != Kind.SILENT))
        right.append((given.kind[kept] != Kind.ACCEPTED).astype(np.float64))
        users.append(kept)
    estimand = "share of answered interactions declined, where the new agent happens to agree with the logger"
    return off_policy.direct(right=np.concatenate(right), user=np.concatenate(users), estimand=estimand)


def explored_log(scenario: Scenario, lives: Lives, logger: UpdateStrategy, *, epsilon: float, seed: int) -> LogPart:
    """Simulate a logger that explores: with probability ``epsilon`` it proposes a uniform option; propensities kept.

    Parameters
    ----------
    scenario, lives
        The population and its people; every stream is one person.
    logger
        The strategy that chose.
    epsilon
        Probability of exploring per interaction, in (0, 1].
    seed
        Luck of exploring and answering.
    """
    steps, streams = lives.expressed.shape
    lanes, options, channel = padded(streams), scenario.options, scenario.channel
    luck = {
        purpose: uniforms(seed, f"explored log: {purpose}", steps=(0, steps), streams=(0, lanes))
        for purpose in ("explore", "option", "answer", "name")
    }
    state = logger.init(options, lanes)
    last: IntArray = np.full(lanes, NO_OPTION, dtype=np.int8)
    log = []
    for step in range(steps):
        elapsed = np.pad(np.asarray(lives.elapsed[step]), (0, lanes - streams), mode="edge")
        said = np.pad(lives.expressed[step], (0, lanes - streams), mode="edge")
        last = propose(logger.belief(state, elapsed), last, seed=seed, step=step, streams=(0, lanes))
        random = np.minimum((luck["option"][step] * options).astype(np.int8), options - 1)
        shown = np.where(luck["explore"][step] < epsilon, random, last).astype(np.int8)
        propensity = np.where(shown == last, 1.0 - epsilon + epsilon / options, epsilon / options)
        right = said == shown
        answered = luck["answer"][step] < np.where(right, channel.patience_accept, channel.patience_wrong)
        names = right | (luck["name"][step] < channel.names_option)
        kind = np.where(right, Kind.ACCEPTED, np.where(names, Kind.CORRECTED, Kind.DECLINED))
        kind = np.where(answered, kind, Kind.SILENT).astype(np.int8)
        given = Feedback(
            proposed=shown,
            kind=kind,
            corrected=np.where(kind == Kind.CORRECTED, said, NO_OPTION).astype(np.int8),
            confidence=np.ones(lanes),
            elapsed=elapsed,
            session=np.zeros(lanes, dtype=np.int32),
            source=np.zeros(lanes, dtype=np.int16),
            propensity=propensity,
        )
        state = logger.update(state, given)
        log.append(_columns(given, np.arange(streams)))
    mask: BoolArray = np.ones(streams, dtype=bool)
    return LogPart(log, [mask] * steps, options)


def true_rewards(
    part: LogPart, lives: Lives, strategies: Mapping[str, UpdateStrategy], *, seed: int = 0
) -> dict[str, float]:
    """Return what inverse propensity estimates, from truth: matches of the new agent on the logger's history.

    For tests and evidence only. It takes every accept as answered: multiply by the answer rate of accepts otherwise.
    """
    said = np.asarray(lives.expressed).ravel()
    rewards = {}
    for name, strategy in strategies.items():
        choice = decide_on_log(part, strategy, seed=seed).chosen.argmax(axis=0)
        rewards[name] = float((choice == said).mean())
    return rewards


def _scored(d: Decisions, told: BoolArray, method: str) -> OffPolicyEstimate:
    choice = d.chosen.argmax(axis=0)
    wrong = np.where(d.named != NO_OPTION, choice != d.named, True)[told].astype(np.float64)
    found = off_policy.direct(right=wrong, user=d.user[told], estimand=DISAGREEMENT)
    return OffPolicyEstimate(
        method, found.estimand, found.value, found.standard_error, found.low, found.high, None, found.n, found.reason
    )


def _widened(given: Feedback, lanes: int) -> Feedback:
    """Repeat the last stream up to ``lanes`` streams."""
    return _columns(given, np.minimum(np.arange(lanes), given.kind.shape[0] - 1))


def _columns(given: Feedback, streams: IntArray) -> Feedback:
    arrays: tuple[Any, ...] = tuple(array[streams] for array in given)
    return Feedback(*arrays)
