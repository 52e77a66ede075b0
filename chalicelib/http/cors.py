"""CORS: which browser pages may read responses, what they may send, and which headers they may read."""

from collections.abc import Sequence

ALLOW_HEADERS = ["Authorization", "Content-Type", "Idempotency-Key"]
EXPOSE_HEADERS = [
    "Content-Disposition",
    "Date",
    "Retry-After",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-Next-Cursor",
    "X-Request-Id",
]


def origin_headers(origin: str | None, allowed_origins: Sequence[str]) -> dict[str, str]:
    """The headers that depend on the origin of the request: a page of an allowed origin is answered by its own name.

    Every other request gets the first allowed origin, which its page cannot use.
    """
    reader = origin if origin and origin in allowed_origins else allowed_origins[0]
    return {"Access-Control-Allow-Origin": reader, "Vary": "Origin"}
