"""AssemblyAI's transcripts of recordings, called by its own SDK where possible."""

from __future__ import annotations

import io
import json
import time
import wave
from pathlib import Path

import httpx
import pytest
import srt
import webvtt

from sandbox.speech import samples, word_error_rate
from tests.sandbox import official

LONG, MIDDLE, SHORT = samples()
CREATE = "assemblyai.transcript_create"
NO_VOICE = Path(__file__).parents[2] / "recordings" / "novoice.mp4"
NO_AUDIO = "Transcoding failed. File does not appear to contain audio."
CONFIG = {"speech_models": ["universal-3-5-pro", "universal-2"]}


@pytest.fixture
def headers(keys) -> dict[str, str]:
    return {"Authorization": keys.assemblyai}


@pytest.fixture
def create_transcript(http, headers, receiver):
    """Creates a transcript of the shortest recording over HTTP; returns the response."""
    receiver.files["/short.wav"] = SHORT[0].read_bytes()

    def create_transcript(**options) -> httpx.Response:
        body = {"audio_url": f"{receiver.url}/short.wav", **CONFIG, **options}
        return http.post("/v2/transcript", headers=headers, json=body)

    return create_transcript


def config(**options) -> official.assemblyai.TranscriptionConfig:
    return official.assemblyai.TranscriptionConfig(**CONFIG, **options)


def counts(http, service: str) -> dict:
    return http.get("/sandbox/calls").json()["services"][service]


@pytest.mark.parametrize(("path", "words"), samples(), ids=["7.1", "5.3", "3.3"])
def test_a_file_becomes_a_transcript_by_the_sdk_alone(transcriber, path, words):
    transcript = transcriber.transcribe(str(path), config=config())

    assert transcript.status == official.assemblyai.TranscriptStatus.completed
    assert word_error_rate(words, transcript.text) < 0.25
    assert " ".join(word.text for word in transcript.words) == transcript.text
    with wave.open(str(path)) as recording:
        seconds = recording.getnframes() / recording.getframerate()
    assert transcript.audio_duration - 1 < seconds <= transcript.audio_duration
    assert all(0 <= word.start < word.end <= seconds * 1000 for word in transcript.words)
    assert 0.5 < transcript.confidence < 1
    assert transcript.json_response["speech_model_used"] == "universal-3-5-pro"


def test_a_transcript_is_queued_first_and_processed_while_it_is_held(http, create_transcript, headers, wait_for_end):
    http.post("/sandbox/transcripts/orders", json={"hold_jobs": True}).raise_for_status()

    answer = create_transcript()
    transcript_id = answer.json()["id"]
    shown = http.get(f"/v2/transcript/{transcript_id}", headers=headers).json()

    assert (answer.status_code, answer.json()["status"], shown["status"]) == (200, "queued", "processing")
    assert shown["text"] is None
    assert shown["words"] is None
    http.post(f"/sandbox/transcripts/{transcript_id}/release").raise_for_status()
    assert word_error_rate(SHORT[1], wait_for_end(transcript_id)["text"]) < 0.25


def test_the_end_of_a_hold_ends_all_held_jobs(http, create_transcript, wait_for_end):
    http.post("/sandbox/transcripts/orders", json={"hold_jobs": True}).raise_for_status()
    ids = [create_transcript().json()["id"] for _ in range(3)]

    http.post("/sandbox/transcripts/orders", json={"hold_jobs": False}).raise_for_status()

    assert [wait_for_end(transcript_id)["status"] for transcript_id in ids] == ["completed"] * 3


def test_a_range_has_times_relative_to_the_whole_recording(transcriber):
    whole = transcriber.transcribe(str(LONG[0]), config=config())
    part = transcriber.transcribe(str(LONG[0]), config=config(audio_start_from=2_300, audio_end_at=5_000))

    expected = {word.text: word.start for word in whole.words if word.start >= 2_300 and word.end <= 4_500}
    times = {word.text: word.start for word in part.words}
    assert len(expected) >= 4
    assert all(abs(times[text] - start) < 300 for text, start in expected.items() if text in times)
    assert len(set(expected) & set(times)) >= 4
    assert all(2_300 <= word.start <= word.end <= 5_100 for word in part.words)
    assert part.audio_duration == whole.audio_duration


