"""The story behind the project: SBIN in the article, all symbols of a folder, and the live decision."""

import math
from pathlib import Path

import numpy as np
import pytest

import engine
from engine.kernels.crosses import crosses
from engine.kernels.indicators import averages
from live import decide
from tests import naive

DATA = Path(__file__).parents[2] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="the shared prices are not here")


@pytest.fixture(scope="module")
def recent():
    return engine.load(DATA / "nse_daily_recent", repair=["drop-blank-last", "rescale", "round-ticks"])


@needs_data
def test_sbin_of_the_article(recent):
    """The article behind this project printed 134,865 and 4 trades (orders); Yahoo's prices give 134,868.80 and the same orders."""
    sbin = recent.select(["SBIN"], "2020-04-01", "2025-04-01")
    result = engine.backtest(sbin, 50, 200, fill="close", sizing="all_in_lots", lot=1)
    trades = result.trades
    assert trades["entry_date"].astype(str).tolist() == ["2022-08-22", "2023-06-13"]
    assert trades["entry_price"].tolist() == [511.30, 576.40]
    assert trades["quantity"].tolist() == [195, 173]
    assert trades["exit_date"].astype(str).tolist() == ["2023-03-27", "2025-01-20"]
    assert trades["exit_price"].tolist() == [510.15, 779.25]
    assert round(result.metrics["final_capital"].iloc[0], 2) == 134_868.80


@needs_data
def test_all_symbols_of_a_folder_answer(recent):
    stops = [engine.TrailingStop(multiple) for multiple in (2.0, 3.0, 4.0)]
    result = engine.sweep(recent, range(5, 101, 5), range(20, 301, 10), stops)
    assert len(result.symbols) == 33
    assert not result.left_out
    assert len(result.best("sharpe")) == 33


@needs_data
@pytest.mark.parametrize("folder", ["nse_daily", "nse_daily_recent"])
def test_real_cells_are_the_reference(folder):
    """One pair and stop of every fill on a few real symbols, against the slow reference."""
    prices = engine.load(DATA / folder, repair=["drop-duplicates", "drop-blank-last", "rescale"])
    for symbol, fill, kind in (
        ("SBIN", "next_open", "fixed"),
        ("ITC", "close", "chandelier"),
        ("TCS", "next_open", "chandelier"),
    ):
        stop = engine.TrailingStop(3.0, kind=kind)
        result = engine.backtest(prices.select([symbol]), 20, 50, stop, fill, costs=engine.Costs(rate=0.001))
        bars = [
            naive.Bar(*row) for row in prices[symbol].to_frame()[["open", "high", "low", "close"]].to_numpy().tolist()
        ]
        rules = naive.Rules(fill=fill, multiple=3.0, stop_kind=kind, rate=0.001)
        expected = naive.backtest(bars, 20, 50, rules)
        assert result.equity[symbol].tolist() == expected.equity
        assert len(result.trades) == len(expected.trades) > 10
        assert math.isclose(result.metrics["sharpe"].iloc[0], expected.metrics["sharpe"], rel_tol=1e-10)


@needs_data
def test_exact_ties_are_no_crosses(recent):
    """Where averages of whole paise are exactly equal, by integers, the side does not change."""
    ties = 0
    for symbol in recent:
        close = recent[symbol].close
        paise = np.rint(close * 100).astype(np.int64)
        total = np.r_[0, np.cumsum(paise)]
        for fast, slow in ((5, 20), (10, 50), (20, 60), (50, 200)):
            ends = np.arange(slow, len(close) + 1)
            exact = (total[ends] - total[ends - fast]) * slow - (total[ends] - total[ends - slow]) * fast
            both = averages(close, np.array([fast, slow]))
            assert np.array_equal(np.sign(both[0] - both[1])[slow - 1 :], np.sign(exact))
            signal = np.empty(len(close), np.int8)
            crosses(both[0], both[1], signal)
            tied = np.flatnonzero(exact == 0) + slow - 1
            assert not signal[tied].any()
            ties += len(tied)
    assert ties > 0


def test_the_live_decision_is_the_backtests_next_order():
    prices = engine.simulate(3, 400, seed=6)
    stop = engine.TrailingStop(2.0)
    whole = engine.backtest(prices, 5, 20, stop)
    first_bar = 330
    for t in range(first_bar, 399):
        for decision in decide(prices.select(end=prices["SIM001"].dates[t]), 5, 20, stop):
            trades = whole.trades[whole.trades["symbol"] == decision.symbol]
            entered = (trades["entry_bar"] == t + 1).any()
            left = ((trades["exit_bar"] == t + 1) & (trades["exit_reason"] == "cross")).any()
            assert decision.action == ("buy" if entered else "sell" if left else "none")
            open_after = (trades["entry_bar"] <= t) & ~(trades["exit_bar"].fillna(10**9) <= t)
            assert decision.holding == open_after.any()
            assert decision.date == prices[decision.symbol].dates[t]
