"""Every component by the name that a person types: dict literals, greppable; users pass objects instead."""

from __future__ import annotations

from typing import Any

from persona_lab.protocols import UpdateStrategy
from persona_lab.strategies.baselines import ConfidenceAverage, LastWriteWins, NeverUpdate, RunningCount
from persona_lab.strategies.ewma import Ewma

STRATEGIES: dict[str, UpdateStrategy] = {
    "never-update": NeverUpdate(),
    "last-write-wins": LastWriteWins(),
    "running-count": RunningCount(),
    "confidence-average": ConfidenceAverage(),
    "ewma-0.1": Ewma(rate=0.1),
    "ewma-0.3": Ewma(rate=0.3),
}
"""Update strategies. The controls of every table come first."""

DETECTORS: dict[str, Any] = {}
"""Drift detectors."""

SUMMARIES: dict[str, Any] = {}
"""Summary strategies."""

POLICIES: dict[str, Any] = {}
"""Proactive policies."""
