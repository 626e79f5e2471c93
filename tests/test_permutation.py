"""Markets whose days are in another order, and the p-value of the best of a sweep that follows from them."""

import math
import os
from collections import Counter
from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.grid import Grid
from engine.kernels.prefix import WHOLE, kind_of
from engine.selection.markets import Moves, Shuffle
from engine.selection.permutation import permutation_test
from engine.selection.searches import Search, joined
from engine.selection.sequential import Tally, enough_for, p_value
from engine.selection.trials import Pool, trials_of
from engine.settings import Costs, Settings

MARKETS = int(os.environ.get("GOLDENCROSS_NULL_MARKETS", "60"))
NIGHTLY = MARKETS > 60
FIELDS = ("open", "high", "low", "close")
GRID = Grid.of([2, 3, 5, 8], [10, 15, 20, 30], [None, engine.TrailingStop(3.0)])
FEE = Settings(costs=Costs(rate=0.001, slippage=0.0005))


def uneven(symbols=4, bars=160, seed=3, **kwargs):
    """Symbols that were listed on different days, one of them with days missing in the middle."""
    whole = engine.simulate(symbols, bars, seed=seed, **kwargs)
    histories = [whole[symbol].between(17 * i, bars) for i, symbol in enumerate(whole)]
    one = histories[-1]
    kept = np.r_[0:20, 33 : len(one)]
    columns = {field.name: getattr(one, field.name) for field in fields(one)}
    columns |= {name: columns[name][kept] for name in (*FIELDS, "volume", "dates")}
    return engine.Prices.from_histories([*histories[:-1], engine.History(**columns)])


# The permuted market, in plain Python, from its definition.


def plain_moves(bars):
    """Logarithms of every bar's gap, high, low and close."""
    before, out = bars[0][0], []
    for opened, high, low, close in bars:
        out.append(
            (math.log(opened / before), math.log(high / opened), math.log(low / opened), math.log(close / opened))
        )
        before = close
    return out


def plain_market(bars_of_day, order):
    """Chain the bars of one symbol, a dict by day, with the days in another order: a list of (place, bar)."""
    days = sorted(bars_of_day)
    moves = dict(zip(days, plain_moves([bars_of_day[day] for day in days]), strict=True))
    level, out = math.log(bars_of_day[days[0]][0]), []
    for place, day in enumerate(order):
        if day not in moves:
            continue
        gap, high, low, close = moves[day]
        opened = level + gap
        out.append((place, tuple(math.exp(opened + move) for move in (0.0, high, low, close))))
        level = opened + close
    return out


BAR = st.tuples(*[st.integers(10_000, 40_000)] * 4).map(
    lambda four: (four[0] / 100, max(four) / 100, min(four) / 100, four[3] / 100)
)
SYMBOL = st.dictionaries(st.integers(0, 11), BAR, min_size=1, max_size=12)


@settings(max_examples=200, deadline=None)
@given(st.lists(SYMBOL, min_size=1, max_size=3), st.randoms(use_true_random=False), st.booleans())
def test_market_of_an_order_is_that_of_the_plain_twin(symbols, dice, again):
    dates = pd.bdate_range("2024-01-01", periods=12)
    histories = []
    for s, bars in enumerate(symbols):
        days = sorted(bars)
        columns = np.array([bars[day] for day in days]).T.copy()
        histories.append(engine.History(f"S{s}", dates[days], *columns, np.zeros(len(days))))
    pool = Pool.of(engine.Prices.from_histories(histories), 1)
    calendar = sorted({day for bars in symbols for day in bars})
    count = len(calendar)
    order = [dice.randrange(count) for _ in range(count)] if again else dice.sample(range(count), count)
    market = Moves.of(pool, free=False).in_order(np.array(order))
    for bars, history, day in zip(symbols, market.histories, market.day, strict=True):
        expected = plain_market({calendar.index(at): bar for at, bar in bars.items()}, order)
        assert day.tolist() == [place for place, _ in expected]
        for t, (_, bar) in enumerate(expected):
            got = [getattr(history, name)[t] for name in FIELDS]
            assert got == pytest.approx(bar, rel=1e-12, abs=0.5001e-5)  # half a tick of rounding
            assert got[1] >= max(got)
            assert got[2] <= min(got)
    assert market.count.tolist() == [sum(calendar[day] in bars for bars in symbols) for day in order]


