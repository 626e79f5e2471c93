"""The config file: what it takes, what it refuses and in which words, and that it never holds an account."""

import csv
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InputError
from engine.settings import TrailingStop
from live.config import ACCOUNT_VARIABLE, account_of, load_config, parse_config
from live.errors import ConfigError
from live.limits import Limits
from live.schema import is_isin

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs/example-config.toml"
TEXT = EXAMPLE.read_text()
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(autouse=True)
def no_account(monkeypatch):
    monkeypatch.delenv(ACCOUNT_VARIABLE, raising=False)


def parse(text):
    return parse_config(text, Path("/bot/config.toml"))


def changed(*pairs):
    text = TEXT
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith("/bot/config.toml: ")
    assert "\n" not in message
    return message


# The example


def test_the_example_is_valid_and_its_comments_are_the_defaults():
    plain = load_config(EXAMPLE)
    lines = re.sub(r"^# (?=\w+ = )", "", TEXT, flags=re.MULTILINE)
    assert lines.count(" = ") == TEXT.count(" = ")
    assert parse_config(lines, EXAMPLE) == plain


def test_the_example_has_every_key():
    def keys(model):
        for name, field in model.model_fields.items():
            inner = [field.annotation, *getattr(field.annotation, "__args__", ())]
            tables = [each for each in inner if hasattr(each, "model_fields")]
            yield name
            for table in tables:
                yield from keys(table)

    for name in keys(type(load_config(EXAMPLE))):
        assert re.search(rf"(^|# |\[){name}( =|\])", TEXT, re.MULTILINE), name


def test_the_examples_isins_are_those_of_the_list():
    path = DATA / "nse_isin.csv"
    if not path.is_file():
        path = Path("/work/shared/data/nse_isin.csv")
    if not path.is_file():
        pytest.skip("the list is not here")
    with path.open() as file:
        listed = {row["symbol"]: row["isin"] for row in csv.DictReader(file)}
    assert all(listed[each.symbol] == each.isin for each in load_config(EXAMPLE).instruments)


def test_describe_says_what_it_does():
    text = "\n".join(load_config(EXAMPLE).describe())
    for words in (
        "paper, no real money",
        "127.0.0.1 port 4002",
        "50-day average crosses above the 200-day",
        "stop 3 ATR (14 days, sma)",
        "about 2.00% of equity",
        "At most 5 positions, each at most 20% of equity; first: the strongest cross.",
        "Runs 5 minutes before 15:15 (closing auction since 2026-08-03), Asia/Kolkata, for RELIANCE, TCS",
        "At most 5 entry orders a day.",
        "100,000 INR in an entry, 300,000 INR in all",
        "loss of 20,000 INR",
        "more than 3 percent",
        "HALT exists",
    ):
        assert words in text, words


def test_describe_of_the_other_choices():
    text = changed(
        ('mode = "paper"', 'mode = "live"'),
        ("port = 4002", "port = 4001"),
        ('stop_kind = "fixed"', 'stop_kind = "chandelier"'),
        ('priority = "strongest"', 'priority = ["TCS", "SBIN"]'),
        ("closing_auction = true", "closing_auction = false"),
    )
    lines = "\n".join(parse(text).describe())
    assert "REAL MONEY" in lines
    assert "follows the ATR" in lines
    assert "first: TCS, SBIN." in lines
    assert "Runs 5 minutes before 15:30, Asia/Kolkata, for RELIANCE." in lines


def test_what_others_take_from_it():
    config = parse(TEXT)
    assert config.rules.stop == TrailingStop(3.0, 14, "sma", "fixed")
    assert Limits.of(config) == Limits(5, 100_000.0, 300_000.0, 20_000.0, 3.0, 5)
    assert config.run.before.total_seconds() == 300
    assert config.paths.halt == Path("/bot/HALT")
    assert isinstance(ConfigError("x"), InputError)


def test_absolute_paths_stay(tmp_path):
    config = parse(changed(('journal = "journal"', f'journal = "{tmp_path}/a"'), ('halt = "HALT"', 'halt = "~/HALT"')))
    assert (config.paths.journal, config.paths.halt) == (tmp_path / "a", Path.home() / "HALT")


