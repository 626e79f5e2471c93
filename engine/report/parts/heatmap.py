"""All cells of a sweep as grids of fast by slow windows: one for each symbol, stop and metric, with the best cell and the plateau marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engine.kernels.metrics import METRICS
from engine.report.model import Heatmap, Section
from engine.report.spoken import METRIC_NAMES, count, say_metric, say_stop
from engine.results.sweep import SweepTable
from engine.selection.plateau import Plateau, Surface, widest_plateau

__all__ = ["heatmap_section"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

_MOST_VALUES = 250_000
"""Numbers in a page, of some 4 bytes each: half of the 2 MB that a page may have."""
_MOST_WINDOWS = 48
"""Rows or columns of a grid: more are neither read nor heard."""
_LESS_METRICS = ("sharpe", "total_return", "max_drawdown", "calmar", "trades", "profit_factor")
_NO_METRICS = ("final_capital", "skipped")  # the first is the total return again


@dataclass(frozen=True)
class _Choice:
    """Which part of a sweep is in the page: places of symbols and stops, windows and metrics."""

    symbols: tuple[int, ...]
    stops: tuple[int, ...]
    fast: Places
    slow: Places
    metrics: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many numbers that is."""
        pairs = int((self.fast[:, None] < self.slow[None, :]).sum())
        return len(self.symbols) * len(self.stops) * len(self.metrics) * pairs


def heatmap_section(result: SweepTable, metric: str, cell: tuple[str, int, int, int]) -> Section:
    """Show the grid of every metric.

    Parameters
    ----------
    result : SweepTable
    metric : str
        By which the best cells are marked, and the plateau is found.
    cell : (str, int, int, int)
        The pick: symbol, fast and slow window, place of its stop.
    """
    symbol, fast, slow, stop = cell
    at = result.symbols.index(symbol)
    chosen, left_out = _chosen(result, metric, at, (fast, slow, stop))
    values = _dense(result, chosen)
    found = [_plateau(result, s, metric, chosen, stop) for s in chosen.symbols]
    picks = np.array([_best(values[i], chosen.metrics.index(metric)) for i in range(len(chosen.symbols))])
    shown = chosen.symbols.index(at), chosen.stops.index(stop), chosen.metrics.index(metric)
    places = shown[1], int(np.searchsorted(chosen.fast, fast)), int(np.searchsorted(chosen.slow, slow))
    picks[shown[0]] = places
    heatmap = Heatmap(
        title=f"Grid of fast and slow windows, {symbol}",
        sentence=_sentence(values[shown], chosen, metric, symbol, result, cell),
        fast=tuple(chosen.fast.tolist()),
        slow=tuple(chosen.slow.tolist()),
        symbols=tuple(result.symbols[s] for s in chosen.symbols),
        stops=tuple(say_stop(result.grid.stops[k]) for k in chosen.stops),
        metrics=chosen.metrics,
        values=values,
        plateau=np.stack([cells for cells, _ in found]),
        picks=picks,
        shown=shown,
    )
    said = [
        *_plateau_lines(result, symbol, metric, chosen, found[shown[0]], places),
        *_stop_lines(result, symbol, metric),
        *left_out,
    ]
    return Section("Grid of settings", tuple(said), (heatmap,))


