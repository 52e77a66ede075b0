"""AssemblyAI's Sync API: short audio in, transcript out, in one request.

Source: assemblyai.com/docs/sync-stt (audio-requirements, error-handling), read 2026-11; the shape of errors and
responses as the Python SDK 1.8.2 reads them.
"""

import hmac
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import faults, forms
from sandbox.calls import Call, Calls
from sandbox.faults import Faults
from sandbox.recognition.audio import NotAudioError, PcmAudio, UnsupportedAudioError, read_wav
from sandbox.recognition.recogniser import Recogniser
from sandbox.recognition.transcript import Transcript

SYNC = "assemblyai.sync"
WARM = "assemblyai.warm"

MODELS = {"universal-3-5-pro"}
RATES_HZ = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MIN_AUDIO_MS, MAX_AUDIO_MS = 80, 120_000
MAX_AUDIO_BYTES = 40 * 1024 * 1024
# The largest audio, the other part and the boundaries.
MAX_BODY_BYTES = MAX_AUDIO_BYTES + 1024 * 1024

REFUSALS = {
    "401": (401, "Unauthorized", "Authentication error, API token missing/invalid"),
    "429": (429, "Too Many Requests", "Rate limit exceeded"),
    "quota": (
        400,
        "Bad Request",
        "Your current account balance is negative. Please top up to continue using the API.",
    ),
    "500": (500, "Inference Error", "Server error, developers have been alerted."),
    "503": (503, "Capacity Exceeded", "Server at capacity, try again shortly"),
    "504": (504, "Inference Timeout", "The request took longer than 30 seconds"),
}
"""Status, title and detail per fault."""


class ProblemError(Exception):
    """An error response. SDKs use the `title` in snake case as the error code."""

    def __init__(self, status: int, title: str, detail: str):
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail

    async def response(self) -> Response:
        content = {"status": self.status, "title": self.title, "detail": self.detail}
        return JSONResponse(content, status_code=self.status, media_type="application/problem+json")


@dataclass(frozen=True)
class Config:
    """The options that change the response; `language_codes` is checked, but the small model ignores it."""

    timestamps: bool


class SyncRoutes:
    """The Sync API's routes."""

    def __init__(self, key: str, recogniser: Recogniser, fault_queue: Faults, calls: Calls):
        self._key = key
        self._recogniser = recogniser
        self._faults = fault_queue
        self._calls = calls

    async def transcribe(self, request: Request) -> Response:
        """`POST /v1/transcribe`: the whole audio at once; the config is optional."""
        return await self._answer(request, config_required=False)

    async def transcribe_live(self, request: Request) -> Response:
        """`POST /v1/transcribe/live`: the audio may still be growing, so the config is required first.

        The sandbox reads the audio to its end before it does anything, including refusing the request.
        """
        return await self._answer(request, config_required=True)

    async def warm(self, request: Request) -> Response:
        """`GET /v1/warm`: opens a connection before it is needed."""
        call = self._calls.record_call(WARM, request)
        try:
            self._check_headers(request)
            response: Response = JSONResponse({"status": "ok"})
        except ProblemError as problem:
            response = await problem.response()
        call.status = response.status_code
        return response

    async def _answer(self, request: Request, config_required: bool) -> Response:
        call = self._calls.record_call(SYNC, request)
        fault = self._faults.take_fault(SYNC)
        call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            audio, config = await self._read(request, call, config_required)
            serve = partial(self._recognise, audio, config, started)
        except ProblemError as problem:
            serve = problem.response
        response = await faults.respond(fault, request, serve, fault_response)
        call.status = response.status_code
        return response

    async def _recognise(self, audio: PcmAudio, config: Config, started: float) -> Response:
        transcript = await run_in_threadpool(lambda: self._recogniser.recognise(audio.samples()))
        self._calls.record_work(SYNC)
        return JSONResponse(transcript_json(transcript, audio, config, started))

    async def _read(self, request: Request, call: Call, config_required: bool) -> tuple[PcmAudio, Config]:
        """The audio and the options of a request. Raises ProblemError."""
        try:
            body = await forms.read_body(request, MAX_BODY_BYTES)
            self._check_headers(request)
            parts = forms.parse_multipart(request.headers.get("content-type", ""), body)
        except forms.BodyTooLargeError as error:
            raise ProblemError(413, "Audio Too Large", str(error)) from error
        except forms.FormError as error:
            raise ProblemError(400, "Bad Request", str(error)) from error
        names = [part.name for part in parts]
        call.fields["parts"] = names
        if "audio" not in names:
            raise ProblemError(400, "Bad Request", "missing part: audio")
        audio_part = parts[names.index("audio")]
        call.fields["audio"] = {
            "filename": audio_part.filename,
            "content_type": audio_part.content_type,
            "bytes": len(audio_part.body),
        }
        if names not in (["config", "audio"], ["audio"]) or (config_required and len(names) == 1):
            raise ProblemError(400, "Bad Request", f"expected config, then audio; got {', '.join(names)}")
        config_json: Any = {}
        if len(parts) == 2:
            config_json = _json_part(parts[0])
            call.fields["config"] = config_json
        config = read_config(config_json)
        return read_audio(audio_part), config

    def _check_headers(self, request: Request) -> None:
        key = request.headers.get("authorization", "")
        if key.lower().startswith("bearer "):
            raise ProblemError(401, "Unauthorized", "Send the API key in Authorization without Bearer")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise ProblemError(*REFUSALS["401"])
        model = request.headers.get("x-aai-model")
        if model not in MODELS:
            problem = "missing header X-AAI-Model" if model is None else "unknown model in X-AAI-Model"
            raise ProblemError(400, "Bad Request", f"{problem}; known: {', '.join(sorted(MODELS))}")


