"""Sizes: those of ``engine.portfolio`` for the same numbers, and nothing on money that is none."""

import math
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine.errors import InputError
from live.errors import MoneyError
from live.sizing import require_money, size

UNSET = 1.7976931348623157e308
PLAIN = {"available_funds": 100_000.0, "equity": 100_000.0, "risk": 0.02, "distance": 10.0, "price": 250.0}


# As the engine


def cash_walk(result, capital):
    """Yield every purchase with the cash before it, from the trades alone: sales of the open, purchases by strength, sales within the day."""
    trades, signals = result.trades, result.signals
    cash = capital
    closed = trades[trades["exit_reason"] != "open"]
    exit_days = dict(iter(closed.groupby("exit_date")))
    entry_days = dict(iter(signals[signals["outcome"] != "pending"].groupby("fill_date")))
    bought = trades.set_index(["symbol", "entry_date"])
    for day in sorted(set(exit_days) | set(entry_days)):
        sales = exit_days.get(day, closed.iloc[:0])
        early = sales[sales["exit_reason"].isin(["cross", "gap"]) & (sales["entry_date"] < day)]
        cash += sum(proceeds(result, row) for _, row in early.iterrows())
        buys = entry_days.get(day, signals.iloc[:0])
        for _, row in buys.sort_values(["strength", "symbol"], ascending=[False, True]).iterrows():
            yield row, cash
            if row["quantity"] > 0:
                trade = bought.loc[(row["symbol"], day)]
                cash -= row["quantity"] * trade["entry_price"] + fee(
                    result, "buy", trade["entry_price"], row["quantity"], day
                )
        cash += sum(proceeds(result, row) for _, row in sales.drop(early.index).iterrows())


def fee(result, side, price, quantity, day):
    costs = result.settings.costs
    if isinstance(costs, engine.Costs):
        return max(costs.minimum, costs.fixed + costs.rate * price * quantity)
    return costs.fee(side, price, quantity, day).total


def proceeds(result, row):
    price, quantity = row["exit_price"], row["quantity"]
    return price * quantity - fee(result, "sell", price, quantity, row["exit_date"])


@pytest.mark.parametrize(
    "costs",
    [engine.Costs(), engine.Costs(rate=0.001, minimum=20.0), engine.costs.nse_delivery("zerodha")],
    ids=["free", "plain", "schedule"],
)
@pytest.mark.parametrize(
    ("weight", "lot", "risk"), [(None, 1, 0.02), (0.2, 1, 0.02), (0.5, 5, 0.05), (None, 25, 0.005), (0.1, 10, 0.02)]
)
def test_is_the_portfolios_size(costs, weight, lot, risk):
    market = engine.simulate(6, 500, seed=7, start="2021-01-01")
    result = engine.portfolio(
        market,
        5,
        20,
        engine.TrailingStop(2.0),
        sizing="risk",
        risk=risk,
        max_weight=weight,
        lot=lot,
        costs=costs,
        tick=0.05,
    )
    seen = {"filled": 0, "cut": 0, "skipped": 0}
    for row, cash in cash_walk(result, 100_000.0):
        if math.isnan(row["distance"]):
            continue
        got = size(
            cash,
            row["equity"],
            risk,
            row["distance"],
            row["price"],
            lot,
            max_weight=weight,
            costs=costs,
            day=row["fill_date"].date(),
        )
        assert (got.quantity, got.wanted, got.reason) == (row["quantity"], row["wanted"], row["reason"] or ""), row
        seen[row["outcome"]] += 1
    assert sum(seen.values()) > 20
    assert seen["filled"] + seen["cut"] > 0


# What the exchange and the config add


def test_a_plain_size():
    assert size(**PLAIN) == size(**PLAIN, lot=1, size_increment=1)
    assert (size(**PLAIN).quantity, size(**PLAIN).reason) == (200.0, "")


@pytest.mark.parametrize(
    ("change", "quantity", "reason"),
    [
        ({"available_funds": 10_000.0}, 40.0, "cash"),
        ({"available_funds": 0.0}, 0.0, "cash"),
        ({"max_weight": 0.1}, 40.0, "weight"),
        ({"max_notional": 5_000.0}, 20.0, "notional"),
        ({"max_notional": 100.0}, 0.0, "notional"),
        ({"risk": 0.00001}, 0.0, "risk"),
        ({"lot": 3, "size_increment": 2}, 198.0, ""),
        ({"available_funds": 1_000.0, "minimum_size": 5}, 0.0, "minimum"),
        ({"available_funds": 10_000.0, "max_notional": 20_000.0}, 40.0, "cash"),
    ],
)
def test_what_limits_a_size(change, quantity, reason):
    got = size(**{**PLAIN, **change})
    assert (got.quantity, got.reason) == (quantity, reason)


money = st.floats(0, 1e12)


@settings(max_examples=300, deadline=None)
@given(
    funds=money,
    equity=st.floats(1, 1e12),
    risk=st.floats(0.0001, 0.05),
    price=st.floats(0.05, 1e5),
    share=st.floats(0.001, 0.99),
    lot=st.sampled_from([1, 5, 25]),
    increment=st.sampled_from([1, 2, 0.5]),
    weight=st.none() | st.floats(0.01, 1),
    notional=st.none() | st.floats(1, 1e9),
    rate=st.sampled_from([0.0, 0.001]),
)
def test_never_more_than_anything_allows(funds, equity, risk, price, share, lot, increment, weight, notional, rate):
    distance = price * share
    got = size(funds, equity, risk, distance, price, lot, increment, 1, weight, notional, costs=engine.Costs(rate=rate))
    value = got.quantity * price
    assert got.quantity >= 0
    assert got.quantity % lot == got.quantity % increment == 0
    assert value * (1 + rate) <= min(funds, notional or math.inf, (weight or 1e9) * equity) * (1 + 1e-12)
    assert got.quantity * distance <= risk * equity * (1 + 1e-12)
    assert got.quantity <= got.wanted
    assert (got.reason == "") == (got.quantity == got.wanted > 0)


# Money that is none


@pytest.mark.parametrize("name", ["available_funds", "equity", "price", "distance", "max_notional"])
@pytest.mark.parametrize("amount", [math.nan, math.inf, -math.inf, UNSET, -UNSET, -0.01, None, "1000", True])
def test_what_is_no_money_is_refused(name, amount):
    if name == "max_notional" and amount is None:
        return
    with pytest.raises(MoneyError, match="nothing is ordered"):
        size(**{**PLAIN, name: amount})


@pytest.mark.parametrize("name", ["equity", "price", "distance"])
def test_nothing_where_there_must_be_something(name):
    with pytest.raises(MoneyError, match="is 0; it must be more"):
        size(**{**PLAIN, name: 0.0})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"distance": 250.0}, "would not be above 0"),
        ({"max_weight": 1.5}, "max weight is 1.5"),
        ({"max_weight": math.nan}, "max weight is nan"),
        ({"max_weight": 0.0}, "max weight is 0.0"),
        ({"risk": 0.0}, "risk"),
        ({"risk": 1.5}, "risk"),
    ],
)
def test_what_makes_no_sense_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        size(**{**PLAIN, **change})


def test_costs_with_dates_need_a_day():
    costs = engine.costs.nse_delivery("zerodha")
    with pytest.raises(InputError, match="dates"):
        size(**PLAIN, costs=costs)
    assert size(**PLAIN, costs=costs, day=date(2026, 11, 23)).quantity == 200.0


def test_money_is_given_back():
    assert require_money("cash", 5) == 5.0