def _chosen(result: SweepTable, metric: str, symbol: int, cell: tuple[int, int, int]) -> tuple[_Choice, list[str]]:
    """Choose what fits into a page; say what does not."""
    grid = result.grid
    fast, slow = np.unique(grid.fast), np.unique(grid.slow)
    thin = _thinned(fast, cell[0]), _thinned(slow, cell[1])
    every = tuple(name for name in METRICS if name not in _NO_METRICS or name == metric)
    wanted = _Choice(tuple(range(len(result.symbols))), tuple(range(len(grid.stops))), *thin, every)
    lines = []
    if len(thin[0]) < len(fast) or len(thin[1]) < len(slow):
        lines.append(
            f"The grid shows {len(thin[0]):,} of {len(fast):,} fast and {len(thin[1]):,} of {len(slow):,} slow windows, evenly picked; the plateau is that of these."
        )
    if wanted.size > _MOST_VALUES:
        wanted = replace(wanted, metrics=tuple(name for name in every if name in _LESS_METRICS or name == metric))
        lines.append(
            f"Metrics shown: {', '.join(METRIC_NAMES[name] for name in wanted.metrics)}; the result has the others."
        )
    if wanted.size > _MOST_VALUES:
        most = max(1, len(result.symbols) * _MOST_VALUES // wanted.size)
        wanted = replace(wanted, symbols=_first_symbols(result, metric, symbol, most))
        lines.append(
            f"The grid has {most:,} of {count(len(result.symbols), 'symbol')}, those with the best cells; --cell SYMBOL shows another one."
        )
    if wanted.size > _MOST_VALUES:
        most = max(1, len(grid.stops) * _MOST_VALUES // wanted.size)
        near = sorted(wanted.stops, key=lambda k: abs(k - cell[2]))[:most]
        wanted = replace(wanted, stops=tuple(sorted(near)))
        lines.append(f"The grid has {most:,} of {count(len(grid.stops), 'stop setting')}, those next to the pick's.")
    return wanted, lines


def _thinned(windows: Places, keep: int) -> Places:
    """Pick windows evenly, ``keep`` among them."""
    if len(windows) <= _MOST_WINDOWS:
        return windows
    places = np.linspace(0, len(windows) - 1, _MOST_WINDOWS).round().astype(np.int64)
    wanted = int(np.searchsorted(windows, keep))
    places[np.argmin(np.abs(places - wanted))] = wanted
    return windows[np.unique(places)]


def _first_symbols(result: SweepTable, metric: str, symbol: int, most: int) -> tuple[int, ...]:
    """Pick the symbols with the highest best cells, one among them, in their order."""
    values = result.values[..., METRICS.index(metric)].reshape(len(result.symbols), -1)
    best = np.max(np.where(np.isnan(values), -np.inf, values), axis=1)
    best[symbol] = np.inf
    return tuple(sorted(np.argsort(-best, kind="stable")[:most].tolist()))


def _dense(result: SweepTable, chosen: _Choice) -> Floats:
    """Put the cells on their grid: float64 (symbols, stops, metrics, fast, slow)."""
    grid, names = result.grid, [METRICS.index(name) for name in chosen.metrics]
    shape = (len(chosen.symbols), len(chosen.stops), len(names), len(chosen.fast), len(chosen.slow))
    out = np.full(shape, np.nan)
    rows, columns = np.searchsorted(chosen.fast, grid.fast), np.searchsorted(chosen.slow, grid.slow)
    inside = (rows < len(chosen.fast)) & (columns < len(chosen.slow))
    inside[inside] = (chosen.fast[rows[inside]] == grid.fast[inside]) & (
        chosen.slow[columns[inside]] == grid.slow[inside]
    )
    for i, s in enumerate(chosen.symbols):
        for j, k in enumerate(chosen.stops):
            for m, name in enumerate(names):
                out[i, j, m, rows[inside], columns[inside]] = result.values[s, inside, k, name]
    return out


def _best(values: Floats, metric: int) -> tuple[int, int, int]:
    """Find the best cell of a symbol, as stop, fast, slow; -1 if the metric is nowhere defined."""
    ranked = values[:, metric]
    if np.isnan(ranked).all():
        return -1, -1, -1
    stop, i, j = np.unravel_index(int(np.nanargmax(ranked)), ranked.shape)
    return int(stop), int(i), int(j)


def _group(result: SweepTable, stops: Sequence[int], stop: int) -> list[int]:
    """Give the stops that lie on one axis with a stop: those of its ATR window, increasing, then no stop."""
    given = result.grid.stops
    windows = {one.atr_window for one in given if one}
    own = given[stop]
    window = own.atr_window if own else next(iter(windows)) if len(windows) == 1 else None
    same = [k for k in stops if (one := given[k]) is not None and one.atr_window == window]
    same.sort(key=lambda k: _multiple(result, k))
    none = [k for k in stops if given[k] is None] if len(windows) < 2 or own is None else []
    return [*same, *none]


def _multiple(result: SweepTable, stop: int) -> float:
    """Give the multiple of a stop; without a stop it is infinite."""
    one = result.grid.stops[stop]
    return one.multiple if one else np.inf


def _plateau(
    result: SweepTable, symbol: int, metric: str, chosen: _Choice, stop: int
) -> tuple[NDArray[np.bool_], Plateau | None]:
    """Find the plateau of a symbol among the stops that go with one, as flags on the chosen grid, bool (stops, fast, slow)."""
    flags = np.zeros((len(chosen.stops), len(chosen.fast), len(chosen.slow)), np.bool_)
    group = _group(result, chosen.stops, stop)
    part = replace(chosen, symbols=(symbol,), stops=tuple(group), metrics=(metric, "total_return"))
    values = np.moveaxis(_dense(result, part)[0], 0, -1)  # metrics, fast, slow, stops
    if np.isnan(values[0]).all():
        return flags, None
    multiples = np.array([_multiple(result, k) for k in group])
    surface = Surface(chosen.fast, chosen.slow, multiples, values[0], values[1] > 0.0)
    found = widest_plateau(surface)
    for i, k in enumerate(group):
        flags[chosen.stops.index(k)] = found.cells[:, :, i]
    if found.centre is not None:
        fast, slow, k = found.centre
        found = replace(found, centre=(fast, slow, group[k]))
    return flags, found


def _sentence(
    values: Floats, chosen: _Choice, metric: str, symbol: str, result: SweepTable, cell: tuple[str, int, int, int]
) -> str:
    """Say what the slice that is shown first has in it."""
    name, stop = METRIC_NAMES[metric], say_stop(result.grid.stops[cell[3]])
    known = values[~np.isnan(values)]
    if not len(known):
        return f"The {name} of {symbol} with {stop} is in no cell defined."
    low, high = _where(values, chosen, int(np.nanargmin(values))), _where(values, chosen, int(np.nanargmax(values)))
    picked = values[np.searchsorted(chosen.fast, cell[1]), np.searchsorted(chosen.slow, cell[2])]
    said = [say_metric(metric, float(number)) for number in (known.min(), known.max(), np.median(known), picked)]
    return (
        f"The {name} of {symbol} with {stop}, in {count(len(known), 'cell')}: from {said[0]} at {low} to {said[1]} at {high}; the median is {said[2]}. "
        f"The pick, fast {cell[1]}, slow {cell[2]}, has {said[3]}."
    )


def _where(values: Floats, chosen: _Choice, place: int) -> str:
    """Name the windows of a place in a grid."""
    i, j = np.unravel_index(place, values.shape)
    return f"fast {chosen.fast[i]}, slow {chosen.slow[j]}"


def _plateau_lines(
    result: SweepTable,
    symbol: str,
    metric: str,
    chosen: _Choice,
    found: tuple[NDArray[np.bool_], Plateau | None],
    pick: tuple[int, int, int],
) -> list[str]:
    """Say where the plateau is, and whether the pick is on it."""
    flags, plateau = found
    if plateau is None or plateau.centre is None or plateau.neighbours is None:
        return ["There is no plateau, because no cell has a value."]
    name, on_it = METRIC_NAMES[metric], "on it" if flags[pick] else "not on it"
    i, j, k = plateau.centre
    middle = f"fast {chosen.fast[i]}, slow {chosen.slow[j]}, {say_stop(result.grid.stops[k])}"
    around = say_metric(metric, plateau.neighbours.median)
    lines = [
        f"The plateau is the largest connected region of cells at least half way from the median to the highest {name} of {symbol}: {count(plateau.size, 'cell')} of {say_metric(metric, plateau.level)} or better.",
        f"The pick is {on_it}. The middle of the plateau is {middle}; the cells around it have a median of {around}.",
    ]
    if plateau.edges:
        lines.append(f"It reaches the end of the grid at {' and '.join(plateau.edges)}, and may go on beyond.")
    return lines


def _stop_lines(result: SweepTable, symbol: str, metric: str) -> list[str]:
    """Say what each stop does to the cells of a symbol."""
    if len(result.grid.stops) < 2:
        return []
    values, lines = result.values[result.symbols.index(symbol), :, :, METRICS.index(metric)], []
    for k, stop in enumerate(result.grid.stops):
        known = values[:, k][~np.isnan(values[:, k])]
        if len(known):
            lines.append(
                f"With {say_stop(stop)}: median {METRIC_NAMES[metric]} {say_metric(metric, float(np.median(known)))}, highest {say_metric(metric, float(known.max()))}."
            )
    return lines
