"""United States shares at Interactive Brokers: commission, and the fees on sales. The same table for readers is in ``docs/costs.md``."""

from __future__ import annotations

from engine.costs.brokerage import Brokerage
from engine.costs.rates import DatedRate, as_number, dated_rate
from engine.costs.schedule import CostSchedule

__all__ = ["us_ib_fixed", "us_ib_tiered"]

_READ = "read 2026-11-24 in a stored copy"
_PAGE = f"Interactive Brokers' page of stock commissions as of about 2024, {_READ}"
_QUOTED = "quoted in public source code, the filing itself not read"


def _sec_fee(rate: float, since: str, until: str | None, source: str) -> DatedRate:
    return dated_rate("SEC fee", "tax_rate", "sell", rate, since, until, source)


def _finra_fee(per_share: float, cap: float, since: str, until: str, source: str) -> tuple[DatedRate, DatedRate]:
    return (
        dated_rate("FINRA trading activity fee", "share_levy", "sell", per_share, since, until, source),
        dated_rate("cap of the FINRA fee", "share_levy_cap", "sell", cap, since, until, source),
    )


_SEC_FEES = (
    _sec_fee(0.0000221, "2020-02-18", "2021-02-24", f"FINRA information notice of 2020-02-03 and SEC advisory of 2021-01-15, {_READ}"),
    _sec_fee(0.0000051, "2021-02-25", "2022-05-13", f"SEC advisory of 2021-01-15, {_READ}"),
    _sec_fee(0.0000229, "2022-05-14", "2023-02-26", f"SEC advisory for 2022, {_QUOTED}; a broker's page names 2022-05-12"),
    _sec_fee(0.000008, "2023-02-27", "2024-05-21", f"SEC order of 2023-01-23, {_QUOTED}"),
    _sec_fee(0.0000278, "2024-05-22", "2025-05-13", f"SEC order of 2024-04-17 (34-99973), {_QUOTED}"),
    _sec_fee(0.0, "2025-05-14", "2026-04-03", f"SEC order of 2025-04-08 (34-102779): nothing to collect, {_READ}"),
    _sec_fee(
        0.0000206, "2026-04-04", None,
        f"SEC order of 2026-02-27 (34-104909), {_QUOTED}; it is set anew after every appropriation, so look for a newer one",
    ),
)  # fmt: skip

_FINRA_FEES = (
    *_finra_fee(0.000119, 5.95, "2020-01-01", "2021-12-31", f"the cap and rate on brokers' pages, the years {_QUOTED}; it began earlier"),
    *_finra_fee(0.000130, 6.49, "2022-01-01", "2022-12-31", f"FINRA filing SR-FINRA-2020-032, {_QUOTED}"),
    *_finra_fee(0.000145, 7.27, "2023-01-01", "2023-12-31", f"FINRA filing SR-FINRA-2020-032, {_QUOTED}; brokers' pages {_READ}"),
    *_finra_fee(0.000166, 8.30, "2024-01-01", "2025-12-31", f"FINRA filing SR-FINRA-2020-032, {_QUOTED}; brokers' pages {_READ}"),
    *_finra_fee(0.000195, 9.79, "2026-01-01", "2026-09-30", f"FINRA filing SR-FINRA-2024-019, {_QUOTED}"),
    *_finra_fee(
        0.0, 9.79, "2026-10-01", "2026-12-31",
        f"FINRA filing SR-FINRA-2026-021: not collected until the end of 2026, {_QUOTED}; what follows is told in two ways, so the table ends",
    ),
)  # fmt: skip

_ROUNDING = "Nothing is rounded: Interactive Brokers shows fractions of a cent (from memory, unverified)."


def _schedule(name: str, rates: tuple[DatedRate, ...], slippage: float) -> CostSchedule:
    return CostSchedule(name, "USD", (*rates, *_SEC_FEES, *_FINRA_FEES), slippage=slippage, rounding=_ROUNDING)


def us_ib_fixed(*, slippage: float = 0.0) -> CostSchedule:
    """Give the fixed plan for United States shares, in dollars, from 2020-02-18 to 2026-12-31.

    0.005 a share, at least 1, at most 1 percent of the value, exchange and clearing included; the SEC's and FINRA's fees on sales.
    The consolidated audit trail's fee (below 0.0001 a share) is left out.

    Parameters
    ----------
    slippage : float
        Fraction of the price.

    Raises
    ------
    InputError
    """
    plan = Brokerage(per_share=0.005, minimum=1.0, cap_rate=0.01, source=_PAGE)
    return _schedule("United States, Interactive Brokers fixed", plan.rates(), slippage)


def us_ib_tiered(*, exchange_fee: float = 0.003, slippage: float = 0.0) -> CostSchedule:
    """Give the tiered plan (up to 300,000 shares a month) for United States shares, in dollars, from 2020-02-18 to 2026-12-31.

    0.0035 a share, at least 0.35, at most 1 percent of the value; the broker's pass-through of exchange and FINRA fees on that; clearing; the venue;
    the SEC's and FINRA's fees on sales. The consolidated audit trail's fee (below 0.0001 a share) is left out.

    Parameters
    ----------
    exchange_fee : float
        Dollars a share that the venue takes. It depends on the venue; 0.003 is the most for an order that takes liquidity.
    slippage : float
        Fraction of the price.

    Raises
    ------
    InputError
    """
    plan = Brokerage(per_share=0.0035, minimum=0.35, cap_rate=0.01, source=_PAGE)
    others = (
        DatedRate(
            "pass-through of NYSE and FINRA fees", "brokerage_tax", "both", 0.000175 + 0.00056, None, None, _PAGE
        ),
        DatedRate("clearing (NSCC, DTC)", "clearing_per_share", "both", 0.0002, None, None, _PAGE),
        DatedRate(
            "venue fee",
            "exchange_per_share",
            "both",
            as_number("exchange fee", exchange_fee),
            None,
            None,
            "given by the user; the default is the cap of Regulation NMS, rule 610, from memory, unverified",
        ),
    )
    return _schedule("United States, Interactive Brokers tiered", (*plan.rates(), *others), slippage)
