"""The trial ledger: nothing is counted twice, nothing torn is believed, and no sweep is lost for it."""

import fcntl
import json
import os
import subprocess
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.errors import DataError, OutputError
from engine.kernels.metrics import METRICS
from engine.selection import ledger as ledgers
from engine.selection.ledger import VARIABLE, Ledger, record_sweep
from engine.selection.ledger_lines import Data, Entry, Tried, count_trials, read_entries, spell, unspell
from engine.selection.ledger_notes import entry_of, facts_of
from engine.sweeping import SweepInterruptedError

FAST, SLOW = (5, 10, 20), (20, 40)
PAIRS = 5
STOPS = (None, engine.TrailingStop(2.0))


@pytest.fixture(scope="module")
def prices():
    return engine.simulate(3, 200, seed=1)


@pytest.fixture
def ledger(tmp_path):
    return Ledger(tmp_path / "data" / "trials.jsonl")


def swept(prices, fast=FAST, slow=SLOW, stop=STOPS, **chosen):
    return engine.sweep(prices, fast, slow, stop, **chosen)


def add(ledger, prices, *arguments, **chosen):
    return ledger.record(swept(prices, *arguments, **chosen), prices)


def lines_of(ledger) -> list[bytes]:
    return ledger.path.read_bytes().splitlines(keepends=True)


# What is noted


def test_a_line_says_what_was_swept(ledger, prices):
    result = swept(prices, costs=engine.Costs(rate=0.001))
    ledger.record(result, prices, "total_return")
    (line,) = lines_of(ledger)
    noted = json.loads(line)
    assert noted["prices"] == prices.digest
    assert noted["symbols"] == ["SIM001", "SIM002", "SIM003"]
    assert (noted["first"], noted["last"]) == tuple(str(prices["SIM001"].dates[i].date()) for i in (0, -1))
    assert noted["pairs"] == [["5,10,20", "20,40"]]
    assert noted["stops"] == [None, {"atr": "sma", "atr_window": 14, "kind": "fixed", "multiple": 2.0}]
    assert noted["trials"] == result.grid.cells == PAIRS * 2
    assert noted["settings"] == result.settings.to_dict()
    assert (noted["kind"], noted["finished"], noted["time"][-6:]) == ("sweep", True, "+00:00")
    ((key, row),) = result.best("total_return", per="all").iterrows()
    best = noted["best"]
    assert tuple(best[name] for name in ("symbol", "fast", "slow", "atr_window", "multiple")) == key
    assert (best["metric"], best["value"]) == ("total_return", row["total_return"])
    assert ledger.path.stat().st_mode & 0o777 == 0o600


def test_the_best_cell_is_that_of_the_result_by_every_metric():
    result = swept(engine.simulate(3, 200, seed=2))
    cells = set()
    for metric in METRICS:
        ((key, row),) = result.best(metric, per="all").iterrows()
        best = facts_of(result, metric)["best"]
        assert list(best.values()) == [metric, row[metric], *key]
        cells.add(key)
    assert len({cell[0] for cell in cells}) == 3
    assert len({cell[3:] for cell in cells}) == len(STOPS)


def test_of_a_table_of_rates_only_name_and_hash_are_noted_and_it_counts(ledger, prices):
    schedule = engine.costs.nse_delivery()
    add(ledger, prices, costs=schedule)
    noted = json.loads(lines_of(ledger)[0])["settings"]["costs"]
    assert set(noted) == {"name", "hash"}
    assert add(ledger, prices, costs=schedule.with_slippage(0.001)).trials == 2 * PAIRS * 2


def test_a_reduced_sweep_is_noted_as_the_full_one(ledger, prices):
    full, reduced = swept(prices), engine.sweep(prices, FAST, SLOW, STOPS, keep=1)
    assert entry_of(full, prices) == entry_of(reduced, prices)
    found = [ledger.record(result, prices) for result in (full, reduced)]
    assert [one.trials for one in found] == [PAIRS * 2, PAIRS * 2]
    first, second = (json.loads(line)["best"] for line in lines_of(ledger))
    assert first == second
    ledger.record(reduced, prices, "total_return")
    assert json.loads(lines_of(ledger)[-1])["best"] is None


