"""Faults of AssemblyAI's transcripts: each fault point, and what a failed create leaves behind."""

import httpx
import pytest

from sandbox.speech import samples
from tests.sandbox import official

SHORT = samples()[2][0]
AUDIO_URL = "http://127.0.0.1:1/unreachable.wav"
CALLS = {
    "assemblyai.upload": ("POST", "/v2/upload"),
    "assemblyai.transcript_create": ("POST", "/v2/transcript"),
    "assemblyai.transcript_get": ("GET", "/v2/transcript/{id}"),
    "assemblyai.transcript_list": ("GET", "/v2/transcript"),
    "assemblyai.transcript_delete": ("DELETE", "/v2/transcript/{id}"),
    "assemblyai.transcript_export": ("GET", "/v2/transcript/{id}/srt"),
}


@pytest.fixture
def request_point(http, keys, sandbox_url):
    """Sends one valid request to a fault point; its transcript, if any, is held in processing."""
    headers = {"Authorization": keys.assemblyai}
    http.post("/sandbox/transcripts/orders", json={"hold_jobs": True}).raise_for_status()
    held = http.post("/v2/transcript", headers=headers, json={"audio_url": AUDIO_URL}).json()["id"]
    http.delete("/sandbox/calls").raise_for_status()

    def request_point(point: str, timeout_seconds: float = 30) -> httpx.Response:
        method, path = CALLS[point]
        body = {"json": {"audio_url": AUDIO_URL}} if path == "/v2/transcript" and method == "POST" else {}
        body = {"content": SHORT.read_bytes()} if point == "assemblyai.upload" else body
        url = f"{sandbox_url}{path.format(id=held)}"
        return httpx.request(method, url, headers=headers, timeout=timeout_seconds, **body)

    return request_point


@pytest.mark.parametrize("point", CALLS)
@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("401", 401, "Authentication error, API token missing/invalid"),
        ("429", 429, "Too Many Requests"),
        ("quota", 400, "Your current account balance is negative. Please top up to continue using the API."),
        ("500", 500, "Server error, developers have been alerted."),
    ],
)
def test_every_fault_point_returns_the_services_error_and_does_nothing(
    http, add_fault, request_point, point, kind, status, error
):
    add_fault(point, kind, retry_after_seconds=7)

    answer = request_point(point)

    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers.get("retry-after") == ("7" if kind == "429" else None)
    report = http.get("/sandbox/transcripts").json()
    assert (report["created"], report["transcripts"][0]["deleted"]) == (1, False)
    services = http.get("/sandbox/calls").json()["services"]
    assert services == {point: {"received": 1, "recognised": 0}}


@pytest.mark.parametrize("point", CALLS)
def test_a_503_is_plain_text(add_fault, request_point, point):
    add_fault(point, "503", retry_after_seconds=3)

    answer = request_point(point)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "3")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(("kind", "made"), [("timeout", 1), ("lost", 2), ("slow", 2)])
def test_a_create_that_times_out_may_have_created_a_transcript(http, add_fault, request_point, kind, made):
    add_fault("assemblyai.transcript_create", kind, delay_seconds=30 if kind == "slow" else None)

    with pytest.raises(httpx.ReadTimeout):
        # A slow body arrives byte by byte: only a client with a deadline for the whole response gives up on it.
        request_point("assemblyai.transcript_create", timeout_seconds=0.01 if kind == "slow" else 0.5)

    assert http.get("/sandbox/transcripts").json()["created"] == made


@pytest.mark.parametrize("kind", ["lost", "timeout"])
def test_a_create_that_hangs_for_a_limited_time_is_504(http, add_fault, request_point, kind):
    add_fault("assemblyai.transcript_create", kind, delay_seconds=0.1)

    assert request_point("assemblyai.transcript_create").status_code == 504


def test_a_transcript_of_a_cut_response_is_found_by_its_audio_url(transcriber, http, add_fault):
    add_fault("assemblyai.transcript_create", "cut")

    with pytest.raises(httpx.RemoteProtocolError):
        transcriber.submit(AUDIO_URL)

    found = transcriber.list_transcripts().transcripts
    assert [item.audio_url for item in found] == [AUDIO_URL]
    assert http.get("/sandbox/transcripts").json()["created"] == 1


@pytest.mark.parametrize(("kind", "error"), [("bad_json", ValueError), ("wrong_shape", ValueError)])
def test_an_invalid_response_breaks_the_sdk(transcriber, add_fault, kind, error):
    add_fault("assemblyai.transcript_create", kind)

    with pytest.raises(error):
        transcriber.submit(AUDIO_URL)


def test_an_error_response_raises_the_matching_sdk_error(transcriber, add_fault):
    add_fault("assemblyai.transcript_create", "429")

    with pytest.raises(official.assemblyai.TranscriptError, match="Too Many Requests") as refusal:
        transcriber.submit(AUDIO_URL)

    assert refusal.value.status_code == 429
