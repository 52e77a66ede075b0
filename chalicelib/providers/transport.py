"""HTTP to the providers: one deadline for the whole answer, bounded size, every failure mapped.

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
from ..logs.request_log import request_log

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


class ProviderSession(requests.Session):
    """Connections that are kept open. A redirect is an answer like any other, and the environment has no say."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # A .netrc would replace our key, a proxy variable would send it elsewhere.

    def get_redirect_target(self, _: Any) -> None:
        """Nowhere: even where none is followed, requests would first read the redirect's whole body, unbounded."""


class Transport:
    """Calls one provider. `deadline_seconds` bounds connecting, sending and reading together."""

    def __init__(
        self, session: ProviderSession, provider: str, deadline_seconds: float, max_answer_bytes: int = MAX_ANSWER_BYTES
    ):
        self._session, self._provider, self._deadline_seconds = session, provider, deadline_seconds
        self._max_answer_bytes = max_answer_bytes

    def post(self, url: str, headers: dict[str, str], parts: list[tuple[str, Any]]) -> dict[str, Any]:
        """POST multipart `parts`, in order; the answer's JSON object.

        Raises ProviderError, or one of its kinds: ProviderRefusedError, ProviderTimeoutError, ProviderUnavailableError.
        """
        return self._call("POST", url, headers=headers, files=parts)

    def post_json(self, url: str, headers: dict[str, str], fields: dict[str, Any]) -> dict[str, Any]:
        """POST a JSON object. Answers and raises as `post` does."""
        return self._call("POST", url, headers=headers, json=fields)

    def get(self, url: str, headers: dict[str, str], query: dict[str, int | str]) -> dict[str, Any]:
        """GET with `query`. Answers and raises as `post` does."""
        return self._call("GET", url, headers=headers, params=query)

    def delete(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        """DELETE. Answers and raises as `post` does."""
        return self._call("DELETE", url, headers=headers)

    def _call(self, method: str, url: str, **content: Any) -> dict[str, Any]:
        """Ask in a thread of its own and wait for it until the deadline.

        A socket's time-out starts anew with every byte, in the head of an answer too; no other way bounds the whole.
        The thread that is left behind gives up by itself at its next byte.
        """
        request_log().provider_calls += 1
        outcomes: SimpleQueue[_Answer | Exception] = SimpleQueue()
        ends_at = time.monotonic() + self._deadline_seconds
        Thread(target=self._ask, args=(outcomes, ends_at, method, url, content), daemon=True).start()
        try:
            try:
                outcome = outcomes.get(timeout=self._deadline_seconds)
            except Empty:
                raise ProviderTimeoutError(f"{self._provider} did not answer in time.") from None
            if isinstance(outcome, requests.Timeout | urllib3.exceptions.TimeoutError | TimeoutError):
                raise ProviderTimeoutError(f"{self._provider} did not answer in time.") from outcome
            if isinstance(outcome, requests.RequestException | urllib3.exceptions.HTTPError | OSError):
                raise ProviderError(f"{self._provider} could not be reached.") from outcome
            if isinstance(outcome, Exception):
                raise outcome
            return self._checked(outcome)
        except ProviderError as error:
            request_log().provider_failures.append(f"{self._provider}: {error.log_note or error.code}")
            raise

    def _ask(
        self, outcomes: "SimpleQueue[_Answer | Exception]", ends_at: float, method: str, url: str, content: Any
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
                outcomes.put(_Answer(response.status_code, response.headers, self._body(response, ends_at)))
        except Exception as error:  # noqa: BLE001 - the waiting thread raises it
            outcomes.put(error)

    def _body(self, response: requests.Response, ends_at: float) -> bytes:
        body = bytearray()
        while piece := response.raw.read1(65_536, decode_content=True):
            body += piece
            if time.monotonic() > ends_at:
                raise TimeoutError  # Nobody waits any more.
            if len(body) > self._max_answer_bytes:
                raise ProviderError(f"{self._provider} answered more than we read.")
        promised = response.headers.get("Content-Length", "")
        if promised.isdigit() and "Content-Encoding" not in response.headers and len(body) < int(promised):
            raise ProviderError(f"{self._provider} broke off in the middle of its answer.")
        return bytes(body)

    def _checked(self, answer: "_Answer") -> dict[str, Any]:
        status, body = answer.status, answer.body
        request_id = answer.headers.get("x-request-id", "")
        note = f"status {status} {request_id}".strip()
        if status in (400, 402, 403, 429) and any(mark in body for mark in QUOTA_MARKS):
            request_log().notes["provider_quota"] = self._provider
            raise ProviderUnavailableError(f"{self._provider} is not available.", QUOTA_RETRY_AFTER_SECONDS, note)
        if status in (408, 504):
            raise ProviderTimeoutError(f"{self._provider} did not answer in time.", note)
        if status in (429, 503):
            wait_seconds = _retry_after_seconds(answer.headers.get("Retry-After", ""))
            raise ProviderUnavailableError(f"{self._provider} is overloaded.", wait_seconds, note)
        if status in (401, 403):
            raise ProviderDeniedError(f"{self._provider} refused the request.", note)
        if 400 <= status < 500:
            raise ProviderRefusedError(f"{self._provider} refused the request.", note)
        if not 200 <= status < 300:
            raise ProviderError(f"{self._provider} refused the request.", note)
        try:
            return msgspec.json.decode(body, type=dict[str, Any])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProviderError(f"{self._provider} answered nonsense.", note) from error


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def _retry_after_seconds(value: str) -> int:
    """The provider's wish, within reason. A date or nonsense counts as the default."""
    return min(max(int(value), 1), LONGEST_RETRY_AFTER_SECONDS) if value.isascii() and value.isdigit() else 5
