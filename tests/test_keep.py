"""What the command says and writes when only the best cells are kept: goldencross sweep --keep."""

import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
from engine.cli import commands
from engine.cli.app import app
from engine.results.reduced import Reducer
from engine.results.stream import CellWriter, describe

GRID = ["--fast", "5:20:5", "--slow", "20:60:20", "--stop", "none,2"]
FACTS = ("left_out", "too_short", "settings", "digest", "finished")


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
def full(folder):
    return engine.sweep(engine.load(folder), range(5, 21, 5), (20, 40, 60), [None, engine.TrailingStop(2.0)])


def reduce(table, metric, keep, out=None, reached=None):
    """Keep the best of a full table, as a sweep does it; ``reached`` symbols, if it is interrupted then."""
    reducer = Reducer(table.symbols, table.grid, table.held, metric, keep)
    known = {name: getattr(table, name) for name in FACTS}
    known["finished"] = reached is None
    for symbol in range(len(table.symbols) if reached is None else reached):
        reducer.add(symbol, 0, table.values[symbol])
    if out is not None:
        names = ("symbols", "grid", "held", "left_out", "too_short", "settings", "digest")
        with CellWriter(out, table.symbols, table.grid, describe(**{n: getattr(table, n) for n in names})) as writer:
            for symbol in range(len(table.symbols) if reached is None else reached):
                writer.add(symbol, 0, table.values[symbol])
            writer.close(known["finished"])
    return reducer.result(**known, path=out)


@pytest.fixture
def asked(monkeypatch):
    """Stand for a sweep that keeps the best: collects what it was asked for."""
    calls = []
    sweep = engine.sweep

    def keeping(*arguments, keep=None, metric="sharpe", out=None, **others):
        calls.append({"keep": keep, "metric": metric, "out": out})
        table = sweep(*arguments, **others)
        return table if keep is None else reduce(table, metric, keep, out)

    monkeypatch.setattr(commands, "announce_compilation", lambda *_: False)
    monkeypatch.setattr(commands, "run_sweep", keeping)
    return calls


def sentences(text):
    """Leave the seconds out."""
    return [line.split(" computed in ")[0] for line in text.splitlines()]


def test_text_differs_only_in_what_was_kept(folder, asked):
    whole, kept = run("sweep", folder, *GRID), run("sweep", folder, *GRID, "--keep", "2")
    assert asked == [
        {"keep": None, "metric": "sharpe", "out": None},
        {"keep": 2, "metric": "sharpe", "out": None},
    ]
    assert kept.exit_code == 0, kept.output
    # That the best cell is held against all cells needs the Sharpe ratios of all.
    expected = [line for line in sentences(whole.stdout) if not line.startswith("The best single cell, ")]
    lines = sentences(kept.stdout)
    assert "Only the best 2 cells of each symbol by Sharpe ratio were kept." in lines
    lines.remove("Only the best 2 cells of each symbol by Sharpe ratio were kept.")
    (median,) = [line for line in lines if line.startswith("The median Sharpe ratio of all cells is about ")]
    assert len(lines) == len(expected)
    assert [pair for pair in zip(lines, expected, strict=True) if pair[0] != pair[1] and pair[0] != median] == []


def test_one_kept_cell_is_said_as_one(folder, asked):
    text = run("sweep", folder, *GRID, "--keep", "1", "--metric", "calmar").stdout
    assert asked[-1] == {"keep": 1, "metric": "calmar", "out": None}
    assert "Only the best cell of each symbol by Calmar ratio was kept.\n" in text


def test_parquet_gets_all_cells(folder, asked, full, tmp_path):
    out = tmp_path / "cells.parquet"
    done = run("sweep", folder, *GRID, "--keep", "2", "--out", out)
    assert asked[-1]["out"] == out
    assert f"All cells were written to {out}.\n" in done.stdout
    pd.testing.assert_frame_equal(engine.SweepResult.load(out).to_frame(), full.to_frame(), check_exact=True)


def test_other_files_get_the_best_cells(folder, asked, full, tmp_path):
    expected = full.best("sharpe", k=2).reset_index()
    for ending, read in ((".csv", pd.read_csv), (".json", pd.read_json)):
        out = tmp_path / f"best{ending}"
        done = run("sweep", folder, *GRID, "--keep", "2", "--out", out)
        assert asked[-1]["out"] is None
        assert "All cells were written" not in done.stdout
        pd.testing.assert_frame_equal(read(out), expected, check_dtype=False)


def test_json_and_csv_print_the_best_cells(folder, asked, full):
    expected = full.best("sharpe", k=2).reset_index()
    document = json.loads(run("sweep", folder, *GRID, "--keep", "2", "--format", "json").stdout)
    assert document["cells"] == len(full)
    assert document["metric"] == "sharpe"
    pd.testing.assert_frame_equal(pd.DataFrame(document["rows"])[list(expected)], expected, check_dtype=False)
    table = pd.read_csv(io.StringIO(run("sweep", folder, *GRID, "--keep", "2", "--format", "csv").stdout))
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    assert len(asked) == 2


@pytest.mark.usefixtures("asked")
def test_an_interrupted_sweep_says_what_it_has(folder, full, tmp_path, monkeypatch):
    out = tmp_path / "cells.parquet"

    def interrupted(*_, keep, metric, out, **__):
        raise engine.SweepInterruptedError(reduce(full, metric, keep, out, reached=1))

    monkeypatch.setattr(commands, "run_sweep", interrupted)
    done = run("sweep", folder, *GRID, "--keep", "2", "--out", out)
    assert done.exit_code == 130
    assert "The sweep was interrupted: cells that were not reached are missing.\n" in done.stdout
    assert f"The cells that were reached were written to {out}.\n" in done.stdout
    assert f"{full.grid.cells} of {len(full)} computed" in done.stdout
    assert not engine.SweepResult.load(out).finished


@pytest.mark.parametrize("keep", ["-1", "-100"])
def test_a_negative_number_is_refused(folder, asked, keep):
    done = run("sweep", folder, *GRID, "--keep", keep)
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        f"error: --keep {keep}: it must be 0, which keeps all cells, or the number of best cells to keep"
    ]
    assert asked == []


def test_a_folder_that_is_missing_is_refused_before_the_work(folder, asked, tmp_path):
    done = run("sweep", folder, *GRID, "--keep", "2", "--out", tmp_path / "none" / "cells.parquet")
    assert done.exit_code == 2
    assert "does not exist" in done.stderr
    assert asked == []


def test_no_cell_has_the_metric(folder, asked):
    text = run("sweep", folder, "--fast", "200", "--slow", "290", "--metric", "profit_factor", "--keep", "2").stdout
    whole = run("sweep", folder, "--fast", "200", "--slow", "290", "--metric", "profit_factor").stdout
    assert text.splitlines()[0] == whole.splitlines()[0]
    assert len(asked) == 2
