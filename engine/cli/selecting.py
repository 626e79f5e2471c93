"""The command that chooses a setting on the past and trades it afterwards."""

# typer reads the annotations of these functions at run time, so they must not be strings: no "from __future__ import annotations" here.

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from engine.cli import options as o
from engine.cli.output import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_LEFT_OUT,
    adjustment_rows,
    check_output,
    emit,
    write_table,
)
from engine.cli.parsing import pick
from engine.cli.progress import Progress, announce_compilation
from engine.cli.timing import Asked, lengths_on, parse_length, with_year
from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.holdings import add_holdings
from engine.prices.history import Prices
from engine.report.walkforward import cross_validation_text, walk_forward_text
from engine.selection.choosing import RULES, rule_of
from engine.selection.crossvalidation import CrossValidation, cross_validate
from engine.selection.folds import Scheme, walk_forward_folds
from engine.selection.trials import trials_of
from engine.selection.walkforward import WalkForward, first_warm_day, walk_forward

__all__ = ["walkforward"]

Result = WalkForward | CrossValidation


def walkforward(
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
    rule: Annotated[str, typer.Option("--rule", help=f"What a training chooses by: {', '.join(RULES)}.")] = "sharpe",
    scheme: Annotated[
        str,
        typer.Option(
            "--scheme", help="anchored (trainings grow from the first day) or rolling (all as long as the first)."
        ),
    ] = "anchored",
    train: Annotated[
        str,
        typer.Option(
            "--train",
            help="Days of the first training, or bars of intraday prices, or 60d (sessions); without it half of all.",
            show_default=False,
        ),
    ] = "",
    test: Annotated[
        str,
        typer.Option(
            "--test",
            help="Days of a test, as --train; without it what is left is cut into --folds tests.",
            show_default=False,
        ),
    ] = "",
    step: Annotated[
        str,
        typer.Option("--step", help="Days from one test to the next; without it --test.", show_default=False),
    ] = "",
    folds: Annotated[
        int | None,
        typer.Option(
            "--folds", help="How many tests; without it as many as fit, or 10 without --test.", show_default=False
        ),
    ] = None,
    purge: Annotated[int, typer.Option("--purge", help="Days between a training and its test.")] = 1,
    cv: Annotated[
        str,
        typer.Option(
            "--cv",
            help="Combinatorial purged cross-validation instead, as groups:tested, such as 10:2; 10:1 is purged k-fold.",
        ),
    ] = "",
    embargo: Annotated[
        str,
        typer.Option(
            "--embargo",
            help="Days left out of a training after each test, for --cv; without it the longest slow window.",
            show_default=False,
        ),
    ] = "",
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
    equity: Annotated[
        Path | None,
        typer.Option("--equity", help="Write the equity out of sample, or of every path, to this file as well."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a page with charts to this file as well, .html.")
    ] = None,
    output_format: o.Format = "text",
    progress: o.Progress = "auto",
) -> int:
    """Choose on past days, trade the days after. Choose again after each test; says how the choices did where they were not made.

    Example: goldencross walkforward prices/ --scheme rolling --train 750 --test 125 --fee-rate 0.001
    """
    for target in (out, equity):
        check_output(target, output_format)
    if report is not None and (report.suffix.lower() != ".html" or cv):
        raise InputError(f"--report {report}: it is a page, .html, of a walk forward, not of --cv")
    typed = {"train": train, "test": test, "step": step}
    groups = _groups_of(cv, embargo, {**typed, "folds": "" if folds is None else str(folds)})
    lengths = {name: parse_length(f"--{name}", text) for name, text in {**typed, "embargo": embargo}.items()}
    chosen_by, how = rule_of(rule), pick("--scheme", scheme, Scheme)
    reporter = Progress("splits" if groups else "folds", progress)
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
    if settings.intrabar == "both":
        raise InputError("intrabar 'both' is for a single backtest; walk forward with stop_first and with high_first")
    prices = o.prices_of(path, repair, symbols, start, end, actions, timezone)
    timed, settings = asked.on(prices), with_year(settings, prices, bars_per_year)
    grid, cuts = Grid.of(timed.fast, timed.slow, timed.stops), lengths_on(prices, lengths)
    rest = cuts.pop("embargo")
    announce_compilation(reporter, add_holdings)
    try:
        trials = trials_of(prices, grid, settings)
        reporter.restart()
        if groups:
            result: Result = cross_validate(trials, *groups, chosen_by, purge=purge, embargo=rest, progress=reporter)
        else:
            first, days = first_warm_day(trials), len(trials.pool.days)
            cut = walk_forward_folds(days, scheme=how, **cuts, folds=folds, purge=purge, start=first)
            result = walk_forward(trials, cut, chosen_by, progress=reporter)
    except KeyboardInterrupt:
        typer.echo("Interrupted before there was a result; nothing was written.", err=True)
        return EXIT_INTERRUPTED
    finally:
        reporter.close()
    if report is not None and isinstance(result, WalkForward):
        _write_page(result, prices, report)
    _print(result, prices, rule, out, equity, output_format, timed.lines)
    return EXIT_LEFT_OUT if trials.pool.left_out else EXIT_DONE


def _groups_of(cv: str, embargo: str, windows: Mapping[str, str]) -> tuple[int, int] | None:
    """Read --cv; None without it.

    Raises
    ------
    InputError
        It is not two numbers; options of a walk forward are given with it, or one of its own without it.
    """
    if not cv:
        if embargo:
            raise InputError(
                f"--embargo {embargo}: in a walk forward no training lies after a test; give it with --cv, or leave it out"
            )
        return None
    given = [f"--{name}" for name, value in windows.items() if value]
    if given:
        raise InputError(f"--cv {cv} cuts the days by itself; leave out {', '.join(given)}")
    groups, _, tested = cv.partition(":")
    try:
        return int(groups), int(tested)
    except ValueError:
        raise InputError(f"--cv {cv}: write groups:tested, such as 10:2") from None


def _write_page(result: WalkForward, prices: Prices, out: Path) -> None:
    """Write a walk forward as a page."""
    from engine.report.page import write_page  # noqa: PLC0415  for this option only
    from engine.report.walking import walk_forward_report  # noqa: PLC0415

    write_page(walk_forward_report(result, prices, walk_forward_text(result, prices)), out)


def _print(
    result: Result,
    prices: Prices,
    rule: str,
    out: Path | None,
    equity: Path | None,
    output_format: str,
    last: list[str],
) -> None:
    """Write and print a result; ``last`` are the last lines of the text."""
    table = result.to_frame().reset_index()
    if out:
        write_table(table, out)
    if equity:
        curves = (
            result.equity.to_frame() if isinstance(result, WalkForward) else result.path_frame().add_prefix("path_")
        )
        write_table(curves.rename_axis("date").reset_index(), equity)
    lines = [*_lines(result, prices), *last] if output_format == "text" else []
    about: dict[str, Any] = {
        "prices": prices.digest,
        "left_out": dict(result.trials.pool.left_out),
        "adjustments": adjustment_rows(prices.report),
        "settings": result.trials.settings.to_dict(),
        "rule": rule,
        "summary": {name: None if pd.isna(value) else value for name, value in result.summary().items()},
    }
    if isinstance(result, WalkForward):
        seams = result.seam_frame().astype(object)
        about["seams"] = seams.where(seams.notna(), None).to_dict("records")
    emit(output_format, lines, table, about)


def _lines(result: Result, prices: Prices) -> list[str]:
    """Say a result."""
    if isinstance(result, WalkForward):
        return walk_forward_text(result, prices)
    return cross_validation_text(result, prices)
