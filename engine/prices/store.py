"""Prices on the disk: a folder with one Parquet file a symbol, which ``engine.load`` and any other tool can read.

A file is written beside its place, brought to the disk and then moved there, so it is there as it was or as it will be, and never half. All writing is
done under one lock of the folder, which goes with the process that holds it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from engine.errors import DataError, InputError, OutputError
from engine.prices.merging import Merged, OnRevision, merge
from engine.validation.columns import FIELDS

__all__ = ["Store", "Stored", "Update"]

_KEY, _FORMAT = b"goldencross.store", 1
_LOCK = ".goldencross.lock"
_PATIENCE = 30.0  # seconds for which another process may hold the lock; an update takes some milliseconds
_ODD = set('/\\:*?"<>|') | {chr(code) for code in range(32)}

Change = Literal["new", "added", "unchanged", "refused", "kept", "replaced"]
_NEW: Change = "new"


@dataclass(frozen=True, eq=False)
class Stored:
    """One symbol of a store.

    Parameters
    ----------
    frame : pandas.DataFrame
        Index ``date``, columns open, high, low, close, volume.
    currency : str or None
        What the prices are in.
    source : str
        Where they are from.
    fetched : datetime
        When they were asked for last, UTC.
    unfinished : bool
        Whether the last bar of that answer was left out because its session was not over.
    """

    frame: pd.DataFrame
    currency: str | None
    source: str
    fetched: datetime
    unfinished: bool


@dataclass(frozen=True)
class Update:
    """What became of one symbol.

    Parameters
    ----------
    symbol : str
        Whose bars they are.
    change : str
        new, added, unchanged, or, where old bars were revised: refused (nothing was changed), kept (only new bars were added), replaced.
    bars, added : int
        How many there are now, and how many more than before.
    first, last : str
        Dates of the first and the last bar, YYYY-MM-DD.
    detail : str
        What was revised; "" for nothing.
    """

    symbol: str
    change: Change
    bars: int
    added: int
    first: str
    last: str
    detail: str = ""


class Store:
    """A folder of prices.

    Parameters
    ----------
    folder : Path
        Made if it does not exist.

    Raises
    ------
    OutputError
        It cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"cannot make the folder {folder}: {error.strerror}") from None

    def path(self, symbol: str) -> Path:
        """Give the file of a symbol.

        Raises
        ------
        InputError
            The symbol cannot be the name of a file, or has a file of another kind there.
        """
        if not symbol or symbol.startswith((".", "~$")) or _ODD & set(symbol) or len(symbol) > 100:
            raise InputError(f"{symbol!a} cannot be the name of a file; give it another name, as in SBIN=SBIN.NS")
        for suffix in (".csv", ".csv.gz"):
            if (self.folder / f"{symbol}{suffix}").exists():
                raise InputError(f"{symbol}: there is a {symbol}{suffix} in {self.folder}, too; take it out of there")
        return self.folder / f"{symbol}.parquet"

    def read(self, symbol: str) -> Stored | None:
        """Read a symbol; None if it is not there.

        Raises
        ------
        DataError
            Its file cannot be read, or was not written by a store.
        InputError
            As for ``path``.
        """
        path = self.path(symbol)
        if not path.exists():
            return None
        try:
            table = pq.read_table(path)
            about = json.loads((table.schema.metadata or {})[_KEY])
            frame = table.to_pandas().set_index("date")[list(FIELDS)]
            fetched = datetime.fromisoformat(about["fetched"])
            known = about["format"] == _FORMAT and len(frame) > 0
            stored = Stored(frame, about["currency"], about["source"], fetched, about["unfinished"])
        except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
            known = False
        if not known:
            wrong = (
                f"{path}: this is not a file of the store, or it is damaged; take it away, and fetch or import it again"
            )
            raise DataError(wrong, symbol=symbol)
        return stored

    def names(self, source: str) -> dict[str, str]:
        """Give the symbols that are from a source, by what the source knows them by; files that cannot be read are passed over."""
        found = {}
        for path in sorted(self.folder.glob("*.parquet")):
            with suppress(OSError, ValueError, KeyError, TypeError, pa.ArrowException):
                about = json.loads((pq.read_metadata(path).metadata or {})[_KEY])
                if about["source"] == source:
                    found[about["key"]] = path.name.removesuffix(".parquet")
        return found

    def update(
        self,
        symbol: str,
        frame: pd.DataFrame,
        *,
        currency: str | None,
        source: str,
        key: str,
        fetched: datetime,
        unfinished: bool = False,
        on_revision: OnRevision = "refuse",
    ) -> Update:
        """Add bars to a symbol.

        Parameters
        ----------
        symbol : str
            Whose bars they are.
        frame : pandas.DataFrame
            Index ``date``, strictly increasing, not empty; columns open, high, low, close, volume.
        currency, source, fetched, unfinished
            As in ``Stored``.
        key : str
            What the source knows it by.
        on_revision : {"refuse", "keep", "replace"}
            What to do if the bars that are there already are not as they were.

        Returns
        -------
        Update

        Raises
        ------
        DataError, InputError
            As for ``read``; the bars that are there are from another source, or in another currency.
        OutputError
            The disk is full, there is no permission, or another process holds the lock.
        """
        with self._locked():
            old = self.read(symbol)
            if old is None:
                merged, change = Merged(frame, 0, len(frame), None), _NEW
            else:
                _require_same(symbol, old, currency, source)
                merged = merge(symbol, old.frame, frame, on_revision)
                change = _change(merged, on_revision)
            if change != "refused":
                known = currency or (old.currency if old else None)
                about = {"currency": known, "source": source, "key": key, "unfinished": unfinished}
                about["fetched"] = fetched.isoformat()
                self._write(self.path(symbol), merged.frame, about)
        return _update(symbol, merged, change)

    def _write(self, path: Path, frame: pd.DataFrame, about: dict[str, Any]) -> None:
        named = frame.rename_axis("date").reset_index()
        if about["currency"]:
            named["currency"] = about["currency"]
        table = pa.Table.from_pandas(named, preserve_index=False)
        described = json.dumps({"format": _FORMAT, **about}).encode()
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), _KEY: described})
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                pq.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
            _sync_folder(self.folder)
        except OSError as error:
            raise OutputError(f"cannot write {path}: {error.strerror or error}") from None
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            descriptor = os.open(self.folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise OutputError(f"cannot write to the folder {self.folder}: {error.strerror}") from None
        try:
            _wait_for(descriptor, self.folder)
            for left in self.folder.glob(".*.partial"):  # of a process that was killed: whoever writes holds the lock
                left.unlink(missing_ok=True)
            yield
        finally:
            os.close(descriptor)


def _wait_for(descriptor: int, folder: Path) -> None:
    try:
        import fcntl  # noqa: PLC0415  not there on Windows, where all other commands work
    except ImportError:
        raise OutputError("this system has no locks of files (fcntl), without which no store is written to") from None
    begun = time.monotonic()
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() - begun > _PATIENCE:
                raise OutputError(f"another process has been writing to {folder} for {_PATIENCE:g} seconds") from None
            time.sleep(0.01)
        else:
            return


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _require_same(symbol: str, old: Stored, currency: str | None, source: str) -> None:
    for what, there, here in (("from", old.source, source), ("in", old.currency, currency)):
        if there and here and there != here:
            raise InputError(f"{symbol}: the bars that are there are {what} {there}, not {here}; take another folder")


def _change(merged: Merged, on_revision: OnRevision) -> Change:
    if merged.revisions is not None:
        named: dict[OnRevision, Change] = {"refuse": "refused", "keep": "kept", "replace": "replaced"}
        return named[on_revision]
    return "added" if merged.before + merged.after else "unchanged"


def _update(symbol: str, merged: Merged, change: Change) -> Update:
    first, last = (str(merged.frame.index[at].date()) for at in (0, -1))
    detail = str(merged.revisions) if merged.revisions else ""
    if change == "replaced" and merged.older:
        detail += (
            f"; {merged.older:,} older bars are not in the answer and stay as they were, so look for a step after them"
        )
    return Update(symbol, change, len(merged.frame), merged.before + merged.after, first, last, detail)
