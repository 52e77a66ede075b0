"""The rules of live sessions: who may open one, how each ends and with which code, what it is billed."""

import json
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sandbox.speech import samples
from tests.sandbox.streaming import TIMES, SocketTranscript, frames, pcm, query, until_closed

SHORT = samples()[-1][0]
TERMINATE = json.dumps({"type": "Terminate"})


@pytest.fixture
def open_socket(fast_url, fast_http):
    """Opens a socket: `open_socket(token="…", format_turns="true")`."""

    def open_socket(authorization: str | None = None, **options):
        headers = {} if authorization is None else {"Authorization": authorization}
        address = f"{fast_url.replace('http', 'ws')}/v3/ws?{query(**options)}"
        return connect(address, additional_headers=headers, open_timeout=30)

    return open_socket


@pytest.fixture
def begin_session(open_socket, fast_token):
    """Opens a session with a token of its own and waits for Begin."""

    @contextmanager
    def begin_session(max_seconds: int = 600, **options):
        with open_socket(token=fast_token(max_seconds), **options) as socket:
            assert json.loads(socket.recv(timeout=30))["type"] == "Begin"
            yield socket

    return begin_session


@pytest.fixture
def get_billed_session(fast_http):
    """Returns the only billed session."""

    def get_billed_session() -> dict:
        (session,) = fast_http.get("/sandbox/sessions").json()["sessions"]
        return session

    return get_billed_session


def sandbox_time(fast_http) -> float:
    """The sandbox's own clock, in epoch seconds."""
    return float(fast_http.get("/sandbox/clock").json()["now"])


def send_and_read(socket, *messages: bytes | str) -> SocketTranscript:
    with suppress(ConnectionClosed):  # It may be closed before all is sent.
        for message in messages:
            socket.send(message)
    return until_closed(socket)


def eventually(read: Callable[[], dict], is_expected: Callable[[dict], bool]) -> dict:
    """Read until the value is as expected, and return it."""
    deadline = time.monotonic() + 90
    while not is_expected(latest := read()):
        assert time.monotonic() < deadline, latest
        time.sleep(0.02)
    return latest


def test_a_session_begins_and_ends_as_documented(open_socket, fast_token, fast_http, get_billed_session):
    token = fast_token(max_seconds=600)

    with open_socket(token=token, speech_model="universal-streaming-multilingual") as socket:
        now = fast_http.get("/sandbox/sessions").json()["now"]
        transcript = send_and_read(socket, pcm(1_000), TERMINATE)

    begin, termination = transcript.messages
    assert set(begin) == {"type", "id", "expires_at", "configuration"}
    assert begin["configuration"]["model"] == "universal-streaming-multilingual"
    assert begin["expires_at"] == pytest.approx(now + 600, abs=60)
    assert set(termination) == {"type", "audio_duration_seconds", "session_duration_seconds"}
    assert termination["audio_duration_seconds"] == 1
    assert type(termination["session_duration_seconds"]) is int
    assert (transcript.code, transcript.reason) == (1000, "")
    session = get_billed_session()
    assert (session["id"], session["max_seconds"], session["ending"]) == (begin["id"], 600, "terminated")
    assert session["seconds_billed"] >= termination["session_duration_seconds"] - 1
    assert session["seconds_billed"] == pytest.approx(session["closed_at"] - session["opened_at"], abs=1)


@pytest.mark.parametrize("credential", [None, "no token of ours", "Bearer {key}"])
def test_an_invalid_credential_is_refused_after_the_upgrade(open_socket, keys, fast_http, credential):
    authorization = None if credential is None else credential.format(key=keys.assemblyai)

    with open_socket(authorization) as socket:
        transcript = until_closed(socket)

    assert (transcript.types, transcript.code) == (["Error"], 1008)
    assert transcript.error == transcript.reason
    assert transcript.error.startswith("Unauthorized Connection: ")
    assert (transcript.error == "Unauthorized Connection: Missing Authorization header") == (credential is None)
    assert fast_http.get("/sandbox/sessions").json()["sessions"] == []


@pytest.mark.parametrize("location", ["header", "query"])
def test_a_token_opens_one_session_only(open_socket, fast_token, location):
    token = fast_token()
    arguments = {"authorization": token} if location == "header" else {"token": token}

    with open_socket(**arguments) as socket:
        first = send_and_read(socket, TERMINATE)
    with open_socket(**arguments) as socket:
        second = until_closed(socket)

    assert (first.types, first.code) == (["Begin", "Termination"], 1000)
    assert (second.code, second.error) == (1008, "Unauthorized Connection: Token has already been used")


def test_a_token_expires(open_socket, fast_http, fast_token):
    token = fast_token(expires_in_seconds=1)
    issued_before = sandbox_time(fast_http)
    while sandbox_time(fast_http) <= issued_before + 1:
        time.sleep(0.01)

    with open_socket(token=token) as socket:
        transcript = until_closed(socket)

    assert (transcript.code, transcript.error) == (1008, "Unauthorized Connection: Token has expired")


