"""To other libraries: orders, returns, and vectorbt portfolios of our fills, held to our equity on every bar."""

import itertools
import math
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from tests import adapter, naive, portfolio_adapter, portfolio_strategies, strategies
from tests.naive import Bar

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import empyrical
    import vectorbt as vbt

STOP = engine.TrailingStop(2.0, 3)
INDIAN = engine.costs.nse_delivery("zerodha", slippage=0.0005)


def value_of(portfolio, name=None):
    value = portfolio.value()
    return (value if name is None or isinstance(value, pd.Series) else value[name]).tolist()


def assert_equal(value, equity):
    assert len(value) == len(equity)
    assert [pair for pair in zip(value, equity, strict=True) if not math.isclose(*pair, rel_tol=1e-12)] == []


def replayed(orders, capital):
    """Go through the orders one by one, in plain Python: cash and shares after each."""
    cash, shares, lowest = capital, 0.0, capital
    for order in orders.itertuples():
        sign = 1 if order.side == "buy" else -1
        cash = cash - sign * order.quantity * order.price - order.fees
        shares = shares + sign * order.quantity
        lowest = min(lowest, cash)
        yield order.bar, cash, shares


def refused_with_reason(error, result, orders, capital):
    """A refusal is right only where doubles cannot do it: money all but gone, or cash that is left over by a billionth."""
    assert "vectorbt cannot represent this result to a part in 10^12" in str(error)
    (equity,) = result.values() if isinstance(result, dict) else (result,)
    cash = [capital, *(after for _, after, _ in replayed(orders, capital))]
    tiny = [left for left in cash if 1e-11 * capital < abs(left) < 1e-8 * capital]
    assert equity.min() < 1e-2 * capital or tiny, error


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_value_is_our_equity_for_any_signals_stops_sizes_and_costs(data):
    rules = data.draw(strategies.rules())
    rules = naive.Rules(**{**vars(rules), "multiple": rules.multiple or None}) if rules.sizing != "risk" else rules
    if rules.multiple == 0.0:
        return
    bars = data.draw(strategies.markets(2, 60))
    signals = np.array(data.draw(strategies.signals(len(bars))))
    prices = adapter.prices(bars)
    result = engine.from_signals(
        prices,
        {adapter.SYMBOL: signals == 1},
        {adapter.SYMBOL: signals == -1},
        stop=adapter.stop(rules),
        **adapter.arguments(rules),
    )
    equity = result.equity[adapter.SYMBOL]
    try:
        portfolio = result.to_vectorbt()
    except engine.InputError as error:
        refused_with_reason(error, result.equity, result.orders, rules.capital)
        return
    assert_equal(value_of(portfolio), equity.tolist())
    assert portfolio.orders.count() == len(result.orders)
    assert portfolio.trades.closed.count() == result.metrics["trades"].iloc[0]


@settings(max_examples=100, deadline=None)
@given(case=portfolio_strategies.cases(full=True), scheduled=st.booleans())
def test_value_is_our_equity_for_accounts(case, scheduled):
    arguments = portfolio_adapter.arguments(case.rules)
    if scheduled:
        arguments["costs"] = INDIAN
    prices = portfolio_adapter.prices(case.bars)
    result = engine.portfolio(prices, case.fast, case.slow, **arguments)
    try:
        portfolio = result.to_vectorbt()
    except engine.InputError as error:
        refused_with_reason(error, result.equity, result.orders, case.rules.capital)
        return
    assert_equal(value_of(portfolio), result.equity.tolist())
    assert portfolio.orders.count() == len(result.orders)


def test_symbols_of_their_own_days_and_money():
    bars = engine.simulate(3, 300, seed=2)
    later = bars.select(["SIM002"], start=bars["SIM002"].dates[40])
    prices = engine.Prices.from_histories([bars["SIM001"], later["SIM002"], bars["SIM003"].between(0, 250)])
    result = engine.backtest(prices, 5, 20, STOP, costs=INDIAN)
    portfolio = result.to_vectorbt()
    assert list(portfolio.value().columns) == list(prices.symbols)
    for symbol in prices:
        value = portfolio.value()[symbol]
        assert_equal(value.loc[prices[symbol].dates].tolist(), result.equity[symbol].tolist())
    assert value_of(portfolio, "SIM002")[:40] == [100_000.0] * 40
    assert portfolio.value()["SIM003"].iloc[-1] == portfolio.value()["SIM003"].iloc[249]


def test_a_cell_of_a_sweep():
    prices = engine.simulate(2, 400, seed=21)
    costs = engine.Costs(rate=0.001, slippage=0.0005)
    cell = engine.sweep(prices, [5, 10], 20, [None, STOP], costs=costs).cell("SIM002", 5, 20, 3, 2.0)
    portfolio = cell.to_vectorbt()
    assert isinstance(portfolio, vbt.Portfolio)
    assert_equal(value_of(portfolio), cell.equity["SIM002"].tolist())
    assert portfolio.sharpe_ratio(year_freq="252 days") == pytest.approx(cell.metrics.loc["SIM002", "sharpe"], rel=1e-9)
    account = engine.sweep_portfolio(prices, [5, 10], 20, STOP, costs=costs).cell(5, 20, 3, 2.0)
    assert_equal(value_of(account.to_vectorbt()), account.equity.tolist())