def test_a_sweep_of_accounts_counts_what_the_account_allows(ledger, prices):
    def add_account(**chosen):
        result = engine.sweep_portfolio(prices, FAST, SLOW, STOPS, sizing="all_in_lots", **chosen)
        return ledger.record(result, prices)

    add(ledger, prices, sizing="all_in_lots")
    assert add_account().trials == 2 * PAIRS * 2
    assert add_account(max_positions=1).trials == 3 * PAIRS * 2
    assert add_account(max_positions=1).trials == 3 * PAIRS * 2
    noted = json.loads(lines_of(ledger)[-1])
    assert (noted["kind"], noted["symbols"]) == ("sweep_portfolio", ["SIM001", "SIM002", "SIM003"])
    assert noted["account"]["max_positions"] == 1


def test_an_interrupted_sweep_counts_with_all_its_cells(ledger, prices):
    def stop(_done, _total):
        raise KeyboardInterrupt

    with pytest.raises(SweepInterruptedError) as caught:
        swept(prices, progress=stop)
    assert ledger.record(caught.value.partial, prices).trials == PAIRS * 2
    assert json.loads(lines_of(ledger)[0])["finished"] is False


def test_nothing_defined_has_no_best(ledger):
    flat = engine.simulate(1, 60, seed=1, volatility=1e-9)
    result = swept(flat, 5, 50, None)
    assert result.to_frame()["win_rate"].isna().all()
    ledger.record(result, flat, "win_rate")
    assert json.loads(lines_of(ledger)[0])["best"] is None


# How it counts


def test_the_same_sweep_again_is_no_new_trial(ledger, prices):
    first, second = add(ledger, prices), add(ledger, prices)
    assert (first.sweeps_before, first.trials_before, first.trials) == (0, 0, 10)
    assert (second.sweeps_before, second.trials_before, second.trials) == (1, 10, 10)
    third = add(ledger, prices, (10, 15), (20, 50))
    assert third.trials == 10 + 2 * 3  # 10/20 was there before
    assert ledger.trials_on(prices) == replace(third, recorded=False, sweeps_before=3, trials_before=16)
    assert ledger.trials_on(prices.digest) == ledger.trials_on(prices)


@pytest.mark.parametrize(
    ("changed", "new"),
    [
        ({"fill": "close"}, True),
        ({"intrabar": "high_first"}, True),
        ({"costs": engine.Costs(rate=0.001)}, True),
        ({"capital": 50_000.0}, True),
        ({"sizing": "all_in_lots"}, True),
        ({"bars_per_year": 365.0}, False),
        ({"risk": 0.01}, False),
        ({"lot": 5.0}, False),
    ],
)
def test_a_setting_that_can_change_a_number_makes_new_trials(ledger, prices, changed, new):
    add(ledger, prices)
    assert add(ledger, prices, **changed).trials == (20 if new else 10)


def test_risk_and_lots_count_where_sizes_depend_on_them(ledger, prices):
    stop = engine.TrailingStop(2.0)
    for number, chosen in enumerate([{}, {"risk": 0.01}, {"lot": 5.0}], start=1):
        assert add(ledger, prices, 5, 20, stop, sizing="risk", **chosen).trials == number
    one = {"max_positions": 2, "sizing": "all_in"}
    for lot in (1, 5):
        found = ledger.record(engine.sweep_portfolio(prices, 5, 20, stop, **one, lot=lot), prices)
        assert found.trials == 4


