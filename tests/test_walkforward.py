"""Walk forward and cross-validation: against a slow twin that trades the choices bar by bar, and against a future that is changed."""

import json
import math
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import median, stdev

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.errors import DataError, InputError
from engine.grid import Grid
from engine.selection import choosing
from engine.selection.crossvalidation import cross_validate
from engine.selection.folds import Fold, k_fold, walk_forward_folds
from engine.selection.stitching import NOTHING_HELD, Leg, Stitcher
from engine.selection.trials import Trials, trials_of
from engine.selection.walkforward import CURVE_METRICS, first_warm_day, walk_forward
from engine.settings import Settings
from tests import adapter, naive
from tests.strategies import markets, rules

PAIRS = [(fast, slow) for fast in (2, 3) for slow in (5, 8)]


def grid_of(rules):
    return Grid.of((2, 3), (5, 8), adapter.stop(rules))


def trials_for(bars_of, rules):
    """Run the four settings on symbols whose bars end together."""
    latest = max(map(len, bars_of.values()))
    dates = pd.date_range("2020-01-01", periods=latest, freq="h", name="date")
    histories = []
    for symbol, bars in bars_of.items():
        columns = (np.array(column, dtype=np.float64) for column in zip(*bars, strict=True))
        histories.append(engine.History(symbol, dates[latest - len(bars) :], *columns, np.full(len(bars), 1000.0)))
    prices = engine.Prices.from_histories(histories)
    return trials_of(prices, grid_of(rules), Settings(**adapter.arguments(rules)), workers=1)


# The slow twin: what the page says, for one symbol after the other and day by day


@dataclass
class Sleeve:
    """The money of one symbol: cash, or a position of a share of it."""

    bars: list[naive.Bar]
    offset: int  # day of the first bar
    result: dict[int, naive.Result]  # of every setting

    def bar(self, day):
        """The last bar at the close of a day; -1 before the first."""
        return min(day - self.offset, len(self.bars) - 1)

    def held(self, setting, bar):
        """The share of its equity that a setting has in shares at the close of a bar."""
        result = self.result[setting]
        for trade in result.trades:
            if trade.entry_bar <= bar and (trade.exit_bar is None or bar < trade.exit_bar):
                return trade.quantity * self.bars[bar].close / result.equity[bar]
        return 0.0

    def growth(self, setting, day, rules):
        """What a unit of money becomes from the close before a day to its close."""
        t = self.bar(day)
        before = self.result[setting].equity[t - 1] if t else rules.capital
        return self.result[setting].equity[t] / before

    def traded(self, setting, day, rules):
        """The same, by executing the setting's orders with a unit of money; only where costs are a share of the value and all cash is spent."""
        t = self.bar(day)
        money, shares = 1.0, 0.0
        if t > 0 and self.held(setting, t - 1) > 0:
            money, shares = 0.0, 1.0 / self.bars[t - 1].close
        for trade in self.result[setting].trades:
            if trade.entry_bar == t:
                money, shares = 0.0, money / (1 + rules.rate) / trade.entry_price
            if trade.exit_bar == t:
                money, shares = shares * trade.exit_price * (1 - rules.rate), 0.0
        return money + shares * self.bars[t].close

    def change(self, old, new, day, money, rules):
        """What is left of the money after the change of settings at the close of a day."""
        t = self.bar(day)
        close = self.bars[t].close
        before = self.held(old, t) if old is not None else 0.0
        after = self.held(new, t) if new is not None else 0.0
        if before > 0:
            value = before * money / close * (close * (1 - rules.slippage))
            money = money - before * money + value - naive.fee_of(value, rules)
        if after > 0 and money > 0:
            price = close * (1 + rules.slippage)
            shares = max(naive.spendable(after * money, rules), 0.0) / price
            money = money - after * money + shares * close
        return money


def twin(bars_of, rules, legs, growth):
    """Trade the legs (setting or None, days) in one account; give its equity after every day, and the costs of every seam."""
    latest = max(map(len, bars_of.values()))
    sleeves = [
        Sleeve(bars, latest - len(bars), {i: naive.backtest(bars, *pair, rules) for i, pair in enumerate(PAIRS)})
        for bars in bars_of.values()
    ]
    money, held, equity, costs = rules.capital * len(sleeves), None, [], []
    for setting, days in legs:
        if not money > 0:  # all is lost: nothing is traded, and nothing defined
            money = math.nan
        elif setting != held:
            day = days[0] - 1
            listed = [one for one in sleeves if day >= one.offset]
            after = [one.change(held, setting, day, money / len(listed), rules) for one in listed]
            costs.append(money - sum(after) if listed else 0.0)
            money = sum(after) if listed else money
            money = money if money > 0 else math.nan
            held = setting
        for day in days:
            if setting is not None:
                here = [one for one in sleeves if day >= one.offset]
                money *= sum(growth(one, setting, day, rules) for one in here) / len(here)
            equity.append(money)
    return equity, costs


