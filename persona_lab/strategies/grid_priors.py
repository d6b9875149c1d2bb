"""The default grids and the prior of the hierarchical filter, with where its figures come from.

The prior is the outcome of a zero-sum game, played by multiplicative weights (Freund & Schapire 1999) on *training*
people of the core suite: an adversary puts weight on the cells and inequalities of the target where the filter does
worst, the filter answers with the Bayes rule against that mixture. It was fixed before anyone was scored.
``benchmarks/evidence/bayes_prior.py`` plays the game, prints its prior beside this one, and how far the game shows that
no rule that sees one person can go. Two per cent of the weight are spread over worlds that are no cell of the suite, so
that the filter is not lost between them.
"""

from __future__ import annotations

from dataclasses import replace

from persona_lab.errors import ConfigurationError
from persona_lab.strategies.hierarchical_bayes import Answering, HierarchicalBayes
from persona_lab.strategies.worlds import UNIFORM_TO_5, Dynamics, Habits, Observer, Restless, Scheduled, Switching

CORE_DYNAMICS: tuple[Dynamics, ...] = (
    Switching(0.0),
    Switching(0.001),
    Switching(0.005),
    Switching(0.012),
    Switching(0.025),
    Switching(0.06),
    Switching(0.0, exception_rate=0.05),
    Switching(0.005, exception_rate=0.05),
    Switching(0.025, exception_rate=0.05),
    Switching(0.0025, exception_rate=0.02),
    Habits(1 / 30),
    Restless(calm=0.001, restless=0.05),
    Scheduled(calm=0.001, restless=0.05),
)
"""The laws of the core suite, and a few between them: the volatility shift is there as it is (stretches of exactly 100
interactions), and with stretches that nobody can foresee."""

CORE_OBSERVERS = tuple(Observer(noise) for noise in (0.02, 0.05, 0.1, 0.17, 0.25))

CORE_PRIOR = (
    (0.01093, 0.00049, 0.00916, 0.00049, 0.00543),
    (0.00049, 0.00049, 0.00049, 0.00049, 0.00049),
    (0.08949, 0.00049, 0.03484, 0.00049, 0.02075),
    (0.00049, 0.00049, 0.00049, 0.00049, 0.00049),
    (0.01669, 0.00049, 0.00987, 0.00049, 0.00603),
    (0.00049, 0.00049, 0.00049, 0.00049, 0.00049),
    (0.43378, 0.00049, 0.11058, 0.00049, 0.07031),
    (0.02498, 0.00049, 0.01598, 0.00049, 0.01205),
    (0.00936, 0.00049, 0.00603, 0.00049, 0.00416),
    (0.00049, 0.00049, 0.00049, 0.00049, 0.00049),
    (0.04187, 0.00049, 0.00842, 0.00049, 0.00614),
    (0.00049, 0.00049, 0.00049, 0.00049, 0.00049),
    (0.01587, 0.00049, 0.01022, 0.00049, 0.00705),
)
"""One row per dynamics, one column per observer."""

DEFAULT = HierarchicalBayes(CORE_DYNAMICS, CORE_OBSERVERS, CORE_PRIOR)
"""The rule to use when a person's own answers are all there is: 65 worlds."""

SLOPES = {0.0: 0.8, 6.0: 0.1, -6.0: 0.1}
"""Shares of people whose confidence says nothing, is informative, misleads; 6 logits per unit of confidence is noise
.04 at confidence .9 and .44 at .4."""

CONSENT = 0.12
"""Share of people whose silence is taken for consent at first: with more, random silence costs steady people up to 2 %
of errors; with less, consent is understood later (``reports/evidence/bayes_consent.json``)."""

CONSENTING = {(0.1, 0.9): 0.5, (0.3, 0.9): 0.25, (0.1, 0.5): 0.25}
"""Rates of answers, to right proposals and to wrong ones, of people whose silence is consent, and their shares."""


def attentive(base: HierarchicalBayes, *, consent: float = CONSENT) -> HierarchicalBayes:
    """Return ``base`` with observers added whose confidence, or whose silence, means something; never both.

    Parameters
    ----------
    base
        A grid whose observers take answers alike and ignore silence.
    consent
        Share of people whose silence is taken for consent at first, in (0, 1).

    Raises
    ------
    ConfigurationError
        If ``consent`` is out of range.
    """
    if not 0.0 < consent < 1.0:
        raise ConfigurationError("attentive", "consent", consent, "a share strictly between 0 and 1")
    kinds = [(slope, None, share * (1 - consent)) for slope, share in SLOPES.items()]
    consenting = [(0.0, rates, share * consent) for rates, share in CONSENTING.items()]
    heard: list[tuple[float, Answering, float]] = [*kinds, *consenting]
    return replace(
        base,
        observers=tuple(Observer(seen.noise, slope, rates) for slope, rates, _ in heard for seen in base.observers),
        prior=tuple(tuple(share * weight for _, _, share in heard for weight in row) for row in base.prior),
    )


