"""The command of the bot: refusals in one line, a run with journal and lock, the month of the demo, and restarts after a kill."""

import asyncio
import contextlib
import os
import shutil
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from live.cli import app
from live.config import load_config
from live.demo import demo
from live.gateway import KOLKATA, Fault, Gateway, Listing, Market, VirtualClock, now, run_virtual
from live.journal import Journal, JournalError, single_instance, state_of
from live.service import open_journal, run_now, stay_up
from tests.live_world import CONFIG, SHARE, KilledError
from tests.test_live_runner import DAY, GOLDEN, NAMES, RISING, history

ACCOUNT = "DU1234567"
EXAMPLE = Path(__file__).parent.parent / "docs/example-config.toml"


def config_text(port, orders=5):
    share = SHARE.format(isin=NAMES["RELIANCE"], symbol="RELIANCE", auction="false")
    return CONFIG.format(port=port, orders=orders, multiple=2.0, positions=5, loss=20_000) + share


def cli(*arguments, account=ACCOUNT):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"GOLDENCROSS_ACCOUNT": account})


@pytest.fixture
def config(tmp_path):
    target = tmp_path / "bot.toml"
    shutil.copy(EXAMPLE, target)
    return target


def serve(folder, closes, scenario, *, start="15:21", orders=5, day=DAY):
    """Run scenario(config, gateway, said) against a gateway in virtual time."""
    import engine

    async def main():
        prices = engine.Prices.from_histories([history("RELIANCE", closes)])
        gateway = Gateway(Market(prices, [Listing(NAMES["RELIANCE"], "RELIANCE", 1001)]), {ACCOUNT: 1_000_000.0})
        async with gateway.serve() as port:
            path = folder / "bot.toml"
            path.write_text(config_text(port, orders))
            said = []
            result = await scenario(load_config(path), gateway, said.append)
            await asyncio.sleep(1)
        return result, gateway, said

    moment = datetime.combine(day, datetime.strptime(start, "%H:%M").time(), KOLKATA)  # noqa: DTZ007
    return run_virtual(main(), moment)


def once(send=True):
    async def scenario(config, _gateway, say):
        return await run_now(config, ACCOUNT, send=send, say=say, clock=VirtualClock())

    return scenario


def test_a_run_buys_and_writes_everything_down(tmp_path):
    status, gateway, said = serve(tmp_path, GOLDEN, once())
    assert status == 0, said
    assert len(gateway.placed()) == 2
    journal = Journal(tmp_path / "journal")
    assert journal.verify() > 10
    kinds = [event.kind for event in journal.events()]
    assert kinds[0] == "run started"
    assert kinds[-1] == "run ended"
    assert kinds.index("intent") < kinds.index("sent") < kinds.index("execution")
    state = state_of(journal.events())
    assert state.held["RELIANCE"][0] == state.held["RELIANCE"][1] > 0
    assert not state.alarms


def test_a_dry_run_is_the_default_and_writes_no_intent(tmp_path):
    status, gateway, said = serve(tmp_path, GOLDEN, once(send=False))
    assert status == 0, said
    assert gateway.placed() == []
    assert not state_of(Journal(tmp_path / "journal").events()).intents


def test_a_restart_never_sends_a_second_entry(tmp_path):
    """Whatever became of an order that was to be sent: the journal alone keeps the bot from sending it again."""

    async def scenario(config, _gateway, say):
        statuses = []
        for _ in range(3):
            statuses.append(await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock()))
        return statuses

    statuses, gateway, _ = serve(tmp_path, GOLDEN, scenario)
    assert statuses == [0, 0, 0]
    assert len(gateway.placed()) == 2


@pytest.mark.parametrize(
    "what", ["reject_parent", "error 201", "inactive", "silence", "no_answer", "drop", "drop_after"]
)
def test_an_order_that_came_to_nothing_is_not_tried_again_on_that_day(tmp_path, what):
    async def scenario(config, gateway, say):
        gateway.fault(Fault("placeOrder.parent", what))
        for _ in range(3):
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
            await asyncio.sleep(1)

    _, gateway, said = serve(tmp_path, GOLDEN, scenario)
    parents = [entry for entry in gateway.placed() if "gc-20260316-RELIANCE-entry" in entry.fields]
    assert len(parents) == 1, said