def legs_of(result):
    """The legs of a walk forward with those that hold nothing."""
    legs, at = [], result.folds[0].test[0].start
    for fold, choice in zip(result.folds, result.choices, strict=True):
        if fold.test[0].start > at:
            legs.append((None, range(at, fold.test[0].start)))
        legs.append((choice.trial, fold.test[0]))
        at = fold.test[0].stop
    return legs


@st.composite
def walks(draw, plain=False):
    """One or two symbols, rules, and folds that fit."""
    bars_of = {"ONE": draw(markets(40, 90))}
    if draw(st.booleans()):
        bars_of["TWO"] = draw(markets(30, 90))
    how = draw(rules().filter(lambda some: some.multiple != 0.0))  # which the engine refuses
    if plain:
        how = replace(how, sizing="all_in", fixed=0.0, minimum=0.0)
    days = max(map(len, bars_of.values()))
    test = draw(st.integers(1, 12))
    arguments = {
        "scheme": draw(st.sampled_from(["anchored", "rolling"])),
        "train": draw(st.integers(2, 14)),
        "test": test,
        "step": test + draw(st.sampled_from([0, 0, 0, 1, 4])),
        "purge": draw(st.integers(0, 2)),
        "start": draw(st.integers(0, 8)),
    }
    return bars_of, how, walk_forward_folds(days, **arguments)


def by_turns(returns, keys, bars_per_year):
    """A rule that changes its mind all the time, so that there are seams."""
    del bars_per_year
    return int(np.abs(np.round(np.nansum(returns) * 1e6)) + returns.shape[1]) % len(keys)


def solvent(bars_of, how):
    return all(min(naive.backtest(bars, *pair, how).equity) > 0.0 for bars in bars_of.values() for pair in PAIRS)


@settings(deadline=None, max_examples=150)
@given(walks(), st.sampled_from([choosing.best_sharpe, by_turns]))
def test_stitched_equity_is_that_of_the_twin(walk, rule):
    bars_of, how, folds = walk
    assume(solvent(bars_of, how))
    result = walk_forward(trials_for(bars_of, how), folds, rule)
    equity, costs = twin(bars_of, how, legs_of(result), Sleeve.growth)
    assert result.equity.tolist() == pytest.approx(equity, rel=1e-10, nan_ok=True)
    assert [seam.costs for seam in result.seams] == pytest.approx(costs, rel=1e-7, abs=1e-8 * result.stitched.capital)
    assert result.stitched.leg_returns[0] == pytest.approx(
        result.equity.iloc[len(folds[0].test[0]) - 1] / result.stitched.capital - 1.0, abs=1e-12, nan_ok=True
    )


@settings(deadline=None, max_examples=100)
@given(walks(plain=True), st.sampled_from([choosing.best_sharpe, by_turns]))
def test_stitched_equity_is_what_trading_the_orders_gives(walk, rule):
    bars_of, how, folds = walk
    result = walk_forward(trials_for(bars_of, how), folds, rule)
    equity, _ = twin(bars_of, how, legs_of(result), Sleeve.traded)
    assert result.equity.tolist() == pytest.approx(equity, rel=1e-9)


# The future


@settings(deadline=None, max_examples=150)
@given(walks(), st.data())
def test_nothing_before_a_day_depends_on_what_comes_after(walk, data):
    bars_of, how, folds = walk
    days = max(map(len, bars_of.values()))
    last = data.draw(st.integers(0, days - 2), label="last day that stays")
    factors = data.draw(st.lists(st.sampled_from([0.5, 0.9, 1.1, 1.7]), min_size=4, max_size=4), label="changes")
    changed = {}
    for symbol, bars in bars_of.items():
        offset = days - len(bars)
        changed[symbol] = [
            bar if offset + t <= last else naive.Bar(*(price * factors[t % 4] for price in bar))
            for t, bar in enumerate(bars)
        ]
    one, other = (walk_forward(trials_for(some, how), folds, by_turns) for some in (bars_of, changed))
    for fold, a, b in zip(folds, one.choices, other.choices, strict=True):
        if fold.train[0].stop <= last + 1:
            assert a.trial == b.trial
            assert np.array_equal([a.in_sharpe, a.in_yearly], [b.in_sharpe, b.in_yearly], equal_nan=True)
    known = max(0, last + 1 - one.stitched.days.start)
    assert np.array_equal(one.stitched.equity[:known], other.stitched.equity[:known], equal_nan=True)
    assert [s for s in one.seams if s.day < last] == [s for s in other.seams if s.day < last]


