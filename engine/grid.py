"""Which cells a sweep has: every pair of averages with fast < slow, each with every stop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.settings import TrailingStop

__all__ = ["Grid", "windows_of"]


def windows_of(name: str, windows: int | Iterable[int]) -> tuple[int, ...]:
    """Sort the windows of one average and check them.

    Raises
    ------
    InputError
        None at all, not whole numbers, or below 1.
    """
    numbers = list(windows) if isinstance(windows, Iterable) else [windows]
    if not numbers:
        raise InputError(f"the {name} windows are empty; give a range such as 5:100:5, from the smaller to the larger")
    for number in numbers:
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 1:
            raise InputError(f"a {name} window is {number!r}; it must be a whole number of bars, 1 or more")
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
        fasts, slows = windows_of("fast", fast), windows_of("slow", slow)
        pairs = tuple((f, s) for f in fasts for s in slows if f < s)
        if not pairs:
            raise InputError(
                f"no pair has fast below slow: fast is {fasts[0]} to {fasts[-1]}, slow is {slows[0]} to {slows[-1]}"
            )
        stops = tuple(stop) if isinstance(stop, Iterable) else (stop,)
        if not stops:
            raise InputError("the list of stops is empty; give None in it for no stop")
        for given in stops:
            if given is not None and not isinstance(given, TrailingStop):
                raise InputError(f"a stop is {given!r}; it must be engine.TrailingStop(...) or None")
        if len(set(stops)) < len(stops):
            raise InputError("a stop is given twice; give every stop once")
        return cls(pairs, stops)

    @property
    def cells(self) -> int:
        """Number of cells for each symbol."""
        return len(self.pairs) * len(self.stops)

    @property
    def fast(self) -> NDArray[np.int64]:
        """Fast window of every pair, int64 (P,)."""
        return np.array([pair[0] for pair in self.pairs], dtype=np.int64)

    @property
    def slow(self) -> NDArray[np.int64]:
        """Slow window of every pair, int64 (P,)."""
        return np.array([pair[1] for pair in self.pairs], dtype=np.int64)

    @property
    def atr_windows(self) -> tuple[int, ...]:
        """Different ATR windows of the stops; 1 where there is no stop at all, so that there is something to index."""
        return tuple(sorted({stop.atr_window for stop in self.stops if stop})) or (1,)

    def tiles(self, bars: int, *, most_pairs: int = 512, most_bytes: int = 64 << 20) -> Iterator[slice]:
        """Cut the pairs into runs whose averages fit into memory.

        Parameters
        ----------
        bars : int
            T of the symbol.
        most_pairs : int
            So that progress moves and all cores have work.
        most_bytes : int
            For the averages of one tile; at least one pair is always in it.

        Yields
        ------
        slice
            Of ``pairs``, in order, without gap.
        """
        start = 0
        windows: set[int] = set()
        for i, pair in enumerate(self.pairs):
            wider = windows | set(pair)
            if i > start and (i - start >= most_pairs or len(wider) * bars * 8 > most_bytes):
                yield slice(start, i)
                start, wider = i, set(pair)
            windows = wider
        yield slice(start, len(self.pairs))
