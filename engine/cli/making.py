"""The command that makes prices."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from engine.cli.output import EXIT_DONE, write_table
from engine.errors import InputError, OutputError
from engine.prices.history import Prices
from engine.prices.simulated import simulate as run_simulate
from engine.prices.simulated_intraday import simulate_intraday as run_simulate_intraday

__all__ = ["simulate"]

_NSE = "09:15-15:30"


def simulate(
    out: Annotated[
        Path, typer.Option("--out", help="A folder for one CSV file a symbol, or one .csv or .parquet file.")
    ],
    symbols: Annotated[int, typer.Option("--symbols", help="How many symbols.")] = 10,
    bars: Annotated[
        int | None, typer.Option("--bars", help="Daily bars of each; without it 1250.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed makes the same prices.")] = 0,
    volatility: Annotated[
        float, typer.Option("--volatility", help="Of a daily bar, or of a session, as a fraction.")
    ] = 0.015,
    bar: Annotated[str, typer.Option("--bar", help="Intraday bars of this length, such as 1min, 5min or 1h.")] = "",
    session: Annotated[
        str, typer.Option("--session", help=f"From and to, with --bar; without it {_NSE}.", show_default=False)
    ] = "",
    timezone: Annotated[
        str,
        typer.Option("--timezone", help="Of the stamps, with --bar, such as Asia/Kolkata; without it they have none."),
    ] = "",
    years: Annotated[
        float | None, typer.Option("--years", help="Of 252 sessions, with --bar; without it 1.", show_default=False)
    ] = None,
) -> int:
    """Make prices of a market without edge. They show what a sweep finds where there is nothing to find.

    Example: goldencross simulate --symbols 20 --bars 1250 --seed 7 --out market.csv
    """
    if bar:
        if bars is not None:
            raise InputError(f"--bars {bars} is for daily bars; with --bar give --years")
        prices = run_simulate_intraday(
            symbols,
            1.0 if years is None else years,
            seed,
            bar=bar,
            session=session or _NSE,
            timezone=timezone or None,
            volatility=volatility,
        )
    elif session or timezone or years is not None:
        raise InputError(
            "--session, --timezone and --years are for intraday bars; give their length, such as --bar 1min"
        )
    else:
        prices = run_simulate(symbols, 1250 if bars is None else bars, seed, volatility=volatility)
    _write_prices(prices, out)
    number = max(map(len, prices.histories.values()))
    typer.echo(f"Wrote {len(prices)} symbols of {number:,} bars each to {out}. Seed {seed}, hash {prices.digest[:16]}.")
    return EXIT_DONE


def _write_prices(prices: Prices, out: Path) -> None:
    """Write prices as one long file, or as one CSV file a symbol into a folder."""
    frames = {symbol: frame.rename_axis("date").reset_index() for symbol, frame in prices.to_frames().items()}
    if out.suffix.lower() in (".csv", ".parquet"):
        write_table(pd.concat([frame.assign(symbol=s) for s, frame in frames.items()], ignore_index=True), out)
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {out}: {error.strerror}") from error
    for symbol, frame in frames.items():
        write_table(frame, out / f"{symbol}.csv")