def test_the_changed_future_does_change_what_comes_after():
    frames = engine.simulate(2, 600, seed=3).to_frames()
    other = {symbol: frame.copy() for symbol, frame in frames.items()}
    noise = 1.0 + 0.3 * np.sin(np.arange(200))
    for frame in other.values():
        for name in ("open", "high", "low", "close"):
            frame.loc[frame.index[400:], name] *= noise
    grid, folds = Grid.of((5, 10), (20, 40)), walk_forward_folds(600, test=50, start=40)
    one, two = (
        walk_forward(trials_of(engine.Prices.from_frames(some), grid, Settings()), folds) for some in (frames, other)
    )
    known = 400 - one.stitched.days.start
    assert one.stitched.equity[:known].tolist() == two.stitched.equity[:known].tolist()
    assert one.stitched.equity[known + 1] != two.stitched.equity[known + 1]
    assert [choice.trial for choice in one.choices] != [choice.trial for choice in two.choices]


def test_more_days_leave_what_was_found_as_it_was():
    prices = engine.simulate(2, 700, seed=5)
    grid, arguments = Grid.of((5, 10), (20, 40)), {"train": 200, "test": 50, "start": 40}
    trials = trials_of(prices, grid, Settings(costs=engine.Costs(rate=0.001)))
    shorter = trials_of(
        prices.select(end=str(trials.pool.days[540].date())), grid, Settings(costs=engine.Costs(rate=0.001))
    )
    long = walk_forward(trials, walk_forward_folds(700, **arguments))
    short = walk_forward(shorter, walk_forward_folds(541, **arguments))
    assert long.choices[: len(short.choices)] == short.choices
    assert long.stitched.equity[: len(short.stitched.equity)].tolist() == short.stitched.equity.tolist()


def test_folds_start_warm():
    # A test of a single day right after the training has the return of a setting that has been trading for long, and costs to take it over.
    trials = trials_of(engine.simulate(1, 300, seed=1), Grid.of(5, 20), Settings())
    day = int(np.flatnonzero(trials.returns[0, 200:])[0]) + 200
    result = walk_forward(trials, [Fold((range(50, day - 1),), (range(day, day + 1),))])
    assert result.stitched.leg_returns.tolist() == pytest.approx([trials.returns[0, day]], rel=1e-12)


# Seams


def test_a_setting_that_stays_pays_once():
    costs = engine.Costs(rate=0.002, slippage=0.001)
    trials = trials_of(engine.simulate(1, 500, seed=2), Grid.of(5, 20), Settings(costs=costs))
    result = walk_forward(trials)
    assert len(result.folds) == 10
    assert len(result.seams) == 1
    days = result.stitched.days
    bought = result.seams[0].bought
    entry = 1.0 / (1.002 * 1.001) if bought else 1.0
    grown = 100_000.0 * entry * np.prod(1.0 + trials.returns[0, days.start : days.stop])
    assert result.equity.iloc[-1] == pytest.approx(grown, rel=1e-12)
    assert result.changes == 0


def test_a_seam_where_both_hold_is_charged_and_named():
    costs = engine.Costs(rate=0.002, slippage=0.001)
    trials = trials_of(engine.simulate(3, 900, seed=2), Grid.of((5, 6), 40), Settings(costs=costs))
    seen = set()
    for day in range(100, 800, 7):
        stitched = Stitcher(trials).stitch([Leg(0, range(day - 20, day)), Leg(1, range(day, day + 20))])
        entry, seam = stitched.seams
        share = stitched.equity[19] / 3
        sold, bought = share * (1 - 0.999 * 0.998), share * (1 - 1 / (1.001 * 1.002))
        both = share * (1 - 0.999 * 0.998 / (1.001 * 1.002))
        alone = (seam.sold - seam.kept) * sold + (seam.bought - seam.kept) * bought
        assert seam.kept_costs == pytest.approx(seam.kept * both, rel=1e-9)
        assert seam.costs == pytest.approx(seam.kept * both + alone, rel=1e-9, abs=1e-9)
        assert (entry.old, seam.old, seam.new) == (NOTHING_HELD, 0, 1)
        seen.add((seam.sold > seam.kept, seam.bought > seam.kept, seam.kept > 0))
    assert len(seen) >= 3


def test_dated_costs_are_those_of_the_day_of_the_seam():
    schedule = engine.costs.nse_delivery("zerodha", slippage=0.001)
    prices = engine.simulate(1, 900, seed=2, start="2021-01-01")
    trials = trials_of(prices, Grid.of((5, 6), 40), Settings(costs=schedule))
    history, checked = prices[prices.symbols[0]], 0
    for day in range(100, 800, 60):
        stitched = Stitcher(trials).stitch([Leg(0, range(day - 20, day)), Leg(1, range(day, day + 20))])
        seam = stitched.seams[1]
        if not seam.kept:
            continue
        date, close, money = history.local_dates[day - 1], history.close[day - 1], stitched.equity[19]
        weights = [
            float(np.float64(result.trades["quantity"].iloc[-1]) * close / result.equity[history.symbol].iloc[-1])
            for result in (
                engine.backtest(prices.select(end=str(history.dates[day - 1].date())), fast, 40, costs=schedule)
                for fast in (5, 6)
            )
        ]
        shares = weights[0] * money / close
        left = (
            money * (1 - weights[0]) + shares * close * 0.999 - schedule.fee("sell", close * 0.999, shares, date).total
        )
        limit, price = weights[1] * left, close * 1.001
        spent = limit - schedule.fee("buy", price, limit / price, date).total
        assert seam.costs == pytest.approx(money - (left - limit + spent / price * close), rel=1e-9)
        checked += 1
    assert checked > 2


