"""vectorbt's bare kernels, tiled by hand: 64 columns at a time, C order, nothing but what the shared metrics need. The fastest way through vectorbt that is known.

``vectorbt.*.dispatch`` calls the same kernels for both engines. Callbacks, and so a stop with a fixed distance, exist for numba only.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

import engine
from bench.jobs import Job
from bench.peers.given import crossings, distances, shifted
from bench.peers.peer import Cells, Run, quiet
from bench.peers.vectorbt_api import fixed_distance

__all__ = ["numba_kernels", "rust_kernels"]

COLUMNS = 64
"""Of a tile: 16 to 499 were tried at 1,250 bars, 64 was the fastest."""
LONG_ONLY, FILL_PRICE, CLOSED = 0, 2, 1
"""Codes of ``vectorbt.portfolio.enums``: Direction.LongOnly, StopEntryPrice.FillPrice, TradeStatus.Closed."""


class Tile(NamedTuple):
    """Signals of some columns, and their prices spread over them, all (T, P) in C order."""

    entries: np.ndarray
    exits: np.ndarray
    close: np.ndarray


def tiles_of(history: engine.History, job: Job) -> list[Tile]:
    """Cut the pairs of a symbol into tiles."""
    signals = crossings(history, job.pairs)
    if job.fill == "next_open":
        signals = shifted(signals)
    tiles = []
    for start in range(0, len(job.pairs), COLUMNS):
        part = np.ascontiguousarray(signals[:, start : start + COLUMNS])
        close = np.ascontiguousarray(np.broadcast_to(history.close[:, None], part.shape))
        tiles.append(Tile(part == 1, part == -1, close))
    return tiles


def arguments_of(history: engine.History, job: Job, multiple: float | None, engine_name: str) -> dict[str, Any]:
    """Give the arguments of a simulation that do not depend on the tile."""
    bars = {name: getattr(history, name)[:, None] for name in ("open", "high", "low", "close")}
    price = bars["open"] if job.fill == "next_open" else bars["close"]
    common = {"fees": np.asarray(job.fee), "price": price, "close": bars["close"], "flex_2d": True}
    if multiple is None:
        return {**common, "use_stops": False}
    distance = distances(history, job, multiple)
    if job.fill == "next_open":
        distance = np.r_[np.nan, distance[:-1]]
    stopped = {"sl_trail": np.asarray(True), "stop_entry_price": np.asarray(FILL_PRICE), "use_stops": True}
    if engine_name == "rust":
        return {**common, **bars, **stopped, "sl_stop": np.nan_to_num(distance[:, None] / price)}
    callback = {"adjust_sl_func_nb": fixed_distance, "adjust_sl_args": (distance,), "sl_stop": np.asarray(0.5)}
    return {**common, **bars, **stopped, **callback}


def simulate(tile: Tile, job: Job, arguments: dict[str, Any], engine_name: str) -> np.ndarray:
    """Give the order records of a tile."""
    from vectorbt.portfolio import dispatch, nb

    count = tile.entries.shape[1]
    whole = (tile.entries.shape, np.ones(count, np.int64), np.full(count, job.capital))
    order = np.zeros(tile.entries.shape, np.int64)
    if "adjust_sl_func_nb" in arguments:
        signals = (tile.entries, tile.exits, np.asarray(LONG_ONLY))
        call = {"signal_func_nb": nb.dir_enex_signal_func_nb, "signal_args": signals, **arguments}
        return nb.simulate_from_signal_func_nb(*whole, order, **call)[0]
    call = {"entries": tile.entries, "exits": tile.exits, **arguments}
    return dispatch.simulate_from_signals(*whole, order, **call, engine=engine_name)[0]


def measure(tile: Tile, job: Job, orders: np.ndarray, engine_name: str, out: np.ndarray) -> None:
    """Write the shared metrics of a tile, (P, METRICS)."""
    from vectorbt.portfolio import dispatch
    from vectorbt.records import dispatch as records
    from vectorbt.returns import dispatch as returns_of

    shape, count = tile.close.shape, tile.close.shape[1]
    capital = np.full(count, job.capital)
    columns = records.col_map(np.ascontiguousarray(orders["col"]), count, engine=engine_name)
    flow = dispatch.asset_flow(shape, orders, columns, LONG_ONLY, engine=engine_name)
    cash_flow = dispatch.cash_flow(shape, orders, columns, False, engine=engine_name)
    held = dispatch.asset_value(tile.close, dispatch.assets(flow, engine=engine_name), engine=engine_name)
    value = dispatch.value(dispatch.cash(cash_flow, capital, engine=engine_name), held, engine=engine_name)
    returns = returns_of.returns(value, capital, engine=engine_name)
    trades = dispatch.get_exit_trades(orders, tile.close, columns, engine=engine_name)
    closed = trades[trades["status"] == CLOSED]
    count_closed = np.bincount(closed["col"], minlength=count)
    out[:, 0] = value[-1] / capital - 1.0
    out[:, 1] = returns_of.sharpe_ratio(returns, float(job.bars_per_year), engine=engine_name)
    out[:, 2] = returns_of.sortino_ratio(returns, float(job.bars_per_year), engine=engine_name)
    out[:, 3] = returns_of.max_drawdown(returns, engine=engine_name)
    out[:, 4] = count_closed
    out[:, 5] = np.bincount(closed["col"], closed["pnl"], minlength=count) / count_closed
    out[np.isinf(out)] = np.nan


def prepare(job: Job, engine_name: str) -> Run:
    """Make tiles and arguments before the clock starts."""
    with quiet():
        import vectorbt  # noqa: F401  warns when it is imported
    work = [
        (tiles_of(history, job), [arguments_of(history, job, multiple, engine_name) for multiple in job.multiples])
        for history in job.histories
    ]

    def run() -> Cells:
        out = np.empty(job.shape)
        with quiet(), np.errstate(invalid="ignore"):
            for symbol, (tiles, stops) in enumerate(work):
                for k, arguments in enumerate(stops):
                    for i, tile in enumerate(tiles):
                        part = out[symbol, i * COLUMNS : (i + 1) * COLUMNS, k]
                        measure(tile, job, simulate(tile, job, arguments, engine_name), engine_name, part)
        return out

    return run


numba_kernels = partial(prepare, engine_name="numba")
rust_kernels = partial(prepare, engine_name="rust")
