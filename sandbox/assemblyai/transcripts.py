"""AssemblyAI's pre-recorded transcription: upload a file, create its transcript, fetch it once it is done.

Source: AssemblyAI's openapi.yml (2026-03) and docs/pre-recorded-audio, read 2026-11.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import faults, forms, loopback
from sandbox.assemblyai import transcript_json as shapes, transcript_list
from sandbox.assemblyai.stored_audio import StoredAudio, TooLargeError, Uploads
from sandbox.assemblyai.transcript_jobs import Job, Jobs
from sandbox.assemblyai.transcript_options import OptionError, TranscriptOptions, parse_options
from sandbox.assemblyai.webhooks import WebhookSender
from sandbox.calls import Call, Calls
from sandbox.faults import Faults

UPLOAD = "assemblyai.upload"
CREATE = "assemblyai.transcript_create"
GET = "assemblyai.transcript_get"
LIST = "assemblyai.transcript_list"
DELETE = "assemblyai.transcript_delete"
EXPORT = "assemblyai.transcript_export"
POINTS = (UPLOAD, CREATE, GET, LIST, DELETE, EXPORT)

MAX_BODY_BYTES = 256 * 1024
UPLOAD_PATH = "/upload/"
MAX_CAPTION_CHARS = 10_000

REFUSALS = {
    "401": (401, "Authentication error, API token missing/invalid"),
    "429": (429, "Too Many Requests"),
    "quota": (400, "Your current account balance is negative. Please top up to continue using the API."),
    "500": (500, "Server error, developers have been alerted."),
    "503": (503, "Service Unavailable"),
    "504": (504, "Gateway Timeout"),
}
"""Status and text per fault."""
UNKNOWN_UPLOAD = "Cannot access uploaded file"

Serve = Callable[[], Awaitable[Response]]


class TranscriptApiError(Exception):
    """An error response."""

    def __init__(self, status: int, error: str):
        super().__init__(error)
        self.status, self.error = status, error

    async def response(self) -> Response:
        if self.status in (503, 504):  # A proxy in front of the service sends these, as plain text.
            return PlainTextResponse(self.error, status_code=self.status)
        return JSONResponse({"error": self.error}, status_code=self.status)


class TranscriptRoutes:
    """The routes under `/v2`."""

    def __init__(
        self, key: str, jobs: Jobs, uploads: Uploads, sender: WebhookSender, fault_queue: Faults, calls: Calls
    ):
        self._key = key
        self._jobs, self._uploads, self._sender = jobs, uploads, sender
        self._faults, self._calls = fault_queue, calls

    async def upload(self, request: Request) -> Response:
        """`POST /v2/upload`: the raw bytes. Only the sandbox can read the URL it returns."""

        async def read(call: Call) -> Serve:
            size_bytes = 0

            async def body() -> Any:
                nonlocal size_bytes
                async for chunk in request.stream():
                    size_bytes += len(chunk)
                    yield chunk

            try:
                name = await self._uploads.store(body())
            except TooLargeError as error:
                raise TranscriptApiError(400, f"Upload failed, the file is too large: {error}") from error
            call.fields["bytes"] = size_bytes
            self._check_key(request)
            if not size_bytes:
                raise TranscriptApiError(400, "Upload failed, the file is empty")
            return partial(_json_response, {"upload_url": f"{loopback.base_url(request)}{UPLOAD_PATH}{name}"})

        return await self._answer(UPLOAD, request, read)

    async def create(self, request: Request) -> Response:
        """`POST /v2/transcript`."""

        async def read(call: Call) -> Serve:
            try:
                body = json.loads(await forms.read_body(request, MAX_BODY_BYTES))
                self._check_key(request)
                call.fields.update(_without_secret(body))
                options = parse_options(body)
            except forms.BodyTooLargeError as error:
                raise TranscriptApiError(400, str(error)) from error
            except (ValueError, RecursionError) as error:
                self._check_key(request)
                raise TranscriptApiError(400, "the body must be valid JSON") from error
            except OptionError as error:
                raise TranscriptApiError(400, str(error)) from error
            return partial(self._create, options, self._find_upload(options, request))

        return await self._answer(CREATE, request, read)

    async def list(self, request: Request) -> Response:
        """`GET /v2/transcript`: newest first."""

        async def read(call: Call) -> Serve:
            call.fields.update(request.query_params)
            self._check_key(request)
            try:
                return partial(_json_response, transcript_list.build_page(list(self._jobs.by_id.values()), request))
            except transcript_list.PageError as error:
                raise TranscriptApiError(400, str(error)) from error

        return await self._answer(LIST, request, read)

    async def get(self, request: Request) -> Response:
        """`GET /v2/transcript/{id}`."""

        async def read(_call: Call) -> Serve:
            return partial(_json_response, shapes.transcript_json(self._job(request)))

        return await self._answer(GET, request, read)

    async def delete(self, request: Request) -> Response:
        """`DELETE /v2/transcript/{id}`: deletes the content; the list keeps the entry."""

        async def read(_call: Call) -> Serve:
            return partial(self._delete, self._job(request))

        return await self._answer(DELETE, request, read)

    async def export(self, request: Request) -> Response:
        """`GET /v2/transcript/{id}/{sentences, paragraphs, srt or vtt}`."""

        async def read(call: Call) -> Serve:
            kind = request.path_params["kind"]
            call.fields.update({"kind": kind, **request.query_params})
            job = self._job(request)
            if job.status != "completed" or job.transcript is None:
                state = "deleted" if job.deleted else job.status
                message = f"This transcript has a status of '{state}'. Transcripts must have a status of 'completed'"
                raise TranscriptApiError(400, f"{message} before requesting captions.")
            words = job.transcript.words
            match kind:
                case "sentences":
                    return partial(_json_response, shapes.export_json(job, kind, shapes.split_sentences(words)))
                case "paragraphs":
                    return partial(_json_response, shapes.export_json(job, kind, shapes.split_paragraphs(words)))
                case "srt" | "vtt":
                    chars = _parse_caption_chars(request)
                    return partial(
                        _text_response, (shapes.render_srt if kind == "srt" else shapes.render_vtt)(words, chars)
                    )
            raise TranscriptApiError(404, "Not found")

        return await self._answer(EXPORT, request, read)

    async def _answer(self, point: str, request: Request, read: Callable[[Call], Awaitable[Serve]]) -> Response:
        call = self._calls.record_call(point, request)
        fault = self._faults.take_fault(point)
        call.fault = fault.kind if fault else None
        try:
            serve = await read(call)
        except TranscriptApiError as error:
            serve = error.response
        response = await faults.respond(fault, request, serve, fault_response)
        call.status = response.status_code
        return response

    async def _create(self, options: TranscriptOptions, upload: StoredAudio | None) -> Response:
        job = self._jobs.create(options, upload)
        content = shapes.transcript_json(job)
        if self._sender.settings.before_answer:
            await job.webhooks_attempted.wait()
        return JSONResponse(content)

    async def _delete(self, job: Job) -> Response:
        self._jobs.delete(job)
        return JSONResponse(shapes.transcript_json(job))

    def _check_key(self, request: Request) -> None:
        """Raises TranscriptApiError unless Authorization is the bare key, without `Bearer `."""
        key = request.headers.get("authorization", "")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise TranscriptApiError(*REFUSALS["401"])

    def _job(self, request: Request) -> Job:
        self._check_key(request)
        job = self._jobs.by_id.get(request.path_params["id"])
        if job is None:
            raise TranscriptApiError(400, transcript_list.UNKNOWN_ID)
        return job

    def _find_upload(self, options: TranscriptOptions, request: Request) -> StoredAudio | None:
        """The upload that `audio_url` names; None if it names none. Raises TranscriptApiError for a deleted one."""
        prefix = f"{loopback.base_url(request)}{UPLOAD_PATH}"
        if not options.audio_url.startswith(prefix):
            return None
        upload = self._uploads.find(options.audio_url.removeprefix(prefix))
        if upload is None:
            raise TranscriptApiError(403, UNKNOWN_UPLOAD)
        return upload


async def fault_response(kind: str, retry_after_seconds: int) -> Response:
    """The error response for a fault."""
    response = await TranscriptApiError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response


async def _json_response(content: dict[str, Any]) -> Response:
    return JSONResponse(content)


async def _text_response(content: str) -> Response:
    return PlainTextResponse(content)


def _parse_caption_chars(request: Request) -> int:
    """The length of a caption from the query. Raises TranscriptApiError."""
    try:
        return transcript_list.parse_query_integer(
            request, "chars_per_caption", 1, MAX_CAPTION_CHARS, shapes.DEFAULT_CAPTION_CHARS
        )
    except transcript_list.PageError as error:
        raise TranscriptApiError(400, str(error)) from error


def _without_secret(body: Any) -> dict[str, Any]:
    """The options as sent, for the record of calls, which contains no secrets."""
    options = body if isinstance(body, dict) else {"body": body}
    return {name: value for name, value in options.items() if name != "webhook_auth_header_value"}
