"""``persona-lab replay``: evaluate strategies on a feedback log."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from persona_lab.cli.folders import check_folder

if TYPE_CHECKING:
    from persona_lab.datasets.log import Log
    from persona_lab.studies.replay import Replay

WIDE = 165
"""Columns of a terminal that shows the whole table; also the width where there is no terminal."""

NARROW = ("log_loss", "accuracy", "mae")
"""What a narrower one shows; files and JSON hold everything."""


@click.command()
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--recipe", metavar="NAME|FILE", help="Which column is what; without it the log is in wire form.")
@click.option(
    "--encoding", help="Text encoding of a CSV or JSONL log, such as cp949 [default: the recipe's, or utf-8]."
)
@click.option(
    "--strategy", "names", multiple=True, metavar="NAME", help="Only these (repeatable); ewma-RATE works too."
)
@click.option(
    "--on-bad-rows",
    type=click.Choice(["refuse", "skip"]),
    default="refuse",
    show_default=True,
    help="Stop at a bad row, or leave bad rows out and say which.",
)
@click.option("--tuned", is_flag=True, help="Add every rule with knobs once more, tuned on the other users.")
@click.option("--clip", type=float, default=0.001, show_default=True, help="Probabilities stay this far from 0 and 1.")
@click.option("--resamples", type=int, default=1000, show_default=True, help="Bootstrap samples of users.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the bootstrap.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@click.option("--out", type=click.Path(path_type=Path), help="Write a report into this folder too.")
def replay(
    log: Path,
    recipe: str | None,
    encoding: str | None,
    names: tuple[str, ...],
    on_bad_rows: Literal["refuse", "skip"],
    tuned: bool,
    clip: float,
    resamples: int,
    seed: int,
    as_json: bool,
    out: Path | None,
) -> None:
    """Evaluate strategies on the feedback log LOG (JSONL, Parquet or CSV).

    Every event is predicted from the earlier events of its stream, and then learnt from. Each strategy is compared
    with the running count on the same users.

    \b
    Examples:
      persona-lab replay events.jsonl
      persona-lab replay prob.parquet --recipe ada_learn --strategy ewma-0.12
      persona-lab replay my_log.csv --recipe my_recipe.toml --on-bad-rows skip --out reports/my_log
    """
    from persona_lab.report.replay_page import write_replay_report
    from persona_lab.studies.replay import replay as run_replay
    from persona_lab.studies.replay_report import as_json as described
    from persona_lab.studies.replay_strategies import chosen_strategies

    check_folder(out)
    strategies = chosen_strategies(names)
    loaded = _load(log, recipe, encoding, on_bad_rows)
    errors = Console(stderr=True)
    with Progress(console=errors, transient=True, disable=not errors.is_terminal) as bar:
        task = bar.add_task("replay", total=len(strategies))
        made = run_replay(
            loaded,
            strategies,
            seed=seed,
            clip=clip,
            resamples=resamples,
            tuned=tuned,
            progress=lambda name, done, total: bar.update(task, completed=done, total=total, description=name),
        )
    written = write_replay_report(made, out) if out is not None else []
    if as_json:
        click.echo(json.dumps(described(made), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        _print_table(made)
    for path in written:
        click.echo(f"written: {path}", err=as_json)


def _load(path: Path, recipe: str | None, encoding: str | None, on_bad_rows: Literal["refuse", "skip"]) -> Log:
    from persona_lab.datasets.items import item_feature_log, read_items
    from persona_lab.datasets.log import WIRE, load_log
    from persona_lab.datasets.recipes import load_recipe

    if recipe is None or recipe == WIRE:
        return load_log(path, encoding=encoding, on_bad_rows=on_bad_rows)
    known = load_recipe(recipe)
    if known.items:
        click.echo(
            "Choices among items are replayed as one stream per feature (is it wanted?); for forecasts of the choice "
            "itself see persona_lab.studies.item_replay.",
            err=True,
        )
        return item_feature_log(read_items(path, known, encoding=encoding, on_bad_rows=on_bad_rows))
    return load_log(path, known, encoding=encoding, on_bad_rows=on_bad_rows)


def _print_table(made: Replay) -> None:
    from persona_lab.studies import replay_report as report

    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=WIDE)
    shown = report.shown_metrics(made)
    wide = console.width >= WIDE
    metrics = shown if wide else [metric for metric in shown if metric in NARROW]
    table = Table(title=escape(made.log.title or Path(made.log.file).name), caption=report.protocol_line(made))
    table.add_column("strategy", overflow="fold", min_width=21)
    table.add_column("parameters", overflow="fold", max_width=30 if wide else 16)
    if wide:
        table.add_column("first\nforecast", justify="right", no_wrap=True)
    for metric in metrics:
        table.add_column(report.HEADINGS[metric], justify="right", no_wrap=True)
    table.add_column("log-loss minus\nrunning count", justify="right", no_wrap=True)
    for section in (made.strategies, made.references):
        for row in section:
            first = "" if row.first_forecast is None else f"{row.first_forecast:.3f}"
            name = row.name if section is made.strategies else f"{row.name} (in the log)"
            cells = [report.cell(row, metric).split(" [") for metric in metrics]
            figures = ["\n[".join(parts) if wide else parts[0] for parts in cells]
            versus = report.versus(row).replace(" [", "\n[")
            middle = [first] if wide else []
            table.add_row(*map(escape, (name, report.settings(row), *middle, *figures, versus)))
        table.add_section()
    console.print(escape(report.verdict(made)))
    console.print(table)
    if not wide:
        console.print(f"- More figures in a terminal of {WIDE} columns, with --json, or with --out.")
    for note in made.notes:
        console.print(f"- {escape(note)}")
    reasons = {figure.reason for row in made.strategies for figure in row.figures.values() if figure.reason}
    for reason in sorted(reasons):
        console.print(f"- not shown: {escape(reason)}")
