"""The sections of a study's report, in reading order: verdict first, how it was made last."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from persona_lab.report.plane_figures import plane, plane_figure
from persona_lab.report.sections import Drawing, Section, Table, name_cell
from persona_lab.report.study import ALL, Study
from persona_lab.report.study_figures import budget_figure, reliability_figure
from persona_lab.report.study_tables import (
    SECOND,
    components_table,
    headline_table,
    heat_table,
    plain,
    population_table,
    where_table,
)
from persona_lab.report.timeline_figures import timeline_figure
from persona_lab.report.verdict import verdict
from persona_lab.studies.plan import CONTROLS, LAST_WRITE_WINS, LIMIT, Timeline

MOST_TIMELINES = 6
"""People to choose from in the timeline figure; each adds some 60 kB."""

NARROW_PLANE: dict[str, Any] = {
    "annotations": [],
    "xaxis": {"title": {"text": "over-correction index"}},
    "yaxis": {"title": {"text": "wrong proposals per change"}},
    "showlegend": True,
    "legend": {"orientation": "h", "y": -0.22, "yanchor": "top", "x": 0, "font": {"size": 11}},
    "height": 640,
    "margin": {"l": 45, "r": 10, "t": 20, "b": 190},
}
NARROW_LEGEND: dict[str, Any] = {
    "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "font": {"size": 11}},
    "margin": {"l": 45, "r": 10, "t": 20, "b": 190},
    "height": 640,
}


def study_sections(study: Study) -> tuple[Section, ...]:
    """Return every section of a study's report; what cannot be drawn is left out and said so."""
    return (
        _verdict(study),
        _plane(study),
        _table(study),
        _where(study),
        _calibration(study),
        _person(study),
        _made(study),
    )


def _verdict(study: Study) -> Section:
    return Section("Verdict", prose=verdict(study))


def _plane(study: Study) -> Section:
    scenarios = study.planes
    drawn = [(scenario, plane(study, scenario, study.shown)) for scenario in (*scenarios, ALL)]
    choices = tuple(
        (study.title(scenario), plane_figure(found)) for scenario, found in drawn if found is not None and scenarios
    )
    names = ((LIMIT,) if study.has_limit else ()) + study.strategies
    budget = Drawing(
        name="budget",
        choices=tuple((study.title(s), budget_figure(study, s, names)) for s in (ALL, *study.scenarios)),
        reading="Every error has one cause. Orange is paid for noise, blue (hatched) for change. A rule with little "
        "orange and much blue is too slow, the reverse too jumpy. Bars that leave the picture carry their "
        "total on hover.",
        narrow={"margin": {"l": 10, "r": 50, "t": 80, "b": 50}, "xaxis": {"title": {"text": "errors per 100"}}},
    )
    if not choices:
        return Section(
            "Too eager or too slow",
            prose=(
                "The plane of over-correction against adaptation delay needs people who change and noise that "
                "misleads; these scenarios have none where both are defined.",
            ),
            drawings=(budget,),
        )
    return Section(
        "Too eager or too slow",
        prose=(
            "Moving with every answer over-corrects; moving slowly leaves true changes unheeded. Neither figure means "
            "anything without the other: a rule that never learns has an over-correction index of 0.",
        ),
        drawings=(
            Drawing(
                name="plane",
                choices=choices,
                reading="Left is deaf to noise, down is quick to follow a true change; both axes are logarithmic. The "
                "star is the exact limit told the truth: no rule gets below and to the left of it. The black line is "
                "the same filter told a wrong rate of change, so that it trades one price for the other. The distance "
                "from a point to the line is what its rule leaves on the table. The green dotted line is the EWMA "
                "swept over its rate.",
                narrow=NARROW_PLANE,
            ),
            budget,
        ),
    )


def _table(study: Study) -> Section:
    return Section(
        "All rules and controls",
        tables=(headline_table(study), headline_table(study, SECOND, "Further figures, all scenarios pooled")),
    )


def _where(study: Study) -> Section:
    tables = [where_table(study)]
    if study.has_limit:
        tables.append(heat_table(study))
    tables += [table for name in study.scenarios if (table := population_table(study, name)) is not None]
    return Section("Scenario by scenario", tables=tuple(tables))