def test_long_short_has_no_costs_at_seams():
    trials = trials_of(engine.simulate(2, 400, seed=2), Grid.of((5, 6), 40), Settings(direction="long_short"))
    result = walk_forward(trials, rule=by_turns)
    assert len(result.seams) > 2
    assert [seam.costs for seam in result.seams] == [0.0] * len(result.seams)


def test_between_tests_nothing_is_held():
    trials = trials_of(engine.simulate(1, 400, seed=2), Grid.of(5, 20), Settings(costs=engine.Costs(rate=0.01)))
    result = walk_forward(trials, walk_forward_folds(400, train=100, test=30, step=40, start=20))
    equity = result.equity.to_numpy()
    assert len(set(equity[30:40])) == 1
    assert [seam.old for seam in result.seams[:3]] == [NOTHING_HELD, 0, NOTHING_HELD]
    assert [seam.day for seam in result.seams[:3]] == [120, 150, 160]
    assert len(result.stitched.leg_returns) == len(result.folds)


def test_an_account_that_a_seam_ruins_is_not_defined_from_there_on():
    costs = engine.Costs(fixed=30.0)
    trials = trials_of(engine.simulate(1, 900, seed=2), Grid.of((5, 6), 40), Settings(costs=costs, capital=1000.0))
    result = walk_forward(trials, walk_forward_folds(900, train=100, test=5, start=40), by_turns)
    lost = int(np.flatnonzero(np.isnan(result.equity))[0])
    assert result.equity.iloc[:lost].gt(0).all()
    assert result.equity.iloc[lost:].isna().all()
    assert math.isfinite(result.seam_costs)
    assert result.seams[-1].day == result.stitched.days.start + lost - 1
    assert math.isnan(result.metrics["final_capital"])


def test_a_block_of_the_trials_knows_its_settings():
    trials = trials_of(engine.sample(), Grid.of((10, 20, 50), (100, 200)), Settings(costs=engine.Costs(rate=0.001)))
    block = Trials(trials.returns[3:], 3, trials.grid, trials.settings, trials.pool)
    legs = [(3 + 2 * (i % 2), range(at, at + 40)) for i, at in enumerate(range(1000, 4800, 40))]
    one = Stitcher(trials).stitch([Leg(trial, days) for trial, days in legs])
    other = Stitcher(block).stitch([Leg(trial - 3, days) for trial, days in legs])
    assert np.array_equal(one.equity, other.equity)
    assert {seam.bought for seam in one.seams} == {0, 1, 2}
    assert walk_forward(block).to_frame()["fast"].isin((20, 50)).all()


# What is said of the whole


def test_metrics_are_those_of_the_contract():
    trials = trials_of(engine.sample(), Grid.of((10, 20, 50), (100, 200)), Settings(costs=engine.Costs(rate=0.001)))
    result = walk_forward(trials)
    equity = result.equity.tolist()
    expected = naive.metrics(200_000.0, equity, [], [False] * len(equity), 252.0)
    assert result.metrics == pytest.approx({name: expected[name] for name in CURVE_METRICS}, rel=1e-10)
    closes = [
        trials.pool.histories[i].close[result.stitched.days.start - 1 : result.stitched.days.stop] for i in (0, 1)
    ]
    held = np.cumprod(1.0 + np.mean([close[1:] / close[:-1] - 1.0 for close in closes], axis=0)) * 200_000.0
    expected = naive.metrics(200_000.0, held.tolist(), [], [False] * len(held), 252.0)
    assert result.held == pytest.approx({name: expected[name] for name in CURVE_METRICS}, rel=1e-10)
    assert result.efficiency == pytest.approx(result.metrics["cagr"] / result.in_sample["cagr"])


