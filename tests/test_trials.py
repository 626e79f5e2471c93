"""The returns of every setting: against the reference's equity, the fast way against the plain one, and symbols joined on the days of all."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.errors import DataError, InputError
from engine.grid import Grid
from engine.kernels.holdings import add_holdings
from engine.selection import trials as module
from engine.selection.trials import Pool, trial_blocks, trials_of
from engine.settings import Settings
from engine.terms import AccountTerms
from tests import adapter, naive, strategies

PAIRS = (1, 2, 3, 5), (2, 3, 7, 20)


def returns_of(capital, equity):
    """Turn the reference's equity into returns; nan from the bar on which nothing is left."""
    points = [capital, *equity]
    out = []
    for before, after in pairwise(points):
        out.append(after / before - 1 if before > 0 and after > 0 else float("nan"))
    return out


@settings(max_examples=300, deadline=None)
@given(
    strategies.markets(min_bars=3), strategies.rules().filter(lambda some: some.multiple != 0), st.sampled_from([1, 5])
)
def test_every_setting_earns_what_the_reference_earns(bars, rules, times):
    bars = bars * times
    grid = Grid.of(PAIRS[0], [slow for slow in PAIRS[1] if slow <= len(bars)], adapter.stop(rules))
    found = trials_of(adapter.prices(bars), grid, Settings(**adapter.arguments(rules)), workers=1)
    assert found.returns.shape == (len(grid.pairs), len(bars))
    for (fast, slow), row in zip(grid.pairs, found.returns, strict=True):
        expected = returns_of(rules.capital, naive.backtest(bars, fast, slow, rules).equity)
        # A return is shares * close / (shares * close before) - 1 on one way, close / close before - 1 on the other.
        assert np.allclose(row, expected, rtol=1e-12, atol=1e-15, equal_nan=True)


@settings(max_examples=100, deadline=None)
@given(strategies.markets(min_bars=3), strategies.windows())
def test_long_short_earns_what_the_reference_earns(bars, pair):
    if pair[1] > len(bars):
        return
    setting = Settings(direction="long_short")
    row = trials_of(adapter.prices(bars), Grid.of(*pair), setting, workers=1).returns[0]
    expected = returns_of(setting.capital, naive.long_short(bars, *pair, naive.Rules()).equity)
    assert np.allclose(row, expected, rtol=1e-12, atol=1e-15, equal_nan=True)


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("kind", ["fixed", "chandelier"])
def test_long_histories_with_several_stops_go_the_fast_way(fill, kind, monkeypatch):
    """More bars than a span of exits has: positions whose stop comes in a later span among them."""
    prices = engine.simulate(3, 5000, seed=5)
    stops = [None, *(engine.TrailingStop(multiple, kind=kind) for multiple in (2.0, 9.0, 40.0))]
    grid, setting = Grid.of([5, 20, 60], [30, 100, 250], stops), Settings(fill=fill, costs=engine.Costs(rate=0.001))
    calls = []

    def add(*given):
        calls.append(given)
        add_holdings(*given)

    monkeypatch.setattr(module, "add_holdings", add)
    quick = trials_of(prices, grid, setting)
    assert len(calls) == 3
    monkeypatch.setattr(module._Piece, "_is_quick", False)
    plain = trials_of(prices, grid, setting)
    assert len(calls) == 3
    assert np.allclose(quick.returns, plain.returns, rtol=1e-12, atol=1e-15)


def test_settings_that_hold_the_same_earn_the_same_bit_for_bit():
    """Else a tie of two neighbours would be broken by the last bit (``cscv`` counts ties)."""
    found = trials_of(
        engine.simulate(1, 1500, seed=3), Grid.of([9, 10, 11], [99, 100, 101]), Settings(costs=engine.Costs(0.001))
    )
    columns = found.returns.T
    distinct = np.abs(np.diff(np.sort(columns, axis=1), axis=1))
    assert (distinct > 0).any()
    assert not ((distinct > 0) & (distinct < 1e-12)).any()


