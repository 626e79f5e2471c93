"""From the reference's bars and rules to the engine's arguments, and its results back to the reference's shapes."""

import math
from datetime import datetime, time

import numpy as np
import pandas as pd

import engine
from tests.naive import Bar, Result, Rules, Trade

METRICS = (
    "final_capital",
    "total_return",
    "cagr",
    "sharpe",
    "sortino",
    "max_drawdown",
    "calmar",
    "trades",
    "profit_per_trade",
    "win_rate",
    "profit_factor",
    "exposure",
)
EXACT = ("final_capital", "trades", "profit_per_trade", "win_rate", "profit_factor", "exposure", "skipped")
"""Metrics that are made of trades alone: where these are equal bit for bit, so are the trades."""
SYMBOL = "TEST"


def history(bars: list[Bar], symbol: str = SYMBOL, stamps: list[datetime] | None = None) -> engine.History:
    columns = (np.array(column, dtype=np.float64) for column in zip(*bars, strict=True))
    dates = pd.date_range("2020-01-01", periods=len(bars), freq="h", name="date")
    if stamps is not None:
        dates = pd.DatetimeIndex(stamps, name="date")
    return engine.History(symbol, dates, *columns, np.full(len(bars), 1000.0))


def prices(bars: list[Bar], symbol: str = SYMBOL, stamps: list[datetime] | None = None) -> engine.Prices:
    return engine.Prices.from_histories([history(bars, symbol, stamps)])


def stop(rules: Rules) -> engine.TrailingStop | None:
    if rules.multiple is None:
        return None
    return engine.TrailingStop(rules.multiple, rules.atr_window, rules.atr, rules.stop_kind)


def arguments(rules: Rules) -> dict:
    return {
        "fill": rules.fill,
        "intrabar": rules.intrabar,
        "capital": rules.capital,
        "sizing": rules.sizing,
        "risk": rules.risk,
        "lot": rules.lot,
        "costs": engine.Costs(rules.rate, rules.fixed, rules.minimum, rules.slippage),
        "bars_per_year": rules.bars_per_year,
        "flatten": f"{rules.flatten:%H:%M}" if isinstance(rules.flatten, time) else rules.flatten,
    }


def trades(frame: pd.DataFrame) -> list[Trade]:
    return [
        Trade(
            row.entry_bar,
            row.entry_price,
            None if row.exit_bar is pd.NA else int(row.exit_bar),
            row.exit_price,
            row.quantity,
            row.fees,
            row.profit,
            row.exit_reason,
        )
        for row in frame.itertuples()
    ]


def close_enough(got: float, expected: float, rounding: float = 0.0) -> bool:
    """Compare to 1e-10 relative; ratios near zero (a mean of returns that cancels) to 1e-12 absolute, or to what rounding leaves."""
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    return math.isclose(got, expected, rel_tol=1e-10, abs_tol=max(1e-12, rounding))


def rounding(capital: float, equity, bars_per_year: float) -> dict[str, float]:
    """Bound what rounding does to a ratio (docs/arithmetic.md).

    A return is shares * close / (shares * close before) - 1 on one way, close / close before - 1 on the other: four roundings of 1.1e-16 between them,
    whatever the size of the return. They move the mean, and by the mean's own ratio the deviation too: together below 1e-15.
    """
    points = np.array([capital, *equity])
    if (points <= 0).any():
        return {}
    returns = points[1:] / points[:-1] - 1
    scale = 1e-15 * math.sqrt(bars_per_year)
    drawdown = (points / np.maximum.accumulate(points) - 1).min()
    growth = abs((points[-1] / points[0]) ** (bars_per_year / len(equity)) - 1)
    bounds = {
        "sharpe": (scale, returns.std(ddof=1) if len(returns) > 1 else 0.0),
        "sortino": (scale, math.sqrt((np.minimum(returns, 0) ** 2).mean())),
        "calmar": (1e-15 * growth / abs(drawdown or 1.0), abs(drawdown)),
    }
    return {name: error / size for name, (error, size) in bounds.items() if size > 0}


def assert_metrics(got, expected: dict[str, float], names=METRICS, roundings: dict[str, float] | None = None) -> None:
    wrong = {
        name: (_number(got[name]), expected[name])
        for name in names
        if not close_enough(_number(got[name]), _number(expected[name]), (roundings or {}).get(name, 0.0))
    }
    assert not wrong


def _number(value) -> float:
    return math.nan if value is pd.NA else float(value)


def assert_same(result: engine.BacktestResult, expected: Result) -> None:
    """Hold a backtest of one symbol to the reference: trades and equity bit for bit, metrics to 1e-10."""
    assert trades(result.trades) == expected.trades
    ((symbol, row),) = result.metrics.iterrows()
    assert result.equity[symbol].tolist() == expected.equity
    assert result.pending[symbol] == expected.pending
    assert row["skipped"] == expected.skipped
    assert_metrics(row, expected.metrics)
