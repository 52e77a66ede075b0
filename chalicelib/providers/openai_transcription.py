"""OpenAI, or any server that speaks its API (vLLM, Speaches): the calls we make. Facts: docs/providers.md."""

from typing import Annotated

import msgspec

from ..errors import ProviderError
from ..models.audio import Audio
from ..models.transcripts import Recognition
from .transport import Transport


class TranscriptionAnswer(msgspec.Struct):
    """What every compatible server answers; usage and request ids are optional and not relied on."""

    text: Annotated[str, msgspec.Meta(max_length=20_000)]


class OpenAITranscription:
    """Recognises a short recording in one call; its answer has no word times."""

    def __init__(self, transport: Transport, base_url: str, api_key: str, model: str):
        self._transport, self._url, self._model = transport, f"{base_url.rstrip('/')}/audio/transcriptions", model
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def recognise(self, audio: Audio, language: str) -> Recognition:
        """The text of `audio`. `language` may be empty. Raises ProviderError."""
        parts: list[tuple[str, object]] = [("model", (None, self._model)), ("response_format", (None, "json"))]
        if language:
            parts.append(("language", (None, language.split("-")[0])))
        parts.append(("file", ("chunk.wav", audio.as_wav(), "audio/wav")))
        fields = self._transport.post(self._url, self._headers, parts)
        try:
            answer = msgspec.convert(fields, TranscriptionAnswer)
        except msgspec.ValidationError as error:
            raise ProviderError("OpenAI answered nonsense.") from error
        return Recognition(answer.text, f"openai/{self._model}")
