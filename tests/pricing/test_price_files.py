"""What services cost, and which price files are rejected."""

import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings, strategies as st
from msgspec import structs

from chalicelib.pricing import price_files
from chalicelib.pricing.price_files import PriceError
from chalicelib.pricing.price_table import Package
from scripts import price_page
from tests.default_prices import PRICE_VERSION, PRICES

MODEL = "assemblyai/sync-universal-3-5-pro"
# What the figures of this file rest on: the current costs, at prices that stay when the current prices change.
CREDITS = {"live": 10, "catchup": 10, "catchup_session": 1}
EXAMPLE = structs.replace(
    PRICES,
    services={
        **{name: structs.replace(PRICES.services[name], credits_per_minute=each) for name, each in CREDITS.items()},
        "ask": structs.replace(PRICES.services["ask"], credits=5),
    },
    packages={"starter": Package(500, 299), "popular": Package(2_000, 999), "power": Package(5_000, 1_999)},
)
milliseconds = st.integers(0, 86_400_000)


@pytest.mark.parametrize(
    ("billed_ms", "credits"),
    [(0, 0), (1, 1), (6_000, 1), (6_001, 2), (60_000, 10), (60_001, 11), (3_600_000, 600)],
)
def test_ten_credits_a_minute_rounded_up_to_a_whole_credit(billed_ms: int, credits: int) -> None:
    assert EXAMPLE.live_credits(billed_ms) == credits


def test_negative_time_is_an_error_and_never_a_refund() -> None:
    with pytest.raises(ValueError, match="negative"):
        PRICES.live_credits(-1)


@given(parts=st.lists(milliseconds, max_size=30))
@settings(derandomize=True, deadline=None)
def test_splitting_never_changes_the_price(parts: list[int]) -> None:
    total_ms = charged = 0
    for part in parts:
        total_ms += part
        difference = PRICES.live_credits(total_ms) - charged
        assert difference >= 0
        charged += difference

    assert charged == PRICES.live_credits(sum(parts))


@given(credits=st.integers(0, 10_000_000))
@settings(derandomize=True, deadline=None)
def test_the_longest_time_that_credits_cover_costs_exactly_these_credits(credits: int) -> None:
    longest_ms = PRICES.live_ms(credits)

    assert PRICES.live_credits(longest_ms) == credits
    assert PRICES.live_credits(longest_ms + 1) == credits + 1


@pytest.mark.parametrize(
    ("audio_ms", "cost"), [(0, 0), (1, 1), (12, 1), (13, 2), (3_600_000, 300_000), (12_000, 1_000)]
)
def test_the_cost_of_a_provider_is_rounded_up(audio_ms: int, cost: int) -> None:
    assert PRICES.cost_micro_usd(MODEL, audio_ms) == cost


@pytest.mark.parametrize(
    ("cents", "fee"), [(0, 300_000), (1, 300_290), (299, 386_710), (999, 589_710), (1_999, 879_710)]
)
def test_the_payment_service_charges_a_share_and_a_fixed_amount(cents: int, fee: int) -> None:
    assert PRICES.payment_fee_micro_usd(cents) == fee


# Text models


@pytest.mark.parametrize(
    ("tokens_in", "tokens_out", "cost"),
    [(0, 0, 0), (1, 0, 1), (0, 1, 1), (10, 0, 1), (11, 0, 2), (4, 1, 1), (6, 1, 2), (1_000_000, 1_000_000, 600_000)],
)
def test_the_cost_of_text_is_rounded_up_once(tokens_in: int, tokens_out: int, cost: int) -> None:
    assert PRICES.text_cost_micro_usd(TEXT, tokens_in, tokens_out) == cost


def test_a_model_without_a_price_costs_as_much_as_the_dearest_one() -> None:
    two_models = price_files.parse(
        with_value("text_models.local/dear", {TOKENS_IN: 300_000, TOKENS_OUT: 400_000, **SOURCED}),
    )

    assert PRICES.audio_cost_micro_usd("catchup", "assemblyai/new", 3_600_000) == 210_000
    assert PRICES.audio_cost_micro_usd("catchup", "assemblyai/universal-2", 3_600_000) == 150_000
    assert two_models.text_cost_micro_usd("openai/new", 1_000_000, 0) == 300_000
    assert two_models.text_cost_micro_usd("openai/new", 0, 1_000_000) == 500_000
    assert two_models.text_cost_micro_usd(TEXT, 1_000_000, 0) == 100_000


@pytest.mark.parametrize(
    ("service", "audio_ms", "allowed"),
    [
        ("catchup", 1, 6_000),
        ("catchup", 60_000, 6_000),
        ("catchup", 60_001, 12_000),
        ("catchup_session", 36_000_000, 3_600_000),
        ("ask", 0, 120_000),
        ("ask", 36_000_000, 120_000),
    ],
)
def test_text_is_allowed_per_minute_or_part_of_a_minute(service: str, audio_ms: int, allowed: int) -> None:
    assert PRICES.text_budget(service).bytes_for(audio_ms) == allowed