def test_the_table_says_what_was_chosen_and_how_it_went():
    trials = trials_of(engine.sample(), Grid.of((10, 20, 50), (100, 200), [None, engine.TrailingStop(3.0)]), Settings())
    result = walk_forward(trials)
    table, days = result.to_frame(), trials.pool.days
    assert len(table) == 10
    for (_, row), fold, choice in zip(table.iterrows(), result.folds, result.choices, strict=True):
        before, after = (trials.returns[:, part[0].start : part[0].stop] for part in (fold.train, fold.test))
        yearly = [naive_sharpe(one, 252.0) for one in after.tolist()]
        assert row["train_last"] == days[fold.train[0][-1]]
        assert row["test_first"] == days[fold.test[0][0]]
        assert (row["fast"], row["slow"]) == trials.grid.pairs[choice.trial // 2]
        assert row["multiple"] == (3.0 if choice.trial % 2 else 0.0)
        assert row["in_sharpe"] == pytest.approx(naive_sharpe(before[choice.trial].tolist(), 252.0), rel=1e-10)
        assert row["in_sharpe"] == pytest.approx(max(naive_sharpe(one, 252.0) for one in before.tolist()), rel=1e-10)
        assert row["out_sharpe"] == pytest.approx(yearly[choice.trial], rel=1e-10, nan_ok=True)
        low = [-math.inf if math.isnan(one) else one for one in yearly]
        assert row["out_rank"] == naive_rank(low, low[choice.trial])
        assert row["in_cagr"] == pytest.approx(math.prod(1 + before[choice.trial]) ** (252 / len(before[0])) - 1)
        whole = math.prod(1 + after[choice.trial]) - 1
        assert row["out_return"] == pytest.approx(whole, rel=1e-9, abs=1e-12)
    changed = sum(a != b for a, b in pairwise(table[["fast", "slow", "multiple"]].itertuples(index=False)))
    assert result.changes == changed
    assert len(result.seam_frame()) == changed + 1
    assert result.summary()["seam_costs"] == 0.0


def test_training_begins_when_every_average_exists():
    trials = trials_of(engine.sample(), Grid.of((10, 20), (100, 200)), Settings())
    assert first_warm_day(trials) == 199
    assert walk_forward(trials).folds[0].train[0].start == 199
    wide = trials_of(engine.sample(), Grid.of(5, 20, engine.TrailingStop(3.0, atr_window=50)), Settings())
    assert first_warm_day(wide) == 49


# Rules


def naive_sharpe(returns, bars_per_year):
    if len(returns) < 2 or any(math.isnan(one) for one in returns) or min(returns) == max(returns):
        return math.nan
    return naive.average(returns) / stdev(returns) * math.sqrt(bars_per_year)


def naive_rank(values, one):
    """The middle of the places of those that are equal."""
    return 1 + sum(other > one for other in values) + (values.count(one) - 1) / 2


def naive_calmar(returns, bars_per_year):
    equity = [1.0]
    for one in returns:
        equity.append(equity[-1] * (1 + one))
    fall = naive.deepest_fall(equity)
    return (
        math.nan if fall == 0 or math.isnan(equity[-1]) else (equity[-1] ** (bars_per_year / len(returns)) - 1) / -fall
    )


def random_returns(seed, trials=30, days=57):
    rng = np.random.default_rng(seed)
    returns = rng.normal(0.0005, 0.01, (trials, days)) * rng.integers(0, 2, (trials, days))
    returns[3] = 0.0
    returns[4, 20:] = np.nan
    returns[7] = returns[11]
    return returns


def first_highest(values):
    defined = [value for value in values if not math.isnan(value)]
    return values.index(max(defined)) if defined else 0


@pytest.mark.parametrize("seed", range(5))
def test_measures_and_ready_rules_are_their_definitions(seed, monkeypatch):
    monkeypatch.setattr(choosing, "_AT_ONCE", 400)  # several blocks
    returns = random_returns(seed)
    rows, keys = returns.tolist(), pd.DataFrame({"fast": range(30)})
    sharpes = [naive_sharpe(row, 252.0) for row in rows]
    totals = [math.prod(1 + one for one in row) - 1 for row in rows]
    calmars = [naive_calmar(row, 252.0) for row in rows]
    assert choosing.sharpes(returns, 252.0).tolist() == pytest.approx(sharpes, rel=1e-10, nan_ok=True)
    assert choosing.total_returns(returns).tolist() == pytest.approx(totals, rel=1e-10, abs=1e-14, nan_ok=True)
    assert choosing.calmars(returns, 252.0).tolist() == pytest.approx(calmars, rel=1e-9, nan_ok=True)
    assert choosing.best_sharpe(returns, keys, 252.0) == first_highest(sharpes)
    assert choosing.best_return(returns, keys, 252.0) == first_highest(totals)
    assert choosing.best_calmar(returns, keys, 252.0) == first_highest(calmars)
    places = []
    for part in (slice(0, 15), slice(15, 29), slice(29, 43), slice(43, 57)):
        measured = [naive_sharpe(row[part], 252.0) for row in rows]
        low = [-math.inf if math.isnan(one) else one for one in measured]
        places.append([naive_rank(low, one) for one in low])
    medians = [median(column) for column in zip(*places, strict=True)]
    assert choosing.median_rank(returns, keys, 252.0) == medians.index(min(medians))


def test_of_equal_trials_the_first_is_taken_and_of_undefined_ones_too():
    equal = np.tile(random_returns(0)[:1], (5, 1))
    keys = pd.DataFrame({"fast": 5, "slow": range(10, 15), "atr_window": 0, "multiple": 0.0})
    for name, rule in choosing.RULES.items():
        if name != "plateau":  # whose middle is another one where all are equal
            assert rule(equal, keys, 252.0) == 0
        assert rule(np.zeros((4, 20)), keys[:4], 252.0) == 0
        assert rule(np.full((4, 20), np.nan), keys[:4], 252.0) == 0


@pytest.mark.parametrize("answer", [-1, 4, 2.0, None, True])
def test_a_rule_must_give_a_row(answer):
    trials = trials_of(engine.simulate(1, 300), Grid.of((2, 3), (5, 8)), Settings())
    with pytest.raises(InputError, match=r"the rule <lambda> gave .*; it must give the row of a trial, 0 to 3"):
        walk_forward(trials, rule=lambda *_: answer)


def test_a_rule_cannot_change_the_returns():
    trials = trials_of(engine.simulate(1, 300), Grid.of((2, 3), (5, 8)), Settings())

    def meddler(returns, *_):
        returns[:] = 0.0
        return 0

    with pytest.raises(ValueError, match="read-only"):
        walk_forward(trials, rule=meddler)
    assert trials.returns.any()


def test_rules_are_found_by_name():
    assert choosing.rule_of("Median_Rank") is choosing.median_rank
    with pytest.raises(InputError, match="there is no rule 'luck'; it must be one of: sharpe, return"):
        choosing.rule_of("luck")


def test_folds_that_look_ahead_or_overlap_are_refused():
    trials = trials_of(engine.simulate(1, 300), Grid.of((2, 3), (5, 8)), Settings())
    with pytest.raises(InputError, match="fold 1 trains on days after its test begins; cross_validate"):
        walk_forward(trials, k_fold(300, 3))
    fold = Fold((range(50),), (range(50, 80),))
    with pytest.raises(InputError, match="the test of fold 2 overlaps"):
        walk_forward(trials, [fold, Fold((range(60),), (range(70, 90),))])
    with pytest.raises(InputError, match="ends after the last of 300 days"):
        walk_forward(trials, [Fold((range(60),), (range(290, 301),))])
    with pytest.raises(InputError, match="there are no folds"):
        walk_forward(trials, [])
    with pytest.raises(DataError, match="too few days"):
        walk_forward(trials, walk_forward_folds(300, train=400))


def test_lost_accounts_are_not_chosen_and_said_as_not_defined():
    trials = trials_of(engine.simulate(1, 300, seed=4), Grid.of((2, 3), (5, 8)), Settings())
    returns = trials.returns.copy()
    returns[0, 100:] = np.nan
    lost = Trials(returns, 0, trials.grid, trials.settings, trials.pool)
    result = walk_forward(lost)
    assert 0 not in [choice.trial for choice in result.choices]
    ruined = walk_forward(lost, rule=lambda *_: 0)
    assert {choice.rank for choice in ruined.choices} == {4}
    assert math.isnan(ruined.metrics["sharpe"])
    assert math.isnan(ruined.efficiency)


# Cross-validation


def test_paths_are_those_of_the_book():
    trials = trials_of(engine.sample(), Grid.of((10, 20, 50), (100, 200)), Settings(costs=engine.Costs(rate=0.001)))
    result = cross_validate(trials, 6, 2)
    assert (len(result.folds), len(result.paths)) == (15, 5)
    splits = list(combinations(range(6), 2))
    cut = sorted({group for fold in result.folds for group in fold.test}, key=lambda one: one.start)
    assert [tuple(cut.index(group) for group in fold.test) for fold in result.folds] == splits
    for j, path in enumerate(result.paths):
        legs = []
        for g, group in enumerate(cut):
            tested_by = [i for i, split in enumerate(splits) if g in split]
            legs.append(Leg(result.choices[tested_by[j]].trial, group))
        assert path.equity.tolist() == Stitcher(trials).stitch(legs).equity.tolist()
    assert result.embargo == 200
    assert result.days[0] == trials.pool.days[199]
    assert result.path_frame().shape == (len(trials.pool.days) - 199, 5)


def test_a_choice_sees_the_training_of_its_fold_only():
    trials = trials_of(engine.sample(), Grid.of((10, 20, 50), (100, 200)), Settings())
    result = cross_validate(trials, 5, 2, embargo=30)
    for fold, choice in zip(result.folds, result.choices, strict=True):
        days = [day for one in fold.train for day in one]
        sharpes = [naive_sharpe([row[day] for day in days], 252.0) for row in trials.returns.tolist()]
        assert choice.trial == sharpes.index(max(sharpes))
        assert choice.in_sharpe == pytest.approx(max(sharpes), rel=1e-10)


def test_summary_of_the_paths():
    trials = trials_of(engine.sample(), Grid.of((10, 20, 50), (100, 200)), Settings(costs=engine.Costs(rate=0.001)))
    result = cross_validate(trials, 6, 2)
    returns = [pd.Series([path.capital, *path.equity]).pct_change().dropna().tolist() for path in result.paths]
    sharpes = [naive_sharpe(one, 252.0) for one in returns]
    found = result.summary()
    assert found["median"] == pytest.approx(median(sharpes), rel=1e-9)
    assert (found["worst"], found["best"]) == pytest.approx((min(sharpes), max(sharpes)), rel=1e-9)
    assert found["negative"] == sum(one < 0 for one in sharpes) / 5
    assert found["below_held"] == sum(one < result.held["sharpe"] for one in sharpes) / 5
    assert found["out_of_sample"] == pytest.approx(np.mean([choice.out_sharpe for choice in result.choices]))
    single = cross_validate(trials, 6, 1)
    assert len(single.paths) == 1
    assert len(single.to_frame()) == 6


def test_a_market_that_stands_still_has_no_sharpe():
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 100.0), index=range(100))
    frame.index = pd.bdate_range("2020-01-01", periods=100)
    trials = trials_of(
        engine.Prices.from_frames({"FLAT": frame.assign(volume=1.0)}), Grid.of((2, 3), (5, 8)), Settings()
    )
    found = cross_validate(trials, 5, 1).summary()
    assert found["defined"] == 0.0
    assert math.isnan(found["median"])
    result = walk_forward(trials)
    assert math.isnan(result.metrics["sharpe"])
    assert math.isnan(result.median_sharpe)
    assert result.metrics["total_return"] == 0.0
    assert math.isnan(result.efficiency)


