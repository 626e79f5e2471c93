"""Sequences of days with faults at random places: what must hold always, whatever happens to the bot, its gateway and its journal.

A sequence is a path of prices and some days; on each day the bot is started once or twice, disturbed at messages of the wire or killed at a write of its journal, and others
do things to the account. After the close there is a look that nothing disturbs. The last day is quiet: by then everything must be mended that can be, and the journal
is compared with the broker's book.
"""

import asyncio
import os
from datetime import date
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import engine
import live.runner
from live.acting import Patience
from live.gateway import Fault, Listing, Market
from live.halting import halt, resume
from live.sessions import trading_days
from tests.fault_list import by_hand, lost, of_another
from tests.live_invariants import Watch
from tests.live_world import DAY, ISINS, NUMBERS, Writes, live_in

EXAMPLES = int(os.environ.get("GOLDENCROSS_SEQUENCES", "2000"))
NIGHTLY = EXAMPLES > 2000
FIGURES = {"multiple": 2.5}
QUICK = Patience(fill=10.0, confirm=6.0, poll=2.0)
PATHS = 24
read_once = cache(live.runner.history_of)  # the same bars are checked many times, with the same end


@cache
def path(seed):
    """Make a market of one or two shares that falls, then rises over its averages on the first day, and goes on wildly, with gaps."""
    dice = np.random.default_rng(seed)
    days = trading_days(date(2026, 1, 1), date(2026, 12, 31))
    first = days.index(DAY)
    dates = np.array(days[first - 11 : first + 5], "datetime64[ns]")
    histories = []
    for symbol in list(ISINS)[: 1 + (seed % 4 == 0)]:
        moves = np.r_[np.full(11, 0.99), 1.06, dice.choice([0.91, 0.94, 0.97, 1.0, 1.03, 1.06], 4)]
        close = np.round(100 * np.cumprod(moves) / 0.05) * 0.05
        gaps = np.r_[np.ones(12), dice.choice([0.93, 1.0, 1.0, 1.04], 4)]
        open_ = np.round(np.r_[close[0], close[:-1]] * gaps / 0.05) * 0.05
        high, low = np.maximum(open_, close) + 1, np.minimum(open_, close) - 1
        histories.append(engine.History(symbol, dates, open_, high, low, close, np.full(16, 1000.0), "INR"))
    listings = [Listing(ISINS[one.symbol], one.symbol, NUMBERS[one.symbol]) for one in histories]
    return Market(engine.Prices.from_histories(histories), listings, "high_first" if seed % 2 else "low_first")


# What others do to the account, and the broker to its orders


def stops(gateway):
    return [order for order in gateway.book.working() if order.ticket.sells and order.ticket.client_id not in (0, 3)]


def cancel_a_stop(gateway):
    for order in stops(gateway)[:1]:
        gateway.cancel(order.ticket.client_id, order.ticket.order_id)


def put_aside_a_stop(gateway):
    for order in stops(gateway)[:1]:
        gateway._board.happened(gateway.book.set_inactive(order))


def correct(share):
    def deed(gateway):
        fills = gateway.book.executions
        if fills and fills[-1].exec_id.endswith(".01") and fills[-1].order.ticket.client_id not in (0, 3):
            today = gateway._clock().date() == fills[-1].when.date()
            if today:
                gateway.correct(-1, int(fills[-1].shares * share))

    return deed


