"""Selling everything by command, through the real client, against the simulated gateway in virtual time."""

import asyncio
import stat
from datetime import datetime, timedelta

import pytest

import engine
from live import nse
from live.acting import Actor, Result
from live.broker import Broker
from live.config import load_config
from live.facts import Door
from live.flattening import flatten_now
from live.gateway import KOLKATA, Fault, Gateway, Listing, Market, VirtualClock, run_virtual
from live.journal import Journal, JournalError, single_instance, state_of
from live.selling import Flattener
from live.service import run_now
from tests.test_live_runner import DAY, GOLDEN, NAMES, RISING, history
from tests.test_live_service import ACCOUNT, cli, config_text

TCS = """
[[instruments]]
isin = "INE467B01029"
symbol = "TCS"
closing_auction = true
"""


def watched(book):
    """Look at every order, before and after it, whether more is on sale than is held; give the list of what is found."""
    place, found = book.place, []

    def check():
        for con_id in (1001, 1002):
            buys = {o.ticket.order_id for o in book.orders.values() if o.ticket.action == "BUY" and not o.done}
            sells = [o for o in book.orders.values() if o.ticket.action == "SELL" and o.ticket.con_id == con_id]
            on_sale = sum(o.remaining for o in sells if not o.done and o.ticket.parent_id not in buys)
            held = book.accounts[ACCOUNT].positions.get(con_id)
            if on_sale > (held.shares if held else 0):
                found.append((con_id, on_sale, held))

    def place_and_check(*arguments, **named):
        check()
        events = place(*arguments, **named)
        check()
        return events

    book.place = place_and_check
    return found


def at(text):
    return datetime.combine(DAY, datetime.strptime(text, "%H:%M").time(), KOLKATA)  # noqa: DTZ007


def play(folder, scenario, closes=None, *, start="11:00", **options):
    """Run scenario(config, gateway, say, port) against a gateway with two shares."""
    closes = closes or {"RELIANCE": RISING, "TCS": RISING}

    async def main():
        prices = engine.Prices.from_histories([history(symbol, closes[symbol]) for symbol in closes])
        listings = [Listing(NAMES[symbol], symbol, 1001 + i) for i, symbol in enumerate(closes)]
        gateway = Gateway(Market(prices, listings), {ACCOUNT: 1_000_000.0}, **options)
        too_many = watched(gateway.book)
        async with gateway.serve() as port:
            (folder / "bot.toml").write_text(config_text(port) + TCS)
            said = []
            result = await scenario(load_config(folder / "bot.toml"), gateway, said.append)
            await asyncio.sleep(1)
        assert not too_many, said
        return result, gateway, said

    return run_virtual(main(), at(start))


async def buy(gateway, symbol, quantity=10, *, limit=None, name="old", client_id=7):
    """Hold shares with a stop, as an earlier run would have bought them; with a limit below the market the order stays open."""
    from live.facts import OrderRequest

    broker = Broker(Door("127.0.0.1", gateway.port, client_id, ACCOUNT))
    await broker.connect()
    pinned = await broker.pin(NAMES[symbol], symbol, "NSE", "INR")
    kind = "MKT" if limit is None else "LMT"
    orders = [OrderRequest(name, "BUY", kind, quantity, limit=limit)]
    orders.append(OrderRequest(f"{name}-stop", "SELL", "TRAIL", quantity, trail=9.0, time_in_force="GTC", stop=60.0))
    broker.send(broker.number(pinned, orders))
    await asyncio.sleep(60)
    broker.disconnect()
    await asyncio.sleep(1)


def flatten(*symbols, send=True, hold=(("RELIANCE", 10), ("TCS", 5)), before=None):
    async def scenario(config, gateway, say):
        for symbol, quantity in hold:
            await buy(gateway, symbol, quantity, name=f"old-{symbol}")
        if before:
            await before(config, gateway)
        return await flatten_now(config, ACCOUNT, symbols, send=send, say=say, clock=VirtualClock())

    return scenario


def held(gateway):
    return {con_id: one.shares for con_id, one in gateway.book.accounts[ACCOUNT].positions.items() if one.shares}


def live_orders(gateway):
    return [(o.ticket.con_id, o.ticket.action, o.ticket.quantity) for o in gateway.book.orders.values() if not o.done]