def test_prices_that_overlap_are_counted_apart_and_together(ledger, prices):
    frames = prices["SIM001"].dates
    shorter = prices.select(end=frames[-2])
    alone = prices.select(["SIM002"], start=frames[50])
    add(ledger, shorter)
    found = add(ledger, prices)
    assert (found.sweeps_before, found.trials, found.overlapping_sweeps) == (0, 10, 1)
    assert found.trials_with_overlapping == 10  # the same settings on a day more are no new trials
    assert add(ledger, prices, (5, 6), 20).trials_with_overlapping == 12
    found = add(ledger, alone)
    assert (found.overlapping_sweeps, found.trials, found.trials_with_overlapping) == (3, 10, 22)


def test_other_symbols_and_other_times_do_not_overlap(ledger, prices):
    dates = prices["SIM001"].dates
    add(ledger, prices.select(["SIM001"], start=dates[60], end=dates[120]))
    for bounds in ({"start": dates[121]}, {"end": dates[59]}):
        assert ledger.trials_on(prices.select(["SIM001"], **bounds)).overlapping_sweeps == 0
    assert ledger.trials_on(prices.select(["SIM002"])).overlapping_sweeps == 0
    for bounds in ({"start": dates[120]}, {"end": dates[60]}):
        assert ledger.trials_on(prices.select(["SIM001", "SIM003"], **bounds)).overlapping_sweeps == 1


def test_the_order_of_the_symbols_does_not_matter(ledger, prices):
    add(ledger, prices)
    assert add(ledger, prices.select(["SIM003", "SIM001", "SIM002"])).trials == 10


def test_unknown_prices_have_no_trials(ledger, prices):
    for asked in (prices, "0" * 64):
        found = ledger.trials_on(asked)
        assert (found.sweeps_before, found.trials, found.trials_with_overlapping, found.unreadable) == (0, 0, 0, 0)
    assert not ledger.path.parent.exists()


windows = st.lists(st.integers(1, 40), min_size=1, max_size=8, unique=True).map(sorted)


@given(windows)
def test_windows_are_read_as_they_were_written(numbers):
    assert unspell(spell(numbers)) == tuple(numbers)


def test_windows_are_short():
    assert spell(range(5, 101, 5)) == "5:100:5"
    assert spell([1, 2, 5, 10, 15, 20, 300]) == "1,2,5:20:5,300"


@given(st.lists(st.tuples(windows, windows, st.sets(st.integers(0, 2), min_size=1), st.booleans()), max_size=6))
def test_the_union_is_counted_exactly(sweeps):
    """Against sets of every single trial."""
    entries, expected = [], set()
    for fast, slow, stops, costly in sweeps:
        tried = Tried(((spell(fast), spell(slow)),), tuple(f'{{"multiple":{stop}}}' for stop in stops), str(costly))
        entries.append(Entry(Data("0", ("A",), "2020-01-01", "2021-01-01"), tried))
        expected |= {(f, s, stop, costly) for f, s, stop in product(fast, slow, stops) if f < s}
    assert count_trials(entries) == len(expected)
    read, unreadable = read_entries(b"".join(entry.line({}) for entry in entries))
    assert (read, unreadable) == (entries, 0)


@given(st.sets(st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda pair: pair[0] < pair[1]), min_size=1))
def test_pairs_of_any_shape_are_counted(pairs):
    market = engine.simulate(1, 60, seed=1)
    grid = engine.Grid(tuple(sorted(pairs)))
    result = replace(swept(market, 5, 20, None), grid=grid)
    entry = entry_of(result, market)
    assert count_trials([entry]) == len(pairs)
    assert read_entries(entry.line({}))[0] == [entry]


# What can go wrong


