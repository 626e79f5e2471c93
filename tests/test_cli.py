"""The command as a user types it: what it prints, writes and returns, and what it says to bad input."""

import json
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.cli.parsing import parse_stops
from engine.cli.progress import Progress
from engine.windows import read_windows

GRID = ["--fast", "5:20:5", "--slow", "20:60:20"]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def folder(tmp_path):
    target = tmp_path / "prices"
    target.mkdir()
    for symbol, frame in engine.simulate(3, 300, seed=8).to_frames().items():
        frame.to_csv(target / f"{symbol}.csv")
    return target


@pytest.fixture
def partly_bad(folder):
    bad = folder / "BAD.csv"
    frame = pd.read_csv(folder / "SIM001.csv")
    frame.loc[5, "close"] = -1.0
    frame.to_csv(bad, index=False)
    return folder


def test_sweep_says_the_answer_first(folder):
    done = run("sweep", folder, *GRID, "--stop", "none,2,3", "--fee-rate", "0.001")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    result = engine.sweep(
        engine.load(folder), range(5, 21, 5), (20, 40, 60), [None, *map(engine.TrailingStop, (2.0, 3.0))],
        costs=engine.Costs(rate=0.001),
    )  # fmt: skip
    ((symbol, fast, slow, _, multiple), row), *_ = result.best("sharpe", per="all").iterrows()
    stop = f"stop {multiple:g} ATR of 14 bars" if multiple else "no stop"
    assert lines[0] == f"Best of {len(result)} cells by Sharpe ratio: {symbol}, fast {fast}, slow {slow}, {stop}."
    assert lines[1].startswith(f"100,000.00 became {row['final_capital']:,.2f}, a total return of ")
    assert f"Sharpe ratio: {row['sharpe']:.3f}." in lines
    assert any(line.startswith("The median Sharpe ratio of all cells is ") for line in lines)
    assert sum(line.startswith("SIM00") for line in lines) == 3
    assert "Costs per order: 0.1 percent of the value." in lines


@pytest.mark.parametrize("command", [["sweep", *GRID], ["backtest", "--stop", "3", "--intrabar", "both"], ["validate"]])
def test_text_is_plain(partly_bad, command):
    done = run(*command[:1], partly_bad, *command[1:])
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert not set(done.stdout) & set("\t\r|+#*_=<>~")
    assert all(line == line.rstrip() for line in done.stdout.splitlines())


def test_symbols_left_out_are_exit_status_1(partly_bad):
    done = run("sweep", partly_bad, *GRID)
    assert done.exit_code == 1
    assert "Left out: BAD, because " in done.stdout
    assert run("backtest", partly_bad, "--fast", "5", "--slow", "20").exit_code == 1
    assert run("validate", partly_bad).exit_code == 1
    assert run("sweep", partly_bad, *GRID, "--repair", "drop-bad-bars").exit_code == 0
    assert run("sweep", partly_bad, *GRID, "--symbols", "SIM001").exit_code == 0
    assert run("sweep", partly_bad, *GRID, "--symbols", "SIM001,BAD").exit_code == 1
    only = run("sweep", partly_bad, *GRID, "--symbols", "BAD")
    assert only.exit_code == 2
    assert only.stderr.startswith("error: BAD ")


def test_validate_says_how_to_mend(partly_bad):
    done = run("validate", partly_bad)
    assert done.stdout.splitlines()[0] == "3 of 4 symbols can be used; 1 left out."
    assert "--repair drop-bad-bars" in done.stdout
    rows = json.loads(run("validate", partly_bad, "--format", "json").stdout)
    assert list(rows["left_out"]) == ["BAD"]
    assert {row["symbol"] for row in rows["rows"] if row["severity"] == "error"} == {"BAD"}


def test_reasons_are_sentences(folder):
    (folder / "WRONG.csv").write_text("Date,Price\n2020-01-01,5\n")
    engine.simulate(["NEW"], 30).to_frames()["NEW"].to_csv(folder / "NEW.csv")
    engine.simulate(["NEWER"], 30).to_frames()["NEWER"].to_csv(folder / "NEWER.csv")
    lines = run("backtest", folder, "--fast", "5", "--slow", "50").stdout.splitlines()
    assert "Left out: NEW, NEWER, because it has 30 bars, fewer than the slow window of 50." in lines
    assert any(
        line.startswith(f"Left out: WRONG, because {folder / 'WRONG.csv'}: no column is named open") for line in lines
    )


