"""The commands: backtest, sweep, portfolio, sweep-portfolio, validate, simulate.

Exit status: 0 done, 1 some symbols were left out, 2 bad use or no usable input, 130 interrupted.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import ParamSpec

import typer

from engine.cli import commands, portfolios
from engine.errors import GoldencrossError

__all__ = ["app", "main"]

P = ParamSpec("P")

app = typer.Typer(
    name="goldencross",
    help="Backtest and sweep moving-average crossovers on your own prices.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _spoken(command: Callable[P, int]) -> Callable[P, None]:
    """Turn our errors into one line and exit status 2; anything else is a defect and shows its traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            status = command(*args, **kwargs)
            sys.stdout.flush()
        except GoldencrossError as error:
            typer.echo(f"error: {error}", err=True)
            status = 2
        except BrokenPipeError:  # the reader, such as head, has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            status = 0
        raise typer.Exit(status)

    return run


for _command in (
    commands.backtest,
    commands.sweep,
    portfolios.portfolio,
    portfolios.sweep_portfolio,
    commands.validate,
    commands.simulate,
):
    app.command()(_spoken(_command))


def main() -> None:
    """Run the command line."""
    app()
