"""What is taken out of every field of every message; the names of the fields against the real client's encoder and decoder."""

import dataclasses

import ib_async
import pytest
from ib_async.objects import CommissionReport, Execution
from ib_async.order import OrderState

from live.gateway.layouts import LAYOUTS, NEWEST, names_of
from live.gateway.scrubbing import AMOUNT, Scrubber
from live.gateway.vocabulary import plain
from live.gateway.wire import UNSET, WireError, encode
from tests.test_gateway_wire import VERSIONS, client, decoded, loop  # noqa: F401  loop is a fixture

ACCOUNT, PERSON, AMOUNT_HELD = "DU7654321", "Jane Doe", "987654.32"
KINDS = [(sender, kind) for sender, table in LAYOUTS.items() for kind in table]
# Written by hand, and not from the rules: which fields may tell a number as it is, and which may tell words as they are.
NUMBERS = set(
    """
    kind version requestId orderId anyId nextId clientId parentId conId underConId ruleId code barCount stepCount secIdCount tradeCount seconds
    price marketPrice volume averagePrice lastPrice capPrice strike lmtPrice auxPrice trailStopPrice trailingPercent lmtPriceOffset triggerPrice
    minTick minSize sizeIncrement suggestedSizeIncrement sizeMultiplier priceMagnifier filled remaining totalQuantity filledQuantity shares
    cumulatedShares liquidation lastLiquidity commission origin displaySize ocaType
    """.split()  # noqa: SIM905
)
WORDS = set(
    """
    symbol secType right multiplier exchange primaryExchange currency localSymbol tradingClass marketName orderTypes validExchanges longName
    contractMonth industry category subcategory timeZoneId tradingHours liquidHours evRule evMultiplier secIdType secId aggGroup underSymbol
    underSecType marketRuleIds realExpirationDate stockType issuerId action orderType tif side status flag barSize duration whatToShow
    """.split()  # noqa: SIM905
)
COUNTS = {"barCount", "stepCount", "secIdCount"}


class Message:
    """A message that fits its layout, with every group once."""

    def __init__(self, sender, kind, version):
        words = LAYOUTS[sender][kind].replace("[", " ").replace("]", " ").replace("<", " ").replace(">", " ").split()
        self.names = [word.partition("@")[0] for word in words if present(word, version)]
        others = {"deltaNeutralOrderType": "None", "hedgeType": "", "algoStrategy": "", **dict.fromkeys(COUNTS, "1")}
        self.fields = [others.get(name, "0") for name in self.names]
        self.fields[0] = kind


def present(word, version):
    low, _, high = word.partition("@")[2].partition("-")
    return int(low or 0) <= version <= int(high or 999)


@pytest.mark.parametrize("version", [157, 163, 170, 178])
@pytest.mark.parametrize(("sender", "kind"), KINDS, ids=lambda value: value)
def test_no_field_tells_what_it_must_not(sender, kind, version):
    message = Message(sender, kind, version)
    assert list(names_of(sender, tuple(message.fields), version)) == message.names
    for place, name in enumerate(message.names):
        if place == 0 or name in COUNTS:
            continue
        for secret, allowed in (
            (ACCOUNT, set()),
            (f"x{ACCOUNT} y", set()),
            (PERSON, WORDS),
            (AMOUNT_HELD, NUMBERS | WORDS),
        ):
            fields = [*message.fields]
            fields[place] = secret
            scrubber = Scrubber()
            scrubber.accounts(ACCOUNT)
            told = scrubber.clean(sender, tuple(fields), version)
            assert len(told) == len(fields)
            assert [x for x in told if ACCOUNT in x] == [], name
            if name not in allowed:
                assert [x for x in told if secret in x or secret.split()[0] in x] == [], name
            else:
                assert told[place] == secret  # so that the lists above allow no more than there is


PRIVATE = {
    "6": (3,), "7": (13, 15, 16, 17, 18), "59": (5,), "61": (14, 15), "63": (5,), "71": (15, 16), "73": (6,), "94": (2, 3, 4),
    "95": (2, 3, 4, 5, 6),
}  # fmt: skip


@pytest.mark.parametrize("kind", PRIVATE)
def test_no_amount_of_an_account_is_told_by_its_place(kind):
    # The places are typed in from the broker's list of fields, so that a name at the wrong place is noticed.
    for place in PRIVATE[kind]:
        fields = Message("gateway", kind, 178).fields
        fields[place] = AMOUNT_HELD
        told = Scrubber().clean("gateway", tuple(fields), 178)
        assert told[place] in (AMOUNT, "1"), place


