"""Real NSE prices with the defects that their README lists. Skipped where the data is not there."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from time import perf_counter

import pandas as pd
import pytest

from engine.errors import DataError
from engine.prices import load, validate
from engine.validation import Severity

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
if not DATA.is_dir():
    DATA = Path("../shared/data").resolve()
pytestmark = pytest.mark.skipif(not (DATA / "README.md").is_file(), reason="the NSE data is not here")

OLD, RECENT = "nse_daily", "nse_daily_recent"
FUNDS = {"BANKBEES", "NIFTYBEES"}
REPAIRS = {OLD: ("drop-duplicates",), RECENT: ("drop-blank-last", "rescale")}


@cache
def report_of(folder):
    return validate(DATA / folder)


@cache
def prices_of(folder):
    return load(DATA / folder, repair=REPAIRS[folder])


@cache
def listed(folder):
    """The README's table of a folder: file to the rest of its row."""
    text = (DATA / "README.md").read_text()
    part = text.split(f"### {folder}\n")[1].split("###")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| ")
    ]
    return {row[0]: row[1:] for row in rows if row[0] not in {"file", "---"}}


def found(folder, *rules):
    return [(finding.symbol, finding.date) for finding in report_of(folder).findings if finding.rule in rules]


def counts(folder, rule):
    totals = {}
    for finding in report_of(folder).findings:
        if finding.rule == rule:
            totals[finding.symbol] = totals.get(finding.symbol, 0) + finding.bars
    return totals


def test_nothing_is_usable_without_repairs():
    for folder in (OLD, RECENT):
        assert report_of(folder).bars == {}
        assert len(report_of(folder).left_out) == 33
        with pytest.raises(DataError, match="none of 33 symbols"):
            load(DATA / folder)


def test_errors_are_exactly_the_listed_ones():
    days = ["2011-05-06", "2011-08-09", "2011-10-24"]
    assert {(error.symbol, error.rule, error.date) for error in report_of(OLD).errors} == {
        (symbol, "duplicate-date", day) for symbol in listed(OLD) for day in days
    }
    expected = {
        (symbol, *(("scaled-stretch", "2019-12-19") if symbol in FUNDS else ("missing-value", "2026-07-10")))
        for symbol in listed(RECENT)
    }
    assert {(error.symbol, error.rule, error.date) for error in report_of(RECENT).errors} == expected
    assert all(error.bars == 2 for error in report_of(RECENT).errors if error.symbol in FUNDS)


@pytest.mark.parametrize("folder", [OLD, RECENT])
def test_all_symbols_are_admitted_after_the_right_repairs(folder):
    prices = prices_of(folder)
    assert set(prices) == set(listed(folder))
    assert prices.report.left_out == {}
    assert prices.report.errors == ()
    assert len(prices.report.repairs) == 33
    for symbol, row in listed(folder).items():
        dropped = 3 if folder == OLD else int(symbol not in FUNDS)
        assert len(prices[symbol]) == int(row[0]) - dropped


def test_one_repair_admits_only_what_it_mends():
    assert set(validate(DATA / RECENT, repair=["rescale"]).bars) == FUNDS
    assert set(validate(DATA / RECENT, repair=["drop-blank-last"]).left_out) == FUNDS


@pytest.mark.parametrize("folder", [OLD, RECENT])
def test_zero_volume_flat_bars_are_counted(folder):
    volumes = {symbol: int(row[6]) for symbol, row in listed(folder).items()}
    assert counts(folder, "zero-volume-flat") == {symbol: count for symbol, count in volumes.items() if count}


@pytest.mark.parametrize("folder", [OLD, RECENT])
def test_long_gaps_are_found(folder):
    expected = {symbol: int(row[9]) for symbol, row in listed(folder).items() if int(row[9])}
    assert counts(folder, "gap") == expected
    if folder == OLD:
        (gap,) = [finding for finding in report_of(OLD).of("GAIL") if finding.rule == "gap"]
        assert all(word in gap.message for word in ("468 days", "2000-03-21", "2001-07-02"))


@pytest.mark.parametrize("folder", [OLD, RECENT])
def test_every_listed_jump_is_found(folder):
    jumps = {
        (symbol, date) for symbol, row in listed(folder).items() for date in re.findall(r"\d{4}-\d{2}-\d{2}", row[10])
    }
    scaled = {(symbol, date) for symbol in FUNDS for date in ("2019-12-19", "2019-12-23")}
    steps = set(found(folder, "split-like", "big-move"))
    assert len(jumps) == {OLD: 71, RECENT: 6}[folder]
    assert jumps - steps <= scaled
    assert not steps & scaled


def test_plain_moves_are_not_called_splits():
    expected = {
        ("GAIL", "2004-05-18"),
        ("JSWSTEEL", "2008-10-31"),
        ("YESBANK", "2019-02-14"),
        ("YESBANK", "2019-10-03"),
    }
    assert expected <= set(found(OLD, "big-move"))


def test_every_confirmed_split_is_found():
    splits = pd.read_csv(DATA / "nse_splits.csv")
    splits = splits[splits["check_against_nse_daily"] == "confirmed"]
    steps = found(OLD, "split-like")
    checked = 0
    for symbol, date in zip(splits["symbol"], splits["date"], strict=True):
        if symbol not in prices_of(OLD):
            continue
        dates = prices_of(OLD)[symbol].dates
        place = dates.searchsorted(pd.Timestamp(date))
        near = [dates.get_loc(pd.Timestamp(day)) for name, day in steps if name == symbol]
        assert any(abs(at - place) <= 3 for at in near), (symbol, date)
        checked += 1
    assert checked == 41


def test_few_false_alarms_on_adjusted_prices():
    assert found(RECENT, "split-like") == [("TMPV", "2025-10-14"), ("TRENT", "2026-01-01")]
    assert found(RECENT, "big-move", "stale", "gap") == []


def test_rescaled_prices_join_their_neighbours():
    for symbol in FUNDS:
        closes = pd.Series(prices_of(RECENT)[symbol].close)
        assert (closes / closes.shift()).dropna().between(0.8, 1.2).all()


def test_float_noise_is_noted_and_can_be_rounded():
    notes = [finding for finding in report_of(RECENT).notes if finding.rule == "off-tick"]
    assert {finding.symbol for finding in notes} == set(listed(RECENT))
    assert report_of(OLD).notes == ()
    report = validate(DATA / RECENT, repair=[*REPAIRS[RECENT], "round-ticks"])
    assert report.notes == report.errors == ()


def test_folders_with_other_data_load():
    for folder in ("us_daily", "intraday"):
        report = validate(DATA / folder)
        assert report.errors == ()
        assert all(finding.severity is not Severity.ERROR for finding in report.findings)


def test_a_file_without_prices_is_refused():
    with pytest.raises(DataError, match="no column is named open"):
        load(DATA / "nse_splits.csv")


def test_reading_thirty_three_files_is_quick():
    start = perf_counter()
    load(DATA / RECENT, repair=REPAIRS[RECENT])
    assert perf_counter() - start < 5  # about a third of a second on a machine that is not busy
