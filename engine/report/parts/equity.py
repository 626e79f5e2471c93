"""What became of the money over time: equity beside buying and holding, drawdown, rolling Sharpe ratio, returns of months."""

from __future__ import annotations

import calendar

import numpy as np
import pandas as pd

from engine.report.curves import Curve, Fall, rolling_window
from engine.report.data import day
from engine.report.model import Chart, Column, Section, Series, Table
from engine.report.spoken import count, money, percent

__all__ = ["equity_sections", "monthly_section"]

_MOST_FALLS = 5


def equity_sections(curve: Curve) -> tuple[Section, ...]:
    """Give equity, drawdown and rolling Sharpe ratio."""
    return _equity(curve), _drawdown(curve), _rolling(curve)


def _equity(curve: Curve) -> Section:
    """Draw equity against buying and holding."""
    series = [Series("equity", curve.values)]
    if curve.held is not None:
        series.append(Series("buying and holding", curve.held))
    low = min(float(one.values.min()) for one in series)
    is_log = low > 0.0 and max(float(one.values.max()) for one in series) > 4.0 * low
    sentences = (
        [f"It is drawn so that equal steps up are equal ratios, because it spans {_spans(series)}."] if is_log else []
    )
    chart = Chart(
        f"Equity of {curve.name}", _equity_sentence(curve), curve.dates, tuple(series), "currency", is_log=is_log
    )
    return Section("Equity", tuple(sentences), (chart,))


def _spans(series: list[Series]) -> str:
    """Say the least and the most of some lines."""
    return f"{money(min(float(s.values.min()) for s in series))} to {money(max(float(s.values.max()) for s in series))}"


def _equity_sentence(curve: Curve) -> str:
    """Say the way of the equity."""
    last, high = float(curve.values[-1]), int(np.argmax(curve.values))
    went = "rose" if last > curve.capital else "fell" if last < curve.capital else "stayed"
    began = f"Equity of {curve.name} {went} from {money(curve.capital)} to {money(last)}"
    if went == "stayed":
        began = f"Equity of {curve.name} ended where it began, at {money(last)}"
    falls = curve.falls()
    if not falls:
        return f"{began}; it never fell.{_held_sentence(curve)}"
    if curve.values[high] <= curve.capital:
        highest = "it was never above its beginning"
    else:
        highest = f"it was highest on {day(curve.dates[high])}, at {money(float(curve.values[high]))}"
    worst = falls[0]
    fell = (
        f"and fell furthest, by {percent(worst.depth)}, from {_start(curve, worst)} to {day(curve.dates[worst.lowest])}"
    )
    return f"{began}; {highest}, {fell}.{_held_sentence(curve)}"


def _held_sentence(curve: Curve) -> str:
    """Say what buying and holding became, and how long it was ahead."""
    if curve.held is None:
        return ""
    above = percent(float(np.mean(curve.values > curve.held)), 0)
    return (
        f" Buying and holding became {money(float(curve.held[-1]))}; the equity was above it after {above} of the bars."
    )


def _start(curve: Curve, fall: Fall) -> str:
    """Say when a fall began."""
    return "the beginning" if fall.start < 0 else day(curve.dates[fall.start])


def _drawdown(curve: Curve) -> Section:
    """Draw how far the equity is below its highest, and list the deepest falls."""
    falls = curve.falls()
    series = [Series("drawdown", 100.0 * curve.drawdowns)]
    if curve.held is not None:
        high = np.maximum(np.maximum.accumulate(curve.held), curve.capital)
        series.append(Series("drawdown of buying and holding", 100.0 * (curve.held / high - 1.0)))
    chart = Chart(f"Drawdown of {curve.name}", _drawdown_sentence(curve, falls), curve.dates, tuple(series), "percent")
    columns = (
        Column("fall", "number", 0),
        Column("from", "text"),
        Column("lowest on", "date"),
        Column("reached again on", "text"),
        Column("depth, percent", "number", 2, 100.0),
        Column("bars below", "number", 0),
    )
    rows = tuple(
        (i, _start(curve, fall), curve.dates[fall.lowest], _again(curve, fall), fall.depth, _bars(curve, fall))
        for i, fall in enumerate(falls[:_MOST_FALLS], start=1)
    )
    tables = (Table("The deepest falls of the equity", columns, rows, can_filter=False),) if rows else ()
    return Section("Drawdown", (), (chart,), tables)


