"""The command that makes a report of a result: a page, a text, pictures, a sound."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from engine.cli import options as o
from engine.cli.output import EXIT_DONE, ascii_only
from engine.cli.parsing import pick
from engine.errors import DataError, InputError
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.report.model import Report
from engine.report.pages import backtest_report, portfolio_report, require_same, sweep_report
from engine.report.speaking import TableChoice, report_text
from engine.results.backtest import BacktestResult
from engine.results.saved import is_saved_result, load_result
from engine.results.sweep import SweepTable

__all__ = ["READERS", "Wanted", "report"]


@dataclass(frozen=True)
class Wanted:
    """What of a result is asked for.

    Attributes
    ----------
    prices : Prices or None
    metric : str
        What the best cell has the most of.
    cell : str
        As it was typed; empty for the one that is shown by itself.
    """

    prices: Prices | None
    metric: str
    cell: str


def _is_parquet(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _sweep(path: Path, wanted: Wanted) -> Report:
    """Report the file of a sweep."""
    from engine.results.storage import load_sweep  # noqa: PLC0415  pyarrow is slow to import

    result = load_sweep(path)
    require_same(wanted.prices, result.digest)
    cell = cell_of(result, wanted.cell, wanted.metric) if wanted.cell else None
    return sweep_report(result, wanted.prices, wanted.metric, cell, luck=_luck(result, wanted.prices))


def _luck(result: SweepTable, prices: Prices | None) -> list[str]:
    """Say how much of the best cell is luck: all of it with the prices, less without."""
    if prices is None:
        from engine.report.cells import cells_lines  # noqa: PLC0415  for sweeps only
        from engine.selection.cells import judge_cells  # noqa: PLC0415

        return cells_lines(judge_cells(result))
    from engine.report.luck import luck_lines  # noqa: PLC0415
    from engine.selection.judging import luck  # noqa: PLC0415

    try:
        return luck_lines(luck(result, prices))
    except DataError as error:
        return [f"How much of it is luck was not judged: {error}."]


def _saved(path: Path, wanted: Wanted) -> Report:
    """Report a backtest or a portfolio."""
    result = load_result(path)
    if isinstance(result, BacktestResult):
        return backtest_report(result, wanted.prices, wanted.cell or None)
    return portfolio_report(result, wanted.prices, wanted.cell or None)


READERS: list[tuple[Callable[[Path], bool], Callable[[Path, Wanted], Report]]] = [
    (_is_parquet, _sweep),
    (is_saved_result, _saved),
]
"""Whether a file is of a kind, and how it becomes a report; other packages add theirs."""


def cell_of(result: SweepTable, text: str, metric: str) -> tuple[str, int, int, int, float]:
    """Find a cell by ``SYMBOL``, ``SYMBOL:FAST:SLOW`` or ``SYMBOL:FAST:SLOW:STOP``; the symbol can be left out where there is one only.

    Raises
    ------
    InputError
    """
    symbol, numbers = _split(result, text)
    frame = result.to_frame()
    found = frame[frame.index.get_level_values("symbol") == symbol]
    for level, number in zip(("fast", "slow", "multiple"), numbers, strict=False):
        found = found[found.index.get_level_values(level) == number]
    found = found.dropna(subset=["total_return"])
    if found.empty:
        raise InputError(f"--cell {text}: the sweep has no such cell, or it was not run")
    ranked = found[metric].astype(float).dropna()
    key: Any = ranked.idxmax() if len(ranked) else found.index[0]
    name, fast, slow, atr_window, multiple = key
    return str(name), int(fast), int(slow), int(atr_window), float(multiple)


def _split(result: SweepTable, text: str) -> tuple[str, list[float]]:
    """Take a cell apart: the symbol, and up to three numbers."""
    if text in result.symbols:
        return text, []
    for parts in (3, 2):
        head, *rest = text.rsplit(":", parts)
        if head in result.symbols and len(rest) == parts:
            return head, _numbers(text, rest)
    rest = text.split(":")
    if len(result.symbols) == 1 and len(rest) in (2, 3):
        return result.symbols[0], _numbers(text, rest)
    names = ", ".join(result.symbols[:5]) + (" and more" if len(result.symbols) > 5 else "")
    raise InputError(
        f"--cell {text}: write SYMBOL, SYMBOL:50:200 or SYMBOL:50:200:3 (none for no stop); the symbols are {names}"
    )


def _numbers(text: str, parts: list[str]) -> list[float]:
    """Read windows and a stop."""
    try:
        return [0.0 if part.lower() == "none" else float(part) for part in parts]
    except ValueError:
        raise InputError(
            f"--cell {text}: the windows and the stop must be numbers, such as 50:200:3, or none for no stop"
        ) from None


def report(
    result: Annotated[
        Path,
        typer.Argument(
            metavar="RESULT",
            help="A sweep (--out X.parquet), a backtest or portfolio (--save X.json), or the journal of a bot.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Write the page to this file, .html; or the text, .txt.")
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(
            "--prices", help="The prices of the result, for equity, trades and findings; sample is the embedded sample."
        ),
    ] = None,
    metric: Annotated[str, typer.Option("--metric", help="What the best cell of a sweep has the most of.")] = "sharpe",
    cell: Annotated[str, typer.Option("--cell", help="What is shown: SYMBOL, or for a sweep SYMBOL:50:200:3.")] = "",
    output_format: Annotated[
        str, typer.Option("--format", help="text prints the report; html writes the page to --out.")
    ] = "",
    tables: Annotated[
        str, typer.Option("--tables", help="Tables in the text: short ones only, all or none.")
    ] = "short",
    sound: Annotated[
        Path | None, typer.Option("--sound", help="Write the equity as a sound to this file, .wav.")
    ] = None,
    figures: Annotated[Path | None, typer.Option("--figures", help="Write every chart to this folder.")] = None,
    figure_format: Annotated[str, typer.Option("--figure-format", help="png or svg.")] = "png",
    symbols: o.Symbols = "",
    start: o.Start = "",
    end: o.End = "",
    repair: o.Repair = "",
    actions: o.Actions = None,
    timezone: o.Timezone = "",
) -> int:
    """Make a report of a result. A page that works offline, or the same as text; pictures and a sound too.

    Example: goldencross report cells.parquet --prices prices/ --out report.html
    """
    _check(out, sound, output_format)
    choice = pick("--tables", tables, TableChoice)
    metric = pick("--metric", metric, Literal[METRICS])
    if prices is None and (repair or actions or symbols or start or end or timezone):
        raise InputError(
            "--repair, --actions, --timezone, --symbols, --start and --end are about the prices; name them with --prices"
        )
    read = _reader(result)
    loaded = (
        None
        if prices is None
        else o.prices_of(
            None if str(prices) == "sample" and not prices.exists() else prices,
            repair,
            symbols,
            start,
            end,
            actions,
            timezone,
        )
    )
    made = read(result, Wanted(loaded, metric, cell))
    lines = [*_write(made, out, choice), *_extras(made, sound, figures, figure_format)]
    if output_format == "text" or out is None:
        lines = [*report_text(made, choice), *lines]
    typer.echo(ascii_only("\n".join(lines)))
    return EXIT_DONE


def _check(out: Path | None, sound: Path | None, output_format: str) -> None:
    """Check what was typed, before any work."""
    from engine.results.storage import check_writable  # noqa: PLC0415  pyarrow is slow to import

    if output_format not in ("", "text", "html"):
        raise InputError(f"--format {output_format}: it must be one of: text, html")
    if output_format == "html" and out is None:
        raise InputError("--format html needs a file: name it with --out report.html")
    for option, path, endings in (("--out", out, (".html", ".htm", ".txt")), ("--sound", sound, (".wav",))):
        if path is None:
            continue
        if path.suffix.lower() not in endings:
            raise InputError(f"{option} {path}: the name must end in one of: {', '.join(endings)}")
        check_writable(path)


def _reader(path: Path) -> Callable[[Path, Wanted], Report]:
    """Find out what a file is.

    Raises
    ------
    DataError, InputError
    """
    try:
        found = next((read for is_such, read in READERS if is_such(path)), None)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    if found is None:
        raise InputError(
            f"{path} is no result that can be reported: give the file of goldencross sweep --out X.parquet, of backtest or portfolio --save X.json, or a journal"
        )
    return found


def _write(made: Report, out: Path | None, choice: TableChoice) -> list[str]:
    """Write the page or the text; say what was written."""
    if out is None:
        return []
    from engine.report.page import write_page, write_text  # noqa: PLC0415  only a page needs it

    if out.suffix.lower() == ".txt":
        write_text(made, out, ascii_only("\n".join(report_text(made, choice))) + "\n")
    else:
        write_page(made, out)
    return [f"{made.title}.", f"Wrote {out}, {out.stat().st_size / 1000:,.0f} kilobytes."]


def _extras(made: Report, sound: Path | None, figures: Path | None, kind: str) -> list[str]:
    """Write the sound and the pictures."""
    lines = []
    if sound is not None:
        from engine.report.sound import write_sound  # noqa: PLC0415

        if made.heard is None:
            raise InputError(
                "--sound needs an equity curve, which this result has not by itself: name the prices with --prices"
            )
        lines += [f"Wrote {sound}.", *write_sound(*made.heard, sound)]
    if figures is not None:
        from engine.report.figures import write_figures  # noqa: PLC0415  matplotlib is slow to import

        written = write_figures(made, figures, kind)
        lines.append(f"Wrote {len(written)} charts to {figures}, each with its sentence in a text file.")
    return lines
