"""``persona-lab fit``: what people are behind a log, as a scenario to simulate more of them."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from persona_lab.cli.folders import check_folder
from persona_lab.errors import InputError
from persona_lab.studies.fitting import Estimate, LogPart, PopulationFit, fit_population
from persona_lab.studies.records import write_text
from persona_lab.studies.spread import Spread, fit_spread, to_scenario


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--recipe", default=None, metavar="NAME|FILE", help="Recipe that says which column is what.")
@click.option("--encoding", default=None, help="Text encoding of the log. [default: the recipe's, else utf-8]")
@click.option("--on-bad-rows", type=click.Choice(["refuse", "skip"]), default="refuse", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=None, help="Write the scenario here.")
@click.option("--no-exceptions", is_flag=True, help="Do not try bursts of exceptions.")
@click.option("--no-spread", is_flag=True, help="Do not look for differences between people.")
def fit(
    log: Path,
    recipe: str | None,
    encoding: str | None,
    on_bad_rows: str,
    out: Path | None,
    no_exceptions: bool,
    no_spread: bool,
) -> None:
    """Fit hazard, noise, exceptions and patience to a feedback log, and write a scenario of such people.

    Maximum likelihood with standard errors; says when the log is too short to tell noise from change. Then
    `persona-lab run --scenario-file FILE` ranks strategies on people like those.

    \b
    Example:
      persona-lab fit my_log.csv --recipe my_log.toml --out mine.toml
      persona-lab run --scenario-file mine.toml
    """
    from persona_lab.datasets.log import load_log
    from persona_lab.datasets.streams import streams_of
    from persona_lab.simulate.scenario_files import dump_scenario

    check_folder(out.parent if out is not None else None)
    loaded = load_log(log, recipe, encoding=encoding, on_bad_rows="skip" if on_bad_rows == "skip" else "refuse")
    blocks = [block for block in streams_of(loaded).blocks if 2 <= len(block.options) <= 6]
    if not blocks:
        raise InputError(
            "no context has 2 to 6 options", file=str(log), cure="Map the options to fewer names in the recipe."
        )
    parts = [
        LogPart(
            [block.at(step) for step in range(block.named.shape[0])],
            [block.active(step) for step in range(block.named.shape[0])],
            len(block.options),
        )
        for block in blocks
    ]
    fitted = fit_population(parts, exceptions=not no_exceptions)
    spread = None if no_spread else fit_spread(parts, fitted)
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    console.print(_table(fitted, spread))
    for warning in fitted.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if out is not None:
        length = max(int(block.lengths.max()) for block in blocks)
        scenario = to_scenario(fitted, spread, name=out.stem, interactions=length, users=1000)
        write_text(dump_scenario(scenario, comment=f"Fitted by persona-lab fit to {log.name}."), out)
        click.echo(f"Scenario: {out}")


def _table(fitted: PopulationFit, spread: Spread | None) -> Table:
    table = Table(title=f"{fitted.interactions} interactions of {fitted.streams} streams, per interaction")
    for column in ("", "estimate", "standard error", "95 % interval", "sd over people"):
        table.add_column(column, justify="left" if not column else "right")
    rows: list[tuple[str, Estimate | None, str]] = [
        ("hazard of a change", fitted.hazard, "hazard"),
        ("noise", fitted.noise, "noise"),
        ("start of an exception", fitted.exception_rate, "exception_rate"),
        ("answers a right proposal", fitted.patience_accept, ""),
        ("answers a wrong proposal", fitted.patience_wrong, ""),
    ]
    for label, estimate, field in rows:
        if estimate is None:
            continue
        error = "—" if estimate.standard_error is None else f"{estimate.standard_error:.4f}"
        apart = f"{spread.deviation(field):.4f}" if spread is not None and spread.significant and field else "—"
        table.add_row(label, f"{estimate.value:.4f}", error, f"{estimate.low:.4f} to {estimate.high:.4f}", apart)
    if fitted.names_option is not None:
        table.add_row("a correction names the option", f"{fitted.names_option:.4f}", "", "", "")
    return table
