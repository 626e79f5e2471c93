"""The reference against things that are not the reference: empyrical, fractions, identities, and its own past."""

import math
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import empyrical
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests import naive, strategies
from tests.naive import Bar, Rules

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


# Averages


def test_mean_of_ticks_is_that_of_the_decimals():
    # As doubles, 0.1 + 0.2 is a little more than 0.3.
    assert naive.mean([0.1, 0.2]) == 0.15
    assert naive.mean([0.1, 0.2, 0.3]) == 0.2
    assert naive.mean([1e-05, 3e-05]) == 2e-05


def test_mean_of_other_numbers_is_that_of_the_doubles():
    assert naive.mean([1e-06, 0.1, 0.2]) == float((Fraction(1e-06) + Fraction(0.1) + Fraction(0.2)) / 3)
    large = [2.0**31, 0.1, 0.2]  # 2^31 is no tick: "below 2^31 in size"
    assert naive.mean(large) == float(sum(map(Fraction, large)) / 3)


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=30), st.integers(0, 5))
def test_mean_of_decimals(numbers, places):
    values = [number / 10**places for number in numbers]
    small = all(abs(value) < 2**31 for value in values)
    exact = Fraction(sum(numbers), 10**places) if small else sum(map(Fraction, values))
    assert naive.mean(values) == float(exact / len(values))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_mean_does_not_depend_on_order(values):
    assert naive.mean(values) == naive.mean(values[::-1])


@given(st.floats(0.001, 1e6), st.integers(1, 50))
def test_mean_of_equal_values_is_the_value(value, size):
    assert naive.mean([value] * size) == value


def test_sma_against_numpy():
    closes = np.random.default_rng(1).uniform(50, 150, 200)
    ours = naive.sma(closes.tolist(), 20)
    assert ours[:19] == [None] * 19
    np.testing.assert_allclose(ours[19:], np.convolve(closes, np.ones(20) / 20, "valid"), rtol=1e-13)


@given(strategies.tick_markets(5, 30), st.integers(1, 5))
def test_wilder_is_seeded_with_the_mean(bars, window):
    wilder, plain = naive.atr(bars, window, "wilder"), naive.atr(bars, window, "sma")
    assert wilder[:window] == plain[:window]
    pairs = zip(wilder, wilder[1:], naive.true_range(bars)[1:], strict=False)
    for before, now, reach in list(pairs)[window - 1 :]:
        assert now == pytest.approx(before + (reach - before) / window, rel=1e-12, abs=1e-12)


def test_true_range_counts_the_gap():
    bars = [Bar(10, 12, 9, 11), Bar(15, 16, 14, 15), Bar(8, 9, 7, 8)]
    assert naive.true_range(bars) == [3, 5, 8]


# Crosses


def test_a_touch_is_no_signal():
    slow = [5.0] * 7
    assert naive.crosses([4.0, 5.0, 4.0, 5.0, 6.0, 5.0, 4.0], slow) == [0, 0, 0, 0, 1, 0, -1]


def test_the_first_side_is_no_cross():
    assert naive.crosses([None, 5.0, 6.0, 4.0], [None, 5.0, 5.0, 5.0]) == [0, 0, 0, -1]


@given(strategies.markets(), strategies.windows())
@few
def test_crosses_alternate(bars, pair):
    crosses = [cross for cross in naive.crosses(*naive.averages_of_closes(bars, *pair)) if cross]
    assert all(cross == -before for before, cross in pairwise(crosses))


# Metrics


@pytest.fixture(scope="module")
def returns() -> pd.Series:
    values = np.random.default_rng(7).standard_t(4, 1250) * 0.01 + 0.0004
    values[0] = -0.03
    return pd.Series(values, index=pd.bdate_range("2021-01-04", periods=1250))


@pytest.fixture(scope="module")
def figures(returns) -> dict[str, float]:
    equity = (1000.0 * (1 + returns).cumprod()).tolist()
    return naive.metrics(1000.0, equity, [], [True] * len(equity), 252.0)


def test_metrics_against_numbers_written_down(figures):
    assert figures["sharpe"] == pytest.approx(-0.096798, abs=5e-7)
    assert figures["sortino"] == pytest.approx(-0.140466, abs=5e-7)
    assert figures["max_drawdown"] == pytest.approx(-0.442528, abs=5e-7)
    assert figures["calmar"] == pytest.approx(-0.094444, abs=5e-7)
    assert figures["cagr"] == pytest.approx(-0.041794, abs=5e-7)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("sharpe", empyrical.sharpe_ratio),
        ("sortino", empyrical.sortino_ratio),
        ("max_drawdown", empyrical.max_drawdown),
        ("calmar", empyrical.calmar_ratio),
        ("cagr", empyrical.annual_return),
        ("total_return", empyrical.cum_returns_final),
    ],
)
def test_metrics_against_empyrical(figures, returns, name, theirs):
    assert figures[name] == pytest.approx(theirs(returns), rel=1e-9)