@pytest.mark.soak
def test_a_minute_of_an_hour_takes_as_long_as_a_minute(transcriber, http):
    with wave.open(str(SHORT[0])) as recording:
        frames, rate_hz = recording.readframes(recording.getnframes()), recording.getframerate()
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate_hz, 0, "NONE", ""))
        half_an_hour = bytes(2 * rate_hz * 1_800)
        writer.writeframes(half_an_hour + frames + half_an_hour)

    started = time.monotonic()
    transcript = transcriber.transcribe(
        file.getvalue(), config=config(audio_start_from=1_790_000, audio_end_at=1_850_000)
    )

    assert word_error_rate(SHORT[1], transcript.text) < 0.25
    assert transcript.audio_duration == 3_604
    assert 1_799_000 <= transcript.words[0].start <= 1_801_500
    # An hour's recognition takes minutes; the limit is far from both.
    assert time.monotonic() - started < 45


def test_200_transcripts_of_one_recording_complete_and_are_counted(http, create_transcript, wait_for_end):
    ids = [create_transcript().json()["id"] for _ in range(200)]

    assert {wait_for_end(transcript_id)["status"] for transcript_id in ids} == {"completed"}
    assert http.get("/sandbox/transcripts").json()["created"] == 200
    assert counts(http, CREATE)["received"] == 200
    assert counts(http, "assemblyai.transcription")["recognised"] == 200


def test_audio_is_fetched_from_any_name_of_this_machine(create_transcript, wait_for_end, receiver):
    url = f"http://bucket.s3.localhost:{receiver.port}/short.wav?X-Amz-Signature=a%2Fb"
    receiver.files["/short.wav?X-Amz-Signature=a%2Fb"] = SHORT[0].read_bytes()

    assert wait_for_end(create_transcript(audio_url=url).json()["id"])["status"] == "completed"

    fetched = receiver.next()
    assert fetched.path == "/short.wav?X-Amz-Signature=a%2Fb"
    assert fetched.headers["host"] == f"bucket.s3.localhost:{receiver.port}"


def test_a_pre_signed_url_of_the_local_aws_is_fetched_unchanged(create_transcript, wait_for_end, ministack):
    s3 = ministack.client("s3")
    s3.create_bucket(Bucket="uploads-of-the-sandbox-tests")
    place = {"Bucket": "uploads-of-the-sandbox-tests", "Key": "a user/short recording.wav"}
    s3.put_object(**place, Body=SHORT[0].read_bytes())
    url = s3.generate_presigned_url("get_object", Params=place, ExpiresIn=60)

    answer = wait_for_end(create_transcript(audio_url=url).json()["id"])
    unsigned = wait_for_end(create_transcript(audio_url=url.partition("?")[0]).json()["id"])

    assert word_error_rate(SHORT[1], answer["text"]) < 0.25
    assert unsigned["error"].startswith("Download error")


@pytest.mark.parametrize(
    "url", ["http://example.com/a.wav", "http://10.0.0.1/a.wav", "http://2130706433/a.wav", "http://u:p@127.0.0.1/a"]
)
def test_audio_on_another_machine_is_never_fetched(create_transcript, wait_for_end, url):
    answer = wait_for_end(create_transcript(audio_url=url).json()["id"])

    assert answer["status"] == "error"
    assert answer["error"].startswith(f"Download error, unable to download {url}. ")


@pytest.mark.parametrize("path", ["/missing.wav", "/moved.wav"])
def test_only_a_200_is_accepted_and_no_redirect_is_followed(create_transcript, wait_for_end, receiver, path):
    receiver.moved["/moved.wav"] = f"{receiver.url}/short.wav"

    answer = wait_for_end(create_transcript(audio_url=f"{receiver.url}{path}").json()["id"])

    assert (answer["status"], answer["text"], answer["audio_duration"]) == ("error", None, None)
    assert answer["error"].startswith("Download error")


@pytest.mark.parametrize(
    ("audio", "options", "error"),
    [
        (b"no audio at all", {}, f"{NO_AUDIO} File type is application/octet-stream (data)."),
        (b"\n<!DOCTYPE html><p>", {}, f"{NO_AUDIO} File type is text/html (HTML document, ASCII text)."),
        (b"#EXTM3U\nhttp://a/b.ts", {}, f"{NO_AUDIO} File type is application/vnd.apple.mpegurl (M3U playlist"),
        (NO_VOICE.read_bytes(), {}, f"{NO_AUDIO} File type is video/mp4 (ISO Media"),
        (SHORT[0].read_bytes(), {"audio_start_from": 60_000}, "Audio duration is too short."),
        (SHORT[0].read_bytes(), {"audio_start_from": 500, "audio_end_at": 600}, "Audio duration is too short."),
    ],
)
def test_audio_that_cannot_be_recognised_ends_with_an_error(transcriber, audio, options, error):
    transcript = transcriber.transcribe(audio, config=config(**options))

    assert transcript.status == official.assemblyai.TranscriptStatus.error
    assert transcript.error.startswith(error)


