"""Intraday prices: what their stamps say, windows in trading time, the bars of a year, the simulated market, and what the texts say of it."""

import json
import math
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import fmean, median
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from bench.intraday import cases, measure, sentences
from engine.cli.app import app
from engine.kernels.indicators import average_true_range
from engine.prices.sessions import BarClock, clock_of, resolved_year, session_numbers
from engine.selection.markets import Moves, Shuffle
from engine.selection.trials import Pool
from engine.settings import Settings
from engine.windows import Span, in_bars, read_windows

ordinary = settings(max_examples=150, deadline=None)
REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "intraday"
MINUTE = 60 * 10**9
ZONES = ["UTC", "Asia/Kolkata", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]


def history(stamps, symbol="ABC"):
    """Bars at these stamps; their prices do not matter."""
    close = 100.0 + np.arange(len(stamps)) % 7
    return engine.History(symbol, pd.DatetimeIndex(stamps), close, close, close, close, close)


def prices_of(**stamps):
    return engine.Prices.from_histories([history(some, symbol) for symbol, some in stamps.items()])


def minutes(days, counts, begin="09:15", step=1):
    """Stamps of sessions of so many bars each."""
    parts = [pd.date_range(f"{day} {begin}", periods=n, freq=f"{step}min") for day, n in zip(days, counts, strict=True)]
    return pd.DatetimeIndex(np.concatenate([part.to_numpy() for part in parts]))


def weekdays(count, start="2024-01-01"):
    return [str(day.date()) for day in pd.bdate_range(start, periods=count)]


# What the stamps say, once more in plain Python over lists of datetimes.


def plain_year(stamps):
    """Bars a session in the mean, and sessions a year, by the definition on docs/intraday.md."""
    counts = list(Counter(stamp.date() for stamp in stamps).values())
    days = sorted({stamp.date() for stamp in stamps})
    whole = counts[1:-1] if len(counts) > 2 else [max(counts)]
    span = (days[-1] - days[0]).days
    if span >= 365:
        return fmean(whole), round((len(days) - 1) / (span / 365.25))
    weeks = [[day for day in days if 7 * k <= (days[-1] - day).days < 7 * (k + 1)] for k in range(span // 7)]
    with_weekend = [week for week in weeks if any(day.weekday() >= 5 for day in week)]
    if weeks and 2 * len(with_weekend) >= len(weeks):
        return fmean(whole), round(sum(map(len, weeks)) / (7 * len(weeks)) * 365.25)
    return fmean(whole), 252


@ordinary
@given(
    zone=st.sampled_from(ZONES),
    seconds=st.lists(st.integers(-(10**9), 2 * 10**9), min_size=1, max_size=60, unique=True),
    near=st.integers(1_000_000_000, 1_900_000_000),
)
def test_a_session_is_a_date_of_the_local_clock(zone, seconds, near):
    seconds = sorted({*seconds, *(near + 600 * i for i in range(100))})
    local = [datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone)) for second in seconds]
    dates = pd.DatetimeIndex(np.array(seconds) * 10**9, tz="UTC").tz_convert(ZoneInfo(zone))
    days = sorted({stamp.date() for stamp in local})
    assert session_numbers(dates).tolist() == [days.index(stamp.date()) for stamp in local]
    assert session_numbers(dates.tz_localize(None)).tolist() == session_numbers(dates).tolist()


def test_no_stamps_have_no_sessions():
    assert session_numbers(pd.DatetimeIndex([])).shape == (0,)
    assert BarClock.of(pd.DatetimeIndex([])).length is None


