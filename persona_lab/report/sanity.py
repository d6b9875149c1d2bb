"""Checks that a study must pass before anybody reads its figures; written as JUnit so that CI shows them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from persona_lab.report.study import ALL, Study
from persona_lab.studies.plan import LAST_WRITE_WINS, LIMIT

LEVEL = 1e-3
"""Holm's p below which a rule is said to have beaten the limit."""

ROUNDING = 1e-9
SHARES = ("cold_start_rate", "adaptation_rate", "over_correction_rate")
RATES = ("error_rate", *SHARES, "staleness", "ece", "ece_perfect")
ALWAYS_DEFINED = ("error_rate", *SHARES, "volatility", "log_loss", "brier", "ece")


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it looked at, and what is wrong (empty = passed)."""

    name: str
    subject: str
    problem: str = ""
    skipped: str = ""


def checks(study: Study) -> tuple[Check, ...]:
    """Return every check of a study, passed, failed or skipped with a reason."""
    scenarios = (*study.scenarios, ALL)
    made = [_limit_not_beaten(study, scenario) for scenario in study.scenarios]
    made += [_budget(study, scenario) for scenario in scenarios]
    made += [_defined(study, scenario) for scenario in scenarios]
    made += [_in_range(study, scenario) for scenario in scenarios]
    made += [_anchored(study, scenario) for scenario in scenarios]
    return (*made, _complete(study), _reasons(study))


def junit(found: Sequence[Check], suite: str = "persona_lab report") -> str:
    """Return the checks as JUnit XML, one test case each."""
    failed = sum(bool(check.problem) for check in found)
    skipped = sum(bool(check.skipped) for check in found)
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<testsuites tests="{len(found)}" failures="{failed}" errors="0" skipped="{skipped}">',
        f'<testsuite name={quoteattr(suite)} tests="{len(found)}" failures="{failed}" errors="0" skipped="{skipped}">',
    ]
    for check in found:
        opening = f"<testcase classname={quoteattr(f'report.{check.name}')} name={quoteattr(check.subject)}"
        if check.problem:
            first = check.problem.split("; ", 1)[0]
            body = f"<failure message={quoteattr(first)}>{escape(check.problem)}</failure>"
            lines.append(f"{opening}>{body}</testcase>")
        elif check.skipped:
            lines.append(f"{opening}><skipped message={quoteattr(check.skipped)}/></testcase>")
        else:
            lines.append(f"{opening}/>")
    return "\n".join([*lines, "</testsuite>", "</testsuites>"]) + "\n"


def _limit_not_beaten(study: Study, scenario: str) -> Check:
    name = "limit_not_beaten"
    described = study.result.manifest.get("scenarios", {}).get(scenario, {})
    channel = described.get("channel", {})
    full = all(channel.get(part, 1.0) == 1.0 for part in ("patience_accept", "patience_wrong", "names_option"))
    if study.value(scenario, LIMIT, "error_rate") is None:
        reason = study.result.manifest.get("no_limit", {}).get(scenario, "not part of this study")
        return Check(name, scenario, skipped=f"no limit: {reason}")
    if not full:
        return Check(name, scenario, skipped="what is learnt depends on the proposal here: a reference, not a bound")
    beaten = []
    for rule in study.strategies:
        gap = study.difference(scenario, rule, LIMIT)
        if gap is not None and gap[0] < 0 and gap[2] < LEVEL:
            beaten.append(f"{rule} makes {-100 * gap[0]:.3f} ± {100 * gap[1]:.3f} points fewer errors than the limit")
    return Check(name, scenario, "; ".join(beaten))


def _budget(study: Study, scenario: str) -> Check:
    wrong = []
    for rule in _rules(study):
        total = study.value(scenario, rule, "error_rate")
        parts = [study.value(scenario, rule, share) for share in SHARES]
        known = [part for part in parts if part is not None]
        if total is None or len(known) < len(parts):
            continue
        if not math.isclose(total, sum(known), rel_tol=ROUNDING, abs_tol=ROUNDING):
            wrong.append(f"{rule}: causes add up to {sum(known)!r}, errors are {total!r}")
    return Check("budget_adds_up", scenario, "; ".join(wrong))


def _defined(study: Study, scenario: str) -> Check:
    rules = [rule for rule in _rules(study) if rule != LIMIT]
    missing = [
        f"{rule}: {metric} is undefined ({study.figure(scenario, rule, metric).reason})"
        for rule in rules
        for metric in ALWAYS_DEFINED
        if study.value(scenario, rule, metric) is None
    ]
    return Check("headline_defined", scenario, "; ".join(missing))


def _in_range(study: Study, scenario: str) -> Check:
    wrong = []
    for rule in _rules(study):
        for metric in RATES:
            found = study.value(scenario, rule, metric)
            if found is not None and not 0.0 <= found <= 1.0:
                wrong.append(f"{rule}: {metric} = {found!r}, expected 0 to 1")
    return Check("rates_in_range", scenario, "; ".join(wrong))


def _anchored(study: Study, scenario: str) -> Check:
    index = study.figure(scenario, LAST_WRITE_WINS, "over_correction_index")
    if index.value is None:
        return Check("index_anchored", scenario, skipped=index.reason or "undefined")
    problem = (
        "" if math.isclose(index.value, 1.0, rel_tol=ROUNDING) else f"last-write-wins has index {index.value!r}, not 1"
    )
    return Check("index_anchored", scenario, problem)


def _complete(study: Study) -> Check:
    planned = study.result.manifest.get("strategies", {})
    missing = [
        f"{rule} in {scenario}"
        for scenario in study.scenarios
        for rule in planned
        if study.figure(scenario, rule, "error_rate").reason == "not measured in this study"
    ]
    return Check("every_cell_ran", "study", "; ".join(missing))


def _reasons(study: Study) -> Check:
    records = study.result.records
    silent = records.filter(records["value"].is_null() & records["reason"].is_null())
    unnumbered = records.filter(records["value"].is_nan().fill_null(value=False))
    problems = [
        f"{row['scenario']}, {row['strategy']}: {row['metric']} is null without a reason" for row in silent.to_dicts()
    ]
    problems += [f"{row['scenario']}, {row['strategy']}: {row['metric']} is NaN" for row in unnumbered.to_dicts()]
    return Check("undefined_has_reason", "records", "; ".join(problems))


def _rules(study: Study) -> tuple[str, ...]:
    return ((LIMIT,) if study.has_limit else ()) + study.strategies
