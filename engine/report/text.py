"""The text of a backtest and of a sweep, as lists of lines: the answer first, then how it came about."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.report.data import data_lines, day
from engine.report.spoken import METRIC_NAMES, count, money, percent, say_metric, say_settings, say_stop
from engine.results.backtest import BacktestResult
from engine.results.reduced import Pool, ReducedSweep
from engine.results.sweep import SweepTable
from engine.settings import Settings
from engine.sweeping import takes_fast_way

__all__ = ["backtest_text", "sweep_text"]


def backtest_text(result: BacktestResult, prices: Prices) -> list[str]:
    """Say what a backtest found: the answer of each symbol, its trades, then settings and data."""
    rule = "own signals" if result.fast is None else f"fast {result.fast}, slow {result.slow}"
    lines: list[str] = []
    for key, row in result.metrics.iterrows():
        symbol = str(key)
        lines.append(f"{symbol}, {rule}, {say_stop(result.stop)}: {_outcome(result.settings.capital, row)}")
        lines.append(f"Buying and holding {symbol} returned {percent(result.buy_and_hold[symbol])}.")
        lines += _metric_lines(row)
        lines += _trade_lines(result.trades[result.trades["symbol"] == symbol])
        lines.append(_pending_line(result.pending[symbol]))
        if result.ambiguity is not None:
            lines += _ambiguity_lines(result.ambiguity.loc[symbol])
        lines.append("")
    return lines + say_settings(result.settings) + data_lines(prices, result.left_out, {}, result.digest)


def _outcome(capital: float, row: Any) -> str:
    """Say what became of the money."""
    became = f"{money(capital)} became {money(row['final_capital'])}"
    return f"{became}, a total return of {percent(row['total_return'])}."


def _metric_lines(row: Any) -> list[str]:
    """Say every other metric, one a line."""
    return [f"{METRIC_NAMES[name]}: {say_metric(name, row[name])}." for name in METRICS[2:]]


def _trade_lines(trades: pd.DataFrame) -> list[str]:
    """Say every trade, one a line."""
    return [
        f"Trade {number}: {_entry(trade)}, {_exit(trade)}."
        for number, (_, trade) in enumerate(trades.iterrows(), start=1)
    ]


def _entry(trade: Any) -> str:
    verb = "bought" if trade["quantity"] > 0 else "sold short"
    shares = f"{abs(trade['quantity']):,.4f}".rstrip("0").rstrip(".")
    return f"{verb} {shares} on {day(trade['entry_date'])} at {money(trade['entry_price'])}"


def _exit(trade: Any) -> str:
    price, profit = money(trade["exit_price"]), money(trade["profit"])
    if trade["exit_reason"] == "open":
        return f"still open, marked at {price}, profit so far {profit}"
    left = f"left on {day(trade['exit_date'])} at {price} by {trade['exit_reason']}"
    return f"{left}, profit {profit} after fees of {money(trade['fees'])}"


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


def sweep_text(result: SweepTable | ReducedSweep, prices: Prices, metric: str, seconds: float) -> list[str]:
    """Say what a sweep found: the best cell, the pool it was picked from, the best of each symbol, then settings and data."""
    best = result.best(metric, per="all")
    pool = result.pool if isinstance(result, ReducedSweep) else Pool.of(result, metric)
    lines: list[str] = []
    for key, row in best.iterrows():
        symbol, cell = _name_cell(result, key)
        lines.append(f"Best of {pool.cells:,} cells by {METRIC_NAMES[metric]}: {symbol}, {cell}.")
        lines.append(_outcome(result.settings.capital, row))
        lines.append(f"Buying and holding {symbol} returned {percent(result.buy_and_hold[symbol])}.")
        lines += [*_metric_lines(row), *_pool_lines(pool, metric), ""]
    if best.empty:
        lines.append(f"The {METRIC_NAMES[metric]} is in no cell defined: {say_metric(metric, None)}.")
    if len(result.symbols) > 1:
        lines += [f"Best cell of each symbol by {METRIC_NAMES[metric]}:", *_symbol_lines(result, metric), ""]
    return [
        *lines,
        *_size_lines(result, pool.cells, seconds),
        *say_settings(result.settings),
        *data_lines(prices, result.left_out, result.too_short, result.digest),
    ]


def _name_cell(result: SweepTable | ReducedSweep, key: Any) -> tuple[str, str]:
    """Split an index entry into the symbol and the words for its cell."""
    symbol, fast, slow, atr_window, multiple = key
    return str(symbol), f"fast {fast}, slow {slow}, {say_stop(result.stop_of(atr_window, multiple))}"


def _pool_lines(pool: Pool, metric: str) -> list[str]:
    """Put the best cell among the others, since the best of many is partly luck."""
    about = "" if pool.exact else "about "
    made, beat = percent(pool.made_money), percent(pool.beat_holding)
    return [
        f"The median {METRIC_NAMES[metric]} of all cells is {about}{say_metric(metric, pool.median)}.",
        f"{made} of the cells made money; {beat} beat buying and holding their symbol.",
        "The best of many cells is partly luck: expect less of it than it shows here.",
    ]


def _symbol_lines(result: SweepTable | ReducedSweep, metric: str) -> list[str]:
    """Say the best cell of each symbol, one a line, in the order of the symbols."""
    lines = []
    for key, row in result.best(metric).iterrows():
        symbol, cell = _name_cell(result, key)
        names = dict.fromkeys([metric, "total_return", "max_drawdown"])
        facts = ", ".join(f"{METRIC_NAMES[name]} {say_metric(name, row[name])}" for name in names)
        held = percent(result.buy_and_hold[symbol])
        lines.append(f"{symbol}: {cell}: {facts}, {count(row['trades'], 'trade')}; buying and holding {held}.")
    return lines


def _size_lines(result: SweepTable | ReducedSweep, done: int, seconds: float) -> list[str]:
    """Say how large the sweep was, and whether it came to its end."""
    symbols, pairs = count(len(result.symbols), "symbol"), count(len(result.grid.pairs), "pair")
    stops = count(len(result.grid.stops), "stop setting")
    size = f"Cells: {symbols}, {pairs} of averages, {stops}: {done:,} of {len(result):,} computed in {seconds:.2f} seconds, {_say_way(result.settings)}."
    lines = [size, *(_kept_lines(result) if isinstance(result, ReducedSweep) else [])]
    if result.finished:
        return lines
    return ["The sweep was interrupted: cells that were not reached are missing.", *lines]


def _kept_lines(result: ReducedSweep) -> list[str]:
    """Say which cells are in memory and which on disk."""
    best = "best cell" if result.keep == 1 else f"best {result.keep:,} cells"
    was = "was" if result.keep == 1 else "were"
    lines = [f"Only the {best} of each symbol by {METRIC_NAMES[result.metric]} {was} kept."]
    if result.path is not None:
        cells = "All cells" if result.finished else "The cells that were reached"
        lines.append(f"{cells} were written to {result.path}.")
    return lines


def _say_way(settings: Settings) -> str:
    """Say how the cells were computed; the results do not depend on it."""
    if takes_fast_way(settings):
        return "trade by trade"
    if settings.direction == "long_only":
        return "from cross to cross with equity on every bar, since the fast way covers only all-in cells"
    return "bar by bar, since the fast way covers only long-only cells"
