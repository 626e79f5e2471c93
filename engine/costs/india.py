"""Cash delivery on the National Stock Exchange of India: every rate with its dates and source. The same table for readers is in ``docs/costs.md``."""

from __future__ import annotations

from engine.costs.brokerage import Brokerage
from engine.costs.rates import dated_rate
from engine.costs.schedule import CostSchedule
from engine.errors import InputError

__all__ = ["BROKERS", "nse_delivery"]

_READ = "read 2026-11-24 in a stored copy"
_QUOTED = "quoted in public source code, the circular itself not read"

_TAXES = (
    dated_rate(
        "STT", "tax_rate", "both", 0.001, "2012-07-01", None,
        "Finance Act 2012 (Finance (No. 2) Act 2004, section 98), as reported by taxguru.in; NSE's circulars of 2013, 2024 and 2026 report "
        f"no change for delivery; {_READ}",
    ),
    dated_rate(
        "stamp duty", "stamp_rate", "buy", 0.00015, "2020-07-01", None,
        "Finance Act 2019 (Indian Stamp Act), one rate for all states, notices of Zerodha and the Calcutta Stock Exchange of 2020-07-01; "
        f"before that day every state had its own; {_READ}",
    ),
    dated_rate("GST on brokerage", "brokerage_tax", "both", 0.18, "2017-07-01", None, f"GST, charges page of tifsl.in, {_READ}"),
    dated_rate(
        "GST on the exchange's charge", "exchange_tax", "both", 0.18, "2017-07-01", None, f"GST, charges page of tifsl.in, {_READ}"
    ),
    dated_rate(
        "GST on the SEBI fee", "regulator_tax", "both", 0.0, "2017-07-01", "2022-07-17",
        f"help page of 5paisa: no GST on it before; some brokers charged it all the same; {_READ}",
    ),
    dated_rate(
        "GST on the SEBI fee", "regulator_tax", "both", 0.18, "2022-07-18", None,
        f"BSE notices 20221031-4 and 20221130-3: GST with effect from 2022-07-18; {_READ}",
    ),
)  # fmt: skip

_EXCHANGE = (
    dated_rate(
        "NSE transaction charge", "exchange_rate", "both", 0.0000325, "2009-10-01", "2020-12-31",
        f"NSE/F&A/13028 of 2009-09-07 and NSE/FA/46730, {_QUOTED}; of the slabs by a member's turnover the highest, which brokers pass on; the lower charge of 2020-08 to 2021-03 for shares outside the two largest "
        "indices (NSE/FA/46225) is left out",
    ),
    dated_rate(
        "NSE transaction charge", "exchange_rate", "both", 0.0000345, "2021-01-01", "2023-03-31",
        f"NSE/FA/46730 of 2020-12-18, {_QUOTED}; the rise of 6 percent from 2021-01-01 in The Hindu of 2023-03-24",
    ),
    dated_rate(
        "NSE transaction charge", "exchange_rate", "both", 0.0000325, "2023-04-01", "2024-03-31",
        f"NSE/FA/56129 of 2023-03-24, {_QUOTED}; the return to the older charge in The Hindu of 2023-03-24",
    ),
    dated_rate(
        "NSE transaction charge", "exchange_rate", "both", 0.0000322, "2024-04-01", "2024-09-30",
        f"NSE/FA/61137 of 2024-03-14, {_QUOTED}; Upstox's charges page names both dates",
    ),
    dated_rate(
        "NSE transaction charge", "exchange_rate", "both", 0.0000297, "2024-10-01", "2026-02-28",
        f"NSE/FA/64232 of 2024-09-27, {_QUOTED}; NDTV Profit of 2024-09-27; Interactive Brokers' page of NSE fees",
    ),
    dated_rate(
        "NSE transaction charge", "exchange_rate", "both", 0.000030699, "2026-03-01", None,
        f"NSE/FA/73061 of 2026-02-27: Rs 306.99 a crore, {_QUOTED}",
    ),
)  # fmt: skip

