"""Small tables of text: splits, ISINs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from engine.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import numpy.typing as npt

__all__ = ["read_table"]


def read_table(
    path: str | PathLike[str], names: Mapping[str, tuple[str, ...]], needed: tuple[str, ...], what: str
) -> dict[str, npt.NDArray[Any]]:
    """Read a small table of text.

    Parameters
    ----------
    path : path
        A .csv or .parquet file.
    names : Mapping of str to tuple of str
        Field to the names that its column may have, in any case.
    needed : tuple of str
        The fields without which the table is of no use.
    what : str
        What it is a table of, for messages.

    Returns
    -------
    dict of str to array of str
        Field to its cells on one line, without surrounding space, "" where blank; only the fields that are there.

    Raises
    ------
    DataError
        It cannot be read, or a needed column is missing or there twice.
    """
    frame = _frame(Path(path), what)
    cells: dict[str, npt.NDArray[Any]] = {}
    for field, known in names.items():
        places = [i for i, label in enumerate(frame.columns) if str(label).strip().lstrip("\ufeff").lower() in known]
        if len(places) > 1 or (field in needed and not places):
            seen = ", ".join(ascii(str(label)) for label in frame.columns[:8]) or "none"
            count = "several columns are" if places else "no column is"
            raise DataError(f"{path}: {count} named {field} (columns: {seen}); name one of them so", field=field)
        if places:
            cells[field] = frame.iloc[:, places[0]].map(_text).to_numpy(dtype=object)
    return cells


def _text(cell: Any) -> str:
    if cell is None or (not isinstance(cell, str) and pd.isna(cell)):
        return ""
    return " ".join(str(cell).split())


def _frame(path: Path, what: str) -> pd.DataFrame:
    if not path.is_file():
        raise DataError(f"there is no file {path} of {what}: check the path")
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path, engine="pyarrow")
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", skipinitialspace=True)
    except (OSError, ValueError, pd.errors.ParserError) as error:
        reason = " ".join(str(error).split()).encode("ascii", "replace").decode() or type(error).__name__
        raise DataError(f"{path}: the table of {what} cannot be read ({reason})") from None
