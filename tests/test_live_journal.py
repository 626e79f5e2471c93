"""The journal: it only grows, it notices what was changed, it survives a kill, and its state comes from its events alone."""

import contextlib
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.journal import Journal, JournalError, journal_lines, single_instance, state_of, status_lines
from live.journal.words import masked

WRITER = """
import sys
from pathlib import Path
from live.journal import Journal
journal = Journal(Path(sys.argv[1]))
for i in range(100_000):
    event = journal.append("note", {"i": i})
    print(event.number, flush=True)
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.sqlite"


def filled(path, count=5):
    journal = Journal(path)
    for i in range(count):
        journal.append("note", {"i": i, "price": 0.1 * i}, symbol="SBIN", reference=f"r{i}")
    return journal


def test_what_is_written_is_read(path):
    journal = filled(path)
    journal.close()
    again = Journal(path)
    events = again.events()
    assert [(event.number, event.data["i"], event.symbol) for event in events] == [(i + 1, i, "SBIN") for i in range(5)]
    assert again.verify() == 5
    again.append("note", {})
    assert again.verify() == 6


def test_only_the_owner_reads_it(path):
    filled(path)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_it_cannot_be_changed_by_accident(path):
    filled(path).close()
    with sqlite3.connect(path) as file:
        for statement in ("UPDATE events SET kind = 'x'", "DELETE FROM events"):
            with pytest.raises(sqlite3.IntegrityError, match="only grows"):
                file.execute(statement)


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE events SET data = '{}' WHERE number = 3", "event 3 is not as it was written"),
        ("UPDATE events SET time = '2020' WHERE number = 1", "event 1 is not as it was written"),
        ("DELETE FROM events WHERE number = 2", "event 2 is missing"),
        ("DELETE FROM events WHERE number = 1", "event 1 is missing"),
    ],
)
def test_it_notices_what_was_changed_on_purpose(path, statement, found):
    filled(path).close()
    file = sqlite3.connect(path)
    file.executescript("DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_deleted")
    file.execute(statement)
    file.commit()
    file.close()
    with pytest.raises(JournalError, match=found):
        Journal(path, read_only=True).verify()


def test_a_changed_end_is_noticed_at_once(path):
    filled(path).close()
    file = sqlite3.connect(path)
    file.executescript("DROP TRIGGER events_are_not_changed")
    file.execute("UPDATE events SET data = '{}' WHERE number = 5")
    file.commit()
    file.close()
    with pytest.raises(JournalError, match="event 5"):
        Journal(path)


def test_a_kill_loses_nothing_that_was_acknowledged(path):
    root = Path(__file__).parent.parent
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=root, stdout=subprocess.PIPE, text=True)
        first = child.stdout.readline()
        time.sleep(0.05)
        os.kill(child.pid, signal.SIGKILL)
        rest = child.stdout.read()
        child.stdout.close()
        child.wait()
        acknowledged = int((first + rest).split()[-1])
        journal = Journal(path)
        assert journal.verify() >= acknowledged
        journal.close()


def test_a_row_cannot_be_replaced(path):
    filled(path).close()
    with sqlite3.connect(path) as file, pytest.raises(sqlite3.IntegrityError, match="only grows"):
        file.execute("INSERT OR REPLACE INTO events VALUES (3, '', 'x', '', '', '{}', '')")


def test_an_older_version_does_not_undo_a_correction(path):
    journal = Journal(path)
    for name, quantity in (("x.01", 5.0), ("x.02", 4.0), ("x.01", 5.0)):
        journal.append("execution", {"execution_id": name, "quantity": quantity, "reference": "a"}, reference="a")
    assert state_of(journal.events()).bought("a") == 4.0


def test_one_bot_at_a_time(path):
    program = "import sys; from pathlib import Path; from live.journal import single_instance, JournalError\ntry:\n  with single_instance(Path(sys.argv[1])): print('held')\nexcept JournalError as error: print(error)"
    root = Path(__file__).parent.parent
    with single_instance(path):
        done = subprocess.run(
            [sys.executable, "-c", program, path], cwd=root, capture_output=True, text=True, check=True
        )
        assert "another bot is running" in done.stdout
    done = subprocess.run([sys.executable, "-c", program, path], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "held\n"


@pytest.mark.parametrize("place", ["no/where/journal.sqlite", "."])
def test_a_place_that_cannot_be_written_is_one_line(tmp_path, place):
    with pytest.raises(JournalError) as caught:
        Journal(tmp_path / place)
    assert "\n" not in str(caught.value)
    assert "nothing is sent without it" in str(caught.value)


def write_notes(journal, count):
    for i in range(count):
        journal.append("note", {"i": i})


def write_together(journal, texts):
    with journal.together():
        for text in texts:
            journal.append("note", {"text": text})


def test_several_events_are_written_as_one(path):
    journal = filled(path)
    with contextlib.suppress(KeyboardInterrupt), journal.together():
        journal.append("note", {})
        raise KeyboardInterrupt
    assert journal.verify() == 5
    with journal.together():
        write_notes(journal, 3)
        assert len(Journal(path, read_only=True).events()) == 5
    assert len(Journal(path, read_only=True).events()) == 8
    journal.append("note", {})
    assert Journal(path).verify() == 9


def test_a_full_disk_writes_none_of_several(path):
    journal = filled(path)
    journal._file.execute("PRAGMA max_page_count = 1")
    with pytest.raises(JournalError, match="cannot write the journal"):
        write_together(journal, ["", "x" * 5_000_000])
    assert journal.verify() == 5


EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("intent"),
            st.sampled_from(["a", "b"]),
            st.integers(1, 9).map(lambda n: {"quantity": 1.0, "number": n}),
        ),
        st.tuples(st.just("sent"), st.sampled_from(["a", "b"]), st.integers(1, 9).map(lambda n: {"number": n})),
        st.tuples(
            st.just("execution"),
            st.sampled_from(["a", "b"]),
            st.tuples(st.sampled_from(["x.01", "x.02", "y.01"]), st.integers(1, 5)).map(
                lambda pair: {"execution_id": pair[0], "quantity": float(pair[1])}
            ),
        ),
        st.tuples(st.just("alarm"), st.just(""), st.just({"text": "look"})),
        st.tuples(st.just("run started"), st.just(""), st.just({"send": True})),
        st.tuples(st.just("run ended"), st.just(""), st.sampled_from([0, 3]).map(lambda s: {"status": s})),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_the_state_is_what_the_events_say(tmp_path_factory, events):
    journal = Journal(tmp_path_factory.mktemp("journal") / "j.sqlite")
    for kind, reference, data in events:
        journal.append(kind, {**data, "reference": reference} if kind == "execution" else data, reference=reference)
    state = state_of(journal.events())
    assert state == state_of(journal.events())
    assert set(state.intents) == {reference for kind, reference, _ in events if kind == "intent"}
    last = {reference: data["number"] for kind, reference, data in events if kind == "intent"}
    assert state.highest_number == max(last.values(), default=0)
    newest = {}
    for kind, reference, data in events:
        if kind == "execution":
            name, revision = data["execution_id"].split(".")
            if name not in newest or newest[name][2] <= revision:
                newest[name] = (reference, data["quantity"], revision)
    for name in ("a", "b"):
        assert state.bought(name) == sum(quantity for reference, quantity, _ in newest.values() if reference == name)
    starts = [i for i, (kind, *_) in enumerate(events) if kind == "run started"]
    ended_well = [
        i
        for i, (kind, _, data) in enumerate(events)
        if kind == "run ended" and data["status"] == 0 and starts and i > starts[0]
    ]
    since = ended_well[-1] if ended_well else -1
    assert len(state.alarms) == sum(kind == "alarm" for kind, *_ in events[since + 1 :])
    journal.close()


def test_words():
    assert masked("account DU1234567 and U7654321") == "account DU12***67 and U76***21"
    state = state_of([])
    assert status_lines(state) == [
        "0 alarms to look at.",
        "0 positions held, as last seen.",
        "The bot has never run with this journal.",
    ]


def test_every_line_is_a_sentence(path):
    journal = filled(path)
    journal.append("alarm", {"text": "account DU1234567 is naked"})
    lines = journal_lines(journal.events())
    assert all(line.isascii() and line.endswith(".") for line in lines)
    assert "1234567" not in " ".join(lines)
