"""Prices: reading them, holding them, and checking them."""

from engine.prices.actions import read_actions
from engine.prices.checking import validate
from engine.prices.history import History, Prices
from engine.prices.reading import load, read

__all__ = ["History", "Prices", "load", "read", "read_actions", "validate"]
