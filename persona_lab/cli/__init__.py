"""The command line: one group, one module per command, each loaded only when it is used."""

from __future__ import annotations

import errno
import importlib
import importlib.util
import sys
import warnings
from typing import Any

import click

from persona_lab import __version__
from persona_lab.errors import PersonaLabError

INPUT_EXIT_CODE = 2
"""What a bad file, option or configuration exits with, as click does for bad usage."""

COMMANDS: dict[str, tuple[str, str]] = {
    "replay": ("replay", "Evaluate strategies on a feedback log: predict each event, then learn from it."),
    "run": ("run", "Run the study: simulated people, strategies, metrics, report."),
    "list": ("listing", "Show scenarios, strategies and metrics with one line each."),
    "fit": ("fit", "Fit a population of simulated people to a feedback log."),
    "datasets": ("datasets", "Public logs: list them, download one, rebuild the project's own."),
}
"""Command name -> (module in this package, help line); the module exports a click command named like itself."""


class LazyGroup(click.Group):
    """A click group that imports a command's module only when that command is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command whose module is there, in the order of the table."""
        return [name for name, (module, _) in COMMANDS.items() if _present(module)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command, None where there is none of that name."""
        if cmd_name not in COMMANDS or not _present(COMMANDS[cmd_name][0]):
            return None
        module = COMMANDS[cmd_name][0]
        command: click.Command = getattr(importlib.import_module(f"{__name__}.{module}"), module)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command table from the help lines above, so that --help imports nothing."""
        rows = [(name, COMMANDS[name][1]) for name in self.list_commands(ctx)]
        if rows:
            with formatter.section("Commands"):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a known error or an unusable file becomes one line on stderr and exit code 2."""
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _say_warning
            try:
                return super().invoke(ctx)
            except PersonaLabError as error:
                click.echo(f"Error: {error}", err=True)
                ctx.exit(INPUT_EXIT_CODE)
            except OSError as error:
                if error.errno == errno.EPIPE or error.filename is None:
                    raise
                click.echo(f"Error: {error.filename}: {error.strerror}.", err=True)
                ctx.exit(INPUT_EXIT_CODE)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="persona-lab")
def main() -> None:
    """Measure how an agent should learn a person's preferences from corrections and outcomes."""


def _present(module: str) -> bool:
    return importlib.util.find_spec(f"{__name__}.{module}") is not None


def _say_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    label = "Warning" if issubclass(category, UserWarning) else category.__name__
    print(f"{label}: {message}", file=sys.stderr)  # noqa: T201 - the command line is where text is printed
