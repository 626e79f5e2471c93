"""Validation of anything that holds prices, for its report only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.prices.actions import actions_of
from engine.prices.history import Prices
from engine.prices.reading import scan
from engine.validation.gate import admit

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

    Returns
    -------
    Report
        Also when no symbol is usable.

    Raises
    ------
    DataError
        If the path does not exist or holds no price file, or the table of actions cannot be read.
    InputError
        For an unknown repair, or an action that is there twice.
    """
    wanted = actions_of(actions)
    if isinstance(source, Prices):
        return admit(source.to_frames(), repair, actions=wanted)[1]
    if isinstance(source, Mapping):
        return admit(source, repair, actions=wanted)[1]
    found = scan(source)
    return admit(found.frames, repair, found.failures, wanted)[1]
