"""What was traded: prices with averages, trades and stops of one symbol, and the table of all trades."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.kernels.indicators import averages
from engine.prices.history import History
from engine.report.data import day
from engine.report.levels import stop_levels
from engine.report.model import Chart, Column, Marks, Section, Series, Table
from engine.report.spoken import count, money, percent, say_stop
from engine.settings import Settings, TrailingStop

__all__ = ["NEEDS_PRICES", "price_section", "trades_section"]

NEEDS_PRICES = "This needs the prices: name them with --prices, and give the options --repair, --actions, --symbols, --start and --end that the result was made with."


def price_section(
    history: History,
    trades: pd.DataFrame,
    windows: tuple[int, int] | None,
    stop: TrailingStop | None,
    settings: Settings,
) -> Section:
    """Draw the closes of a symbol with its averages, purchases, sales and stops.

    Parameters
    ----------
    history : History
    trades : DataFrame
        TRADE_COLUMNS, of any symbols.
    windows : (int, int) or None
        Of the fast and the slow average; None for other signals.
    stop : TrailingStop or None
    settings : Settings
    """
    own = trades[trades["symbol"] == history.symbol]
    series = [Series("close", history.close)]
    if windows is not None:
        both = averages(history.close, np.array(sorted(windows)))
        series += [Series(f"average of {window} bars", both[i]) for i, window in enumerate(sorted(windows))]
    if stop is not None and settings.direction == "long_only":
        series.append(Series("stop", stop_levels(history, own, stop, settings)))
    lowest, highest = float(history.close.min()), float(history.close.max())
    chart = Chart(
        f"{history.symbol}: close, averages and trades",
        _price_sentence(history, own, stop),
        history.dates,
        tuple(series),
        f"{history.currency or 'currency'} a share",
        is_log=highest > 4.0 * lowest > 0.0,
        marks=_marks(own),
    )
    return Section("Prices and trades", (), (chart,))


def _marks(trades: pd.DataFrame) -> tuple[Marks, ...]:
    """Mark where positions were entered and left."""
    left = trades[trades["exit_reason"] != "open"]
    return (
        Marks("entered", "up", _places(trades["entry_bar"]), trades["entry_price"].to_numpy(dtype=np.float64)),
        Marks("left", "down", _places(left["exit_bar"]), left["exit_price"].to_numpy(dtype=np.float64)),
    )


def _places(bars: pd.Series[Any]) -> NDArray[np.int64]:
    """Give bars as places."""
    return bars.to_numpy(dtype=np.int64)


def _price_sentence(history: History, trades: pd.DataFrame, stop: TrailingStop | None) -> str:
    """Say how the price went, and what was done with it."""
    first, last = float(history.close[0]), float(history.close[-1])
    went = f"{history.symbol} went from {money(first)} on {day(history.dates[0])} to {money(last)} on {day(history.dates[-1])}"
    if trades.empty:
        return f"{went}; it was never bought, with {say_stop(stop)}."
    reasons = trades["exit_reason"].value_counts()
    said = ", ".join(f"{reasons[name]:,} {words}" for name, words in _LEFT.items() if name in reasons)
    held = int((trades["exit_bar"].fillna(len(history) - 1).astype(int) - trades["entry_bar"]).sum())
    return f"{went}; it was entered {_times(len(trades))} and held for about {percent(held / len(history), 0)} of the bars: {said}."


_LEFT = {
    "cross": "left by a cross",
    "stop": "left at the stop",
    "gap": "left at an open beyond the stop",
    "session": "left at the end of the session",
    "open": "still open",
}


def _times(number: int) -> str:
    """Say how often."""
    return "once" if number == 1 else f"{number:,} times"


def trades_section(trades: pd.DataFrame) -> Section:
    """List every trade, with what they came to."""
    closed = trades[trades["exit_reason"] != "open"]
    columns = (
        Column("trade", "number", 0),
        Column("symbol"),
        Column("entered", "date"),
        Column("price in", "number"),
        Column("left", "date", missing="still open"),
        Column("price out, or last close", "number"),
        Column("shares", "number", 4),
        Column("fees", "number"),
        Column("profit", "number"),
        Column("profit, percent", "number", 2, 100.0),
        Column("why left"),
    )
    rows = tuple(_trade_row(number, trade) for number, (_, trade) in enumerate(trades.iterrows(), start=1))
    table = Table("All trades; prices with slippage, money after costs", columns, rows)
    return Section("Trades", _trade_sentences(trades, closed), (), (table,) if rows else ())


def _trade_row(number: int, trade: Any) -> tuple[Any, ...]:
    """Give the cells of a trade."""
    names = ("symbol", "entry_date", "entry_price", "exit_date", "exit_price", "quantity", "fees", "profit")
    share = trade["profit"] / abs(trade["quantity"] * trade["entry_price"])
    return (number, *(trade[name] for name in names), share, trade["exit_reason"])


def _trade_sentences(trades: pd.DataFrame, closed: pd.DataFrame) -> tuple[str, ...]:
    """Say what the closed trades came to."""
    if trades.empty:
        return ("Nothing was ever traded.",)
    still = len(trades) - len(closed)
    lines = [f"{count(len(closed), 'trade')} closed, {still:,} still open."]
    if len(closed):
        profits = closed["profit"].to_numpy(dtype=np.float64)
        won = int((profits > 0).sum())
        best, worst = closed.iloc[int(np.argmax(profits))], closed.iloc[int(np.argmin(profits))]
        lines += [
            f"{won:,} gained, {count(len(closed) - won, 'trade')} did not; together they made {money(float(profits.sum()))}.",
            (
                f"The best was {best['symbol']}, {day(best['entry_date'])} to {day(best['exit_date'])}, profit {money(best['profit'])}; "
                f"the worst {worst['symbol']}, {day(worst['entry_date'])} to {day(worst['exit_date'])}, profit {money(worst['profit'])}."
            ),
        ]
        lines += _without_best(profits)
    return tuple(lines)


def _without_best(profits: NDArray[np.float64]) -> list[str]:
    """Say what is left without the best trade: one trade can be all there is."""
    if len(profits) < 2:
        return []
    return [f"Without the best trade the closed ones made {money(float(profits.sum() - profits.max()))}."]
