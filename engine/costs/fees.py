"""What one order cost."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Fee"]


@dataclass(frozen=True)
class Fee:
    """The cost of one order, part by part, in currency.

    ``tax`` is the transaction tax (STT, SEC fee), ``regulator`` the SEBI fee, ``protection`` the investor protection fund's levy (IPFT),
    ``share_levy`` the FINRA fee, ``service_tax`` GST or what a broker adds to its commission, ``flat`` the depository's charge.
    """

    brokerage: float
    tax: float
    stamp: float
    exchange: float
    regulator: float
    protection: float
    share_levy: float
    clearing: float
    service_tax: float
    flat: float
    surcharge: float
    total: float
    currency: str
