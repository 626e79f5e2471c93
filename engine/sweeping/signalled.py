"""The fast way for signals other than the golden cross: one symbol after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.backtesting import kernel_bars
from engine.crossing import averages_of, filter_of
from engine.flattening import sessions_of
from engine.kernels.plan import SPAN, Plan
from engine.kernels.position import Rules
from engine.kernels.spells import Lines, run_lines
from engine.kernels.symbols import Trails
from engine.prices.history import History
from engine.settings import Settings
from engine.sweeping.spans import asked_of
from engine.sweeping.workspace import workspace

__all__ = ["run_signalled"]


def run_signalled(
    histories: Sequence[History],
    plan: Plan,
    trails: Trails,
    settings: Settings,
    rules: Rules,
    out: NDArray[np.float64],
    *,
    most: int = SPAN,
) -> NDArray[np.bool_]:
    """Backtest every pair of a plan with every stop; as ``spans.run_spans``, with the signal of the settings."""
    sure, asked = np.ones(out.shape[:3], np.bool_), asked_of(trails, rules)
    windows = np.unique(plan.windows)
    row, stops = np.searchsorted(windows, plan.windows), 0 if asked is None else len(asked.multiple)
    for s, history in enumerate(histories):
        lines = Lines(averages_of(history, windows, settings.signal), row, filter_of(history, settings.signal))
        year, flat = settings.bars_per_year, out[s].reshape(-1)
        one, own = sure[s].reshape(-1), rules._replace(sessions=sessions_of([history], settings.flatten))
        with workspace() as space:
            memory = space.memory(plan, stops, len(history), most)
            run_lines(kernel_bars(history), lines, plan, asked, settings.capital, own, year, most, memory, flat, one)
    return sure