def _calibration(study: Study) -> Section:
    return Section(
        "Does it know what it knows?",
        prose=(
            "An agent that acts on a stated probability needs it to be true. The table above has log-loss, Brier and "
            "ECE beside the ECE that a perfect forecaster would show by chance at this sample size.",
        ),
        drawings=(
            Drawing(
                name="calibration",
                choices=(
                    ("the limit and the best rules", reliability_figure(study, _leaders(study))),
                    ("the controls", reliability_figure(study, [name for name in study.shown if name in CONTROLS])),
                ),
                reading="On the dotted diagonal a stated 80 % is right 80 % of the time. Below it the rule boasts, "
                "above it it is too modest. Larger markers rest on more proposals.",
                narrow=NARROW_LEGEND,
            ),
        ),
    )


def _leaders(study: Study) -> list[str]:
    rules = [name for name in study.shown if name != LIMIT]
    return [*((LIMIT,) if study.has_limit else ()), *rules[:5]]


def _person(study: Study) -> Section:
    lines = study.result.timelines
    people: dict[tuple[str, int], dict[str, Timeline]] = {}
    for line in lines:  # of a person with several contexts, the first
        people.setdefault((line.scenario, line.user), {}).setdefault(line.strategy, line)
    firsts = [key for key in people if key[1] == min(user for scenario, user in people if scenario == key[0])]
    firsts.sort(key=lambda key: key[0] not in study.planes or study.planes.index(key[0]))
    choices = []
    for key in firsts[:MOST_TIMELINES]:
        known = [people[key][name] for name in study.shown if name in people[key]]
        detailed = [study.best, LAST_WRITE_WINS] if study.best != LAST_WRITE_WINS else [LAST_WRITE_WINS]
        title = f"{study.title(key[0])}, person {key[1]}"
        choices.append((title, timeline_figure(known, detailed, title=f"One person: {title}")))
    if not choices:
        return Section("One person", prose=("This study recorded nobody step by step.",))
    return Section(
        "One person",
        prose=(
            "Averages hide how it feels. Here is the first simulated person of a scenario, not a chosen one, under two "
            "rules, and every rule's errors.",
        ),
        drawings=(
            Drawing(
                name="person",
                choices=tuple(choices),
                reading="The black line is what the person truly prefers. Darker blue is stronger belief. An orange "
                "dot is a wrong proposal, a white circle the option that the person's correction named; circles "
                "off the black line are noise or exceptions. Below, each mark is one error: triangles after a "
                "change, crosses when noise moved a belief that was right.",
                narrow={"margin": {"l": 10, "r": 5, "t": 30, "b": 190}},
            ),
        ),
    )


def _made(study: Study) -> Section:
    manifest = study.result.manifest
    environment: Mapping[str, Any] = manifest.get("environment", {})
    facts = [
        (key, plain(value)) for key, value in manifest.items() if key not in ("scenarios", "strategies", "environment")
    ]
    facts += [(key, plain(value)) for key, value in environment.items()]
    tables = [
        Table("The run", ("what", "value"), tuple((name_cell(key), name_cell(value)) for key, value in facts)),
        components_table("Strategies and their parameters", manifest.get("strategies", {})),
        components_table("Scenarios and their parameters", manifest.get("scenarios", {})),
    ]
    return Section(
        "How it was made",
        prose=(
            "People are simulated with known preferences; an agent proposes, they answer through noise, it learns. "
            "Every strategy meets the same people and the same luck, so differences are paired by person. The limit "
            "is the exact Bayes filter told the scenario's parameters. Interactions inside an exception are not "
            "scored.",
            "**error rate**: share of scored proposals that differ from the true preference. **over-correction "
            "index**: errors made after the preference had been found, over those of last-write-wins. **adaptation "
            "delay**: errors per true change before the new preference is first proposed. **regret**: extra errors "
            "per 100 interactions over the limit's. A person is one observation: standard errors are over people.",
            "The same seed gives the same bytes. `results.parquet` holds every figure, `manifest.json` what made them.",
        ),
        tables=tuple(table for table in tables if table.rows),
        folded=True,
    )
