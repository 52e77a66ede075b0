"""AssemblyAI's transcripts of recordings: order, find, fetch and delete them. Facts and sources: docs/providers.md."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from ..errors import ProviderError, ProviderFailedError
from ..models.catchup import WEBHOOK_SECRET_HEADER, Recording, TranscriptionOrder
from ..models.languages import primary_language
from ..models.transcripts import Word
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

PAGE_SIZE, MAX_PAGES = 200, 5  # AssemblyAI's largest page; a lost order is found among the newest thousand
MAX_FETCHED = 20
MAX_RECORDING_BYTES = 64 * 1024 * 1024  # ten hours have about 100,000 words of 120 bytes each
# The only regional codes that AssemblyAI accepts; any other would make it reject the order.
REGIONAL_CODES = {"en-AU": "en_au", "en-GB": "en_uk", "en-US": "en_us", "de-CH": "de_ch"}
UNSUPPORTED_LANGUAGES = {"yue"}  # Cantonese: in Whisper's list, not in AssemblyAI's
NO_SPEECH = "no spoken audio"  # a mark of the error with which the detection of the language ends without speech
# What AssemblyAI's sentence contains, in lower case, and the message for the listener. The first match counts.
FAILURES = (
    (
        ("mpegurl", "m3u", "dash+xml"),
        "This is a playlist, not a recording. Nothing was charged. Send the address of one audio or video file, or"
        " upload the file.",
    ),
    (
        ("text/html", "html document"),
        "This is a web page, not a recording. Nothing was charged. Send the address of the audio or video file itself,"
        " or upload the file.",
    ),
    (("does not appear to contain audio",), "The file does not hold audio."),
    (
        ("download error", "unable to download"),
        "The recording could not be downloaded. Nothing was charged. Check that its address opens without a sign-in,"
        " or upload the file.",
    ),
    (
        ("too short",),
        "The recording, or the requested part of it, is too short. Nothing was charged. Choose another range.",
    ),
)
OTHER_FAILURE = (
    "The recording could not be transcribed. Nothing was charged. Start again, or upload it in another format."
)
Milliseconds = Annotated[float, msgspec.Meta(ge=-1_000, le=360_000_000)]


class TranscriptWord(msgspec.Struct):
    text: str
    start: Milliseconds
    end: Milliseconds
    confidence: float | None = None


class TranscriptResponse(msgspec.Struct):
    """The fields of a transcript that we read. `audio_duration`: seconds of the whole recording."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    status: Literal["queued", "processing", "completed", "error"]
    words: list[TranscriptWord] | None = None
    audio_duration: Annotated[float, msgspec.Meta(ge=0, le=360_000)] | None = None
    speech_model_used: str | None = None
    webhook_url: str | None = None
    error: str | None = None


class ListedTranscript(msgspec.Struct):
    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    audio_url: str = ""


class ListResponse(msgspec.Struct):
    transcripts: list[ListedTranscript]


