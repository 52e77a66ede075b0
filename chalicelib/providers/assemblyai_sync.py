"""AssemblyAI's Sync API: short recordings, recognised in one call. Facts and sources: docs/providers.md."""

from typing import Annotated, Any

import msgspec

from ..errors import ProviderError
from ..models.audio import Audio
from ..models.languages import primary_language
from ..models.transcripts import Recognition, Word
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

SHORTEST_MS = 80  # the provider refuses less
LONGEST_WORD_END_MS = 1_000_000
MAX_WORDS = 5_000  # more than two minutes of speech can fill


class SyncWord(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(max_length=500)]
    start: float
    end: float
    confidence: float | None = None


class SyncResponse(msgspec.Struct):
    """The fields of the response that we read: the text, and words that are each read by itself."""

    text: Annotated[str, msgspec.Meta(max_length=20_000)]
    words: Any = None


class AssemblyAISync:
    """Recognises the chunks of relay sessions."""

    shortest_ms = SHORTEST_MS

    def __init__(self, transport: Transport, base_url: str, api_key: str, model: str):
        self._transport, self._url, self._model = transport, f"{base_url.rstrip('/')}/v1/transcribe", model
        self._headers = {"Authorization": api_key, "X-AAI-Model": model}

    def recognise(self, audio: Audio, language: str) -> Recognition:
        """The text of `audio` with the time of each word. `language` may be empty or `auto`. Raises ProviderError.

        Source: AssemblyAI Sync API; the part `config` must come before `audio`.
        """
        config: dict[str, object] = {"timestamps": True}
        if code := primary_language(language):
            config["language_codes"] = [code]
        parts = [
            ("config", (None, msgspec.json.encode(config), "application/json")),
            ("audio", ("chunk.wav", audio.as_wav(), "audio/wav")),
        ]
        fields = self._transport.post(self._url, self._headers, parts)
        try:
            response = msgspec.convert(fields, SyncResponse)
        except msgspec.ValidationError as error:
            raise ProviderError("AssemblyAI returned an invalid response. Retry the request.") from error
        words = response.words[:MAX_WORDS] if isinstance(response.words, list) else []
        timed_words = tuple(word for fields in words if (word := _read_word(fields)))
        return Recognition(response.text, f"assemblyai/sync-{self._model}", timed_words)


def _read_word(fields: object) -> Word | None:
    """A word with its times; None if it has none. An odd word must not cost the text, which is paid for already."""
    try:
        word = msgspec.convert(fields, SyncWord)
    except msgspec.ValidationError:
        return None
    start_ms, end_ms = (round(min(max(ms, 0), LONGEST_WORD_END_MS)) for ms in (word.start, word.end))
    return Word(word.text, start_ms, end_ms, min(max(word.confidence or 0.0, 0.0), 1.0))


def build(settings: Settings, api_key: str) -> AssemblyAISync:
    """The client that the settings describe."""
    transport = Transport(ProviderSession(), "AssemblyAI", settings.assemblyai_timeout_seconds)
    return AssemblyAISync(transport, settings.assemblyai_sync_base_url, api_key, settings.assemblyai_sync_model)