def test_an_account_that_nobody_named_is_still_none():
    for name in ("symbol", "longName"):
        message = Message("gateway", "10", NEWEST)
        message.fields[message.names.index(name)] = "of U1234567"
        assert "1234567" not in str(Scrubber().clean("gateway", tuple(message.fields), NEWEST))


@pytest.mark.parametrize(
    ("sender", "fields"),
    [
        ("gateway", ("16", "1", "1", f"<xml>{ACCOUNT}</xml>")),  # groups of an adviser
        ("client", ("19", "1", "1", f"<xml>{ACCOUNT}</xml>", "5")),
        ("gateway", ("14", "1", "1", "1", PERSON, "NYSE")),  # news
        ("gateway", ("78", "1", ACCOUNT, "F")),  # family codes
        ("gateway", ("107", "1", PERSON)),
        ("gateway", ("999", ACCOUNT)),
        ("gateway", ("61", "3", ACCOUNT)),  # too short
        ("gateway", ("64", "1", "2", AMOUNT_HELD)),  # one field too many
        ("gateway", ("93", "1", "99999999999", "0")),
        ("gateway", ("93", "1", "-1", "0")),
        ("gateway", ("93", "1", "", "0")),
        ("gateway", (ACCOUNT,)),
        ("gateway", ("",)),
    ],
)
def test_what_has_no_layout_is_not_told(sender, fields):
    with pytest.raises(WireError):
        Scrubber().clean(sender, fields, 178)


@pytest.mark.parametrize("version", [0, 156, 179, 200, 225])
def test_other_versions_have_no_layout(version):
    with pytest.raises(WireError):
        Scrubber().clean("gateway", ("62", "1"), version)


def test_empty_fields_too_many_at_the_end_are_let_through():
    assert Scrubber().clean("gateway", ("62", "1", "", ""), 178) == ("62", "1", "", "")


def test_orders_of_kinds_that_the_bot_does_not_send_are_not_told():
    for name in ("legCount", "orderLegCount", "routingParameterCount", "conditionCount", "algoStrategy", "hedgeType"):
        message = Message("gateway", "5", 178)
        place = message.names.index(name)
        fields = [*message.fields[:place], "1", "1", PERSON, *message.fields[place + 1 :]]
        with pytest.raises(WireError):
            Scrubber().clean("gateway", tuple(fields), 178)


# Stand-ins


def test_accounts_keep_their_form_and_are_the_same_each_time():
    scrubber = Scrubber()
    assert scrubber.accounts("DU7654321,U12345678,DF99999,my group") == "DU0000001,U00000002,DF00003,X00004"
    assert [scrubber.account(name) for name in ("U12345678", "DU7654321", "All", "")] == [
        "U00000002",
        "DU0000001",
        "All",
        "",
    ]
    assert Scrubber().accounts("DU0000001,U00000002,DF00003,X00004") == "DU0000001,U00000002,DF00003,X00004"


def test_executions_keep_the_number_of_their_correction():
    scrubber = Scrubber()
    told = [scrubber.execution(x) for x in ("0000e0d5.6576d1b4.01.01", "0000e0d5.6576d1b4.01.02", "f.01", "abc", "a.b")]
    assert told == [
        "execution000001.01",
        "execution000001.02",
        "execution000002.01",
        "execution000003",
        "execution000004",
    ]


@pytest.mark.parametrize(
    "own", ["gc-20240315-RELIANCE-entry", "gc-20240315-M&M-entry-stop-2", "gc-20240315-BAJAJ-AUTO-after-exit"]
)
def test_the_bots_own_references_stay(own):
    scrubber = Scrubber()
    assert [scrubber.reference(x) for x in (own, "gc-20240315-x-for Jane", "mine", "", "mine", f"gc-20240315-{ACCOUNT}-entry")] == [
        own, "reference0001", "reference0002", "", "reference0002", "reference0003",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (AMOUNT_HELD, AMOUNT), ("-12", AMOUNT), ("0.00", AMOUNT), ("1e7", AMOUNT), ("1,234.5", AMOUNT), (UNSET, UNSET), ("", ""),
        ("true", "true"), ("INDIVIDUAL", "INDIVIDUAL"), ("USD", "USD"), (ACCOUNT, ""), ("CORPORATION", ""), (PERSON, ""),
    ],
)  # fmt: skip
def test_values_of_an_account(value, told):
    assert Scrubber().clean("gateway", ("63", "1", "5", ACCOUNT, "NetLiquidation", value, "INR"), 178)[5] == told


