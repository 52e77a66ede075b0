"""Recognition of short recordings: the requests to AssemblyAI and OpenAI, and what their responses become."""

import json
from typing import Any

import pytest

from chalicelib.errors import ProviderError
from chalicelib.models.audio import Audio
from chalicelib.models.transcripts import Word
from chalicelib.providers.assemblyai_sync import AssemblyAISync
from chalicelib.providers.openai_transcription import OpenAITranscription

CHUNK = Audio(b"\x01\x00" * 1_600, 16_000, 1)


def parts_of(request: bytes) -> list[tuple[bytes, bytes]]:
    """Name and content of each part of a multipart request, in order."""
    _, _, body = request.partition(b"\r\n\r\n")
    boundary, _, _ = body.partition(b"\r\n")
    parts = []
    for part in body.split(boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        parts.append((head.split(b'name="')[1].split(b'"')[0], content.removesuffix(b"\r\n")))
    return parts


class TestAssemblyAI:
    def test_the_config_is_sent_before_the_exact_audio(self, serve, transport, http) -> None:
        server = serve(http(200, b'{"text": ""}'))

        AssemblyAISync(transport(), server.url + "/", "the-key", "model-1").recognise(CHUNK, "en-US")

        (request,) = server.requests
        assert request.startswith(b"POST /v1/transcribe HTTP/1.1\r\n")
        assert b"\r\nAuthorization: the-key\r\n" in request
        assert b"\r\nX-AAI-Model: model-1\r\n" in request
        (config_name, config), (audio_name, audio) = parts_of(request)
        assert (config_name, audio_name, audio) == (b"config", b"audio", CHUNK.as_wav())
        assert json.loads(config) == {"timestamps": True, "language_codes": ["en"]}

    def test_words_have_their_times(self, serve, transport, http) -> None:
        words = [
            {"text": "He", "start": -3, "end": 90, "confidence": 0.5},
            {"text": "was", "start": 90, "end": 200, "confidence": 1, "speaker": "A"},
            {"text": "untimed", "confidence": 0.9},
            {"text": "half timed", "start": 1, "end": None},
        ]
        server = serve(http(200, json.dumps({"text": "He was", "words": words, "id": "x"}).encode()))

        recognition = AssemblyAISync(transport(), server.url, "k", "model-1").recognise(CHUNK, "")

        assert (recognition.text, recognition.model) == ("He was", "assemblyai/sync-model-1")
        assert recognition.words == (Word("He", 0, 90, 0.5), Word("was", 90, 200, 1.0))

    def test_a_response_without_words_is_valid(self, serve, transport, http) -> None:
        recogniser = AssemblyAISync(transport(), serve(http(200, b'{"text": "hm"}')).url, "k", "m")

        assert recogniser.recognise(CHUNK, "").words == ()

    @pytest.mark.parametrize(
        "words",
        [
            None,
            "a",
            {"text": "a"},
            ["a"],
            [None],
            [{"start": 1}],
            [{"text": "a", "start": "1", "end": 2}],
            [{"text": "a", "start": 1, "end": 2, "confidence": "high"}],
            [{"text": "a" * 501, "start": 1, "end": 2}],
        ],
        ids=lambda words: str(words)[:40],
    )
    def test_odd_words_do_not_cost_the_text(self, serve, transport, http, words: Any) -> None:
        server = serve(http(200, json.dumps({"text": "He was", "words": words}).encode()))

        recognition = AssemblyAISync(transport(), server.url, "k", "m").recognise(CHUNK, "")

        assert (recognition.text, recognition.words) == ("He was", ())

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({"confidence": 1.0000001}, Word("He", 5, 9, 1.0)),
            ({"confidence": -1e-9}, Word("He", 5, 9, 0.0)),
            ({"confidence": None}, Word("He", 5, 9, 0.0)),
            ({"start": 4.6, "end": 9.2}, Word("He", 5, 9, 0.0)),
            ({"start": -40, "end": -2}, Word("He", 0, 0, 0.0)),
            ({"end": 10**12}, Word("He", 5, 1_000_000, 0.0)),
        ],
        ids=str,
    )
    def test_numbers_a_little_out_of_bounds_are_read(
        self, serve, transport, http, fields: dict[str, Any], word: Word
    ) -> None:
        words = [{"text": "He", "start": 5, "end": 9} | fields]
        server = serve(http(200, json.dumps({"text": "He", "words": words}).encode()))

        assert AssemblyAISync(transport(), server.url, "k", "m").recognise(CHUNK, "auto").words == (word,)

    @pytest.mark.parametrize(
        "response",
        [
            {},
            {"text": None},
            {"text": ["a"]},
            {"transcript": "a"},
            {"words": [{"text": "a", "start": 0, "end": 1}]},
            {"text": "a" * 20_001},
        ],
        ids=str,
    )
    def test_a_response_of_another_shape_is_a_provider_error(self, serve, transport, http, response: Any) -> None:
        server = serve(http(200, json.dumps(response).encode()))

        with pytest.raises(ProviderError, match="invalid response"):
            AssemblyAISync(transport(), server.url, "k", "m").recognise(CHUNK, "")


class TestOpenAI:
    def test_the_request_asks_for_json_and_sends_the_exact_audio(self, serve, transport, http) -> None:
        server = serve(http(200, b'{"text": "He was", "usage": {"type": "duration"}}'))

        recognition = OpenAITranscription(transport(), server.url + "/v1/", "the-key", "model-2").recognise(
            CHUNK, "de-DE"
        )

        assert (recognition.text, recognition.model, recognition.words) == ("He was", "openai/model-2", ())
        (request,) = server.requests
        assert request.startswith(b"POST /v1/audio/transcriptions HTTP/1.1\r\n")
        assert b"\r\nAuthorization: Bearer the-key\r\n" in request
        parts = dict(parts_of(request))
        assert parts.pop(b"file") == CHUNK.as_wav()
        assert parts == {b"model": b"model-2", b"response_format": b"json", b"language": b"de"}

    @pytest.mark.parametrize("language", ["", "auto"])
    def test_a_language_to_detect_is_not_sent(self, serve, transport, http, language: str) -> None:
        server = serve(http(200, b'{"text": ""}'))

        OpenAITranscription(transport(), server.url, "k", "m").recognise(CHUNK, language)

        assert b"language" not in dict(parts_of(server.requests[0]))

    @pytest.mark.parametrize("response", [{}, {"text": None}, {"text": 7}, {"error": {"message": "no"}}], ids=str)
    def test_a_response_of_another_shape_is_a_provider_error(self, serve, transport, http, response: Any) -> None:
        server = serve(http(200, json.dumps(response).encode()))

        with pytest.raises(ProviderError, match="invalid response"):
            OpenAITranscription(transport(), server.url, "k", "m").recognise(CHUNK, "")