def test_backtest_prints_trades_and_writes_files(folder, tmp_path):
    targets = {
        name: tmp_path / f"{name}.{ending}"
        for name, ending in (("out", "csv"), ("trades", "parquet"), ("equity", "json"))
    }
    options = [part for name, target in targets.items() for part in (f"--{name}", target)]
    done = run("backtest", folder, "--fast", "5", "--slow", "20", "--stop", "2", *options)
    assert done.exit_code == 0, done.output
    result = engine.backtest(engine.load(folder), 5, 20, engine.TrailingStop(2.0))
    assert done.stdout.count("Trade ") == len(result.trades)
    assert pd.read_csv(targets["out"])["sharpe"].tolist() == pytest.approx(result.metrics["sharpe"].tolist(), rel=1e-15)
    assert pd.read_parquet(targets["trades"])["profit"].tolist() == result.trades["profit"].tolist()
    assert len(json.loads(targets["equity"].read_text())) == 900


def test_sweep_writes_every_cell(folder, tmp_path):
    expected = engine.sweep(engine.load(folder), range(5, 21, 5), (20, 40, 60)).to_frame()
    for ending in ("parquet", "csv", "json"):
        out = tmp_path / f"cells.{ending}"
        assert run("sweep", folder, *GRID, "--out", out).exit_code == 0
        readers = {
            "parquet": pd.read_parquet,
            "csv": pd.read_csv,
            "json": lambda p: pd.DataFrame(json.loads(p.read_text())),
        }
        frame = readers[ending](out).set_index(["symbol", "fast", "slow", "atr_window", "multiple"])
        assert frame["final_capital"].tolist() == pytest.approx(expected["final_capital"].tolist(), rel=1e-14)
    assert len(engine.SweepResult.load(tmp_path / "cells.parquet")) == len(expected)


def test_json_and_csv_on_standard_output(folder):
    document = json.loads(run("sweep", folder, *GRID, "--format", "json").stdout)
    assert [row["symbol"] for row in document["rows"]] == ["SIM001", "SIM002", "SIM003"]
    assert document["prices"] == engine.load(folder).digest
    assert document["cells"] == 3 * 11
    table = run("sweep", folder, *GRID, "--format", "csv").stdout.splitlines()
    assert len(table) == 1 + 3 * 11
    assert json.loads(run("backtest", folder, "--format", "json").stdout)["rows"][0]["pending"] in (
        "buy",
        "sell",
        "none",
    )


