"""The files of a journal: a missing end is noticed, only the owner reads them, and whatever is wrong with them is one line."""

import contextlib
import os
import resource
import shutil
import sqlite3
import stat
import tempfile
from pathlib import Path

import pytest

from live.journal import Journal, JournalError, single_instance, store
from live.journal.head import Head, read_head

NOBODY = 65534


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal"


def filled(path, count=40):
    journal = Journal(path)
    for i in range(count):
        journal.append("note", {"i": i, "text": "x" * 300}, symbol="SBIN", reference=f"r{i}")
    return journal


def copied(path, target, content=None):
    """Copy file and head, the file perhaps with other content."""
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(path.read_bytes() if content is None else content)
    shutil.copy(f"{path}.head", f"{target}.head")
    return target


def refused(path, **how):
    """Open, and give the one line that says why that cannot be done."""
    with pytest.raises(JournalError) as caught:
        Journal(path, **how)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    return str(caught.value)


def without_guard(path, *statements):
    """Do what the file itself does not allow."""
    file = sqlite3.connect(path)
    file.executescript(
        "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_deleted; DROP TRIGGER events_are_not_replaced"
    )
    for statement in statements:
        file.execute(statement)
    file.commit()
    file.close()


@contextlib.contextmanager
def no_file_grows_beyond(size):
    """Stand for a full disk: what is in a file can be overwritten, nothing can be added beyond so many bytes; 0 is a disk that takes nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# The end


def test_a_file_that_is_cut_anywhere_is_an_error(path, tmp_path):
    filled(path).close()  # the write-ahead log is put into the file
    whole = path.read_bytes()
    assert Journal(copied(path, tmp_path / "whole"), read_only=True).verify() == 40
    used = 4096 * 12  # all events are in these pages; of those behind, some edges
    for size in (*range(0, used, 512), *range(used, len(whole), 64 * 4096), len(whole) - 4096, len(whole) - 1):
        target = tmp_path / "cut"
        copied(path, target, whole[:size])
        refused(target, read_only=True)


def test_an_older_copy_is_an_error(path, tmp_path):
    filled(path).close()
    older = path.read_bytes()
    journal = Journal(path)
    journal.append("note", {})
    journal.close()
    target = copied(path, tmp_path / "older", older)
    assert "event 41 is not in it" in refused(target)
    assert "event 41 is not in it" in refused(target, read_only=True)


def test_a_file_that_is_gone_is_an_error(path):
    filled(path).close()
    path.unlink()
    assert "events 1 to 40 are not in it" in refused(path)


def test_events_removed_at_the_end_are_missed(path):
    filled(path).close()
    without_guard(path, "DELETE FROM events WHERE number > 37")
    assert "events 38 to 40 are not in it" in refused(path)


def test_a_shorter_write_ahead_log_is_an_error(path, tmp_path):
    journal = filled(path)
    target = copied(path, tmp_path / "copy")
    log = Path(f"{path}-wal").read_bytes()
    used = max(i for i, byte in enumerate(log) if byte)
    found = []
    for size in range(0, 2 * 4096 * 40, 1024):
        Path(f"{target}-wal").write_bytes(log[:size])
        Path(f"{target}-shm").unlink(missing_ok=True)
        try:
            found.append(Journal(target, read_only=True).verify())
        except JournalError as error:
            assert "\n" not in str(error)  # noqa: PT017
            found.append(0)
    assert used > 0
    assert set(found) == {0, 40}
    journal.close()


@pytest.mark.parametrize("events", [0, 1, 2])
def test_a_kill_between_event_and_head_is_harmless(path, monkeypatch, events):
    class KilledError(BaseException):
        pass

    def killed(*_):
        raise KilledError

    journal = filled(path, events)
    monkeypatch.setattr(store, "write_head", killed)
    with pytest.raises(KilledError):
        journal.append("note", {"last": True})
    monkeypatch.undo()
    journal.close()
    assert read_head(path).number == events
    again = Journal(path)
    assert again.verify() == events + 1
    assert read_head(path) == Head(events + 1, again.events()[-1].hash)
    assert again.append("note", {}).number == events + 2


def test_a_power_cut_spoils_one_place_of_the_head_at_most(path, tmp_path):
    filled(path).close()
    for place in (0, 128):
        target = copied(path, tmp_path / f"spoilt{place}")
        head = bytearray(Path(f"{target}.head").read_bytes())
        head[place + 30] ^= 1
        Path(f"{target}.head").write_bytes(head)
        assert Journal(target, read_only=True).verify() == 40
        assert read_head(target).number == (39 if place == 0 else 40)


def test_a_head_that_is_damaged_missing_or_of_another_journal_is_an_error(path, tmp_path):
    filled(path).close()
    head = Path(f"{path}.head")
    kept = head.read_bytes()
    head.write_bytes(b"nonsense")
    assert "is damaged" in refused(path)
    head.unlink()
    assert "is missing" in refused(path)
    other = tmp_path / "other"
    filled(other, 7).close()
    shutil.copy(f"{other}.head", head)
    assert "is the head of another journal" in refused(path)
    head.write_bytes(kept)
    assert Journal(path).verify() == 40


def test_looking_while_a_bot_writes_is_no_error(path):
    """The head is read before the events: what comes in between makes the journal longer, never shorter."""
    journal = filled(path, 3)
    real, events = store.read_head, []

    def read_head_then_write(where):
        head = real(where)
        if not events:
            events.append(journal.append("note", {}))
        return head

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "read_head", read_head_then_write)
        assert Journal(path, read_only=True).verify() == 4
    journal.close()


# The owner


def modes(folder):
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


@contextlib.contextmanager
def lax_umask():
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def test_only_the_owner_reads_anything(tmp_path):
    path = tmp_path / "bot" / "journal"
    with lax_umask(), single_instance(path):
        journal = filled(path, 3)
        found = modes(path.parent)
        assert set(found) == {"journal", "journal-wal", "journal-shm", "journal.head", "journal.lock"}
        assert set(found.values()) == {0o600}
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        looked = Journal(path, read_only=True)
        assert set(modes(path.parent).values()) == {0o600}
        looked.close()
        journal.close()


def test_files_that_others_can_read_are_closed_to_them(path):
    filled(path, 3).close()
    for file in (path, Path(f"{path}.head")):
        file.chmod(0o644)
    journal = Journal(path)
    assert set(modes(path.parent).values()) == {0o600}
    journal.close()


def test_folders_above_are_not_made(tmp_path):
    assert "there is no folder" in refused(tmp_path / "misspelt" / "folder" / "journal")
    assert list(tmp_path.iterdir()) == []


# What is no journal


def test_the_database_of_another_program_is_refused_and_not_touched(path):
    file = sqlite3.connect(path)
    file.execute("CREATE TABLE events (number INTEGER, said TEXT)")
    file.execute("INSERT INTO events VALUES (1, 'mine')")
    file.commit()
    file.close()
    path.chmod(0o644)
    before = path.read_bytes()
    assert "is the file of another program" in refused(path)
    assert "is the file of another program" in refused(path, read_only=True)
    assert path.read_bytes() == before
    assert modes(path.parent) == {"journal": 0o644}


def test_other_files_are_refused_and_not_touched(path):
    path.write_text("halt, by hand\n" * 100)
    assert "it is no journal, or it is damaged" in refused(path)
    assert path.read_text() == "halt, by hand\n" * 100
    path.unlink()
    path.mkdir()
    refused(path)
    path.rmdir()
    os.mkfifo(path)
    assert "it is no file" in refused(path)


@pytest.mark.parametrize("where", [b"SQLite", b"CREATE TABLE events", b"SBIN", b'{"i": 17', b"CREATE TABLE room"])
def test_damage_is_one_line(path, where):
    filled(path).close()
    content = bytearray(path.read_bytes())
    damage = content.index(where)
    content[damage : damage + 8] = b"\xff" * 8
    path.write_bytes(content)
    refused(path)


def test_damage_where_no_event_is_yet_is_found_before_one_is_written_there(path):
    filled(path).close()
    content = bytearray(path.read_bytes())
    trunk = (int.from_bytes(content[32:36], "big") - 1) * 4096  # the first page of the list of free pages
    content[trunk + 4 : trunk + 8] = b"\xff" * 4
    path.write_bytes(content)
    assert "is damaged" in refused(path, read_only=True)


def said_to_nobody(path):
    """Open as another user, in a process of its own; give what is said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover  another process
        said = "nothing"
        try:
            os.setresuid(NOBODY, NOBODY, NOBODY)
            with single_instance(path):
                Journal(path)
        except BaseException as error:  # noqa: BLE001  it is told, and the process ends here
            said = f"{type(error).__name__}: {error}"
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as file:
        return file.read()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("what", ["file", "folder", "no folder"])