def test_a_torn_last_line_is_passed_over_and_the_next_one_is_whole(ledger, prices):
    add(ledger, prices)
    add(ledger, prices, fill="close")
    first, second = lines_of(ledger)
    for end in range(1, len(second) - 1):
        ledger.path.write_bytes(first + second[:end])
        found = ledger.trials_on(prices)
        assert (found.sweeps_before, found.trials, found.unreadable) == (1, 10, 1), end
    result = swept(prices, capital=1.0)
    for end in (1, len(second) // 2, len(second) - 2):
        ledger.path.write_bytes(first + second[:end])
        found = ledger.record(result, prices)
        assert (found.sweeps_before, found.trials, found.unreadable) == (1, 20, 1)
        assert ledger.trials_on(prices) == replace(found, recorded=False, sweeps_before=2, trials_before=20)
    ledger.path.write_bytes(first + second[:-1])  # whole but for its end
    assert ledger.record(result, prices).trials == 30
    assert ledger.trials_on(prices).unreadable == 0


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[]",
        b"17",
        b"{}",
        b'{"format":2,"prices":"0","symbols":[],"first":"","last":"","pairs":[],"stops":[],"setting":""}',
        b'{"format":1,"prices":"0","symbols":3,"first":"","last":"","pairs":[],"stops":[],"setting":""}',
        b'{"format":1,"prices":"0","symbols":[],"first":"","last":"","pairs":[["5","20:10:1"]],"stops":[],"setting":""}',
        b'{"format":1,"prices":"0","symbols":[],"first":"","last":"","pairs":[["-5","20"]],"stops":[],"setting":""}',
        b'{"format":1,"prices":"0","symbols":[],"first":"","last":"","pairs":[["5","1:99999999999:1"]],"stops":[],"setting":""}',
    ],
)
def test_a_line_that_is_none_of_ours_is_passed_over_and_said(ledger, prices, line):
    add(ledger, prices)
    with ledger.path.open("ab") as file:
        file.write(line + b"\n\n")
    found = add(ledger, prices)
    assert (found.sweeps_before, found.trials, found.unreadable) == (1, 10, 1)
    assert found.describe()[-1] == "1 line of it was passed over: torn, or written by a later version."


def test_a_line_that_was_laid_out_anew_is_read(ledger, prices):
    add(ledger, prices)
    noted = json.loads(lines_of(ledger)[0])
    ledger.path.write_text(json.dumps(dict(sorted(noted.items()))) + "\n")
    assert add(ledger, prices).trials_before == 10


def test_names_that_look_like_fields_do_not_confuse(ledger):
    market = engine.simulate(2, 200, seed=1)
    names = {"SIM001": '","pairs":', "SIM002": ',"prices":{'}
    prices = engine.Prices.from_histories(replace(market[old], symbol=new) for old, new in names.items())
    result = engine.sweep_portfolio(prices, 5, 20, lot=dict.fromkeys(names.values(), 2))
    assert ledger.record(result, prices).trials == 1
    found = ledger.record(result, prices)
    assert (found.sweeps_before, found.trials, found.unreadable) == (1, 1, 0)


def test_what_cannot_be_written_is_said_and_the_sweep_goes_on(tmp_path, prices, monkeypatch):
    result = swept(prices)
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "file" / "trials.jsonl", tmp_path / "pipe"):
        said = record_sweep(result, prices, ledger=Ledger(path))
        assert said.startswith(f"This sweep is not in the trial ledger: cannot write the trial ledger {path}: ")
        with pytest.raises(OutputError):
            Ledger(path).record(result, prices)
        with pytest.raises(DataError, match="cannot read the trial ledger"):
            Ledger(path).trials_on(prices)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert "is not a file" in record_sweep(result, prices)


