"""The parts of a full report beside the tracking study, each small enough for a minute on two cores in all."""

from __future__ import annotations

from persona_lab.report.drift_section import drift_section
from persona_lab.report.proactive_section import proactive_section
from persona_lab.report.sections import Section
from persona_lab.report.summary_section import summary_section

PROACTIVE_PEOPLE = {"smoke": 16, "ci": 64, "full": 128}
"""People per cell by profile."""


DRIFT_PEOPLE = {"smoke": 100, "ci": 250, "full": 500}
"""People on whom detectors are set, and as many who are scored, by profile."""

SUMMARY_PEOPLE = {"smoke": 4, "ci": 12, "full": 24}
"""People with four contexts each, by profile."""


def extra_sections(profile: str, *, seed: int) -> tuple[Section, ...]:
    """Run the other areas' small studies and return their sections, in reading order.

    Parameters
    ----------
    profile
        Name of the profile (``studies.profiles.PROFILES``); decides how many people are simulated.
    seed
        Luck of the proactive and the summary study; the drift study has seeds of its own, for setting knobs and for
        scoring.
    """
    return (
        drift_section(people=DRIFT_PEOPLE[profile]),
        proactive_section(seed=seed, people=PROACTIVE_PEOPLE[profile]),
        summary_section(seed=seed, people=SUMMARY_PEOPLE[profile]),
    )
