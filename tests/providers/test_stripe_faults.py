"""Every way in which Stripe can fail has its name, on every call, and none tells the key."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib.errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from chalicelib.logs.request_log import collect_request_log
from chalicelib.providers import stripe_client
from chalicelib.providers.stripe_client import StripeGateway
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of
from tests.providers.stripe_checkout_steps import gateway, wanted

CREATE = "stripe.sessions_create"
SHOWN_TO_BOTH_TRIES = 2
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
    CREATE: lambda selling: selling.open(wanted()),
    "stripe.sessions_retrieve": lambda selling: selling.session("cs_test_1"),
    "stripe.sessions_list": lambda selling: selling.session_of("pi_1"),
    "stripe.events_list": lambda selling: list(selling.undelivered(0)),
}


@pytest.fixture
def selling(stand_in: StandIn) -> Iterator[StripeGateway]:
    with gateway(stand_in) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits eight seconds for an answer that never comes."""
    monkeypatch.setattr(stripe_client, "READ_SECONDS", SHORT_TIMEOUT_SECONDS)


@pytest.mark.parametrize(("fault", "expected", "wait"), FAULTS, ids=lambda value: str(value))
@pytest.mark.parametrize("service", CALLS)
def test_every_way_to_fail_has_its_name(
    stand_in: StandIn,
    selling: StripeGateway,
    service: str,
    fault: dict[str, Any],
    expected: type[ProviderError],
    wait: int | None,
    request: pytest.FixtureRequest,
) -> None:
    if expected is ProviderTimeoutError:
        request.getfixturevalue("hasty")
    stand_in.fail(service, fault | {"times": SHOWN_TO_BOTH_TRIES})

    error = failure_of(lambda: CALLS[service](selling), KEYS.stripe)

    assert type(error) is expected
    assert error.details == ({} if wait is None else {"retry_after_seconds": wait})
    assert "stripe" not in error.message.lower()


@pytest.mark.parametrize("service", [name for name in CALLS if name != CREATE])
def test_a_failure_of_stripe_itself_is_a_failure(stand_in: StandIn, selling: StripeGateway, service: str) -> None:
    stand_in.fail(service, {"kind": "500", "times": SHOWN_TO_BOTH_TRIES})

    assert type(failure_of(lambda: CALLS[service](selling), KEYS.stripe)) is ProviderError


def test_a_stripe_that_is_not_there_is_no_time_out(stand_in: StandIn) -> None:
    with gateway(stand_in, api_base="http://127.0.0.1:9") as selling:
        assert type(failure_of(lambda: selling.session("cs_1"), KEYS.stripe)) is ProviderError


def test_a_key_that_is_refused_rings_the_alarm(stand_in: StandIn) -> None:
    with (
        gateway(stand_in, api_key="sk_test_another") as selling,
        collect_request_log() as tally,
        pytest.raises(ProviderError),
    ):
        selling.open(wanted())

    assert tally.notes["payment_alarm"] == "the payment service refuses our key"


def test_a_gateway_shows_no_secret(stand_in: StandIn) -> None:
    with gateway(stand_in) as selling:
        selling.open(wanted())
        assert KEYS.stripe not in repr(selling)
        assert KEYS.stripe_webhooks not in repr(selling)
