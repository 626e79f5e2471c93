"""The days on which the National Stock Exchange of India trades shares, typed in with their sources. Times are those of Asia/Kolkata.

A new year is added here when NSE publishes its list (in December), and ``LAST_DAY`` is moved. NSE also closes at short notice: 2026-01-15 became
a holiday on 2026-01-12. What was announced after this table was made is not in it, so the broker's own trading hours have to agree as well.
"""

from __future__ import annotations

from datetime import date, time

__all__ = ["AUCTION", "AUCTION_SINCE", "CLOSE", "FIRST_DAY", "HOLIDAYS", "LAST_DAY", "OPEN", "SPECIAL", "UNTIMED"]

FIRST_DAY, LAST_DAY = date(2025, 1, 1), date(2026, 12, 31)
"""Between them every day is known."""

OPEN, CLOSE = time(9, 15), time(15, 30)
"""Of continuous trading on a full day; NSE, session timings."""

# SEBI's circular on the closing auction (taxtmi.com, circular 69126): shares with listed derivatives, 15:15 to 15:35, limit and market orders only,
# order entry ends at a random moment between 15:28 and 15:30.
AUCTION_SINCE, AUCTION = date(2026, 8, 3), time(15, 15)
"""From that day on, continuous trading of shares with derivatives ends then, and stop orders are not accepted any more."""

# 2025: NSE's list of the year, on which exchange_calendars 4.13.2 (XBOM) agrees day by day; ndtvprofit.com of 2025-10-17 for the two of October.
# 2026: NSE's list (ndtvprofit.com of 2026-01-14), on which exchange_calendars and pandas_market_calendars agree; 2026-01-15 by the circular of 2026-01-12.
HOLIDAYS: dict[date, str] = {
    date(2025, 2, 26): "Mahashivratri",
    date(2025, 3, 14): "Holi",
    date(2025, 3, 31): "Id-Ul-Fitr",
    date(2025, 4, 10): "Mahavir Jayanti",
    date(2025, 4, 14): "Dr Ambedkar Jayanti",
    date(2025, 4, 18): "Good Friday",
    date(2025, 5, 1): "Maharashtra Day",
    date(2025, 8, 15): "Independence Day",
    date(2025, 8, 27): "Ganesh Chaturthi",
    date(2025, 10, 2): "Gandhi Jayanti and Dussehra",
    date(2025, 10, 21): "Diwali Laxmi Pujan",
    date(2025, 10, 22): "Diwali Balipratipada",
    date(2025, 11, 5): "Guru Nanak Jayanti",
    date(2025, 12, 25): "Christmas",
    date(2026, 1, 15): "municipal elections in Maharashtra",
    date(2026, 1, 26): "Republic Day",
    date(2026, 3, 3): "Holi",
    date(2026, 3, 26): "Ram Navami",
    date(2026, 3, 31): "Mahavir Jayanti",
    date(2026, 4, 3): "Good Friday",
    date(2026, 4, 14): "Dr Ambedkar Jayanti",
    date(2026, 5, 1): "Maharashtra Day",
    date(2026, 5, 28): "Bakri Id",
    date(2026, 6, 26): "Muharram",
    date(2026, 9, 14): "Ganesh Chaturthi",
    date(2026, 10, 2): "Gandhi Jayanti",
    date(2026, 10, 20): "Dussehra",
    date(2026, 11, 10): "Diwali Balipratipada",
    date(2026, 11, 24): "Guru Nanak Jayanti",
    date(2026, 12, 25): "Christmas",
}
"""Weekdays without trading, but for the sessions in ``SPECIAL``."""

SPECIAL: dict[date, tuple[time, time, str]] = {
    date(2025, 2, 1): (OPEN, CLOSE, "Union Budget, a Saturday"),  # exchange_calendars has it as a special session
    date(2025, 10, 21): (time(13, 45), time(14, 45), "Muhurat"),  # NSE's circular of 2025-09-22 (ndtvprofit.com)
    date(2026, 2, 1): (OPEN, CLOSE, "Union Budget, a Sunday"),  # NSE's circular: live trading at the usual hours
}
"""Sessions on days that would have none: open, close, why."""

UNTIMED: dict[date, str] = {
    date(2026, 11, 8): "Muhurat, a Sunday",  # NSE's list of 2026; the circular with the times was not found
}
"""Days with a session whose times are not known here: the bot does not run on them, but they have a daily bar."""
