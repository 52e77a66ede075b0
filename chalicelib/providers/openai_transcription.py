"""OpenAI's transcription API, also of compatible servers (vLLM, Speaches): short recordings, recognised in one call.

Facts and sources: docs/providers.md.
"""

from typing import Annotated

import msgspec

from ..errors import ProviderError
from ..models.audio import Audio
from ..models.languages import primary_language
from ..models.transcripts import Recognition
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

SHORTEST_MS = 100  # the provider refuses less


class TranscriptionResponse(msgspec.Struct):
    """The one field that every compatible server returns."""

    text: Annotated[str, msgspec.Meta(max_length=20_000)]


class OpenAITranscription:
    """Recognises the chunks of relay sessions, without the times of words."""

    shortest_ms = SHORTEST_MS

    def __init__(self, transport: Transport, base_url: str, api_key: str, model: str):
        self._transport, self._url, self._model = transport, f"{base_url.rstrip('/')}/audio/transcriptions", model
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def recognise(self, audio: Audio, language: str) -> Recognition:
        """The text of `audio`. `language` may be empty. Raises ProviderError."""
        parts: list[tuple[str, object]] = [("model", (None, self._model)), ("response_format", (None, "json"))]
        if code := primary_language(language):
            parts.append(("language", (None, code)))
        parts.append(("file", ("chunk.wav", audio.as_wav(), "audio/wav")))
        fields = self._transport.post(self._url, self._headers, parts)
        try:
            response = msgspec.convert(fields, TranscriptionResponse)
        except msgspec.ValidationError as error:
            raise ProviderError("OpenAI returned an invalid response. Retry the request.") from error
        return Recognition(response.text, f"openai/{self._model}")


def build(settings: Settings, api_key: str) -> OpenAITranscription:
    """The client that the settings describe."""
    transport = Transport(ProviderSession(), "OpenAI", settings.openai_timeout_seconds)
    return OpenAITranscription(transport, settings.openai_base_url, api_key, settings.openai_transcription_model)
