"""The belief that comes with the package: what kinds of people there are, as found in the answers of others."""

from __future__ import annotations

from persona_lab.policies.population import PopulationTolerance, Redrawing, Toggling

SHIPPED_BELIEF = PopulationTolerance(
    toggling=(
        Toggling(low=0.0125, high=0.85, hazard=0.0, share=0.0581),
        Toggling(low=0.0125, high=0.8625, hazard=0.0, share=0.0065),
        Toggling(low=0.0125, high=0.95, hazard=0.0, share=0.0048),
        Toggling(low=0.025, high=0.225, hazard=0.01, share=0.0049),
        Toggling(low=0.025, high=0.275, hazard=0.0, share=0.0082),
        Toggling(low=0.025, high=0.375, hazard=0.0, share=0.0084),
        Toggling(low=0.025, high=0.575, hazard=0.0, share=0.0057),
        Toggling(low=0.025, high=0.675, hazard=0.0, share=0.0109),
        Toggling(low=0.025, high=0.725, hazard=0.0, share=0.0076),
        Toggling(low=0.025, high=0.85, hazard=0.0, share=0.0125),
        Toggling(low=0.025, high=0.925, hazard=0.002, share=0.0125),
        Toggling(low=0.0375, high=0.8375, hazard=0.01, share=0.007),
        Toggling(low=0.0375, high=0.85, hazard=0.0, share=0.0468),
        Toggling(low=0.0375, high=0.85, hazard=0.01, share=0.0549),
        Toggling(low=0.0375, high=0.8625, hazard=0.0, share=0.0053),
        Toggling(low=0.05, high=0.8, hazard=0.0, share=0.0066),
        Toggling(low=0.05, high=0.85, hazard=0.0, share=0.1154),
        Toggling(low=0.05, high=0.85, hazard=0.01, share=0.1126),
        Toggling(low=0.05, high=0.8625, hazard=0.0, share=0.0129),
        Toggling(low=0.05, high=0.8625, hazard=0.01, share=0.0065),
        Toggling(low=0.05, high=0.95, hazard=0.0, share=0.0091),
        Toggling(low=0.05, high=0.9875, hazard=0.0, share=0.0073),
        Toggling(low=0.0625, high=0.85, hazard=0.0, share=0.0546),
        Toggling(low=0.0625, high=0.8625, hazard=0.0, share=0.0061),
        Toggling(low=0.075, high=0.325, hazard=0.002, share=0.0068),
        Toggling(low=0.075, high=0.375, hazard=0.0, share=0.0041),
        Toggling(low=0.075, high=0.675, hazard=0.0, share=0.0055),
        Toggling(low=0.075, high=0.85, hazard=0.0, share=0.0066),
        Toggling(low=0.125, high=0.85, hazard=0.0, share=0.0163),
        Toggling(low=0.125, high=0.975, hazard=0.002, share=0.0049),
        Toggling(low=0.1375, high=0.85, hazard=0.0, share=0.0127),
        Toggling(low=0.225, high=0.675, hazard=0.002, share=0.0057),
        Toggling(low=0.225, high=0.825, hazard=0.002, share=0.0059),
        Toggling(low=0.275, high=0.825, hazard=0.0, share=0.0067),
        Toggling(low=0.375, high=0.825, hazard=0.0, share=0.0069),
        Toggling(low=0.425, high=0.625, hazard=0.05, share=0.0076),
        Toggling(low=0.525, high=0.925, hazard=0.002, share=0.0042),
        Toggling(low=0.575, high=0.825, hazard=0.0, share=0.0047),
        Toggling(low=0.575, high=0.925, hazard=0.002, share=0.0044),
        Toggling(low=0.625, high=0.825, hazard=0.05, share=0.0075),
    ),
    redrawing=(
        Redrawing(extremes=0.6, hazard=0.01, share=0.0781),
        Redrawing(extremes=0.8, hazard=0.01, share=0.0746),
        Redrawing(extremes=1.5, hazard=0.0, share=0.0056),
    ),
)
"""Fitted by ``persona_lab.studies.acceptance_prior.shipped_belief()`` on simulated people that are never scored (the
four worlds, static and drifting, under four pairs of costs), told neither laws nor levels nor hazards, rounded to four
digits; a test fits it again on fewer people. For people of other worlds a quarter of its prior is kept broad; it is
not always enough: of six worlds that it was not fitted on, the sibling that has seen nobody is more honest in those
where people toggle four times as often or between closer levels (reports/evidence/proactive.json). Fit your own
(:func:`~persona_lab.studies.acceptance_prior.fit_acceptance_prior`) once a few hundred people have answered."""