def test_a_number_is_never_used_again_though_the_gateway_has_forgotten_it(tmp_path):
    """After a restart it begins at 1 again; without an open order only the journal knows how far the numbers had come."""
    journal = Journal(tmp_path / "journal")
    old = {"side": "SELL", "quantity": 1.0, "limit": None, "number": 5000}
    journal.append("intent", old, symbol="RELIANCE", reference="gc-20260105-RELIANCE-exit")
    journal.close()
    status, gateway, said = serve(tmp_path, GOLDEN, once())
    assert status == 0, said
    numbers = [order.ticket.order_id for order in gateway.book.orders.values()]
    assert len(numbers) == 2
    assert min(numbers) > 5000


@pytest.mark.parametrize("write", range(1, 26))
def test_killed_at_any_write_and_started_again(tmp_path, monkeypatch, write):
    async def scenario(config, _gateway, say):
        real, count = Journal.append, [0]

        def append(self, *arguments, **named):
            count[0] += 1
            if count[0] >= write:  # a killed bot does nothing more, whatever else it was about to do
                raise KilledError
            return real(self, *arguments, **named)

        monkeypatch.setattr(Journal, "append", append)
        with contextlib.suppress(KilledError):
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        monkeypatch.setattr(Journal, "append", real)
        await asyncio.sleep(2)
        return await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    status, gateway, said = serve(tmp_path, GOLDEN, scenario)
    entries = [o for o in gateway.book.orders.values() if o.ticket.action == "BUY" and o.status != "Held"]
    assert len(entries) <= 1
    held = sum(position.shares for position in gateway.book.accounts[ACCOUNT].positions.values())
    stops = sum(o.ticket.quantity for o in gateway.book.orders.values() if o.ticket.action == "SELL" and not o.done)
    assert held == stops, said
    assert status in (0, 1), said
    assert Journal(tmp_path / "journal").verify() > 0


def test_the_halt_file_stops_entries(tmp_path):
    async def scenario(config, _gateway, say):
        config.paths.halt.write_text("somebody is looking\n")
        return await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    status, gateway, said = serve(tmp_path, GOLDEN, scenario)
    assert status == 1
    assert gateway.placed() == []
    assert any("halted: somebody is looking" in line for line in said)


def test_outside_its_time_nothing_is_done(tmp_path):
    status, gateway, said = serve(tmp_path, GOLDEN, once(), start="12:00")
    assert status == 2
    assert gateway.log == []
    assert said == ["It is not the time of a run: nothing was done."]


def test_a_second_bot_refuses(tmp_path):
    async def scenario(config, _gateway, say):
        with single_instance(config.paths.journal), pytest.raises(JournalError, match="another bot is running"):
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    _, gateway, _ = serve(tmp_path, GOLDEN, scenario)
    assert gateway.log == []


@pytest.mark.parametrize(("start", "before", "buys"), [("11:00", 0, False), ("23:00", 0, True), ("12:00", 2, True)])
def test_check_looks_at_any_time(tmp_path, start, before, buys):
    """Two days before is a Saturday: what Friday's session asks for is said; and nothing is sent at any time."""

    async def scenario(config, _gateway, say):
        return await run_now(config, ACCOUNT, send=True, say=say, any_time=True, clock=VirtualClock())

    closes = (*GOLDEN, 99) if before else GOLDEN  # the golden cross is on the day that is looked at
    status, gateway, said = serve(tmp_path, closes, scenario, start=start, day=DAY - timedelta(days=before))
    assert status == 0, said
    assert gateway.placed() == []
    note = "There is no session now. This is what the last one, on 2026-03-13, asks for."
    assert (note in said) == bool(before)
    assert any(line.startswith("Would buy ") for line in said) == buys, said


def test_a_second_bot_of_the_same_account_refuses_whatever_its_journal(tmp_path):
    async def scenario(config, _gateway, say):
        other = config.model_copy(update={"paths": config.paths.model_copy(update={"journal": tmp_path / "other"})})
        with open_journal(other, ACCOUNT, VirtualClock()), pytest.raises(JournalError, match="with this account"):
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        with open_journal(other, "DU7654321", VirtualClock()):
            return await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    status, gateway, said = serve(tmp_path, GOLDEN, scenario)
    assert status == 0, said
    assert len(gateway.placed()) == 2
    locks = list((Path(os.environ["XDG_STATE_HOME"]) / "goldencross").iterdir())
    assert all(stat.S_IMODE(lock.stat().st_mode) == 0o600 and ACCOUNT not in lock.name for lock in locks)