@ordinary
@given(
    counts=st.lists(st.integers(2, 30), min_size=1, max_size=40),
    step=st.sampled_from([1, 5, 60]),
    weekend=st.booleans(),
    stretch=st.sampled_from([1, 1, 12]),
)
def test_the_clock_of_sessions_with_half_days(counts, step, weekend, stretch):
    days = pd.date_range(
        "2023-06-01", periods=len(counts), freq=("D" if weekend else "B") if stretch == 1 else f"{stretch}D"
    )
    stamps = minutes(
        [day.date() for day in days], [min(n, 24 * 60 // step - 10 * 60 // step) for n in counts], "09:00", step
    )
    clock = BarClock.of(stamps)
    mean, sessions = plain_year(stamps.to_pydatetime())
    assert (clock.bars, clock.sessions) == (len(stamps), len(counts))
    assert clock.length == step * MINUTE
    assert clock.mean_bars == pytest.approx(mean, rel=1e-15)
    assert clock.sessions_per_year == sessions
    assert clock.bars_per_year == round(clock.mean_bars * sessions)


@ordinary
@given(
    counts=st.lists(st.integers(2, 30), min_size=3, max_size=20), cut=st.tuples(st.integers(0, 29), st.integers(0, 29))
)
def test_a_cut_at_either_end_changes_nothing(counts, cut):
    stamps = minutes(weekdays(len(counts)), counts)
    first, last = min(cut[0], counts[0] - 1), min(cut[1], counts[-1] - 1)
    part = BarClock.of(stamps[first : len(stamps) - last])
    whole = BarClock.of(stamps)
    assert (part.bars_per_session, part.mean_bars, part.length) == (whole.bars_per_session, whole.mean_bars, MINUTE)
    assert part.bars_per_session == round(median(counts[1:-1]))


def test_daily_and_coarser_bars_have_252():
    for frequency in ("B", "D", "W", "MS"):
        clock = BarClock.of(pd.date_range("2020-01-01", periods=400, freq=frequency))
        assert (clock.length, clock.bars_per_year) == (None, 252.0)
    one_twice = pd.DatetimeIndex([*pd.bdate_range("2020-01-01", periods=50), pd.Timestamp("2020-03-11 18:00")])
    assert BarClock.of(one_twice.sort_values()).length is None  # a special session on the date of another


def test_a_year_of_minutes_is_94_500_bars():
    year = engine.simulate_intraday(1, 1)
    assert len(year["SIM001"]) == 252 * 375
    assert year.clock("SIM001").bars_per_year == 94_500.0
    assert clock_of(engine.simulate_intraday(1, 3, bar="1h", session="10:00-16:00")).bars_per_year == 252 * 6


def test_markets_that_are_open_at_weekends_are_counted():
    crypto = BarClock.of(pd.date_range("2024-01-01", periods=24 * 60, freq="h"))
    assert (crypto.sessions_per_year, crypto.bars_per_session) == (365, 24)
    week = pd.date_range("2024-01-07 22:00", "2024-03-29 21:00", freq="h")  # Sunday evening to Friday evening
    forex = week[
        (week.day_of_week < 4)
        | ((week.day_of_week == 4) & (week.hour < 22))
        | ((week.day_of_week == 6) & (week.hour >= 22))
    ]
    assert BarClock.of(forex).sessions_per_year == 313
    one_of_all = 1 / BarClock.of(forex).sessions  # the first session, of two bars, is taken for a cut one
    assert BarClock.of(forex).bars_per_year == pytest.approx(120 * 365.25 / 7, rel=one_of_all)
    saturday = minutes([*weekdays(30), "2024-02-17"], [10] * 31)  # one special Saturday in six weeks
    assert BarClock.of(saturday.sort_values()).sessions_per_year == 252


def test_summer_time_moves_no_session():
    there = engine.simulate_intraday(1, 1, bar="30min", session="04:00-20:00", timezone="America/New_York")["SIM001"]
    in_utc = there.dates.tz_convert("UTC")
    assert there.clock.sessions == 252
    assert BarClock.of(in_utc).sessions > 252  # 20:00 in New York is after midnight there: the zone matters
    assert there.clock.bars_per_session == 32
    assert np.array_equal(session_numbers(there.dates), np.repeat(np.arange(252), 32))


def test_a_history_remembers_its_clock_and_a_shuffled_one_has_its_own():
    half = engine.simulate_intraday(["A"], 0.1, bar="1h")["A"]
    late = history(half.dates[70:], "B")
    pool = Pool.of(engine.Prices.from_histories([half, late]), 5)
    assert pool.histories[1].clock.bars == len(half) - 70
    made = Moves.of(pool, free=True).in_order(Shuffle("bootstrap", seed=4).order(len(pool.days), 0))
    other = made.histories[1]
    assert other.clock == BarClock.of(pd.DatetimeIndex(other.dates))
    assert other.clock.bars != len(half) - 70


# Bars a year.


def test_every_facade_derives_the_year_and_keeps_a_given_one():
    prices = engine.simulate_intraday(2, 0.1, seed=3, bar="15min")
    daily = engine.simulate(2, 200)
    stop = engine.TrailingStop(3.0)
    never = {symbol: np.zeros(len(prices[symbol]), bool) for symbol in prices}
    facades = {
        "backtest": lambda some, **year: engine.backtest(some, 5, 20, **year),
        "sweep": lambda some, **year: engine.sweep(some, [5, 8], 20, **year),
        "keep": lambda some, **year: engine.sweep(some, [5, 8], 20, keep=1, **year),
        "portfolio": lambda some, **year: engine.portfolio(some, 5, 20, stop, **year),
        "sweep_portfolio": lambda some, **year: engine.sweep_portfolio(some, [5, 8], 20, stop, **year),
    }
    for name, run in facades.items():
        assert run(prices).settings.bars_per_year == 252 * 25, name
        assert run(prices, bars_per_year=1000).settings.bars_per_year == 1000, name
        assert run(daily).settings.bars_per_year == 252, name
    assert engine.from_signals(prices, never, never).settings.bars_per_year == 252 * 25
    assert engine.from_signals(prices, never, never, bars_per_year=7).settings.bars_per_year == 7


def test_the_year_is_what_sharpe_goes_by():
    prices = engine.simulate_intraday(1, 0.2, seed=3, bar="5min")
    derived, given_year = engine.backtest(prices, 5, 20), engine.backtest(prices, 5, 20, bars_per_year=252)
    ratio = derived.metrics["sharpe"].iloc[0] / given_year.metrics["sharpe"].iloc[0]
    assert ratio == pytest.approx(math.sqrt(75), rel=1e-12)
    assert derived.equity["SIM001"].equals(given_year.equity["SIM001"])


def test_a_cell_and_a_file_keep_the_year(tmp_path):
    prices = engine.simulate_intraday(1, 0.1, bar="15min")
    swept = engine.sweep(prices, [5, 8], 20)
    swept.save(tmp_path / "cells.parquet")
    loaded = engine.SweepResult.load(tmp_path / "cells.parquet", prices)
    assert loaded.settings.bars_per_year == 6300.0
    assert loaded.cell("SIM001", 5, 20).settings.bars_per_year == 6300.0


def test_symbols_that_do_not_agree_are_named():
    days = weekdays(20)
    prices = prices_of(FULL=minutes(days, [100] * 20), THIN=minutes(days, [90] * 20), NEAR=minutes(days, [96] * 20))
    with pytest.raises(engine.InputError, match=r"THIN has 22,680 bars a year and FULL 25,200.*--bars-per-year"):
        engine.sweep(prices, 2, 5)
    assert engine.sweep(prices, 2, 5, bars_per_year=25_000).settings.bars_per_year == 25_000
    assert engine.sweep(prices.select(["NEAR", "FULL"]), 2, 5).settings.bars_per_year == 252 * 96  # the first


def test_the_longest_history_is_the_one_that_is_asked():
    days = weekdays(20)
    prices = prices_of(SHORT=minutes(days[5:], [98] * 15), LONG=minutes(days, [100] * 20))
    assert resolved_year(prices, None) == 252 * 100


def test_symbols_that_say_little_are_not_asked():
    days = weekdays(20)
    prices = prices_of(NEW=minutes(days[-2:], [30, 40]), ONE=minutes(days[:1], [1]), FULL=minutes(days, [100] * 20))
    assert resolved_year(prices, None) == 252 * 100
    assert in_bars(prices, "fast", "3d") == [300]
    assert resolved_year(prices_of(NEW=minutes(days[-2:], [30, 40])), None) == 252 * 40
    assert resolved_year(prices_of(ONE=minutes(days[:1], [1])), None) == 252


def test_bars_of_different_lengths_are_named():
    days = weekdays(20)
    prices = prices_of(
        FINE=minutes(days, [100] * 20), COARSE=minutes(days, [20] * 20, step=5), DAILY=pd.to_datetime(days)
    )
    with pytest.raises(engine.InputError, match="FINE has bars of 1 minute and COARSE bars of 5 minutes"):
        engine.backtest(prices, 2, 5)
    with pytest.raises(engine.InputError, match="FINE has bars of 1 minute and DAILY bars of 1 day"):
        engine.backtest(prices.select(["FINE", "DAILY"]), 2, 5)
    with pytest.raises(engine.InputError, match=r"give bars_per_year .* and windows in bars"):
        engine.backtest(prices, "2min", 5, bars_per_year=9)
    assert engine.backtest(prices, 2, 5, bars_per_year=9).settings.bars_per_year == 9


def test_lazy_prices_are_not_read_for_it(tmp_path, monkeypatch):
    for symbol, frame in engine.simulate_intraday(3, 0.1, bar="15min", timezone="UTC").to_frames().items():
        frame.to_parquet(tmp_path / f"{symbol}.parquet")
    lazy = engine.load(tmp_path, lazy=True, timezone="America/New_York")
    monkeypatch.setattr(lazy.histories, "_read", lambda symbol: pytest.fail(f"{symbol} was read"))
    assert resolved_year(lazy, None) == 6300.0
    assert in_bars(lazy, "slow", "2d") == [50]
    monkeypatch.undo()
    assert lazy.clock("SIM002") == lazy["SIM002"].clock
    assert str(lazy["SIM002"].dates.tz) == "America/New_York"


# Windows in time.


@ordinary
@given(step=st.sampled_from([1, 2, 5, 15]), number=st.integers(1, 500), per_session=st.integers(2, 40))
def test_a_window_in_time_is_a_whole_number_of_bars(step, number, per_session):
    prices = prices_of(A=minutes(weekdays(5), [per_session] * 5, step=step))
    bars, rest = divmod(number, step)
    for form in (f"{number}min", timedelta(minutes=number), f" {number * 60}s ".upper()):
        if rest:
            with pytest.raises(
                engine.InputError, match=f"not a whole number of bars, which are of {step} minute.* nearest"
            ):
                in_bars(prices, "fast", form)
        else:
            assert in_bars(prices, "fast", form) == [bars]
    assert in_bars(prices, "fast", f"{number}d") == [number * per_session]


def test_windows_in_time_run_as_those_in_bars_do():
    prices = engine.simulate_intraday(2, 0.2, seed=5, bar="5min")
    stop = engine.TrailingStop(2.0)
    bars = engine.sweep(prices, range(2, 9, 2), [24, 75, 150], stop)
    for fast, slow in (
        ("10min:40min:10min", ["2h", "1d", "2d"]),
        ([timedelta(minutes=10), "20min,30min", 8], "2h,1d:2d"),
    ):
        timed = engine.sweep(prices, fast, slow, stop)
        assert timed.grid == bars.grid
        assert np.array_equal(timed.values, bars.values, equal_nan=True)
    assert engine.backtest(prices, "20min", "1d").slow == 75
    assert engine.portfolio(prices, "20min", "1d").fast == 4
    assert engine.sweep_portfolio(prices, ["10min", "20min"], "1d").grid.pairs == ((2, 75), (4, 75))


def test_sessions_of_daily_bars_are_bars():
    assert engine.backtest(engine.simulate(1, 300), "20d", "50d").slow == 50
    weekly = engine.simulate(1, 300, frequency="W")
    with pytest.raises(engine.InputError, match="slow 50d: the bars are 7 days apart"):
        engine.backtest(weekly, 5, "50d")
    with pytest.raises(engine.InputError, match="fast 30min: the bars are not intraday"):
        engine.backtest(engine.simulate(1, 300), "30min", 50)


def test_windows_in_bars_look_at_no_stamp(monkeypatch):
    prices = engine.simulate(2, 300)
    monkeypatch.setattr(engine.Prices, "clock", lambda *_: pytest.fail("a stamp was looked at"))
    for windows in (5, range(5, 9), [5, 8], np.array([5, 8]), (n for n in (5, 8)), "5,8", None, [2.5]):
        in_bars(prices, "fast", windows)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30m", "'30m' is not a whole number or a range"),
        ("0min", "more than 0"),
        ("5min:1h", "needs its step"),
        ("5min:2d:5min", "all parts in the same"),
        ("5:60min:5", "all parts in the same"),
        ("2h:30min:5min", "write 30min:2h:5min"),
        ("1s:1000000s:1s", "more than 90,000 windows"),
        ("1.5h", "not a whole number or a range"),
        ("1min:2min:3min:4min", "at most three parts"),
    ],
)
def test_windows_that_cannot_be_read(text, message):
    with pytest.raises(engine.InputError, match=message) as raised:
        read_windows("--fast", text)
    assert str(raised.value).startswith(f"--fast {text}")


