"""What orders cost: equal to decimal arithmetic on the numbers of docs/costs.md, and to contract notes worked by hand."""

import json
import math
import re
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import engine
from engine.costs import Brokerage, CostSchedule, DatedRate, nse_delivery, us_ib_fixed, us_ib_tiered
from engine.kernels import charges as rules
from engine.kernels._jit import kernel
from tests import naive_costs as naive

DOCS = (Path(__file__).parent.parent / "docs/costs.md").read_text()
SCHEDULES = [
    nse_delivery(),
    nse_delivery("zerodha"),
    nse_delivery("none", rounded=False),
    nse_delivery(Brokerage(rate=0.005, fixed=1.5, minimum=10, cap=2500, depository=18.5)),
    us_ib_fixed(),
    us_ib_tiered(),
]
SIDES = ["buy", "sell"]

prices = st.integers(5, 20_000_000).map(lambda paise: Decimal(paise) / 100)
quantities = st.integers(1, 10_000).map(Decimal)
days = st.dates(date(2020, 7, 1), date(2026, 12, 31))


def same(fee, parts, *, exactly):
    for name, expected in parts.items():
        if exactly:
            assert getattr(fee, name) == float(expected), name
        else:
            assert getattr(fee, name) == pytest.approx(float(expected), rel=1e-12, abs=1e-12), name
    assert fee.total == pytest.approx(float(sum(parts.values())), rel=1e-12, abs=1e-12)


# The oracle, and notes worked by hand


def round_trip(costs, day):
    return [costs.fee(side, 1000.0, 100, day) for side in SIDES]


def test_a_lakh_bought_and_sold_without_broker_and_rounding_costs_222_4452():
    fees = round_trip(nse_delivery("none", rounded=False), "2025-06-02")
    assert sum(fee.total for fee in fees) == pytest.approx(222.4452, abs=1e-10)
    expected = {
        "tax": 200.0,
        "stamp": 15.0,
        "exchange": 5.94,
        "regulator": 0.2,
        "protection": 0.2,
        "service_tax": 1.1052,
    }
    for name, amount in expected.items():
        assert sum(getattr(fee, name) for fee in fees) == pytest.approx(amount, abs=1e-10)


def test_the_same_since_march_2026_pays_gst_on_what_was_ipft():
    fees = round_trip(nse_delivery("none", rounded=False), "2026-03-02")
    assert sum(fee.total for fee in fees) == pytest.approx(222.481164, abs=1e-10)


def test_the_same_rounded():
    # Each side: NSE 2.97, SEBI 0.10, IPFT 0.10, GST 18 % of 3.07 = 0.5526 -> 0.55. Buy 118.72, sale 103.72.
    assert [fee.total for fee in round_trip(nse_delivery("none"), "2025-06-02")] == pytest.approx(
        [118.72, 103.72], abs=1e-9
    )
    # NSE 3.0699 -> 3.07, SEBI 0.10, IPFT 0.0001 -> 0, GST 18 % of 3.17 = 0.5706 -> 0.57. Buy 118.74, sale 103.74.
    assert [fee.total for fee in round_trip(nse_delivery("none"), "2026-03-02")] == pytest.approx(
        [118.74, 103.74], abs=1e-9
    )


def test_a_contract_note_by_hand():
    # 37 shares at 2,701.35 are 99,949.95 rupees. Brokerage 0.5 % = 499.74975 -> 499.75. STT 99.94995 -> 100. Stamp duty 14.9924925 -> 15.
    # NSE 2.968513515 -> 2.97. SEBI and IPFT 0.09994995 -> 0.10. GST 18 % of (499.75 + 2.97 + 0.10) = 90.5076 -> 90.51. Depository 15.34.
    costs = nse_delivery(Brokerage(rate=0.005, minimum=20, depository=15.34))
    bought = costs.fee("buy", 2701.35, 37, "2025-06-02")
    assert asdict(bought) == {
        "brokerage": 499.75, "tax": 100.0, "stamp": 15.0, "exchange": 2.97, "regulator": 0.1, "protection": 0.1, "share_levy": 0.0,
        "clearing": 0.0, "service_tax": 90.51, "flat": 0.0, "surcharge": 0.0, "total": pytest.approx(708.43, abs=1e-9), "currency": "INR",
    }  # fmt: skip
    sold = costs.fee("sell", 2701.35, 37, "2025-06-02")
    assert (sold.stamp, sold.flat, sold.total) == (0.0, 15.34, pytest.approx(708.43 - 15 + 15.34, abs=1e-9))