def test_live_streams_have_no_text_work() -> None:
    with pytest.raises(AssertionError, match="live has no text work"):
        PRICES.text_budget("live")
    assert PRICES.worst_cost_micro_usd("live", 3_600_000) == 1_020_000


@pytest.mark.parametrize(
    ("service", "audio_ms", "worst"),
    [
        # 120,000 bytes and one call's instructions as tokens, 800 tokens of answer.
        ("ask", 0, 12_400 + 400),
        # 6,000 bytes and one call's instructions, 1,000 tokens of answer, all that twice.
        ("catchup_session", 1, 2 * (1_000 + 500)),
        ("catchup_session", 1_800_000, 2 * (18_400 + 500)),
        # 186,000 bytes in three parts at most, a fourth call that reads all answers.
        ("catchup_session", 1_800_001, 2 * (38_200 + 2_000)),
        ("catchup", 3_600_000, 210_000 + 2 * (56_400 + 3_000)),
    ],
)
def test_the_worst_cost_counts_every_byte_every_call_and_every_try(service: str, audio_ms: int, worst: int) -> None:
    assert PRICES.worst_cost_micro_usd(service, audio_ms) == worst


@given(audio_ms=st.integers(1, price_files.LONGEST_CATCHUP_MS), minutes=st.integers(0, 599))
@settings(derandomize=True, deadline=None)
def test_no_length_sells_below_cost_in_any_package(audio_ms: int, minutes: int) -> None:
    for service, package in itertools.product(price_files.SERVICES, PRICES.packages.values()):
        for length_ms in (audio_ms, minutes * 60_000 + 1):
            credits = PRICES.services[service].credits or PRICES.credits_for(service, length_ms)
            earned_micro_usd = credits * package.cents * price_files.MICRO_USD_PER_CENT / package.credits
            assert earned_micro_usd > PRICES.worst_cost_micro_usd(service, length_ms)


# Price files


def with_value(path: str, value: object = None) -> bytes:
    """The example prices with one value replaced, or removed where `value` is None."""
    prices: dict[str, Any] = msgspec.to_builtins(EXAMPLE)
    parent = prices
    *steps, last = path.split(".")
    for step in steps:
        parent = parent[step]
    if value is None:
        del parent[last]
    else:
        parent[last] = value
    return json.dumps(prices).encode()


