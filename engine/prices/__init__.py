"""Prices: reading them, holding them, and checking them."""

from engine.prices.checking import validate
from engine.prices.history import History, Prices
from engine.prices.reading import load, read

__all__ = ["History", "Prices", "load", "read", "validate"]