# What it refuses


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("port = 4002", "prot = 4002", "gateway.prot is not known; did you mean port?; gateway.port is missing"),
        ("fast = 50", "fats = 50", "rules.fats is not known; did you mean fast?"),
        ("[limits]", "[limit]", "limit is not known; did you mean limits?"),
        ('isin = "INE467B01029"', 'isim = "INE467B01029"', "instruments number 2.isim is not known; did you mean isin?"),
        ("[run]", "[run]\nzzz = 1", "run.zzz is not known; known are minutes_before_last_entry"),
        ("port = 4002", "", "gateway.port is missing"),
        ("port = 4002", 'port = "4002"', "gateway.port is '4002': input should be a valid integer"),
        ("port = 4002", "port = 70000", "gateway.port is 70000"),
        ("port = 4002", "port = 4001", "gateway.port 4001 is not one of a paper account; take 4002"),
        ('mode = "paper"', 'mode = "live"', "gateway.port 4002 is not one of a live account; take 4001"),
        ('mode = "paper"', 'mode = "demo"', "account.mode is 'demo'"),
        ("port = 4002", 'port = 4002\nhost = "0.0.0.0"', "gateway.host: '0.0.0.0' is another machine"),
        ("port = 4002", 'port = 4002\nhost = "10.0.0.2"', "another machine"),
        ("INE002A01018", "INE002A01019", "instruments number 1.isin: 'INE002A01019' is no ISIN"),
        ("INE467B01029", "INE002A01018", "instruments: isin INE002A01018 is there twice"),
        ('symbol = "TCS"', 'symbol = "SBIN"', "instruments: symbol SBIN is there twice"),
        ('symbol = "TCS"', 'symbol = "TCS"\nexchange = "BSE"', "instruments number 2.exchange is 'BSE'"),
        ('symbol = "TCS"', 'symbol = "TCS"\ncurrency = "USD"', "instruments number 2.currency is 'USD'"),
        ('symbol = "TCS"', 'symbol = "TCS"\nlot = 0', "instruments number 2.lot is 0"),
        ("closing_auction = true", "closing_auction = 1", "instruments number 1.closing_auction is 1"),
        ("closing_auction = true", "", "instruments number 1.closing_auction is missing"),
        ("fast = 50", "fast = 200", "rules: fast is 200 and slow 200"),
        ("risk = 0.02", "risk = 0.06", "rules: risk is 0.06, 6% of equity on every position; take 0.05 or less"),
        ("risk = 0.02", "risk = nan", "rules.risk is nan"),
        ("risk = 0.02", "risk = 0", "rules.risk is 0"),
        ("max_weight = 0.2", "max_weight = 20", "rules.max_weight is 20"),
        ("stop_multiple = 3.0", "stop_multiple = inf", "rules.stop_multiple is inf"),
        ('stop_kind = "fixed"', 'stop_kind = "tight"', "rules.stop_kind is 'tight'"),
        ('priority = "strongest"', 'priority = ["TCS", "NOPE"]', "priority must name symbols"),
        ('priority = "strongest"', 'priority = ["TCS", "TCS"]', "priority must name symbols"),
        ("max_daily_loss = 20_000", "max_daily_loss = -1", "limits.max_daily_loss is -1"),
        ("max_daily_loss = 20_000", "max_daily_loss = 1.7976931348623157e308", "limits.max_daily_loss is 1.79"),
        ("max_order_notional = 100_000", "max_order_notional = 400_000", "limits: max_order_notional is 400000, more than"),
        ("max_orders_per_day = 5", "max_orders_per_day = 5.5", "limits.max_orders_per_day is 5.5"),
        ("price_band_percent = 3.0", "price_band_percent = 50", "limits.price_band_percent is 50"),
        ("minutes_before_last_entry = 5", "minutes_before_last_entry = 1", "run.minutes_before_last_entry is 1"),
        ('halt = "HALT"', 'halt = "journal"', "paths: journal and halt are both journal"),
        ("[account]", "[account", "is no TOML"),
    ],
)  # fmt: skip
def test_refusals(old, new, words):
    assert words in refused(changed((old, new)))


