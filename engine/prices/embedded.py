"""Real prices that come with the installation: what the commands use when no path is given."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pandas as pd

from engine.errors import DataError
from engine.prices.files import read_file
from engine.prices.history import Prices

__all__ = ["SOURCES", "sample"]

SOURCES = {"NASDAQ": "nasdaq", "SP500": "sp500"}
"""Symbol and folder of each series in ``arch.data``: daily index prices 1999 to 2018, from Yahoo."""


def sample() -> Prices:
    """Load the S&P 500 and NASDAQ daily bars, 1999 to 2018, that the package ``arch`` ships.

    The files are read straight from the package's folder: importing ``arch`` itself would import scipy and statsmodels, about a second.

    Returns
    -------
    Prices
        Symbols NASDAQ and SP500.

    Raises
    ------
    DataError
        The package or its files are missing.
    """
    spec = find_spec("arch")
    folders = list(spec.submodule_search_locations or []) if spec else []
    if not folders:
        raise DataError("the sample prices come with the package arch, which is not installed: pip install arch")
    frames = {}
    for symbol, name in SOURCES.items():
        frame = read_file(Path(folders[0]) / "data" / name / f"{name}.csv.gz")
        frames[symbol] = frame.assign(Date=pd.to_datetime(frame["Date"], format="%m/%d/%Y"))
    return Prices.from_frames(frames, currency="USD")
