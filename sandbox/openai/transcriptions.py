"""OpenAI's audio transcription: a file in, text out.

Source: OpenAI's openapi.yaml 2.3.0 and developers.openai.com/api/docs/guides/speech-to-text, read 2026-11.
"""

import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import PurePath

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import faults, forms
from sandbox.calls import Call, Calls
from sandbox.faults import Faults
from sandbox.openai.responses import OpenAIError, check_key, fault_response, set_headers
from sandbox.recognition.audio import MODEL_RATE_HZ, NotAudioError, decode_file
from sandbox.recognition.recogniser import Recogniser

TRANSCRIPTIONS = "openai.transcriptions"

MODELS = {"gpt-transcribe"}
FIELDS = {"model", "language", "response_format"}
"""The fields that this backend sends beside the file; others are refused as unknown."""
FORMATS = {"json", "text"}
EXTENSIONS = ("flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "ogg", "wav", "webm")
MAX_FILE_BYTES = 25 * 1024 * 1024
# The largest file, the other fields and the boundaries.
MAX_BODY_BYTES = MAX_FILE_BYTES + 1024 * 1024


class TranscriptionRoutes:
    """The route `POST /audio/transcriptions`."""

    def __init__(self, key: str, recogniser: Recogniser, fault_queue: Faults, calls: Calls):
        self._key = key
        self._recogniser = recogniser
        self._faults = fault_queue
        self._calls = calls

    async def create(self, request: Request) -> Response:
        call = self._calls.record_call(TRANSCRIPTIONS, request)
        fault = self._faults.take_fault(TRANSCRIPTIONS)
        call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            file, response_format = await self._read(request, call)
            serve = partial(self._recognise, file, response_format)
        except OpenAIError as error:
            serve = error.response
        response = await faults.respond(fault, request, serve, fault_response)
        set_headers(response, started)
        call.status = response.status_code
        return response

    async def _recognise(self, file: forms.Part, response_format: str) -> Response:
        try:
            samples = await run_in_threadpool(decode_file, bytes(file.body))
        except NotAudioError:
            message = "Audio file might be corrupted or unsupported"
            return await OpenAIError(400, message, code="invalid_value", param="file").response()
        transcript = await run_in_threadpool(self._recogniser.recognise, samples)
        self._calls.record_work(TRANSCRIPTIONS)
        if response_format == "text":
            return PlainTextResponse(transcript.text + "\n")
        usage = {"type": "duration", "seconds": math.ceil(len(samples) / MODEL_RATE_HZ)}
        return JSONResponse({"text": transcript.text, "languages": [{"code": "en"}], "usage": usage})

    async def _read(self, request: Request, call: Call) -> tuple[forms.Part, str]:
        """The file and the requested response format. Raises OpenAIError."""
        try:
            body = await forms.read_body(request, MAX_BODY_BYTES)
            check_key(request, self._key)
            parts = forms.parse_multipart(request.headers.get("content-type", ""), body)
            fields = {part.name: part.text() for part in parts if part.filename is None}
        except forms.BodyTooLargeError as error:
            raise OpenAIError(413, f"Maximum content size limit exceeded: {error}") from error
        except forms.FormError as error:
            raise OpenAIError(400, f"Could not parse multipart form: {error}") from error
        call.fields.update(fields)
        file = next((part for part in parts if part.name == "file" and part.filename is not None), None)
        if file is None:
            raise OpenAIError(
                400, "Missing required parameter: 'file'.", code="missing_required_parameter", param="file"
            )
        call.fields["file"] = {
            "filename": file.filename,
            "content_type": file.content_type,
            "bytes": len(file.body),
        }
        check_fields(fields)
        check_file(file)
        return file, fields.get("response_format", "json")


def check_fields(fields: dict[str, str]) -> None:
    """Raises OpenAIError for an unknown field or an unsupported value. `language` is ignored by the model."""
    unknown = sorted(set(fields) - FIELDS)
    if unknown:
        raise OpenAIError(400, f"Unknown parameter: '{unknown[0]}'.", code="unknown_parameter", param=unknown[0])
    model = fields.get("model")
    if model is None:
        raise OpenAIError(400, "Missing required parameter: 'model'.", code="missing_required_parameter", param="model")
    if model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise OpenAIError(404, message, code="model_not_found", param="model")
    response_format = fields.get("response_format", "json")
    if response_format not in FORMATS:
        message = (
            f"response_format '{response_format}' is not compatible with model '{model}'. Use 'json' or 'text' instead."
        )
        raise OpenAIError(400, message, code="unsupported_value", param="response_format")


def check_file(file: forms.Part) -> None:
    """Raises OpenAIError for a file that is too large or of an unsupported type."""
    if len(file.body) > MAX_FILE_BYTES:
        message = f"Maximum content size limit ({MAX_FILE_BYTES}) exceeded ({len(file.body)} bytes read)"
        raise OpenAIError(413, message)
    if PurePath(file.filename or "").suffix.lower().removeprefix(".") not in EXTENSIONS:
        message = f"Invalid file format. Supported formats: {list(EXTENSIONS)}"
        raise OpenAIError(400, message, code="unsupported_value", param="file")
