"""The two commands of an account that many symbols share."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

import time
from pathlib import Path
from typing import Annotated, Literal

import pandas as pd
import typer

from engine.accounts.facade import account_arguments
from engine.accounts.facade import portfolio as run_portfolio
from engine.accounts.sweep import sweep_portfolio as run_sweep
from engine.cli import options as o
from engine.cli.judging import NoLuck, judged
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
from engine.cli.parsing import pick
from engine.cli.progress import Progress, announce_compilation
from engine.cli.timing import Asked, with_year
from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.kernels.portfolio import simulate_portfolio
from engine.kernels.trips import sweep_trips
from engine.prices.simulated import simulate as run_simulate
from engine.report.portfolio import portfolio_text
from engine.report.sweep import sweep_text
from engine.results.reduced import ReducedSweep
from engine.results.sweep import SweepTable
from engine.sweeping import SweepInterruptedError

__all__ = ["portfolio", "sweep_portfolio"]


def portfolio(
    path: o.PricesPath = None,
    fast: o.OneFast = "50",
    slow: o.OneSlow = "200",
    stop: o.Stop = "3",
    atr_window: o.AtrSpan = "14",
    atr: o.Atr = "sma",
    stop_kind: o.StopKindOption = "fixed",
    fill: o.FillOption = "next-open",
    intrabar: o.IntrabarOption = "stop-first",
    capital: o.AccountCapital = 100_000.0,
    sizing: o.SizingOption = "risk",
    risk: o.Risk = 0.02,
    max_positions: o.MaxPositions = 0,
    max_weight: o.MaxWeight = 0.0,
    priority: o.Priority = "strongest",
    lot: o.Lots = "1",
    tick: o.Ticks = "",
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
    signals: Annotated[
        Path | None, typer.Option("--signals", help="Write every signal, filled, cut or skipped, to this file as well.")
    ] = None,
    equity: Annotated[
        Path | None, typer.Option("--equity", help="Write equity, cash and shares of every day to this file as well.")
    ] = None,
    save: o.Save = None,
    output_format: o.Format = "text",
) -> int:
    """Backtest one account that all symbols share. They share its cash and its risk.

    Example: goldencross portfolio prices/ --fast 50 --slow 200 --stop 3 --capital 500000 --costs nse-delivery --tick 0.05
    """
    for target in (out, trades, signals, equity):
        check_output(target, output_format)
    check_save(save)
    asked = Asked.of(fast, slow, stop, atr_window, atr, stop_kind)
    if len(asked.stops) != 1:
        raise InputError(f"--stop {stop}: a portfolio takes one stop; goldencross sweep-portfolio takes many")
    settings = o.settings_of(
        fill,
        intrabar,
        "long_only",
        capital,
        sizing,
        risk,
        1.0,
        fee_rate,
        fee_fixed,
        fee_minimum,
        slippage,
        costs,
        bars_per_year,
        flatten=flatten,
    )
    terms = o.terms_of(max_positions, max_weight, priority, lot, tick)
    prices = o.prices_of(path, repair, symbols, start, end, actions, timezone)
    timed, settings = asked.on(prices), with_year(settings, prices, bars_per_year)
    o.check_atr(prices, timed.stops)
    pair = timed.pair
    announce_compilation(Progress("symbols"), simulate_portfolio)
    result = run_portfolio(prices, *pair, timed.stops[0], **account_arguments(settings, terms))
    table = result.contribution.reset_index()
    if out:
        write_table(table, out)
    save_whole(result, save)
    if trades:
        write_table(result.trades, trades)
    if signals:
        write_table(result.signals, signals)
    if equity:
        days = pd.concat([result.equity, result.cash, result.invested], axis=1)
        write_table(days.rename_axis("date").reset_index(), equity)
    about = {
        "fast": result.fast,
        "slow": result.slow,
        "prices": result.digest,
        "left_out": dict(result.left_out),
        "adjustments": adjustment_rows(prices.report),
        "settings": settings.to_dict(),
        "account": terms.to_dict(),
        "metrics": {name: None if pd.isna(value) else float(value) for name, value in result.metrics.iloc[0].items()},
        "notes": list(result.notes),
    }
    emit(output_format, [*portfolio_text(result, prices), *timed.lines], table, about)
    return EXIT_LEFT_OUT if result.left_out else EXIT_DONE


def sweep_portfolio(
    path: o.PricesPath = None,
    fast: o.ManyFast = "5:100:5",
    slow: Annotated[
        str, typer.Option("--slow", help="Slow averages; pairs with fast below slow are run.")
    ] = "20:300:10",
    stop: o.Stop = "3",
    atr_window: o.AtrSpan = "14",
    atr: o.Atr = "sma",
    stop_kind: o.StopKindOption = "fixed",
    metric: Annotated[str, typer.Option("--metric", help="What the best cell has the most of.")] = "sharpe",
    fill: o.FillOption = "next-open",
    intrabar: o.IntrabarOption = "stop-first",
    capital: o.AccountCapital = 100_000.0,
    sizing: o.SizingOption = "risk",
    risk: o.Risk = 0.02,
    max_positions: o.MaxPositions = 0,
    max_weight: o.MaxWeight = 0.0,
    priority: o.Priority = "strongest",
    lot: o.Lots = "1",
    tick: o.Ticks = "",
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
    out: o.Out = None,
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Run that account for every pair and stop. Names the best cell, and says how much of it is luck.

    Example: goldencross sweep-portfolio prices/ --fast 5:100:5 --slow 20:300:10 --stop 2,3,4 --costs nse-delivery
    """
    check_output(out, output_format)
    metric = pick("--metric", metric, Literal[METRICS])
    reporter = Progress("cells", progress)
    asked = Asked.of(fast, slow, stop, atr_window, atr, stop_kind)
    settings = o.settings_of(
        fill,
        intrabar,
        "long_only",
        capital,
        sizing,
        risk,
        1.0,
        fee_rate,
        fee_fixed,
        fee_minimum,
        slippage,
        costs,
        bars_per_year,
        flatten=flatten,
    )
    terms = o.terms_of(max_positions, max_weight, priority, lot, tick)
    prices = o.prices_of(path, repair, symbols, start, end, actions, timezone)
    timed, settings = asked.on(prices), with_year(settings, prices, bars_per_year)
    windows, stops = (timed.fast, timed.slow), timed.stops
    o.check_atr(prices, stops)
    o.check_cells(0, Grid.of(*windows, stops))
    if announce_compilation(reporter, sweep_trips):  # done on its own, so that it is not mistaken for the sweep's pace
        alone = o.terms_of(max_positions, max_weight, "strongest", "1", "")
        run_sweep(run_simulate(1, 60, frequency="h"), 2, 5, stops[:1], **account_arguments(settings, alone))
        reporter.restart()
    started = time.perf_counter()
    try:
        result: SweepTable | ReducedSweep = run_sweep(
            prices, *windows, stops, **account_arguments(settings, terms), progress=reporter
        )
    except SweepInterruptedError as interrupted:
        result = interrupted.partial
    reporter.close()
    seconds = time.perf_counter() - started
    unwritten = write_cells(result, out)
    said, luck = ([], {}) if no_luck else judged(result, prices, metric, 0, progress)
    about = {
        "prices": result.digest,
        "left_out": dict(result.left_out),
        "adjustments": adjustment_rows(prices.report),
        "settings": settings.to_dict(),
        "account": terms.to_dict(),
        "metric": metric,
        "luck": luck,
    }
    table = (result.to_frame() if output_format == "csv" else result.best(metric)).reset_index()
    emit(
        output_format,
        [*sweep_text(result, prices, metric, seconds, said), *timed.lines],
        table,
        {**about, "cells": len(result)},
    )
    return ended(result, unwritten)
