"""A sweep into a folder of parts: the same as in one go, whatever stopped it in between, and never mixed with another sweep."""

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import engine
from engine.cli.app import app
from engine.grid import Grid
from engine.results.parts import DONE, MANIFEST, read_done, read_manifest, tiles_of
from engine.results.storage import grid_of, load_sweep
from engine.sweeping import folder, tiles
from tests.parts_child import GRID, KEPT, prices, small_tiles

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def full():
    return engine.sweep(prices(), **GRID)


@pytest.fixture(scope="module")
def one():
    """The same in one go, without a folder."""
    return engine.sweep(prices(), **GRID, **KEPT)


def into(out, **others):
    with small_tiles():
        return engine.sweep(prices(), **{**GRID, **KEPT, "out": f"{out}/", **others})


def assert_same(found, one):
    pd.testing.assert_frame_equal(found.to_frame(), one.to_frame(), check_exact=True)
    assert found.pool == one.pool
    pd.testing.assert_series_equal(found.buy_and_hold, one.buy_and_hold, check_exact=True)
    for name in ("symbols", "grid", "settings", "digest", "left_out", "too_short", "finished", "looped"):
        assert getattr(found, name) == getattr(one, name), name


def parts_of(out):
    return sorted(path.name for path in out.glob("part-*.parquet"))


def computed(out, **others):
    """Sweep, and say which tiles were computed."""
    ran = []

    def run(work, tile, histories):
        ran.append(tile.first)
        return tiles.compute_tile(work, tile, histories)

    with mock.patch.object(folder, "compute_tile", run):
        return into(out, **others), sorted(ran)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_folder_is_one_sweep(tmp_path, one, full, workers):
    out = tmp_path / "results"
    found, ran = computed(out, workers=workers)
    assert_same(found, one)
    assert found.path == out
    assert len(ran) == len(parts_of(out)) > 15
    frame = pd.read_parquet(out)  # any reader sees one table
    frame["symbol"] = frame["symbol"].astype("str")
    pd.testing.assert_frame_equal(frame, full.to_frame().reset_index(), check_exact=True)
    assert read_manifest(out)["finished"]
    assert [done.stop for done in sorted(read_done(out))] == read_manifest(out)["edges"][1:]


def test_what_is_done_is_read_and_not_computed(tmp_path, one, full):
    found, ran = computed(tmp_path)
    assert_same(found, one)
    assert ran
    again, none = computed(tmp_path)
    assert none == []
    assert_same(again, one)
    other, none = computed(tmp_path, keep=3, metric="sharpe")  # what is kept is no matter of the parts
    assert none == []
    pd.testing.assert_frame_equal(other.to_frame(), full.best("sharpe", k=3), check_exact=True)


def test_other_tiles_do_not_matter_to_a_folder_that_has_its_own(tmp_path, one):
    into(tmp_path)
    (tmp_path / parts_of(tmp_path)[3]).unlink()
    found = engine.sweep(prices(), **GRID, **KEPT, out=tmp_path)
    assert_same(found, one)


@pytest.mark.parametrize("damage", ["gone", "cut", "changed", "unlisted", "torn line", "other part", "half-written"])
def test_no_part_is_read_that_is_not_as_it_was_written(tmp_path, one, damage):
    into(tmp_path)
    path = tmp_path / parts_of(tmp_path)[4]
    first = int(path.stem.removeprefix("part-"))
    lines = (tmp_path / DONE).read_text().splitlines()
    mine = next(line for line in lines if json.loads(line)["first"] == first)
    others = [line for line in lines if line != mine]
    expected = [first]
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    elif damage == "changed":
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(bytes(data))
    elif damage == "unlisted":
        (tmp_path / DONE).write_text("\n".join(others) + "\n")
    elif damage == "torn line":
        (tmp_path / DONE).write_text("\n".join([*others, mine[:-5]]))
    elif damage == "other part":
        path.write_bytes((tmp_path / parts_of(tmp_path)[5]).read_bytes())
    else:
        (tmp_path / f".{path.name}.1-abc.partial").write_text("half")
        expected = []
    found, ran = computed(tmp_path)
    assert ran == expected
    assert_same(found, one)
    assert {done.first for done in read_done(tmp_path)} == {json.loads(line)["first"] for line in lines}
    assert not list(tmp_path.glob("*.partial")) + list(tmp_path.glob(".*.partial"))
    assert computed(tmp_path)[1] == []


