"""The other parts of the full report: small, deterministic, and true to the tables they come from."""

from __future__ import annotations

import polars as pl
import pytest

from persona_lab.report import drift_section
from persona_lab.report.drift_figures import separation_figure
from persona_lab.report.html import page
from persona_lab.report.markdown import document
from persona_lab.report.parts import DRIFT_PEOPLE, PROACTIVE_PEOPLE, SUMMARY_PEOPLE, extra_sections
from persona_lab.report.proactive_section import COMPARED, proactive_section
from persona_lab.report.summary_section import summary_section
from persona_lab.studies.profiles import PROFILES
from persona_lab.studies.summaries import SUMMARY_STRATEGIES, UPDATE_RULES

DETECTORS = ("cusum", "beta-factor")


@pytest.fixture(scope="module")
def section():
    return proactive_section(seed=3, people=8)


@pytest.fixture(scope="module")
def noticing():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drift_section, "COMPARED", DETECTORS)
        return drift_section.drift_section(people=96)


@pytest.fixture(scope="module")
def reading():
    return summary_section(seed=3, people=3)


def test_a_detector_scored_at_another_pace_of_false_alarms_says_so_in_the_figure():
    row = {"detector": "even", "ratio_to_optimum": 1.1, "spread": 1.2, "false_alarms": 1.05, "false_alarms_se": 0.03}
    loud = row | {"detector": "loud", "spread": None, "false_alarms": 1.75, "false_alarms_se": 0.27}
    figure = separation_figure(pl.DataFrame([row, loud], infer_schema_length=None))
    assert [trace.name for trace in figure.data] == ["even", "loud (spread undefined, rings 1.8 times per 1,000)"]


def test_every_profile_says_how_many_people():
    assert set(PROACTIVE_PEOPLE) == set(DRIFT_PEOPLE) == set(SUMMARY_PEOPLE) == set(PROFILES)


def test_every_policy_has_a_row_and_undefined_rates_say_why(section):
    (table,) = section.tables
    rows = {row[0].text: row for row in table.rows}
    assert set(rows) == {*COMPARED, "optimum (two-state)"}
    acceptance = table.columns.index("acceptance, %")
    assert rows["never"][acceptance].text == "—"
    assert "never proposed" in rows["never"][acceptance].note
    assert "computed" in rows["optimum (two-state)"][acceptance].note
    assert all(
        row[acceptance].text != "—" for name, row in rows.items() if name not in ("never", "optimum (two-state)")
    )


def test_the_prose_names_the_best_rule_that_is_told_nothing(section):
    (table,) = section.tables
    told = ("optimum (two-state)", "Bayes told hazard and prior")
    untold = [row for row in table.rows if row[0].text not in told]
    drifting = table.columns.index("drifting people, %")
    assert f"**{untold[0][0].text}** earns most" in section.prose[0]
    assert f"{untold[0][drifting].text} % of the clairvoyant" in section.prose[0].replace("\N{MINUS SIGN}", "-")


def test_detectors_are_ranked_by_delay_at_the_same_false_alarm_rate(noticing):
    (table,) = noticing.tables
    assert {row[0].text for row in table.rows} == {"cusum", "beta-factor", drift_section.BASELINE}
    delays = [float(row[1].text) for row in table.rows]
    assert delays == sorted(delays)
    assert f"**{table.rows[0][0].text}** notices soonest: after {table.rows[0][1].text} ± " in noticing.prose[0]
    assert [label for label, _ in noticing.drawings[0].choices] == ["how soon", "how soon, and how evenly"]


def test_summaries_stand_beside_their_controls_on_top_of_every_rule(reading):
    (table,) = reading.tables
    rows = {row[0].text: row for row in table.rows}
    assert set(rows) == set(SUMMARY_STRATEGIES)
    readers = [table.columns.index(f"reader's errors, {rule}, %") for rule in UPDATE_RULES]
    assert {rows["control: empty"][column].text for column in readers} == {"75.0"}
    silent = rows["control: empty"][table.columns.index("faithfulness, %")]
    assert (silent.text, silent.note) == ("—", "nothing was stated")
    template = rows["template"]
    assert f"in {template[readers[-1]].text}% " in reading.prose[0]
    assert float(template[readers[-1]].text) < float(template[readers[0]].text)


def test_the_same_seed_gives_the_same_page(section, noticing, reading, monkeypatch):
    monkeypatch.setitem(SUMMARY_PEOPLE, "smoke", 3)
    monkeypatch.setitem(PROACTIVE_PEOPLE, "smoke", 8)
    monkeypatch.setitem(DRIFT_PEOPLE, "smoke", 96)
    monkeypatch.setattr(drift_section, "COMPARED", DETECTORS)
    assert page("t", "l", extra_sections("smoke", seed=3)) == page("t", "l", (noticing, section, reading))


def test_the_part_is_also_markdown(section):
    text = document("t", "l", (section,))
    assert "## Acting unasked" in text
    assert text.count("\n| ") == len(section.tables[0].rows) + 1
