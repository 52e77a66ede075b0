"""HTTP to the providers: one deadline for the whole response, bounded size, every failure mapped.

Nothing is retried here: a repeated recognition may be billed twice, so the fallback is another provider
(docs/providers.md).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

import msgspec
import requests
import urllib3

from ..errors import (
    ProviderDeniedError,
    ProviderError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from ..logs.request_facts import request_facts

CONNECT_TIMEOUT_SECONDS = 3.05
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
DEFAULT_RETRY_AFTER_SECONDS, LONGEST_RETRY_AFTER_SECONDS = 5, 120
QUOTA_RETRY_AFTER_SECONDS = 300
# The owner has to pay the provider's bill before this ends: `provider_quota` in the log line triggers an alarm.
QUOTA_MARKS = (
    b"insufficient_quota",
    b"credit_balance_exhausted",
    b"organization_spend_limit_exceeded",
    b"project_spend_limit_exceeded",
    b"organization_usage_limit_exceeded",
    b"account balance is negative",
)


class ProviderSession(requests.Session):
    """Keeps connections open. It follows no redirect and takes no configuration from the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # A .netrc would replace our key; a proxy variable would send it elsewhere.

    def get_redirect_target(self, _: Any) -> None:
        """None: otherwise requests reads the redirect's whole body, unbounded, even if it does not follow it."""


class Transport:
    """Calls one provider. `deadline_seconds` limits connecting, sending and reading together."""

    def __init__(
        self,
        session: ProviderSession,
        provider: str,
        deadline_seconds: float,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ):
        self._session, self._provider, self._deadline_seconds = session, provider, deadline_seconds
        self._max_response_bytes = max_response_bytes

    def post(self, url: str, headers: dict[str, str], parts: list[tuple[str, Any]]) -> dict[str, Any]:
        """POST multipart `parts`, in order. Returns the JSON object of the response.

        Raises ProviderError, or one of its kinds: ProviderRefusedError, ProviderTimeoutError, ProviderUnavailableError.
        """
        return self._call("POST", url, headers=headers, files=parts)

    def post_json(self, url: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
        """POST a JSON object. Returns and raises as `post` does."""
        return self._call("POST", url, headers=headers, json=fields)

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> dict[str, Any]:
        """GET with `query`. Returns and raises as `post` does."""
        return self._call("GET", url, headers=headers, params=query)

    def delete(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        """DELETE. Returns and raises as `post` does."""
        return self._call("DELETE", url, headers=headers)

    def _call(self, method: str, url: str, **content: Any) -> dict[str, Any]:
        """Send the request in a thread and wait for the response until the deadline.

        A socket's timeout restarts with every byte, also in the headers, so it cannot limit the whole call. A thread
        that is left behind ends by itself at its next byte.
        """
        request_facts().provider_calls += 1
        outcomes: SimpleQueue[_Response | Exception] = SimpleQueue()
        ends_at = time.monotonic() + self._deadline_seconds
        Thread(target=self._send, args=(outcomes, ends_at, method, url, content), daemon=True).start()
        try:
            try:
                outcome = outcomes.get(timeout=self._deadline_seconds)
            except Empty:
                raise ProviderTimeoutError(f"{self._provider} did not respond in time.") from None
            if isinstance(outcome, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
                raise ProviderTimeoutError(f"{self._provider} did not respond in time.") from outcome
            if isinstance(outcome, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
                raise ProviderError(f"{self._provider} could not be reached.") from outcome
            if isinstance(outcome, Exception):
                raise outcome
            return self._parse(outcome)
        except ProviderError as error:
            request_facts().provider_failures.append(f"{self._provider}: {error.log_note or error.code}")
            raise

    def _send(
        self, outcomes: "SimpleQueue[_Response | Exception]", ends_at: float, method: str, url: str, content: Any
    ) -> None:
        try:
            with self._session.request(
                method,
                url,
                **content,
                timeout=(CONNECT_TIMEOUT_SECONDS, self._deadline_seconds),
                stream=True,
                allow_redirects=False,
            ) as response:
                outcomes.put(_Response(response.status_code, response.headers, self._read_body(response, ends_at)))
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            outcomes.put(error)

    def _read_body(self, response: requests.Response, ends_at: float) -> bytes:
        body = bytearray()
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if time.monotonic() > ends_at:
                raise TimeoutError  # The caller has stopped waiting.
            if len(body) > self._max_response_bytes:
                raise ProviderError(f"{self._provider} returned a response that is too large.")
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and "Content-Encoding" not in response.headers and len(body) < int(declared):
            raise ProviderError(f"{self._provider} closed the connection before its response was complete.")
        return bytes(body)

    def _parse(self, response: "_Response") -> dict[str, Any]:
        status, body = response.status, response.body
        request_id = response.headers.get("x-request-id", "")
        note = f"status {status} {request_id}".strip()
        if status in (400, 402, 403, 429) and any(mark in body for mark in QUOTA_MARKS):
            request_facts().notes["provider_quota"] = self._provider
            raise ProviderUnavailableError(f"{self._provider} is not available.", QUOTA_RETRY_AFTER_SECONDS, note)
        if status in (408, 504):
            raise ProviderTimeoutError(f"{self._provider} did not respond in time.", note)
        if status in (429, 503):
            wait_seconds = _retry_after_seconds(response.headers.get("Retry-After", ""))
            raise ProviderUnavailableError(f"{self._provider} is overloaded.", wait_seconds, note)
        if status in (401, 403):
            raise ProviderDeniedError(f"{self._provider} rejected the request.", note)
        if 400 <= status < 500:
            raise ProviderRefusedError(f"{self._provider} rejected the request.", note)
        if not 200 <= status < 300:
            raise ProviderError(f"{self._provider} rejected the request.", note)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProviderError(f"{self._provider} returned an invalid response.", note) from error


@dataclass(frozen=True)
class _Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _retry_after_seconds(value: str) -> int:
    """The provider's Retry-After in seconds, between 1 and 120; the default for a date or an invalid value."""
    if not (value.isascii() and value.isdigit()):
        return DEFAULT_RETRY_AFTER_SECONDS
    return min(max(int(value), 1), LONGEST_RETRY_AFTER_SECONDS)
