"""How much of a sweep's best result is luck: what the sweeps say of it, and the command ``luck``."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pandas as pd
import typer

from engine.cli import options as o
from engine.cli.output import EXIT_DONE, EXIT_INTERRUPTED, EXIT_LEFT_OUT, check_output, emit
from engine.cli.progress import Progress, announce_compilation
from engine.errors import DataError, InputError
from engine.grid import Grid
from engine.limits import MOST_RESAMPLES
from engine.prices.embedded import sample
from engine.prices.history import Prices
from engine.prices.simulated import simulate
from engine.results.reduced import ReducedSweep
from engine.results.sweep import SweepTable
from engine.settings import Settings

if TYPE_CHECKING:
    from engine.selection.verdict import LuckReport

__all__ = ["NoLuck", "Resamples", "check_resamples", "judged", "luck"]

NoLuck = Annotated[
    bool, typer.Option("--no-luck", help="Do not judge how much of the best result is luck, and do not note the sweep.")
]
Resamples = Annotated[
    int,
    typer.Option(
        "--permutations", help="Markets with nothing to find on which the whole sweep is run again; 0 is none."
    ),
]


def check_resamples(permutations: int) -> None:
    """Check a number of permutations before anything is run.

    Raises
    ------
    InputError
    """
    if not 0 <= permutations <= MOST_RESAMPLES:
        raise InputError(f"--permutations {permutations}: it must be 0, which is none, or up to {MOST_RESAMPLES:,}")


def judged(
    result: SweepTable | ReducedSweep, prices: Prices, metric: str, permutations: int, progress: str
) -> tuple[list[str], dict[str, Any]]:
    """Judge a sweep that was just run, and note it in the ledger of trials.

    Returns
    -------
    list of str
        The text. What could not be done is said in it; a sweep is never lost for that.
    dict
        The same as values, for the JSON document.
    """
    from engine.report.luck import luck_lines  # noqa: PLC0415  not needed where nothing is judged
    from engine.selection.judging import luck as judge  # noqa: PLC0415
    from engine.selection.ledger import record_sweep  # noqa: PLC0415

    if not result.finished:
        return ["How much of it is luck was not judged, because the sweep was interrupted."], {}
    noted = record_sweep(result, prices, metric)
    tried = 0 if isinstance(noted, str) else noted.trials
    reporter = Progress("markets", progress)
    try:
        report = judge(result, prices, permutations=permutations, tried=tried, progress=reporter)
    except (DataError, InputError, MemoryError) as error:  # the cells are there, and are not lost for that
        return [f"How much of it is luck was not judged: {str(error) or 'there is not enough memory'}."], {}
    except KeyboardInterrupt:
        return ["How much of it is luck was not judged, because that was interrupted."], {}
    finally:
        reporter.close()
    said = [noted] if isinstance(noted, str) else noted.describe()
    return ["How much of the best result is luck:", *luck_lines(report), *said], report.to_dict()


def luck(
    result: Annotated[Path, typer.Argument(metavar="RESULT", help="Parquet file of a sweep, from --out.")],
    path: Annotated[
        Path | None,
        typer.Option("--prices", help="Prices of the sweep; without them only what follows from the cells is said."),
    ] = None,
    permutations: Resamples = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the permutations and resamples.")] = 0,
    blocks: Annotated[int, typer.Option("--blocks", help="Of days, for the probability of overfitting; even.")] = 16,
    quick: Annotated[bool, typer.Option("--quick", help="Leave out what resamples, and the sensitivity.")] = False,
    symbols: o.Symbols = "",
    start: o.Start = "",
    end: o.End = "",
    repair: o.Repair = "",
    actions: o.Actions = None,
    timezone: o.Timezone = "",
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Say how much of the best result of a sweep is luck. All statistics, the permutation test, and what becomes of the pick if one thing is changed.

    Example: goldencross luck cells.parquet --prices prices/
    """
    from engine.report.luck import luck_lines  # noqa: PLC0415  slow to import, and not needed for what is refused
    from engine.results.storage import load_sweep  # noqa: PLC0415
    from engine.selection.judging import luck as judge  # noqa: PLC0415
    from engine.selection.ledger import Ledger  # noqa: PLC0415
    from engine.selection.overfitting import block_edges  # noqa: PLC0415

    check_output(None, output_format)
    check_resamples(permutations)
    block_edges(0, blocks)  # refuses a number that makes no sense before anything is compiled
    reporter = Progress("markets", progress)
    table = load_sweep(result)
    prices = _prices_of(table, path, repair, symbols, start, end, actions, timezone)
    if prices is None:
        return _from_cells(table, output_format)
    if permutations and not quick:
        _compile_first(reporter)
    ledger = Ledger.default()
    known = ledger.trials_on(prices) if ledger else None
    try:
        report = judge(
            table,
            prices,
            permutations=0 if quick else permutations,
            blocks=blocks,
            tried=known.trials if known else 0,
            seed=seed,
            progress=reporter,
        )
    finally:
        reporter.close()
    lines = luck_lines(report)
    more: dict[str, Any] = {}
    if not quick and report.is_defined:
        said, more = _more(table, prices, report, seed)
        lines += said
    lines += known.describe() if known else []
    rows = pd.DataFrame([{"name": name, "value": value} for name, value in report.to_dict().items()])
    emit(output_format, lines, rows, {"prices": table.digest, **report.to_dict(), **more})
    if report.permutation is not None and report.permutation.stopped == "interrupted":
        return EXIT_INTERRUPTED
    return EXIT_LEFT_OUT if report.market.pool.left_out else EXIT_DONE


