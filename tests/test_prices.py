"""History and Prices: what they hold, how they are selected, and their fingerprint."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.errors import DataError, InputError
from engine.prices import History, Prices, validate

FIELDS = ["open", "high", "low", "close", "volume"]


def frame_of(dates, seed=1):
    rng = np.random.default_rng(seed)
    close = np.round(500 * np.exp(np.cumsum(rng.normal(0, 0.01, len(dates)))), 2)
    columns = {
        "open": close,
        "high": close + 1,
        "low": close - 1,
        "close": close,
        "volume": np.arange(1.0, len(dates) + 1),
    }
    return pd.DataFrame(columns, index=pd.DatetimeIndex(dates))


def days(count=60, start="2020-01-01", tz=None):
    return pd.bdate_range(start, periods=count, tz=tz)


def minutes(tz=None):
    dates = [day + pd.Timedelta(minutes=15 * k) for day in days(5, tz=tz) for k in range(37, 60)]
    return pd.DatetimeIndex(dates)


def two():
    return Prices.from_frames({"SBIN": frame_of(days()), "TCS": frame_of(days(40, "2020-03-02"), 2)})


def history(symbol="ABC", count=5, **changes):
    ones = np.ones(count)
    return History(symbol, days(count), *[changes.get(name, ones) for name in FIELDS])


def test_history_holds_read_only_arrays_of_its_own():
    close = np.arange(1.0, 6.0)
    made = history(close=close)
    close[0] = 99
    assert made.close[0] == 1
    for name in FIELDS:
        array = getattr(made, name)
        assert array.dtype == np.float64
        assert array.flags.c_contiguous
        assert not array.flags.writeable
    assert made.dates.unit == "ns"
    assert made.dates.name == "date"
    assert len(made) == 5


def test_history_takes_strided_and_integer_arrays():
    made = history(close=np.arange(10)[::2], open=np.arange(10.0)[::2])
    assert made.close.tolist() == made.open.tolist() == [0, 2, 4, 6, 8]
    assert made.open.flags.c_contiguous


def test_history_does_not_copy_what_cannot_be_written_to():
    close = np.ones(5)
    close.setflags(write=False)
    assert np.shares_memory(history(close=close).close, close)


def test_history_refuses_other_lengths_and_unordered_dates():
    with pytest.raises(DataError, match="ABC: low has shape") as caught:
        history(low=np.ones(4))
    assert (caught.value.symbol, caught.value.field) == ("ABC", "low")
    ones = [np.ones(3)] * 5
    for dates in (days(3)[::-1], days(3)[[0, 1, 1]], pd.DatetimeIndex(["2020-01-01", None, "2020-01-02"])):
        with pytest.raises(DataError, match="strictly increase"):
            History("ABC", dates, *ones)


def test_history_to_frame():
    frame = history().to_frame()
    assert list(frame.columns) == FIELDS
    assert frame.index.name == "date"
    assert isinstance(frame.index, pd.DatetimeIndex)


def test_prices_is_a_collection_of_symbols():
    prices = two()
    assert prices.symbols == tuple(prices) == ("SBIN", "TCS")
    assert len(prices) == 2
    assert "SBIN" in prices
    assert prices["TCS"].symbol == "TCS"
    assert repr(prices) == "<Prices: 2 symbols, 100 bars, 2020-01-01 to 2020-04-24>"
    assert repr(prices["SBIN"]) == "<History: SBIN, 60 bars, 2020-01-01 to 2020-03-24>"


def test_an_unknown_symbol_gets_a_hint():
    with pytest.raises(DataError, match=r"SIBN; did you mean SBIN\?") as caught:
        two()["SIBN"]
    assert caught.value.symbol == "SIBN"
    with pytest.raises(DataError, match="there are SBIN, TCS"):
        two()["XYZABC"]
    with pytest.raises(DataError, match="did you mean TCS"):
        two().select(["tcs"])


@pytest.mark.parametrize(
    "zone", [None, "UTC", "Asia/Kolkata", ZoneInfo("America/New_York"), timezone(timedelta(hours=5, minutes=30))]
)
def test_round_trip_through_frames(zone):
    prices = Prices.from_frames({"A": frame_of(days(tz=zone)), "B": frame_of(days(tz=zone), 2)}, currency="INR")
    again = Prices.from_frames(prices.to_frames())
    assert again.digest == prices.digest
    for symbol in prices:
        pd.testing.assert_frame_equal(again[symbol].to_frame(), prices[symbol].to_frame(), check_exact=True)
        assert again[symbol].currency == "INR"
        assert again[symbol].dates.tz == prices[symbol].dates.tz == days(tz=zone).tz


def test_round_trip_without_volume():
    prices = Prices.from_frames({"A": frame_of(days()).drop(columns="volume")})
    assert np.isnan(prices["A"].volume).all()
    assert Prices.from_frames(prices.to_frames()).digest == prices.digest


@settings(max_examples=30, deadline=None)
@given(
    closes=st.lists(st.floats(1.0, 1.9, allow_nan=False), min_size=1, max_size=30),
    volume=st.one_of(st.just(np.nan), st.floats(0, 1e15)),
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_round_trip_is_exact_for_any_double(closes, volume, unit):
    close = np.array(closes)
    columns = {"open": close, "high": close, "low": close, "close": close, "volume": volume}
    frame = pd.DataFrame(columns, index=days(len(close)).as_unit(unit))
    prices = Prices.from_frames({"A": frame})
    again = Prices.from_frames(prices.to_frames())
    assert again["A"].close.tolist() == closes
    assert again.digest == prices.digest


def test_pickle_keeps_everything():
    prices = two()
    again = pickle.loads(pickle.dumps(prices))  # noqa: S301
    assert again.digest == prices.digest
    assert again.report == prices.report


def test_dates_in_any_form_give_the_same_prices():
    frame = frame_of(days())
    texts = frame.index.strftime("%Y-%m-%d").to_numpy(dtype=object)
    compact = frame.index.strftime("%Y%m%d").to_numpy(dtype=object)
    plain = frame.reset_index(drop=True)
    forms = [
        frame,
        frame.set_axis(pd.Index(texts)),
        frame.set_axis(frame.index.as_unit("s")),
        frame.set_axis(frame.index.to_period("D")),
        frame.set_axis(pd.Index(compact.astype(int))),
        plain.assign(date=texts),
        plain.assign(date=compact),
        plain.assign(Date=compact.astype(int)),
        plain.assign(Date=compact.astype(float)),
        plain.assign(TIMESTAMP=[f"{text} 00:00:00" for text in texts]),
        plain.assign(**{" DateTime ": [f"{text}T00:00:00.000" for text in texts]}),
        plain.assign(time=[stamp.to_pydatetime() for stamp in frame.index]),
        plain.assign(time=[stamp.date() for stamp in frame.index]),
        plain.assign(date=[*texts[:10], *compact[10:]]),
    ]
    digests = {Prices.from_frames({"A": form}).digest for form in forms}
    assert len(digests) == 1


def test_columns_in_any_case_and_extra_columns():
    frame = frame_of(days())
    named = frame.rename(columns={"open": " OPEN", "close": "Close ", "volume": "Vol"}).assign(AdjClose=1.0)
    assert Prices.from_frames({"A": named}).digest == Prices.from_frames({"A": frame}).digest
    levels = frame.set_axis(pd.MultiIndex.from_product([[name.title() for name in FIELDS], ["A"]]), axis=1)
    assert Prices.from_frames({"A": levels}).digest == Prices.from_frames({"A": frame}).digest


def test_nullable_and_decimal_columns():
    frame = frame_of(days())
    assert Prices.from_frames({"A": frame.convert_dtypes()}).digest == Prices.from_frames({"A": frame}).digest


def test_row_numbers_are_no_dates():
    frame = frame_of(days()).reset_index(drop=True)
    for index in (frame.index, pd.Index(range(5, 65), dtype=int)):
        with pytest.raises(DataError, match="no column named date"):
            Prices.from_frames({"A": frame.set_axis(index)})


def test_offsets_and_zones():
    frame = frame_of(minutes()).reset_index(drop=True)
    for offset, name in (("+05:30", "UTC+05:30"), ("+0530", "UTC+05:30"), ("Z", "UTC"), ("-04", "UTC-04:00")):
        stamps = [stamp.isoformat() + offset for stamp in minutes()]
        dates = Prices.from_frames({"A": frame.assign(date=stamps)})["A"].dates
        assert str(dates.tz) == name
        assert dates[0].hour == 9


def test_from_frames_raises_if_nothing_is_usable():
    bad = frame_of(days())
    bad.iloc[30, 2] = -1
    with pytest.raises(DataError, match="drop-bad-bars") as caught:
        Prices.from_frames({"A": bad})
    assert (caught.value.symbol, caught.value.date, caught.value.field) == ("A", "2020-02-12", "low")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="none of 2 symbols"):
        Prices.from_frames({"A": bad, "B": bad})
    with pytest.raises(DataError, match="no symbol"):
        Prices.from_frames({})
    prices = Prices.from_frames({"A": bad, "B": frame_of(days())})
    assert prices.symbols == ("B",)
    assert set(prices.report.left_out) == {"A"}
    assert len(Prices.from_frames({"A": bad}, repair=["drop-bad-bars"])["A"]) == 59


def test_currency_is_for_those_that_name_none():
    frames = {"A": frame_of(days()).assign(currency="INR"), "B": frame_of(days())}
    prices = Prices.from_frames(frames, currency="INR")
    assert {prices[symbol].currency for symbol in prices} == {"INR"}
    with pytest.raises(InputError, match=r"A.*INR.*USD"):
        Prices.from_frames(frames, currency="USD")


def test_from_histories_takes_them_as_they_are():
    odd = history(close=np.array([1, -1, 0, np.nan, 1e300]))
    prices = Prices.from_histories([odd, history("B")])
    assert prices["ABC"] is odd
    assert prices.report.findings == ()
    assert prices.report.bars == {"ABC": 5, "B": 5}
    with pytest.raises(InputError, match="twice"):
        Prices.from_histories([odd, odd])


def test_digest_changes_with_every_part():
    base = frame_of(days())
    digests = [Prices.from_frames({"A": base}).digest]
    for name in FIELDS:
        changed = base.copy()
        changed.loc[changed.index[3], name] = np.nextafter(changed[name].iloc[3], 600)
        if name in {"open", "close"}:
            changed["high"] = base["high"]
        digests.append(Prices.from_frames({"A": changed}).digest)
    digests += [
        Prices.from_frames({"B": base}).digest,
        Prices.from_frames({"A": base}, currency="INR").digest,
        Prices.from_frames({"A": base.iloc[:-1]}).digest,
        Prices.from_frames({"A": base.set_axis(base.index + pd.Timedelta(seconds=1))}).digest,
        Prices.from_frames({"A": base.tz_localize("UTC")}).digest,
        Prices.from_frames({"A": base.tz_localize("UTC").tz_convert("Asia/Kolkata")}).digest,
        Prices.from_frames({"A": base, "B": base}).digest,
    ]
    assert len(set(digests)) == len(digests)
    assert all(len(digest) == 64 for digest in digests)


def test_digest_does_not_depend_on_the_order_or_the_way():
    frames = two().to_frames()
    other = {symbol: frames[symbol] for symbol in reversed(frames)}
    assert Prices.from_frames(other).digest == two().digest
    assert Prices.from_histories(two()[symbol] for symbol in two()).digest == two().digest
    assert two().select().digest == two().digest


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2020-01-10", "2020-02-10"),
        ("20200110", "20200210"),
        (date(2020, 1, 10), date(2020, 2, 10)),
        (pd.Timestamp("2020-01-10"), datetime(2020, 2, 10)),  # noqa: DTZ001
        (" 2020-01-10 ", "2020-02-10 00:00"),
    ],
)
def test_select_includes_both_ends(start, end):
    chosen = two().select("SBIN", start, end)
    assert chosen["SBIN"].dates[[0, -1]].tolist() == [pd.Timestamp("2020-01-10"), pd.Timestamp("2020-02-10")]
    assert chosen.report.bars == {"SBIN": len(chosen["SBIN"])}
    assert not chosen["SBIN"].close.flags.writeable
    assert np.shares_memory(chosen["SBIN"].close, chosen["SBIN"].between(0, 3).close)


def test_select_keeps_the_order_asked_for():
    assert two().select(["TCS", "SBIN", "TCS"]).symbols == ("TCS", "SBIN")


def test_select_lists_what_is_left_out():
    chosen = two().select(end="2020-02-01")
    assert chosen.symbols == ("SBIN",)
    assert "TCS has no bar to 2020-02-01" in chosen.report.left_out["TCS"]
    with pytest.raises(DataError, match="no bar is left from 2030-01-01"):
        two().select(start="2030-01-01")


@pytest.mark.parametrize("bad", ["2020", "2020-02", "01/02/2020", "soon", "2020-02-30", 20200101, 1.5])
def test_select_refuses_what_is_no_date(bad):
    with pytest.raises(InputError, match="not a date"):
        two().select(start=bad)


def test_select_refuses_a_reversed_range():
    with pytest.raises(InputError, match="after the end"):
        two().select(start="2020-03-01", end="2020-02-28")
    with pytest.raises(InputError, match="after the end"):
        two().select(start=pd.Timestamp("2020-03-01 10:00"), end=pd.Timestamp("2020-03-01 09:00"))
    assert len(two().select("SBIN", "2020-02-03", "2020-02-03")["SBIN"]) == 1


@pytest.mark.parametrize("zone", [None, "Asia/Kolkata", "America/New_York", "UTC"])
def test_a_date_means_the_whole_day_in_the_zone_of_the_series(zone):
    prices = Prices.from_frames({"A": frame_of(minutes(zone))})
    chosen = prices.select(start="2020-01-02", end="2020-01-03")["A"].dates
    assert {stamp.date() for stamp in chosen} == {date(2020, 1, 2), date(2020, 1, 3)}
    assert len(chosen) == 2 * 23
    exact = prices.select(start="2020-01-02 10:00", end=pd.Timestamp("2020-01-02 10:30"))["A"].dates
    assert [stamp.strftime("%H:%M") for stamp in exact] == ["10:00", "10:15", "10:30"]


def test_a_bound_with_a_zone():
    prices = Prices.from_frames({"A": frame_of(minutes("Asia/Kolkata"))})
    chosen = prices.select(end=datetime(2020, 1, 1, 4, 0, tzinfo=UTC))["A"].dates
    assert [stamp.strftime("%H:%M") for stamp in chosen] == ["09:15", "09:30"]
    mixed = prices.select(start="2020-01-02", end=pd.Timestamp("2020-01-02 04:00", tz="UTC"))
    assert len(mixed["A"]) == 2
    with pytest.raises(InputError, match="without a time zone"):
        two().select(start=pd.Timestamp("2020-01-02", tz="UTC"))


def test_bounds_within_a_clock_change():
    hours = pd.date_range("2021-10-31", periods=5, freq="h", tz="Europe/Berlin")  # 02:00 comes twice
    prices = Prices.from_frames({"A": frame_of(hours)})
    assert len(prices.select(start="2021-10-31 02:00", end="2021-10-31 02:00")["A"]) == 2
    hours = pd.date_range("2021-03-28", periods=5, freq="h", tz="Europe/Berlin")  # 02:00 does not exist
    prices = Prices.from_frames({"A": frame_of(hours)})
    assert prices.select(start="2021-03-28 02:30")["A"].dates[0].hour == 3
    assert prices.select(end="2021-03-28 02:30")["A"].dates[-1].hour == 1


@settings(max_examples=40, deadline=None)
@given(first=st.integers(-5, 70), length=st.integers(0, 70))
def test_select_agrees_with_a_plain_comparison(first, length):
    prices = two()
    start = pd.Timestamp("2020-01-01") + pd.Timedelta(days=first)
    end = start + pd.Timedelta(days=length)
    expected = {
        symbol: int(((prices[symbol].dates >= start) & (prices[symbol].dates <= end)).sum()) for symbol in prices
    }
    expected = {symbol: count for symbol, count in expected.items() if count}
    if not expected:
        with pytest.raises(DataError):
            prices.select(start=start, end=end)
        return
    assert prices.select(start=start, end=end).report.bars == expected


def test_validate_takes_frames_and_prices():
    bad = frame_of(days())
    bad.iloc[30, 2] = -1
    report = validate({"A": bad, "B": frame_of(days())})
    assert set(report.left_out) == {"A"}
    assert validate({"A": bad}).bars == {}
    assert validate({"A": bad}, repair=["drop-bad-bars"]).bars == {"A": 59}
    assert validate({}).findings == ()
    assert validate(two()).findings == ()
    with pytest.raises(InputError):
        validate(two(), repair=["nothing"])


def test_simulated_market_is_seeded_and_on_the_tick():
    market = engine.simulate(3, 200, seed=9)
    assert market.digest == engine.simulate(3, 200, seed=9).digest != engine.simulate(3, 200, seed=10).digest
    assert market.select(["SIM002"]).digest == engine.simulate(5, 200, seed=9).select(["SIM002"]).digest
    for symbol in market:
        history = market[symbol]
        for values in (history.open, history.high, history.low, history.close):
            assert (np.round(values, 2) == values).all()
            assert np.allclose(np.rint(values / 0.05) * 0.05, values)
    assert not engine.validate(market).errors


def test_simulated_market_has_no_edge():
    """The mean of final / first price over many symbols is 1 within its standard error."""
    market = engine.simulate(400, 250, seed=3, correlation=0.0)
    growth = np.array([market[symbol].close[-1] / market[symbol].open[0] for symbol in market])
    assert abs(growth.mean() - 1) < 4 * growth.std() / np.sqrt(len(growth))


def test_simulated_market_refuses_nonsense():
    for wrong in (
        {"symbols": 0},
        {"bars": 0},
        {"bars": 100_000},
        {"seed": -1},
        {"volatility": 0.0},
        {"frequency": "fortnight"},
        {"correlation": 1.0},
    ):
        with pytest.raises(engine.InputError):
            engine.simulate(**{"symbols": 1, "bars": 10, **wrong})
    assert len(engine.simulate(1, 100_000, frequency="min")["SIM001"]) == 100_000


def test_a_copy_of_a_history_knows_its_own_place():
    history = engine.simulate(1, 50)["SIM001"]
    for other in (
        history,
        pickle.loads(pickle.dumps(history)),  # noqa: S301  our own
        copy.deepcopy(history),
        copy.copy(history),
        history.between(2, 9),
    ):
        addresses = [getattr(other, name).ctypes.data for name in ("open", "high", "low", "close")]
        assert np.frombuffer(other.place, np.int64).tolist() == [*addresses, len(other)]
