"""Files of results: written whole or not at all, and read back as sweeps."""

from __future__ import annotations

import json
import os
import tempfile
import uuid
from contextlib import contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.errors import DataError, OutputError
from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.results.sweep import SweepTable
from engine.results.tables import INDEX, CellKeys
from engine.settings import Settings, TrailingStop

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["FORMAT", "KEY", "check_writable", "grid_of", "load_rows", "load_sweep", "replacing", "table_of"]

KEY = b"goldencross"
"""Where the description of a sweep is in the metadata of its file."""
FORMAT = 1


def check_writable(path: str | PathLike[str]) -> Path:
    """Make sure, before the work starts, that a file can be written.

    Raises
    ------
    OutputError
        The folder is missing or cannot be written, or the path is a folder.
    """
    target = Path(path)
    if target.is_dir():
        raise OutputError(f"cannot write {target}: it is a folder; name a file")
    if not target.parent.is_dir():
        raise OutputError(f"cannot write {target}: the folder {target.parent} does not exist")
    writable = os.access(target, os.W_OK) if target.exists() else True
    with suppress(OSError):
        with tempfile.TemporaryFile(dir=target.parent):
            pass
        if writable:
            return target
    raise OutputError(f"cannot write {target}: no permission, or the disk is full")


@contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[Path]:
    """Write to a temporary name beside the target and move it there when complete, so that a half-written result is never read.

    Raises
    ------
    OutputError
    """
    target = check_writable(path)
    # Another machine may write the same part of a sweep, and its process may have our number.
    partial = target.with_name(f".{target.name}.{os.getpid()}-{uuid.uuid4().hex[:8]}.partial")
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def load_sweep(path: str | PathLike[str]) -> SweepTable:
    """Read what ``SweepTable.save`` or a streamed sweep wrote; see ``engine.SweepResult.load``."""
    if Path(path).is_dir():
        from engine.results.gathering import load_folder  # noqa: PLC0415  it imports from here

        return load_folder(Path(path))
    try:
        with pq.ParquetFile(Path(path)) as file:
            return _read(path, file)
    except FileNotFoundError:
        raise DataError(f"no such file: {path}") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is not a Parquet file: {str(error).splitlines()[0]}") from error


def load_rows(path: str | PathLike[str]) -> Iterator[NDArray[np.float64]]:
    """Read the metrics of cells, a batch at a time: float64 (n, metrics) each, in the order of the file."""
    with pq.ParquetFile(Path(path)) as file:
        for batch in file.iter_batches(columns=list(METRICS)):
            yield _metrics(batch)


def _metrics(batch: pa.RecordBatch) -> NDArray[np.float64]:
    """Give the metrics of a batch, float64 (n, metrics); what is missing is nan."""
    values = np.empty((len(batch), len(METRICS)))
    for i, name in enumerate(METRICS):
        values[:, i] = batch[name].to_numpy(zero_copy_only=False)
    return values


def _read(path: str | PathLike[str], file: pq.ParquetFile) -> SweepTable:
    """Read a sweep batch by batch, so that only one copy of it is in memory; cells that an interrupt left out are nan."""
    about = _about(path, file.metadata.metadata or {})
    symbols, grid = tuple(about["symbols"]), grid_of(about)
    rows, cells = file.metadata.num_rows, len(symbols) * grid.cells
    whole = rows == cells if about["finished"] else rows <= cells
    if not whole or not set(file.schema_arrow.names).issuperset([*INDEX, *METRICS]):
        raise DataError(f"{path} has not the rows and columns of its sweep; read a file as goldencross wrote it")
    values = np.full((cells, len(METRICS)), np.nan)
    start, keys = 0, CellKeys(grid)
    for batch in file.iter_batches(columns=[*INDEX, *METRICS]):
        if not _follows(batch, symbols, grid.cells, keys, start):
            raise DataError(f"{path} has not its cells in their order; read a file as goldencross wrote it")
        values[start : start + len(batch)] = _metrics(batch)
        start += len(batch)
    return table_of(about, values)


def grid_of(about: Mapping[str, Any]) -> Grid:
    """Read the grid out of the description of a sweep."""
    stops = tuple(TrailingStop(**stop) if stop else None for stop in about["stops"])
    pairs = about["pairs"]
    if isinstance(pairs, dict):  # of a folder
        return Grid.of(pairs["fast"], pairs["slow"], stops)
    return Grid(tuple((fast, slow) for fast, slow in pairs), stops)


def table_of(about: Mapping[str, Any], values: NDArray[np.float64]) -> SweepTable:
    """Join the description of a sweep with its metrics, float64 (cells, metrics)."""
    symbols, grid = tuple(about["symbols"]), grid_of(about)
    return SweepTable(
        symbols=symbols,
        grid=grid,
        values=values.reshape(len(symbols), len(grid.pairs), len(grid.stops), len(METRICS)),
        held=np.asarray(about["buy_and_hold"], dtype=np.float64),
        left_out=about["left_out"],
        too_short=about["too_short"],
        settings=Settings.from_dict(about["settings"]),
        source=about["prices"],
        finished=about["finished"],
        account=about.get("account"),
    )


def _follows(batch: pa.RecordBatch, symbols: tuple[str, ...], cells: int, keys: CellKeys, start: int) -> bool:
    """Tell whether the rows of a batch are the cells from ``start`` on; ``cells`` is their number for each symbol."""
    symbol, place = np.divmod(np.arange(start, start + len(batch)), cells)
    names = batch["symbol"]
    named = pc.index_in(names, pa.array(symbols, names.type)).to_numpy(zero_copy_only=False)
    expected = keys.of(place)
    return np.array_equal(named, symbol) and all(
        np.array_equal(batch[key].to_numpy(), expected[key]) for key in expected
    )


def _about(path: str | PathLike[str], metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """Read the description of a sweep out of the metadata of a file."""
    raw = metadata.get(KEY)
    if raw is None:
        raise DataError(f"{path} is a Parquet file, but not a sweep saved by goldencross")
    about: dict[str, Any] = json.loads(raw)
    if "part" in about:
        raise DataError(f"{path} is one part of a sweep; read the folder that it is in")
    if about["format"] != FORMAT:
        raise DataError(
            f"{path} has format {about['format']} of goldencross {about['version']}; this one reads {FORMAT}"
        )
    return about
