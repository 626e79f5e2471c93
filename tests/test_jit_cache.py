"""Compiled code is never stale: an edit of any kernel file is seen by every kernel that uses it."""

import gc
import os
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numba
import numpy as np
import pandas as pd
import pytest
from numba.core.types.functions import BaseFunction

import engine.kernels
from engine.kernels import _jit
from engine.kernels._before import before_kernels
from engine.kernels._jit import kernel
from engine.kernels.metrics import METRICS

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


SLOWLY = """
import sys
from engine.kernels import _quick
_quick.quickened = lambda dispatcher: dispatcher
import engine
frame = engine.sweep(engine.sample(), [5, 10], 20, engine.TrailingStop(3.0)).to_frame()
frame.reset_index(drop=True).to_parquet(sys.argv[1])
"""


def test_the_first_run_compiles_every_kernel_once(tmp_path):
    """In two processes that meet in the cache: what one has compiled is what the other calls, for the same types and in the same form, or it would be compiled again."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    out = tmp_path / "cells.parquet"
    command = [sys.executable, "-m", "engine", "sweep", "--fast=5,10", "--slow=20", "--stop=3", f"--out={out}"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=KERNELS.parents[1])
    assert "Compiling the kernels" in done.stderr
    kept = Counter(path.name.split("-")[0] for path in tmp_path.rglob("*.nbc"))
    assert {name: times for name, times in kept.items() if times > 1} == {}
    assert kept.keys() >= {
        "legs.lay_legs",
        "accounts.settle",
        "finish.finish",
        "symbols.run_symbols",
        "stops.find_exits",
    }
    again = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, cwd=KERNELS.parents[1])
    assert "Compiling" not in again.stderr
    assert Counter(path.name.split("-")[0] for path in tmp_path.rglob("*.nbc")) == kept
    # What numba compiles when it infers every type anew gives the same to the last bit.
    environment["NUMBA_CACHE_DIR"] = str(tmp_path / "slowly")
    slowly = tmp_path / "slowly.parquet"
    subprocess.run([sys.executable, "-c", SLOWLY, slowly], env=environment, check=True, cwd=KERNELS.parents[1])
    pd.testing.assert_frame_equal(
        pd.read_parquet(out)[list(METRICS)], pd.read_parquet(slowly)[list(METRICS)], check_exact=True
    )


def test_types_are_remembered_while_a_kernel_is_compiled(monkeypatch):
    """A sum of three is two calls of one function with the same types; what is asked for once is not inferred again, and only for a kernel."""
    asked, before, thresholds = [], BaseFunction.get_call_type, gc.get_threshold()

    def counted(function, context, types, named):
        asked.append((function, types, gc.get_threshold()))
        return before(function, context, types, named)

    monkeypatch.setattr(BaseFunction, "get_call_type", counted)
    assert numba.njit(lambda a, b, c: a + b + c)(np.float32(1), np.float32(2), np.float32(4)) == 7.0
    others = asked.copy()
    assert len(others) > len(set(others))
    asked.clear()
    assert kernel(lambda a, b, c: a + b + c)(np.float32(1), np.float32(2), np.float32(4)) == 7.0
    assert len(asked) == len(set(asked)) > 0
    assert {threshold for *_, threshold in others} == {thresholds}
    assert {threshold[0] for *_, threshold in asked} == {200_000}
    for _ in range(2):  # a failure is not remembered as a success
        with pytest.raises(numba.TypingError):
            kernel(lambda a: a + None)(1.0)
    assert (BaseFunction.get_call_type, gc.get_threshold()) == (counted, thresholds)


def test_threads_that_compile_at_once_leave_numba_as_it_was():
    before, thresholds = BaseFunction.get_call_type, gc.get_threshold()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: kernel(lambda a: a * a + n)(2.0), range(8)))
    assert found == [4.0 + n for n in range(8)]
    assert (BaseFunction.get_call_type, gc.get_threshold()) == (before, thresholds)


@kernel
def add(a, b):
    return a + b


@kernel
def add_thrice(a):
    return add(a, 1) + add(a, 2) + add(a, a)


def test_kernels_call_one_form_and_python_another():
    assert add_thrice(5) == 6 + 7 + 10
    assert "called" not in vars(add)
    assert len(add.inner.signatures) == 1  # a constant is of the type of a variable
    assert add(5, 7) == 12
    assert add.signatures == add.inner.signatures == add.called.signatures
    assert add.called is not add.inner


def test_a_form_is_made_once_by_many_threads():
    one = kernel(lambda a: a)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: one.called, range(64)))
    assert len(set(map(id, found))) == 1
    with pytest.raises(AttributeError, match="no 'nothing'"):
        one.nothing  # noqa: B018


def test_an_inner_form_is_for_kernels_only():
    """Nothing of ours calls it from Python: it has no code for that."""
    assert add.inner.targetoptions["no_cpython_wrapper"]
    assert "no_cpython_wrapper" not in add.called.targetoptions


def test_what_waits_is_done_before_the_first_kernel():
    done = []
    before_kernels(lambda: done.append(1))
    assert done == []
    one, two = kernel(lambda a: a), kernel(lambda a: a)
    assert (one.called, two.called) != (None, None)
    assert done == [1]