def test_everything_is_sold_after_the_stops_are_gone(tmp_path):
    status, gateway, said = play(tmp_path, flatten())
    assert status == 0, said
    assert held(gateway) == {}
    assert live_orders(gateway) == []
    assert said[0].startswith("Entries are halted, so nothing is bought back: ")
    assert (tmp_path / "HALT").read_text() == f"flattened by command on {DAY}\n"
    assert stat.S_IMODE((tmp_path / "HALT").stat().st_mode) == 0o600
    assert "RELIANCE: sold 10 shares." in said
    assert "TCS: sold 5 shares." in said
    assert said[-1] == "Nothing is held of RELIANCE, TCS, and no order of the bot is open."
    kinds = [(e.kind, "TRAIL" in e.fields) for e in gateway.log if e.kind in ("placeOrder", "cancelOrder")]
    assert kinds[4:6] == [("cancelOrder", False)] * 2
    assert kinds[6:] == [("placeOrder", False)] * 2
    state = state_of(Journal(tmp_path / "journal").events())
    assert state.runs[-1]["status"] == 0
    assert {name for name in state.intents if "flatten" in name} == {
        f"gc-{DAY:%Y%m%d}-RELIANCE-flatten",
        f"gc-{DAY:%Y%m%d}-TCS-flatten",
    }


@pytest.mark.parametrize(("percent", "below"), [("3.0", 0.01), ("0.1", 0.001)])
def test_the_price_is_near_the_last_close_and_within_the_band(tmp_path, percent, below):
    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        path = tmp_path / "bot.toml"
        path.write_text(path.read_text().replace("price_band_percent = 3.0", f"price_band_percent = {percent}"))
        broker = Broker(Door("127.0.0.1", gateway.port, 9, ACCOUNT))
        await broker.connect()
        close = (await broker.daily_bars(await broker.pin(NAMES["RELIANCE"], "RELIANCE", "NSE", "INR")))[-1].close
        broker.disconnect()
        await flatten_now(load_config(path), ACCOUNT, (), send=False, say=say, clock=VirtualClock())
        return config, close

    (_, close), _, said = play(tmp_path, scenario)
    line = next(line for line in said if line.startswith("Would sell 10 RELIANCE at "))
    limit = float(line.split()[5])
    assert 0 <= limit - close * (1 - below) < 0.05 + 1e-9  # the first legal price that is not below


def test_a_dry_run_changes_nothing(tmp_path):
    status, gateway, said = play(tmp_path, flatten(send=False))
    assert status == 0, said
    assert held(gateway) == {1001: 10, 1002: 5}
    assert len(gateway.placed()) == 4
    assert [e for e in gateway.log if e.kind == "cancelOrder"] == []
    assert not (tmp_path / "HALT").exists()
    assert "Would cancel 1 order to sell TCS, stops among them." in said
    assert any(line.startswith("Would sell 5 TCS at ") for line in said)
    assert said[-1].startswith("This was a dry run: nothing was sent, and entries were not halted.")


def test_only_the_shares_that_are_named(tmp_path):
    status, gateway, said = play(tmp_path, flatten("TCS"))
    assert status == 0, said
    assert held(gateway) == {1001: 10}
    assert live_orders(gateway) == [(1001, "SELL", 10)]


def test_shares_that_are_not_configured_are_left_alone(tmp_path):
    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        await buy(gateway, "TCS", 5, name="mine")
        config = config.model_copy(update={"instruments": config.instruments[:1]})
        return await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())

    status, gateway, said = play(tmp_path, scenario)
    assert status == 0, said
    assert held(gateway) == {1002: 5}
    assert live_orders(gateway) == [(1002, "SELL", 5)]


def test_entries_that_are_open_are_cancelled_first(tmp_path):
    async def half_bought(_config, gateway):
        gateway.fault(Fault("placeOrder.parent", "partial 0.4"))
        await buy(gateway, "RELIANCE", 10, name="gc-20260316-RELIANCE-entry")
        await buy(gateway, "TCS", 5, limit=50.0, name="gc-20260316-TCS-entry")

    status, gateway, said = play(tmp_path, flatten(hold=(), before=half_bought))
    assert status == 0, said
    assert held(gateway) == {}
    assert live_orders(gateway) == []
    assert "RELIANCE: sold 4 shares." in said


