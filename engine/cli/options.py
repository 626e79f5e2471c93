"""The options that the commands share: name, help and default, each written once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from engine.cli.parsing import parse_confirmation, parse_names, parse_table, pick
from engine.costs import CostSchedule, nse_delivery, us_ib_fixed, us_ib_tiered
from engine.errors import InputError
from engine.grid import Grid
from engine.limits import require_memory
from engine.prices.embedded import sample
from engine.prices.history import Prices
from engine.prices.reading import load
from engine.prices.sessions import DAILY
from engine.settings import Costs, Direction, Fill, Intrabar, Settings, Sizing, TrailingStop
from engine.signals import GOLDEN_CROSS, Signal
from engine.signals import Average as AverageKind
from engine.terms import AccountTerms
from engine.validation.repairs import check_names
from engine.validation.zones import Zones

__all__ = [
    "CELL_BYTES",
    "check_atr",
    "check_cells",
    "is_folder",
    "prices_of",
    "reduced_of",
    "settings_of",
    "signal_of",
    "terms_of",
]

PricesPath = Annotated[
    Path | None,
    typer.Argument(
        metavar="PATH",
        help="File or folder of CSV, Parquet or Arrow prices. Without it: the S&P 500 and NASDAQ, 1999 to 2018.",
        show_default=False,
    ),
]
Repair = Annotated[
    str, typer.Option("--repair", help="Repairs to make, separated by commas; goldencross validate --help lists them.")
]
Actions = Annotated[
    Path | None,
    typer.Option("--actions", help="A table of splits and bonuses; those that the prices show are applied."),
]
Timezone = Annotated[
    str,
    typer.Option(
        "--timezone",
        help="The exchange's, such as Asia/Kolkata, to which stamps with a zone are converted; UTC:Asia/Kolkata takes stamps without one for UTC.",
    ),
]
Lazy = Annotated[
    bool,
    typer.Option("--lazy", help="Leave the prices in their files, one a symbol: the folder may be larger than memory."),
]
Symbols = Annotated[str, typer.Option("--symbols", help="Only these symbols, separated by commas.")]
Start = Annotated[str, typer.Option("--start", help="First date, such as 2020-01-01.")]
End = Annotated[str, typer.Option("--end", help="Last date, included.")]
Stop = Annotated[
    str,
    typer.Option("--stop", help="Trailing stops as multiples of the ATR, such as 3 or none,2,3,4; none is no stop."),
]
AtrWindow = Annotated[int, typer.Option("--atr-window", help="Bars of the average true range.")]
AtrSpan = Annotated[str, typer.Option("--atr-window", help="Bars of the average true range, or time, such as 1h.")]
OneFast = Annotated[str, typer.Option("--fast", help="Fast average in bars, or in time: 30min, 2h, 5d (sessions).")]
OneSlow = Annotated[str, typer.Option("--slow", help="Slow average in bars, or in time.")]
ManyFast = Annotated[
    str, typer.Option("--fast", help="Fast averages: 50, or 5,10,20, or first:last:step; in time 5min:100min:5min.")
]
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
Average = Annotated[
    str,
    typer.Option("--average", help="sma, ema or wma: simple, exponential or weighted. --fast 1 is the close itself."),
]
Band = Annotated[
    float,
    typer.Option("--band", help="Fraction of the slow average by which the fast one must pass it, such as 0.01."),
]
Delay = Annotated[int, typer.Option("--delay", help="Bars that a side has to last before its cross counts.")]
Confirm = Annotated[
    str,
    typer.Option("--confirm", help="What a golden cross needs besides: none, rsi:14:50 or adx:14:25 (bars and level)."),
]
Hold = Annotated[
    int,
    typer.Option(
        "--hold",
        help="Bars from a golden cross to the sale, whatever crosses come between; 0 is until the death cross.",
    ),
]
Capital = Annotated[float, typer.Option("--capital", help="Capital of each symbol.")]
AccountCapital = Annotated[float, typer.Option("--capital", help="Capital of the account.")]
SizingOption = Annotated[str, typer.Option("--sizing", help="all-in, all-in-lots or risk (which needs a stop).")]
Risk = Annotated[float, typer.Option("--risk", help="Fraction of equity at risk in a trade, for sizing risk.")]
Lot = Annotated[float, typer.Option("--lot", help="Shares in a lot.")]
FeeRate = Annotated[float, typer.Option("--fee-rate", help="Fee of an order as a fraction of its value.")]
FeeFixed = Annotated[float, typer.Option("--fee-fixed", help="Fixed fee of an order.")]
FeeMinimum = Annotated[float, typer.Option("--fee-minimum", help="Smallest fee of an order.")]
CostsOption = Annotated[
    str,
    typer.Option(
        "--costs",
        help="plain (the --fee options), nse-delivery, nse-delivery:zerodha, nse-delivery:none, us-ib-fixed or us-ib-tiered.",
    ),
]
MaxPositions = Annotated[int, typer.Option("--max-positions", help="Positions open at a time; 0 is no limit.")]
MaxWeight = Annotated[
    float, typer.Option("--max-weight", help="Share of equity that one buy may spend, such as 0.2; 0 is no limit.")
]
Priority = Annotated[
    str,
    typer.Option("--priority", help="Who buys first if cash is short: strongest, alphabetical, or symbols in order."),
]
Lots = Annotated[str, typer.Option("--lot", help="Shares in a lot: 1, or by symbol SBIN=5,TCS=10 (1 for the others).")]
Ticks = Annotated[
    str, typer.Option("--tick", help="Step of the price, against which fills are rounded: 0.05, or SBIN=0.05,TCS=0.1.")
]
Slippage = Annotated[float, typer.Option("--slippage", help="Slippage as a fraction of the price.")]
BarsPerYear = Annotated[
    float | None,
    typer.Option(
        "--bars-per-year",
        help="For yearly figures; without it 252 for daily bars, and what the dates say for intraday ones.",
        show_default=False,
    ),
]
Flatten = Annotated[
    str,
    typer.Option(
        "--flatten",
        help="Hold nothing overnight: session sells at the close of the last bar of a day, 15:20 at that of the last bar before; none holds overnight.",
    ),
]
Out = Annotated[Path | None, typer.Option("--out", help="Write the result to this file: .parquet, .csv or .json.")]
Save = Annotated[
    Path | None, typer.Option("--save", help="Write the whole result to this file, .json, for goldencross report.")
]
Keep = Annotated[
    int,
    typer.Option(
        "--keep",
        help="Keep only so many best cells of each symbol in memory; 0 keeps all. With --out X.parquet all cells go to that file, with --out FOLDER in parts, from which an interrupted sweep goes on.",
    ),
]
Plan = Annotated[
    bool,
    typer.Option(
        "--plan",
        help="Only say what the sweep will take: cells, files, bytes, memory and time, from a small probe; nothing is written.",
    ),
]
Cluster = Annotated[
    str,
    typer.Option(
        "--cluster",
        help="Address of a Dask scheduler, such as tcp://host:8786; it sends back all cells, or with --keep the best, and with --out FOLDER its workers write all.",
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
    costs: str,
    bars_per_year: float | None,
    signal: Signal | None = None,
    flatten: str = "none",
) -> Settings:
    """Make settings of the trading options as they were typed; a year that was not given is that of daily bars until the prices are known.

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
        costs=costs_of(costs, Costs(fee_rate, fee_fixed, fee_minimum, slippage)),
        lot=lot,
        bars_per_year=DAILY if bars_per_year is None else bars_per_year,
        risk=risk,
        signal=signal or GOLDEN_CROSS,
        flatten=None if flatten == "none" else flatten,
    )