def test_the_key_opens_a_session_too(open_socket, keys, get_billed_session):
    with open_socket(keys.assemblyai) as socket:
        assert send_and_read(socket, TERMINATE).code == 1000

    assert get_billed_session()["max_seconds"] == 10_800


@pytest.mark.parametrize("options", [{"speech_model": None}, {"sample_rate": None}, {"encoding": "ogg_opus"}], ids=str)
def test_invalid_options_are_3006(open_socket, fast_token, options):
    with open_socket(token=fast_token(), **options) as socket:
        transcript = until_closed(socket)

    assert (transcript.types, transcript.code) == (["Error"], 3006)
    assert transcript.error.startswith("Invalid Message: ")
    assert next(iter(options)) in transcript.error


def test_a_reason_too_long_for_a_close_frame_refers_to_the_message(open_socket, fast_token):
    with open_socket(token=fast_token(), speech_model="universal-9") as socket:
        transcript = until_closed(socket)

    assert "universal-streaming-english" in transcript.error
    assert transcript.reason == "See Error message for details"


@pytest.mark.parametrize(
    ("message", "code", "error"),
    [
        (pcm(49), 3007, "Input duration violation: 49.0 ms. Expected between 50 and 1000 ms"),
        (pcm(1_001), 3007, "Input duration violation: 1001.0 ms. Expected between 50 and 1000 ms"),
        (b"", 3007, "Input duration violation: 0.0 ms. Expected between 50 and 1000 ms"),
        (pcm(50) + b"\0", 3006, "Invalid Message: 1601 bytes are not a whole number of 16-bit samples"),
        ("{", 3006, "Invalid JSON: "),
        ("[]", 3006, "Invalid Message: "),
        ('{"type": "UpdateConfiguration", "max_turn_silence": "long"}', 3006, "Invalid Message: max_turn_silence"),
        ('{"terminate_session": true}', 3006, "Invalid Message Type: None"),
        ('{"type": "Dance \\ud800"}', 3006, "Invalid Message Type: Dance"),
    ],
    ids=lambda value: value[:30].decode() if isinstance(value, bytes) and len(value) < 30 else None,
)
def test_an_invalid_message_ends_the_session(begin_session, get_billed_session, message, code, error):
    with begin_session() as socket:
        transcript = send_and_read(socket, message)

    assert (transcript.types, transcript.code) == (["Error"], code)
    assert transcript.error.startswith(error)
    assert (get_billed_session()["ending"], get_billed_session()["close_code"]) == ("error", code)
    assert get_billed_session()["seconds_billed"] >= 1


def test_audio_of_50_to_1000_ms_and_every_message_is_accepted(begin_session):
    messages = [
        {"type": "KeepAlive"},
        {"type": "UpdateConfiguration", "max_turn_silence": 500},
        {"type": "ForceEndpoint"},
    ]

    with begin_session() as socket:
        transcript = send_and_read(socket, pcm(50), pcm(1_000), *map(json.dumps, messages), TERMINATE)

    assert (transcript.types, transcript.code) == (["Termination"], 1000)


def test_audio_faster_than_real_time_is_3007(sandbox_url, http, keys):
    address = f"{sandbox_url.replace('http', 'ws')}/v3/ws?{query()}"

    with connect(address, additional_headers={"Authorization": keys.assemblyai}) as socket:
        transcript = send_and_read(socket, *[pcm(1_000)] * 20)

    assert (transcript.types, transcript.code) == (["Begin", "Error"], 3007)
    assert transcript.error.startswith("Audio Transmission Rate Exceeded: Received ")
    assert " sec. audio in " in transcript.error


def test_the_cap_of_its_token_ends_a_session(begin_session, get_billed_session):
    with begin_session(max_seconds=60) as socket:
        transcript = until_closed(socket)

    assert (transcript.code, transcript.error) == (3008, "Session Expired: Maximum session duration exceeded")
    assert get_billed_session()["ending"] == "expired"
    assert 60 <= get_billed_session()["seconds_billed"] <= 60 + 2 * TIMES


def test_an_inactive_session_closes_normally(begin_session, get_billed_session):
    with begin_session(inactivity_timeout=5) as socket:
        transcript = until_closed(socket)

    assert (transcript.types, transcript.code) == (["Termination"], 1000)
    assert get_billed_session()["ending"] == "inactive"
    assert get_billed_session()["seconds_billed"] >= 5


