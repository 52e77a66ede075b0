"""Rate limits over HTTP: exactly as many requests as allowed per user or network, shown in headers."""

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
GROUPS = (
    *("READS", "BULK_READS", "STREAM", "AUDIO", "SPEND", "UPLOADS", "ACCOUNT", "REGISTER", "LOGIN", "CODES", "REFRESH"),
)
FORGED = ("X-Forwarded-For", "X-Real-IP", "Forwarded", "True-Client-IP", "CF-Connecting-IP")


@pytest.fixture(scope="module")
def strict_api(start_api: StartApi) -> Api:
    """An API with limits per day: 60 reads, 3 of every other group."""
    limits = {f"RATE_LIMIT_{group}": "3/day" for group in GROUPS} | {"RATE_LIMIT_READS": f"{SIXTY}/day"}
    return start_api(**limits)


@pytest.fixture
def limited_user(person: Person, strict_api: Api) -> Person:
    """A new user, who registered at an API without limits."""
    return Person(strict_api, person.email, person.user_id, person.token, person.access_token, person.refresh_token)


@pytest.fixture
def network(strict_api: Api, request: pytest.FixtureRequest) -> Iterator[Api]:
    """The strict API called from an address that only this test uses: all of 127/8 is this machine."""
    network_api = Api(
        strict_api.url, strict_api.response_recorder, f"127.9.0.{1 + sum(request.node.name.encode()) % 250}"
    )
    yield network_api
    network_api.close()


def limit_headers(response: requests.Response) -> tuple[int, ...]:
    return tuple(int(response.headers[name]) for name in HEADERS)


def burst(person: Person, requests_sent: int) -> Counter[int]:
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: person.get("/credits/balance"), range(requests_sent)))
    for answer in answers:
        if answer.status_code == 429:
            check_error(answer, 429, "rate_limited")
            assert 0 < int(answer.headers["Retry-After"]) <= 86_400 // SIXTY
    return Counter(answer.status_code for answer in answers)


# Against the deployed shape this many requests take long.
MANY_REQUESTS = pytest.param(300, marks=() if IS_DEPLOYED else pytest.mark.soak)


@pytest.mark.parametrize("requests_per_burst", [75, MANY_REQUESTS])
def test_of_two_bursts_exactly_the_allowed_number_passes(
    limited_user: Person, soak_counts: Counter[str], requests_per_burst: int
) -> None:
    """One request refills in 24 minutes: none within the test."""
    assert burst(limited_user, requests_per_burst) == {200: SIXTY, 429: requests_per_burst - SIXTY}
    assert burst(limited_user, requests_per_burst) == {429: requests_per_burst}
    soak_counts["requests against a limit over HTTP"] += 2 * requests_per_burst