def test_without_permission_it_is_one_line(what):
    with tempfile.TemporaryDirectory() as name:  # pytest's own folder is closed to others already
        folder = Path(name)
        folder.chmod(0o755)
        path = folder / "journal"
        filled(path, 3).close()
        Path(f"{path}.lock").touch()
        if what == "folder":
            for file in folder.iterdir():
                os.chown(file, NOBODY, NOBODY)
        if what == "file":
            os.chown(f"{path}.lock", NOBODY, NOBODY)
        if what == "no folder":
            path = folder / "new" / "journal"
        said = said_to_nobody(path)
    assert said.startswith("JournalError: cannot "), said
    assert "permission" in said.lower()
    assert "\n" not in said


# A full disk


def test_a_disk_that_is_full_from_the_start_is_an_error(path):
    for size in (0, 1000, 4096, 100_000, 1_000_000, 2_000_000):
        with no_file_grows_beyond(size), pytest.raises(JournalError) as caught:
            Journal(path)
        assert "cannot open the journal" in str(caught.value), size
        assert "\n" not in str(caught.value)
        assert not path.exists() or Journal(path).verify() == 0


def test_a_disk_that_becomes_full_takes_what_there_is_room_for(path):
    """Room is taken when the journal is opened: no file grows, and hundreds of events are written all the same."""
    journal = Journal(path)
    files = [file for file in path.parent.iterdir() if file.name != "journal.head"]
    with no_file_grows_beyond(max(file.stat().st_size for file in files)):
        for i in range(1000):
            journal.require_room()
            journal.append("note", {"i": i, "text": "x" * 300})
    assert journal.verify() == 1000
    sizes = {file: file.stat().st_size for file in path.parent.iterdir()}
    assert sizes[path] < 3_000_000
    journal.close()


def test_when_the_room_is_used_up_no_order_can_be_written_down(path):
    journal = Journal(path)
    journal._file.execute("PRAGMA max_page_count = 1")  # SQLite takes it for: as large as it is
    with pytest.raises(JournalError, match="the disk is full"):  # noqa: PT012
        for i in range(20_000):
            journal.require_room()
            journal.append("note", {"i": i, "text": "x" * 4000})
    journal.append("note", {"text": "there is room for the news of orders that are out"})
    assert journal.verify() > 100
    journal.close()


def test_a_write_that_fails_is_an_error_and_the_journal_is_whole(path):
    journal = filled(path, 3)
    with no_file_grows_beyond(0), pytest.raises(JournalError, match="cannot write the journal") as caught:
        journal.append("note", {"text": "x"})
    assert "\n" not in str(caught.value)
    assert journal.append("note", {"text": "y"}).number in (4, 5)
    journal.close()
    assert Journal(path).verify() == 4
