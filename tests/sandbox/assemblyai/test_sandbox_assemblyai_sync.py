"""AssemblyAI's Sync API, called by its own SDK where possible."""

from __future__ import annotations

import io
import json
import wave

import httpx
import pytest

from sandbox.assemblyai.sync import read_audio
from sandbox.forms import Part
from sandbox.speech import samples, word_error_rate
from tests.sandbox import official

SHORT = samples()[-1]


@pytest.fixture
def headers(keys) -> dict[str, str]:
    return {"Authorization": keys.assemblyai, "X-AAI-Model": "universal-3-5-pro"}


def wav(rate_hz: int = 16_000, channels: int = 1, milliseconds: int = 100, bits: int = 16) -> bytes:
    """Silence in a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setframerate(rate_hz)
        writer.setnchannels(channels)
        writer.setsampwidth(bits // 8)
        writer.writeframes(bytes(rate_hz * milliseconds // 1000 * channels * bits // 8))
    return file.getvalue()


def read_refusal(transcriber: official.assemblyai.SyncTranscriber, audio: bytes, **config) -> tuple[int, str]:
    with pytest.raises(official.assemblyai.SyncTranscriptError) as refusal:
        transcriber.transcribe(audio, config=official.assemblyai.SyncTranscriptionConfig(**config))
    return refusal.value.status_code, refusal.value.error_code


@pytest.mark.parametrize(("path", "words"), samples(), ids=lambda value: getattr(value, "stem", "")[-4:])
def test_speech_is_recognised_in_the_shape_the_sdk_reads(sync, http, path, words):
    config = official.assemblyai.SyncTranscriptionConfig(timestamps=True)

    answer = sync.transcribe(str(path), config=config)

    assert word_error_rate(words, answer.text) < 0.25
    assert [word.text for word in answer.words] == answer.text.split()
    starts = [word.start for word in answer.words]
    assert starts == sorted(starts)
    assert all(word.start <= word.end <= answer.audio_duration_ms + 100 for word in answer.words)
    assert 0.5 < answer.confidence <= 1
    assert answer.request_time_ms > 0
    assert http.get("/sandbox/calls").json()["services"] == {"assemblyai.sync": {"received": 1, "recognised": 1}}


def test_words_have_no_times_unless_asked_for(sync):
    answer = sync.transcribe(str(SHORT[0]))

    assert answer.words
    assert {(word.start, word.end) for word in answer.words} == {(None, None)}
    assert answer.audio_duration_ms == 3290


def test_audio_sent_while_it_grows_is_recognised(sync):
    data = SHORT[0].read_bytes()
    pieces = (data[start : start + 8_000] for start in range(0, len(data), 8_000))

    answer = sync.transcribe_live(pieces)

    assert word_error_rate(SHORT[1], answer.text) < 0.25


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000])
def test_80_ms_of_every_rate_are_enough(rate_hz):
    part = Part("audio", "a.wav", "audio/wav", bytearray(wav(rate_hz, milliseconds=80)))

    assert read_audio(part).duration_ms == 80


@pytest.mark.parametrize(
    ("audio", "status", "code"),
    [
        (wav(milliseconds=79), 400, "audio_too_short"),
        (wav(8_000, milliseconds=121_000), 413, "audio_too_large"),
        (bytes(40 * 1024 * 1024 + 1), 413, "audio_too_large"),
        (wav(11_025), 415, "unsupported_media_type"),
        (wav(bits=8), 415, "unsupported_media_type"),
        (wav(bits=24), 415, "unsupported_media_type"),
        (wav(channels=3), 415, "unsupported_media_type"),
        (b"no audio at all", 400, "bad_audio"),
        (b"", 400, "bad_audio"),
    ],
    ids=["79 ms", "121 s", "40 MB and a byte", "11 kHz", "8 bit", "24 bit", "3 channels", "no WAV", "empty"],
)
def test_audio_outside_the_limits_is_refused(sync, http, audio, status, code):
    assert read_refusal(sync, audio) == (status, code)
    assert http.get("/sandbox/calls").json()["services"]["assemblyai.sync"] == {"received": 1, "recognised": 0}


def test_a_wrong_key_is_401_and_nothing_is_recognised(sync_with_key, http):
    assert read_refusal(sync_with_key("another key"), wav()) == (401, "unauthorized")


def test_a_key_after_bearer_is_401_with_the_reason(sync_with_key, keys, http):
    with pytest.raises(official.assemblyai.SyncTranscriptError, match="without Bearer"):
        sync_with_key(f"Bearer {keys.assemblyai}").transcribe(wav())


def test_an_unknown_model_is_a_bad_request(sync):
    assert read_refusal(sync, wav(), model="universal-9") == (400, "bad_request")


def test_warming_up_needs_the_key_but_counts_as_no_transcription(sync, http, headers):
    assert sync.warm() is True

    assert http.get("/v1/warm", headers=headers).status_code == 200
    assert http.get("/v1/warm", headers={"X-AAI-Model": "universal-3-5-pro"}).status_code == 401
    assert http.get("/sandbox/calls").json()["services"] == {"assemblyai.warm": {"received": 3, "recognised": 0}}


CONFIG = ("config", (None, "{}", "application/json"))
AUDIO = ("audio", ("a.wav", wav(), "audio/wav"))


@pytest.mark.parametrize(
    ("path", "files", "status", "title"),
    [
        ("/v1/transcribe", [AUDIO, CONFIG], 400, "Bad Request"),
        ("/v1/transcribe/live", [AUDIO, CONFIG], 400, "Bad Request"),
        ("/v1/transcribe/live", [AUDIO], 400, "Bad Request"),
        ("/v1/transcribe", [CONFIG], 400, "Bad Request"),
        ("/v1/transcribe", [CONFIG, AUDIO, AUDIO], 400, "Bad Request"),
        ("/v1/transcribe", [("config", (None, "{}", "text/plain")), AUDIO], 400, "Bad Request"),
        ("/v1/transcribe", [("config", (None, "{", "application/json")), AUDIO], 400, "Bad Request"),
        ("/v1/transcribe", [("config", (None, "[]", "application/json")), AUDIO], 400, "Bad Request"),
        ("/v1/transcribe", [("audio", ("a.webm", b"x", "audio/webm"))], 415, "Unsupported Media Type"),
        ("/v1/transcribe", [("audio", ("a.pcm", bytes(4_000), "audio/pcm"))], 415, "Unsupported Media Type"),
    ],
)
def test_a_form_that_breaks_the_rules_is_refused(http, headers, path, files, status, title):
    answer = http.post(path, headers=headers, files=files)

    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert set(answer.json()) == {"status", "title", "detail"}


@pytest.mark.parametrize(
    "config",
    [
        {"language_codes": "en"},
        {"timestamps": "yes"},
        {"sample_rate": 16_000},
    ],
    ids=lambda config: next(iter(config)),
)
def test_options_outside_their_limits_are_refused_by_name(http, headers, config):
    files = [("config", (None, json.dumps(config), "application/json")), AUDIO]

    answer = http.post("/v1/transcribe", headers=headers, files=files)

    assert answer.status_code == 400
    assert next(iter(config)) in answer.json()["detail"]


def test_the_model_header_and_a_form_are_required(http, headers, keys):
    without_model = http.post("/v1/transcribe", headers={"Authorization": keys.assemblyai}, files=[AUDIO])
    without_form = http.post("/v1/transcribe", headers=headers, content=b"audio")
    cut_form = http.post(
        "/v1/transcribe",
        headers={**headers, "Content-Type": "multipart/form-data; boundary=b"},
        content=b'--b\r\nContent-Disposition: form-data; name="audio"\r\n\r\nhalf',
    )

    assert "X-AAI-Model" in without_model.json()["detail"]
    assert [answer.status_code for answer in (without_model, without_form, cut_form)] == [400, 400, 400]


@pytest.mark.parametrize(
    ("kind", "status", "code", "retry_after"),
    [
        ("401", 401, "unauthorized", None),
        ("429", 429, "too_many_requests", 7),
        ("quota", 400, "bad_request", None),
        ("500", 500, "inference_error", None),
        ("503", 503, "capacity_exceeded", 7),
    ],
)
def test_an_error_fault_raises_the_matching_sdk_error(sync, add_fault, kind, status, code, retry_after):
    add_fault("assemblyai.sync", kind, retry_after_seconds=7)

    with pytest.raises(official.assemblyai.SyncTranscriptError) as refusal:
        sync.transcribe(wav())

    assert (refusal.value.status_code, refusal.value.error_code) == (status, code)
    assert refusal.value.retry_after == retry_after
    assert ("balance is negative" in str(refusal.value)) == (kind == "quota")


# The SDK's ValidationError is pydantic's of one version or the other; both are ValueErrors.
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("bad_json", json.JSONDecodeError),
        ("wrong_shape", ValueError),
        ("missing_text", ValueError),
        ("cut", httpx.RemoteProtocolError),
    ],
)
def test_a_broken_response_breaks_the_sdk(sync, add_fault, kind, error):
    add_fault("assemblyai.sync", kind)

    with pytest.raises(error):
        sync.transcribe(b"no audio, so that there is nothing to recognise")


def test_a_hanging_request_ends_with_the_clients_timeout(sync_with_key, keys, add_fault, http):
    add_fault("assemblyai.sync", "timeout")

    with pytest.raises(httpx.ReadTimeout):
        sync_with_key(keys.assemblyai, timeout_seconds=0.3).transcribe(wav())

    assert http.get("/sandbox/calls").json()["last"][0]["fault"] == "timeout"


def test_a_request_that_hangs_for_a_limited_time_is_504(sync, add_fault):
    add_fault("assemblyai.sync", "timeout", delay_seconds=0.1)

    assert read_refusal(sync, wav()) == (504, "inference_timeout")
