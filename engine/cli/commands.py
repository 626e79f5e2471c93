"""What each command does; every one returns its exit status. The first sentence of each docstring is its help, with an example."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

import time
from pathlib import Path
from typing import Annotated, Any, Literal

import pandas as pd
import typer

from engine.backtesting import backtest as run_backtest
from engine.cli import options as o
from engine.cli.judging import NoLuck, Resamples, check_resamples, judged
from engine.cli.output import (
    EXIT_DONE,
    EXIT_LEFT_OUT,
    adjustment_rows,
    check_output,
    check_save,
    emit,
    ended,
    save_whole,
    write_cells,
    write_table,
)
from engine.cli.parsing import parse_names, pick
from engine.cli.progress import Progress, announce_compilation
from engine.cli.timing import Asked, with_year
from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.loop import simulate as simulate_one
from engine.kernels.metrics import METRICS
from engine.kernels.symbols import run_symbols
from engine.prices.checking import validate as run_validate
from engine.prices.embedded import sample
from engine.prices.simulated import simulate as run_simulate
from engine.report.backtest import backtest_text
from engine.report.data import validation_text
from engine.report.sweep import sweep_text
from engine.results.reduced import ReducedSweep
from engine.results.sweep import SweepTable
from engine.settings import Settings
from engine.sweeping import SweepInterruptedError, takes_fast_way
from engine.sweeping import sweep as run_sweep
from engine.validation.repairs import REPAIRS

__all__ = ["backtest", "sweep", "top", "validate"]

_REPAIR_HELP = "Repairs:\n\n" + "\n\n".join(f"{name}: {what}" for name, what in REPAIRS.items())


def backtest(
    path: o.PricesPath = None,
    fast: o.OneFast = "50",
    slow: o.OneSlow = "200",
    stop: o.Stop = "none",
    atr_window: o.AtrSpan = "14",
    atr: o.Atr = "sma",
    stop_kind: o.StopKindOption = "fixed",
    average: o.Average = "sma",
    band: o.Band = 0.0,
    delay: o.Delay = 0,
    confirm: o.Confirm = "none",
    hold: o.Hold = 0,
    fill: o.FillOption = "next-open",
    intrabar: o.IntrabarOption = "stop-first",
    direction: o.DirectionOption = "long-only",
    capital: o.Capital = 100_000.0,
    sizing: o.SizingOption = "all-in",
    risk: o.Risk = 0.02,
    lot: o.Lot = 1.0,
    fee_rate: o.FeeRate = 0.0,
    fee_fixed: o.FeeFixed = 0.0,
    fee_minimum: o.FeeMinimum = 0.0,
    slippage: o.Slippage = 0.0,
    costs: o.CostsOption = "plain",
    bars_per_year: o.BarsPerYear = None,
    flatten: o.Flatten = "none",
    symbols: o.Symbols = "",
    start: o.Start = "",
    end: o.End = "",
    repair: o.Repair = "",
    actions: o.Actions = None,
    timezone: o.Timezone = "",
    out: o.Out = None,
    trades: Annotated[Path | None, typer.Option("--trades", help="Write the trades to this file as well.")] = None,
    equity: Annotated[
        Path | None, typer.Option("--equity", help="Write the equity curves to this file as well.")
    ] = None,
    save: o.Save = None,
    output_format: o.Format = "text",
) -> int:
    """Backtest one pair of averages. Every symbol has its own money.

    Example: goldencross backtest prices/ --fast 50 --slow 200 --stop 3 --fee-rate 0.001
    """
    for target in (out, trades, equity):
        check_output(target, output_format)
    check_save(save)
    asked = Asked.of(fast, slow, stop, atr_window, atr, stop_kind)
    if len(asked.stops) != 1:
        raise InputError(f"--stop {stop}: a backtest takes one stop; goldencross sweep takes many")
    settings = o.settings_of(
        fill,
        intrabar,
        direction,
        capital,
        sizing,
        risk,
        lot,
        fee_rate,
        fee_fixed,
        fee_minimum,
        slippage,
        costs,
        bars_per_year,
        o.signal_of(average, band, delay, confirm, hold),
        flatten,
    )
    prices = o.prices_of(path, repair, symbols, start, end, actions, timezone)
    timed, settings = asked.on(prices), with_year(settings, prices, bars_per_year)
    o.check_atr(prices, timed.stops)
    pair = timed.pair
    announce_compilation(Progress("symbols"), simulate_one)
    result = run_backtest(prices, *pair, timed.stops[0], **vars(settings))
    table = result.metrics.reset_index()
    table["pending"] = result.pending.to_numpy()
    if out:
        write_table(table, out)
    save_whole(result, save)
    if trades:
        write_table(result.trades, trades)
    if equity:
        long = [
            series.rename("equity").rename_axis("date").reset_index().assign(symbol=s)
            for s, series in result.equity.items()
        ]
        write_table(pd.concat(long, ignore_index=True)[["symbol", "date", "equity"]], equity)
    about: dict[str, Any] = {
        "fast": result.fast,
        "slow": result.slow,
        "prices": result.digest,
        "left_out": dict(result.left_out),
    }
    about["adjustments"] = adjustment_rows(prices.report)
    emit(
        output_format, [*backtest_text(result, prices), *timed.lines], table, {**about, "settings": settings.to_dict()}
    )
    return EXIT_LEFT_OUT if result.left_out else EXIT_DONE


def sweep(
    path: o.PricesPath = None,
    fast: o.ManyFast = "5:100:5",
    slow: Annotated[
        str, typer.Option("--slow", help="Slow averages; pairs with fast below slow are run.")
    ] = "20:300:10",
    stop: o.Stop = "none",
    atr_window: o.AtrSpan = "14",
    atr: o.Atr = "sma",
    stop_kind: o.StopKindOption = "fixed",
    average: o.Average = "sma",
    band: o.Band = 0.0,
    delay: o.Delay = 0,
    confirm: o.Confirm = "none",
    hold: o.Hold = 0,
    metric: Annotated[str, typer.Option("--metric", help="What the best cell has the most of.")] = "sharpe",
    keep: o.Keep = 0,
    fill: o.FillOption = "next-open",
    intrabar: o.IntrabarOption = "stop-first",
    direction: o.DirectionOption = "long-only",
    capital: o.Capital = 100_000.0,
    sizing: o.SizingOption = "all-in",
    risk: o.Risk = 0.02,
    lot: o.Lot = 1.0,
    fee_rate: o.FeeRate = 0.0,
    fee_fixed: o.FeeFixed = 0.0,
    fee_minimum: o.FeeMinimum = 0.0,
    slippage: o.Slippage = 0.0,
    costs: o.CostsOption = "plain",
    bars_per_year: o.BarsPerYear = None,
    flatten: o.Flatten = "none",
    symbols: o.Symbols = "",
    start: o.Start = "",
    end: o.End = "",
    repair: o.Repair = "",
    actions: o.Actions = None,
    timezone: o.Timezone = "",
    no_luck: NoLuck = False,
    permutations: Resamples = 0,
    lazy: o.Lazy = False,
    out: o.Out = None,
    cluster: o.Cluster = "",
    plan: o.Plan = False,
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Backtest every pair and stop on all symbols. Names the best cells, and says how much of them is luck.

    Example: goldencross sweep prices/ --fast 5:100:5 --slow 20:300:10 --stop 2,3,4 --out cells.parquet
    """
    check_output(None if o.is_folder(out) else out, output_format)
    metric = pick("--metric", metric, Literal[METRICS])
    check_resamples(permutations)
    reduced = o.reduced_of(keep, metric, out)
    reporter = Progress("cells", progress)
    asked = Asked.of(fast, slow, stop, atr_window, atr, stop_kind)
    settings = o.settings_of(
        fill,
        intrabar,
        direction,
        capital,
        sizing,
        risk,
        lot,
        fee_rate,
        fee_fixed,
        fee_minimum,
        slippage,
        costs,
        bars_per_year,
        o.signal_of(average, band, delay, confirm, hold),
        flatten,
    )
    prices = o.prices_of(path, repair, symbols, start, end, actions, timezone, lazy=lazy)
    timed, settings = asked.on(prices), with_year(settings, prices, bars_per_year)
    windows, stops = (timed.fast, timed.slow), timed.stops
    o.check_atr(prices, stops)
    if plan:
        from engine.cli.planning import print_plan  # noqa: PLC0415  only with --plan

        if cluster:
            raise InputError("--plan measures this machine; leave --cluster out, and see docs/cluster.md for many")
        return print_plan(prices, windows, stops, settings, reduced, out, output_format, judged=not no_luck)
    grid = Grid.of(*windows, stops)  # what forms no pair is refused before anything is compiled
    if not keep:
        o.check_cells(len(prices), grid)
    if announce_compilation(
        reporter, _kernel_of(settings)
    ):  # by itself, so that it is not mistaken for the sweep's pace
        real = [one for one in stops if one is not None]  # with a stop other kernels are needed than without any
        if takes_fast_way(settings) and settings.flatten is None:  # with sessions every kernel is another one
            from engine.cli.warming import Wanted, compile_kernels  # noqa: PLC0415  only the first run ever needs it

            compile_kernels(Wanted(settings.signal, real[0] if real else None, not no_luck))
        run_sweep(run_simulate(1, 60, frequency="h"), 2, 5, (real or stops)[:1], **vars(settings))
        reporter.restart()
    if cluster:
        from engine.sweeping.cluster import connect  # noqa: PLC0415  an extra

        reduced["client"] = connect(cluster)
    started = time.perf_counter()
    try:
        result: SweepTable | ReducedSweep = run_sweep(
            prices, *windows, stops, **{**vars(settings), **reduced}, progress=reporter
        )
    except SweepInterruptedError as interrupted:
        result = interrupted.partial
        if o.is_folder(out):
            reporter.note(f"The same command goes on from what is in {out}.")
    finally:
        if cluster:
            reduced["client"].close()
    reporter.close()
    seconds = time.perf_counter() - started
    unwritten = write_cells(result, out)
    said, luck = ([], {}) if no_luck else judged(result, prices, metric, permutations, progress)
    about = {
        "prices": result.digest,
        "left_out": dict(result.left_out),
        "adjustments": adjustment_rows(prices.report),
        "settings": settings.to_dict(),
        "metric": metric,
        "luck": luck,
    }
    table = (result.to_frame() if keep or output_format == "csv" else result.best(metric)).reset_index()
    emit(
        output_format,
        [*sweep_text(result, prices, metric, seconds, said), *timed.lines],
        table,
        {**about, "cells": len(result)},
    )
    return ended(result, unwritten)


