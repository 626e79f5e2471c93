"""The commands of ``goldencross`` that need the bot's side: parity, rehearse, isin, and reports of a journal."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from engine.cli import options as o
from engine.cli.output import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_LEFT_OUT,
    adjustment_rows,
    ascii_only,
    check_output,
    emit,
)
from engine.cli.parsing import parse_day, parse_stops
from engine.cli.progress import Progress
from engine.cli.reporting import READERS, Wanted
from engine.errors import InputError
from engine.report.data import adjustment_lines
from engine.report.model import Report
from engine.report.spoken import count
from engine.settings import TrailingStop

__all__ = ["EXIT_DIFFERENT", "isin", "parity", "rehearse"]

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
    actions: o.Actions = None,
    every: Annotated[
        int,
        typer.Option("--every", help="Of so many bars one goes the bot's whole way, checks included; 1 is thorough."),
    ] = 50,
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Compare the bot's decisions with the backtest's. Every bar of your own prices, bit for bit.

    Example: goldencross parity prices/ --fast 50 --slow 200 --stop 3
    """
    from live.parity import parity as compare  # noqa: PLC0415  for this command only

    trailing = _one_stop(stop, atr_window, atr, stop_kind)
    if every < 1:
        raise InputError(f"--every {every}: it must be 1 or more")
    prices = o.prices_of(path, repair, symbols, start, end, actions)
    reporter = Progress("bars", progress)
    try:
        found = compare(prices, fast, slow, trailing, every=every, progress=reporter)
    finally:
        reporter.close()
    about = {**found.counts(), "adjustments": adjustment_rows(prices.report)}
    emit(output_format, [*found.lines(), *adjustment_lines(prices.report)], found.to_frame(), about)
    if found.differences:
        return EXIT_DIFFERENT
    if not found.is_whole:
        return EXIT_INTERRUPTED
    return EXIT_LEFT_OUT if found.left_out else EXIT_DONE


def rehearse(
    path: o.PricesPath = None,
    first: Annotated[str, typer.Option("--first", help="First day of the bot, such as 2021-07-01.")] = "",
    fast: Annotated[int, typer.Option("--fast", help="Fast average in bars.")] = 50,
    slow: Annotated[int, typer.Option("--slow", help="Slow average in bars.")] = 200,
    stop: o.Stop = "3",
    atr_window: o.AtrWindow = 14,
    capital: o.AccountCapital = 1_000_000.0,
    risk: o.Risk = 0.02,
    max_positions: o.MaxPositions = 0,
    max_weight: o.MaxWeight = 0.0,
    symbols: o.Symbols = "",
    end: o.End = "",
    repair: o.Repair = "",
    actions: o.Actions = None,
    journal: Annotated[Path | None, typer.Option("--journal", help="Keep the journal in this new file.")] = None,
    progress: o.Progress = "auto",
) -> int:
    """Run the bot on your own prices. Day by day through a simulated gateway; its orders are then held to the portfolio's.

    Example: goldencross rehearse prices/ --first 2021-07-01 --fast 50 --slow 200 --stop 3
    """
    from live.rehearsal import on_ticks  # noqa: PLC0415  for this command only
    from live.rehearsal import rehearse as run  # noqa: PLC0415
    from live.strategy import Strategy  # noqa: PLC0415

    trailing = _one_stop(stop, atr_window)
    begin = parse_day("--first", first)
    terms = o.terms_of(max_positions, max_weight, "strongest", "", "")
    loaded = o.prices_of(path, repair, symbols, "", end, actions)
    prices = on_ticks(loaded)
    reporter = Progress("days", progress)
    with tempfile.TemporaryDirectory() as folder:
        kept = journal or Path(folder) / "journal"
        if kept.exists():
            raise InputError(f"--journal {kept}: there is such a file already; a rehearsal needs a new one")
        strategy = Strategy(fast, slow, trailing, risk, terms)
        try:
            done = run(prices, strategy, begin, capital=capital, journal=kept, progress=reporter)
        finally:
            reporter.close()
    alarms = sum(1 for status in done.statuses if status > 1)
    about = f"{count(len(done.statuses), 'day')} of the bot, {count(len(done.account.symbols), 'symbol')}, {count(alarms, 'run')} that somebody would have to look at."
    cut = [] if done.is_whole else ["Interrupted: only the days until then are compared."]
    typer.echo(ascii_only("\n".join([about, *cut, *done.agreement.lines(), *adjustment_lines(loaded.report)])))
    if done.agreement.unexplained:
        return EXIT_DIFFERENT
    return EXIT_DONE if done.is_whole else EXIT_INTERRUPTED


def isin(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="ISINs or symbols.")],
    table: Annotated[
        Path, typer.Option("--table", help="Columns symbol, isin, and from or seen_in; docs/data.md says more.")
    ],
    output_format: o.Format = "text",
) -> int:
    """Say what an ISIN or a symbol is, and what it became. Exit status 1 if one is old, or not in the table.

    Example: goldencross isin INE918I01018 --table isins.csv
    """
    from live.isins import IsinTable  # noqa: PLC0415  for this command only

    check_output(None, output_format)
    known = IsinTable.read(table)
    found = [known.of(name.strip().upper()) for name in names]
    rows = [{"asked": one.asked, "step": i, **vars(row)} for one in found for i, row in enumerate(one.rows)]
    columns = ["asked", "step", "symbol", "isin", "words"]
    unknown = [one.asked for one in found if not one.rows]
    emit(output_format, map(str, found), pd.DataFrame(rows, columns=columns), {"unknown": unknown})
    return EXIT_DONE if all(one.is_current for one in found) else EXIT_LEFT_OUT


def _one_stop(stop: str, atr_window: int, atr: str = "sma", kind: str = "fixed") -> TrailingStop:
    """Read the bot's stop, of which there is one.

    Raises
    ------
    InputError
    """
    stops = parse_stops(stop, atr_window, atr, kind)
    if len(stops) != 1 or stops[0] is None:
        raise InputError(f"--stop {stop}: the bot has one stop, such as 3")
    return stops[0]


def _journal(path: Path, wanted: Wanted) -> Report:
    """Report the journal of a bot."""
    from live.looking import account_to_mask  # noqa: PLC0415  for a journal only
    from live.report import read_journal  # noqa: PLC0415

    if wanted.prices is not None or wanted.cell:
        raise InputError("a journal has its own prices and trades; leave out --prices and --cell")
    return read_journal(path, account_to_mask())


def _is_journal(path: Path) -> bool:
    """Tell whether a file is an SQLite database, as a journal is; whether it is one of ours is found when it is opened."""
    with path.open("rb") as file:
        return file.read(16) == b"SQLite format 3\0"


READERS.append((_is_journal, _journal))