def execution(name, side, shares, con_id="1001"):
    message = Message("gateway", "11", 178)
    values = {"execId": name, "side": side, "shares": shares, "conId": con_id, "account": ACCOUNT}
    return tuple(values.get(n, f) for n, f in zip(message.names, message.fields, strict=True))


def position(shares, con_id="1001", account=ACCOUNT):
    return ("61", "3", account, con_id, *["X"] * 10, shares, AMOUNT_HELD)


def test_shares_held_are_told_only_if_the_executions_tell_them():
    scrubber = Scrubber()

    def held(*arguments):
        return scrubber.clean("gateway", position(*arguments), 178)[14:]

    assert held("350") == ("1", AMOUNT)
    assert held("-350") == ("-1", AMOUNT)
    assert held("0") == ("0", AMOUNT)
    scrubber.clean("gateway", execution("a.01", "BOT", "10"), 178)
    scrubber.clean("gateway", execution("a.01", "BOT", "10"), 178)  # told again
    assert held("10") == ("10", AMOUNT)
    assert held("360") == ("1", AMOUNT)
    scrubber.clean("gateway", execution("a.02", "BOT", "9"), 178)  # a correction
    scrubber.clean("gateway", execution("b.01", "SLD", "4"), 178)
    assert [held(x)[0] for x in ("10", "9", "5")] == ["1", "1", "5"]
    assert held("5", "1002") == ("1", AMOUNT)
    assert held("5", "1001", "DU1") == ("1", AMOUNT)


# Texts


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Order rejected - reason:Your Available Funds are insufficient.", "Order rejected - reason:Your Available Funds are insufficient."),
        ("Previous Day Equity with Loan Value of [987654.32 INR]", "Previous Day Equity with Loan Value of [0 *]"),
        (f"user jdoe, account {ACCOUNT}, at 192.168.1.7", "user *, account *0, at 0"),
        ("Jane's order; Zoë's; \u0967\u0968\u0969", "* order; *'*; *"),
        ("jane-doe@example.com", "*.*"),
        ("", ""),
    ],
)  # fmt: skip
def test_texts_keep_the_gateways_own_words(text, told):
    assert plain(text) == told
    assert plain(told) == told


# The names of the fields, against the real client


ORDER = (ib_async.Order, OrderState)


def distinct(message, samples):
    """Fill a message with a different value in each field that the client decodes as a number or a text."""
    for place, name in enumerate(message.names):
        sample = samples.get(name)
        if isinstance(sample, float):
            message.fields[place] = f"{place}.5"
        elif isinstance(sample, str) and name != "deltaNeutralOrderType":
            message.fields[place] = f"t{place}"
        elif isinstance(sample, int) and not isinstance(sample, bool):
            message.fields[place] = str(place)
    return message


def samples_of(*types):
    return {field.name: field.default for one in types for field in dataclasses.fields(one)}


class Fields:
    """Stands for a message of ours where the real decoder is called."""

    def __init__(self, fields):
        self.fields = fields

    def frame(self):
        return encode(*self.fields)


GROUPED = {"hedgeType", "algoStrategy", "scalePriceIncrement", "deltaNeutralContract"}  # filled, they would open groups


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["5", "101"])
def test_the_names_of_orders_are_those_of_the_real_client(kind, version):
    message = Message("gateway", kind, version)
    samples = {name: one for name, one in samples_of(*ORDER, ib_async.Contract).items() if name not in GROUPED}
    distinct(message, samples)
    ((_, arguments),) = decoded(Fields(message.fields), version)
    last = dict(zip(message.names, message.fields, strict=True))
    told = {}
    for one in arguments:
        if dataclasses.is_dataclass(one):
            told |= {field.name: getattr(one, field.name) for field in dataclasses.fields(one)}
    shared = [name for name in last if name in told and name in samples and name != "deltaNeutralOrderType"]
    assert len(shared) > 60
    assert {name: same(last[name], told[name]) for name in shared if not same(last[name], told[name])} == {}


def same(text, value):
    return (
        text == value
        if isinstance(value, str)
        else bool(int(text)) == value
        if isinstance(value, bool)
        else float(text) == value
    )