def test_no_place_for_the_lock_of_the_account_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))

    async def scenario(config, _gateway, say):
        with pytest.raises(JournalError, match="cannot make the folder"):
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    _, gateway, _ = serve(tmp_path, GOLDEN, scenario)
    assert gateway.log == []


def test_it_stays_up_and_tries_again_while_there_is_time(tmp_path):
    async def scenario(config, gateway, say):
        gateway.restart(downtime=2 * 3600 + 22 * 60)  # until 15:22, two minutes after the time of the run
        task = asyncio.create_task(stay_up(config, ACCOUNT, send=True, say=say, clock=VirtualClock()))
        await asyncio.sleep(timedelta(hours=4).total_seconds())
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    _, gateway, said = serve(tmp_path, GOLDEN, scenario, start="13:00")
    assert "The next run is at 2026-03-16 15:20 at the exchange, for RELIANCE." in said
    assert any(line.startswith("cannot connect") for line in said)
    assert any("shares are under a stop" in line for line in said), said
    assert len(gateway.placed()) == 2


def test_nothing_to_do_is_done_quietly(tmp_path):
    status, gateway, said = serve(tmp_path, RISING, once())
    assert status == 0
    assert gateway.placed() == []
    assert "RELIANCE: not held, and no golden cross at the last close." in said


def test_the_month_of_the_demo(tmp_path):
    said = []
    assert demo(3, tmp_path / "journal.sqlite", said.append) == 0
    assert said[-2].startswith("The month is over: 1,000,000.00 became ")
    assert any("shares are under a stop" in line for line in said)
    state = state_of(Journal(tmp_path / "journal.sqlite").events())
    assert len(state.runs) == 19
    assert all(run["status"] == 0 for run in state.runs)
    assert now().tzinfo is not None


# The command


@pytest.mark.parametrize(
    ("words", "account", "message"),
    [
        (["check", "nowhere.toml"], ACCOUNT, "nowhere.toml: cannot be read"),
        (["run", "CONFIG", "--once"], "", "GOLDENCROSS_ACCOUNT is not set"),
        (["run", "CONFIG", "--once"], "U1234567", "is a live account, but the file says mode = 'paper'"),
        (["run", "CONFIG", "--once", "--real-money"], ACCOUNT, "--real-money is for a live account"),
        (["status", "CONFIG"], ACCOUNT, "there is no journal"),
        (["journal", "CONFIG", "--format", "xml"], ACCOUNT, "--format xml"),
        (["demo", "--seed", "-1"], ACCOUNT, "seed is -1; it must be 0 or more"),
    ],
)
def test_refusals_are_one_line_and_status_2(config, words, account, message):
    done = cli(*[config if word == "CONFIG" else word for word in words], account=account)
    assert done.exit_code == 2
    assert message in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert "1234567" not in done.stderr


def test_a_live_account_needs_a_second_switch(config):
    config.write_text(
        config.read_text().replace('mode = "paper"', 'mode = "live"').replace("port = 4002", "port = 4001")
    )
    done = cli("run", config, "--once", "--send", account="U1234567")
    assert done.exit_code == 2
    assert "--real-money" in done.stderr


def test_status_and_journal_are_sentences(tmp_path):
    serve(tmp_path, GOLDEN, once())
    config = tmp_path / "bot.toml"
    status = cli("status", config)
    assert status.exit_code == 0
    lines = status.stdout.splitlines()
    assert lines[:2] == ["0 alarms to look at.", "1 position held, as last seen."]
    assert lines[2].endswith("shares, all under a stop.")
    journal = cli("journal", config)
    assert "will buy" in journal.stdout
    assert all(line.isascii() and line.endswith(".") for line in journal.stdout.splitlines())
    assert ACCOUNT not in journal.stdout


def test_halt_and_resume(config):
    assert cli("halt", config, "looking").exit_code == 0
    assert (config.parent / "HALT").exists()
    assert "allowed again" in cli("resume", config).stdout
    assert not (config.parent / "HALT").exists()
