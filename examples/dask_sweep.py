"""A sweep on a Dask cluster, a task a symbol: the same numbers, on as many machines as there are.

It needs ``pip install distributed``. Give the address of a scheduler whose workers have goldencross installed, or nothing for threads of this process::

    python examples/dask_sweep.py tcp://scheduler:8786
"""

import sys

import pandas as pd
from dask.distributed import Client

import engine


def main(address: str | None) -> None:
    """Sweep every symbol by itself, and join the tables."""
    prices = engine.simulate(6, 900, seed=3)
    grid = range(5, 51, 5), range(60, 201, 20), [None, engine.TrailingStop(3.0)]
    local = {"processes": False, "n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}

    # workers=1: a task has one core. One core sweeps millions of cells a second, so a cluster is for grids and markets that are larger than this one.
    with Client(address) if address else Client(**local) as client:
        tasks = [client.submit(engine.sweep, prices.select([symbol]), *grid, workers=1) for symbol in prices]
        parts = client.gather(tasks)

    cells = pd.concat([part.to_frame() for part in parts])
    same = cells.equals(engine.sweep(prices, *grid).to_frame())
    print(f"{len(cells):,} cells of {len(parts)} symbols; {'the same as' if same else 'not those of'} one sweep here.")
    print(f"Median Sharpe ratio {cells['sharpe'].median():.3f}, the best {cells['sharpe'].max():.3f}.")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
