"""AssemblyAI's streaming tokens: requested for the lease and no longer, and every failure is mapped."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from websockets.sync.client import connect

from chalicelib.models.sessions import LiveOptions, SocketCredential, TurnSettings
from chalicelib.providers.assemblyai_live import AssemblyAILive
from tests.providers.stand_in import (
    KEYS,
    NOW,
    RESPONSE_FAULTS,
    SHORT_TIMEOUT_SECONDS,
    TIMEOUT_FAULTS,
    StandIn,
    failure_of,
)

SERVICE = "assemblyai.token"
ENGLISH = LiveOptions("en", (), 16_000)
Client = Callable[..., AssemblyAILive]


@pytest.fixture
def client(stand_in: StandIn, transport) -> Client:
    def client(key: str = KEYS.assemblyai, deadline_seconds: float = 10, url: str = "") -> AssemblyAILive:
        return AssemblyAILive(transport(deadline_seconds), url or f"{stand_in.url}/", key, lambda: NOW)

    return client


def query_of(credential: SocketCredential) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(credential.websocket_url).query).items()}


@pytest.mark.parametrize("lease_seconds", [60, 600, 10_800])
def test_the_token_is_limited_to_the_lease(client: Client, stand_in: StandIn, lease_seconds: int) -> None:
    credential = client().create_socket_credential(lease_seconds, ENGLISH)

    (call,) = stand_in.calls()
    assert call["fields"] == {"expires_in_seconds": "60", "max_session_duration_seconds": str(lease_seconds)}
    assert (call["method"], call["path"], call["status"]) == ("GET", "/v3/token", 200)
    assert (credential.provider, credential.token_expires_at) == ("assemblyai", NOW + 60)
    assert credential.longest_lease_seconds >= lease_seconds


@pytest.mark.parametrize(
    ("language", "model", "detects"),
    [
        ("", "universal-streaming-english", None),
        ("en", "universal-streaming-english", None),
        ("en-GB", "universal-streaming-english", None),
        ("de", "universal-streaming-multilingual", "true"),
        ("pt-BR", "universal-streaming-multilingual", "true"),
        ("auto", "universal-streaming-multilingual", "true"),
    ],
)
def test_the_model_is_always_named_and_matches_the_language(
    client: Client, language: str, model: str, detects: str | None
) -> None:
    credential = client().create_socket_credential(60, LiveOptions(language, (), 16_000))

    assert credential.model == f"assemblyai/{model}"
    assert query_of(credential)["speech_model"] == model
    assert query_of(credential).get("language_detection") == detects


def test_the_url_has_the_options_but_neither_token_nor_key(client: Client, stand_in: StandIn) -> None:
    terms = ("Mister Dashwood", 'a "quoted" & odd one', "naïve")

    credential = client().create_socket_credential(60, LiveOptions("en", terms, 44_100))

    assert credential.websocket_url.startswith(f"{stand_in.websocket_url}/v3/ws?")
    query = query_of(credential)
    assert json.loads(query.pop("keyterms_prompt")) == list(terms)
    assert query == {
        "speech_model": "universal-streaming-english",
        "sample_rate": "44100",
        "encoding": "pcm_s16le",
        "format_turns": "true",
        "inactivity_timeout": "60",
    }
    assert credential.token not in credential.websocket_url
    assert KEYS.assemblyai not in repr(credential)


@pytest.mark.parametrize(
    ("turn", "sent"),
    [
        (TurnSettings(), {}),
        (TurnSettings(silence_ms=700), {"min_turn_silence": "700"}),
        (TurnSettings(silence_ms=0, max_silence_ms=0), {"min_turn_silence": "0", "max_turn_silence": "0"}),
        (TurnSettings(max_silence_ms=300), {"max_turn_silence": "400"}),  # its own `min_turn_silence`
        (TurnSettings(max_silence_ms=0), {"max_turn_silence": "400"}),
        (TurnSettings(max_silence_ms=401), {"max_turn_silence": "401"}),
        (TurnSettings(silence_ms=300, max_silence_ms=300), {"min_turn_silence": "300", "max_turn_silence": "300"}),
        (TurnSettings(silence_ms=1_280), {"min_turn_silence": "1280"}),
        (TurnSettings(silence_ms=2_000), {"min_turn_silence": "2000", "max_turn_silence": "2000"}),
        (TurnSettings(confidence_thousandths=0), {"end_of_turn_confidence_threshold": "0.0"}),
        (
            TurnSettings(silence_ms=560, max_silence_ms=60_000, confidence_thousandths=705),
            {
                "min_turn_silence": "560",
                "max_turn_silence": "60000",
                "end_of_turn_confidence_threshold": "0.705",
            },
        ),
    ],
    ids=str,
)
def test_the_turn_settings_are_passed_on_and_accepted(client: Client, turn: TurnSettings, sent: dict[str, str]) -> None:
    credential = client().create_socket_credential(60, LiveOptions("en", (), 16_000, turn))

    names = ("min_turn_silence", "max_turn_silence", "end_of_turn_confidence_threshold")
    assert {name: value for name, value in query_of(credential).items() if name in names} == sent
    with connect(f"{credential.websocket_url}&token={credential.token}", proxy=None, open_timeout=30) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "Begin"


def test_the_credential_opens_a_socket(client: Client) -> None:
    credential = client().create_socket_credential(90, LiveOptions("de", ("Dashwood",), 16_000))

    with connect(f"{credential.websocket_url}&token={credential.token}", proxy=None, open_timeout=30) as socket:
        begin = json.loads(socket.recv(timeout=30))
        socket.send('{"type": "Terminate"}')
        termination = json.loads(socket.recv(timeout=30))

    assert (begin["type"], begin["configuration"]["model"]) == ("Begin", "universal-streaming-multilingual")
    assert termination["type"] == "Termination"


def test_the_most_key_terms_that_a_start_accepts_still_open_a_socket(client: Client) -> None:
    credential = client().create_socket_credential(60, LiveOptions("en", ("x" * 50,) * 100, 16_000))

    with connect(f"{credential.websocket_url}&token={credential.token}", proxy=None, open_timeout=30) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "Begin"


def test_a_model_with_key_terms_has_a_price_of_its_own(client: Client) -> None:
    credential = client().create_socket_credential(60, LiveOptions("de", ("Dashwood",), 16_000))

    assert credential.model == "assemblyai/universal-streaming-multilingual+keyterms"
    assert query_of(credential)["speech_model"] == "universal-streaming-multilingual"


def test_only_the_published_languages_are_supported(client: Client) -> None:
    live = client()

    assert all(
        live.supports_language(language) for language in ("", "auto", "en", "en-US", "es", "fr", "de", "it", "pt-BR")
    )
    assert not any(live.supports_language(language) for language in ("ja", "nl", "tlh", "eng", "e"))


@pytest.mark.parametrize(("fault", "code", "wait_seconds"), RESPONSE_FAULTS, ids=str)
def test_every_failure_is_mapped_to_an_error_code(
    client: Client, stand_in: StandIn, fault: dict[str, Any], code: str, wait_seconds: int | None
) -> None:
    stand_in.fail(SERVICE, fault)
    live = client()

    error = failure_of(lambda: live.create_socket_credential(60, ENGLISH), KEYS.assemblyai)

    assert (error.code, error.details.get("retry_after_seconds")) == (code, wait_seconds)
    assert len(stand_in.calls()) == 1  # It is not retried here: the next provider is tried instead.
    assert live.create_socket_credential(60, ENGLISH).token


@pytest.mark.parametrize("fault", TIMEOUT_FAULTS, ids=str)
def test_a_response_after_the_deadline_is_a_timeout(client: Client, stand_in: StandIn, fault: dict[str, Any]) -> None:
    stand_in.fail(SERVICE, fault)

    live = client(deadline_seconds=SHORT_TIMEOUT_SECONDS)
    error = failure_of(lambda: live.create_socket_credential(60, ENGLISH), KEYS.assemblyai)

    assert error.code == "provider_timeout"


def test_a_rejected_key_is_a_provider_error_that_hides_the_key(client: Client) -> None:
    live = client(key="an-unknown-key")
    error = failure_of(lambda: live.create_socket_credential(60, ENGLISH), "an-unknown-key")

    assert (error.code, error.log_note) == ("provider_error", "status 401")


def test_a_provider_that_cannot_be_reached_is_a_provider_error(client: Client) -> None:
    live = client(url="http://127.0.0.1:1")

    assert failure_of(lambda: live.create_socket_credential(60, ENGLISH), KEYS.assemblyai).code == "provider_error"


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"token": "t"},
        {"token": "", "expires_in_seconds": 60},
        {"token": None, "expires_in_seconds": 60},
        {"token": 7, "expires_in_seconds": 60},
        {"token": "t", "expires_in_seconds": "60"},
        {"token": "t" * 4_097, "expires_in_seconds": 60},
        {"error": "no"},
    ],
    ids=lambda response: str(response)[:60],
)
def test_a_response_of_another_shape_is_a_provider_error(client: Client, serve, http, response: dict[str, Any]) -> None:
    server = serve(http(200, json.dumps(response).encode()))

    error = failure_of(lambda: client(url=server.url).create_socket_credential(60, ENGLISH), KEYS.assemblyai)

    assert (error.code, error.message) == ("provider_error", "AssemblyAI returned no token. Retry the request.")
