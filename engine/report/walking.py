"""The report of a walk forward: what the choices earned on days that they were not made on.

It takes the result of ``engine.selection.walkforward`` by what it has, not by its class.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd

from engine.prices.history import Prices
from engine.report.curves import Curve
from engine.report.model import Column, Report, Section, Table
from engine.report.parts.background import data_section, settings_section
from engine.report.parts.equity import equity_sections, monthly_section
from engine.report.spoken import count, money, say_stop
from engine.settings import TrailingStop

__all__ = ["Walked", "walk_forward_report"]


class Walked(Protocol):
    """What a walk forward has to have."""

    @property
    def equity(self) -> pd.Series[float]:
        """Currency after each out-of-sample day."""

    @property
    def seams(self) -> Sequence[Any]:
        """Changes of settings, with ``costs`` and ``kept_costs``."""

    @property
    def trials(self) -> Any:
        """With ``pool``, ``grid``, ``settings`` and ``bars_per_year``."""

    @property
    def stitched(self) -> Any:
        """With ``capital`` and ``days``."""

    def to_frame(self) -> pd.DataFrame:
        """Give a row a fold."""


def walk_forward_report(result: Walked, prices: Prices, lines: Sequence[str], more: Sequence[Section] = ()) -> Report:
    """Report a walk forward.

    Parameters
    ----------
    result : WalkForward
    prices : Prices
    lines : sequence of str
        Its text, the verdict first; up to the first empty line it is the verdict of the report.
    more : sequence of Section
        Put before the prices.
    """
    trials, stitched = result.trials, result.stitched
    held = stitched.capital * np.cumprod(1.0 + trials.pool.held()[stitched.days.start : stitched.days.stop])
    curve = Curve(
        "the account out of sample", float(stitched.capital), result.equity, held, float(trials.bars_per_year)
    )
    sections = [
        Section("Verdict", tuple(_first_part(lines))),
        *equity_sections(curve),
        _folds(result),
        _seams(result),
        monthly_section(curve),
        *more,
        data_section(prices, prices.digest, trials.pool.left_out, {}),
        settings_section(
            trials.settings,
            prices.digest,
            {"kind": "walk forward", "pairs": f"{len(trials.grid.pairs):,}"},
            stops=trials.grid.stops,
            prices=prices,
        ),
    ]
    return Report(f"Walk forward, {count(len(result.to_frame()), 'fold')}", tuple(sections))


def _first_part(lines: Sequence[str]) -> list[str]:
    """Take the lines up to the first empty one."""
    return list(lines[: list(lines).index("")]) if "" in lines else list(lines)


def _folds(result: Walked) -> Section:
    """List the folds with what was chosen in each."""
    frame = result.to_frame()
    columns = (
        Column("fold", "number", 0),
        *(Column(name, "date") for name in ("trained from", "trained to", "tested from", "tested to")),
        Column("fast", "number", 0),
        Column("slow", "number", 0),
        Column("stop"),
        Column("Sharpe ratio in sample", "number", 3),
        Column("Sharpe ratio out of sample", "number", 3),
        Column("rank out of sample", "number", 0),
        Column("return out of sample, percent", "number", 2, 100.0),
    )
    rows = tuple(
        (
            number,
            *(row[name] for name in ("train_first", "train_last", "test_first", "test_last")),
            float(row["fast"]),
            float(row["slow"]),
            _stop(result, row),
            *(float(row[name]) for name in ("in_sharpe", "out_sharpe", "out_rank", "out_return")),
        )
        for number, (_, row) in enumerate(frame.iterrows(), start=1)
    )
    gained = int((frame["out_return"] > 0).sum())
    chosen = count(len(frame[["fast", "slow", "atr_window", "multiple"]].drop_duplicates()), "different setting")
    return Section(
        "Folds",
        (f"{gained:,} of {count(len(frame), 'fold')} gained out of sample; {chosen} were chosen.",),
        (),
        (Table("Folds and their choices", columns, rows),),
    )


def _stop(result: Walked, row: Any) -> str:
    """Say the stop of a fold."""
    if not row["multiple"]:
        return say_stop(None)
    stops = (
        one
        for one in result.trials.grid.stops
        if one and (one.atr_window, one.multiple) == (row["atr_window"], row["multiple"])
    )
    return say_stop(next(stops, TrailingStop(float(row["multiple"]), int(row["atr_window"]))))


def _seams(result: Walked) -> Section:
    """Say what changing the settings cost."""
    paid, kept = sum(seam.costs for seam in result.seams), sum(seam.kept_costs for seam in result.seams)
    lines = [
        f"{count(len(result.seams), 'change')} of settings cost {money(paid)}, the first purchases included; {money(kept)} of it where both settings held the symbol."
    ]
    return Section("Costs of changing settings", tuple(lines))
