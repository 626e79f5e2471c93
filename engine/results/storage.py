"""Sweeps on disk: one Parquet file, a row a cell, with everything that made it in the file's own metadata."""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import DataError, OutputError
from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.results.sweep import SweepTable
from engine.settings import Settings, TrailingStop

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["check_writable", "load_sweep", "replacing", "save_sweep"]

_KEY = b"goldencross"
_FORMAT = 1


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
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield partial
        partial.replace(target)
    except OSError as error:
        raise OutputError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def save_sweep(result: SweepTable, path: str | PathLike[str]) -> None:
    """See ``SweepTable.save``."""
    about = {
        "format": _FORMAT,
        "version": version("goldencross"),
        "prices": result.digest,
        "symbols": result.symbols,
        "pairs": result.grid.pairs,
        "stops": [asdict(stop) if stop else None for stop in result.grid.stops],
        "settings": result.settings.to_dict(),
        "left_out": dict(result.left_out),
        "too_short": dict(result.too_short),
        "buy_and_hold": result.buy_and_hold.tolist(),
        "finished": result.finished,
    }
    table = pa.Table.from_pandas(result.to_frame().reset_index(), preserve_index=False)
    table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: json.dumps(about).encode()})
    with replacing(path) as partial:
        pq.write_table(table, partial)


def load_sweep(path: str | PathLike[str]) -> SweepTable:
    """Read what ``save_sweep`` wrote; see ``engine.SweepResult.load``."""
    try:
        table = pq.read_table(Path(path))
    except FileNotFoundError:
        raise DataError(f"no such file: {path}") from None
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{path} is not a Parquet file: {str(error).splitlines()[0]}") from error
    about = _about(path, table)
    symbols = tuple(about["symbols"])
    stops = tuple(TrailingStop(**stop) if stop else None for stop in about["stops"])
    grid = Grid(tuple((fast, slow) for fast, slow in about["pairs"]), stops)
    columns = [table[name].to_numpy().astype(np.float64) for name in METRICS]
    values = np.stack(columns, axis=-1).reshape(len(symbols), len(grid.pairs), len(stops), len(METRICS))
    return SweepTable(
        symbols=symbols,
        grid=grid,
        values=values,
        buy_and_hold=pd.Series(about["buy_and_hold"], index=pd.Index(symbols, name="symbol"), name="buy_and_hold"),
        left_out=about["left_out"],
        too_short=about["too_short"],
        settings=Settings.from_dict(about["settings"]),
        digest=about["prices"],
        finished=about["finished"],
    )


def _about(path: str | PathLike[str], table: pa.Table) -> dict[str, Any]:
    """Read the description of a sweep out of a table's metadata."""
    raw = (table.schema.metadata or {}).get(_KEY)
    if raw is None:
        raise DataError(f"{path} is a Parquet file, but not a sweep saved by goldencross")
    about: dict[str, Any] = json.loads(raw)
    if about["format"] != _FORMAT:
        raise DataError(
            f"{path} has format {about['format']} of goldencross {about['version']}; this one reads {_FORMAT}"
        )
    return about
