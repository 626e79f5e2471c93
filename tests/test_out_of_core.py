"""Prices and results larger than memory: a symbol at a time, and the best cells without the table."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.kernels.metrics import METRICS
from engine.prices import lazily
from engine.results import stream
from engine.results.parts import DONE
from engine.results.top import top
from tests.parts_child import GRID, KEPT, prices, small_tiles

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def full():
    return engine.sweep(prices(), **GRID)


@pytest.fixture(scope="module")
def results(tmp_path_factory, full):
    out = tmp_path_factory.mktemp("results") / "parts"
    with small_tiles(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "_ROWS", 50)  # several row groups in each part
        engine.sweep(prices(), **GRID, **KEPT, out=f"{out}/")
    full.save(out.parent / "cells.parquet")
    return out


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 20, 5000])
def test_top_is_the_best_of_the_table(results, full, metric, k):
    expected = full.best(metric, per="all", k=k).reset_index()
    for path in (results, results.parent / "cells.parquet"):
        found = top(path, metric, k)
        pd.testing.assert_frame_equal(found.cells, expected, check_exact=True)
        assert found.looked_at == len(full)
    assert top(results).expected == len(full)


def test_the_command_says_the_same(results, full):
    def run(*arguments):
        return CliRunner().invoke(app, ["top", *[str(argument) for argument in arguments]])

    expected = full.best("calmar", per="all", k=3).reset_index()
    printed = run(results, "--metric", "calmar", "--k", "3", "--format", "csv").stdout
    pd.testing.assert_frame_equal(pd.read_csv(io.StringIO(printed)), expected, check_dtype=False)
    document = json.loads(run(results, "--metric", "calmar", "--k", "3", "--format", "json").stdout)
    assert document["cells"] == document["expected"] == len(full)
    assert [row["fast"] for row in document["rows"]] == expected["fast"].tolist()
    lines = run(results, "--metric", "calmar", "--k", "3").stdout.splitlines()
    first = expected.iloc[0]
    assert lines[0].startswith(f"Number 1: {first['symbol']}, fast {first['fast']}, slow {first['slow']}, ")
    assert f"Calmar ratio {first['calmar']:.3f}" in lines[0]
    assert lines[3] == f"These are the best by Calmar ratio of {len(full):,} cells in {results}."
    for wrong, words in (
        ((results, "--metric", "luck"), "must be one of"),
        ((results, "--k", "0"), "k is 0"),
        ((results.parent,), "is not the folder of a sweep"),
        ((results / "nothing",), "no such file or folder"),
        ((ROOT / "README.md",), "is not a Parquet file"),
    ):
        done = run(*wrong)
        assert (done.exit_code, done.stderr.count("\n")) == (2, 1), done.output
        assert words in done.stderr


def test_a_sweep_that_is_not_whole_is_said_to_be_so(results, tmp_path, full):
    for path in results.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    lines = (tmp_path / DONE).read_text().splitlines()
    (tmp_path / DONE).write_text("\n".join(lines[:-1]) + "\n")
    text = CliRunner().invoke(app, ["top", str(tmp_path)]).stdout
    assert f"The sweep has not come to its end: it has {len(full):,} cells." in text
    table = engine.SweepResult.load(tmp_path)
    last = json.loads(lines[-1])
    flat, expected = table.values.reshape(-1, len(METRICS)), full.values.reshape(-1, len(METRICS)).copy()
    expected[last["first"] : last["stop"]] = float("nan")
    pd.testing.assert_frame_equal(pd.DataFrame(flat), pd.DataFrame(expected), check_exact=True)
    assert not table.finished
    part = tmp_path / f"part-{json.loads(lines[0])['first']:015d}.parquet"
    part.write_bytes(part.read_bytes()[:-1])
    for read in (engine.SweepResult.load, top):
        with pytest.raises(engine.DataError, match=r"is not as it was written; run the sweep into .* again"):
            read(tmp_path)


def test_a_folder_loads_as_a_sweep(results, full):
    loaded = engine.SweepResult.load(results, prices())
    pd.testing.assert_frame_equal(loaded.to_frame(), full.to_frame(), check_exact=True)
    assert loaded.finished
    assert loaded.settings == full.settings
    pd.testing.assert_series_equal(loaded.buy_and_hold, full.buy_and_hold)


@pytest.fixture
def stored(tmp_path):
    target = tmp_path / "prices"
    target.mkdir()
    for symbol, frame in prices().to_frames().items():
        frame.rename_axis("date").reset_index().to_parquet(target / f"{symbol}.parquet")
    (target / "BAD.csv").write_text("date,open,high,low,close,volume\n2020-01-01,1,1,1,-1,1\n")
    return target


def test_lazy_prices_are_the_prices(stored, monkeypatch):
    eager, lazy = engine.load(stored), engine.load(stored, lazy=True)
    assert lazy.digest == eager.digest
    assert "digest" in vars(lazy)
    assert lazy.symbols == eager.symbols
    assert lazy.report == eager.report
    assert list(lazy.report.left_out) == ["BAD"]
    assert repr(lazy) == "<LazyPrices: 5 symbols, 2,000 bars>"
    for symbol in eager:
        assert (lazy.length(symbol), lazy.ends(symbol), lazy.hash_of(symbol)) == (
            eager.length(symbol),
            eager.ends(symbol),
            eager.hash_of(symbol),
        )
        pd.testing.assert_frame_equal(lazy[symbol].to_frame(), eager[symbol].to_frame(), check_exact=True)
    with pytest.raises(engine.DataError, match="there are no prices for TCS"):
        lazy["TCS"]
    monkeypatch.setattr(lazily, "_KEPT", 2)
    lazy = engine.load(stored, lazy=True)
    for symbol in lazy:
        lazy[symbol]
    assert list(lazy.histories._kept) == ["SIM004", "SIM005"]
    with pytest.raises(engine.InputError, match="no repair"):
        engine.load(stored, lazy=True, repair=["magic"])


def test_a_sweep_of_lazy_prices_is_the_sweep(stored, tmp_path):
    eager = engine.sweep(engine.load(stored), **GRID, **KEPT)
    for out in (None, f"{tmp_path}/results/"):
        with small_tiles():
            lazy = engine.sweep(engine.load(stored, lazy=True), **GRID, **KEPT, out=out)
        pd.testing.assert_frame_equal(lazy.to_frame(), eager.to_frame(), check_exact=True)
        assert (lazy.pool, lazy.digest, lazy.left_out) == (eager.pool, eager.digest, eager.left_out)
    assert pq.ParquetDataset(tmp_path / "results").read().num_rows == len(eager)


def test_files_that_are_no_single_symbol_or_change(stored):
    lazy = engine.load(stored, lazy=True)
    (stored / "SIM002.parquet").write_bytes((stored / "SIM003.parquet").read_bytes())
    with pytest.raises(engine.DataError, match="SIM002: its file was changed since it was first read"):
        lazy["SIM002"]
    (stored / "two.csv").write_text("symbol,date,open,high,low,close\nA,2020-01-01,1,1,1,1\nB,2020-01-01,1,1,1,1\n")
    with pytest.raises(engine.DataError, match=r"two\.csv has 2 symbols; reading lazily needs one file a symbol"):
        engine.load(stored, lazy=True)


PEAK = """
import sys
import engine