@pytest.mark.parametrize("out", ["market", "market.csv", "market.parquet"])
def test_simulate_makes_what_load_reads(tmp_path, out):
    done = run("simulate", "--symbols", "2", "--bars", "50", "--seed", "7", "--out", tmp_path / out)
    assert done.exit_code == 0, done.output
    assert engine.load(tmp_path / out).digest == engine.simulate(2, 50, 7).digest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sweep", "/no/such/path"], "/no/such/path"),
        (["backtest", "/no/such/path"], "/no/such/path"),
        (["validate", "/no/such/path"], "/no/such/path"),
        (["sweep", "EMPTY"], "empty"),
        (["sweep", "pyproject.toml"], "pyproject.toml"),
        (["sweep", "--fast", "100:5:5"], "write 5:100:5"),
        (["sweep", "--fast", "5:100:0"], "step"),
        (["sweep", "--fast", "five"], "'five'"),
        (["sweep", "--fast", "200", "--slow", "50"], "no pair has fast below slow"),
        (["sweep", "--slow", "9000"], "no symbol can be run"),
        (["sweep", "--stop", "wide"], "'wide'"),
        (["sweep", "--stop", "-1"], "stop multiple"),
        (["sweep", "--metric", "luck"], "--metric luck"),
        (["sweep", "--intrabar", "both"], "both"),
        (["sweep", "--capital", "nan"], "capital is nan"),
        (["sweep", "--lot", "0"], "lot is 0"),
        (["sweep", "--fee-rate", "-0.1"], "rate is -0.1"),
        (["sweep", "--sizing", "risk"], "needs a stop"),
        (["sweep", "--out", "/no/such/folder/x.csv"], "does not exist"),
        (["sweep", "--out", "cells.xlsx"], "must end in"),
        (["sweep", "--format", "yaml"], "--format yaml"),
        (["sweep", "--progress", "dots"], "--progress dots"),
        (["sweep", "--symbols", "NIFTY"], "NIFTY"),
        (["sweep", "--start", "2018-01-01", "--end", "2017-01-01"], "2017-01-01"),
        (["sweep", "--repair", "everything", "pyproject.toml"], "everything"),
        (["backtest", "--stop", "2,3"], "one stop"),
        (["backtest", "--fast", "200", "--slow", "50"], "no pair"),
        (["simulate", "--symbols", "0", "--out", "x.csv"], "symbols"),
        (["simulate", "--seed", "-1", "--out", "x.csv"], "seed is -1"),
    ],
)
def test_bad_use_is_one_line_and_exit_status_2(tmp_path, arguments, message):
    arguments = [tmp_path if argument == "EMPTY" else argument for argument in arguments]
    done = run(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stderr.startswith("error: ")
    assert message in done.stderr


def test_unwritable_output_is_said_before_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.cli.commands.run_sweep", lambda *_, **__: pytest.fail("the work was begun"))
    assert run("sweep", "--out", tmp_path / "none" / "cells.csv").exit_code == 2
    (tmp_path / "cells.csv").mkdir()
    assert run("sweep", "--out", tmp_path / "cells.csv").exit_code == 2


@pytest.mark.parametrize("command", ["backtest", "sweep", "validate", "simulate"])
def test_help_shows_an_example(command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"Example: goldencross {command} " in " ".join(done.stdout.split())
    assert done.stdout.isascii()


def test_help_cuts_no_sentence():
    assert "..." not in run("--help").stdout.replace("[ARGS]...", "")


def test_windows_and_stops_are_read():
    assert read_windows("--fast", "5:20:5") == [5, 10, 15, 20]
    assert read_windows("--fast", "3") == [3]
    assert read_windows("--fast", "3:5,10") == [3, 4, 5, 10]
    assert parse_stops("none,2", 14, "sma", "fixed") == [None, engine.TrailingStop(2.0)]
    assert parse_stops("2.5", 20, "WILDER", "chandelier") == [engine.TrailingStop(2.5, 20, "wilder", "chandelier")]


def test_progress_is_a_plain_line_every_few_seconds(capsys, monkeypatch):
    clock = iter([0.0, 1.0, 6.0, 7.0, 12.0, 13.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    report = Progress("cells", "lines")
    for done in (10, 20, 30, 40, 100):
        report(done, 100)
    assert capsys.readouterr().err.splitlines() == [
        "20 of 100 cells done, 20 percent, about 24 seconds left.",
        "40 of 100 cells done, 40 percent, about 18 seconds left.",
    ]


def test_progress_is_a_bar_on_a_terminal(capsys):
    report = Progress("cells", "bar")
    report(50, 100)
    report.close()
    assert "50%" in capsys.readouterr().err


def test_nothing_but_a_terminal_gets_a_bar(monkeypatch):
    from engine.cli import progress

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert not progress.plain_output()
    monkeypatch.setenv("NO_COLOR", "1")
    assert progress.plain_output()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert progress.plain_output()


def test_the_installed_command_on_the_sample():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "engine", "sweep", "--fast", "10,20", "--slow", "50"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Best of 4 cells by Sharpe ratio: ")
    assert done.stdout.isascii()


def test_a_closed_pipe_is_no_traceback(folder):
    done = subprocess.run(
        f"{sys.executable} -m engine sweep {folder} --format csv --progress none | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("symbol,fast,slow")
    assert done.stderr == ""


def test_ctrl_c_keeps_what_is_done(tmp_path):
    prices = tmp_path / "long.parquet"
    run("simulate", "--symbols", "3", "--bars", "50000", "--volatility", "0.003", "--out", prices)
    out = tmp_path / "cells.parquet"
    # A progress line after every tile, so that the interrupt comes after the first of many.
    # A background job of a shell inherits an ignored SIGINT; a user at a terminal does not.
    program = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from engine.cli import app, progress; progress._SECONDS = 0.0; app.main()"
    )
    command = [sys.executable, "-c", program, "sweep", prices, "--fast", "5:100", "--slow", "101:300", "--out", out]
    process = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stderr.readline()
    while line and "cells done" not in line:
        line = process.stderr.readline()
    process.send_signal(signal.SIGINT)
    try:
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert "The sweep was interrupted: cells that were not reached are missing." in stdout
    loaded = engine.SweepResult.load(out)
    assert not loaded.finished
    reached = int((~pd.isna(loaded.to_frame()["final_capital"])).sum())
    assert 0 < reached < len(loaded)


@pytest.mark.parametrize("command", ["backtest", "portfolio", "sweep", "sweep --keep 3", "sweep-portfolio"])
def test_what_forms_no_pair_is_refused_before_anything_is_compiled(monkeypatch, command):
    def fail(*_):
        raise AssertionError("compiled")

    for module in ("commands", "portfolios"):
        monkeypatch.setattr(f"engine.cli.{module}.announce_compilation", fail)
    done = CliRunner().invoke(app, [*command.split(), "--fast", "50", "--slow", "20"])
    assert done.exit_code == 2
    assert done.stderr == "error: no pair has fast below slow: fast is 50 to 50, slow is 20 to 20\n"