def test_trials_have_the_sharpe_ratios_of_the_sweep():
    prices, windows = engine.simulate(1, 1500, seed=3), (range(5, 60, 5), range(20, 200, 20))
    stops = [None, engine.TrailingStop(3.0)]
    found = trials_of(prices, Grid.of(*windows, stops), Settings())
    table = engine.sweep(prices, *windows, stops).to_frame()
    sharpe = found.returns.mean(axis=1) / found.returns.std(axis=1, ddof=1) * np.sqrt(252)
    assert np.allclose(sharpe, table["sharpe"], rtol=1e-9)
    keys = found.keys()
    assert [tuple(row) for row in keys.itertuples(index=False)] == [key[1:] for key in table.index]


def test_symbols_are_joined_with_equal_money_on_the_days_that_they_have():
    """Three histories: one begins late, one has holes."""
    prices = engine.simulate(3, 300, seed=9)
    first, second, third = (prices[symbol] for symbol in prices)
    holes = np.delete(np.arange(300), [40, 41, 150, 299])
    frames = {"A": first.to_frame(), "B": second.to_frame().iloc[100:], "C": third.to_frame().iloc[holes]}
    mixed = engine.Prices.from_frames(frames)
    grid, setting = Grid.of([3, 8], [15, 40], engine.TrailingStop(2.0)), Settings(costs=engine.Costs(rate=0.002))
    joined = trials_of(mixed, grid, setting)
    singles = {}
    for symbol in mixed:
        one = trials_of(mixed.select([symbol]), grid, setting)
        singles[symbol] = pd.DataFrame(one.returns.T, index=one.pool.days)
    expected = pd.concat(singles).groupby(level=1).mean()
    assert joined.pool.days.equals(expected.index.rename("date"))
    assert np.allclose(joined.returns, expected.to_numpy().T, rtol=1e-12, atol=1e-16)
    held = (
        pd.concat({symbol: frame["close"].pct_change().fillna(0.0) for symbol, frame in frames.items()})
        .groupby(level=1)
        .mean()
    )
    assert np.allclose(joined.pool.held(), held.to_numpy(), rtol=1e-12, atol=1e-16)


def test_blocks_and_threads_do_not_matter():
    prices, grid = engine.simulate(4, 400, seed=2), Grid.of(range(2, 40), range(10, 80, 3), engine.TrailingStop(2.5))
    setting, pool = Settings(), Pool.of(prices, 80)
    whole = trials_of(prices, grid, setting, workers=1)
    blocks = list(trial_blocks(pool, grid, setting, workers=2, most_bytes=8 * 400 * 100))
    assert len(blocks) > 3
    assert np.array_equal(np.concatenate([block.returns for block in blocks]), whole.returns)
    assert pd.concat([block.keys() for block in blocks], ignore_index=True).equals(whole.keys())


def test_a_symbol_that_is_too_short_is_left_out_and_named():
    prices = engine.simulate(2, 300, seed=1)
    short = engine.Prices.from_frames({"A": prices["SIM001"].to_frame(), "B": prices["SIM002"].to_frame().iloc[:30]})
    found = trials_of(short, Grid.of(5, [20, 40]), Settings())
    assert found.pool.symbols == ("A",)
    assert list(found.pool.left_out) == ["B"]
    with pytest.raises(DataError, match="fewer than the slow window"):
        trials_of(short, Grid.of(5, 400), Settings())


def test_a_grid_that_does_not_fit_is_refused_before_any_work():
    with pytest.raises(InputError, match="take fewer settings"):
        trials_of(engine.simulate(1, 300), Grid.of(range(2, 50), range(50, 200)), Settings(), most_bytes=1 << 20)


@pytest.mark.parametrize("costs", [engine.Costs(rate=0.001), engine.costs.nse_delivery("zerodha")])
def test_one_account_earns_what_its_equity_says(costs):
    prices, stops = engine.simulate(4, 500, seed=8), [None, engine.TrailingStop(2.0)]
    account = {"max_positions": 2, "max_weight": 0.6}
    setting = Settings(sizing="all_in_lots", costs=costs)
    grid = Grid.of([5, 8], [20, 30], stops)
    found = trials_of(prices, grid, setting, account=AccountTerms(**account))
    for key, row in zip(found.keys().itertuples(index=False), found.returns, strict=True):
        stop = engine.TrailingStop(key.multiple) if key.multiple else None
        alone = engine.portfolio(prices, key.fast, key.slow, stop, sizing="all_in_lots", costs=costs, **account)
        assert row.tolist() == returns_of(setting.capital, alone.equity.tolist())
