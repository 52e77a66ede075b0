"""What things cost, and which price files are refused."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib import pricing
from chalicelib.pricing import PriceError

PRICES = pricing.load("2026-11")
MODEL = "assemblyai/sync-universal-3-5-pro"
milliseconds = st.integers(0, 86_400_000)


@pytest.mark.parametrize(
    ("billed_ms", "credits"),
    [(0, 0), (1, 1), (6_000, 1), (6_001, 2), (60_000, 10), (60_001, 11), (3_600_000, 600)],
)
def test_ten_credits_a_minute_and_a_started_credit_counts_in_full(billed_ms: int, credits: int) -> None:
    assert PRICES.live_credits(billed_ms) == credits


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
def test_the_longest_time_that_credits_cover_costs_them_and_a_moment_more_costs_more(credits: int) -> None:
    longest_ms = PRICES.live_ms(credits)

    assert PRICES.live_credits(longest_ms) == credits
    assert PRICES.live_credits(longest_ms + 1) == credits + 1


@pytest.mark.parametrize(
    ("audio_ms", "cost"), [(0, 0), (1, 1), (12, 1), (13, 2), (3_600_000, 300_000), (12_000, 1_000)]
)
def test_a_providers_cost_is_rounded_up(audio_ms: int, cost: int) -> None:
    assert PRICES.cost_micro_usd(MODEL, audio_ms) == cost


def changed(path: str, value: object = None) -> bytes:
    """The shipped prices with one value replaced, or taken out where `value` is None."""
    prices: dict[str, Any] = msgspec.to_builtins(PRICES)
    place = prices
    *way, last = path.split(".")
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return json.dumps(prices).encode()


BAD = {
    "no service": (changed("services.live"), "services.live: missing"),
    "a price of zero": (changed("services.live.credits_per_minute", 0), "must be above zero"),
    "a negative price": (changed("services.live.credits_per_minute", -1), "must be above zero"),
    "a broken price": (changed("services.live.credits_per_minute", 9.5), "Expected `int`"),
    "a service without a model": (changed("services.live.models", []), "names no model"),
    "a model without a price": (changed(f"models.{MODEL}"), f"{MODEL} has no price"),
    "a model for nothing": (changed(f"models.{MODEL}.micro_usd_per_hour", 0), "must be above zero"),
    "a model that pays us": (changed(f"models.{MODEL}.micro_usd_per_hour", -1), "must be above zero"),
    "below cost": (changed(f"models.{MODEL}.micro_usd_per_hour", 2_398_801), "below what the provider takes"),
    "a package for nothing": (changed("packages.starter.cents", 0), "must be above zero"),
    "an empty package": (changed("packages.starter.credits", 0), "must be above zero"),
    "a package too cheap": (changed("packages.power.cents", 240), "below what the provider takes"),
    "no package": (changed("packages", {}), "packages: none"),
    "an unknown field": (changed("services.live.discount", 5), "unknown field"),
    "no version": (changed("version"), "missing required field"),
    "no number": (changed("services.live.credits_per_minute", "10"), "Expected `int`"),
    "no JSON": (b"{", "price file"),
    "infinity": (b'{"version": "x", "services": Infinity}', "price file"),
}


@pytest.mark.parametrize(("text", "says"), BAD.values(), ids=BAD)
def test_a_bad_price_file_is_refused_and_says_why(text: bytes, says: str) -> None:
    with pytest.raises(PriceError, match=says):
        pricing.parse(text)


def test_everything_wrong_is_said_at_once() -> None:
    text = changed("packages", {"a": {"credits": 0, "cents": 1}, "b": {"credits": 1, "cents": 0}})

    with pytest.raises(PriceError, match=r"packages\.a.*packages\.b"):
        pricing.parse(text)


def test_every_shipped_version_may_be_sold_by() -> None:
    for version in pricing.available():
        assert pricing.load(version).version == version


def test_a_file_that_names_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pricing, "PRICES_DIRECTORY", tmp_path)
    (tmp_path / "2030-01.json").write_bytes(changed("comment", "same"))

    with pytest.raises(PriceError, match="says it is version 2026-11"):
        pricing.load("2030-01")
    with pytest.raises(PriceError, match=r"no price file 2031-01\.json"):
        pricing.load("2031-01")
