"""Printing and writing results: text, JSON, CSV, Parquet."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from engine.errors import InputError, OutputError
from engine.results.backtest import BacktestResult
from engine.results.portfolio import PortfolioResult
from engine.results.reduced import ReducedSweep
from engine.results.sweep import SweepTable
from engine.validation.findings import Report

__all__ = [
    "EXIT_DONE",
    "EXIT_INTERRUPTED",
    "EXIT_LEFT_OUT",
    "FORMATS",
    "adjustment_rows",
    "ascii_only",
    "check_output",
    "check_save",
    "emit",
    "save_whole",
    "write_cells",
    "write_table",
]

EXIT_DONE, EXIT_LEFT_OUT, EXIT_INTERRUPTED = 0, 1, 130
"""Exit status of a command; 2 is bad use."""
FORMATS = ("text", "json", "csv")
_ENDINGS = (".parquet", ".csv", ".json")


def check_output(out: Path | None, output_format: str) -> None:
    """Check, before the work starts, that the result can be printed and written.

    Raises
    ------
    InputError, OutputError
    """
    if output_format not in FORMATS:
        raise InputError(f"--format {output_format}: it must be one of: {', '.join(FORMATS)}")
    if out is not None:
        if out.suffix.lower() not in _ENDINGS:
            raise InputError(f"--out {out}: the name must end in one of: {', '.join(_ENDINGS)}")
        from engine.results.storage import check_writable  # noqa: PLC0415  pyarrow, which nothing else here needs

        check_writable(out)


def save_whole(result: BacktestResult | PortfolioResult, path: Path | None) -> None:
    """Write all of a result, if a file is named for it.

    Raises
    ------
    OutputError
    """
    if path is not None:
        from engine.results.saved import save_result  # noqa: PLC0415  only with --save

        save_result(result, path)


def check_save(path: Path | None) -> None:
    """Check, before the work starts, that a whole result can be written.

    Raises
    ------
    InputError, OutputError
    """
    if path is not None:
        if path.suffix.lower() != ".json":
            raise InputError(f"--save {path}: the name must end in .json")
        from engine.results.storage import check_writable  # noqa: PLC0415  as above

        check_writable(path)


def write_table(frame: pd.DataFrame, out: Path) -> None:
    """Write a table in the format of the file's ending.

    Raises
    ------
    OutputError
    """
    from engine.results.storage import replacing  # noqa: PLC0415  as above

    with replacing(out) as partial:
        if out.suffix.lower() == ".parquet":
            frame.to_parquet(partial, index=False)
        elif out.suffix.lower() == ".csv":
            frame.to_csv(partial, index=False)
        else:
            partial.write_text(_to_json(frame) + "\n", encoding="utf-8")


def write_cells(result: SweepTable | ReducedSweep, out: Path | None) -> OutputError | None:
    """Write all cells, or the best ones if only those were kept; cells that were streamed are in their file already.

    Returns
    -------
    OutputError or None
        Why they could not be written: to be raised once the result is printed, so that a full disk does not cost all of it.
    """
    if out is None or (isinstance(result, ReducedSweep) and result.path is not None):
        return None
    try:
        if isinstance(result, SweepTable) and out.suffix.lower() == ".parquet":
            result.save(out)
        else:
            write_table(result.to_frame().reset_index(), out)
    except OutputError as error:
        return error
    return None


def ended(result: SweepTable | ReducedSweep, unwritten: OutputError | None) -> int:
    """Give the exit status of a sweep that was printed.

    Raises
    ------
    OutputError
        What ``write_cells`` gave.
    """
    if unwritten is not None:
        raise unwritten
    if not result.finished:
        return EXIT_INTERRUPTED
    return EXIT_LEFT_OUT if result.left_out else EXIT_DONE


def adjustment_rows(report: Report) -> list[dict[str, Any]]:
    """Give what became of splits and bonuses, for the JSON document."""
    return [vars(adjustment) for adjustment in report.adjustments]


def ascii_only(text: str) -> str:
    """Write what is not ASCII as an escape: a screen reader and any terminal can say that."""
    return text.encode("ascii", "backslashreplace").decode("ascii")


def emit(output_format: str, lines: Iterable[str], frame: pd.DataFrame, about: dict[str, Any]) -> None:
    """Print a result on standard output.

    Parameters
    ----------
    output_format : {"text", "json", "csv"}
    lines : iterable of str
        The text.
    frame : DataFrame
        The table for CSV, and ``rows`` of the JSON document.
    about : dict
        What else is in the JSON document.
    """
    if output_format == "text":
        text = "\n".join(lines)
    elif output_format == "csv":
        text = frame.to_csv(index=False).rstrip("\n")
    else:
        text = json.dumps({**about, "rows": json.loads(_to_json(frame))}, indent=2, default=str)
    sys.stdout.write((ascii_only(text) if output_format == "text" else text) + "\n")


def _to_json(frame: pd.DataFrame) -> str:
    """Give the rows as JSON objects, dates in ISO, nan as null."""
    return str(frame.to_json(orient="records", date_format="iso", double_precision=15))
