"""A disk that is full, or that fails, at any moment of a run: nothing is sent that was not written down, and existing stops stay."""

import asyncio
import resource

import pytest

from live.flattening import flatten_now
from live.gateway import VirtualClock
from live.journal import Journal, JournalError
from live.service import run_now
from tests.test_live_flatten import buy, held, live_orders, play
from tests.test_live_journal_files import no_file_grows_beyond
from tests.test_live_runner import DEATH, GOLDEN, RISING
from tests.test_live_service import ACCOUNT, cli, once, serve


def fails_at(monkeypatch, write):
    """Let the disk take nothing from a write of the journal on; give what undoes that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    real, count = Journal.append, [0]

    def append(self, *arguments, **named):
        count[0] += 1
        if count[0] == write:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        return real(self, *arguments, **named)

    monkeypatch.setattr(Journal, "append", append)

    def undo():
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        monkeypatch.undo()

    return undo


def test_full_from_the_start_nothing_is_sent(tmp_path):
    async def scenario(config, _gateway, say):
        with no_file_grows_beyond(1_000_000), pytest.raises(JournalError, match="cannot open the journal") as caught:
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        return str(caught.value)

    line, gateway, _ = serve(tmp_path, GOLDEN, scenario)
    assert "\n" not in line
    assert "nothing is sent without it" in line
    assert gateway.log == []


def test_the_command_ends_with_status_2_and_one_line(tmp_path, monkeypatch):
    """As it is typed, on an ordinary day."""
    serve(tmp_path, RISING, once())
    (tmp_path / "journal").write_bytes((tmp_path / "journal").read_bytes()[: 4096 * 3])
    for command in (["run", tmp_path / "bot.toml", "--once", "--send"], ["status", tmp_path / "bot.toml"]):
        monkeypatch.setattr("live.service.SystemClock", _Clock)
        done = cli(*command)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: ")
        assert done.stderr.count("\n") == 1
        assert str(tmp_path / "journal") in done.stderr


class _Clock:
    """A moment at which a run may begin."""

    def now(self):
        from tests.test_live_flatten import at

        return at("15:21")

    def elapsed(self):
        return 0.0

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)


WRITES_OF_A_PURCHASE = 19
"""Of a run that buys; the last ones are what is said at the end, and the status."""


@pytest.mark.parametrize("write", range(1, WRITES_OF_A_PURCHASE + 1))
def test_failing_at_any_write_of_a_purchase(tmp_path, monkeypatch, write):
    """What is sent was written before; what was bought is under its stop; and the run ends with an error."""

    async def scenario(config, gateway, say):
        undo, first = fails_at(monkeypatch, write), []
        try:
            status = await run_now(config, ACCOUNT, send=True, say=first.append, clock=VirtualClock())
        except JournalError as error:
            assert "cannot write the journal" in str(error)  # noqa: PT017  it depends on the write whether there is one
            assert not gateway.placed()
        else:  # not status 2, which says that nothing was done
            assert status == 3
            assert first.pop().endswith("Orders were sent before it; somebody has to look.")
        finally:
            undo()
        if any("held after the run" in line for line in first):  # it was over, and only that could not be written
            assert any(line.startswith("RELIANCE: bought ") for line in first)
            assert write > WRITES_OF_A_PURCHASE - 5
        else:
            assert first[-1].startswith("It is broken off, because the journal cannot be written: nothing more is sent")
        await asyncio.sleep(1)  # what is on its way arrives
        sent = len(gateway.placed())
        await asyncio.sleep(30)
        assert len(gateway.placed()) == sent
        written = sum(event.kind == "intent" for event in Journal(config.paths.journal, read_only=True).events())
        assert sent <= written
        return await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())

    status, gateway, said = serve(tmp_path, GOLDEN, scenario)
    assert status in (0, 1), said
    assert len({order.ticket.reference for order in gateway.book.orders.values()}) == len(gateway.book.orders)
    stops = sum(o.remaining for o in gateway.book.orders.values() if o.ticket.action == "SELL" and not o.done)
    assert stops == held(gateway).get(1001, 0)
    assert Journal(tmp_path / "journal").verify() > 0


def test_before_the_intent_can_be_written_no_order_is_sent(tmp_path, monkeypatch):
    """The intent is written with the orders of the run together, so its write is looked for by its kind."""

    async def scenario(config, gateway, say):
        real, (soft, hard) = Journal.append, resource.getrlimit(resource.RLIMIT_FSIZE)

        def append(self, kind, *arguments, **named):
            if kind == "intent":
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
            return real(self, kind, *arguments, **named)

        monkeypatch.setattr(Journal, "append", append)
        try:
            with pytest.raises(JournalError, match="cannot write the journal"):
                await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert gateway.placed() == []

    serve(tmp_path, GOLDEN, scenario)


@pytest.mark.parametrize("write", range(1, 12))
@pytest.mark.parametrize("command", ["run", "flatten"])
def test_full_from_any_write_on_a_sale_comes_to_its_end(tmp_path, monkeypatch, write, command):
    """No file can grow any more, as on a full disk: the room that was taken at the start is enough to cancel the stop, to sell, and to say so."""

    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        real, count, (soft, hard) = Journal.append, [0], resource.getrlimit(resource.RLIMIT_FSIZE)

        def append(self, *arguments, **named):
            count[0] += 1
            if count[0] == write:
                sizes = [file.stat().st_size for file in tmp_path.iterdir() if file.name != "journal.head"]
                resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes), hard))
            return real(self, *arguments, **named)

        monkeypatch.setattr(Journal, "append", append)
        try:
            if command == "run":
                return await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock()), count[0]
            return await flatten_now(config, ACCOUNT, (), send=True, say=say, clock=VirtualClock()), count[0]
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    (status, writes), gateway, said = play(tmp_path, scenario, {"RELIANCE": DEATH, "TCS": RISING}, start="15:19")
    assert writes > write
    assert (status, held(gateway), live_orders(gateway)) == (0, {}, []), said
    assert Journal(tmp_path / "journal").verify() >= writes


def test_without_room_a_stop_is_not_touched(tmp_path, monkeypatch):
    """The room is used up, and there is no more: the sale of a death cross is not begun, the stop stays in place."""

    async def scenario(config, gateway, say):
        await buy(gateway, "RELIANCE")
        real = Journal.require_room

        def full(self):
            free = self._file.execute("PRAGMA freelist_count").fetchone()[0]
            self._file.execute("INSERT INTO room VALUES (zeroblob(?))", (max(0, free - 40) * 4096,))
            self._file.execute("PRAGMA max_page_count = 1")  # SQLite takes it for: as large as it is
            real(self)

        monkeypatch.setattr(Journal, "require_room", full)
        with pytest.raises(JournalError, match="the disk is full"):
            await run_now(config, ACCOUNT, send=True, say=say, clock=VirtualClock())
        monkeypatch.undo()

    _, gateway, said = play(tmp_path, scenario, {"RELIANCE": DEATH, "TCS": RISING}, start="15:19")
    assert [e for e in gateway.log if e.kind == "cancelOrder"] == []
    assert held(gateway) == {1001: 10}
    assert live_orders(gateway) == [(1001, "SELL", 10)], said
