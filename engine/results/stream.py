"""Sweeps to disk: one Parquet file, a row a cell, written as the cells come, with everything that made it in the file's own metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from engine.grid import Grid
from engine.kernels.metrics import METRIC_COUNT, METRICS
from engine.results.storage import FORMAT, KEY, replacing
from engine.results.sweep import SweepTable
from engine.results.tables import COUNTS, INDEX, CellKeys, cell_index, metric_table
from engine.settings import Settings

__all__ = ["CellWriter", "describe", "save_sweep"]

_ROWS = 1 << 18  # of a row group: 27 MiB of metrics, which is what the writer holds
_BLOCK = 1 << 12  # rows that are turned into columns together: they stay in the cache

_REPEATED = [*INDEX, *COUNTS, "win_rate", "exposure"]  # few different values: a dictionary holds them in a byte or two
_VARIED = [name for name in METRICS if name not in _REPEATED]
# Measured on 262,144 cells of a simulated market, written to memory on one core: snappy takes 176 ns a cell for 66 bytes, zstd 252 ns for 63.
# A dictionary of the varied columns would cost 300 ns more and gain nothing; splitting their bytes takes 5 bytes off for snappy.
_COMPRESSION = "snappy"


def describe(
    symbols: Sequence[str],
    grid: Grid,
    held: NDArray[np.float64],
    left_out: Mapping[str, str],
    too_short: Mapping[str, str],
    settings: Settings,
    digest: str,
    account: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Say what a sweep is, for the metadata of its file; the arguments are the fields of ``SweepTable``."""
    return {
        "format": FORMAT,
        "version": version("goldencross"),
        "prices": digest,
        "symbols": tuple(symbols),
        "pairs": grid.pairs,
        "stops": [asdict(stop) if stop else None for stop in grid.stops],
        "settings": settings.to_dict(),
        "left_out": dict(left_out),
        "too_short": dict(too_short),
        "buy_and_hold": held.tolist(),
        "account": None if account is None else dict(account),
    }


def save_sweep(result: SweepTable, path: str | PathLike[str]) -> None:
    """See ``SweepTable.save``."""
    names = ("symbols", "grid", "held", "left_out", "too_short", "settings", "digest", "account")
    about = describe(**{name: getattr(result, name) for name in names})
    with CellWriter(path, result.symbols, result.grid, about) as writer:
        for symbol, values in enumerate(result.values):
            writer.add(symbol, 0, values)
        writer.close(result.finished)


class CellWriter:
    """Write the cells of a sweep to a Parquet file as they come.

    The file is written under another name beside ``path`` and moved there when it is closed. In a ``with`` block an error takes it away again;
    a block that ends without ``close`` closes it as not finished.

    Parameters
    ----------
    path : path
    symbols : sequence of str
    grid : Grid
    about : dict
        What ``describe`` gives.
    first : int
        Place of the first cell among all cells, if the file holds only a part of them.

    Raises
    ------
    OutputError
        The file cannot be written; so do the methods.
    """

    def __init__(
        self, path: str | PathLike[str], symbols: Sequence[str], grid: Grid, about: Mapping[str, Any], first: int = 0
    ) -> None:
        self._symbols, self._grid, self._about = pa.array(symbols, pa.string()), grid, dict(about)
        self._keys = CellKeys(grid)
        self._schema = _schema(grid)
        self._columns = np.empty((METRIC_COUNT, _ROWS))
        self._written, self._waiting = first, 0  # cells before the next row group, and in _columns
        with ExitStack() as stack:
            partial = stack.enter_context(replacing(path))
            self._writer = pq.ParquetWriter(
                partial,
                self._schema,
                compression=_COMPRESSION,
                use_dictionary=_REPEATED,
                use_byte_stream_split=_VARIED,
                store_schema=False,  # so that readers see symbol as text, whatever way it came
            )
            self._file = stack.pop_all()
        self._open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._open and error is None:
            self.close(finished=False)
        elif self._open:
            self._open = False
            with suppress(OSError):
                self._writer.close()
            self._file.__exit__(kind, error, trace)

    def add(self, symbol: int, first_pair: int, values: NDArray[np.float64]) -> None:
        """Take a piece of one symbol; the pieces follow each other without gap, in the order of symbols, then pairs.

        Parameters
        ----------
        symbol, first_pair : int
            Positions in ``symbols`` and in ``grid.pairs``.
        values : float64 (pairs, stops, METRIC_COUNT)
            nan in all metrics where a cell was not run. It may be written over afterwards.

        Raises
        ------
        OutputError
        """
        place = symbol * self._grid.cells + first_pair * len(self._grid.stops)
        if place != self._written + self._waiting:
            raise ValueError(f"the next cell is {self._written + self._waiting}, not {place}")
        rows = values.reshape(-1, METRIC_COUNT)
        while len(rows):
            part = rows[: min(_BLOCK, _ROWS - self._waiting)]
            self._columns[:, self._waiting : self._waiting + len(part)] = part.T
            self._waiting += len(part)
            rows = rows[len(part) :]
            if self._waiting == _ROWS:
                self._write_group()

    def close(self, finished: bool) -> None:
        """Write what is left, and whether the sweep came to its end, and move the file to its name.

        Raises
        ------
        OutputError
        """
        self._open = False
        with self._file:
            try:
                self._write_group()
                about = json.dumps({**self._about, "finished": finished})
                self._writer.add_key_value_metadata({KEY: about, **self._schema.metadata})
            finally:
                self._writer.close()

    def _write_group(self) -> None:
        """Write the cells that wait as a row group."""
        first, size = self._written, self._waiting
        if not size:
            return
        self._waiting = 0  # before they are written: Ctrl-C amid this may lose them, but never writes them twice
        symbol, place = np.divmod(np.arange(first, first + size), self._grid.cells)
        columns: dict[str, Any] = {
            "symbol": pa.DictionaryArray.from_arrays(symbol.astype(np.int32), self._symbols),
            **self._keys.of(place),
        }
        for name, values in zip(METRICS, self._columns[:, :size], strict=True):
            missing = np.isnan(values)
            numbers = np.where(missing, 0, values).astype(np.int64) if name in COUNTS else values
            columns[name] = pa.array(numbers, mask=missing)
        self._writer.write_table(pa.table(columns, self._schema), row_group_size=size)
        self._written += size


def _schema(grid: Grid) -> pa.Schema:
    """Name and type the columns as pandas would: a reader of its metadata gets the types of ``SweepTable.to_frame``."""
    frame = metric_table(np.zeros((1, METRIC_COUNT)), cell_index(("",), grid, np.zeros(1, dtype=np.int64)))
    schema = pa.Schema.from_pandas(frame.reset_index(), preserve_index=False)
    return schema.set(0, pa.field("symbol", pa.dictionary(pa.int32(), pa.string())))
