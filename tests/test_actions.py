"""Splits and bonuses: applied where the prices show them, once, and never on a guess."""

from __future__ import annotations

import json
from datetime import date
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from engine import Action
from engine.errors import DataError, InputError
from engine.prices import Prices, read_actions, validate
from engine.prices.actions import actions_of
from engine.validation import Outcome
from engine.validation.adjusting import round_to_places
from live.command import app

DAYS = pd.bdate_range("2020-01-01", periods=200)
AT = 120  # the row of the step
EX = DAYS[AT].date()


def smooth(bars=200, seed=3):
    """Prices without a step, whole hundredths, that move by about 1 percent a day."""
    rng = np.random.default_rng(seed)
    close = np.round(900 * np.exp(np.cumsum(rng.normal(0, 0.01, bars))), 2)
    opened = np.round(np.concatenate([[900.0], close[:-1]]) * np.exp(rng.normal(0, 0.004, bars)), 2)
    high, low = np.maximum(opened, close) + 1, np.minimum(opened, close) - 1
    volume = rng.integers(1_000, 9_000, bars).astype(float)
    return pd.DataFrame({"open": opened, "high": high, "low": low, "close": close, "volume": volume}, index=DAYS[:bars])


def stepping(coefficient=5.0, at=AT, **options):
    """The same prices as they were before a split at a row: higher before it."""
    frame = smooth(**options)
    prices = ["open", "high", "low", "close"]
    frame.loc[frame.index[:at], prices] = (frame.loc[frame.index[:at], prices] * coefficient).round(2)
    return frame


def adjusted(frame, *actions, symbol="ABC", **options):
    return Prices.from_frames({symbol: frame}, actions=actions, **options)


def only(prices):
    (found,) = prices.report.adjustments
    return found


def splits(prices):
    return [finding for finding in prices.report.findings if finding.rule in ("split-like", "big-move")]


@pytest.mark.parametrize("coefficient", [2.0, 1.5, 10.0, 15.0001501051, 0.1, 4 / 3, 1.2])
def test_prices_before_the_date_are_divided_and_volumes_multiplied(coefficient):
    frame = stepping(coefficient)
    prices = adjusted(frame, Action("ABC", EX, coefficient))
    found = only(prices)
    assert (found.outcome, found.step_date, found.bars) == (Outcome.APPLIED, str(EX), AT)
    assert splits(prices) == []
    made = prices["ABC"].to_frame()
    for name in ("open", "high", "low", "close"):
        exact = [
            float(round(Fraction(str(price)) / Fraction(coefficient) * 100_000) / Fraction(100_000))
            for price in frame[name].iloc[:AT]
        ]
        assert made[name].iloc[:AT].tolist() == pytest.approx(exact, abs=1.1e-5)
        assert made[name].iloc[AT:].tolist() == frame[name].iloc[AT:].tolist()
        assert (np.rint(made[name] * 1e5) / 1e5 == made[name]).all()  # whole ticks, so averages stay exact
    assert made["volume"].iloc[:AT].tolist() == [round(volume * coefficient) for volume in frame["volume"].iloc[:AT]]
    assert made["volume"].iloc[AT:].tolist() == frame["volume"].iloc[AT:].tolist()


def test_a_split_by_ten_gives_the_decimal_number_itself():
    frame = stepping(10.0)
    made = adjusted(frame, Action("ABC", EX, 10.0))["ABC"]
    assert made.close[:AT].tolist() == [float(f"{price}e-1") for price in frame["close"].iloc[:AT]]


@given(st.integers(1, 10**8), st.sampled_from([2, 3, 4, 5, 8, 10, 15, 16, 20]))
def test_rounding_is_that_of_the_decimal_numbers(hundredths, coefficient):
    got = round_to_places(np.array([hundredths / 100]), np.array([float(coefficient)]))[0]
    places = round(Fraction(hundredths * 1000, coefficient))  # a half to the even one
    assert got == float(Fraction(places, 100_000))


def test_a_half_is_a_half():
    # 1.09 times 100,000 is not 109,000 in doubles, and 109,000 / 16 is half way.
    assert round_to_places(np.array([1.09]), np.array([16.0]))[0] == 0.06812


def test_a_price_is_rounded_once_whatever_the_number_of_splits():
    frame = stepping(3.0)
    frame.loc[frame.index[:40], ["open", "high", "low", "close"]] *= 7.0
    frame = frame.round(2)
    prices = adjusted(frame, Action("ABC", DAYS[40].date(), 7.0), Action("ABC", EX, 3.0))
    assert [one.outcome for one in prices.report.adjustments] == [Outcome.APPLIED] * 2
    expected = [float(Fraction(round(Fraction(str(p)) / 21 * 100_000), 100_000)) for p in frame["close"].iloc[:40]]
    assert prices["ABC"].close[:40].tolist() == expected


