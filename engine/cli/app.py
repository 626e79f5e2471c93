"""The commands: backtest, sweep, top, portfolio, sweep-portfolio, luck, walkforward, validate, simulate, report.

Only the module of the command that is asked for is imported: all of them take 0.2 seconds more. To list the commands, none is.

Exit status: 0 done, 1 some symbols were left out, 2 bad use or no usable input, 130 interrupted.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import typer

from engine.cli.spoken import spoken
from engine.cli.starting import start_quickly

if TYPE_CHECKING:
    app: typer.Typer

__all__ = ["HOMES", "app", "application", "main", "run"]

HOMES = {
    "backtest": "engine.cli.commands",
    "sweep": "engine.cli.commands",
    "top": "engine.cli.commands",
    "portfolio": "engine.cli.portfolios",
    "sweep-portfolio": "engine.cli.portfolios",
    "luck": "engine.cli.judging",
    "walkforward": "engine.cli.selecting",
    "validate": "engine.cli.commands",
    "simulate": "engine.cli.making",
    "report": "engine.cli.reporting",
}
"""The module of every command, in the order of the help; a command has the name of its function."""
_LISTED: tuple[list[str], ...] = ([], ["--help"])


def application(homes: Mapping[str, str], find: Callable[[str], Any] = import_module) -> typer.Typer:
    """Put commands together.

    Parameters
    ----------
    homes : mapping
        Some of ``HOMES``, or of those of the bot's side.
    find : callable
        Gives the module of a name.
    """
    made = typer.Typer(
        name="goldencross",
        help="Backtest and sweep moving-average crossovers on your own prices.",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )
    made.callback()(lambda: None)  # without it, an application of one command would have no name for it
    for name, home in homes.items():
        made.command(name)(spoken(getattr(find(home), name.replace("-", "_"))))
    return made


def run(homes: Mapping[str, str]) -> None:
    """Run the command line."""
    start_quickly()
    arguments = sys.argv[1:]
    if arguments in _LISTED:
        application(homes, _documented)()
    asked = arguments[0]
    application({asked: homes[asked]} if asked in homes else homes)()


def main() -> None:
    """Run the engine's part of it."""
    run(HOMES)


def _documented(module: str) -> Any:
    """Give stand-ins for the functions of a module, which have their docstrings and nothing else: it is read, and not imported."""
    found = cast("Any", find_spec(module))
    functions = (node for node in ast.parse(found.loader.get_source(module)).body if isinstance(node, ast.FunctionDef))
    return SimpleNamespace(**{node.name: _stand_in(ast.get_docstring(node)) for node in functions})


def _stand_in(text: str | None) -> Callable[[], int]:
    def nothing() -> int:
        return 0

    nothing.__doc__ = text
    return nothing


def __getattr__(name: str) -> Any:
    """Give the application of all commands, for who wants to call it from Python."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("app", application(HOMES))
