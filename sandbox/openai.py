"""OpenAI's audio transcription: a file in, text out.

Source: OpenAI's openapi.yaml 2.3.0 and developers.openai.com/api/docs/guides/speech-to-text, read 2026-11.
"""

import hmac
import math
import time
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import faults, forms
from sandbox.audio import MODEL_RATE_HZ, NotAudioError, read_any
from sandbox.calls import Call, Calls
from sandbox.faults import Faults
from sandbox.recognition import Recogniser

TRANSCRIPTIONS = "openai.transcriptions"

MODELS = {"gpt-transcribe"}
FORMATS = {"json", "text"}
EXTENSIONS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm")
MAX_FILE_BYTES = 25 * 1024 * 1024
# Room for the other fields and the boundaries around the largest file.
MAX_BODY_BYTES = MAX_FILE_BYTES + 1024 * 1024

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
"""Status, message, type and code by fault."""


class RefusalError(Exception):
    """An error object of OpenAI: all four keys are always there."""

    def __init__(
        self, status: int, message: str, type: str = "invalid_request_error", code: str | None = None, param: str = ""
    ):
        super().__init__(message)
        self.status = status
        self.error = {"message": message, "type": type, "param": param or None, "code": code}

    async def response(self) -> Response:
        return JSONResponse({"error": self.error}, status_code=self.status)


class Transcriptions:
    """The route `POST /audio/transcriptions`."""

    def __init__(self, key: str, recogniser: Recogniser, pending: Faults, calls: Calls):
        self._key = key
        self._recogniser = recogniser
        self._faults = pending
        self._calls = calls

    async def create(self, request: Request) -> Response:
        call = self._calls.received(TRANSCRIPTIONS, request)
        fault = self._faults.take(TRANSCRIPTIONS)
        call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            file, response_format = await self._read(request, call)
            serve = partial(self._recognise, file, response_format)
        except RefusalError as error:
            serve = error.response
        response = await faults.answer(fault, request, serve, refusal)
        set_headers(response, started)
        call.status = response.status_code
        return response

    async def _recognise(self, file: forms.Part, response_format: str) -> Response:
        try:
            samples = await run_in_threadpool(read_any, bytes(file.body))
        except NotAudioError:
            message = "Audio file might be corrupted or unsupported"
            return await RefusalError(400, message, code="invalid_value", param="file").response()
        transcript = await run_in_threadpool(self._recogniser.recognise, samples)
        self._calls.recognised(TRANSCRIPTIONS)
        if response_format == "text":
            return PlainTextResponse(transcript.text + "\n")
        usage = {"type": "duration", "seconds": math.ceil(len(samples) / MODEL_RATE_HZ)}
        return JSONResponse({"text": transcript.text, "languages": [{"code": "en"}], "usage": usage})

    async def _read(self, request: Request, call: Call) -> tuple[forms.Part, str]:
        """The file and the format wanted. Raises RefusalError."""
        try:
            body = await forms.whole_body(request, MAX_BODY_BYTES)
            check_key(request, self._key)
            parts = forms.parts(request.headers.get("content-type", ""), body)
            plain = {part.name: part.text() for part in parts if part.filename is None}
        except forms.BodyTooLargeError as error:
            raise RefusalError(413, f"Maximum content size limit exceeded: {error}") from error
        except forms.FormError as error:
            raise RefusalError(400, f"Could not parse multipart form: {error}") from error
        call.fields.update(plain)
        file = next((part for part in parts if part.name == "file" and part.filename is not None), None)
        if file is None:
            raise RefusalError(
                400, "Missing required parameter: 'file'.", code="missing_required_parameter", param="file"
            )
        call.fields["file"] = {
            "filename": file.filename,
            "content_type": file.content_type,
            "bytes": len(file.body),
        }
        check_fields(plain)
        check_file(file)
        return file, plain.get("response_format", "json")


def check_key(request: Request, key: str) -> None:
    """Raises RefusalError for a request without the key."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        raise RefusalError(401, "You didn't provide an API key in an Authorization header using Bearer auth.")
    if not hmac.compare_digest(given.encode(), key.encode()):
        raise RefusalError(*REFUSALS["401"])


def check_fields(fields: dict[str, str]) -> None:
    """Raises RefusalError for what the model cannot do. Prompts and languages are taken but not used."""
    model = fields.get("model")
    if model is None:
        raise RefusalError(
            400, "Missing required parameter: 'model'.", code="missing_required_parameter", param="model"
        )
    if model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise RefusalError(404, message, code="model_not_found", param="model")
    wanted = fields.get("response_format", "json")
    if wanted not in FORMATS:
        message = f"response_format '{wanted}' is not compatible with model '{model}'. Use 'json' or 'text' instead."
        raise RefusalError(400, message, code="unsupported_value", param="response_format")
    if fields.get("stream", "false").lower() != "false":
        raise RefusalError(400, "The sandbox does not stream transcripts.", code="unsupported_value", param="stream")
    try:
        temperature = float(fields.get("temperature", "0"))
    except ValueError:
        temperature = math.nan
    if not 0 <= temperature <= 1:
        message = "Invalid 'temperature': expected a number between 0 and 1."
        raise RefusalError(400, message, code="invalid_value", param="temperature")


def check_file(file: forms.Part) -> None:
    """Raises RefusalError for a file that is too large or of a kind that is not taken."""
    if len(file.body) > MAX_FILE_BYTES:
        message = f"Maximum content size limit ({MAX_FILE_BYTES}) exceeded ({len(file.body)} bytes read)"
        raise RefusalError(413, message)
    if PurePath(file.filename or "").suffix.lower().removeprefix(".") not in EXTENSIONS:
        message = f"Invalid file format. Supported formats: {list(EXTENSIONS)}"
        raise RefusalError(400, message, code="unsupported_value", param="file")


async def refusal(kind: str, retry_after_seconds: int) -> Response:
    """The answer to a fault."""
    response = await RefusalError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response


def set_headers(response: Response, started: float) -> None:
    """Add the headers that every answer of OpenAI has. `started`: `time.perf_counter()` on arrival."""
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
