"""The Bayes filter whose prior is a population: grids over the kinds of people of a mixture."""

from __future__ import annotations

import numpy as np

from persona_lab.feedback import FloatArray
from persona_lab.simulate.paths import Mixed, Types
from persona_lab.strategies.hierarchical_bayes import HierarchicalBayes
from persona_lab.strategies.worlds import Dynamics, Habits, Observer, Switching


def of_mixture(path: Mixed, *, hazards: int = 6, noises: int = 5, rates: int = 3) -> HierarchicalBayes:
    """Return the filter that knows the law of ``path`` but not the person.

    Continuous parameters are replaced by the midpoints of equally likely slices: ``hazards`` of the hazard, ``noises``
    of the noise, ``rates`` of the exception rate.
    """
    from scipy.stats import beta  # imported where it is needed: it takes most of a second

    low, high = path.log10_hazard
    moving = [10 ** (low + (high - low) * middle) for middle in _middles(hazards)]
    shares = [(0.0, path.never), *((hazard, (1.0 - path.never) / hazards) for hazard in moving)]
    first, last = path.exception_rate
    bursts = [first + (last - first) * middle for middle in _middles(rates)]
    law = (1.0 / path.longest,) * path.longest
    switching = 1.0 - path.recurring
    weighed: list[tuple[Dynamics, float]] = []
    for hazard, share in shares:
        weighed.append((Switching(hazard), share * switching * (1.0 - path.with_exceptions)))
        weighed += [(Switching(hazard, rate, law), share * switching * path.with_exceptions / rates) for rate in bursts]
        # A person of two habits who never leaves the first is one of the steady people.
        weighed.append((Habits(hazard) if hazard else Switching(0.0), share * path.recurring))
    noise = np.clip(beta(*path.noise_beta).ppf(_middles(noises)), *path.noise_range)
    return HierarchicalBayes(
        dynamics=tuple(dynamics for dynamics, _ in weighed),
        observers=tuple(Observer(float(value)) for value in noise),
        prior=tuple((share / noises,) * noises for _, share in weighed),
    )


def of_types(path: Types) -> HierarchicalBayes:
    """Return the filter that knows the kinds of people and their shares, but not a person's kind."""
    law = (1.0 / path.longest,) * path.longest
    kinds = range(len(path.shares))
    return HierarchicalBayes(
        dynamics=tuple(Switching(path.hazards[kind], path.exception_rates[kind], law) for kind in kinds),
        observers=tuple(Observer(path.noises[kind]) for kind in kinds),
        prior=tuple(tuple(path.shares[kind] * (kind == seen) for seen in kinds) for kind in kinds),
    )


def _middles(slices: int) -> FloatArray:
    middles: FloatArray = (np.arange(slices) + 0.5) / slices
    return middles