def _compile_first(reporter: Progress) -> None:
    """Compile what a permutation test needs on its own, so that it is not mistaken for its pace."""
    from engine.kernels.shuffle import chain_moves  # noqa: PLC0415
    from engine.selection.permutation import permutation_test  # noqa: PLC0415

    if announce_compilation(reporter, chain_moves):
        permutation_test(simulate(1, 60), Grid.of(2, 5), Settings(), resamples=1, workers=1)
        reporter.restart()


def _prices_of(
    table: SweepTable,
    path: Path | None,
    repair: str,
    symbols: str,
    start: str,
    end: str,
    actions: Path | None,
    timezone: str,
) -> Prices | None:
    """Find the prices of a sweep: those that are named, or the embedded sample if it is that; None if they are not at hand."""
    if path is not None:
        return o.prices_of(path, repair, symbols, start, end, actions, timezone)
    embedded = sample()
    return embedded if embedded.digest == table.digest else None


def _from_cells(table: SweepTable, output_format: str) -> int:
    """Say what can be said without prices."""
    from engine.report.cells import cells_lines  # noqa: PLC0415
    from engine.selection.cells import judge_cells  # noqa: PLC0415

    report = judge_cells(table)
    values = report.to_dict()
    rows = pd.DataFrame([{"name": name, "value": value} for name, value in values.items()])
    emit(output_format, cells_lines(report), rows, {"prices": table.digest, **values})
    return EXIT_LEFT_OUT


def _more(table: SweepTable, prices: Prices, report: "LuckReport", seed: int) -> tuple[list[str], dict[str, Any]]:
    """Do the tests of data snooping, and the sensitivity of the pick."""
    from engine.report.sensitivity import sensitivity_text  # noqa: PLC0415
    from engine.report.snooping import snooping_lines  # noqa: PLC0415
    from engine.selection.excess import feed  # noqa: PLC0415
    from engine.selection.picks import Pick  # noqa: PLC0415
    from engine.selection.sensitivity import sensitivity  # noqa: PLC0415
    from engine.selection.snooping import Resampling, reality_check, step_m, superior_predictive_ability  # noqa: PLC0415

    market, resampling = report.market, Resampling(seed=seed)
    fed = feed(market.blocks(table.grid, None), seed=seed)
    tests = reality_check(fed, resampling), superior_predictive_ability(fed, resampling), step_m(fed, resampling)
    lines = snooping_lines(*tests)
    values: dict[str, Any] = {"reality_check_p": tests[0].p, "spa_p": tests[1].p, "step_m": len(tests[2].settings)}
    if market.account is None:
        key = report.pick
        symbol = report.symbols[0] if len(report.symbols) == 1 else None
        pick = Pick(symbol, key["fast"], key["slow"], table.stop_of(key["atr_window"], key["multiple"]))
        found = sensitivity(prices.select(report.symbols), pick, table.settings, table.grid.stops)
        lines += sensitivity_text(found)
        values["sensitivity"] = found.to_frame().reset_index().to_dict("records")
    return lines, values
