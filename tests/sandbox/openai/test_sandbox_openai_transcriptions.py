"""OpenAI's transcriptions, called by its own SDK where possible."""

from __future__ import annotations

import json

import pytest

from sandbox.speech import samples, word_error_rate
from tests.sandbox import official

SHORT = samples()[-1]
PATH = "/openai/v1/audio/transcriptions"


def transcribe(client: official.openai.OpenAI, file=SHORT[0], model: str = "gpt-transcribe", **options):
    return client.audio.transcriptions.create(file=file, model=model, **options)


@pytest.mark.parametrize(
    ("sample", "started_seconds"), list(zip(samples(), [8, 6, 4], strict=True)), ids=["7.1", "5.3", "3.3"]
)
def test_speech_is_recognised_in_the_shape_the_sdk_reads(openai_client, http, sample, started_seconds):
    path, words = sample

    answer = transcribe(openai_client, path)

    assert word_error_rate(words, answer.text) < 0.25
    assert (answer.usage.type, answer.usage.seconds) == ("duration", started_seconds)
    assert [language.code for language in answer.languages] == ["en"]
    assert answer._request_id.startswith("req_")
    assert http.get("/sandbox/calls").json()["services"] == {"openai.transcriptions": {"received": 1, "recognised": 1}}


def test_a_text_response_has_request_id_and_rate_limit_headers(openai_client):
    transcriptions = openai_client.audio.transcriptions.with_raw_response

    answer = transcriptions.create(file=SHORT[0], model="gpt-transcribe", response_format="text")

    assert word_error_rate(SHORT[1], answer.text) < 0.25
    assert answer.headers["content-type"].startswith("text/plain")
    assert int(answer.headers["openai-processing-ms"]) > 0
    assert answer.headers["x-request-id"].startswith("req_")
    assert {name for name in answer.headers if name.startswith("x-ratelimit-")} == {
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    }


def test_the_call_is_recorded_with_its_fields_but_without_its_key(openai_client, keys, http):
    transcribe(openai_client, language="en", response_format="json")

    call = http.get("/sandbox/calls").json()["last"][0]
    assert call["fields"] == {
        "model": "gpt-transcribe",
        "language": "en",
        "response_format": "json",
        "file": {"filename": SHORT[0].name, "content_type": "audio/x-wav", "bytes": SHORT[0].stat().st_size},
    }
    assert (call["method"], call["path"], call["status"]) == ("POST", PATH, 200)
    assert "authorization" in call["header_names"]
    assert keys.openai not in json.dumps(call)


@pytest.mark.parametrize(
    ("options", "error", "code", "param"),
    [
        ({"model": "gpt-99"}, "NotFoundError", "model_not_found", "model"),
        ({"response_format": "srt"}, "BadRequestError", "unsupported_value", "response_format"),
        ({"response_format": "verbose_json"}, "BadRequestError", "unsupported_value", "response_format"),
        ({"stream": True}, "BadRequestError", "unknown_parameter", "stream"),
        ({"file": ("talk.wav", b"no audio at all")}, "BadRequestError", "invalid_value", "file"),
        ({"file": ("talk.wav", b"")}, "BadRequestError", "invalid_value", "file"),
        ({"file": ("talk.txt", SHORT[0].read_bytes())}, "BadRequestError", "unsupported_value", "file"),
    ],
)
def test_unsupported_parameters_are_refused_by_name(openai_client, http, options, error, code, param):
    with pytest.raises(getattr(official.openai, error)) as refusal:
        transcribe(openai_client, **options)

    assert (refusal.value.code, refusal.value.param) == (code, param)
    assert set(refusal.value.body) == {"message", "type", "param", "code"}
    assert refusal.value.request_id.startswith("req_")
    assert http.get("/sandbox/calls").json()["services"]["openai.transcriptions"]["recognised"] == 0


def test_a_file_above_25_mb_is_413(openai_client):
    with pytest.raises(official.openai.APIStatusError) as refusal:
        transcribe(openai_client, ("talk.wav", bytes(25 * 1024 * 1024 + 1)))

    assert refusal.value.status_code == 413


def test_a_wrong_key_is_401_and_not_repeated(openai_client):
    with pytest.raises(official.openai.AuthenticationError) as refusal:
        transcribe(openai_client.with_options(api_key="another key"))

    assert refusal.value.code == "invalid_api_key"
    assert "another key" not in str(refusal.value)


@pytest.mark.parametrize("value", [None, "{key}", "Bearer", "Basic {key}"])
def test_a_key_without_bearer_is_401(http, keys, value):
    headers = {} if value is None else {"Authorization": value.format(key=keys.openai)}

    answer = http.post(PATH, headers=headers, files={"file": ("a.wav", b"x")}, data={"model": "gpt-transcribe"})

    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


@pytest.mark.parametrize(
    ("files", "param"),
    [({"file": ("a.wav", b"x")}, "model"), ({"model": (None, "gpt-transcribe")}, "file")],
)
def test_file_and_model_are_required(http, keys, files, param):
    answer = http.post(PATH, headers={"Authorization": f"Bearer {keys.openai}"}, files=files)

    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("kind", "error", "code", "retry_after"),
    [
        ("401", "AuthenticationError", "invalid_api_key", None),
        ("429", "RateLimitError", "rate_limit_exceeded", "7"),
        ("quota", "RateLimitError", "credit_balance_exhausted", None),
        ("500", "InternalServerError", None, None),
        ("503", "InternalServerError", "slow_down", "7"),
    ],
)
def test_an_error_fault_raises_the_matching_sdk_error(openai_client, add_fault, kind, error, code, retry_after):
    add_fault("openai.transcriptions", kind, retry_after_seconds=7)

    with pytest.raises(getattr(official.openai, error)) as refusal:
        transcribe(openai_client)

    assert refusal.value.code == code
    assert refusal.value.response.headers.get("retry-after") == retry_after
    assert (refusal.value.type == "insufficient_quota") == (kind == "quota")


def test_a_response_that_is_not_json_breaks_the_sdk(openai_client, add_fault):
    add_fault("openai.transcriptions", "bad_json")

    with pytest.raises(json.JSONDecodeError):
        transcribe(openai_client)


@pytest.mark.parametrize("kind", ["wrong_shape", "missing_text"])
def test_a_response_of_the_wrong_shape_has_no_text(openai_client, add_fault, kind):
    add_fault("openai.transcriptions", kind)

    answer = transcribe(openai_client)

    assert getattr(answer, "text", None) is None


def test_a_cut_response_is_a_connection_error_after_the_work(openai_client, add_fault, http):
    add_fault("openai.transcriptions", "cut")

    with pytest.raises(official.openai.APIConnectionError):
        transcribe(openai_client)

    assert http.get("/sandbox/calls").json()["services"]["openai.transcriptions"]["recognised"] == 1


def test_a_hanging_request_ends_with_the_clients_timeout(openai_client, add_fault):
    add_fault("openai.transcriptions", "timeout", times=-1)

    with pytest.raises(official.openai.APITimeoutError):
        transcribe(openai_client.with_options(timeout=0.3))


def test_a_retry_succeeds_after_a_single_fault(openai_client, add_fault, http):
    add_fault("openai.transcriptions", "429", retry_after_seconds=0)

    answer = transcribe(openai_client.with_options(max_retries=1))

    assert word_error_rate(SHORT[1], answer.text) < 0.25
    assert http.get("/sandbox/calls").json()["services"]["openai.transcriptions"] == {"received": 2, "recognised": 1}
