"""From the portfolio reference's cases to the engine's arguments, and its results back to the reference's shapes."""

import math
from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

import engine
from tests import adapter
from tests.naive_portfolio import Pending, PortfolioOutcome, PortfolioRules, PortfolioTrade, Signal
from tests.portfolio_strategies import Case, Series


class Told(NamedTuple):
    """A signal as a tuple that can be compared: what the reference calls None is None in both."""

    symbol: str
    date: date
    strength: float
    wanted: float | None
    quantity: float
    outcome: str
    reason: str


def history(symbol: str, series: Series) -> engine.History:
    columns = (np.array(column, dtype=np.float64) for column in zip(*(bar for _, bar in series), strict=True))
    dates = pd.DatetimeIndex([pd.Timestamp(day) for day, _ in series], name="date")
    return engine.History(symbol, dates, *columns, np.full(len(series), 1000.0))


def prices(bars: dict[str, Series]) -> engine.Prices:
    return engine.Prices.from_histories([history(symbol, series) for symbol, series in bars.items()])


def arguments(rules: PortfolioRules) -> dict:
    ticks = {symbol: float(tick) for symbol, tick in rules.ticks.items() if tick is not None}
    return {
        **adapter.arguments(rules),
        "stop": adapter.stop(rules),
        "max_positions": rules.max_positions,
        "max_weight": rules.max_weight,
        "priority": rules.priority,
        "lot": rules.lots or rules.lot,
        "tick": ticks or None,
    }


def run(case: Case) -> "engine.PortfolioResult":
    return engine.portfolio(prices(case.bars), fast=case.fast, slow=case.slow, **arguments(case.rules))


def plain(value):
    """Return what pandas holds as the reference has it: a date, a moment, a number, a text, None where there is none."""
    if pd.isna(value):
        return None
    if not isinstance(value, pd.Timestamp):
        return value
    return value.date() if value == value.normalize() else value.to_pydatetime()


def trades(frame: pd.DataFrame) -> list[PortfolioTrade]:
    return [
        PortfolioTrade(
            row.symbol,
            plain(row.entry_date),
            row.entry_price,
            plain(row.exit_date),
            row.exit_price,
            row.quantity,
            row.fees,
            row.profit,
            row.exit_reason,
        )
        for row in frame.itertuples()
    ]


def signals(frame: pd.DataFrame) -> list[Told]:
    return [
        Told(
            row.symbol,
            plain(row.date),
            row.strength,
            plain(row.wanted),
            row.quantity,
            row.outcome,
            plain(row.reason) or "",
        )
        for row in frame.itertuples()
    ]


def told(signal: Signal) -> Told:
    return Told(*(getattr(signal, name) for name in Told._fields))


def assert_bars(frame: pd.DataFrame, case: Case) -> None:
    """Bars are counted within a symbol's own history."""
    for row in frame.itertuples():
        days = [day for day, _ in case.bars[row.symbol]]
        assert days[row.entry_bar] == plain(row.entry_date)
        assert pd.isna(row.exit_bar) == pd.isna(row.exit_date)
        assert pd.isna(row.exit_bar) or days[row.exit_bar] == plain(row.exit_date)


def assert_days(got: pd.Series, expected: list[float], outcome: PortfolioOutcome) -> None:
    assert [plain(stamp) for stamp in got.index] == outcome.days
    assert got.tolist() == expected


def assert_same(result: "engine.PortfolioResult", case: Case, expected: PortfolioOutcome) -> None:
    """Hold a portfolio to the reference: trades, signals and every day bit for bit, metrics to 1e-10."""
    assert trades(result.trades) == expected.trades
    assert_bars(result.trades, case)
    assert signals(result.signals) == [told(signal) for signal in expected.signals]
    assert_days(result.cash, expected.cash, expected)
    assert_days(result.invested, expected.invested, expected)
    assert_days(result.equity, expected.equity, expected)
    waiting = [Pending(symbol, side) for symbol, side in result.pending.items() if side != "none"]
    assert list(result.pending.index) == list(case.bars)
    assert waiting == expected.pending
    ((name, row),) = result.metrics.iterrows()
    assert name == "portfolio"
    assert row["skipped"] == expected.skipped
    adapter.assert_metrics(row, expected.metrics)
    assert math.isclose(row["final_capital"], expected.equity[-1])
