"""The portfolio: the fast way against the plain loop, dated costs, vectorbt with shared cash, its words, and what it refuses."""

import warnings
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import engine
from engine.accounts.facade import open_books
from engine.accounts.market import closes_of, dates_of, days_of, market_of, signals_of
from engine.flattening import sessions_through
from engine.kernels.indicators import averages
from engine.kernels.loop import with_multiple
from engine.kernels.metrics import METRICS
from engine.kernels.portfolio import simulate_portfolio
from engine.kernels.trips import Leaves, find_leaves, find_trips, new_trips, run_trips
from engine.report.portfolio import portfolio_text
from engine.results.costs import cost_totals
from engine.settings import Settings
from engine.terms import AccountTerms
from tests import adapter, naive_portfolio, portfolio_adapter, portfolio_strategies

slow = [HealthCheck.too_slow, HealthCheck.data_too_large]
many = settings(max_examples=200, deadline=None, suppress_health_check=slow)
some = settings(max_examples=50, deadline=None, suppress_health_check=slow)

CELL = {"fast": 5, "slow": 20, "stop": engine.TrailingStop(3.0)}
FEES = engine.Costs(rate=0.001, slippage=0.0005)


@pytest.fixture(scope="module")
def market():
    return engine.simulate(5, 600, seed=4)


# The fast way


def both_ways(histories, pair, stop, chosen, terms):
    """Run the plain loop and the trips; give the outcome and the books of both."""
    market = market_of(histories, days_of(histories))
    signals = signals_of(histories, *pair, stop)
    kernel_terms = terms.kernel_terms([history.symbol for history in histories], chosen.capital)
    rules = chosen.kernel_rules(stop, dates_of(histories), sessions_through(histories, chosen.flatten))
    plain, fast = open_books(market, signals), open_books(market, signals)
    expected = simulate_portfolio(market, signals, kernel_terms, rules, plain)
    bars = len(market.day)
    leaves = Leaves(np.empty(bars, np.int64), np.empty(bars), np.empty(bars, np.int8))
    if stop:
        for s in range(len(histories)):
            find_leaves(market, s, signals.atr, kernel_terms, with_multiple(rules, stop.multiple), leaves)
    means = np.concatenate([averages(history.close, np.array(pair)) for history in histories], axis=1)
    trips = new_trips(bars)
    count = find_trips(market, means[0], means[1], trips)
    got = run_trips(market, closes_of(market), trips, count, leaves, signals.atr, kernel_terms, rules, fast)
    return expected, plain, got, fast


@many
@given(st.one_of(portfolio_strategies.cases(full=True), portfolio_strategies.intraday_cases()))
def test_trips_are_the_plain_loop(case):
    arguments = portfolio_adapter.arguments(case.rules)
    names = Settings.__dataclass_fields__
    lots = arguments.pop("lot")
    chosen = Settings(**{name: value for name, value in arguments.items() if name in names})
    terms = AccountTerms(
        arguments["max_positions"], arguments["max_weight"], arguments["priority"], lots, arguments["tick"]
    )
    histories = [portfolio_adapter.history(symbol, series) for symbol, series in case.bars.items()]
    expected, plain, got, fast = both_ways(histories, (case.fast, case.slow), arguments["stop"], chosen, terms)
    waiting = int((plain.signals[: expected.signals, 2] < 0).sum())  # the trips never look at an order that never fills
    assert got == expected._replace(signals=expected.signals - waiting)
    rows = expected.closed + expected.open
    assert np.array_equal(fast.trades[:rows], plain.trades[:rows])
    assert np.array_equal(fast.equity, plain.equity)


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("costs", [FEES, engine.costs.nse_delivery("zerodha")], ids=["plain", "schedule"])
def test_a_cell_of_the_sweep_is_the_portfolio(market, fill, costs):
    shared = {"fill": fill, "costs": costs, "max_positions": 3, "max_weight": 0.5, "tick": 0.05}
    stops = [engine.TrailingStop(2.0), engine.TrailingStop(3.0, kind="fixed")]
    seen = []
    swept = engine.sweep_portfolio(market, [5, 8], [20, 30], stops, **shared, progress=lambda *done: seen.append(done))
    assert len(swept) == 8
    assert seen[-1] == (8, 8)
    for key, row in swept.to_frame().iterrows():
        symbol, fast, slow_window, atr_window, multiple = key
        assert symbol == "portfolio"
        alone = swept.cell(fast, slow_window, atr_window, multiple)
        again = engine.portfolio(market, fast, slow_window, engine.TrailingStop(multiple), **shared)
        assert alone.metrics.equals(again.metrics)
        for name in METRICS:
            assert adapter.close_enough(float(row[name]), float(alone.metrics[name].iloc[0])), name


