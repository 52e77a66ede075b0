"""AssemblyAI: the calls we make. No other file knows its addresses or its JSON. Facts: docs/providers.md."""

from typing import Annotated

import msgspec

from ..errors import ProviderError
from ..models.audio import Audio
from ..models.transcripts import Recognition, Word
from .transport import Transport

Milliseconds = Annotated[int, msgspec.Meta(ge=-1_000, le=1_000_000)]


class SyncWord(msgspec.Struct):
    text: Annotated[str, msgspec.Meta(max_length=500)]
    confidence: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    start: Milliseconds | None = None
    end: Milliseconds | None = None


class SyncAnswer(msgspec.Struct):
    """What the Sync API answers; fields beyond these are not looked at. Two minutes hold no more than this."""

    text: Annotated[str, msgspec.Meta(max_length=20_000)]
    words: Annotated[list[SyncWord], msgspec.Meta(max_length=5_000)] = []


class AssemblyAISync:
    """Recognises a short recording in one call."""

    def __init__(self, transport: Transport, base_url: str, api_key: str, model: str):
        self._transport, self._url, self._model = transport, f"{base_url.rstrip('/')}/v1/transcribe", model
        self._headers = {"Authorization": api_key, "X-AAI-Model": model}

    def recognise(self, audio: Audio, language: str) -> Recognition:
        """The words of `audio`, timed. `language` may be empty. Raises ProviderError.

        Source: AssemblyAI Sync API; the part `config` must come before `audio`.
        """
        config: dict[str, object] = {"timestamps": True}
        if language:
            config["language_codes"] = [language.split("-")[0]]
        parts = [
            ("config", (None, msgspec.json.encode(config), "application/json")),
            ("audio", ("chunk.wav", audio.as_wav(), "audio/wav")),
        ]
        fields = self._transport.post(self._url, self._headers, parts)
        try:
            answer = msgspec.convert(fields, SyncAnswer)
        except msgspec.ValidationError as error:
            raise ProviderError("AssemblyAI answered nonsense.") from error
        words = tuple(
            Word(word.text, max(word.start, 0), max(word.end, 0), word.confidence)
            for word in answer.words
            if word.start is not None and word.end is not None
        )
        return Recognition(answer.text, f"assemblyai/sync-{self._model}", words)
