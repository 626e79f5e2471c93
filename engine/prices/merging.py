"""New bars and old bars of one symbol: what is added, and what was revised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.errors import DataError
from engine.validation.columns import PRICES
from engine.validation.dates import day, zone_name

__all__ = ["Merged", "OnRevision", "Revisions", "merge"]

OnRevision = Literal["refuse", "keep", "replace"]
"""What is done if old bars are not as they were: nothing at all, new bars are added, or all bars of that time are replaced."""
_SAME = 1e-6  # relative; below it lies the noise of single precision, in which some sources send prices


@dataclass(frozen=True)
class Revisions:
    """How a source contradicts what it said before.

    Parameters
    ----------
    prices, volumes : int
        Old bars with another price, or with the same prices and another volume.
    gone, late : int
        Old bars that the source no longer has, and bars that it now has between old ones.
    first : str
        The first bar that is meant.
    factor : float or None
        New prices over old ones, if it is the same for all bars that differ: a split, or another adjustment.
    """

    prices: int
    volumes: int
    gone: int
    late: int
    first: str
    factor: float | None

    def __str__(self) -> str:
        parts = [
            (self.prices, "with other prices" + (f", all {self.factor:.6g} times the old ones" if self.factor else "")),
            (self.volumes, "with another volume"),
            (self.gone, "no longer there"),
            (self.late, "there now and not before"),
        ]
        said = ", ".join(f"{number:,} {what}" for number, what in parts if number)
        total = self.prices + self.volumes + self.gone + self.late
        return f"{total:,} old bar{'s were' if total != 1 else ' was'} revised, the first on {self.first}: {said}"


@dataclass(frozen=True, eq=False)
class Merged:
    """The outcome of a merge.

    Parameters
    ----------
    frame : pandas.DataFrame
        All bars, index ``date``.
    before, after : int
        Bars added before the first and after the last old one.
    revisions : Revisions or None
        None where old bars are as they were.
    older : int
        Old bars before all new ones, of which the source said nothing.
    """

    frame: pd.DataFrame
    before: int
    after: int
    revisions: Revisions | None
    older: int = 0


def merge(symbol: str, old: pd.DataFrame, new: pd.DataFrame, on_revision: OnRevision) -> Merged:
    """Put new bars to old ones.

    Parameters
    ----------
    symbol : str
        For messages.
    old, new : pandas.DataFrame
        Index ``date``, strictly increasing; columns open, high, low, close, volume. ``new`` is not empty.
    on_revision : {"refuse", "keep", "replace"}
        With "refuse", nothing is added where anything was revised.

    Returns
    -------
    Merged

    Raises
    ------
    DataError
        One has dates with a zone and the other has not, or another one.
    """
    zones = [zone_name(pd.DatetimeIndex(frame.index).tz) or "none" for frame in (old, new)]
    if len(set(zones)) > 1:
        wrong = f"{symbol}: the time zones of the old and the new bars differ: {' and '.join(zones)}"
        raise DataError(wrong, symbol=symbol)
    found = _revisions(old, new)
    if found is not None and on_revision == "refuse":
        return Merged(old, 0, 0, found)
    before, after = new[new.index < old.index[0]], new[new.index > old.index[-1]]
    middle = old
    if found is not None and on_revision == "replace":
        inside = (old.index >= new.index[0]) & (old.index <= new.index[-1])
        known = new[(new.index >= old.index[0]) & (new.index <= old.index[-1])]
        middle = pd.concat([old[~inside], known]).sort_index()
    older = int((old.index < new.index[0]).sum())
    return Merged(pd.concat([before, middle, after]), len(before), len(after), found, older)


def _revisions(old: pd.DataFrame, new: pd.DataFrame) -> Revisions | None:
    """Compare the time that both have."""
    then = old[(old.index >= new.index[0]) & (old.index <= new.index[-1])]
    now = new[(new.index >= old.index[0]) & (new.index <= old.index[-1])]
    both = then.index.intersection(now.index)
    ratio = now.loc[both, list(PRICES)].to_numpy() / then.loc[both, list(PRICES)].to_numpy()
    other = (np.abs(ratio - 1) > _SAME).any(axis=1)
    volumes = now.loc[both, "volume"].to_numpy(), then.loc[both, "volume"].to_numpy()
    volume = ~other & (volumes[0] != volumes[1]) & ~(np.isnan(volumes[0]) & np.isnan(volumes[1]))
    gone, late = then.index.difference(both), now.index.difference(both)
    dates = both[other | volume].union(gone).union(late)
    if not len(dates):
        return None
    counts = (int(other.sum()), int(volume.sum()), len(gone), len(late))
    return Revisions(*counts, day(dates[0]), _factor(ratio[other]))


def _factor(ratio: npt.NDArray[np.float64]) -> float | None:
    """Give the factor between new and old prices, if there is one for all of several bars."""
    if len(ratio) < 2:
        return None
    middle = float(np.median(ratio))
    return middle if (np.abs(ratio / middle - 1) < 0.002).all() else None