def test_a_sweep_without_and_with_stops(market):
    swept = engine.sweep_portfolio(market, 5, 20, [None, engine.TrailingStop(1.5)], sizing="all_in_lots", costs=FEES)
    for multiple, stop in ((0.0, None), (1.5, engine.TrailingStop(1.5))):
        alone = engine.portfolio(market, 5, 20, stop, sizing="all_in_lots", costs=FEES)
        key = ("portfolio", 5, 20, 14 if stop else 0, multiple)
        assert swept.to_frame().loc[key, "final_capital"] == alone.equity.iloc[-1]


def test_a_saved_sweep_knows_its_account(market, tmp_path):
    swept = engine.sweep_portfolio(market, 5, [20, 30], max_positions=2, costs=engine.costs.us_ib_fixed())
    swept.save(tmp_path / "cells.parquet")
    back = engine.SweepResult.load(tmp_path / "cells.parquet")
    assert back.account == {**swept.terms.to_dict(), "symbols": list(market.symbols)}
    assert back.settings == swept.settings
    assert back.to_frame().equals(swept.to_frame())


def test_one_worker_or_two_make_no_difference(market):
    one, two = (
        engine.sweep_portfolio(market, range(3, 12), range(12, 40, 3), costs=FEES, workers=workers)
        for workers in (1, 2)
    )
    assert np.array_equal(one.values, two.values, equal_nan=True)


def test_little_memory_makes_no_difference(market, monkeypatch):
    whole = engine.sweep_portfolio(market, range(3, 9), range(12, 40, 6))
    monkeypatch.setattr("engine.accounts.sweep.MOST_BYTES", 8 * 4 * sum(len(market[s]) for s in market.symbols))
    pieces = engine.sweep_portfolio(market, range(3, 9), range(12, 40, 6))
    assert np.array_equal(whole.values, pieces.values, equal_nan=True)


def test_an_interrupt_keeps_what_is_done(market):
    def stop_early(done, _total):
        if done > 32:
            raise KeyboardInterrupt

    with pytest.raises(engine.sweeping.SweepInterruptedError) as caught:
        engine.sweep_portfolio(market, range(3, 12), range(12, 40, 3), workers=1, progress=stop_early)
    partial = caught.value.partial
    known = ~np.isnan(partial.values[..., 0])
    assert not partial.finished
    assert 0 < known.sum() < known.size


# Identities


@some
@given(portfolio_strategies.cases(full=True))
def test_the_books_balance_on_every_day(case):
    result = portfolio_adapter.run(case)
    rules, trades = case.rules, result.trades
    lots = {symbol: Fraction(str(lot)) for symbol, lot in rules.lots.items()}
    assert (result.cash >= -1e-9 * rules.capital).all() or rules.minimum or rules.fixed or rules.rate
    if rules.sizing != "all_in":
        for trade in trades.itertuples():
            whole = trade.quantity / float(lots.get(trade.symbol, 1))
            assert whole == pytest.approx(round(whole), rel=1e-12)
    for day, equity in result.equity.items():
        assert equity == pytest.approx(gross(result, case, day.date()), rel=1e-9)