@pytest.mark.parametrize("level", [0.003, 1.0, 5000.0])
def test_bars_stay_bars_and_on_the_fast_way_at_any_level(level):
    prices = engine.simulate(2, 1250, seed=4, price=level, tick=level / 1000, volatility=0.03)
    pool = Pool.of(prices, 1)
    for number in range(5):
        for history in Moves.of(pool, free=True).in_order(Shuffle(seed=1).order(1250, number)).histories:
            assert (history.high >= np.maximum(history.open, history.close)).all()
            assert (history.low <= np.minimum(history.open, history.close)).all()
            assert kind_of(history.close) == WHOLE
            assert history.low.min() >= 64


def test_day_moves_as_a_whole_and_no_move_is_lost():
    pool = Pool.of(uneven(), 1)
    order = Shuffle(seed=5).order(len(pool.days), 0)
    market = Moves.of(pool, free=True).in_order(order)
    was = {(s, d): t for s, day in enumerate(pool.day) for t, d in enumerate(day.tolist())}
    assert sorted(order.tolist()) == list(range(len(pool.days)))
    for s, (old, new) in enumerate(zip(pool.histories, market.histories, strict=True)):
        before = np.array(plain_moves(list(zip(*(getattr(old, name) for name in FIELDS), strict=True))))
        after = np.array(plain_moves(list(zip(*(getattr(new, name) for name in FIELDS), strict=True))))
        rows = [was[s, order[day]] for day in market.day[s].tolist()]  # so symbols keep their days together
        assert sorted(rows) == list(range(len(old)))
        assert after[1:] == pytest.approx(before[rows][1:], abs=3e-7)
        assert after[0, 1:] == pytest.approx(before[rows][0, 1:], abs=3e-7)
        # From first open to last close, the whole move is there; the market may be scaled by a power of two.
        scale = 2.0 ** round(math.log2(new.close[-1] / old.close[-1]))
        assert new.close[-1] == pytest.approx(scale * old.close[-1], rel=1e-6)


def test_order_of_the_days_themselves_gives_the_numbers_of_the_sweep():
    prices = uneven(seed=9)
    pool = Pool.of(prices, 10)
    same = Moves.of(pool, free=True).in_order(np.arange(len(pool.days)))
    for old, new in zip(pool.histories, same.histories, strict=True):
        scale = new.close[0] / old.close[0]
        assert scale == 2.0 ** round(math.log2(scale))
        assert all((getattr(new, name) == scale * getattr(old, name)).all() for name in FIELDS)
        assert new.dates.equals(old.dates)
    result = permutation_test(prices, GRID, FEE, resamples=3, workers=1)
    best = engine.sweep(prices, [2, 3, 5, 8], [10, 15, 20, 30], GRID.stops, costs=FEE.costs).best("sharpe")
    assert result.symbols.observed.tolist() == best.sharpe.tolist()
    assert [tuple(luck.where.values()) for luck in result.of_symbol] == list(best.index)
    top = best.sharpe.idxmax()
    assert (result.cell.observed, tuple(result.cell.where.values())) == (best.sharpe[top], top)
    trials = trials_of(prices, GRID, FEE)
    ratios = trials.returns.mean(1) / trials.returns.std(1, ddof=1) * np.sqrt(252)
    assert result.setting.observed == pytest.approx(ratios.max(), rel=1e-12)
    assert result.setting.where == trials.keys().iloc[ratios.argmax()].to_dict()


def test_settings_are_left_out_where_only_cells_are_asked_for():
    both, cells = (permutation_test(uneven(), GRID, FEE, resamples=20, level=None, which=w) for w in ("both", "cells"))
    assert cells.setting is None
    assert cells.why == {}
    assert both.cell.draws.tolist() == cells.cell.draws.tolist()


def test_lots_keep_the_level_of_prices():
    prices = engine.simulate(1, 100, price=20.0)
    chosen = Settings(sizing="all_in_lots", lot=10.0)
    best = engine.sweep(prices, [2, 3], [10], sizing="all_in_lots", lot=10).best("sharpe")
    result = permutation_test(prices, Grid.of([2, 3], [10]), chosen, resamples=1)
    assert result.cell.observed == best.sharpe.iloc[0]


def test_one_symbol_has_the_same_best_setting_and_best_cell():
    result = permutation_test(engine.simulate(1, 200, seed=2), GRID, FEE, resamples=20, level=None)
    assert result.setting.draws == pytest.approx(result.cell.draws, rel=1e-9)
    assert result.setting.p == result.cell.p == result.family["SIM001"] == result.of_symbol[0].p


# The p-value


