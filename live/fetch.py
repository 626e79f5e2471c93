"""The command ``goldencross fetch``: prices from Yahoo, from Interactive Brokers or from files into a folder.

It is on the bot's side because one of the sources is the bot's broker.
"""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from engine.cli import options as o
from engine.cli.output import EXIT_DONE, EXIT_INTERRUPTED, EXIT_LEFT_OUT, check_output, emit
from engine.cli.parsing import parse_names, pick
from engine.cli.progress import Progress
from engine.errors import InputError
from engine.prices.fetching import FilesSource, Outcome, Source, Wanted
from engine.prices.fetching import fetch as fetch_all
from engine.prices.merging import OnRevision
from engine.prices.store import Store
from engine.prices.tables import read_table
from engine.report.fetching import fetch_lines
from engine.validation.repairs import check_names

__all__ = ["fetch"]

_NAMES = {"symbol": ("symbol",), "isin": ("isin",), "ticker": ("ticker",)}
_KEY_OF = {"ib": "isin", "yahoo": "ticker"}


def fetch(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the prices go, one Parquet file a symbol.")],
    symbols: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SYMBOL]...",
            help="SBIN.NS for yahoo; an ISIN or SBIN for ib. SBIN=SBIN.NS gives the file another name.",
        ),
    ] = None,
    source: Annotated[str, typer.Option("--source", help="yahoo, ib or files.")] = "yahoo",
    listed: Annotated[
        Path | None,
        typer.Option(
            "--list", help="A table of symbols, with a column isin for ib or ticker for yahoo if they differ."
        ),
    ] = None,
    path: Annotated[Path | None, typer.Option("--from", help="The file or folder for --source files.")] = None,
    years: Annotated[int, typer.Option("--years", help="How far back yahoo and ib are asked.")] = 5,
    revisions: Annotated[
        str,
        typer.Option("--revisions", help="If old bars were revised: refuse (change nothing), keep them, or replace."),
    ] = "refuse",
    again: Annotated[bool, typer.Option("--again", help="Ask also for what was asked for within 6 hours.")] = False,
    repair: o.Repair = "",
    port: Annotated[int, typer.Option("--port", help="Of the gateway on this machine, for ib.")] = 4002,
    client_id: Annotated[int, typer.Option("--client-id", help="At the gateway; not that of the bot.")] = 27,
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Get prices and put them into a folder. What is there is compared and added to; an interrupted run goes on the next time.

    Example: goldencross fetch prices/ SBIN=SBIN.NS TCS=TCS.NS --source yahoo --years 10
    """
    check_output(None, output_format)
    repairs = parse_names(repair)
    check_names(repairs)
    if source not in ("yahoo", "ib", "files"):
        raise InputError(f"--source {source}: it must be one of: yahoo, ib, files")
    if not 1 <= years <= 50:
        raise InputError(f"--years {years}: it must be from 1 to 50")
    if (path is not None) != (source == "files"):
        raise InputError("--source files takes --from PATH, and no other source does")
    on_revision: OnRevision = pick("--revisions", revisions, OnRevision)
    wanted = _wanted(symbols or [], listed, source)
    reporter = Progress("symbols", progress)
    options: dict[str, Any] = {"repair": repairs, "on_revision": on_revision, "progress": reporter}
    options["again"] = again or on_revision == "replace"
    if source == "ib":
        outcome = asyncio.run(_from_broker(_require(wanted), folder, port, client_id, years, reporter, options))
    else:
        maker: Source = FilesSource(path, repairs) if path is not None else _yahoo(years)
        if isinstance(maker, FilesSource):
            options.update(again=True, repair=())  # they were repaired when they were read
            names = [*maker.prices.symbols, *maker.prices.report.left_out]
            wanted = wanted or [Wanted(name, name) for name in names]
        outcome = asyncio.run(fetch_all(maker, _require(wanted), Store(folder), **options))
    reporter.close()
    emit(output_format, fetch_lines(outcome, folder), _table(outcome), _about(outcome))
    return _status(outcome)


def _yahoo(years: int) -> Source:
    from engine.prices.yahoo import YahooSource  # noqa: PLC0415  yfinance is optional, and slow

    return YahooSource(years)


async def _from_broker(
    wanted: list[Wanted],
    folder: Path,
    port: int,
    client_id: int,
    years: int,
    reporter: Progress,
    options: dict[str, Any],
) -> Outcome:
    from live.broker import Broker  # noqa: PLC0415  ib_async is imported only to connect
    from live.config import ACCOUNT_VARIABLE  # noqa: PLC0415
    from live.facts import Door  # noqa: PLC0415
    from live.fetching import BrokerSource  # noqa: PLC0415
    from live.scheduler import SystemClock  # noqa: PLC0415

    account = os.environ.get(ACCOUNT_VARIABLE, "").strip()
    if not account:
        raise InputError(f"{ACCOUNT_VARIABLE} is not set; set it to the id of the account at the gateway")
    store = Store(folder)
    broker = Broker(Door("127.0.0.1", port, client_id, account))
    await broker.connect()
    try:
        return await fetch_all(BrokerSource(broker, SystemClock(), reporter.note, years), wanted, store, **options)
    finally:
        broker.disconnect()


def _wanted(symbols: list[str], listed: Path | None, source: str) -> list[Wanted]:
    """Read the symbols of the command line, then those of the table."""
    wanted = [Wanted.of(text) for text in symbols]
    if listed is not None:
        cells = read_table(listed, _NAMES, ("symbol",), "symbols")
        keys = cells.get(_KEY_OF.get(source, "symbol"), cells["symbol"])
        wanted += [Wanted(name, key or name) for name, key in zip(cells["symbol"], keys, strict=True)]
    for one in wanted:
        if not one.key:
            raise InputError("a symbol is empty; write SBIN, or SBIN=SBIN.NS")
    names = [one.name for one in wanted]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{twice} is wanted twice; name every symbol once")
    if source == "ib":  # a bare ISIN has the broker's symbol for its name
        wanted = [Wanted("" if one.name == one.key and _is_isin(one.key) else one.name, one.key) for one in wanted]
    return wanted


def _is_isin(key: str) -> bool:
    from live.schema import is_isin  # noqa: PLC0415  pydantic is needed by ib only

    return is_isin(key)


def _require(wanted: list[Wanted]) -> list[Wanted]:
    if not wanted:
        raise InputError("no symbol is wanted; name some, as in SBIN=SBIN.NS, or give --list FILE")
    return wanted


def _table(outcome: Outcome) -> pd.DataFrame:
    rows = [vars(update) for update in outcome.updates]
    rows += [{"symbol": name, "change": "fresh"} for name in outcome.fresh]
    rows += [{"symbol": name, "change": "failed", "detail": reason} for name, reason in outcome.failures.items()]
    rows += [{"symbol": name, "change": "missing"} for name in outcome.missing]
    return pd.DataFrame(rows, columns=["symbol", "change", "bars", "added", "first", "last", "detail"])


def _about(outcome: Outcome) -> dict[str, Any]:
    return {"interrupted": outcome.interrupted}


def _status(outcome: Outcome) -> int:
    """Give the exit status: 130 interrupted, 2 nothing was got, 1 something was not, or was revised and left alone."""
    if outcome.interrupted:
        return EXIT_INTERRUPTED
    if not outcome.updates and not outcome.fresh:
        return 2
    refused = any(update.change == "refused" for update in outcome.updates)
    return EXIT_LEFT_OUT if outcome.failures or outcome.missing or refused else EXIT_DONE
