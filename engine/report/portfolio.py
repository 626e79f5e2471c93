"""The text of a portfolio, as a list of lines: the answer first, then how it came about."""

from __future__ import annotations

import numpy as np
import pandas as pd

from engine.accounts.facade import portfolio_fee_limit
from engine.prices.history import Prices
from engine.report.costs import cost_lines, limit_line
from engine.report.data import data_lines, day, unit_of, year_lines
from engine.report.spoken import count, money, percent, say_settings, say_stop
from engine.report.words import entry, leave, metric_lines, outcome
from engine.results.costs import cost_totals
from engine.results.portfolio import PortfolioResult

__all__ = ["now_lines", "portfolio_text", "signal_lines"]


def portfolio_text(result: PortfolioResult, prices: Prices) -> list[str]:
    """Say what a portfolio came to: the answer, its signals, what each symbol did, what it holds now, then settings and data."""
    row, capital = result.metrics.iloc[0], result.settings.capital
    rule = f"fast {result.fast}, slow {result.slow}, {say_stop(result.stop)}"
    first, last = day(result.equity.index[0]), day(result.equity.index[-1])
    return [
        f"Portfolio of {count(len(result.symbols), 'symbol')}, {rule}, {first} to {last}: {outcome(capital, row)}",
        f"Buying and holding all of them in equal parts returned {percent(result.buy_and_hold)}.",
        *result.notes,
        *metric_lines(row),
        *_cost_lines(result, prices),
        *signal_lines(result.signals),
        f"Of the equity, {percent(result.exposure.mean())} was in shares on average, {percent(result.exposure.max())} at most.",
        "",
        *_symbol_lines(result.contribution),
        "",
        *now_lines(result),
        "",
        *say_settings(result.settings, result.terms),
        *year_lines(result.settings, prices),
        *data_lines(prices, result.left_out, {}, result.digest),
    ]


def _cost_lines(result: PortfolioResult, prices: Prices) -> list[str]:
    """Say what the costs took, and how much more of them the account would bear."""
    if result.trades.empty:
        return []
    totals = cost_totals(result.trades, result.settings.costs)
    net = float(result.equity.iloc[-1]) - result.settings.capital
    closed = int((result.trades["exit_reason"] != "open").sum())
    return [*cost_lines(totals, closed, net), limit_line(totals, portfolio_fee_limit(result, prices))]


def signal_lines(signals: pd.DataFrame) -> list[str]:
    """Say what became of the golden crosses."""
    parts = []
    for outcome_name in ("filled", "cut", "skipped", "pending"):
        found = signals[signals["outcome"] == outcome_name]
        reasons = [f"{number:,} by {reason}" for reason, number in found["reason"].value_counts().items() if reason]
        why = f" ({', '.join(reasons)})" if reasons else ""
        if len(found):
            parts.append(f"{len(found):,} {outcome_name}{why}")
    if not parts:
        return ["No symbol had a golden cross while it was not held."]
    return [f"{count(len(signals), 'golden cross', 'golden crosses')} of symbols not held: {', '.join(parts)}."]


def _symbol_lines(contribution: pd.DataFrame) -> list[str]:
    """Say what each symbol did for the account, the most profitable first."""
    lines = ["What each symbol gained, open positions included, the most first:"]
    gains = (contribution["profit"] + contribution["open_profit"]).to_numpy()
    for place in np.argsort(-gains, kind="stable"):
        row, symbol, gained = contribution.iloc[place], contribution.index[place], gains[place]
        said = [f"{money(gained)} in {count(row['trades'], 'closed trade')}"]
        said += [f"{int(row[name]):,} {name}" for name in ("cut", "skipped") if row[name]]
        lines.append(f"{symbol}: {', '.join(said)}.")
    return lines


def now_lines(result: PortfolioResult) -> list[str]:
    """Say what is held after the last day, and what it asks for."""
    held = result.trades[result.trades["exit_reason"] == "open"]
    lines = [
        f"After the last {unit_of(pd.DatetimeIndex(result.cash.index))}: {money(result.cash.iloc[-1])} in cash, {money(result.invested.iloc[-1])} in shares."
    ]
    lines += [f"Held, {trade['symbol']}: {entry(trade)}, {leave(trade)}." for _, trade in held.iterrows()]
    orders = [f"{order} {symbol}" for symbol, order in result.pending.items() if order != "none"]
    if orders:
        return [*lines, f"The last bars ask for orders at the next open: {', '.join(orders)}."]
    return [*lines, "The last bars ask for no order."]