_LEVIES = (
    dated_rate(
        "SEBI turnover fee", "regulator_rate", "both", 0.0000005, "2020-06-01", "2021-03-31",
        f"half the fee from June 2020 to March 2021, SEBI's statement in The Hindu of 2020-04-27; {_READ}",
    ),
    dated_rate(
        "SEBI turnover fee", "regulator_rate", "both", 0.000001, "2021-04-01", None,
        f"Rs 10 a crore: SEBI's notification of 2019-03-22 (Payment of Fees), in force again after the halving; {_READ}",
    ),
    dated_rate(
        "IPFT", "protection_rate", "both", 0.000000001, "2020-07-01", "2023-03-31",
        f"Rs 0.01 a crore, called the existing levy by NSE in The Hindu of 2023-03-24, {_READ}; when it began is not known, this table begins on "
        "2020-07-01",
    ),
    dated_rate(
        "IPFT", "protection_rate", "both", 0.000001, "2023-04-01", "2026-02-28",
        f"Rs 10 a crore: NSE/FA/56129 of 2023-03-24, {_QUOTED}; The Hindu of 2023-03-24; Interactive Brokers' page of NSE fees",
    ),
    dated_rate(
        "IPFT", "protection_rate", "both", 0.000000001, "2026-03-01", None,
        f"Rs 0.01 a crore again, the rest moved into the transaction charge: NSE/FA/73061 of 2026-02-27, {_QUOTED}",
    ),
)  # fmt: skip

_ZERODHA = (
    dated_rate(
        "brokerage", "rate", "both", 0.0, "2015-12-01", None,
        f"no brokerage on delivery for resident individuals, announced 2015-11-30, Mint of 2025-12-01, {_READ}",
    ),
    dated_rate(
        "depository charge", "flat", "sell", 15.93, "2020-02-17", "2024-09-16",
        f"Rs 13.50 + 18 percent GST for all sales of one share on one day, Zerodha's support page, {_READ}; on its charges page from 2020-02-17 to "
        "2024-03-01 as quoted in public source code",
    ),
    dated_rate(
        "depository charge", "flat", "sell", 15.34, "2024-09-17", None,
        f"Rs 13 + 18 percent GST, Zerodha's support page, {_READ}; the day of the change is not known: the older amount was seen on 2024-03-01, this "
        "one on 2024-09-17, as quoted in public source code",
    ),
    dated_rate(
        "GST on IPFT", "protection_tax", "both", 0.18, None, None, f"Zerodha's support page on IPFT: + 18 percent GST, {_READ}"
    ),
)  # fmt: skip

_INTERACTIVE_BROKERS = Brokerage(
    per_share=0.01,
    minimum=6.0,
    cap=20.0,
    source=(
        "UNVERIFIED: constants of QuantConnect LEAN's fee model; no page of Interactive Brokers was found, nor its depository charge, which is "
        "left out"
    ),
)

BROKERS = {
    "interactive_brokers": _INTERACTIVE_BROKERS.rates(),
    "zerodha": _ZERODHA,
    "none": Brokerage(source="no broker: taxes and levies only").rates(),
}
"""Brokers by name."""

_ROUNDING = (
    "Rounding: STT to the whole rupee, 50 paise up (Securities Transaction Tax Rules 2004, rule 4); stamp duty to the whole rupee (seen on Zerodha's "
    "contract notes by others, not verified for other brokers); everything else to the paisa, an assumption. A contract note rounds once a day, "
    "here every order is rounded."
)


def nse_delivery(
    broker: str | Brokerage = "interactive_brokers", *, slippage: float = 0.0, rounded: bool = True
) -> CostSchedule:
    """Give what cash delivery on the NSE costs, in rupees, from 2020-07-01.

    Parameters
    ----------
    broker : {"interactive_brokers", "zerodha", "none"} or Brokerage
        "none": taxes and levies only.
    slippage : float
        Fraction of the price.
    rounded : bool
        As a contract note rounds; False: exact products.

    Raises
    ------
    InputError
        A broker that is not known.
    """
    if isinstance(broker, Brokerage):
        label, rates = "own brokerage", broker.rates()
    elif broker in BROKERS:
        label, rates = f"broker {broker}", BROKERS[broker]
    else:
        raise InputError(
            f"broker is {broker!r}; it must be one of: {', '.join(BROKERS)}, or engine.costs.Brokerage(...) of your own"
        )
    return CostSchedule(
        name=f"NSE delivery, {label}",
        currency="INR",
        rates=(*rates, *_TAXES, *_EXCHANGE, *_LEVIES),
        slippage=slippage,
        unit=0.01,
        tax_unit=1.0,
        stamp_unit=1.0,
        rounded=rounded,
        rounding=_ROUNDING,
    )