ATTENTIVE = attentive(DEFAULT)
"""The same for answers that carry a confidence, or that may not come: learns per person whether confidence means
anything, and in which direction, and whether silence is consent. 390 worlds. Where they mean nothing it costs up to
two per cent of errors; where they do, learning them is worth at least 84 % of being told, which is 37 to 64 % of the
way to the limit for confidence and 69 to 80 % for silence (``reports/evidence/bayes_weights.json``,
``bayes_silence.json``). Fitted to other people's logs it is 87 to 100 %."""

LENGTHS = 20
"""Longest burst that the length laws below allow."""

LAWS: tuple[tuple[float, ...], ...] = (
    UNIFORM_TO_5,
    (0.125,) * 8,
    tuple((2 / 3) ** age / sum((2 / 3) ** other for other in range(LENGTHS)) for age in range(LENGTHS)),
)
"""Uniform to 5, uniform to 8, geometric of mean 3 cut at ``LENGTHS``."""


LAW_SHARES = (1.6, 0.25, 0.5)
"""Weight of each law as a multiple of what the world weighs under one, chosen on training people for the worst of nine
cells (``reports/evidence/bayes_law_shares.json``). Together they are more than 1."""


def any_length(
    base: HierarchicalBayes,
    laws: tuple[tuple[float, ...], ...] = LAWS,
    shares: tuple[float, ...] = LAW_SHARES,
) -> HierarchicalBayes:
    """Return ``base`` with every world of exceptions split over several laws of their length.

    Use it where bursts may last longer than five interactions, or nobody knows; it costs as many worlds more. It stays
    within 5 % of the errors of the same rule told the law. It also holds exceptions likelier beforehand: told the law
    *and* that, the rule makes 15 to 22 % fewer errors for people who have nothing but long bursts, and is within 5 % in
    the other cells (``reports/evidence/bayes_lengths.json``).

    Parameters
    ----------
    base
        The grid.
    laws
        Probabilities of lengths 1, 2, ...
    shares
        Weight of each law, as a multiple of the world's weight in ``base``.

    Raises
    ------
    ConfigurationError
        If there are no laws, or not as many shares.
    """
    if not laws or len(shares) != len(laws):
        raise ConfigurationError("any_length", "shares", shares, f"one for each of the {len(laws)} laws")
    dynamics: list[Dynamics] = []
    prior: list[tuple[float, ...]] = []
    for world, row in zip(base.dynamics, base.prior, strict=True):
        if isinstance(world, Switching) and world.exception_rate > 0:
            dynamics += [replace(world, lengths=law) for law in laws]
            prior += [tuple(weight * share for weight in row) for share in shares]
        else:
            dynamics.append(world)
            prior.append(row)
    return replace(base, dynamics=tuple(dynamics), prior=tuple(prior))


POPULATION_DYNAMICS: tuple[Dynamics, ...] = (
    *CORE_DYNAMICS,
    Switching(0.0025),
    Switching(0.1),
    Switching(0.012, exception_rate=0.05),
    Switching(0.0, exception_rate=0.1),
    Restless(calm=0.001, restless=0.05, block=200.0),
    Restless(calm=0.001, restless=0.05, block=400.0),
)

POPULATION_OBSERVERS = tuple(Observer(noise) for noise in (0.02, 0.05, 0.1, 0.17, 0.25, 0.35, 0.5))

RESTLESS_SHARE = 0.5
"""Weight kept for people who turn restless later than the log shows: logs of other people end before they do."""


def spread_prior(dynamics: tuple[Dynamics, ...], observers: tuple[Observer, ...]) -> tuple[tuple[float, ...], ...]:
    """Return the core prior on a larger grid: a little everywhere, more on people who turn restless later."""
    spread = 0.002
    core = dict(zip(CORE_DYNAMICS, CORE_PRIOR, strict=True))
    restless = [world.block for world in dynamics if isinstance(world, Restless | Scheduled)]
    rows = []
    for world in dynamics:
        extra = 0.0
        if isinstance(world, Restless | Scheduled):  # shorter stretches sooner do harm
            extra = RESTLESS_SHARE / len(observers) / world.block / sum(1 / block for block in restless)
        known = core.get(world, ())
        rows.append(tuple((known[i] if i < len(known) else spread) + extra for i in range(len(observers))))
    return tuple(rows)


POPULATION = HierarchicalBayes(
    POPULATION_DYNAMICS, POPULATION_OBSERVERS, spread_prior(POPULATION_DYNAMICS, POPULATION_OBSERVERS)
)
"""The grid to hand to ``population_bayes.fit`` with logs of other people: 133 worlds. That some people turn restless
after exactly 100 interactions is taken from the suite: logs that end with the first calm stretch cannot tell."""