def test_nothing_is_applied_twice():
    once = adjusted(stepping(), Action("ABC", EX, 5.0))
    twice = once.adjusted([Action("ABC", EX, 5.0)])
    assert twice.digest == once.digest
    assert [one.outcome for one in twice.report.adjustments] == [Outcome.APPLIED, Outcome.NO_STEP]
    again = Prices.from_frames({"ABC": smooth()}, actions=[Action("ABC", EX, 5.0)])
    assert only(again).outcome is Outcome.NO_STEP
    assert "adjusted for it already, or it did not happen" in str(only(again))
    assert again.digest == Prices.from_frames({"ABC": smooth()}).digest


@pytest.mark.parametrize("away", [-3, -1, 1, 3])
def test_a_step_near_its_date_is_taken_where_it_is(away):
    frame = stepping(2.0, at=AT + away)
    found = only(prices := adjusted(frame, Action("ABC", EX, 2.0)))
    assert (found.outcome, found.step_date, found.bars) == (Outcome.MOVED, str(DAYS[AT + away].date()), AT + away)
    side, sessions = ("after" if away > 0 else "before"), f"{abs(away)} session{'s' * (abs(away) > 1)}"
    assert f"its step is at {DAYS[AT + away].date()}, {side} its date by {sessions};" in str(found)
    assert splits(prices) == []


@pytest.mark.parametrize("away", [-4, 4])
def test_a_step_further_away_is_another_one(away):
    prices = adjusted(stepping(2.0, at=AT + away), Action("ABC", EX, 2.0))
    assert only(prices).outcome is Outcome.NO_STEP
    assert len(splits(prices)) == 1


def test_a_date_without_a_session_means_the_next_one():
    saturday = date(2020, 6, 20)
    at = DAYS.get_loc(pd.Timestamp("2020-06-22"))
    found = only(adjusted(stepping(2.0, at=at), Action("ABC", saturday, 2.0)))
    assert (found.outcome, found.step_date, found.bars) == (Outcome.MOVED, "2020-06-22", at)
    assert "after its date;" in str(found)


def test_another_step_than_the_table_says_is_left_alone():
    prices = adjusted(stepping(3.0), Action("ABC", EX, 2.0))
    found = only(prices)
    assert found.outcome is Outcome.OTHER_STEP
    assert found.observed == pytest.approx(1 / 3, rel=0.03)
    assert "where 1 over 2 was expected" in str(found)
    assert len(splits(prices)) == 1


@pytest.mark.parametrize(("true", "told"), [(1.6, 2.0), (4.0, 5.0), (12.5, 10.0)])
def test_a_step_that_is_near_but_not_it(true, told):
    assert only(adjusted(stepping(true), Action("ABC", EX, told))).outcome is Outcome.OTHER_STEP


def test_a_step_of_the_open_alone_is_none():
    frame = smooth()
    frame.iloc[AT, frame.columns.get_loc("open")] /= 2
    frame.iloc[AT, frame.columns.get_loc("low")] /= 2
    assert only(adjusted(frame, Action("ABC", EX, 2.0))).outcome is Outcome.NO_STEP


def test_what_ordinary_moves_could_be_is_refused():
    found = only(adjusted(stepping(1.03), Action("ABC", EX, 1.03)))
    assert found.outcome is Outcome.TOO_SMALL
    assert "cannot be told from ordinary moves, of about 0.4 percent" in str(found)
    assert only(adjusted(stepping(1.06), Action("ABC", EX, 1.06))).outcome is Outcome.APPLIED


def test_two_steps_near_the_date_are_ambiguous():
    frame = stepping(2.0)
    frame.loc[frame.index[: AT + 2], ["open", "high", "low", "close"]] *= 2.0
    prices = adjusted(frame.round(2), Action("ABC", EX, 2.0))
    found = only(prices)
    assert found.outcome is Outcome.AMBIGUOUS
    assert f"{EX} and {DAYS[AT + 2].date()}" in str(found)
    assert len(splits(prices)) == 2


def test_two_actions_with_one_step():
    near = [Action("ABC", DAYS[AT - 2].date(), 2.0), Action("ABC", DAYS[AT + 2].date(), 2.0)]
    prices = adjusted(stepping(2.0), *near)
    assert [one.outcome for one in prices.report.adjustments] == [Outcome.AMBIGUOUS] * 2
    exact = adjusted(stepping(2.0), near[0], Action("ABC", EX, 2.0))
    assert [one.outcome for one in exact.report.adjustments] == [Outcome.NO_STEP, Outcome.APPLIED]


