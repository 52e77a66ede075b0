"""Audio over HTTP: what is refused costs nothing, what is taken is billed to the millisecond, once."""

import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from chalicelib.models.audio import Audio
from sandbox.speech import samples, word_error_rate
from tests.default_prices import live_credits
from tests.fakes import Backend
from tests.http.http_client import RATE, Api, Person, Sandbox, check_error, silence

MEGABYTE = 1024 * 1024
SHORT = Audio(silence(200), RATE, 1).as_wav()


def wav(milliseconds: int = 200, rate: int = RATE, channels: int = 1) -> bytes:
    return Audio(bytes(2 * channels * (rate * milliseconds // 1000)), rate, channels).as_wav()


def patch_header(offset: int, layout: str, *values: int) -> bytes:
    """A short WAV with other numbers in its header."""
    raw = bytearray(SHORT)
    struct.pack_into(layout, raw, offset, *values)
    return bytes(raw)


BAD_WAVS = {
    "empty": b"",
    "four bytes": b"RIFF",
    "a header cut short": SHORT[:30],
    "a header and no audio": SHORT[:44],
    "no WAV at all": b"ID3" + bytes(4000),
    "another RIFF": SHORT.replace(b"WAVE", b"AVI "),
    "no format": SHORT[:12] + SHORT[36:],
    "79 ms": wav(79),
    "121 s": wav(121_000, rate=8_000),
    "a millisecond more than 120 s": wav(120_001, rate=8_000),
    "more promised than there is": patch_header(40, "<I", 1_000_000),
    "less promised than a chunk may be": patch_header(40, "<I", 2_000),
    "a format chunk larger than the file": patch_header(16, "<I", 0xFFFFFFF0),
    "an odd number of bytes": patch_header(40, "<I", len(SHORT) - 45),
    "24 bits": patch_header(32, "<HH", 3, 24),
    "floats": patch_header(20, "<H", 3),
    "no channel": patch_header(22, "<H", 0),
    "three channels": patch_header(22, "<H", 3),
    "11025 Hz": wav(rate=11_025),
    "no sample rate": patch_header(24, "<II", 0, 0),
    "no sound, then metadata": SHORT[:40] + bytes(4) + b"LIST" + struct.pack("<I", 4_000) + bytes(4_000),
}


@pytest.fixture(scope="module")
def session(signed_in_user: Person) -> str:
    return signed_in_user.start()


def check_refused_for_free(
    answer: requests.Response, status: int, code: str, signed_in_user: Person, sandbox: Sandbox, calls_before: int
) -> None:
    check_error(answer, status, code)
    assert sandbox.count(Sandbox.SYNC) + sandbox.count(Sandbox.TRANSCRIPTIONS) == calls_before
    assert signed_in_user.balance() == (200 - live_credits(300), live_credits(300))


@pytest.fixture
def calls_before(sandbox: Sandbox) -> int:
    return sandbox.count(Sandbox.SYNC) + sandbox.count(Sandbox.TRANSCRIPTIONS)


@pytest.mark.parametrize("body", BAD_WAVS.values(), ids=BAD_WAVS)
def test_bad_audio_is_400_and_free(
    signed_in_user: Person, session: str, sandbox: Sandbox, calls_before: int, body: bytes
) -> None:
    answer = signed_in_user.send(session, 0, body, "audio/wav")

    check_refused_for_free(answer, 400, "invalid_request", signed_in_user, sandbox, calls_before)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"sample_rate": None}, "sample_rate"),
        ({"channels": None}, "channels"),
        ({"sample_rate": 11_025}, "sample_rate"),
        ({"sample_rate": 0}, "sample_rate"),
        ({"sample_rate": "16k"}, "sample_rate"),
        ({"channels": 3}, "channels"),
        ({"channels": 2}, "body"),  # 3199 samples are no whole number of stereo frames
        ({"start_ms": "soon"}, "start_ms"),
        ({"start_ms": "nan"}, "start_ms"),
        ({"seq": -1}, "seq"),
        ({"seq": None}, "seq"),
        ({"seq": "1k"}, "seq"),
        ({"seq": 10_000_000_000}, "seq"),
        ({"seq": [1, 1]}, "seq"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_raw_audio_with_bad_parameters_is_400_and_free(
    signed_in_user: Person, session: str, sandbox: Sandbox, calls_before: int, query: dict[str, object], field: str
) -> None:
    words = {"seq": 0, "sample_rate": RATE, "channels": 1} | query
    path = f"/transcription/stream/{session}/audio"
    answer = signed_in_user.post(path, headers={"Content-Type": "audio/pcm"}, data=silence(200)[:-2], params=words)

    check_refused_for_free(answer, 400, "invalid_request", signed_in_user, sandbox, calls_before)
    assert field in answer.text


@pytest.mark.parametrize("media_type", ["audio/mpeg", "application/json", "text/plain", "audio/wavy", "audio", ""])
def test_another_media_type_is_415(
    signed_in_user: Person, session: str, sandbox: Sandbox, calls_before: int, media_type: str
) -> None:
    answer = signed_in_user.send(session, 0, SHORT, media_type)

    check_refused_for_free(answer, 415, "unsupported_media_type", signed_in_user, sandbox, calls_before)


@pytest.mark.parametrize("size", [4 * MEGABYTE + 1, 9 * MEGABYTE, 11 * MEGABYTE])
def test_more_than_four_megabytes_is_413(
    signed_in_user: Person, session: str, sandbox: Sandbox, calls_before: int, size: int
) -> None:
    answer = signed_in_user.send(session, 0, wav(60_000, rate=48_000).ljust(size, b"\0"), "audio/wav")

    check_refused_for_free(answer, 413, "too_large", signed_in_user, sandbox, calls_before)


def test_an_unknown_or_another_users_session_is_404(
    person: Person, signed_in_user: Person, session: str, sandbox: Sandbox, calls_before: int
) -> None:
    check_error(person.send("5a1de7d4", 0, SHORT, "audio/wav"), 404, "not_found")
    check_error(person.send(session, 0, SHORT, "audio/wav"), 404, "not_found")
    check_error(person.stream(action="save", session_id=session, segments=[]), 404, "not_found")
    check_error(person.stream(action="renew", session_id=session, interrupted=True), 404, "not_found")
    check_error(person.stream(action="stop", session_id=session), 404, "not_found")

    assert person.balance() == (200, 0)
    assert signed_in_user.balance() == (200 - live_credits(300), live_credits(300))
    assert sandbox.count(Sandbox.SYNC) == calls_before - sandbox.count(Sandbox.TRANSCRIPTIONS)


@pytest.mark.parametrize("session_id", ["..", "%2e%2e", "a%2Fb", "a%00b", "%F0%9F%92%A9", "x" * 65, "USER%23ada"])
def test_an_invalid_id_is_refused(signed_in_user: Person, session_id: str) -> None:
    answer = signed_in_user.send(session_id, 0, SHORT, "audio/wav")

    check_error(answer, answer.status_code, {400: "invalid_request", 404: "not_found"}[answer.status_code])


@pytest.mark.parametrize(
    ("body", "media_type", "query", "milliseconds"),
    [
        (wav(350, rate=8_000), "audio/x-wav", {}, 350),
        (wav(350, rate=48_000, channels=2), "audio/wave; codecs=1", {}, 350),
        (wav(350, rate=16_000), "audio/vnd.wave", {}, 350),
        (wav(80)[:40] + b"\xff\xff\xff\xff" + wav(80)[44:], "AUDIO/WAV", {}, 80),
        (patch_header(40, "<I", 0x7FFFFFFF), "audio/wav", {}, 200),
        (patch_header(28, "<IH", 64_000, 4), "audio/wav", {}, 200),
        (SHORT[:36] + b"LIST\5\0\0\0INFOx" + SHORT[36:], "audio/wav", {}, 200),
        (bytes(2 * 44_100), "audio/pcm", {"sample_rate": 44_100, "channels": 2}, 500),
    ],
    ids=[
        "8 kHz",
        "48 kHz stereo",
        "a registered name",
        "80 ms of a length nobody knew",
        "a placeholder",
        "mono of Recorder.js",
        "an odd chunk",
        "raw stereo",
    ],
)
def test_valid_audio_of_every_kind_is_billed_by_its_frames(
    person: Person, books: Backend, body: bytes, media_type: str, query: dict[str, int], milliseconds: int
) -> None:
    session_id = person.start()

    answer = person.send(session_id, 7, body, media_type, **query)

    assert answer.status_code == 200, answer.text
    used = live_credits(1)  # a chunk is billed as a second at least
    assert (answer.json()["seq"], answer.json()["duration_ms"], answer.json()["credits_used"]) == (
        7,
        milliseconds,
        used,
    )
    assert person.stop(session_id)["credits_available"] == 200 - used
    assert person.balance() == (200 - used, 0)
    books.check_invariants(person.user_id)


def test_speech_is_recognised_and_appears_in_the_history(person: Person, books: Backend) -> None:
    recording, spoken_text = min(samples(), key=lambda sample: sample[0].stat().st_size)
    session_id = person.start(title="Sense and Sensibility")

    chunk = person.send(session_id, 0, recording.read_bytes(), "audio/wav", start_ms=1_000).json()
    stopped = person.stop(session_id)

    assert word_error_rate(spoken_text, chunk["text"]) < 0.3
    assert [word["text"] for word in chunk["words"]] == chunk["text"].split()
    assert stopped["credits_used"] == chunk["credits_used"] == live_credits(chunk["duration_ms"] / 1_000)
    whole = person.get(f"/transcription/history/{stopped['transcript_id']}").json()
    assert [segment["text"] for segment in whole["segments"]] == [chunk["text"]]
    assert whole["uncovered"] == [{"start_ms": 0, "end_ms": 1_000}]
    (usage,) = person.usage()
    assert (usage["credits"], usage["session_id"]) == (-stopped["credits_used"], session_id)
    assert usage["models"] == [
        {"provider": "assemblyai", "model": "sync-universal-3-5-pro", "audio_ms": chunk["duration_ms"]}
    ]
    books.check_invariants(person.user_id)


def test_a_chunk_sent_many_times_at_once_is_charged_once(person: Person, sandbox: Sandbox, books: Backend) -> None:
    session_id, many = person.start(), 8
    before, barrier = sandbox.count(Sandbox.SYNC), threading.Barrier(many)

    def send(_: int) -> requests.Response:
        barrier.wait()
        return person.send(session_id, 3, SHORT, "audio/wav")

    with ThreadPoolExecutor(many) as threads:
        answers = list(threads.map(send, range(many)))
    last = person.send(session_id, 3, SHORT, "audio/wav")

    for answer in answers:
        if answer.status_code == 409:
            check_error(answer, 409, "conflict")
            assert answer.headers["Retry-After"] == "1"
        else:
            assert (answer.status_code, answer.json()["text"]) == (200, last.json()["text"])
    assert 200 in {answer.status_code for answer in answers}
    assert sandbox.count(Sandbox.SYNC) == before + 1
    check_error(person.send(session_id, 3, wav(300), "audio/wav"), 409, "idempotency_mismatch")
    used = live_credits(1)
    assert person.stop(session_id)["credits_used"] == used
    assert person.balance() == (200 - used, 0)
    books.check_invariants(person.user_id)


def test_a_stopped_session_accepts_no_audio(person: Person, sandbox: Sandbox, calls_before: int) -> None:
    session_id = person.start()
    person.stop(session_id)

    check_error(person.send(session_id, 0, SHORT, "audio/wav"), 409, "conflict")
    assert person.balance() == (200, 0)
    assert sandbox.count(Sandbox.SYNC) + sandbox.count(Sandbox.TRANSCRIPTIONS) == calls_before


def test_audio_beyond_the_lease_is_refused_and_free(person: Person, sandbox: Sandbox, calls_before: int) -> None:
    session_id = person.start(lease_seconds=60)

    details = check_error(person.send(session_id, 0, wav(60_001, rate=8_000), "audio/wav"), 409, "conflict")

    assert (details["reason"], details["free_ms"]) == ("lease_used_up", 60_000)
    assert sandbox.count(Sandbox.SYNC) + sandbox.count(Sandbox.TRANSCRIPTIONS) == calls_before
    assert person.stop(session_id)["credits_used"] == 0


def test_audio_without_a_token_is_401(api: Api, session: str) -> None:
    path = f"/transcription/stream/{session}/audio?seq=0"

    check_error(api.post(path, headers={"Content-Type": "audio/wav"}, data=b"nonsense"), 401, "unauthenticated")
