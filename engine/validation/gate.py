"""The gate: every table that is read passes here, and only clean ones come out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from engine.errors import InputError
from engine.validation import bars, intraday, jumps, order
from engine.validation.actions import Adjustment, Outcome
from engine.validation.adjusting import adjust, by_symbol
from engine.validation.findings import EVERY_SYMBOL, Finding, Report, Severity
from engine.validation.repairs import check_names, mend
from engine.validation.scan import Scan
from engine.validation.table import F8, Table, refused, tabulate

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from engine.validation.actions import Action
    from engine.validation.zones import Zones

__all__ = ["RULES", "CleanTable", "admit", "among"]

RULES: tuple[Callable[[Scan], Iterable[Finding]], ...] = (
    order.bad_dates,
    order.identical_rows,
    order.conflicting_dates,
    order.out_of_order,
    bars.missing_values,
    bars.texts,
    bars.infinite_prices,
    bars.non_positive_prices,
    bars.absurd_prices,
    bars.inconsistent_bars,
    jumps.scaled_stretches,
    order.mixed_currency,
    order.gaps,
    intraday.missing_bars,
    intraday.uneven_bars,
    intraday.short_sessions,
    intraday.outside_hours,
    intraday.shifted_sessions,
    intraday.round_the_clock,
    jumps.split_likes,
    jumps.big_moves,
    bars.zero_volume_flat,
    bars.stale_runs,
    bars.bad_volumes,
    bars.off_tick_prices,
)
"""Every rule for one symbol, in the order in which findings are reported."""
_AS_READ = (
    bars.off_tick_prices,
)  # judged before splits are applied, which leave five places and are no reason to round


@dataclass(frozen=True, eq=False)
class CleanTable:
    """The bars of one symbol that no rule refuses.

    Parameters
    ----------
    symbol : str
        Whose bars they are.
    dates : pandas.DatetimeIndex
        Shape (T,), strictly increasing, in nanoseconds.
    columns : Mapping of str to float64 array (T,)
        open, high, low, close, all finite and positive, and volume, nan where unknown.
    currency : str or None
        The currency named in the table.
    """

    symbol: str
    dates: pd.DatetimeIndex
    columns: Mapping[str, F8]
    currency: str | None


def admit(
    frames: Mapping[str, pd.DataFrame],
    repair: Collection[str] = (),
    unreadable: Iterable[Finding] = (),
    actions: Iterable[Action] = (),
    zones: Zones | None = None,
) -> tuple[dict[str, CleanTable], Report]:
    """Judge frames, repair what is asked for, and let the clean ones through.

    Parameters
    ----------
    frames : Mapping of str to pandas.DataFrame
        Raw frames by symbol.
    repair : collection of str
        Names of repairs, see REPAIRS.
    unreadable : iterable of Finding
        What was already found while reading; errors among them leave their symbol out.
    actions : iterable of Action
        Splits and bonuses, applied after the repairs and before the rules where the prices show them.
    zones : Zones or None
        In which time zone the stamps are wanted.

    Returns
    -------
    dict of str to CleanTable
        The usable symbols, in the order of ``frames``.
    Report
        What was found in what is left after the repairs, and what became of each action.

    Raises
    ------
    InputError
        For an unknown repair, a frame that is no frame, or an action that is there twice.
    """
    check_names(repair)
    wanted = by_symbol(actions)
    findings, repairs, adjustments = list(unreadable), list[str](), list[Adjustment]()
    clean: dict[str, CleanTable] = {}
    refusals = {found.symbol: [found] for found in findings if found.severity is Severity.ERROR}
    for symbol, frame in frames.items():
        if not isinstance(symbol, str) or not isinstance(frame, pd.DataFrame):
            raise InputError(f"prices are data frames by symbol, but {symbol!r} has a {type(frame).__name__}")
        with np.errstate(all="ignore"):  # impossible prices overflow here and there, and are reported by their rules
            table, found, done, adjusted = _judge(symbol, frame, repair, wanted.pop(symbol, ()), zones)
        findings += found
        repairs += done
        adjustments += adjusted
        errors = [finding for finding in found if finding.severity is Severity.ERROR]
        if errors or symbol in refusals:
            refusals[symbol] = [*refusals.get(symbol, []), *errors]
        elif table is not None:
            currency = table.currencies[0][0] if table.currencies else None
            clean[symbol] = CleanTable(symbol, table.dates, table.columns, currency)
    findings += among(clean)
    left_out = {symbol: _reason(errors) for symbol, errors in refusals.items()}
    sizes = {symbol: len(table.dates) for symbol, table in clean.items()}
    adjustments += [_without_prices(action) for others in wanted.values() for action in others]
    return clean, Report(tuple(findings), sizes, tuple(repairs), left_out, tuple(adjustments))


def _without_prices(action: Action) -> Adjustment:
    return Adjustment(
        action.symbol,
        str(action.day),
        action.coefficient,
        Outcome.NO_PRICES,
        detail="there are no usable prices of this symbol",
    )


def _judge(
    symbol: str, frame: pd.DataFrame, repair: Collection[str], actions: Sequence[Action], zones: Zones | None
) -> tuple[Table | None, list[Finding], list[str], list[Adjustment]]:
    table, findings = tabulate(symbol, frame, zones)
    if table is None or any(finding.severity is Severity.ERROR for finding in findings):
        return None, findings, [], [_without_prices(action) for action in actions]
    table, done = mend(table, repair)
    if not len(table):
        message = f"{symbol}: no bar is left after the repairs"
        lost = Finding(symbol, None, None, "no-rows", Severity.ERROR, message, refused(symbol), 0)
        return None, [*findings, lost], done, [_without_prices(action) for action in actions]
    as_read = scan = Scan(table)
    adjusted: list[Adjustment] = []
    if actions:
        table, adjusted = adjust(table, actions)
        scan = Scan(table)
    findings += [finding for rule in RULES for finding in rule(as_read if rule in _AS_READ else scan)]
    return table, findings, done, adjusted


def _reason(errors: list[Finding]) -> str:
    counts = Counter(error.rule for error in errors)
    others = ", ".join(f"{rule} {count}" for rule, count in counts.items())
    tail = f" (errors in all: {others})" if len(errors) > 1 else ""
    hint = errors[0].action.removeprefix(f"{errors[0].symbol} is left out; ")
    return f"{errors[0].message}{tail}; {hint}"


def among(clean: Mapping[str, CleanTable]) -> list[Finding]:
    """Compare the symbols with each other: currencies and time zones."""
    checks = (
        ("currency", "different-currencies", {s: t.currency for s, t in clean.items() if t.currency}),
        ("date", "different-time-zones", {s: str(t.dates.tz) if t.dates.tz else "no zone" for s, t in clean.items()}),
    )
    found = []
    for field, rule, values in checks:
        if len(set(values.values())) > 1:
            groups = Counter(values.values())
            example = {value: symbol for symbol, value in reversed(values.items())}
            names = ", ".join(f"{value} for {n} (such as {example[value]})" for value, n in groups.items())
            message = f"the symbols have different {'currencies' if field == 'currency' else 'time zones'}: {names}"
            total = sum(len(clean[symbol].dates) for symbol in values)
            found.append(
                Finding(EVERY_SYMBOL, None, field, rule, Severity.WARNING, message, "kept; do not add them up", total)
            )
    return found
