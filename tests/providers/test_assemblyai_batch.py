"""AssemblyAI's transcripts of recordings: ordered in its words, found again, fetched, forgotten; failures are named."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.contract import LANGUAGES
from chalicelib.errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from chalicelib.models.catchup import WEBHOOK_SECRET_HEADER, Recording, TranscriptionOrder
from chalicelib.models.transcripts import Word
from chalicelib.providers.assemblyai_batch import AssemblyAITranscripts
from sandbox.prerecorded_options import ALL_LANGUAGES
from sandbox.speech import samples, word_error_rate
from tests.providers.stand_in import KEYS, SHORT_TIMEOUT_SECONDS, StandIn, failure_of

CREATE, GET, LIST, DELETE = (f"assemblyai.transcript_{what}" for what in ("create", "get", "list", "delete"))
MODELS = ["universal-3-5-pro", "universal-2"]
SIGNATURE = "X-Amz-Signature=5ec7e7"
SECRET = "the-secret-of-one-job"
JOB = "http://127.0.0.1:1/webhooks/assemblyai?job=one"
ORDER = TranscriptionOrder(f"http://127.0.0.1:1/talk.wav?{SIGNATURE}", 0, 60_000, "", JOB, SECRET)
RECORDING, SAID = samples()[-1]
Client = Callable[..., AssemblyAITranscripts]
# What becomes of an order: certainly not taken, not taken now, or nobody knows.
REFUSED, NOT_NOW, UNKNOWN = ProviderRefusedError, ProviderUnavailableError, ProviderError
FATES: list[tuple[dict[str, Any], type[ProviderError]]] = [
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
def catchup_env(stand_in: StandIn) -> Iterator[StandIn]:
    """The stand-in without a transcript of before, and webhooks that nobody waits for."""
    forgotten = f"{stand_in.url}/sandbox/transcripts"
    stand_in.session.delete(forgotten).raise_for_status()
    orders = {"webhook_copies": 0}
    stand_in.session.post(f"{forgotten}/orders", json=orders).raise_for_status()
    yield stand_in
    stand_in.session.delete(forgotten).raise_for_status()


@pytest.fixture
def client(catchup_env: StandIn, transport) -> Client:
    def client(key: str = KEYS.assemblyai, deadline_seconds: float = 10, url: str = "") -> AssemblyAITranscripts:
        return AssemblyAITranscripts(transport(deadline_seconds), url or f"{catchup_env.url}/", key, MODELS)

    return client


def order(**changes: Any) -> TranscriptionOrder:
    return replace(ORDER, **changes)


def ordered(catchup_env: StandIn) -> list[dict[str, Any]]:
    return list(catchup_env.session.get(f"{catchup_env.url}/sandbox/transcripts").json()["transcripts"])


def sent(catchup_env: StandIn, of: TranscriptionOrder, recordings: AssemblyAITranscripts) -> dict[str, Any]:
    """What was said in the order."""
    recordings.submit(of)
    return dict(catchup_env.calls()[-1]["fields"])


def uploaded(catchup_env: StandIn) -> str:
    """The address of real speech, as the stand-in itself stores it."""
    headers = {"Authorization": KEYS.assemblyai}
    return catchup_env.session.post(
        f"{catchup_env.url}/v2/upload", data=RECORDING.read_bytes(), headers=headers
    ).json()["upload_url"]


def ended(recordings: AssemblyAITranscripts, transcript_id: str) -> Recording:
    while (recording := recordings.recording(transcript_id)) is None:
        pass
    return recording


def told(ask: Callable[[], Any], key: str = KEYS.assemblyai) -> ProviderError:
    """The failure; neither the key, the webhook's secret nor the address's signature stands in it."""
    error = failure_of(ask, key)
    shown = f"{error!r} {error.details} {error.log_note} {error.__cause__!r} {error.__context__!r}"
    assert SECRET not in shown
    assert SIGNATURE.partition("=")[2] not in shown
    return error


class TestSubmit:
    def test_the_order_names_range_models_webhook_and_its_secret(self, client: Client, catchup_env: StandIn) -> None:
        transcript_id = client().submit(order(from_ms=30_000, to_ms=90_000))

        (call,) = catchup_env.calls()
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
        (made,) = ordered(catchup_env)
        assert (made["id"], made["webhook_url"]) == (transcript_id, JOB)

    def test_the_secret_goes_with_it(self, client: Client, serve, http) -> None:
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
    def test_a_language_is_named_as_the_provider_names_it(
        self, client: Client, catchup_env: StandIn, language: str, code: str
    ) -> None:
        said = sent(catchup_env, order(language=language), client())

        assert (said["language_code"], said.get("language_detection")) == (code, None)

    @pytest.mark.parametrize("language", ["", "yue", "yue-HK"])
    def test_a_language_that_it_has_no_code_for_is_left_to_it(
        self, client: Client, catchup_env: StandIn, language: str
    ) -> None:
        said = sent(catchup_env, order(language=language), client())

        assert (said.get("language_code"), said["language_detection"]) == (None, True)

    def test_it_takes_every_language_of_the_contract_with_any_region(
        self, client: Client, catchup_env: StandIn
    ) -> None:
        recordings = client()

        for language in LANGUAGES.split("|"):
            for region in ("", "-XX", "-GB", "-CH", "-US"):
                recordings.submit(order(language=language + region))

        codes = {made["language_code"] for made in ordered(catchup_env)}
        assert codes == ALL_LANGUAGES - {"en_au"}

    @pytest.mark.parametrize(("fault", "fate"), FATES, ids=str)
    def test_what_a_failure_says_of_the_order(
        self, client: Client, catchup_env: StandIn, fault: dict[str, Any], fate: type[ProviderError]
    ) -> None:
        catchup_env.fail(CREATE, fault)
        recordings = client()

        error = told(lambda: recordings.submit(ORDER))

        assert type(error) is fate
        if issubclass(fate, REFUSED | NOT_NOW):
            assert ordered(catchup_env) == []
        assert len(catchup_env.calls()) == 1

    @pytest.mark.parametrize("fault", ["cut", "lost"])
    def test_an_order_whose_answer_is_lost_is_found(self, client: Client, catchup_env: StandIn, fault: str) -> None:
        catchup_env.fail(CREATE, {"kind": fault})

        error = told(lambda: client(deadline_seconds=SHORT_TIMEOUT_SECONDS).submit(ORDER))

        assert not isinstance(error, REFUSED | NOT_NOW)
        (made,) = ordered(catchup_env)
        assert client().find(ORDER) == made["id"]

    @pytest.mark.parametrize("fault", [{"kind": "timeout"}, {"kind": "slow", "delay_seconds": 3}], ids=str)
    def test_no_answer_in_time_is_not_known(self, client: Client, catchup_env: StandIn, fault: dict[str, Any]) -> None:
        catchup_env.fail(CREATE, fault)

        error = told(lambda: client(deadline_seconds=SHORT_TIMEOUT_SECONDS).submit(ORDER))

        assert type(error) is ProviderTimeoutError

    def test_nobody_there_is_not_known(self, client: Client) -> None:
        assert type(told(lambda: client(url="http://127.0.0.1:1").submit(ORDER))) is UNKNOWN

    def test_a_key_that_is_not_taken_is_not_told(self, client: Client) -> None:
        error = told(lambda: client(key="a-key-that-nobody-knows").submit(ORDER), "a-key-that-nobody-knows")

        assert (type(error), error.log_note) == (ProviderDeniedError, "status 401")

    def test_what_the_provider_cannot_do_is_refused(self, client: Client, catchup_env: StandIn) -> None:
        assert type(told(lambda: client().submit(order(to_ms=0)))) is REFUSED
        assert ordered(catchup_env) == []

    @pytest.mark.parametrize("answer", [{}, {"id": "", "status": "queued"}, {"id": "x", "status": "asleep"}], ids=str)
    def test_another_shape_is_not_known(self, client: Client, serve, http, answer: dict[str, Any]) -> None:
        server = serve(http(200, json.dumps(answer).encode()))

        assert type(told(lambda: client(url=server.url).submit(ORDER))) is UNKNOWN


class TestFind:
    def test_only_the_order_of_this_webhook_is_found(self, client: Client, catchup_env: StandIn) -> None:
        recordings = client()
        others = [recordings.submit(order(webhook_url=f"{JOB}-{number}")) for number in range(3)]
        ours = recordings.submit(ORDER)

        assert recordings.find(ORDER) == ours
        assert recordings.find(order(webhook_url=f"{JOB}-1")) == others[1]
        assert recordings.find(order(webhook_url=f"{JOB}-9")) is None

    def test_an_address_signed_anew_is_the_same(self, client: Client) -> None:
        recordings = client()
        ours = recordings.submit(ORDER)

        assert recordings.find(order(audio_url="http://127.0.0.1:1/talk.wav?X-Amz-Signature=another")) == ours

    def test_orders_of_other_recordings_are_not_looked_at(self, client: Client, catchup_env: StandIn) -> None:
        recordings = client()
        recordings.submit(order(audio_url="http://127.0.0.1:1/another.wav"))

        assert recordings.find(ORDER) is None
        assert [call["service"] for call in catchup_env.calls()] == [CREATE, LIST]

    def test_none_among_many_is_bounded(self, client: Client, catchup_env: StandIn) -> None:
        recordings = client()
        for number in range(25):
            recordings.submit(order(webhook_url=f"{JOB}-{number}"))

        assert recordings.find(ORDER) is None
        assert len([call for call in catchup_env.calls() if call["service"] == GET]) == 20

    @pytest.mark.parametrize("service", [LIST, GET])
    @pytest.mark.parametrize(("fault", "fate"), FATES, ids=str)
    def test_a_failure_is_not_none(
        self, client: Client, catchup_env: StandIn, service: str, fault: dict[str, Any], fate: type[ProviderError]
    ) -> None:
        recordings = client()
        recordings.submit(ORDER)
        catchup_env.fail(service, fault)

        assert type(told(lambda: recordings.find(ORDER))) is fate


class TestRecording:
    def test_real_speech_comes_back_in_its_range(self, client: Client, catchup_env: StandIn) -> None:
        recordings = client()

        heard = ended(recordings, recordings.submit(order(audio_url=uploaded(catchup_env))))

        assert word_error_rate(SAID, " ".join(word.text for word in heard.words)) < 0.2
        assert (heard.audio_ms, heard.model) == (4_000, "assemblyai/universal-3-5-pro")
        assert all(0 <= word.start_ms <= word.end_ms <= 4_000 for word in heard.words)

    def test_none_while_the_provider_is_at_it(self, client: Client, catchup_env: StandIn) -> None:
        catchup_env.session.post(
            f"{catchup_env.url}/sandbox/transcripts/orders", json={"hold_jobs": True}
        ).raise_for_status()
        recordings = client()
        transcript_id = recordings.submit(ORDER)

        assert recordings.recording(transcript_id) is None

    @pytest.mark.parametrize(
        ("error", "ours"),
        [
            (f"Download error, unable to download {ORDER.audio_url}.", "could not be fetched"),
            ("File does not appear to contain audio. File type is text/html.", "does not hold audio"),
            ("Audio duration is too short.", "too short"),
            ("Server error, developers have been alerted", "not recognised"),
            (None, "not recognised"),
        ],
    )
    def test_a_transcript_in_error_says_why_in_our_words(
        self, client: Client, serve, http, error: str | None, ours: str
    ) -> None:
        answer = {"id": "x", "status": "error", "error": error, "audio_url": ORDER.audio_url}
        server = serve(http(200, json.dumps(answer).encode()))

        with pytest.raises(ProviderFailedError, match=ours) as raised:
            client(url=server.url).recording("x")

        assert "http" not in raised.value.reason
        assert "Signature" not in f"{raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r}"

    def test_what_the_stand_in_cannot_fetch_is_such_an_error(self, client: Client) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)

        with pytest.raises(ProviderFailedError, match="could not be fetched"):
            ended(recordings, transcript_id)

    def test_words_are_taken_as_they_are_and_never_before_the_start(self, client: Client, serve, http) -> None:
        words = [{"text": "He", "start": -20, "end": 90, "confidence": 1, "speaker": "A"}]
        answer = {"id": "x", "status": "completed", "words": words, "audio_duration": 12.4, "new": {"field": 1}}
        server = serve(http(200, json.dumps(answer).encode()))

        heard = client(url=server.url).recording("x")

        assert heard == Recording((Word("He", 0, 90, 1.0),), 12_400, "assemblyai/universal-3-5-pro")

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
    def test_another_shape_is_nonsense(self, client: Client, serve, http, fields: dict[str, Any]) -> None:
        answer = {"id": "x", "status": "completed"} | fields
        server = serve(http(200, json.dumps(answer).encode()))

        assert told(lambda: client(url=server.url).recording("x")).message == "AssemblyAI answered nonsense."

    def test_an_id_is_one_part_of_the_path(self, client: Client, serve, http) -> None:
        server = serve(http(200, b'{"id": "x", "status": "queued"}'))

        client(url=server.url).recording("../x?y=1/z")

        assert server.requests[0].startswith(b"GET /v2/transcript/..%2Fx%3Fy%3D1%2Fz HTTP/1.1\r\n")

    def test_one_that_is_not_there_is_refused(self, client: Client) -> None:
        assert type(told(lambda: client().recording("nobody"))) is REFUSED

    @pytest.mark.parametrize(("fault", "fate"), FATES, ids=str)
    def test_every_failure_has_its_name(
        self, client: Client, catchup_env: StandIn, fault: dict[str, Any], fate: type[ProviderError]
    ) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)
        catchup_env.fail(GET, fault)

        assert type(told(lambda: recordings.recording(transcript_id))) is fate

    def test_an_answer_above_the_limit_is_not_read(self, client: Client, serve, http) -> None:
        server = serve(http(200, json.dumps({"id": "x", "status": "queued", "text": "a" * 5_000_000}).encode()))

        error = told(lambda: client(url=server.url).recording("x"))

        assert error.message == "Provider answered more than we read."


class TestDelete:
    def test_what_is_deleted_has_no_words_any_more(self, client: Client, catchup_env: StandIn) -> None:
        recordings = client()
        transcript_id = recordings.submit(order(audio_url=uploaded(catchup_env)))
        ended(recordings, transcript_id)

        recordings.delete(transcript_id)
        recordings.delete(transcript_id)

        assert [made["deleted"] for made in ordered(catchup_env)] == [True]
        assert ended(recordings, transcript_id).words == ()

    def test_one_that_is_not_there_is_refused(self, client: Client) -> None:
        assert type(told(lambda: client().delete("nobody"))) is REFUSED

    @pytest.mark.parametrize(
        ("fault", "fate"), [one for one in FATES if one[0]["kind"] not in ("missing_text",)], ids=str
    )
    def test_every_failure_has_its_name(
        self, client: Client, catchup_env: StandIn, fault: dict[str, Any], fate: type[ProviderError]
    ) -> None:
        recordings = client()
        transcript_id = recordings.submit(ORDER)
        catchup_env.fail(DELETE, fault)

        assert type(told(lambda: recordings.delete(transcript_id))) is fate
