"""Live streams that the extension opens itself: what lets one socket in at each provider. Facts: docs/providers.md."""

from collections.abc import Callable
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from msgspec import Meta

from ..errors import ProviderError
from ..models.sessions import LiveOptions, SocketCredential
from .transport import Transport

ASSEMBLYAI_ENGLISH = "universal-streaming-english"
ASSEMBLYAI_MULTILINGUAL = "universal-streaming-multilingual"
ASSEMBLYAI_WITH_KEY_TERMS = "+keyterms"  # a model with key terms costs more, so it has a price of its own
ASSEMBLYAI_LANGUAGES = {"en", "es", "fr", "de", "it", "pt"}
ASSEMBLYAI_LONGEST_SECONDS = 10_800
OPENAI_SAMPLE_RATE = 24_000
LAST_SECOND = 253_402_300_799  # of the year 9999: later times cannot be told

Credential = Annotated[str, Meta(min_length=1, max_length=4_096)]


class TokenAnswer(msgspec.Struct):
    """AssemblyAI's answer to GET /v3/token."""

    token: Credential
    expires_in_seconds: int


class SecretAnswer(msgspec.Struct):
    """OpenAI's answer to POST /realtime/client_secrets."""

    value: Credential
    expires_at: Annotated[int, Meta(ge=0, le=LAST_SECOND)]


class AssemblyAILive:
    """Sockets at AssemblyAI's streaming API v3: a token opens one, for at most the lease.

    Source: AssemblyAI docs, "Generate streaming token": one session per token, `max_session_duration_seconds` caps it.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        api_key: str,
        now: Callable[[], int],
        token_seconds: int = 60,
        inactivity_seconds: int = 60,
    ):
        self._transport, self._base_url = transport, base_url.rstrip("/")
        self._headers, self._now = {"Authorization": api_key}, now
        self._token_seconds, self._inactivity_seconds = token_seconds, inactivity_seconds

    def supports_language(self, language: str) -> bool:
        """Whether one of the streaming models has the language."""
        return _code(language) in ASSEMBLYAI_LANGUAGES

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        """A single-use token whose socket closes when the lease does. Raises ProviderError."""
        model = ASSEMBLYAI_ENGLISH if _code(options.language) == "en" else ASSEMBLYAI_MULTILINGUAL
        query: dict[str, int | str] = {
            "expires_in_seconds": self._token_seconds,
            "max_session_duration_seconds": lease_seconds,
        }
        asked_at = self._now()  # The provider counts from before its answer reaches us.
        fields = self._transport.get(f"{self._base_url}/v3/token", self._headers, query)
        try:
            answer = msgspec.convert(fields, TokenAnswer)
        except msgspec.ValidationError as error:
            raise ProviderError("AssemblyAI gave no token.") from error
        return SocketCredential(
            provider="assemblyai",
            model=f"assemblyai/{model}{ASSEMBLYAI_WITH_KEY_TERMS if options.key_terms else ''}",
            websocket_url=self._websocket_url(model, options),
            token=answer.token,
            token_expires_at=asked_at + self._token_seconds,
            longest_lease_seconds=ASSEMBLYAI_LONGEST_SECONDS,
        )

    def _websocket_url(self, model: str, options: LiveOptions) -> str:
        """Without the token, which the extension adds as `&token=`. An unknown parameter would be ignored silently."""
        query = {
            "speech_model": model,
            "sample_rate": str(options.sample_rate),
            "encoding": "pcm_s16le",
            "format_turns": "true",
            "inactivity_timeout": str(self._inactivity_seconds),
        }
        if options.key_terms:
            query["keyterms_prompt"] = msgspec.json.encode(options.key_terms).decode()
        if model == ASSEMBLYAI_MULTILINGUAL:
            query["language_detection"] = "true"
        address = self._base_url.replace("http", "ws", 1)
        return f"{address}/v3/ws?{urlencode(query)}"


def _code(language: str) -> str:
    return language.split("-")[0] or "en"


class OpenAILive:
    """Sockets at OpenAI's realtime API, the second choice.

    A client secret opens any number of sockets until it expires and nothing caps them (docs/security.md), so its life
    is the shortest there is and its leases are short.
    """

    def __init__(
        self,
        transport: Transport,
        base_url: str,
        api_key: str,
        model: str,
        secret_seconds: int = 10,
        longest_lease_seconds: int = 60,
    ):
        self._transport, self._base_url, self._model = transport, base_url.rstrip("/"), model
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._secret_seconds, self._longest_lease_seconds = secret_seconds, longest_lease_seconds

    def supports_language(self, language: str) -> bool:  # noqa: ARG002 - the model takes any language
        """It has no list of languages."""
        return True

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        """A client secret for a transcription socket. Raises ProviderError."""
        transcription: dict[str, str | list[str]] = {"model": self._model}
        if options.language:
            transcription["language"] = _code(options.language)
        if options.key_terms:
            transcription["keywords"] = list(options.key_terms)
        audio = {
            "format": {"type": "audio/pcm", "rate": OPENAI_SAMPLE_RATE},
            "transcription": transcription,
            "turn_detection": None,
        }
        body = {
            "expires_after": {"anchor": "created_at", "seconds": self._secret_seconds},
            "session": {"type": "transcription", "audio": {"input": audio}},
        }
        fields = self._transport.post_json(f"{self._base_url}/realtime/client_secrets", self._headers, body)
        try:
            answer = msgspec.convert(fields, SecretAnswer)
        except msgspec.ValidationError as error:
            raise ProviderError("OpenAI gave no client secret.") from error
        return SocketCredential(
            provider="openai",
            model=f"openai/{self._model}",
            websocket_url=f"{self._base_url.replace('http', 'ws', 1)}/realtime?intent=transcription",
            token=answer.value,
            token_expires_at=answer.expires_at,
            longest_lease_seconds=min(lease_seconds, self._longest_lease_seconds),
        )