def test_metrics_that_are_not_defined():
    flat = naive.metrics(100.0, [100.0] * 5, [], [False] * 5, 252.0)
    assert all(math.isnan(flat[name]) for name in ("sharpe", "sortino", "calmar", "profit_per_trade"))
    assert all(math.isnan(flat[name]) for name in ("win_rate", "profit_factor"))
    assert (flat["cagr"], flat["max_drawdown"], flat["trades"], flat["exposure"]) == (0, 0, 0, 0)
    ruined = naive.metrics(100.0, [50.0, -1.0, 5.0], [], [True] * 3, 252.0)
    assert all(math.isnan(ruined[name]) for name in ("cagr", "sharpe", "sortino", "calmar"))
    assert ruined["max_drawdown"] == pytest.approx(-1.01)
    rising = naive.metrics(100.0, [101.0, 103.0], [], [True] * 2, 252.0)
    assert rising["sharpe"] > 0
    assert math.isnan(rising["sortino"])
    assert math.isnan(rising["calmar"])
    assert math.isnan(naive.metrics(100.0, [90.0], [], [True], 252.0)["sharpe"])


def test_metrics_of_trades():
    profits = [30.0, -10.0, 0.0, 5.0]
    trades = [naive.Trade(0, 1.0, 1, 1.0, 1.0, 0.0, profit, "cross") for profit in profits]
    trades.append(naive.Trade(2, 1.0, None, 1.0, 1.0, 0.0, 99.0, "open"))
    got = naive.metrics(100.0, [125.0], trades, [True], 252.0)
    assert got["trades"] == 4
    assert got["profit_per_trade"] == 6.25
    assert got["win_rate"] == 0.5
    assert got["profit_factor"] == 3.5


# The state machine


@given(strategies.markets(), strategies.windows(), strategies.rules())
@few
def test_equity_is_capital_and_profits(bars, pair, rules):
    result = naive.backtest(bars, *pair, rules)
    worth = rules.capital + math.fsum(trade.profit for trade in result.trades)
    assert result.equity[-1] == pytest.approx(worth, rel=1e-9, abs=1e-7)
    assert result.metrics["final_capital"] == result.equity[-1]
    for trade in result.trades:
        gross = trade.quantity * (trade.exit_price - trade.entry_price)
        assert trade.profit == pytest.approx(gross - trade.fees, rel=1e-9, abs=1e-6)
        assert trade.quantity > 0


@given(strategies.markets(), strategies.windows(), strategies.rules())
@few
def test_trades_are_in_order_and_inside_their_bars(bars, pair, rules):
    result = naive.backtest(bars, *pair, rules)
    last = -1
    for trade in result.trades:
        assert trade.entry_bar >= last  # a sale at the stop and a purchase at the close may share a bar
        entry = bars[trade.entry_bar]
        assert trade.entry_price == (entry.open if rules.fill == "next_open" else entry.close) * (1 + rules.slippage)
        if trade.exit_bar is None:
            assert trade is result.trades[-1]
            continue
        last = trade.exit_bar
        assert trade.entry_bar <= last
        assert trade.exit_price <= bars[last].high
        assert trade.exit_price >= bars[last].low * (1 - rules.slippage) * (1 - 1e-12)


@given(strategies.markets(min_bars=2), strategies.windows(), strategies.rules(), st.data())
@few
def test_the_future_never_changes_the_past(bars, pair, rules, data):
    end = data.draw(st.integers(1, len(bars) - 1))
    whole, part = naive.backtest(bars, *pair, rules), naive.backtest(bars[:end], *pair, rules)
    assert part.equity == whole.equity[:end]
    closed = [trade for trade in part.trades if trade.exit_bar is not None]
    assert closed == [trade for trade in whole.trades if trade.exit_bar is not None and trade.exit_bar < end]
    if part.pending == "sell":
        assert any(trade.exit_bar == end and trade.exit_reason == "cross" for trade in whole.trades)
    if part.pending == "buy":
        bought = any(trade.entry_bar == end for trade in whole.trades)
        assert bought or whole.skipped > part.skipped


@given(strategies.markets(), strategies.windows(), strategies.rules())
@few
def test_cash_is_never_negative(bars, pair, rules):
    result = naive.backtest(bars, *pair, rules)
    held = dict.fromkeys(range(len(bars)), 0.0)
    for trade in result.trades:
        end = len(bars) if trade.exit_bar is None else trade.exit_bar
        for t in range(trade.entry_bar, end):
            held[t] = trade.quantity
    for t, bar in enumerate(bars):
        cash = result.equity[t] - held[t] * bar.close
        assert cash >= -1e-9 * rules.capital


