"""Every failure of Stripe has its own error, on every call, and none shows the API key."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from chalicelib.logs.request_facts import collect_request_facts
from chalicelib.providers import stripe_client
from chalicelib.providers.stripe_client import StripeGateway
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of
from tests.providers.stripe_checkout_steps import gateway, new_purchase

CREATE = "stripe.sessions_create"
BOTH_TRIES = 2
FAULTS: list[tuple[dict[str, Any], type[ProviderError], int | None]] = [
    ({"kind": "401"}, ProviderError, None),
    ({"kind": "409"}, ProviderUnavailableError, 2),
    ({"kind": "429"}, ProviderUnavailableError, 5),
    ({"kind": "503"}, ProviderUnavailableError, 5),
    ({"kind": "timeout"}, ProviderTimeoutError, None),
    ({"kind": "timeout", "delay_seconds": 0}, ProviderTimeoutError, None),
    ({"kind": "lost"}, ProviderTimeoutError, None),
    ({"kind": "bad_json"}, ProviderError, None),
    ({"kind": "wrong_shape"}, ProviderError, None),
    ({"kind": "cut"}, ProviderError, None),
]
CALLS: dict[str, Callable[[StripeGateway], object]] = {
    CREATE: lambda stripe_gateway: stripe_gateway.open_checkout(new_purchase()),
    "stripe.sessions_retrieve": lambda stripe_gateway: stripe_gateway.get_checkout("cs_test_1"),
    "stripe.sessions_list": lambda stripe_gateway: stripe_gateway.find_checkout("pi_1"),
    "stripe.refunds_create": lambda stripe_gateway: stripe_gateway.refund(new_purchase(payment_id="pi_1"), 100, "key"),
    "stripe.events_list": lambda stripe_gateway: list(stripe_gateway.list_undelivered_events(0)),
}


@pytest.fixture
def stripe_gateway(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as started:
        yield started


@pytest.fixture
def short_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of a call is short, so that no test waits for eight seconds."""
    monkeypatch.setattr(stripe_client, "READ_SECONDS", SHORT_TIMEOUT_SECONDS)


@pytest.mark.parametrize(("fault", "expected", "wait"), FAULTS, ids=lambda value: str(value))
@pytest.mark.parametrize("service", CALLS)
def test_every_failure_has_its_own_error(
    stand_in: StandIn,
    stripe_gateway: StripeGateway,
    service: str,
    fault: dict[str, Any],
    expected: type[ProviderError],
    wait: int | None,
    request: pytest.FixtureRequest,
) -> None:
    if expected is ProviderTimeoutError:
        request.getfixturevalue("short_timeout")
    stand_in.fail(service, fault | {"times": BOTH_TRIES})

    error = failure_of(lambda: CALLS[service](stripe_gateway), KEYS.stripe)

    assert type(error) is expected
    assert error.details == ({} if wait is None else {"retry_after_seconds": wait})
    assert "stripe" not in error.message.lower()


@pytest.mark.parametrize("service", [name for name in CALLS if name != CREATE])
def test_a_failure_of_stripe_itself_is_a_provider_error(
    stand_in: StandIn, stripe_gateway: StripeGateway, service: str
) -> None:
    stand_in.fail(service, {"kind": "500", "times": BOTH_TRIES})

    assert type(failure_of(lambda: CALLS[service](stripe_gateway), KEYS.stripe)) is ProviderError


def test_an_unreachable_stripe_is_not_a_timeout(stand_in: StandIn) -> None:
    with gateway(stand_in, api_base="http://127.0.0.1:9") as stripe_gateway:
        assert type(failure_of(lambda: stripe_gateway.get_checkout("cs_1"), KEYS.stripe)) is ProviderError


def test_a_rejected_api_key_triggers_an_alarm(stand_in: StandIn) -> None:
    with (
        gateway(stand_in, api_key="sk_test_another") as stripe_gateway,
        collect_request_facts() as log,
        pytest.raises(ProviderError),
    ):
        stripe_gateway.open_checkout(new_purchase())

    assert log.notes["payment_alarm"] == "the payment service refuses our key"


def test_a_gateway_shows_no_secret(stand_in: StandIn) -> None:
    with gateway(stand_in) as stripe_gateway:
        stripe_gateway.open_checkout(new_purchase())
        assert KEYS.stripe not in repr(stripe_gateway)
        assert KEYS.stripe_webhooks not in repr(stripe_gateway)