def two_on_a_bar(fill):
    """Give prices and entries where a stop and a purchase share a bar: bought and stopped, or stopped and bought again."""
    calm = [Bar(100.0, 101.0, 99.0, 100.0)] * 5
    fall = Bar(100.0, 100.5, 90.0, 95.0)
    bars = [*calm, fall, *[Bar(95.0, 96.0, 94.5, 95.5)] * 4]
    entries = np.zeros(len(bars), bool)
    entries[[3, 5] if fill == "close" else [4]] = True
    return adapter.prices(bars), {adapter.SYMBOL: entries}, {adapter.SYMBOL: np.zeros(len(bars), bool)}


@pytest.mark.parametrize("fill", ["close", "next_open"])
def test_two_orders_on_a_bar(fill):
    result = engine.from_signals(*two_on_a_bar(fill), stop=STOP, fill=fill, costs=engine.Costs(rate=0.001))
    on_the_bar = result.orders[result.orders["bar"] == 5]
    assert on_the_bar["side"].tolist() == (["sell", "buy"] if fill == "close" else ["buy", "sell"])
    assert_equal(value_of(result.to_vectorbt()), result.equity[adapter.SYMBOL].tolist())


def test_vectorbt_itself_trades_the_same_orders():
    """Its own simulation fills our orders without a rejection, where no bar has two of them, and comes to the same value."""
    prices = engine.simulate(1, 500, seed=8)
    result = engine.backtest(
        prices, 5, 20, costs=engine.Costs(rate=0.001, fixed=5.0, slippage=0.0005), sizing="all_in_lots"
    )
    orders = result.orders
    assert orders["bar"].is_unique
    assert len(orders) > 10
    size, price, fees = (np.full(500, fill) for fill in (np.nan, np.nan, 0.0))
    size[orders["bar"]] = np.where(orders["side"] == "buy", 1, -1) * orders["quantity"]
    price[orders["bar"]], fees[orders["bar"]] = orders["price"], orders["fees"]
    theirs = vbt.Portfolio.from_orders(
        pd.Series(prices["SIM001"].close),
        size,
        price=price,
        fixed_fees=fees,
        init_cash=100_000.0,
        raise_reject=True,
    )
    assert_equal(value_of(theirs), result.equity["SIM001"].tolist())
    ours = result.to_vectorbt()
    for name in ("idx", "size", "price", "fees", "side"):
        assert theirs.orders.records[name].tolist() == ours.orders.records[name].tolist(), name
    assert theirs.trades.records["pnl"].tolist() == pytest.approx(ours.trades.records["pnl"].tolist(), rel=1e-12)


def test_what_vectorbt_rounds_away_is_refused():
    # 0.00005 of 100,000 stays in cash: vectorbt takes a sum that small for 0.
    price = (100_000.0 - 0.00005) / 1000
    bars = [Bar(price, price, price, price)] * 4
    entries = {adapter.SYMBOL: [True, False, False, False]}
    exits = {adapter.SYMBOL: [False] * 4}
    result = engine.from_signals(adapter.prices(bars), entries, exits, sizing="all_in_lots", lot=1000)
    assert result.equity[adapter.SYMBOL].iloc[-1] == pytest.approx(100_000.0, abs=1e-9)
    with pytest.raises(
        engine.InputError, match=r"cannot represent this result .* on 2020-01-01 its value would be 99999.99995"
    ):
        result.to_vectorbt()


def test_what_has_no_orders_or_no_prices_is_refused():
    prices = engine.simulate(1, 300)
    short = engine.backtest(prices, 5, 20, direction="long_short")
    for ask in (short.to_vectorbt, lambda: short.orders):
        with pytest.raises(engine.InputError, match="long_short backtest has no orders"):
            ask()
    bare = engine.backtest(prices, 5, 20)
    object.__setattr__(bare, "prices", None)
    with pytest.raises(engine.InputError, match="has not its prices at hand"):
        bare.to_vectorbt()


def test_without_vectorbt_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "vectorbt", None)
    with pytest.raises(engine.InputError, match=r"pip install 'goldencross\[vectorbt\]'"):
        engine.backtest(engine.simulate(1, 300), 5, 20).to_vectorbt()