@given(strategies.tick_markets(20), strategies.windows(), strategies.rules())
@few
def test_one_lot_more_would_cost_too_much(bars, pair, rules):
    rules = replace(rules, sizing="all_in_lots")
    result = naive.backtest(bars, *pair, rules)
    cash = rules.capital
    for trade in result.trades:
        lots = round(trade.quantity / rules.lot)
        assert trade.quantity == lots * rules.lot
        for quantity, fits in ((trade.quantity, True), ((lots + 1) * rules.lot, False)):
            value = quantity * trade.entry_price
            fee = max(rules.minimum, rules.fixed + rules.rate * value)
            total = value + fee
            assert total == pytest.approx(cash, rel=1e-9) or (total <= cash) is fits
        cash += trade.profit


@given(strategies.markets(), strategies.windows(), strategies.rules())
@few
def test_backtest_is_from_signals_of_its_crosses(bars, pair, rules):
    # Exits that are repeated while flat change nothing.
    crosses = naive.crosses(*naive.averages_of_closes(bars, *pair))
    side, held = 0, []
    for cross in crosses:
        side = cross or side
        held.append(-1 if side == -1 else cross)
    got, expected = naive.from_signals(bars, held, rules), naive.backtest(bars, *pair, rules)
    assert (got.trades, got.equity) == (expected.trades, expected.equity)
    assert (got.pending, got.skipped) == (expected.pending, expected.skipped)


@given(strategies.markets(min_bars=30), strategies.windows(), strategies.rules())
@few
def test_without_a_stop_intrabar_and_kind_mean_nothing(bars, pair, rules):
    rules = replace(rules, multiple=None, sizing="all_in")
    other = replace(rules, intrabar="high_first", stop_kind="chandelier", atr="wilder", atr_window=2)
    assert naive.backtest(bars, *pair, rules).equity == naive.backtest(bars, *pair, other).equity


@given(strategies.markets(), strategies.windows())
@few
def test_long_short_against_pandas(bars, pair):
    result = naive.long_short(bars, *pair, Rules(capital=1000.0))
    side = pd.Series(naive.sides(*naive.averages_of_closes(bars, *pair)), dtype=float)
    change = pd.Series([bar.close for bar in bars]).pct_change()
    growth = (1 + (side.shift() * change).fillna(0.0)).cumprod()
    np.testing.assert_allclose(result.equity, 1000.0 * growth, rtol=1e-9)
    assert sum(trade.profit for trade in result.trades) == pytest.approx(result.equity[-1] - 1000.0, abs=1e-6)
    for trade in result.trades:  # a short can lose more than everything, and then the equity's sign turns
        worth = trade.quantity * trade.entry_price
        assert worth == pytest.approx(side[trade.entry_bar] * result.equity[trade.entry_bar])


def test_bad_input_is_refused():
    bar = Bar(1.0, 1.0, 1.0, 1.0)
    for fast, slow in ((2, 2), (3, 2), (0, 2)):
        with pytest.raises(ValueError, match="fast < slow"):
            naive.backtest([bar], fast, slow, Rules())
    with pytest.raises(ValueError, match="one signal per bar"):
        naive.from_signals([bar], [0, 0], Rules())
    with pytest.raises(ValueError, match="stop distance"):
        Rules(sizing="risk")


# The strategies


def test_the_strategies_reach_every_corner():
    """The rarest are in one market of some hundred, and hypothesis takes constants from whatever else is imported, so that 300 markets with the same seed can be without."""
    seen: Counter[str] = Counter()
    rare = ["cross", "stop", "gap", "open", "same bar", "tie", "skipped", "pending buy", "pending sell"]
    total = 0

    def look(bars, pair, rules):
        nonlocal total
        total += 1
        for bar in bars:
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        result = naive.backtest(bars, *pair, rules)
        corners = {trade.exit_reason for trade in result.trades} | {f"pending {result.pending}"}
        corners |= {"traded"} if result.trades else set()
        corners |= {"skipped"} if result.skipped else set()
        corners |= {"same bar" for trade in result.trades if trade.entry_bar == trade.exit_bar}
        fast, slow = naive.averages_of_closes(bars, *pair)
        corners |= {"tie" for a, b in zip(fast, slow, strict=True) if a is not None and a == b}
        seen.update(corners)

    look_at = given(strategies.markets(), strategies.windows(), strategies.rules())(look)
    chosen = settings(
        max_examples=300,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=few.suppress_health_check,
    )
    for number in range(20, 25):
        if not all(seen[corner] for corner in rare):
            seed(number)(chosen(look_at))()
    assert seen["traded"] >= total / 2
    assert all(seen[corner] for corner in rare), seen
