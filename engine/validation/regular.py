"""Stamps that are all written alike, as a year of minutes is: read some thirty times as fast as one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Regular", "read_regular"]

_LAYOUT = np.frombuffer(b"dddd-dd-dd?dd:dd:dd", np.uint8)  # where numpy takes T or a blank, and nothing else
_ZONE = np.frombuffer(b"?dd:dd", np.uint8)
_DIGIT, _ANY, _ZERO, _NINE = ord("d"), ord("?"), ord("0"), ord("9")
_MOST_SECONDS = 9_223_000_000  # of int64 nanoseconds; what is near their end is left to the other way
_LONGEST = len(_LAYOUT) + len(_ZONE)


class Regular(NamedTuple):
    """Stamps as they were read.

    Attributes
    ----------
    stamps : datetime64[ns] (T,)
        Without a zone; in UTC if there are offsets.
    offsets : list of int
        Different offsets, minutes, in order; empty for stamps without a zone.
    """

    stamps: npt.NDArray[np.datetime64]
    offsets: list[int]


def read_regular(raw: pd.Series[Any] | pd.Index[Any]) -> Regular | None:
    """Read stamps of one form: date, T or blank, time to the minute or second, and either no zone, Z, or an offset such as +05:30.

    Parameters
    ----------
    raw : pandas.Series or pandas.Index
        Shape (T,).

    Returns
    -------
    Regular or None
        None if a single one is of another form, or no date: they are then read one by one.
    """
    if not len(raw) or not isinstance(raw.array[0], str):
        return None
    try:
        texts = np.array(raw.to_numpy(dtype=object), dtype=f"S{_LONGEST + 1}")
    except (UnicodeEncodeError, ValueError):
        return None
    cells = texts.view(np.uint8).reshape(len(texts), -1)
    size = int((cells[0] != 0).sum())
    if (cells[:, size:] != 0).any() or (cells[:, :size] == 0).any():
        return None
    digits, zone = (size, 0) if size in (16, 19) else (size - 1, 1) if size in (17, 20) else (size - 6, 6)
    if digits not in (16, 19) or not _fits(cells[:, :digits], _LAYOUT[:digits]):
        return None
    return _read(texts, cells, digits, zone)


def _read(texts: npt.NDArray[np.bytes_], cells: npt.NDArray[np.uint8], digits: int, zone: int) -> Regular | None:
    """Read what has the right form; None if there is no such date or offset."""
    try:
        seconds = texts.astype(f"S{digits}").astype("M8[s]")
    except ValueError:
        return None
    offset = _offsets(cells[:, digits : digits + zone])
    if offset is None or np.abs(seconds.astype(np.int64)).max() > _MOST_SECONDS:
        return None
    stamps = (seconds - offset.astype("m8[m]")).astype("M8[ns]")
    return Regular(stamps, sorted(set(offset.tolist())) if zone else [])


def _offsets(zones: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64] | None:
    """Read the offset of each stamp, minutes; None if there is one that is none."""
    size = zones.shape[1]
    if size == 0 or (size == 1 and (zones == ord("Z")).all()):
        return np.zeros(len(zones), np.int64)
    if size == 1 or not _fits(zones, _ZONE) or not np.isin(zones[:, 0], (ord("+"), ord("-"))).all():
        return None
    number = zones.astype(np.int64) - _ZERO
    minutes = (number[:, 1] * 10 + number[:, 2]) * 60 + number[:, 4] * 10 + number[:, 5]
    known = (minutes < 24 * 60).all() and (number[:, 4] < 6).all()
    return np.where(zones[:, 0] == ord("-"), -minutes, minutes) if known else None


def _fits(cells: npt.NDArray[np.uint8], layout: npt.NDArray[np.uint8]) -> bool:
    """Tell whether every text has digits and marks where the layout has them."""
    digit = layout == _DIGIT
    mark = ~digit & (layout != _ANY)
    numbers = cells[:, digit]
    return bool(((numbers >= _ZERO) & (numbers <= _NINE)).all() and (cells[:, mark] == layout[mark]).all())
