"""What the bot decides is what the backtest decided; and a bot that decides otherwise is found."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import engine
import live.parity
from live.command import app
from live.parity import parity

DATA = next((up / "shared/data" for up in Path(__file__).resolve().parents if (up / "shared/data").is_dir()), Path())
REAL = DATA / "nse_daily_recent"
REPAIRS = ["drop-duplicates", "drop-blank-last", "rescale"]
STOP = engine.TrailingStop(2.0, 3)


@pytest.fixture(scope="module")
def prices():
    return engine.simulate(["SBIN", "TCS"], 400, seed=5)


def test_there_is_no_difference(prices):
    found = parity(prices, 5, 20, STOP, every=10)
    assert found.differences == []
    assert found.readings == found.steps == 2 * (400 - 22)
    assert found.whole_ways == 2 * 38
    assert parity(prices, 5, 20, STOP, every=1).whole_ways == found.readings
    assert found.partial_bars == found.other_beginnings == found.readings
    assert len(set(found.digests)) == 1


def wrong_close(reading):
    return dataclasses.replace(reading, close=np.nextafter(reading.close, 0))


def wrong_cross(reading):
    return dataclasses.replace(reading, cross="golden" if reading.cross == "none" and reading.is_above else "none")


@pytest.mark.parametrize("wrong", [wrong_close, wrong_cross])
def test_a_bot_that_reads_otherwise_is_found(prices, monkeypatch, wrong):
    right = live.parity.read_last_bar
    monkeypatch.setattr(live.parity, "read_last_bar", lambda *arguments: wrong(right(*arguments)))
    found = parity(prices, 5, 20, STOP)
    assert found.differences
    assert len(set(found.digests)) == 2
    assert list(found.lines())[1].endswith("live is not what was tested.")


def test_a_bot_that_does_otherwise_is_found(prices, monkeypatch):
    right = live.parity.wish

    def lazy(*arguments):
        one = right(*arguments)
        return dataclasses.replace(one, step="keep") if one.step == "leave" else one

    monkeypatch.setattr(live.parity, "wish", lazy)
    found = parity(prices, 5, 20, STOP)
    assert all("the bot would keep, the backtest leave" in line for line in found.differences)
    assert found.differences


def test_a_bot_whose_averages_depend_on_the_beginning_is_found(prices, monkeypatch):
    right = live.parity.read_last_bar

    def running(history, *rules):
        reading = right(history, *rules)
        return dataclasses.replace(reading, strength=reading.strength * (1 + 1e-15 * (len(history) % 2)))

    monkeypatch.setattr(live.parity, "read_last_bar", running)
    assert parity(prices, 5, 20, STOP, every=3).differences


@pytest.mark.skipif(not REAL.exists(), reason="no real prices here")
def test_real_histories_of_nse():
    prices = engine.load(REAL, repair=REPAIRS).select(["SBIN", "INFY", "TRENT"], "2022-01-01", None)
    found = parity(prices)
    assert found.differences == []
    assert found.readings > 2000
    assert "TRENT" in found.refused  # a bonus that is not in the prices


def test_the_command(tmp_path):
    frames = engine.simulate(["SBIN", "NEW"], 300, seed=4).to_frames()
    frames["NEW"] = frames["NEW"].iloc[:30]
    for symbol, frame in frames.items():
        frame.to_csv(tmp_path / f"{symbol}.csv")
    options = [str(tmp_path), "--fast", "5", "--slow", "20", "--progress", "none"]
    done = CliRunner().invoke(app, ["parity", *options])
    assert done.exit_code == 1, done.output
    assert "1 symbol, 267 decisions compared with the backtest, bit for bit." in done.stdout
    assert "NEW was left out: 30 bars, fewer than the 34 that the bot needs." in done.stdout
    assert done.stdout.splitlines()[1] == "No difference."
    assert done.stdout.isascii()
    found = json.loads(CliRunner().invoke(app, ["parity", *options, "--format", "json"]).stdout)
    assert (found["readings"], found["rows"]) == (267, [])
    assert found["live"] == found["backtest"]


def test_what_is_interrupted_says_so(prices):
    def stop_soon(done, _total):
        if done >= 100:
            raise KeyboardInterrupt

    found = parity(prices, 5, 20, STOP, progress=stop_soon)
    assert not found.is_whole
    assert 0 < found.readings < 200
    assert "Interrupted: the rest was not compared." in list(found.lines())


@pytest.mark.parametrize("words", [["--stop", "none"], ["--stop", "2,3"], ["--every", "0"], ["--slow", "100000"]])
def test_bad_use_is_one_line(words):
    done = CliRunner().invoke(app, ["parity", *words])
    assert done.exit_code == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
