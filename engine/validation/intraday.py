"""Rules about intraday bars: one finding a symbol, since what is wrong with minutes is wrong with many of them. Daily prices have none of these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from engine.validation.dates import day
from engine.validation.findings import Finding, Severity
from engine.validation.sessions import Sessions, clock_time, say_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.validation.scan import Scan

__all__ = ["missing_bars", "outside_hours", "round_the_clock", "shifted_sessions", "short_sessions", "uneven_bars"]

_SHORT = 0.75
_HOUR = 3_600_000_000_000
_MOST_DATES = 5
_KEPT = "kept; bars are counted as they are"

Ints = npt.NDArray[np.int64]


def missing_bars(scan: Scan) -> Iterator[Finding]:
    """Count the bars that are missing between the first and the last bar of their session."""
    found, symbol = scan.sessions, scan.table.symbol
    if found.length is None:
        return
    lost = np.where(found.inside, found.steps // found.length - 1, 0)
    holes = np.flatnonzero(lost > 0)
    if len(holes):
        total, largest = int(lost[holes].sum()), int(lost.argmax())
        share = total / (total + len(found.dates))
        sessions = len(np.unique(found.number[holes]))
        message = (
            f"{symbol}: {_count(total, 'bar')} of {say_time(found.length)} missing inside {sessions:,} of {_count(len(found.days), 'session')}, "
            f"{_percent(share)} of all; most at once {int(lost[largest]):,}, after {day(found.dates[largest])}"
        )
        date = day(found.dates[holes[0]])
        action = "kept; a window in time counts the bars that there are"
        yield Finding(symbol, date, "date", "missing-bars", Severity.NOTE, message, action, total)


def uneven_bars(scan: Scan) -> Iterator[Finding]:
    """Count the steps within sessions that are no whole number of bars."""
    found, symbol = scan.sessions, scan.table.symbol
    if found.length is None:
        return
    uneven = np.flatnonzero(found.inside & (found.steps % found.length != 0))
    if len(uneven):
        date = day(found.dates[uneven[0] + 1])
        message = (
            f"{symbol} {date}: {_count(len(uneven), 'bar')} not a whole number of {say_time(found.length)} after the bar before, "
            f"first by {say_time(int(found.steps[uneven[0]]))}"
        )
        yield Finding(symbol, date, "date", "uneven-bars", Severity.NOTE, message, _KEPT, len(uneven))


def short_sessions(scan: Scan) -> Iterator[Finding]:
    """Count the sessions with less than three quarters of the usual bars; the first and the last may be cut, and are not judged."""
    found, symbol = scan.sessions, scan.table.symbol
    if found.length is None or len(found.days) < 3:
        return
    usual = float(np.median(found.whole))
    short = np.flatnonzero(found.whole < _SHORT * usual) + 1
    if len(short):
        names = [f"{day(found.dates[found.first[at]])[:10]} with {found.bars[at]:,}" for at in short[:_MOST_DATES]]
        more = f" and {len(short) - _MOST_DATES:,} more" if len(short) > _MOST_DATES else ""
        message = f"{symbol}: {_count(len(short), 'session')} shorter than three quarters of the usual {usual:,.0f} bars: {', '.join(names)}{more}"
        bars = int(found.bars[short].sum())
        date = day(found.dates[found.first[short[0]]])
        yield Finding(symbol, date, "date", "short-session", Severity.NOTE, message, _KEPT, bars)


def outside_hours(scan: Scan) -> Iterator[Finding]:
    """Count the bars outside the usual hours: those from the first to the last time of day at which half of the sessions have a bar."""
    found, symbol = scan.sessions, scan.table.symbol
    if found.length is None or len(found.days) < 3 or _shift(found) is not None:  # which is said by its own rule
        return
    times = found.time_of_day(np.arange(len(found.dates)))
    known, counts = np.unique(times, return_counts=True)
    usual = known[2 * counts >= len(found.days)]
    if not len(usual):
        return
    outside = np.flatnonzero((times < usual[0]) | (times > usual[-1]))
    if len(outside):
        date = day(found.dates[outside[0]])
        sessions = len(np.unique(found.number[outside]))
        message = (
            f"{symbol} {date}: {_count(len(outside), 'bar')} in {_count(sessions, 'session')} outside the usual hours, "
            f"{clock_time(int(usual[0]))} to {clock_time(int(usual[-1]))}"
        )
        yield Finding(symbol, date, "date", "outside-hours", Severity.NOTE, message, _KEPT, len(outside))


def shifted_sessions(scan: Scan) -> Iterator[Finding]:
    """Find sessions that begin and end an hour apart, as where the exchange has summer time and the stamps have not."""
    found, symbol = scan.sessions, scan.table.symbol
    begins = None if found.length is None else _shift(found)
    if begins is None:
        return
    first, second, early, late = begins
    message = (
        f"{symbol}: {_count(early, 'session')} begin at {clock_time(first)} and {late:,} at {clock_time(second)}, and their ends are an hour apart as well: "
        "the exchange seems to have summer time, and the stamps have not"
    )
    action = "kept; --timezone, such as UTC:America/New_York for stamps in UTC, gives them the clock of the exchange"
    yield Finding(symbol, None, "date", "shifted-sessions", Severity.WARNING, message, action, len(found.dates))


def round_the_clock(scan: Scan) -> Iterator[Finding]:
    """Say where sessions are calendar dates only, because bars run through midnight."""
    found, symbol = scan.sessions, scan.table.symbol
    if found.length is None or not _crosses_midnight(found):
        return
    message = f"{symbol}: the bars run through midnight on most dates, so a session is a calendar date of the stamps and ends at no close"
    action = "kept; --timezone moves the midnight"
    yield Finding(symbol, None, "date", "round-the-clock", Severity.NOTE, message, action, len(found.dates))


def _crosses_midnight(found: Sessions) -> bool:
    """Tell whether most dates follow each other without a gap."""
    between = found.steps[~found.inside]
    return len(between) > 0 and 2 * int((between == found.length).sum()) > len(between)


def _shift(found: Sessions) -> tuple[int, int, int, int] | None:
    """Give the two times, an hour apart, at which sessions begin, and how often, if they end an hour apart as well."""
    begins, ends = _two(found.time_of_day(found.first)), _two(found.time_of_day(found.last))
    if begins is None or ends is None or _crosses_midnight(found):
        return None
    return begins if begins[1] - begins[0] == ends[1] - ends[0] == _HOUR else None


def _two(times: Ints) -> tuple[int, int, int, int] | None:
    """Give the two most frequent times, the earlier one first, and how often each is; None unless both are frequent."""
    known, counts = np.unique(times, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:2]
    if len(order) < 2 or 10 * counts[order[1]] < len(times):
        return None
    early, late = sorted(order.tolist())
    return int(known[early]), int(known[late]), int(counts[early]), int(counts[late])


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'s' * (number != 1)}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g} percent"
