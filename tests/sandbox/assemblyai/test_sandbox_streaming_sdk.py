"""Live speech through AssemblyAI's own streaming client: token, socket and events."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import httpx
import pytest

from sandbox.speech import samples, word_error_rate
from tests.sandbox import official
from tests.sandbox.certificate import write_certificate
from tests.sandbox.process import running
from tests.sandbox.streaming import MODEL, PAUSE_MS, RATE_HZ, TIMES, frames, pcm, send_at_pace

# The client opens its socket in a way that its own dependency will not have much longer.
pytestmark = pytest.mark.filterwarnings(r"ignore:connect\(\) must be used as a context manager:DeprecationWarning")

RECORDINGS = [path for path, _ in samples()]
WORDS = " ".join(words for _, words in samples())


class EventRecorder:
    """The official client, recording all its events."""

    def __init__(self, host: str, **credential: str):
        self.begins: list[official.assemblyai_streaming.BeginEvent] = []
        self.turns: list[official.assemblyai_streaming.TurnEvent] = []
        self.terminations: list[official.assemblyai_streaming.TerminationEvent] = []
        self.errors: list[official.assemblyai_streaming.StreamingError] = []
        self.failed = threading.Event()
        # The SDK's own limits, 1 s to connect and 5 s for the last turn, are too short for a busy machine.
        options = official.assemblyai_streaming.StreamingClientOptions(
            api_host=host, connect_timeout=60, terminate_timeout=60, **credential
        )
        self.client = official.assemblyai_streaming.StreamingClient(options)
        for event, value in (
            (official.assemblyai_streaming.StreamingEvents.Begin, self.begins),
            (official.assemblyai_streaming.StreamingEvents.Turn, self.turns),
            (official.assemblyai_streaming.StreamingEvents.Termination, self.terminations),
            (official.assemblyai_streaming.StreamingEvents.Error, self.errors),
        ):
            self.client.on(event, lambda _, message, value=value: value.append(message))
        self.client.on(official.assemblyai_streaming.StreamingEvents.Error, lambda *_: self.failed.set())

    def connect(self, **options) -> None:
        self.client.connect(
            official.assemblyai_streaming.StreamingParameters(sample_rate=RATE_HZ, speech_model=MODEL, **options)
        )

    def stream(self, pieces: Iterable[bytes]) -> None:
        self.client.stream(pieces)
        self.client.disconnect(terminate=True)

    def finals(self, formatted: bool) -> list[official.assemblyai_streaming.TurnEvent]:
        return [turn for turn in self.turns if turn.end_of_turn and turn.turn_is_formatted == formatted]


@pytest.fixture
def listen(keys):
    """Creates event recorders; all are closed at the end."""
    made = []

    def listen(host: str, **credential: str) -> EventRecorder:
        made.append(EventRecorder(host, **(credential or {"api_key": keys.assemblyai})))
        return made[-1]

    yield listen
    for listener in made:
        if listener.client._websocket:
            listener.client.disconnect()
        listener.client._client._http_client.close()


@pytest.fixture
def fast_host(fast_url, fast_http) -> str:
    """The value of `api_host` for the client."""
    return fast_url.replace("http", "ws")


@pytest.fixture(scope="module")
def tls_url(tmp_path_factory, keys) -> Iterator[str]:
    directory = tmp_path_factory.mktemp("tls-sandbox")
    write_certificate(directory / "certificate.pem")
    arguments = ("--certificate", str(directory / "certificate.pem"))
    with (
        pytest.MonkeyPatch.context() as patch,
        running(keys, directory / "stderr.txt", *arguments, SANDBOX_TIME_SCALE=str(TIMES)) as url,
    ):
        patch.setenv("SSL_CERT_FILE", str(directory / "certificate.pem"))
        yield url


@pytest.fixture
def tls_host(tls_url) -> str:
    return tls_url.removeprefix("https://")


def test_one_host_serves_token_and_socket_over_tls(listen, tls_host):
    token = listen(tls_host).client.create_temporary_token(expires_in_seconds=600, max_session_duration_seconds=3_600)
    listener = listen(tls_host, token=token)

    listener.connect(format_turns=True)
    listener.stream(send_at_pace(frames(RECORDINGS[-1]), times=TIMES))

    assert listener.errors == []
    raw, formatted = [turn for turn in listener.turns if turn.end_of_turn]
    assert (raw.turn_is_formatted, formatted.turn_is_formatted) == (False, True)
    assert raw.transcript == "he might even have been made amiable himself"
    assert formatted.transcript == "He might even have been made amiable himself."
    assert len(listener.begins) == len(listener.terminations) == 1


def test_a_refused_token_raises_in_the_sdk(listen, tls_host):
    with pytest.raises(httpx.HTTPStatusError, match="401"):
        listen(tls_host, api_key="another key").client.create_temporary_token(expires_in_seconds=60)


@pytest.mark.parametrize("formatted", [False, True])
def test_recordings_sent_through_the_socket_are_recognised(listen, fast_host, fast_token, fast_http, formatted):
    listener = listen(fast_host, token=fast_token(max_seconds=3_600))

    listener.connect(format_turns=formatted, keyterms_prompt=["Dashwood"], inactivity_timeout=3_600)
    listener.stream(send_at_pace(frames(*RECORDINGS), times=TIMES))

    raw = listener.finals(formatted=False)
    assert listener.errors == []
    assert listener.begins[0].configuration.model == MODEL
    assert [turn.turn_order for turn in raw] == [0, 1, 2]
    assert [turn.turn_order for turn in listener.finals(formatted=True)] == ([0, 1, 2] if formatted else [])
    assert word_error_rate(WORDS, " ".join(turn.transcript for turn in raw)) < 0.25
    assert all(turn.transcript == turn.transcript.lower() for turn in raw)
    words = [word for turn in raw for word in turn.words]
    assert [word.text for word in words] == " ".join(turn.transcript for turn in raw).split()
    assert [word.start for word in words] == sorted(word.start for word in words)
    # Each recording is followed by a pause, which delays the words of the next one.
    firsts = [turn.words[0].start for turn in raw]
    assert firsts == pytest.approx([0, 7_100 + PAUSE_MS, 12_400 + 2 * PAUSE_MS], abs=800)
    (termination,) = listener.terminations
    assert termination.audio_duration_seconds == pytest.approx(15.7 + 3 * PAUSE_MS / 1000, abs=1)
    (session,) = fast_http.get("/sandbox/sessions").json()["sessions"]
    assert (session["id"], session["ending"], session["max_seconds"]) == (listener.begins[0].id, "terminated", 3_600)
    assert session["seconds_billed"] == pytest.approx(termination.session_duration_seconds, abs=1)


def test_words_arrive_during_speech(listen, sandbox_url, http):
    listener = listen(sandbox_url.replace("http", "ws"))

    listener.connect()
    listener.stream(send_at_pace(frames(RECORDINGS[0])))

    partial = [turn for turn in listener.turns if not turn.end_of_turn]
    (final,) = listener.finals(formatted=False)
    assert partial
    assert listener.turns[-1] is final
    assert partial[0].words[-1].end < final.words[-1].end
    assert {turn.turn_order for turn in listener.turns} == {0}
    assert all(turn.transcript == " ".join(w.text for w in turn.words if w.word_is_final) for turn in partial)


def test_a_turn_can_be_ended_without_a_pause(listen, fast_host):
    listener = listen(fast_host)
    pieces = frames(RECORDINGS[-1])

    listener.connect()
    listener.client.stream(pieces[:20])
    listener.client.force_endpoint()
    listener.stream(send_at_pace(pieces[20:], times=TIMES))

    assert [turn.turn_order for turn in listener.finals(formatted=False)] == [0, 1]


def test_a_used_token_and_invalid_audio_reach_the_error_handler(listen, fast_host, fast_token):
    token = fast_token()
    first, second = listen(fast_host, token=token), listen(fast_host, token=token)

    first.connect()
    second.connect()
    first.client.stream(pcm(20))

    assert first.failed.wait(timeout=30)
    assert second.failed.wait(timeout=30)
    assert [(error.code, str(error)) for error in first.errors] == [
        (3007, "Input duration violation: 20.0 ms. Expected between 50 and 1000 ms")
    ]
    assert [error.code for error in second.errors] == [1008]
