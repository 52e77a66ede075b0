"""OpenAI's realtime transcription, through its own SDK and through a socket as browsers open it."""

import json
import threading
import time
from contextlib import suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sandbox.speech import samples, word_error_rate
from tests.sandbox import official
from tests.sandbox.process import running
from tests.sandbox.realtime import COMMIT, append, as_browser, send, silence, speech, wait_until
from tests.sandbox.streaming import TIMES

# The client opens its socket in a way that its own dependency will not have much longer.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")

RECORDING, WORDS = samples()[1]
SHORT = samples()[-1][0]
AUDIO = speech(RECORDING)
INPUT = {
    "format": {"type": "audio/pcm", "rate": 24_000},
    "transcription": {"model": "gpt-live-transcribe", "language": "en", "keywords": ["Dashwood"]},
    "turn_detection": None,
}
SESSION = {"type": "transcription", "audio": {"input": INPUT}}
SERVICE = "openai.client_secret"
TRANSCRIPTION = "conversation.item.input_audio_transcription"


def update(**changes) -> dict:
    return {"type": "session.update", "session": {"type": "transcription", "audio": {"input": changes}}}


@pytest.fixture
def address(sandbox_url) -> str:
    return f"{sandbox_url.replace('http', 'ws')}/openai/v1/realtime?intent=transcription"


@pytest.fixture
def create_secret(http, keys):
    """Requests a client secret without the SDK, which would not send some of these bodies."""

    def create_secret(body: object = None, key: str | None = None):
        body = {"session": SESSION} if body is None else body
        headers = {"Authorization": f"Bearer {keys.openai}" if key is None else key}
        return http.post("/openai/v1/realtime/client_secrets", json=body, headers=headers)

    return create_secret


@pytest.fixture
def secret(create_secret) -> str:
    return create_secret().raise_for_status().json()["value"]


@pytest.fixture
def extension_socket(address, secret, http):
    """Opens a socket with a secret and reads `session.created`."""
    with as_browser(address, secret) as socket:
        assert json.loads(socket.recv(timeout=30))["type"] == "session.created"
        yield socket


def read_refusal(socket) -> tuple[str, int, str]:
    """The code of the first error, and how the socket was closed after it."""
    error = json.loads(socket.recv(timeout=30))
    assert error["type"] == "error"
    with pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=30)
    assert closed.value.rcvd is not None
    return error["error"]["code"], closed.value.rcvd.code, closed.value.rcvd.reason


# The official SDK


def test_the_sdk_gets_a_secret_and_transcribes_with_it(openai_client, sandbox_url, http):
    secret = openai_client.realtime.client_secrets.create(
        expires_after={"anchor": "created_at", "seconds": 60}, session=SESSION
    )
    assert secret.value.startswith("ek_")
    assert secret.expires_at == pytest.approx(time.time() + 60, abs=10)
    assert (secret.session.type, secret.session.audio.input.transcription.model) == (
        "transcription",
        "gpt-live-transcribe",
    )

    holder = official.openai.OpenAI(api_key=secret.value, base_url=f"{sandbox_url}/openai/v1", max_retries=0)
    with holder, holder.realtime.connect(extra_query={"intent": "transcription"}) as connection:
        assert connection.recv().session.audio.input.format.rate == 24_000
        for place in range(0, len(AUDIO), 48_000):
            connection.input_audio_buffer.append(audio=append(AUDIO[place : place + 48_000])["audio"])
        early = connection.recv()  # Before anything is committed: words come as they are spoken.
        connection.input_audio_buffer.commit()
        events = [early]
        while events[-1].type != f"{TRANSCRIPTION}.completed":
            events.append(connection.recv())

    deltas = [event for event in events if event.type == f"{TRANSCRIPTION}.delta"]
    (committed,) = [event for event in events if event.type == "input_audio_buffer.committed"]
    completed = events[-1]
    assert early in deltas
    assert {event.item_id for event in [*deltas, committed]} == {completed.item_id}
    assert word_error_rate(WORDS, completed.transcript) < 0.25
    assert word_error_rate(completed.transcript, "".join(event.delta for event in deltas)) < 0.25
    assert (completed.usage.type, completed.usage.seconds) == ("duration", 6)
    assert http.get("/sandbox/calls").json()["services"] == {
        SERVICE: {"received": 1, "recognised": 0},
        "openai.realtime": {"received": 1, "recognised": 1},
    }


