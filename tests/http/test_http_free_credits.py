"""The fuse of the free credits over HTTP: so many a network and day, whatever a client says of itself."""

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
    there = Api(api.url, api.witness, address)
    yield there
    there.close()


@pytest.fixture(scope="module")
def capped(start_api: StartApi) -> Api:
    return start_api(FREE_CREDITS_ACCOUNTS_PER_NETWORK_DAY="2")


@pytest.fixture
def network(capped: Api) -> Iterator[Api]:
    """The capped API from a network of this test alone: all of 127/8 is this machine."""
    yield from called_from(capped, f"127.7.0.{next(_numbers)}")


def opened(api: Api, email: str | None = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    """Free credits of a new account, and why there are none."""
    words = {"email": email or new_email(), "password": PASSWORD}
    answer = api.post("/auth/register", json=words, headers=headers)
    assert answer.status_code == 201, answer.text
    said = answer.json()
    balance = api.get("/credits/balance", said["token"]).json()
    assert balance["available"] == balance["lifetime_granted"] == said["free_credits"]
    return said["free_credits"], said.get("free_credits_reason", "")


def test_a_network_gets_them_so_often_a_day(network: Api, capped: Api) -> None:
    assert [opened(network) for _ in range(3)] == [(200, ""), (200, ""), (0, NETWORK_CAP)]

    for elsewhere in called_from(capped, "127.8.0.1"):
        assert opened(elsewhere) == (200, "")
    assert opened(network) == (0, NETWORK_CAP)


@pytest.mark.parametrize("name", FORGED)
def test_what_a_client_says_of_its_address_changes_nothing(network: Api, name: str) -> None:
    """The gateway's word counts, and its alone."""
    found = [opened(network, headers={name: f"203.0.113.{number}"}) for number in range(3)]

    assert found == [(200, ""), (200, ""), (0, NETWORK_CAP)]


def test_accounts_at_once_pass_no_cap(network: Api) -> None:
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: opened(network), range(8)))

    assert sorted(found) == [(0, NETWORK_CAP)] * 6 + [(200, "")] * 2


def test_who_was_kept_waiting_gets_them_at_a_later_sign_in_once(network: Api, capped: Api) -> None:
    email = new_email()
    for _ in range(2):
        opened(network)
    assert opened(network, email) == (0, NETWORK_CAP)
    assert network.login(email).json()["user"]["credits"]["available"] == 0

    for elsewhere in called_from(capped, "127.8.0.2"):  # Tomorrow would do as well.
        credits = [elsewhere.login(email).json()["user"]["credits"]["available"] for _ in range(2)]

    assert credits == [200, 200]


def test_another_spelling_of_an_address_spends_nothing_of_the_network(network: Api) -> None:
    email = new_email()
    mailbox, _, domain = email.partition("@")

    assert opened(network, email) == (200, "")
    for tag in ("a", "b", "c"):
        assert opened(network, f"{mailbox}+{tag}@{domain}") == (0, ALREADY_GRANTED)
    assert opened(network) == (200, "")


@pytest.mark.parametrize(
    ("setting", "value", "reason"),
    [
        ("FREE_CREDITS", "0", SWITCHED_OFF),
        ("FREE_CREDITS_PER_DAY", "199", BUDGET_USED),
        ("FREE_CREDITS_REFUSED_DOMAINS", f"example.org, {EMAIL_DOMAIN}", REFUSED_DOMAIN),
    ],
)
def test_the_other_fuses(start_api: StartApi, setting: str, value: str, reason: str) -> None:
    api = start_api(**{setting: value})

    assert opened(api) == (0, reason)
    assert opened(api, f"{uuid.uuid4().hex}@sub.domain.{EMAIL_DOMAIN}") == (0, reason)
