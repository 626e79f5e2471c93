"""Compiled code is never stale: an edit of any kernel file is seen by every kernel that uses it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba

import engine.kernels
from engine.kernels import _jit

KERNELS = Path(engine.kernels.__file__).parent

# averages() lives in indicators.py and calls divide() of prefix.py, which is what gets edited.
PROGRAM = """
import numpy as np
from engine.kernels.indicators import averages
print(averages(np.array([1.0, 2.0, 3.0]), np.array([2]))[0, 2], sum(averages.called.stats.cache_hits.values()))
"""


def run(folder: Path, cache: Path) -> list[str]:
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(cache),
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_an_edit_of_another_file_is_seen(tmp_path):
    shutil.copytree(KERNELS.parent, tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    cache = tmp_path / "cache"
    assert run(tmp_path, cache) == ["2.5", "0"]
    assert run(tmp_path, cache) == ["2.5", "1"]  # the cache does work
    prefix = tmp_path / "engine" / "kernels" / "prefix.py"
    text = prefix.read_text()
    changed = text.replace("quotient: float = fused(remainder, reciprocal, near)", "quotient: float = 1000.0 + near")
    assert changed != text
    prefix.write_text(changed)
    assert run(tmp_path, cache) == ["1002.5", "0"]
    prefix.write_text(text)
    assert run(tmp_path, cache) == ["2.5", "1"]  # back to the first folder


def test_other_users_of_numba_keep_their_cache():
    assert _jit.CACHE is None or str(_jit.CACHE) != numba.config.CACHE_DIR


def test_no_cache_folder_is_no_failure(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert run(KERNELS.parent.parent, blocked) == ["2.5", "0"]


def test_the_first_run_compiles_every_kernel_once(tmp_path):
    """In two processes that meet in the cache: what one has compiled is what the other calls, or it would be compiled again."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "engine", "sweep", "--fast", "5", "--slow", "20"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=KERNELS.parents[1])
    assert "Compiling the kernels" in done.stderr
    for name in ("lay_legs", "settle", "finish", "fill_market", "fill_runs", "add_up", "run_symbols"):
        assert len(list(tmp_path.rglob(f"*.{name}-*.nbc"))) == 1, name
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=KERNELS.parents[1])
    assert "Compiling" not in again.stderr