def test_the_sdk_raises_for_refused_requests(openai_client, add_fault):
    with pytest.raises(official.openai.BadRequestError) as refusal:
        openai_client.realtime.client_secrets.create(
            expires_after={"anchor": "created_at", "seconds": 9}, session=SESSION
        )
    assert (refusal.value.code, refusal.value.param) == ("invalid_value", "expires_after.seconds")
    add_fault(SERVICE, "429", retry_after_seconds=7)
    with pytest.raises(official.openai.RateLimitError):
        openai_client.realtime.client_secrets.create(session=SESSION)


# Client secrets


def test_a_secret_lives_ten_minutes_by_default(create_secret):
    assert create_secret().json()["expires_at"] == pytest.approx(time.time() + 600, abs=10)
    for seconds in (10, 7_200):
        answer = create_secret({"expires_after": {"seconds": seconds}, "session": SESSION})
        assert answer.json()["expires_at"] == pytest.approx(time.time() + seconds, abs=10)


@pytest.mark.parametrize("key", ["", "Bearer another key", "{key}", "Bearer"])
def test_without_the_key_as_bearer_there_is_no_secret(create_secret, keys, key):
    answer = create_secret(key=key.format(key=keys.openai))

    assert (answer.status_code, set(answer.json()["error"])) == (401, {"message", "type", "param", "code"})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ([], None),
        ({}, "session"),
        ({"session": SESSION, "model": "gpt-live-transcribe"}, "model"),
        ({"session": SESSION, "expires_after": {"seconds": 7_201}}, "expires_after.seconds"),
        ({"session": SESSION, "expires_after": {"seconds": "60"}}, "expires_after.seconds"),
        ({"session": SESSION, "expires_after": {"anchor": "now"}}, "expires_after.anchor"),
        ({"session": {"type": "realtime"}}, "session.type"),
        ({"session": {"type": "transcription", "voice": "marin"}}, "session.voice"),
        (
            {"session": {"type": "transcription", "audio": {"input": {"language": "en"}}}},
            "session.audio.input.language",
        ),
        *[
            ({"session": {"type": "transcription", "audio": {"input": changes}}}, f"session.audio.input.{param}")
            for changes, param in [
                ({"format": {"type": "audio/pcm", "rate": 16_000}}, "format.rate"),
                ({"format": {"type": "audio/pcmu"}}, "format.type"),
                ({"transcription": {"language": "en"}}, "transcription.model"),
                ({"transcription": {"model": "whisper-live"}}, "transcription.model"),
                ({"transcription": {"model": "gpt-live-transcribe", "language": "English"}}, "transcription.language"),
                ({"transcription": {"model": "gpt-live-transcribe", "keywords": "a"}}, "transcription.keywords"),
                ({"transcription": {"model": "gpt-realtime-whisper", "keywords": ["a"]}}, "transcription.keywords"),
                ({"transcription": {"model": "gpt-live-transcribe", "prompt": "a"}}, "transcription.prompt"),
                ({"turn_detection": {"type": "server_vad"}}, "turn_detection"),
                ({"noise_reduction": {"type": "near_field"}}, "noise_reduction"),
            ]
        ],
    ],
    ids=lambda value: str(value)[-60:],
)
def test_an_invalid_body_is_400_and_names_its_parameter(create_secret, body, param):
    answer = create_secret(body)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("kind", "status", "retry_after"),
    [("401", 401, None), ("429", 429, "7"), ("quota", 429, None), ("500", 500, None), ("503", 503, "7")],
)
def test_an_error_fault_returns_openais_error(create_secret, add_fault, http, kind, status, retry_after):
    add_fault(SERVICE, kind, retry_after_seconds=7)

    answer = create_secret()

    assert (answer.status_code, set(answer.json()["error"])) == (status, {"message", "type", "param", "code"})
    assert answer.headers.get("retry-after") == retry_after
    assert http.get("/sandbox/calls").json()["last"][0]["fault"] == kind
    assert create_secret().status_code == 200


