"""AssemblyAI's Sync API: short audio in, transcript out, in one request.

Source: assemblyai.com/docs/sync-stt (audio-requirements, error-handling), read 2026-11; the shape of errors and
answers as its Python SDK 1.8.2 reads them.
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
from sandbox.audio import NotAudioError, Sound, UnsupportedAudioError, read_wav
from sandbox.calls import Call, Calls
from sandbox.faults import Faults
from sandbox.recognition import Recogniser, Transcript

SYNC = "assemblyai.sync"
WARM = "assemblyai.warm"

MODELS = {"universal-3-5-pro"}
RATES_HZ = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
MIN_AUDIO_MS, MAX_AUDIO_MS = 80, 120_000
MAX_AUDIO_BYTES = 40 * 1024 * 1024
# Room for the other part and the boundaries around the largest audio.
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
"""Status, title and detail by fault."""


class ProblemError(Exception):
    """A refusal. SDKs take the `title` in snake case for the error code."""

    def __init__(self, status: int, title: str, detail: str):
        super().__init__(detail)
        self.status, self.title, self.detail = status, title, detail

    async def response(self) -> Response:
        content = {"status": self.status, "title": self.title, "detail": self.detail}
        return JSONResponse(content, status_code=self.status, media_type="application/problem+json")


@dataclass(frozen=True)
class Config:
    """The options that change the answer; prompts and language codes are checked but not used by the small model."""

    timestamps: bool
    sample_rate_hz: int | None
    channels: int | None


class Sync:
    """The Sync API's routes."""

    def __init__(self, key: str, recogniser: Recogniser, pending: Faults, calls: Calls):
        self._key = key
        self._recogniser = recogniser
        self._faults = pending
        self._calls = calls

    async def transcribe(self, request: Request) -> Response:
        """`POST /v1/transcribe`: the audio is there as a whole; WAV needs no config."""
        return await self._answer(request, config_required=False)

    async def transcribe_live(self, request: Request) -> Response:
        """`POST /v1/transcribe/live`: the audio may still be growing, so config must come first.

        The sandbox waits for the end of the audio before it begins, refusals included.
        """
        return await self._answer(request, config_required=True)

    async def warm(self, request: Request) -> Response:
        """`GET /v1/warm`: opens a connection ahead of its use."""
        call = self._calls.received(WARM, request)
        try:
            self._check_headers(request)
            response: Response = JSONResponse({"status": "ok"})
        except ProblemError as problem:
            response = await problem.response()
        call.status = response.status_code
        return response

    async def _answer(self, request: Request, config_required: bool) -> Response:
        call = self._calls.received(SYNC, request)
        fault = self._faults.take(SYNC)
        call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            sound, config = await self._read(request, call, config_required)
            serve = partial(self._recognise, sound, config, started)
        except ProblemError as problem:
            serve = problem.response
        response = await faults.answer(fault, request, serve, refusal)
        call.status = response.status_code
        return response

    async def _recognise(self, sound: Sound, config: Config, started: float) -> Response:
        transcript = await run_in_threadpool(lambda: self._recogniser.recognise(sound.samples()))
        self._calls.recognised(SYNC)
        return JSONResponse(transcript_json(transcript, sound, config, started))

    async def _read(self, request: Request, call: Call, config_required: bool) -> tuple[Sound, Config]:
        """The audio and options of a request. Raises ProblemError."""
        try:
            body = await forms.whole_body(request, MAX_BODY_BYTES)
            self._check_headers(request)
            parts = forms.parts(request.headers.get("content-type", ""), body)
        except forms.BodyTooLargeError as error:
            raise ProblemError(413, "Audio Too Large", str(error)) from error
        except forms.FormError as error:
            raise ProblemError(400, "Bad Request", str(error)) from error
        names = [part.name for part in parts]
        call.fields["parts"] = names
        if "audio" not in names:
            raise ProblemError(400, "Bad Request", "missing part: audio")
        audio = parts[names.index("audio")]
        call.fields["audio"] = {
            "filename": audio.filename,
            "content_type": audio.content_type,
            "bytes": len(audio.body),
        }
        if names not in (["config", "audio"], ["audio"]) or (config_required and len(names) == 1):
            raise ProblemError(400, "Bad Request", f"expected config, then audio; got {', '.join(names)}")
        config_json: Any = {}
        if len(parts) == 2:
            config_json = _json_part(parts[0])
            call.fields["config"] = config_json
        config = read_config(config_json)
        return read_audio(audio, config), config

    def _check_headers(self, request: Request) -> None:
        key = request.headers.get("authorization", "")
        if key.lower().startswith("bearer "):
            raise ProblemError(401, "Unauthorized", "The API key goes into Authorization as it is, without Bearer")
        if not hmac.compare_digest(key.encode(), self._key.encode()):
            raise ProblemError(*REFUSALS["401"])
        model = request.headers.get("x-aai-model")
        if model not in MODELS:
            named = "missing header X-AAI-Model" if model is None else "unknown model in X-AAI-Model"
            raise ProblemError(400, "Bad Request", f"{named}; known: {', '.join(sorted(MODELS))}")


