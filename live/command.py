"""The command ``goldencross``: all that the engine offers, and what needs the bot's side as well.

The engine knows nothing of the bot, so the two are put together here.
"""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

from typing import Annotated, Any

import typer

from engine.cli import options as o
from engine.cli.app import app
from engine.cli.output import EXIT_DONE, EXIT_INTERRUPTED, EXIT_LEFT_OUT, emit
from engine.cli.parsing import parse_stops
from engine.cli.progress import Progress
from engine.cli.spoken import spoken
from engine.errors import InputError

__all__ = ["EXIT_DIFFERENT", "app", "main"]

EXIT_DIFFERENT = 3


def parity(
    path: o.PricesPath = None,
    fast: Annotated[int, typer.Option("--fast", help="Fast average in bars.")] = 50,
    slow: Annotated[int, typer.Option("--slow", help="Slow average in bars.")] = 200,
    stop: o.Stop = "3",
    atr_window: o.AtrWindow = 14,
    atr: o.Atr = "sma",
    stop_kind: o.StopKindOption = "fixed",
    symbols: o.Symbols = "",
    start: o.Start = "",
    end: o.End = "",
    repair: o.Repair = "",
    every: Annotated[
        int, typer.Option("--every", help="Of so many bars one is compared along the bot's whole way.")
    ] = 50,
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Compare the bot's decisions with the backtest's. Every bar of your own prices, bit for bit.

    Example: goldencross parity prices/ --fast 50 --slow 200 --stop 3
    """
    from live.parity import parity as compare  # noqa: PLC0415  for this command only

    stops = parse_stops(stop, atr_window, atr, stop_kind)
    if len(stops) != 1 or stops[0] is None:
        raise InputError(f"--stop {stop}: the bot has one stop, such as 3")
    if every < 1:
        raise InputError(f"--every {every}: it must be 1 or more")
    prices = o.prices_of(path, repair, symbols, start, end)
    reporter = Progress("bars", progress)
    try:
        found = compare(prices, fast, slow, stops[0], every=every, progress=reporter)
    finally:
        reporter.close()
    emit(output_format, found.lines(), found.to_frame(), found.counts())
    if found.differences:
        return EXIT_DIFFERENT
    if not found.is_whole:
        return EXIT_INTERRUPTED
    return EXIT_LEFT_OUT if found.left_out else EXIT_DONE


_COMMANDS: tuple[Any, ...] = (parity,)
for _command in _COMMANDS:
    app.command()(spoken(_command))


def main() -> None:
    """Run the command line."""
    app()
