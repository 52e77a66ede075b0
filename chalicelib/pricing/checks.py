"""The checks of a price file: it is complete, positive and sourced, and every service sells above its cost.

The cost of a service is the worst case of what the providers charge; what a package brings is what the payment service
leaves of it.
"""

from .price_table import (
    LONGEST_CATCHUP_MS,
    MICRO_USD_PER_CENT,
    MILLISECONDS_PER_MINUTE,
    SERVICES,
    ModelPrice,
    PaymentFees,
    Prices,
    ServicePrice,
    TextModelPrice,
)

# What each service works on; a service that is not sold per request is sold by the minute.
PER_REQUEST_SERVICES = ("ask",)
AUDIO_SERVICES = ("live", "catchup")
TEXT_SERVICES = ("catchup", "catchup_session", "ask")


def find_problems(prices: Prices) -> list[str]:
    """Everything that makes `prices` invalid; empty where they can be used."""
    problems = [*_amounts(prices), *_sources(prices)]
    problems += [f"services.{service}: missing" for service in SERVICES if service not in prices.services]
    if not prices.packages:
        problems.append("packages: there are none")
    for name, service in prices.services.items():
        problems += _service(prices, name, service)
    if problems:
        return problems
    return [
        f"services.{name}: sells below what the provider charges"
        for name in prices.services
        if not _sells_above_cost(prices, name)
    ]


def _amounts(prices: Prices) -> list[str]:
    problems = [
        f"models.{name}: must be above zero" for name, model in prices.models.items() if model.micro_usd_per_hour <= 0
    ]
    for name, text in prices.text_models.items():
        if min(text.micro_usd_per_million_input_tokens, text.micro_usd_per_million_output_tokens) <= 0:
            problems.append(f"text_models.{name}: must be above zero")
    for name, package in prices.packages.items():
        if package.credits <= 0 or package.cents <= 0:
            problems.append(f"packages.{name}: credits and cents must be above zero")
        if package.cents * MICRO_USD_PER_CENT <= prices.payment_fee_micro_usd(package.cents):
            problems.append(f"packages.{name}: brings less than the payment service charges")
    if min(prices.payment_fees.basis_points, prices.payment_fees.fixed_cents) <= 0:
        problems.append("payment_fees: must be above zero")
    return problems


def _sources(prices: Prices) -> list[str]:
    """Each price names its source, and is in effect when this version is."""
    foreign_prices: dict[str, ModelPrice | TextModelPrice | PaymentFees] = {"payment_fees": prices.payment_fees}
    foreign_prices |= {f"models.{name}": price for name, price in prices.models.items()}
    foreign_prices |= {f"text_models.{name}": price for name, price in prices.text_models.items()}
    problems = []
    for name, price in foreign_prices.items():
        if not price.source.strip():
            problems.append(f"{name}: names no source")
        if price.effective_from > prices.effective_from:
            problems.append(f"{name}: in effect only from {price.effective_from}, after this version")
    return problems


def _service(prices: Prices, name: str, service: ServicePrice) -> list[str]:
    problems = []
    is_negative = service.credits_per_minute < 0 or service.credits < 0
    if is_negative or (service.credits_per_minute > 0) == (service.credits > 0):
        problems.append(f"services.{name}: one of credits_per_minute and credits must be above zero")
    elif (service.credits > 0) != (name in PER_REQUEST_SERVICES):  # Its price in the other unit would be zero.
        unit = "per request (credits)" if name in PER_REQUEST_SERVICES else "by the minute (credits_per_minute)"
        problems.append(f"services.{name}: is sold {unit}")
    if not service.models and (name in AUDIO_SERVICES or service.text is None):
        problems.append(f"services.{name}: names no model")
    if service.text is None and name in TEXT_SERVICES:
        problems.append(f"services.{name}: has no text budget")
    problems += [
        f"services.{name}: {model} has no price in models" for model in service.models if model not in prices.models
    ]
    if service.text:
        text = service.text
        if not text.models:
            problems.append(f"services.{name}: names no text model")
        problems += [
            f"services.{name}: {model} has no price in text_models"
            for model in text.models
            if model not in prices.text_models
        ]
        amounts = (text.output_tokens, text.tries, text.bytes_for(MILLISECONDS_PER_MINUTE))
        if min(amounts) <= 0 or min(text.input_bytes, text.input_bytes_per_minute) < 0:
            problems.append(f"services.{name}: the text budget must be above zero")
    return problems


def _sells_above_cost(prices: Prices, name: str) -> bool:
    """Whether work paid with the cheapest package brings more than it costs in the worst case, at every length."""
    service = prices.services[name]
    # Each minute or part of one may send a whole minute's text, so the first moment of a minute earns least.
    lengths_ms = [1, *(n * MILLISECONDS_PER_MINUTE + 1 for n in (1, 2, 29, 30, 31, 59, 60)), LONGEST_CATCHUP_MS]
    return all(
        (service.credits or prices.credits_for(name, audio_ms)) * prices.net_micro_usd(package.cents)
        > prices.worst_cost_micro_usd(name, audio_ms) * package.credits
        for package in prices.packages.values()
        for audio_ms in lengths_ms
    )
