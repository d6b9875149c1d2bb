"""``persona-lab list``: what there is, one line each."""

from __future__ import annotations

import inspect
import json

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


@click.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def listing(as_json: bool) -> None:
    """Show scenarios, strategies, detectors, summaries, policies and metrics with one line each."""
    kinds = {
        "scenarios": {name: scenario.description for name, scenario in SCENARIOS.items()},
        "strategies": {name: _first_line(part) for name, part in STRATEGIES.items()},
        "detectors": {name: _first_line(part) for name, part in DETECTORS.items()},
        "summaries": {name: _first_line(part) for name, part in SUMMARIES.items()},
        "policies": {name: _first_line(part) for name, part in POLICIES.items()},
        "metrics": {name: _first_line(part) for name, part in METRICS.items()},
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


def _first_line(part: object) -> str:
    documented = part if inspect.isroutine(part) or inspect.isclass(part) else type(part)
    return (inspect.getdoc(documented) or "").partition("\n")[0]