def start(out, pause=0, most=0):
    command = [sys.executable, "-m", "tests.parts_child", out, str(pause), str(most)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def wait_for(out, parts, child):
    until = time.monotonic() + 60
    while len(list(read_done(out))) < parts:
        assert child.poll() is None, child.stderr.read()
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_was_killed_goes_on(tmp_path, one, how):
    child = start(tmp_path / "results", pause=50)
    wait_for(tmp_path / "results", 4, child)
    child.send_signal(how)
    _, said = child.communicate(timeout=60)
    assert child.returncode != 0
    assert ("interrupted, finished is False" in said) == (how == signal.SIGINT)
    known = {done.first for done in read_done(tmp_path / "results")}
    found, ran = computed(tmp_path / "results")
    edges = read_manifest(tmp_path / "results")["edges"]
    assert 4 <= len(known) < len(edges) - 1
    assert ran == [first for first in edges[:-1] if first not in known]
    assert_same(found, one)


def test_a_disk_that_cannot_hold_a_part(tmp_path, one):
    """No file can grow beyond some kilobytes, as on a disk that is nearly full: one sentence, and later the sweep goes on."""
    whole = into(tmp_path / "whole")
    sizes = sorted(path.stat().st_size for path in (tmp_path / "whole").glob("part-*"))
    most = sizes[len(sizes) // 2]
    assert sizes[0] < most < sizes[-1]
    assert whole.finished
    child = start(tmp_path / "results", most=most)
    _, said = child.communicate(timeout=60)
    assert child.returncode == 1
    assert re.fullmatch(r"error: cannot write \S+part-\d+\.parquet: .*File too large.*\n", said), said
    assert not list((tmp_path / "results").glob(".*.partial"))
    assert not read_manifest(tmp_path / "results")["finished"]
    assert_same(into(tmp_path / "results"), one)


@pytest.mark.parametrize("full_at", ["a part", "the list"])
def test_a_full_disk_amid_the_sweep(tmp_path, one, full_at):
    writes = iter(range(1000))
    write_table, opened = pq.ParquetWriter.write_table, Path.open

    def require_room():
        if next(writes) >= 5:
            raise OSError(28, "No space left on device")

    def write(*arguments, **others):
        require_room()
        return write_table(*arguments, **others)

    def append(path, mode="r", **others):
        if path.name == DONE and mode == "a":
            require_room()
        return opened(path, mode, **others)

    failing = mock.patch.object(pq.ParquetWriter, "write_table", write), mock.patch.object(Path, "open", append)
    with pytest.raises(engine.OutputError, match="No space left on device") as caught, failing[full_at == "the list"]:
        into(tmp_path, workers=2)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob(".*.partial"))
    known = list(read_done(tmp_path))
    assert len(known) == 5
    found, ran = computed(tmp_path)
    assert_same(found, one)
    assert len(ran) == len(read_manifest(tmp_path)["edges"]) - 1 - 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"capital": 5.0}, "its capital is 100000.0, this one's 5.0"),
        ({"costs": engine.Costs(rate=0.001)}, "its costs is .*0.001"),
        ({"fill": "close"}, 'its fill is "next_open", this one\'s "close"'),
        ({"fast": range(2, 40, 4)}, "its grid has other pairs: 256, this one "),
        ({"stop": (None, engine.TrailingStop(2.5))}, "its grid has other stops: 2, this one 2"),
    ],
)
def test_another_sweep_is_refused(tmp_path, one, change, words):
    into(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(engine.InputError, match=f"has another sweep: {words}") as caught:
        into(tmp_path, **change)
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert_same(into(tmp_path), one)


def test_other_prices_are_refused(tmp_path):
    into(tmp_path)
    some = prices()
    close = some["SIM003"].close.copy()
    close[-1] = np.nextafter(close[-1], 0)
    bars = {
        name: getattr(some["SIM003"], name) for name in ("symbol", "dates", "open", "high", "low", "volume", "currency")
    }
    changed = engine.Prices.from_histories(
        [*[some[s] for s in some if s != "SIM003"], engine.History(**bars, close=close)]
    )
    for others, words in (
        (changed.select(some.symbols), "the prices of SIM003 were others;"),
        (prices(seed=4), "the prices of SIM001 were others, and of 4 more symbols;"),
        (some.select(["SIM001", "SIM002"]), "it has 5 symbols, this one 2, and SIM003 is only in one of them;"),
        (some.select(some.symbols[::-1]), "it has 5 symbols, this one 5, and their order differs;"),
    ):
        with pytest.raises(engine.InputError, match=words):
            engine.sweep(others, **GRID, **KEPT, out=tmp_path)


def test_other_kernels_are_refused(tmp_path):
    into(tmp_path)
    with (
        mock.patch("engine.results.parts.kernels_stamp", return_value="0123"),
        pytest.raises(engine.InputError, match=r"begun by goldencross .* with kernels"),
    ):
        into(tmp_path)
    manifest = read_manifest(tmp_path)
    (tmp_path / MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(engine.DataError, match="has format 99; this goldencross reads 2"):
        into(tmp_path)
    (tmp_path / MANIFEST).write_text("{")
    with pytest.raises(engine.DataError, match="cannot be read"):
        into(tmp_path)


def test_a_folder_of_the_first_format_is_read_but_not_gone_on_with(tmp_path, full):
    into(tmp_path)
    manifest = read_manifest(tmp_path)
    pairs = [list(pair) for pair in full.grid.pairs]
    assert len(json.dumps(manifest["pairs"])) < len(json.dumps(pairs)) / 10
    first = {**manifest, "format": 1, "pairs": pairs, "identity": {**manifest["identity"], "pairs": pairs}}
    (tmp_path / MANIFEST).write_text(json.dumps(first))
    loaded = engine.SweepResult.load(tmp_path)
    assert loaded.grid.pairs == full.grid.pairs
    pd.testing.assert_frame_equal(loaded.to_frame(), full.to_frame(), check_exact=True)
    with pytest.raises(engine.InputError, match=r"has format 1 of goldencross .* can be read but not gone on with"):
        into(tmp_path)


@pytest.mark.parametrize("left", [False, True])
def test_pairs_are_named_so_that_they_come_back(left):
    whole = Grid.of(range(2, 30, 3), range(4, 40, 5))
    some = Grid(tuple(pair for pair in whole.pairs if pair not in {(2, 9), (5, 14)}) if left else whole.pairs)
    assert isinstance(some.describe(), list) == left
    assert grid_of(json.loads(json.dumps({"pairs": some.describe(), "stops": [None]}))) == some


def test_folders_that_are_not_ours_are_refused(tmp_path):
    (tmp_path / "holiday.jpg").write_text("sea")
    with pytest.raises(
        engine.OutputError, match=r"has other files, such as holiday\.jpg; name a new or an empty folder"
    ):
        into(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(engine.OutputError, match="cannot write to the folder"):
        engine.sweep(prices(), 5, 20, keep=1, out=f"{tmp_path}/file/")
    with pytest.raises(engine.InputError, match="give keep as well"):
        engine.sweep(prices(), 5, 20, out=f"{tmp_path}/new/")


def test_one_process_at_a_time(tmp_path):
    child = start(tmp_path / "results", pause=200)
    try:
        wait_for(tmp_path / "results", 1, child)
        with pytest.raises(engine.OutputError, match="another process is sweeping into"):
            into(tmp_path / "results")
    finally:
        child.kill()
        child.communicate()


def test_a_part_says_that_it_is_one(tmp_path):
    into(tmp_path)
    with pytest.raises(engine.DataError, match="is one part of a sweep; read the folder that it is in"):
        load_sweep(tmp_path / parts_of(tmp_path)[0])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 6000), min_size=1, max_size=12),
    st.integers(1, 40),
    st.integers(2, 60),
    st.integers(1, 3),
    st.integers(1, 10**6),
)
def test_tiles_cover_the_sweep(bars, fasts, slows, stops, most):
    """Every cell once; whole symbols, or whole fast windows of one symbol."""
    grid = Grid.of(range(1, fasts + 1), range(2, slows + 1), [engine.TrailingStop(k + 1.0) for k in range(stops)])
    with mock.patch.multiple(tiles, _MOST_WORK=most, _LEAST_WORK=min(most, 1000)):
        edges = tiles.cut(grid, bars)
    cells = grid.cells
    assert edges == sorted(set(edges))
    assert (edges[0], edges[-1]) == (0, cells * len(bars))
    for first, stop in tiles_of({"edges": edges}):
        if first // cells != (stop - 1) // cells:
            assert first % cells == stop % cells == 0
        else:
            for edge in (first % cells, stop % cells):
                assert edge % stops == 0
                assert edge == 0 or grid.pairs[edge // stops][0] != grid.pairs[edge // stops - 1][0]


def test_the_command(tmp_path, full):
    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    prices().select(["SIM001", "SIM002"])
    (tmp_path / "prices").mkdir()
    for symbol, frame in prices().to_frames().items():
        frame.to_csv(tmp_path / "prices" / f"{symbol}.csv")
    grid = ["--fast", "2:39:3", "--slow", "5:199:9", "--stop", "none,2", "--metric", "calmar", "--no-luck"]
    command = ["sweep", tmp_path / "prices", *grid, "--out", f"{tmp_path}/results/"]
    refused = run(*command)
    assert refused.exit_code == 2
    assert "a folder gets the cells of a sweep that keeps only the best; give --keep 10, too" in refused.stderr
    done = run(*command, "--keep", "7")
    assert done.exit_code == 0, done.output
    assert f"All cells were written to {tmp_path}/results.\n" in done.stdout
    assert len(pd.read_parquet(tmp_path / "results")) == len(full)
    again = run(*command, "--keep", "7")
    assert [line.split(" computed in ")[0] for line in again.stdout.splitlines()] == [
        line.split(" computed in ")[0] for line in done.stdout.splitlines()
    ]
    other = run(*command, "--keep", "7", "--fill", "close")
    assert other.exit_code == 2
    assert other.stderr.count("\n") == 1
    assert "has another sweep: its fill is" in other.stderr