def test_an_entry_that_cannot_be_cancelled_keeps_its_shares_and_its_stop(tmp_path):
    async def half_bought(_config, gateway):
        gateway.fault(Fault("placeOrder.parent", "partial 0.4"))
        await buy(gateway, "RELIANCE", 10, name="gc-20260316-RELIANCE-entry")
        gateway.fault(Fault("cancelOrder", "error 10148", count=9))

    status, gateway, said = play(tmp_path, flatten(hold=(), before=half_bought))
    assert status == 3, said
    assert held(gateway) == {1001: 4}
    assert "RELIANCE: an order to buy it cannot be cancelled, so nothing was sold." in said
    assert [o.ticket.action for o in gateway.book.orders.values() if not o.done] == ["BUY", "SELL"]
    assert len(gateway.placed()) == 2


@pytest.mark.parametrize("limit", [50.0, None])
def test_an_order_of_another_client_is_not_confused_with_one_of_ours(tmp_path, limit):
    """Its number may be that of one of our own, such as the stop of another share; only its own client can cancel it, be it an entry or a stop."""

    async def foreign(_config, gateway):
        await buy(gateway, "TCS", 5, limit=limit, name="gc-20260316-TCS-entry", client_id=9)

    for send in (True, False):
        folder = tmp_path / str(send)
        folder.mkdir()
        status, gateway, said = play(folder, flatten("TCS", send=send, hold=(("RELIANCE", 10),), before=foreign))
        assert status == 3, said
        assert [e for e in gateway.log if e.kind == "cancelOrder"] == []
        assert any("is of another client and cannot be cancelled here, so nothing was sold" in line for line in said)


def test_a_stop_that_cannot_be_cancelled_keeps_the_shares(tmp_path):
    async def stuck(_config, gateway):
        gateway.fault(Fault("cancelOrder", "error 10148", count=9))

    status, gateway, said = play(tmp_path, flatten(hold=(("RELIANCE", 10),), before=stuck))
    assert status == 3, said
    assert held(gateway) == {1001: 10}
    assert live_orders(gateway) == [(1001, "SELL", 10)]
    assert "RELIANCE: 10 shares are still held, 10 under a stop." in said


def test_what_cannot_be_sold_is_under_a_stop_again(tmp_path):
    async def unfilled(_config, gateway):
        gateway.fault(Fault("placeOrder", "partial 0.3"))

    status, gateway, said = play(tmp_path, flatten(hold=(("RELIANCE", 10),), before=unfilled))
    assert status == 3, said
    assert held(gateway) == {1001: 7}
    assert live_orders(gateway) == [(1001, "SELL", 7)]
    assert "RELIANCE: 7 shares are still held, 7 under a stop." in said


def test_a_second_try_sells_the_rest_under_another_name(tmp_path):
    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        gateway.fault(Fault("placeOrder", "partial 0.3"))
        first = await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())
        return first, await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())

    statuses, gateway, said = play(tmp_path, scenario)
    assert statuses == (3, 0), said
    assert held(gateway) == {}
    names = set(state_of(Journal(tmp_path / "journal").events()).intents)
    assert {"gc-20260316-RELIANCE-flatten", "gc-20260316-RELIANCE-flatten-2"} <= names


@pytest.mark.parametrize("fault", ["bars_stale", "bars_empty", "error 162", "silence"])
def test_without_a_price_of_today_nothing_is_sold(tmp_path, fault):
    async def no_bars(_config, gateway):
        gateway.fault(Fault("reqHistoricalData", fault))

    status, gateway, said = play(tmp_path, flatten(hold=(("RELIANCE", 10),), before=no_bars))
    assert status == 3, said
    assert held(gateway) == {1001: 10}
    assert live_orders(gateway) == [(1001, "SELL", 10)]
    assert any(line.startswith("RELIANCE: not sold, ") for line in said)


def test_bars_that_are_no_reason_to_buy_are_no_reason_to_keep(tmp_path):
    async def split(_config, gateway):
        gateway.fault(Fault("reqHistoricalData", "bars_duplicate"))

    status, gateway, said = play(tmp_path, flatten(hold=(("RELIANCE", 10),), before=split))
    assert status == 0, said
    assert held(gateway) == {}


def test_the_last_word_is_the_brokers(tmp_path, monkeypatch):
    """Whatever a sale is thought to have come to: what the broker has at the end is what counts."""

    async def sold(_self, pinned, _sale, _stop, _within):
        return Result(True, f"{pinned.symbol}: sold.")

    monkeypatch.setattr(Actor, "leave", sold)
    status, _, said = play(tmp_path, flatten(hold=(("RELIANCE", 10),)))
    assert status == 3, said
    assert said[-1] == "RELIANCE: 10 shares are still held, 10 under a stop."


