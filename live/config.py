"""What the bot may do, from one TOML file, checked as a whole before anything else happens.

The account is not in the file: it comes from the environment variable ``GOLDENCROSS_ACCOUNT``, and a file with anything that looks like an account is
refused, so that the file can be shown, committed and shared. ``docs/example-config.toml`` has every key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from live.errors import ConfigError
from live.schema import Config
from live.words import first_faults

__all__ = ["ACCOUNT_VARIABLE", "Config", "account_of", "load_config", "parse_config"]

ACCOUNT_VARIABLE = "GOLDENCROSS_ACCOUNT"

_LOOKS_LIKE_AN_ACCOUNT = re.compile(r"(?<![A-Za-z0-9])D?[UFI]\d{5,9}(?![A-Za-z0-9])", re.IGNORECASE)
_ACCOUNTS = {"paper": re.compile(r"DU\d{5,9}"), "live": re.compile(r"U\d{5,9}")}


def load_config(path: Path | str) -> Config:
    """Read a config file; its relative paths are those of its own folder.

    Raises
    ------
    ConfigError
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); copy docs/example-config.toml and change it") from error
    return parse_config(text, path)


def parse_config(text: str, path: Path) -> Config:
    """Read the text of a config file that lies at ``path``.

    Raises
    ------
    ConfigError
    """
    account = os.environ.get(ACCOUNT_VARIABLE, "").strip()
    if _LOOKS_LIKE_AN_ACCOUNT.search(text) or (account and account.casefold() in text.casefold()):
        raise ConfigError(
            f"{path}: holds what looks like an account id; take it out, comments included, and set {ACCOUNT_VARIABLE} instead"
        )
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is no TOML: {error}") from error
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_faults(error, Config)}") from None
    return config.model_copy(update={"paths": config.paths.within(path.parent)})


def account_of(config: Config, environment: Mapping[str, str] | None = None) -> str:
    """Give the account from the environment, if it is of the kind that the file asks for.

    Raises
    ------
    ConfigError
        It is not set, or is a live account for a paper file, or the other way round. The message never has the account.
    """
    variables: Mapping[str, Any] = os.environ if environment is None else environment
    account, mode = str(variables.get(ACCOUNT_VARIABLE, "")).strip(), config.account.mode
    if not account:
        raise ConfigError(f"{ACCOUNT_VARIABLE} is not set; set it to the id of your {mode} account")
    if _ACCOUNTS[mode].fullmatch(account):
        return account
    other = "live" if mode == "paper" else "paper"
    if _ACCOUNTS[other].fullmatch(account):
        raise ConfigError(
            f"{ACCOUNT_VARIABLE} is a {other} account, but the file says mode = {mode!r}; change one of the two"
        )
    raise ConfigError(f"{ACCOUNT_VARIABLE} is no account id; a paper account is DU and digits, a live one U and digits")
