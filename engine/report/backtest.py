"""The text of a backtest, as a list of lines: the answer first, then how it came about."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.backtesting import fee_limit
from engine.prices.history import Prices
from engine.report.costs import cost_lines, limit_line
from engine.report.data import data_lines, year_lines
from engine.report.spoken import count, money, percent, say_settings, say_stop
from engine.report.words import entry, leave, metric_lines, outcome
from engine.results.backtest import BacktestResult
from engine.results.costs import cost_totals

__all__ = ["backtest_text"]


def backtest_text(result: BacktestResult, prices: Prices) -> list[str]:
    """Say what a backtest found: the answer of each symbol, its trades, then settings and data."""
    rule = "own signals" if result.fast is None else f"fast {result.fast}, slow {result.slow}"
    lines: list[str] = []
    for key, row in result.metrics.iterrows():
        symbol = str(key)
        trades = result.trades[result.trades["symbol"] == symbol]
        lines.append(f"{symbol}, {rule}, {say_stop(result.stop)}: {outcome(result.settings.capital, row)}")
        lines.append(f"Buying and holding {symbol} returned {percent(result.buy_and_hold[symbol])}.")
        lines += metric_lines(row)
        lines += _cost_lines(result, prices, symbol, trades, row)
        lines += _trade_lines(trades)
        lines.append(_pending_line(result.pending[symbol]))
        if result.ambiguity is not None:
            lines += _ambiguity_lines(result.ambiguity.loc[symbol])
        lines.append("")
    said = [*say_settings(result.settings), *year_lines(result.settings, prices)]
    return lines + said + data_lines(prices, result.left_out, {}, result.digest)


def _cost_lines(result: BacktestResult, prices: Prices, symbol: str, trades: pd.DataFrame, row: Any) -> list[str]:
    """Say what the costs of a symbol took, and how much more of them it would bear."""
    settings = result.settings
    if trades.empty or settings.direction == "long_short":
        return []
    totals = cost_totals(trades, settings.costs)
    lines = cost_lines(totals, int(row["trades"]), row["final_capital"] - settings.capital)
    if result.fast is None or result.slow is None:
        return lines
    return [*lines, limit_line(totals, fee_limit(prices, symbol, result.fast, result.slow, result.stop, settings))]


def _trade_lines(trades: pd.DataFrame) -> list[str]:
    """Say every trade, one a line."""
    return [
        f"Trade {number}: {entry(trade)}, {leave(trade)}."
        for number, (_, trade) in enumerate(trades.iterrows(), start=1)
    ]


def _pending_line(pending: str) -> str:
    """Say what the last close asks for."""
    if pending == "none":
        return "The last bar asks for no order."
    return f"The last bar asks for an order: {pending} at the next open."


def _ambiguity_lines(row: Any) -> list[str]:
    """Say how much depends on the order of high and low within a bar."""
    first, high = money(row["final_capital_stop_first"]), money(row["final_capital_high_first"])
    ambiguous, exits = int(row["ambiguous"]), count(row["exits"], "exit")
    return [
        f"{ambiguous} of {exits} depend on whether the high or the low of a bar came first.",
        f"Final capital with the stop tested first: {first}; with the high first: {high}.",
    ]
