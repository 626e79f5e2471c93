"""A sweep into a folder of parts in a process of its own, so that it can be killed. Arguments: folder, milliseconds that each tile takes longer, bytes that a file may have."""

import resource
import signal
import sys
import time
from unittest import mock

import engine
from engine.sweeping import folder, tiles
from engine.sweeping.tiles import compute_tile

GRID = {"fast": range(2, 40, 3), "slow": range(5, 200, 9), "stop": (None, engine.TrailingStop(2.0))}
KEPT = {"keep": 7, "metric": "calmar"}


def prices(seed=3):
    return engine.simulate(5, 400, seed=seed)


def small_tiles():
    """Cut so finely that there are some 20 tiles, of parts of symbols."""
    return mock.patch.multiple(tiles, _LEAST_WORK=60_000, _MOST_WORK=60_000)


def main(out, pause, most):
    if int(most):
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), resource.RLIM_INFINITY))

    def slowly(*arguments):
        outcome = compute_tile(*arguments)
        time.sleep(int(pause) / 1000)
        return outcome

    with small_tiles(), mock.patch.object(folder, "compute_tile", slowly):
        try:
            engine.sweep(prices(), **GRID, **KEPT, out=f"{out}/", workers=2)
        except engine.OutputError as error:
            sys.exit(f"error: {error}")
        except engine.SweepInterruptedError as interrupted:
            sys.exit(f"interrupted, finished is {interrupted.partial.finished}")


if __name__ == "__main__":
    main(*sys.argv[1:])