def test_silence_is_an_error_only_where_the_language_is_to_be_detected(transcriber):
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", ""))
        writer.writeframes(bytes(32_000))

    detected = transcriber.transcribe(file.getvalue(), config=config(language_detection=True))
    named = transcriber.transcribe(file.getvalue(), config=config(language_code="en"))

    assert detected.error == "language_detection cannot be performed on files with no spoken audio."
    assert (named.status, named.words, named.audio_duration) == (official.assemblyai.TranscriptStatus.completed, [], 1)


def test_the_error_fault_fails_the_job_and_not_the_call(transcriber, add_fault, http):
    add_fault("assemblyai.transcription", "error")

    transcript = transcriber.transcribe(str(SHORT[0]), config=config())

    assert transcript.error == "Server error, developers have been alerted"
    assert transcriber.transcribe(str(SHORT[0]), config=config()).error is None
    assert counts(http, "assemblyai.transcription")["recognised"] == 1


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"speech_models": ["gpt-transcribe"]}, "gpt-transcribe"),
        ({"speech_models": []}, "speech_models"),
        ({"language_code": "tlh"}, "tlh"),
        (
            {"speech_models": ["universal-3-pro"], "language_code": "sw"},
            "The following models are not available in this language: universal-3-pro",
        ),
        ({"language_code": "en", "language_detection": True}, "language_detection"),
        ({"language_detection": "yes"}, "language_detection"),
        ({"audio_start_from": -1}, "audio_start_from"),
        ({"audio_start_from": 1.5}, "audio_start_from"),
        ({"audio_start_from": 10, "audio_end_at": 10}, "audio_end_at"),
        ({"webhook_url": "ftp://127.0.0.1/"}, "webhook_url"),
        ({"webhook_auth_header_name": "X-Hook"}, "webhook_auth_header_value"),
        ({"webhook_auth_header_name": "X-Hook", "webhook_auth_header_value": "v"}, "webhook_url"),
        (
            {"webhook_url": "http://a", "webhook_auth_header_name": "X Hook", "webhook_auth_header_value": "v"},
            "webhook_auth_header_name",
        ),
        (
            {"webhook_url": "http://a", "webhook_auth_header_name": "X", "webhook_auth_header_value": "v\r\nY: z"},
            "webhook_auth_header_value",
        ),
        ({"audio_url": "short.wav"}, "audio_url"),
        ({"summarization": True}, "summarization"),
        ({"audio_start": 1}, "audio_start"),
    ],
    ids=str,
)
def test_invalid_options_are_refused_by_name(http, create_transcript, options, named):
    answer = create_transcript(**options)

    assert answer.status_code == 400
    assert named in answer.json()["error"]
    assert http.get("/sandbox/transcripts").json()["created"] == 0


def test_the_first_model_that_supports_the_language_is_used(create_transcript, wait_for_end):
    assert wait_for_end(create_transcript(language_code="sw").json()["id"])["speech_model_used"] == "universal-2"
    assert wait_for_end(create_transcript(language_code="fr").json()["id"])["speech_model_used"] == "universal-3-5-pro"


def test_a_detected_language_comes_with_a_confidence(create_transcript, wait_for_end):
    detected = wait_for_end(create_transcript(language_detection=True).json()["id"])

    assert (detected["language_code"], detected["language_confidence"]) == ("en_us", 0.99)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"audio_url": 1}', b"[" * 100_000], ids=len)
def test_a_malformed_body_is_400(http, headers, body):
    assert http.post("/v2/transcript", headers=headers, content=body).status_code == 400


@pytest.mark.parametrize("value", [None, "another key", "Bearer {key}"])
def test_every_call_requires_the_bare_key(http, keys, value):
    key_headers = {} if value is None else {"Authorization": value.format(key=keys.assemblyai)}
    unknown = "/v2/transcript/unknown"
    calls = [
        ("POST", "/v2/upload"),
        ("POST", "/v2/transcript"),
        ("GET", "/v2/transcript"),
        ("GET", unknown),
        ("DELETE", unknown),
        ("GET", f"{unknown}/srt"),
    ]

    answers = [http.request(method, path, headers=key_headers) for method, path in calls]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["error"] for answer in answers} == {"Authentication error, API token missing/invalid"}


def test_an_unknown_id_is_400_and_an_unknown_upload_403(http, create_transcript, headers, sandbox_url):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/vtt")):
        answer = http.request(method, f"/v2/transcript/unknown{path}", headers=headers)
        assert answer.status_code == 400
        assert answer.json() == {"error": "Transcript lookup error, transcript id not found"}
    foreign = create_transcript(audio_url=f"{sandbox_url}/upload/another")
    assert (foreign.status_code, foreign.json()["error"]) == (403, "Cannot access uploaded file")
    assert http.get("/upload/another", headers=headers).status_code == 404


