"""Backtests and portfolios as files: one JSON document that holds all of a result and gives it back as it was, bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from engine.errors import DataError
from engine.results.backtest import BacktestResult
from engine.results.portfolio import PortfolioResult
from engine.settings import Settings, TrailingStop
from engine.terms import AccountTerms

__all__ = ["is_saved_result", "load_result", "save_result"]

_KEY = "goldencross"
_FORMAT = 1
_START = b'{"goldencross":'


def save_result(result: BacktestResult | PortfolioResult, path: str | PathLike[str]) -> None:
    """Write a result, whole or not at all.

    Raises
    ------
    OutputError
    """
    from engine.results.storage import replacing  # noqa: PLC0415  pyarrow is slow to import

    is_account = isinstance(result, PortfolioResult)
    about = {_KEY: "portfolio" if is_account else "backtest", "format": _FORMAT, "version": version("goldencross")}
    document = {**about, **{name: _packed(getattr(result, name)) for name in _kept(type(result))}}
    with replacing(path) as partial:
        partial.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")


def _kept(kind: type[BacktestResult | PortfolioResult]) -> list[str]:
    """Name the fields that are written: all but the prices, of which the hash is kept."""
    return [name for name in kind.__dataclass_fields__ if name != "prices"]


def is_saved_result(path: Path) -> bool:
    """Tell whether a file begins as ``save_result`` begins it."""
    with path.open("rb") as file:
        return file.read(len(_START)) == _START


def load_result(path: str | PathLike[str]) -> BacktestResult | PortfolioResult:
    """Read what ``save_result`` wrote.

    Raises
    ------
    DataError
        There is no such file, or it is none of these.
    """
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise DataError(f"{path} is no whole JSON document; write it again by --save") from None
    kinds: dict[str, type[BacktestResult | PortfolioResult]] = {
        "backtest": BacktestResult,
        "portfolio": PortfolioResult,
    }
    if not isinstance(document, dict) or document.get(_KEY) not in kinds:
        raise DataError(f"{path} is JSON, but no result that goldencross saved")
    if document.get("format") != _FORMAT:
        raise DataError(
            f"{path} has format {document.get('format')} of goldencross {document.get('version')}; this one reads {_FORMAT}"
        )
    kind = kinds[document[_KEY]]
    try:
        return kind(**{name: _unpacked(name, document[name]) for name in _kept(kind)})
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"{path} is not as goldencross saved it ({type(error).__name__}: {error}); write it again by --save"
        ) from None


def _packed(value: Any) -> Any:
    """Give a field as plain values for JSON."""
    if isinstance(value, pd.DataFrame):
        return {"index": _column(value.index), "columns": {str(name): _column(value[name]) for name in value.columns}}
    if isinstance(value, pd.Series):
        return {"name": value.name, "index": _column(value.index), "values": _column(value)}
    if isinstance(value, Settings | AccountTerms):
        return value.to_dict()
    if isinstance(value, TrailingStop):
        return asdict(value)
    if isinstance(value, Mapping):
        return {str(name): _packed(one) for name, one in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _column(values: Any) -> dict[str, Any]:
    """Give a column or an index with its type: moments in UTC beside their zone, numbers exact, what is missing as null."""
    dtype, name = str(values.dtype), values.name
    if isinstance(values.dtype, pd.DatetimeTZDtype) or dtype.startswith("datetime64"):
        moments = pd.DatetimeIndex(values)
        zone = None if moments.tz is None else str(moments.tz)
        plain = moments if zone is None else moments.tz_convert("UTC").tz_localize(None)
        return {
            "name": name,
            "type": "moment",
            "zone": zone,
            "unit": moments.unit,
            "values": [None if pd.isna(one) else one.isoformat() for one in plain],
        }
    if dtype == "object" and any(isinstance(one, pd.Timestamp) for one in values):  # several zones in one column
        return {
            "name": name,
            "type": "moments",
            "values": [None if pd.isna(one) else one.isoformat() for one in values],
        }
    return {"name": name, "type": dtype, "values": [None if pd.isna(one) else one for one in values.tolist()]}


def _unpacked(name: str, value: Any) -> Any:
    """Read a field."""
    if name in _READ and value is not None:
        return _READ[name](value)
    return _table(value) if isinstance(value, dict) else value


_READ: Mapping[str, Callable[[Any], Any]] = {
    "settings": Settings.from_dict,
    "terms": AccountTerms.from_dict,
    "stop": lambda value: TrailingStop(**value),
    "notes": tuple,
    "left_out": dict,
}
"""Fields that are no tables."""


def _table(value: dict[str, Any]) -> Any:
    """Read a DataFrame, a Series, or a Series for each symbol."""
    if value.keys() == {"index", "columns"}:
        columns = {column: _values(packed) for column, packed in value["columns"].items()}
        return pd.DataFrame(columns, index=_index(value["index"]))
    if value.keys() == {"name", "index", "values"}:
        return pd.Series(_values(value["values"]), index=_index(value["index"]), name=value["name"])
    return {symbol: _table(one) for symbol, one in value.items()}


def _values(packed: Mapping[str, Any]) -> Any:
    """Read a column."""
    kind, values = packed["type"], packed["values"]
    if kind == "moment":
        return _moments(packed)
    if kind == "moments":
        return pd.array([pd.NaT if one is None else pd.Timestamp(one) for one in values], dtype=object)
    if kind == "float64":
        return np.array([np.nan if one is None else one for one in values], dtype=np.float64)
    return pd.array(values, dtype=kind)


def _index(packed: Mapping[str, Any]) -> pd.Index[Any]:
    """Read an index."""
    if packed["type"] == "moment":
        moments: pd.Index[Any] = _moments(packed).rename(packed["name"])
        return moments
    values = packed["values"]
    if packed["type"] == "int64" and values == list(range(len(values))):
        return pd.RangeIndex(len(values), name=packed["name"])
    index: pd.Index[Any] = pd.Index(values, dtype=packed["type"], name=packed["name"])
    return index


def _moments(packed: Mapping[str, Any]) -> pd.DatetimeIndex:
    """Read moments."""
    moments = pd.DatetimeIndex(pd.to_datetime(packed["values"], format="ISO8601")).as_unit(packed["unit"])
    return moments if packed["zone"] is None else moments.tz_localize("UTC").tz_convert(packed["zone"])
