"""What does not fit is said in one line before the work; ``docs/limits.md`` has the list."""

import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
from engine import limits
from engine.cli import commands
from engine.grid import Grid
from engine.kernels.exact import exact_mean, window_sums
from engine.kernels.money import affordable_lots
from engine.limits import MOST_PAIRS, MOST_WINDOW
from engine.settings import Settings
from engine.validation.scan import LARGEST_PRICE
from live.command import app
from live.config import load_config
from live.schema import is_isin

ROOT = Path(__file__).parent.parent


def refuse(*arguments):
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 2, done.output
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert "Traceback" not in done.output
    return line


def test_the_longest_window_of_the_highest_price_is_exact():
    for price in (LARGEST_PRICE, LARGEST_PRICE - 0.00001, float(np.nextafter(LARGEST_PRICE, 0))):
        sums = window_sums(np.full(MOST_WINDOW + 1024, price))
        assert exact_mean(sums, MOST_WINDOW + 1024, MOST_WINDOW) == price
    assert (MOST_WINDOW + 1024) * LARGEST_PRICE * 100_000 < 2**63


def test_the_smallest_price_is_exact():
    values = 1e-10 * (1 + np.random.default_rng(5).random(300))
    wanted = float(sum(map(Fraction, values.tolist())) / 300)
    assert exact_mean(window_sums(values), 300, 300) == pytest.approx(wanted, rel=1e-15)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--fast", "1:1000000000"], "--fast 1:1000000000: exact averages go up to 90,000 bars"),
        (["--slow", "9" * 30], "exact averages go up to 90,000 bars"),
        (["--fast", "1:5000", "--slow", "1:5000"], "12,497,500 pairs; a sweep goes up to 4,000,000"),
        (["--stop", "3", "--atr-window", "1000000"], "ATR window is 1,000,000; exact averages go up to 90,000 bars"),
        (["--stop", "3", "--atr-window", "6000"], "--atr-window 6000: the longest history has 5031 bars"),
        (["--stop", "1e9"], "stop multiple is 1000000000.0; it must be 1e+06 or less"),
        (["--capital", "1e16"], "capital is 1e+16; it must be 1e+15 or less"),
        (["--capital", "1e-9"], "capital is 1e-09; it must be 1e-06 or more"),
        (
            ["--start", "0001-01-01"],
            "the start '0001-01-01' is not a date that prices can have: it must be from 1678 to 2261",
        ),
        (["--end", "9999-01-01"], "the end '9999-01-01' is not a date that prices can have"),
        (["--bars-per-year", "1e300"], "bars per year is 1e+300; it must be 1e+09 or less"),
    ],
)
def test_a_sweep_refuses(arguments, said):
    assert said in refuse("sweep", *arguments)


def test_other_commands_refuse_too(tmp_path):
    long = ["--stop", "3", "--atr-window", "6000"]
    for command in ("backtest", "portfolio", "sweep-portfolio"):
        assert "--atr-window 6000: the longest history has 5031 bars" in refuse(command, *long)
    for command in ("sweep-portfolio", "walkforward"):
        assert "12,497,500 pairs" in refuse(command, "--fast", "1:5000", "--slow", "1:5000")
    assert "volatility <= 100" in refuse("simulate", "--volatility", "1e200", "--out", tmp_path / "x.csv")


def test_a_bot_of_more_shares_than_its_time_allows(tmp_path):
    text = (ROOT / "docs/example-config.toml").read_text(encoding="utf-8")
    head = text.partition("[[instruments]]")[0]
    share = '[[instruments]]\nisin = "{}"\nsymbol = "S{}"\nclosing_auction = true\n'
    isins = (f"INE{number:06d}01{digit}" for number in range(2000) for digit in range(10))
    valid = [isin for isin in isins if is_isin(isin)]
    path = tmp_path / "bot.toml"
    for count, said in ((1600, False), (1700, True)):
        path.write_text(head + "".join(share.format(isin, i) for i, isin in enumerate(valid[:count])), encoding="utf-8")
        try:
            load_config(path)
        except engine.GoldencrossError as error:
            assert said == ("1,700 instruments take some 151 seconds of messages" in str(error)), error  # noqa: PT017
        else:
            assert not said