def read_config(config: Any) -> Config:
    """The checked options. Options that this backend never sends are refused as unknown. Raises ProblemError."""
    if not isinstance(config, dict):
        raise ProblemError(400, "Bad Request", "config must be a JSON object")
    unknown = sorted(set(config) - {"timestamps", "language_codes"})
    if unknown:
        raise ProblemError(400, "Bad Request", f"unknown parameters: {', '.join(unknown)}")
    if not _strings(config.get("language_codes") or []):
        raise ProblemError(400, "Bad Request", "language_codes: a list of strings")
    timestamps = config.get("timestamps")
    if timestamps is not None and not isinstance(timestamps, bool):
        raise ProblemError(400, "Bad Request", "timestamps: true or false")
    return Config(timestamps=bool(timestamps))


def read_audio(part: forms.Part) -> PcmAudio:
    """The audio of a part, within the API's limits. Raises ProblemError."""
    if len(part.body) > MAX_AUDIO_BYTES:
        raise ProblemError(413, "Audio Too Large", f"{len(part.body)} bytes exceed limit {MAX_AUDIO_BYTES} bytes")
    try:
        media_type = part.content_type.partition(";")[0].strip().lower()
        if media_type != "audio/wav":
            raise ProblemError(415, "Unsupported Media Type", f"{media_type}; the sandbox accepts audio/wav")
        audio = read_wav(bytes(part.body))
    except NotAudioError as error:
        raise ProblemError(400, "Bad Audio", str(error)) from error
    except UnsupportedAudioError as error:
        raise ProblemError(415, "Unsupported Media Type", str(error)) from error
    if audio.rate_hz not in RATES_HZ:
        raise ProblemError(415, "Unsupported Media Type", f"{audio.rate_hz} Hz; supported: {RATES_HZ}")
    if audio.frame_count * 1000 < MIN_AUDIO_MS * audio.rate_hz:
        raise ProblemError(400, "Audio Too Short", f"audio below {MIN_AUDIO_MS} ms")
    if audio.frame_count * 1000 > MAX_AUDIO_MS * audio.rate_hz:
        raise ProblemError(413, "Audio Too Large", f"{audio.duration_ms} ms exceed limit {MAX_AUDIO_MS} ms")
    return audio


async def fault_response(kind: str, retry_after_seconds: int) -> Response:
    """The error response for a fault."""
    response = await ProblemError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response


def transcript_json(transcript: Transcript, audio: PcmAudio, config: Config, started: float) -> dict[str, Any]:
    """The response; words have times only on request. `started`: `time.perf_counter()` on arrival."""
    words: list[dict[str, Any]] = [{"text": word.text, "confidence": word.confidence} for word in transcript.words]
    if config.timestamps:
        for word_json, word in zip(words, transcript.words, strict=True):
            word_json |= {"start": word.start_ms, "end": word.end_ms}
    return {
        "text": transcript.text,
        "words": words,
        "confidence": round(transcript.confidence, 4),
        "audio_duration_ms": audio.duration_ms,
        "session_id": str(uuid.uuid4()),
        "request_time_ms": round((time.perf_counter() - started) * 1000, 1),
    }


def _json_part(part: forms.Part) -> Any:
    if part.content_type.partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(400, "Bad Request", "config must be application/json")
    try:
        return json.loads(part.text())
    except (ValueError, RecursionError, forms.FormError) as error:
        raise ProblemError(400, "Bad Request", "config must be valid JSON") from error


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
