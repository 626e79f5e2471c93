"""The parts of the fast sweep, each against plain Python."""

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, localcontext
from fractions import Fraction
from threading import Barrier
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.backtesting import kernel_bars
from engine.kernels import accounts, bits, codes, drawdown, legs, machine, market, prefix, sides, stops, vectors
from engine.kernels._jit import kernel, plain
from engine.kernels.accounts import ACCOUNT_SIZE
from engine.kernels.indicators import average_true_range
from engine.kernels.loop import Bars
from engine.kernels.position import CostRates
from engine.kernels.power import power
from engine.kernels.walks import walks_of
from engine.settings import Settings

ordinary = settings(max_examples=200, deadline=None)


@kernel
def count(word):
    return machine.trailing_zeros(word), machine.count_ones(word), machine.highest_bit(word)


@kernel
def multiply_add(a, b, c):
    return machine.fused(a, b, c)


@kernel
def fetch(array, place):
    machine.fetch_to_write(array, np.uint64(place))


@kernel
def read_at(address, count, target):
    target[:] = machine.doubles_at(address, count)


@kernel
def take_all(counter, most, taken):
    count = 0
    number = machine.take_number(counter)
    while number < most:
        taken[count] = number
        count += 1
        number = machine.take_number(counter)
    return count


@kernel
def blend(condition, one, other):
    return machine.blended(condition, one, other)


@kernel
def choose(condition, one, other):
    return machine.chosen(condition, one, other)


@kernel
def compare(rows, one, others, number, words, place, doubts, at):
    return sides.above_words(rows, one, others, number, words, place, doubts, at)


@kernel
def add(totals, place, rows, above, below):
    vectors.add_difference(totals, place, rows, above, below)


def places(word, first, out, at):
    vectors.write_ones(word, first, out, at)


together = kernel(places)


def run_of(table, size, first, last):
    one, two = (int(place) for place in drawdown.places_of_run(size, first, last))
    return drawdown.join(
        drawdown.Run(*table[one : one + 3]),
        drawdown.Run(*table[two : two + 3]),
    )


@ordinary
@given(st.integers(1, 2**64 - 1))
def test_bits_are_counted(word):
    zeros = (word & -word).bit_length() - 1
    assert count(np.uint64(word)) == (zeros, word.bit_count(), word.bit_length() - 1)


words = st.integers(0, 2**64 - 1) | st.sets(st.integers(0, 63), max_size=6).map(lambda ones: sum(1 << i for i in ones))


def hold_places(write, word):
    out = np.full(80, -1, np.int16)
    write(np.uint64(word), 640, out, 3)
    expected = [640 + i for i in range(64) if word >> i & 1]
    assert out[3 : 3 + len(expected)].tolist() == expected
    assert (out[:3] == -1).all()
    assert (out[3 + 64 :] == -1).all()


@ordinary
@given(words)
def test_set_bits_are_written(word):
    hold_places(together, word)


def test_set_bits_are_written_by_a_processor_without_the_instruction(monkeypatch):
    monkeypatch.setattr(vectors, "_compresses", lambda _context: False)
    singly = numba.njit(places)
    for word in (0, 1, 1 << 63, 0x8000_0001_0000_1000, 0b1011, 2**64 - 1):
        hold_places(singly, word)


def test_threads_never_take_the_same_number():
    most, counter, meeting = 300_000, np.zeros(1, np.int64), Barrier(2)

    def take(taken):
        meeting.wait(30)
        return taken[: take_all(counter, most, taken)]

    assert take_all(np.zeros(1, np.int64), 3, np.empty(3, np.int64)) == 3  # compiled
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(take, [np.empty(most, np.int64) for _ in range(2)]))
    assert np.sort(np.concatenate(parts)).tolist() == list(range(most))
    assert all((np.diff(part) > 0).all() for part in parts)


numbers = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)


@ordinary
@given(numbers, numbers, numbers)
def test_fused_multiply_add_is_rounded_once(a, b, c):
    assert multiply_add(a, b, c) == float(Fraction(a) * Fraction(b) + Fraction(c))


