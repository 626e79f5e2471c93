"""Dates as files have them, turned into one kind of index."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any

import numpy as np
import pandas as pd

from engine.validation.regular import Regular, read_regular

__all__ = ["ParsedDates", "day", "in_nanoseconds", "parse_dates", "zone_name"]

_ISO = re.compile(
    r"(?P<date>\d{4}-?\d{2}-?\d{2})"
    r"(?:[ T](?P<time>\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?))?"
    r" ?(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?",
    re.ASCII,
)
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_LAST_SECOND = 9_223_372_036  # of int64 nanoseconds: the year 2262


@dataclass(frozen=True)
class ParsedDates:
    """Dates read from text, numbers or timestamps.

    Parameters
    ----------
    dates : pandas.DatetimeIndex
        Shape (T,), in nanoseconds; NaT where the text is no date.
    bad : dict of int to str
        Position to the text that is no date ("" for a blank).
    offsets : tuple of str
        The zone offsets seen, such as "+05:30", when there are several: the dates are then in UTC.
    mixed : bool
        True when some dates have a zone and others do not.
    """

    dates: pd.DatetimeIndex
    bad: dict[int, str]
    offsets: tuple[str, ...] = ()
    mixed: bool = False


def day(stamp: Any) -> str:
    """Write a date as YYYY-MM-DD, with the time of day where it has one."""
    if stamp is pd.NaT:
        return "no date"
    text = stamp.isoformat(sep=" ")
    return str(text[:10] if text[10:19] in {"", " 00:00:00"} and len(text) <= 25 else text)


def in_nanoseconds(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Convert to nanoseconds; dates that do not fit (before 1677, after 2262) become NaT."""
    if index.unit == "ns":
        return index
    limit = _LAST_SECOND * _PER_SECOND[index.unit]
    ticks = index.asi8
    fits = (ticks < limit) & (ticks > -limit)
    return (index if fits.all() else pd.DatetimeIndex(index.where(fits))).as_unit("ns")


def parse_dates(raw: Any) -> ParsedDates:
    """Read dates: timestamps, ISO 8601 text with or without time and zone offset, or YYYYMMDD as text or number.

    Parameters
    ----------
    raw : pandas.Series or pandas.Index
        Shape (T,).
    """
    if isinstance(raw.dtype, pd.DatetimeTZDtype) or getattr(raw.dtype, "kind", "") == "M":
        dates = in_nanoseconds(pd.DatetimeIndex(raw))
        return ParsedDates(dates, {int(i): "" if pd.isna(raw.array[i]) else str(raw.array[i]) for i in _blank(dates)})
    regular = read_regular(raw)
    if regular is not None:
        return _of_regular(regular)
    texts = np.array([_text(value) for value in raw.array], dtype=object)
    plain = _to_index(texts, "%Y-%m-%d", utc=False)
    if not plain.hasnans:  # much the most usual case, and the fastest
        return ParsedDates(plain, {})
    return _parse_texts(texts)


def _of_regular(regular: Regular) -> ParsedDates:
    """Give stamps that were read in one go the zones that they would have one by one."""
    dates, offsets = pd.DatetimeIndex(regular.stamps), regular.offsets
    if not offsets:
        return ParsedDates(dates, {})
    aware = dates.tz_localize(UTC)
    if len(offsets) == 1:
        return ParsedDates(aware.tz_convert(_zone(offsets[0])), {})
    return ParsedDates(aware, {}, tuple(_offset_name(offset) for offset in offsets))


def _parse_texts(texts: Any) -> ParsedDates:
    matches = [_ISO.fullmatch(text) for text in texts]
    iso = np.array([_dashed(match) if match else "" for match in matches], dtype=object)
    zones = [_offset(match["zone"]) if match else None for match in matches]
    known = np.array([match is not None for match in matches], dtype=bool)
    aware = np.array([zone is not None for zone in zones], dtype=bool)
    offsets = sorted({zone for zone in zones if zone is not None})
    mixed = bool(aware.any() and (known & ~aware).any())
    dates = _to_index(iso, "ISO8601", utc=bool(offsets))
    if len(offsets) == 1:
        dates = dates.tz_convert(_zone(offsets[0]))
    bad = {int(i): str(texts[i]) for i in _blank(dates)}
    several = tuple(_offset_name(offset) for offset in offsets) if len(offsets) > 1 else ()
    return ParsedDates(dates, bad, several, mixed)


def _to_index(texts: Any, form: str, *, utc: bool) -> pd.DatetimeIndex:
    return in_nanoseconds(pd.DatetimeIndex(pd.to_datetime(texts, format=form, errors="coerce", utc=utc)))


def _blank(dates: pd.DatetimeIndex) -> Any:
    return np.flatnonzero(np.asarray(dates.isna()))


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, float | np.floating):  # YYYYMMDD becomes a float beside a blank
        return "" if np.isnan(value) else str(int(value)) if float(value).is_integer() else str(value)
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _dashed(match: re.Match[str]) -> str:
    digits = match["date"].replace("-", "")
    date = f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    zone = match["zone"] or ""
    return f"{date}T{match['time'] or '00:00'}{zone}" if match["time"] or zone else date


def _offset(zone: str | None) -> int | None:
    if zone is None:
        return None
    if zone == "Z":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def _zone(minutes: int) -> tzinfo:
    return UTC if minutes == 0 or abs(minutes) >= 24 * 60 else timezone(timedelta(minutes=minutes))


def _offset_name(minutes: int) -> str:
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def zone_name(zone: Any) -> str:
    """Name a time zone: "" for none, "UTC" or "UTC+05:30" for a fixed offset, whichever library made it, or its own name."""
    if zone is None:
        return ""
    fixed = zone.utcoffset(None)
    if fixed is None:
        return str(zone)
    minutes = round(fixed.total_seconds() / 60)
    return f"UTC{_offset_name(minutes)}" if minutes else "UTC"