def test_an_order_that_is_still_open_at_the_end_is_an_alarm(tmp_path, monkeypatch):
    async def open_entry(_config, gateway):
        await buy(gateway, "TCS", 5, limit=50.0, name="gc-20260316-TCS-entry")

    async def gone(_self, _one):
        return True

    monkeypatch.setattr(Flattener, "_without_entries", gone)
    status, _, said = play(tmp_path, flatten(hold=(), before=open_entry))
    assert status == 3, said
    assert said[-1] == "TCS: nothing is held, but an order is still open."


def test_a_share_that_is_not_found_is_an_alarm(tmp_path):
    async def unknown(_config, gateway):
        gateway.fault(Fault("reqContractDetails", "error 200"))

    status, _, said = play(tmp_path, flatten(before=unknown))
    assert status == 3, said
    assert any("not looked at" in line and "It may be held." in line for line in said)


@pytest.mark.parametrize(
    ("start", "status", "left"),
    [("09:16", 0, {}), ("15:28", 3, {1002: 5}), ("15:31", 2, {1001: 10, 1002: 5}), ("08:00", 2, {})],
)
def test_it_works_while_the_exchange_is_open(tmp_path, start, status, left):
    """The run would be at 15:20; TCS has a closing auction from 15:15 on where no stop is taken (from August 2026 on)."""

    async def scenario(config, gateway, say):
        if start != "08:00":
            for symbol, quantity in (("RELIANCE", 10), ("TCS", 5)):
                await buy(gateway, symbol, quantity, name=f"old-{symbol}")
            clock = VirtualClock()
            await clock.sleep(max(0.0, (at(start) - clock.now()).total_seconds()))
        return await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nse, "AUCTION_SINCE", DAY)
        found, gateway, said = play(tmp_path, scenario, start="09:16" if start != "08:00" else start)
    assert found == status, said
    assert held(gateway) == left
    assert (tmp_path / "HALT").exists()


def test_no_gateway_is_status_4_and_entries_are_halted(tmp_path):
    async def scenario(config, gateway, say):
        gateway.restart(downtime=3600)
        return await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())

    status, gateway, said = play(tmp_path, scenario)
    assert status == 4
    assert gateway.placed() == []
    assert (tmp_path / "HALT").exists()
    assert said[-1].endswith("Nothing was sold.")


def test_a_bot_that_is_running_keeps_the_lock(tmp_path):
    async def scenario(config, _gateway, say):
        with single_instance(config.paths.journal), pytest.raises(JournalError, match="another bot is running"):
            await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())

    _, gateway, _ = play(tmp_path, scenario)
    assert gateway.log == []
    assert (tmp_path / "HALT").exists()


def test_after_flattening_nothing_is_bought_back(tmp_path):
    async def scenario(config, _gateway, say):
        await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())
        await asyncio.sleep(timedelta(hours=4, minutes=21).total_seconds())
        return await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    status, gateway, said = play(tmp_path, scenario, {"RELIANCE": GOLDEN, "TCS": RISING})
    assert status == 1, said
    assert gateway.placed() == []
    assert any("halted: flattened by command" in line for line in said)


@pytest.mark.parametrize("index", range(0, 40, 2))
def test_a_connection_dropped_anywhere_leaves_nothing_naked_or_short_after_a_second_try(tmp_path, index):
    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        gateway.fault(Fault(f"in {index}", "drop"))
        first = await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())
        await asyncio.sleep(5)
        return first, await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock())

    (_, second), gateway, said = play(tmp_path, scenario)
    assert second == 0, said
    assert held(gateway) == {}
    assert live_orders(gateway) == []


# The command


@pytest.mark.parametrize(
    ("words", "account", "message"),
    [
        (["WIPRO"], ACCOUNT, "WIPRO is not in the configuration; known are RELIANCE, TCS"),
        ([], "", "GOLDENCROSS_ACCOUNT is not set"),
        ([], "U1234567", "is a live account"),
        (["--real-money"], ACCOUNT, "--real-money is for a live account"),
    ],
)
def test_refusals(tmp_path, words, account, message):
    config = tmp_path / "bot.toml"
    config.write_text(config_text(4002) + TCS)
    done = cli("flatten", config, "--send", *words, account=account)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "HALT").exists()


def test_a_live_account_needs_a_second_switch(tmp_path):
    config = tmp_path / "bot.toml"
    config.write_text(config_text(4001).replace('"paper"', '"live"'))
    done = cli("flatten", config, "--send", account="U1234567")
    assert done.exit_code == 2
    assert "--real-money" in done.stderr
    assert not (tmp_path / "HALT").exists()
