"""Idempotency keys: the first result of a key is its only one, for a day.

Source: docs.stripe.com/api/idempotent_requests and docs.stripe.com/error-low-level, read 2026-11. Stored is what an
endpoint answered once it had begun to work, 500s too; refused parameters, rate limits and conflicts are not.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.stripe.account_clock import StripeClock
from sandbox.stripe.errors import RefusalError

KEPT_SECONDS = 24 * 3600
MAX_CHARS = 255


@dataclass
class Result:
    """What was answered; `status` is None while the request is in flight."""

    path: str
    params: dict[str, Any]
    begun_at: float
    request_id: str
    status: int | None = None
    body: dict[str, Any] | None = None


class Results:
    """By key."""

    def __init__(self, clock: StripeClock):
        self._clock = clock
        self._results: dict[str, Result] = {}

    def begin(self, key: str, path: str, params: dict[str, Any], request_id: str) -> Result | None:
        """The earlier result of this key, None for a new one. Raises RefusalError where it may not be used so."""
        if len(key) > MAX_CHARS:
            message = f"Invalid Idempotency-Key: it can have up to {MAX_CHARS} characters, yours has {len(key)}."
            raise RefusalError(400, message, "idempotency_error")
        earlier = self._results.get(key)
        if earlier is None or self._clock.now() - earlier.begun_at >= KEPT_SECONDS:
            self._results[key] = Result(path, params, self._clock.now(), request_id)
            return None
        another = f"Try using a key other than '{key}' if you meant to execute a different request."
        if earlier.path != path:
            message = (
                "Keys for idempotent requests can only be used for the same endpoint they were first used for"
                f" ('{path}' vs '{earlier.path}'). {another}"
            )
            raise RefusalError(400, message, "idempotency_error")
        if earlier.params != params:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
                f" {another}"
            )
            raise RefusalError(400, message, "idempotency_error")
        if earlier.status is None:
            message = f"There is currently another in-progress request using this Idempotent Key: {key}."
            raise RefusalError(409, message, "idempotency_error", "idempotency_key_in_use")
        return earlier

    def finish(self, key: str, status: int, body: dict[str, Any]) -> None:
        result = self._results.get(key)
        if result is not None:  # Else all were forgotten meanwhile.
            result.status, result.body = status, body

    def abandon(self, key: str) -> None:
        """Keep nothing: the parameters were refused."""
        self._results.pop(key, None)

    def forget(self) -> None:
        self._results.clear()
