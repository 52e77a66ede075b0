"""The live room's rules: who may come in, how every session ends and with which code, what it is billed."""

import json
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from sandbox.speech import samples
from tests.sandbox.streaming import TIMES, Heard, frames, pcm, query, until_closed

SHORT = samples()[-1][0]
TERMINATE = json.dumps({"type": "Terminate"})


@pytest.fixture
def enter(fast_url, fast_desk):
    """Opens a socket: `enter(token="…", format_turns="true")`."""

    def enter(authorization: str | None = None, **options):
        headers = {} if authorization is None else {"Authorization": authorization}
        address = f"{fast_url.replace('http', 'ws')}/v3/ws?{query(**options)}"
        return connect(address, additional_headers=headers, open_timeout=30)

    return enter


@pytest.fixture
def begin(enter, fast_token):
    """Opens a session with a token of its own and waits for Begin."""

    @contextmanager
    def begin(max_seconds: int = 600, **options):
        with enter(token=fast_token(max_seconds), **options) as socket:
            assert json.loads(socket.recv(timeout=30))["type"] == "Begin"
            yield socket

    return begin


@pytest.fixture
def bill(fast_desk):
    """The only session there was."""

    def bill() -> dict:
        (session,) = fast_desk.get("/sandbox/sessions").json()["sessions"]
        return session

    return bill


def closed(socket, *messages: bytes | str) -> Heard:
    with suppress(ConnectionClosed):  # It may be closed before all is sent.
        for message in messages:
            socket.send(message)
    return until_closed(socket)


def eventually(look: Callable[[], dict], wanted: Callable[[dict], bool]) -> dict:
    """The first thing seen that is as wanted."""
    deadline = time.monotonic() + 90
    while not wanted(seen := look()):
        assert time.monotonic() < deadline, seen
        time.sleep(0.02)
    return seen


def test_a_session_begins_and_ends_as_documented(enter, fast_token, fast_desk, bill):
    given = fast_token(max_seconds=600)

    with enter(token=given, speech_model="universal-streaming-multilingual") as socket:
        now = fast_desk.get("/sandbox/sessions").json()["now"]
        heard = closed(socket, pcm(1_000), TERMINATE)

    begin, termination = heard.messages
    assert set(begin) == {"type", "id", "expires_at", "configuration"}
    assert begin["configuration"]["model"] == "universal-streaming-multilingual"
    assert begin["expires_at"] == pytest.approx(now + 600, abs=60)
    assert set(termination) == {"type", "audio_duration_seconds", "session_duration_seconds"}
    assert termination["audio_duration_seconds"] == 1
    assert type(termination["session_duration_seconds"]) is int
    assert (heard.code, heard.reason) == (1000, "")
    session = bill()
    assert (session["id"], session["max_seconds"], session["ending"]) == (begin["id"], 600, "terminated")
    assert session["seconds_billed"] >= termination["session_duration_seconds"] - 1
    assert session["seconds_billed"] == pytest.approx(session["closed_at"] - session["opened_at"], abs=1)


@pytest.mark.parametrize("credential", [None, "no token of ours", "Bearer {key}"])
def test_without_a_token_or_the_key_the_reason_is_said_after_the_upgrade(enter, keys, fast_desk, credential):
    authorization = None if credential is None else credential.format(key=keys.assemblyai)

    with enter(authorization) as socket:
        heard = until_closed(socket)

    assert (heard.types, heard.code) == (["Error"], 1008)
    assert heard.error == heard.reason
    assert heard.error.startswith("Unauthorized Connection: ")
    assert (heard.error == "Unauthorized Connection: Missing Authorization header") == (credential is None)
    assert fast_desk.get("/sandbox/sessions").json()["sessions"] == []


