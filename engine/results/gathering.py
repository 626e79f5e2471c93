"""A folder of parts, read as one sweep."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.errors import DataError
from engine.kernels.metrics import METRIC_COUNT
from engine.results.parts import read_done, read_manifest
from engine.results.storage import load_rows, table_of
from engine.results.sweep import SweepTable

__all__ = ["load_folder"]


def load_folder(folder: Path) -> SweepTable:
    """Read all parts that are done; cells of the others are nan.

    Raises
    ------
    DataError
        It is not the folder of a sweep, or a part is not as it was written.
    """
    about = read_manifest(folder)
    values = np.full((about["edges"][-1], METRIC_COUNT), np.nan)
    done = {one.first: one for one in read_done(folder)}
    for one in done.values():
        if not one.is_intact(folder):
            raise DataError(
                f"{folder / one.tile.name} is not as it was written; run the sweep into {folder} again, which mends it"
            )
        place = one.first
        for rows in load_rows(folder / one.tile.name):
            values[place : place + len(rows)] = rows
            place += len(rows)
    finished = sum(one.stop - one.first for one in done.values()) == len(values)
    return table_of({**about, "finished": finished}, values)
