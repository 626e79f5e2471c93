"""Validation of anything that holds prices, for its report only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.prices.history import Prices
from engine.prices.reading import scan
from engine.validation.gate import admit

if TYPE_CHECKING:
    from collections.abc import Collection
    from os import PathLike

    import pandas as pd

    from engine.validation.findings import Report

__all__ = ["validate"]


def validate(
    source: str | PathLike[str] | Mapping[str, pd.DataFrame] | Prices, *, repair: Collection[str] = ()
) -> Report:
    """Judge prices without loading them.

    Parameters
    ----------
    source : path, Mapping of str to pandas.DataFrame, or Prices
        A file or folder as for ``load``, or frames as for ``Prices.from_frames``.
    repair : collection of str
        The report is about what these repairs would leave.

    Returns
    -------
    Report
        Also when no symbol is usable.

    Raises
    ------
    DataError
        If the path does not exist or holds no price file.
    InputError
        For an unknown repair.
    """
    if isinstance(source, Prices):
        return admit(source.to_frames(), repair)[1]
    if isinstance(source, Mapping):
        return admit(source, repair)[1]
    found = scan(source)
    return admit(found.frames, repair, found.failures)[1]
