"""A grid in the form of the kernels: its pairs in rectangles of fast and slow windows, whose averages fit into the fastest cache; its stops in columns."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.grid import Grid
from engine.kernels.accounts import LANES
from engine.kernels.plan import Plan
from engine.kernels.symbols import Trails
from engine.settings import TrailingStop

__all__ = ["MOST_FAST", "MOST_SLOW", "plan_of", "trails_of"]

MOST_FAST, MOST_SLOW = 32, 40
"""Windows of a block. 40 slow averages of 64 bars take 20 KiB; every fast one is loaded once for all of them."""


def plan_of(fast: NDArray[np.int64], slow: NDArray[np.int64], longest: int) -> Plan:
    """Cut pairs into blocks.

    Parameters
    ----------
    fast, slow : int64 (P,)
        Windows of every pair, ordered by fast, then slow, as ``Grid`` has them: every fast window goes with all slow windows above it.
    longest : int
        Pairs with a longer slow window are left out.

    Returns
    -------
    Plan
        Its rows are places in ``fast`` and ``slow``. It may have no pair at all.
    """
    place = {pair: row for row, pair in enumerate(zip(fast.tolist(), slow.tolist(), strict=True))}
    fasts, slows = np.unique(fast), np.unique(slow[slow <= longest])
    parts: dict[str, list[int]] = {name: [] for name in ("windows", "start", "first_pair", "fast_of", "slow_of", "row")}
    edges: dict[str, list[int]] = {name: [0] for name in ("window_start", "fast_start", "pair_start", "group_start")}
    for i in range(0, len(fasts), MOST_FAST):
        for j in range(0, len(slows), MOST_SLOW):
            _add_block(fasts[i : i + MOST_FAST], slows[j : j + MOST_SLOW], place, parts, edges)
    columns = {name: np.array(numbers, dtype=np.int64) for name, numbers in {**parts, **edges}.items()}
    most_windows, most_pairs = (int(np.diff(columns[name], append=0).max()) for name in ("window_start", "pair_start"))
    return Plan(**columns, longest=int(slows.max(initial=1)), most_windows=most_windows, most_pairs=most_pairs)


@lru_cache(maxsize=64)
def trails_of(stops: tuple[TrailingStop | None, ...]) -> Trails:
    """Give the stops of a grid in the form of the kernels; kept, because many sweeps have the same ones."""
    grid = Grid((), stops)
    windows, first = grid.atr_windows, grid.first_stop
    rows = [windows.index(stop.atr_window) if stop else 0 for stop in stops]
    multiples = [stop.multiple if stop else np.nan for stop in stops]
    return Trails(np.array(windows), np.array(rows), np.array(multiples), first is not None and first.atr == "wilder")


def _add_block(
    fasts: NDArray[np.int64],
    slows: NDArray[np.int64],
    place: dict[tuple[int, int], int],
    parts: dict[str, list[int]],
    edges: dict[str, list[int]],
) -> None:
    """Append one rectangle, as far as fast is below slow."""
    fasts = fasts[fasts < slows[-1]]
    slows = slows[slows > fasts[0]] if len(fasts) else slows[:0]
    if not len(slows):
        return
    pairs = 0
    starts = np.searchsorted(slows, fasts, side="right")
    for i, (window, start) in enumerate(zip(fasts.tolist(), starts.tolist(), strict=True)):
        parts["first_pair"].append(pairs)
        parts["row"] += [place[window, other] for other in slows[start:].tolist()]
        parts["fast_of"] += [i] * (len(slows) - start)
        parts["slow_of"] += range(len(fasts) + start, len(fasts) + len(slows))
        pairs += len(slows) - start
    parts["start"] += starts.tolist()
    parts["windows"] += [*fasts.tolist(), *slows.tolist()]
    edges["window_start"].append(len(parts["windows"]))
    edges["fast_start"].append(len(parts["start"]))
    edges["pair_start"].append(len(parts["row"]))
    edges["group_start"].append(edges["group_start"][-1] + -(-pairs // LANES))