def read_config(config: Any) -> Config:
    """The checked options. Raises ProblemError. Too much `conversation_context` is trimmed there, so never refused."""
    if not isinstance(config, dict):
        raise ProblemError(400, "Bad Request", "config must be a JSON object")
    prompt = config.get("prompt") or ""
    terms = config.get("keyterms_prompt") or []
    rate_hz, channels, timestamps = config.get("sample_rate"), config.get("channels"), config.get("timestamps")
    checks = {
        "prompt: a string of at most 6000 characters": isinstance(prompt, str) and len(prompt) <= 6_000,
        "keyterms_prompt: at most 100 strings of 8000 characters together": (
            _strings(terms) and len(terms) <= 100 and sum(map(len, terms)) <= 8_000
        ),
        "conversation_context: a string or strings": (
            isinstance(config.get("conversation_context") or "", str) or _strings(config["conversation_context"])
        ),
        "language_codes: strings": _strings(config.get("language_codes") or []),
        "timestamps: true or false": timestamps is None or isinstance(timestamps, bool),
        "sample_rate: a whole number": rate_hz is None or type(rate_hz) is int,
        "channels: 1 or 2": channels is None or (type(channels) is int and channels in (1, 2)),
    }
    wrong = [rule for rule, kept in checks.items() if not kept]
    if wrong:
        raise ProblemError(400, "Bad Request", "; ".join(wrong))
    return Config(timestamps=bool(timestamps), sample_rate_hz=rate_hz, channels=channels)


def read_audio(part: forms.Part, config: Config) -> Sound:
    """The sound in the audio part, within what the API takes. Raises ProblemError."""
    if len(part.body) > MAX_AUDIO_BYTES:
        raise ProblemError(413, "Audio Too Large", f"{len(part.body)} bytes exceed limit {MAX_AUDIO_BYTES} bytes")
    try:
        match part.content_type.partition(";")[0].strip().lower():
            case "audio/wav":
                sound = read_wav(bytes(part.body))
            case "audio/pcm":
                if config.sample_rate_hz is None or config.channels is None:
                    raise ProblemError(400, "Bad Audio", "raw PCM needs sample_rate and channels in config")
                sound = Sound(bytes(part.body), config.sample_rate_hz, config.channels)
            case other:
                raise ProblemError(415, "Unsupported Media Type", f"{other}; audio/wav and audio/pcm are taken")
    except NotAudioError as error:
        raise ProblemError(400, "Bad Audio", str(error)) from error
    except UnsupportedAudioError as error:
        raise ProblemError(415, "Unsupported Media Type", str(error)) from error
    if sound.rate_hz not in RATES_HZ:
        raise ProblemError(415, "Unsupported Media Type", f"{sound.rate_hz} Hz; taken: {RATES_HZ}")
    if sound.frame_count * 1000 < MIN_AUDIO_MS * sound.rate_hz:
        raise ProblemError(400, "Audio Too Short", f"audio below {MIN_AUDIO_MS} ms")
    if sound.frame_count * 1000 > MAX_AUDIO_MS * sound.rate_hz:
        raise ProblemError(413, "Audio Too Large", f"{sound.duration_ms} ms exceed limit {MAX_AUDIO_MS} ms")
    return sound


async def refusal(kind: str, retry_after_seconds: int) -> Response:
    """The answer to a fault."""
    response = await ProblemError(*REFUSALS[kind]).response()
    if kind in ("429", "503"):
        response.headers["retry-after"] = str(retry_after_seconds)
    return response


def transcript_json(transcript: Transcript, sound: Sound, config: Config, started: float) -> dict[str, Any]:
    """The answer; words carry times only if asked for. `started`: `time.perf_counter()` on arrival."""
    words: list[dict[str, Any]] = [{"text": word.text, "confidence": word.confidence} for word in transcript.words]
    if config.timestamps:
        for shown, word in zip(words, transcript.words, strict=True):
            shown |= {"start": word.start_ms, "end": word.end_ms}
    return {
        "text": transcript.text,
        "words": words,
        "confidence": round(transcript.confidence, 4),
        "audio_duration_ms": sound.duration_ms,
        "session_id": str(uuid.uuid4()),
        "request_time_ms": round((time.perf_counter() - started) * 1000, 1),
    }


def _json_part(part: forms.Part) -> Any:
    if part.content_type.partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(400, "Bad Request", "config must be application/json")
    try:
        return json.loads(part.text())
    except (ValueError, RecursionError, forms.FormError) as error:
        raise ProblemError(400, "Bad Request", "config is no JSON") from error


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
