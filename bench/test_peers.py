"""Every peer on the same 499 pairs, in turns under one clock: pytest bench --benchmark-enable --benchmark-group-by=group.

``python -m bench`` does the same with everything around it. That the outputs are the same is held by tests/test_bench.py.
"""

import pytest

from bench.jobs import ALL_CASES, with_case
from bench.peers.peer import quiet
from bench.peers.table import PEERS

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("timed_only")]


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peer(benchmark, one, peer, case):
    if peer.missing or case not in peer.meaning:
        pytest.skip(peer.missing or f"{peer.name} has no {case}")
    job = peer.sized(with_case(one, case), 0.3)
    with quiet():
        run = peer.prepare(job)
        run()
        benchmark.group = str(case)
        benchmark.extra_info["cells"] = job.cells
        assert peer.picked(benchmark(run)).shape == job.shape