def test_progress_is_told():
    trials = trials_of(engine.simulate(1, 300), Grid.of((2, 3), (5, 8)), Settings())
    told = []
    walk_forward(trials, progress=lambda *done: told.append(done))
    cross_validate(trials, 4, 2, progress=lambda *done: told.append(done))
    assert told == [(i, 10) for i in range(1, 11)] + [(i, 6) for i in range(1, 7)]


# The command


def run(*arguments):
    return CliRunner().invoke(app, ["walkforward", *map(str, arguments)])


SMALL = ["--fast", "5,10,20", "--slow", "40,100"]


def test_the_verdict_comes_first_and_every_fold_is_a_sentence():
    done = run(*SMALL, "--fee-rate", "0.001")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    trials = trials_of(engine.sample(), Grid.of((5, 10, 20), (40, 100)), Settings(costs=engine.Costs(rate=0.001)))
    result = walk_forward(trials)
    beside = "better" if result.metrics["cagr"] > result.held["cagr"] else "worse"
    before = "better" if result.metrics["cagr"] > result.in_sample["cagr"] else "worse"
    assert lines[0] == (
        f"Out of sample the choices did {beside} than buying and holding, and {before} than they had done in sample."
    )
    assert f"Sharpe ratio {result.metrics['sharpe']:.3f}, " in lines[1]
    assert f"Sharpe ratio {result.held['sharpe']:.3f}, " in lines[2]
    assert sum(line.startswith("Fold ") for line in lines) == 10
    seams = f"Seams, at which one setting follows another: {len(result.seams)}, costs {result.seam_costs:,.2f}."
    assert seams in lines
    assert "Costs per order: 0.1 percent of the value." in lines