@pytest.mark.parametrize("way", ["header", "query"])
def test_a_token_opens_one_session_only(enter, fast_token, way):
    given = fast_token()
    arguments = {"authorization": given} if way == "header" else {"token": given}

    with enter(**arguments) as socket:
        first = closed(socket, TERMINATE)
    with enter(**arguments) as socket:
        second = until_closed(socket)

    assert (first.types, first.code) == (["Begin", "Termination"], 1000)
    assert (second.code, second.error) == (1008, "Unauthorized Connection: Token has already been used")


def test_a_token_expires(enter, fast_token):
    given = fast_token(expires_in_seconds=1)
    time.sleep(1.5 / TIMES)

    with enter(token=given) as socket:
        heard = until_closed(socket)

    assert (heard.code, heard.error) == (1008, "Unauthorized Connection: Token has expired")


def test_the_key_opens_a_session_too(enter, keys, bill):
    with enter(keys.assemblyai) as socket:
        assert closed(socket, TERMINATE).code == 1000

    assert bill()["max_seconds"] == 10_800


@pytest.mark.parametrize("wrong", [{"speech_model": None}, {"sample_rate": None}, {"encoding": "ogg_opus"}], ids=str)
def test_options_that_make_no_sense_are_3006(enter, fast_token, wrong):
    with enter(token=fast_token(), **wrong) as socket:
        heard = until_closed(socket)

    assert (heard.types, heard.code) == (["Error"], 3006)
    assert heard.error.startswith("Invalid Message: ")
    assert next(iter(wrong)) in heard.error


def test_a_reason_too_long_for_a_close_frame_refers_to_the_message(enter, fast_token):
    with enter(token=fast_token(), speech_model="universal-9") as socket:
        heard = until_closed(socket)

    assert "universal-streaming-english" in heard.error
    assert heard.reason == "See Error message for details"


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
def test_what_a_session_does_not_take_ends_it(begin, bill, message, code, error):
    with begin() as socket:
        heard = closed(socket, message)

    assert (heard.types, heard.code) == (["Error"], code)
    assert heard.error.startswith(error)
    assert (bill()["ending"], bill()["close_code"]) == ("error", code)
    assert bill()["seconds_billed"] >= 1


def test_pieces_of_50_and_1000_ms_and_all_messages_are_taken(begin):
    messages = [
        {"type": "KeepAlive"},
        {"type": "UpdateConfiguration", "max_turn_silence": 500},
        {"type": "ForceEndpoint"},
    ]

    with begin() as socket:
        heard = closed(socket, pcm(50), pcm(1_000), *map(json.dumps, messages), TERMINATE)

    assert (heard.types, heard.code) == (["Termination"], 1000)


def test_audio_faster_than_it_can_be_said_is_3007(sandbox_url, desk, keys):
    address = f"{sandbox_url.replace('http', 'ws')}/v3/ws?{query()}"

    with connect(address, additional_headers={"Authorization": keys.assemblyai}) as socket:
        heard = closed(socket, *[pcm(1_000)] * 20)

    assert (heard.types, heard.code) == (["Begin", "Error"], 3007)
    assert heard.error.startswith("Audio Transmission Rate Exceeded: Received ")
    assert " sec. audio in " in heard.error


def test_the_cap_of_its_token_ends_a_session(begin, bill):
    with begin(max_seconds=60) as socket:
        heard = until_closed(socket)

    assert (heard.code, heard.error) == (3008, "Session Expired: Maximum session duration exceeded")
    assert bill()["ending"] == "expired"
    assert 60 <= bill()["seconds_billed"] <= 60 + 2 * TIMES


def test_silence_of_the_client_ends_a_session_in_peace(begin, bill):
    with begin(inactivity_timeout=5) as socket:
        heard = until_closed(socket)

    assert (heard.types, heard.code) == (["Termination"], 1000)
    assert bill()["ending"] == "inactive"
    assert bill()["seconds_billed"] >= 5


def test_a_socket_closed_without_terminate_is_billed_up_to_its_cap(begin, bill):
    with begin(max_seconds=120):
        assert bill()["ending"] is None

    left = eventually(bill, lambda session: session["ending"] == "abandoned")
    ended = eventually(bill, lambda session: session["closed_at"] is not None)

    assert left["disconnected_at"] is not None
    assert (ended["ending"], ended["seconds_billed"]) == ("abandoned", 120)
    assert ended["closed_at"] == pytest.approx(ended["opened_at"] + 120, abs=0.01)


