"""Limits and the halt file: every one refuses with a reason, and what is allowed is counted."""

import math
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InputError, OutputError
from live.errors import LimitError, MoneyError
from live.halting import halt, halted, resume
from live.limits import Entry, Limits, Tally, refusals, require_allowed

TODAY = date(2026, 11, 23)
LIMITS = Limits(3, 100_000.0, 250_000.0, 20_000.0, 3.0, 5)
ENTRY = Entry("SBIN", 100.0, 800.0, 795.0)
TALLY = Tally(TODAY, 1_000_000.0)


@pytest.fixture
def halt_file(tmp_path):
    return tmp_path / "HALT"


def asked(halt_file, entry=ENTRY, tally=TALLY, limits=LIMITS, **change):
    given = {"day": TODAY, "equity": 1_000_000.0, "positions": 0, "halt_file": halt_file, **change}
    return refusals(entry, tally, limits, **given)


def test_an_ordinary_entry_is_allowed_and_counted(halt_file):
    assert asked(halt_file) == ()
    tally = require_allowed(ENTRY, TALLY, LIMITS, day=TODAY, equity=1e6, positions=0, halt_file=halt_file)
    assert (tally.orders, tally.notional) == (1, 80_000.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"entry": replace(ENTRY, quantity=126.0)}, "100,800.00 is more than an order may have, 100,000.00"),
        ({"entry": replace(ENTRY, limit=820.0)}, "limit 820 is 3.14 percent from the last close 795, 3 are allowed"),
        ({"entry": replace(ENTRY, limit=770.0)}, "limit 770 is 3.14 percent"),
        ({"entry": replace(ENTRY, limit=math.nan)}, "limit is nan"),
        ({"entry": replace(ENTRY, quantity=0.0)}, "quantity is 0.0"),
        ({"entry": replace(ENTRY, last_close=1.7976931348623157e308)}, "last close is 1.79"),
        ({"tally": replace(TALLY, orders=3)}, "3 orders were sent today, 3 are allowed"),
        ({"tally": replace(TALLY, notional=170_001.0)}, "250,001.00 with today's other orders is more than a day"),
        ({"day": date(2026, 11, 25)}, "the counters are those of 2026-11-23, today is 2026-11-25"),
        ({"equity": 980_000.0}, "the day has lost 20,000.00, at 20,000.00 there are no more entries"),
        ({"equity": math.nan}, "equity is nan"),
        ({"equity": 1.7976931348623157e308}, "the broker has not set it"),
        ({"positions": 5}, "5 positions are held or on the way, 5 are allowed"),
    ],
)
def test_every_limit_refuses_with_its_reason(halt_file, change, reason):
    found = asked(halt_file, **change)
    assert any(reason in each for each in found), found
    given = {"day": TODAY, "equity": 1e6, "positions": 0, "halt_file": halt_file}
    entry, tally = change.get("entry", ENTRY), change.get("tally", TALLY)
    given |= {name: value for name, value in change.items() if name in given}
    with pytest.raises(LimitError, match="SBIN: "):
        require_allowed(entry, tally, LIMITS, **given)


@pytest.mark.parametrize(
    "change",
    [
        {"entry": replace(ENTRY, quantity=125.0)},
        {"tally": replace(TALLY, orders=2)},
        {"tally": replace(TALLY, notional=170_000.0)},
        {"equity": 980_000.01},
        {"positions": 4},
        {"entry": Entry("X", 1.0, 103.0, 100.0)},
        {"entry": Entry("X", 1.0, 97.0, 100.0)},
    ],
)
def test_at_the_limit_is_allowed(halt_file, change):
    assert asked(halt_file, **change) == ()


def test_all_reasons_are_told_at_once(halt_file):
    halt(halt_file, "looks odd")
    found = asked(halt_file, entry=replace(ENTRY, limit=9e5), tally=replace(TALLY, orders=3), equity=1.0, positions=5)
    assert len(found) == 7
    assert found[0] == "halted: looks odd"


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 500), st.floats(1, 5000), st.floats(0.9, 1.1)), max_size=12),
    st.integers(1, 6),
    st.floats(1, 1e6),
    st.floats(1, 2e6),
)
def test_a_day_of_entries_never_exceeds_a_limit(tmp_path_factory, wanted, most, order, together):
    halt_file = tmp_path_factory.getbasetemp() / "no such file"
    limits, tally, sent = Limits(most, order, together, 20_000.0, 3.0, 100), TALLY, []
    for quantity, close, factor in wanted:
        entry = Entry("X", float(quantity), close * factor, close)
        try:
            tally = require_allowed(entry, tally, limits, day=TODAY, equity=1e6, positions=0, halt_file=halt_file)
        except LimitError:
            continue
        sent.append(entry)
    assert len(sent) <= most
    assert sum(entry.notional for entry in sent) <= together * (1 + 1e-12)
    assert all(entry.notional <= order and abs(entry.limit / entry.last_close - 1) <= 0.03 + 1e-9 for entry in sent)
    assert (tally.orders, tally.notional) == (len(sent), pytest.approx(sum(entry.notional for entry in sent)))


@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
@pytest.mark.parametrize("name", ["max_order_notional", "max_day_notional", "max_daily_loss", "price_band_percent"])
def test_limits_are_numbers(name, value):
    with pytest.raises(InputError, match=name):
        replace(LIMITS, **{name: value})


def test_limits_count_from_one():
    with pytest.raises(InputError, match="max_positions is 0"):
        replace(LIMITS, max_positions=0)


def test_a_tally_needs_money():
    with pytest.raises(MoneyError, match="equity at the start of the day is nan"):
        Tally(TODAY, math.nan)


# The halt file


def test_halt_and_resume(halt_file):
    assert halted(halt_file) is None
    assert not resume(halt_file)
    halt(halt_file, "daily loss\nof 5 percent")
    halt(halt_file, "second reason")
    assert halted(halt_file) == "daily loss of 5 percent"
    assert asked(halt_file) == ("halted: daily loss of 5 percent",)
    assert resume(halt_file)
    assert asked(halt_file) == ()


def test_in_doubt_it_is_halted(tmp_path):
    empty, broken, odd = tmp_path / "EMPTY", tmp_path / "BROKEN", tmp_path / "ODD"
    empty.touch()
    broken.symlink_to(tmp_path / "nowhere")
    odd.write_bytes(b"\xff\xfe")
    folder = tmp_path / "FOLDER"
    folder.mkdir()
    assert halted(empty) == f"{empty} exists"
    assert halted(broken) == f"{broken} exists"
    assert halted(folder) == f"{folder} exists"
    assert halted(odd)
    assert "cannot be looked for" in halted(empty / "below a file")
    assert "cannot be looked for" in halted(tmp_path / ("x" * 5000))


def test_a_halt_that_fails_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="stop the bot itself"):
        halt(tmp_path / "file" / "HALT", "why")
    with pytest.raises(OutputError, match="remove it by hand"):
        resume(tmp_path)


def test_halt_makes_its_folder(tmp_path):
    halt(tmp_path / "new" / "HALT", "why")
    assert halted(tmp_path / "new" / "HALT") == "why"