@pytest.mark.parametrize(
    "more",
    [
        [],
        ["--cv", "4:2", "--stop", "none,3"],
        ["--rule", "median-rank", "--scheme", "rolling", "--train", "700", "--test", "300", "--step", "400"],
        ["--fast", "5", "--slow", "40", "--folds", "1"],
        ["--end", "2000-01-01", "--folds", "50", "--train", "60", "--fee-fixed", "1000", "--capital", "5000"],
        ["--end", "2000-01-01", "--cv", "20:1", "--embargo", "0", "--purge", "0"],
    ],
)
def test_text_is_plain(more):
    done = run(*SMALL, *more)
    assert done.exit_code == 0, done.output
    assert done.stdout.isascii()
    assert not set(done.stdout) & set("\t\r|+#*_=<>~")
    assert all(line == line.rstrip() for line in done.stdout.splitlines())
    assert "nan" not in done.stdout.replace("NASDAQ", "")


@pytest.mark.parametrize("more", [["--train", "100", "--test", "5"], ["--cv", "60:1", "--embargo", "0"]])
def test_a_lost_account_is_said(more):
    fees = ["--fee-fixed", "60", "--capital", "1000"]
    done = run("--fast", "2", "--slow", "5", *fees, *more)
    assert done.exit_code == 0, done.output
    assert "nan" not in done.stdout.replace("NASDAQ", "")
    assert "shorter than the slow window" not in done.stdout
    if "--cv" in more:
        assert "Path 1: all was lost; " in done.stdout
        assert "1 path without a Sharpe ratio, because nothing was held or everything was lost." in done.stdout
    else:
        assert done.stdout.startswith("Out of sample the choices lost all there was.\n")
        assert "Nothing was left of 2,000.00 on " in done.stdout


