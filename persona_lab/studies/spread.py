"""How people of a log differ from each other, and the scenario that simulates people like them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from persona_lab.feedback import FloatArray
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.paths import Exceptions, Switch, Types
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.exact_filter import Answering, ExactFilter
from persona_lab.studies.fitting import LogPart, PopulationFit, log_likelihood

HAZARD_FACTORS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Hazards of the kinds of people tried, as multiples of the common estimate."""

NOISE_FACTORS = (0.2, 0.5, 1.0, 1.6, 2.5)
"""Noises of the kinds of people tried, as multiples of the common estimate."""

LARGEST = 0.45
"""Hazards and noises tried stay below this."""

ROUNDS = 500
SMALLEST_SHARE = 0.02
"""Kinds of people with a smaller share are dropped from the scenario."""


class Kind(NamedTuple):
    """One kind of person and its share of the population."""

    share: float
    hazard: float
    noise: float
    exception_rate: float


@dataclass(frozen=True, slots=True)
class Spread:
    """How people differ.

    Attributes
    ----------
    kinds
        The mixture that fits best, shares that sum to 1.
    gain
        Log-likelihood gained over one kind of person for all, nats.
    penalty
        Gain that as many more parameters would need by the Bayesian information criterion, nats.
    """

    kinds: tuple[Kind, ...]
    gain: float
    penalty: float

    @property
    def significant(self) -> bool:
        """Whether the log speaks for a mixture."""
        return self.gain > self.penalty

    def deviation(self, field: str) -> float:
        """Return the standard deviation over people of ``hazard``, ``noise`` or ``exception_rate``."""
        shares = np.array([kind.share for kind in self.kinds])
        values = np.array([getattr(kind, field) for kind in self.kinds])
        return float(np.sqrt((shares * (values - (shares * values).sum()) ** 2).sum()))


def fit_spread(parts: Sequence[LogPart], fitted: PopulationFit) -> Spread:
    """Fit a mixture of kinds of people around the common estimate by expectation maximisation.

    Nonparametric maximum likelihood on a grid (Laird 1978; Koenker & Mizera 2014); a stream counts as one person.
    """
    grid = _grid(fitted)
    evidence = np.concatenate([_evidence(part, fitted, grid) for part in parts], axis=1)
    heard = np.concatenate([np.any(part.active, axis=0) for part in parts])
    evidence = evidence[:, heard]
    alone = float(evidence.sum(axis=1).max())
    top = evidence.max(axis=0)
    likely = np.exp(evidence - top)
    share = np.full(len(grid), 1.0 / len(grid))
    for _ in range(ROUNDS):
        posterior = share[:, np.newaxis] * likely
        posterior /= posterior.sum(axis=0)
        share = posterior.mean(axis=1)
    mixed = float((np.log((share[:, np.newaxis] * likely).sum(axis=0)) + top).sum())
    kept = np.flatnonzero(share >= SMALLEST_SHARE)
    total = share[kept].sum()
    kinds = tuple(grid[place]._replace(share=float(share[place] / total)) for place in kept)
    free = 2 * (len(kinds) - 1)
    return Spread(kinds, mixed - alone, 0.5 * free * math.log(int(heard.sum())))


def to_scenario(fitted: PopulationFit, spread: Spread | None, *, name: str, interactions: int, users: int) -> Scenario:
    """Return the scenario of people like those of the log.

    Parameters
    ----------
    fitted, spread
        What was found; the mixture is used where it is significant.
    name
        Id of the scenario.
    interactions, users
        Size of the simulation.
    """
    rate = fitted.exception_rate.value if fitted.exception_rate else 0.0
    if spread is not None and spread.significant and len(spread.kinds) > 1:
        columns = list(zip(*spread.kinds, strict=True))
        shares = np.array(columns[0])
        path: Types | Exceptions | Switch = Types(
            tuple((shares / shares.sum()).tolist()), columns[1], columns[2], columns[3], fitted.longest
        )
    elif rate:
        path = Exceptions(rate, fitted.longest, fitted.hazard.value)
    else:
        path = Switch(fitted.hazard.value)
    channel = Channel(
        noise=fitted.noise.value,
        patience_accept=fitted.patience_accept.value if fitted.patience_accept else 1.0,
        patience_wrong=fitted.patience_wrong.value if fitted.patience_wrong else 1.0,
        names_option=1.0 if fitted.names_option is None else fitted.names_option,
    )
    scenario = Scenario(
        id=name, path=path, channel=channel, options=min(fitted.options, 6), interactions=interactions,
        description="people like those of a log",
    )  # fmt: skip
    return replace(scenario, users=users)


def _grid(fitted: PopulationFit) -> list[Kind]:
    hazards = sorted({min(factor * fitted.hazard.value, LARGEST) for factor in HAZARD_FACTORS})
    noises = sorted({min(factor * fitted.noise.value, LARGEST) for factor in NOISE_FACTORS})
    rates = sorted({0.0, fitted.exception_rate.value}) if fitted.exception_rate else [0.0]
    return [Kind(0.0, hazard, noise, rate) for hazard in hazards for noise in noises for rate in rates]


def _evidence(part: LogPart, fitted: PopulationFit, grid: Sequence[Kind]) -> FloatArray:
    """Return the log-likelihood of each stream under each kind of person, (kinds, streams)."""
    law = (1.0 / fitted.longest,) * fitted.longest
    rows = []
    for kind in grid:
        answering = Answering(
            noise=kind.noise,
            patience_accept=fitted.patience_accept.value if fitted.patience_accept else 1.0,
            patience_wrong=fitted.patience_wrong.value if fitted.patience_wrong else 1.0,
            names_option=1.0 if fitted.names_option in (None, 0.0) else float(fitted.names_option or 1.0),
        )
        rows.append(log_likelihood(ExactFilter(answering, kind.hazard, kind.exception_rate, law), part))
    return np.stack(rows)
