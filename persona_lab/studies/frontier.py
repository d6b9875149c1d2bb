"""Sweeps for the over-correction plane: one knob per family, and the limit's own frontier."""

from __future__ import annotations

from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.limit import limit
from persona_lab.simulate.people import Lives
from persona_lab.simulate.scenarios import Scenario
from persona_lab.strategies.ewma import Ewma

EWMA_RATES = (0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8)
"""Share of the way that one answer moves the belief."""

HAZARD_FACTORS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
"""The limit told a hazard this many times the truth: it trades over-correction against delay along its frontier."""

LONGEST_FRONTIER = 0.5
"""Hazards beyond this are not swept: the filter would forget everything at once."""


def frontier_strategies(scenario: Scenario, lives: Lives) -> dict[tuple[str, str, float], UpdateStrategy]:
    """Return the swept strategies by (family, knob, setting)."""
    swept: dict[tuple[str, str, float], UpdateStrategy] = {
        ("EWMA", "rate", rate): Ewma(rate=rate) for rate in EWMA_RATES
    }
    for factor in HAZARD_FACTORS:
        found = limit(scenario, lives, hazard_factor=factor)
        if found.strategy is not None:
            swept["the limit", "assumed hazard / true hazard", factor] = found.strategy
    return swept
