"""Markets in which nothing is left to be found: the days of a real one in another order.

A day moves as a whole, with the bars of all symbols on it, so that what symbols have in common on a day stays exactly; what one day says about the next is gone. A bar is its moves: the gap from
the close before to its open, and high, low and close relative to that open. A symbol's first bar has no gap; it counts as none (ratio 1) and moves like all others, and the price before the
first bar of the new market is the first open of the old one. So the log return from first open to last close is the same in every permutation, and the order that the days had gives the market
itself. A symbol that has no bar on a day has none on the day that takes its place; its own series stays dense.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import kernel_bars
from engine.errors import InputError
from engine.kernels.shuffle import chain_moves, split_moves
from engine.prices.history import History
from engine.selection.trials import Pool
from engine.settings import require_choice, require_number

__all__ = ["Kind", "Moves", "Shuffle"]

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
Kind = Literal["permutation", "bootstrap"]


@dataclass(frozen=True)
class Shuffle:
    """How days are put in another order.

    Parameters
    ----------
    kind : {"permutation", "bootstrap"}
        Every day once; or the stationary bootstrap of Politis and Romano (JASA 89, 1994): blocks of days of random length, drawn with replacement, the last day followed by the first.
        A permutation keeps the moves and the end; a bootstrap keeps some of what follows from day to day, and its end differs. Only permuted markets can be exchanged with the market itself if its days
        do not depend on each other, which makes p-values exact; those of a bootstrap are too large rather than too small (``tests/test_permutation.py``).
    block : float
        Mean days of a block, of the bootstrap only; 1 or more. 20 is about a month.
    seed : int
        0 or more. Order b depends on the seed and b alone.

    Raises
    ------
    InputError
    """

    kind: Kind = "permutation"
    block: float = 20.0
    seed: int = 0

    def __post_init__(self) -> None:
        require_choice("kind", self.kind, get_args(Kind))
        require_number("block", self.block, least=1)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0:
            raise InputError(f"seed is {self.seed!r}; it must be a whole number, 0 or more")

    def order(self, days: int, number: int) -> Places:
        """Give order ``number`` (0, 1, ...) of so many days, int64 (D,)."""
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(number,)))
        if self.kind == "permutation":
            return rng.permutation(days).astype(np.int64)
        begins = rng.random(days) * self.block < 1.0
        begins[0] = True
        starts = np.flatnonzero(begins)
        since = np.arange(days) - np.repeat(starts, np.diff(starts, append=days))
        drawn = np.repeat(rng.integers(0, days, len(starts)), np.diff(starts, append=days))
        order: Places = (drawn + since) % days
        return order


@dataclass(frozen=True, eq=False)
class Moves:
    """The moves of a market, ready to be put in any order.

    Attributes
    ----------
    pool : Pool
    moves : float64 (N, 4)
        Of all bars, symbols one behind the other, see ``kernels.shuffle``.
    bar : int64 (S, D)
        Row of each symbol's bar on each day, -1 without one.
    base : float64 (S,)
        First open of each symbol, currency.
    free : bool
        Prices may be multiplied by a power of two, since nothing depends on their level: not with lots, nor with fees per share.
    """

    pool: Pool
    moves: Floats
    bar: Places
    base: Floats
    free: bool

    @classmethod
    def of(cls, pool: Pool, *, free: bool) -> Moves:
        """Split the bars of all symbols."""
        lengths = [len(history) for history in pool.histories]
        starts = np.cumsum([0, *lengths])
        moves = np.empty((int(starts[-1]), 4))
        bar = np.full((len(pool.histories), len(pool.days)), -1, np.int64)
        for s, (history, day) in enumerate(zip(pool.histories, pool.day, strict=True)):
            split_moves(kernel_bars(history), moves[starts[s] : starts[s + 1]])
            bar[s, day] = np.arange(starts[s], starts[s + 1])
        base = np.array([history.open[0] for history in pool.histories])
        return cls(pool, moves, bar, base, free)

    def in_order(self, order: Places) -> Pool:
        """Make the market in which day i has the moves of day ``order[i]``.

        Parameters
        ----------
        order : int64 (D,)
            Any days, also some of them twice.

        Returns
        -------
        Pool
            On the same days; prices are rounded to whole ticks of 1e-5. The order 0, 1, 2, ... gives the prices themselves, if they are such ticks. Of a bootstrap, a symbol may have more or fewer
            bars than before, or none. Volumes are nan.
        """
        pool, count = self.pool, self.pool.count[order]
        bars = int(count.sum())
        out, day, offsets = np.empty((4, bars)), np.empty(bars, np.int64), np.empty(len(self.base) + 1, np.int64)
        chain_moves(self.moves, self.bar, order, self.base, self.free, out, day, offsets)
        out.flags.writeable = False
        edges = offsets.tolist()
        places = [slice(edges[s], edges[s + 1]) for s in range(len(self.base))]
        histories = tuple(
            self._history(history, out[:, place], day[place])
            for history, place in zip(pool.histories, places, strict=True)
        )
        return Pool(histories, pool.days, tuple(day[place] for place in places), count, pool.left_out)

    def _history(self, history: History, columns: Floats, day: Places) -> History:
        """Give a symbol other bars. Its constructor would look for faults in the dates, which takes as long as a hundred cells of the sweep."""
        days = self.pool.days
        dates: Any = days if len(day) == len(days) else days[day]
        made = copy(history)
        made.__dict__.pop("clock", None)  # it is of the other dates
        for name, values in zip(("open", "high", "low", "close"), columns, strict=True):
            object.__setattr__(made, name, values)
        object.__setattr__(made, "dates", dates)
        object.__setattr__(made, "volume", np.full(len(day), np.nan))
        return made
