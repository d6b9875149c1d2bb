"""The table of what was asked of the update rules says what the records say, misses included."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from persona_lab.errors import InputError
from persona_lab.report import html
from persona_lab.report.tuned_table import tuned_table
from persona_lab.report.update_targets import targets_table

EVIDENCE = Path(__file__).resolve().parent.parent / "reports" / "evidence"


def rows_of(folder):
    return {row[0].text: row for row in targets_table(folder).rows}


def record(name):
    return json.loads((EVIDENCE / f"{name}.json").read_text(encoding="utf-8"))


def test_figures_are_those_of_the_records():
    rows = rows_of(EVIDENCE)
    for key, name in (("worst_ratio", "worst of 24 kinds"), ("mean_drifting", "mean of the 18")):
        figure, asked = record("bayes_one_person")["targets"][key]
        shown = rows[f"one person alone: {name}"]
        assert shown[1].text == f"{figure['value']:.3f}"
        assert shown[1].small == f"± {figure['standard_error']:.3f}"
        assert shown[2].text == f"≤ {asked:g}"
        assert shown[3].text == ("yes" if figure["value"] <= asked else "no")
    bound = record("bayes_prior")["bound_by_mean_drifting"]["1.1"]["value"]
    missed = [row for row in rows.values() if row[0].text.startswith("one person") and row[3].text == "no"]
    assert all(f"at least {bound:.2f} ±" in row[1].note for row in missed)
    drop = [cell["alone"]["gain_to_limit"] for cell in record("bayes_weights")["cells"]]
    least = min(gain for gain in drop if gain is not None)
    assert rows["confidence weights: share of the way to the limit, alone"][1].text == f"{least:.2f}"


@pytest.mark.parametrize(
    ("name", "figure", "change"),
    [
        ("bayes_mixed", "mixed people", lambda old: old["cells"][0]["ratio"].update(value=1.5)),
        ("bayes_calibration", "calibration error (ECE), hierarchical-bayes", None),
    ],
)
def test_a_figure_that_misses_is_said_to(tmp_path, name, figure, change):
    folder = shutil.copytree(EVIDENCE, tmp_path / "evidence")
    changed = record(name)
    if change is None:
        changed["rules"]["hierarchical-bayes"]["ece"]["value"] = 0.03
    else:
        change(changed)
    (folder / f"{name}.json").write_text(json.dumps(changed), encoding="utf-8")
    assert rows_of(EVIDENCE)[figure][3].text == "yes"
    assert rows_of(folder)[figure][3].text == "no"


def test_notes_are_printed_under_the_table_and_a_missing_record_is_named(tmp_path):
    table = targets_table(EVIDENCE)
    text = html.table(table)
    notes = {row[1].note for row in table.rows if row[1].note}
    assert len(notes) > 5
    assert all(text.count(f"</sup> {html.html.escape(note)}") == 1 for note in notes)
    with pytest.raises(InputError, match=r"strategies\.json.*make evidence"):
        targets_table(tmp_path)


def test_every_simple_rule_stands_at_its_default_and_tuned_or_says_why_not(tmp_path):
    table = tuned_table(EVIDENCE)
    rows = {row[0].text: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    lines = {line["rule"]: line for line in record("strategies")["summary"]}
    assert set(rows) == {name for name in lines if not name.endswith(" (tuned)")}
    for name, row in rows.items():
        assert row["worst ratio, default"].text == f"{lines[name]['worst_ratio_24']['value']:.2f}"
        tuned = lines.get(f"{name} (tuned)")
        if tuned is None:
            assert row["mean ratio, tuned"].note
        else:
            assert row["mean ratio, tuned"].text == f"{tuned['mean_ratio_24']['value']:.2f}"
    assert rows["last-write-wins"]["mean ratio, tuned"].note == "nothing to tune"
    assert "best setting" in rows["running-count"]["mean ratio, tuned"].note
    assert "another setting" in rows["ewma-0.3"]["mean ratio, tuned"].note
    changed = record("strategies")
    line = next(line for line in changed["summary"] if line["rule"] == "kalman")
    line["tuning_changes_the_mean_of_24_by"]["more_than_noise"] = False
    (tmp_path / "strategies.json").write_text(json.dumps(changed), encoding="utf-8")
    again = {row[0].text: row[-1] for row in tuned_table(tmp_path).rows}
    assert again["kalman"].small.endswith("no more than noise")
    assert not again["ewma-0.1"].small.endswith("noise")