prices = engine.load(sys.argv[1], lazy=sys.argv[2] == "lazy")
engine.sweep(prices, (5, 10), (50, 100), keep=1, out=sys.argv[3] or None, workers=1)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from /proc")
def test_lazy_prices_take_the_memory_of_some_symbols(tmp_path):
    # 300 symbols of 20,000 bars are 288 MB. In memory are those of a task, 100 at most, and of the last 32; streamed, tiles of 16 and the last 32.
    few, many = tmp_path / "few", tmp_path / "many"
    for folder, symbols in ((few, 4), (many, 300)):
        folder.mkdir()
        for i in range(symbols):
            (folder / f"S{i:03d}.parquet").symlink_to(tmp_path / "one.parquet")
    engine.simulate(1, 20_000, seed=1).to_frames()["SIM001"].rename_axis("date").reset_index().to_parquet(
        tmp_path / "one.parquet"
    )

    def peak(folder, way, out=""):
        command = [sys.executable, "-c", PEAK, folder, way, out and f"{tmp_path / way}/"]
        return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)

    peak(few, "lazy")  # compiles what is not yet in numba's cache, which takes 80 MB more than to read it
    start = peak(few, "lazy")
    eager, lazy, streamed = (peak(many, *way) - start for way in (("eager",), ("lazy",), ("lazy", "out")))
    assert lazy < eager / 2, (start, lazy, eager)
    assert streamed < eager / 2, (start, streamed, eager)
