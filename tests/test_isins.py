"""An ISIN that changed is found, and says what it became."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import live.cli
import live.service
from engine.errors import DataError, InputError
from live.command import app
from live.config import load_config
from live.isins import IsinTable, instrument_lines
from live.schema import Instrument

DATA = next((up / "shared/data" for up in Path(__file__).resolve().parents if (up / "shared/data").is_dir()), Path())
EXAMPLE = Path(__file__).parent.parent / "docs/example-config.toml"

OLD, MIDDLE, NEW = "INE918I01018", "INE918I01026", "INE296A01032"  # true check digits, made-up history
RELIANCE, TCS = "INE002A01018", "INE467B01029"
TABLE = f"""symbol,isin,seen_in
ALPHA,{OLD},2019 list; 2020-03 list
ALPHA,{MIDDLE},2020-11 list
ALPHA,{NEW},latest list
RELIANCE,{RELIANCE},2020 list; 2025-06 list
TCS,{TCS},2020 list
TCSNEW,{TCS},2025-06 list
"""


def table(tmp_path, text=TABLE):
    path = tmp_path / "isins.csv"
    path.write_text(text)
    return path


@pytest.fixture
def known(tmp_path):
    return IsinTable.read(table(tmp_path))


def test_an_old_isin_says_what_it_became(known):
    found = known.of(OLD)
    assert not found.is_current
    assert [row.isin for row in found.rows] == [OLD, NEW]
    assert str(found) == (
        f"{OLD} was ALPHA (seen in 2019 list; 2020-03 list); the ISIN became {NEW} (seen in latest list)."
    )
    assert [row.isin for row in known.of(MIDDLE).rows] == [MIDDLE, NEW]


@pytest.mark.parametrize("asked", [NEW, "ALPHA", RELIANCE, "RELIANCE", "TCSNEW", TCS])
def test_what_still_holds_is_current(known, asked):
    assert known.of(asked).is_current


def test_a_new_symbol_of_one_isin(known):
    assert (
        str(known.of("TCS")) == f"{TCS} was TCS (seen in 2020 list); the symbol became TCSNEW (seen in 2025-06 list)."
    )
    assert not known.of("TCS").is_current


def test_both_may_change(tmp_path):
    text = f"symbol,isin,from\nA,{OLD},2019-01-01\nA,{NEW},2021-06-30\nB,{NEW},2021-07-01\n"
    found = IsinTable.read(table(tmp_path, text)).of(OLD)
    assert [(row.symbol, row.isin) for row in found.rows] == [("A", OLD), ("A", NEW), ("B", NEW)]
    assert str(found).endswith("then the symbol became B (since 2021-07-01).")


def test_the_newest_mention_counts(tmp_path):
    text = f"symbol,isin,seen_in\nA,{OLD},2018 list; 2021-02 list\nA,{NEW},2020 list\n"
    assert [row.isin for row in IsinTable.read(table(tmp_path, text)).of(NEW).rows] == [NEW, OLD]


def test_what_is_not_there(known):
    assert str(known.of("NOBODY")) == "NOBODY is not in the table."
    with pytest.raises(InputError, match="INE918I01019 is no ISIN, or its check digit is wrong"):
        known.of("INE918I01019")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"symbol,isin\nA,{OLD}\n", "no column is named from or seen_in"),
        ("symbol,isin,from\nA,INE918I01019,2020\n", "row 1: 'INE918I01019' is no ISIN, or its check digit is wrong"),
        (f"symbol,isin,from\nA,{OLD},2020\n,{NEW},2020\n", "row 2: there is no symbol"),
        (f"symbol,isin,seen_in\nA,{OLD},some list\n", "row 1: A has 'some list' as seen_in; it needs a year"),
        (f"symbol,isin,seen_in\nA,{OLD},2020\nA,{NEW},2020\n", f"A is {OLD} and {NEW}, both seen in 2020"),
        (f"symbol,isin,from\nA,{OLD},2020\nB,{OLD},2020\n", f"{OLD} is A and B, both since 2020"),
        ("isin,from\n", "no column is named symbol"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path, text, words):
    with pytest.raises(DataError) as caught:
        IsinTable.read(table(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def share(isin, symbol):
    return Instrument(isin=isin, symbol=symbol, closing_auction=True)


def test_a_configuration_is_compared(known):
    good = [share(NEW, "ALPHA"), share(RELIANCE, "RELIANCE"), share(TCS, "TCSNEW")]
    assert instrument_lines(known, good) == []
    old, renamed, absent, strange = instrument_lines(
        known,
        [share(OLD, "ALPHA"), share(TCS, "TCS"), share("INE009A01021", "RELIANCE"), share("INE062A01020", "SBIN")],
    )
    assert old.startswith(f"ALPHA: {OLD} was ALPHA ")
    assert old.endswith(f"the ISIN became {NEW} (seen in latest list). Change it in the configuration.")
    assert "the symbol became TCSNEW" in renamed
    assert absent == f"RELIANCE: INE009A01021 is not in the table of ISINs; for RELIANCE it has {RELIANCE}."
    assert strange == "SBIN: INE062A01020 is not in the table of ISINs."


def test_the_command(tmp_path):
    path = table(tmp_path)
    done = CliRunner().invoke(app, ["isin", OLD, "reliance", "--table", str(path)])
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0].endswith(f"the ISIN became {NEW} (seen in latest list).")
    assert (
        done.stdout.splitlines()[1]
        == f"{RELIANCE} is RELIANCE (seen in 2020 list; 2025-06 list); nothing newer is known."
    )
    assert CliRunner().invoke(app, ["isin", NEW, "--table", str(path)]).exit_code == 0
    document = json.loads(CliRunner().invoke(app, ["isin", OLD, "X", "--table", str(path), "--format", "json"]).stdout)
    assert [row["isin"] for row in document["rows"]] == [OLD, NEW]
    assert document["unknown"] == ["X"]
    for wrong in ("INE918I01019", "ine918i01019"):
        refused = CliRunner().invoke(app, ["isin", wrong, "--table", str(path)])
        assert (refused.exit_code, refused.stderr.count("\n")) == (2, 1)
    assert CliRunner().invoke(app, ["isin", OLD, "--table", str(tmp_path / "none.csv")]).exit_code == 2


@pytest.fixture
def config(tmp_path, monkeypatch):
    async def nothing(*_arguments, **_options):
        return 0

    monkeypatch.setattr(live.service, "run_now", nothing)
    monkeypatch.setenv("GOLDENCROSS_ACCOUNT", "DU1234567")

    def write(isins):
        text = EXAMPLE.read_text()
        start = text.index("[[instruments]]")
        text = text[:start].replace("[paths]", '[paths]\nisins = "isins.csv"') if isins else text[:start]
        share = f'[[instruments]]\nisin = "{OLD}"\nsymbol = "ALPHA"\nclosing_auction = true\n'
        path = tmp_path / "bot.toml"
        path.write_text(text + share)
        return path

    return write


def test_check_says_it(tmp_path, config):
    path = config(isins=True)
    assert load_config(path).paths.isins == tmp_path / "isins.csv"
    table(tmp_path)
    done = CliRunner().invoke(live.cli.app, ["check", str(path)])
    assert done.exit_code == 1
    assert any(line.startswith(f"ALPHA: {OLD} was ALPHA") for line in done.stdout.splitlines())
    table(tmp_path, f"symbol,isin,from\nALPHA,{OLD},2019\n")
    assert CliRunner().invoke(live.cli.app, ["check", str(path)]).exit_code == 0
    table(tmp_path, "symbol,isin\n")
    bad = CliRunner().invoke(live.cli.app, ["check", str(path)])
    assert (bad.exit_code, bad.stderr.startswith("error: ")) == (2, True)


def test_check_without_a_table(config):
    assert CliRunner().invoke(live.cli.app, ["check", str(config(isins=False))]).exit_code == 0


@pytest.mark.skipif(not (DATA / "nse_isin_history.csv").is_file(), reason="the list of ISINs is not here")
def test_the_real_list():
    known = IsinTable.read(DATA / "nse_isin_history.csv")
    newest = pd.read_csv(DATA / "nse_isin.csv")
    assert [row.symbol for row in newest.itertuples() if known.of(row.symbol).rows[-1].isin != row.isin] == []
    rows = pd.read_csv(DATA / "nse_isin_history.csv")
    current = set(newest["isin"])
    old = {isin: known.of(isin) for isin in rows["isin"] if isin not in current}
    assert sorted(found.rows[0].symbol for found in old.values()) == [
        "BAJAJFINSV", "BAJFINANCE", "DRREDDY", "EICHERMOT", "KOTAKBANK", "NESTLEIND", "TATASTEEL"
    ]  # fmt: skip
    assert all(not found.is_current and found.rows[-1].isin in current for found in old.values())
