"""What fits, asked before the work begins; ``docs/limits.md`` lists every limit with its reason."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from engine.errors import InputError

__all__ = [
    "LEAST_LOT",
    "MOST_PAIRS",
    "MOST_RESAMPLES",
    "MOST_SENT_BACK",
    "MOST_WINDOW",
    "free_memory",
    "peak_memory",
    "require_memory",
    "require_sendable",
    "say_bytes",
    "used_memory",
]

MOST_WINDOW = 90_000
"""Bars of an average: the sum of so many prices of 1e9, in hundred-thousandths, and of the 1,024 bars that are summed up with them, stays below 2^63."""
MOST_PAIRS = 4_000_000
"""Of a grid: the pairs stand in the metadata of its file, 13 bytes each, and Parquet readers refuse more than 100 MB of that."""
LEAST_LOT = 1e-9
"""Shares: with 1e-300 the number of lots is infinite."""
MOST_RESAMPLES = 1_000_000
"""A p-value is then known to 0.0005."""
MOST_SENT_BACK = 10_000_000
"""Cells that a cluster sends back: 1 GB through one connection, 10 seconds at 100 MB a second, where computing them takes seconds of one core."""

NOT_ASKED = 1 << 24
"""Bytes that are taken without asking whether they are there: to ask is to read two files, 0.2 ms, which is a fortieth of a sweep of 33 symbols, and two thirds of one of a single pair."""

_CGROUP = Path("/sys/fs/cgroup")


def free_memory() -> int | None:
    """Tell how many bytes can be had: what the system calls available, or less if a control group allows less; None where nothing says it."""
    known = [amount for amount in (_available(), _group_left()) if amount is not None]
    return min(known) if known else None


def require_memory(need: int, what: str, advice: str) -> None:
    """Refuse, before it begins, what cannot fit in memory; where nothing says how much there is, and up to 16 MiB, nothing is refused.

    Parameters
    ----------
    need : int
        Bytes.
    what, advice : str
        What needs them, and what to do instead.

    Raises
    ------
    InputError
    """
    if need <= NOT_ASKED:
        return
    free = free_memory()
    if free is not None and need > free:
        raise InputError(f"{what} needs {_gigabytes(need)} of memory, and {_gigabytes(free)} is free; {advice}")


def used_memory() -> int | None:
    """Tell how many bytes this process has; None where nothing says it."""
    return _told("/proc/self/status", "VmRSS:")


def peak_memory() -> int | None:
    """Tell how many bytes this process has had at its peak; None where nothing says it."""
    return _told("/proc/self/status", "VmHWM:")


def say_bytes(amount: float) -> str:
    """Write an amount as megabytes, or from a gigabyte on as gigabytes."""
    return f"{amount / 1e9:,.1f} GB" if amount >= 1e9 else f"{amount / 1e6:,.1f} MB"


def require_sendable(cells: int) -> None:
    """Refuse what is too much to be sent back by a cluster.

    Raises
    ------
    InputError
    """
    if cells > MOST_SENT_BACK:
        raise InputError(
            f"a cluster sends back up to {MOST_SENT_BACK:,} cells, and this sweep has {cells:,}; "
            "keep the best (keep=10, the command: --keep 10) and give a folder that all machines share for the others (out='results/', the command: --out results/)"
        )


def _gigabytes(amount: int) -> str:
    return f"{amount / 1e9:,.1f} GB"


def _available() -> int | None:
    """Read it from Linux; elsewhere all of the machine's memory is the nearest that Python knows."""
    told = _told("/proc/meminfo", "MemAvailable:")
    if told is not None:
        return told
    with suppress(AttributeError, OSError, ValueError):  # Windows has no sysconf
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return None


def _told(file: str, name: str) -> int | None:
    """Read an amount of memory from a table of Linux."""
    with suppress(OSError, ValueError):
        for line in Path(file).read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return None


def _group_left() -> int | None:
    """Read what a container may still take; None without a limit."""
    with suppress(OSError, ValueError):  # "max" is no number
        most = int((_CGROUP / "memory.max").read_text(encoding="ascii"))
        return max(0, most - int((_CGROUP / "memory.current").read_text(encoding="ascii")))
    return None
