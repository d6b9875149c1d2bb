"""Write a study's report: report.html, summary.md, results.parquet, manifest.json, junit.xml."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from persona_lab.report import html, markdown
from persona_lab.report.sanity import checks, junit
from persona_lab.report.sections import Section, listing
from persona_lab.report.study import Study
from persona_lab.report.study_sections import study_sections
from persona_lab.report.study_tables import headline_table, where_table
from persona_lab.report.verdict import people, verdict
from persona_lab.studies.plan import StudyResult
from persona_lab.studies.records import write_parquet, write_text

TITLE = "How should the model of a person move?"


def write_report(result: StudyResult, out: Path, *, extra: Sequence[Section] = ()) -> Path:
    """Write every file of the report into ``out`` and return the path of ``report.html``.

    Parameters
    ----------
    result
        What the study found.
    out
        Folder; created where it is missing. Each file appears whole or not at all.
    extra
        Sections of other areas, placed before "How it was made".
    """
    study = Study(result)
    sections = study_sections(study)
    path = out / "report.html"
    # Everything is made before anything is written: a fault in one figure leaves no half a report.
    texts = {
        "manifest.json": json.dumps(result.manifest, indent=2, sort_keys=True, allow_nan=False) + "\n",
        "junit.xml": junit(checks(study)),
        "summary.md": summary(study, extra=extra),
        path.name: html.page(TITLE, _lead(study), (*sections[:-1], *extra, sections[-1]), _footer(study)),
    }
    write_parquet(result.records, out / "results.parquet")
    for name, text in texts.items():
        write_text(text, out / name)
    return path


def summary(study: Study, *, extra: Sequence[Section] = ()) -> str:
    """Return the verdict, the headline table and what the checks say, as Markdown."""
    failed = [check for check in checks(study) if check.problem]
    names = listing([f"{check.name} ({check.subject})" for check in failed])
    told = (
        f"**{len(failed)} sanity checks failed**, see `junit.xml`: {names}." if failed else "All sanity checks passed."
    )
    parts = [
        Section("Verdict", prose=(*verdict(study), told)),
        Section("All rules and controls", tables=(headline_table(study),)),
        Section("Scenario by scenario", tables=(where_table(study),)),
        *extra,
    ]
    return markdown.document(TITLE, _lead(study), parts)


def _lead(study: Study) -> str:
    manifest = study.result.manifest
    seed, profile = manifest.get("seed", "?"), manifest.get("profile", "?")
    return f"A persona_lab study: {people(study)}; seed {seed}, profile {profile}."


def _footer(study: Study) -> str:
    environment = study.result.manifest.get("environment", {})
    return (
        f"persona_lab {environment.get('persona_lab', '?')}, revision {environment.get('git_revision') or 'unknown'}. "
        "This file needs no network."
    )
