"""AssemblyAI's pre-recorded transcripts: create, find, fetch, delete. Facts and sources: docs/providers.md."""

from collections.abc import Iterator
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec

from ..errors import ProviderError, ProviderFailedError
from ..models.catchup import WEBHOOK_SECRET_HEADER, Recording, TranscriptionOrder
from ..models.transcripts import Word
from .transport import Transport

LISTED, PAGES = 200, 5  # what one page of the list holds at most; a thousand orders may be newer than a lost one
LOOKED_AT = 20
# The only regions that AssemblyAI has codes for; any other regional code would have the whole order refused.
REGIONAL_CODES = {"en-AU": "en_au", "en-GB": "en_uk", "en-US": "en_us", "de-CH": "de_ch"}
UNKNOWN_LANGUAGES = {"yue"}  # Cantonese: known to Whisper, not on their list
Milliseconds = Annotated[int, msgspec.Meta(ge=-1_000, le=360_000_000)]


class TranscriptWord(msgspec.Struct):
    text: str
    start: Milliseconds
    end: Milliseconds
    confidence: float = 0.0


class TranscriptAnswer(msgspec.Struct):
    """What we look at of a transcript; `audio_duration` is in seconds and of the whole recording."""

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


class ListAnswer(msgspec.Struct):
    transcripts: list[ListedTranscript]


class AssemblyAITranscripts:
    """Recordings of up to ten hours, transcribed while nobody waits."""

    def __init__(self, transport: Transport, base_url: str, api_key: str, models: list[str]):
        self._transport, self._url, self._models = transport, f"{base_url.rstrip('/')}/v2/transcript", models
        self._headers = {"Authorization": api_key}

    def submit(self, order: TranscriptionOrder) -> str:
        """Order a transcript; its id at the provider.

        Raises ProviderError. After ProviderRefusedError nothing was ordered; after any other it may have been.
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
        return self._transcript(self._transport.post_json(self._url, self._headers, fields)).id

    def find(self, order: TranscriptionOrder) -> str | None:
        """The id of the transcript ordered with this webhook, among the newest thousand; None if there is none."""
        alike = [one for one in self._newest() if _without_query(one.audio_url) == _without_query(order.audio_url)]
        # Some hosts tell all their files apart by the query.
        alike.sort(key=lambda one: one.audio_url != order.audio_url)
        for one in alike[:LOOKED_AT]:
            if self._fetched(one.id).webhook_url == order.webhook_url:
                return one.id
        return None

    def recording(self, transcript_id: str) -> Recording | None:
        """What was recognised; None while the provider is at it. Raises ProviderFailedError, ProviderError."""
        answer = self._fetched(transcript_id)
        if answer.status == "error":
            raise ProviderFailedError(_reason(answer.error or ""))
        if answer.status != "completed":
            return None
        words = tuple(Word(w.text, max(w.start, 0), max(w.end, 0), w.confidence) for w in answer.words or [])
        model = answer.speech_model_used or self._models[0]
        return Recording(words, round((answer.audio_duration or 0) * 1000), f"assemblyai/{model}")

    def delete(self, transcript_id: str) -> None:
        """Have the provider forget the transcript; again, or of one that is gone, the same. Raises ProviderError."""
        self._transport.delete(self._one(transcript_id), self._headers)

    def _newest(self) -> Iterator[ListedTranscript]:
        query: dict[str, int | str] = {"limit": LISTED}
        for _ in range(PAGES):
            fields = self._transport.get(self._url, self._headers, query)
            try:
                page = msgspec.convert(fields, ListAnswer).transcripts
            except msgspec.ValidationError as error:
                raise ProviderError("AssemblyAI answered nonsense.") from error
            yield from page
            if len(page) < LISTED:
                return
            query["before_id"] = page[-1].id

    def _fetched(self, transcript_id: str) -> TranscriptAnswer:
        return self._transcript(self._transport.get(self._one(transcript_id), self._headers, {}))

    def _one(self, transcript_id: str) -> str:
        return f"{self._url}/{quote(transcript_id, safe='')}"

    def _transcript(self, fields: dict[str, object]) -> TranscriptAnswer:
        try:
            return msgspec.convert(fields, TranscriptAnswer)
        except msgspec.ValidationError as error:
            raise ProviderError("AssemblyAI answered nonsense.") from error


def _language_code(language: str) -> str:
    """The language in AssemblyAI's words, its region only where that is one of theirs; empty where it has none."""
    name = language.split("-")[0]
    return REGIONAL_CODES.get(language, "" if name in UNKNOWN_LANGUAGES else name)


def _without_query(url: str) -> str:
    return url.partition("?")[0]


def _reason(error: str) -> str:
    """The provider's reason in our words: theirs repeats the address, which may be signed."""
    known = {
        "Download error": "The recording could not be fetched from its address.",
        "File does not appear to contain audio": "The file does not hold audio.",
        "Audio duration is too short": "The recording is too short.",
    }
    return next(
        (ours for theirs, ours in known.items() if error.startswith(theirs)), "The recording was not recognised."
    )