def test_windows_without_an_end_are_refused():
    with pytest.raises(engine.InputError, match="exact averages go up to 90,000 bars"):
        Grid.of(range(1, 10**12), 5)
    with pytest.raises(engine.InputError, match=r"there are more than 90,000 fast windows; take a larger step"):
        Grid.of((1 for _ in range(10**12)), 5)
    assert Grid.of(1, MOST_WINDOW).slow.tolist() == [MOST_WINDOW]
    assert MOST_PAIRS * len("[90000, 90000], ") < 100_000_000


def leave(monkeypatch, free):
    """Let so many bytes be free, and let even the least be asked for."""
    monkeypatch.setattr(limits, "free_memory", lambda: free)
    monkeypatch.setattr(limits, "NOT_ASKED", 0)


def test_what_is_little_is_not_asked_for(monkeypatch):
    monkeypatch.setattr(limits, "free_memory", fail)
    limits.require_memory(limits.NOT_ASKED, "this", "that")
    with pytest.raises(AssertionError):
        limits.require_memory(limits.NOT_ASKED + 1, "this", "that")


def test_a_sweep_that_does_not_fit_is_refused_with_the_way_out(monkeypatch):
    leave(monkeypatch, 100_000)
    line = refuse("sweep")
    assert "keeps all of 998 cells needs 0.0 GB of memory" in line
    assert "--keep 10" in line
    prices = engine.simulate(1, 100)
    with pytest.raises(engine.InputError, match="keep=10"):
        engine.sweep(prices, range(1, 40), range(40, 80))
    assert len(engine.sweep(prices, range(1, 40), range(40, 80), keep=3)) == 39 * 40
    with pytest.raises(engine.InputError, match=r"a market of 1,000 symbols with 2,000 bars each needs 0\.1 GB"):
        engine.simulate(1000, 2000)


def fail(*_, **__):
    raise AssertionError("the work was begun")


@pytest.mark.parametrize("command", ["sweep-portfolio", "portfolio"])
def test_an_account_that_does_not_fit_is_refused_before_it_is_run(monkeypatch, command):
    leave(monkeypatch, 900_000)  # more than 998 cells take, and less than 10,000 bars
    monkeypatch.setattr("engine.accounts.sweep.market_of", fail)
    monkeypatch.setattr("engine.accounts.facade.market_of", fail)
    monkeypatch.setattr("engine.cli.portfolios.announce_compilation", lambda *_: False)
    line = refuse(command)
    assert "error: an account on 2 symbols with 10,062 bars on 5,031 days" in line
    assert "is free; take fewer symbols, dates, stops or pairs" in line
    leave(monkeypatch, 100_000)
    if command == "sweep-portfolio":
        assert "a sweep that keeps all of 499 cells needs 0.0 GB of memory" in refuse(command)


ACCOUNT = """
import engine
from engine.accounts.room import account_memory
from engine.grid import Grid
from engine.limits import peak_memory, used_memory

prices = engine.simulate(300, 3000, seed=1)
grid = range(3, 6), range(6, 8), [engine.TrailingStop(k + 1.0) for k in range(3)]
engine.sweep_portfolio(prices.select(["SIM001"]), *grid)
before = used_memory()
engine.sweep_portfolio(prices, *grid, workers=2)
print(account_memory(900_000, 3000, 300, Grid.of(*grid)), peak_memory() - before)
"""


