"""A sweep on a cluster of real processes: the same as in one process, whatever happens to workers, scheduler and connection."""

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import engine
from bench import overhead
from engine.cli.app import app
from engine.grid import Grid
from engine.limits import MOST_SENT_BACK
from engine.results.parts import read_done, read_manifest
from engine.sweeping import cluster
from engine.sweeping.folder import sweep_in_tiles
from tests.parts_child import GRID, KEPT, prices, small_tiles
from tests.test_parts import assert_same

pytest.importorskip("distributed")
ROOT = Path(__file__).parent.parent
# What a cluster says when its processes are ended, and sockets that were open then, are no defects of ours.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(scope="module")
def one():
    return engine.sweep(prices(), **GRID, **KEPT)


@pytest.fixture(scope="module")
def table():
    return engine.sweep(prices(), **GRID)


@pytest.fixture(autouse=True, scope="module")
def impatience():
    """Dask itself waits 30 seconds for a scheduler that does not answer."""
    import dask

    with dask.config.set({"distributed.comm.timeouts.connect": "3s"}):
        yield


class Machines:
    """A scheduler and two workers, each a process."""

    def __init__(self, memory="2GiB"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.memory, self.workers, self.scheduler = memory, [], None

    def start(self):
        port = self.address.rpartition(":")[2]
        self.scheduler = self._run("dask_scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard")
        self.workers = [self.worker() for _ in range(2)]

    def worker(self):
        options = [
            "--no-nanny",
            "--nthreads",
            "1",
            "--no-dashboard",
            "--memory-limit",
            self.memory,
            "--death-timeout",
            "30",
        ]
        return self._run("dask_worker", self.address, *options)

    def stop(self):
        for process in [*self.workers, self.scheduler]:
            process.kill()
            process.wait()

    def _run(self, name, *arguments):
        command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        return subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, **quiet)

    @contextmanager
    def client(self, workers=2):
        client = cluster.connect(self.address)
        try:
            client.wait_for_workers(workers, timeout=30)
            yield client
        finally:
            client.close(timeout=2)


@contextmanager
def machines(**options):
    made = Machines(**options)
    made.start()
    try:
        yield made
    finally:
        made.stop()


@pytest.fixture(scope="module")
def shared():
    with machines() as made:
        yield made


def swept(client, out=None, **others):
    place = {} if out is None else {"out": f"{out}/"}
    with small_tiles():
        return engine.sweep(prices(), **GRID, **{**KEPT, **place, **others}, client=client)


def once_amid(action):
    """Give a progress that acts once, when a fifth is done."""
    calls = []

    def progress(done, total):
        if done > total / 5 and not calls:
            calls.append(done)
            action()

    progress.calls = calls
    return progress


def test_a_cluster_gives_what_one_process_gives(shared, one, tmp_path):
    with shared.client() as client:
        assert_same(swept(client), one)
        found = swept(client, tmp_path / "results")
        assert_same(found, one)
        before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "results").glob("part-*")}
        again = swept(client, tmp_path / "results")  # read, not computed
        assert_same(again, one)
        assert {path.name: path.stat().st_mtime_ns for path in (tmp_path / "results").glob("part-*")} == before
        next((tmp_path / "results").glob("part-*")).unlink()
        assert_same(swept(client, tmp_path / "results"), one)
    with small_tiles():  # and on threads, from the parts of the cluster
        assert_same(engine.sweep(prices(), **GRID, **KEPT, out=tmp_path / "results"), one)


def swept_whole(client, **others):
    with small_tiles():
        return engine.sweep(prices(), **GRID, **others, client=client)


def assert_same_table(found, table):
    assert type(found) is engine.SweepResult
    np.testing.assert_array_equal(found.values.view(np.int64), table.values.view(np.int64))
    pd.testing.assert_frame_equal(found.to_frame(), table.to_frame(), check_exact=True)
    pd.testing.assert_series_equal(found.buy_and_hold, table.buy_and_hold, check_exact=True)
    for name in ("symbols", "grid", "settings", "digest", "left_out", "too_short", "finished", "looped"):
        assert getattr(found, name) == getattr(table, name), name