def test_a_deleted_transcript_stays_listed_without_its_content(transcriber, http, headers):
    transcript = transcriber.transcribe(str(SHORT[0]), config=config())

    deleted = official.assemblyai.api.delete_transcript(transcript._client.http_client, transcript.id)

    shown = http.get(f"/v2/transcript/{transcript.id}", headers=headers).json()
    assert (deleted.text, shown["text"], shown["status"]) == ("Deleted by user.", "Deleted by user.", "completed")
    assert (shown["audio_url"], shown["words"], shown["confidence"]) == ("http://deleted_by_user", None, None)
    assert "amiable" not in json.dumps(shown)
    assert http.get(f"/v2/transcript/{transcript.id}/srt", headers=headers).status_code == 400
    items = transcriber.list_transcripts().transcripts
    assert [(item.id, item.audio_url) for item in items] == [(transcript.id, "http://deleted_by_user")]


def test_deleting_a_running_transcript_sends_no_webhook_and_bills_nothing(http, create_transcript, headers, receiver):
    http.post("/sandbox/transcripts/orders", json={"hold_jobs": True}).raise_for_status()
    transcript_id = create_transcript(webhook_url=f"{receiver.url}/hook").json()["id"]

    deleted = http.delete(f"/v2/transcript/{transcript_id}", headers=headers).json()

    assert (deleted["status"], deleted["error"]) == ("error", "Deleted by user.")
    http.post("/sandbox/transcripts/orders", json={"hold_jobs": False}).raise_for_status()
    report = http.get("/sandbox/transcripts").json()["transcripts"][0]
    assert (report["deleted"], report["webhooks"]) == (True, [])
    assert "assemblyai.transcription" not in http.get("/sandbox/calls").json()["services"]


def test_exports_can_be_parsed(transcriber):
    transcript = transcriber.transcribe(str(LONG[0]), config=config(speaker_labels=True))

    captions = list(srt.parse(transcript.export_subtitles_srt(chars_per_caption=32)))
    vtt = list(webvtt.from_string(transcript.export_subtitles_vtt(chars_per_caption=32)))

    assert " ".join(caption.content for caption in captions) == transcript.text
    assert " ".join(caption.text for caption in vtt) == transcript.text
    assert len(captions) == len(vtt) > 2
    assert all(len(caption.content) <= 32 for caption in captions)
    sentences, paragraphs = transcript.get_sentences(), transcript.get_paragraphs()
    assert [sentence.text for sentence in sentences] == [transcript.text]
    assert [paragraph.text for paragraph in paragraphs] == [transcript.text]
    assert {utterance.speaker for utterance in transcript.utterances} == {"A"}


def test_an_export_requires_a_completed_transcript(http, create_transcript, headers):
    http.post("/sandbox/transcripts/orders", json={"hold_jobs": True}).raise_for_status()
    transcript_id = create_transcript().json()["id"]

    answer = http.get(f"/v2/transcript/{transcript_id}/vtt", headers=headers)

    assert answer.status_code == 400
    assert "Transcripts must have a status of 'completed'" in answer.json()["error"]
    assert http.get(f"/v2/transcript/{transcript_id}/txt", headers=headers).status_code == 400


def test_lists_are_newest_first_and_their_pages_are_contiguous(transcriber, create_transcript, wait_for_end):
    ids = [create_transcript().json()["id"] for _ in range(5)]
    for transcript_id in ids:
        wait_for_end(transcript_id)

    def list_page(**query):
        answer = transcriber.list_transcripts(official.assemblyai.ListTranscriptParameters(**query))
        return [item.id for item in answer.transcripts], answer.page_details

    first, details = list_page(limit=2)
    second, _ = list_page(limit=2, before_id=details.before_id_of_prev_url)
    after, newest = list_page(limit=10, after_id=ids[1])

    assert (first, second, after) == ([ids[4], ids[3]], [ids[2], ids[1]], [ids[4], ids[3], ids[2]])
    assert (details.limit, details.result_count, details.next_url, newest.next_url) == (2, 2, None, None)
    assert list_page(limit=2, before_id=ids[1])[1].prev_url is None
    assert list_page(limit=2, after_id=ids[0])[0] == [ids[2], ids[1]]
    assert list_page(status="error")[0] == []
    assert len(list_page(status="completed")[0]) == 5
    assert list_page(created_on="1999-01-01")[0] == []
    assert list_page(throttled_only=True)[0] == []
    today = transcriber.list_transcripts().transcripts[0].created[:10]
    assert len(list_page(created_on=today)[0]) == 5


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "status=done", "before_id=unknown"])
def test_an_invalid_list_query_is_400(http, headers, query):
    assert http.get(f"/v2/transcript?{query}", headers=headers).status_code == 400
