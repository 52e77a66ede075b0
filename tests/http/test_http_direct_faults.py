"""When a live provider fails at a start or a renewal: an honest error, and nothing is held. One provider is set."""

from dataclasses import replace
from typing import Any

import pytest
import requests

from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.conftest import StartApi
from tests.http.direct_sessions import STREAM, backdate_session, request_renewal, start_direct_session
from tests.http.http_client import Api, Person, Sandbox, check_error

# Beyond the patience of the API of these tests.
# Twice, because a token is requested a second time where a kept connection stays silent.
NEVER, DRIPPING = {"kind": "timeout", "times": 2}, {"kind": "slow", "delay_seconds": 5, "times": 2}
ANSWERED = [
    ({"kind": "401"}, 502, "provider_error", "5"),
    ({"kind": "429", "retry_after_seconds": 7}, 503, "unavailable", "7"),
    ({"kind": "503", "retry_after_seconds": 7}, 503, "unavailable", "7"),
    ({"kind": "quota"}, 503, "unavailable", "300"),
    ({"kind": "500"}, 502, "provider_error", "5"),
    ({"kind": "timeout", "delay_seconds": 0}, 504, "provider_timeout", "5"),
    ({"kind": "bad_json"}, 502, "provider_error", "5"),
    ({"kind": "wrong_shape"}, 502, "provider_error", "5"),
    ({"kind": "missing_text"}, 502, "provider_error", "5"),
    ({"kind": "cut"}, 502, "provider_error", "5"),
]
EVERY_FAULT = [*ANSWERED, (NEVER, 504, "provider_timeout", "5"), (DRIPPING, 504, "provider_timeout", "5")]


@pytest.fixture(scope="package")
def single_api(start_api: StartApi) -> Api:
    """An API with AssemblyAI alone, which waits little for a token."""
    return start_api(LIVE_PROVIDERS="assemblyai", TOKEN_TIMEOUT_SECONDS="1.5")


@pytest.fixture
def single(person: Person, single_api: Api) -> Person:
    return replace(person, api=single_api)


def check_refused(answer: requests.Response, status: int, code: str, retry_after: str | None) -> None:
    check_error(answer, status, code)
    assert "AssemblyAI" in answer.json()["message"]
    assert answer.headers.get("Retry-After") == retry_after


@pytest.mark.parametrize(("fault", "status", "code", "retry_after"), EVERY_FAULT, ids=str)
def test_a_start_without_a_token_is_an_error_and_stores_nothing(
    single: Person,
    sandbox: Sandbox,
    books: Backend,
    fault: dict[str, Any],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    sandbox.fail(Sandbox.TOKEN, **fault)
    key = {"Idempotency-Key": "one start"}

    answer = single.post(STREAM, json={"action": "start"}, headers=key)

    check_refused(answer, status, code, retry_after)
    sandbox.reset_faults()
    assert single.balance() == (200, 0)
    assert single.get("/transcription/history").json()["items"] == []
    assert [entry.kind for entry in books.entries(single.user_id)] == ["free_credits"]
    # Nothing is left of the key either: the same request again is a start like any other.
    again = single.post(STREAM, json={"action": "start"}, headers=key)
    assert (again.status_code, again.json()["credits_held"]) == (201, live_credits(300))
    assert single.balance() == (200 - live_credits(300), live_credits(300))
    books.check_invariants(single.user_id)


@pytest.mark.parametrize(("fault", "status", "code", "retry_after"), EVERY_FAULT, ids=str)
def test_a_renewal_without_a_token_settles_and_can_be_retried(
    single: Person,
    sandbox: Sandbox,
    books: Backend,
    fault: dict[str, Any],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    session_id = start_direct_session(single)["session_id"]
    backdate_session(books, single, session_id, 59)
    sandbox.fail(Sandbox.TOKEN, **fault)

    answer = request_renewal(single, session_id)

    check_refused(answer, status, code, retry_after)
    sandbox.reset_faults()
    available, held = single.balance()
    assert (held, books.open_holds(single.user_id)) == (0, [])
    (used,) = single.usage()
    assert available == 200 + used["credits"] <= 200 - live_credits(59)
    again = request_renewal(single, session_id)
    assert (again.status_code, again.json()["session_id"]) == (200, session_id)
    stopped = single.stop(session_id)
    assert stopped["credits_used"] == live_credits(stopped["billed_seconds"])
    assert single.balance() == (200 - stopped["credits_used"], 0)
    books.check_invariants(single.user_id)
