"""Is what the bot decides what the backtest decided? Compared for every bar of real histories, by their bits.

Four questions, of every symbol and every bar t that has enough bars before it:

- the bot's reading of the last five years up to t: cross, side, strength, stop distance, close, against those of the backtest over the whole history;
  and that of a history that begins somewhere else;
- the bot's step, enter, leave or keep, when it holds what the backtest holds after t, against what the backtest does next;
- the bot's reading of bar t while it is not over, against a backtest that ends with that very bar;
- for some bars (all, if ``every`` is 1), the reading along the whole way from the broker's bars, through the checks.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import engine
from engine.accounts.market import sides_of, signals_of
from engine.errors import DataError
from engine.kernels.crosses import ABOVE
from engine.report.spoken import count
from live.bars import history_of
from live.decision import CROSSES, Reading, read_last_bar
from live.facts import DayBar, Pinned
from live.plan import Step, wish
from live.protection import Cover

__all__ = ["Parity", "parity"]

_YEARS = pd.DateOffset(years=5)
"""What the bot asks the broker for."""
_MOST_NAMED = 10

Progress = Callable[[int, int], None]


@dataclass
class Parity:
    """What was compared, and what differed.

    Attributes
    ----------
    symbols, readings, steps, whole_ways, partial_bars, other_beginnings : int
        How many were compared.
    differences : list of str
        A sentence each.
    refused : dict of str to str
        Symbols of which the bot would trade nothing at some bars, because its checks refuse them there, with the first reason.
    is_whole : bool
        False if it was interrupted: the rest is not compared.
    """

    symbols: int = 0
    readings: int = 0
    steps: int = 0
    whole_ways: int = 0
    partial_bars: int = 0
    other_beginnings: int = 0
    differences: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    is_whole: bool = True
    _live: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)
    _backtest: hashlib._Hash = field(default_factory=hashlib.sha256, repr=False)

    @property
    def digests(self) -> tuple[str, str]:
        """Hashes over all readings, of the bot and of the backtest."""
        return self._live.hexdigest(), self._backtest.hexdigest()

    def compare(self, what: Callable[[], str], live: bytes, backtest: bytes) -> None:
        """Note a difference."""
        if live != backtest:
            self.differences.append(what())

    def counts(self) -> dict[str, object]:
        """Give all that is not a list of differences, for programs."""
        names = ("symbols", "readings", "steps", "whole_ways", "partial_bars", "other_beginnings")
        live, backtest = self.digests
        return {
            **{name: getattr(self, name) for name in names},
            "live": live,
            "backtest": backtest,
            "refused": self.refused,
            "left_out": self.left_out,
        }

    def to_frame(self) -> pd.DataFrame:
        """Give the differences as a table."""
        return pd.DataFrame({"difference": self.differences}, dtype=str)

    def lines(self) -> Iterator[str]:
        """Say it in sentences."""
        yield f"{count(self.symbols, 'symbol')}, {count(self.readings, 'decision')} compared with the backtest, bit for bit."
        if not self.is_whole:
            yield "Interrupted: the rest was not compared."
        found = f"{count(len(self.differences), 'difference')}: live is not what was tested."
        yield found if self.differences else "No difference."
        yield from self.differences[:_MOST_NAMED]
        if len(self.differences) > _MOST_NAMED:
            yield f"And {count(len(self.differences) - _MOST_NAMED, 'more difference')}."
        yield f"{count(self.steps, 'step')} of the bot compared with what the backtest does at the next open."
        yield f"{count(self.partial_bars, 'decision')} at a bar that is not over, {count(self.other_beginnings, 'decision')} of histories that begin elsewhere."
        yield f"{count(self.whole_ways, 'decision')} along the bot's whole way from the broker's bars, through its checks."
        live, backtest = self.digests
        yield f"Hash of all decisions: {live[:16]} live, {backtest[:16]} backtest."
        for symbol, reason in self.refused.items():
            yield f"{symbol}: the bot's checks refuse some of its bars, the first because: {reason}."
        for symbol, reason in self.left_out.items():
            yield f"{symbol} was left out: {reason}."


@dataclass(frozen=True)
class _Expected:
    """What the backtest says of each bar of one symbol, arrays (T,)."""

    packed: list[bytes]
    holds: NDArray[np.bool_]
    step: list[Step]


def _pack(cross: str, is_above: bool, strength: float, distance: float, close: float) -> bytes:
    return struct.pack("<8s?ddd", cross.encode(), is_above, strength, distance, close)


def _packed(reading: Reading) -> bytes:
    return _pack(reading.cross, reading.is_above, reading.strength, reading.distance, reading.close)


def _readings(
    history: engine.History, fast: int, slow: int, stop: engine.TrailingStop, bars: slice = slice(None)
) -> list[bytes]:
    """Pack what the backtest's kernels say of the bars of a whole history."""
    signals = signals_of([history], fast, slow, stop)
    above = sides_of(history, fast, slow) == ABOVE
    columns = signals.cross, above, signals.strength, stop.multiple * signals.atr, history.close
    rows = zip(*(column[bars].tolist() for column in columns), strict=True)
    return [_pack(CROSSES[cross], *numbers) for cross, *numbers in rows]


