"""Tiles as tasks of a Dask cluster. This is the only module that knows dask.

Prices go to the cluster once for each symbol, when its first tile is handed out, and are dropped there after its last one. Workers write the parts and give
back a few numbers. A tile whose worker was lost is handed out again, with the prices if they were lost too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from engine.errors import GoldencrossError, InputError, OutputError
from engine.prices.history import History
from engine.results.parts import Done, Tile
from engine.sweeping.tiles import Outcome, Work, compute_tile, read_tile

__all__ = ["SHARE", "ClusterRun", "connect", "run_on_cluster", "worker_memory"]

_AHEAD = 3
"""Tiles for each thread of the cluster that are handed out at a time: enough that none waits for this process."""
_TRIES = 4
"""How often a tile is handed out before it is said that it cannot be done."""
_CONNECT = 10.0
_LOOK = 5.0
"""Seconds between two looks at how many workers there are."""
_PAUSE = 0.2
"""Seconds before something is sent once more."""
_PATIENCE = 20.0
"""Seconds without any worker, or without a scheduler, after which the sweep ends."""
_BASE, _TILE, _SENT, _PAIR = 300 << 20, 100 << 20, 120 << 20, 220
"""Bytes of a worker: Python with numba and pyarrow; for each tile at a time; for each more if all cells are sent back; for each pair of the grid.
Measured: 290 MB with 10,000 pairs, 445 MB with 603,000, 1,078 MB with 3.9 million; 558 MB with 603,000 that were sent back."""
SHARE = 0.7
"""Of its limit a worker of Dask can use before it moves prices and the grid to its disk, from where each tile then reads them again."""


def worker_memory(work: Work, threads: int) -> int:
    """Give the limit, in bytes, that a worker with so many threads needs."""
    tile = _TILE if work.keep else _TILE + _SENT
    return int((_BASE + tile * threads + _PAIR * len(work.grid.pairs)) / SHARE)


def connect(address: str) -> Any:
    """Connect to the scheduler at an address.

    Raises
    ------
    InputError
        The extra ``cluster`` is not installed, or nothing answers there.
    """
    try:
        from distributed import Client  # noqa: PLC0415  an extra
    except ImportError:
        raise InputError("a cluster needs dask: pip install 'goldencross[cluster]'") from None
    try:
        return Client(address, timeout=_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]  # it has no types
    except (OSError, ValueError, TypeError) as error:
        raise InputError(f"no scheduler answers at {address}: {str(error).splitlines()[0]}") from None


def run_on_cluster(
    client: Any,
    work: Work,
    tiles: Sequence[Tile],
    known: dict[int, Done],
    history: Callable[[str], History],
    take: Callable[[Outcome], None],
) -> bool:
    """Run all tiles on a cluster.

    Parameters
    ----------
    client : distributed.Client
    work : Work
    tiles : sequence of Tile
    known : dict of int to Done
        Parts that are on the disk, by their first cell; they are read by the workers.
    history : callable
        Gives the prices of a symbol.
    take : callable
        Called with every outcome as it comes, in any order.

    Returns
    -------
    bool
        False if Ctrl-C came before the end.

    Raises
    ------
    InputError
        The workers have too little memory, or another goldencross.
    OutputError
        The connection was lost, no worker is left, or a tile ended its workers again and again.
    """
    run = ClusterRun(client, work, known, history)
    try:
        run.all(tiles, take)
    except KeyboardInterrupt:
        return False
    finally:
        run.end()
    return True


class ClusterRun:
    """One sweep on a cluster: which tiles are out, which symbols are there."""

    def __init__(self, client: Any, work: Work, known: dict[int, Done], history: Callable[[str], History]) -> None:
        self._client, self._work, self._known, self._history = client, work, known, history
        self._ended: SimpleQueue[Any] = SimpleQueue()
        self._out: dict[Any, Tile] = {}
        self._prices: dict[int, Any] = {}
        self._tries: dict[int, int] = {}
        self._shared: Any = None
        self._left = self._total = 0

    def all(self, tiles: Sequence[Tile], take: Callable[[Outcome], None]) -> None:
        """Hand out all tiles, and take what comes."""
        waiting, self._left, self._total = iter(tiles), len(tiles), len(tiles)
        silent, counted, room = 0.0, -_LOOK, 0
        while self._left:
            if time.monotonic() - counted > _LOOK:
                room, counted = _AHEAD * self._threads(), time.monotonic()
            while len(self._out) < room and (tile := next(waiting, None)) is not None:
                self._give(tile)
            try:
                future = self._ended.get(timeout=1.0)
            except Empty:
                silent = silent + 1.0 if self._is_lost() else 0.0
                if silent > _PATIENCE:
                    raise OutputError(self._lost_line()) from None
                continue
            tile = self._out.pop(future, None)
            outcome = None if tile is None else self._outcome_of(future, tile)
            if tile is not None and outcome is not None:
                take(outcome)
                self._left -= 1
                self._forget(tile)

    def end(self) -> None:
        """Take back what is still out there."""
        if self._client.status == "running":
            with suppress(OSError, RuntimeError, TimeoutError):  # it may go at this very moment
                self._client.cancel([*self._out, *self._prices.values()])
        self._out.clear()
        self._prices.clear()
        self._shared = None

    def _threads(self) -> int:
        """Count the threads of the workers, and see that they have enough memory."""
        workers = self._workers()
        for name, worker in workers.items():
            limit = worker.get("memory_limit") or 0
            need = worker_memory(self._work, worker["nthreads"])
            if 0 < limit < need:
                raise InputError(
                    f"worker {name} may use {limit >> 20} MiB, and a tile of this sweep for each of its {worker['nthreads']} threads needs {need >> 20} MiB; "
                    "start it with a higher --memory-limit or fewer threads"
                )
        return sum(worker["nthreads"] for worker in workers.values()) or 1

    def _workers(self) -> dict[str, Any]:
        if self._client.status == "running":
            with suppress(OSError, RuntimeError, TimeoutError):  # it may go at this very moment
                return dict(self._client.scheduler_info(n_workers=-1).get("workers", {}))
        return {}

    def _is_lost(self) -> bool:
        return not self._workers()

    def _lost_line(self) -> str:
        what = "no worker answers" if self._client.status == "running" else "the connection to the scheduler was lost"
        return f"{what}, with {self._left:,} of {self._total:,} tiles to do; {self._kept_line()}"

    def _kept_line(self) -> str:
        if self._work.folder is None:
            return "what was done is lost: a sweep into a folder (out='results/', the command: --out results/) goes on from there"
        return f"the parts in {self._work.folder} are kept: run the same again to go on"

    def _give(self, tile: Tile) -> None:
        """Hand out a tile."""
        try:
            if self._shared is None:
                self._shared = self._scatter(self._work, broadcast=True)
            done = self._known.get(tile.first)
            if done is not None:
                future = self._client.submit(read_tile, self._shared, done, pure=False, retries=1)
            else:
                some = [self._price(i) for i in self._work.numbers(tile)]
                future = self._client.submit(compute_tile, self._shared, tile, some, pure=False)
        except (OSError, RuntimeError, TimeoutError, ValueError) as error:  # what lost connections and workers raise
            raise OutputError(self._lost_line()) from error
        self._out[future] = tile
        future.add_done_callback(self._ended.put)

    def _price(self, symbol: int) -> Any:
        """Bring the prices of a symbol to the cluster, once."""
        if symbol not in self._prices:
            history = self._history(self._work.symbols[symbol])
            self._prices[symbol] = self._scatter([history])[0]
        return self._prices[symbol]

    def _scatter(self, data: Any, **how: Any) -> Any:
        """Send data to the workers; one that has just died is still sent to, until the scheduler knows of it."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return self._client.scatter(data, hash=False, timeout=_PATIENCE, **how)
            except (OSError, RuntimeError, TimeoutError, ValueError):
                if self._client.status != "running" or time.monotonic() > until:
                    raise
                time.sleep(_PAUSE)

    def _forget(self, tile: Tile) -> None:
        """Drop the prices of symbols that all their tiles have left behind."""
        behind = min(
            (self._work.numbers(other).start for other in self._out.values()), default=self._work.numbers(tile).start
        )
        for symbol in [symbol for symbol in self._prices if symbol < behind]:
            del self._prices[symbol]

    def _outcome_of(self, future: Any, tile: Tile) -> Outcome | None:
        """Take a result; None if the tile was handed out again."""
        error: BaseException | None = None
        try:
            outcome: Outcome | None = future.result(timeout=30)
        except GoldencrossError:
            raise
        except Exception as caught:  # noqa: BLE001  workers and connections are lost in many ways, and a defect comes back each time
            error, outcome = caught, None
        if outcome is not None:
            self._require_shared(outcome)
            return outcome
        self._known.pop(tile.first, None)  # a part that is not as it was written is computed again
        self._tries[tile.first] = self._tries.get(tile.first, 0) + 1
        if self._client.status != "running":
            raise OutputError(self._lost_line()) from error
        if self._tries[tile.first] >= _TRIES:
            last = f"{type(error).__name__}: {str(error).splitlines()[0]}" if str(error) else "no reason"
            raise OutputError(
                f"the tile of cells {tile.first:,} to {tile.stop:,} was lost {_TRIES} times, the last time with {last}; {self._kept_line()}"
            ) from error
        if error is not None:
            for symbol in self._work.numbers(tile):  # they may have been lost with their worker
                self._prices.pop(symbol, None)
            self._shared = None
        self._give(tile)
        return None

    def _require_shared(self, outcome: Outcome) -> None:
        """See that a part is where this process looks for it."""
        folder, done = self._work.folder, outcome.done
        if folder is not None and done is not None and not (folder / done.tile.name).exists():
            raise OutputError(
                f"a worker wrote {done.tile.name}, and it is not in {folder}; the folder must be one that all machines share"
            )
