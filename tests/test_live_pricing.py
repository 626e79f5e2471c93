"""Legal prices: whole increments at the price of the order, on the safe side, without dust, as the engine rounds."""

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.errors import InputError
from engine.kernels import position
from live.errors import MoneyError
from live.pricing import (
    buy_limit,
    increment_at,
    is_legal,
    require_rule,
    round_down,
    round_up,
    sell_limit,
    sell_stop,
    trail_amount,
)

NSE = ((0.0, 0.01), (250.0, 0.05), (1000.0, 0.1), (5000.0, 0.5), (10000.0, 1.0))
many = settings(max_examples=300, deadline=None)
DUST = Fraction(2, 1_000_000)  # of an increment; the tolerance is one millionth

increments = st.sampled_from([0.0001, 0.001, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0])
plain_prices = st.floats(0.001, 50_000, allow_subnormal=False)
decimals = st.integers(1, 5_000_000).map(lambda n: n / 100)
computed = st.tuples(decimals, st.sampled_from([1.0005, 0.9995, 1.1, 3.0, 1 / 3])).map(lambda pair: pair[0] * pair[1])
prices = plain_prices | decimals | computed


@st.composite
def market_rules(draw):
    edges = draw(st.lists(st.integers(1, 2_000_000), max_size=4, unique=True))
    lows = [0.0, *(edge / 100 for edge in sorted(edges))]
    return tuple((low, draw(increments)) for low in lows)


def written(number):
    return Fraction(repr(number))


def legal_by_hand(price, rule):
    increment = [step for low, step in rule if written(low) <= written(price)][-1]
    return price > 0 and (written(price) / written(increment)).denominator == 1


def legal_nearby(price, rule):
    """Legal prices around a price and around every edge of the rule: the nearest ones on both sides are among them."""
    found = set()
    for low, step in rule:
        for near in (price, *(written(edge) for edge, _ in rule)):
            count = math.floor(near / written(step))
            found |= {
                float(k * written(step)) for k in range(count - 2, count + 3) if k * written(step) >= written(low)
            }
    return sorted(written(each) for each in found if legal_by_hand(each, rule))


def meant(price, rule):
    step = written(increment_at(price, rule))
    nearest = [
        each
        for each in legal_nearby(written(price), ((0.0, float(step)),))
        if abs(each - written(price)) <= step / 10**6
    ]
    return nearest[0] if nearest else written(price)


@many
@given(prices, market_rules())
def test_down_is_the_highest_legal_price_that_is_not_above(price, rule):
    below = [each for each in legal_nearby(meant(price, rule), rule) if each <= meant(price, rule)]
    if not below:
        with pytest.raises(MoneyError, match="below the first legal price"):
            round_down(price, rule)
        return
    found = round_down(price, rule)
    assert found == float(below[-1])
    assert is_legal(found, rule)
    assert written(found) <= written(price) + DUST * written(increment_at(price, rule))
    assert round_down(found, rule) == round_up(found, rule) == found


@many
@given(prices, market_rules())
def test_up_is_the_lowest_legal_price_that_is_not_below(price, rule):
    found = round_up(price, rule)
    assert found == float(next(each for each in legal_nearby(meant(price, rule), rule) if each >= meant(price, rule)))
    assert is_legal(found, rule)
    assert written(found) >= written(price) - DUST * written(increment_at(price, rule))


@many
@given(prices, increments)
def test_rounds_as_the_engine_does(price, increment):
    assume(price >= increment)
    tick = written(increment)
    rules = position.Rules(
        False, False, False, math.nan, position.RISK, 0.02, 1.0,
        position.CostRates(0.0, 0.0, 0.0, 0.0), position.Tick(float(tick.numerator), float(tick.denominator)), None, None,
    )  # fmt: skip
    assert round_down(price, ((0.0, increment),)) == position.sell_price(price, rules)
    assert round_up(price, ((0.0, increment),)) == position.buy_price(price, rules)


@many
@given(prices, market_rules(), st.floats(0.001, 0.9))
def test_stops_are_rounded_away_from_the_market(price, rule, share):
    distance = price * share
    try:
        amount = trail_amount(distance, price, rule)
    except InputError:
        assume(False)
    increment = written(increment_at(price, rule))
    assert (written(amount) / increment).denominator == 1
    assert -DUST * increment <= written(amount) - written(distance) < increment
    assert amount < price


@pytest.mark.parametrize(
    ("price", "down", "up"),
    [
        (100 * 1.0005, 100.05, 100.05),  # 100.04999999999998
        (0.1 + 0.2, 0.3, 0.3),  # 0.30000000000000004
        (249.999, 249.99, 250.0),
        (250.03, 250.0, 250.05),
        (2450.37, 2450.3, 2450.4),
        (999.99, 999.95, 1000.0),
        (4999.96, 4999.9, 5000.0),
        (9999.7, 9999.5, 10000.0),
        (12345.6, 12345.0, 12346.0),
    ],
)
def test_examples(price, down, up):
    assert (buy_limit(price, NSE), sell_stop(price, NSE), sell_limit(price, NSE)) == (down, down, up)


def test_an_edge_that_is_no_price_of_its_row():
    rule = ((0.0, 0.01), (100.0, 0.03))
    assert round_down(100.005, rule) == 99.99  # 100.00 is not a multiple of 0.03, and 0.01 holds below 100 only
    assert round_up(99.999, rule) == 100.02
    assert round_up(100.0, rule) == 100.02


def test_the_increment_is_that_of_the_order_not_of_the_market():
    assert [increment_at(price, NSE) for price in (249.99, 250.0, 5000.0, 5e6)] == [0.01, 0.05, 0.5, 1.0]


def test_a_fine_rule_gives_no_dust():
    assert repr(round_down(0.0010500000000000002, ((0.0, 0.00005),))) == "0.00105"


@pytest.mark.parametrize("price", [math.nan, math.inf, 0.0, -5.0, None, True, "100"])
def test_what_is_no_price_is_refused(price):
    with pytest.raises(MoneyError, match="must be a finite number above 0"):
        round_down(price, NSE)


def test_below_the_first_price():
    with pytest.raises(MoneyError, match="below the first legal price"):
        buy_limit(0.004, NSE)
    assert round_up(0.004, NSE) == 0.01


def test_a_stop_below_nothing_is_refused():
    with pytest.raises(InputError, match="would not be above 0"):
        trail_amount(120.0, 100.0, NSE)
    with pytest.raises(InputError, match="would not be above 0"):
        trail_amount(99.995, 100.0, NSE)


@pytest.mark.parametrize(
    "rule",
    [
        (),
        ((1.0, 0.05),),
        ((0.0, 0.0),),
        ((0.0, math.nan),),
        ((0.0, 0.05), (0.0, 0.1)),
        ((0.0, 1.7976931348623157e308),),
    ],
)
def test_what_is_no_market_rule_is_refused(rule):
    with pytest.raises(MoneyError, match="market rule"):
        require_rule(rule)
