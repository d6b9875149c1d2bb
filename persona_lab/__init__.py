"""persona_lab: how an agent should learn a person's preferences from corrections and outcomes, measured."""

from __future__ import annotations

__version__ = "0.1.0"
