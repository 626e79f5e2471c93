"""Sweeps in constant memory: the kept cells, the counts and the streamed file are those of the full table, however the cells come."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DataError, InputError, OutputError
from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.results import counting, reduced, storage, stream
from engine.results.reduced import Pool, Reducer
from engine.results.stream import CellWriter, describe
from engine.results.sweep import SweepTable
from engine.results.tables import COUNTS, INDEX
from engine.settings import Settings, TrailingStop

ROOT = Path(__file__).parent.parent
RESOLUTION = 2.0**-11


def table_of(values, held=None):
    """Wrap values (symbols, pairs, stops, metrics) as a full table; the counts among the metrics become whole numbers."""
    symbols, pairs, stops, _ = values.shape
    for name in COUNTS:
        column = values[..., METRICS.index(name)]
        column[...] = np.abs(np.round(column))
    names = tuple(f"S{9 - i}" for i in range(symbols))  # not in the order of the alphabet
    grid = Grid(
        tuple((2 + i // 5, 10 + i % 5) for i in range(pairs)),
        (None, *(TrailingStop(1.0 + i) for i in range(stops - 1))),
    )
    return SweepTable(
        symbols=names,
        grid=grid,
        values=values,
        held=np.zeros(symbols) if held is None else np.asarray(held, dtype=np.float64),
        left_out={"GONE": "GONE has 3 bars, fewer than the slow window of every pair"},
        too_short={},
        settings=Settings(),
        source="abc",
    )


def random_table(symbols=3, pairs=400, stops=2, seed=0):
    """Metrics with two decimals, so that many are equal; some cells not run, some metrics not defined."""
    rng = np.random.default_rng(seed)
    values = np.round(rng.normal(size=(symbols, pairs, stops, METRIC_COUNT)), 2)
    values[rng.random(values.shape) < 0.05] = np.nan
    values[rng.random(values.shape[:-1]) < 0.1] = np.nan
    return table_of(values, np.round(rng.normal(size=symbols), 2))


def pieces(table, length):
    """Cut a table as a sweep delivers it, each piece in the same array."""
    buffer = np.empty_like(table.values[0, :length])
    for symbol, values in enumerate(table.values):
        for first in range(0, len(values), length):
            part = buffer[: len(values[first : first + length])]
            part[...] = values[first : first + length]
            yield symbol, first, part
            buffer[...] = 99.0


def reduce(table, metric, keep, length):
    reducer = Reducer(table.symbols, table.grid, table.held, metric, keep)
    for piece in pieces(table, length):
        reducer.add(*piece)
    return reducer


def result_of(reducer, table):
    names = ("left_out", "too_short", "settings", "digest", "finished")
    return reducer.result(**{name: getattr(table, name) for name in names})


def middle_two(values):
    values = np.sort(values[~np.isnan(values)])
    return values[[(len(values) - 1) // 2, len(values) // 2]] if len(values) else np.array([np.nan, np.nan])


def assert_same(table, metric, keep, length):
    reducer = reduce(table, metric, keep, length)
    pd.testing.assert_frame_equal(reducer.cells, table.best(metric, "symbol", keep), check_exact=True)
    exact, about = Pool.of(table, metric), reducer.pool
    assert exact.exact
    assert not about.exact
    assert about.cells == exact.cells
    np.testing.assert_equal(
        (about.made_money, about.beat_holding), (exact.made_money, exact.beat_holding)
    )  # nan equals nan here
    low, high = middle_two(table.values[..., METRICS.index(metric)])
    assert exact.median == (low + high) / 2 or np.isnan([exact.median, low]).all()
    room = RESOLUTION * (abs(low) + abs(high)) / 2
    assert (
        abs(about.median - exact.median) <= room * (1 + 1e-9) or np.isnan(exact.median) == np.isnan(about.median) == 1
    )


numbers = st.one_of(
    st.sampled_from([np.nan, -1.0, -0.5, -0.0, 0.0, 0.5, 1.0, 2.0]),
    st.floats(-1e6, 1e6, allow_subnormal=False, allow_nan=False),
)


@st.composite
def tables(draw):
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 2)))
    size = int(np.prod(shape))
    column = draw(st.lists(numbers, min_size=size, max_size=size))
    returns = draw(st.lists(numbers, min_size=size, max_size=size))
    values = np.repeat(np.array(column).reshape(shape)[..., None], METRIC_COUNT, axis=-1)
    values[..., METRICS.index("total_return")] = np.array(returns).reshape(shape)
    values[np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size))).reshape(shape)] = np.nan
    return table_of(values, np.array(draw(st.lists(numbers, min_size=shape[0], max_size=shape[0]))))


@settings(max_examples=100, deadline=None)
@given(tables(), st.sampled_from(METRICS), st.integers(1, 20), st.integers(1, 9), st.integers(1, 7))
def test_reduced_is_what_the_full_table_says(table, metric, keep, length, block):
    with mock.patch.object(reduced, "_BLOCK", block):
        assert_same(table, metric, keep, length)


@pytest.mark.parametrize("metric", ["sharpe", "trades", "max_drawdown"])
@pytest.mark.parametrize("keep", [1, 7, 100, 5000])
def test_the_cuts_do_not_matter(metric, keep):
    table = random_table()
    with mock.patch.object(reduced, "_BLOCK", 64):
        for length in (1, 30, 400):
            assert_same(table, metric, keep, length)


def test_rising_numbers_displace_each_other():
    values = np.zeros((1, 3000, 1, METRIC_COUNT)) + np.arange(3000.0)[None, :, None, None]
    with mock.patch.object(reduced, "_BLOCK", 16):
        assert_same(table_of(values), "sharpe", 5, 100)
        assert_same(table_of(-values), "sharpe", 5, 100)


def test_symbols_without_any_cell():
    for lost in (1, slice(None)):
        table = random_table()
        table.values[lost] = np.nan
        assert_same(table, "sharpe", 3, 50)
    empty = Reducer(table.symbols, table.grid, np.zeros(3), "sharpe", 3)
    assert empty.cells.empty
    assert empty.pool.cells == 0
    assert np.isnan([empty.pool.median, empty.pool.made_money, empty.pool.beat_holding]).all()


def test_a_reduced_sweep_answers_like_the_full_one():
    table = random_table()
    found = result_of(reduce(table, "sharpe", 5, 100), table)
    assert repr(found) == "<ReducedSweep 3 symbols x 800 cells, best 5 of each by sharpe>"
    assert len(found) == len(table) == 2400
    pd.testing.assert_frame_equal(found.to_frame(), table.best("sharpe", k=5), check_exact=True)
    pd.testing.assert_series_equal(found.buy_and_hold, table.buy_and_hold)
    for per in ("symbol", "all"):
        for k in (1, 2, 5):
            pd.testing.assert_frame_equal(found.best(None, per, k), table.best("sharpe", per, k), check_exact=True)
    assert found.stop_of(14, 1.0) == table.stop_of(14, 1.0) == TrailingStop(1.0)
    assert found.stop_of(0, 0.0) is None
    assert not hasattr(found, "values")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"metric": "calmar"}, "kept its best cells by sharpe; sweep again with metric='calmar'"),
        ({"metric": "luck"}, "there is no metric 'luck'"),
        ({"k": 6}, "k is 6, but the sweep kept 5 for each symbol; sweep again with keep=6"),
        ({"k": 0}, "k is 0"),
        ({"k": "2"}, "k is '2'"),
        ({"per": "sector"}, "per is 'sector'"),
    ],
)
def test_what_was_not_kept_is_refused(arguments, message):
    table = random_table(pairs=20)
    found = result_of(reduce(table, "sharpe", 5, 20), table)
    with pytest.raises(InputError, match=message):
        found.best(**arguments)
    with pytest.raises(InputError, match="no stop with ATR window 9"):
        found.stop_of(9, 2.0)


@pytest.mark.parametrize(
    ("metric", "keep"), [("luck", 1), ("sharpe", 0), ("sharpe", -1), ("sharpe", 1.5), ("sharpe", True)]
)
def test_a_reducer_refuses_what_makes_no_sense(metric, keep):
    with pytest.raises(InputError, match="luck" if metric == "luck" else f"keep is {keep}; it must be"):
        Reducer(("A",), Grid(((2, 5),)), np.zeros(1), metric, keep)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 0.7, 1e5, 1e300])
@pytest.mark.parametrize("size", [1, 2, 1000, 1001])
def test_the_histogram_keeps_its_resolution(scale, size):
    values = np.random.default_rng(size).normal(0.1, 1, size=size) * scale
    histogram = counting.Histogram()
    for part in np.array_split(values, 3):
        histogram.add(part)
    low, high = middle_two(values)
    assert abs(histogram.median - (low + high) / 2) <= RESOLUTION * (abs(low) + abs(high)) / 2


def test_the_histogram_is_exact_for_counts():
    for numbers_in, median in (
        ([0.0, 0.0, 7.0], 0.0),
        ([3.0, 2048.0], 1025.5),
        ([-np.inf, 5.0, np.inf, np.nan], 5.0),
        ([-2.0, -1.0, -0.0], -1.0),
    ):
        histogram = counting.Histogram()
        histogram.add(np.array(numbers_in))
        assert histogram.median == median


def about(table):
    names = ("symbols", "grid", "held", "left_out", "too_short", "settings", "digest")
    return describe(**{name: getattr(table, name) for name in names})


def write(table, path, length, *, finished=True, cells=None):
    with CellWriter(path, table.symbols, table.grid, about(table)) as writer:
        for number, piece in enumerate(pieces(table, length)):
            if number == cells:
                break
            writer.add(*piece)
        writer.close(finished)


def assert_tables_equal(found, expected):
    assert np.array_equal(found.values, expected.values, equal_nan=True)
    pd.testing.assert_frame_equal(found.to_frame(), expected.to_frame(), check_exact=True)
    pd.testing.assert_series_equal(found.buy_and_hold, expected.buy_and_hold)
    for name in ("symbols", "grid", "left_out", "too_short", "settings", "digest", "finished"):
        assert getattr(found, name) == getattr(expected, name), name


def test_a_streamed_file_is_the_saved_file(tmp_path):
    table = random_table()
    table.save(tmp_path / "saved.parquet")
    saved = pq.ParquetFile(tmp_path / "saved.parquet")
    with mock.patch.object(stream, "_ROWS", 700), mock.patch.object(stream, "_BLOCK", 64):
        for length in (1, 33, 400):
            write(table, tmp_path / "streamed.parquet", length)
            streamed = pq.ParquetFile(tmp_path / "streamed.parquet")
            assert streamed.read().equals(saved.read(), check_metadata=True)
            assert streamed.metadata.metadata == saved.metadata.metadata
            groups = [streamed.metadata.row_group(i).num_rows for i in range(streamed.num_row_groups)]
            assert groups == [700, 700, 700, 300]
            assert_tables_equal(storage.load_sweep(tmp_path / "streamed.parquet"), table)
    assert_tables_equal(storage.load_sweep(tmp_path / "saved.parquet"), table)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["saved.parquet", "streamed.parquet"]


def test_other_readers_see_the_table(tmp_path):
    table = random_table(pairs=30)
    table.save(tmp_path / "cells.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "cells.parquet"), table.to_frame().reset_index())
    plain = pq.ParquetFile(tmp_path / "cells.parquet").schema_arrow
    assert plain.names == [*INDEX, *METRICS]
    assert [str(plain.field(name).type) for name in ("symbol", "fast", "multiple", "sharpe", "trades")] == [
        "string", "int64", "double", "double", "int64",
    ]  # fmt: skip


def old_file(table, path):
    """Write a table as version 0.1.0 did before there was a CellWriter."""
    described = {**about(table), "finished": table.finished}
    described["stops"] = [asdict(stop) if stop else None for stop in table.grid.stops]
    cells = pa.Table.from_pandas(table.to_frame().reset_index(), preserve_index=False)
    cells = cells.replace_schema_metadata({**cells.schema.metadata, b"goldencross": json.dumps(described).encode()})
    pq.write_table(cells, path)


def test_files_of_the_first_form_are_read(tmp_path):
    table = random_table(pairs=60)
    old_file(table, tmp_path / "old.parquet")
    assert_tables_equal(storage.load_sweep(tmp_path / "old.parquet"), table)


@pytest.mark.parametrize("reached", [0, 1, 5, 7])
def test_an_interrupted_file_has_what_was_done(tmp_path, reached):
    table = random_table()
    with mock.patch.object(stream, "_ROWS", 150):
        write(table, tmp_path / "cells.parquet", 100, finished=False, cells=reached)
    assert pq.ParquetFile(tmp_path / "cells.parquet").metadata.num_rows == reached * 200
    found = storage.load_sweep(tmp_path / "cells.parquet")
    assert not found.finished
    flat, expected = found.values.reshape(-1, METRIC_COUNT), table.values.reshape(-1, METRIC_COUNT)
    assert np.array_equal(flat[: reached * 200], expected[: reached * 200], equal_nan=True)
    assert np.isnan(flat[reached * 200 :]).all()


def test_a_block_without_close_is_not_finished(tmp_path):
    table = random_table(pairs=20)
    with CellWriter(tmp_path / "cells.parquet", table.symbols, table.grid, about(table)) as writer:
        for piece in pieces(table, 20):
            writer.add(*piece)
    assert not storage.load_sweep(tmp_path / "cells.parquet").finished


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_error_leaves_what_was_there(tmp_path, monkeypatch, error):
    path = tmp_path / "cells.parquet"
    path.write_text("yesterday")
    table = random_table(pairs=20)
    monkeypatch.setattr(CellWriter, "close", mock.Mock(side_effect=error))
    with pytest.raises(error):
        write(table, path, 20)
    assert path.read_text() == "yesterday"
    assert [file.name for file in tmp_path.iterdir()] == ["cells.parquet"]


@pytest.mark.parametrize("rows", [10, 1 << 10])  # the disk is full during add, and during close
def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch, rows):
    monkeypatch.setattr(stream, "_ROWS", rows)
    monkeypatch.setattr(pq.ParquetWriter, "write_table", mock.Mock(side_effect=OSError(28, "No space left on device")))
    table = random_table(pairs=20)
    with pytest.raises(OutputError, match=r"cannot write .*cells\.parquet: No space left on device"):
        write(table, tmp_path / "cells.parquet", 20)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_refused_before_the_work(tmp_path):
    table = random_table(pairs=20)
    for path, message in ((tmp_path / "none" / "cells.parquet", "does not exist"), (tmp_path, "it is a folder")):
        with pytest.raises(OutputError, match=message):
            CellWriter(path, table.symbols, table.grid, about(table))


def test_a_gap_is_a_defect(tmp_path, monkeypatch):
    table = random_table(pairs=20)
    gap = [(0, 0, table.values[0]), (1, 1, table.values[1, 1:])]
    monkeypatch.setitem(globals(), "pieces", lambda *_: gap)
    with pytest.raises(ValueError, match="the next cell is 40, not 42"):
        write(table, tmp_path / "cells.parquet", 20)


@pytest.mark.parametrize(
    "change",
    [
        lambda cells: cells.slice(0, 10),
        lambda cells: pa.concat_tables([cells, cells]),
        lambda cells: cells.take(list(range(len(cells)))[::-1]),
        lambda cells: cells.set_column(0, "symbol", pa.array(["S8"] * len(cells))),
        lambda cells: cells.drop_columns(["sharpe"]),
    ],
)
def test_a_changed_file_is_refused(tmp_path, change):
    table = random_table(pairs=20)
    table.save(tmp_path / "cells.parquet")
    cells = pq.ParquetFile(tmp_path / "cells.parquet")
    key = {b"goldencross": cells.metadata.metadata[b"goldencross"]}
    pq.write_table(change(cells.read()).replace_schema_metadata(key), tmp_path / "changed.parquet")
    with pytest.raises(DataError, match="read a file as goldencross wrote it"):
        storage.load_sweep(tmp_path / "changed.parquet")


MEMORY = """
import sys
import numpy as np
from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT
from engine.results.reduced import Reducer
from engine.results.stream import CellWriter, describe
from engine.settings import Settings, TrailingStop

