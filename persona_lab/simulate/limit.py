"""The limit: the exact Bayes filter told the scenario's parameters, or the reason why none is computed."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from persona_lab.feedback import padded
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.channel import Channel
from persona_lab.simulate.paths import Exceptions, Gradual, Mixed, Recurring, Types, VolatilityShift
from persona_lab.simulate.people import Lives
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
    parameters, and must be run on exactly the people of ``lives``.

    Parameters
    ----------
    scenario, lives
        The population and its people (parameters only are read from ``lives``).
    hazard_factor
        Tell the filter a hazard this many times the truth: its frontier between over-correction and delay.
    """
    path, traits = scenario.path, lives.traits
    answering = told_answering(scenario.channel, scenario.channel.noise)
    if isinstance(path, Gradual):
        if hazard_factor != 1.0:
            return Limit(None, "gradual paths have no hazard to sweep")
        return Limit(GradualFilter(answering, path.tau, path.sd), None)
    if isinstance(path, Recurring):
        return Limit(HabitFilter(answering, _scaled(path.hazard, hazard_factor)), None)
    if isinstance(path, VolatilityShift):
        blocks = (
            float(_scaled(path.calm, hazard_factor)), float(_scaled(path.restless, hazard_factor)), path.block
        )  # fmt: skip
        return Limit(ExactFilter(answering, 0.0, blocks=blocks), None)
    if isinstance(path, (Mixed, Types)):
        width = padded(traits.hazard.size)
        hazard, noise, rate = (_widened(column, width) for column in traits[:3])
        answering = told_answering(scenario.channel, noise)
        law = (1.0 / path.longest,) * path.longest
        return Limit(
            KindKnownFilter(
                recurring=_widened(traits.recurring, width),
                habits=HabitFilter(answering, _scaled(hazard, hazard_factor)),
                switching=ExactFilter(answering, _scaled(hazard, hazard_factor), rate, law),
            ),
            None,
        )
    hazard_told = _scaled(float(traits.hazard[0]), hazard_factor)
    if isinstance(path, Exceptions):
        return Limit(ExactFilter(answering, hazard_told, path.rate, path.law), None)
    return Limit(ExactFilter(answering, hazard_told), None)


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
    return Answering(noise, channel.patience_accept, channel.patience_wrong, channel.names_option, by_confidence)


def _scaled(hazard: Rate, factor: float) -> Rate:
    return np.minimum(hazard * factor, LARGEST_HAZARD) if factor != 1.0 else hazard


def _widened(column: np.ndarray, width: int) -> np.ndarray:
    return np.pad(column, (0, width - column.size), mode="edge")
