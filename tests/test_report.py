"""The report: what it says follows from the records, it opens offline, and the same result gives the same bytes."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from persona_lab.measurement import Measurement, undefined
from persona_lab.report.build import summary, write_report
from persona_lab.report.figures import LOOKS, look
from persona_lab.report.html import inline, page
from persona_lab.report.labels import place
from persona_lab.report.overview import svg
from persona_lab.report.plane_figures import plane
from persona_lab.report.sanity import checks, junit
from persona_lab.report.sections import Cell, Section, Table, figure_cell
from persona_lab.report.study import ALL, Study, scenario_title
from persona_lab.report.study_sections import study_sections
from persona_lab.report.timeline_figures import CAUSES, causes
from persona_lab.report.verdict import verdict
from persona_lab.studies.plan import LAST_WRITE_WINS, LIMIT, StudyResult, Timeline
from persona_lab.studies.records import parameters_json, record, table

SCENARIOS = ("stable_noise10_v1", "slow_exceptions_noise10_v1")
FILES = {"report.html", "summary.md", "results.parquet", "manifest.json", "junit.xml"}

# Error rate by cause (cold start, adaptation, over-correction), invented: only their order matters here.
BUDGETS = {
    LIMIT: (0.01, 0.02, 0.01),
    "careful": (0.01, 0.03, 0.02),
    "twin": (0.01, 0.031, 0.02),
    LAST_WRITE_WINS: (0.01, 0.01, 0.2),
    "never-update": (0.3, 0.4, 0.0),
}
DEFINED = ("volatility", "log_loss", "brier", "ece", "ece_perfect", "staleness")


def _rows(scenario: str, name: str) -> list[dict[str, object]]:
    cold, change, noise = BUDGETS[name]
    total = cold + change + noise
    figures = {
        "error_rate": Measurement(total, 0.001, 100),
        "cold_start_rate": Measurement(cold, 0.001, 100),
        "adaptation_rate": Measurement(change, 0.001, 100),
        "over_correction_rate": Measurement(noise, 0.001, 100),
        "over_correction_index": Measurement(noise / 0.2, 0.01, 100),
        "adaptation_delay": undefined("no preference ever switched", n=100)
        if scenario.startswith("stable")
        else Measurement(100 * change, 0.1, 100),
        "ratio_to_limit": Measurement(total / sum(BUDGETS[LIMIT]), 0.01, 100),
        "regret": Measurement(100 * (total - sum(BUDGETS[LIMIT])), 0.1, 100),
        "calibration_slope": undefined("the stated probability takes one value only", n=100),
        **{metric: Measurement(0.1, 0.001, 100) for metric in DEFINED},
    }
    described = parameters_json(object())
    return [
        record(scenario=scenario, strategy=name, parameters=described, seed=3, metric=metric, figure=figure)
        for metric, figure in figures.items()
    ]


def _difference(scenario: str, left: str, right: str) -> dict[str, object]:
    value = sum(BUDGETS[left]) - sum(BUDGETS[right])
    p = 0.4 if {left, right} == {"careful", "twin"} else 1e-9
    return {"scenario": scenario, "left": left, "right": right, "value": value, "standard_error": 0.001, "p": p}


def _timeline(scenario: str, name: str) -> Timeline:
    preferred = np.array([0, 0, 0, 1, 1, 1, 1, 1], dtype=np.int8)
    return Timeline(
        scenario=scenario,
        strategy=name,
        user=0,
        preferred=preferred,
        in_exception=np.array([0, 0, 0, 0, 0, 0, 1, 0], dtype=bool),
        proposed=np.array([1, 0, 1, 0, 1, 0, 0, 1], dtype=np.int8),
        kind=np.array([3, 1, 3, 3, 1, 3, 1, 1], dtype=np.int8),
        corrected=np.array([0, -1, 0, 1, -1, 1, -1, -1], dtype=np.int8),
        belief=np.full((8, 4), 0.25, dtype=np.float32),
    )


@pytest.fixture
def result() -> StudyResult:
    names = list(BUDGETS)
    everywhere = (*SCENARIOS, ALL)
    bins = [
        {"scenario": scenario, "strategy": name, "bin": index, "n": 500, "stated": (index + 0.5) / 15, "right": 0.5}
        for scenario in SCENARIOS
        for name in names
        for index in range(4, 15)
    ]
    frontier = [
        {"scenario": SCENARIOS[1], "family": family, "knob": "rate", "setting": setting,
         "over_correction_index": 0.05 * setting, "adaptation_delay": 3.0 / setting, "error_rate": 0.1}
        for family in ("EWMA", "the limit")
        for setting in (0.5, 1.0, 2.0)
    ]  # fmt: skip
    pairs = [(left, right) for index, left in enumerate(names) for right in names[index + 1 :]]
    return StudyResult(
        records=table([row for scenario in everywhere for name in names for row in _rows(scenario, name)]),
        calibration=pl.DataFrame(bins),
        frontier=pl.DataFrame(frontier),
        differences=pl.DataFrame([_difference(scenario, *pair) for scenario in everywhere for pair in pairs]),
        timelines=tuple(_timeline(SCENARIOS[1], name) for name in names),
        manifest={
            "profile": "test",
            "seed": 3,
            "users": 100,
            "interactions": dict.fromkeys(SCENARIOS, 8),
            "scenarios": {name: {"type": "Scenario", "description": "people & <noise>"} for name in SCENARIOS},
            "strategies": {name: {"type": "Rule"} for name in names if name != LIMIT},
            "no_limit": {},
            "environment": {"persona_lab": "0", "git_revision": "abc"},
        },
    )


def test_every_file_is_written_whole_and_the_same_result_gives_the_same_bytes(result, tmp_path):
    first = write_report(result, tmp_path / "a")
    write_report(result, tmp_path / "b")
    assert first == tmp_path / "a" / "report.html"
    assert {path.name for path in (tmp_path / "a").iterdir()} == FILES
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_the_page_needs_no_network_and_holds_one_copy_of_plotly(result, tmp_path):
    text = write_report(result, tmp_path).read_text(encoding="utf-8")
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert not re.findall(r"""(?:src|href)\s*=\s*(?!["']#)""", own)
    assert "@import" not in own
    assert "url(" not in own
    assert text.count("plotly.js v") == 1
    assert len(text) < 8_000_000


def test_every_embedded_figure_parses_and_its_name_is_fixed(result, tmp_path):
    text = write_report(result, tmp_path).read_text(encoding="utf-8")
    found = dict(re.findall(r'<script type="application/json" id="([a-z-]+)-data">(.*?)</script>', text, re.DOTALL))
    assert list(found) == ["plane", "budget", "calibration", "person"]
    for name, data in found.items():
        group = json.loads(data)
        assert group["figures"], name
        for figure in group["figures"]:
            assert figure["data"], name
            assert figure["layout"]["title"]["text"], name


def test_the_verdict_names_the_winner_its_price_and_who_is_level(result):
    said = verdict(Study(result))
    assert said[0].startswith(
        "On these people (2 scenarios, 100 people in each, 8 interactions per person), **careful**"
    )
    assert "level with **twin**" in said[0]
    assert "1.50 times the errors of the exact limit" in said[0]
    assert "**2.00 errors for noise**" in said[1]
    assert "**3.00 for change**" in said[1]
    assert "not to be ranked: twin" in said[2]
    assert any("No rule beat the exact limit" in line for line in said)


def test_the_verdict_ranks_where_the_difference_is_more_than_noise(result):
    apart = replace(result, differences=result.differences.with_columns(p=pl.lit(1e-6)))
    said = verdict(Study(apart))
    assert "level with" not in said[0]
    assert said[2].startswith("The runner-up, twin, makes 0.10 ± 0.10 percentage points more errors")


def test_a_leak_of_truth_is_called_out(result):
    leaking = result.differences.with_columns(
        value=pl.when((pl.col("left") == LIMIT) & (pl.col("right") == "careful")).then(0.01).otherwise(pl.col("value"))
    )
    study = Study(replace(result, differences=leaking))
    assert any("Suspicious" in line for line in verdict(study))
    failed = [check for check in checks(study) if check.problem]
    assert {check.name for check in failed} == {"limit_not_beaten"}
    assert "careful makes 1.000 ± 0.100 points fewer errors" in failed[0].problem


def test_the_limit_is_only_a_reference_where_feedback_depends_on_the_proposal(result):
    manifest = result.manifest | {"scenarios": {name: {"channel": {"names_option": 0.0}} for name in SCENARIOS}}
    found = [c for c in checks(Study(replace(result, manifest=manifest))) if c.name == "limit_not_beaten"]
    assert all("not a bound" in check.skipped for check in found)


@pytest.mark.parametrize(
    ("metric", "value", "expected"),
    [
        ("cold_start_rate", 0.5, {"budget_adds_up"}),
        ("error_rate", None, {"headline_defined"}),
        ("ece", 1.5, {"rates_in_range"}),
        ("over_correction_index", 0.9, {"index_anchored"}),
    ],
)
def test_each_check_catches_its_fault(result, metric, value, expected):
    name = LAST_WRITE_WINS if metric == "over_correction_index" else "careful"
    here = (pl.col("scenario") == SCENARIOS[1]) & (pl.col("strategy") == name) & (pl.col("metric") == metric)
    broken = result.records.with_columns(
        value=pl.when(here).then(pl.lit(value, dtype=pl.Float64)).otherwise(pl.col("value")),
        reason=pl.when(here & (value is None)).then(pl.lit("broken on purpose")).otherwise(pl.col("reason")),
    )
    failed = {check.name for check in checks(Study(replace(result, records=broken))) if check.problem}
    assert failed == expected


def test_a_missing_cell_and_a_null_without_reason_are_caught(result):
    gone = result.records.filter(~((pl.col("scenario") == SCENARIOS[0]) & (pl.col("strategy") == "twin")))
    failed = {check.name for check in checks(Study(replace(result, records=gone))) if check.problem}
    assert "every_cell_ran" in failed
    silent = result.records.with_columns(reason=pl.lit(None, dtype=pl.String))
    failed = {check.name for check in checks(Study(replace(result, records=silent))) if check.problem}
    assert failed == {"undefined_has_reason"}


def test_junit_has_one_case_per_check_and_counts_failures(result):
    found = checks(Study(result))
    broken = (*found, type(found[0])("made_up", "a < b", problem="x & y; more"))
    root = ElementTree.fromstring(junit(broken))
    assert root.attrib["tests"] == str(len(broken))
    assert root.attrib["failures"] == "1"
    assert len(root.findall("./testsuite/testcase")) == len(broken)
    assert root.find("./testsuite/testcase/failure").attrib["message"] == "x & y"


def test_undefined_figures_are_dashes_with_their_reason(result, tmp_path):
    text = write_report(result, tmp_path).read_text(encoding="utf-8")
    assert '<abbr title="the stated probability takes one value only">—<sup>1</sup></abbr>' in text
    assert "<li><sup>1</sup> the stated probability takes one value only</li>" in text
    assert figure_cell(undefined("no switch")) == Cell("—", note="no switch")


def test_the_summary_has_every_control_and_the_checks(result):
    text = summary(Study(result))
    rows = [line for line in text.splitlines() if line.startswith("| ") and "±" in line]
    assert [row.split(" | ")[0].strip("| *") for row in rows[:5]] == [
        "limit †", "careful", "twin", "last-write-wins †", "never-update †",
    ]  # fmt: skip
    assert "All sanity checks passed." in text


def test_a_study_without_limit_frontier_or_timelines_still_reports(result, tmp_path):
    bare = replace(
        result,
        records=result.records.filter(pl.col("strategy") != LIMIT),
        calibration=pl.DataFrame([]),
        frontier=pl.DataFrame([]),
        differences=pl.DataFrame([]),
        timelines=(),
    )
    text = write_report(bare, tmp_path).read_text(encoding="utf-8")
    assert "recorded nobody step by step" in text
    assert "No exact limit is computed" in text


def test_extra_sections_come_before_how_it_was_made_and_are_escaped(result, tmp_path):
    cells = ((Cell("row", number=False), Cell("1 < 2")),)
    extra = Section("Drift & alarms", prose=("**Bold** `code` <script>",), tables=(Table("T", ("a", "b"), cells),))
    text = write_report(result, tmp_path, extra=(extra,)).read_text(encoding="utf-8")
    assert "<strong>Bold</strong> <code>code</code> &lt;script&gt;" in text
    assert "1 &lt; 2" in text
    headings = re.findall(r"<h2[^>]*>(.*?)</h2>", text)
    assert headings.index("Drift &amp; alarms") == headings.index("How it was made") - 1
    assert "Drift & alarms" in (tmp_path / "summary.md").read_text(encoding="utf-8")


def test_a_page_without_figures_carries_no_plotly():
    text = page("t", "l", (Section("Only words", prose=("x",)),))
    assert len(text) < 10_000
    assert inline("a < `b`") == "a &lt; <code>b</code>"


def test_two_drawings_of_one_name_are_refused(result):
    (drawing, *_) = next(section.drawings for section in study_sections(Study(result)) if section.drawings)
    with pytest.raises(ValueError, match="its own name"):
        page("t", "l", (Section("a", drawings=(drawing,)), Section("b", drawings=(drawing,))))


def test_causes_of_errors_follow_the_definitions():
    # cold start before the first hit; over-correction after the epoch's hit; an exception is never scored
    named = [CAUSES[index] if index >= 0 else "" for index in causes(_timeline("s", "x"))]
    assert named == ["cold start", "", "over-correction", "adaptation", "", "over-correction", "", ""]


def test_labels_stay_inside_and_do_not_cover_each_other():
    points = [(100.0, 100.0), (104.0, 101.0), (396.0, 100.0), (100.0, 106.0)]
    labels = place(points, ["first", "second", "at the right edge", "fourth"], width=400, height=200)
    for label in labels:
        assert label.left >= 0
        assert label.left + label.width <= 400
    for index, a in enumerate(labels):
        for b in labels[index + 1 :]:
            across = min(a.left + a.width, b.left + b.width) - max(a.left, b.left)
            down = min(a.top + a.height, b.top + b.height) - max(a.top, b.top)
            assert across <= 0 or down <= 0


def test_the_overview_is_well_formed_and_labels_every_strategy(result):
    study = Study(result)
    found = plane(study, SCENARIOS[1], study.shown)
    drawn = svg(found)
    texts = [node.text for node in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")]
    for name in BUDGETS:
        assert any(text.startswith(name) for text in texts), name
    assert "never-update (index 0)" in texts
    assert drawn == svg(plane(study, SCENARIOS[1], study.shown))


def test_looks_are_stable_and_those_of_the_controls_differ():
    assert look("a rule nobody knows") == look("a rule nobody knows")
    controls = [LOOKS[name] for name in ("never-update", "last-write-wins", "running-count", "ewma-0.1", "ewma-0.3")]
    assert len({(found.colour, found.symbol) for found in controls}) == len(controls)


def test_scenario_ids_in_words(result):
    assert scenario_title("slow_exceptions_noise10_v1") == "slow exceptions, noise\u00a0.10"
    assert scenario_title("mixed_v1") == "mixed"
    assert scenario_title("our_value_users") == "our value users"
    assert Study(result).title("slow_exceptions_noise10_v1") == "slow exceptions"