def _expected(history: engine.History, fast: int, slow: int, stop: engine.TrailingStop) -> _Expected:
    """Ask the backtest over the whole history, with fills at the next open."""
    length = len(history)
    result = engine.backtest(engine.Prices.from_histories([history]), fast, slow, stop)
    holds, enters, leaves = (np.zeros(length, bool) for _ in range(3))
    trades = result.trades
    ends = trades["exit_bar"].fillna(length).astype(int)
    for begin, end, reason in zip(trades["entry_bar"].astype(int), ends, trades["exit_reason"], strict=True):
        enters[begin - 1] = True
        holds[begin:end] = True
        leaves[end - 1] |= reason == "cross"
    pending = result.pending.iloc[0]
    enters[-1], leaves[-1] = pending == "buy", pending == "sell"
    step: list[Step] = [
        "enter" if e else "leave" if x else "keep" if h else "nothing"
        for e, x, h in zip(enters, leaves, holds, strict=True)
    ]
    return _Expected(_readings(history, fast, slow, stop), holds, step)


def parity(
    prices: engine.Prices,
    fast: int = 50,
    slow: int = 200,
    stop: engine.TrailingStop | None = None,
    *,
    every: int = 50,
    progress: Progress | None = None,
) -> Parity:
    """Compare the bot's decisions with the backtest's, for every bar of every symbol.

    Parameters
    ----------
    prices : Prices
    fast, slow : int
        Bars.
    stop : TrailingStop or None
        None: 3 times the ATR of 14 bars.
    every : int
        Of so many bars one is compared along the whole way; all else is compared for every bar, at a fifth of the cost.
    progress : callable or None
        Told bars done and bars in all.

    Raises
    ------
    DataError
        No symbol has enough bars.
    """
    stop = stop or engine.TrailingStop()
    found, least = Parity(), slow + stop.atr_window
    found.left_out = dict(prices.report.left_out)
    try:
        _compare_all(prices, (fast, slow, stop), found, every, progress or (lambda _done, _total: None))
    except KeyboardInterrupt:
        found.is_whole = False
    if not found.symbols:
        raise DataError(f"no symbol has the {least} bars that the bot needs")
    return found


def _compare_all(
    prices: engine.Prices, rules: tuple[int, int, engine.TrailingStop], found: Parity, every: int, progress: Progress
) -> None:
    """Compare bar after bar, symbol after symbol."""
    least = rules[1] + rules[2].atr_window
    total, done = sum(len(prices[symbol]) for symbol in prices.symbols), 0
    for symbol in prices.symbols:
        history = prices[symbol]
        if len(history) < least:
            found.left_out[symbol] = f"{len(history)} bars, fewer than the {least} that the bot needs"
        else:
            found.symbols += 1
            one = _One(history, rules, least, found)
            for t in range(least - 1, len(history)):
                one.compare(t, sampled=(t - least + 1) % every == 0)
                if t % 100 == 0:
                    progress(done + t, total)
        done += len(history)


