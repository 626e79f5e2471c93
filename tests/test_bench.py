"""What the benchmarks time is the same work: every peer is held to ours, and the check itself can fail."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bench.__main__ import main
from bench.agreement import compare, held_to_ours
from bench.clock import race
from bench.facts import Fact, Results
from bench.gate import GATED, LEAST_TIMES_FUSED, LEAST_TIMES_VECTORBT_API, faults
from bench.jobs import ALL_CASES, METRICS, Job, long_market, market, nse_prices, with_case
from bench.machine import about
from bench.peers.peer import SAME
from bench.peers.table import API, FUSED, OURS, PEERS, PLAIN, TIES
from bench.writing import as_markdown, as_text
from engine import simulate

pytestmark = pytest.mark.filterwarnings("ignore")  # peers warn of pandas, of numpy and of themselves
LOOPS = [peer for peer in PEERS if not peer.requires and peer.rate > 1e4 and peer is not OURS]
"""Ours and the two of a person: quick, and equal in every case."""


@pytest.fixture(scope="module")
def job():
    return Job(simulate(2, 700, seed=11))


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peer_equals_ours(job, peer, case):
    if peer.missing:
        pytest.skip(peer.missing)
    if case not in peer.meaning:
        pytest.skip(f"{peer.name} has no {case}")
    if peer.meaning[case] == SAME:
        cells = 8 if peer.rate < 1000 else 40
        found = held_to_ours(peer, with_case(job, case).some(cells))
        assert found.cells > cells // 2
        assert found.complete, found
    else:
        found = held_to_ours(peer, with_case(Job(market(1)), case))
        if (
            peer.meaning[case] == TIES
        ):  # how rounding breaks a tie depends on the engine that is installed: one cell of 499 or none
            assert found.equal >= found.cells - 5
        else:
            assert not found.complete, f"{peer.name} is equal in {case} after all: say so in the table"


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
@pytest.mark.parametrize("peer", LOOPS, ids=lambda peer: peer.name)
def test_loops_equal_ours_where_signals_crowd(peer, case):
    # Short windows over few bars: signals on the last bar, buys and sales on neighbouring bars, stops on the bar of the entry.
    crowded = Job(simulate(30, 150, seed=3), fast=(2, 3, 5), slow=(14, 17, 21), fill=case.fill)
    stops = (0.5, 1.0, 3.0) if case.stopped else (None,)
    assert held_to_ours(peer, replace(crowded, multiples=stops)).complete


@pytest.mark.parametrize("peer", LOOPS, ids=lambda peer: peer.name)
def test_loops_equal_ours_over_many_bars_and_on_two_threads(peer):
    stops = (None, 1.0, 3.0)
    assert held_to_ours(peer, Job(long_market(10_000), fast=(5, 20), slow=(30, 100), multiples=stops)).complete
    assert held_to_ours(peer, Job(simulate(3, 300), fast=(5,), slow=(30,), multiples=stops, workers=2)).complete


@pytest.mark.parametrize("case", ALL_CASES, ids=str)
def test_peers_equal_ours_on_real_prices(case):
    prices = nse_prices()
    if prices is None:
        pytest.skip("the NSE data is not here")
    real = with_case(Job(prices, fast=(5, 20, 50), slow=(30, 100, 200)), case)
    for peer in PEERS:
        if peer.missing or peer.meaning.get(case) != SAME or peer.rate < 1000:
            continue
        found = held_to_ours(peer, real)
        assert found.complete, (peer.name, found)


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_accounts_that_never_trade(peer):
    # Their ratios are not defined; one peer has them as 0, another as infinite.
    if peer.missing:
        pytest.skip(peer.missing)
    idle = Job(simulate(1, 310, seed=4), fast=(100,), slow=(290, 300))
    assert (OURS.picked(OURS.prepare(idle)())[..., METRICS.index("trades")] == 0).all()
    assert held_to_ours(peer, idle).complete


def changed(cells, metric, change):
    out = cells.copy()
    out[0, 0, 0, METRICS.index(metric)] = change(out[0, 0, 0, METRICS.index(metric)])
    return out


@pytest.mark.parametrize("metric", METRICS)
def test_the_check_sees_one_wrong_number_in_one_cell(job, metric):
    part = job.some(10)
    right = OURS.picked(OURS.prepare(part)())
    wrong = (lambda value: value + 1) if metric == "trades" else (lambda value: value * (1 + 1e-9))
    assert compare(right, right, FUSED, part).complete
    for change in (wrong, lambda value: -value, lambda _: np.nan, lambda _: np.inf):
        found = compare(right, changed(right, metric, change), FUSED, part)
        assert (found.equal, found.cells) == (9, 10)
        assert not compare(changed(right, metric, change), right, FUSED, part).complete


def test_the_check_takes_not_defined_for_equal(job):
    part = job.some(3)
    nothing = np.full(part.shape, np.nan)
    assert compare(nothing, nothing, FUSED, part).complete
    assert not compare(nothing, OURS.picked(OURS.prepare(part)()), FUSED, part).complete


@pytest.mark.parametrize("wrong", [{"fee": 0.001 + 1e-9}, {"multiples": (3.0 + 1e-9,)}, {"fill": "next_open"}])
@pytest.mark.parametrize("peer", [PLAIN, FUSED], ids=lambda peer: peer.name)
def test_the_check_sees_a_peer_that_trades_otherwise(job, peer, wrong):
    part = with_case(job, ALL_CASES[2]).some(40)
    perturbed = replace(peer, prepare=lambda job: peer.prepare(replace(job, **wrong)))
    assert held_to_ours(peer, part).complete
    assert held_to_ours(perturbed, part).equal < 10


def test_the_check_never_passes_on_nothing(job):
    nothing_counted = replace(FUSED, uncounted=lambda job: np.ones(job.shape[:3], bool))
    assert not held_to_ours(nothing_counted, job.some(3)).complete


def test_the_loops_refuse_what_they_do_not_cover():
    with pytest.raises(ValueError, match="slow window of 8 is shorter than the ATR's 14"):
        FUSED.prepare(Job(simulate(1, 100), fast=(5,), slow=(8,), multiples=(3.0,)))


def test_a_peer_that_is_not_installed_says_so():
    assert replace(FUSED, requires=("no-such-peer",)).missing == "no-such-peer not installed"
    assert FUSED.missing == ""


def results(times_fused=10.0, times_api=1000.0, peers=(FUSED.name, *API), equal=True):
    facts = []
    for case in map(str, ALL_CASES):
        facts.append(Fact(GATED, case, OURS.name, 1e6, "cells/s", "9 of 9 cells equal"))
        rates = {FUSED.name: 1e6 / times_fused, **dict.fromkeys(API, 1e6 / times_api)}
        facts += [Fact(GATED, case, name, rates[name], "cells/s", "8 of 9 cells equal", equal) for name in peers]
    facts.append(Fact("import", "import", OURS.name, 0.5, "s"))
    facts.append(Fact("import", "import", "pandas", 0.25, "s"))
    return Results(about("python -m bench"), facts, [])


def test_gate_passes_only_on_ratios_and_equal_outputs():
    assert faults(results()) == []
    assert [line for line in faults(results(times_fused=LEAST_TIMES_FUSED * 0.99)) if "fused" in line]
    # Of eight figures of the API five are of the same work: both engines without a stop, and numba with one and fills at the close.
    assert len(faults(results(times_api=LEAST_TIMES_VECTORBT_API * 0.99))) == 5
    assert "nothing was compared with fused numba loop" in faults(results(peers=API))
    assert faults(results(peers=(FUSED.name,))) == ["nothing was compared with the vectorbt API: pip install vectorbt"]
    assert any("only 8 of 9 cells equal" in line for line in faults(results(equal=False)))


def test_losses_are_found_whichever_way_is_better():
    assert [theirs.peer for _, theirs in results().losses()] == ["pandas"]
    assert {theirs.peer for _, theirs in results(times_fused=0.5).losses()} == {"pandas", FUSED.name}


def test_papers_name_every_peer_and_every_loss():
    found = results(times_fused=0.5)
    for paper in (as_text(found), as_markdown(found)):
        assert paper.isascii()
        assert all(fact.peer in paper for fact in found.facts)
        assert "fused numba loop is 2 times better than ours (no stop close: 2,000,000 and 1,000,000)" in paper
        assert "8 of 9 cells equal" in as_text(found)
    assert "| fused numba loop | 2,000,000 |" in as_markdown(found)


def test_peers_take_turns():
    order = []
    best = race({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=3, least=0.0)
    assert order == ["a", "b"] * 3
    assert min(best.values()) > 0


@pytest.mark.parametrize(("times", "status"), [(1000.0, 0), (1.0, 1)])
def test_gate_of_the_command(monkeypatch, tmp_path, capsys, times, status):
    facts = results(times_fused=times).facts
    monkeypatch.setattr("bench.__main__.gated", lambda _: facts)
    assert main(["--gate", "--json", str(tmp_path / "numbers.json")]) == status
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("gate: 33 symbols, ATR stop next_open: ours is 1.00 times" if status else "gate: all ratios")
    assert len(json.loads((tmp_path / "numbers.json").read_text())["facts"]) == len(facts)


@pytest.mark.parametrize("option", ["--json", "--out"])
def test_what_cannot_be_written_is_refused_before_anything_is_measured(monkeypatch, tmp_path, capsys, option):
    monkeypatch.setattr("bench.__main__.short", lambda _: pytest.fail("measured"))
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="2"):
        main(["--short", option, str(tmp_path / "file" / "numbers")])
    assert str(tmp_path / "file") in capsys.readouterr().err.splitlines()[-1]


def test_gate_without_a_file_is_bad_use(capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--gate"])
    assert "give --json FILE or --out FOLDER" in capsys.readouterr().err