def signal_of(average: str, band: float, delay: int, confirm: str, hold: int) -> Signal:
    """Make a signal of the options as they were typed.

    Raises
    ------
    InputError
    """
    return Signal(pick("--average", average, AverageKind), band, delay, parse_confirmation(confirm), hold)


def costs_of(name: str, plain: Costs) -> Costs | CostSchedule:
    """Make costs of the options as they were typed: the plain ones, or a schedule of dated rates with their slippage.

    Raises
    ------
    InputError
    """
    market, _, broker = name.lower().replace("-", "_").partition(":")
    makers: dict[str, Callable[..., CostSchedule]] = {
        "nse_delivery": nse_delivery,
        "us_ib_fixed": us_ib_fixed,
        "us_ib_tiered": us_ib_tiered,
    }
    if market == "plain" and not broker:
        return plain
    if market not in makers or (broker and market != "nse_delivery"):
        raise InputError(
            f"--costs {name}: it must be plain, nse-delivery, nse-delivery:BROKER, us-ib-fixed or us-ib-tiered"
        )
    if (plain.rate, plain.fixed, plain.minimum) != (0.0, 0.0, 0.0):
        raise InputError(f"--costs {name} has its own fees; leave out --fee-rate, --fee-fixed and --fee-minimum")
    schedule = makers[market](*([broker] if broker else []))
    return schedule.with_slippage(plain.slippage)