def test_a_cluster_sends_back_the_whole_table(shared, table):
    with shared.client() as client:
        calls = []
        assert_same_table(swept_whole(client, progress=lambda done, total: calls.append((done, total))), table)
        assert len(calls) > 15
        assert calls == sorted(calls)
        assert calls[-1] == (len(table), len(table))
        stopless, short = {"fast": (5, 9), "slow": (20, 120, 500)}, engine.simulate(3, 200)
        assert_same_table(engine.sweep(short, **stopless, client=client), engine.sweep(short, **stopless))


def test_a_worker_is_killed_while_all_cells_are_sent_back(shared, table):
    try:
        with shared.client() as client:
            progress = once_amid(lambda: shared.workers[1].send_signal(signal.SIGKILL))
            assert_same_table(swept_whole(client, progress=progress), table)
        assert progress.calls
    finally:
        shared.workers[1].wait()
        shared.workers[1] = shared.worker()


def test_ctrl_c_keeps_the_cells_that_came(shared, table):
    def interrupt():
        raise KeyboardInterrupt

    with shared.client() as client, pytest.raises(engine.SweepInterruptedError) as caught:
        swept_whole(client, progress=once_amid(interrupt))
    partial = caught.value.partial
    assert not partial.finished
    known = ~np.isnan(partial.values[..., 0])
    assert 0 < np.count_nonzero(known) < known.size
    np.testing.assert_array_equal(partial.values[known], table.values[known])


def test_prices_travel_once(shared, one):
    with shared.client() as client:
        sent, scatter = [], client.scatter

        def counted(data, **options):
            sent.extend([data] if not isinstance(data, list) else [history.symbol for history in data])
            return scatter(data, **options)

        with mock.patch.object(client, "scatter", counted):
            assert_same(swept(client), one)
    assert [name for name in sent if isinstance(name, str)] == list(one.symbols)
    assert len(sent) == len(one.symbols) + 1


def test_a_worker_is_killed_amid_the_sweep(shared, one, tmp_path):
    def kill():
        shared.workers[0].send_signal(signal.SIGKILL)

    try:
        with shared.client() as client:
            progress = once_amid(kill)
            assert_same(swept(client, tmp_path / "results", progress=progress), one)
        assert progress.calls
        assert read_manifest(tmp_path / "results")["finished"]
    finally:
        shared.workers[0].wait()
        shared.workers[0] = shared.worker()


def test_the_scheduler_is_killed_and_another_one_goes_on(one, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", 2.0)
    with machines() as made:
        with made.client() as client, pytest.raises(engine.OutputError) as caught:
            swept(
                client,
                tmp_path / "results",
                progress=once_amid(lambda: (made.scheduler.kill(), made.scheduler.wait(), time.sleep(0.5))),
            )
        assert "\n" not in str(caught.value)
        assert "to go on" in str(caught.value)
        known = list(read_done(tmp_path / "results"))
        assert 0 < len(known) < len(read_manifest(tmp_path / "results")["edges"]) - 1
        made.stop()
        made.start()
        with made.client() as client:
            assert_same(swept(client, tmp_path / "results"), one)


def test_all_workers_are_lost(one, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "_PATIENCE", 2.0)
    with (
        machines() as made,
        made.client() as client,
        pytest.raises(
            engine.OutputError, match=r"no worker answers, with \d+ of \d+ tiles to do; the parts in .* are kept"
        ),
    ):
        swept(client, tmp_path / "results", progress=once_amid(lambda: [worker.kill() for worker in made.workers]))
    with small_tiles():
        assert_same(engine.sweep(prices(), **GRID, **KEPT, out=tmp_path / "results"), one)


def test_a_worker_too_small_for_a_tile_is_refused():
    with (
        machines(memory="300MiB") as made,
        made.client() as client,
        pytest.raises(
            engine.InputError, match="may use 300 MiB, and a tile of this sweep for each of its 1 threads needs 571 MiB"
        ),
    ):
        swept(client)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak memory of a worker from /proc")
def test_a_worker_takes_the_memory_that_is_asked_for(shared):
    # A million pairs: the list of them takes more memory than a tile does.
    market, grid = engine.simulate(1, 1600), (range(1, 1001), range(2, 1501))
    pairs = len(Grid.of(*grid).pairs)
    with shared.client() as client:
        engine.sweep(market, *grid, keep=1, client=client)
        work = mock.Mock(keep=1, grid=Grid.of(*grid))
        for worker in shared.workers:
            status = Path(f"/proc/{worker.pid}/status").read_text()
            peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) << 10
            assert 0.6 < peak / (cluster.SHARE * cluster.worker_memory(work, 1)) < 1
    assert pairs > 900_000


