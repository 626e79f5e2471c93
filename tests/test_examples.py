"""The examples run as a reader would run them."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parent.parent


def run(name, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / name, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},  # this tree, whatever is installed
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_portfolio():
    printed = run("portfolio.py")
    assert printed.startswith("Portfolio of 12 symbols, fast 20, slow 100, ")
    assert "Of the fees: STT " in printed
    assert "1 percent at risk, 5 positions: return " in printed


@pytest.mark.parametrize("own_prices", [False, True])
def test_golden_cross(tmp_path, own_prices):
    if own_prices:
        for symbol, frame in engine.simulate(2, 400, seed=5).to_frames().items():
            frame.to_csv(tmp_path / f"{symbol}.csv")
    arguments = [str(tmp_path)] if own_prices else []
    printed = run("golden_cross.py", *arguments)
    assert "median Sharpe ratio of" in printed
    assert ("SIM002 on 2021-07-13: " if own_prices else "SP500 on 2018-12-31: ") in printed


def test_journey_from_validation_to_the_dry_run():
    printed = run("journey.py")
    steps = [line for line in printed.splitlines() if line[:1].isdigit() and line[1] == "."]
    assert [line[0] for line in steps] == ["1", "2", "3", "4", "5", "6"]
    assert "Verdict: " in steps[2]
    assert ", 0 differences." in steps[4]
    dry = printed.split("6. Dry run")[1]
    assert "Would buy " in dry
    assert "0 purchases, 0 sales, 0 positions held." in dry


@pytest.mark.parametrize("own_prices", [False, True])
def test_sweep_with_a_verdict(tmp_path, own_prices):
    if own_prices:
        for symbol, frame in engine.simulate(2, 400, seed=5).to_frames().items():
            frame.to_csv(tmp_path / f"{symbol}.csv")
    printed = run("sweep_verdict.py", *([str(tmp_path)] if own_prices else []))
    assert printed.startswith("Best of 400 cells: ")
    assert "; the median is " in printed
    assert "\nVerdict: " in printed
    assert "Deflated Sharpe ratio: " in printed


def test_another_strategy():
    printed = run("rsi_filter.py")
    assert "<BacktestResult signals: 2 symbols, " in printed
    assert "104 orders." in printed


def test_live_demo():
    dry, sent = run("live_demo.py").split("Sending:")
    assert "Would buy " in dry
    assert "0 purchases" in dry
    assert "Exit status 0; executions in the journal: 5." in sent


def test_dask():
    if not importlib.util.find_spec("distributed"):
        pytest.skip("distributed is missing")
    assert run("dask_sweep.py").startswith("960 cells of 6 symbols; the same as one sweep here.")


def test_examples_are_short_and_each_is_run_here():
    here = Path(__file__).read_text()
    for path in (ROOT / "examples").glob("*.py"):
        assert f'run("{path.name}"' in here, path
        assert len(path.read_text().splitlines()) <= 65, path
