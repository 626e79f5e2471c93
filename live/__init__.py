"""The live bridge: the latest bars through the very same kernels as the backtest, and orders that end in a known state.

::

    config, schema, describe    one TOML file, checked as a whole, said in plain words
    sessions, nse, scheduler    when NSE trades, when the bot runs, waiting by the wall clock
    broker, facts, codes        the only file that speaks with Interactive Brokers; what it says in the bot's own words
    bars, decision, plan        bars -> engine.kernels -> what each share asks for
    strategy, entries           what the bot does; which entries are made, in turn
    sizing, pricing, limits     how many, at which legal price, and what stops an entry
    acting, asking, protection  orders sent, watched and finished, many at the same time; every share under a stop
    runner, service, cli        one run; the bot that stays up; the command goldencross-live
    journal                     its memory, written before anything is done
    looking, report             status, journal and export; the journal as a report
    flattening, selling, exits  selling everything by command
    logs, plain, wire           what is said, as lines of JSON, too; masked, one line each; what the wire has for numbers
    gateway                     a simulated gateway that speaks the real protocol
    demo                        a month against it
    parity, commands            the bot's decisions held to the backtest's; the commands of goldencross that need the bot
    command                     the command goldencross, put together

``docs/live.md`` says what is promised, by which test, and what is not proven without a real gateway.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live.decision import Decision, decide

__all__ = ["Decision", "decide"]


def __getattr__(name: str) -> Any:
    """Import a public name on first use, so that a command does not wait for what it does not need."""
    if name not in __all__:
        raise AttributeError(f"module 'live' has no attribute {name!r}")
    return getattr(import_module("live.decision"), name)
