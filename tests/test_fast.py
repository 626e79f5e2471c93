"""The fast sweep against the plain loop: what is made of trades bit for bit, the other metrics to 1e-10."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.backtesting import kernel_bars
from engine.crossing import averages_of, filter_of
from engine.flattening import sessions_of
from engine.grid import Grid
from engine.kernels import fast as fast_kernels
from engine.kernels import prefix
from engine.kernels.crosses import crosses, filtered_crosses
from engine.kernels.events import simulate_events
from engine.kernels.indicators import average_true_range, averages
from engine.kernels.legs import Span
from engine.kernels.loop import Tile, simulate, sweep_tile, with_multiple
from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.kernels.plan import SPAN, block_of, scratch_of
from engine.kernels.stops import Stops
from engine.kernels.symbols import Trails
from engine.settings import Settings
from engine.sweeping.blocks import plan_of
from engine.sweeping.signalled import run_signalled
from engine.sweeping.spans import run_spans
from tests import adapter, naive, strategies

DATA = Path(__file__).parents[2] / "shared" / "data"
EXACT = [METRICS.index(name) for name in adapter.EXACT]


def compare_ways(history, windows, multiples, atr_window, setting, stop, *, least_sure=0.99, most=SPAN):
    """Hold the fast way to the plain one on every cell that it is sure of; return the plain metrics (pairs, multiples, METRIC_COUNT)."""
    grid = Grid.of(*windows)
    fast, slow = grid.fast, grid.slow
    windows = np.unique(np.r_[fast, slow])
    ranges = average_true_range(history.high, history.low, history.close, np.array([atr_window]), stop.atr == "wilder")
    stops = Stops(ranges, np.zeros(len(multiples), np.int64), np.array(multiples))
    rows = np.searchsorted(windows, fast), np.searchsorted(windows, slow)
    tile = Tile(averages_of(history, windows, setting.signal), *rows, *stops, filter_of(history, setting.signal))
    bars = kernel_bars(history)
    rules = setting.kernel_rules(stop, sessions=sessions_of([history], setting.flatten))
    shape = (len(grid.pairs), len(multiples), METRIC_COUNT)
    quick, plain = np.full(shape, -1.0), np.full(shape, -2.0)
    plan = plan_of(fast, slow, int(slow.max()))
    trails = Trails(np.array([atr_window]), stops.row, stops.multiple, stop.atr == "wilder")
    year = setting.bars_per_year
    if setting.signal.is_golden_cross:
        sure = run_spans([history], plan, trails, setting.capital, rules, year, quick[None], most=most)[0]
    else:
        sure = run_signalled([history], plan, trails, setting, rules, quick[None], most=most)[0]
    sweep_tile(bars, tile, False, setting.capital, rules, setting.bars_per_year, plain)
    assert sure.mean() >= least_sure
    assert np.array_equal(quick[sure][:, EXACT], plain[sure][:, EXACT], equal_nan=True)
    equity, trades, signals = np.empty(len(history)), np.empty((len(history) + 1, 8)), np.empty(len(history), np.int8)
    for p, k in np.argwhere(sure).tolist():
        if np.allclose(quick[p, k], plain[p, k], rtol=1e-10, atol=1e-12, equal_nan=True):
            continue
        filtered_crosses(tile.averages[tile.fast[p]], tile.averages[tile.slow[p]], tile.filter, signals)
        simulate(bars, signals, ranges[0], setting.capital, with_multiple(rules, multiples[k]), equity, trades)
        roundings = adapter.rounding(setting.capital, equity, setting.bars_per_year)
        got, expected = (dict(zip(METRICS, way[p, k], strict=True)) for way in (quick, plain))
        adapter.assert_metrics(got, expected, roundings=roundings)
    return plain


@settings(max_examples=500, deadline=None)
@given(
    strategies.markets(min_bars=3),
    strategies.rules(),
    st.sampled_from([[np.nan], [1.0], [np.nan, 0.5, 2.0]]),
    st.sampled_from([1, 5]),
    st.sampled_from([64, 128, SPAN]),
)
def test_any_market_any_rules(bars, rules, multiples, times, most):
    """Markets of up to 120 bars, once or five times over, so that spans begin and end amid holdings, ties and stops."""
    bars = bars * times
    windows = (1, 2, 3, 5), [slow for slow in (2, 3, 7, 20) if slow <= len(bars)]
    arguments = {**adapter.arguments(rules), "sizing": "all_in"}
    stop = engine.TrailingStop(2.0, rules.atr_window, rules.atr, rules.stop_kind)
    history = adapter.history(bars)
    compare_ways(history, windows, multiples, rules.atr_window, Settings(**arguments), stop, least_sure=0.0, most=most)


@settings(max_examples=400, deadline=None)
@given(strategies.markets(min_bars=3), strategies.rules(), strategies.windows())
def test_from_event_to_event_is_the_plain_loop(bars, rules, pair):
    """Every sizing, stop and fill: trades, equity, counts and the position that is left, bit for bit."""
    history, n = adapter.history(bars), len(bars)
    if pair[1] > n:
        return
    signals = np.empty(n, np.int8)
    crosses(*averages(history.close, np.array(pair)), signals)
    stop = engine.TrailingStop(1.0, rules.atr_window, rules.atr, rules.stop_kind)
    atr = average_true_range(
        history.high, history.low, history.close, np.array([rules.atr_window]), rules.atr == "wilder"
    )
    multiple = np.nan if rules.multiple is None else rules.multiple
    chosen = with_multiple(Settings(**adapter.arguments(rules)).kernel_rules(stop), multiple)
    events = np.flatnonzero(signals)
    golden = len(events) > 0 and signals[events[0]] == 1
    outcomes = []
    for run, what in ((simulate, (signals,)), (simulate_events, (events, golden))):
        equity, trades = np.full(n, -1.0), np.full((n + 1, 8), -1.0)
        outcome = run(kernel_bars(history), *what, atr[0], rules.capital, chosen, equity, trades)
        outcomes.append((equity.tolist(), trades.tolist(), repr(outcome)))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("bars", [63, 64, 65, 127, 128, 129, 193])
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_a_last_span_of_any_length(bars, fill):
    """Of a single bar among others: it once read the table of the span before."""
    history = engine.simulate(1, bars, seed=bars)["SIM001"]
    setting, windows = Settings(fill=fill, costs=engine.Costs(rate=0.001)), ((1, 2, 3), (2, 3, 7, 20))
    compare_ways(history, windows, [np.nan, 1.0], 3, setting, engine.TrailingStop(), least_sure=0.5, most=64)


@settings(max_examples=300, deadline=None)
@given(strategies.markets(min_bars=2), strategies.windows(), st.sampled_from([0, 1]), st.sampled_from([64, 192, 640]))
def test_crosses_are_those_of_the_contract(bars, pair, delay, size):
    """Short markets, repeated to be longer than a span: touches, ties and first sides among them."""
    closes = np.array([bar.close for bar in bars] * 4)
    if pair[1] > len(closes):
        return
    signals = np.empty(len(closes), np.int8)
    fast, slow = averages(closes, np.array(pair))
    crosses(fast, slow, signals)
    expected = [(t + delay, signals[t]) for t in np.flatnonzero(signals) if t + delay < len(closes)]
    found, doubtful = crosses_by_spans(closes, pair, delay, size)
    first = pair[1] - 1
    assert doubtful == (first + delay < len(closes) and fast[first] == slow[first])
    assert doubtful or found == expected


def crosses_by_spans(closes, pair, delay, size):
    """Find the crosses of one pair as the fast sweep does, and whether it leaves them to the plain loop."""
    plan = plan_of(np.array(pair[:1]), np.array(pair[1:]), pair[1])
    scratch = scratch_of(plan, size)
    pairs = scratch.pairs
    pairs.above[:], pairs.doubtful[:] = 0, False
    block, found = block_of(plan, 0), []
    for start in range(0, len(closes), size):
        stop = min(start + size, len(closes))
        span, origin = Span(start, stop, size, len(closes)), start - delay - pair[1]
        kind = prefix.add_up(closes, origin, stop - delay, scratch.sums)
        fast_kernels.find_block(closes, origin, scratch, kind, pair[1] + 1, block, span, delay, 0, 1)
        bars = scratch.crosses.bars[: scratch.crosses.counts[0]] + start
        sign = 1 if scratch.crosses.golden[0] else -1
        found += [(bar, sign if i % 2 == 0 else -sign) for i, bar in enumerate(bars.tolist())]
    return found, bool(pairs.doubtful[0])


@pytest.mark.parametrize("length", [63, 64, 65, 66, 127, 128, 129, 130])
def test_crosses_at_the_edges_of_words(length):
    for slow in (2, 3):
        for t in range(slow, length):
            closes = np.where(np.arange(length) < t, 200.0 - np.arange(length), 300.0 + np.arange(length))
            for delay, size in ((0, 64), (1, 64), (0, 192), (1, 192)):
                expected = [(t + delay, 1)] if t + delay < length else []
                assert crosses_by_spans(closes, (1, slow), delay, size) == (expected, False)


@pytest.mark.parametrize("flat", range(2, 140, 3))
@pytest.mark.parametrize("after", [-1.0, 1.0, None])
@pytest.mark.parametrize("delay", [0, 1])
def test_a_tie_keeps_the_side_from_span_to_span(flat, after, delay):
    """Up, then on one level for so many bars, in which the averages are the same; a tie that goes on at the end of the span, or of several, is no cross before it ends."""
    closes = [200.0 - t for t in range(20)] + [180.0 + 3.0 * t for t in range(20)] + [240.0] * (3 + flat)
    closes += [] if after is None else [240.0 + after * t for t in range(1, 30)]
    golden = next(t for t in range(20, 40) if closes[t] > sum(closes[t - 2 : t + 1]) / 3)
    death = [(len(closes) - 29 + delay, -1)] if after == -1.0 else []
    for size in (64, 192):
        assert crosses_by_spans(np.array(closes), (1, 3), delay, size) == ([(golden + delay, 1), *death], False)


@pytest.mark.parametrize("fill", ["next_open", "close"])
@pytest.mark.parametrize("kind", ["fixed", "chandelier"])
def test_long_series(fill, kind):
    """A hundred thousand bars: prefix sums must not lose what the plain loop has."""
    bars = 100_000
    rng = np.random.default_rng(5)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.003, bars))), 2)
    opened = np.round(close * np.exp(rng.normal(0, 0.001, bars)), 2)
    rows = np.stack([opened, np.maximum(opened, close) + 0.05, np.minimum(opened, close) - 0.05, close], axis=1)
    history = adapter.history([naive.Bar(*row) for row in rows.tolist()])
    setting = Settings(fill=fill, costs=engine.Costs(rate=0.0002, slippage=0.0001))
    stop = engine.TrailingStop(3.0, kind=kind)
    plain = compare_ways(history, ((5, 50, 90), (20, 200, 300)), [np.nan, 3.0, 8.0], 14, setting, stop)
    assert plain[..., METRICS.index("trades")].min() > 100


def test_a_calm_trade_after_a_wild_year():
    """The sums of a trade are small differences of large prefix sums: without the lost bits this is wrong by 1e-7."""
    wild = [100.0 * 2.0 ** (t % 2) for t in range(50)]
    calm = [100.0 + 0.0001 * (30 - abs(30 - t)) + 0.00003 * (t % 3) for t in range(60)]
    bars = [naive.Bar(close, close, close, close) for close in [*([100.0] * 5), *wild, *([100.0] * 25), *calm]]
    rules = naive.Rules(fill="close", capital=1_000_000.0)
    history = adapter.history(bars)
    windows, setting = ((1, 2), (20,)), Settings(fill="close")
    plain = compare_ways(history, windows, [np.nan], 14, setting, engine.TrailingStop(), least_sure=0.0)
    assert plain[..., METRICS.index("trades")].min() >= 1
    assert naive.backtest(bars, 2, 20, rules).trades


@pytest.mark.skipif(not DATA.exists(), reason="the shared prices are not here")
@pytest.mark.parametrize("folder", ["nse_daily", "nse_daily_recent"])
@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_all_real_prices(folder, fill):
    prices = engine.load(DATA / folder, repair=["drop-duplicates", "drop-blank-last", "rescale"])
    windows = range(5, 101, 15), range(20, 301, 40)
    setting = Settings(fill=fill, costs=engine.Costs(rate=0.001))
    for symbol in prices:
        stop = engine.TrailingStop(3.0)
        compare_ways(prices[symbol], windows, [np.nan, 2.0, 4.0], 14, setting, stop)


def test_the_other_settings_take_the_plain_way():
    prices = engine.simulate(1, 600, seed=2)
    for change in ({"sizing": "all_in_lots"}, {"direction": "long_short"}):
        found = engine.sweep(prices, (5, 10), (20, 50), **change)
        one = engine.backtest(prices, 10, 50, **change)
        assert found.to_frame().loc[("SIM001", 10, 50, 0, 0.0)].equals(one.metrics.iloc[0])
