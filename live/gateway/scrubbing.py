"""What is taken out of a message before it is written into a recording.

Every field has a name (``live.gateway.layouts``), and every name a rule. A name without a rule keeps only what says nothing: empty, unset, 0, 1 and a few more. A value that
its rule does not know becomes empty. A message without a layout loses all its fields: what stays is its number and how many there were.

**Stand-ins**, the same one each time within a recording: accounts (letters and length stay: DU7654321 becomes DU0000001, so one can see whether it is a paper account), permanent
ids of orders, ids of executions (their last part stays, it numbers corrections), references and groups of orders (the bot's own references stay).

**Fixed values**: every amount of an account, of profit, worth, margin and average cost is 1000000.00, whatever its sign; unset stays unset. Words among the values of an account
stay if they are true, false, INDIVIDUAL or a currency. Shares held are 1 or -1, unless they are what the executions in the same recording add up to.

**Texts** of errors, warnings and statuses keep the words that the gateway itself uses (``live.gateway.vocabulary``), without numbers.

**Dropped**: model codes, groups and profiles of advisers, clearing accounts and settling firms, soft dollars, names of deciders and traders, the allocation of an order (the gateway
writes "permanent id/account/size" there), options, the JSON of a refusal, and whatever is not listed here.

**What stays**: instruments, prices, times, time zones, sizes and commissions of orders and executions, numbers of clients, requests and orders. So a recording tells what was traded
and which instruments were held, but not by whom; of what was held before it does not tell how much, but the size of an open order that covers it does.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from live.gateway.layouts import Sender, names_of
from live.gateway.vocabulary import plain
from live.gateway.wire import UNSET

__all__ = ["AMOUNT", "HELLO", "Scrubber"]

AMOUNT = "1000000.00"
HELLO = "API"
"""First field of a greeting in a recording; the second is the range of versions that the client offers."""
_CONSTANTS = frozenset({"", "0", "0.0", "1", "2", "3", "-1", "None", "IB", "?", UNSET, "2147483647", "true", "false"})
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,17})?([Ee][+-]?\d{1,3})?|", re.ASCII)
_ZONE = r"( ([A-Z][A-Za-z]+(/[A-Z][A-Za-z_+-]+)+|[A-Z]{2,5}|([A-Z][A-Za-z]+ ){1,3}Time))?"
_TIME = re.compile(rf"\d{{8}}([ -]{{1,2}}\d\d:\d\d:\d\d{_ZONE})?|\d\d:\d\d|\d{{1,12}}|", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9?$*][A-Za-z0-9 ._/$:,;&+()'*\\-]*|")
_TAGS = re.compile(r"([A-Za-z$:,-]|\+\d)*", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}|BASE|")
_VERSIONS = re.compile(r"v\d{2,3}(\.\.\d{2,3})?", re.ASCII)
_OWN = re.compile(r"gc-\d{8}-[A-Z0-9&-]{1,20}-(entry|entry-stop|exit|after-exit|repair|flatten)(-\d{1,2})?", re.ASCII)
_ACCOUNT = re.compile(r"\b(?:D?[UFI][A-Z]?)\d{5,8}\b", re.ASCII)
_AMOUNT = re.compile(r"[-+]?[0-9][0-9,]*(\.[0-9]*)?([Ee][+-]?\d{1,3})?", re.ASCII)
_VALUES = frozenset({"", "true", "false", "INDIVIDUAL", UNSET})


class Scrubber:
    """Remembers the stand-ins of one recording."""

    def __init__(self) -> None:
        self._accounts: dict[str, str] = {}
        self._permanent: dict[str, str] = {}
        self._executions: dict[str, str] = {}
        self._references: dict[str, str] = {}
        self._traded: dict[str, tuple[tuple[str, str], float]] = {}  # by execution: account and instrument, shares
        self._here: dict[str, str] = {}  # the message at hand, by the names of its fields

    def clean(self, sender: Sender, fields: tuple[str, ...], version: int) -> tuple[str, ...]:
        """Return a message without what is private.

        Raises
        ------
        WireError
            If the message has no layout, so that nothing is known of its fields.
        """
        names = names_of(sender, fields, version)
        self._here = dict(zip(names, fields, strict=True))
        if "execId" in self._here and "shares" in self._here:
            self._note_execution()
        return tuple(_RULES.get(name, _constant)(self, value) for name, value in zip(names, fields, strict=True))

    def greeting(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Return the greeting of a client without its options."""
        found = _VERSIONS.match(fields[0])
        return (HELLO, found.group() if found else "")

    def handshake(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Return the gateway's answer to a greeting: its version and the time."""
        return (_number(self, fields[0]), _time(self, "".join(fields[1:2])))

    def account(self, name: str) -> str:
        """Return the stand-in of an account: its letters, and the number of its turn in as many digits."""
        if name in {"", "All"} or name in self._accounts:
            return self._accounts.get(name, name)
        letters = name.rstrip("0123456789")
        width = max(len(name) - len(letters), 5)
        known = letters if re.fullmatch("D?[UFI][A-Z]?", letters) else "X"
        self._accounts[name] = f"{known}{len(self._accounts) + 1:0{width}d}"
        return self._accounts[name]

    def accounts(self, names: str) -> str:
        """Return the stand-ins of a list of accounts."""
        return ",".join(self.account(name) for name in names.split(","))

    def public(self, value: str) -> str:
        """Return a text about an instrument or an order, without any account that is in it by mistake."""
        for name in sorted(self._accounts, key=len, reverse=True):
            if len(name) > 4 and name in value:
                return ""
        return "" if _ACCOUNT.search(value) or not _WORD.fullmatch(value) else value

    def permanent(self, value: str) -> str:
        """Return the stand-in of a permanent id."""
        return value if value in {"", "0"} else self._permanent.setdefault(value, str(10**6 + len(self._permanent) + 1))

    def execution(self, value: str) -> str:
        """Return the stand-in of an execution, with the last part of its id."""
        head, dot, last = value.rpartition(".")
        if not (dot and last.isascii() and last.isdigit() and len(last) < 4):
            head, dot, last = value, "", ""
        return self._executions.setdefault(head, f"execution{len(self._executions) + 1:06d}") + dot + last

    def reference(self, value: str) -> str:
        """Return a reference that the bot made, or the stand-in of another one."""
        if not value or (_OWN.fullmatch(value) and self.public(value)):
            return value
        return self._references.setdefault(value, f"reference{len(self._references) + 1:04d}")

    def value(self, value: str) -> str:
        """Return a value of an account without its amount."""
        if value in _VALUES or _CURRENCY.fullmatch(value):
            return value
        return AMOUNT if _AMOUNT.fullmatch(value) else ""

    def held(self, value: str) -> str:
        """Return the shares held if the executions tell them anyway, else 1 or -1."""
        mine = (self._here.get("account", ""), self._here.get("conId", ""))
        shares = _float(value)
        if shares == 0 or shares == sum(traded for whose, traded in self._traded.values() if whose == mine):
            return _number(self, value)
        return "1" if shares > 0 else "-1"

    def _note_execution(self) -> None:
        """Add up what the executions of this recording tell; a correction takes the place of what it corrects."""
        here = self._here
        shares = _float(here["shares"]) * (-1 if here["side"] == "SLD" else 1)
        self._traded[here["execId"].rpartition(".")[0]] = ((here["account"], here["conId"]), shares)


Rule = Callable[[Scrubber, str], str]


def _only(pattern: re.Pattern[str]) -> Rule:
    """Make the rule that keeps what has a form, and empties everything else."""
    return lambda _, value: value if pattern.fullmatch(value) else ""


def _constant(_: Scrubber, value: str) -> str:
    """Keep what says nothing."""
    return value if value in _CONSTANTS else ""


def _money(_: Scrubber, value: str) -> str:
    """Hide an amount; that it is not known may be known."""
    return value if value in {"", UNSET} else AMOUNT


def _float(value: str) -> float:
    """Read a number, 0 for what is none."""
    return float(value) if value and _NUMBER.fullmatch(value) else 0.0


_number, _time, _currency = _only(_NUMBER), _only(_TIME), _only(_CURRENCY)
_NAMED: tuple[tuple[Rule, str], ...] = (
    (
        _number,
        (
            "kind version requestId orderId anyId nextId clientId parentId conId underConId ruleId code barCount stepCount secIdCount tradeCount seconds"
            " price marketPrice volume averagePrice lastPrice capPrice strike lmtPrice auxPrice trailStopPrice trailingPercent lmtPriceOffset triggerPrice"
            " minTick minSize sizeIncrement suggestedSizeIncrement sizeMultiplier priceMagnifier filled remaining totalQuantity filledQuantity shares"
            " cumulatedShares liquidation lastLiquidity commission origin displaySize ocaType"
        ),
    ),
    (_time, "time timeOfDay goodTillDate completedTime lastTradeDate"),
    (
        Scrubber.public,
        (
            "symbol secType right multiplier exchange primaryExchange currency localSymbol tradingClass marketName orderTypes validExchanges longName"
            " contractMonth industry category subcategory timeZoneId tradingHours liquidHours evRule evMultiplier secIdType secId aggGroup underSymbol"
            " underSecType marketRuleIds realExpirationDate stockType issuerId action orderType tif side status flag barSize duration whatToShow"
        ),
    ),
    (_currency, "valueCurrency commissionCurrency"),
    (_only(_TAGS), "tag tags"),
    (
        _money,
        (
            "money initMarginBefore maintMarginBefore equityWithLoanBefore initMarginChange maintMarginChange equityWithLoanChange initMarginAfter"
            " maintMarginAfter equityWithLoanAfter orderCommission minCommission maxCommission"
        ),
    ),
    (lambda _, value: plain(value), "text completedStatus shareholder"),
    (Scrubber.account, "account"),
    (Scrubber.accounts, "accounts"),
    (Scrubber.permanent, "permId parentPermId"),
    (Scrubber.execution, "execId"),
    (Scrubber.reference, "orderRef ocaGroup"),
    (Scrubber.value, "value"),
    (Scrubber.held, "heldShares"),
)
_RULES: dict[str, Rule] = {name: rule for rule, names in _NAMED for name in names.split()}