def test_windows_are_read_and_written():
    assert read_windows("--fast", "5:20:5") == [5, 10, 15, 20]
    assert list(map(str, read_windows("--fast", "30min,1h:2h:30min,5d:6d"))) == [
        "30min",
        "1h",
        "90min",
        "2h",
        "5d",
        "6d",
    ]
    assert read_windows("--fast", "90s") == [Span(90 * 10**9)]


@pytest.mark.parametrize(
    "wrong", [timedelta(days=1), timedelta(0), timedelta(milliseconds=1500), timedelta(minutes=-5)]
)
def test_a_timedelta_that_says_too_little(wrong):
    with pytest.raises(engine.InputError, match="whole seconds of less than a day"):
        engine.backtest(engine.simulate_intraday(1, 0.05, bar="1h"), wrong, 50)


# The simulated market.


def test_the_simulated_market_is_seeded_and_its_symbols_stand_alone():
    market = engine.simulate_intraday(3, 0.02, seed=9)
    assert market.digest == engine.simulate_intraday(3, 0.02, seed=9).digest
    assert market.digest != engine.simulate_intraday(3, 0.02, seed=10).digest
    assert market.select(["SIM002"]).digest == engine.simulate_intraday(5, 0.02, seed=9).select(["SIM002"]).digest
    one = market["SIM001"]
    assert engine.validate(market).findings == ()
    assert (one.dates.day_of_week < 5).all()
    times = {stamp.time().isoformat("minutes") for stamp in one.dates}
    assert (min(times), max(times), len(times)) == ("09:15", "15:29", 375)