def test_files_and_documents(tmp_path):
    out, equity = tmp_path / "folds.csv", tmp_path / "equity.parquet"
    done = run(*SMALL, "--out", out, "--equity", equity, "--format", "json")
    result = walk_forward(trials_of(engine.sample(), Grid.of((5, 10, 20), (40, 100)), Settings()))
    document = json.loads(done.stdout)
    assert [row["fast"] for row in document["rows"]] == result.to_frame()["fast"].tolist()
    assert document["summary"]["out_sharpe"] == pytest.approx(result.metrics["sharpe"])
    assert len(document["seams"]) == len(result.seams)
    assert pd.read_csv(out)["out_return"].tolist() == pytest.approx(result.to_frame()["out_return"].tolist())
    assert pd.read_parquet(equity)["equity"].tolist() == result.equity.tolist()
    done = run(*SMALL, "--cv", "4:2", "--out", out, "--equity", equity, "--format", "csv")
    assert len(done.stdout.splitlines()) == 1 + 6
    assert len(pd.read_csv(out)) == 6
    assert list(pd.read_parquet(equity)) == ["date", "path_1", "path_2", "path_3"]
    single = run(*SMALL, "--end", "1999-06-30", "--train", "20", "--test", "1", "--format", "json").stdout
    assert "NaN" not in single
    assert {row["out_sharpe"] for row in json.loads(single)["rows"]} == {None}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--folds", "5000"], "5,000 tests do not fit into the 4,932 days"),
        (["--end", "1999-06-15"], "10 tests do not fit into the 14 days"),
        (["--train", "6000"], "a training of 6,000 days and 10 tests do not fit"),
        (["--train", "6000", "--test", "20"], "a training of 6,000 days and 1 test of 20 days do not fit"),
        (["--cv", "10:2", "--train", "5"], "leave out --train"),
        (["--cv", "ten"], "write groups:tested, such as 10:2"),
        (["--cv", "40:10"], "847,660,528 splits"),
        (["--embargo", "5"], "no training lies after a test"),
        (["--rule", "luck"], "there is no rule 'luck'"),
        (["--scheme", "up"], "--scheme up: it must be one of: anchored, rolling"),
        (["--test", "10", "--step", "5"], "would test some days twice"),
        (["--intrabar", "both"], "both"),
        (["--slow", "9000"], "no symbol can be run"),
        (["--out", "folds.xlsx"], "must end in"),
        (["--equity", "/no/such/folder/x.csv"], "does not exist"),
    ],
)
def test_bad_use_is_one_line(arguments, message):
    done = run(*SMALL, *arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr


def test_interrupted_says_so(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("engine.cli.selecting.walk_forward", interrupted)
    done = run(*SMALL)
    assert done.exit_code == 130
    assert done.stdout == ""
    assert done.stderr == "Interrupted before there was a result; nothing was written.\n"


def test_a_symbol_that_is_too_short_is_left_out_and_said(tmp_path):
    frames = engine.simulate(["LONG"], 400).to_frames() | engine.simulate(["BRIEF"], 50).to_frames()
    for symbol, frame in frames.items():
        frame.to_csv(tmp_path / f"{symbol}.csv")
    done = run(tmp_path, *SMALL)
    assert done.exit_code == 1
    assert "Left out: BRIEF, because it has 50 bars, fewer than the slow window of 100." in done.stdout.splitlines()


def test_help_shows_an_example():
    assert "Example: goldencross walkforward " in " ".join(run("--help").stdout.split())


def test_the_plateau_rule_takes_the_middle_and_not_the_peak():
    """Five by five settings: three by three of them good, a single one far better in the corner."""
    keys = pd.DataFrame(
        [{"fast": f, "slow": s, "atr_window": 0, "multiple": 0.0} for f in range(1, 6) for s in range(10, 15)]
    )
    noise = np.random.default_rng(1).standard_normal(200) * 0.01
    good = keys["fast"].between(2, 4) & keys["slow"].between(11, 13)
    drift = np.where(good, 0.004, 0.0)
    drift[0] = 0.005
    returns = noise + drift[:, None]
    chosen = keys.iloc[choosing.plateau_centre(returns, keys, 252.0)]
    assert (chosen["fast"], chosen["slow"]) == (3, 12)
    assert choosing.best_sharpe(returns, keys, 252.0) == 0
    assert choosing.plateau_centre(np.zeros((25, 200)), keys, 252.0) == 0


def test_the_page_of_a_walk_forward(tmp_path):
    grid = ["--fast", "5,10", "--slow", "50,100,150"]
    done = CliRunner().invoke(app, ["walkforward", *grid, "--report", str(tmp_path / "page.html")])
    assert done.exit_code == 0, done.output
    page = (tmp_path / "page.html").read_text()
    assert "<h1>" in page
    assert "Out of sample the choices" in page
    for bad in (["--report", "page.txt"], ["--cv", "6:2", "--report", "page.html"]):
        assert CliRunner().invoke(app, ["walkforward", *grid, *bad]).exit_code == 2