def gross(result, case, day):
    """Return capital + gross profit realised and open - fees paid, up to a day, from the trades alone."""
    total = case.rules.capital
    for trade in portfolio_adapter.trades(result.trades):
        if trade.entry_date > day:
            continue
        left = trade.exit_date is not None and trade.exit_date <= day
        price = trade.exit_price if left else last_close(case.bars[trade.symbol], day)
        value_in, value_out = trade.quantity * trade.entry_price, trade.quantity * price
        exit_fee = fee(value_out, case.rules) if left else 0.0
        entry_fee = trade.fees - (fee(trade.quantity * trade.exit_price, case.rules) if trade.exit_date else 0.0)
        total += value_out - value_in - entry_fee - exit_fee
    return total


def fee(value, rules):
    return max(rules.minimum, rules.fixed + rules.rate * value)


def last_close(series, day):
    return [bar.close for date, bar in series if date <= day][-1]


# Dated costs


@some
@given(portfolio_strategies.cases(full=True))
def test_a_schedule_is_the_reference_too(case):
    schedule = engine.costs.nse_delivery(
        engine.costs.Brokerage(rate=0.001, minimum=1.0, cap=20.0, depository=2.0), slippage=case.rules.slippage
    ).with_rate(
        # A change within the days of the cases, which are in 2020, so that the date of the fill matters.
        engine.costs.DatedRate("surcharge", "clearing_per_share", "both", 0.01, None, None, "made up")
    )
    assume(case.rules.sizing != "all_in" or case.rules.capital > 5_000)

    def charged(side, price, quantity, day):
        known = max(day, schedule_begin)
        return schedule.fee(side, price, quantity, known).total

    schedule_begin = naive_portfolio.date(2020, 7, 1)
    rules = replace(case.rules, fee=charged)
    arguments = {**portfolio_adapter.arguments(case.rules), "costs": schedule}
    result = engine.portfolio(portfolio_adapter.prices(case.bars), fast=case.fast, slow=case.slow, **arguments)
    expected = naive_portfolio.run(case.bars, case.fast, case.slow, rules)
    assert portfolio_adapter.trades(result.trades) == expected.trades
    assert result.equity.tolist() == expected.equity


def test_the_date_of_the_fill_decides(market):
    dates = market[market.symbols[0]].dates
    change = dates[300].date()
    cheap = engine.costs.Brokerage(rate=0.0).rates()
    dear = engine.costs.DatedRate("brokerage", "rate", "both", 0.01, change, None, "made up")
    schedule = engine.costs.CostSchedule("made up", "INR", cheap).with_rate(dear)
    result = engine.backtest(market, 5, 20, costs=schedule, sizing="all_in_lots")
    for trade in adapter_rows(result.trades):
        owed = (
            0.01
            * trade.quantity
            * (
                trade.entry_price * (trade.entry_date.date() >= change)
                + (0 if trade.exit_reason == "open" else trade.exit_price * (trade.exit_date.date() >= change))
            )
        )
        assert trade.fees == pytest.approx(owed, rel=1e-12)
    assert result.trades["fees"].max() > 0
    assert result.trades["fees"].min() == 0


def adapter_rows(frame):
    return list(frame.itertuples())


def test_a_sweep_with_a_schedule_is_the_backtest(market):
    costs = engine.costs.nse_delivery("zerodha", slippage=0.001)
    stops = [None, engine.TrailingStop(3.0)]
    swept = engine.sweep(market, [5, 8], [20, 30], stops, costs=costs)
    for (symbol, *cell), row in swept.to_frame().iterrows():
        alone = swept.cell(symbol, *cell)
        assert row["final_capital"] == alone.metrics.loc[symbol, "final_capital"]


def test_cost_totals_are_the_orders(market):
    costs = engine.costs.nse_delivery("zerodha", slippage=0.001)
    result = engine.backtest(market, 5, 20, costs=costs, sizing="all_in_lots")
    totals = cost_totals(result.trades, costs)
    paid = sum(
        costs.fee(side, price, trade.quantity, max(date.date(), naive_portfolio.date(2020, 7, 1))).total
        for trade in adapter_rows(result.trades)
        for side, price, date in (
            ("buy", trade.entry_price, trade.entry_date),
            ("sell", trade.exit_price, trade.exit_date),
        )
        if not (side == "sell" and trade.exit_reason == "open")
    )
    assert totals.fees == pytest.approx(paid, rel=1e-12)
    assert sum(totals.parts.values()) == pytest.approx(paid, rel=1e-12)
    assert set(totals.parts) >= {"STT", "stamp duty", "NSE transaction charge", "GST", "depository charge"}
    free = engine.backtest(market, 5, 20, sizing="all_in_lots").trades.iloc[0]
    first = result.trades.iloc[0]
    assert first["entry_price"] == free["entry_price"] * 1.001
    early = (result.trades["entry_date"] < "2020-07-01").sum() + (result.trades["exit_date"] < "2020-07-01").sum()
    assert totals.outside[0].startswith(f"{early} of {totals.orders} orders were charged by rates of other days")