def test_a_night_is_a_quarter_of_the_variance():
    market = engine.simulate_intraday(40, 1, seed=2, bar="15min", correlation=0.0, tick=0.01)
    nights, sessions = [], []
    for one in market.histories.values():
        opened, close = one.open.reshape(-1, 25), one.close.reshape(-1, 25)
        nights.append(np.log(opened[1:, 0] / close[:-1, -1]))
        sessions.append(np.log(close[1:, -1] / close[:-1, -1]))
    total, night = np.var(sessions), np.var(nights)
    error = math.sqrt(2 / np.size(nights))  # of a variance of normal numbers, as a share of it
    assert night / total == pytest.approx(0.25, rel=5 * error)
    assert total == pytest.approx(0.015**2, rel=5 * error)


def test_nobody_can_expect_to_win():
    wide = 0.1  # so that a drift, which grows with its square, cannot hide in the noise
    market = engine.simulate_intraday(40, 1, seed=6, bar="1h", correlation=0.0, tick=0.0001, volatility=wide)
    ends = [np.concatenate([one.open[:1], one.close[6::7]]) for one in market.histories.values()]
    moves = np.concatenate([end[1:] / end[:-1] - 1 for end in ends])
    assert abs(moves.mean()) < 4 * wide / math.sqrt(len(moves))
    drifting = engine.simulate_intraday(
        40, 1, seed=6, bar="1h", correlation=0.0, tick=0.0001, volatility=wide, drift=0.01
    )
    more = [one.close[-1] / market[symbol].close[-1] for symbol, one in drifting.histories.items()]
    assert np.array(more) ** (1 / 252) == pytest.approx(1.01, rel=1e-4)