def test_p_value_is_that_of_the_definition():
    result = permutation_test(uneven(), GRID, FEE, resamples=40, level=None)
    assert (result.done, result.asked, result.stopped, result.why) == (40, 40, "all", {})
    best = np.array([luck.draws for luck in result.of_symbol])
    for luck in (result.cell, result.setting, *result.of_symbol):
        as_good = sum(value >= luck.observed for value in luck.draws.tolist())
        assert (luck.as_good, luck.done) == (as_good, 40)
        assert luck.p == (1 + as_good) / 41
        assert luck.error == pytest.approx(math.sqrt(luck.p * (1 - luck.p) / 41))
        assert (luck.median, luck.high) == (np.median(luck.draws), np.quantile(luck.draws, 0.95))
    assert result.cell.draws.tolist() == best.max(0).tolist()
    for name, luck in zip(result.family, result.of_symbol, strict=True):
        assert result.family[name] == (1 + np.count_nonzero(result.cell.draws >= luck.observed)) / 41
        assert result.family[name] >= luck.p


def test_draws_are_the_best_of_sweeps_of_the_shuffled_markets():
    prices, shuffle = uneven(), Shuffle("bootstrap", block=5, seed=8)
    result = permutation_test(prices, GRID, FEE, shuffle=shuffle, resamples=3, level=None, metric="calmar")
    moves = Moves.of(Pool.of(prices, 10), free=True)
    for number in range(3):
        market = moves.in_order(shuffle.order(160, number))
        frames = {h.symbol: h for h in market.histories}
        table = engine.sweep(
            engine.Prices.from_histories(frames.values()), [2, 3, 5, 8], [10, 15, 20, 30], GRID.stops, costs=FEE.costs
        )
        best = table.to_frame().calmar.groupby("symbol", sort=False).max()
        assert [luck.draws[number] for luck in result.of_symbol] == best.tolist()


def ks_distance(values):
    """Largest distance of the empirical distribution of numbers from the uniform one."""
    ordered, n = np.sort(values), len(values)
    return max((np.arange(1, n + 1) / n - ordered).max(), (ordered - np.arange(n) / n).max())


def dice_of_the_run():
    """Always the same in CI, other ones each night."""
    return np.random.default_rng(None if NIGHTLY else 0)


def test_p_values_of_markets_without_an_edge_are_uniform():
    dice, asked, found = dice_of_the_run(), 19, Counter()
    for seed in dice.integers(0, 2**31, MARKETS).tolist():
        prices, shuffle = engine.simulate(2, 250, seed=seed), Shuffle(seed=seed)
        result = permutation_test(prices, GRID, FEE, shuffle=shuffle, resamples=asked, level=None)
        for name, luck in (("cell", result.cell), ("setting", result.setting), ("symbol", result.of_symbol[1])):
            found[name, luck.as_good] += 1
    for name in ("cell", "setting", "symbol"):
        # As good as 0 .. 19 of 19 are equally likely; a uniform number within each step makes the distribution continuous.
        good = [count for (what, count), times in found.items() if what == name for _ in range(times)]
        distance = ks_distance((np.array(good) + dice.random(len(good))) / (asked + 1))
        # P(distance > 1.95 / root n) is 0.001 (Kolmogorov), P(distance > 2.4 / root n) is 2e-5: there are many nights.
        assert distance < (2.4 if NIGHTLY else 1.95) / math.sqrt(MARKETS), (name, distance)


def test_bootstrap_finds_no_more_in_markets_without_an_edge_than_it_may():
    # A bootstrapped market has some days twice and others never, so it cannot be exchanged with the market: its p-values are not uniform, but small ones are rare.
    dice, significant = dice_of_the_run(), 0
    for seed in dice.integers(0, 2**31, MARKETS).tolist():
        shuffle = Shuffle("bootstrap", block=5, seed=seed)
        result = permutation_test(engine.simulate(2, 250, seed=seed), GRID, FEE, shuffle=shuffle, resamples=19)
        significant += result.cell.p <= 0.05
    # Allowed are 5 percent, and four standard errors.
    assert significant <= 0.05 * MARKETS + 4 * math.sqrt(0.05 * 0.95 * MARKETS)


