"""Rate limits over HTTP: so many a user or network and not one more, told in headers that a page may read."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from scripts.local.stack import LocalStack
from tests.http.conftest import StartApi
from tests.http.deployed_limits import IS_DEPLOYED
from tests.http.http_client import PASSWORD, Api, Person, check_error, new_email, silence
from tests.http.log_lines import request_lines

SIXTY = 60
HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")
GROUPS = ("READS", "STREAM", "AUDIO", "SPEND", "ACCOUNT", "REGISTER", "LOGIN", "CODES", "REFRESH")
FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP")


@pytest.fixture(scope="module")
def strict_api(start_api: StartApi) -> Api:
    """An API whose limits last for a day: 60 reads, 3 of anything else."""
    limits = {f"RATE_LIMIT_{group}": "3/day" for group in GROUPS} | {"RATE_LIMIT_READS": f"{SIXTY}/day"}
    return start_api(**limits)


@pytest.fixture
def limited(person: Person, strict_api: Api) -> Person:
    """Somebody new, who registered where there are no limits."""
    return Person(strict_api, person.email, person.user_id, person.token, person.access_token, person.refresh_token)


@pytest.fixture
def network(strict_api: Api, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The strict API from a network of this test alone: all of 127/8 is this machine."""
    there = Api(strict_api.url, strict_api.witness, f"127.9.0.{1 + sum(request.node.name.encode()) % 250}")
    yield there
    there.close()


def standing(answer: requests.Response) -> tuple[int, ...]:
    return tuple(int(answer.headers[name]) for name in HEADERS)


def burst(person: Person, requests_sent: int) -> Counter[int]:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: person.get("/credits/balance"), range(requests_sent)))
    for answer in answers:
        if answer.status_code == 429:
            check_error(answer, 429, "rate_limited")
            assert 0 < int(answer.headers["Retry-After"]) <= 86_400 // SIXTY
    return Counter(answer.status_code for answer in answers)


# To run against the deployed shape is a soak by itself.
MANY = pytest.param(300, marks=() if IS_DEPLOYED else pytest.mark.soak)


@pytest.mark.parametrize("each", [75, MANY])
def test_of_two_bursts_exactly_the_allowed_number_passes(limited: Person, soak_counts: Counter[str], each: int) -> None:
    """One comes back in 24 minutes: within the test none does."""
    assert burst(limited, each) == {200: SIXTY, 429: each - SIXTY}
    assert burst(limited, each) == {429: each}
    soak_counts["requests against a limit over HTTP"] += 2 * each


def test_headers_say_how_a_caller_stands_and_a_page_may_read_them(limited: Person) -> None:
    first, second = limited.get("/credits/balance"), limited.get("/transcription/history")

    assert standing(first) == (SIXTY, SIXTY - 1, 86_400 // SIXTY)
    assert standing(second)[:2] == (SIXTY, SIXTY - 2)
    assert {*HEADERS, "Retry-After"} <= set(first.headers["Access-Control-Expose-Headers"].split(","))
    assert not set(HEADERS) & limited.get("/credits/packages").headers.keys()


def test_another_user_and_another_group_have_limits_of_their_own(limited: Person, api: Api) -> None:
    for _ in range(3):
        limited.post("/transcription/uploads", json={"content_type": "audio/wav"})
    check_error(limited.post("/transcription/uploads", json={"content_type": "audio/wav"}), 429, "rate_limited")

    other = Person.register(api)
    elsewhere = limited.api.post("/transcription/uploads", other.token, json={"content_type": "audio/wav"})
    assert (elsewhere.status_code, limited.get("/credits/balance").status_code) == (201, 200)


def test_who_is_over_the_limit_spends_nothing(limited: Person) -> None:
    session_id = limited.start(lease_seconds=60)
    seconds_left = limited.stream(action="save", session_id=session_id, segments=[]).json()["seconds_left"]
    assert seconds_left > 0
    limited.stream(action="save", session_id=session_id, segments=[])
    before = limited.balance()

    for words in ({"action": "start", "transport": "relay"}, {"action": "stop", "session_id": session_id}, {}):
        check_error(limited.stream(**words), 429, "rate_limited")

    assert limited.balance() == before
    assert [limited.send(session_id, n, silence(200)).status_code for n in range(4)] == [200, 200, 200, 429]


def test_a_key_is_not_used_up_by_a_refused_request(limited: Person, api: Api) -> None:
    """It can be sent again where there is room, as if for the first time."""
    for n in range(3):
        assert limited.stream(action="stop", session_id=f"5a1de7d{n}").status_code == 404
    body: dict[str, Any] = {"json": {"action": "start", "transport": "relay"}, "headers": {"Idempotency-Key": "k"}}
    check_error(limited.post("/transcription/stream", **body), 429, "rate_limited")

    later = [api.post("/transcription/stream", limited.token, **body) for _ in range(2)]

    assert [answer.status_code for answer in later] == [201, 201]
    assert later[0].json() == later[1].json()


def register(api: Api) -> requests.Response:
    return api.register(new_email())


def login(api: Api) -> requests.Response:
    return api.login("nobody@canary.example")


def confirm(api: Api) -> requests.Response:
    return api.post("/auth/confirm", json={"email": "nobody@canary.example", "code": "123456"})


def refresh(api: Api) -> requests.Response:
    return api.post("/auth/refresh", json={"refresh_token": "garbage"})


@pytest.mark.parametrize("knock", [register, login, confirm, refresh])
def test_strangers_are_counted_by_their_network(network: Api, api: Api, knock: Callable[[Api], object]) -> None:
    answers = [knock(network) for _ in range(4)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
    check_error(answers[3], 429, "rate_limited")
    assert standing(answers[3])[:2] == (3, 0)
    assert knock(api).status_code != 429


def test_a_header_makes_no_other_network_of_it(network: Api) -> None:
    words = {"email": "nobody@canary.example", "password": PASSWORD}
    answers = [network.post("/auth/login", json=words, headers={name: f"192.0.2.{n}"}) for n, name in enumerate(FORGED)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]


def test_a_body_that_is_no_good_counts_as_well(network: Api) -> None:
    answers = [network.post("/auth/login", data=b"{", headers={"Content-Type": "application/json"}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]


def test_webhooks_never_hear_429(strict_api: Api) -> None:
    stripe = [strict_api.post("/webhooks/stripe", json={}) for _ in range(8)]
    provider = [strict_api.post("/webhooks/assemblyai?job=x", json={"transcript_id": "x"}) for _ in range(8)]

    assert {answer.status_code for answer in stripe + provider} == {400}


def test_a_refused_request_leaves_a_line_and_costs_nothing(network: Api, stack: LocalStack) -> None:
    answers = [login(network) for _ in range(5)]

    stack.gather_logs()
    lines = [line for log in stack.directory.glob("api*.log") for line in request_lines(log)]
    (line,) = [line for line in lines if line["request_id"] == answers[4].headers["X-Request-Id"]]
    assert (line["code"], line["RateLimited"], line["LimiterFailures"]) == ("rate_limited", 1, 0)
    assert line["aws_calls"] == 0