def test_the_first_true_range_of_a_session_has_the_night_in_it():
    one = engine.simulate_intraday(1, 0.05, seed=3, bar="1h")["SIM001"]
    ranges = average_true_range(one.high, one.low, one.close, np.array([1]), False)[0]
    for t in range(7, len(one), 7):
        gap = max(abs(one.high[t] - one.close[t - 1]), abs(one.low[t] - one.close[t - 1]))
        assert ranges[t] == pytest.approx(max(one.high[t] - one.low[t], gap), rel=1e-12)
    nights = np.arange(7, len(one), 7)
    assert (ranges[nights] > one.high[nights] - one.low[nights]).any()


def test_a_year_has_252_sessions_and_holidays():
    five = engine.simulate_intraday(1, 5, bar="1h", session="10:00-12:00")["SIM001"]
    assert five.clock.sessions == 5 * 252
    assert five.clock.sessions_per_year == 252
    assert date(2028, 12, 1) < five.dates[-1].date() < date(2029, 1, 15)


def test_a_clock_that_skips_an_hour_skips_bars():
    whole = engine.simulate_intraday(1, 0.5, bar="30min", session="00:00-24:00", timezone="Africa/Cairo")["SIM001"]
    counts = np.bincount(session_numbers(whole.dates))
    assert sorted(set(counts.tolist())) == [46, 48]  # Egypt's clock goes forward on a Friday at midnight
    assert (counts == 46).sum() == 1


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"bar": "1d"}, "length of an intraday bar"),
        ({"bar": "24h"}, "length of an intraday bar"),
        ({"session": "15:30-09:15"}, "two times of one day"),
        ({"session": "9-15"}, "two times of one day"),
        ({"session": "09:00-25:00"}, "two times of one day"),
        ({"years": 0}, "years is 0"),
        ({"timezone": "Asia/Bombay"}, "no zone named 'Asia/Bombay'"),
        ({"seed": -1}, "seed is -1"),
        ({"symbols": 0}, "symbols must be"),
        ({"start": "soon"}, "sessions from soon"),
        ({"years": 1000, "bar": "1s"}, "needs .* of memory"),
    ],
)
def test_the_simulated_market_refuses_nonsense(wrong, message):
    with pytest.raises(engine.InputError, match=message):
        engine.simulate_intraday(**{"symbols": 1, "years": 0.05, **wrong})