def test_a_split_and_a_bonus_of_one_day_are_one_step():
    found = only(adjusted(stepping(10.0), Action("ABC", EX, 2.0), Action("ABC", EX, 5.0)))
    assert (found.outcome, found.coefficient) == (Outcome.APPLIED, 10.0)
    with pytest.raises(InputError, match=r"ABC .*the same coefficient is there twice"):
        adjusted(stepping(10.0), Action("ABC", EX, 2.0), Action("ABC", EX, 2.0))


@pytest.mark.parametrize(
    ("day", "words"), [(DAYS[0].date(), "begin with that day or after it"), (date(2021, 1, 4), "end before it")]
)
def test_an_action_outside_the_prices(day, words):
    found = only(adjusted(smooth(), Action("ABC", day, 2.0)))
    assert found.outcome is Outcome.OUTSIDE
    assert words in str(found)


def test_prices_that_would_be_too_small_are_left():
    frame = stepping(100.0)
    frame[["open", "high", "low", "close"]] = (frame[["open", "high", "low", "close"]] / 500_000).round(4)
    frame["high"], frame["low"] = frame[["open", "close"]].max(axis=1), frame[["open", "close"]].min(axis=1)
    found = only(adjusted(frame, Action("ABC", EX, 100.0)))
    assert (found.outcome, found.step_date) == (Outcome.TOO_FINE, None)


def test_repairs_come_first_and_rounding_is_judged_as_read():
    frame = stepping(10.0)
    frame.loc[frame.index[5], "close"] += 1e-9
    noisy = adjusted(frame, Action("ABC", EX, 10.0))
    assert [finding.rule for finding in noisy.report.notes] == ["off-tick"]
    assert noisy.report.notes[0].bars == 1
    clean = adjusted(frame, Action("ABC", EX, 10.0), repair=["round-ticks"])
    assert clean.report.notes == ()
    doubled = pd.concat([frame.iloc[:50], frame.iloc[49:]])
    assert only(adjusted(doubled, Action("ABC", EX, 10.0), repair=["drop-duplicates"])).bars == AT


def test_intraday_bars_step_at_the_first_bar_of_the_day():
    frame = stepping(2.0, bars=120, at=60)
    frame.index = pd.DatetimeIndex(
        [day + pd.Timedelta(hours=10 + k) for day in DAYS[:30] for k in range(4)]
    ).tz_localize("Asia/Kolkata")
    found = only(prices := adjusted(frame, Action("ABC", DAYS[15].date(), 2.0)))
    assert (found.outcome, found.bars) == (Outcome.APPLIED, 60)
    assert splits(prices) == []


def test_select_and_the_hash_know_of_it():
    frames = {"ABC": stepping(5.0), "XYZ": smooth(seed=9)}
    actions = [Action("ABC", EX, 5.0), Action("NONE", EX, 2.0)]
    prices = Prices.from_frames(frames, actions=actions)
    assert prices.digest != Prices.from_frames(frames).digest
    assert prices.digest == Prices.from_frames({"ABC": prices["ABC"].to_frame(), "XYZ": frames["XYZ"]}).digest
    assert [one.symbol for one in prices.report.adjustments] == ["ABC", "NONE"]
    assert prices.report.adjustments[1].outcome is Outcome.NO_PRICES
    assert [one.symbol for one in prices.select(["ABC"]).report.adjustments] == ["ABC"]
    assert prices.select(["XYZ"]).report.adjustments == ()
    assert len(prices.select(end="2020-03-01").report.adjustments) == 2
    assert [one.symbol for one in validate(frames, actions=actions).adjustments] == ["ABC", "NONE"]


# The table


def table(tmp_path, text):
    path = tmp_path / "splits.csv"
    path.write_text(text)
    return path


def test_a_table_is_read(tmp_path):
    path = table(tmp_path, "Symbol,ex_date,coefficient,note\nNA,2014-11-20,10.0,x\nM&M,20100329, 2 ,\n")
    expected = (Action("NA", date(2014, 11, 20), 10.0), Action("M&M", date(2010, 3, 29), 2.0))
    assert read_actions(path) == actions_of(str(path)) == expected
    pd.DataFrame({"symbol": ["SBIN"], "date": [pd.Timestamp("2014-11-20")], "coefficient": [10]}).to_parquet(
        tmp_path / "splits.parquet"
    )
    assert read_actions(tmp_path / "splits.parquet") == (Action("SBIN", date(2014, 11, 20), 10.0),)