def test_ctrl_c_keeps_what_is_done(shared, one, tmp_path):
    def interrupt():
        raise KeyboardInterrupt

    with shared.client() as client:
        with pytest.raises(engine.SweepInterruptedError) as caught:
            swept(client, tmp_path / "results", progress=once_amid(interrupt))
        assert not caught.value.partial.finished
        assert_same(swept(client, tmp_path / "results"), one)


def test_workers_with_other_kernels_are_refused(shared):
    with (
        shared.client() as client,
        mock.patch("engine.sweeping.folder.kernels_stamp", return_value="0123"),
        pytest.raises(engine.InputError, match="install the same on all"),
    ):
        swept(client)


def test_what_makes_no_sense_is_refused(shared, tmp_path, monkeypatch):
    with shared.client() as client:
        large = range(1, 2000), range(2, 2048)
        cells = 5 * Grid.of(*large).cells
        assert cells > MOST_SENT_BACK
        with pytest.raises(
            engine.InputError, match=f"sends back up to 10,000,000 cells, and this sweep has {cells:,}; keep the best"
        ):
            engine.sweep(prices(), *large, client=client)
        with pytest.raises(engine.InputError, match="on a cluster it must be a folder"):
            engine.sweep(prices(), 5, 20, keep=1, client=client, out=tmp_path / "cells.parquet")
    monkeypatch.setattr(cluster, "_CONNECT", 1.0)
    with pytest.raises(engine.InputError, match="no scheduler answers at"):
        cluster.connect("tcp://127.0.0.1:1")


def test_the_command(shared, tmp_path):
    def run(*arguments):
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    with shared.client():
        command = ["sweep", "--fast", "5:20:5", "--slow", "30:60:10", "--keep", "3", "--no-luck"]
        here, there = run(*command), run(*command, "--cluster", shared.address, "--out", tmp_path / "results")
    assert there.exit_code == 0, there.output
    lines = [line.split(" computed in ")[0] for line in there.stdout.splitlines()]
    lines.remove(f"All cells were written to {tmp_path}/results.")
    assert lines == [line.split(" computed in ")[0] for line in here.stdout.splitlines()]
    assert len(pd.read_parquet(tmp_path / "results")) == 2 * 16
    with shared.client():
        whole = [*command[:5], "--no-luck", "--format", "csv"]
        assert run(*whole, "--cluster", shared.address).stdout == run(*whole).stdout


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads seconds of the processor from /proc")
def test_the_overhead_is_measured_on_the_same_results():
    job = overhead.job_of(3, 1_000, range(2, 100), range(100, 200))
    found = overhead.measure(job, 2, 3_000_000)
    assert found.same
    assert found.tiles == 12  # 9,800 cells of 1,000 bars each: four of up to 3,000 cells a symbol
    assert min(found.alone, found.cluster, found.alone_cpu, found.worker_cpu) > 0
    with mock.patch(
        "bench.overhead.sweep_in_tiles",
        lambda job, *rest: sweep_in_tiles(job, "calmar" if rest[3:] else "sharpe", *rest[1:3], *rest[3:]),
    ):
        assert not overhead.measure(job, 1, 3_000_000).same
    clock = next(
        line
        for line in overhead.said(dataclasses.replace(found, alone=2.0, cluster=2.1))
        if line.startswith("By the clock")
    )
    assert clock.endswith("+5.0 percent.")
