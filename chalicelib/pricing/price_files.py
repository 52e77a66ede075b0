"""The price files: one for each version, checked before anything is sold by it.

`load` refuses a file that is incomplete, not positive, not sourced, or that sells below what the provider and the
payment service take, so a bad price stops the tests and the start, not a user's month.
"""

from functools import lru_cache
from pathlib import Path

import msgspec

from .price_table import (
    LONGEST_CATCHUP_MINUTES as LONGEST_CATCHUP_MINUTES,
    LONGEST_CATCHUP_MS as LONGEST_CATCHUP_MS,
    MICRO_USD_PER_CENT as MICRO_USD_PER_CENT,
    MILLISECONDS_PER_MINUTE as MILLISECONDS_PER_MINUTE,
    SERVICES as SERVICES,
    TEXT_CALL_BYTES as TEXT_CALL_BYTES,
    ModelPrice,
    PaymentFees,
    Prices as Prices,
    ServicePrice as ServicePrice,
    TextModelPrice,
)

# What each service is made of; anything else sold is sold by the minute.
BY_THE_PIECE, HEARING, READING = ("ask",), ("live", "catchup"), ("catchup", "catchup_session", "ask")
PRICES_DIRECTORY = Path(__file__).parent / "prices"


class PriceError(Exception):
    """The price file is refused; the message lists everything that is wrong with it."""


def problems(prices: Prices) -> list[str]:
    """Everything that makes `prices` unfit to sell by; empty when they may be used."""
    found = [f"models.{name}: must be above zero" for name, m in prices.models.items() if m.micro_usd_per_hour <= 0]
    for name, text in prices.text_models.items():
        if min(text.micro_usd_per_million_input_tokens, text.micro_usd_per_million_output_tokens) <= 0:
            found.append(f"text_models.{name}: must be above zero")
    for name, package in prices.packages.items():
        if package.credits <= 0 or package.cents <= 0:
            found.append(f"packages.{name}: credits and cents must be above zero")
        if package.cents * MICRO_USD_PER_CENT <= prices.payment_fee_micro_usd(package.cents):
            found.append(f"packages.{name}: brings less than the payment service takes")
    fees = prices.payment_fees
    if min(fees.basis_points, fees.fixed_cents) <= 0:
        found.append("payment_fees: must be above zero")
    told: dict[str, ModelPrice | TextModelPrice | PaymentFees] = {
        f"models.{n}": one for n, one in prices.models.items()
    }
    told |= {f"text_models.{n}": one for n, one in prices.text_models.items()} | {"payment_fees": fees}
    for name, price in told.items():
        if not price.source.strip():
            found.append(f"{name}: no source")
        if price.effective_from > prices.effective_from:
            found.append(f"{name}: in effect only from {price.effective_from}, after this version")
    found += [f"services.{needed}: missing" for needed in SERVICES if needed not in prices.services]
    if not prices.packages:
        found.append("packages: none")
    for name, service in prices.services.items():
        found += _unfit(prices, name, service)
    if found:
        return found
    for name in prices.services:
        if not _earns(prices, name):
            found.append(f"services.{name}: sells below what the provider takes")
    return found


def _unfit(prices: Prices, name: str, service: ServicePrice) -> list[str]:
    found = []
    if (
        service.credits_per_minute < 0
        or service.credits < 0
        or (service.credits_per_minute > 0) == (service.credits > 0)
    ):
        found.append(f"services.{name}: one of credits_per_minute and credits must be above zero")
    elif (service.credits > 0) != (name in BY_THE_PIECE):  # Its price in the other unit would be zero.
        unit = "piece (credits)" if name in BY_THE_PIECE else "minute (credits_per_minute)"
        found.append(f"services.{name}: is sold by the {unit}")
    if not service.models and (name in HEARING or service.text is None):
        found.append(f"services.{name}: names no model")
    if service.text is None and name in READING:
        found.append(f"services.{name}: has no text budget")
    found += [f"services.{name}: {m} has no price in models" for m in service.models if m not in prices.models]
    if service.text:
        text = service.text
        if not text.models:
            found.append(f"services.{name}: names no text model")
        found += [
            f"services.{name}: {m} has no price in text_models" for m in text.models if m not in prices.text_models
        ]
        numbers = (text.output_tokens, text.tries, text.bytes_for(MILLISECONDS_PER_MINUTE))
        if min(numbers) <= 0 or min(text.input_bytes, text.input_bytes_per_minute) < 0:
            found.append(f"services.{name}: the text budget must be above zero")
    return found


def _earns(prices: Prices, name: str) -> bool:
    """Whether work sold in the cheapest package brings more than it costs us at worst, short or long."""
    service = prices.services[name]
    # A started minute may read its text whole, so the first moment of a minute earns least.
    lengths_ms = [1, *(n * MILLISECONDS_PER_MINUTE + 1 for n in (1, 2, 29, 30, 31, 59, 60)), LONGEST_CATCHUP_MS]
    return all(
        (service.credits or prices.credits_for(name, audio_ms)) * kept_micro_usd(prices, package.cents)
        > prices.worst_cost_micro_usd(name, audio_ms) * package.credits
        for package in prices.packages.values()
        for audio_ms in lengths_ms
    )


def kept_micro_usd(prices: Prices, cents: int) -> int:
    """What is left of a payment once the payment service has taken its part."""
    return cents * MICRO_USD_PER_CENT - prices.payment_fee_micro_usd(cents)


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