def test_a_small_sale_at_zerodha_by_hand():
    # 3 shares at 450.50 are 1,351.50: STT 1.3515 -> 1. NSE 0.04013955 -> 0.04, SEBI and IPFT 0.0013515 -> 0, GST 0.0072 -> 0.01. Depository 15.34.
    fee = nse_delivery("zerodha").fee("sell", 450.5, 3, "2025-06-02")
    assert (fee.tax, fee.exchange, fee.regulator, fee.service_tax, fee.flat) == (1.0, 0.04, 0.0, 0.01, 15.34)
    assert fee.total == pytest.approx(16.39, abs=1e-9)


def test_interactive_brokers_in_the_united_states_by_hand():
    # 100 shares at 25: 0.50 -> minimum 1. 1,000 at 25: 5. 1,000 at 0.25: 5, but at most 1 % of 250. As in the broker's own examples.
    day = "2024-06-03"
    assert [us_ib_fixed().fee("buy", p, q, day).total for p, q in [(25, 100), (25, 1000), (0.25, 1000)]] == [
        1.0,
        5.0,
        2.5,
    ]
    # A sale of 1,000 at 25: SEC 27.80 per million of 25,000 = 0.695; FINRA 0.166.
    assert us_ib_fixed().fee("sell", 25, 1000, day).total == pytest.approx(5 + 0.695 + 0.166, abs=1e-12)
    # 100,000 shares: FINRA 16.60, but at most 8.30.
    assert us_ib_fixed().fee("sell", 25, 100_000, day).share_levy == 8.3
    # Tiered: 3.50 + 0.0735 % of it + clearing 0.20 + venue 3.00.
    assert us_ib_tiered().fee("buy", 25, 1000, day).total == pytest.approx(3.5 + 0.0025725 + 0.2 + 3.0, abs=1e-12)
    assert us_ib_tiered(exchange_fee=0).fee("buy", 25, 1000, day).exchange == 0.0


# Equal to decimal arithmetic


@given(st.sampled_from(SIDES), prices, quantities, days)
@example("buy", Decimal("1.00"), Decimal(500), date(2025, 6, 2))  # STT exactly 0.50
@example("sell", Decimal("5000.00"), Decimal(1000), date(2026, 3, 2))  # SEBI exactly 5, IPFT exactly 0.005
@settings(deadline=None, max_examples=300)
def test_nse_is_decimal_arithmetic(side, price, quantity, day):
    text = day.isoformat()
    own = naive.Plan(rate="0.005", fixed="1.5", minimum="10", cap="2500", depository="18.5")
    for costs, expected in (
        (nse_delivery(), naive.nse(side, price, quantity, text, naive.INTERACTIVE_BROKERS)),
        (nse_delivery("zerodha"), naive.nse(side, price, quantity, text, zerodha=True)),
        (nse_delivery("none"), naive.nse(side, price, quantity, text)),
        (SCHEDULES[3], naive.nse(side, price, quantity, text, own)),
    ):
        same(costs.fee(side, float(price), float(quantity), day), expected, exactly=True)
    exact = naive.nse(side, price, quantity, text, own, rounded=False)
    same(SCHEDULES[3].unrounded().fee(side, float(price), float(quantity), day), exact, exactly=False)


@given(st.sampled_from(SIDES), prices, quantities, days)
@settings(deadline=None, max_examples=200)
def test_united_states_is_decimal_arithmetic(side, price, quantity, day):
    for costs, plan, tiered in (
        (us_ib_fixed(), naive.US_FIXED, False),
        (us_ib_tiered(), naive.US_TIERED, True),
    ):
        expected = naive.united_states(side, price, quantity, day.isoformat(), plan, tiered=tiered)
        same(costs.fee(side, float(price), float(quantity), day), expected, exactly=False)


@given(st.integers(0, 10**11), st.sampled_from([1, 2, 10, 20, 100]), st.integers(0, 6))
@example(145, 100, 3)  # 0.145 is stored as 0.14499..
@example(285, 100, 3)
@example(35, 100, 2)  # 35 * 0.01 is not 0.35
@settings(deadline=None, max_examples=500)
def test_rounding_is_that_of_decimals(digits, units_in_one, places):
    amount = Decimal(digits).scaleb(-places)
    expected = naive.nearest(amount, 1 / Decimal(units_in_one))
    assert rules.round_half_up(float(amount), 1.0 / units_in_one) == float(expected)