@pytest.mark.skipif(limits.peak_memory() is None, reason="reads its peak memory from /proc")
def test_the_memory_of_an_account_is_what_it_takes():
    done = subprocess.run([sys.executable, "-c", ACCOUNT], cwd=ROOT, capture_output=True, text=True, check=True)
    said, taken = map(int, done.stdout.split())
    assert 0.8 < said / taken < 1.4, (said, taken)


@pytest.mark.parametrize("more", [[], ["--cv", "6:2"]])
def test_a_walk_forward_that_does_not_fit_is_refused_before_it_is_run(monkeypatch, more):
    leave(monkeypatch, 100_000_000)
    monkeypatch.setattr("engine.selection.trials._add_pairs", fail)
    line = refuse("walkforward", *more)
    assert line.startswith("error: keeping the returns of 499 settings on 5,031 days needs 0.1 GB")
    assert line.endswith("take fewer settings or days")


def test_returns_that_do_not_fit_cost_the_verdict_but_not_the_sweep(monkeypatch):
    monkeypatch.setattr("engine.selection.trials.require_memory", lambda *_: limits.require_memory(1 << 80, "X", "Y"))
    done = CliRunner().invoke(app, ["sweep"])
    assert done.exit_code == 0
    assert "How much of it is luck was not judged: X needs " in done.stdout
    assert "998 cells" in done.stdout


def test_where_nothing_is_known_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: None)
    limits.require_memory(1 << 80, "this", "that")


def test_a_container_allows_what_its_group_allows(monkeypatch, tmp_path):
    monkeypatch.setattr(limits, "_CGROUP", tmp_path)
    machine = limits.free_memory()
    (tmp_path / "memory.max").write_text("5000\n")
    (tmp_path / "memory.current").write_text("2000\n")
    assert limits.free_memory() == 3000
    (tmp_path / "memory.max").write_text("max\n")
    assert limits.free_memory() > 3000
    assert machine > 3000


def test_a_lack_of_memory_is_one_line(monkeypatch):
    def fail(*_arguments, **_others):
        raise MemoryError

    monkeypatch.setattr(commands, "run_sweep", fail)
    monkeypatch.setattr(commands, "announce_compilation", lambda *_: False)
    assert refuse("sweep") == (
        "error: there is not enough memory for this; take fewer symbols, dates or cells, or --keep 10"
    )


@pytest.mark.parametrize(
    ("price", "usable"), [(1e-30, False), (9e-11, False), (1e-10, True), (1e9, True), (2e9, False)]
)
def test_prices_have_a_range(price, usable):
    dates = pd.bdate_range("2020-01-01", periods=30)
    frame = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), price) | {"volume": 1.0}, index=dates)
    if usable:
        assert engine.Prices.from_frames({"X": frame}).symbols == ("X",)
        return
    with pytest.raises(engine.DataError, match="is over 1e9, under 1e-10 or 1000 times away"):
        engine.Prices.from_frames({"X": frame})


@pytest.mark.parametrize("year", [1600, 2300])
def test_dates_have_a_range(year, tmp_path):
    lines = [f"{year}-01-{day:02d},5,5,5,5,1" for day in range(1, 29)]
    (tmp_path / "X.csv").write_text("\n".join(["date,open,high,low,close,volume", *lines]))
    assert f"{year}-01-01" in refuse("sweep", tmp_path)


def test_the_lowest_versions_are_those_that_are_promised():
    promised = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    lowest = re.findall(r"^(\w+)==([\d.]+)", (ROOT / ".ci/lowest.txt").read_text(encoding="utf-8"), re.MULTILINE)
    first = dict(reversed(lowest))  # the first line of a package is that of the oldest Python
    for name, bound in (one.split(">=") for one in promised):
        given = tuple(map(int, first.pop(name).split(".")))
        assert given[: bound.count(".") + 1] == tuple(map(int, bound.split(".")))
        assert not any(given[bound.count(".") + 1 :])
    assert first == {}


