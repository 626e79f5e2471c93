"""The text of a backtest, a sweep and a validation, as lists of lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.report.spoken import METRIC_NAMES, count, money, percent, say_metric, say_settings, say_stop
from engine.results.backtest import BacktestResult
from engine.results.sweep import SweepTable
from engine.validation.findings import Report

__all__ = ["backtest_text", "sweep_text", "validation_text"]


def backtest_text(result: BacktestResult, prices: Prices) -> list[str]:
    """Say what a backtest found: the answer of each symbol, then settings and data."""
    rule = "own signals" if result.fast is None else f"fast {result.fast}, slow {result.slow}"
    lines = []
    for symbol, row in result.metrics.iterrows():
        lines += [
            f"{symbol}, {rule}, {say_stop(result.stop)}: {money(result.settings.capital)} became "
            f"{money(row['final_capital'])}, a total return of {percent(row['total_return'])}.",
            f"Buying and holding {symbol} returned {percent(result.buy_and_hold[str(symbol)])}.",
        ]
        lines += [f"{METRIC_NAMES[name]}: {say_metric(name, row[name])}." for name in METRICS[2:]]
        lines += _trade_lines(result.trades[result.trades["symbol"] == symbol])
        lines += [_pending_line(result.pending[str(symbol)])]
        if result.ambiguity is not None:
            lines += _ambiguity_lines(result.ambiguity.loc[symbol])
        lines += [""]
    return lines + say_settings(result.settings) + _data_lines(prices, result.left_out, {}, result.digest)


def _trade_lines(trades: pd.DataFrame) -> list[str]:
    """Say every trade, one a line."""
    lines = []
    for number, trade in enumerate(trades.itertuples(), start=1):
        bought = f"Trade {number}: bought" if trade.quantity > 0 else f"Trade {number}: sold short"
        lines.append(
            f"{bought} {abs(trade.quantity):,.6g} on {_day(trade.entry_date)} at {money(trade.entry_price)}, "
            + (
                f"still open, marked at {money(trade.exit_price)}, worth {money(trade.profit)} now."
                if trade.exit_reason == "open"
                else f"left on {_day(trade.exit_date)} at {money(trade.exit_price)} by {trade.exit_reason}, "
                f"profit {money(trade.profit)} after fees of {money(trade.fees)}."
            )
        )
    return lines


def _pending_line(pending: str) -> str:
    """Say what the last close asks for."""
    if pending == "none":
        return "The last bar asks for no order."
    return f"The last bar asks for an order: {pending} at the next open."


def _ambiguity_lines(row: pd.Series[Any]) -> list[str]:
    """Say how much depends on the order of high and low within a bar."""
    return [
        f"{int(row['ambiguous'])} of {count(row['exits'], 'exit')} depend on whether the high or the low of a bar came first.",
        f"Final capital with the stop tested first: {money(row['final_capital_stop_first'])}; "
        f"with the high first: {money(row['final_capital_high_first'])}.",
    ]


def sweep_text(result: SweepTable, prices: Prices, metric: str, seconds: float) -> list[str]:
    """Say what a sweep found: the best cell, the pool it was picked from, the best of each symbol, then settings and data."""
    best = result.best(metric, per="all")
    done = int(np.count_nonzero(~np.isnan(result.values[..., 0])))
    if best.empty:
        return [f"No cell has a defined {METRIC_NAMES[metric]}: {say_metric(metric, None)}."] + _sweep_tail(
            result, prices, done, seconds
        )
    (key, row), *_ = best.iterrows()
    symbol, cell = _name_cell(result, key)
    lines = [
        f"Best of {done:,} cells by {METRIC_NAMES[metric]}: {symbol}, {cell}.",
        f"{money(result.settings.capital)} became {money(row['final_capital'])}, "
        f"a total return of {percent(row['total_return'])}.",
        f"Buying and holding {symbol} returned {percent(result.buy_and_hold[symbol])}.",
        *(f"{METRIC_NAMES[name]}: {say_metric(name, row[name])}." for name in METRICS[2:]),
        *_pool_lines(result, metric),
        "",
    ]
    if len(result.symbols) > 1:
        lines += [f"Best cell of each symbol by {METRIC_NAMES[metric]}:", *_symbol_lines(result, metric), ""]
    return lines + _sweep_tail(result, prices, done, seconds)


def _name_cell(result: SweepTable, key: Any) -> tuple[str, str]:
    """Split an index entry into the symbol and the words for its cell."""
    symbol, fast, slow, atr_window, multiple = key
    return str(symbol), f"fast {fast}, slow {slow}, {say_stop(result.stop_of(atr_window, multiple))}"


def _pool_lines(result: SweepTable, metric: str) -> list[str]:
    """Put the best cell among the others, since the best of many is partly luck."""
    column = result.values[..., METRICS.index(metric)]
    returns = result.values[..., METRICS.index("total_return")]
    returns = returns[~np.isnan(returns)]
    held = result.buy_and_hold.reindex(list(result.symbols)).to_numpy()
    beaten = result.values[..., METRICS.index("total_return")] > held[:, None, None, None].squeeze(-1)
    return [
        f"The median {METRIC_NAMES[metric]} of all cells is {say_metric(metric, float(np.nanmedian(column)))}; "
        f"{percent(np.mean(returns > 0))} of the cells made money; "
        f"{percent(beaten.sum() / len(returns))} of them beat buying and holding their symbol.",
        "The best of many cells is partly luck: expect less of it than it shows here.",
    ]


def _symbol_lines(result: SweepTable, metric: str) -> list[str]:
    """Say the best cell of each symbol, one a line, in the order of the symbols."""
    lines = []
    for key, row in result.best(metric).iterrows():
        symbol, cell = _name_cell(result, key)
        facts = [f"{METRIC_NAMES[name]} {say_metric(name, row[name])}" for name in (metric, "total_return", "max_drawdown")]
        lines.append(
            f"{symbol}: {cell}: {', '.join(dict.fromkeys(facts))}, {count(row['trades'], 'trade')}; "
            f"buying and holding {percent(result.buy_and_hold[symbol])}."
        )
    return lines


def _sweep_tail(result: SweepTable, prices: Prices, done: int, seconds: float) -> list[str]:
    """Say how large the sweep was, its settings and its data."""
    size = (
        f"Cells: {count(len(result.symbols), 'symbol')}, {count(len(result.grid.pairs), 'pair')} of averages, "
        f"{count(len(result.grid.stops), 'stop setting')}: {done:,} of {len(result):,} computed in {seconds:.2f} seconds."
    )
    state = [] if result.finished else ["The sweep was interrupted: cells that were not reached are missing."]
    return [
        *state,
        size,
        *say_settings(result.settings),
        *_data_lines(prices, result.left_out, result.too_short, result.digest),
    ]


def _data_lines(
    prices: Prices, left_out: Mapping[str, str], too_short: Mapping[str, str], digest: str
) -> Iterable[str]:
    """Say on which prices it was run, what was repaired and what is doubtful or left out."""
    bars = sum(len(prices[symbol]) for symbol in prices.symbols)
    first = min(prices[symbol].dates[0] for symbol in prices.symbols)
    last = max(prices[symbol].dates[-1] for symbol in prices.symbols)
    report = prices.report
    lines = [
        f"Prices: {count(len(prices.symbols), 'symbol')}, {bars:,} bars, {_day(first)} to {_day(last)}, hash {digest[:16]}.",
        *(f"Repaired: {sentence}" for sentence in report.repairs),
        *(f"Too short: {reason}." for reason in too_short.values()),
        *(f"Left out: {reason.rstrip('.')}." for reason in left_out.values()),
    ]
    splits = [finding for finding in report.warnings if finding.rule == "split-like-jump"]
    if splits:
        names = sorted({finding.symbol for finding in splits})
        lines.append(
            f"Beware: {count(len(splits), 'jump')} in {', '.join(names)} look like splits or bonuses that the prices were not "
            "adjusted for; averages and results across them are wrong."
        )
    if report.warnings or report.notes:
        lines.append(
            f"Validation has {count(len(report.warnings), 'warning')} and {count(len(report.notes), 'note')}; "
            "goldencross validate says them all."
        )
    return lines


def validation_text(report: Report) -> list[str]:
    """Say what is wrong with some prices: the verdict, then every finding."""
    total = len(report.bars) + len(report.left_out)
    lines = [
        f"{len(report.bars):,} of {count(total, 'symbol')} can be used; {len(report.left_out):,} left out.",
        f"{count(len(report.errors), 'error')}, {count(len(report.warnings), 'warning')}, {count(len(report.notes), 'note')}.",
    ]
    lines += [f"Left out: {reason.rstrip('.')}." for reason in report.left_out.values()]
    lines += [f"Repaired: {sentence}" for sentence in report.repairs]
    for finding in (*report.errors, *report.warnings, *report.notes):
        where = ", ".join(part for part in (finding.symbol, finding.date, finding.field) if part)
        lines.append(f"{finding.severity}: {where}: {finding.rule}: {finding.message} {finding.action}")
    return lines


def _day(moment: Any) -> str:
    """Say a date, with the time only where there is one."""
    stamp = pd.Timestamp(moment)
    return str(stamp.date()) if stamp == stamp.normalize() else stamp.strftime("%Y-%m-%d %H:%M")
