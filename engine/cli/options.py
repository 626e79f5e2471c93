"""The options that the commands share: name, help and default, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.parsing import parse_names, pick
from engine.errors import InputError
from engine.prices.embedded import sample
from engine.prices.history import Prices
from engine.prices.reading import load
from engine.settings import Costs, Direction, Fill, Intrabar, Settings, Sizing
from engine.validation.repairs import check_names

__all__ = ["prices_of", "reduced_of", "settings_of"]

PricesPath = Annotated[
    Path | None,
    typer.Argument(
        metavar="PATH",
        help="File or folder of CSV or Parquet prices. Without it: the S&P 500 and NASDAQ, 1999 to 2018.",
        show_default=False,
    ),
]
Repair = Annotated[
    str, typer.Option("--repair", help="Repairs to make, separated by commas; goldencross validate --help lists them.")
]
Symbols = Annotated[str, typer.Option("--symbols", help="Only these symbols, separated by commas.")]
Start = Annotated[str, typer.Option("--start", help="First date, such as 2020-01-01.")]
End = Annotated[str, typer.Option("--end", help="Last date, included.")]
Stop = Annotated[
    str,
    typer.Option("--stop", help="Trailing stops as multiples of the ATR, such as 3 or none,2,3,4; none is no stop."),
]
AtrWindow = Annotated[int, typer.Option("--atr-window", help="Bars of the average true range.")]
Atr = Annotated[str, typer.Option("--atr", help="sma (mean of the true ranges) or wilder.")]
StopKindOption = Annotated[
    str, typer.Option("--stop-kind", help="fixed (distance as at entry) or chandelier (follows the ATR).")
]
FillOption = Annotated[str, typer.Option("--fill", help="next-open, or close (the close of the signal itself).")]
IntrabarOption = Annotated[
    str, typer.Option("--intrabar", help="stop-first or high-first; for a backtest also both, which says what differs.")
]
DirectionOption = Annotated[
    str, typer.Option("--direction", help="long-only or long-short (without costs or stop; a comparison only).")
]
Capital = Annotated[float, typer.Option("--capital", help="Capital of each symbol.")]
SizingOption = Annotated[str, typer.Option("--sizing", help="all-in, all-in-lots or risk (which needs a stop).")]
Risk = Annotated[float, typer.Option("--risk", help="Fraction of equity at risk in a trade, for sizing risk.")]
Lot = Annotated[float, typer.Option("--lot", help="Shares in a lot.")]
FeeRate = Annotated[float, typer.Option("--fee-rate", help="Fee of an order as a fraction of its value.")]
FeeFixed = Annotated[float, typer.Option("--fee-fixed", help="Fixed fee of an order.")]
FeeMinimum = Annotated[float, typer.Option("--fee-minimum", help="Smallest fee of an order.")]
Slippage = Annotated[float, typer.Option("--slippage", help="Slippage as a fraction of the price.")]
BarsPerYear = Annotated[float, typer.Option("--bars-per-year", help="For yearly figures.")]
Out = Annotated[Path | None, typer.Option("--out", help="Write the result to this file: .parquet, .csv or .json.")]
Keep = Annotated[
    int,
    typer.Option(
        "--keep",
        help="Keep only so many best cells of each symbol in memory; 0 keeps all. With --out X.parquet all cells go to that file.",
    ),
]
Format = Annotated[str, typer.Option("--format", help="What is printed: text, json or csv.")]
Progress = Annotated[
    str, typer.Option("--progress", help="auto, bar, lines or none; auto is a bar on a terminal, lines elsewhere.")
]


def settings_of(
    fill: str,
    intrabar: str,
    direction: str,
    capital: float,
    sizing: str,
    risk: float,
    lot: float,
    fee_rate: float,
    fee_fixed: float,
    fee_minimum: float,
    slippage: float,
    bars_per_year: float,
) -> Settings:
    """Make settings of the trading options as they were typed.

    Raises
    ------
    InputError
    """
    return Settings(
        fill=pick("--fill", fill, Fill),
        intrabar=pick("--intrabar", intrabar, Intrabar),
        direction=pick("--direction", direction, Direction),
        capital=capital,
        sizing=pick("--sizing", sizing, Sizing),
        costs=Costs(fee_rate, fee_fixed, fee_minimum, slippage),
        lot=lot,
        bars_per_year=bars_per_year,
        risk=risk,
    )


def reduced_of(keep: int, metric: str, out: Path | None) -> dict[str, Any]:
    """Give what a sweep has to know so that it keeps its best cells only, and streams all of them to a Parquet file that is named.

    Raises
    ------
    InputError
    """
    if keep < 0:
        raise InputError(f"--keep {keep}: it must be 0, which keeps all cells, or the number of best cells to keep")
    if not keep:
        return {}
    return {"keep": keep, "metric": metric, "out": out if out and out.suffix.lower() == ".parquet" else None}


def prices_of(path: Path | None, repair: str, symbols: str, start: str, end: str) -> Prices:
    """Load the prices that the options name.

    Raises
    ------
    DataError, InputError
    """
    repairs = parse_names(repair)
    check_names(repairs)
    prices = sample() if path is None else load(path, repair=repairs)
    if symbols or start or end:
        return prices.select(parse_names(symbols) or None, start or None, end or None)
    return prices
