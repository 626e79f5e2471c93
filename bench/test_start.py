"""What happens once: imports, the first answer with and without compiled code, memory. Every figure is of a fresh process."""

import subprocess
import sys
import time

import pytest

from bench.peers.table import OURS, named
from bench.processes import GRIDS, HOMES, IMPORTS, child, environment

pytestmark = pytest.mark.usefixtures("timed_only")


@pytest.mark.parametrize("statement", IMPORTS.values(), ids=IMPORTS)
def test_import(benchmark, statement):
    def run():
        return subprocess.run(
            [sys.executable, "-c", statement], env=environment(None), capture_output=True, check=False
        )

    if run().returncode:
        pytest.skip("not installed")
    assert benchmark.pedantic(run, rounds=5).returncode == 0


@pytest.mark.parametrize("name", HOMES)
def test_first_answer(benchmark, tmp_path, name):
    if named(name).missing:
        pytest.skip(named(name).missing)
    wanted = {"home": HOMES[name], "given": name.startswith(("vectorbt", "raptor")), "stopped": "pandas" not in name}
    cold = child("first", tmp_path, **wanted, began=time.time())["seconds"]
    warm = benchmark.pedantic(lambda: child("first", tmp_path, **wanted, began=time.time()), rounds=3)["seconds"]
    benchmark.extra_info["with an empty cache"] = cold
    assert 0 < warm < cold * 2


@pytest.mark.parametrize("steps", GRIDS)
def test_peak_memory(benchmark, steps):
    found = benchmark.pedantic(
        lambda: child("memory", home=HOMES[OURS.name], fast_step=steps[0], slow_step=steps[1]), rounds=1
    )
    benchmark.extra_info.update(found)
    assert found["mebibytes"] < 1024
