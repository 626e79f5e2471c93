"""One symbol's bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.errors import DataError
from engine.prices.sessions import BarClock
from engine.validation.columns import FIELDS
from engine.validation.dates import in_nanoseconds

__all__ = ["F8", "History", "days_of", "shared_dates", "span"]

F8 = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class History:
    """The bars of one symbol.

    The arrays are made C-contiguous and read-only; one that can be written to is copied first.

    Parameters
    ----------
    symbol : str
        The name of the instrument.
    dates : pandas.DatetimeIndex
        Shape (T,), strictly increasing, time zone kept, held in nanoseconds.
    open, high, low, close : float64 array (T,)
        Prices in ``currency``.
    volume : float64 array (T,)
        Units traded; nan where unknown.
    currency : str or None
        What the prices are in, None where unknown.

    Raises
    ------
    DataError
        If the lengths differ or the dates do not strictly increase.
    """

    symbol: str
    dates: pd.DatetimeIndex
    open: F8
    high: F8
    low: F8
    close: F8
    volume: F8
    currency: str | None = None

    def __post_init__(self) -> None:
        dates = in_nanoseconds(pd.DatetimeIndex(self.dates)).rename("date")
        if not (dates.is_monotonic_increasing and dates.is_unique) or dates.hasnans:
            raise DataError(f"{self.symbol}: the dates do not strictly increase", symbol=self.symbol, field="date")
        object.__setattr__(self, "dates", dates)
        for name in FIELDS:
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if array.shape != (len(dates),):
                wrong = f"{self.symbol}: {name} has shape {array.shape}, but there are {len(dates)} dates"
                raise DataError(wrong, symbol=self.symbol, field=name)
            if array.flags.writeable:
                array = array.copy()
                array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.close)  # an index of pandas takes thirty times as long to say so

    @property
    def local_dates(self) -> npt.NDArray[np.datetime64]:
        """The dates as the exchange's clock shows them, datetime64 (T,), without a zone."""
        return np.asarray(self.dates.tz_localize(None).to_numpy())

    @cached_property
    def clock(self) -> BarClock:
        """What the dates say about time: length of a bar, bars of a session, sessions and bars of a year."""
        return BarClock.of(self.dates)

    @cached_property
    def place(self) -> bytes:
        """Where open, high, low and close lie in memory, and how many bars there are, five int64: for kernels that are given many symbols at once.

        To hand over their arrays takes microseconds each, and to make an array of numbers half as long.
        """
        arrays = self.open, self.high, self.low, self.close
        return np.array([*(array.ctypes.data for array in arrays), len(self)], dtype=np.int64).tobytes()

    def __getstate__(self) -> dict[str, object]:
        """Leave out where the arrays lie: a copy, or another process, has them elsewhere."""
        return {name: value for name, value in vars(self).items() if name != "place"}

    def __repr__(self) -> str:
        return f"<History: {self.symbol}, {len(self):,} bars{span([self])}>"

    def to_frame(self) -> pd.DataFrame:
        """Return the bars as a table: index ``date``, columns open, high, low, close, volume."""
        return pd.DataFrame({name: getattr(self, name) for name in FIELDS}, index=self.dates)

    def between(self, start: int, stop: int) -> History:
        """Return the bars at positions [start, stop), sharing memory."""
        part = slice(start, stop)
        arrays: dict[str, F8] = {name: getattr(self, name)[part] for name in FIELDS}
        return History(symbol=self.symbol, dates=self.dates[part], currency=self.currency, **arrays)


def span(histories: list[History]) -> str:
    """Return the first and the last day, as ", first to last"; nothing where there are no bars."""
    ends = [end for history in histories if len(history) for end in (history.dates[0], history.dates[-1])]
    days = sorted(str(end.date()) for end in ends)
    return f", {days[0]} to {days[-1]}" if days else ""


def shared_dates(histories: Sequence[History]) -> list[pd.DatetimeIndex]:
    """Give the dates of each symbol so that they can be compared: as they are if all have one zone, else without zones."""
    zones = {str(history.dates.tz) for history in histories}
    return [history.dates if len(zones) == 1 else history.dates.tz_localize(None) for history in histories]


def days_of(histories: Sequence[History]) -> pd.DatetimeIndex:
    """Give the days of some symbols: the union of their dates."""
    first, *others = shared_dates(histories)
    for more in others:
        first = first.union(more)
    return first.rename("date")