def test_headers_show_the_limit_and_pages_may_read_them(limited_user: Person) -> None:
    first, second = limited_user.get("/credits/balance"), limited_user.get("/transcription/history")

    assert limit_headers(first) == (SIXTY, SIXTY - 1, 86_400 // SIXTY)
    assert limit_headers(second)[:2] == (SIXTY, SIXTY - 2)
    assert {*HEADERS, "Retry-After"} <= set(first.headers["Access-Control-Expose-Headers"].split(","))
    assert not set(HEADERS) & limited_user.get("/credits/packages").headers.keys()


def test_each_user_and_each_group_has_its_own_limit(limited_user: Person, api: Api) -> None:
    for _ in range(3):
        limited_user.post("/transcription/uploads", json={"content_type": "audio/wav"})
    check_error(limited_user.post("/transcription/uploads", json={"content_type": "audio/wav"}), 429, "rate_limited")

    other_user = Person.register(api)
    other_upload = limited_user.api.post("/transcription/uploads", other_user.token, json={"content_type": "audio/wav"})
    assert (other_upload.status_code, limited_user.get("/credits/balance").status_code) == (201, 200)


def test_whole_transcripts_statements_and_exports_share_a_limit_beside_other_reads(limited_user: Person) -> None:
    assert limited_user.get("/transcription/history/5a1de7d4").status_code == 404
    assert limited_user.get("/transcription/history/5a1de7d4/export?format=srt").status_code == 404
    assert limited_user.get("/credits/transactions?format=csv").status_code == 200

    for path in ("/transcription/history/5a1de7d4", "/credits/transactions"):
        check_error(limited_user.get(path), 429, "rate_limited")
    check_error(limited_user.post("/auth/user/export", json={}), 429, "rate_limited")
    for path in ("/credits/balance", "/transcription/history", "/auth/user"):
        assert limited_user.get(path).status_code == 200


def test_a_caller_over_the_limit_spends_nothing(limited_user: Person) -> None:
    session_id = limited_user.start(lease_seconds=60)
    save = {"action": "save", "session_id": session_id, "segments": []}
    assert limited_user.stream(**save).json()["seconds_left"] > 0
    limited_user.stream(**save)
    before = limited_user.balance()

    for body in ({"action": "start", "transport": "relay"}, {"action": "stop", "session_id": session_id}, {}):
        check_error(limited_user.stream(**body), 429, "rate_limited")

    assert limited_user.balance() == before


def test_new_chunks_are_not_counted_and_all_others_are(limited_user: Person) -> None:
    session_id = limited_user.start(lease_seconds=60)
    new = [limited_user.send(session_id, n, silence(200)) for n in range(6)]
    repeated = limited_user.send(session_id, 0, silence(200))
    mismatch = limited_user.send(session_id, 0, silence(400))
    unknown = limited_user.send("5a1de7d4", 0, silence(200))
    over_the_limit = limited_user.send(session_id, 1, silence(200))

    assert [response.status_code for response in new] == [200] * 6
    assert not any(set(HEADERS) & response.headers.keys() for response in new)
    assert (repeated.status_code, limit_headers(repeated)[:2]) == (200, (3, 2))
    assert (mismatch.status_code, limit_headers(mismatch)[:2]) == (409, (3, 1))
    assert (unknown.status_code, limit_headers(unknown)[:2]) == (404, (3, 0))
    check_error(over_the_limit, 429, "rate_limited")


def test_a_refused_chunk_of_a_caller_over_the_limit_is_429(limited_user: Person) -> None:
    answers = [limited_user.send("5a1de7d4", n, silence(200)) for n in range(5)]

    assert [response.status_code for response in answers] == [404, 404, 404, 429, 429]


def test_a_429_does_not_use_up_the_idempotency_key(limited_user: Person, api: Api) -> None:
    """The key can be sent again within the limit, as if for the first time."""
    for n in range(3):
        assert limited_user.stream(action="stop", session_id=f"5a1de7d{n}").status_code == 404
    body: dict[str, Any] = {"json": {"action": "start", "transport": "relay"}, "headers": {"Idempotency-Key": "k"}}
    check_error(limited_user.post("/transcription/stream", **body), 429, "rate_limited")

    retries = [api.post("/transcription/stream", limited_user.token, **body) for _ in range(2)]

    assert [answer.status_code for answer in retries] == [201, 201]
    assert retries[0].json() == retries[1].json()


def register(api: Api) -> requests.Response:
    return api.register(new_email())


def login(api: Api) -> requests.Response:
    return api.login("unknown@canary.example")


def confirm(api: Api) -> requests.Response:
    return api.post("/auth/confirm", json={"email": "unknown@canary.example", "code": "123456"})


def refresh(api: Api) -> requests.Response:
    return api.post("/auth/refresh", json={"refresh_token": "garbage"})


@pytest.mark.parametrize("request_group", [register, login, confirm, refresh])
def test_unauthenticated_callers_are_counted_by_network(
    network: Api, api: Api, request_group: Callable[[Api], object]
) -> None:
    answers = [request_group(network) for _ in range(4)]

    assert [answer.status_code == 429 for answer in answers] == [False, False, False, True]
    check_error(answers[3], 429, "rate_limited")
    assert limit_headers(answers[3])[:2] == (3, 0)
    assert request_group(api).status_code != 429


def test_forged_headers_do_not_change_the_network(network: Api) -> None:
    body = {"email": "unknown@canary.example", "password": PASSWORD}
    answers = [network.post("/auth/login", json=body, headers={name: f"192.0.2.{n}"}) for n, name in enumerate(FORGED)]

    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]


def test_a_request_with_an_invalid_body_counts_as_well(network: Api) -> None:
    answers = [network.post("/auth/login", data=b"{", headers={"Content-Type": "application/json"}) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [400, 400, 400, 429]


def test_webhooks_never_get_429(strict_api: Api) -> None:
    stripe_responses = [strict_api.post("/webhooks/stripe", json={}) for _ in range(8)]
    provider_responses = [strict_api.post("/webhooks/assemblyai?job=x", json={"transcript_id": "x"}) for _ in range(8)]

    assert {answer.status_code for answer in stripe_responses + provider_responses} == {400}


def test_a_429_leaves_a_log_line_and_a_repeated_one_costs_no_aws_call(network: Api, stack: LocalStack) -> None:
    """The first one of a minute is noted for the owner."""
    answers = [login(network) for _ in range(6)]

    stack.gather_logs()
    lines = [line for log in stack.directory.glob("api*.log") for line in request_lines(log)]
    (line,) = [line for line in lines if line["request_id"] == answers[5].headers["X-Request-Id"]]
    assert (line["code"], line["RateLimited"]) == ("rate_limited", 1)
    metrics = {metric["Name"] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert metrics == {"RateLimited"}  # No count of zero, which would be half of each line.
    assert "LimiterFailures" not in line
    assert line["aws_calls"] == 0
