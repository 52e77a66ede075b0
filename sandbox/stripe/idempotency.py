"""Idempotency keys: for a day, a key always returns its first result.

Source: docs.stripe.com/api/idempotent_requests and docs.stripe.com/error-low-level, read 2026-11. A result is stored
once the endpoint has begun to work, including a 500. Refused parameters, rate limits and conflicts are not stored.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.stripe.account_clock import AccountClock
from sandbox.stripe.errors import StripeApiError

KEPT_SECONDS = 24 * 3600
MAX_CHARS = 255


@dataclass
class Result:
    """A stored response; `status` is None while the request is in flight."""

    path: str
    params: dict[str, Any]
    started_at: float
    request_id: str
    status: int | None = None
    body: dict[str, Any] | None = None


class IdempotencyResults:
    """The results by key."""

    def __init__(self, clock: AccountClock):
        self._clock = clock
        self._results: dict[str, Result] = {}

    def begin(self, key: str, path: str, params: dict[str, Any], request_id: str) -> Result | None:
        """The stored result of a key, None for a new key. Raises StripeApiError if the key must not be used so."""
        if len(key) > MAX_CHARS:
            message = f"Invalid Idempotency-Key: it can have up to {MAX_CHARS} characters, yours has {len(key)}."
            raise StripeApiError(400, message, "idempotency_error")
        earlier = self._results.get(key)
        if earlier is None or self._clock.now() - earlier.started_at >= KEPT_SECONDS:
            self._results[key] = Result(path, params, self._clock.now(), request_id)
            return None
        another = f"Try using a key other than '{key}' if you meant to execute a different request."
        if earlier.path != path:
            message = (
                "Keys for idempotent requests can only be used for the same endpoint they were first used for"
                f" ('{path}' vs '{earlier.path}'). {another}"
            )
            raise StripeApiError(400, message, "idempotency_error")
        if earlier.params != params:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                f" {another}"
            )
            raise StripeApiError(400, message, "idempotency_error")
        if earlier.status is None:
            message = f"There is currently another in-progress request using this Idempotent Key: {key}."
            raise StripeApiError(409, message, "idempotency_error", "idempotency_key_in_use")
        return earlier

    def finish(self, key: str, status: int, body: dict[str, Any]) -> None:
        result = self._results.get(key)
        if result is not None:  # None after a reset.
            result.status, result.body = status, body

    def abandon(self, key: str) -> None:
        """Free the key: the parameters were refused."""
        self._results.pop(key, None)

    def reset(self) -> None:
        self._results.clear()