@settings(max_examples=100, deadline=None)
@given(bars=strategies.markets(4, 60), rules=strategies.rules(), windows=strategies.windows(3, 4))
def test_orders_are_the_trades_of_the_reference(bars, rules, windows):
    if rules.multiple == 0.0 or len(bars) < windows[1]:
        return
    expected = naive.backtest(bars, *windows, rules)
    result = engine.backtest(adapter.prices(bars), *windows, adapter.stop(rules), **adapter.arguments(rules))
    told = []
    for trade in expected.trades:
        told.append((trade.entry_bar, "buy", trade.entry_price, trade.quantity))
        if trade.exit_bar is not None:
            told.append((trade.exit_bar, "sell", trade.exit_price, trade.quantity))
    orders = result.orders
    assert list(zip(orders["bar"], orders["side"], orders["price"], orders["quantity"], strict=True)) == told
    for order in orders.itertuples():
        charged = naive.fee_of(order.quantity * order.price, rules)
        assert order.fees == pytest.approx(charged, rel=1e-9, abs=1e-11 * order.quantity * order.price)
    for bar, cash, shares in replayed(orders, rules.capital):
        here = orders[orders["bar"] == bar]
        if len(here) == 1 and shares == 0.0:
            assert cash == pytest.approx(expected.equity[bar], abs=1e-11 * rules.capital)


def slow_returns(equity, capital):
    """The contract's r[t], in plain Python; once equity is not positive there is nothing left to grow."""
    points = [capital, *equity]
    alive, returns = True, []
    for before, after in itertools.pairwise(points):
        alive = alive and before > 0
        returns.append(after / before - 1 if alive else math.nan)
    return returns


@settings(max_examples=100, deadline=None)
@given(bars=strategies.markets(4, 60), rules=strategies.rules(), windows=strategies.windows(3, 4))
def test_returns_are_those_of_the_contract(bars, rules, windows):
    if rules.multiple == 0.0 or len(bars) < windows[1]:
        return
    expected = naive.backtest(bars, *windows, rules)
    result = engine.backtest(adapter.prices(bars), *windows, adapter.stop(rules), **adapter.arguments(rules))
    got = result.returns[adapter.SYMBOL]
    np.testing.assert_array_equal(got.to_numpy(), slow_returns(expected.equity, rules.capital))


def test_a_ruined_account_keeps_the_return_of_its_ruin():
    bars = [Bar(100.0, 100.0, 100.0, 100.0)] * 4
    entries, exits = {adapter.SYMBOL: [True, False, False, False]}, {adapter.SYMBOL: [False, True, False, False]}
    costs = engine.Costs(minimum=600.0)
    result = engine.from_signals(adapter.prices(bars), entries, exits, fill="close", capital=1000.0, costs=costs)
    assert result.equity[adapter.SYMBOL].tolist() == [400.0, -200.0, -200.0, -200.0]
    returns = result.returns[adapter.SYMBOL].tolist()
    assert returns[:2] == [-0.6, -1.5]
    assert all(math.isnan(value) for value in returns[2:])


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata"])
def test_returns_as_pyfolio_and_empyrical_take_them(zone):
    prices = engine.simulate(2, 400, seed=21)
    if zone:
        frames = {symbol: frame.tz_localize(zone) for symbol, frame in prices.to_frames().items()}
        prices = engine.Prices.from_frames(frames)
    result = engine.backtest(prices, 5, 20, STOP, costs=engine.Costs(rate=0.001))
    assert isinstance(result.returns, pd.DataFrame)
    assert result.returns.index.tz is None
    assert result.returns.index.equals(prices["SIM001"].dates.tz_localize(None))
    account = engine.portfolio(prices, 5, 20, STOP)
    assert isinstance(account.returns, pd.Series)
    for returns, row in (
        *((result.returns[symbol].dropna(), row) for symbol, row in result.metrics.iterrows()),
        (account.returns, account.metrics.loc["portfolio"]),
    ):
        assert empyrical.sharpe_ratio(returns) == pytest.approx(row["sharpe"], rel=1e-10)
        assert empyrical.max_drawdown(returns) == pytest.approx(row["max_drawdown"], rel=1e-10)


def test_returns_as_quantstats_takes_them():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        quantstats = pytest.importorskip("quantstats")
    result = engine.backtest(engine.simulate(1, 400, seed=21), 5, 20, STOP)
    returns = result.returns["SIM001"]
    assert quantstats.stats.sharpe(returns, periods=252) == pytest.approx(result.metrics["sharpe"].iloc[0], rel=1e-10)
    assert quantstats.stats.comp(returns) == pytest.approx(result.metrics["total_return"].iloc[0], rel=1e-10)
    assert quantstats.stats.max_drawdown(returns) == pytest.approx(result.metrics["max_drawdown"].iloc[0], rel=1e-10)


def test_mixed_zones_share_an_account():
    one, two = (engine.simulate(1, 300, seed=seed)["SIM001"] for seed in (3, 4))
    histories = [
        engine.History("A", one.dates.tz_localize("Asia/Kolkata"), one.open, one.high, one.low, one.close, one.volume),
        engine.History("B", two.dates, two.open, two.high, two.low, two.close, two.volume),
    ]
    prices = engine.Prices.from_histories(histories)
    account = engine.portfolio(prices, 5, 20, STOP)
    assert_equal(value_of(account.to_vectorbt()), account.equity.tolist())
    result = engine.backtest(prices, 5, 20, STOP)
    portfolio = result.to_vectorbt()
    for symbol in prices:
        assert_equal(value_of(portfolio, symbol), result.equity[symbol].tolist())
