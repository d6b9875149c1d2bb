"""How much ``persona-lab run`` runs: smoke (seconds), ci (under a minute), full (the report)."""

from __future__ import annotations

from dataclasses import dataclass

from persona_lab.catalog import STRATEGIES
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.scenarios import SCENARIOS, Scenario


@dataclass(frozen=True)
class Profile:
    """A size of study.

    Attributes
    ----------
    users
        People per scenario.
    interactions
        Interactions per person, None = the scenario's own.
    tag
        Scenarios with this tag are run.
    """

    users: int
    interactions: int | None
    tag: str

    def scenarios(self) -> tuple[Scenario, ...]:
        """Return the scenarios of this profile, in the order of the catalogue."""
        return tuple(scenario for scenario in SCENARIOS.values() if self.tag in scenario.tags)

    def strategies(self) -> dict[str, UpdateStrategy]:
        """Return every strategy of the catalogue."""
        return dict(STRATEGIES)


PROFILES: dict[str, Profile] = {
    "smoke": Profile(users=128, interactions=120, tag="report"),
    "ci": Profile(users=512, interactions=None, tag="report"),
    "full": Profile(users=1024, interactions=None, tag="report"),
}
