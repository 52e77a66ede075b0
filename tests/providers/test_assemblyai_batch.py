"""AssemblyAI's transcripts of recordings: order, find, fetch, delete, and how every failure is mapped.

One class for each call, all on one stand-in, which makes the file long.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER, Recording, TranscriptionOrder
from chalicelib.models.languages import LANGUAGES
from chalicelib.models.transcripts import Word
from chalicelib.providers.assemblyai_batch import AssemblyAITranscripts
from sandbox.assemblyai.transcript_options import ALL_LANGUAGES
from sandbox.speech import samples, word_error_rate
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of

CREATE, GET, LIST, DELETE = (f"assemblyai.transcript_{call}" for call in ("create", "get", "list", "delete"))
MODELS = ["universal-3-5-pro", "universal-2"]
SIGNATURE = "X-Amz-Signature=5ec7e7"
SECRET = "the-secret-of-one-job"
JOB = "http://127.0.0.1:1/webhooks/assemblyai?job=one"
ORDER = TranscriptionOrder(f"http://127.0.0.1:1/talk.wav?{SIGNATURE}", 0, 60_000, "", JOB, SECRET)
RECORDING, TRANSCRIPT = samples()[-1]
Client = Callable[..., AssemblyAITranscripts]
# What an error says about an order: rejected, not possible now, or unknown.
REJECTED, NOT_NOW, UNKNOWN = ProviderRefusedError, ProviderUnavailableError, ProviderError
ERRORS: list[tuple[dict[str, Any], type[ProviderError]]] = [
    ({"kind": "401"}, ProviderDeniedError),
    ({"kind": "429", "retry_after_seconds": 7}, NOT_NOW),
    ({"kind": "503"}, NOT_NOW),
    ({"kind": "quota"}, NOT_NOW),
    ({"kind": "500"}, UNKNOWN),
    ({"kind": "timeout", "delay_seconds": 0}, ProviderTimeoutError),
    ({"kind": "bad_json"}, UNKNOWN),
    ({"kind": "wrong_shape"}, UNKNOWN),
    ({"kind": "missing_text"}, UNKNOWN),
    ({"kind": "cut"}, UNKNOWN),
]


@pytest.fixture
def batch_stand_in(stand_in: StandIn) -> Iterator[StandIn]:
    """The stand-in without earlier transcripts and without webhooks."""
    transcripts_url = f"{stand_in.url}/sandbox/transcripts"
    stand_in.session.delete(transcripts_url).raise_for_status()
    settings = {"webhook_copies": 0}
    stand_in.session.post(f"{transcripts_url}/orders", json=settings).raise_for_status()
    yield stand_in
    stand_in.session.delete(transcripts_url).raise_for_status()


@pytest.fixture
def client(batch_stand_in: StandIn, transport) -> Client:
    def client(key: str = KEYS.assemblyai, deadline_seconds: float = 10, url: str = "") -> AssemblyAITranscripts:
        return AssemblyAITranscripts(transport(deadline_seconds), url or f"{batch_stand_in.url}/", key, MODELS)

    return client


def order(**changes: Any) -> TranscriptionOrder:
    return replace(ORDER, **changes)


def list_orders(batch_stand_in: StandIn) -> list[dict[str, Any]]:
    return list(batch_stand_in.session.get(f"{batch_stand_in.url}/sandbox/transcripts").json()["transcripts"])


def submit_and_read(
    batch_stand_in: StandIn, order: TranscriptionOrder, recordings: AssemblyAITranscripts
) -> dict[str, Any]:
    """The fields of the order that the stand-in received."""
    recordings.submit(order)
    return dict(batch_stand_in.calls()[-1]["fields"])


def upload_speech(batch_stand_in: StandIn) -> str:
    """Upload a recording to the stand-in. Returns its URL."""
    headers = {"Authorization": KEYS.assemblyai}
    return batch_stand_in.session.post(
        f"{batch_stand_in.url}/v2/upload", data=RECORDING.read_bytes(), headers=headers
    ).json()["upload_url"]


def wait_for_end(recordings: AssemblyAITranscripts, transcript_id: str) -> Recording:
    while (recording := recordings.recording(transcript_id)) is None:
        pass
    return recording


def error_of(call: Callable[[], Any], key: str = KEYS.assemblyai) -> ProviderError:
    """The error of `call`, which contains neither the key nor the webhook's secret nor the URL's signature."""
    error = failure_of(call, key)
    shown = f"{error!r} {error.details} {error.log_note} {error.__cause__!r} {error.__context__!r}"
    assert SECRET not in shown
    assert SIGNATURE.partition("=")[2] not in shown
    return error


class TestSubmit:
    def test_the_order_names_range_models_webhook_and_its_secret(self, client: Client, batch_stand_in: StandIn) -> None:
        transcript_id = client().submit(order(from_ms=30_000, to_ms=90_000))

        (call,) = batch_stand_in.calls()
        assert (call["method"], call["path"], call["status"]) == ("POST", "/v2/transcript", 200)
        assert call["fields"] == {
            "audio_url": ORDER.audio_url,
            "speech_models": MODELS,
            "audio_start_from": 30_000,
            "audio_end_at": 90_000,
            "webhook_url": JOB,
            "webhook_auth_header_name": WEBHOOK_SECRET_HEADER,
            "language_detection": True,
        }
        (transcript,) = list_orders(batch_stand_in)
        assert (transcript["id"], transcript["webhook_url"]) == (transcript_id, JOB)

    def test_the_order_carries_the_webhook_secret(self, client: Client, serve, http) -> None:
        server = serve(http(200, b'{"id": "x", "status": "queued"}'))

        client(url=server.url).submit(ORDER)

        (request,) = server.requests
        assert json.loads(request.partition(b"\r\n\r\n")[2])["webhook_auth_header_value"] == SECRET
        assert f"\r\nAuthorization: {KEYS.assemblyai}\r\n".encode() in request

    @pytest.mark.parametrize(
        ("language", "code"),
        [
            ("en", "en"),
            ("en-US", "en_us"),
            ("en-GB", "en_uk"),
            ("en-AU", "en_au"),
            ("en-IN", "en"),
            ("de", "de"),
            ("de-DE", "de"),
            ("de-CH", "de_ch"),
            ("pt-BR", "pt"),
            ("zh-TW", "zh"),
            ("haw", "haw"),
        ],
    )
    def test_a_language_is_sent_as_the_providers_code(
        self, client: Client, batch_stand_in: StandIn, language: str, code: str
    ) -> None:
        fields = submit_and_read(batch_stand_in, order(language=language), client())

        assert (fields["language_code"], fields.get("language_detection")) == (code, None)

    @pytest.mark.parametrize("language", ["", "auto", "yue", "yue-HK"])
    def test_a_language_without_a_code_is_detected_by_the_provider(
        self, client: Client, batch_stand_in: StandIn, language: str
    ) -> None:
        fields = submit_and_read(batch_stand_in, order(language=language), client())

        assert (fields.get("language_code"), fields["language_detection"]) == (None, True)

    def test_every_language_of_the_contract_is_accepted_with_any_region(
        self, client: Client, batch_stand_in: StandIn
    ) -> None:
        recordings = client()

        for language in sorted(LANGUAGES):
            for region in ("", "-XX", "-GB", "-CH", "-US"):
                recordings.submit(order(language=language + region))

        codes = {transcript["language_code"] for transcript in list_orders(batch_stand_in)}
        assert codes == ALL_LANGUAGES - {"en_au"}

    @pytest.mark.parametrize(("fault", "expected"), ERRORS, ids=str)
    def test_every_failure_says_whether_the_order_was_placed(
        self, client: Client, batch_stand_in: StandIn, fault: dict[str, Any], expected: type[ProviderError]
    ) -> None:
        batch_stand_in.fail(CREATE, fault)
        recordings = client()

        error = error_of(lambda: recordings.submit(ORDER))

        assert type(error) is expected
        if issubclass(expected, REJECTED | NOT_NOW):
            assert list_orders(batch_stand_in) == []
        assert len(batch_stand_in.calls()) == 1

    @pytest.mark.parametrize("fault", ["cut", "lost"])
    def test_an_order_whose_response_is_lost_can_be_found(
        self, client: Client, batch_stand_in: StandIn, fault: str
    ) -> None:
        batch_stand_in.fail(CREATE, {"kind": fault})

        error = error_of(lambda: client(deadline_seconds=SHORT_TIMEOUT_SECONDS).submit(ORDER))

        assert not isinstance(error, REJECTED | NOT_NOW)
        (transcript,) = list_orders(batch_stand_in)
        assert client().find(ORDER) == transcript["id"]

    @pytest.mark.parametrize("fault", [{"kind": "timeout"}, {"kind": "slow", "delay_seconds": 3}], ids=str)
    def test_a_response_after_the_deadline_is_a_timeout(
        self, client: Client, batch_stand_in: StandIn, fault: dict[str, Any]
    ) -> None:
        batch_stand_in.fail(CREATE, fault)

        error = error_of(lambda: client(deadline_seconds=SHORT_TIMEOUT_SECONDS).submit(ORDER))

        assert type(error) is ProviderTimeoutError

    def test_a_provider_that_cannot_be_reached_leaves_the_order_unknown(self, client: Client) -> None:
        assert type(error_of(lambda: client(url="http://127.0.0.1:1").submit(ORDER))) is UNKNOWN

    def test_a_rejected_key_is_an_error_that_hides_the_key(self, client: Client) -> None:
        error = error_of(lambda: client(key="an-unknown-key").submit(ORDER), "an-unknown-key")

        assert (type(error), error.log_note) == (ProviderDeniedError, "status 401")

    def test_an_impossible_order_is_rejected(self, client: Client, batch_stand_in: StandIn) -> None:
        assert type(error_of(lambda: client().submit(order(to_ms=0)))) is REJECTED
        assert list_orders(batch_stand_in) == []

    @pytest.mark.parametrize("response", [{}, {"id": "", "status": "queued"}, {"id": "x", "status": "asleep"}], ids=str)
    def test_a_response_of_another_shape_leaves_the_order_unknown(
        self, client: Client, serve, http, response: dict[str, Any]
    ) -> None:
        server = serve(http(200, json.dumps(response).encode()))

        assert type(error_of(lambda: client(url=server.url).submit(ORDER))) is UNKNOWN


class TestFind:
    def test_only_the_order_of_this_webhook_is_found(self, client: Client, batch_stand_in: StandIn) -> None:
        recordings = client()
        others = [recordings.submit(order(webhook_url=f"{JOB}-{number}")) for number in range(3)]
        transcript_id = recordings.submit(ORDER)

        assert recordings.find(ORDER) == transcript_id
        assert recordings.find(order(webhook_url=f"{JOB}-1")) == others[1]
        assert recordings.find(order(webhook_url=f"{JOB}-9")) is None

    def test_a_url_that_was_signed_again_matches(self, client: Client) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)

        assert recordings.find(order(audio_url="http://127.0.0.1:1/talk.wav?X-Amz-Signature=another")) == transcript_id

    def test_orders_of_other_recordings_are_not_fetched(self, client: Client, batch_stand_in: StandIn) -> None:
        recordings = client()
        recordings.submit(order(audio_url="http://127.0.0.1:1/another.wav"))

        assert recordings.find(ORDER) is None
        assert [call["service"] for call in batch_stand_in.calls()] == [CREATE, LIST]

    def test_a_search_without_a_match_is_limited(self, client: Client, batch_stand_in: StandIn) -> None:
        recordings = client()
        for number in range(25):
            recordings.submit(order(webhook_url=f"{JOB}-{number}"))

        assert recordings.find(ORDER) is None
        assert len([call for call in batch_stand_in.calls() if call["service"] == GET]) == 20

    @pytest.mark.parametrize("service", [LIST, GET])
    @pytest.mark.parametrize(("fault", "expected"), ERRORS, ids=str)
    def test_a_failed_search_raises_and_does_not_return_none(
        self,
        client: Client,
        batch_stand_in: StandIn,
        service: str,
        fault: dict[str, Any],
        expected: type[ProviderError],
    ) -> None:
        recordings = client()
        recordings.submit(ORDER)
        batch_stand_in.fail(service, fault)

        assert type(error_of(lambda: recordings.find(ORDER))) is expected


class TestRecording:
    def test_real_speech_is_transcribed_within_its_range(self, client: Client, batch_stand_in: StandIn) -> None:
        recordings = client()

        recording = wait_for_end(recordings, recordings.submit(order(audio_url=upload_speech(batch_stand_in))))

        assert word_error_rate(TRANSCRIPT, " ".join(word.text for word in recording.words)) < 0.2
        assert (recording.audio_ms, recording.model) == (4_000, "assemblyai/universal-3-5-pro")
        assert all(0 <= word.start_ms <= word.end_ms <= 4_000 for word in recording.words)

    def test_the_recording_is_none_while_the_provider_is_working(self, client: Client, batch_stand_in: StandIn) -> None:
        batch_stand_in.session.post(
            f"{batch_stand_in.url}/sandbox/transcripts/orders", json={"hold_jobs": True}
        ).raise_for_status()
        recordings = client()
        transcript_id = recordings.submit(ORDER)

        assert recordings.recording(transcript_id) is None

    @pytest.mark.parametrize(
        ("error", "message"),
        [
            (f"Download error, unable to download {ORDER.audio_url}.", "could not be downloaded"),
            (f"Failed: unable to download {ORDER.audio_url}&as=text/html-too short", "could not be downloaded"),
            ("File does not appear to contain audio.", "^The file does not hold audio.$"),
            (
                "Transcoding failed. File does not appear to contain audio. File type is video/mp4 (ISO Media, MP4).",
                "^The file does not hold audio.$",
            ),
            ("Sorry: file does not appear to contain audio", "^The file does not hold audio.$"),
            (
                "Transcoding failed. File does not appear to contain audio. File type is text/html (HTML document,"
                " ASCII text).",
                "This is a web page, .* Send the address of the audio or video file itself",
            ),
            (
                "Transcoding failed. File does not appear to contain audio. File type is application/vnd.apple.mpegurl"
                " (M3U playlist, ASCII text).",
                "This is a playlist, .* Send the address of one audio or video file",
            ),
            ("Transcoding failed. Audio duration is too short.", "too short"),
            ("Audio duration is too short.", "too short"),
            ("Server error, developers have been alerted", "could not be transcribed"),
            (None, "could not be transcribed"),
        ],
    )
    def test_a_failed_transcript_has_a_message_for_the_user(
        self, client: Client, serve, http, error: str | None, message: str
    ) -> None:
        response = {"id": "x", "status": "error", "error": error, "audio_url": ORDER.audio_url}
        server = serve(http(200, json.dumps(response).encode()))

        with pytest.raises(ProviderFailedError, match=message) as raised:
            client(url=server.url).recording("x")

        assert "http" not in raised.value.reason
        assert "Signature" not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"

    @pytest.mark.parametrize(
        "error",
        [
            "language_detection cannot be performed on files with no spoken audio.",
            "language_detection cannot be performed on files with no spoken audio",
            "Language detection failed: no spoken audio was found.",
            "Transcoding done. No spoken audio in https://media.example.com/a.mp3",
        ],
    )
    def test_no_speech_for_the_language_detection_is_a_recording_without_words(
        self, client: Client, serve, http, error: str
    ) -> None:
        server = serve(http(200, json.dumps({"id": "x", "status": "error", "error": error}).encode()))

        assert client(url=server.url).recording("x") == Recording((), 0, "")

    def test_a_recording_that_cannot_be_downloaded_is_a_failed_transcript(self, client: Client) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)

        with pytest.raises(ProviderFailedError, match="could not be downloaded"):
            wait_for_end(recordings, transcript_id)

    def test_words_never_start_before_the_recording(self, client: Client, serve, http) -> None:
        words = [{"text": "He", "start": -20, "end": 90, "confidence": 1, "speaker": "A"}]
        response = {"id": "x", "status": "completed", "words": words, "audio_duration": 12.4, "new": {"field": 1}}
        server = serve(http(200, json.dumps(response).encode()))

        recording = client(url=server.url).recording("x")

        assert recording == Recording((Word("He", 0, 90, 1.0),), 12_400, "assemblyai/universal-3-5-pro")

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({"confidence": None}, Word("He", 5, 90, 0.0)),
            ({"confidence": 1.0000001}, Word("He", 5, 90, 1.0000001)),
            ({"start": 4.6, "end": 90.2}, Word("He", 5, 90, 0.0)),
            ({"start": -0.4, "end": -1}, Word("He", 0, 0, 0.0)),
        ],
        ids=str,
    )
    def test_odd_numbers_of_a_word_do_not_cost_the_transcript(
        self, client: Client, serve, http, fields: dict[str, Any], word: Word
    ) -> None:
        words = [{"text": "He", "start": 5, "end": 90} | fields]
        response = {"id": "x", "status": "completed", "words": words, "audio_duration": 12}
        server = serve(http(200, json.dumps(response).encode()))

        assert client(url=server.url).recording("x").words == (word,)

    @pytest.mark.parametrize(
        "fields",
        [
            {"words": [{"text": "a", "start": "1", "end": 2}]},
            {"words": [{"text": "a", "start": 1, "end": 10**12}]},
            {"words": "none"},
            {"audio_duration": -1},
            {"audio_duration": "long"},
            {"audio_duration": 10**9},
        ],
        ids=str,
    )
    def test_a_response_of_another_shape_is_a_provider_error(
        self, client: Client, serve, http, fields: dict[str, Any]
    ) -> None:
        response = {"id": "x", "status": "completed"} | fields
        server = serve(http(200, json.dumps(response).encode()))

        assert (
            error_of(lambda: client(url=server.url).recording("x")).message
            == "AssemblyAI returned an invalid response. Retry the request."
        )

    def test_an_id_is_one_segment_of_the_path(self, client: Client, serve, http) -> None:
        server = serve(http(200, b'{"id": "x", "status": "queued"}'))

        client(url=server.url).recording("../x?y=1/z")

        assert server.requests[0].startswith(b"GET /v2/transcript/..%2Fx%3Fy%3D1%2Fz HTTP/1.1\r\n")

    def test_an_unknown_transcript_is_rejected(self, client: Client) -> None:
        assert type(error_of(lambda: client().recording("unknown"))) is REJECTED

    @pytest.mark.parametrize(("fault", "expected"), ERRORS, ids=str)
    def test_every_failure_is_mapped_to_an_error(
        self, client: Client, batch_stand_in: StandIn, fault: dict[str, Any], expected: type[ProviderError]
    ) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)
        batch_stand_in.fail(GET, fault)

        assert type(error_of(lambda: recordings.recording(transcript_id))) is expected

    def test_a_response_above_the_size_limit_is_a_provider_error(self, client: Client, serve, http) -> None:
        server = serve(http(200, json.dumps({"id": "x", "status": "queued", "text": "a" * 5_000_000}).encode()))

        error = error_of(lambda: client(url=server.url).recording("x"))

        assert error.message == "Provider returned a response that is too large. Retry the request."


class TestDelete:
    def test_a_deleted_transcript_has_no_words(self, client: Client, batch_stand_in: StandIn) -> None:
        recordings = client()
        transcript_id = recordings.submit(order(audio_url=upload_speech(batch_stand_in)))
        wait_for_end(recordings, transcript_id)

        recordings.delete(transcript_id)
        recordings.delete(transcript_id)

        assert [transcript["deleted"] for transcript in list_orders(batch_stand_in)] == [True]
        assert wait_for_end(recordings, transcript_id).words == ()

    def test_an_unknown_transcript_is_rejected(self, client: Client) -> None:
        assert type(error_of(lambda: client().delete("unknown"))) is REJECTED

    @pytest.mark.parametrize(
        ("fault", "expected"), [case for case in ERRORS if case[0]["kind"] not in ("missing_text",)], ids=str
    )
    def test_every_failure_is_mapped_to_an_error(
        self, client: Client, batch_stand_in: StandIn, fault: dict[str, Any], expected: type[ProviderError]
    ) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)
        batch_stand_in.fail(DELETE, fault)

        assert type(error_of(lambda: recordings.delete(transcript_id))) is expected