def sell_some(gateway):
    held = next(iter(gateway.book.accounts.values())).shares(NUMBERS["RELIANCE"])
    if held > 1:
        gateway.enter(by_hand("SELL", held // 2))


DEEDS = {
    "cancel a stop": cancel_a_stop,
    "put a stop aside": put_aside_a_stop,
    "correct": correct(0.5),
    "bust": correct(0.0),
    "sell by hand": sell_some,
    "buy by hand": lambda gateway: gateway.enter(by_hand("BUY", 5)),
    "another program": lambda gateway: gateway.enter(of_another("BUY", 3)),
    "restart": lambda gateway: gateway.restart(next_id=1),
    "down": lambda gateway: gateway.restart(downtime=20),
    "down, ids back": lambda gateway: gateway.restart(next_id=1, downtime=20),
    "1100, 1102": lost(1102, 4.0),
    "1100, 1101": lost(1101, 15.0),
    "1100": lost(0),
    "drop": lambda gateway: gateway.drop(),
}
OUTSIDE = {"correct", "bust", "sell by hand", "buy by hand", "another program"}

# Faults

ASKING = ["reqPositions", "reqOpenOrders", "reqAllOpenOrders", "reqExecutions", "reqContractDetails", "reqMarketRule", "reqHistoricalData", "reqAccountSummary", "reqCurrentTime", "startApi"]  # fmt: skip
ORDERING = ["placeOrder", "placeOrder.parent", "placeOrder.child", "cancelOrder"]
FAULTS = st.one_of(
    st.tuples(
        st.sampled_from(ORDERING),
        st.sampled_from(
            ["silence", "drop", "drop_after", "no_answer", "duplicate", "reorder", "mute", "error 201", "error 110", "error 321", "error 103", "warn 399",
             "partial 0", "partial 0.4", "inactive", "cancel 1", "cancel 5", "fill", "error 10148", "error 10147"]
        ),
        st.sampled_from([1, 1, 1, 2, float("inf")]),
        st.integers(0, 2),
    ),
    st.tuples(
        st.sampled_from(ASKING),
        st.sampled_from(["silence", "drop", "drop_after", "duplicate", "mute", "delay 3", "delay 12", "error 321", "error 162", "error 326"]),
        st.sampled_from([1, 1, float("inf")]),
        st.integers(0, 6),
    ),
    st.tuples(st.integers(0, 60).map("in {}".format), st.sampled_from(["silence", "drop", "drop_after", "delay 5", "mute"]), st.just(1), st.just(0)),
    st.tuples(st.integers(0, 120).map("out {}".format), st.sampled_from(["drop", "mute", "duplicate"]), st.just(1), st.just(0)),
    # A stream does not lose a message in its middle: of what the gateway says only commissions, which it may not know yet, can be missing.
    st.tuples(st.just("out commissionReport"), st.just("silence"), st.sampled_from([1, float("inf")]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["out commissionReport", "out execDetails", "out openOrder", "out orderStatus"]), st.sampled_from(["duplicate", "drop"]), st.sampled_from([1, float("inf")]), st.integers(0, 2)),
    st.tuples(
        st.one_of(st.sampled_from([*ORDERING, *ASKING, "out openOrder", "out execDetails", "out positionEnd"]), st.integers(0, 60).map("in {}".format)),
        st.sampled_from(sorted(DEEDS)),
        st.just(1),
        st.integers(0, 4),
    ),
)  # fmt: skip
DAYS = st.fixed_dictionaries(
    {
        "faults": st.lists(FAULTS, max_size=2),
        "kill": st.sampled_from([0, 0, 0, *range(1, 40, 1)]),
        "between": st.sampled_from([None, None, *sorted(DEEDS)]),
        "again": st.sampled_from([False, False, True]),
        "halted": st.sampled_from([False] * 9 + [True]),
    }
)
QUIET = {"faults": [], "kill": 0, "between": None, "again": False, "halted": False}
SEQUENCES = st.fixed_dictionaries(
    {
        "path": st.integers(0, PATHS - 1),
        "shrinks": st.booleans(),
        "days": st.lists(DAYS, min_size=1, max_size=2),
    }
)


def fault_of(watch, place, what, count, after):
    if what in DEEDS:
        deed = DEEDS[what]
        return Fault(
            place, (lambda gateway: watch.outside(lambda: deed(gateway))) if what in OUTSIDE else deed, count, after
        )
    return Fault(place, what, count, after)


async def one_day(world, watch, day, writes):
    gateway = world.gateway
    for fault in day["faults"]:
        gateway.fault(fault_of(watch, *fault))
    if day["halted"]:
        halt(world.config.paths.halt, "looking")
    writes.kill_at = writes.count + day["kill"] if day["kill"] else 0
    status = await world.run()
    watch.after_run(status)
    writes.mend()
    told = len(gateway.book.executions)
    if day["between"]:
        deed = DEEDS[day["between"]]
        (watch.outside if day["between"] in OUTSIDE else (lambda do: do()))(lambda: deed(gateway))
        await asyncio.sleep(30)
    if day["again"] or status not in (0, 1):
        watch.after_run(await world.run())
    if day["halted"]:
        resume(world.config.paths.halt)
    await world.until("15:40")
    gateway.calm()
    if day is QUIET and told == len(gateway.book.executions):
        return  # a look would find nothing that the run did not
    watch.sending = False
    watch.after_run(await world.look())
    watch.sending = True


def play(sequence):
    found = []

    async def scenario(world):
        watch = Watch(world)
        writes = Writes()
        with writes.watched():
            for number, day in enumerate(sequence["days"]):
                if number:
                    await world.next_day()
                await one_day(world, watch, day, writes)
            await world.next_day()
            before = len(world.statuses)
            await one_day(world, watch, QUIET, writes)
            watch.after_rest(world.statuses[before:])
            watch.at_the_end()
        found.extend(watch.found)

    options = {"patience": QUICK, "figures": FIGURES, "margin": True, "shrinks": sequence["shrinks"]}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live.runner, "history_of", read_once)
        world = live_in(scenario, path(sequence["path"]), **options)
    return world, found


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not NIGHTLY,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(SEQUENCES)
def test_whatever_happens(sequence):
    world, found = play(sequence)
    assert not found, "\n".join([*found, str(world.statuses), *world.said])


def test_the_paths_have_everything_in_them():
    """Without faults there are entries, exits and stops that are hit, and nothing is found."""
    purposes = set()
    for number in range(PATHS):
        world, found = play({"path": number, "shrinks": True, "days": [QUIET] * 3})
        assert not found, found
        assert set(world.statuses) <= {0}, world.said
        purposes |= set(world.sent())
        if any(one.order.ticket.kind == "TRAIL" for one in world.gateway.book.executions):
            purposes.add("a stop was hit")
    assert purposes == {"entry", "entry-stop", "exit", "a stop was hit"}