def test_high_risk_can_be_allowed():
    text = changed(("risk = 0.02", "risk = 0.06\nallow_high_risk = true"))
    assert parse(text).rules.risk == 0.06
    assert parse(changed(("risk = 0.02", "risk = 0.05"))).rules.risk == 0.05


def test_no_instruments():
    assert "instruments: value should have at least 1 item" in refused(
        TEXT[: TEXT.index("[[instruments]]")].replace("[account]", "instruments = []\n[account]")
    )


def test_many_faults_are_one_line():
    message = refused("a = 1\nb = 2\nc = 3\nd = 4")
    assert "a is not known" in message
    assert message.endswith("; and 5 more")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match=r"cannot be read .*; copy docs/example-config.toml"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_config(tmp_path / "bad.toml")


# The account


@pytest.mark.parametrize("account", ["U1234567", "DU1234567", "u1234567", "DF123456", "F7654321", "U12345678"])
@pytest.mark.parametrize("where", ["# ours is {}\n", '[account]\nid = "{}"\n', 'x = "client:{}"\n'])
def test_a_file_with_an_account_is_refused_and_not_repeated(account, where):
    message = refused(
        where.format(account) + TEXT.replace("[account]\n", "[account]\n" if "[acc" not in where else "", 1)
    )
    assert "looks like an account id" in message
    assert account not in message


def test_a_file_with_the_very_account_is_refused(monkeypatch):
    monkeypatch.setenv(ACCOUNT_VARIABLE, "MYODDACCOUNT")
    assert "looks like an account id" in refused(TEXT + "\n# myoddaccount\n")


def test_a_key_for_the_account_is_refused():
    message = refused(changed(("[account]", '[account]\nid = "mine"')))
    assert "account.id must not be in the file; the account comes from the environment variable" in message


def test_accounts_match_the_mode():
    paper = parse(TEXT)
    live = parse(changed(('mode = "paper"', 'mode = "live"'), ("port = 4002", "port = 4001")))
    assert account_of(paper, {ACCOUNT_VARIABLE: " DU1234567 "}) == "DU1234567"
    assert account_of(live, {ACCOUNT_VARIABLE: "U1234567"}) == "U1234567"
    for config, account, words in (
        (paper, "U1234567", "is a live account, but the file says mode = 'paper'"),
        (live, "DU1234567", "is a paper account, but the file says mode = 'live'"),
        (paper, "X1", "is no account id"),
        (paper, "", "is not set; set it to the id of your paper account"),
        (live, "  ", "is not set"),
    ):
        with pytest.raises(ConfigError, match=re.escape(words)) as caught:
            account_of(config, {ACCOUNT_VARIABLE: account})
        assert not account.strip() or account not in str(caught.value)


def test_the_account_is_taken_from_the_environment(monkeypatch):
    monkeypatch.setenv(ACCOUNT_VARIABLE, "DU7654321")
    assert account_of(parse(TEXT)) == "DU7654321"
    assert "7654321" not in repr(parse(TEXT))


# ISINs


@pytest.mark.parametrize("isin", ["INE002A01018", "US0378331005", "AU0000XVGZA3", "GB0002634946", "DE000BAY0017"])
def test_isins(isin):
    assert is_isin(isin)


@pytest.mark.parametrize("isin", ["", "INE002A0101", "ine002a01018", "INE002A01018 ", "0NE002A01018", "INE002A0101X"])
def test_what_is_no_isin(isin):
    assert not is_isin(isin)


@given(st.sampled_from(["INE002A01018", "INE467B01029", "INE154A01025"]), st.integers(2, 11), st.integers(0, 9))
def test_one_wrong_digit_is_found(isin, place, digit):
    wrong = isin[:place] + str(digit) + isin[place + 1 :]
    if isin[place].isdigit():
        assert is_isin(wrong) == (wrong == isin)
