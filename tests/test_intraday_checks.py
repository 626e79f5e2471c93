"""Time zones of stamps, and what validation says of intraday bars: each rule finds what is put into clean minutes, and daily prices have none of them."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.validation import Severity
from engine.validation.dates import _parse_texts, parse_dates
from engine.validation.regular import read_regular
from engine.validation.sessions import clock_time, read_time, say_time
from engine.validation.zones import Zones

ordinary = settings(max_examples=100, deadline=None)
NEW_YORK = "America/New_York"
RULES = {"missing-bars", "uneven-bars", "short-session", "outside-hours", "shifted-sessions", "round-the-clock"}


def clean(sessions=20, **market):
    """A frame of minutes with sound prices, stamps in a column."""
    made = engine.simulate_intraday(["ABC"], sessions / 252, seed=4, **market)
    return made.to_frames()["ABC"].rename_axis("date").reset_index()


def judge(frame, **how):
    return engine.validate({"ABC": frame}, **how)


def only(frame, **how):
    """The single finding of a frame, plain and of one line."""
    (finding,) = judge(frame, **how).findings
    assert finding.symbol == "ABC"
    for text in (finding.message, finding.action):
        assert text.isascii()
        assert "\n" not in text
        assert not set(text.replace("New_York", "")) & set("|*_#%")
    return finding


def as_text(frame):
    """Stamps as a file has them."""
    return frame.assign(date=[str(stamp) for stamp in frame["date"]])


# Time zones.


@ordinary
@given(
    zone=st.sampled_from([NEW_YORK, "Europe/London", "Australia/Sydney", "Asia/Kolkata"]),
    start=st.sampled_from(["2024-03-09", "2024-03-30", "2024-04-05", "2024-10-05", "2024-10-26", "2024-11-02"]),
    step=st.sampled_from([10, 15, 30, 60]),
    newest_first=st.booleans(),
)
def test_local_stamps_without_a_zone_are_placed_right_where_the_clock_changes(zone, start, step, newest_first):
    moments = pd.date_range(start, periods=72 * 60 // step, freq=f"{step}min", tz="UTC").as_unit("ns")
    shown = moments.tz_convert(zone).tz_localize(None)  # an hour twice in autumn, one not at all in spring
    raw = pd.Series(shown[::-1] if newest_first else shown)
    found = Zones.of(f"{zone}:UTC").apply(parse_dates(raw))
    assert found.bad == {}
    assert found.dates.equals(moments[::-1] if newest_first else moments)


def test_a_time_that_the_clock_skips_is_no_date():
    frame = clean(bar="30min", session="00:00-12:00", start="2024-03-04")
    frame = frame[frame["date"].dt.hour != 2].reset_index(drop=True)
    frame.loc[5, "date"] = pd.Timestamp("2024-03-10 02:30")
    finding = judge(frame, timezone=f"{NEW_YORK}:UTC").errors[0]
    assert finding.rule == "bad-date"
    assert "2024-03-10 02:30:00, which the clock of America/New_York skips" in finding.message


def test_stamps_with_a_zone_are_shown_on_the_exchanges_clock():
    moments = pd.DatetimeIndex(["2024-07-01 13:30", "2024-12-02 14:30"], tz="UTC")
    for form in (moments, [str(moment) for moment in moments], [str(m) for m in moments.tz_convert("Asia/Tokyo")]):
        found = Zones.of(NEW_YORK).apply(parse_dates(pd.Series(form)))
        assert [str(stamp) for stamp in found.dates.tz_localize(None)] == ["2024-07-01 09:30:00", "2024-12-02 09:30:00"]
        assert str(found.dates.tz) == NEW_YORK


def test_stamps_without_a_zone_stay_unless_theirs_is_named():
    frame = clean()
    plain = engine.Prices.from_frames({"ABC": frame}, timezone=NEW_YORK)["ABC"].dates
    named = engine.Prices.from_frames({"ABC": frame}, timezone=f"UTC:{NEW_YORK}")["ABC"].dates
    assert plain.tz is None
    assert named.equals(plain.tz_localize("UTC").tz_convert(NEW_YORK))


def test_dates_are_no_moments_and_keep_their_day():
    days = pd.date_range("2024-01-01", "2024-12-31", freq="B")
    for tz in (None, "UTC", "Asia/Kolkata"):
        found = Zones.of(f"UTC:{NEW_YORK}").apply(parse_dates(pd.Series(days.tz_localize(tz)))).dates
        assert found.tz_localize(None).equals(days.as_unit("ns")), tz
    yahoo = days.tz_localize("Asia/Kolkata").tz_convert("UTC")  # local midnight, told in UTC
    assert (
        Zones.of("Asia/Kolkata").apply(parse_dates(pd.Series(yahoo))).dates.tz_localize(None).equals(days.as_unit("ns"))
    )


def test_offsets_that_change_with_summer_time(tmp_path):
    made = engine.simulate_intraday(["ABC"], 0.5, bar="30min", session="09:30-16:00", timezone=NEW_YORK)
    as_text(made.to_frames()["ABC"].reset_index()).to_csv(tmp_path / "ABC.csv", index=False)
    loose, told = engine.load(tmp_path), engine.load(tmp_path, timezone=NEW_YORK)
    assert told.digest == made.digest == engine.load(tmp_path, timezone=NEW_YORK, lazy=True).digest
    assert told.report.findings == engine.validate(tmp_path, timezone=NEW_YORK).findings == ()
    assert len(engine.validate(tmp_path).findings) == 2
    assert [finding.rule for finding in loose.report.findings] == ["several-offsets", "shifted-sessions"]
    assert "--timezone" in loose.report.findings[0].action
    assert loose["ABC"].dates.equals(made["ABC"].dates.tz_convert("UTC"))


@pytest.mark.parametrize("text", ["Asia/Nowhere", "UTC:", "Mars:UTC", "UTC:Asia/Kolkata:UTC", "../etc", ":"])
def test_a_zone_that_there_is_not_is_refused_before_the_work(text, monkeypatch):
    monkeypatch.setattr("engine.prices.reading.scan", lambda _: pytest.fail("the work was begun"))
    monkeypatch.setattr("engine.prices.checking.scan", lambda _: pytest.fail("the work was begun"))
    for read in (engine.load, engine.validate, lambda path, **how: engine.load(path, lazy=True, **how)):
        with pytest.raises(engine.InputError, match="there is no zone named"):
            read("nowhere", timezone=text)


def test_no_zone_is_no_zone():
    assert Zones.of(None) is Zones.of("") is None


# A year of minutes is read in one go, as the stamps one by one would be.


@st.composite
def written(draw):
    """Stamps in one form, now and then with one that is otherwise, or no stamp."""
    form = draw(st.sampled_from(["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]))
    zones = draw(st.sampled_from([[""], ["Z"], ["+05:30"], ["-05:00", "-04:00"], ["+00:00"], ["-00:30", "+14:00"]]))
    usual = st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1))  # noqa: DTZ001
    moments = draw(st.lists(draw(st.sampled_from([usual, usual, st.datetimes()])), min_size=1, max_size=8))
    texts = [
        moment.replace(microsecond=0).strftime(form).zfill(16) + draw(st.sampled_from(zones)) for moment in moments
    ]
    if draw(st.booleans()):
        place = draw(st.integers(0, len(texts) - 1))
        text = texts[place]
        odd = [
            "",
            " " + text,
            text[:10],
            text + "0",
            "x" * len(text),
            text[:11] + "24" + text[13:],
            text[:5] + "13" + text[7:],
        ]
        odd += [
            text.replace("-", "/"),
            text[:-1] + "\u0663",
            text[:-5] + "99:99",
            None,
            text[:-6] + "+05:75",
            text[:11] + "23:59:60",
        ]
        texts[place] = draw(st.sampled_from(odd))
    return texts


@settings(max_examples=400, deadline=None)
@given(written())
def test_stamps_of_one_form_are_read_as_one_by_one(texts):
    raw = pd.Series(texts, dtype=object)
    one_by_one = _parse_texts(np.array(["" if text is None else text.strip() for text in texts], dtype=object))
    found = parse_dates(raw)
    assert found.dates.equals(one_by_one.dates)
    assert str(found.dates.tz) == str(one_by_one.dates.tz)
    assert (found.bad, found.offsets, found.mixed) == (one_by_one.bad, one_by_one.offsets, one_by_one.mixed)


def test_what_is_usual_is_read_in_one_go():
    for text in ("2024-01-01 09:15:00", "2024-01-01T09:15", "2024-01-01T09:15:00Z", "2024-01-01 09:15:00+05:30"):
        assert read_regular(pd.Series([text] * 3)) is not None
        assert read_regular(pd.Series([text, text[:-1]])) is None
        assert read_regular(pd.Series([text, text + "0"])) is None
    for other in (
        ["2024-01-01"],
        ["2024-13-01 09:15:00"],
        ["1600-01-01 09:15:00"],
        [20240101],
        [],
        ["2024-01-01 09:15:00x"],
        ["2024-01-01 09:15+05:75"],
        ["2024-01-01 09:15", "2024-01-01_09:15"],
    ):
        assert read_regular(pd.Series(other)) is None


# What is wrong with minutes.


@pytest.mark.parametrize("bar", ["1min", "5min", "1h"])
@pytest.mark.parametrize("zone", [None, "Asia/Kolkata", NEW_YORK])
def test_clean_minutes_have_no_finding(bar, zone):
    assert judge(clean(60, bar=bar, timezone=zone)).findings == ()


def test_nights_and_weekends_are_no_holes():
    findings = judge(clean(60).drop(index=range(375, 375 * 6))).findings  # a week is gone
    assert [finding.rule for finding in findings] == ["gap"]


@ordinary
@given(
    lost=st.sets(st.integers(0, 5 * 75 - 1), max_size=40),
)
def test_missing_bars_are_counted_inside_sessions_only(lost):
    frame = clean(5, bar="5min")
    kept = frame.drop(index=sorted(lost))
    inside = 0
    for session in range(5):
        there = [i for i in range(75 * session, 75 * (session + 1)) if i not in lost]
        inside += (there[-1] - there[0] + 1 - len(there)) if there else 0
    found = [finding for finding in judge(kept).findings if finding.rule == "missing-bars"]
    assert [finding.bars for finding in found] == [inside] * (inside > 0)
    assert all(finding.severity is Severity.NOTE for finding in found)
    assert all(f"{inside:,} bar" in finding.message for finding in found)


def test_the_largest_hole_is_named():
    finding = only(clean().drop(index=[3, 400, 401, 402]))
    assert finding.rule == "missing-bars"
    assert "4 bars of 1 minute missing inside 2 of 20 sessions" in finding.message
    assert "most at once 3, after 2024-01-02 09:39:00" in finding.message


def test_uneven_bars():
    frame = clean()
    frame.loc[10, "date"] += pd.Timedelta(seconds=30)
    finding = only(frame)
    assert (finding.rule, finding.bars, finding.severity) == ("uneven-bars", 2, Severity.NOTE)
    assert "2 bars not a whole number of 1 minute after the bar before, first by 90 seconds" in finding.message


def test_short_sessions_are_named_but_not_at_the_ends():
    frame = clean()
    halves = frame.drop(index=[*range(375 * 4 + 60, 375 * 5), *range(60), *range(375 * 20 - 60, 375 * 20)])
    finding = only(halves)
    assert (finding.rule, finding.bars, finding.date) == ("short-session", 60, "2024-01-05 09:15:00")
    assert "1 session shorter than three quarters of the usual 375 bars: 2024-01-05 with 60" in finding.message


def test_bars_outside_the_usual_hours():
    frame = clean()
    late = frame.iloc[375 * 3 : 375 * 4].tail(10).assign(date=lambda rows: rows["date"] + pd.Timedelta(minutes=10))
    finding = only(pd.concat([frame.iloc[: 375 * 4], late, frame.iloc[375 * 4 :]], ignore_index=True))
    assert (finding.rule, finding.bars) == ("outside-hours", 10)
    assert "10 bars in 1 session outside the usual hours, 09:15 to 15:29" in finding.message


def test_sessions_that_move_with_summer_time():
    there = clean(60, session="09:30-16:00", timezone=NEW_YORK, start="2024-02-01")
    in_utc = there.assign(date=there["date"].dt.tz_convert("UTC"))
    finding = only(in_utc)
    assert (finding.rule, finding.severity) == ("shifted-sessions", Severity.WARNING)
    winter = len({stamp.date() for stamp in there["date"] if stamp.dst().total_seconds() == 0})
    assert f"{60 - winter} sessions begin at 13:30 and {winter} at 14:30" in finding.message
    assert judge(in_utc, timezone=NEW_YORK).findings == ()
    late = there.assign(date=there["date"] + pd.to_timedelta(np.where(there.index < 390 * 20, 1800, 0), unit="s"))
    assert "shifted-sessions" not in {finding.rule for finding in judge(late).findings}  # by half an hour only


def test_bars_around_the_clock():
    finding = only(clean(bar="1h", session="00:00-24:00"))
    assert (finding.rule, finding.severity) == ("round-the-clock", Severity.NOTE)


def test_quiet_minutes_are_one_note():
    frame = clean()
    for start in (100, 1000, 2000):
        frame.loc[start : start + 6, ["open", "high", "low", "close"]] = frame.loc[start, "close"]
        frame.loc[start : start + 6, "volume"] = 0.0
    found = {finding.rule: finding for finding in judge(frame).findings}
    assert set(found) == {"zero-volume-flat", "stale"}
    assert [found[rule].bars for rule in ("zero-volume-flat", "stale")] == [21, 21]
    assert {finding.severity for finding in found.values()} == {Severity.NOTE}
    assert "3 times five or more bars in a row have the same four prices; 7 here, the most" in found["stale"].message


def test_a_clock_that_goes_back_is_not_mended_by_sorting():
    moments = pd.date_range("2024-11-01", "2024-11-06", freq="30min", tz=NEW_YORK)
    close = 100.0 + np.arange(len(moments)) % 5
    frame = pd.DataFrame({"date": moments.tz_localize(None), **dict.fromkeys(("open", "high", "low", "close"), close)})
    errors = judge(frame.assign(volume=1.0)).errors
    assert {error.rule for error in errors} == {"conflicting-date", "out-of-order"}
    assert not [error for error in errors if "--repair" in error.action]
    assert all("--timezone America/New_York:America/New_York" in error.action for error in errors)
    assert judge(frame.assign(volume=1.0), timezone=f"{NEW_YORK}:{NEW_YORK}").errors == ()
    jumbled = frame.assign(volume=1.0).iloc[[*range(50), 55, *range(50, 55), *range(56, len(frame))]]
    assert "--repair sort-dates" in {e.rule: e.action for e in judge(jumbled).errors}["out-of-order"]


def test_a_big_move_over_a_night_is_one_as_on_daily_prices():
    frame = clean()
    frame.loc[375 * 5 :, ["open", "high", "low", "close"]] *= 1.45
    found = [finding for finding in judge(frame).findings if finding.rule == "big-move"]
    assert [finding.date for finding in found] == ["2024-01-08 09:15:00"]


def test_daily_prices_have_no_finding_of_minutes():
    daily = engine.simulate(["ABC"], 300).to_frames()["ABC"].rename_axis("date").reset_index()
    gone = daily.drop(index=[5, 6, 50, 51, 52, 100])
    assert {finding.rule for finding in judge(gone).findings} & RULES == set()
    two = daily.assign(date=daily["date"] + pd.Timedelta(hours=18))
    assert judge(two).findings == ()


@ordinary
@given(st.integers(1, 10**15))
def test_times_are_said_as_the_same_time(nanoseconds):
    number, unit = say_time(nanoseconds).replace(",", "").split()
    size = {"hour": 3600 * 10**9, "minute": 60 * 10**9, "second": 10**9, "nanosecond": 1}[unit.removesuffix("s")]
    assert int(number) * size == nanoseconds
    assert unit.endswith("s") == (number != "1")


def test_times_are_read():
    assert [read_time(text) for text in ("30s", "5min", " 2H ", "0min", "5m", "1d", "-1h", "")] == [
        30 * 10**9, 300 * 10**9, 7200 * 10**9, None, None, None, None, None,
    ]  # fmt: skip
    assert [clock_time(second * 10**9) for second in (0, 33_300, 86_399)] == ["00:00", "09:15", "23:59:59"]
