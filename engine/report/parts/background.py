"""What stands behind a result: what costs took, which prices were used and what is doubtful about them, every setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from engine.costs.plain import Costs
from engine.prices.history import Prices
from engine.report.costs import cost_lines
from engine.report.data import data_lines, year_lines
from engine.report.model import Bars, Column, Section, Table
from engine.report.parts.trading import NEEDS_PRICES
from engine.report.spoken import money, say_settings
from engine.results.costs import CostTotals, cost_totals
from engine.settings import Settings, TrailingStop
from engine.terms import AccountTerms

__all__ = ["costs_section", "data_section", "settings_section"]


def costs_section(trades: pd.DataFrame, costs: Any, net: float, limit: str, whose: str = "") -> Section:
    """Say what costs took and of what they are made.

    Parameters
    ----------
    trades : DataFrame
        TRADE_COLUMNS.
    costs : Costs or CostSchedule
    net : float
        What was gained after costs, currency.
    limit : str
        The sentence about how much more cost would be borne; empty if it is not known.
    whose : str
        The symbol, where the result has others as well.
    """
    title = "Costs"
    if trades.empty:
        return Section(title, ("Nothing was traded, so nothing was paid.",))
    totals = cost_totals(trades, costs)
    lines = cost_lines(totals, int((trades["exit_reason"] != "open").sum()), net)
    if whose:
        lines.insert(0, f"These are the costs of {whose} alone.")
    if costs == Costs():
        lines.insert(0, "No costs were charged. Real trading is not free.")
    parts = _parts(totals)
    columns = (
        Column("part"),
        Column("paid, currency", "number"),
        Column("share of the turnover, percent", "number", 4, 100.0),
    )
    rows = tuple(
        (name, paid, paid / totals.turnover if totals.turnover else float("nan")) for name, paid in parts.items()
    )
    charts = (_chart(parts),) if len(parts) > 1 else ()
    table = Table(
        "What costs are made of",
        columns,
        (*rows, ("all costs", totals.total, totals.total / totals.turnover if totals.turnover else float("nan"))),
        can_filter=False,
    )
    return Section(title, (*lines, *([limit] if limit else [])), charts, (table,) if rows else ())


def _parts(totals: CostTotals) -> dict[str, float]:
    """Give the parts of the costs, the largest first."""
    parts = dict(totals.parts) if totals.parts else {"fees": totals.fees}
    if totals.slippage:
        parts["slippage"] = totals.slippage
    return dict(sorted(((name, paid) for name, paid in parts.items() if paid), key=lambda part: -part[1]))


def _chart(parts: Mapping[str, float]) -> Bars:
    """Draw the parts of the costs."""
    largest = next(iter(parts))
    share = parts[largest] / sum(parts.values())
    sentence = f"The largest part of the costs is {largest}, {money(parts[largest])}, which is {100 * share:.0f} percent of them."
    return Bars("Parts of the costs", sentence, "part", tuple(parts), np.array(list(parts.values())), "currency")


def data_section(
    prices: Prices | None, digest: str, left_out: Mapping[str, str], too_short: Mapping[str, str]
) -> Section:
    """Say which prices were used, and everything that validation found."""
    title = "Prices and what is doubtful about them"
    if prices is None:
        reasons = [
            *(f"Left out: {reason}." for reason in left_out.values()),
            *(f"Too short: {reason}." for reason in too_short.values()),
        ]
        return Section(
            title,
            (f"Hash of the prices: {digest}.", *reasons, f"Dates and findings are not in the result. {NEEDS_PRICES}"),
        )
    lines = [
        line.replace("; goldencross validate says them all.", "; they are listed here.")
        for line in data_lines(prices, left_out, too_short, digest)
    ]
    tables = [_symbols(prices)]
    if prices.report.findings:
        tables.append(_findings(prices))
    else:
        lines.append("Validation found nothing.")
    return Section(title, (*lines, f"Full hash: {digest}."), (), tuple(tables))


def _symbols(prices: Prices) -> Table:
    """List the symbols with their bars."""
    columns = (
        Column("symbol"),
        Column("first bar", "date"),
        Column("last bar", "date"),
        Column("bars", "number", 0),
        Column("currency"),
    )
    rows = tuple(
        (s, prices[s].dates[0], prices[s].dates[-1], len(prices[s]), prices[s].currency or "not named")
        for s in prices.symbols
    )
    return Table("Symbols and their bars", columns, rows)


def _findings(prices: Prices) -> Table:
    """List what validation found."""
    columns = (Column("severity"), Column("rule"), Column("symbol"), Column("what is wrong"), Column("what is done"))
    report = prices.report
    found = (*report.errors, *report.warnings, *report.notes)
    return Table(
        "What validation found", columns, tuple((str(f.severity), f.rule, f.symbol, f.message, f.action) for f in found)
    )


def settings_section(
    settings: Settings,
    digest: str,
    what: Mapping[str, Any],
    terms: AccountTerms | None = None,
    stops: Sequence[TrailingStop | None] = (),
    prices: Prices | None = None,
) -> Section:
    """Say every setting in words, and list all of them by name.

    Parameters
    ----------
    settings : Settings
    digest : str
        Hash of the prices.
    what : mapping
        What was run: averages, sizes of the grid.
    terms : AccountTerms or None
        Of an account that the symbols share.
    stops : sequence of TrailingStop or None
    prices : Prices or None
        If they are at hand, it is said where the bars of a year come from.
    """
    rows = [
        ("goldencross version", version("goldencross")),
        ("hash of the prices, SHA-256", digest),
        *((name, str(value)) for name, value in what.items() if value is not None),
    ]
    rows += [(f"stop {i}" if len(stops) > 1 else "stop", _stop(stop)) for i, stop in enumerate(stops, start=1)]
    rows += [(_words(name), said) for name, said in _flat(settings.to_dict())]
    if terms is not None:
        rows += [(f"account, {_words(name)}", said) for name, said in _flat(terms.to_dict())]
    table = Table("Every setting", (Column("setting"), Column("value")), tuple(rows), can_filter=len(rows) > 30)
    years = [] if prices is None else year_lines(settings, prices)
    return Section("Settings", (*say_settings(settings, terms), *years), (), (table,))


def _stop(stop: TrailingStop | None) -> str:
    """Write all fields of a stop."""
    return (
        "none" if stop is None else ", ".join(f"{_words(name)} {_words(value)}" for name, value in vars(stop).items())
    )


def _words(value: Any) -> str:
    """Write a name or a value without underscores, which are read aloud."""
    return str(value).replace("_", " ")


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Write nested settings as one list."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}, ")
        elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
            for i, one in enumerate(value, start=1):
                yield (
                    f"{prefix}{name} {i}",
                    ", ".join(f"{_words(k)} {_words(v)}" for k, v in one.items() if v is not None),
                )
        else:
            yield f"{prefix}{name}", "none" if value is None else _words(value)
