"""What all of OpenAI's routes share: the check of the key, the error object and the headers of a response.

Source: OpenAI's openapi.yaml 2.3.0, read 2026-11.
"""

import hmac
import time
import uuid

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

REFUSALS: dict[str, tuple[int, str, str, str | None]] = {
    "401": (401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key"),
    "429": (429, "Rate limit reached for requests", "requests", "rate_limit_exceeded"),
    "quota": (
        429,
        "You exceeded your current quota, please check your plan and billing details.",
        "insufficient_quota",
        "credit_balance_exhausted",
    ),
    "500": (500, "The server had an error while processing your request.", "server_error", None),
    "503": (503, "The engine is currently overloaded, please try again later.", "server_error", "slow_down"),
    "504": (504, "The request timed out.", "server_error", None),
}
"""Status, message, type and code per fault."""


class OpenAIError(Exception):
    """An error response of OpenAI; its object always has all four keys."""

    def __init__(
        self, status: int, message: str, type: str = "invalid_request_error", code: str | None = None, param: str = ""
    ):
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": type, "param": param or None, "code": code}

    async def response(self) -> Response:
        return JSONResponse({"error": self.error}, status_code=self.status)


def check_key(request: Request, key: str) -> None:
    """Raises OpenAIError for a request without the key."""
    scheme, _, credential = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise OpenAIError(401, "You didn't provide an API key in an Authorization header using Bearer auth.")
    if not hmac.compare_digest(credential.encode(), key.encode()):
        raise OpenAIError(*REFUSALS["401"])


async def fault_response(kind: str, retry_after_seconds: int) -> Response:
    """The error response for a fault."""
    response = await OpenAIError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response


def set_headers(response: Response, started: float) -> None:
    """Add the headers of every OpenAI response. `started`: `time.perf_counter()` on arrival."""
    response.headers.update(
        {
            "x-request-id": f"req_{uuid.uuid4().hex}",
            "openai-version": "2020-10-01",
            "openai-processing-ms": str(round((time.perf_counter() - started) * 1000)),
            "x-ratelimit-limit-requests": "500",
            "x-ratelimit-remaining-requests": "499",
            "x-ratelimit-reset-requests": "120ms",
        }
    )