# The commands.


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("intraday") / "minutes"
    words = ["--symbols", 2, "--bar", "5min", "--years", 0.25, "--seed", 3, "--timezone", "Asia/Kolkata"]
    assert run("simulate", *words, "--out", target).exit_code == 0
    return target


IST = ["--timezone", "Asia/Kolkata"]
YEAR = "18,900 bars a year: 75 bars of 5 minutes a session, 252 sessions a year, the usual number, since the prices span less than a year."


def test_simulate_makes_what_load_reads(folder):
    loaded = engine.load(folder, timezone="Asia/Kolkata")
    made = engine.simulate_intraday(2, 0.25, 3, bar="5min", timezone="Asia/Kolkata")
    assert loaded.digest == made.digest
    assert loaded.report.findings == ()


@pytest.mark.parametrize("command", ["backtest", "sweep", "portfolio", "sweep-portfolio"])
def test_texts_say_the_year_and_the_windows(folder, command):
    words = ["--fast", "10min", "--slow", "1d", "--stop", "3", "--atr-window", "1h"]
    done = run(command, folder, *IST, *words, *(["--no-luck"] if "sweep" in command else []))
    assert done.exit_code == 0, done.output
    assert done.stdout.isascii()
    lines = done.stdout.splitlines()
    assert YEAR in lines
    assert lines[-3:] == [
        "Fast 10min is 2 bars of 5 minutes.",
        "Slow 1d is 75 bars of 5 minutes, 75 to a session.",
        "ATR window 1h is 12 bars of 5 minutes.",
    ]
    assert "fast 2, slow 75, stop 3 ATR of 12 bars" in lines[0]
    assert "Year: 18,900 bars a year." in done.stdout


def test_a_year_that_was_given_is_said_beside_the_other(folder):
    lines = run("backtest", folder, *IST, "--fast", 5, "--slow", 50, "--bars-per-year", 19000).stdout.splitlines()
    assert f"19,000 bars a year were given. The dates say {YEAR}" in lines
    assert not [line for line in lines if "is 5 bars" in line]


def test_daily_texts_are_as_they_were(tmp_path):
    engine.simulate(1, 300)["SIM001"].to_frame().to_csv(tmp_path / "A.csv")
    done = run("backtest", tmp_path, "--fast", "20d", "--slow", 50)
    assert "Year: 252 bars a year." in done.stdout
    assert "a session" not in done.stdout
    assert done.stdout.splitlines()[-1] == "Fast 20d is 20 bars of 1 day."


