"""``persona-lab list``: what there is, one line each."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Mapping

import click
from rich.console import Console
from rich.table import Table

from persona_lab.catalog import DETECTORS, POLICIES, STRATEGIES, SUMMARIES
from persona_lab.metrics import calibration, tracking
from persona_lab.simulate.scenarios import SCENARIOS

METRICS = {
    "error_rate": tracking.error_rate,
    "over_correction_index": tracking.over_correction_index,
    "adaptation_delay": tracking.adaptation_delay,
    "ratio_to_limit": tracking.ratio_to_limit,
    "regret": tracking.regret,
    "volatility": tracking.volatility,
    "staleness": tracking.staleness,
    "log_loss": calibration.log_loss,
    "brier": calibration.brier,
    "ece": calibration.expected_calibration_error,
    "ece_perfect": calibration.perfect_calibration_error,
    "calibration_slope": calibration.calibration_slope,
}

PARTS = {
    "ewma-0.2-by-confidence": "EWMA at .2 whose answers count by their confidence.",
    "hysteresis": "EWMA at .3 behind a guard: the choice that is shown moves only where another one leads clearly.",
    "reset-on-alarm": "Running count that starts afresh when a drift detector raises its alarm.",
    "hierarchical-bayes": "Bayes over many possible worlds (pace, noise, exceptions), learnt for each person.",
    "attentive-bayes": "hierarchical-bayes that also learns what confidence and silence mean; six times the work.",
    "population-bayes": "hierarchical-bayes with a prior learnt from simulated people of all kinds (fit your own).",
}
"""Lines for what is put together from parts or differs in its prior alone: their classes say what any such thing is."""


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def listing(as_json: bool) -> None:
    """Show scenarios, strategies, detectors, summaries, policies and metrics with one line each."""
    kinds = {
        "scenarios": {name: scenario.description for name, scenario in SCENARIOS.items()},
        "strategies": _lines(STRATEGIES),
        "detectors": _lines(DETECTORS),
        "summaries": _lines(SUMMARIES),
        "policies": _lines(POLICIES),
        "metrics": _lines(METRICS),
    }
    if as_json:
        click.echo(json.dumps(kinds, indent=2, ensure_ascii=False))
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=140)
    for kind, parts in kinds.items():
        if not parts:
            continue
        table = Table(title=f"{kind} ({len(parts)})", title_justify="left", box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        for name, line in parts.items():
            table.add_row(name, line)
        console.print(table)
        console.print()


def _lines(parts: Mapping[str, object]) -> dict[str, str]:
    """Return the first line of each part's documentation, with the knobs that tell it from others of the same line."""
    lines = {name: PARTS.get(name) or _first_line(part) for name, part in parts.items()}
    alike: dict[str, list[object]] = {}
    for name, line in lines.items():
        alike.setdefault(line, []).append(parts[name])
    told = {name: _knobs(parts[name], alike[line]) for name, line in lines.items()}
    return {name: f"{line} ({told[name]})" if told[name] else line for name, line in lines.items()}


def _first_line(part: object) -> str:
    documented = part if inspect.isroutine(part) or inspect.isclass(part) else type(part)
    first = (inspect.getdoc(documented) or "").partition("\n")[0]
    return re.sub(r"(?::\w+:)?`+([^`]+)`+", r"\1", first)  # a terminal shows no reST


def _knobs(part: object, alike: list[object]) -> str:
    if len(alike) == 1 or not dataclasses.is_dataclass(part):
        return ""
    values = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}
    apart = (name for name, value in values.items() if any(getattr(one, name, None) != value for one in alike))
    return ", ".join(f"{name}={values[name]}" for name in apart)
