"""What things cost: our credits and the providers' money, read from one versioned, checked file.

A price is data, never a constant in logic. `load` refuses a file that is incomplete, not positive, or that sells
below what the provider takes, so a bad price stops the tests and the start, not a user's month.
"""

from functools import lru_cache
from pathlib import Path

import msgspec

PRICES_DIRECTORY = Path(__file__).parent / "prices"
MILLISECONDS_PER_MINUTE = 60_000
MILLISECONDS_PER_HOUR = 3_600_000
MICRO_USD_PER_CENT = 10_000


class ServicePrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our price of a service, and every model ("provider/model") that may do its work."""

    credits_per_minute: int
    models: tuple[str, ...]


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Credits sold together, in US cents."""

    credits: int
    cents: int


class ModelPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider takes for an hour of audio, in micro-USD."""

    micro_usd_per_hour: int


class PriceError(Exception):
    """The price file is refused; the message lists everything that is wrong with it."""


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of all prices."""

    version: str
    services: dict[str, ServicePrice]
    packages: dict[str, Package]
    models: dict[str, ModelPrice]
    comment: str = ""

    def live_credits(self, billed_ms: int) -> int:
        """Credits for `billed_ms` of one live session from its start; a started credit counts in full.

        Leases and chunks are charged the difference of this running total, so splitting never changes the price.
        Raises ValueError for negative time: a clock bug must not become a refund.
        """
        if billed_ms < 0:
            raise ValueError(f"negative milliseconds: {billed_ms}")
        return -(-billed_ms * self.services["live"].credits_per_minute // MILLISECONDS_PER_MINUTE)

    def live_ms(self, credits: int) -> int:
        """The longest live time that `credits` cover, in milliseconds."""
        return credits * MILLISECONDS_PER_MINUTE // self.services["live"].credits_per_minute

    def cost_micro_usd(self, model: str, audio_ms: int) -> int:
        """What `audio_ms` cost us at the provider, rounded up. `model` is "provider/model"."""
        return -(-audio_ms * self.models[model].micro_usd_per_hour // MILLISECONDS_PER_HOUR)


def problems(prices: Prices) -> list[str]:
    """Everything that makes `prices` unfit to sell by; empty when they may be used."""
    found = [f"models.{name}: must be above zero" for name, m in prices.models.items() if m.micro_usd_per_hour <= 0]
    for name, package in prices.packages.items():
        if package.credits <= 0 or package.cents <= 0:
            found.append(f"packages.{name}: credits and cents must be above zero")
    for needed in ("live",):
        if needed not in prices.services:
            found.append(f"services.{needed}: missing")
    if not prices.packages:
        found.append("packages: none")
    if found:
        return found
    for name, service in prices.services.items():
        if service.credits_per_minute <= 0:
            found.append(f"services.{name}: credits_per_minute must be above zero")
        if not service.models:
            found.append(f"services.{name}: names no model")
        for model in service.models:
            if model not in prices.models:
                found.append(f"services.{name}: {model} has no price in models")
            elif not _earns(prices, service, prices.models[model]):
                found.append(f"services.{name}: sells {model} below what the provider takes")
    return found


def _earns(prices: Prices, service: ServicePrice, model: ModelPrice) -> bool:
    """Whether an hour sold in the cheapest package brings more than the provider takes for it."""
    credits_per_hour = service.credits_per_minute * 60
    return all(
        credits_per_hour * package.cents * MICRO_USD_PER_CENT > model.micro_usd_per_hour * package.credits
        for package in prices.packages.values()
    )


def parse(text: bytes) -> Prices:
    """The prices in `text`. Raises PriceError naming every problem."""
    try:
        prices = msgspec.json.decode(text, type=Prices)
    except msgspec.MsgspecError as error:
        raise PriceError(f"price file: {error}") from error
    if found := problems(prices):
        raise PriceError("price file: " + "; ".join(found))
    return prices


@lru_cache
def load(version: str) -> Prices:
    """The checked prices of `version`, from the package."""
    path = PRICES_DIRECTORY / f"{version}.json"
    if not path.is_file():
        raise PriceError(f"there is no price file {path.name}; PRICE_VERSION must name one of {sorted(available())}")
    prices = parse(path.read_bytes())
    if prices.version != version:
        raise PriceError(f"{path.name} says it is version {prices.version}")
    return prices


def available() -> list[str]:
    """The versions that ship with this package."""
    return [path.stem for path in PRICES_DIRECTORY.glob("*.json")]