def test_rounding_forgives_the_noise_of_a_product():
    # 0.015 is 1.5 paise: every way to write it must give 2.
    for rate, value in ((0.00015, 100.0), (0.0003, 50.0), (0.000001, 15_000.0), (1e-9, 15_000_000.0)):
        for nudge in (value, math.nextafter(value, 0.0)):
            assert rules.round_half_up(rate * nudge, 0.01) == 0.02
    assert rules.round_half_up(0.0149999, 0.01) == 0.01
    assert rules.round_half_up(1.234567, 0.0) == 1.234567


@given(
    st.sampled_from(SCHEDULES),
    st.sampled_from(SIDES),
    days,
    st.floats(0.01, 1e6),
    st.floats(0.01, 1e6),
    st.floats(0, 1e6),
    st.floats(0, 1e6),
)
@settings(deadline=None, max_examples=500)
def test_cost_never_falls_with_value_or_quantity(costs, side, day, quantity, value, more, worth):
    charges = costs.with_surcharge(0.0001).charges(side, day)
    less = rules.charge(quantity, value, charges)
    assert rules.charge(quantity + more, value, charges) >= less
    assert rules.charge(quantity, value + worth, charges) >= less
    assert less >= 0.0


def test_the_cost_is_the_sum_of_the_parts_in_their_order():
    for costs in SCHEDULES:
        charges = costs.with_surcharge(0.001).charges("sell", "2024-12-31")
        parts = rules.charge_parts(37.0, 99_949.95, charges)
        total = 0.0
        for part in parts:
            total += part
        assert rules.charge(37.0, 99_949.95, charges) == total
        assert parts.surcharge == 0.001 * 99_949.95


def test_nothing_costs_nothing_but_minimum_and_flat():
    assert rules.charge(0.0, 0.0, us_ib_fixed().charges("buy", "2025-01-02")) == 0.0  # no nan from infinity times 0
    assert rules.charge(0.0, 0.0, nse_delivery("none").charges("sell", "2025-01-02")) == 0.0


def test_the_rules_are_compiled_once():
    for costs in SCHEDULES:
        costs.fee("buy", 10, 1, "2025-01-02")
        costs.fee("sell", np.float64(10), np.int64(1), np.datetime64("2025-01-02"))
    assert len(rules.charge.signatures) == len(rules.charge_parts.signatures) == 1


# Dates


CHANGES = [
    ("exchange", 1e-4, "2021-01-01", 3.25, 3.45),
    ("exchange", 1e-4, "2023-04-01", 3.45, 3.25),
    ("exchange", 1e-4, "2024-04-01", 3.25, 3.22),
    ("exchange", 1e-4, "2024-10-01", 3.22, 2.97),
    ("exchange", 1e-4, "2026-03-01", 2.97, 3.0699),
    ("regulator", 1e-4, "2021-04-01", 0.05, 0.10),
    ("protection", 1e-4, "2023-04-01", 0.0001, 0.10),
    ("protection", 1e-4, "2026-03-01", 0.10, 0.0001),
]


@pytest.mark.parametrize(("part", "tolerance", "day", "before", "after"), CHANGES)
def test_both_sides_of_each_change_in_rupees_per_lakh(part, tolerance, day, before, after):
    costs = nse_delivery("none", rounded=False)
    changed = np.datetime64(day)
    eve = costs.fee("buy", 1000.0, 100.0, changed - 1)
    assert getattr(eve, part) == pytest.approx(before, abs=tolerance / 100)
    assert getattr(costs.fee("buy", 1000.0, 100.0, changed), part) == pytest.approx(after, abs=tolerance / 100)


def test_both_sides_of_gst_on_the_sebi_fee_and_of_zerodhas_depository_charge():
    costs = nse_delivery("zerodha", rounded=False)
    # Rupees per crore: NSE 345, SEBI 10, IPFT 0.01.
    for day, expected in (("2022-07-17", 0.18 * (345 + 0.01)), ("2022-07-18", 0.18 * (345 + 10 + 0.01))):
        assert costs.fee("buy", 1000.0, 10_000.0, day).service_tax == pytest.approx(expected, abs=1e-9)
    assert [costs.fee("sell", 100.0, 1.0, day).flat for day in ("2024-09-16", "2024-09-17")] == [15.93, 15.34]


