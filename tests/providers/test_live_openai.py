"""OpenAI's client secrets: as short-lived as there are, for short leases; every failure has its name."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.models.sessions import LiveOptions
from chalicelib.providers.assemblyai_live import OpenAILive
from sandbox.speech import samples, word_error_rate
from tests.providers.stand_in import ANSWERED, HASTY_SECONDS, KEYS, UNANSWERED, StandIn, failure_of
from tests.sandbox.realtime import COMMIT, append, as_browser, send, speech, until

SERVICE = "openai.client_secret"
MODEL = "gpt-live-transcribe"
RECORDING, SAID = samples()[-1]
PLAIN = LiveOptions("", (), 16_000)
Client = Callable[..., OpenAILive]


@pytest.fixture
def client(stand_in: StandIn, transport) -> Client:
    def client(key: str = KEYS.openai, deadline_seconds: float = 10, url: str = "", **limits: int) -> OpenAILive:
        return OpenAILive(transport(deadline_seconds), url or f"{stand_in.url}/openai/v1/", key, MODEL, **limits)

    return client


def test_it_is_asked_for_the_shortest_secret_and_the_model_is_named(client: Client, stand_in: StandIn) -> None:
    ticket = client().create_socket_credential(600, PLAIN)

    (call,) = stand_in.calls()
    assert (call["method"], call["path"], call["status"]) == ("POST", "/openai/v1/realtime/client_secrets", 200)
    assert call["fields"] == {
        "expires_after": {"anchor": "created_at", "seconds": 10},
        "session": {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": {"model": MODEL},
                    "turn_detection": None,
                }
            },
        },
    }
    assert (ticket.provider, ticket.model) == ("openai", f"openai/{MODEL}")
    assert ticket.websocket_url == f"{stand_in.websocket_url}/openai/v1/realtime?intent=transcription"
    assert ticket.token_expires_at == pytest.approx(time.time() + 10, abs=5)
    assert KEYS.openai not in repr(ticket)


@pytest.mark.parametrize(
    ("wished", "longest", "given"),
    [(600, 60, 60), (60, 60, 60), (600, 300, 300), (90, 300, 90), (10_800, 3_600, 3_600)],
)
def test_a_lease_is_no_longer_than_the_setting(client: Client, wished: int, longest: int, given: int) -> None:
    assert client(longest_lease_seconds=longest).create_socket_credential(wished, PLAIN).longest_lease_seconds == given


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (LiveOptions("en", (), 16_000), {"language": "en"}),
        (LiveOptions("pt-BR", (), 16_000), {"language": "pt"}),
        (LiveOptions("yue", ("Dash, wood", "naïve"), 48_000), {"language": "yue", "keywords": ["Dash, wood", "naïve"]}),
    ],
    ids=str,
)
def test_language_and_key_terms_are_passed_on(
    client: Client, stand_in: StandIn, options: LiveOptions, sent: dict[str, Any]
) -> None:
    client().create_socket_credential(60, options)

    (call,) = stand_in.calls()
    heard = call["fields"]["session"]["audio"]["input"]
    assert heard["transcription"] == {"model": MODEL, **sent}
    assert heard["format"]["rate"] == 24_000  # Whatever the extension wished for: it takes no other.


def test_the_ticket_opens_a_socket_as_a_browser_opens_one(client: Client) -> None:
    ticket = client().create_socket_credential(60, LiveOptions("en", ("Dashwood",), 16_000))

    with as_browser(ticket.websocket_url, ticket.token) as socket:
        send(socket, append(speech(RECORDING)), COMMIT)
        events = until(socket, ".completed")

    assert events[0]["session"]["audio"]["input"]["transcription"]["model"] == MODEL
    assert word_error_rate(SAID, events[-1]["transcript"]) < 0.25


def test_it_is_asked_whatever_the_language(client: Client) -> None:
    assert all(client().supports_language(language) for language in ("", "en", "ja", "yue"))


@pytest.mark.parametrize(("fault", "code", "wait_seconds"), ANSWERED, ids=str)
def test_every_failure_has_its_name(
    client: Client, stand_in: StandIn, fault: dict[str, Any], code: str, wait_seconds: int | None
) -> None:
    stand_in.fail(SERVICE, fault)
    live = client()

    error = failure_of(lambda: live.create_socket_credential(60, PLAIN), KEYS.openai)

    assert (error.code, error.details.get("retry_after_seconds")) == (code, wait_seconds)
    assert len(stand_in.calls()) == 1
    assert live.create_socket_credential(60, PLAIN).token.startswith("ek_")


@pytest.mark.parametrize("fault", UNANSWERED, ids=str)
def test_an_answer_that_does_not_come_in_time_is_a_timeout(
    client: Client, stand_in: StandIn, fault: dict[str, Any]
) -> None:
    stand_in.fail(SERVICE, fault)

    error = failure_of(lambda: client(deadline_seconds=HASTY_SECONDS).create_socket_credential(60, PLAIN), KEYS.openai)

    assert error.code == "provider_timeout"


def test_a_key_that_is_refused_is_not_told(client: Client) -> None:
    error = failure_of(lambda: client(key="a-key-that-nobody-knows").create_socket_credential(60, PLAIN), "a-key-that-nobody-knows")

    assert error.code == "provider_error"
    assert error.log_note.startswith("status 401 req_")


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"value": "ek_1"},
        {"value": "", "expires_at": 1_795_400_010},
        {"value": None, "expires_at": 1_795_400_010},
        {"value": "ek_1", "expires_at": None},
        {"value": "ek_1", "expires_at": 1.5},
        {"value": "ek_1", "expires_at": -1},
        {"value": "ek_1", "expires_at": 10**15},
        {"client_secret": {"value": "ek_1", "expires_at": 1_795_400_010}},
    ],
    ids=str,
)
def test_another_shape_is_no_secret(client: Client, serve, http, answer: dict[str, Any]) -> None:
    server = serve(http(200, json.dumps(answer).encode()))

    error = failure_of(lambda: client(url=server.url).create_socket_credential(60, PLAIN), KEYS.openai)

    assert (error.code, error.message) == ("provider_error", "OpenAI gave no client secret.")
