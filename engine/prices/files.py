"""One price file to one raw frame: text stays text, and numbers are the nearest double."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.errors import DataError
from engine.validation.columns import recognise

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

__all__ = ["read_file"]

_BLANK = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>"]
_TEXT_FIELDS = ("date", "symbol", "currency")  # these are never guessed to be numbers or blanks


def read_file(file: Path) -> pd.DataFrame:
    """Read the recognised columns of a file.

    Parameters
    ----------
    file : Path
        Ends in .csv, .csv.gz or .parquet.

    Returns
    -------
    pandas.DataFrame
        Recognised columns under their own names, in file order. Dates, symbols and currencies of a CSV are text.

    Raises
    ------
    DataError
        If the file is empty or cannot be read; the message is one line.
    """
    try:
        return _read_parquet(file) if file.name.lower().endswith(".parquet") else _read_csv(file)
    except pd.errors.EmptyDataError:
        raise DataError(f"{file}: the file is empty") from None
    except UnicodeDecodeError:
        raise DataError(f"{file}: this is not UTF-8 text") from None
    except (OSError, EOFError, ValueError, MemoryError, pd.errors.ParserWarning) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{file}: cannot be read ({reason.encode('ascii', 'replace').decode()})") from error


def _read_csv(file: Path) -> pd.DataFrame:
    common: dict[str, Any] = {
        "encoding": "utf-8-sig",
        "compression": "gzip" if file.name.lower().endswith(".gz") else None,
        "keep_default_na": False,
        "skipinitialspace": True,
    }
    head = pd.read_csv(file, header=None, nrows=1, dtype=str, **common)
    labels: list[Hashable] = [str(cell) for cell in head.iloc[0]]
    places = recognise(labels)
    wanted = sorted(position for positions in places.values() for position in positions)
    if not wanted:
        return pd.DataFrame(columns=pd.Index(labels))
    text = {position for field in _TEXT_FIELDS for position in places.get(field, [])}
    with warnings.catch_warnings():
        # A row with more cells than the header would be cut off with no more than a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame = pd.read_csv(
            file,
            header=0,
            names=list(range(len(labels))),
            index_col=False,
            usecols=wanted,
            dtype=dict.fromkeys(text, str),
            na_values={position: [] if position in text else _BLANK for position in wanted},
            float_precision="round_trip",
            low_memory=False,
            **common,
        )
    frame.columns = pd.Index([labels[position] for position in wanted])
    return frame


def _read_parquet(file: Path) -> pd.DataFrame:
    frame = pd.read_parquet(file, engine="pyarrow")
    places = recognise(frame.columns)
    wanted = sorted(position for positions in places.values() for position in positions)
    return frame.iloc[:, wanted] if wanted else frame.iloc[:0]