def test_both_sides_of_each_change_in_the_united_states():
    for table, part, shares in ((naive.SEC, "tax", 1), (naive.FINRA, "share_levy", 1)):
        for since, _ in table[1:]:
            for day in (np.datetime64(since) - 1, np.datetime64(since)):
                fee = us_ib_fixed().fee("sell", 100.0, shares, day)
                expected = naive.united_states(
                    "sell", Decimal(100), Decimal(shares), str(day), naive.US_FIXED, tiered=False
                )
                assert getattr(fee, part) == pytest.approx(float(expected[part]), abs=1e-15)


def test_dates_in_every_form():
    costs = nse_delivery("none")
    totals = {
        costs.fee("buy", 1000, 100, day).total
        for day in (
            "2025-06-02",
            date(2025, 6, 2),
            datetime(2025, 6, 2, 15, 30, tzinfo=UTC),
            pd.Timestamp("2025-06-02"),
            np.datetime64("2025-06-02"),
        )
    }
    assert len(totals) == 1


# The kernels' form


@kernel
def charge_all(table, row, side, quantity, value, out):
    for t in range(row.size):
        out[t] = rules.charge(quantity, value, rules.charges_at(table, row[t], side))


@pytest.mark.parametrize("costs", SCHEDULES)
def test_rows_give_what_charges_give_on_every_day(costs):
    every = np.arange(np.datetime64("2019-01-01"), np.datetime64("2028-01-01"))
    table, row = costs.rows(every.astype("datetime64[ns]"))
    assert table.shape[1:] == (2, len(rules.Charges._fields))
    assert set(row) == set(range(len(table)))
    for side, name in enumerate(SIDES):
        got = np.zeros(every.size)
        charge_all(table, row, side, 37.0, 99_949.95, got)
        for t in range(0, every.size, 7):
            charges = costs.charges(name, every[t])
            assert got[t] == rules.charge(37.0, 99_949.95, charges)
            assert tuple(table[row[t], side]) == tuple(charges)


def test_days_outside_the_table_take_the_nearest_rates_and_say_so():
    costs = nse_delivery("zerodha")
    assert costs.charges("buy", "2015-06-01") == costs.charges("buy", "2020-07-01")
    assert costs.outside("2020-07-01") is None
    assert costs.outside("2050-01-01") is None
    assert costs.outside("2020-06-30") == (
        "NSE delivery, broker zerodha: orders of 2020-06-30 are charged by rates of other days, because no rate is known of: "
        "stamp duty (known from 2020-07-01); IPFT (known from 2020-07-01)."
    )
    states = us_ib_fixed()
    assert states.charges("sell", "2030-01-01") == states.charges("sell", "2026-12-31")
    assert states.outside("2026-12-31") is None
    assert states.outside("2027-01-01").endswith(
        "because no rate is known of: FINRA trading activity fee (known from 2020-01-01 until 2026-12-31); "
        "cap of the FINRA fee (known from 2020-01-01 until 2026-12-31)."
    )


def test_a_side_is_refused_only_for_a_rate_of_its_own():
    assert us_ib_fixed().fee("buy", 25, 100, "2027-01-01").total == 1.0


def test_a_table_without_dates_has_one_row():
    costs = CostSchedule("flat", "EUR", Brokerage(fixed=4).rates())
    table, row = costs.rows(np.array(["1990-01-01", "2090-01-01"], dtype="datetime64[D]"))
    assert table.shape[0] == 1
    assert list(row) == [0, 0]
    assert costs.outside("1990-01-01") is None
    assert costs.describe()[0] == "flat, in EUR: every rate is known on every day."


# Copies, JSON, words


def test_changed_copies():
    costs = nse_delivery("none")
    assert costs.with_slippage(0.001).slippage == 0.001
    assert costs.with_slippage(0.001).fee("buy", 100, 10, "2025-01-02") == costs.fee("buy", 100, 10, "2025-01-02")
    dearer = costs.with_surcharge(0.00123).fee("buy", 100, 10, "2025-01-02")
    assert dearer.surcharge == 0.00123 * 1000
    assert costs.unrounded().unrounded() == nse_delivery("none", rounded=False)
    assert costs.unrounded() != costs