@ordinary
@given(st.floats(1e-300, 1e300), st.floats(-3, 3) | st.floats(-300, 300))
def test_powers_are_those_of_more_digits(base, exponent):
    with localcontext() as context:
        context.prec = 40
        log = Decimal(exponent) * Decimal(base).ln()
        exact = log.exp() if abs(log) < 709 else (Decimal(0) if log < 0 else Decimal("inf"))
    got = power(base, exponent)
    if not -708 < log < 709:
        assert got in (0.0, np.inf) or abs(log) < 709.1
    else:
        assert abs(Decimal(got) / exact - 1) < Decimal("4e-16") * (1 + abs(log))


@ordinary
@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=8, max_size=8), st.integers(-(2**63), 2**63 - 1))
def test_differences_of_rows_are_added_modulo_2_to_the_64(row, total):
    totals, rows = np.full(8, total, np.int64), np.array(row, np.int64).view(float)
    add(totals, np.uint64(4), rows, np.uint64(4), np.uint64(0))
    expected = [(total + row[4 + i] - row[i] + 2**63) % 2**64 - 2**63 for i in range(4)]
    assert totals.tolist() == [total] * 4 + expected


def test_words_say_which_row_is_above_or_that_they_cannot_tell():
    rng = np.random.default_rng(1)
    rows = rng.integers(-32_000, 32_001, (9, 64)).astype(np.int16)
    rows[2:7] = rows[1] + rng.integers(-4, 5, (5, 64))
    rows[1, :2], rows[8, :2] = (-32_000, 32_000), (32_000, -32_000)
    rows[7] = rows[1] + rng.choice([-2, 2], 64)  # near, but not too near
    words, doubts = np.full(10, 99, np.uint64), np.full(20, 99, np.uint64)
    given_rows = -rows[:, sides.code_order()]
    given_rows[1] += 1
    assert compare(given_rows.reshape(-1).view(np.uint32), 1, 2, 7, words, 3, doubts, 1) == 6
    for j in range(7):
        bits = [int(words[3 + j]) >> i & 1 for i in range(64)]
        assert bits == [int(rows[1, i] > rows[2 + j, i] + 1) for i in range(64)]
    for j in range(5):
        place, doubt = doubts[2 * j + 2 : 2 * j + 4].tolist()
        near = [abs(int(rows[1, i]) - int(rows[2 + j, i])) < 2 for i in range(64)]
        assert place == 3 + j
        assert [doubt >> i & 1 for i in range(64)] == near
    assert (words == 99).sum() == 3
    assert (doubts[:2] == 99).all()
    assert (doubts[14:] == 99).all()


