"""goldencross report as a user types it."""

import stat

import pytest
from typer.testing import CliRunner

import engine
from engine.report.speaking import report_text
from engine.report.walking import walk_forward_report
from engine.selection.trials import trials_of
from engine.settings import Settings
from live.command import app
from live.journal import Journal
from live.report import journal_report


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Prices, and the files of results on them."""
    folder = tmp_path_factory.mktemp("results")
    prices = folder / "prices"
    prices.mkdir()
    for symbol, frame in engine.simulate(["SBIN", "NSE:TCS"], 300, seed=8).to_frames().items():
        frame.to_csv(prices / f"{symbol}.csv")
    assert (
        run(
            "sweep",
            prices,
            "--fast",
            "5:20:5",
            "--slow",
            "20:60:20",
            "--stop",
            "none,3",
            "--out",
            folder / "cells.parquet",
        ).exit_code
        == 0
    )
    assert (
        run("backtest", prices, "--fast", 5, "--slow", 20, "--stop", 3, "--save", folder / "backtest.json").exit_code
        == 0
    )
    assert run("portfolio", prices, "--fast", 5, "--slow", 20, "--save", folder / "account.json").exit_code == 0
    assert (
        run(
            "sweep-portfolio", prices, "--fast", "5,10", "--slow", "20,40", "--out", folder / "accounts.parquet"
        ).exit_code
        == 0
    )
    return folder


RESULTS = ["cells.parquet", "backtest.json", "account.json", "accounts.parquet"]


@pytest.mark.parametrize("result", RESULTS)
def test_page_and_text(made, result, tmp_path):
    page = tmp_path / "report.html"
    done = run("report", made / result, "--prices", made / "prices", "--out", page)
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[1] == f"Wrote {page}, {page.stat().st_size / 1000:,.0f} kilobytes."
    assert page.read_text().startswith("<!DOCTYPE html>")
    spoken = run("report", made / result, "--prices", made / "prices")
    assert spoken.exit_code == 0
    assert spoken.stdout.splitlines()[3].startswith("Part 1: Verdict.")
    assert "needs the prices" not in spoken.stdout
    assert spoken.stdout.isascii()
    alone = run("report", made / result)
    assert alone.exit_code == 0
    assert "This needs the prices: name them with --prices" in alone.stdout
    text = tmp_path / "report.txt"
    assert run("report", made / result, "--tables", "none", "--out", text).exit_code == 0
    assert not any(line.startswith("Table, ") for line in text.read_text().splitlines())


def test_the_verdict_is_what_the_command_says(made):
    said = run("backtest", made / "prices", "--fast", 5, "--slow", 20, "--stop", 3).stdout.splitlines()
    reported = run("report", made / "backtest.json", "--prices", made / "prices", "--cell", "SBIN").stdout.splitlines()
    of_sbin = said[: said.index("")] if said[0].startswith("SBIN") else said[said.index("") + 1 :]
    metrics = [
        line
        for line in of_sbin
        if line.startswith(("SBIN,", "Buying", "Sharpe", "Sortino", "largest", "closed", "profit"))
    ]
    assert len(metrics) >= 8
    assert [line for line in metrics if line not in reported] == []


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("SBIN", "SBIN, fast"),
        ("NSE:TCS", "NSE:TCS, fast"),
        ("SBIN:10:40", "SBIN, fast 10, slow 40"),
        ("SBIN:10:40:none", "SBIN, fast 10, slow 40, no stop."),
        ("NSE:TCS:5:20:3", "NSE:TCS, fast 5, slow 20, stop 3 ATR of 14 bars."),
    ],
)
def test_a_cell_is_chosen(made, cell, says):
    done = run("report", made / "cells.parquet", "--cell", cell)
    assert done.exit_code == 0, done.output
    first = done.stdout.splitlines()[4]
    assert first.startswith("The cell that was asked for")
    assert says in first


def test_sound_and_pictures(made, tmp_path):
    done = run(
        "report",
        made / "account.json",
        "--prices",
        made / "prices",
        "--sound",
        tmp_path / "e.wav",
        "--figures",
        tmp_path / "figures",
        "--figure-format",
        "svg",
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "e.wav").read_bytes()[:4] == b"RIFF"
    assert len(list((tmp_path / "figures").glob("*.svg"))) == len(list((tmp_path / "figures").glob("*.txt"))) >= 5


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing.json"], "cannot read nothing.json: No such file"),
        (["."], "cannot read .: Is a directory"),
        (["{}/prices/SBIN.csv"], "is no result that can be reported"),
        (["{}/backtest.json", "--cell", "INFY"], "--cell INFY: the result has no such symbol; it has"),
        (["{}/account.json", "--cell", "INFY"], "--cell INFY: the account has no such symbol"),
        (["{}/cells.parquet", "--cell", "SBIN:5:x"], "must be numbers"),
        (["{}/cells.parquet", "--cell", "SBIN:5:21"], "the sweep has no such cell"),
        (["{}/cells.parquet", "--cell", "INFY"], "write SYMBOL, SYMBOL:50:200"),
        (["{}/cells.parquet", "--metric", "luck"], "--metric luck: it must be one of"),
        (["{}/cells.parquet", "--tables", "some"], "--tables some: it must be one of"),
        (["{}/cells.parquet", "--format", "pdf"], "--format pdf: it must be one of: text, html"),
        (["{}/cells.parquet", "--format", "html"], "needs a file: name it with --out"),
        (["{}/cells.parquet", "--out", "x.pdf"], "the name must end in one of: .html"),
        (["{}/cells.parquet", "--out", "nowhere/x.html"], "does not exist"),
        (["{}/cells.parquet", "--sound", "x.mp3"], "the name must end in one of: .wav"),
        (["{}/cells.parquet", "--sound", "{}/x.wav"], "--sound needs an equity curve"),
        (["{}/cells.parquet", "--repair", "rescale"], "name them with --prices"),
        (["{}/cells.parquet", "--prices", "sample"], "not the prices of the result"),
        (["{}/cells.parquet", "--prices", "{}/prices", "--symbols", "SBIN"], "not the prices of the result"),
        (
            ["{}/backtest.json", "--figures", "{}/f", "--figure-format", "bmp"],
            "--figure-format bmp: it must be one of: png, svg",
        ),
    ],
)
def test_bad_use_is_one_line_and_status_2(made, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run("report", *(argument.format(made) for argument in arguments))
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_whole_results_need_a_json_file(made, tmp_path):
    for command in ("backtest", "portfolio"):
        done = run(command, made / "prices", "--save", tmp_path / "x.parquet")
        assert done.exit_code == 2
        assert "the name must end in .json" in done.stderr


def test_a_page_without_jinja_says_what_to_install(made, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "jinja2", None)
    done = run("report", made / "cells.parquet", "--out", tmp_path / "x.html")
    assert done.exit_code == 2
    assert "pip install 'goldencross[report]'" in done.stderr
    assert not (tmp_path / "x.html").exists()


# The journal of a bot


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "journal"
    writer = Journal(path)
    writer.append("run started", {"command": "run", "send": True})
    for day, equity in (("2026-01-05", 1_000_000.0), ("2026-01-06", 1_010_000.0), ("2026-01-07", 1_005_000.0)):
        writer.append("day", {"day": day, "equity": equity})
    for i, (side, price) in enumerate((("BUY", 500.0), ("SELL", 520.0))):
        writer.append(
            "execution",
            {
                "execution_id": f"0001.{i}.01",
                "reference": f"gc-{i}",
                "side": side,
                "quantity": 10.0,
                "price": price,
                "time": f"2026-01-0{5 + i}T09:50:00+00:00",
                "con_id": 1,
                "permanent_id": i,
                "symbol": "SBIN",
                "commission": 6.0,
                "commission_currency": "INR",
            },
            symbol="SBIN",
        )
    writer.append("alarm", {"text": "account DU1234567 has <b>nobody</b>"})
    writer.append("run ended", {"status": 3})
    writer.close()
    return path


def test_a_journal_is_reported(journal, tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDENCROSS_ACCOUNT", "DU1234567")
    done = run("report", journal)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "Realized profit: 188.00 in 1 closed trade, after commissions." in lines
    assert any(
        line.startswith(
            "Chart, Equity of the account: Equity of the account rose from 1,000,000.00 to 1,005,000.00; it was highest on 2026-01-06"
        )
        for line in lines
    )
    assert "Commissions of 12.00 in 1 trade." in lines
    assert "1 run: 1 ended with a status other than 0, 0 did not end." in lines
    page = tmp_path / "journal.html"
    assert run("report", journal, "--out", page).exit_code == 0
    assert "DU1234567" not in done.stdout + page.read_text()
    assert "<b>nobody" not in page.read_text()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    refused = run("report", journal, "--cell", "SBIN")
    assert refused.exit_code == 2
    assert "leave out --prices and --cell" in refused.stderr


def test_other_databases_are_no_journals(tmp_path):
    import sqlite3

    with sqlite3.connect(tmp_path / "x.db") as file:
        file.execute("CREATE TABLE t (a)")
    file.close()
    done = run("report", tmp_path / "x.db")
    assert done.exit_code == 2
    assert "no journal" in done.stderr


def test_an_empty_journal_says_so():
    with pytest.raises(engine.InputError, match="has not run with it yet"):
        journal_report([])


# A walk forward


class Seam:
    costs, kept_costs = 12.5, 2.5


class Walk:
    """What the report reads of a walk forward, made of the returns of one trial that is held throughout."""

    def __init__(self, prices):
        self.trials = trials_of(prices, engine.Grid.of([5, 10], [20, 40], [None, engine.TrailingStop(3.0)]), Settings())
        self.seams = (Seam(),)

    @property
    def stitched(self):
        class Stitched:
            capital, days = 200_000.0, range(100, 300)

        return Stitched

    @property
    def equity(self):
        import numpy as np
        import pandas as pd

        grown = 200_000.0 * np.cumprod(1 + self.trials.returns[1, 100:300])
        return pd.Series(grown, index=self.trials.pool.days[100:300])

    def to_frame(self):
        import pandas as pd

        days = self.trials.pool.days
        row = {"train_first": days[0], "train_last": days[99], "test_first": days[100], "test_last": days[299]}
        row |= {
            "fast": 5,
            "slow": 20,
            "atr_window": 14,
            "multiple": 3.0,
            "in_sharpe": 1.0,
            "out_sharpe": float("nan"),
            "out_rank": 3,
            "out_return": 0.01,
        }
        return pd.DataFrame([row])


def test_a_walk_forward_is_reported():
    prices = engine.simulate(2, 300, seed=8)
    walk = Walk(prices)
    report = walk_forward_report(walk, prices, ["It did so.", "", "Fold 1."])
    lines = report_text(report)
    assert lines[4] == "It did so."
    assert (
        "1 change of settings cost 12.50, the first purchases included; 2.50 of it where both settings held the symbol."
        in lines
    )
    (fold,) = [line for line in lines if line.startswith("fold 1: ")]
    assert (
        "stop 3 ATR of 14 bars, Sharpe ratio in sample 1.000, Sharpe ratio out of sample not defined, rank out of sample 3"
        in fold
    )
    equity = report.sections[1].charts[0].series
    assert equity[0].values.tolist() == walk.equity.tolist()
    assert len(equity[1].values) == 200
