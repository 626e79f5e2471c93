"""On what it was measured."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["about"]

PACKAGES = (
    "goldencross",
    "numpy",
    "numba",
    "llvmlite",
    "pandas",
    "vectorbt",
    "vectorbt-rust",
    "raptorbt",
    "backtesting",
)


def processor() -> str:
    """Name the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        fields = dict(part.split(":", 1) for part in lines if ":" in part)
        found = {name.strip(): text.strip() for name, text in fields.items()}
        return f"{found['model name']} (family {found['cpu family']}, model {found['model']})"
    except (OSError, KeyError, ValueError):
        return platform.processor() or platform.machine()


def installed(package: str) -> str:
    """Give its version, or say that it is missing."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def commit() -> str:
    """Name the commit that the engine is of, and say if it was edited since."""
    import engine

    command = ["git", "-C", str(Path(engine.__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def about(command: str) -> dict[str, Any]:
    """Say when, on what and with what."""
    return {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "command": command,
        "commit": commit(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {package: installed(package) for package in PACKAGES},
    }
