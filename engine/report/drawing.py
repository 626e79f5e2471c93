"""Charts as SVG, without any library: what the page shows without scripts and on paper.

Lines differ by dash and width as well as by colour, and every colour has a contrast of 4.5 or more with white.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.report.model import Chart, Marks

__all__ = ["STYLES", "LineStyle", "chart_svg", "nice_ticks", "styles_of"]

Floats = NDArray[np.float64]

LineStyle = tuple[str, tuple[int, ...], float]
"""Colour, dashes and width."""

STYLES: tuple[LineStyle, ...] = (
    ("#0b4f9e", (), 1.8),
    ("#a3430a", (7, 4), 1.6),
    ("#00695c", (2, 3), 1.8),
    ("#7b1fa2", (11, 3, 2, 3), 1.4),
)
_MARK_COLOUR = {"up": "#0a5c0a", "down": "#8b0000"}

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 960, 330, 74, 12, 12, 28


def styles_of(chart: Chart) -> list[LineStyle]:
    """Give each line its style."""
    return [STYLES[i % len(STYLES)] for i in range(len(chart.series))]


def chart_svg(chart: Chart) -> str:
    """Draw lines and marks over time."""
    scale = _Scale(chart)
    parts = [f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(chart.title)}">']
    for value in scale.ticks:
        y = scale.y(np.array([value]))[0]
        parts.append(
            f'<path class="rule" d="M{_LEFT} {y:.1f}H{_WIDTH - _RIGHT}"/><text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_short(value)}</text>'
        )
    for x, text in _date_ticks(chart.dates, scale):
        parts.append(
            f'<path class="rule" d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/><text x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{text}</text>'
        )
    for (colour, dashes, width), series in zip(styles_of(chart), chart.series, strict=True):
        dash = f' stroke-dasharray="{" ".join(map(str, dashes))}"' if dashes else ""
        parts.append(
            f'<path fill="none" stroke="{colour}" stroke-width="{width}"{dash} d="{_path(scale.x, scale.y(series.values))}"/>'
        )
    parts += [_marks(marks, scale) for marks in chart.marks]
    return "".join([*parts, "</svg>"])


class _Scale:
    """From dates and values to places on the drawing."""

    def __init__(self, chart: Chart) -> None:
        known = np.concatenate([one.values[np.isfinite(one.values)] for one in chart.series])
        self.is_log = chart.is_log
        low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
        self.ticks = nice_ticks(low, high, is_log=chart.is_log)
        self._low, self._high = self._level(min(low, self.ticks[0])), self._level(max(high, self.ticks[-1]))
        self._times = chart.dates.tz_localize(None).to_numpy().astype("datetime64[s]").astype(np.float64)
        self.x = self.place(self._times)

    def place(self, times: Floats) -> Floats:
        """Give the places of seconds since 1970."""
        first, last = self._times[0], self._times[-1]
        found: Floats = _LEFT + (times - first) / max(last - first, 1.0) * (_WIDTH - _LEFT - _RIGHT)
        return found

    def y(self, values: Floats) -> Floats:
        """Give the places of values; nan stays."""
        levels = np.log(values) if self.is_log else values
        found: Floats = (
            _HEIGHT - _BOTTOM - (levels - self._low) / max(self._high - self._low, 1e-300) * (_HEIGHT - _TOP - _BOTTOM)
        )
        return found

    def _level(self, value: float) -> float:
        return math.log(value) if self.is_log else value


def _path(x: Floats, y: Floats) -> str:
    """Write a line; of the points in one pixel column only the lowest and the highest, which look the same."""
    kept = np.flatnonzero(np.isfinite(y))
    if len(kept) > 2 * _WIDTH:
        kept = _extremes(x, y, kept)
    out, before = [], -2
    place = np.cumsum(~np.isfinite(y))  # differs between two points if there is a gap between them
    for i in kept.tolist():
        out.append(f"{'L' if before >= 0 and place[i] == place[before] else 'M'}{x[i]:.1f} {y[i]:.1f}")
        before = i
    return "".join(out)


def _extremes(x: Floats, y: Floats, kept: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the first, lowest, highest and last point of each pixel column."""
    columns = np.floor(x[kept]).astype(np.int64)
    edges = np.flatnonzero(np.diff(columns)) + 1
    found = {0, len(kept) - 1}
    for part in np.split(np.arange(len(kept)), edges):
        values = y[kept[part]]
        found.update((int(part[0]), int(part[np.argmin(values)]), int(part[np.argmax(values)]), int(part[-1])))
    out: NDArray[np.int64] = kept[np.array(sorted(found))]
    return out


def _marks(marks: Marks, scale: _Scale) -> str:
    """Draw triangles with their tip at the price."""
    y, sign = scale.y(marks.values), 1 if marks.shape == "up" else -1
    points = "".join(
        f"M{x:.1f} {p:.1f}l5 {9 * sign}h-10z" for x, p in zip(scale.x[marks.at].tolist(), y.tolist(), strict=True)
    )
    return f'<path fill="{_MARK_COLOUR[marks.shape]}" stroke="#fff" stroke-width=".6" d="{points}"/>' if points else ""


def nice_ticks(low: float, high: float, *, is_log: bool = False, most: int = 7) -> list[float]:
    """Choose round values that cover a range: steps of 1, 2 or 5, or for ratios 1, 2 and 5 in each power of ten."""
    if is_log:
        found = [
            m * 10.0**p for p in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in (1, 2, 5)
        ]
        first = max((i for i, tick in enumerate(found) if tick <= low), default=0)
        last = min((i for i, tick in enumerate(found) if tick >= high), default=len(found) - 1)
        return found[first : last + 1]
    if high <= low:
        high = low + (abs(low) or 1.0) * 0.1
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999)
    return [round(i * step, 12) for i in range(math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9) + 1)]


def _short(value: float) -> str:
    """Write the label of a tick."""
    if value and abs(value) >= 1_000_000:
        return f"{value / 1e6:,.10g} m"
    return f"{value:,.10g}"


def _date_ticks(dates: pd.DatetimeIndex, scale: _Scale) -> Iterator[tuple[float, str]]:
    """Give places and texts of years, months or days, whichever are not too many."""
    plain = dates.tz_localize(None)
    shapes = {"D": "%Y-%m-%d", "M": "%Y-%m", "Y": "%Y"}
    found = {unit: pd.period_range(plain[0], plain[-1], freq=unit)[1:] for unit in shapes}
    unit = next((unit for unit, some in found.items() if len(some) <= 12), "Y")
    marks, shape = found[unit], shapes[unit]
    for mark in marks[:: math.ceil(len(marks) / 12) or 1]:
        moment = mark.start_time
        x = float(scale.place(np.array([moment.to_datetime64().astype("datetime64[s]").astype(np.float64)]))[0])
        if _LEFT + 20 <= x <= _WIDTH - _RIGHT - 20:
            yield x, moment.strftime(shape)
