"""HTTP to the providers: one deadline for the whole response, bounded size, every failure mapped.

A response is never retried: a repeated recognition may be billed twice, so the fallback is another provider. A request
that found a dead connection is sent once more, if that cannot cost money twice (docs/providers.md).
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
from .connections import Attempt, ProviderSession as ProviderSession, current_attempt

CONNECT_TIMEOUT_SECONDS = 3.05
MAX_RESPONSE_BYTES = 4 * 1024 * 1024
DEFAULT_RETRY_AFTER_SECONDS, LONGEST_RETRY_AFTER_SECONDS = 5, 120
QUOTA_RETRY_AFTER_SECONDS = 300
SILENCE_SHARE = 1 / 3  # of the deadline: without an answer by then, a kept connection is taken for dead
# The owner has to pay the provider's bill before this ends: `provider_quota` in the log line triggers an alarm.
QUOTA_MARKS = (
    b"insufficient_quota",
    b"credit_balance_exhausted",
    b"organization_spend_limit_exceeded",
    b"project_spend_limit_exceeded",
    b"organization_usage_limit_exceeded",
    b"account balance is negative",
)


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

    def post_json(
        self, url: str, headers: dict[str, str], fields: dict[str, Any], *, is_repeatable: bool = False
    ) -> dict[str, Any]:
        """POST a JSON object. Returns and raises as `post` does. `is_repeatable`: a second request costs nothing."""
        return self._call("POST", url, is_repeatable=is_repeatable, headers=headers, json=fields)

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> dict[str, Any]:
        """GET with `query`. Returns and raises as `post` does."""
        return self._call("GET", url, headers=headers, params=query)

    def delete(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        """DELETE. Returns and raises as `post` does."""
        return self._call("DELETE", url, headers=headers)

    def _call(self, method: str, url: str, *, is_repeatable: bool = False, **content: Any) -> dict[str, Any]:
        try:
            return self._parse(self._exchange(_Request(method, url, content, is_repeatable or method != "POST")))
        except ProviderError as error:
            request_facts().provider_failures.append(f"{self._provider}: {error.log_note or error.code}")
            raise

    def _exchange(self, request: "_Request") -> "_Response":
        """The response, after a second attempt where the connection of the first one had died.

        Attempts run in threads: a socket's timeout restarts with every byte, also in the headers, so it cannot limit
        the whole call. A thread that is left behind ends by itself at its next byte.
        """
        ends_at = time.monotonic() + self._deadline_seconds
        outcomes: SimpleQueue[_Response | Exception] = SimpleQueue()
        first, running, is_last = self._start(request, ends_at, outcomes), 1, False
        waits_until = ends_at - self._deadline_seconds * (1 - SILENCE_SHARE) if request.is_repeatable else ends_at
        while True:
            try:
                outcome = outcomes.get(timeout=max(0, waits_until - time.monotonic()))
            except Empty:
                if waits_until == ends_at:
                    raise ProviderTimeoutError(
                        f"{self._provider} did not respond in time. Retry the request."
                    ) from None
                waits_until, is_dead = ends_at, first.is_on_kept_connection and not first.is_answered
            else:
                running -= 1
                if isinstance(outcome, _Response):
                    return outcome
                is_dead = (
                    _is_lost(outcome) and not first.is_answered and (request.is_repeatable or not first.is_written)
                )
                if (is_last or not is_dead) and not running:
                    raise self._failure(outcome) from outcome
            if is_dead and not is_last:
                self._start(request, ends_at, outcomes)
                running, waits_until, is_last = running + 1, ends_at, True

    def _start(self, request: "_Request", ends_at: float, outcomes: "SimpleQueue[_Response | Exception]") -> Attempt:
        request_facts().provider_calls += 1
        attempt = Attempt()
        Thread(target=self._send, args=(request, attempt, ends_at, outcomes), daemon=True).start()
        return attempt

    def _send(
        self, request: "_Request", attempt: Attempt, ends_at: float, outcomes: "SimpleQueue[_Response | Exception]"
    ) -> None:
        current_attempt.set(attempt)
        try:
            with self._session.request(
                request.method,
                request.url,
                **request.content,
                timeout=(CONNECT_TIMEOUT_SECONDS, self._deadline_seconds),
                stream=True,
                allow_redirects=False,
            ) as response:
                outcomes.put(_Response(response.status_code, response.headers, self._read_body(response, ends_at)))
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            outcomes.put(error)

    def _failure(self, error: Exception) -> Exception:
        if _is_timeout(error):
            return ProviderTimeoutError(f"{self._provider} did not respond in time. Retry the request.")
        if _is_lost(error):
            return ProviderError(f"{self._provider} could not be reached. Retry the request.")
        return error

    def _read_body(self, response: requests.Response, ends_at: float) -> bytes:
        body = bytearray()
        while chunk := response.raw.read1(65_536, decode_content=True):
            body += chunk
            if time.monotonic() > ends_at:
                raise TimeoutError  # The caller has stopped waiting.
            if len(body) > self._max_response_bytes:
                raise ProviderError(f"{self._provider} returned a response that is too large. Retry the request.")
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and "Content-Encoding" not in response.headers and len(body) < int(declared):
            raise ProviderError(
                f"{self._provider} closed the connection before its response was complete. Retry the request."
            )
        return bytes(body)

    def _parse(self, response: "_Response") -> dict[str, Any]:
        status, body = response.status, response.body
        request_id = response.headers.get("x-request-id", "")
        note = f"status {status} {request_id}".strip()
        if status in (400, 402, 403, 429) and any(mark in body for mark in QUOTA_MARKS):
            request_facts().notes["provider_quota"] = self._provider
            raise ProviderUnavailableError(
                f"{self._provider} is not available. Retry the request later.", QUOTA_RETRY_AFTER_SECONDS, note
            )
        if status in (408, 504):
            raise ProviderTimeoutError(f"{self._provider} did not respond in time. Retry the request.", note)
        if status in (429, 503):
            wait_seconds = _retry_after_seconds(response.headers.get("Retry-After", ""))
            raise ProviderUnavailableError(f"{self._provider} is overloaded. Retry the request.", wait_seconds, note)
        if status in (401, 403):
            raise ProviderDeniedError(f"{self._provider} rejected the request. Retry it later.", note)
        if 400 <= status < 500:
            raise ProviderRefusedError(f"{self._provider} rejected the request. Retry it later.", note)
        if not 200 <= status < 300:
            raise ProviderError(f"{self._provider} rejected the request. Retry it later.", note)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProviderError(f"{self._provider} returned an invalid response. Retry the request.", note) from error


@dataclass(frozen=True)
class _Request:
    """`is_repeatable`: the provider may receive it twice."""

    method: str
    url: str
    content: dict[str, Any]
    is_repeatable: bool


@dataclass(frozen=True)
class _Response:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _is_timeout(error: Exception) -> bool:
    return isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError)


def _is_lost(error: Exception) -> bool:
    """Whether the connection failed."""
    is_failure = isinstance(error, requests.RequestException | urllib3.exceptions.HTTPError | OSError)
    return is_failure and not _is_timeout(error)


def _retry_after_seconds(value: str) -> int:
    """The provider's Retry-After in seconds, between 1 and 120; the default for a date or an invalid value."""
    if not (value.isascii() and value.isdigit()):
        return DEFAULT_RETRY_AFTER_SECONDS
    return min(max(int(value), 1), LONGEST_RETRY_AFTER_SECONDS)