def test_a_newer_rate_ends_the_older_one():
    costs = us_ib_fixed()
    newer = DatedRate("SEC fee", "tax_rate", "sell", 0.00003, date(2027, 1, 15), None, "a test")
    longer = costs.with_rate(newer)
    assert longer.charges("sell", "2027-01-14").tax_rate == 0.0000206
    assert longer.charges("sell", "2027-01-15").tax_rate == 0.00003
    own = nse_delivery(Brokerage(rate=0.001)).with_rate(
        DatedRate("brokerage", "rate", "both", 0.002, date(2025, 1, 1), None, "a test")
    )
    assert [own.charges("buy", day).rate for day in ("2024-12-31", "2025-01-01")] == [0.001, 0.002]
    assert own.outside("2024-12-31") is None


@pytest.mark.parametrize("costs", [*SCHEDULES, nse_delivery().with_slippage(0.001).with_surcharge(0.01)])
def test_json_round_trip(costs):
    text = json.dumps(costs.to_dict(), allow_nan=False)
    assert CostSchedule.from_dict(json.loads(text)) == costs


@pytest.mark.parametrize("costs", SCHEDULES)
def test_description_is_plain(costs):
    lines = costs.describe()
    assert lines[0].startswith(f"{costs.name}, in {costs.currency}: every rate is known since 2020-")
    assert len(lines) == 2 + len(costs.rates)
    for line in lines:
        assert line.isascii()
        assert "\n" not in line
        assert line.endswith(".")
        assert not re.search(r"\d(e-|\.\d{12})", line)  # neither 1e-09 nor 0.0029699999999


def test_descriptions_of_each_kind():
    lines = nse_delivery("zerodha").with_slippage(0.001).with_surcharge(0.002).describe()
    assert "Slippage: 0.1 percent of the price, against the order; not part of the fee." in lines
    assert "Surcharge: 0.2 percent of the value, never rounded." in lines
    text = "\n".join(lines)
    assert (
        "NSE transaction charge, buys and sales: 0.00297 percent of the value, since 2024-10-01, until 2026-02-28. Source: "
        in text
    )
    assert "depository charge, sales: 15.34 INR an order, since 2024-09-17. Source: " in text
    assert "Nothing is rounded." in nse_delivery("none", rounded=False).describe()


def test_the_page_has_every_rate_and_date():
    for costs in SCHEDULES[:2] + SCHEDULES[4:]:
        for rate in costs.rates:
            amount = re.search(r": ([\d.]+) ", rate.describe("X"))[1]
            assert re.search(rf"(?<![\d.]){re.escape(amount)}(?![\d.]*\d)", DOCS), (rate.name, amount)
            for day in (rate.since, rate.until):
                assert day is None or day == date(2022, 7, 17) or day == date(2024, 9, 16) or day.isoformat() in DOCS


def test_percentage_is_the_plain_model():
    assert engine.costs.percentage(0.001, 2.0, 5.0, 0.0005) == engine.Costs(0.001, 2.0, 5.0, 0.0005)


# What makes no sense


COSTS = nse_delivery("none")
ADVICE = "; take another date, or add what held by with_rate(engine.costs.DatedRate(...))"
GOOD = DatedRate("levy", "rate", "both", 0.001, date(2020, 1, 1), date(2020, 12, 31), "a test")


def table(*rates, **fields):
    return CostSchedule("own", "INR", rates, **fields)


