"""The ruler in place of the recogniser, through the live sockets of both providers."""

from collections.abc import Iterator

import httpx
import pytest
from websockets.sync.client import connect

from sandbox.recognition.ruler import encode_samples
from tests.sandbox.process import running
from tests.sandbox.realtime import COMMIT, append, send, wait_until
from tests.sandbox.streaming import query, until_closed
from tests.sandbox.test_sandbox_control import start

SECOND, OPENAI_SECOND = 16_000, 24_000
TRANSCRIPTION = {"model": "gpt-live-transcribe", "language": "en"}


@pytest.fixture
def ruler_http(tmp_path, keys) -> Iterator[httpx.Client]:
    with (
        running(keys, tmp_path / "stderr.txt", SANDBOX_LIVE_RECOGNISER="ruler") as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        yield client


def test_sockets_of_both_providers_report_their_samples_and_number_their_words(ruler_http, keys):
    address = str(ruler_http.base_url).replace("http", "ws").rstrip("/")
    with connect(
        f"{address}/v3/ws?{query(format_turns='true')}",
        additional_headers={"Authorization": keys.assemblyai},
        proxy=None,
    ) as socket:
        for tenth in [*range(20), *range(25, 40)]:
            socket.send(encode_samples(tenth * SECOND // 10, SECOND // 10, is_soft=tenth % 10 > 7))
        socket.send('{"type": "Terminate"}')
        transcript = until_closed(socket)
    with connect(
        f"{address}/openai/v1/realtime?intent=transcription",
        additional_headers={"Authorization": f"Bearer {keys.openai}"},
        proxy=None,
    ) as socket:
        changes = {"type": "transcription", "audio": {"input": {"transcription": TRANSCRIPTION}}}
        send(socket, {"type": "session.update", "session": changes})
        for second in (0, 1):
            send(socket, append(encode_samples(second * OPENAI_SECOND, OPENAI_SECOND, is_soft=False)))
            send(socket, COMMIT)
        completed = [wait_until(socket, ".completed")[-1] for _ in range(2)]

    finals = [turn["transcript"] for turn in transcript.messages if turn.get("turn_is_formatted")]
    assert (finals, transcript.code) == (["w0 w1 w2 w3", "w5 w6 w7"], 1000)
    assert [turn["transcript"] for turn in completed] == ["w0 w1", "w2 w3"]
    sockets = ruler_http.get("/sandbox/ruler").json()["sockets"]
    reported = [(socket["service"], socket["rate_hz"], socket["ranges"]) for socket in sockets]
    assert reported == [
        ("assemblyai.streaming", SECOND, [[0, 2 * SECOND], [5 * SECOND // 2, 4 * SECOND]]),
        ("openai.realtime", OPENAI_SECOND, [[0, 2 * OPENAI_SECOND]]),
    ]
    ruler_http.delete("/sandbox/ruler").raise_for_status()
    assert ruler_http.get("/sandbox/ruler").json() == {"sockets": []}


def test_without_the_ruler_no_socket_is_listed(http):
    assert http.get("/sandbox/ruler").json() == {"sockets": []}


def test_it_does_not_start_with_an_unknown_recogniser(monkeypatch):
    monkeypatch.setenv("SANDBOX_LIVE_RECOGNISER", "thermometer")
    with start() as process:
        _, errors = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "SANDBOX_LIVE_RECOGNISER" in errors.splitlines()[-1]
