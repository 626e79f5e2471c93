"""The command ``goldencross``: all that the engine offers, and what needs the bot's side as well.

The engine knows nothing of the bot, so the two are put together here.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.cli import app as engine_side

if TYPE_CHECKING:
    import typer

    app: typer.Typer

__all__ = ["HOMES", "app", "main"]

HOMES = {
    **engine_side.HOMES,
    "parity": "live.commands",
    "rehearse": "live.commands",
    "isin": "live.commands",
    "fetch": "live.fetch",
}
"""As in ``engine.cli.app``."""


def main() -> None:
    """Run the command line."""
    if sys.argv[1:2] == ["report"]:
        import_module("live.commands")  # so that a journal can be reported, too

    engine_side.run(HOMES)


def __getattr__(name: str) -> Any:
    """Give the application of all commands, for who wants to call it from Python."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault("app", engine_side.application(HOMES))
