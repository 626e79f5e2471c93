"""Rules about single bars: cells that are blank, text, impossible, inconsistent or suspicious."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from engine.validation.columns import PRICES
from engine.validation.dates import day
from engine.validation.findings import Finding, Severity
from engine.validation.scan import Mask, Scan, any_cell, bar_findings, field_names, price_text, runs
from engine.validation.table import F8, refused

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "absurd_prices",
    "bad_volumes",
    "flat_mask",
    "inconsistent_bars",
    "infinite_prices",
    "missing_values",
    "non_positive_prices",
    "off_tick_prices",
    "round_to_ticks",
    "stale_runs",
    "texts",
    "zero_volume_flat",
]

_STALE_BARS = 5


def missing_values(scan: Scan) -> Iterator[Finding]:
    """Find bars without a price, as runs: at the start, inside and at the end."""
    table = scan.table
    places = (
        (scan.leading, "at the start", "drop-blank-first"),
        (scan.inside, "inside", "drop-bad-bars"),
        (scan.trailing, "at the end", "drop-blank-last"),
    )
    for mask, place, repair in places:
        for start, stop in runs(mask):
            names = field_names(np.asarray(scan.blank[start:stop].any(axis=0)))
            date = day(table.dates[start])
            span = "the bar has" if stop == start + 1 else f"{stop - start} bars to {day(table.dates[stop - 1])} have"
            message = f"{table.symbol} {date}: {span} no {names} ({place} of the history)".replace(
                "inside of", "inside"
            )
            action = refused(table.symbol, repair)
            shown = None if scan.bad_date[start] else date
            yield Finding(table.symbol, shown, names, "missing-value", Severity.ERROR, message, action, stop - start)


def texts(scan: Scan) -> Iterator[Finding]:
    """Find prices that are text, such as 'abc' or '1,234.5'."""
    table = scan.table

    def describe(position: int) -> tuple[str, str]:
        names = field_names(scan.text[position])
        cells = [table.texts[name][int(table.rows[position])] for name in names.split(", ")]
        return names, f"{names} is not a number: {', '.join(ascii(cell) for cell in cells)}"

    action = refused(table.symbol, "drop-bad-bars")
    return bar_findings(table, any_cell(scan.text), "not-a-number", Severity.ERROR, describe, action)


def _cells(scan: Scan, cells: Mask, rule: str, what: str) -> Iterator[Finding]:
    """Report each bar where any of the cells (T, 4) is true."""

    def describe(position: int) -> tuple[str, str]:
        names = field_names(cells[position])
        values = ", ".join(price_text(value) for value in scan.prices[position][cells[position]])
        return names, f"{names} of {values} {what}"

    action = refused(scan.table.symbol, "drop-bad-bars")
    return bar_findings(scan.table, any_cell(cells), rule, Severity.ERROR, describe, action)


def infinite_prices(scan: Scan) -> Iterator[Finding]:
    """Find prices of plus or minus infinity."""
    return _cells(scan, scan.infinite, "infinite", "is not finite")


def non_positive_prices(scan: Scan) -> Iterator[Finding]:
    """Find prices of 0 or less."""
    return _cells(scan, scan.non_positive, "non-positive", "is not above 0")


def absurd_prices(scan: Scan) -> Iterator[Finding]:
    """Find prices that cannot be true beside their neighbours."""
    what = "is over 1e9, under 1e-10 or 1000 times away from the bars around it"
    return _cells(scan, scan.absurd, "absurd", what)


def inconsistent_bars(scan: Scan) -> Iterator[Finding]:
    """Find bars whose high or low do not hold the other prices."""

    def describe(position: int) -> tuple[str, str]:
        opens, high, low, close = (float(value) for value in scan.prices[position])
        values = f"open {opens!r}, high {high!r}, low {low!r}, close {close!r}"
        if high < low:
            return "high, low", f"the high is below the low ({values})"
        names = [name for name, value in (("open", opens), ("close", close)) if not low <= value <= high]
        return ", ".join(names), f"{' and '.join(names)} outside low to high ({values})"

    action = refused(scan.table.symbol, "drop-bad-bars")
    return bar_findings(scan.table, scan.inconsistent, "inconsistent", Severity.ERROR, describe, action)


def bad_volumes(scan: Scan) -> Iterator[Finding]:
    """Find volumes that are blank, text, negative or infinite; no result depends on them, so they are kept."""
    table, volume = scan.table, scan.table.columns["volume"]
    if "volume" not in table.texts:  # no such column, and that is reported once
        return
    words = table.texts["volume"]
    text = np.isin(table.rows, list(words))
    complete = np.isfinite(scan.prices).all(axis=1)
    blank = np.isnan(volume) & ~text & complete
    if blank.any():
        first, last = (day(table.dates[position]) for position in np.flatnonzero(blank)[[0, -1]])
        message = f"{table.symbol} {first}: {blank.sum()} bars have no volume, from {first} to {last}"
        yield Finding(table.symbol, first, "volume", "missing-volume", Severity.NOTE, message, "kept", int(blank.sum()))

    def describe(position: int) -> tuple[str, str]:
        word = words.get(int(table.rows[position]))
        return "volume", f"the volume {ascii(word) if word is not None else float(volume[position])!s} makes no sense"

    wrong = text | np.isinf(volume) | (volume < 0)
    yield from bar_findings(
        table, wrong, "bad-volume", Severity.WARNING, describe, "the bar is kept; text counts as no volume"
    )


def flat_mask(prices: F8, volume: F8) -> Mask:
    """Return the bars of (T, 4) prices that have one price only and traded nothing."""
    return np.asarray((prices == prices[:, :1]).all(axis=1) & (volume == 0))


def zero_volume_flat(scan: Scan) -> Iterator[Finding]:
    """Find bars that look filled in for a day without trading."""

    def describe(position: int) -> tuple[None, str]:
        return (
            None,
            f"no volume and one price only, {price_text(scan.prices[position, 0])}: filled in rather than traded",
        )

    mask = flat_mask(scan.prices, scan.table.columns["volume"])
    if mask.any() and scan.sessions.length is not None:
        yield _flat_minutes(scan, mask)
        return
    action = "the bar is kept; use --repair drop-flat to drop it"
    yield from bar_findings(scan.table, mask, "zero-volume-flat", Severity.WARNING, describe, action)


def _flat_minutes(scan: Scan, mask: Mask) -> Finding:
    """Make one note of intraday bars without trading, which are as usual as quiet minutes."""
    symbol, hits = scan.table.symbol, np.flatnonzero(mask)
    date = day(scan.table.dates[hits[0]])
    message = f"{symbol} {date}: {len(hits):,} bars have no volume and one price only, {100 * len(hits) / len(mask):.2g} percent of all"
    action = "kept; use --repair drop-flat to drop them"
    return Finding(symbol, date, None, "zero-volume-flat", Severity.NOTE, message, action, len(hits))


def stale_runs(scan: Scan) -> Iterator[Finding]:
    """Find five or more bars in a row with the same four prices; of intraday bars one note."""
    sound = scan.sound
    prices = np.column_stack([sound.columns[name] for name in PRICES])
    same = np.concatenate([[False], (prices[1:] == prices[:-1]).all(axis=1)]) if len(sound) else np.zeros(0, dtype=bool)
    found = [(start, stop) for start, stop in runs(same) if stop - start + 1 >= _STALE_BARS]
    if found and scan.sessions.length is not None:
        bars = [stop - start + 1 for start, stop in found]
        start, most = found[int(np.argmax(bars))][0], max(bars)
        first = day(sound.dates[start - 1])
        times = "once" if len(found) == 1 else f"{len(found):,} times"
        message = f"{sound.symbol} {first}: {times} five or more bars in a row have the same four prices; {most:,} here, the most"
        yield Finding(sound.symbol, first, None, "stale", Severity.NOTE, message, "the bars are kept", sum(bars))
        return
    for start, stop in found:
        count = stop - start + 1
        first, last = day(sound.dates[start - 1]), day(sound.dates[stop - 1])
        message = f"{sound.symbol} {first}: {count} bars in a row have the same four prices, until {last}"
        yield Finding(sound.symbol, first, None, "stale", Severity.WARNING, message, "the bars are kept", count)


def round_to_ticks(prices: F8) -> F8:
    """Round to whole hundredths: the double nearest to k / 100."""
    return np.asarray(np.rint(prices * 100) / 100, dtype=np.float64)


def off_tick_prices(scan: Scan) -> Iterator[Finding]:
    """Find prices that are not whole hundredths, such as 223.60000610351562; one note a symbol."""
    sound = scan.sound
    prices = np.column_stack([sound.columns[name] for name in PRICES])
    off = prices != round_to_ticks(prices)
    if off.any():
        row, column = (int(index) for index in np.argwhere(off)[0])
        date, count = day(sound.dates[row]), int(off.any(axis=1).sum())
        example = f"{PRICES[column]} {price_text(prices[row, column])}"
        message = f"{sound.symbol} {date}: {off.mean():.1%} of the prices are not whole hundredths, first {example}"
        action = "kept; use --repair round-ticks to round them"
        yield Finding(
            sound.symbol,
            date,
            field_names(np.asarray(off.any(axis=0))),
            "off-tick",
            Severity.NOTE,
            message,
            action,
            count,
        )
