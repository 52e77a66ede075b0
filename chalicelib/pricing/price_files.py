"""The price files: one for each version, checked before anything is sold at its prices.

`load` rejects a file with any of the problems that checks.py finds, so that a bad price stops the tests and the start
of a process, not a user's month.
"""

from functools import lru_cache
from pathlib import Path

import msgspec

from .checks import find_problems
from .price_table import (
    LONGEST_CATCHUP_MINUTES as LONGEST_CATCHUP_MINUTES,
    LONGEST_CATCHUP_MS as LONGEST_CATCHUP_MS,
    MICRO_USD_PER_CENT as MICRO_USD_PER_CENT,
    MILLISECONDS_PER_MINUTE as MILLISECONDS_PER_MINUTE,
    SERVICES as SERVICES,
    TEXT_CALL_BYTES as TEXT_CALL_BYTES,
    Prices as Prices,
)

PRICES_DIRECTORY = Path(__file__).parent / "prices"


class PriceError(Exception):
    """The price file is rejected; the message lists every problem."""


def parse(text: bytes) -> Prices:
    """The prices in `text`. Raises PriceError with every problem."""
    try:
        prices = msgspec.json.decode(text, type=Prices)
    except msgspec.MsgspecError as error:
        raise PriceError(f"Invalid price file: {error}") from error
    if problems := find_problems(prices):
        raise PriceError("Invalid price file: " + "; ".join(problems))
    return prices


@lru_cache
def load(version: str) -> Prices:
    """The checked prices of `version`, from the package. Raises PriceError."""
    path = PRICES_DIRECTORY / f"{version}.json"
    if not path.is_file():
        raise PriceError(f"There is no price file {path.name}. Set PRICE_VERSION to one of {sorted(available())}.")
    prices = parse(path.read_bytes())
    if prices.version != version:
        raise PriceError(f"{path.name} contains version {prices.version}. Give the file the name of its version.")
    return prices


def load_all() -> dict[str, Prices]:
    """Every version in this package. Raises PriceError."""
    return {version: load(version) for version in available()}


def available() -> list[str]:
    """The versions in this package."""
    return [path.stem for path in PRICES_DIRECTORY.glob("*.json")]
