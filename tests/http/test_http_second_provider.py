"""Two live providers are set: where the first gives no token, or has no such language, the second opens the stream."""

from dataclasses import replace
from typing import Any

import pytest
import requests

from sandbox.speech import word_error_rate
from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.conftest import StartApi
from tests.http.direct_sessions import (
    RECORDING,
    SPOKEN_TEXT,
    backdate_session,
    open_socket,
    request_renewal,
    start_direct_session,
)
from tests.http.http_client import Api, Person, Sandbox, check_error
from tests.sandbox.realtime import COMMIT, append, as_browser, send, speech, wait_until

FAULTS: list[dict[str, Any]] = [
    {"kind": "401"},
    {"kind": "429"},
    {"kind": "quota"},
    {"kind": "500"},
    {"kind": "bad_json"},
    {"kind": "missing_text"},
    {"kind": "cut"},
    {"kind": "timeout", "times": 2},  # A token is requested again where a kept connection stays silent.
]


@pytest.fixture(scope="package")
def double_api(start_api: StartApi) -> Api:
    """An API that asks OpenAI where AssemblyAI gives no token, and waits little for either."""
    return start_api(LIVE_PROVIDERS="assemblyai, openai", BUYERS_ONLY_PROVIDERS="none", TOKEN_TIMEOUT_SECONDS="1.5")


@pytest.fixture
def listener(person: Person, double_api: Api) -> Person:
    return replace(person, api=double_api)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_second_provider_takes_over_with_a_short_lease(
    listener: Person, sandbox: Sandbox, books: Backend, fault: dict[str, Any]
) -> None:
    sandbox.fail(Sandbox.TOKEN, **fault)

    lease = start_direct_session(listener)

    assert (lease["provider"], lease["lease_seconds"]) == ("openai", 60)
    assert lease["token"].startswith("ek_")
    assert lease["websocket_url"].endswith("/openai/v1/realtime?intent=transcription")
    backdate_session(books, listener, lease["session_id"], 30)
    stopped = listener.stop(lease["session_id"])
    assert stopped["credits_used"] == live_credits(stopped["billed_seconds"]) >= live_credits(30)
    assert listener.balance() == (200 - stopped["credits_used"], 0)
    (used,) = listener.usage()
    assert [(model["provider"], model["model"]) for model in used["models"]] == [("openai", "gpt-live-transcribe")]
    books.check_invariants(listener.user_id)


def test_its_token_opens_a_socket_from_a_browser(listener: Person, sandbox: Sandbox) -> None:
    sandbox.fail(Sandbox.TOKEN, "500")
    lease = start_direct_session(listener, language="en", key_terms=["Dashwood"])

    with as_browser(lease["websocket_url"], lease["token"]) as socket:
        send(socket, append(speech(RECORDING)), COMMIT)
        events = wait_until(socket, ".completed")

    recognised = events[0]["session"]["audio"]["input"]["transcription"]
    assert recognised == {"model": "gpt-live-transcribe", "language": "en", "keywords": ["Dashwood"]}
    assert word_error_rate(SPOKEN_TEXT, events[-1]["transcript"]) < 0.25
    listener.stop(lease["session_id"])


def test_a_renewal_uses_the_second_provider_and_the_next_returns(
    listener: Person, sandbox: Sandbox, books: Backend
) -> None:
    session_id = start_direct_session(listener)["session_id"]
    providers = []
    for is_down in (True, False):
        backdate_session(books, listener, session_id, 30)
        if is_down:
            sandbox.fail(Sandbox.TOKEN, "503")
        lease = request_renewal(listener, session_id).json()
        providers.append((lease["provider"], lease["lease_seconds"] > 60))
    with open_socket(lease) as socket:
        assert socket.recv(timeout=60)
    stopped = listener.stop(session_id)

    assert providers == [("openai", False), ("assemblyai", True)]
    assert stopped["billed_seconds"] >= 60
    assert listener.balance() == (200 - stopped["credits_used"], 0)
    assert sum(-used["credits"] for used in listener.usage()) == stopped["credits_used"]
    books.check_invariants(listener.user_id)


def test_a_client_that_speaks_no_offered_provider_learns_which_there_are(listener: Person) -> None:
    before = listener.balance()

    refused = listener.stream(action="start", transport="direct", providers=["deepgram"])

    details = check_error(refused, 400, "provider_not_offered")
    assert details == {"field": "providers", "offered": ["assemblyai", "openai"]}
    assert listener.balance() == before
    only_second = listener.stream(action="start", transport="direct", providers=["openai"], language="en")
    assert (only_second.status_code, only_second.json()["provider"]) == (201, "openai")


def test_a_language_only_the_second_supports_goes_to_it(listener: Person, sandbox: Sandbox) -> None:
    minted = sandbox.count(Sandbox.TOKEN)

    lease = start_direct_session(listener, language="ja")

    assert lease["provider"] == "openai"
    assert sandbox.count(Sandbox.TOKEN) == minted
    listener.stop(lease["session_id"])


@pytest.mark.parametrize(
    ("fault", "status", "code", "retry_after"),
    [
        ({"kind": "401"}, 502, "provider_error", "5"),
        ({"kind": "429", "retry_after_seconds": 7}, 503, "unavailable", "7"),
        ({"kind": "quota"}, 503, "unavailable", "300"),
        ({"kind": "503", "retry_after_seconds": 7}, 503, "unavailable", "7"),
        ({"kind": "missing_text"}, 502, "provider_error", "5"),
        ({"kind": "timeout"}, 504, "provider_timeout", "5"),
        ({"kind": "slow", "delay_seconds": 5}, 504, "provider_timeout", "5"),
    ],
    ids=str,
)
def test_when_both_providers_are_down_nothing_is_held(
    listener: Person,
    sandbox: Sandbox,
    books: Backend,
    fault: dict[str, Any],
    status: int,
    code: str,
    retry_after: str | None,
) -> None:
    session_id = start_direct_session(listener)["session_id"]
    sandbox.fail(Sandbox.TOKEN, "500", times=2)
    sandbox.fail(Sandbox.CLIENT_SECRET, times=4, **fault)

    def check_honest(answer: requests.Response) -> None:
        check_error(answer, status, code)
        assert "OpenAI" in answer.json()["message"]
        assert answer.headers.get("Retry-After") == retry_after

    check_honest(request_renewal(listener, session_id))
    assert listener.balance()[1] == 0
    check_honest(listener.stream(action="start"))
    assert listener.balance()[1] == 0
    assert len(listener.get("/transcription/history").json()["items"]) == 1
    books.check_invariants(listener.user_id)
