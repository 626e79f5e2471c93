"""``goldencross portfolio`` and ``sweep-portfolio``, and ``--costs`` of all commands, as a user types them."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.cli.parsing import parse_table

PAIR = ["--fast", "5", "--slow", "20"]


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("prices")
    for symbol, frame in engine.simulate(3, 300, seed=8).to_frames().items():
        frame.to_csv(target / f"{symbol}.csv")
    return target


def test_portfolio_says_the_answer_first_and_writes_everything(folder, tmp_path):
    files = {name: tmp_path / f"{name}.csv" for name in ("out", "trades", "signals", "equity")}
    options = [word for name, file in files.items() for word in (f"--{name}", file)]
    account = ["--max-positions", "2", "--max-weight", "0.5", "--tick", "0.05", "--lot", "SIM001=2"]
    done = run("portfolio", folder, *PAIR, "--costs", "nse-delivery:zerodha", *account, *options)
    assert done.exit_code == 0, done.output
    result = engine.portfolio(
        engine.load(folder), 5, 20, costs=engine.costs.nse_delivery("zerodha"), max_positions=2, max_weight=0.5,
        tick=0.05, lot={"SIM001": 2.0},
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Portfolio of 3 symbols, fast 5, slow 20, stop 3 ATR of 14 bars, ")
    assert f"100,000.00 became {result.equity.iloc[-1]:,.2f}, a total return of" in lines[0]
    assert any(line.startswith("Of the fees: STT ") for line in lines)
    assert "in lots of 2 for SIM001 and 1 for all others" in done.stdout
    assert pd.read_csv(files["trades"])["quantity"].tolist() == result.trades["quantity"].tolist()
    assert pd.read_csv(files["signals"])["outcome"].tolist() == result.signals["outcome"].tolist()
    assert pd.read_csv(files["equity"])["cash"].tolist() == pytest.approx(result.cash.tolist(), rel=1e-15)
    assert pd.read_csv(files["out"])["symbol"].tolist() == list(result.symbols)


def test_sweep_portfolio_says_its_best_cell(folder, tmp_path):
    out = tmp_path / "cells.parquet"
    grid = ["--fast", "5:20:5", "--slow", "20:60:20", "--stop", "2,3"]
    done = run("sweep-portfolio", folder, *grid, "--fee-rate", "0.001", "--out", out)
    assert done.exit_code == 0, done.output
    stops = [engine.TrailingStop(2.0), engine.TrailingStop(3.0)]
    result = engine.sweep_portfolio(
        engine.load(folder), range(5, 21, 5), (20, 40, 60), stops, costs=engine.Costs(rate=0.001)
    )
    ((_, fast, slow, _, multiple), row), *_ = result.best("sharpe", per="all").iterrows()
    lines = done.stdout.splitlines()
    assert lines[0] == (
        f"Best of {len(result)} cells by Sharpe ratio: portfolio, fast {fast}, slow {slow}, stop {multiple:g} ATR of 14 bars."
    )
    assert f"became {row['final_capital']:,.2f}" in lines[1]
    assert lines[2].startswith("Buying and holding all symbols in equal parts returned ")
    assert any(line.startswith("Cells: one account of 3 symbols, ") for line in lines)
    free = engine.portfolio(engine.load(folder), fast, slow, engine.TrailingStop(multiple)).equity.iloc[-1]
    took = free - row["final_capital"]
    each = took / row["trades"]
    assert (
        f"Costs took {took:,.2f}, {each:,.2f} for each closed trade: without them {free:,.2f} would have become of it."
        in lines
    )
    assert engine.SweepResult.load(out).to_frame().equals(result.to_frame())


def test_json_has_metrics_and_settings(folder):
    done = run("portfolio", folder, *PAIR, "--format", "json")
    found = json.loads(done.stdout)
    assert found["metrics"]["final_capital"] == engine.portfolio(engine.load(folder), 5, 20).equity.iloc[-1]
    assert found["account"]["priority"] == "strongest"
    assert len(found["rows"]) == 3


def test_costs_of_a_sweep_are_said(folder):
    done = run("sweep", folder, *PAIR, "--costs", "nse-delivery", "--slippage", "0.001")
    assert done.exit_code == 0, done.output
    assert (
        "Costs: NSE delivery, broker interactive_brokers, in INR: every rate is known since 2020-07-01." in done.stdout
    )
    assert "orders of 2020-01-01 are charged by rates of other days" in done.stdout
    assert "Slippage: 0.1 percent of the price" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--costs", "bse"], "--costs bse: it must be"),
        (["--costs", "nse-delivery:nobody"], "broker is 'nobody'"),
        (["--costs", "us-ib-fixed:zerodha"], "--costs us-ib-fixed:zerodha"),
        (["--costs", "nse-delivery", "--fee-rate", "0.1"], "leave out --fee-rate"),
        (["--lot", "SIM001"], "--lot SIM001: write one number"),
        (["--tick", "SIM001=0.05,SIM001=0.1"], "given twice"),
        (["--tick", "NONE=0.05"], "tick: no prices for NONE"),
        (["--priority", "SIM001,NONE"], "priority: no prices for NONE"),
        (["--stop", "none"], "needs a stop"),
        (["--stop", "2,3"], "takes one stop"),
        (["--risk", "2"], "risk is 2"),
        (["--sizing", "half"], "--sizing half"),
        (["--out", "x.txt"], "must end in one of"),
    ],
)
def test_bad_options_are_one_line_and_status_2(folder, options, message):
    done = run("portfolio", folder, *PAIR, *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert not done.stdout


def test_tables_of_symbols():
    assert parse_table("--lot", "") is None
    assert parse_table("--lot", "5") == 5.0
    assert parse_table("--lot", "A=5, B=10") == {"A": 5.0, "B": 10.0}
