"""Stripe's errors: an object under `error`, whose type selects the exception of the SDK.

Source: docs.stripe.com/api/errors and stripe-python 16.1.0, `_error.py`, read 2026-11.
"""

from typing import Any

INVALID = "invalid_request_error"


class StripeApiError(Exception):
    """An error response; `code` and `param` are omitted if empty."""

    def __init__(self, status: int, message: str, type: str = INVALID, code: str = "", param: str = ""):
        super().__init__(message)
        self.status = status
        extra = {name: value for name, value in (("code", code), ("param", param)) if value}
        self.body: dict[str, Any] = {"error": {"message": message, "type": type, **extra}}


class ParamError(StripeApiError):
    """A parameter was refused before any work began."""

    def __init__(self, message: str, code: str = "", param: str = ""):
        super().__init__(400, message, INVALID, code, param)


FAULTS: dict[str, tuple[int, str, str, str]] = {
    "401": (401, "Invalid API Key provided.", INVALID, ""),
    "409": (
        409,
        "This object cannot be accessed right now because another request is accessing it.",
        INVALID,
        "lock_timeout",
    ),
    "429": (429, "Request rate limit exceeded.", INVALID, "rate_limit"),
    "500": (500, "An unknown error occurred.", "api_error", ""),
    "503": (503, "Stripe is temporarily unavailable.", "api_error", ""),
    "504": (504, "The request timed out.", "api_error", ""),
}
"""Status, message, type and code per fault."""


def missing(kind: str, id: str, param: str = "id", status: int = 404) -> StripeApiError:
    """The error for an unknown id."""
    return StripeApiError(status, f"No such {kind}: '{id}'", code="resource_missing", param=param)
