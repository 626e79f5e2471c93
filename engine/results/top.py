"""The best cells of a file or a folder of results, found batch by batch: memory does not grow with the results."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.errors import DataError, InputError
from engine.kernels.metrics import METRICS
from engine.results.counting import highest
from engine.results.parts import MANIFEST, read_done, read_manifest
from engine.results.tables import COUNTS, INDEX

__all__ = ["Top", "top"]


@dataclass(frozen=True, eq=False)
class Top:
    """The best cells of some results.

    Attributes
    ----------
    cells : DataFrame
        Columns of ``SweepTable.to_frame``, with its index as columns; best first, of equal ones the first in the order of the results.
    metric : str
    looked_at : int
        Cells in the results.
    expected : int or None
        Cells of the whole sweep; more than ``looked_at`` if it has not come to its end, None if that is not known.
    """

    cells: pd.DataFrame
    metric: str
    looked_at: int
    expected: int | None


def top(path: str | PathLike[str], metric: str = "sharpe", k: int = 20) -> Top:
    """Find the cells with the highest value of a metric, without loading the table.

    Parameters
    ----------
    path : path
        A Parquet file of a sweep, or a folder of parts.
    metric : str
        Any metric; every one of them is the better the higher it is.
    k : int
        How many, at least 1.

    Raises
    ------
    InputError
        No such metric, or ``k`` makes no sense.
    DataError
        There are no results, a file of them is damaged, or has other columns.
    """
    if metric not in METRICS:
        raise InputError(f"there is no metric {metric!r}; it must be one of: {', '.join(METRICS)}")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise InputError(f"k is {k!r}; it must be a whole number, 1 or more")
    files, expected = _files_of(Path(path))
    kept: pa.Table | None = None
    looked_at = 0
    for file, group, found in _groups(files, metric):
        looked_at += len(found)
        values = pc.cast(found, pa.float64()).to_numpy(zero_copy_only=False)
        least = -np.inf if kept is None or len(kept) < k else pc.min(kept[metric]).as_py()
        able = np.flatnonzero(values > least if np.isfinite(least) else ~np.isnan(values))
        able = able[highest(values[able], k)]
        if len(able):
            rows = file.read_row_group(group, columns=[*INDEX, *METRICS]).take(pa.array(able))
            kept = _plain(rows) if kept is None else pa.concat_tables([kept, _plain(rows)])
            kept = kept.take(pa.array(highest(_values(kept, metric), k)))
    return Top(_frame(kept, metric), metric, looked_at, expected)


def _files_of(path: Path) -> tuple[list[Path], int | None]:
    """Give the files of some results, in the order of their cells, and how many cells there should be."""
    if not path.exists():
        raise DataError(f"no such file or folder: {path}")
    if not path.is_dir():
        return [path], None
    if not (path / MANIFEST).exists():
        raise DataError(f"{path} is not the folder of a sweep: it has no {MANIFEST}")
    manifest = read_manifest(path)
    done = {one.first: one for one in read_done(path)}
    files = []
    for first in sorted(done):
        part = path / done[first].tile.name
        if not part.is_file() or part.stat().st_size != done[first].size:
            raise DataError(f"{part} is not as it was written; run the sweep into {path} again, which mends it")
        files.append(part)
    return files, int(manifest["edges"][-1])


def _groups(files: list[Path], metric: str) -> Iterator[tuple[pq.ParquetFile, int, pa.ChunkedArray]]:
    """Go through the row groups of some files; of each only the column that is asked for is read."""
    for path in files:
        try:
            with pq.ParquetFile(path) as file:
                if not set(file.schema_arrow.names).issuperset([*INDEX, *METRICS]):
                    raise DataError(f"{path} is a Parquet file, but not of a sweep of goldencross")
                for group in range(file.num_row_groups):
                    yield file, group, file.read_row_group(group, columns=[metric])[metric]
        except (OSError, pa.ArrowException) as error:
            raise DataError(f"{path} is not a Parquet file: {str(error).splitlines()[0]}") from error


def _plain(table: pa.Table) -> pa.Table:
    """Make the symbols text, so that tables with other dictionaries can be joined."""
    at = table.schema.get_field_index("symbol")
    return table.set_column(at, "symbol", pc.cast(table["symbol"], pa.string())).replace_schema_metadata(None)


def _values(table: pa.Table, metric: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = pc.cast(table[metric], pa.float64()).to_numpy()
    return values


def _frame(kept: pa.Table | None, metric: str) -> pd.DataFrame:
    """Give the kept rows, best first."""
    if kept is None:
        return pd.DataFrame(columns=[*INDEX, *METRICS])
    order = np.argsort(-_values(kept, metric), kind="stable")
    frame: pd.DataFrame = kept.take(pa.array(order)).to_pandas()
    return frame.astype(dict.fromkeys(COUNTS, "Int64"))
