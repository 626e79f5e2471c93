"""The examples run as a reader would run them."""

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
