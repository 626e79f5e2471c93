"""Each rule finds the defect that is put into a clean table, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.validation import REPAIRS, Report, Severity, admit

BARS = 120
PRICES = ["open", "high", "low", "close"]


def clean(seed=1, bars=BARS, start="2020-01-01"):
    rng = np.random.default_rng(seed)
    close = 500 * np.exp(np.cumsum(rng.normal(0, 0.01, bars)))
    opens = close * np.exp(rng.normal(0, 0.003, bars))
    frame = pd.DataFrame(
        {
            "date": pd.bdate_range(start, periods=bars).strftime("%Y-%m-%d").to_numpy(dtype=object),
            "open": opens,
            "high": np.maximum(opens, close) * 1.004,
            "low": np.minimum(opens, close) * 0.996,
            "close": close,
        }
    )
    frame[PRICES] = (frame[PRICES] * 100).round() / 100
    frame["volume"] = rng.integers(1_000, 90_000, bars).astype(float)
    return frame


def date_of(frame, row):
    return str(frame["date"].iloc[row])


def judge(frame, *repair):
    return admit({"ABC": frame}, repair)


def only(frame, *repair):
    """The single finding of a frame."""
    _, report = judge(frame, *repair)
    assert len(report.findings) == 1, [str(finding) for finding in report.findings]
    finding = report.findings[0]
    assert finding.symbol == "ABC"
    assert "ABC" in finding.message
    for text in (finding.message, finding.action):
        assert text
        assert text.isascii()
        assert "\n" not in text
    refused = finding.severity is Severity.ERROR
    assert ("ABC" in report.left_out) == refused
    assert ("ABC" in report.bars) != refused
    return finding


def facts(finding):
    return finding.rule, finding.date, finding.field, finding.severity


def insert(frame, row, extra):
    return pd.concat([frame.iloc[:row], extra, frame.iloc[row:]], ignore_index=True)


@pytest.mark.parametrize("seed", range(5))
def test_a_clean_table_has_no_finding(seed):
    tables, report = judge(clean(seed))
    assert report == Report(bars={"ABC": BARS})
    assert tables["ABC"].dates.is_monotonic_increasing
    assert tables["ABC"].currency is None


@pytest.mark.parametrize("seed", range(5))
def test_all_repairs_together_leave_a_clean_table_as_it_is(seed):
    plain, _ = judge(clean(seed))
    mended, report = judge(clean(seed), *REPAIRS)
    assert report.repairs == ()
    for name in [*PRICES, "volume"]:
        assert np.array_equal(plain["ABC"].columns[name], mended["ABC"].columns[name])


@pytest.mark.parametrize("name", ["date", *PRICES])
def test_missing_column(name):
    finding = only(clean().drop(columns=name))
    assert facts(finding) == ("missing-column", None, name, Severity.ERROR)


def test_missing_volume_is_a_warning_and_volume_is_nan():
    frame = clean().drop(columns="volume")
    assert facts(only(frame)) == ("missing-column", None, "volume", Severity.WARNING)
    assert np.isnan(judge(frame)[0]["ABC"].columns["volume"]).all()


def test_two_columns_for_one_field():
    frame = clean().assign(Close=1.0)
    assert facts(only(frame)) == ("ambiguous-column", None, "close", Severity.ERROR)
    frame = clean().assign(Time="09:15")
    assert facts(only(frame)) == ("ambiguous-column", None, "date", Severity.ERROR)


def test_no_rows():
    assert facts(only(clean().iloc[:0])) == ("no-rows", None, None, Severity.ERROR)


@pytest.mark.parametrize("text", ["yesterday", "2020-13-45", "31/12/2020", "2020", "123456789012", "9999-12-31"])
def test_bad_date(text):
    frame = clean()
    frame.loc[7, "date"] = text
    finding = only(frame)
    assert facts(finding) == ("bad-date", None, "date", Severity.ERROR)
    assert "row 8" in finding.message
    assert text in finding.message


@pytest.mark.parametrize("blank", [None, "", " ", float("nan"), pd.NaT])
def test_missing_date(blank):
    frame = clean()
    frame.loc[7, "date"] = blank
    finding = only(frame)
    assert finding.rule == "bad-date"
    assert "missing" in finding.message


def test_bad_dates_are_listed_to_a_cap_and_then_counted():
    frame = clean()
    frame["date"] = [f"{text[8:]}/{text[5:7]}/{text[:4]}" for text in frame["date"]]
    _, report = judge(frame)
    assert {finding.rule for finding in report.findings} == {"bad-date"}
    assert sum(finding.bars for finding in report.findings) == BARS
    assert len(report.findings) < 30


def test_identical_row():
    frame = clean()
    frame = insert(frame, 41, frame.iloc[[40]])
    assert facts(only(frame)) == ("duplicate-date", date_of(frame, 40), "date", Severity.ERROR)
    tables, report = judge(frame, "drop-duplicates")
    assert len(tables["ABC"].dates) == BARS
    assert report.findings == ()
    assert len(report.repairs) == 1
    assert all(word in report.repairs[0] for word in ("ABC", "drop-duplicates", "1 ", date_of(frame, 40)))


def test_conflicting_row():
    frame = clean()
    extra = frame.iloc[[40]].assign(close=frame["low"][40])
    frame = insert(frame, 41, extra)
    assert facts(only(frame)) == ("conflicting-date", date_of(frame, 40), "date", Severity.ERROR)
    assert facts(only(frame, "drop-duplicates"))[0] == "conflicting-date"
    tables, report = judge(frame, "keep-last")
    assert tables["ABC"].columns["close"][40] == extra["close"].iloc[0]
    assert report.findings == ()
    assert len(report.repairs) == 1


def test_keep_last_keeps_the_last_row_of_the_file_even_if_it_repeats_the_first():
    frame = clean()
    other = frame.iloc[[40]].assign(close=frame["low"][40])
    frame = insert(insert(frame, 41, other), 42, frame.iloc[[40]])
    tables, _ = judge(frame, "keep-last", "drop-duplicates")
    assert tables["ABC"].columns["close"][40] == frame["close"][40]


def test_out_of_order():
    frame = clean()
    order = [*range(50), 51, 50, *range(52, BARS)]
    finding = only(frame.iloc[order].reset_index(drop=True))
    assert facts(finding) == ("out-of-order", date_of(frame, 50), "date", Severity.ERROR)
    tables, report = judge(frame.iloc[order], "sort-dates")
    assert report.findings == ()
    assert np.array_equal(tables["ABC"].columns["close"], frame["close"])


def test_descending_dates_are_called_that():
    finding = only(clean().iloc[::-1])
    assert finding.rule == "out-of-order"
    assert "newest" in finding.message


@pytest.mark.parametrize("name", PRICES)
@pytest.mark.parametrize(
    ("first", "stop", "repair"), [(0, 3, "drop-blank-first"), (60, 62, "drop-bad-bars"), (118, 120, "drop-blank-last")]
)
def test_missing_value(name, first, stop, repair):
    frame = clean()
    frame.loc[first : stop - 1, name] = np.nan
    finding = only(frame)
    assert facts(finding) == ("missing-value", date_of(frame, first), name, Severity.ERROR)
    assert finding.bars == stop - first
    assert repair in finding.action
    for other in {"drop-blank-first", "drop-bad-bars", "drop-blank-last"} - {repair}:
        assert judge(frame, other)[1].errors
    tables, report = judge(frame, repair)
    assert report.findings == ()
    assert len(tables["ABC"].dates) == BARS - (stop - first)


def test_a_table_of_blanks_has_nothing_left():
    frame = clean()
    frame[PRICES] = np.nan
    assert only(frame).rule == "missing-value"
    assert facts(only(frame, "drop-blank-last"))[0] == "no-rows"


def test_blank_volume_is_a_note():
    frame = clean()
    frame.loc[[4, 9], "volume"] = np.nan
    finding = only(frame)
    assert facts(finding) == ("missing-volume", date_of(frame, 4), "volume", Severity.NOTE)
    assert finding.bars == 2


@pytest.mark.parametrize("value", [-5.0, np.inf, "many"])
def test_bad_volume_is_a_warning(value):
    frame = clean()
    frame["volume"] = frame["volume"].astype(object)
    frame.loc[4, "volume"] = value
    assert facts(only(frame)) == ("bad-volume", date_of(frame, 4), "volume", Severity.WARNING)


@pytest.mark.parametrize("text", ["abc", "1,234.5", "1_000", "12.5.6", "-"])
def test_text_for_a_number(text):
    frame = clean()
    frame["close"] = frame["close"].astype(object)
    frame.loc[30, "close"] = text
    finding = only(frame)
    assert facts(finding) == ("not-a-number", date_of(frame, 30), "close", Severity.ERROR)
    assert text in finding.message
    tables, report = judge(frame, "drop-bad-bars")
    assert report.findings == ()
    assert len(tables["ABC"].dates) == BARS - 1


def test_numbers_as_text_are_the_nearest_double():
    frame = clean()
    texts = frame.assign(close=frame["close"].map(repr).astype(object))
    texts.loc[3, "close"] = f" {texts['close'][3]} "
    tables, report = judge(texts)
    assert report.findings == ()
    assert np.array_equal(tables["ABC"].columns["close"], frame["close"])


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_non_positive_price(value):
    frame = clean()
    frame.loc[30, "low"] = value
    assert facts(only(frame)) == ("non-positive", date_of(frame, 30), "low", Severity.ERROR)
    assert judge(frame, "drop-bad-bars")[1].findings == ()


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinite_price(value):
    frame = clean()
    frame.loc[30, "high"] = value
    assert facts(only(frame)) == ("infinite", date_of(frame, 30), "high", Severity.ERROR)
    assert judge(frame, "drop-bad-bars")[1].findings == ()


@pytest.mark.parametrize(("name", "factor"), [("high", 1e10), ("high", 2000), ("low", 1 / 2000), ("close", 2000)])
@pytest.mark.parametrize("row", [0, 30, BARS - 1])
def test_absurd_price(name, factor, row):
    frame = clean()
    frame.loc[row, name] *= factor
    assert facts(only(frame)) == ("absurd", date_of(frame, row), name, Severity.ERROR)
    assert judge(frame, "drop-bad-bars")[1].findings == ()


@pytest.mark.parametrize(
    ("name", "from_name", "factor", "field"),
    [
        ("high", "low", 0.99, "high, low"),
        ("open", "high", 1.01, "open"),
        ("close", "low", 0.99, "close"),
    ],
)
def test_inconsistent_bar(name, from_name, factor, field):
    frame = clean()
    frame.loc[30, name] = round(frame.loc[30, from_name] * factor, 2)
    assert facts(only(frame)) == ("inconsistent", date_of(frame, 30), field, Severity.ERROR)
    assert judge(frame, "drop-bad-bars")[1].findings == ()


@pytest.mark.parametrize("factor", [1e306, 1e-322])
def test_prices_at_the_end_of_the_doubles_leak_no_warning(factor):
    frame = clean()
    frame.loc[60:, PRICES] *= factor
    for repair in ([], list(REPAIRS)):
        _, report = judge(frame, *repair)
        assert report.findings or report.repairs


@pytest.mark.parametrize("column", [[True] * BARS, [1 + 2j] * BARS, pd.timedelta_range("1D", periods=BARS)])
def test_columns_that_are_no_numbers(column):
    _, report = judge(clean().assign(close=column))
    assert {finding.rule for finding in report.findings} == {"not-a-number"}
    assert sum(finding.bars for finding in report.findings) == BARS


def flat(frame, rows, price=None):
    for name in PRICES:
        frame.loc[rows, name] = frame["close"][rows[0] - 1] if price is None else price
    frame.loc[rows, "volume"] = 0.0
    return frame


def test_zero_volume_flat_bar():
    frame = flat(clean(), [30])
    assert facts(only(frame)) == ("zero-volume-flat", date_of(frame, 30), None, Severity.WARNING)
    tables, report = judge(frame, "drop-flat")
    assert report.findings == ()
    assert len(tables["ABC"].dates) == BARS - 1


def test_many_flat_bars_are_counted():
    frame = clean()
    rows = list(range(1, BARS, 2))
    for row in rows:
        flat(frame, [row])
    _, report = judge(frame)
    assert sum(finding.bars for finding in report.findings if finding.rule == "zero-volume-flat") == len(rows)


@pytest.mark.parametrize(("length", "found"), [(4, False), (5, True), (9, True)])
def test_stale_run(length, found):
    frame = clean()
    for name in PRICES:
        frame.loc[30 : 30 + length - 1, name] = frame[name][30]
    if not found:
        assert judge(frame)[1].findings == ()
        return
    finding = only(frame)
    assert facts(finding) == ("stale", date_of(frame, 30), None, Severity.WARNING)
    assert finding.bars == length


def test_gap():
    frame = clean().drop(index=range(30, 50)).reset_index(drop=True)
    finding = only(frame)
    assert facts(finding) == ("gap", date_of(frame, 30), "date", Severity.WARNING)
    days = (pd.Timestamp(date_of(frame, 30)) - pd.Timestamp(date_of(frame, 29))).days
    assert f"{days} days" in finding.message
    assert date_of(frame, 29) in finding.message


def test_a_week_without_bars_is_no_gap():
    frame = clean().drop(index=range(30, 33)).reset_index(drop=True)
    assert judge(frame)[1].findings == ()


def test_weekly_bars_have_no_gap():
    frame = clean()
    frame["date"] = pd.date_range("2000-01-07", periods=BARS, freq="W-FRI")
    assert judge(frame.drop(index=[50, 51, 52]))[1].findings == ()


def step(frame, row, factor, stop=BARS):
    frame.loc[row : stop - 1, PRICES] = (frame.loc[row : stop - 1, PRICES] * factor * 100).round() / 100
    return frame


@pytest.mark.parametrize(
    ("new", "old", "name"),
    [
        (4, 3, "3:4, as after a 4-for-3 split or a 1:3 bonus"),
        (3, 2, "2:3, as after a 3-for-2 split or a 1:2 bonus"),
        (2, 1, "1:2, as after a 2-for-1 split or a 1:1 bonus"),
        (5, 2, "2:5, as after a 5-for-2 split or a 3:2 bonus"),
        (4, 1, "1:4, as after a 4-for-1 split or a 3:1 bonus"),
        (5, 1, "1:5, as after a 5-for-1 split or a 4:1 bonus"),
        (10, 1, "1:10, as after a 10-for-1 split or a 9:1 bonus"),
        (15, 1, "1:15, as after a 15-for-1 split or a 14:1 bonus"),
        (1, 2, "2:1, as after a 1-for-2 reverse split"),
        (1, 10, "10:1, as after a 1-for-10 reverse split"),
    ],
)
def test_split(new, old, name):
    frame = step(clean(), 60, old / new)
    finding = only(frame)
    assert facts(finding) == ("split-like", date_of(frame, 60), "open, close", Severity.WARNING)
    assert name in finding.message


@pytest.mark.parametrize("factor", [1.36, 1.6, 0.0013, 7.0])
def test_big_move(factor):
    finding = only(step(clean(), 60, factor))
    assert (finding.rule, finding.severity) == ("big-move", Severity.WARNING)
    assert finding.date == date_of(clean(), 60)


def test_a_crash_within_the_day_is_no_split():
    frame = step(clean(), 61, 0.5)
    frame.loc[60, "close"] = frame.loc[60, "low"] = round(frame.loc[60, "close"] * 0.5, 2)
    finding = only(frame)
    assert facts(finding) == ("big-move", date_of(frame, 60), "close", Severity.WARNING)


@pytest.mark.parametrize(("power", "factor"), [(-1, 10.0), (-2, 100.0), (1, 10.0), (2, 100.0)])
@pytest.mark.parametrize("bars", [1, 2, 60])
def test_scaled_stretch(power, factor, bars):
    frame = clean(3)
    wrong = frame.copy()
    rows = list(range(30, 30 + bars))
    wrong.loc[rows, PRICES] = frame.loc[rows, PRICES] / factor if power < 0 else frame.loc[rows, PRICES] * factor
    _, report = judge(wrong)
    assert [facts(finding) for finding in report.findings if finding.rule != "off-tick"] == [
        ("scaled-stretch", date_of(frame, 30), None, Severity.ERROR)
    ]
    tables, report = judge(wrong, "rescale")
    assert report.errors == report.warnings == ()
    assert len(report.repairs) == 1
    assert all(date_of(frame, row) in report.repairs[0] for row in rows)
    for name in PRICES:
        expected = wrong[name].to_numpy().copy()
        expected[rows] = expected[rows] * factor if power < 0 else expected[rows] / factor
        assert np.array_equal(tables["ABC"].columns[name], expected)


def test_two_stretches_in_one_history():
    frame = clean(3)
    frame.loc[[20, 21, 70], PRICES] *= 10
    _, report = judge(frame)
    assert [(finding.rule, finding.date, finding.bars) for finding in report.errors] == [
        ("scaled-stretch", date_of(frame, 20), 2),
        ("scaled-stretch", date_of(frame, 70), 1),
    ]
    assert judge(frame, "rescale")[1].errors == ()


def test_a_long_stretch_is_two_splits():
    _, report = judge(step(clean(3), 30, 0.1, stop=95))
    assert [finding.rule for finding in report.warnings] == ["split-like", "split-like"]


def test_off_tick_prices():
    frame = clean()
    frame.loc[30:31, "close"] = frame.loc[30:31, "close"].astype(np.float32).astype(float)
    finding = only(frame)
    assert facts(finding) == ("off-tick", date_of(frame, 30), "close", Severity.NOTE)
    tables, report = judge(frame, "round-ticks")
    assert report.findings == ()
    assert np.array_equal(tables["ABC"].columns["close"], clean()["close"])


def test_mixed_currency():
    frame = clean().assign(currency="INR")
    frame.loc[30, "currency"] = "USD"
    assert facts(only(frame)) == ("mixed-currency", date_of(frame, 30), "currency", Severity.ERROR)


def test_different_currencies():
    frames = {"A": clean().assign(Currency="INR"), "B": clean(2).assign(currency="USD"), "C": clean(3)}
    tables, report = admit(frames)
    assert [(finding.symbol, finding.rule, finding.severity) for finding in report.findings] == [
        ("*", "different-currencies", Severity.WARNING)
    ]
    assert [table.currency for table in tables.values()] == ["INR", "USD", None]


def zoned(offsets):
    frame = clean()
    frame["date"] = [f"{text}T09:15:00{offset}" for text, offset in zip(frame["date"], offsets, strict=True)]
    return frame


def test_several_offsets_become_utc():
    frame = zoned(["-05:00"] * 60 + ["-04:00"] * 60)
    assert facts(only(frame)) == ("several-offsets", None, "date", Severity.WARNING)
    dates = judge(frame)[0]["ABC"].dates
    assert str(dates.tz) == "UTC"
    assert [date.hour for date in dates[[0, -1]]] == [14, 13]


def test_some_dates_with_a_zone():
    frame = zoned(["+05:30"] * 60 + [""] * 60)
    assert facts(only(frame)) == ("mixed-time-zones", None, "date", Severity.ERROR)


def test_different_time_zones_among_symbols():
    _, report = admit({"A": zoned(["+05:30"] * BARS), "B": clean(2)})
    assert [(finding.symbol, finding.rule, finding.severity) for finding in report.findings] == [
        ("*", "different-time-zones", Severity.WARNING)
    ]


def test_errors_refuse_one_symbol_and_the_others_go_on():
    bad = clean()
    bad.loc[30, "low"] = -1.0
    bad.loc[50, "close"] = np.nan
    tables, report = admit({"BAD": bad, "GOOD": clean(2)})
    assert list(tables) == ["GOOD"]
    assert list(report.left_out) == ["BAD"]
    assert "missing-value 1" in report.left_out["BAD"]
    assert "non-positive 1" in report.left_out["BAD"]
    assert report.bars == {"GOOD": BARS}
    assert len(report.of("BAD")) == len(report.errors) == 2
    assert report.of("GOOD") == report.of("no such symbol") == ()


def test_unknown_repairs_are_refused():
    with pytest.raises(InputError, match=r"mend-all.*drop-duplicates"):
        admit({"ABC": clean()}, ["mend-all"])
    with pytest.raises(InputError, match="list"):
        admit({"ABC": clean()}, "rescale")


def test_what_is_no_frame_is_refused():
    with pytest.raises(InputError, match="data frames"):
        admit({"ABC": [1, 2]})


def test_to_frame():
    frame = clean()
    frame.loc[30, "low"] = -1.0
    table = judge(frame)[1].to_frame()
    assert list(table.columns) == ["symbol", "date", "field", "rule", "severity", "message", "action", "bars"]
    assert table.loc[0, "rule"] == "non-positive"
    assert list(judge(clean())[1].to_frame().columns) == list(table.columns)


def test_a_finding_reads_as_a_sentence():
    finding = only(insert(clean(), 41, clean().iloc[[40]]))
    assert str(finding) == (
        f"error: ABC {finding.date} (row 42): the row repeats an earlier one exactly; "
        "ABC is left out; use --repair drop-duplicates"
    )


@pytest.mark.parametrize("name", REPAIRS)
def test_no_repair_without_its_name(name):
    frame = clean()
    frame.loc[0, "close"] = frame.loc[119, "close"] = np.nan
    frame.loc[30, "low"] = -1.0
    frame = insert(frame, 41, frame.iloc[[40]])
    frame = insert(frame, 61, frame.iloc[[60]].assign(volume=1.0))
    _, report = judge(frame, name)
    assert all(f" {name} " in repair for repair in report.repairs)
    assert report.errors


def test_one_pass_repairs_everything_at_once():
    frame = clean()
    frame.loc[0, "close"] = frame.loc[119, "open"] = np.nan
    frame.loc[30, "low"] = -1.0
    frame.loc[[80, 81], PRICES] *= 10
    frame = insert(frame, 41, frame.iloc[[40]])
    frame = insert(frame, 61, frame.iloc[[60]].assign(volume=1.0))
    frame = frame.iloc[[*range(50), 51, 50, *range(52, len(frame))]]
    tables, report = judge(frame, *REPAIRS)
    assert report.errors == ()
    assert len(tables["ABC"].dates) == BARS - 3
    assert [repair.split()[1] for repair in report.repairs][:7] == list(REPAIRS)[:7]


@settings(max_examples=40, deadline=None)
@given(
    data=st.lists(
        st.tuples(
            st.integers(0, 39),
            st.sampled_from([*PRICES, "volume"]),
            st.sampled_from([0.0, -1.0, np.nan, np.inf, 1e12, 3e-4, 499.995]),
        ),
        max_size=12,
    ),
    repeat=st.lists(st.integers(0, 39), max_size=4),
    shuffle=st.booleans(),
)
def test_what_comes_out_is_always_clean(data, repeat, shuffle):
    frame = clean(bars=40)
    for row, name, value in data:
        frame.loc[row, name] = value
    frame = pd.concat([frame, frame.iloc[repeat]], ignore_index=True)
    if shuffle:
        frame = frame.sample(frac=1, random_state=1)
    untouched = frame.copy()
    for repair in ([], list(REPAIRS)):
        tables, report = judge(frame, *repair)
        assert ("ABC" in tables) != ("ABC" in report.left_out)
        for table in tables.values():
            prices = np.column_stack([table.columns[name] for name in PRICES])
            assert (np.isfinite(prices) & (prices > 0)).all()
            assert (prices.max(axis=1) == prices[:, 1]).all()
            assert (prices.min(axis=1) == prices[:, 2]).all()
            assert (np.diff(table.dates.asi8) > 0).all()
    pd.testing.assert_frame_equal(frame, untouched)