TEXT = "openai/gpt-6-luna"
TOKENS_IN, TOKENS_OUT = "micro_usd_per_million_input_tokens", "micro_usd_per_million_output_tokens"
EFFECTIVE_FROM, NEXT_DAY = PRICES.effective_from, PRICES.effective_from + timedelta(days=1)
SOURCED = {"effective_from": EFFECTIVE_FROM.isoformat(), "source": "a page"}
CATCHUP_BELOW = "services.catchup: sells below"
INVALID = {
    "no service": (with_value("services.live"), "services.live: missing"),
    "a price of zero": (with_value("services.live.credits_per_minute", 0), "must be above zero"),
    "a negative price": (with_value("services.live.credits_per_minute", -1), "must be above zero"),
    "a fractional price": (with_value("services.live.credits_per_minute", 9.5), "Expected `int`"),
    "a service without a model": (with_value("services.live.models", []), "names no model"),
    "a model without a price": (with_value(f"models.{MODEL}"), f"{MODEL} has no price"),
    "a free model": (with_value(f"models.{MODEL}.micro_usd_per_hour", 0), "must be above zero"),
    "a negative model price": (with_value(f"models.{MODEL}.micro_usd_per_hour", -1), "must be above zero"),
    "no catch-up": (with_value("services.catchup"), "services.catchup: missing"),
    "no catch-up of sessions": (with_value("services.catchup_session"), "services.catchup_session: missing"),
    "no questions": (with_value("services.ask"), "services.ask: missing"),
    "two prices at once": (with_value("services.ask.credits_per_minute", 1), "one of credits_per_minute and credits"),
    "live streams per request": (
        with_value("services.live", {"credits": 5, "models": [MODEL]}),
        "services.live: is sold by the minute",
    ),
    "questions by the minute": (
        with_value("services.ask", {"credits_per_minute": 5, "text": msgspec.to_builtins(PRICES.services["ask"].text)}),
        "services.ask: is sold per request",
    ),
    "neither a model nor text": (with_value("services.ask.text"), "services.ask: names no model"),
    "catch-ups without a summary": (with_value("services.catchup.text"), "services.catchup: has no text budget"),
    "catch-ups without an audio model": (with_value("services.catchup.models", []), "services.catchup: names no model"),
    "text work without a model": (with_value("services.ask.text.models", []), "services.ask: names no text model"),
    "a text model without a price": (with_value(f"text_models.{TEXT}"), f"{TEXT} has no price in text_models"),
    "a free text model": (with_value(f"text_models.{TEXT}.{TOKENS_IN}", 0), f"text_models.{TEXT}: must be above"),
    "free answers": (with_value(f"text_models.{TEXT}.{TOKENS_OUT}", 0), f"text_models.{TEXT}: must be above"),
    "no input text": (with_value("services.ask.text.input_bytes", 0), "services.ask: the text budget must be above"),
    "a negative input text": (with_value("services.catchup.text.input_bytes", -1), "the text budget must be above"),
    "no output tokens": (
        with_value("services.ask.text.output_tokens", 0),
        "services.ask: the text budget must be above",
    ),
    "no tries": (with_value("services.catchup.text.tries", 0), "services.catchup: the text budget must be above"),
    "questions below cost": (with_value("services.ask.credits", 3), "services.ask: sells below"),
    "long answers below cost": (with_value("services.ask.text.output_tokens", 15_200), "services.ask: sells below"),
    "long questions below cost": (with_value("services.ask.text.input_bytes", 192_000), "services.ask: sells below"),
    "dear tokens below cost": (with_value(f"text_models.{TEXT}.{TOKENS_IN}", 160_000), "services.ask: sells below"),
    "catch-ups below cost": (with_value("models.assemblyai/universal-2.micro_usd_per_hour", 2_376_000), CATCHUP_BELOW),
    "short catch-ups below cost": (with_value("services.catchup.text.output_tokens", 2_000), CATCHUP_BELOW),
    "many tries below cost": (with_value("services.catchup_session.text.tries", 3), "catchup_session: sells below"),
    "much text below cost": (
        with_value("services.catchup_session.text.input_bytes_per_minute", 11_000),
        "catchup_session: sells below",
    ),
    "below cost": (with_value(f"models.{MODEL}.micro_usd_per_hour", 2_398_801), "below what the provider charges"),
    "a free package": (with_value("packages.starter.cents", 0), "must be above zero"),
    "an empty package": (with_value("packages.starter.credits", 0), "must be above zero"),
    "a package that is too cheap": (with_value("packages.power.cents", 240), "below what the provider charges"),
    "no package": (with_value("packages", {}), "packages: there are none"),
    "a package below its payment's fee": (
        with_value("packages.starter.cents", 30),
        "less than the payment service charges",
    ),
    "no payment fees": (with_value("payment_fees"), "missing required field"),
    "free payments": (with_value("payment_fees.basis_points", 0), "payment_fees: must be above zero"),
    "a negative payment fee": (with_value("payment_fees.fixed_cents", -1), "payment_fees: must be above zero"),
    "a price without a source": (with_value(f"models.{MODEL}.source", " "), f"models.{MODEL}: names no source"),
    "a price with a missing source": (with_value(f"models.{MODEL}.source"), "missing required field"),
    "a text price without a source": (
        with_value(f"text_models.{TEXT}.source", ""),
        f"text_models.{TEXT}: names no source",
    ),
    "a price that takes effect later": (
        with_value(f"models.{MODEL}.effective_from", f"{NEXT_DAY}"),
        f"in effect only from {NEXT_DAY}",
    ),
    "a price from an invalid date": (with_value(f"models.{MODEL}.effective_from", "2026-02-30"), "Invalid RFC3339"),
    "an unknown field": (with_value("services.live.discount", 5), "unknown field"),
    "no version": (with_value("version"), "missing required field"),
    "a price that is not a number": (with_value("services.live.credits_per_minute", "10"), "Expected `int`"),
    "not JSON": (b"{", "Invalid price file"),
    "infinity": (b'{"version": "x", "services": Infinity}', "Invalid price file"),
}


@pytest.mark.parametrize(("text", "problem"), INVALID.values(), ids=INVALID)
def test_an_invalid_price_file_is_rejected_with_the_reason(text: bytes, problem: str) -> None:
    with pytest.raises(PriceError, match=problem):
        price_files.parse(text)


def test_all_problems_are_reported_at_once() -> None:
    text = with_value("packages", {"a": {"credits": 0, "cents": 1}, "b": {"credits": 1, "cents": 0}})

    with pytest.raises(PriceError, match=r"packages\.a.*packages\.b"):
        price_files.parse(text)


def test_every_version_in_the_package_is_valid() -> None:
    for version in price_files.available():
        assert price_files.load(version).version == version


def test_a_file_with_another_version_is_rejected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(price_files, "PRICES_DIRECTORY", tmp_path)
    (tmp_path / "2030-01.json").write_bytes(with_value("comment", "same"))

    with pytest.raises(PriceError, match=f"contains version {PRICE_VERSION}"):
        price_files.load("2030-01")
    with pytest.raises(PriceError, match=r"no price file 2031-01\.json"):
        price_files.load("2031-01")


def test_the_prices_in_the_docs_are_those_of_the_file() -> None:
    """`python -m scripts.price_page` writes them."""
    texts = [path.read_text(encoding="utf-8") for path in price_page.PAGES]
    dearer = price_files.parse(with_value("packages.power.cents", 2_099))

    assert [part[1] for text in texts for part in price_page.PART.findall(text)] == list(price_page.PARTS)
    for text in texts:
        assert price_page.page(text, price_files.load(price_page.default_version())) == text
        assert price_page.page(text, dearer) != text