def _again(curve: Curve, fall: Fall) -> str:
    """Say when the high of a fall was reached again."""
    return "not yet" if fall.end is None else day(curve.dates[fall.end])


def _bars(curve: Curve, fall: Fall) -> int:
    """Count the bars from the high of a fall to the one that reaches it again, or to the end."""
    return (len(curve.values) - 1 if fall.end is None else fall.end) - fall.start


def _drawdown_sentence(curve: Curve, falls: list[Fall]) -> str:
    """Say how deep and how long the equity was below its highest."""
    if not falls:
        return f"The equity of {curve.name} never fell below its highest value."
    below, longest = percent(float(np.mean(curve.drawdowns < 0.0)), 0), max(falls, key=lambda fall: _bars(curve, fall))
    lasted = f"the longest fall lasted {count(_bars(curve, longest), 'bar')}, from {_start(curve, longest)}"
    until = f"until {_again(curve, longest)}" if longest.end is not None else "and has not ended"
    return f"The equity was below its highest value after {below} of the bars, by {percent(falls[0].depth)} at most; {lasted} {until}."


def _rolling(curve: Curve) -> Section:
    """Draw the Sharpe ratio of a moving year."""
    window = rolling_window(len(curve.values), curve.bars_per_year)
    title = "Rolling Sharpe ratio"
    if not window:
        return Section(title, (f"{count(len(curve.values), 'bar')} are too few for it; it needs 60.",))
    values = curve.rolling_sharpe(window)
    known = values[~np.isnan(values)]
    if not len(known):
        return Section(title, (f"It is not defined, because equity never moved within {window} bars.",))
    high, low = int(np.nanargmax(values)), int(np.nanargmin(values))
    sentence = (
        f"The Sharpe ratio of the last {window} bars was between {known.min():.2f}, on {day(curve.dates[low])}, and {known.max():.2f}, "
        f"on {day(curve.dates[high])}; it was above zero {percent(float(np.mean(known > 0.0)), 0)} of the time, and is {_now(values)} at the end."
    )
    missing = len(values) - window + 1 - len(known)
    gaps = (
        (f"It is not defined at {count(missing, 'bar')}, because equity had not moved in {window} bars.",)
        if missing
        else ()
    )
    chart = Chart(
        f"{title} of {curve.name}, {window} bars", sentence, curve.dates, (Series("Sharpe ratio", values),), "ratio"
    )
    return Section(title, gaps, (chart,))


def _now(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    """Say the last of some values."""
    return "not defined" if np.isnan(values[-1]) else f"{values[-1]:.2f}"


def monthly_section(curve: Curve) -> Section:
    """Give the return of every month and year."""
    table = curve.months()
    named = [
        (f"{calendar.month_name[month]} {year}", float(table.loc[year, month]))
        for year in table.index
        for month in range(1, 13)
    ]
    known = [(name, value) for name, value in named if not np.isnan(value)]
    sentences = []
    if known:
        months = np.array([value for _, value in known])
        best, worst = known[int(np.argmax(months))], known[int(np.argmin(months))]
        won = int((months > 0).sum())
        sentences = [
            f"{won:,} of {count(len(months), 'month')} gained, {int((months < 0).sum()):,} lost; the median month returned {percent(float(np.median(months)))}.",
            f"The best month was {best[0]}, {percent(best[1])}; the worst {worst[0]}, {percent(worst[1])}.",
        ]
        years = table["year"].dropna().to_numpy(dtype=np.float64)
        sentences.append(
            f"{int((years > 0).sum()):,} of {count(len(years), 'year')} gained, the first and the last of which may be incomplete."
        )
    columns = (
        Column("year"),
        *(Column(calendar.month_abbr[m], "number", 1, 100.0, missing="no bar") for m in range(1, 13)),
        Column("whole year", "number", 1, 100.0),
    )
    rows = tuple(
        (str(year), *(None if pd.isna(value) else float(value) for value in row)) for year, row in table.iterrows()
    )
    return Section(
        "Monthly returns",
        tuple(sentences),
        (),
        (Table(f"Returns of {curve.name} by month, percent", columns, rows, can_filter=False),),
    )
