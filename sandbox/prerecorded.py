"""AssemblyAI's pre-recorded transcription: upload a file, ask for its transcript, fetch it once it is done.

Source: AssemblyAI's openapi.yml (2026-03) and docs/pre-recorded-audio, read 2026-11.
"""

import hmac
import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox import faults, forms, prerecorded_pages, prerecorded_shapes as shapes
from sandbox.calls import Call, Calls
from sandbox.faults import Faults
from sandbox.prerecorded_jobs import Job, Jobs
from sandbox.prerecorded_options import OptionError, Options, read_options
from sandbox.stored_audio import StoredAudio, TooLargeError, Uploads
from sandbox.webhooks import Sender

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
"""Status and text by fault."""
FOREIGN_UPLOAD = "Cannot access uploaded file"

Serve = Callable[[], Awaitable[Response]]


class RefusalError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, error: str):
        super().__init__(error)
        self.status, self.error = status, error

    async def response(self) -> Response:
        if self.status in (503, 504):  # These come from in front of the service, and are no JSON.
            return PlainTextResponse(self.error, status_code=self.status)
        return JSONResponse({"error": self.error}, status_code=self.status)


class Prerecorded:
    """The routes under `/v2`."""

    def __init__(self, key: str, jobs: Jobs, uploads: Uploads, sender: Sender, pending: Faults, calls: Calls):
        self._key = key
        self._jobs, self._uploads, self._sender = jobs, uploads, sender
        self._faults, self._calls = pending, calls

    async def upload(self, request: Request) -> Response:
        """`POST /v2/upload`: the bytes as they are. The URL given is read by the sandbox alone."""

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
                raise RefusalError(400, f"Upload failed, the file is too large: {error}") from error
            call.fields["bytes"] = size_bytes
            self._check_key(request)
            if not size_bytes:
                raise RefusalError(400, "Upload failed, the file is empty")
            return partial(_json, {"upload_url": f"{shapes.base_url(request)}{UPLOAD_PATH}{name}"})

        return await self._answer(UPLOAD, request, read)

    async def create(self, request: Request) -> Response:
        """`POST /v2/transcript`."""

        async def read(call: Call) -> Serve:
            try:
                body = json.loads(await forms.whole_body(request, MAX_BODY_BYTES))
                self._check_key(request)
                call.fields.update(_without_secret(body))
                options = read_options(body)
            except forms.BodyTooLargeError as error:
                raise RefusalError(400, str(error)) from error
            except (ValueError, RecursionError) as error:
                self._check_key(request)
                raise RefusalError(400, "the body is no JSON") from error
            except OptionError as error:
                raise RefusalError(400, str(error)) from error
            return partial(self._create, options, self._upload_of(options, request))

        return await self._answer(CREATE, request, read)

    async def list(self, request: Request) -> Response:
        """`GET /v2/transcript`: newest first."""

        async def read(call: Call) -> Serve:
            call.fields.update(request.query_params)
            self._check_key(request)
            try:
                return partial(_json, prerecorded_pages.page(list(self._jobs.all.values()), request))
            except prerecorded_pages.PageError as error:
                raise RefusalError(400, str(error)) from error

        return await self._answer(LIST, request, read)

    async def get(self, request: Request) -> Response:
        """`GET /v2/transcript/{id}`."""

        async def read(_call: Call) -> Serve:
            return partial(_json, shapes.transcript_json(self._job(request)))

        return await self._answer(GET, request, read)

    async def delete(self, request: Request) -> Response:
        """`DELETE /v2/transcript/{id}`: its content goes, its line stays."""

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
                raise RefusalError(400, f"{message} before requesting captions.")
            words = job.transcript.words
            match kind:
                case "sentences":
                    return partial(_json, shapes.export_json(job, kind, shapes.sentences(words)))
                case "paragraphs":
                    return partial(_json, shapes.export_json(job, kind, shapes.paragraphs(words)))
                case "srt" | "vtt":
                    chars = _caption_chars(request)
                    return partial(_text, (shapes.srt if kind == "srt" else shapes.vtt)(words, chars))
            raise RefusalError(404, "Not found")

        return await self._answer(EXPORT, request, read)

    async def _answer(self, point: str, request: Request, read: Callable[[Call], Awaitable[Serve]]) -> Response:
        call = self._calls.received(point, request)
        fault = self._faults.take(point)
        call.fault = fault.kind if fault else None
        try:
            serve = await read(call)
        except RefusalError as refused:
            serve = refused.response
        response = await faults.answer(fault, request, serve, refusal)
        call.status = response.status_code
        return response

    async def _create(self, options: Options, upload: StoredAudio | None) -> Response:
        job = self._jobs.create(options, upload)
        content = shapes.transcript_json(job)
        if self._sender.settings.before_answer:
            await job.told.wait()
        return JSONResponse(content)

    async def _delete(self, job: Job) -> Response:
        self._jobs.delete(job)
        return JSONResponse(shapes.transcript_json(job))

    def _check_key(self, request: Request) -> None:
        """The key as it is: with `Bearer ` before it, it is refused like any other wrong one."""
        key = request.headers.get("authorization", "")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise RefusalError(*REFUSALS["401"])

    def _job(self, request: Request) -> Job:
        self._check_key(request)
        job = self._jobs.all.get(request.path_params["id"])
        if job is None:
            raise RefusalError(400, prerecorded_pages.UNKNOWN_ID)
        return job

    def _upload_of(self, options: Options, request: Request) -> StoredAudio | None:
        """The upload that `audio_url` names, None where it names none. Raises RefusalError for one that is gone."""
        prefix = f"{shapes.base_url(request)}{UPLOAD_PATH}"
        if not options.audio_url.startswith(prefix):
            return None
        upload = self._uploads.find(options.audio_url.removeprefix(prefix))
        if upload is None:
            raise RefusalError(403, FOREIGN_UPLOAD)
        return upload


async def refusal(kind: str, retry_after_seconds: int) -> Response:
    """The answer to a fault."""
    response = await RefusalError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response


async def _json(content: dict[str, Any]) -> Response:
    return JSONResponse(content)


async def _text(content: str) -> Response:
    return PlainTextResponse(content)


def _caption_chars(request: Request) -> int:
    """Raises RefusalError."""
    try:
        return prerecorded_pages.number(
            request, "chars_per_caption", 1, MAX_CAPTION_CHARS, shapes.DEFAULT_CAPTION_CHARS
        )
    except prerecorded_pages.PageError as error:
        raise RefusalError(400, str(error)) from error


def _without_secret(body: Any) -> dict[str, Any]:
    """The options as sent, for the record of calls: it keeps no secrets."""
    given = body if isinstance(body, dict) else {"body": body}
    return {name: value for name, value in given.items() if name != "webhook_auth_header_value"}