class _One:
    """One symbol; ``compare`` a bar of it."""

    def __init__(
        self,
        history: engine.History,
        rules: tuple[int, int, engine.TrailingStop],
        least: int,
        found: Parity,
    ) -> None:
        self._history, self._rules, self._least, self._found = history, rules, least, found
        self._expected = _expected(history, *rules)
        dates = history.dates
        self._first = np.minimum(dates.searchsorted(dates - _YEARS, side="right"), np.arange(len(dates)) - least + 1)
        self._pinned = Pinned("", history.symbol, "", history.currency or "", 0, ((0.0, 0.01),), 1.0, 1.0)
        self._bars = _bars_of(history)
        self._random = np.random.default_rng(len(dates))

    def compare(self, t: int, *, sampled: bool) -> None:
        """Compare all that there is to compare after bar t."""
        first, found = int(self._first[t]), self._found
        known = self._history.between(first, t + 1)
        reading = read_last_bar(known, *self._rules)
        live, backtest = _packed(reading), self._expected.packed[t]
        found._live.update(live)  # noqa: SLF001  its own module
        found._backtest.update(backtest)  # noqa: SLF001
        found.readings += 1
        found.compare(lambda: f"{self._at(t)} reads {reading}, and not what the backtest has.", live, backtest)
        self._compare_step(t, reading)
        self._compare_partial_bar(t, first)
        self._compare_other_beginning(t, live)
        if sampled:
            self._compare_whole_way(t, first, live)

    def _at(self, t: int) -> str:
        return f"{self._history.symbol} on {self._history.dates[t].date()}"

    def _compare_step(self, t: int, reading: Reading) -> None:
        expected = self._expected
        cover = Cover(1.0 if expected.holds[t] else 0.0, (), ())
        step = wish(self._pinned, reading, cover).step
        self._found.steps += 1
        if step != expected.step[t]:
            self._found.differences.append(f"{self._at(t)} the bot would {step}, the backtest {expected.step[t]}.")

    def _compare_partial_bar(self, t: int, first: int) -> None:
        """Take half of the last bar, for the bot and for the backtest over the whole history up to it."""
        partial, whole = (_half_of_the_last_bar(self._history, begin, t) for begin in (first, 0))
        self._found.partial_bars += 1
        live, backtest = read_last_bar(partial, *self._rules), _readings(whole, *self._rules, slice(-1, None))
        self._found.compare(
            lambda: f"{self._at(t)} reads otherwise at a bar that is not over.", _packed(live), backtest[0]
        )

    def _compare_other_beginning(self, t: int, live: bytes) -> None:
        begin = int(self._random.integers(0, t - self._least + 2))
        other = _packed(read_last_bar(self._history.between(begin, t + 1), *self._rules))
        self._found.other_beginnings += 1
        self._found.compare(lambda: f"{self._at(t)} reads otherwise if its history begins at bar {begin}.", other, live)

    def _compare_whole_way(self, t: int, first: int, live: bytes) -> None:
        """Take the bars as the broker gives them, through the bot's checks."""
        history, bars = self._history, self._bars[first : t + 1]
        try:
            known = history_of(history.symbol, history.currency or "INR", bars, bars[-1].day, self._least)
        except DataError as error:
            self._found.refused.setdefault(history.symbol, str(error))
            return
        self._found.whole_ways += 1
        other = _packed(read_last_bar(known, *self._rules))
        self._found.compare(lambda: f"{self._at(t)} reads otherwise along the whole way.", other, live)


def _bars_of(history: engine.History) -> list[DayBar]:
    """Give bars as the broker does."""
    prices = history.open, history.high, history.low, history.close, np.nan_to_num(history.volume)
    return [DayBar(day, *row) for day, row in zip(history.dates.date, np.c_[prices].tolist(), strict=True)]


def _half_of_the_last_bar(history: engine.History, begin: int, t: int) -> engine.History:
    """Give the bars from ``begin`` to t as they look during session t: its close half the way from the open to the lowest price, or to the highest."""
    part, bar = slice(begin, t + 1), {name: float(getattr(history, name)[t]) for name in ("open", "high", "low")}
    close = round((bar["open"] + bar["low" if t % 2 else "high"]) / 2, 2)
    columns = {name: getattr(history, name)[part].copy() for name in ("high", "low", "close")}
    last = {"high": max(bar["open"], close), "low": min(bar["open"], close), "close": close}
    for name, column in columns.items():
        column[-1] = last[name]
        column.setflags(write=False)
    return replace(history, dates=history.dates[part], open=history.open[part], volume=history.volume[part], **columns)
