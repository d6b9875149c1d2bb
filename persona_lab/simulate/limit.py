"""The limit: the exact Bayes filter told the scenario's parameters, or the reason why none is computed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.paths import Exceptions, Gradual, Mixed, Recurring, Types, VolatilityShift
from persona_lab.simulate.people import Lives
from persona_lab.simulate.population import of_mixture, of_types
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.exact_filter import Answering, ExactFilter, HabitFilter, KindKnownFilter, Rate
from persona_lab.strategies.gradual_filter import GradualFilter

LARGEST_HAZARD = 0.5
"""Hazards are capped here when the frontier multiplies them: beyond it a filter forgets everything at once."""


class Limit(NamedTuple):
    """The limit as a strategy, or None with the reason."""

    strategy: UpdateStrategy | None
    reason: str | None


def limit(scenario: Scenario, lives: Lives, *, hazard_factor: float = 1.0) -> Limit:
    """Return the filter told everything about these people but their minds.

    It is the optimum where what is learnt does not depend on the proposal (full feedback); with thumbs or silence it is
    the best myopic rule, a reference and not a bound. For mixed people it is clairvoyant: it is told each person's
    parameters, and must be run on exactly the people of ``lives``. Where contexts move together it is the optimum of
    rules that see one context at a time, as all update strategies do.

    Parameters
    ----------
    scenario, lives
        The population and its people (parameters only are read from ``lives``).
    hazard_factor
        Tell the filter a hazard this many times the truth: its frontier between over-correction and delay.

    Returns
    -------
    Limit, without a strategy but with the reason where none is computed.
    """
    path, traits = scenario.path, lives.traits
    if reason := no_limit(scenario.channel):
        return Limit(None, reason)
    answering = told_answering(scenario.channel, scenario.channel.noise)
    if isinstance(path, Gradual):
        if hazard_factor != 1.0:
            return Limit(None, "gradual paths have no hazard to sweep")
        return Limit(GradualFilter(answering, path.tau, path.sd), None)
    if isinstance(path, Recurring):
        return Limit(HabitFilter(answering, _scaled(path.hazard, hazard_factor)), None)
    if isinstance(path, VolatilityShift):
        calm, restless = (float(_scaled(hazard, hazard_factor)) for hazard in (path.calm, path.restless))
        return Limit(ExactFilter(answering, 0.0, blocks=(calm, restless, path.block)), None)
    if isinstance(path, (Mixed, Types)):
        answering = told_answering(scenario.channel, traits.noise)
        hazard = _scaled(traits.hazard, hazard_factor)
        law = (1.0 / path.longest,) * path.longest
        return Limit(
            KindKnownFilter(
                recurring=traits.recurring,
                habits=HabitFilter(answering, hazard),
                switching=ExactFilter(answering, hazard, traits.exception_rate, law),
            ),
            None,
        )
    hazard_told = _scaled(float(traits.hazard[0]), hazard_factor)
    if isinstance(path, Exceptions):
        return Limit(ExactFilter(answering, hazard_told, path.rate, path.law), None)
    return Limit(ExactFilter(answering, hazard_told), None)


def no_limit(channel: Channel) -> str | None:
    """Return why no limit is computed for a channel, None where one is."""
    reasons = {
        "trust moves with outcomes": channel.trust is not None,
        "fatigue moves with corrections": channel.fatigue is not None,
        "answers arrive late and out of order": channel.delay is not None,
        "duplicates reach the rule as fresh evidence": channel.duplicates > 0.0,
        "noise is shared by the answers of a bad day": channel.bad_days is not None,
    }
    return "; ".join(reason for reason, holds in reasons.items() if holds) or None


def told_answering(channel: Channel, noise: Rate) -> Answering:
    """Return how people of a channel answer, with what their confidence weights mean."""
    by_confidence: tuple[tuple[float, float], ...] = ()
    if channel.weights is not None:
        w = channel.weights
        mixed = w.careful_share * w.careful_noise + (1.0 - w.careful_share) * w.careless_noise
        meant = {
            "informative": ((w.high, w.careful_noise), (w.low, w.careless_noise)),
            "inverted": ((w.high, w.careless_noise), (w.low, w.careful_noise)),
            "shuffled": ((w.high, mixed), (w.low, mixed)),
        }
        by_confidence = meant[w.meaning]
    return Answering(
        noise,
        channel.patience_accept,
        channel.patience_wrong,
        channel.names_option,
        channel.acquiescence,
        by_confidence,
    )


def _scaled(hazard: Rate, factor: float) -> Rate:
    return np.minimum(hazard * factor, LARGEST_HAZARD) if factor != 1.0 else hazard


def population_limit(scenario: Scenario) -> Limit:
    """Return the filter that knows the population but not the person: the limit for anyone, on mixed people.

    It weighs a grid of kinds of people by the population's own shares (fine enough that a finer one changes its errors
    by less than their standard error, see ``benchmarks/evidence/world.py``); where everyone is alike it is
    :func:`limit`, and None is returned with that reason.
    """
    path = scenario.path
    if reason := no_limit(scenario.channel):
        return Limit(None, reason)
    if not isinstance(path, (Mixed, Types)):
        return Limit(None, "everyone is alike: the limit that knows the person is the limit for anyone")
    if not scenario.channel.full:
        return Limit(None, "the population filter is computed for full feedback only")
    return Limit(of_types(path) if isinstance(path, Types) else of_mixture(path), None)
