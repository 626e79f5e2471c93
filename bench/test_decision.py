"""What the bot itself needs from the last bars to the wire: pytest bench --benchmark-enable."""

from bench.decision import decision_to_wire
from live.rehearsal import isin_of
from live.schema import is_isin


def test_made_up_isins_have_their_check_digit():
    assert all(is_isin(isin_of(number)) for number in range(200))


def test_decision_to_wire(benchmark):
    times = benchmark.pedantic(decision_to_wire, (20, 1), rounds=1)
    assert times.orders == 40
    benchmark.extra_info |= {"decision to wire, ms": times.decision_to_wire * 1000, "shares": 20}
