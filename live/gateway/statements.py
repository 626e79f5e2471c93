"""The values of an account, as the broker names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from live.gateway.book import Book

__all__ = ["CURRENCY", "statement"]

CURRENCY = "INR"


def statement(book: Book, name: str) -> list[tuple[str, str, str]]:
    """Return tag, value and currency of what is known of an account."""
    account = book.accounts[name]
    worth = sum(held.shares * book.prices.get(con_id, held.average_cost) for con_id, held in account.positions.items())
    funds = book.available_funds(name)
    amounts = {
        "AvailableFunds": funds,
        "BuyingPower": funds,
        "CashBalance": account.cash,
        "ExcessLiquidity": funds,
        "FullAvailableFunds": funds,
        "GrossPositionValue": worth,
        "NetLiquidation": account.cash + worth,
        "RealizedPnL": account.realized,
        "SettledCash": account.cash,
        "TotalCashValue": account.cash,
    }
    rows = [(tag, f"{amount:.2f}", CURRENCY) for tag, amount in amounts.items()]
    return [("AccountType", "INDIVIDUAL", ""), *rows]