def peak():
    return next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))

grid = Grid(tuple((2 + i // 250, 300 + i % 250) for i in range(62500)), (None, *map(TrailingStop, (1.0, 2.0, 3.0))))
symbols = [f"S{i:02d}" for i in range(40)]
values = np.random.default_rng(0).normal(size=(62500, 4, METRIC_COUNT))
values[..., [-1, 7]] = 3.0
about = describe(symbols, grid, np.zeros(40), {}, {}, Settings(), "abc")
before = peak()
reducer = Reducer(symbols, grid, np.zeros(40), "sharpe", 10)
with CellWriter(sys.argv[1], symbols, grid, about) as writer:
    for symbol in range(40):
        reducer.add(symbol, 0, values)
        if symbol < 10:
            writer.add(symbol, 0, values)
    writer.close(finished=False)
assert reducer.pool.cells == 10_000_000 and len(reducer.cells) == 400
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads its peak memory from /proc")
def test_ten_million_cells_take_no_memory(tmp_path):
    # 10 million cells are 1040 MB of metrics, the 2.5 million that are written 260 MB. What stays is a row group on its way to the file, the
    # counts and the best: measured 148 MB for any number of cells, 24 MB of it without a file.
    command = [sys.executable, "-c", MEMORY, tmp_path / "cells.parquet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 220