def top(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="Parquet file or folder of a sweep, from --out.")],
    metric: Annotated[str, typer.Option("--metric", help="What the best cells have the most of.")] = "sharpe",
    k: Annotated[int, typer.Option("--k", help="How many cells.")] = 20,
    output_format: o.Format = "text",
) -> int:
    """Name the best cells of a sweep that is on the disk. They are found without loading it, however large it is.

    Example: goldencross top results/ --metric sharpe --k 20
    """
    from engine.report.top import top_text  # noqa: PLC0415  pyarrow is slow to import
    from engine.results.top import top as find_top  # noqa: PLC0415

    check_output(None, output_format)
    found = find_top(results, pick("--metric", metric, Literal[METRICS]), k)
    about = {"metric": found.metric, "cells": found.looked_at, "expected": found.expected}
    emit(output_format, top_text(found, str(results)), found.cells, about)
    return EXIT_DONE


def _kernel_of(settings: Settings) -> Any:
    """Give the kernel by whose cache the first sweep of its kind is known."""
    if settings.signal.is_golden_cross:
        return run_symbols
    from engine.kernels.spells import run_lines  # noqa: PLC0415  the golden cross does not need it

    return run_lines


def validate(
    path: o.PricesPath = None,
    repair: Annotated[
        str, typer.Option("--repair", help="Repairs to make before the check, separated by commas.")
    ] = "",
    actions: o.Actions = None,
    timezone: o.Timezone = "",
    out: o.Out = None,
    output_format: o.Format = "text",
) -> int:
    """Say what is wrong with some prices. Says also what is done about it: errors refuse a symbol, warnings and notes go on."""
    check_output(out, output_format)
    source = sample() if path is None else path
    report = run_validate(source, repair=parse_names(repair), actions=actions, timezone=timezone)
    table = report.to_frame()
    if out:
        write_table(table, out)
    about = {"usable": dict(report.bars), "left_out": dict(report.left_out), "repairs": list(report.repairs)}
    about["adjustments"] = adjustment_rows(report)
    emit(output_format, validation_text(report), table, about)
    if not report.bars:
        return 2
    return EXIT_LEFT_OUT if report.left_out else EXIT_DONE


validate.__doc__ = f"""{validate.__doc__}

Example: goldencross validate prices/ --repair drop-duplicates,drop-blank-last

{_REPAIR_HELP}
"""