def test_a_socket_closed_without_terminate_is_billed_up_to_its_cap(begin_session, get_billed_session):
    with begin_session(max_seconds=120):
        assert get_billed_session()["ending"] is None

    abandoned = eventually(get_billed_session, lambda session: session["ending"] == "abandoned")
    ended = eventually(get_billed_session, lambda session: session["closed_at"] is not None)

    assert abandoned["disconnected_at"] is not None
    assert (ended["ending"], ended["seconds_billed"]) == ("abandoned", 120)
    assert ended["closed_at"] == pytest.approx(ended["opened_at"] + 120, abs=0.01)


def test_an_inactivity_timeout_bounds_what_an_abandoned_session_costs(begin_session, get_billed_session):
    with begin_session(max_seconds=10_800, inactivity_timeout=5) as socket:
        socket.send(pcm(100))

    ended = eventually(get_billed_session, lambda session: session["closed_at"] is not None)

    assert ended["ending"] in ("abandoned", "inactive")
    assert 5 <= ended["seconds_billed"] < 600


@pytest.mark.parametrize(
    ("kind", "code", "error"),
    [
        ("quota", 1008, "Unauthorized Connection: Insufficient account balance"),
        ("too_many", 1008, "Unauthorized Connection: Too many concurrent sessions"),
        ("3009", 3009, "Unauthorized Connection: Too many concurrent sessions"),
    ],
)
def test_a_refused_socket_uses_up_no_token(open_socket, fast_token, add_fast_fault, kind, code, error):
    add_fast_fault("assemblyai.streaming", kind)
    token = fast_token()

    with open_socket(token=token) as socket:
        refused = until_closed(socket)
    with open_socket(token=token) as socket:
        served = send_and_read(socket, TERMINATE)

    assert (refused.types, refused.code, refused.error) == (["Error"], code, error)
    assert served.code == 1000


@pytest.mark.parametrize("delay_seconds", [None, 3])
def test_a_session_can_fail_on_request(open_socket, fast_token, add_fast_fault, get_billed_session, delay_seconds):
    add_fast_fault("assemblyai.streaming", "3005", delay_seconds=delay_seconds)

    with open_socket(token=fast_token()) as socket:
        transcript = until_closed(socket)

    assert (transcript.types, transcript.code) == (["Begin", "Error"], 3005)
    assert transcript.error == "Session Cancelled: An error occurred"
    assert get_billed_session()["seconds_billed"] > (delay_seconds or 0)


def test_a_connection_can_be_lost_on_request(open_socket, fast_token, add_fast_fault, get_billed_session):
    add_fast_fault("assemblyai.streaming", "cut")

    with open_socket(token=fast_token()) as socket:
        transcript = until_closed(socket)

    assert (transcript.types, transcript.code) == (["Begin"], 1006)
    assert get_billed_session()["ending"] == "abandoned"


def test_a_session_can_stop_responding_on_request(
    open_socket, fast_token, add_fast_fault, fast_http, get_billed_session
):
    add_fast_fault("assemblyai.streaming", "stall")

    with open_socket(token=fast_token(max_seconds=60)) as socket:
        transcript = send_and_read(socket, pcm(100), TERMINATE)

    assert (transcript.types, transcript.code) == (["Error"], 3008)
    assert fast_http.get("/sandbox/calls").json()["last"][-1]["fault"] == "stall"


def test_faults_belong_to_their_service(fast_http):
    for service, kind in (("assemblyai.streaming", "bad_json"), ("assemblyai.token", "3005")):
        assert fast_http.post("/sandbox/faults", json={"service": service, "kind": kind}).status_code == 400


def test_the_socket_is_recorded_among_the_calls_without_its_token(open_socket, fast_token, fast_http):
    token = fast_token()
    with open_socket(token=token, keyterms_prompt='["Dashwood"]') as socket:
        send_and_read(socket, TERMINATE)

    calls = fast_http.get("/sandbox/calls")
    call = calls.json()["last"][-1]
    assert call["fields"] == {
        "speech_model": "universal-streaming-english",
        "sample_rate": "16000",
        "keyterms_prompt": '["Dashwood"]',
    }
    assert (call["service"], call["path"], call["status"]) == ("assemblyai.streaming", "/v3/ws", 1000)
    assert calls.json()["services"]["assemblyai.streaming"] == {"received": 1, "recognised": 1}
    assert token not in calls.text


def test_a_client_that_disconnects_while_speaking_causes_no_traceback(begin_session, get_billed_session, fast_log):
    with begin_session() as socket:
        for piece in frames(SHORT)[:20]:
            socket.send(piece)

    eventually(get_billed_session, lambda session: session["ending"] == "abandoned")
    assert "Traceback" not in fast_log.read_text()


def test_sessions_can_be_reset(begin_session, fast_http):
    with begin_session() as socket:
        fast_http.delete("/sandbox/sessions")
        assert send_and_read(socket, TERMINATE).code == 1000

    assert fast_http.get("/sandbox/sessions").json()["sessions"] == []