def test_calls_are_recorded_without_key_or_secret(create_secret, extension_socket, http, keys, secret):
    calls = http.get("/sandbox/calls")

    assert [call["path"] for call in calls.json()["last"]] == [
        "/openai/v1/realtime/client_secrets",
        "/openai/v1/realtime",
    ]
    assert calls.json()["last"][0]["fields"] == {"session": SESSION}
    assert keys.openai not in calls.text
    assert secret not in calls.text


# Who may come in


def test_a_browser_can_reuse_its_secret_in_the_subprotocols(address, secret):
    with as_browser(address, secret) as first, as_browser(address, secret) as second:
        assert first.subprotocol == second.subprotocol == "realtime"
        sessions = [wait_until(socket, "session.created")[0]["session"] for socket in (first, second)]
        send(first, append(speech(SHORT)), COMMIT)
        completed = wait_until(first, ".completed")[-1]

    assert [session["audio"]["input"]["transcription"]["language"] for session in sessions] == ["en", "en"]
    assert sessions[0]["id"] != sessions[1]["id"]
    assert word_error_rate(samples()[-1][1], completed["transcript"]) < 0.25


def test_an_invalid_credential_is_accepted_then_refused(address, secret, keys):
    key = (("realtime", f"openai-insecure-api-key.{keys.openai}x"), {})
    invalid = [
        ((), {}),
        (("realtime",), {}),
        ((f"openai-insecure-api-key.{secret}",), {}),
        (("realtime", "openai-insecure-api-key.ek_unknown"), {}),
        ((), {"Authorization": secret}),
        ((), {"Authorization": f"Bearer {secret}x"}),
        key,
    ]
    for subprotocols, headers in invalid:
        with connect(address, subprotocols=subprotocols or None, additional_headers=headers, proxy=None) as socket:
            assert read_refusal(socket) == ("invalid_api_key", 3000, "invalid_request_error.invalid_api_key")


@pytest.mark.parametrize("query", ["", "?intent=conversation", "?intent=transcription&model=gpt-live-transcribe"])
def test_a_socket_requires_the_transcription_intent_and_no_model(address, secret, query):
    with as_browser(address.partition("?")[0] + query, secret) as socket:
        assert read_refusal(socket) == ("missing_model", 4000, "invalid_request_error.missing_model")


def test_an_expired_secret_opens_nothing_but_open_sessions_go_on(fast_http, fast_url, keys):
    address = f"{fast_url.replace('http', 'ws')}/openai/v1/realtime?intent=transcription"
    answer = fast_http.post(
        "/openai/v1/realtime/client_secrets",
        json={"session": SESSION, "expires_after": {"seconds": 60}},
        headers={"Authorization": f"Bearer {keys.openai}"},
    )
    with as_browser(address, answer.json()["value"]) as socket:
        wait_until(socket, "session.created")
        threading.Event().wait(62 / TIMES)

        with as_browser(address, answer.json()["value"]) as late:
            assert read_refusal(late)[0] == "invalid_api_key"
        send(socket, append(silence(100)), {"type": "input_audio_buffer.clear"})
        assert wait_until(socket, "cleared")


def test_a_session_ends_after_an_hour(tmp_path, keys):
    with running(keys, tmp_path / "stderr.txt", SANDBOX_TIME_SCALE="1000") as url:
        address = f"{url.replace('http', 'ws')}/openai/v1/realtime?intent=transcription"
        with connect(address, additional_headers={"Authorization": f"Bearer {keys.openai}"}, proxy=None) as socket:
            wait_until(socket, "session.created")
            assert read_refusal(socket) == ("session_expired", 1001, "invalid_request_error.session_expired")


# In the session