def test_json_has_bars(folder):
    document = json.loads(run("backtest", folder, *IST, "--fast", "10min", "--slow", "1d", "--format", "json").stdout)
    assert (document["fast"], document["slow"], document["settings"]["bars_per_year"]) == (2, 75, 18_900.0)


def test_walk_forward_counts_bars_and_takes_sessions(folder):
    words = ["--fast", "10min:30min:10min", "--slow", "1d", "--train", "30d", "--test", "10d"]
    done = run("walkforward", folder, *IST, *words)
    assert done.exit_code == 0, done.output
    assert "trainings of 2,250 to 4,500 bars" in done.stdout
    assert "tests of 150 to 750 bars; 1 bar between" in done.stdout
    assert " days" not in done.stdout.replace("on the same days", "")
    in_bars = run("walkforward", folder, *IST, *words[:4], "--train", 30 * 75, "--test", 750)
    assert in_bars.stdout == done.stdout
    assert YEAR in done.stdout.splitlines()
    assert done.stdout.splitlines()[-1] == "Slow 1d is 75 bars of 5 minutes, 75 to a session."


def test_luck_of_bars_is_not_of_days(folder):
    done = run("sweep", folder, *IST, "--fast", "10min:1h:10min", "--slow", "1d,2d")
    assert "blocks of bars" in done.stdout
    assert "blocks of days" not in done.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--fast", "7min"],
            "fast 7min is not a whole number of bars, which are of 5 minutes; the nearest is 5min or 10min",
        ),
        (["--fast", "1min"], "the nearest is 5min"),
        (["--atr-window", "7min", "--stop", "3"], "ATR window 7min is not a whole number of bars"),
        (["--atr-window", "1h,2h"], "--atr-window 1h,2h: there is one"),
        (["--fast", "10min,20min"], "--fast has 2 windows"),
        (["--timezone", "Asia/Calcuta"], "did you mean Asia/Calcutta?"),
        (["--slow", "1w"], "'1w' is not a whole number"),
    ],
)
def test_bad_use_is_one_line(folder, words, message):
    done = run("backtest", folder, *IST, *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--bar", "1min", "--bars", "9"], "with --bar give --years"),
        (["--years", "2"], "give their length, such as --bar 1min"),
        (["--bar", "soon"], "bar is 'soon'"),
    ],
)
def test_simulate_says_what_goes_together(tmp_path, words, message):
    done = run("simulate", *words, "--out", tmp_path / "x.csv")
    assert done.exit_code == 2
    assert message in done.stderr


# The bench, and real data.


def test_the_bench_says_a_ratio():
    given = {"daily": engine.simulate(2, 400), "minutes": engine.simulate_intraday(1, 0.02)}
    found = measure(given, 1, 0.0)
    flat = sum("flatten" in given_case for given_case in cases().values())
    assert len(found) == 2 * len(cases()) - flat  # daily prices have no session to close in
    lines = list(sentences(found))
    assert "nanoseconds a bar of a cell on daily" in lines[0]
    assert f"{found[1].nanoseconds / found[0].nanoseconds:.2f} times the daily ones" in lines[1]
    assert found[0].cells == 2 * 499


needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the shared prices are not here")


@needs_real
@pytest.mark.parametrize(
    ("name", "step", "zone"), [("USDJPY_1m", 1, None), ("btpy_EURUSD_1h", 60, "UTC:America/New_York")]
)
def test_real_forex_is_read(name, step, zone):
    prices = engine.load(REAL / f"{name}.csv", timezone=zone)
    one = prices[name]
    clock = one.clock
    mean, sessions = plain_year(one.dates.to_pydatetime())
    assert clock.length == step * MINUTE
    assert clock.bars_per_year == round(mean * sessions)
    assert clock.bars_per_year == pytest.approx(120 * 60 / step * 365.25 / 7, rel=0.02)
    rules = {finding.rule for finding in prices.report.findings}
    assert "round-the-clock" in rules
    assert prices.report.warnings == ()
    assert engine.backtest(prices, "2h", "1d").settings == Settings(bars_per_year=clock.bars_per_year)


def test_the_sample_refuses_a_zone_that_there_is_not():
    """No zone changes its dates, so that a slip of the pen would never be noticed."""
    done = run("sweep", "--timezone", "Mars/Phobos")
    assert done.exit_code == 2
    assert "there is no zone named 'Mars/Phobos'" in done.output
