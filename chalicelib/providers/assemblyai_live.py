"""AssemblyAI's streaming API v3: tokens for direct live streams. Facts and sources: docs/providers.md."""

import time
from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from ..errors import ProviderError
from ..models.languages import AUTO
from ..models.sessions import LiveOptions, SocketCredential
from ..settings.provider_registry import ASSEMBLYAI_ENGLISH, ASSEMBLYAI_KEY_TERMS, ASSEMBLYAI_MULTILINGUAL
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

LANGUAGES = {AUTO, "en", "es", "fr", "de", "it", "pt"}
LONGEST_LEASE_SECONDS = 10_800
DEFAULT_SILENCE_MS, DEFAULT_MAX_SILENCE_MS = 400, 1_280  # the provider's own; docs/providers.md


class TokenResponse(msgspec.Struct):
    """The response of GET /v3/token."""

    token: Annotated[str, Meta(min_length=1, max_length=4_096)]
    expires_in_seconds: int


class AssemblyAILive:
    """Creates tokens; each opens one socket, for at most the lease.

    Source: AssemblyAI docs, "Generate streaming token": one session per token, `max_session_duration_seconds` caps it.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        api_key: str,
        now: Callable[[], float] = time.time,
        token_seconds: int = 60,
        inactivity_seconds: int = 60,
    ):
        self._transport, self._base_url = transport, base_url.rstrip("/")
        self._headers, self._now = {"Authorization": api_key}, now
        self._token_seconds, self._inactivity_seconds = token_seconds, inactivity_seconds

    def supports_language(self, language: str) -> bool:
        """Whether one of the streaming models supports the language; empty means English."""
        return _language_code(language) in LANGUAGES

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        """A single-use token whose socket closes when the lease ends. Raises ProviderError."""
        model = ASSEMBLYAI_ENGLISH if _language_code(options.language) == "en" else ASSEMBLYAI_MULTILINGUAL
        query: dict[str, int | str] = {
            "expires_in_seconds": self._token_seconds,
            "max_session_duration_seconds": lease_seconds,
        }
        requested_at = int(self._now())  # The provider's clock for the token starts before its response arrives.
        fields = self._transport.get(f"{self._base_url}/v3/token", self._headers, query)
        try:
            response = msgspec.convert(fields, TokenResponse)
        except msgspec.ValidationError as error:
            raise ProviderError("AssemblyAI returned no token. Retry the request.") from error
        return SocketCredential(
            provider="assemblyai",
            model=f"assemblyai/{model}{ASSEMBLYAI_KEY_TERMS if options.key_terms else ''}",
            websocket_url=self._websocket_url(model, options),
            token=response.token,
            token_expires_at=requested_at + self._token_seconds,
            longest_lease_seconds=LONGEST_LEASE_SECONDS,
        )

    def _websocket_url(self, model: str, options: LiveOptions) -> str:
        """The socket's URL without the token, which the client appends as `&token=`.

        AssemblyAI ignores unknown parameters silently.
        """
        query = {
            "speech_model": model,
            "sample_rate": str(options.sample_rate),
            "encoding": "pcm_s16le",
            "format_turns": "true",
            "inactivity_timeout": str(self._inactivity_seconds),
        }
        if options.key_terms:
            query["keyterms_prompt"] = msgspec.json.encode(options.key_terms).decode()
        turn = options.turn
        silence_ms = DEFAULT_SILENCE_MS if turn.silence_ms is None else turn.silence_ms
        max_silence_ms = DEFAULT_MAX_SILENCE_MS if turn.max_silence_ms is None else turn.max_silence_ms
        if turn.silence_ms is not None:
            query["min_turn_silence"] = str(silence_ms)
        if turn.max_silence_ms is not None or silence_ms > max_silence_ms:
            query["max_turn_silence"] = str(max(silence_ms, max_silence_ms))
        if turn.confidence_thousandths is not None:
            query["end_of_turn_confidence_threshold"] = str(turn.confidence_thousandths / 1000)
        if model == ASSEMBLYAI_MULTILINGUAL:
            query["language_detection"] = "true"
        return f"{self._base_url.replace('http', 'ws', 1)}/v3/ws?{urlencode(query)}"


def _language_code(language: str) -> str:
    return language.split("-")[0] or "en"


def build(settings: Settings, api_key: str) -> AssemblyAILive:
    """The client that the settings describe."""
    transport = Transport(ProviderSession(), "AssemblyAI", settings.token_timeout_seconds)
    return AssemblyAILive(transport, settings.assemblyai_streaming_base_url, api_key)