def trending(seed=1, bars=600):
    """Months that rise and months that fall, by 0.6 percent a day; its days in another order are only noise."""
    dice = np.random.default_rng(seed)
    drift = np.where(np.arange(bars) // 60 % 2, -0.006, 0.006)
    close = 100 * np.exp(np.cumsum(drift + 0.008 * dice.standard_normal(bars)))
    opened = np.r_[100.0, close[:-1]]
    dates = pd.bdate_range("2020-01-01", periods=bars)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return engine.Prices.from_histories([engine.History("TREND", dates, opened, high, low, close, np.zeros(bars))])


@pytest.mark.parametrize("shuffle", [Shuffle(), Shuffle("bootstrap", block=2)])
def test_real_trend_is_found(shuffle):
    result = permutation_test(trending(), GRID, FEE, resamples=199, shuffle=shuffle)
    assert result.cell.p == result.setting.p == 1 / 200
    assert (result.stopped, result.done) == ("all", 199)
    assert result.cell.observed > result.cell.high > result.cell.median


def test_stopping_early_decides_as_all_resamples_do():
    decisions = Counter()
    for seed in range(12):
        prices = trending(seed, 120) if seed % 3 == 0 else engine.simulate(2, 120, seed=seed)
        early = permutation_test(prices, GRID, FEE, resamples=79, level=0.1)
        full = permutation_test(prices, GRID, FEE, resamples=79, level=None)
        for one, other in ((early.cell, full.cell), (early.setting, full.setting)):
            assert (one.p <= 0.1) == (other.p <= 0.1)
        assert early.cell.draws.tolist() == full.cell.draws[: early.done].tolist()
        if early.stopped == "settled":
            assert early.cell.p > 0.1
            assert early.cell.as_good == 8
            assert early.done < 79
            assert early.done == max(early.cell.done, early.setting.done)  # it stops at once
        decisions[early.cell.p <= 0.1, early.stopped] += 1
    assert decisions[True, "all"]
    assert decisions[False, "settled"]


@given(st.integers(1, 400), st.floats(0.001, 0.5))
def test_enough_is_the_smallest_count_that_settles(asked, level):
    enough = enough_for(level, asked)
    assert (1 + enough) / (1 + asked) > level
    assert enough == 1 or enough / (1 + asked) <= level


def test_sequential_p_value_is_valid():
    # Exactly, for exchangeable values: the rank of the observed one among the first l others is uniform, whatever l. All orders of 7 values are tried.
    from itertools import permutations

    enough, smallest = 2, Counter()
    for values in permutations(range(7)):
        tally = Tally.of(np.array([values[0]], float), enough, np.array([True]))
        for value in values[1:]:
            if tally.add(np.array([value], float)):
                break
        smallest[tally.p(0)] += 1
    total, below = math.factorial(7), 0
    for p in sorted(smallest):
        below += smallest[p]
        assert below / total <= p + 1e-12


def test_undefined_values_never_count_as_good():
    tally = Tally.of(np.array([1.0, np.nan]), 3, np.array([True, True]))
    for value in (np.nan, 1.0, 0.5, 2.0, np.nan):
        assert not tally.add(np.array([value, 5.0]))
    assert tally.add(np.array([1.0, 5.0]))
    assert (tally.as_good.tolist(), tally.done.tolist()) == ([3, 0], [6, 0])
    assert tally.p(0) == 4 / 7
    assert math.isnan(tally.p(1))
    assert math.isnan(p_value(0, 0))


# How it runs


def numbers(result):
    lucks = (result.cell, result.setting, *result.of_symbol)
    return [(luck.observed, luck.p, luck.done, luck.draws.tolist()) for luck in lucks], result.family, result.stopped


def test_numbers_do_not_depend_on_threads():
    one, three = (permutation_test(uneven(), GRID, FEE, resamples=60, workers=workers) for workers in (1, 3))
    assert numbers(one) == numbers(three)


def test_ctrl_c_keeps_what_is_done():
    def stop_after(done, asked):
        seen.append((done, asked))
        if done == 7:
            raise KeyboardInterrupt

    for workers in (1, 2):
        seen = []
        result = permutation_test(
            engine.simulate(2, 80), GRID, FEE, resamples=50, level=None, progress=stop_after, workers=workers
        )
        assert seen == [(done, 50) for done in range(1, 8)]
        assert (result.stopped, result.done, result.asked) == ("interrupted", 7, 50)
        whole = permutation_test(engine.simulate(2, 80), GRID, FEE, resamples=7, level=None)
        assert (result.cell.p, result.cell.draws.tolist()) == (whole.cell.p, whole.cell.draws.tolist())


def test_shuffles_depend_on_seed_and_number_alone():
    for kind in ("permutation", "bootstrap"):
        orders = [Shuffle(kind, seed=seed).order(100, number).tolist() for seed in (1, 2) for number in (0, 1)]
        assert len({tuple(order) for order in orders}) == 4
        assert Shuffle(kind, seed=2).order(100, 1).tolist() == orders[3]


def test_bootstrap_draws_blocks_of_the_mean_length():
    order = Shuffle("bootstrap", block=20).order(100_000, 0)
    follows = np.diff(order) % 100_000 == 1
    # A day is followed by its next one with probability 1 - 1/20.
    assert np.count_nonzero(~follows) == pytest.approx(5000, abs=4 * math.sqrt(100_000 * 0.05 * 0.95))
    assert order.min() < 100
    assert order.max() > 99_900
    assert sorted(Shuffle("bootstrap", block=1).order(50, 0).tolist()) != list(range(50))


def test_last_day_is_followed_by_the_first_within_a_block():
    order = Shuffle("bootstrap", block=1e9).order(50, 3).tolist()  # one block
    assert order == [(order[0] + i) % 50 for i in range(50)]
    assert order[0] > 0


# Too little data, and what makes no sense


def test_too_little_data_is_said_and_the_rest_is_given():
    prices = uneven(symbols=3, bars=60)  # 60, 43 and 26 - 13 bars
    grid = Grid.of([2], [10, 50])
    result = permutation_test(prices, grid, FEE, resamples=5)
    assert result.setting.observed == pytest.approx(
        permutation_test(prices.select(["SIM001"]), grid, FEE, resamples=1).cell.observed, rel=1e-9
    )
    none = permutation_test(prices.select(end="2020-02-28"), grid, FEE, resamples=5)
    assert none.setting is None
    assert none.why["setting"] == "no symbol has 50 bars, which the longest slow window needs"
    assert none.cell.done == 5
    assert none.cell.p > 0


def test_cells_that_never_trade_have_no_p_value():
    flat = engine.History("FLAT", pd.bdate_range("2020-01-01", periods=40), *np.full((4, 40), 10.0), np.zeros(40))
    both = engine.Prices.from_histories([flat, engine.simulate(1, 40, seed=3)["SIM001"]])
    result = permutation_test(both, Grid.of([2], [5]), FEE, resamples=5)
    assert list(result.why) == ["FLAT", "level"]
    assert math.isnan(result.symbols.p["FLAT"])
    assert math.isnan(result.family["FLAT"])
    assert result.cell.p > 0
    assert result.why["level"] == "with 5 resamples no p-value is below 0.167, and the level is 0.05"
    alone = permutation_test(both.select(["FLAT"]), Grid.of([2], [5]), FEE, resamples=30)
    assert (alone.stopped, alone.done, sorted(alone.why)) == ("undefined", 0, ["FLAT", "cell", "setting"])
    assert math.isnan(alone.cell.p)
    assert alone.cell.where == {}
    assert math.isnan(alone.cell.median)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "luck"}, "there is no metric 'luck'"),
        ({"which": "all"}, "which is 'all'; it must be one of: cells, both"),
        ({"resamples": 0}, "resamples is 0"),
        ({"level": 1.0}, "level is 1.0; it is a probability"),
        ({"workers": 0}, "workers is 0"),
    ],
)
def test_senseless_arguments(options, message):
    with pytest.raises(engine.InputError, match=message):
        permutation_test(engine.simulate(1, 60), GRID, FEE, **options)
    with pytest.raises(engine.InputError, match="intrabar 'both'"):
        permutation_test(engine.simulate(1, 60), GRID, Settings(intrabar="both"))
    for wrong in ({"kind": "dice"}, {"block": 0.5}, {"seed": -1}):
        with pytest.raises(engine.InputError, match=str(*wrong)):
            Shuffle(**wrong)


def test_large_grids_are_searched_in_parts(monkeypatch):
    prices = uneven()
    pool = Pool.of(prices, 10)
    whole = Search(GRID, FEE, "sharpe").cells(pool)
    monkeypatch.setattr("engine.selection.searches._MOST_CELLS", 10)
    parts = Search(GRID, FEE, "sharpe").cells(pool)
    assert all(one.tolist() == other.tolist() for one, other in zip(whole, parts, strict=True))


def test_joining_some_symbols_leaves_out_days_without_them():
    pool = Pool.of(uneven(), 1)
    late = joined(pool, frozenset({"SIM003"}))
    assert late.days.equals(pool.histories[2].dates)
    assert (late.count == 1).all()
    assert late.day[0].tolist() == list(range(len(late.days)))
