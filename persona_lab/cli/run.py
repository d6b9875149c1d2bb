"""``persona-lab run``: the study behind ``make report``."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from persona_lab.catalog import STRATEGIES
from persona_lab.cli.folders import check_folder
from persona_lab.errors import InputError
from persona_lab.protocols import UpdateStrategy
from persona_lab.simulate.scenarios import SCENARIOS, Scenario
from persona_lab.studies.plan import ALL, LIMIT, MOST_SEED, StudyPlan, StudyResult
from persona_lab.studies.profiles import PROFILES
from persona_lab.studies.runner import Progress as StudyProgress
from persona_lab.studies.runner import run_study

HEADLINE = ("error_rate", "over_correction_index", "adaptation_delay", "ratio_to_limit", "regret")


@click.command()
@click.option(
    "--scenario",
    "scenario_ids",
    multiple=True,
    metavar="ID",
    help="Scenario to run; repeatable. [default: the profile's]",
)
@click.option(
    "--scenario-file",
    "scenario_files",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A scenario as TOML, such as `persona-lab fit` writes; repeatable.",
)
@click.option(
    "--strategy",
    "strategy_names",
    multiple=True,
    metavar="NAME",
    help="Strategy to run; repeatable. [default: the profile's]",
)
@click.option("--users", type=click.IntRange(min=2), help="People per scenario. [default: the profile's]")
@click.option("--interactions", type=click.IntRange(min=1), help="Interactions per person. [default: the scenario's]")
@click.option(
    "--seed",
    type=click.IntRange(0, MOST_SEED),
    metavar="N",
    default=0,
    show_default="0",
    help="Luck: the same seed gives the same bytes.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: os.cpu_count() or 1,
    show_default="one per core",
    help="Worker processes; results do not depend on it.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("reports/latest"),
    show_default=True,
    help="Folder for the report.",
)
@click.option(
    "--profile",
    type=click.Choice(sorted(PROFILES)),
    default="full",
    show_default=True,
    help="How many people and scenarios.",
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
def run(
    scenario_ids: tuple[str, ...],
    scenario_files: tuple[Path, ...],
    strategy_names: tuple[str, ...],
    users: int | None,
    interactions: int | None,
    seed: int,
    jobs: int,
    out: Path,
    profile: str,
    quiet: bool,
) -> None:
    """Simulate people, put every strategy through the same luck, measure, and write a report.

    Writes report.html, summary.md, results.parquet, manifest.json and junit.xml into --out, and prints the headline
    table. Every strategy meets the same people and the same luck, so differences are paired.

    \b
    Examples:
      persona-lab run
      persona-lab run --profile smoke --out reports/smoke
      persona-lab run --scenario slow_noise10_v1 --strategy ewma-0.1 --users 5000
    """
    from persona_lab.report.build import write_report  # Plotly is imported only once there is something to draw
    from persona_lab.report.parts import extra_sections

    console = Console(stderr=True, quiet=quiet)
    chosen = PROFILES[profile]
    plan = StudyPlan(
        scenarios=_scenarios(scenario_ids, scenario_files) or chosen.scenarios(),
        strategies={name: _strategy(name) for name in strategy_names} or chosen.strategies(),
        users=users or chosen.users,
        interactions=interactions or chosen.interactions,
        seed=seed,
        profile=profile,
    )
    check_folder(out)
    whole = not (scenario_ids or scenario_files or strategy_names)
    with _progress(console) as advance:
        result = run_study(plan, jobs=jobs, progress=advance)
    with console.status("the other parts of the report"):
        extra = extra_sections(profile, seed=seed) if whole else ()
    write_report(result, out, extra=extra)
    Console(width=None if console.is_terminal else 120).print(headline(result))
    click.echo(f"Report: {(out / 'report.html')}")


def headline(result: StudyResult) -> Table:
    """Return the pooled headline figures as a table, best error rate first."""
    pooled = result.records.filter(result.records["scenario"] == ALL)
    names = (
        pooled.filter((pooled["metric"] == "error_rate") & pooled["value"].is_not_null())
        .sort("value", "strategy")["strategy"]
        .to_list()
    )
    table = Table(title="All scenarios pooled", caption="± one standard error over people; — undefined")
    table.add_column("strategy")
    for metric in HEADLINE:
        table.add_column(metric.replace("_", " "), justify="right")
    for name in names:
        row = {r["metric"]: r for r in pooled.filter(pooled["strategy"] == name).iter_rows(named=True)}
        table.add_row(name, *(_cell(row[metric]["value"], row[metric]["standard_error"]) for metric in HEADLINE))
    return table


def _cell(value: float | None, error: float | None) -> str:
    if value is None:
        return "—"
    return f"{value:.3f}" if error is None else f"{value:.3f} ± {error:.3f}"


def _scenarios(ids: tuple[str, ...], files: tuple[Path, ...]) -> tuple[Scenario, ...]:
    for name in ids:
        if name not in SCENARIOS:
            raise _unknown("scenario", name, SCENARIOS)
    found = [SCENARIOS[name] for name in ids]
    if files:
        from persona_lab.simulate.scenario_files import load_scenario

        found += [load_scenario(path) for path in files]
    return tuple(found)


def _strategy(name: str) -> UpdateStrategy:
    if name == LIMIT:
        raise InputError("the limit is always run", value=name, cure="Leave this --strategy out.")
    if name not in STRATEGIES:
        raise _unknown("strategy", name, STRATEGIES)
    return STRATEGIES[name]


def _unknown(what: str, name: str, known: Iterable[str]) -> InputError:
    import difflib

    near = difflib.get_close_matches(name, list(known), n=3)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return InputError(f"unknown {what}", value=name, cure=f"{hint}See `persona-lab list` for all of them.")


@contextmanager
def _progress(console: Console) -> Iterator[StudyProgress]:
    columns = (TextColumn("{task.description:<44}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("simulating", total=None)

        def advance(done: int, total: int, what: str) -> None:
            bar.update(task, completed=done, total=total, description=what)

        yield advance