def test_a_cell_is_one_line(tmp_path):
    (action,) = read_actions(table(tmp_path, 'symbol,date,coefficient\n" A\nB ",2020-01-02,2\n'))
    assert action.symbol == "A B"


def test_ratios_in_columns_that_say_so(tmp_path):
    path = table(
        tmp_path,
        "symbol,date,split,bonus\nA,2020-01-02,3-for-2,\nB,2020-01-02,,1:1\nC,2020-01-02,,1:2\nD,2020-01-02,1 for 10,\n",
    )
    assert [action.coefficient for action in read_actions(path)] == [1.5, 2.0, 1.5, 0.1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("symbol,date\nA,2020-01-02\n", "no column is named coefficient, bonus or split"),
        ("symbol,coefficient\nA,2\n", "no column is named date"),
        ("symbol,date,ex_date,coefficient\nA,2020-01-02,2020-01-02,2\n", "several columns are named date"),
        ("symbol,date,coefficient\nA,02/01/2020,2\n", "row 1: A has the date '02/01/2020'"),
        ("symbol,date,coefficient\nA,2020-01-02T00:00Z,2\n", "row 1: A has the date"),
        ("symbol,date,coefficient\nA,2020-01-02,2\n,2020-01-02,2\n", "row 2: there is no symbol"),
        ("symbol,date,coefficient\nA,2020-01-02,2:1\n", "A 2020-01-02 has the coefficient '2:1'; it is a number"),
        ("symbol,date,coefficient\nA,2020-01-02,1_0\n", "has the coefficient '1_0'"),
        ("symbol,date,coefficient\nA,2020-01-02,0\n", "A 2020-01-02: the coefficient 0 is no split"),
        ("symbol,date,coefficient\nA,2020-01-02,-2\n", "the coefficient -2 is no split"),
        ("symbol,date,coefficient\nA,2020-01-02,nan\n", "the coefficient nan is no split"),
        ("symbol,date,coefficient\nA,2020-01-02,1\n", "the coefficient 1 is no split"),
        ("symbol,date,coefficient\nA,2020-01-02,\n", "has 0 of coefficient"),
        ("symbol,date,coefficient,bonus\nA,2020-01-02,2,1:1\n", "has 2 of coefficient, bonus"),
        ("symbol,date,split\nA,2020-01-02,2:1\n", "it is shares after for shares before, such as 3-for-2"),
        ("symbol,date,bonus\nA,2020-01-02,1:0\n", "has the bonus '1:0'"),
        ('symbol,date,coefficient\n"A,2020', "cannot be read"),
        ("", "cannot be read"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path, text, words):
    path = table(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_actions(path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    folder = tmp_path / "prices"
    folder.mkdir()
    smooth().to_csv(folder / "A.csv", index_label="date")
    done = CliRunner().invoke(app, ["validate", str(folder), "--actions", str(path)])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1


def test_no_table_and_no_actions():
    with pytest.raises(DataError, match=r"there is no file nowhere\.csv of actions"):
        engine.load("nowhere", actions="nowhere.csv")
    with pytest.raises(InputError, match="not of dict"):
        actions_of([{"symbol": "A"}])
    assert actions_of(None) == ()


# The command


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "prices"
    target.mkdir()
    stepping(5.0).to_csv(target / "ABC.csv", index_label="date")
    smooth(seed=8).to_csv(target / "XYZ.csv", index_label="date")
    return target


@pytest.mark.parametrize(
    "command",
    [
        ["validate"],
        ["backtest", "--fast", "5", "--slow", "20"],
        ["sweep", "--fast", "5", "--slow", "20"],
        ["portfolio", "--fast", "5", "--slow", "20"],
        ["sweep-portfolio", "--fast", "5", "--slow", "20"],
        ["parity", "--fast", "5", "--slow", "20"],
        ["rehearse", "--fast", "5", "--slow", "20", "--first", "2020-09-29"],
    ],
    ids=lambda command: command[0],
)
def test_every_command_that_reads_prices_takes_actions(folder, tmp_path, command):
    path = table(tmp_path, f"symbol,date,coefficient\nABC,{EX},5\nXYZ,{EX},2\nQQQ,{EX},2\nRRR,{EX},3\n")
    arguments = [command[0], str(folder), *command[1:], "--actions", str(path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "Splits and bonuses: 1 of 2 actions for these symbols applied." in lines
    assert [line.split(";")[0] for line in lines if line.startswith("Adjusted: ")] == [
        f"Adjusted: ABC {EX}, coefficient 5: {AT} bars before {EX} divided by it, volumes multiplied"
    ]
    assert "Not applied: 2 actions of symbols without usable prices here: QQQ, RRR." in lines
    assert (
        sum(line.startswith(f"Not applied: XYZ {EX}, coefficient 2: the prices show no such step") for line in lines)
        == 1
    )
    assert not any("split-like" in line or line.startswith("Beware") for line in lines)
    if command[0] == "rehearse":  # it has no other format
        return
    document = json.loads(CliRunner().invoke(app, [*arguments, "--format", "json"]).stdout)
    assert [row["outcome"] for row in document["adjustments"]] == ["applied", "no-step", "no-prices", "no-prices"]


def test_adjusted_histories_are_recognised_as_a_whole(folder, tmp_path):
    path = table(tmp_path, f"symbol,date,coefficient\nXYZ,{EX},2\n")
    said = CliRunner().invoke(app, ["validate", str(folder), "--actions", str(path)]).stdout
    assert "None of these steps is in the prices: they look adjusted already." in said
    sample = table(tmp_path, "symbol,date,coefficient\nSP500,2010-01-04,2\n")
    done = CliRunner().invoke(app, ["validate", "--actions", str(sample)])
    assert "they look adjusted already" in done.stdout


# The real prices

DATA = next((up / "shared/data" for up in Path(__file__).resolve().parents if (up / "shared/data").is_dir()), Path())


@pytest.mark.skipif(not (DATA / "nse_splits.csv").is_file(), reason="the NSE data is not here")
def test_the_real_table_explains_the_real_steps():
    splits_file = DATA / "nse_splits.csv"
    report = validate(DATA / "nse_daily", repair=["drop-duplicates"], actions=splits_file)
    rows = pd.read_csv(splits_file)
    confirmed = {(r.symbol, r.date) for r in rows.itertuples() if r.check_against_nse_daily == "confirmed"}
    applied = {(one.symbol, one.date) for one in report.adjustments if one.outcome is Outcome.APPLIED}
    assert len(confirmed) == 41
    assert confirmed <= applied
    prices = engine.load(DATA / "nse_daily", repair=["drop-duplicates"])
    for finding in report.findings:
        if finding.rule == "split-like":
            dates = prices[finding.symbol].dates
            at = dates.get_loc(pd.Timestamp(finding.date))
            near = {str(stamp.date()) for stamp in dates[at - 3 : at + 4]}
            assert not {(finding.symbol, day) for day in near} & confirmed, finding
    (absent,) = [one for one in report.adjustments if (one.symbol, one.date) == ("M&M", "2006-06-12")]
    assert absent.outcome is Outcome.NO_STEP
    assert absent.observed == pytest.approx(1.0078, abs=1e-4)


@pytest.mark.skipif(not (DATA / "nse_splits.csv").is_file(), reason="the NSE data is not here")
def test_the_recent_prices_are_adjusted_already():
    report = validate(DATA / "nse_daily_recent", repair=["drop-blank-last", "rescale"], actions=DATA / "nse_splits.csv")
    assert {one.outcome for one in report.adjustments} <= {
        Outcome.NO_STEP, Outcome.OUTSIDE, Outcome.NO_PRICES, Outcome.TOO_SMALL
    }  # fmt: skip
    assert sum(one.outcome is Outcome.NO_STEP for one in report.adjustments) > 5


@pytest.mark.skipif(not (DATA / "nse_splits.csv").is_file(), reason="the NSE data is not here")
def test_adjusted_prices_are_those_that_yahoo_adjusts():
    # The recent prices are Yahoo's, adjusted for splits: over the common years the two are proportional, but for three steps that are not applied.
    repair = ["drop-duplicates"]
    ours = engine.load(DATA / "nse_daily", repair=repair, actions=DATA / "nse_splits.csv")
    yahoo = engine.load(DATA / "nse_daily_recent", repair=["drop-blank-last", "rescale"])
    left = {}
    for symbol in sorted(set(ours) & set(yahoo)):
        both = pd.concat([one[symbol].to_frame()["close"] for one in (ours, yahoo)], axis=1, join="inner")
        jumps = np.log(both.iloc[:, 0] / both.iloc[:, 1]).diff().abs()
        left[symbol] = [str(stamp.date()) for stamp in jumps[jumps > 0.02].index]
    assert len(left) == 24
    assert {symbol: dates for symbol, dates in left.items() if dates} == {
        "GRASIM": ["2017-07-19"],  # a demerger
        "M&M": ["2017-12-21"],  # a bonus that the table lacks
        "TATASTEEL": ["2018-01-31"],  # a rights issue of 5 percent, which prices cannot tell from an ordinary move
    }