def test_a_full_disk_leaves_the_file_as_it_was(ledger, prices, monkeypatch):
    add(ledger, prices)
    before, write = ledger.path.read_bytes(), os.write
    result = swept(prices, fill="close")
    with monkeypatch.context() as patch:
        patch.setattr(ledgers.os, "write", lambda descriptor, text: write(descriptor, text[: len(text) // 2]))
        assert record_sweep(result, prices, ledger=ledger).endswith(": the disk is full.")
    assert ledger.path.read_bytes() == before
    assert ledger.record(result, prices).trials == 20


def test_a_file_that_another_process_holds_is_waited_for_but_not_for_ever(ledger, prices, monkeypatch):
    add(ledger, prices)
    monkeypatch.setattr(ledgers, "_PATIENCE", 0.05)
    with ledger.path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert record_sweep(swept(prices), prices, ledger=ledger).endswith(": another process holds it.")
        with pytest.raises(DataError, match="another process holds it"):
            ledger.trials_on(prices)
    assert len(lines_of(ledger)) == 1
    assert add(ledger, prices).sweeps_before == 1


PROCESS = """
import sys, engine
from engine.selection.ledger import Ledger
from pathlib import Path
prices = engine.simulate(1, 60, seed=1)
sys.stdin.readline()
for i in range(25):
    result = engine.sweep(prices, 5, 20 + i, capital=float(sys.argv[2]))
    print(Ledger(Path(sys.argv[1])).record(result, prices).sweeps_before)
"""


def test_two_processes_lose_no_line_and_count_each_other(ledger):
    command = [sys.executable, "-c", PROCESS, str(ledger.path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([*command, capital], **pipes) for capital in ("1000", "2000")]
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    seen = [int(line) for process in running for line in process.communicate()[0].split()]
    assert sorted(seen) == list(range(50))
    found = ledger.trials_on(engine.simulate(1, 60, seed=1))
    assert (found.sweeps_before, found.trials, found.unreadable) == (50, 50, 0)


# Where it is


def test_it_is_off_where_the_variable_says_so(prices, monkeypatch):
    for said in ("off", "OFF", " off "):
        monkeypatch.setenv(VARIABLE, said)
        assert Ledger.default() is None
        assert record_sweep(swept(prices), prices) == ("This sweep is not in the trial ledger, which is switched off.")


def test_it_is_where_the_variable_says_else_in_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "~/mine.jsonl")
    assert Ledger.default() == Ledger(tmp_path / "mine.jsonl")
    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert Ledger.default() == Ledger(tmp_path / "data/goldencross/trials.jsonl")
    for relative in ("", "data"):
        monkeypatch.setenv("XDG_DATA_HOME", relative)
        assert Ledger.default() == Ledger(tmp_path / ".local/share/goldencross/trials.jsonl")
    assert Ledger.beside("results/cells.parquet") == Ledger(Path("results/trials.jsonl"))


def test_without_a_home_folder_the_sweep_goes_on(prices, monkeypatch):
    def homeless():
        raise RuntimeError

    monkeypatch.setenv(VARIABLE, "")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", homeless)
    assert "there is no home folder" in record_sweep(swept(prices), prices)


def test_no_test_writes_to_the_ledger_of_this_user(tmp_path, monkeypatch):
    assert os.environ[VARIABLE] == "off"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    done = CliRunner().invoke(app, ["sweep", "--fast", "5", "--slow", "20", "--end", "2000-01-01"])
    assert done.exit_code == 0, done.output
    assert list(tmp_path.iterdir()) == []


def test_what_is_said(ledger, prices):
    shorter = prices.select(end=prices["SIM001"].dates[-2])
    assert ledger.trials_on(prices).describe()[0] == "These prices were not swept yet."
    assert add(ledger, prices).describe() == [
        "These prices were not swept before: 10 different trials in all.",
        f"Trial ledger: {ledger.path}.",
    ]
    assert add(ledger, prices, fill="close").describe()[0] == (
        "These prices were swept once before, with 10 different trials; with this sweep it is 20 in all."
    )
    asked = ledger.trials_on(prices).describe()
    assert asked[0] == "These prices were swept twice, with 20 different trials."
    assert add(ledger, shorter, 6, 20, None).describe()[1] == (
        "Prices that overlap with these, with a symbol in common, were swept twice: with those it is 21 different trials in all."
    )
