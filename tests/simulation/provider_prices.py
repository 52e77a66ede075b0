"""What providers charge: their prices are those of the price file, the formulas are their own."""

from tests.default_prices import PRICES
from tests.simulation.faults import HOUR_MS

MILLION = 1_000_000


def audio_cost(model: str, milliseconds: int) -> int:
    """The micro-USD for so much audio in one call, of which a part counts as a whole one."""
    return -(-milliseconds * PRICES.models[model].micro_usd_per_hour // HOUR_MS)


def dearest_audio_cost(service: str, milliseconds: int) -> int:
    """The same at the dearest model of a service."""
    return max(audio_cost(model, milliseconds) for model in PRICES.services[service].models)


def text_cost(model: str, input_tokens: int, output_tokens: int) -> int:
    """The micro-USD for so many tokens, of which a part counts as a whole one."""
    price = PRICES.text_models[model]
    sent = input_tokens * price.micro_usd_per_million_input_tokens
    received = output_tokens * price.micro_usd_per_million_output_tokens
    return -(-(sent + received) // MILLION)
