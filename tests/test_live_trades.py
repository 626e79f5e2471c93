"""Profit per trade, by hand and by what must hold for any executions."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.facts import Execution, Truth
from live.journal import Journal, JournalRecorder, State, state_of
from live.journal.profit import profit_lines, profit_of
from live.journal.trades import trades_of

BEGIN = datetime(2026, 3, 16, 9, 30, tzinfo=UTC)


def execution(side, quantity, price, commission=0.0, *, minute=0, order=None, name="x.01", con_id=1001, **more):
    return {
        "execution_id": name,
        "reference": f"gc-{side}" if order is None else order,
        "permanent_id": 5,
        "con_id": con_id,
        "side": side,
        "quantity": float(quantity),
        "price": price,
        "time": (BEGIN + timedelta(minutes=minute)).isoformat(),
        "commission": commission,
        "commission_currency": "INR",
        "symbol": "SBIN",
        **more,
    }


def test_a_purchase_and_its_sale():
    (trade,) = trades_of([execution("BUY", 10, 100.1, 1.5), execution("SELL", 10, 110.3, 2.25, minute=5)])
    assert (trade.symbol, trade.quantity, trade.entry_price, trade.exit_price) == ("SBIN", 10, 100.1, 110.3)
    assert (trade.gross, trade.commission, trade.profit) == (102.0, 3.75, 98.25)  # exactly, as on paper
    assert (trade.entry_order, trade.exit_order) == ("gc-BUY", "gc-SELL")
    assert trade.exit_time - trade.entry_time == timedelta(minutes=5)
    assert profit_lines([trade]) == ["Realized profit: 98.25 in 1 closed trade, after commissions."]


def test_an_order_that_is_filled_in_parts_is_one_trade():
    trades = trades_of(
        [
            execution("BUY", 4, 100, 1, minute=0),
            execution("BUY", 6, 101, 2, minute=1),
            execution("SELL", 7, 110, 3, minute=2),
            execution("SELL", 3, 109, 4, minute=3),
        ]
    )
    (trade,) = trades
    assert (trade.quantity, trade.entry_price, trade.exit_price) == (10, 100.6, 109.7)
    assert (trade.gross, trade.commission, trade.profit) == (91, 10, 81)
    assert (trade.entry_time, trade.exit_time) == (BEGIN, BEGIN + timedelta(minutes=3))


def test_a_partial_exit_leaves_the_rest_open_with_its_part_of_the_commission():
    sold, held = trades_of([execution("BUY", 10, 100, 5), execution("SELL", 4, 90, 1, minute=1)])
    assert (sold.quantity, sold.gross, sold.commission, sold.profit) == (4, -40, 3, -43)
    assert (held.quantity, held.exit_time, held.exit_price, held.gross, held.profit) == (6, None, None, None, None)
    assert held.commission == 3
    assert not held.is_closed
    assert profit_of([sold, held]) == profit_of([sold])


def test_what_was_bought_first_is_sold_first():
    trades = trades_of(
        [
            execution("SELL", 7, 110, 0, minute=9, order="out"),  # told in another order than it happened
            execution("BUY", 5, 100, 0, minute=1, order="first"),
            execution("BUY", 5, 105, 0, minute=2, order="second"),
        ]
    )
    assert [(t.entry_order, t.exit_order, t.quantity, t.profit) for t in trades] == [
        ("first", "out", 5, 50),
        ("second", "out", 2, 10),
        ("second", "", 3, None),
    ]


def test_listings_are_not_mixed():
    trades = trades_of([execution("BUY", 5, 100), execution("SELL", 5, 110, con_id=1002, symbol="TCS")])
    assert [(t.symbol, t.entry_time is None, t.exit_time is None) for t in trades] == [
        ("SBIN", False, True),
        ("TCS", True, False),
    ]
    assert profit_lines(trades) == [
        "No trade is closed yet, so no profit is realized.",
        "TCS: 5 shares sold whose purchase is not in the journal; no profit is known of that.",
    ]


def test_orders_of_somebody_else_are_kept_apart_by_their_permanent_number():
    trades = trades_of(
        [
            execution("BUY", 5, 100, order="", permanent_id=1),
            execution("BUY", 5, 101, order="", permanent_id=2, minute=1),
            execution("SELL", 10, 110, order="", permanent_id=3, minute=2),
        ]
    )
    assert [(t.quantity, t.gross) for t in trades] == [(5, 50), (5, 45)]


@pytest.mark.parametrize("commission", [{"commission": None}, {"commission": 1.0, "commission_currency": "USD"}])
def test_a_commission_that_is_not_known_is_not_nothing(commission):
    trades = trades_of([execution("BUY", 5, 100, 1.0), execution("SELL", 5, 110, minute=1, **commission)])
    (trade,) = trades
    assert (trade.gross, trade.commission, trade.profit) == (50, None, None)
    assert profit_of(trades).net is None
    (line,) = profit_lines(trades)
    assert line == (
        "Realized profit: not known, because commissions of 1 closed trade are not known yet; "
        "before commissions it is 50.00 in 1 closed trade."
    )


# Through the journal


def recorded(path, *rounds):
    """Tell a recorder the executions of each round; give the state."""
    journal = Journal(path)
    for executions in rounds:  # each as a bot that was started again
        recorder = JournalRecorder(journal, state_of(journal.events()))
        for one in executions:
            told = {**one, "time": datetime.fromisoformat(one["time"])}
            recorder.truth(Truth(BEGIN, {}, (), (Execution(**told),)))
    state = state_of(journal.events())
    journal.close()
    return state


def test_commissions_that_come_later_and_corrections_count_once(tmp_path):
    bought = execution("BUY", 10, 100.0, None, name="a.01")
    sold = execution("SELL", 10, 110.0, 2.0, name="b.01", minute=1)
    state = recorded(tmp_path / "1", [bought, sold], [bought, sold])
    assert (len(state.executions), state.trades[0].profit) == (2, None)
    state = recorded(tmp_path / "2", [bought, sold], [{**bought, "commission": 3.0}], [bought])
    assert state.trades[0].profit == 95.0
    corrected = {**sold, "execution_id": "b.02", "price": 109.0}
    state = recorded(tmp_path / "3", [{**bought, "commission": 3.0}, sold], [corrected], [sold])
    assert state.trades[0].profit == 85.0
    state = recorded(tmp_path / "4", [{**bought, "commission": 3.0}, sold], [{**corrected, "commission": None}])
    assert state.trades[0].profit is None  # the commission of the first version is not that of the second
    assert state.trades[0].symbol == "SBIN"


def test_an_execution_that_is_told_again_without_its_commission_keeps_it(tmp_path):
    journal = Journal(tmp_path / "journal")
    for data in (execution("BUY", 1, 5.0, 2.0), execution("BUY", 1, 5.0, None)):
        journal.append("execution", data)
    assert state_of(journal.events()).trades[0].commission == 2.0
    journal.close()


def test_a_state_without_executions_has_no_trades():
    assert State().trades == ()


FILLS = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 9),
        st.integers(90_00, 110_00).map(lambda cents: cents / 100),
        st.sampled_from([0.0, 0.35, 1.7]),
        st.sampled_from(["a", "b", "c"]),
    ),
    max_size=14,
)


@settings(max_examples=300, deadline=None)
@given(FILLS)
def test_no_share_and_no_rupee_is_lost(fills):
    told = [execution(s, q, p, c, minute=i, order=f"{s} {o}") for i, (s, q, p, c, o) in enumerate(fills)]
    trades = trades_of(told)
    for side, has in (("BUY", lambda t: t.entry_time is not None), ("SELL", lambda t: t.exit_time is not None)):
        assert sum(t.quantity for t in trades if has(t)) == sum(q for s, q, *_ in fills if s == side)
    assert sum(t.commission for t in trades) == pytest.approx(sum(c for *_, c, _ in fills))
    assert [(t.entry_order, t.exit_order) for t in trades].count(("", "")) == 0
    # By hand, one share at a time.
    held, gross = [], Fraction(0)
    for side, quantity, price, *_ in fills:
        for _ in range(quantity):
            if side == "BUY":
                held.append(Fraction(repr(price)))
            elif held:
                gross += Fraction(repr(price)) - held.pop(0)
    assert profit_of(trades).gross == pytest.approx(float(gross))
    assert sum(t.quantity for t in trades if t.exit_time is None) == len(held)
