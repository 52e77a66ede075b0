"""One version of all prices: our credits and the providers' charges. Pure arithmetic.

A price is data, never a constant in logic. checks.py says which price files can be used.
"""

from datetime import date

import msgspec

MILLISECONDS_PER_MINUTE = 60_000
MILLISECONDS_PER_HOUR = 3_600_000
MICRO_USD_PER_CENT = 10_000
TOKENS_PER_PRICE = 1_000_000
BASIS_POINTS = 10_000
LONGEST_CATCHUP_MINUTES = 600
LONGEST_CATCHUP_MS = LONGEST_CATCHUP_MINUTES * MILLISECONDS_PER_MINUTE
# The most that one call may send to a text model. A token of a byte-level tokenizer is at least one byte, so that bytes
# limit tokens for any text; above 272,000 input tokens OpenAI charges double.
TEXT_CALL_BYTES = 180_000
INSTRUCTION_BYTES = 4_000
SERVICES = ("live", "catchup", "catchup_session", "ask")


class TextBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that one piece of work may send to a text model and get back. `tries`: the most calls for one result."""

    models: tuple[str, ...]
    output_tokens: int
    input_bytes: int = 0
    input_bytes_per_minute: int = 0
    tries: int = 1

    def bytes_for(self, audio_ms: int) -> int:
        """The bytes of transcript that work on this much audio may send, per minute or part of a minute."""
        return self.input_bytes + self.input_bytes_per_minute * -(-audio_ms // MILLISECONDS_PER_MINUTE)


class ServicePrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Our price of a service, per minute or per request, and every model ("provider/model") that may do its work."""

    credits_per_minute: int = 0
    credits: int = 0
    models: tuple[str, ...] = ()
    text: TextBudget | None = None


class Package(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Credits sold together, and their price in US cents."""

    credits: int
    cents: int


class ModelPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider charges for an hour of audio, in micro-USD; since when, and the source."""

    micro_usd_per_hour: int
    effective_from: date
    source: str


class TextModelPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a provider charges for a million tokens, in micro-USD; since when, and the source."""

    micro_usd_per_million_input_tokens: int
    micro_usd_per_million_output_tokens: int
    effective_from: date
    source: str


class PaymentFees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the payment service charges for each payment: a share and a fixed amount."""

    basis_points: int
    fixed_cents: int
    effective_from: date
    source: str


class Prices(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One version of all prices."""

    version: str
    effective_from: date
    services: dict[str, ServicePrice]
    packages: dict[str, Package]
    models: dict[str, ModelPrice]
    payment_fees: PaymentFees
    text_models: dict[str, TextModelPrice] = {}
    comment: str = ""

    def live_credits(self, billed_ms: int) -> int:
        """Credits for `billed_ms` of one live session from its start.

        Leases and chunks are charged the difference of this running total, so splitting never changes the price.
        """
        return self.credits_for("live", billed_ms)

    def credits_for(self, service: str, billed_ms: int) -> int:
        """Credits for `billed_ms` of a service sold by the minute, rounded up to a whole credit.

        Raises ValueError for negative time: a clock bug must not become a refund.
        """
        if billed_ms < 0:
            raise ValueError(f"negative milliseconds: {billed_ms}")
        return -(-billed_ms * self.services[service].credits_per_minute // MILLISECONDS_PER_MINUTE)

    def live_ms(self, credits: int) -> int:
        """The longest live time that `credits` cover, in milliseconds."""
        return self.affordable_ms("live", credits)

    def affordable_ms(self, service: str, credits: int) -> int:
        """The longest time of a service sold by the minute that `credits` cover, in milliseconds."""
        return credits * MILLISECONDS_PER_MINUTE // self.services[service].credits_per_minute

    def cost_micro_usd(self, model: str, audio_ms: int) -> int:
        """What `audio_ms` cost us at the provider, rounded up. `model` is "provider/model"."""
        return -(-audio_ms * self.models[model].micro_usd_per_hour // MILLISECONDS_PER_HOUR)

    def audio_cost_micro_usd(self, service: str, model: str, audio_ms: int) -> int:
        """As `cost_micro_usd`. A model without a price, chosen by the provider, costs as much as the dearest one."""
        priced_models = [model] if model in self.models else self.services[service].models
        return max(self.cost_micro_usd(priced_model, audio_ms) for priced_model in priced_models)

    def text_cost_micro_usd(self, model: str, input_tokens: int, output_tokens: int) -> int:
        """What these tokens cost us at the provider, rounded up. `model` is "provider/model".

        A model without a price, as in work that started under an older file, costs as much as the dearest one.
        """
        prices = [self.text_models[model]] if model in self.text_models else self.text_models.values()
        cost = max(
            input_tokens * price.micro_usd_per_million_input_tokens
            + output_tokens * price.micro_usd_per_million_output_tokens
            for price in prices
        )
        return -(-cost // TOKENS_PER_PRICE)

    def payment_fee_micro_usd(self, cents: int) -> int:
        """What the payment service charges for a payment, rounded up. It keeps that when the payment is refunded."""
        share = -(-cents * MICRO_USD_PER_CENT * self.payment_fees.basis_points // BASIS_POINTS)
        return share + self.payment_fees.fixed_cents * MICRO_USD_PER_CENT

    def net_micro_usd(self, cents: int) -> int:
        """What the payment service leaves of a payment."""
        return cents * MICRO_USD_PER_CENT - self.payment_fee_micro_usd(cents)

    def text_budget(self, service: str) -> TextBudget:
        """The text budget of a service that has one."""
        budget = self.services[service].text
        assert budget is not None, f"{service} has no text work"
        return budget

    def worst_cost_micro_usd(self, service: str, audio_ms: int) -> int:
        """The most that work on this much audio can cost us: every byte a token, every try used, every answer full."""
        price = self.services[service]
        audio = max((self.cost_micro_usd(model, audio_ms) for model in price.models), default=0)
        if price.text is None:
            return audio
        sent, calls = price.text.bytes_for(audio_ms), 1
        if sent > TEXT_CALL_BYTES:
            # Two neighbouring parts exceed the bytes of one call; one more call reads the results of all parts.
            calls = 2 * sent // TEXT_CALL_BYTES + 2
            sent += TEXT_CALL_BYTES
        tokens_in, tokens_out = sent + calls * INSTRUCTION_BYTES, calls * price.text.output_tokens
        text = max(self.text_cost_micro_usd(model, tokens_in, tokens_out) for model in price.text.models)
        return audio + price.text.tries * text