WRONG = [
    (lambda: COSTS.fee("hold", 1, 1, "2025-01-02"), "side is 'hold'; it must be 'buy' or 'sell'"),
    (lambda: COSTS.fee("buy", -1, 1, "2025-01-02"), "price is -1; it must be more than 0"),
    (lambda: COSTS.fee("buy", 0, 1, "2025-01-02"), "price is 0; it must be more than 0"),
    (lambda: COSTS.fee("buy", math.nan, 1, "2025-01-02"), "price is nan; it must be a finite number"),
    (lambda: COSTS.fee("buy", True, 1, "2025-01-02"), "price is True; it must be a finite number"),
    (lambda: COSTS.fee("buy", 1, "ten", "2025-01-02"), "quantity is 'ten'; it must be a finite number"),
    (lambda: COSTS.fee("buy", 1, 1, "yesterday"), "date is 'yesterday'; it must be a date such as 2025-06-02"),
    (lambda: COSTS.fee("buy", 1, 1, 20250102), "date is 20250102; it must be a date such as 2025-06-02"),
    (lambda: COSTS.fee("buy", 1, 1, np.datetime64("NaT")), "it must be a date such as 2025-06-02"),
    (
        lambda: COSTS.fee("buy", 1, 1, "2020-06-30"),
        "NSE delivery, broker none: no stamp duty is known on 2020-06-30, known from 2020-07-01" + ADVICE,
    ),
    (
        lambda: us_ib_fixed().fee("sell", 1, 1, "2027-01-01"),
        "fixed: no FINRA trading activity fee is known on 2027-01-01, known from 2020-01-01 until 2026-12-31" + ADVICE,
    ),
    (
        lambda: COSTS.rows(np.array([1.0])),
        "dates are float64 of shape (1,); they must be a row of datetime64, none missing",
    ),
    (lambda: COSTS.rows(np.array(["NaT"], dtype="M8[D]")), "they must be a row of datetime64, none missing"),
    (
        lambda: nse_delivery("robinhood"),
        "broker is 'robinhood'; it must be one of: interactive_brokers, zerodha, none, or engine.costs.Brokerage(...) of your own",
    ),
    (lambda: nse_delivery(slippage=1), "slippage is 1.0; it is a fraction, 0.001 is 0.1 percent"),
    (lambda: COSTS.with_surcharge(-0.1), "surcharge is -0.1; it must be 0 or more"),
    (lambda: us_ib_tiered(exchange_fee=-1), "exchange fee is -1; it must be 0 or more"),
    (lambda: Brokerage(rate=1), "brokerage: rate is 1.0; it is a fraction, 0.001 is 0.1 percent"),
    (lambda: Brokerage(minimum=-1), "brokerage: minimum is -1; it must be 0 or more"),
    (lambda: Brokerage(cap=math.nan), "brokerage: cap is nan; it must be a finite number"),
    (lambda: Brokerage(minimum=20, cap=10), "brokerage: cap 10 is below minimum 20; give a cap that is not below it"),
    (lambda: replace(GOOD, name=" "), "name of a rate is ' '; it must be words"),
    (lambda: replace(GOOD, source=""), "source of a rate is ''; it must be words"),
    (lambda: replace(GOOD, part="stt"), "levy: part is 'stt'; it must be one of: rate, per_share"),
    (lambda: replace(GOOD, side="short"), "levy: side is 'short'; it must be 'buy', 'sell' or 'both'"),
    (lambda: replace(GOOD, amount=-1), "levy: amount is -1; it must be 0 or more"),
    (lambda: replace(GOOD, since="soon"), "levy: since is 'soon'; it must be a date such as 2025-06-02"),
    (lambda: replace(GOOD, until=date(2019, 1, 1)), "levy: until 2019-01-01 is before since 2020-01-01; exchange them"),
    (
        lambda: table(GOOD, replace(GOOD, since=date(2020, 12, 31), until=None)),
        "own: two rates of levy (rate) hold on 2020-12-31; end the older one on the day before",
    ),
    (
        lambda: table(GOOD, replace(GOOD, side="sell", since=None, until=None)),
        "own: two rates of levy (rate) hold on",
    ),
    (
        lambda: table(GOOD, replace(GOOD, since=date(2021, 1, 2), until=None)),
        "own: no rate of levy (rate) holds between 2020-12-31 and 2021-01-02; fill the hole",
    ),
    (
        lambda: table(GOOD, replace(GOOD, part="flat", since=date(2021, 1, 1), until=None)),
        "own: there is no day on which all rates hold; give rates whose periods meet",
    ),
    (lambda: table(GOOD, unit=0.03), "own: unit is 0.03; it must be 0, or 1 divided by a whole number, as 0.01"),
    (lambda: table(GOOD, tax_unit=2), "own: tax_unit is 2.0; it must be 0, or 1 divided by a whole number, as 0.01"),
]


@pytest.mark.parametrize(("attempt", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_messages_are_one_line_and_say_what_to_do(attempt, message):
    with pytest.raises(engine.InputError) as raised:
        attempt()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_periods_may_meet_and_sides_may_differ():
    costs = table(
        GOOD,
        replace(GOOD, since=date(2021, 1, 1), until=None, amount=0.002),
        replace(GOOD, part="flat", side="sell", since=None, until=None),
    )
    assert [costs.charges("buy", day).rate for day in ("2020-12-31", "2021-01-01")] == [0.001, 0.002]
    assert (costs.charges("buy", "2021-01-01").flat, costs.charges("sell", "2021-01-01").flat) == (0.0, 0.001)