@pytest.mark.parametrize("command", ["sweep", "sweep-portfolio"])
def test_a_disk_that_is_full_in_the_end_does_not_cost_the_printed_result(tmp_path, monkeypatch, command):
    whole = CliRunner().invoke(app, [command, "--no-luck"])
    monkeypatch.setattr(
        "pandas.DataFrame.to_csv", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    done = CliRunner().invoke(app, [command, "--no-luck", "--out", str(tmp_path / "x.csv")])
    assert done.exit_code == 2
    assert done.stderr.endswith(f"error: cannot write {tmp_path}/x.csv: No space left on device\n")
    assert [line.split(" computed in ")[0] for line in done.stdout.splitlines()] == [
        line.split(" computed in ")[0] for line in whole.stdout.splitlines()
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sweep", "--permutations", "-1"], "--permutations -1: it must be 0, which is none, or up to 1,000,000"),
        (["sweep", "--permutations", "1000001"], "or up to 1,000,000"),
        (["sweep", "--delay", "90001"], "delay is 90,001; it must be 90,000 bars or less"),
        (["sweep", "--confirm", "adx:90001:25"], "ADX window is 90,001; it must be 90,000 bars or less"),
        (["sweep", "--lot", "1e-300", "--sizing", "all-in-lots"], "lot is 1e-300; it must be 1e-09 or more"),
        (["sweep-portfolio", "--lot", "1e-10"], "lot is 1e-10; it must be 1e-09 or more"),
        (["portfolio", "--lot", "SP500=1e-10"], "lot of SP500 is 1e-10; it must be 1e-09 or more"),
    ],
)
def test_numbers_without_end_are_refused(arguments, said):
    assert said in refuse(*arguments)


def test_more_lots_than_a_double_can_count_one_by_one():
    # From 2^53 on, one lot less is the same double: taking lots away one by one then went on for ever, as at some of these.
    random = np.random.default_rng(1)
    settings = Settings(sizing="all_in_lots", costs=engine.Costs(0.0013))
    beyond = 0
    for _ in range(2000):
        cash, price = 10 ** random.uniform(5, 15), 10 ** random.uniform(-10, 3)
        rules = replace(settings, lot=10 ** random.uniform(-9, -3)).kernel_rules(None)
        quantity = affordable_lots(0, cash, price, rules)
        beyond += quantity / rules.lot > 2**53
        spent = quantity * price
        assert spent + 0.0013 * spent <= cash
        assert cash - 1.0013 * spent < max(2 * rules.lot * price, 1e-12 * cash)
    assert beyond > 500
    prices = engine.simulate(1, 300, seed=2)
    most = engine.sweep_portfolio(prices, 5, 20, max_positions=10**30)
    assert most.values.tolist() == engine.sweep_portfolio(prices, 5, 20).values.tolist()


def test_symbols_of_many_lengths_do_not_fill_the_memory(monkeypatch):
    # Each length that is shorter than the longest window has plans of its own, which the grid remembered for ever: 24 bytes for each pair and length.
    whole = engine.simulate(1, 300, seed=6)["SIM001"]
    bars = ("symbol", "dates", "open", "high", "low", "close", "volume", "currency")
    parts = [vars(whole.between(0, length)) | {"symbol": f"S{length}"} for length in range(100, 300, 5)]
    prices = engine.Prices.from_histories([engine.History(**{name: part[name] for name in bars}) for part in parts])
    grid = range(2, 30), range(30, 300)
    expected = engine.sweep(prices, *grid)
    remembered = sum(len(plan.row) for plan in expected.grid.memo.values())
    monkeypatch.setattr("engine.sweeping.cells._MOST_REMEMBERED", 20_000)
    expected.grid.memo.clear()
    found = engine.sweep(prices, *grid)
    np.testing.assert_array_equal(found.values, expected.values)
    kept = sum(len(plan.row) for plan in found.grid.memo.values())
    assert kept <= 20_000 + found.grid.cells < remembered
