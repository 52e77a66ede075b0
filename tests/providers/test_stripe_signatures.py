"""Only events that Stripe signed just now are accepted; any other input is rejected."""

import time
from collections.abc import Callable, Iterator

import pytest

from chalicelib.errors import InvalidSignatureError
from chalicelib.providers.stripe_client import StripeGateway
from tests.providers.stand_in import StandIn
from tests.providers.stripe_checkout_steps import SECRET, event, gateway, sign, to_raw

GOOD = to_raw(event())
DEEP = b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}}"
DEEP_ELSEWHERE = GOOD[:-2] + b', "more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
THIN = {
    "id": "evt_1",
    "object": "v2.core.event",
    "type": "v1.refund.created",
    "livemode": False,
    "created": "2026-11-01T00:00:00.000Z",
    "related_object": {"id": "re_1", "type": "refund", "url": "/v1/refunds/re_1"},
}
MALFORMED: dict[str, bytes] = {
    "empty": b"",
    "not JSON": b"a refund",
    "half JSON": GOOD[:-5],
    "a list": to_raw([event()]),
    "a word": b'"event"',
    "a number": b"7",
    "null": b"null",
    "an empty object": b"{}",
    "a thin event": to_raw(THIN),
    "no id": to_raw({k: v for k, v in event().items() if k != "id"}),
    "an empty id": to_raw(event(id="")),
    "an id that is a number": to_raw(event(id=7)),
    "a long id": to_raw(event(id="e" * 256)),
    "no type": to_raw({k: v for k, v in event().items() if k != "type"}),
    "a type that is a list": to_raw(event(type=["refund.created"])),
    "no data": to_raw({k: v for k, v in event().items() if k != "data"}),
    "data without an object": to_raw(event(data={})),
    "data that is null": to_raw(event(data=None)),
    "an object that is an id": to_raw(event(data={"object": "re_1"})),
    "a livemode that is a word": to_raw(event(livemode="no")),
    "deep JSON": DEEP,
    "deep JSON beside the event": DEEP_ELSEWHERE,
    "not UTF-8": GOOD[:-2] + b', "x": "\xff"}',
    "a lone surrogate": GOOD[:-2] + b', "x": "\xed\xa0\x80"}',
    "a number above every float": b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"x": 1e999999}}}',
}


def now() -> int:
    return int(time.time())


# Made when they are sent: an old signature would be rejected for its age alone.
BAD_SIGNATURES: dict[str, Callable[[], str]] = {
    "none": lambda: "",
    "a blank": lambda: " ",
    "a word": lambda: "abc",
    "a time alone": lambda: f"t={now()}",
    "a time without digits": lambda: "t=now,v1=abc",
    "a time of too many digits": lambda: f"t={'1' * 5_000},v1=abc",
    "no time": lambda: sign(GOOD).partition(",")[2],
    "another scheme": lambda: sign(GOOD).replace("v1=", "v0="),
    "another secret": lambda: sign(GOOD, "whsec_another"),
    "another body": lambda: sign(GOOD + b" "),
    "another time": lambda: f"t={now() + 1}," + sign(GOOD).partition(",")[2],
    "half": lambda: sign(GOOD)[:-1],
    "not ASCII": lambda: sign(GOOD) + "é",
    "not ASCII at all": lambda: f"t={now()},v1=é",
    "stale": lambda: sign(GOOD, seconds_ago=301),
    "of 1970": lambda: sign(GOOD, seconds_ago=now()),
    "in the future": lambda: sign(GOOD, seconds_ago=-310),
    "in the future, with a space": lambda: sign(GOOD, seconds_ago=-310).replace("t=", "t= "),
    "before 1970": lambda: sign(GOOD, seconds_ago=2 * now()),
}


@pytest.fixture
def stripe_gateway(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as started:
        yield started


def test_an_event_that_stripe_signed_is_accepted(stripe_gateway: StripeGateway) -> None:
    verified = stripe_gateway.verify_event(GOOD, sign(GOOD))

    assert (verified.id, verified.type, verified.livemode) == ("evt_1", "refund.created", False)
    assert verified.data.object == {"id": "re_1", "object": "refund"}


@pytest.mark.parametrize("seconds_ago", [299, 0, -290])
def test_clocks_may_differ_a_little(stripe_gateway: StripeGateway, seconds_ago: int) -> None:
    assert stripe_gateway.verify_event(GOOD, sign(GOOD, seconds_ago=seconds_ago)).id == "evt_1"


@pytest.mark.parametrize("kind", BAD_SIGNATURES)
def test_an_invalid_signature_is_rejected(stripe_gateway: StripeGateway, kind: str) -> None:
    with pytest.raises(InvalidSignatureError):
        stripe_gateway.verify_event(GOOD, BAD_SIGNATURES[kind]())


@pytest.mark.parametrize("kind", MALFORMED)
def test_signed_content_that_is_not_an_event_is_rejected(stripe_gateway: StripeGateway, kind: str) -> None:
    raw = MALFORMED[kind]

    with pytest.raises(InvalidSignatureError):
        stripe_gateway.verify_event(raw, sign(raw))


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_without_a_secret_no_event_is_accepted(stand_in: StandIn, secrets: tuple[str, ...]) -> None:
    with gateway(stand_in, webhook_secrets=secrets) as stripe_gateway:
        for secret in ("", " ", SECRET):
            with pytest.raises(InvalidSignatureError):
                stripe_gateway.verify_event(GOOD, sign(GOOD, secret))


def test_both_secrets_are_accepted_during_a_rotation(stand_in: StandIn) -> None:
    """Stripe signs with both until the old one expires, in one header."""
    with gateway(stand_in, webhook_secrets=("whsec_old", "whsec_new")) as stripe_gateway:
        both = f"{sign(GOOD, 'whsec_old')},{sign(GOOD, 'whsec_new').partition(',')[2]}"
        for signature in (sign(GOOD, "whsec_old"), sign(GOOD, "whsec_new"), both):
            assert stripe_gateway.verify_event(GOOD, signature).id == "evt_1"
        with pytest.raises(InvalidSignatureError):
            stripe_gateway.verify_event(GOOD, sign(GOOD, "whsec_third"))


def test_a_rejection_shows_no_secret(stripe_gateway: StripeGateway) -> None:
    with pytest.raises(InvalidSignatureError) as refusal:
        stripe_gateway.verify_event(GOOD, sign(GOOD, "whsec_another"))

    causes = f"{refusal.value!r} {refusal.value.__cause__!r} {refusal.value.details}"
    assert SECRET not in causes
    assert sign(GOOD) not in causes
