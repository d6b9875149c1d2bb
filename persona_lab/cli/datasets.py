"""``persona-lab datasets``: public logs by name, and the project's own."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from persona_lab.datasets.registry import PUBLIC_LOGS, get_log
from persona_lab.errors import InputError


@click.group()
def datasets() -> None:
    """Public logs that others publish, and the project's own small ones."""


@datasets.command("list")
def list_logs() -> None:
    """Show the public logs, and the recipes that come with the package."""
    from persona_lab.datasets.recipes import load_recipe, packaged_recipes

    console = Console()
    logs = Table(title="Public logs (persona-lab datasets get NAME)")
    for heading in ("name", "what", "licence", "source"):
        logs.add_column(heading)
    for name, log in PUBLIC_LOGS.items():
        logs.add_row(name, log.about, log.licence, log.citation)
    recipes = Table(title="Recipes (persona-lab replay LOG --recipe NAME)")
    for heading in ("name", "what", "source"):
        recipes.add_column(heading)
    for name in packaged_recipes():
        recipe = load_recipe(name)
        recipes.add_row(name, recipe.title, recipe.source)
    console.print(logs)
    console.print(recipes)


@datasets.command()
@click.argument("name")
@click.option(
    "--folder", type=click.Path(path_type=Path, file_okay=False), help="Where to keep it [default: the cache]."
)
def get(name: str, folder: Path | None) -> None:
    """Download a public log once, and print its path.

    Its hash is checked. `persona-lab datasets list` shows the names.

    \b
    Example:
      persona-lab replay "$(persona-lab datasets get kaist_distraction)" --recipe kaist_distraction
    """
    click.echo(get_log(name, folder=folder))


@datasets.command()
@click.option("--check", "only_check", is_flag=True, help="Write nothing; say what differs from a rebuild.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("datasets"),
    show_default=True,
    help="Where the project's own data sets are.",
)
def build(only_check: bool, folder: Path) -> None:
    """Rebuild the project's own data sets, byte for byte."""
    from persona_lab.studies.generated import build as rebuild
    from persona_lab.studies.generated import check

    if not folder.is_dir():
        raise InputError(
            "there is no such folder", file=str(folder), cure="Run this from the project's root, or name --folder."
        )
    if not only_check:
        for path in rebuild(folder):
            click.echo(path)
        return
    problems = check(folder)
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)
    click.echo("Every data set is the same, byte for byte.")