OURS = {
    "acctNumber": "account", "avgPrice": "averagePrice", "cumQty": "cumulatedShares", "lastTradeDateOrContractMonth": "lastTradeDate",
    "yield_": "yield", "realizedPNL": "money",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "types", "least"), [("11", (Execution, ib_async.Contract), 27), ("59", (CommissionReport,), 5)]
)
def test_the_names_of_executions_are_those_of_the_real_client(kind, types, least):
    message = Message("gateway", kind, 178)
    samples = {OURS.get(name, name): one for name, one in samples_of(*types).items()}
    distinct(message, samples)
    if kind == "11":
        message.fields[message.names.index("time")] = "20240315 10:00:00 Asia/Kolkata"
    ((_, arguments),) = decoded(Fields(message.fields), 178)
    last = dict(zip(message.names, message.fields, strict=True))
    told = {}
    for one in arguments:
        if dataclasses.is_dataclass(one):
            told |= {OURS.get(name, name): getattr(one, name) for name in samples_of(type(one))}
    shared = [name for name in last if name in told and name != "time" and (kind != "11" or name != "exchange")]
    assert len(shared) >= least
    assert {name: same(last[name], told[name]) for name in shared if not same(last[name], told[name])} == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_names_of_an_order_that_is_sent_are_those_of_the_real_client(version):
    real, sent = client(version)
    order, contract, filled = ib_async.Order(), ib_async.Contract(), {}
    place = 10
    for target in (contract, order):
        for name, sample in samples_of(type(target)).items():
            if name in GROUPED or name in ("deltaNeutralOrderType", "orderType", "orderId", "volatility"):
                continue
            if type(sample) in (int, float, str):
                place += 1
                filled[name] = f"t{place}" if isinstance(sample, str) else type(sample)(place)
                setattr(target, name, filled[name])
    real.placeOrder(3, contract, order)
    (fields,) = sent
    last = dict(zip(names_of("client", fields, version), fields, strict=True))
    shared = [name for name in last if name in filled]
    assert len(shared) > 70
    assert {name: same(last[name], filled[name]) for name in shared if not same(last[name], filled[name])} == {}


def test_the_names_of_accounts_are_those_of_the_real_client():
    for kind, values in {
        "6": {"tag": "NetLiquidation", "value": "5", "valueCurrency": "INR", "account": "DU1"},
        "63": {"requestId": "4", "account": "DU1", "tag": "NetLiquidation", "value": "5", "valueCurrency": "INR"},
        "73": {
            "requestId": "4",
            "account": "DU1",
            "modelCode": "m",
            "tag": "NetLiquidation",
            "value": "5",
            "valueCurrency": "INR",
        },
        "94": {"requestId": "4", "money": "5"},
        "95": {"requestId": "4", "heldShares": "7", "money": "5"},
    }.items():
        message = Message("gateway", kind, 178)
        message.fields = [values.get(name, field) for name, field in zip(message.names, message.fields, strict=True)]
        ((_, arguments),) = decoded(Fields(message.fields), 178)
        wanted = [values[name] for name in message.names if name in values]
        assert [f"{one:g}" if isinstance(one, float) else str(one) for one in arguments] == wanted, kind
    for kind in ("7", "61", "71"):
        message = Message("gateway", kind, 178)
        for place, name in enumerate(message.names):
            if name in ("conId", "heldShares", "money", "account", "marketPrice", "modelCode"):
                message.fields[place] = str(place)
        ((_, arguments),) = decoded(Fields(message.fields), 178)
        told = [float(one) for one in arguments if isinstance(one, (str, float)) and one != "0"]
        wanted = [
            float(place)
            for place, name in enumerate(message.names)
            if name in ("heldShares", "money", "account", "marketPrice", "modelCode")
        ]
        assert sorted(told) == wanted, kind


def test_greeting_and_handshake_tell_versions_and_time_only():
    scrubber = Scrubber()
    assert scrubber.greeting((f"v157..178 {PERSON}",)) == ("API", "v157..178")
    assert scrubber.greeting((PERSON,)) == ("API", "")
    for zone in ("India Standard Time", "Asia/Kolkata", "IST", "America/Argentina/Buenos_Aires", "EST"):
        assert scrubber.handshake(("178", f"20240315 09:30:00 {zone}")) == ("178", f"20240315 09:30:00 {zone}")
    for told in (PERSON, f"20240315 09:30:00 {PERSON}", ACCOUNT):
        assert scrubber.handshake(("178", told)) == ("178", "")
    assert scrubber.handshake((ACCOUNT,)) == ("", "")