def test_turns_arrive_in_the_order_of_their_commits(extension_socket):
    send(extension_socket, append(silence(200)), COMMIT, append(speech(SHORT)), COMMIT)

    events = wait_until(extension_socket, ".completed") + wait_until(extension_socket, ".completed")

    committed = [event for event in events if event["type"] == "input_audio_buffer.committed"]
    completed = [event for event in events if event["type"].endswith(".completed")]
    assert [event["item_id"] for event in committed] == [event["item_id"] for event in completed]
    assert [event["previous_item_id"] for event in committed] == [None, committed[0]["item_id"]]
    assert [bool(event["transcript"]) for event in completed] == [False, True]
    assert all(event["event_id"].startswith("event_") for event in events)


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ("no json", "invalid_json", None),
        ("[" * 100_000, "invalid_json", None),
        ("[]", "invalid_event", None),
        (b"\0\0", "invalid_event", None),
        ({}, "invalid_value", "type"),
        ({"type": "response.create"}, "invalid_value", "type"),
        ({"type": "input_audio_buffer.append"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "no base64!"}, "invalid_value", "audio"),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, "invalid_value", "audio"),
        (append(silence(121_000)), "invalid_value", "audio"),
        (COMMIT, "input_audio_buffer_commit_empty", None),
        ({"type": "session.update"}, "invalid_type", "session"),
        (update(format={"type": "audio/pcm", "rate": 8_000}), "invalid_value", "session.audio.input.format.rate"),
        (update(turn_detection={"type": "semantic_vad"}), "invalid_value", "session.audio.input.turn_detection"),
        (update(model="gpt-transcribe"), "unknown_parameter", "session.audio.input.model"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_an_invalid_event_is_reported_and_the_session_goes_on(extension_socket, event, code, param):
    extension_socket.send(json.dumps(event | {"event_id": "c1"}) if isinstance(event, dict) else event)
    send(extension_socket, {"type": "input_audio_buffer.clear"})

    reported, *_ = wait_until(extension_socket, "cleared")

    assert reported["type"] == "error"
    assert (reported["error"]["code"], reported["error"]["param"]) == (code, param)
    assert reported["error"]["event_id"] == ("c1" if isinstance(event, dict) else None)


def test_a_message_beyond_16_mib_closes_the_socket(extension_socket):
    with suppress(ConnectionClosed):  # It may be closed before all is sent.
        extension_socket.send(json.dumps(append(bytes(13 * 1024 * 1024))))
    with pytest.raises(ConnectionClosed) as closed:
        extension_socket.recv(timeout=30)

    # A client that is still sending may lose the connection before it reads the reason.
    assert closed.value.rcvd is None or closed.value.rcvd.code == 1009


def test_the_client_may_reconfigure_the_session(extension_socket):
    """The configuration of a secret does not restrict the client."""
    send(extension_socket, update(transcription={"model": "gpt-realtime-whisper", "keywords": [], "language": "de"}))
    session = wait_until(extension_socket, "session.updated")[-1]["session"]
    assert session["audio"]["input"]["transcription"] == {
        "model": "gpt-realtime-whisper",
        "keywords": [],
        "language": "de",
    }
    assert session["audio"]["input"]["format"] == INPUT["format"]

    send(
        extension_socket, update(transcription=None), append(silence(200)), COMMIT, {"type": "input_audio_buffer.clear"}
    )

    assert not [event for event in wait_until(extension_socket, "cleared") if event["type"].startswith(TRANSCRIPTION)]


def test_cleared_audio_is_not_transcribed(extension_socket):
    send(extension_socket, append(speech(SHORT)), {"type": "input_audio_buffer.clear"}, append(silence(300)), COMMIT)

    assert wait_until(extension_socket, ".completed")[-1]["transcript"] == ""


def test_a_failed_turn_is_reported_and_the_next_one_follows(address, secret, add_fault, http):
    add_fault("openai.realtime", "failed")
    with as_browser(address, secret) as socket:
        send(socket, append(silence(200)), COMMIT, append(silence(200)), COMMIT)
        events = wait_until(socket, ".completed")

    (failed,) = [event for event in events if event["type"] == f"{TRANSCRIPTION}.failed"]
    committed = [event["item_id"] for event in events if event["type"] == "input_audio_buffer.committed"]
    assert failed["item_id"] == committed[0]
    assert set(failed["error"]) == {"type", "code", "message", "param"}
    assert events[-1]["item_id"] == committed[1]
    assert http.get("/sandbox/calls").json()["services"]["openai.realtime"] == {"received": 1, "recognised": 1}


def test_no_client_event_caused_a_traceback(sandbox_log):
    """Last test of this file: no event of a client caused an error in the server."""
    assert "Traceback" not in sandbox_log.read_text()
