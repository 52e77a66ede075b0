"""OpenAI's realtime API: client secrets for direct live streams. Facts and sources: docs/providers.md."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ..errors import ProviderError
from ..models.languages import primary_language
from ..models.sessions import LiveOptions, SocketCredential
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

SAMPLE_RATE = 24_000
LAST_SECOND = 253_402_300_799  # of the year 9999, the latest time that can be formatted


class SecretResponse(msgspec.Struct):
    """The response of POST /realtime/client_secrets. `expires_at`: epoch seconds, UTC."""

    value: Annotated[str, Meta(min_length=1, max_length=4_096)]
    expires_at: Annotated[int, Meta(ge=0, le=LAST_SECOND)]


class OpenAILive:
    """Creates client secrets. Each opens any number of sockets until it expires, and nothing limits their duration.

    So a secret has the shortest lifetime that OpenAI offers, and leases are short (docs/security.md).
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

    def supports_language(self, language: str) -> bool:  # noqa: ARG002 - the model accepts any language
        """Always: OpenAI publishes no list of languages."""
        return True

    def create_socket_credential(self, lease_seconds: int, options: LiveOptions) -> SocketCredential:
        """A client secret for a transcription socket. Raises ProviderError."""
        transcription: dict[str, str | list[str]] = {"model": self._model}
        if language := primary_language(options.language):
            transcription["language"] = language
        if options.key_terms:
            transcription["keywords"] = list(options.key_terms)
        audio = {
            "format": {"type": "audio/pcm", "rate": SAMPLE_RATE},
            "transcription": transcription,
            "turn_detection": None,  # The client ends each turn, so `options.turn` does not apply.
        }
        body = {
            "expires_after": {"anchor": "created_at", "seconds": self._secret_seconds},
            "session": {"type": "transcription", "audio": {"input": audio}},
        }
        url = f"{self._base_url}/realtime/client_secrets"
        fields = self._transport.post_json(url, self._headers, body, is_repeatable=True)
        try:
            response = msgspec.convert(fields, SecretResponse)
        except msgspec.ValidationError as error:
            raise ProviderError("OpenAI returned no client secret. Retry the request.") from error
        return SocketCredential(
            provider="openai",
            model=f"openai/{self._model}",
            websocket_url=f"{self._base_url.replace('http', 'ws', 1)}/realtime?intent=transcription",
            token=response.value,
            token_expires_at=response.expires_at,
            longest_lease_seconds=min(lease_seconds, self._longest_lease_seconds),
        )


def build(settings: Settings, api_key: str) -> OpenAILive:
    """The client that the settings describe."""
    transport = Transport(ProviderSession(), "OpenAI", settings.token_timeout_seconds)
    return OpenAILive(
        transport,
        settings.openai_base_url,
        api_key,
        settings.openai_live_model,
        longest_lease_seconds=settings.openai_live_lease_seconds,
    )
