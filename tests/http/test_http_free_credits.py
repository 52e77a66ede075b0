"""Caps of free credits over HTTP: a daily limit per network, whatever headers a client sends."""

import itertools
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from chalicelib.accounts.free_credits import ALREADY_GRANTED, BUDGET_USED, NETWORK_CAP, REFUSED_DOMAIN, SWITCHED_OFF
from tests.http.conftest import StartApi
from tests.http.http_client import EMAIL_DOMAIN, PASSWORD, Api, new_email

FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP", "X-Client-IP")
_numbers = itertools.count(1)


def called_from(api: Api, address: str) -> Iterator[Api]:
    there = Api(api.url, api.response_recorder, address)
    yield there
    there.close()


@pytest.fixture(scope="module")
def capped_api(start_api: StartApi) -> Api:
    return start_api(FREE_CREDITS_ACCOUNTS_PER_NETWORK_DAY="2")


@pytest.fixture
def network(capped_api: Api) -> Iterator[Api]:
    """The capped API called from a network of this test alone: all of 127/8 is this machine."""
    yield from called_from(capped_api, f"127.7.0.{next(_numbers)}")


def open_account(api: Api, email: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Open an account; return its free credits, or the reason for none."""
    account = {"email": email or new_email(), "password": PASSWORD}
    answer = api.post("/auth/register", json=account, headers=headers)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    balance = api.get("/credits/balance", body["token"]).json()
    assert balance["available"] == balance["lifetime_granted"] == body["free_credits"]
    return body["free_credits"], body.get("free_credits_reason", "")


def test_a_network_has_a_daily_cap_of_free_credits(network: Api, capped_api: Api) -> None:
    assert [open_account(network) for _ in range(3)] == [(200, ""), (200, ""), (0, NETWORK_CAP)]

    for elsewhere in called_from(capped_api, "127.8.0.1"):
        assert open_account(elsewhere) == (200, "")
    assert open_account(network) == (0, NETWORK_CAP)


@pytest.mark.parametrize("name", FORGED)
def test_an_address_in_a_client_header_changes_nothing(network: Api, name: str) -> None:
    """Only the address that the gateway reports counts."""
    found = [open_account(network, headers={name: f"203.0.113.{number}"}) for number in range(3)]

    assert found == [(200, ""), (200, ""), (0, NETWORK_CAP)]


def test_concurrent_registrations_stay_within_the_cap(network: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: open_account(network), range(8)))

    assert sorted(found) == [(0, NETWORK_CAP)] * 6 + [(200, "")] * 2


def test_owed_credits_are_granted_once_at_a_later_sign_in(network: Api, capped_api: Api) -> None:
    email = new_email()
    for _ in range(2):
        open_account(network)
    assert open_account(network, email) == (0, NETWORK_CAP)
    assert network.login(email).json()["user"]["credits"]["available"] == 0

    for elsewhere in called_from(capped_api, "127.8.0.2"):  # The next day would do as well.
        credits = [elsewhere.login(email).json()["user"]["credits"]["available"] for _ in range(2)]

    assert credits == [200, 200]


def test_another_spelling_of_an_address_uses_nothing_of_the_cap(network: Api) -> None:
    email = new_email()
    mailbox, _, domain = email.partition("@")

    assert open_account(network, email) == (200, "")
    for tag in ("a", "b", "c"):
        assert open_account(network, f"{mailbox}+{tag}@{domain}") == (0, ALREADY_GRANTED)
    assert open_account(network) == (200, "")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("FREE_CREDITS", "0", SWITCHED_OFF),
        ("FREE_CREDITS_PER_DAY", "199", BUDGET_USED),
        ("FREE_CREDITS_REFUSED_DOMAINS", f"example.org, {EMAIL_DOMAIN}", REFUSED_DOMAIN),
    ],
)
def test_the_switch_the_budget_and_refused_domains_grant_no_credits(
    start_api: StartApi, setting: str, value: str, reason: str
) -> None:
    api = start_api(**{setting: value})

    assert open_account(api) == (0, reason)
    assert open_account(api, f"{uuid.uuid4().hex}@sub.domain.{EMAIL_DOMAIN}") == (0, reason)
