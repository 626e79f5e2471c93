"""What ``goldencross sweep --plan`` prints: what the sweep will take, and whether that is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from engine.cli.options import CELL_BYTES
from engine.cli.output import EXIT_DONE, EXIT_LEFT_OUT, emit
from engine.errors import InputError
from engine.prices.history import Prices
from engine.report.plan import plan_text
from engine.settings import Settings, TrailingStop
from engine.sweeping.planning import plan_sweep

__all__ = ["print_plan"]


def print_plan(
    prices: Prices,
    windows: tuple[list[int], list[int]],
    stops: Sequence[TrailingStop | None],
    settings: Settings,
    reduced: dict[str, Any],
    out: Path | None,
    output_format: str,
    *,
    judged: bool,
) -> int:
    """Print what a sweep will take; ``reduced`` is what ``options.reduced_of`` gives for ``out``.

    Raises
    ------
    InputError
        It cannot be done here; the line says why, after the plan was printed.
    """
    keep, place = reduced.get("keep"), reduced.get("out")
    if not keep and out is not None and out.suffix.lower() == ".parquet":
        place = out
    fast, slow = windows
    plan = plan_sweep(prices, fast, slow, stops, settings, keep=keep, out=place, kept_bytes=CELL_BYTES)
    lines = plan_text(plan, judged=judged)
    if out is not None and place is None:
        lines.insert(1, f"The size of {out} is not estimated; that of Parquet files is.")
    values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(plan).items()}
    emit(output_format, lines, pd.DataFrame([values]).drop(columns="refusals"), values)
    if plan.refusals:
        raise InputError("; ".join(plan.refusals))
    return EXIT_LEFT_OUT if prices.report.left_out or plan.symbols < len(prices) else EXIT_DONE