# The third witness


def test_shared_cash_is_vectorbt():
    """All-in with fractional shares, fills at the close, sells first, then the buys by name: what vectorbt does if it is told the order of calls."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd
        import vectorbt as vbt

        market = engine.simulate(4, 800, seed=8)
        ours = engine.portfolio(
            market, 5, 20, None, fill="close", sizing="all_in", priority="alphabetical", costs=engine.Costs(rate=0.001)
        )
        cross = signals_of([market[symbol] for symbol in market.symbols], 5, 20, None).cross.reshape(4, -1).T
        close = pd.DataFrame({symbol: market[symbol].close for symbol in market.symbols})
        sequence = np.argsort(np.where(cross == -1, 0, 1), axis=1, kind="stable")
        theirs = vbt.Portfolio.from_signals(
            close,
            cross == 1,
            cross == -1,
            fees=0.001,
            init_cash=100_000.0,
            min_size=0,
            freq="D",
            group_by=True,
            cash_sharing=True,
            call_seq=sequence,
        )
        assert np.allclose(theirs.value().to_numpy(), ours.equity.to_numpy(), rtol=1e-12)
        assert len(theirs.trades.records) == len(ours.trades) > 20
        assert (ours.signals["outcome"] == "skipped").sum() > 20


# Words and refusals


def test_the_text_says_what_there_is(market):
    result = engine.portfolio(market, 5, 20, costs=FEES, max_positions=2, max_weight=0.4, tick=0.05, capital=50_000)
    lines = portfolio_text(result, market)
    assert lines[0].startswith("Portfolio of 5 symbols, fast 5, slow 20, stop 3 ATR of 14 bars, ")
    assert f"became {result.equity.iloc[-1]:,.2f}" in lines[0]
    text = "\n".join(lines)
    assert text.isascii()
    skipped = (result.signals["outcome"] == "skipped").sum()
    assert f"{skipped} skipped" in text
    assert "by positions" in text
    assert (
        "Account: at most 2 positions, at most 40.00 percent of equity in each; the strongest cross buys first" in text
    )
    fees = result.trades["fees"].sum()
    assert f"{fees:,.2f} in fees" in text
    assert "Capital of the account: 50,000.00." in text


def test_the_fee_at_which_the_gain_ends():
    market = engine.simulate(3, 900, seed=3, drift=0.001)
    result = engine.portfolio(market, 5, 20, costs=engine.Costs(rate=0.0005))
    line = next(line for line in portfolio_text(result, market) if "stops being profitable" in line)
    percent = float(line.split("costs ")[1].split(" percent")[0])
    for shift, gains in ((-0.02, True), (0.02, False)):
        again = engine.portfolio(market, 5, 20, costs=engine.Costs(rate=(percent + shift) / 100))
        assert bool(again.equity.iloc[-1] > 100_000) is gains


def test_nothing_was_ever_affordable(market):
    result = engine.portfolio(market, 5, 20, capital=20.0)
    assert result.trades.empty
    assert (result.equity == 20.0).all()
    assert any("nothing was ever affordable" in note for note in result.notes)
    assert any("Nothing was ever bought" in note for note in result.notes)
    assert "Nothing was ever bought" in portfolio_text(result, market)[2]


@pytest.mark.parametrize(("weight", "reason"), [(0.4, "weight"), (None, "cash")])
def test_a_distance_of_nothing_is_not_what_forbids_a_buy(weight, reason):
    """The risk rule has no say then; hypothesis found that the signal was said to fail by it."""
    close = [10.0, 10.0, 10.0, 9.0, 9.6, 9.6, 9.6, 9.6]  # the averages cross on a bar that does not move
    frame = pd.DataFrame(
        dict.fromkeys(("open", "high", "low", "close"), close), pd.bdate_range("2024-01-01", periods=8)
    )
    result = engine.portfolio(
        engine.Prices.from_frames({"X": frame.assign(volume=1.0)}),
        2,
        3,
        engine.TrailingStop(1.0, 1),
        capital=40.0,
        sizing="risk",
        lot=5,
        max_weight=weight,
    )
    assert result.signals[["outcome", "reason", "wanted"]].to_numpy().tolist() == [["skipped", reason, 0.0]]


def test_a_tick_that_the_prices_do_not_fit_is_said(market):
    fits = engine.portfolio(market, 5, 20, tick=0.05).notes
    coarse = engine.portfolio(market, 5, 20, tick=0.5).notes
    share = np.mean(
        [
            np.abs(prices / 0.5 - np.round(prices / 0.5)) > 1e-6
            for symbol in market.symbols
            for prices in (getattr(market[symbol], name) for name in ("open", "high", "low", "close"))
        ]
    )
    assert not any("tick" in note for note in fits)
    assert any(f"{100 * share:.2f} percent of the prices" in note for note in coarse)


def test_a_history_that_ends_while_held_is_said(market):
    whole = engine.portfolio(market, 5, 20, None, sizing="all_in_lots", max_weight=0.2)
    lasting = whole.trades[
        (whole.trades["exit_bar"] - whole.trades["entry_bar"] > 9) & (whole.trades["exit_reason"] == "cross")
    ]
    trade = lasting.iloc[0]
    symbol, last = trade["symbol"], trade["exit_bar"] - 3
    history = market[symbol]
    cut = engine.History(
        symbol, history.dates[:last], *(getattr(history, n)[:last] for n in ("open", "high", "low", "close", "volume"))
    )
    others = [market[name] for name in market.symbols if name != symbol]
    result = engine.portfolio(
        engine.Prices.from_histories([cut, *others]), 5, 20, None, sizing="all_in_lots", max_weight=0.2
    )
    assert any(note.startswith(f"{symbol} is still held, but its history ends on") for note in result.notes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lot": {"NONE": 5}}, "lot: no prices for NONE"),
        ({"tick": {"NONE": 0.05}}, "tick: no prices for NONE"),
        ({"priority": ["NONE"]}, "priority: no prices for NONE"),
        ({"priority": "weakest"}, "priority is 'weakest'"),
        ({"stop": None}, "needs a stop"),
        ({"risk": -0.1}, "risk is -0.1"),
        ({"risk": 1.5}, "risk is 1.5"),
        ({"max_positions": 0}, "max positions is 0"),
        ({"max_weight": 1.5}, "max weight is 1.5"),
        ({"tick": 0}, "tick is 0"),
        ({"lot": {"SIM001": -1}}, "lot of SIM001 is -1"),
        ({"fast": [5, 8]}, "one fast and one slow window"),
        ({"intrabar": "both"}, "intrabar 'both'"),
        ({"costs": 0.001}, "costs is 0.001"),
        ({"capital": 0}, "capital is 0"),
        ({"priority": ["SIM001", "SIM001"]}, "named twice"),
    ],
)
def test_bad_input_is_refused_in_one_line(market, arguments, message):
    with pytest.raises(engine.InputError, match=message) as caught:
        engine.portfolio(market, **{**CELL, **arguments})
    assert "\n" not in str(caught.value)


def test_symbols_that_are_too_short_are_left_out(market):
    short = engine.simulate(1, 15, seed=1)["SIM001"]
    prices = engine.Prices.from_histories([rename(short), *(market[s] for s in market.symbols)])
    result = engine.portfolio(prices, 5, 20)
    assert result.left_out == {"SHORT": "SHORT has 15 bars, fewer than the slow window of 20"}
    assert result.symbols == market.symbols


def rename(history):
    return engine.History(
        "SHORT", history.dates, history.open, history.high, history.low, history.close, history.volume
    )