@ordinary
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.02, 0.5]), st.integers(-40, 3), st.integers(40, 80))
def test_codes_of_averages_are_nearer_than_one(seed, wild, origin, place):
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, wild, 150)))
    windows, fasts, count = np.array([1, 2, 7, 3, 20, 39]), 3, place + 63
    sums, halves = np.empty(count + 1, np.int32), np.empty((count + 3) // 2 * 2, np.int32)
    lows, highs = np.empty((2, -(-count // 64)))
    codes.fill_ranges(close, origin, count, lows, highs)
    lowest, highest = codes.join_ranges(lows, highs, 0, len(lows))
    inside_all = close[max(origin, 0) : origin + count]
    assert (lowest, highest) == (inside_all.min(), inside_all.max())
    rounded = codes.fill_coarse(close, origin, count, lowest, highest, int(windows.max()), sums, halves)
    lowest, highest = codes.join_ranges(lows, highs, (place - int(windows.max())) // 64, len(lows))
    out = np.empty(len(windows) * 32, np.uint32)
    codes.fill_codes(halves, rounded, place, windows, fasts, lowest, highest, out)
    found = np.empty((len(windows), 64))
    found[:, sides.code_order()] = -out.view(np.int16).reshape(len(windows), 64).astype(float)
    found[:fasts] += 1.0
    # Bars that there are not count as the middle of all.
    bars = np.arange(origin, origin + count)
    known = np.where((bars >= 0) & (bars < len(close)), close[np.clip(bars, 0, len(close) - 1)], rounded.middle)
    exact = np.array([[known[place + i - w : place + i].mean() for i in range(64)] for w in windows])
    scale = 2.0 * codes.LARGEST_CODE / max(highest - lowest, codes.NARROWEST * highest, 128_000.0 * rounded.unit)
    inside = (exact >= lowest) & (exact <= highest)
    wrong = found - (exact - (lowest + highest) / 2.0) * scale
    wrong -= wrong[inside].mean()  # the same for all codes does not matter
    assert np.abs(wrong[inside]).max() < 1.0
    assert np.abs(found[inside]).max() <= codes.LARGEST_CODE + 1.0


@ordinary
@given(st.data(), st.integers(1, 9), st.integers(1, 200) | st.integers(4_000, 9_000))
def test_changes_of_sides(data, pairs, bars):
    used, drawn = -(-bars // 64), data.draw(st.lists(words, min_size=1, max_size=30))
    sides = np.random.default_rng(bars).choice(np.array(drawn, np.uint64), used * pairs)
    above = np.array(data.draw(st.lists(st.integers(0, 1), min_size=pairs, max_size=pairs)), np.int64)
    found, last, changed = sides.copy(), above.copy(), np.full(-(-used // 64) * pairs, 99, np.uint64)
    bits.mark_changes(found, pairs, bars, last, changed)
    for pair in range(pairs):
        side = [int(above[pair])] + [int(sides[t // 64 * pairs + pair]) >> t % 64 & 1 for t in range(bars)]
        changes = [side[t] != side[t + 1] for t in range(bars)] + [False] * (used * 64 - bars)
        for word in range(used):
            expected = sum(1 << i for i in range(64) if changes[word * 64 + i])
            assert int(found[word * pairs + pair]) == expected
            assert int(changed[word // 64 * pairs + pair]) >> word % 64 & 1 == (expected != 0)
        assert int(changed[(used - 1) // 64 * pairs + pair]) >> (used - 1) % 64 >> 1 == 0
        assert last[pair] == side[-1]


@given(st.booleans(), st.floats(), st.floats())
def test_one_of_two_numbers_is_chosen(condition, one, other):
    for way in (choose, blend):
        np.testing.assert_equal(way(condition, one, other), one if condition else other)


def test_to_fetch_a_place_changes_nothing():
    array = np.arange(20.0)
    fetch(array, 9)
    assert array.tolist() == list(range(20))


def test_doubles_are_read_at_an_address():
    source, target = np.arange(10.0), np.full(4, -1.0)
    read_at(source[3:].ctypes.data, 4, target)
    assert target.tolist() == [3.0, 4.0, 5.0, 6.0]


@pytest.mark.parametrize("longest", [1, 8, 9, 30, 200])
@pytest.mark.parametrize("size", [1, 2, 7, 8, 9, 63, 64, 65, 200])
def test_runs_of_closes(size, longest):
    rng = np.random.default_rng(size)
    close = np.round(np.exp(np.cumsum(rng.normal(0, 0.1, size + 5))) * 100, 2)
    room = (size + 10) // 8 * 8
    table = np.full(room.bit_length() * room * drawdown.ROW, np.nan)
    drawdown.fill_runs(close, 5, size + 5, longest, np.full(drawdown.WORK_SIZE, np.nan), table, room)
    for first in range(size):
        for last in range(first + 1, min(first + longest, size) + 1):
            part = close[5 + first : 5 + last]
            fall = min(1.0, (part / np.maximum.accumulate(part)).min())
            run = run_of(table, room, first, last)
            assert (run.highest, run.lowest) == (part.max(), part.min())
            assert abs(run.fall - fall) < 4e-16


kinds = st.sampled_from(["paise", "float32", "any"])


@ordinary
@given(kinds, st.integers(0, 10_000), st.integers(1, 30), st.integers(0, 80))
def test_averages_of_every_kind_are_those_of_fractions(kind, seed, window, start):
    rng = np.random.default_rng(seed)
    values = np.round(rng.uniform(1, 3000, 200), 2)
    if kind == "float32":
        values = values.astype(np.float32).astype(float)
    elif kind == "any":
        values[rng.random(200) < 0.7] *= 0.987654321
    sums = np.zeros((4, 320))
    found = prefix.add_up(values, start - 31, 200, sums)
    assert found == {"paise": prefix.WHOLE, "float32": prefix.SINGLE, "any": prefix.MIXED}[kind]
    bars = range(max(start, window - 1), 200)
    out = np.empty(len(bars))
    end = bars[0] + 1 - (start - 31)
    prefix.fill_averages(sums, found, end, np.array([window]), len(out), out)
    for i, t in enumerate(bars):
        part = values[t - window + 1 : t + 1]
        whole = all(float(repr(float(v))) == v and round(v * 1e5) / 1e5 == v for v in part)
        exact = [Fraction(repr(float(v))) if whole else Fraction(float(v)) for v in part]
        assert out[i] == float(sum(exact) / window) == prefix.mean_at(sums, found, end + i, window)


@pytest.mark.parametrize("kind", ["fixed", "chandelier"])
@pytest.mark.parametrize("fill", ["close", "next_open"])
@pytest.mark.parametrize("intrabar", ["stop_first", "high_first"])
@pytest.mark.parametrize("size", [64, 300])
@pytest.mark.parametrize("tick", [0.05, 10.0])
def test_exits_of_all_entries(kind, fill, intrabar, size, tick):
    """Against one position after the other in plain Python; spans of 64 bars are gone on with only where an account holds. With ticks of 1 percent lows meet the stop."""
    history = engine.simulate(1, 300, seed=4, tick=tick)["SIM001"]
    bars, n = kernel_bars(history), 300
    atr = average_true_range(history.high, history.low, history.close, np.array([5]), False)
    given_stops = stops.Stops(atr, np.array([0]), np.array([1.5]))
    rules = Settings(fill=fill, intrabar=intrabar, costs=engine.Costs(slippage=0.001)).kernel_rules(
        engine.TrailingStop(1.5, kind=kind)
    )
    exits = stops.Exits(np.zeros((1, n), np.int64), *np.zeros((3, 1, n)), np.zeros((1, n), np.int64))
    work = np.full(9 * 300, np.nan)
    for start in range(0, n, size):
        nobody, stop = np.zeros((1, 1, ACCOUNT_SIZE)), min(start + size, n)
        longest = stops.find_exits(bars, given_stops, rules, start, stop, nobody, plain(walks_of)(), work, exits)
        seen = [min(exits.bar[0, entry], stop) - entry for entry in range(start, stop) if exits.bar[0, entry] >= 0]
        quick = kind == "fixed" and intrabar == "stop_first"
        assert longest == (max(seen) if quick else stop - start)
    found = 0
    for entry in range(6, n):
        limit = min((entry // size + 1) * size, n)
        bar, price = plain_exit(history, atr[0], entry, limit, kind, fill, intrabar)
        assert exits.bar[0, entry] == (stops.NOT_YET if bar is None else bar)
        if bar is not None:
            assert exits.price[0, entry] == price
            found += 1
        else:
            assert exits.peak[0, entry] == price
    assert found > 200


@ordinary
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0005, 0.02, 0.3]),
    st.sampled_from([0.01, 1.0, 4.0, 60.0]),
    st.sampled_from([1, 63, 64, 200, 2048]),
    st.booleans(),
)
def test_exits_of_any_prices(seed, wild, multiple, bars, at_close):
    """Prices that fall to a thousandth, so that codes tell nothing apart; fills dearer than every high, which no code can say; stops that are never reached; days without an ATR."""
    rng = np.random.default_rng(seed)
    close = 100.0 * np.exp(np.cumsum(rng.normal(-0.01, wild, bars)))
    low, high = close * np.exp(-abs(rng.normal(0, wild, bars))), close * np.exp(abs(rng.normal(0, wild, bars)))
    opens = low + (high - low) * rng.uniform(0, 1, bars)
    opens[rng.random(bars) < 0.05] *= 3.0
    ranges = np.where(rng.random(bars) < 0.1, np.nan, high - low)[np.newaxis]
    history = SimpleNamespace(open=opens, high=np.maximum(high, close), low=low, close=close)
    columns = [history.open, history.high, history.low, history.close]
    for column in columns:
        column.setflags(write=False)
    fill = "close" if at_close else "next_open"
    rules = Settings(fill=fill, costs=engine.Costs(slippage=0.001)).kernel_rules(engine.TrailingStop(multiple))
    exits = stops.Exits(np.zeros((1, bars), np.int64), *np.zeros((3, 1, bars)), np.zeros((1, bars), np.int64))
    given_stops, nobody = stops.Stops(ranges, np.array([0]), np.array([multiple])), np.zeros((1, 1, ACCOUNT_SIZE))
    work = np.full(bars.bit_length() * bars, np.nan)
    stops.find_exits(Bars(*columns), given_stops, rules, 0, bars, nobody, plain(walks_of)(), work, exits)
    for entry in range(0, bars, max(1, bars // 200)):
        signal = entry if at_close else entry - 1
        if signal < 0 or np.isnan(ranges[0, signal]):
            assert exits.bar[0, entry] == stops.NO_ENTRY
            continue
        bar, price = plain_exit(history, ranges[0], entry, bars, "fixed", fill, "stop_first", multiple)
        assert exits.bar[0, entry] == (stops.NOT_YET if bar is None else bar)
        assert (exits.peak if bar is None else exits.price)[0, entry] == price


def plain_exit(history, atr, entry, limit, kind, fill, intrabar, multiple=1.5):
    """Follow one position by the contract's words: bar and price of its exit, or None and its peak."""
    delay = 0 if fill == "close" else 1
    peak = (history.close if fill == "close" else history.open)[entry] * (1 + 0.001)
    stop = -math.inf
    for t in range(entry + 1 - delay, limit):
        distance = multiple * (atr[entry - delay] if kind == "fixed" else atr[t - 1])
        stop = max(stop, peak - distance)
        if t > entry and history.open[t] <= stop:
            return t, history.open[t] * (1 - 0.001)
        if intrabar == "high_first":
            peak = max(peak, history.high[t])
            stop = max(stop, peak - distance)
        if history.low[t] <= stop:
            return t, stop * (1 - 0.001)
        peak = max(peak, history.high[t])
    return None, peak


def market_of(close):
    """Rows of the market as numbers, and as the integers whose bits they are."""
    rows, changes = np.empty(market.market_size(len(close))), np.empty(len(close) + 3)
    market.find_changes(close, changes, rows)
    rules = Settings(fill="close").kernel_rules(None)
    market.fill_market(Bars(close, close, close, close), rules, changes, 0, len(close), rows)
    table = rows.reshape(-1, market.MARKET_ROW)[:-1]
    return table, table.view(np.int64)


@pytest.mark.parametrize("fill", ["next_open", "close"])
def test_a_market_by_spans_is_the_whole_one(fill):
    """Prices are those of the whole, sums lead to the same differences, and the units stay where they are."""
    history = engine.simulate(1, 200, seed=4)["SIM001"]
    bars, rules = kernel_bars(history), Settings(fill=fill, costs=engine.Costs(rate=0.001)).kernel_rules(None)
    tables, changes = [], np.empty(200)
    for size in (200, 64):
        rows = np.empty(market.market_size(size))
        market.find_changes(bars.close, changes, rows)
        units = rows[[market.UNIT_RETURNS, market.UNIT_SQUARES]].tolist()
        for start in range(0, 200, size):
            count = min(size, 200 - start)
            market.fill_market(bars, rules, changes, start, start + count, rows)
            table = rows.reshape(-1, market.MARKET_ROW)
            tables.append(table[: count + 1].copy())
            carried = table[count + 1]
            assert not carried[: market.SUM_BARS + 1].view(np.int64).any()
            assert np.isnan(carried[[market.LAST, market.BOUGHT, market.SOLD]]).all()
            assert tables[-1][0, [market.UNIT_RETURNS, market.UNIT_SQUARES]].tolist() == units
    whole, *spans = tables
    prices, sums = [market.LAST, market.BOUGHT, market.SOLD], [*range(market.SUM_BARS + 1)]
    for i, span in enumerate(spans):
        same = whole[64 * i : 64 * i + len(span)]
        assert span[1:, prices[:2]].tolist() == same[1:, prices[:2]].tolist()
        assert span[1:-1, market.SOLD].tolist() == same[1:-1, market.SOLD].tolist()
        assert np.isnan(span[-1, market.SOLD])
        assert span[0, market.SOLD] == same[0, market.SOLD]
        assert i == 0 or span[0, market.LAST] == same[0, market.LAST] == history.close[64 * i - 1]
        of_span, of_whole = span.view(np.int64)[:, sums], same.view(np.int64)[:, sums]
        assert (of_span[1:] - of_span[0]).tolist() == (of_whole[1:] - of_whole[0]).tolist()


@pytest.mark.parametrize("bars", [100, 1_000_000])
def test_sums_of_a_long_history_lose_nothing(bars):
    """Sums up to a bar, against ``math.fsum``: no bar is wrong by more than half a unit, and a unit is as fine as 64 bits allow."""
    rng = np.random.default_rng(3)
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, bars) - 0.0000001))
    table, wholes = market_of(close)
    change = np.concatenate([[0.0], close[1:] / close[:-1] - 1])
    units = table[0, market.UNIT_RETURNS], *[table[0, market.UNIT_SQUARES]] * 2
    for column, (values, unit) in enumerate(zip((change, change**2, np.minimum(change, 0) ** 2), units, strict=True)):
        assert unit < 16 * math.fsum(abs(values)) / 2**60
        for t in (1, 50, bars // 2, bars):
            exact = math.fsum(values[:t])
            assert abs(int(wholes[t, column]) * unit - exact) <= 2 * math.sqrt(t) * unit + math.ulp(exact)
    assert wholes[:, market.SUM_BARS].tolist() == list(range(bars + 1))


def test_only_a_loss_adds_to_the_losses():
    """However small it is beside others: a cell without any loss has no Sortino ratio, one with the smallest loss has."""
    close = np.array([1.0, 1000.0, 1000.0, 1000.1, np.nextafter(1000.1, 0), 1000.1, 10.0, 10.0, 20.0])
    _, wholes = market_of(close)
    assert (np.diff(wholes[:, market.SUM_LOSSES]) > 0).tolist() == [False, *(np.diff(close) < 0).tolist()]
    assert (np.diff(wholes[:, market.SUM_LOSSES]) >= 0).all()


def test_a_market_that_never_moves_has_sums_of_nothing():
    table, wholes = market_of(np.full(70, 5.0))
    assert not wholes[:, : market.SUM_BARS].any()
    assert table[0, market.UNIT_RETURNS] == table[0, market.UNIT_SQUARES] == 1.0


@kernel
def add_to_all(arrays, value):
    for array in machine.uncounted(arrays):
        array[0] += value


def test_uncounted_arrays_are_the_same_memory():
    arrays = np.zeros(3), np.ones(2)
    before = [sys.getrefcount(array) for array in arrays]
    add_to_all(arrays, 2.0)
    assert [array.tolist() for array in arrays] == [[2.0, 0.0, 0.0], [3.0, 1.0]]
    assert [sys.getrefcount(array) for array in arrays] == before


@kernel
def leave_out(laid, leg):
    legs.leave_out(laid, np.uint64(leg))


@ordinary
@given(
    st.lists(st.tuples(*[st.floats(1.0, 100.0)] * 4), min_size=1, max_size=4),
    st.integers(0, 4),
    st.booleans(),
)
def test_a_leg_of_none_changes_nothing(prices, place, closes):
    """Whether before, between or behind others, and whether the account holds something or not."""
    costs = CostRates(0.001, 0.0, 0.0, 0.0)
    columns = [accounts.BUY, accounts.FIRST_CLOSE, accounts.LAST_CLOSE, accounts.SELL]
    one = np.full((accounts.LEG_SIZE,), np.nan)
    laid = []
    for number, four in enumerate(prices):
        leg = one.copy()
        for column, price in zip(columns, four, strict=True):
            leg[column : column + accounts.LANES] = price
        for column, price in (
            (accounts.HIGHEST, max(four[1:3])),
            (accounts.LOWEST, min(four[1:3])),
            (accounts.FALL, min(1.0, four[2] / four[1])),
        ):
            leg[column : column + accounts.LANES] = price
        if number == len(prices) - 1 and not closes:
            leg[accounts.SELL : accounts.SELL + accounts.LANES] = np.nan
        laid.append(leg)
    none = one.copy()
    for lane in range(accounts.LANES):
        leave_out(none, lane)
    ends = []
    for given_legs in (laid, [*laid[:place], none, *laid[place:]]):
        account = accounts.new_accounts(1000.0)
        accounts.settle(account, np.concatenate(given_legs), len(given_legs), costs)
        ends.append(account)
    assert ends[0].tobytes() == ends[1].tobytes()
    assert ends[0][accounts.CLOSED] == len(prices) - (not closes)
