"""When providers fail: the other one answers, or an honest error does, and nobody pays for nothing."""

from dataclasses import replace

import pytest
import requests

from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.http_client import Api, Person, Sandbox, check_error, silence

CHUNK = silence(200)
HELD = live_credits(300)  # for a lease of the usual length
OPENAI_MODEL = {"provider": "openai", "model": "gpt-transcribe", "audio_ms": 200}
# `cut` and `slow` do the work and lose its answer.
FAULTS = ["timeout", "429", "quota", "500", "bad_json", "wrong_shape", "cut", "slow"]
SHORT_FIRST_TIMEOUT, SHORT_TIMEOUTS = "short_first_timeout_api", "short_timeouts_api"


def send(person: Person, session_id: str) -> requests.Response:
    return person.send(session_id, 0, CHUNK)


def check_charged_nothing(person: Person, session_id: str, books: Backend) -> None:
    assert person.balance() == (200 - HELD, HELD)
    books.check_invariants(person.user_id)
    stopped = person.stop(session_id)
    assert (stopped["billed_seconds"], stopped["credits_used"], stopped["credits_available"]) == (0, 0, 200)
    assert person.balance() == (200, 0)
    assert [entry.kind for entry in books.entries(person.user_id)] == ["free_credits"]
    books.check_invariants(person.user_id)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fallback_provider_is_named_in_the_statement(
    short_first_timeout_api: Api, person: Person, sandbox: Sandbox, books: Backend, fault: str
) -> None:
    person = replace(person, api=short_first_timeout_api)
    session_id = person.start()
    sandbox.fail(Sandbox.SYNC, fault)

    answer = send(person, session_id)

    assert (answer.status_code, answer.json()["credits_used"]) == (200, live_credits(1)), answer.text
    assert person.stop(session_id)["credits_available"] == 200 - live_credits(1)
    assert [used["models"] for used in person.usage()] == [[OPENAI_MODEL]]
    books.check_invariants(person.user_id)


@pytest.mark.parametrize(
    ("fault", "api_name", "status", "code", "retry_after"),
    [
        ("timeout", SHORT_TIMEOUTS, 504, "provider_timeout", "5"),
        ("slow", SHORT_TIMEOUTS, 504, "provider_timeout", "5"),
        ("401", SHORT_FIRST_TIMEOUT, 502, "provider_error", "5"),
        ("429", SHORT_FIRST_TIMEOUT, 503, "unavailable", "7"),
        ("503", SHORT_FIRST_TIMEOUT, 503, "unavailable", "7"),
        ("quota", SHORT_FIRST_TIMEOUT, 503, "unavailable", "300"),
        ("500", SHORT_FIRST_TIMEOUT, 502, "provider_error", "5"),
        ("bad_json", SHORT_FIRST_TIMEOUT, 502, "provider_error", "5"),
        ("wrong_shape", SHORT_FIRST_TIMEOUT, 502, "provider_error", "5"),
        ("missing_text", SHORT_FIRST_TIMEOUT, 502, "provider_error", "5"),
        ("cut", SHORT_FIRST_TIMEOUT, 502, "provider_error", "5"),
    ],
)
def test_when_both_providers_fail_nothing_is_charged(
    request: pytest.FixtureRequest,
    person: Person,
    sandbox: Sandbox,
    books: Backend,
    fault: str,
    api_name: str,
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    person = replace(person, api=request.getfixturevalue(api_name))
    session_id = person.start()
    sandbox.fail(Sandbox.SYNC, "500", times=2)
    sandbox.fail(Sandbox.TRANSCRIPTIONS, fault, times=2, retry_after_seconds=7)

    for _ in range(2):  # The same chunk may be sent again at once: the first try left nothing behind.
        answer = send(person, session_id)
        check_error(answer, status, code)
        assert answer.headers.get("Retry-After") == retry_after

    check_charged_nothing(person, session_id, books)


def test_a_failed_chunk_is_recognised_once_providers_recover(person: Person, sandbox: Sandbox, books: Backend) -> None:
    session_id = person.start()
    sandbox.fail(Sandbox.SYNC, "500")
    sandbox.fail(Sandbox.TRANSCRIPTIONS, "500")
    check_error(send(person, session_id), 502, "provider_error")

    answer = send(person, session_id)

    assert (answer.status_code, answer.json()["credits_used"]) == (200, live_credits(1))
    assert answer.json()["start_ms"] == 0
    assert person.stop(session_id)["credits_available"] == 200 - live_credits(1)
    books.check_invariants(person.user_id)


def test_an_unreachable_provider_falls_back(
    email_verification_api: Api, person: Person, sandbox: Sandbox, books: Backend
) -> None:
    person = replace(person, api=email_verification_api)
    session_id = person.start()
    sandbox.fail(Sandbox.TRANSCRIPTIONS, "500")

    check_error(send(person, session_id), 502, "provider_error")
    assert person.balance() == (200 - HELD, HELD)
    assert send(person, session_id).status_code == 200

    assert person.stop(session_id)["credits_available"] == 200 - live_credits(1)
    assert [used["models"] for used in person.usage()] == [[OPENAI_MODEL]]
    books.check_invariants(person.user_id)
