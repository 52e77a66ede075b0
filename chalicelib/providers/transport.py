"""HTTP to the providers: one deadline for the whole answer, bounded size, every failure mapped.

Nothing is retried here: a repeated recognition may be billed twice, so the fallback is another provider
(docs/providers.md).
"""

import time
from dataclasses import dataclass
from typing import Any

import msgspec
import requests
import urllib3

from ..errors import ProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..telemetry import tally

CONNECT_TIMEOUT_SECONDS = 3.05
MAX_ANSWER_BYTES = 4 * 1024 * 1024
LONGEST_RETRY_AFTER_SECONDS = 120
QUOTA_RETRY_AFTER_SECONDS = 300
# Somebody has to pay the provider's bill before this heals: the alarm on `provider_quota` calls the owner.
QUOTA_MARKS = (
    b"insufficient_quota",
    b"credit_balance_exhausted",
    b"organization_spend_limit_exceeded",
    b"project_spend_limit_exceeded",
    b"organization_usage_limit_exceeded",
    b"account balance is negative",
)


@dataclass(frozen=True)
class ProviderAnswer:
    """A 2xx answer's JSON object."""

    fields: dict[str, Any]
    request_id: str


class Session(requests.Session):
    """Connections that are kept open. A redirect is an answer like any other."""

    def get_redirect_target(self, _: Any) -> None:
        """Nowhere: even where none is followed, requests would first read the redirect's whole body, unbounded."""


class Transport:
    """Calls one provider. `deadline_seconds` bounds connecting, sending and reading together."""

    def __init__(self, session: Session, provider: str, deadline_seconds: float):
        self._session, self._provider, self._deadline_seconds = session, provider, deadline_seconds

    def post(self, url: str, headers: dict[str, str], parts: list[tuple[str, Any]]) -> ProviderAnswer:
        """POST multipart `parts`, in order. Raises ProviderError, ProviderTimeoutError or ProviderUnavailableError."""
        return self._send("POST", url, headers=headers, files=parts)

    def post_json(self, url: str, headers: dict[str, str], fields: dict[str, Any]) -> ProviderAnswer:
        """POST a JSON object. Raises as `post` does."""
        return self._send("POST", url, headers=headers, json=fields)

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> ProviderAnswer:
        """GET with `query`. Raises as `post` does."""
        return self._send("GET", url, headers=headers, params=query)

    def _send(self, method: str, url: str, **content: Any) -> ProviderAnswer:
        tally().provider_calls += 1
        ends_at = time.monotonic() + self._deadline_seconds
        try:
            with self._session.request(
                method,
                url,
                **content,
                timeout=(CONNECT_TIMEOUT_SECONDS, self._deadline_seconds),
                stream=True,
                allow_redirects=False,
            ) as response:
                body = self._body(response, ends_at)
                return self._checked(response, body)
        except (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise ProviderTimeoutError(f"{self._provider} did not answer in time.") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise ProviderError(f"{self._provider} could not be reached.") from error

    def _body(self, response: requests.Response, ends_at: float) -> bytes:
        """The whole body, read against the deadline: a socket's own timeout starts anew with every byte."""
        body = bytearray()
        while True:
            left = ends_at - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection = response.raw.connection
            if connection is not None and connection.sock is not None:
                connection.sock.settimeout(left)
            piece = response.raw.read1(65_536, decode_content=True)
            if not piece:
                break
            body += piece
            if len(body) > MAX_ANSWER_BYTES:
                raise ProviderError(f"{self._provider} answered more than we read.")
        promised = response.headers.get("Content-Length", "")
        if promised.isdigit() and "Content-Encoding" not in response.headers and len(body) < int(promised):
            raise ProviderError(f"{self._provider} broke off in the middle of its answer.")
        return bytes(body)

    def _checked(self, response: requests.Response, body: bytes) -> ProviderAnswer:
        status = response.status_code
        if status in (400, 402, 403, 429) and any(mark in body for mark in QUOTA_MARKS):
            tally().notes["provider_quota"] = self._provider
            raise ProviderUnavailableError(f"{self._provider} is not available.", QUOTA_RETRY_AFTER_SECONDS)
        if status in (408, 504):
            raise ProviderTimeoutError(f"{self._provider} did not answer in time.")
        if status in (429, 503):
            raise ProviderUnavailableError(f"{self._provider} is overloaded.", _retry_after_seconds(response))
        if not 200 <= status < 300:
            raise ProviderError(f"{self._provider} refused the request.", provider_status=status)
        try:
            fields = msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ProviderError(f"{self._provider} answered nonsense.") from error
        return ProviderAnswer(fields, response.headers.get("x-request-id", ""))


def _retry_after_seconds(response: requests.Response) -> int:
    """The provider's wish, within reason. A date or nonsense counts as the default."""
    value = response.headers.get("Retry-After", "")
    return min(max(int(value), 1), LONGEST_RETRY_AFTER_SECONDS) if value.isascii() and value.isdigit() else 5