class AssemblyAITranscripts:
    """Transcribes recordings of up to ten hours in the background."""

    def __init__(self, transport: Transport, base_url: str, api_key: str, models: list[str]):
        self._transport, self._url, self._models = transport, f"{base_url.rstrip('/')}/v2/transcript", models
        self._headers = {"Authorization": api_key}

    def submit(self, order: TranscriptionOrder) -> str:
        """Order a transcript. Returns its id at the provider.

        Raises ProviderError. After ProviderRefusedError nothing was ordered; after any other error it may have been.
        """
        fields: dict[str, object] = {
            "audio_url": order.audio_url,
            "speech_models": self._models,
            "audio_start_from": order.from_ms,
            "audio_end_at": order.to_ms,
            "webhook_url": order.webhook_url,
            "webhook_auth_header_name": WEBHOOK_SECRET_HEADER,
            "webhook_auth_header_value": order.webhook_secret,
        }
        if code := _language_code(order.language):
            fields["language_code"] = code
        else:
            fields["language_detection"] = True
        return _parse_transcript(self._transport.post_json(self._url, self._headers, fields)).id

    def find(self, order: TranscriptionOrder) -> str | None:
        """The id of the transcript ordered with this webhook URL; None if the newest thousand do not include it."""
        url = _without_query(order.audio_url)
        candidates = [transcript for transcript in self._newest() if _without_query(transcript.audio_url) == url]
        # Some hosts distinguish their files by the query alone, so exact matches come first.
        candidates.sort(key=lambda transcript: transcript.audio_url != order.audio_url)
        for transcript in candidates[:MAX_FETCHED]:
            if self._fetch(transcript.id).webhook_url == order.webhook_url:
                return transcript.id
        return None

    def recording(self, transcript_id: str) -> Recording | None:
        """The recognised words; None while the provider is working. Raises ProviderFailedError, ProviderError.

        Where AssemblyAI has to detect the language and finds no speech, its transcript ends in an error: that is a
        recording without words, which costs nothing.
        """
        transcript = self._fetch(transcript_id)
        if transcript.status == "error":
            error = _without_urls(transcript.error or "").lower()
            if NO_SPEECH in error:
                return Recording((), 0, "")
            raise ProviderFailedError(_failure_reason(error))
        if transcript.status != "completed":
            return None
        words = tuple(map(_word, transcript.words or []))
        model = transcript.speech_model_used or self._models[0]
        return Recording(words, round((transcript.audio_duration or 0) * 1000), f"assemblyai/{model}")

    def delete(self, transcript_id: str) -> None:
        """Delete the transcript at the provider; deleting it again changes nothing. Raises ProviderError."""
        self._transport.delete(self._transcript_url(transcript_id), self._headers)

    def _newest(self) -> Iterator[ListedTranscript]:
        query: dict[str, int | str] = {"limit": PAGE_SIZE}
        for _ in range(MAX_PAGES):
            fields = self._transport.get(self._url, self._headers, query)
            try:
                page = msgspec.convert(fields, ListResponse).transcripts
            except msgspec.ValidationError as error:
                raise ProviderError("AssemblyAI returned an invalid response. Retry the request.") from error
            yield from page
            if len(page) < PAGE_SIZE:
                return
            query["before_id"] = page[-1].id

    def _fetch(self, transcript_id: str) -> TranscriptResponse:
        return _parse_transcript(self._transport.get(self._transcript_url(transcript_id), self._headers, {}))

    def _transcript_url(self, transcript_id: str) -> str:
        return f"{self._url}/{quote(transcript_id, safe='')}"


def _parse_transcript(fields: dict[str, object]) -> TranscriptResponse:
    try:
        return msgspec.convert(fields, TranscriptResponse)
    except msgspec.ValidationError as error:
        raise ProviderError("AssemblyAI returned an invalid response. Retry the request.") from error


def _word(word: TranscriptWord) -> Word:
    """The word with whole milliseconds. A confidence that is missing must not cost a transcript that is paid for."""
    return Word(word.text, max(round(word.start), 0), max(round(word.end), 0), word.confidence or 0.0)


def _language_code(language: str) -> str:
    """AssemblyAI's code of the language, with the region only where AssemblyAI has it; empty where there is no code."""
    name = primary_language(language)
    return REGIONAL_CODES.get(language, "" if name in UNSUPPORTED_LANGUAGES else name)


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _without_urls(error: str) -> str:
    """The sentence without addresses: a user chose them, so their letters say nothing about the failure."""
    return re.sub(r"https?://\S+", "", error)


def _failure_reason(error: str) -> str:
    """A message for the user. The provider's own repeats the recording's URL, which may be signed."""
    return next((message for marks, message in FAILURES if any(mark in error for mark in marks)), OTHER_FAILURE)


def build(settings: Settings, api_key: str) -> AssemblyAITranscripts:
    """The client that the settings describe."""
    timeout_seconds = settings.assemblyai_job_timeout_seconds
    transport = Transport(ProviderSession(), "AssemblyAI", timeout_seconds, MAX_RECORDING_BYTES)
    return AssemblyAITranscripts(transport, settings.assemblyai_base_url, api_key, settings.assemblyai_model_names)
