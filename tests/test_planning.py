"""What a sweep is said to take before it begins is what it then takes."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import engine
from engine import limits
from engine.cli.app import app
from engine.grid import Grid
from engine.results.parts import read_done, read_manifest
from engine.settings import Settings
from engine.sweeping import planning, probing, tiles
from engine.sweeping.planning import plan_sweep
from tests.parts_child import GRID, prices, small_tiles

ROOT = Path(__file__).parent.parent
MARGIN = 0.2
"""Of the bytes, as docs/limits.md has it."""
DENSE = {"fast": range(1, 80), "slow": range(2, 250)}


@pytest.fixture(autouse=True)
def small_probe(monkeypatch):
    monkeypatch.setattr(probing, "_SECONDS", 0.02)


def sizes(place):
    files = list(place.iterdir()) if place.is_dir() else [place]
    return sum(file.stat().st_size for file in files), len(files)


@pytest.mark.parametrize("place", ["results/", "cells.parquet"])
@pytest.mark.parametrize(
    ("market", "grid", "others"),
    [
        (engine.simulate(6, 1000, seed=1), DENSE, {}),
        (engine.simulate(40, 700, seed=2), {"fast": range(5, 101, 5), "slow": range(20, 301, 10)}, {}),
        (
            engine.simulate(3, 300, seed=3),
            {"fast": range(1, 40), "slow": range(2, 700)},
            {},
        ),  # most cells have too few bars
        (prices(), GRID, {"sizing": "all_in_lots"}),
    ],
    ids=["dense", "many symbols", "mostly too short", "in lots with stops"],
)
def test_a_plan_is_what_the_sweep_then_writes(tmp_path, market, grid, others, place):
    out = f"{tmp_path}/{place}"
    plan = plan_sweep(market, **grid, settings=Settings(**others), keep=5, out=out)
    assert list(tmp_path.iterdir()) == []
    engine.sweep(market, **grid, **others, keep=5, out=out)
    written, files = sizes(tmp_path / place)
    cells = len(market) * Grid.of(**grid).cells
    assert (plan.cells, plan.files, plan.refusals) == (cells, files, ())
    assert plan.parts == len(list(tmp_path.rglob("*.parquet")))
    assert pq.ParquetDataset(tmp_path / place).read(["fast"]).num_rows == cells
    assert abs(plan.disk / written - 1) < MARGIN
    assert 0 < plan.probed <= cells
    assert plan.seconds > 0


def test_what_is_done_is_left_out(tmp_path):
    out = f"{tmp_path}/results/"
    with small_tiles():
        whole = plan_sweep(prices(), **GRID, keep=7, out=out)
        engine.sweep(prices(), **GRID, keep=7, out=out)
        rest = plan_sweep(prices(), **GRID, keep=7, out=out)
    parts = whole.parts
    assert parts == len(read_manifest(Path(out))["edges"]) - 1 == rest.parts > 15
    assert (whole.done, rest.done) == (0, rest.cells)
    assert rest.disk < whole.disk / 5  # the manifest alone
    done = Path(out, "_done.jsonl")
    lines = done.read_text().splitlines()
    done.write_text("\n".join(lines[: parts // 2]) + "\n")
    before = {path.name: path.read_bytes() for path in Path(out).iterdir()}
    half = plan_sweep(prices(), **GRID, keep=7, out=out)
    assert half.done == sum(one.stop - one.first for one in read_done(Path(out))) < half.cells
    assert rest.disk < half.disk < whole.disk
    assert {path.name: path.read_bytes() for path in Path(out).iterdir()} == before
    with pytest.raises(engine.InputError, match="has another sweep: its capital is"):
        plan_sweep(prices(), **GRID, settings=Settings(capital=5.0), keep=7, out=out)
    (tmp_path / "other").mkdir()
    (tmp_path / "other/holiday.jpg").write_text("sea")
    with pytest.raises(engine.OutputError, match=r"has other files, such as holiday\.jpg"):
        plan_sweep(prices(), **GRID, keep=7, out=tmp_path / "other")


def test_a_thousand_million_cells_are_planned():
    market = engine.simulate(2000, 250, seed=4)
    grid = {"fast": range(1, 501), "slow": range(2, 503), "stop": [engine.TrailingStop(k / 2) for k in range(1, 5)]}
    plan = plan_sweep(market, **grid, keep=10, out="results/")
    assert plan.cells == 2000 * Grid.of(**grid).cells > 1_000_000_000
    edges = tiles.cut(Grid.of(**grid), [250] * 2000)
    assert plan.parts == len(edges) - 1
    assert max(stop - first for first, stop in pairwise(edges)) <= 1 << 21
    assert plan.cells < plan.disk < 80 * plan.cells
    assert not Path("results").exists()


PEAK = """
import sys
import engine
from engine.limits import peak_memory
from engine.sweeping.planning import plan_sweep

