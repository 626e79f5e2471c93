"""One price file to one raw frame: text stays text, and numbers are the nearest double."""

from __future__ import annotations

import warnings
import zlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.errors import DataError
from engine.validation.columns import recognise

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from pathlib import Path

__all__ = ["EXACT", "EmptyFileError", "read_file"]

_BLANK = ["", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>"]
# From pandas 3.1 on, the default is exact and the argument is deprecated; before, the default can be off by one in the last bit.
EXACT: dict[str, Any] = (
    {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
)
_TEXT_FIELDS = ("date", "symbol", "currency")  # these are never guessed to be numbers or blanks


class EmptyFileError(DataError):
    """A file without a single line."""


def read_file(file: Path) -> pd.DataFrame:
    """Read the recognised columns of a file.

    Parameters
    ----------
    file : Path
        Ends in .csv, .csv.gz, .parquet, .arrow or .feather.

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
        if file.stat().st_size == 0:
            raise EmptyFileError(f"{file}: the file is empty")
        return _READERS.get(file.suffix.lower(), _read_csv)(file)
    except pd.errors.EmptyDataError:
        raise EmptyFileError(f"{file}: the file is empty") from None
    except UnicodeDecodeError:
        raise DataError(f"{file}: this is not UTF-8 text") from None
    except pd.errors.ParserWarning:
        raise DataError(
            f"{file}: the first row has more cells than the header; is there a comma within a number?"
        ) from None
    except (OSError, EOFError, ValueError, NotImplementedError, zlib.error) as error:
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
    text |= set(range(len(labels))) - set(wanted)
    blanks = {position: [] if position in text else _BLANK for position in range(len(labels))}
    numbers: dict[str, Any] = {"na_values": blanks, **EXACT}
    with warnings.catch_warnings():
        # Every column is read (no usecols), because only then is a row with too many cells an error; in the first row it is a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        frame: pd.DataFrame = pd.read_csv(
            file,
            header=0,
            names=list(range(len(labels))),
            index_col=False,
            dtype=dict.fromkeys(text, str),
            **numbers,
            low_memory=False,
            **common,
        )
    frame = frame.iloc[:, wanted]
    return frame.set_axis(pd.Index([labels[position] for position in wanted]), axis=1)


def _read_parquet(file: Path) -> pd.DataFrame:
    return _recognised(pd.read_parquet(file, engine="pyarrow"))


def _read_arrow(file: Path) -> pd.DataFrame:
    """Read an Arrow file, which is also what Feather is. It is mapped: what is not compressed is not copied, and the system can take its pages back."""
    import pyarrow as pa  # noqa: PLC0415  slow to import, and seldom needed

    try:
        with pa.memory_map(str(file)) as source:
            table = pa.ipc.open_file(source).read_all()
        table.validate(full=True)  # a damaged file must not send readers beyond its end
        return _recognised(table.to_pandas(split_blocks=True))
    except (pa.ArrowException, LookupError, TypeError) as error:
        raise ValueError(str(error)) from error


_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": _read_parquet,
    ".arrow": _read_arrow,
    ".feather": _read_arrow,
}
"""By ending; all others are CSV."""


def _recognised(frame: pd.DataFrame) -> pd.DataFrame:
    places = recognise(frame.columns)
    wanted = sorted(position for positions in places.values() for position in positions)
    return frame.iloc[:, wanted] if wanted else frame.iloc[:0]
