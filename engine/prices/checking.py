"""Validation of anything that holds prices, for its report only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.prices.actions import actions_of
from engine.prices.history import Prices
from engine.prices.reading import scan
from engine.validation.gate import admit
from engine.validation.zones import Zones

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from os import PathLike

    import pandas as pd

    from engine.validation.actions import Action
    from engine.validation.findings import Report

__all__ = ["validate"]


def validate(
    source: str | PathLike[str] | Mapping[str, pd.DataFrame] | Prices,
    *,
    repair: Collection[str] = (),
    actions: str | PathLike[str] | Iterable[Action] | None = None,
    timezone: str | None = None,
) -> Report:
    """Judge prices without loading them.

    Parameters
    ----------
    source : path, Mapping of str to pandas.DataFrame, or Prices
        A file or folder as for ``load``, or frames as for ``Prices.from_frames``.
    repair : collection of str
        The report is about what these repairs would leave.
    actions : path, iterable of Action, or None
        Splits and bonuses, as for ``load``; the report is about the prices after them.
    timezone : str or None
        As for ``load``.

    Returns
    -------
    Report
        Also when no symbol is usable.

    Raises
    ------
    DataError
        If the path does not exist or holds no price file, or the table of actions cannot be read.
    InputError
        For an unknown repair, a time zone that there is not, or an action that is there twice.
    """
    wanted, zones = actions_of(actions), Zones.of(timezone)
    if isinstance(source, Prices):
        return admit(source.to_frames(), repair, (), wanted, zones)[1]
    if isinstance(source, Mapping):
        return admit(source, repair, (), wanted, zones)[1]
    found = scan(source)
    return admit(found.frames, repair, found.failures, wanted, zones)[1]
