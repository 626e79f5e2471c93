"""Which cells a sweep has: every pair of averages with fast < slow, each with every stop."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.limits import MOST_PAIRS, MOST_WINDOW
from engine.settings import TrailingStop

__all__ = ["Grid", "windows_of"]


def windows_of(name: str, windows: int | Iterable[int]) -> tuple[int, ...]:
    """Sort the windows of one average and check them.

    Raises
    ------
    InputError
        None at all, not whole numbers, below 1, or above ``MOST_WINDOW``.
    """
    return _of_range(name, windows) if isinstance(windows, range) else _sorted(name, windows)


@lru_cache(maxsize=64)
def _of_range(name: str, windows: range) -> tuple[int, ...]:
    """Do so for a range; kept, because many sweeps have the same ones."""
    return _sorted(name, windows)


def _sorted(name: str, windows: int | Iterable[int]) -> tuple[int, ...]:
    """Do so for any windows."""
    numbers = list(islice(windows, MOST_WINDOW + 1)) if isinstance(windows, Iterable) else [windows]
    if not numbers:
        raise InputError(f"the {name} windows are empty; give a range such as 5:100:5, from the smaller to the larger")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise InputError(f"a {name} window is {number!r}; it must be a whole number of bars, 1 or more")
        if number > MOST_WINDOW:
            raise InputError(f"a {name} window is {number:,}; exact averages go up to {MOST_WINDOW:,} bars")
    if len(numbers) > MOST_WINDOW:
        raise InputError(f"there are more than {MOST_WINDOW:,} {name} windows; take a larger step")
    return tuple(sorted({int(number) for number in numbers}))


@dataclass(frozen=True)
class Grid:
    """The cells of a sweep, the same for every symbol.

    Parameters
    ----------
    pairs : tuple of (fast, slow)
        Bars; ordered by fast, then slow.
    stops : tuple of TrailingStop or None
        None is no stop.
    """

    pairs: tuple[tuple[int, int], ...]
    stops: tuple[TrailingStop | None, ...] = (None,)

    @classmethod
    def of(
        cls,
        fast: int | Iterable[int],
        slow: int | Iterable[int],
        stop: TrailingStop | Iterable[TrailingStop | None] | None = None,
    ) -> Grid:
        """Form all pairs with fast < slow.

        Raises
        ------
        InputError
            No pair is left, a window makes no sense, or a stop is given twice.
        """
        stops = tuple(stop) if isinstance(stop, Iterable) else (stop,)
        for given in stops:
            if given is not None and not isinstance(given, TrailingStop):
                raise InputError(f"a stop is {given!r}; it must be engine.TrailingStop(...) or None")
        return _grid_of(windows_of("fast", fast), windows_of("slow", slow), stops)

    @property
    def cells(self) -> int:
        """Number of cells for each symbol."""
        return len(self.pairs) * len(self.stops)

    @cached_property
    def fast(self) -> NDArray[np.int64]:
        """Fast window of every pair, int64 (P,)."""
        return np.array(self.pairs, dtype=np.int64)[:, 0].copy()

    @cached_property
    def slow(self) -> NDArray[np.int64]:
        """Slow window of every pair, int64 (P,)."""
        return np.array(self.pairs, dtype=np.int64)[:, 1].copy()

    @cached_property
    def longest(self) -> int:
        """The longest slow window."""
        return int(self.slow.max())

    def describe(self) -> Any:
        """Name the pairs for JSON: their windows if every fast one goes with every slow one above it, as ``of`` makes them, else all of them."""
        fasts, slows = np.unique(self.fast), np.unique(self.slow)
        whole = int((len(slows) - np.searchsorted(slows, fasts, side="right")).sum()) == len(self.pairs)
        return {"fast": fasts.tolist(), "slow": slows.tolist()} if whole else [list(pair) for pair in self.pairs]

    @cached_property
    def memo(self) -> dict[tuple[int, ...], Any]:
        """What a sweep has worked out for this grid, so that the next one on it need not."""
        return {}

    @property
    def first_stop(self) -> TrailingStop | None:
        """A stop that stands for all of them where only their kind matters; None if there is none at all."""
        return next((stop for stop in self.stops if stop), None)

    @property
    def atr_windows(self) -> tuple[int, ...]:
        """Different ATR windows of the stops; 1 where there is no stop at all, so that there is something to index."""
        return tuple(sorted({stop.atr_window for stop in self.stops if stop})) or (1,)

    def parts(self, most_cells: int, within: slice | None = None) -> Iterator[slice]:
        """Cut the pairs into runs that are worked on in one go.

        Parameters
        ----------
        most_cells : int
            Of a part; all pairs of a fast window stay together, however many they are.
        within : slice or None
            Of ``pairs``; None for all of them.

        Yields
        ------
        slice
            Of ``pairs``, in order, without gap.
        """
        start, end = (0, len(self.pairs)) if within is None else (within.start, within.stop)
        if (end - start) * len(self.stops) <= most_cells:
            yield slice(start, end)  # most grids, at once
            return
        edges = (np.flatnonzero(np.diff(self.fast[start:end])) + start + 1).tolist()
        for edge, after in pairwise([*edges, end, end]):
            if (after - start) * len(self.stops) > most_cells or edge == end:
                yield slice(start, edge)
                start = edge


@lru_cache(maxsize=64)
def _grid_of(fasts: tuple[int, ...], slows: tuple[int, ...], stops: tuple[TrailingStop | None, ...]) -> Grid:
    """Form a grid; kept, because many sweeps have the same one."""
    count = sum(len(slows) - bisect_right(slows, f) for f in fasts)
    if count > MOST_PAIRS:
        raise InputError(f"the windows form {count:,} pairs; a sweep goes up to {MOST_PAIRS:,}; take a larger step")
    pairs = tuple((f, s) for f in fasts for s in slows if f < s)
    if not pairs:
        raise InputError(
            f"no pair has fast below slow: fast is {fasts[0]} to {fasts[-1]}, slow is {slows[0]} to {slows[-1]}"
        )
    if not stops:
        raise InputError("the list of stops is empty; give None in it for no stop")
    if len(set(stops)) < len(stops):
        raise InputError("a stop is given twice; give every stop once")
    return Grid(pairs, stops)
