"""The other parts of the full report: small, deterministic, and true to the tables they come from."""

from __future__ import annotations

import pytest

from persona_lab.report.html import page
from persona_lab.report.markdown import document
from persona_lab.report.parts import PROACTIVE_PEOPLE, extra_sections
from persona_lab.report.proactive_section import COMPARED, proactive_section
from persona_lab.studies.profiles import PROFILES


@pytest.fixture(scope="module")
def section():
    return proactive_section(seed=3, people=8)


def test_every_profile_says_how_many_people():
    assert set(PROACTIVE_PEOPLE) == set(PROFILES)


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


def test_the_same_seed_gives_the_same_page(section, monkeypatch):
    monkeypatch.setitem(PROACTIVE_PEOPLE, "smoke", 8)
    assert page("t", "l", extra_sections("smoke", seed=3)) == page("t", "l", (section,))


def test_the_part_is_also_markdown(section):
    text = document("t", "l", (section,))
    assert "## Acting unasked" in text
    assert text.count("\n| ") == len(section.tables[0].rows) + 1
