"""From the reference's bars and rules to the engine's arguments, and its results back to the reference's shapes."""

import math

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
SYMBOL = "TEST"


def history(bars: list[Bar], symbol: str = SYMBOL) -> engine.History:
    columns = (np.array(column, dtype=np.float64) for column in zip(*bars, strict=True))
    dates = pd.date_range("2020-01-01", periods=len(bars), name="date")
    return engine.History(symbol, dates, *columns, np.full(len(bars), 1000.0))


def prices(bars: list[Bar], symbol: str = SYMBOL) -> engine.Prices:
    return engine.Prices.from_histories([history(bars, symbol)])


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


def close_enough(got: float, expected: float) -> bool:
    """Compare to 1e-10 relative; ratios near zero (a mean of returns that cancels) to 1e-12 absolute."""
    if math.isnan(expected) or math.isnan(got):
        return math.isnan(expected) and math.isnan(got)
    return math.isclose(got, expected, rel_tol=1e-10, abs_tol=1e-12)


def assert_metrics(got, expected: dict[str, float], names=METRICS) -> None:
    wrong = {
        name: (float(got[name]), expected[name])
        for name in names
        if not close_enough(_number(got[name]), expected[name])
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
