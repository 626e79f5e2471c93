"""Whether the trial that is best on half of the days is good on the other half.

Combinatorially symmetric cross-validation (CSCV) and the probability of backtest overfitting (PBO): Bailey, Borwein, Lopez de Prado and Zhu, "The Probability of Backtest
Overfitting", Journal of Computational Finance 20(4), 2017. Only two sums of every trial and block are kept, so trials can come in portions and any grid fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from numpy.typing import NDArray

from engine.errors import InputError
from engine.kernels.cscv import FLAT, Halves, add_blocks, judge_halves
from engine.sweeping.threads import run_in_order, thread_count

__all__ = ["BlockSums", "Overfitting", "block_edges", "cross_validate", "halves_of", "overfitting_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

_MOST_BLOCKS = 20  # 184,756 halves
_WORTH_A_THREAD = 1_000_000  # trials x halves: about a millisecond


def block_edges(days: int, blocks: int) -> Integers:
    """Cut days into contiguous blocks.

    No day is left out: where the number of blocks does not divide that of the days, the first blocks have one day more. (Trials are only compared on the same days, so
    halves need not be equally long.)

    Returns
    -------
    int64 (S + 1,)
        Where the blocks begin, and the number of days.

    Raises
    ------
    InputError
        The number of blocks is not even, or not between 2 and 20.
    """
    if isinstance(blocks, bool) or not isinstance(blocks, int) or blocks % 2 or not 2 <= blocks <= _MOST_BLOCKS:
        raise InputError(f"blocks is {blocks!r}; it must be an even number from 2 to {_MOST_BLOCKS}, such as 16")
    size, longer = divmod(days, blocks)
    return np.array([block * size + min(block, longer) for block in range(blocks + 1)], np.int64)


@lru_cache(maxsize=8)
def halves_of(blocks: int) -> Integers:
    """Give every half of the blocks, in the order of ``itertools.combinations``.

    Returns
    -------
    int64 (C(S, S/2),)
        Kept for the next call: not to be changed. Bit S - 1 - j is set if block j is in; the complement of the i-th half is the i-th from the end.
    """
    every = np.arange(1 << blocks, dtype=np.int64)
    return np.ascontiguousarray(every[np.bitwise_count(every) == blocks // 2][::-1])


class BlockSums:
    """Takes the returns of trials in portions, and keeps what cross-validation needs of them: 16 bytes a trial and block.

    Parameters
    ----------
    days : int
        D.
    blocks : int
        S, even.

    Raises
    ------
    InputError
        See ``block_edges``.
    """

    def __init__(self, days: int, blocks: int = 16) -> None:
        self.days = days
        self.blocks = blocks
        self.edges = block_edges(days, blocks)
        self._sums: list[Floats] = []
        self._squares: list[Floats] = []

    def add(self, returns: Floats) -> None:
        """Take some trials more.

        Parameters
        ----------
        returns : float64 (n, D)
            Per day, as fractions.

        Raises
        ------
        InputError
            Other days than were announced, or a return that is not a finite number.
        """
        values = np.require(returns, np.float64, ["C", "W"])  # so that nothing is compiled for a second type
        if values.ndim != 2 or values.shape[1] != self.days:
            raise InputError(f"the returns have the shape {values.shape}; expected are rows of {self.days} days")
        sums, squares = np.empty((2, len(values), self.blocks))
        add_blocks(values, self.edges, sums, squares)
        if not np.isfinite(squares).all():
            raise InputError("a return is not a finite number; every trial needs a return for every day")
        self._sums.append(sums)
        self._squares.append(squares)

    @property
    def sums(self) -> Floats:
        """Sums of the returns, float64 (N, S), in the order in which the trials came."""
        return np.concatenate(self._sums) if self._sums else np.empty((0, self.blocks))

    @property
    def squares(self) -> Floats:
        """Sums of their squares, float64 (N, S)."""
        return np.concatenate(self._squares) if self._squares else np.empty((0, self.blocks))


@dataclass(frozen=True)
class Overfitting:
    """What the halves found. M is their number, C(S, S/2); Sharpe ratios are per bar.

    Attributes
    ----------
    trials : int
        Compared: those whose returns are not all equal.
    idle : int
        Left out, because their returns are all equal: they never trade.
    blocks, days : int
    probability : float
        PBO: the share of halves whose pick is at or below the median of the other half (``logits <= 0``). nan where ``undefined`` says why.
    logits : float64 (M,)
        ``ln(w / (1 - w))`` of every half, w = rank / (N + 1); in the order of ``itertools.combinations`` of the blocks.
    picks : int64 (M,)
        The trial that each half picks, counted among all that were given.
    inside, outside : float64 (M,)
        Sharpe ratio of the pick in its half, and in the other.
    slope, intercept, correlation : float
        Of outside on inside (performance degradation); nan where all picks have the same Sharpe ratio inside (or outside, for the correlation).
    probability_of_loss : float
        Share of halves whose pick has a mean return below 0 in the other half.
    median_outside : float
        Median of ``outside``.
    undefined : str
        Why there is nothing to say; else empty.
    """

    trials: int
    idle: int
    blocks: int
    days: int
    probability: float
    logits: Floats
    picks: Integers
    inside: Floats
    outside: Floats
    slope: float
    intercept: float
    correlation: float
    probability_of_loss: float
    median_outside: float
    undefined: str = ""


def overfitting_of(returns: Floats, blocks: int = 16, workers: int | None = None) -> Overfitting:
    """Cross-validate trials whose returns are all at hand; see ``cross_validate``.

    Parameters
    ----------
    returns : float64 (N, D)
        Of every trial on every day.
    blocks : int
        S, even.
    workers : int or None
        Threads; None is one a core.

    Raises
    ------
    InputError
    """
    if returns.ndim != 2:
        raise InputError(f"the returns have the shape {returns.shape}; expected is a row for every trial")
    sums = BlockSums(returns.shape[1], blocks)
    sums.add(returns)
    return cross_validate(sums, workers)


def cross_validate(given: BlockSums, workers: int | None = None) -> Overfitting:
    """Pick the best trial on every half of the blocks, and rank it on the other half.

    The rank of a pick is the number of trials below it plus half of those equal to it, itself among them, plus a half: the average rank of a tie. Where several trials are the
    best, the first is picked. A trial whose returns are all equal in a half (out of the market) has a Sharpe ratio of 0 there; one whose returns are all equal on all days is
    left out and counted.

    Parameters
    ----------
    given : BlockSums
    workers : int or None
        Threads; None is one a core. The result does not depend on it.

    Raises
    ------
    InputError
    """
    threads = thread_count(workers)
    sums, squares = given.sums, given.squares
    trading = _trading(sums, squares, given.days)
    trials = int(np.count_nonzero(trading))
    reason = _why_undefined(trials, given)
    if reason:
        return _nothing(given, trials, len(sums) - trials, reason)
    if trials < len(sums):
        sums, squares = sums[trading], squares[trading]
    found = _judge(np.ascontiguousarray(sums.T), np.ascontiguousarray(squares.T), given, threads)
    rank = found.below + (found.equal + 1) / 2
    slope, intercept, correlation = _line(found.inside, found.outside)
    return Overfitting(
        trials=trials,
        idle=len(trading) - trials,
        blocks=given.blocks,
        days=given.days,
        probability=float(np.mean(rank <= (trials + 1) / 2)),  # as logits <= 0, in numbers without rounding
        logits=np.log(rank / (trials + 1 - rank)),
        picks=np.flatnonzero(trading)[found.pick],
        inside=found.inside,
        outside=found.outside,
        slope=slope,
        intercept=intercept,
        correlation=correlation,
        probability_of_loss=float(np.mean(found.mean < 0.0)),
        median_outside=float(np.median(found.outside)),
    )


def _trading(sums: Floats, squares: Floats, days: int) -> NDArray[np.bool_]:
    """Tell which trials have returns that differ, bool (N,)."""
    total, square = sums.sum(axis=1), squares.sum(axis=1)
    traded: NDArray[np.bool_] = square - total * total / max(days, 1) > FLAT * square
    return traded


def _why_undefined(trials: int, given: BlockSums) -> str:
    """Say why there is nothing to cross-validate; empty if there is."""
    if given.days < 2 * given.blocks:
        return f"{given.days} days are too few for {given.blocks} blocks of two days or more."
    if trials < 2:
        return "Fewer than two trials trade, so there is nothing to pick from."
    return ""


def _nothing(given: BlockSums, trials: int, idle: int, reason: str) -> Overfitting:
    """Give the result where nothing is defined."""
    nan, none = math.nan, np.empty(0)
    picks = np.empty(0, np.int64)
    return Overfitting(
        trials, idle, given.blocks, given.days, nan, none, picks, none, none, nan, nan, nan, nan, nan, reason
    )


def _judge(sums: Floats, squares: Floats, given: BlockSums, threads: int) -> Halves:
    """Run the kernel on all halves, in runs of them on threads; sums and squares are (S, N)."""
    masks, lengths = halves_of(given.blocks), np.diff(given.edges)
    count = len(masks)
    pick, below, equal = np.empty((3, count), np.int64)
    inside, outside, mean = np.empty((3, count))
    parts = max(1, min(threads, count * sums.shape[1] // _WORTH_A_THREAD))
    tasks: list[Callable[[], None]] = []
    for part in range(parts):
        some = slice(count * part // parts, count * (part + 1) // parts)
        piece = Halves(pick[some], below[some], equal[some], inside[some], outside[some], mean[some])
        tasks.append(partial(judge_halves, sums, squares, lengths, masks[some], piece))
    if not run_in_order(tasks, parts, lambda _: None):
        raise KeyboardInterrupt
    return Halves(pick, below, equal, inside, outside, mean)


def _line(inside: Floats, outside: Floats) -> tuple[float, float, float]:
    """Give slope, intercept and correlation of the line by least squares."""
    x, y = inside - inside.mean(), outside - outside.mean()
    # Sums and no dot products: those of so many numbers wake all threads of the linear algebra, which take twice as long as all the rest on a busy machine.
    xx, xy, yy = (float((a * b).sum()) for a, b in ((x, x), (x, y), (y, y)))
    if not xx > FLAT * float((inside * inside).sum()):
        return math.nan, math.nan, math.nan
    slope = xy / xx
    correlation = xy / math.sqrt(xx * yy) if yy > FLAT * float((outside * outside).sum()) else math.nan
    return slope, float(outside.mean() - slope * inside.mean()), correlation