def test_an_inactivity_timeout_bounds_what_an_abandoned_session_costs(begin, bill):
    with begin(max_seconds=10_800, inactivity_timeout=5) as socket:
        socket.send(pcm(100))

    ended = eventually(bill, lambda session: session["closed_at"] is not None)

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
def test_a_refusal_on_request_spends_no_token(enter, fast_token, fast_order, kind, code, error):
    fast_order("assemblyai.streaming", kind)
    given = fast_token()

    with enter(token=given) as socket:
        refused = until_closed(socket)
    with enter(token=given) as socket:
        served = closed(socket, TERMINATE)

    assert (refused.types, refused.code, refused.error) == (["Error"], code, error)
    assert served.code == 1000


@pytest.mark.parametrize("delay_seconds", [None, 3])
def test_a_session_can_be_told_to_fail(enter, fast_token, fast_order, bill, delay_seconds):
    fast_order("assemblyai.streaming", "3005", delay_seconds=delay_seconds)

    with enter(token=fast_token()) as socket:
        heard = until_closed(socket)

    assert (heard.types, heard.code) == (["Begin", "Error"], 3005)
    assert heard.error == "Session Cancelled: An error occurred"
    assert bill()["seconds_billed"] > (delay_seconds or 0)


def test_a_connection_can_be_told_to_be_lost(enter, fast_token, fast_order, bill):
    fast_order("assemblyai.streaming", "cut")

    with enter(token=fast_token()) as socket:
        heard = until_closed(socket)

    assert (heard.types, heard.code) == (["Begin"], 1006)
    assert bill()["ending"] == "abandoned"


def test_a_session_can_be_told_to_answer_nothing(enter, fast_token, fast_order, fast_desk, bill):
    fast_order("assemblyai.streaming", "stall")

    with enter(token=fast_token(max_seconds=60)) as socket:
        heard = closed(socket, pcm(100), TERMINATE)

    assert (heard.types, heard.code) == (["Error"], 3008)
    assert fast_desk.get("/sandbox/calls").json()["last"][-1]["fault"] == "stall"


def test_faults_belong_to_their_service(fast_desk):
    for service, kind in (("assemblyai.streaming", "bad_json"), ("assemblyai.token", "3005")):
        assert fast_desk.post("/sandbox/faults", json={"service": service, "kind": kind}).status_code == 400


def test_the_socket_is_kept_among_the_calls_without_its_token(enter, fast_token, fast_desk):
    given = fast_token()
    with enter(token=given, keyterms_prompt='["Dashwood"]') as socket:
        closed(socket, TERMINATE)

    calls = fast_desk.get("/sandbox/calls")
    call = calls.json()["last"][-1]
    assert call["fields"] == {
        "speech_model": "universal-streaming-english",
        "sample_rate": "16000",
        "keyterms_prompt": '["Dashwood"]',
    }
    assert (call["service"], call["path"], call["status"]) == ("assemblyai.streaming", "/v3/ws", 1000)
    assert calls.json()["services"]["assemblyai.streaming"] == {"received": 1, "recognised": 1}
    assert given not in calls.text


def test_a_client_that_leaves_while_it_speaks_leaves_no_traceback(begin, bill, fast_log):
    with begin() as socket:
        for piece in frames(SHORT)[:20]:
            socket.send(piece)

    eventually(bill, lambda session: session["ending"] == "abandoned")
    assert "Traceback" not in fast_log.read_text()


def test_sessions_can_be_forgotten(begin, fast_desk):
    with begin() as socket:
        fast_desk.delete("/sandbox/sessions")
        assert closed(socket, TERMINATE).code == 1000

    assert fast_desk.get("/sandbox/sessions").json()["sessions"] == []
