"""The permutation test of a whole sweep: its best beside the best of the same search in markets in which there is nothing to find.

The days of the market are put in another order, the whole sweep is run again, its best is compared with the best of the market itself, and so on. The p-value is the share of markets whose best
is at least as good (``sequential`` has the formula and when it stops early). It answers for the whole search, however many cells it has and however they depend on each other, as Masters
("Permutation and Randomization Tests for Trading System Development", 2020) does it; the best of each symbol is also held against the best of all, which is Westfall and Young's family-wise p-value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.grid import Grid
from engine.kernels.metrics import METRICS
from engine.prices.history import Prices
from engine.selection.luck import Luck, PermutationTest, Stopped
from engine.selection.markets import Moves, Shuffle
from engine.selection.searches import Search
from engine.selection.sequential import Tally, enough_for
from engine.selection.trials import Pool
from engine.settings import Settings, require_choice, require_number
from engine.sweeping.cells import takes_fast_way
from engine.sweeping.threads import run_in_order, thread_count

__all__ = ["Which", "permutation_test"]

Floats = NDArray[np.float64]
Progress = Callable[[int, int], None]
Which = Literal["cells", "both"]
"""What is compared: the best cells; or also the best setting on all symbols with equal money in each, which takes four times as long."""


def permutation_test(
    prices: Prices,
    grid: Grid,
    settings: Settings,
    *,
    metric: str = "sharpe",
    which: Which = "both",
    shuffle: Shuffle | None = None,
    resamples: int = 1000,
    level: float | None = 0.05,
    workers: int | None = None,
    progress: Progress | None = None,
) -> PermutationTest:
    """Compare the best of a sweep with the best of the same sweep on markets whose days are in another order.

    Parameters
    ----------
    prices : Prices
    grid : Grid
    settings : Settings
    metric : str
        By which the best cell is chosen, one of the contract's.
    which : {"cells", "both"}
        With "both", the best setting on all symbols is tested too.
    shuffle : Shuffle or None
        None is a permutation with seed 0.
    resamples : int
        Markets, at most; 1 or more.
    level : float or None
        Stop as soon as nothing can be significant at it; None does all resamples. What is significant is the same either way.
    workers : int or None
        Threads; None is one a core. The numbers do not depend on it.
    progress : callable or None
        Called with (resamples done, resamples asked).

    Returns
    -------
    PermutationTest
        After Ctrl-C with what was done until then.

    Raises
    ------
    InputError
        A setting makes no sense.
    DataError
        Every symbol is shorter than the shortest slow window.
    KeyboardInterrupt
        Before the first resample.

    Notes
    -----
    The market itself goes the same way as the others, with prices as whole ticks of 1e-5, so that they can be exchanged. Prices that are such ticks are not changed by it.

    p-values of single symbols use the resamples that the best of all needed, so that of a symbol that was not yet settled is an estimate when resampling stopped early.
    """
    _check(metric, which, resamples, level, settings, grid)
    pool = Pool.of(prices, int(grid.slow.min()))
    moves = Moves.of(pool, free=takes_fast_way(settings))
    job = _Job(moves, Search(grid, settings, metric), shuffle or Shuffle(), which)
    return job.run(resamples, level, thread_count(workers), progress)


def _check(metric: str, which: str, resamples: int, level: float | None, settings: Settings, grid: Grid) -> None:
    """Check the arguments that no other class does; ``InputError`` if one makes no sense."""
    if metric not in METRICS:
        raise InputError(f"there is no metric {metric!r}; it must be one of: {', '.join(METRICS)}")
    require_choice("which", which, get_args(Which))
    if isinstance(resamples, bool) or not isinstance(resamples, int) or resamples < 1:
        raise InputError(f"resamples is {resamples!r}; it must be a whole number, 1 or more")
    if level is not None and not 0 < require_number("level", level, above=0) < 1:
        raise InputError(f"level is {level!r}; it is a probability between 0 and 1, such as 0.05")
    settings.require(grid.stops)
    if settings.intrabar == "both":
        raise InputError("intrabar 'both' is for a single backtest; test 'stop_first' and 'high_first' each by itself")


class _SettledError(Exception):
    """The answer is clear: the tasks that are left are not needed."""


@dataclass(frozen=True, eq=False)
class _Job:
    """A test whose arguments were checked."""

    moves: Moves
    search: Search
    shuffle: Shuffle
    which: Which

    @property
    def _names(self) -> tuple[str, ...]:
        return self.moves.pool.symbols

    @cached_property
    def _long(self) -> frozenset[str]:
        """Symbols that are long enough for every pair: those of a setting on all of them."""
        longest = int(self.search.grid.slow.max())
        return frozenset(h.symbol for h in self.moves.pool.histories if len(h) >= longest)

    @property
    def _joins(self) -> bool:
        return self.which == "both" and bool(self._long)

    def _bests(self, order: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
        """Give the best of each symbol and that of the settings, float64 (S + 1,), in the market of an order, and where they are."""
        market = self.moves.in_order(order)
        best, place = self.search.cells(market)
        setting = self.search.settings_on_all(market, self._long) if self._joins else (np.nan, -1)
        return np.append(best, setting[0]), np.append(place, setting[1])

    def _drawn(self, number: int) -> Floats:
        """Give those of one resample."""
        return self._bests(self.shuffle.order(len(self.moves.pool.days), number))[0]

    def run(self, asked: int, level: float | None, threads: int, progress: Progress | None) -> PermutationTest:
        """Do the market itself, then resamples until the answer is clear."""
        observed, place = self._bests(np.arange(len(self.moves.pool.days)))
        early = level is not None and 1 / (1 + asked) <= level
        symbols, top = len(self._names), _highest(observed[:-1])
        # Statistics: the best of each symbol, the best setting, the best cell, and the best of each symbol beside the best cells of luck.
        deciding = np.zeros(2 * symbols + 2, np.bool_)
        deciding[symbols : symbols + 2] = early
        enough = enough_for(level, asked) if early and level is not None else asked + 1
        tally = Tally.of(np.concatenate([observed, [top], observed[:-1]]), enough, deciding)
        draws: list[Floats] = []

        def take(bests: Floats) -> None:
            draws.append(bests)
            best = _highest(bests[:-1])
            settled = tally.add(np.concatenate([bests, np.full(symbols + 1, best)]))
            if progress:
                progress(len(draws), asked)
            if settled and early:
                raise _SettledError

        stopped: Stopped = "undefined"
        if not np.isnan(observed).all():
            stopped = _run_until_settled([partial(self._drawn, number) for number in range(asked)], threads, take)
        if stopped == "settled" and len(draws) == asked:
            stopped = "all"
        drawn = np.array(draws).reshape(len(draws), symbols + 1)
        return self._result(tally, place, drawn, asked, level, stopped)

    def _result(
        self,
        tally: Tally,
        place: NDArray[np.int64],
        drawn: Floats,
        asked: int,
        level: float | None,
        stopped: Stopped,
    ) -> PermutationTest:
        """Name the numbers."""
        symbols = len(self._names)

        def luck(i: int, at: int, where: Mapping[str, Any], draws: Floats) -> Luck:
            named = {**where, **self.search.name(int(place[at]))} if at >= 0 and place[at] >= 0 else {}
            counts = int(tally.as_good[i]), int(tally.done[i])
            return Luck(float(tally.observed[i]), named, tally.p(i), tally.error(i), *counts, draws)

        own = tally.observed[:symbols]
        top = -1 if np.isnan(own).all() else int(np.nanargmax(own))
        highest = np.array([_highest(row[:-1]) for row in drawn])
        of_symbol = tuple(luck(s, s, {"symbol": name}, drawn[:, s]) for s, name in enumerate(self._names))
        return PermutationTest(
            cell=luck(symbols + 1, top, {"symbol": self._names[top]}, highest),
            setting=luck(symbols, symbols, {}, drawn[:, -1]) if self._joins else None,
            of_symbol=of_symbol,
            family={name: tally.p(symbols + 2 + s) for s, name in enumerate(self._names)},
            metric=self.search.metric,
            shuffle=self.shuffle,
            level=level,
            asked=asked,
            done=len(drawn),
            stopped=stopped,
            days=len(self.moves.pool.days),
            left_out=self.moves.pool.left_out,
            why=self._why(tally, asked, level),
        )

    def _why(self, tally: Tally, asked: int, level: float | None) -> dict[str, str]:
        """Say what could not be done."""
        why, symbols, metric = dict[str, str](), len(self._names), self.search.metric
        undefined = f"no cell has a {metric}: no account did anything, or its history is too short for the averages"
        if np.isnan(tally.observed[symbols + 1]):
            why["cell"] = undefined
        why |= {name: undefined for s, name in enumerate(self._names) if np.isnan(tally.observed[s])}
        longest = int(self.search.grid.slow.max())
        if self.which == "both" and not self._joins:
            why["setting"] = f"no symbol has {longest} bars, which the longest slow window needs"
        elif self._joins and np.isnan(tally.observed[symbols]):
            why["setting"] = "no setting has a Sharpe ratio: none ever traded"
        if level is not None and 1 / (1 + asked) > level:
            why["level"] = (
                f"with {asked} resamples no p-value is below {1 / (1 + asked):.3g}, and the level is {level:g}"
            )
        return why


def _highest(values: Floats) -> float:
    """Give the highest that is defined, else nan."""
    return float(np.fmax.reduce(values))


def _run_until_settled(tasks: Sequence[Callable[[], Floats]], threads: int, take: Callable[[Floats], None]) -> Stopped:
    """Run tasks in order, and say why it ended."""
    try:
        return "all" if run_in_order(tasks, threads, take) else "interrupted"
    except _SettledError:
        return "settled"
