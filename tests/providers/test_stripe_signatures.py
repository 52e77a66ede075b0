"""Nothing but an event that Stripe signed a moment ago is heard; whatever else comes is refused and breaks nothing."""

import time
from collections.abc import Callable, Iterator

import pytest

from chalicelib.errors import InvalidSignatureError
from chalicelib.providers.stripe_client import StripeGateway
from tests.providers.stand_in import StandIn
from tests.providers.stripe_checkout_steps import SECRET, event, gateway, raw_of, signed

GOOD = raw_of(event())
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
    "no JSON": b"a refund",
    "half JSON": GOOD[:-5],
    "a list": raw_of([event()]),
    "a word": b'"event"',
    "a number": b"7",
    "null": b"null",
    "an empty object": b"{}",
    "a thin event": raw_of(THIN),
    "no id": raw_of({k: v for k, v in event().items() if k != "id"}),
    "an empty id": raw_of(event(id="")),
    "an id that is a number": raw_of(event(id=7)),
    "a long id": raw_of(event(id="e" * 256)),
    "no type": raw_of({k: v for k, v in event().items() if k != "type"}),
    "a type that is a list": raw_of(event(type=["refund.created"])),
    "no data": raw_of({k: v for k, v in event().items() if k != "data"}),
    "data without an object": raw_of(event(data={})),
    "data that is null": raw_of(event(data=None)),
    "an object that is an id": raw_of(event(data={"object": "re_1"})),
    "a livemode that is a word": raw_of(event(livemode="no")),
    "deep JSON": DEEP,
    "deep JSON beside the event": DEEP_ELSEWHERE,
    "not UTF-8": GOOD[:-2] + b', "x": "\xff"}',
    "a lone surrogate": GOOD[:-2] + b', "x": "\xed\xa0\x80"}',
    "a number too large for any": b'{"id": "evt_1", "type": "refund.created", "data": {"object": {"x": 1e999999}}}',
}


def now() -> int:
    return int(time.time())


# Made when they are sent: a signature that is too old would be refused for that alone.
BAD_SIGNATURES: dict[str, Callable[[], str]] = {
    "none": lambda: "",
    "a blank": lambda: " ",
    "a word": lambda: "abc",
    "a time alone": lambda: f"t={now()}",
    "a time of no digits": lambda: "t=now,v1=abc",
    "a time of too many digits": lambda: f"t={'1' * 5_000},v1=abc",
    "no time": lambda: signed(GOOD).partition(",")[2],
    "another scheme": lambda: signed(GOOD).replace("v1=", "v0="),
    "another secret": lambda: signed(GOOD, "whsec_another"),
    "another body": lambda: signed(GOOD + b" "),
    "another time": lambda: f"t={now() + 1}," + signed(GOOD).partition(",")[2],
    "half": lambda: signed(GOOD)[:-1],
    "not ASCII": lambda: signed(GOOD) + "é",
    "not ASCII at all": lambda: f"t={now()},v1=é",
    "stale": lambda: signed(GOOD, seconds_ago=301),
    "of 1970": lambda: signed(GOOD, seconds_ago=now()),
    "to come": lambda: signed(GOOD, seconds_ago=-310),
    "to come, in other words": lambda: signed(GOOD, seconds_ago=-310).replace("t=", "t= "),
    "before time began": lambda: signed(GOOD, seconds_ago=2 * now()),
}


@pytest.fixture
def selling(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as made:
        yield made


def test_what_stripe_signed_is_heard(selling: StripeGateway) -> None:
    heard = selling.verify_event(GOOD, signed(GOOD))

    assert (heard.id, heard.type, heard.livemode) == ("evt_1", "refund.created", False)
    assert heard.data.object == {"id": "re_1", "object": "refund"}


@pytest.mark.parametrize("seconds_ago", [299, 0, -290])
def test_clocks_may_differ_a_little(selling: StripeGateway, seconds_ago: int) -> None:
    assert selling.verify_event(GOOD, signed(GOOD, seconds_ago=seconds_ago)).id == "evt_1"


@pytest.mark.parametrize("kind", BAD_SIGNATURES)
def test_what_is_not_signed_well_is_refused(selling: StripeGateway, kind: str) -> None:
    with pytest.raises(InvalidSignatureError):
        selling.verify_event(GOOD, BAD_SIGNATURES[kind]())


@pytest.mark.parametrize("kind", MALFORMED)
def test_what_is_signed_and_no_event_is_refused(selling: StripeGateway, kind: str) -> None:
    raw = MALFORMED[kind]

    with pytest.raises(InvalidSignatureError):
        selling.verify_event(raw, signed(raw))


@pytest.mark.parametrize("secrets", [(), ("",), (" ",)])
def test_without_a_secret_nothing_is_heard(stand_in: StandIn, secrets: tuple[str, ...]) -> None:
    with gateway(stand_in, webhook_secrets=secrets) as selling:
        for secret in ("", " ", SECRET):
            with pytest.raises(InvalidSignatureError):
                selling.verify_event(GOOD, signed(GOOD, secret))


def test_both_secrets_count_while_one_takes_the_others_place(stand_in: StandIn) -> None:
    """Stripe signs with both until the old one expires, in one header."""
    with gateway(stand_in, webhook_secrets=("whsec_old", "whsec_new")) as selling:
        both = f"{signed(GOOD, 'whsec_old')},{signed(GOOD, 'whsec_new').partition(',')[2]}"
        for signature in (signed(GOOD, "whsec_old"), signed(GOOD, "whsec_new"), both):
            assert selling.verify_event(GOOD, signature).id == "evt_1"
        with pytest.raises(InvalidSignatureError):
            selling.verify_event(GOOD, signed(GOOD, "whsec_third"))


def test_a_refusal_tells_no_secret(selling: StripeGateway) -> None:
    with pytest.raises(InvalidSignatureError) as refusal:
        selling.verify_event(GOOD, signed(GOOD, "whsec_another"))

    causes = f"{refusal.value!r} {refusal.value.__cause__!r} {refusal.value.details}"
    assert SECRET not in causes
    assert signed(GOOD) not in causes
