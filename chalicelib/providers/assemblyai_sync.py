"""AssemblyAI's Sync API: short recordings, recognised in one call. Facts and sources: docs/providers.md."""

from typing import Annotated

import msgspec

from ..errors import ProviderError
from ..models.audio import Audio
from ..models.languages import primary_language
from ..models.transcripts import Recognition, Word
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

Milliseconds = Annotated[int, msgspec.Meta(ge=-1_000, le=1_000_000)]


class SyncWord(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(max_length=500)]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    start: Milliseconds | None = None
    end: Milliseconds | None = None


class SyncResponse(msgspec.Struct):
    """The fields of the response that we read. The limits are more than two minutes of speech can fill."""

    text: Annotated[str, msgspec.Meta(max_length=20_000)]
    words: Annotated[list[SyncWord], msgspec.Meta(max_length=5_000)] = []


class AssemblyAISync:
    """Recognises the chunks of relay sessions."""

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
            raise ProviderError("AssemblyAI returned an invalid response.") from error
        words = tuple(
            Word(word.text, max(word.start, 0), max(word.end, 0), word.confidence)
            for word in response.words
            if word.start is not None and word.end is not None
        )
        return Recognition(response.text, f"assemblyai/sync-{self._model}", words)


def build(settings: Settings, api_key: str) -> AssemblyAISync:
    """The client that the settings describe."""
    transport = Transport(ProviderSession(), "AssemblyAI", settings.assemblyai_timeout_seconds)
    return AssemblyAISync(transport, settings.assemblyai_sync_base_url, api_key, settings.assemblyai_sync_model)