def terms_of(max_positions: int, max_weight: float, priority: str, lot: str, tick: str) -> AccountTerms:
    """Make the terms of an account of the options as they were typed.

    Raises
    ------
    InputError
    """
    order = priority if priority in ("strongest", "alphabetical") else tuple(parse_names(priority))
    return AccountTerms(
        max_positions=max_positions or None,
        max_weight=max_weight or None,
        priority=order,
        lot=parse_table("--lot", lot) or 1.0,
        tick=parse_table("--tick", tick),
    )


def reduced_of(keep: int, metric: str, out: Path | None) -> dict[str, Any]:
    """Give what a sweep has to know so that it keeps its best cells only, and streams all of them to a Parquet file that is named.

    Raises
    ------
    InputError
    """
    if keep < 0:
        raise InputError(f"--keep {keep}: it must be 0, which keeps all cells, or the number of best cells to keep")
    if out is not None and is_folder(out):
        if not keep:
            raise InputError(
                f"--out {out}: a folder gets the cells of a sweep that keeps only the best; give --keep 10, too"
            )
        return {"keep": keep, "metric": metric, "out": f"{out}/"}
    if not keep:
        return {}
    return {"keep": keep, "metric": metric, "out": out if out and out.suffix.lower() == ".parquet" else None}


def is_folder(out: Path | None) -> bool:
    """Tell whether the result goes into a folder of parts: whatever has no ending, or is a folder."""
    return out is not None and (not out.suffix or out.is_dir())


CELL_BYTES = 500
"""Of a cell where all are kept, at most: 104 of metrics; the table, its index and the sorting of it take the rest (measured on 1,749,500 cells)."""


def check_cells(symbols: int, grid: Grid) -> None:
    """Check, before a sweep that keeps all its cells, that they fit in memory together with what is made of them; 0 symbols share one account.

    Raises
    ------
    InputError
    """
    cells = (symbols or 1) * grid.cells
    advice = (
        "take larger steps"
        if not symbols
        else "--keep 10 takes the same memory for any grid, and with --out X.parquet all cells go to that file"
    )
    require_memory(CELL_BYTES * cells, f"a sweep that keeps all of {cells:,} cells", advice)


def check_atr(prices: Prices, stops: Sequence[TrailingStop | None]) -> None:
    """Check that some symbol is long enough for the ATR of every stop: without one every buy would be skipped.

    Raises
    ------
    InputError
    """
    longest = max(prices.length(symbol) for symbol in prices)
    window = max((stop.atr_window for stop in stops if stop), default=0)
    if window > longest:
        raise InputError(f"--atr-window {window}: the longest history has {longest} bars, so no stop could be set")


def prices_of(
    path: Path | None,
    repair: str,
    symbols: str,
    start: str,
    end: str,
    actions: Path | None = None,
    timezone: str = "",
    *,
    lazy: bool = False,
) -> Prices:
    """Load the prices that the options name; splits are looked for in all of the history, before dates are selected.

    Raises
    ------
    DataError, InputError
    """
    repairs = parse_names(repair)
    check_names(repairs)
    if path is None:
        Zones.of(timezone)  # no zone changes the dates of the sample, but what is none is refused
        prices = sample() if actions is None else sample().adjusted(actions)
    else:
        prices = load(path, repair=repairs, actions=actions, lazy=lazy, timezone=timezone)
    if symbols or start or end:
        return prices.select(parse_names(symbols) or None, start or None, end or None)
    return prices
