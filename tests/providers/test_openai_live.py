"""OpenAI's client secrets: the shortest lifetime, short leases, and every failure is mapped."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.models.sessions import LiveOptions, TurnSettings
from chalicelib.providers.openai_live import OpenAILive
from sandbox.speech import samples, word_error_rate
from tests.providers.stand_in import KEYS, RESPONSE_FAULTS, SHORT_TIMEOUT_SECONDS, TIMEOUT_FAULTS, StandIn, failure_of
from tests.sandbox.realtime import COMMIT, append, as_browser, send, speech, wait_until

SERVICE = "openai.client_secret"
MODEL = "gpt-live-transcribe"
RECORDING, TRANSCRIPT = samples()[-1]
PLAIN = LiveOptions("", (), 16_000)
Client = Callable[..., OpenAILive]


@pytest.fixture
def client(stand_in: StandIn, transport) -> Client:
    def client(key: str = KEYS.openai, deadline_seconds: float = 10, url: str = "", **limits: int) -> OpenAILive:
        return OpenAILive(transport(deadline_seconds), url or f"{stand_in.url}/openai/v1/", key, MODEL, **limits)

    return client


def test_the_request_names_the_model_and_asks_for_the_shortest_lifetime(client: Client, stand_in: StandIn) -> None:
    credential = client().create_socket_credential(600, PLAIN)

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
    assert (credential.provider, credential.model) == ("openai", f"openai/{MODEL}")
    assert credential.websocket_url == f"{stand_in.websocket_url}/openai/v1/realtime?intent=transcription"
    assert credential.token_expires_at == pytest.approx(time.time() + 10, abs=5)
    assert KEYS.openai not in repr(credential)


@pytest.mark.parametrize(
    ("requested", "longest", "expected"),
    [(600, 60, 60), (60, 60, 60), (600, 300, 300), (90, 300, 90), (10_800, 3_600, 3_600)],
)
def test_a_lease_is_no_longer_than_the_setting(client: Client, requested: int, longest: int, expected: int) -> None:
    credential = client(longest_lease_seconds=longest).create_socket_credential(requested, PLAIN)

    assert credential.longest_lease_seconds == expected


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        (LiveOptions("en", (), 16_000), {"language": "en"}),
        (LiveOptions("pt-BR", (), 16_000), {"language": "pt"}),
        (LiveOptions("auto", (), 16_000), {}),
        (LiveOptions("yue", ("Dash, wood", "naïve"), 48_000), {"language": "yue", "keywords": ["Dash, wood", "naïve"]}),
    ],
    ids=str,
)
def test_language_and_key_terms_are_passed_on(
    client: Client, stand_in: StandIn, options: LiveOptions, sent: dict[str, Any]
) -> None:
    client().create_socket_credential(60, options)

    (call,) = stand_in.calls()
    audio = call["fields"]["session"]["audio"]["input"]
    assert audio["transcription"] == {"model": MODEL, **sent}
    assert audio["format"]["rate"] == 24_000  # OpenAI accepts no other rate, whatever the extension asks for.


def test_turn_settings_are_left_out_because_the_client_ends_each_turn(client: Client, stand_in: StandIn) -> None:
    turn = TurnSettings(silence_ms=700, max_silence_ms=2_000, confidence_thousandths=700)
    client().create_socket_credential(60, LiveOptions("en", (), 16_000, turn))

    (call,) = stand_in.calls()
    assert call["fields"]["session"]["audio"]["input"]["turn_detection"] is None


def test_the_credential_opens_a_socket_from_a_browser(client: Client) -> None:
    credential = client().create_socket_credential(60, LiveOptions("en", ("Dashwood",), 16_000))

    with as_browser(credential.websocket_url, credential.token) as socket:
        send(socket, append(speech(RECORDING)), COMMIT)
        events = wait_until(socket, ".completed")

    assert events[0]["session"]["audio"]["input"]["transcription"]["model"] == MODEL
    assert word_error_rate(TRANSCRIPT, events[-1]["transcript"]) < 0.25


def test_every_language_is_supported(client: Client) -> None:
    assert all(client().supports_language(language) for language in ("", "en", "ja", "yue"))


@pytest.mark.parametrize(("fault", "code", "wait_seconds"), RESPONSE_FAULTS, ids=str)
def test_every_failure_is_mapped_to_an_error_code(
    client: Client, stand_in: StandIn, fault: dict[str, Any], code: str, wait_seconds: int | None
) -> None:
    stand_in.fail(SERVICE, fault)
    live = client()

    error = failure_of(lambda: live.create_socket_credential(60, PLAIN), KEYS.openai)

    assert (error.code, error.details.get("retry_after_seconds")) == (code, wait_seconds)
    assert len(stand_in.calls()) == 1
    assert live.create_socket_credential(60, PLAIN).token.startswith("ek_")


@pytest.mark.parametrize("fault", TIMEOUT_FAULTS, ids=str)
def test_a_response_after_the_deadline_is_a_timeout(client: Client, stand_in: StandIn, fault: dict[str, Any]) -> None:
    stand_in.fail(SERVICE, fault)

    live = client(deadline_seconds=SHORT_TIMEOUT_SECONDS)
    error = failure_of(lambda: live.create_socket_credential(60, PLAIN), KEYS.openai)

    assert error.code == "provider_timeout"


def test_a_rejected_key_is_a_provider_error_that_hides_the_key(client: Client) -> None:
    live = client(key="an-unknown-key")
    error = failure_of(lambda: live.create_socket_credential(60, PLAIN), "an-unknown-key")

    assert error.code == "provider_error"
    assert error.log_note.startswith("status 401 req_")


@pytest.mark.parametrize(
    "response",
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
def test_a_response_of_another_shape_is_a_provider_error(client: Client, serve, http, response: dict[str, Any]) -> None:
    server = serve(http(200, json.dumps(response).encode()))

    error = failure_of(lambda: client(url=server.url).create_socket_credential(60, PLAIN), KEYS.openai)

    assert (error.code, error.message) == ("provider_error", "OpenAI returned no client secret. Retry the request.")
