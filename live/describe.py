"""What a config file means, in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from live import nse

if TYPE_CHECKING:
    from live.schema import Config

__all__ = ["describe"]


def describe(config: Config) -> list[str]:
    """Say what the bot would do, one fact a line; see ``Config.describe``."""
    return [*_where(config), *_what(config), *_limits(config)]


def _where(config: Config) -> list[str]:
    gateway = config.gateway
    money = "no real money" if config.account.mode == "paper" else "REAL MONEY"
    return [
        f"Account: {config.account.mode}, {money}; its id is taken from GOLDENCROSS_ACCOUNT.",
        f"Gateway: {gateway.host} port {gateway.port}, client {gateway.client_id}.",
    ]


def _what(config: Config) -> list[str]:
    rules, minutes = config.rules, config.run.minutes_before_last_entry
    auction = [each.symbol for each in config.instruments if each.closing_auction]
    others = [each.symbol for each in config.instruments if not each.closing_auction]
    lines = [
        f"Buys when the {rules.fast}-day average crosses above the {rules.slow}-day average, sells when it crosses below.",
        f"Every buy has a stop {rules.stop_multiple:g} ATR ({rules.stop_window} days, {rules.stop_average}) below "
        + (
            "it, at a fixed distance from the highest price."
            if rules.stop_kind == "fixed"
            else "it, that follows the ATR."
        ),
        f"If the stop is hit, about {rules.risk:.2%} of equity is lost, costs and gaps aside.",
        f"At most {rules.max_positions} positions, each at most {rules.max_weight:.0%} of equity; first: {_first(config)}.",
    ]
    for names, moment in (
        (auction, f"{nse.AUCTION:%H:%M} (closing auction since {nse.AUCTION_SINCE})"),
        (others, f"{nse.CLOSE:%H:%M}"),
    ):
        if names:
            lines.append(f"Runs {minutes} minutes before {moment}, Asia/Kolkata, for {', '.join(names)}.")
    return lines


def _first(config: Config) -> str:
    """Say who comes first."""
    priority = config.rules.priority
    if isinstance(priority, str):
        return {"strongest": "the strongest cross", "alphabetical": "by the alphabet"}[priority]
    return ", ".join(priority)


def _limits(config: Config) -> list[str]:
    limits = config.limits
    return [
        f"At most {limits.max_orders_per_day} entry orders a day.",
        f"At most {limits.max_order_notional:,.0f} INR in an entry, {limits.max_day_notional:,.0f} INR in all entries of a day.",
        f"No entries after a loss of {limits.max_daily_loss:,.0f} INR in a day.",
        f"No entry at a limit more than {limits.price_band_percent:g} percent from the last close.",
        f"No entries while {config.paths.halt} exists; stops and sales go on.",
        f"Journal: {config.paths.journal}.",
        f"Log: {config.paths.log}." if config.paths.log else "Log: none; [paths] log names one.",
    ]