prices = engine.simulate(12, 1000, seed=1)
grid = range(1, 300), range(2, 600)
keep = None if sys.argv[2] == "all" else 100
out = None if sys.argv[2] == "all" else sys.argv[3]
if sys.argv[1] == "plan":
    print(plan_sweep(prices, *grid, keep=keep, out=out, workers=2).memory)
else:
    engine.sweep(prices, *grid, keep=keep, out=out, workers=2)
    print(peak_memory())
"""


@pytest.mark.skipif(limits.peak_memory() is None, reason="reads its peak memory from /proc")
@pytest.mark.parametrize("kept", ["best", "all"])
def test_the_memory_of_a_plan_is_that_of_the_sweep(tmp_path, kept):
    def ask(what):
        command = [sys.executable, "-c", PEAK, what, kept, f"{tmp_path}/results/"]
        return int(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)

    planned, taken = ask("plan"), ask("sweep")
    assert 0.9 < planned / taken < 1.4, (planned, taken)


def disk(free, files=100, more=50):
    """Give an os.statvfs of a disk with so many bytes free, that counts files."""
    return lambda _: SimpleNamespace(
        f_frsize=1, f_blocks=10**9, f_bfree=free, f_bavail=free, f_files=files, f_favail=more
    )


def test_what_does_not_fit_is_refused(tmp_path, monkeypatch):
    def refusals(**others):
        return plan_sweep(prices(), **{**GRID, "keep": 1, "out": f"{tmp_path}/a/b/", **others}).refusals

    assert refusals() == ()
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", disk(10_000))
        (line,) = refusals()
        assert line.startswith("the cells take 0.")
        assert f"and 0.0 MB is free in {tmp_path}" in line
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", disk(10**9, more=2))
        (line,) = refusals()
        assert "takes 2 more; name another place" in line
        patch.setattr(os, "statvfs", disk(10**9, files=0, more=0))  # of a disk that counts no files
        assert refusals() == ()
    with monkeypatch.context() as patch:
        patch.setattr(planning, "free_memory", lambda: 1000)
        assert any("of memory more, and 0.0 MB is free" in line for line in refusals(keep=None, out=None))


def run(*arguments):
    return CliRunner().invoke(app, ["sweep", "--plan", *[str(argument) for argument in arguments]])


def test_the_command(tmp_path, monkeypatch):
    grid = ["--fast", "5:40:5", "--slow", "30:90:10", "--stop", "none,2"]
    done = run(*grid, "--keep", 3, "--out", tmp_path / "results")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    cells = 2 * Grid.of(range(5, 41, 5), range(30, 91, 10)).cells * 2
    assert lines[0].startswith(f"This sweep has {cells} cells: 2 symbols, ")
    assert f"All cells go to the folder {tmp_path}/results as 1 part, 4 files in all, some " in lines[1]
    assert lines[-1].endswith("Nothing was written.")
    assert list(tmp_path.iterdir()) == []
    document = json.loads(run(*grid, "--keep", 3, "--out", tmp_path / "results", "--format", "json").stdout)
    assert (document["cells"], document["parts"], document["place"]) == (cells, 1, f"{tmp_path}/results")
    assert pd.read_csv(pd.io.common.StringIO(run(*grid, "--format", "csv").stdout))["cells"].tolist() == [cells]
    assert f"The size of {tmp_path}/x.csv is not estimated" in run(*grid, "--out", tmp_path / "x.csv").stdout
    assert f"All cells go to the file {tmp_path}/x.parquet, some" in run(*grid, "--out", tmp_path / "x.parquet").stdout
    assert "What judges luck" in run(*grid).stdout
    assert "What judges luck" not in run(*grid, "--no-luck").stdout
    refused = run("--cluster", "tcp://127.0.0.1:1", "--keep", 3)
    assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    monkeypatch.setattr(os, "statvfs", disk(10))
    refused = run(*grid, "--keep", 3, "--out", tmp_path / "results")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("error: the cells take ")
    assert refused.stdout.startswith("This sweep has ")
