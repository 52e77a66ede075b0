"""OpenAI's chat completions and Responses. What they answer is taken out of what they were given, and says so."""

import json
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from sandbox import faults, forms
from sandbox.calls import Calls
from sandbox.faults import HTTP_KINDS, Faults
from sandbox.openai import extracts, json_schema
from sandbox.openai.text_json import Answer, chat_json, response_json
from sandbox.openai.text_request import (
    CHARS_PER_TOKEN,
    CONTEXT_TOKENS,
    MAX_OUTPUT_TOKENS,
    REASONING_TOKENS,
    TextRequest,
    context_length_exceeded,
    read_chat,
    read_responses,
    recorded,
)
from sandbox.openai.transcriptions import RefusalError, check_key, refusal, set_headers

CHAT = "openai.chat"
RESPONSES = "openai.responses"
TEXT_KINDS = {"refusal", "truncated", "not_json", "wrong_schema", "wrong_lines", "context_length"}
"""How a model fails although its service works."""
KINDS = HTTP_KINDS | TEXT_KINDS

MAX_BODY_BYTES = 16 * 1024 * 1024
WRONG_LINE = 1_000_000
"""Added to every line number by the fault `wrong_lines`."""
REFUSED = "I'm sorry, but I can't help with that."


class Texts:
    """The routes `POST /chat/completions` and `POST /responses`."""

    def __init__(self, key: str, pending: Faults, calls: Calls):
        self._key = key
        self._faults = pending
        self._calls = calls

    async def chat(self, request: Request) -> Response:
        return await self._answer(CHAT, request, read_chat, chat_json)

    async def responses(self, request: Request) -> Response:
        return await self._answer(RESPONSES, request, read_responses, response_json)

    async def _answer(
        self,
        service: str,
        request: Request,
        read: Callable[[Any], TextRequest],
        shown: Callable[[TextRequest, Answer], dict[str, Any]],
    ) -> Response:
        call = self._calls.received(service, request)
        fault = self._faults.take(service)
        kind = call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            asked = read(await self._json(request))
            call.fields.update(recorded(asked))
            if kind == "context_length":
                raise context_length_exceeded(CONTEXT_TOKENS + 1, "messages" if service == CHAT else "input")
            serve = partial(self._work, service, asked, kind, shown)
        except RefusalError as error:
            serve = error.response
        response = await faults.answer(None if kind in TEXT_KINDS else fault, request, serve, refusal)
        set_headers(response, started)
        call.status = response.status_code
        return response

    async def _work(
        self,
        service: str,
        asked: TextRequest,
        kind: str | None,
        shown: Callable[[TextRequest, Answer], dict[str, Any]],
    ) -> Response:
        self._calls.recognised(service)
        return JSONResponse(shown(asked, answer(asked, kind)))

    async def _json(self, request: Request) -> Any:
        """Raises RefusalError."""
        try:
            body = await forms.whole_body(request, MAX_BODY_BYTES)
            check_key(request, self._key)
            return json.loads(body)
        except forms.BodyTooLargeError as error:
            raise RefusalError(413, f"Maximum content size limit exceeded: {error}") from error
        except (ValueError, RecursionError) as error:
            raise RefusalError(400, "We could not parse the JSON body of your request.") from error


def answer(asked: TextRequest, kind: str | None) -> Answer:
    """The model's answer within its cap, spoilt as the fault `kind` says."""
    hidden = REASONING_TOKENS[asked.effort]
    if kind == "refusal":
        return Answer(REFUSED, refused=True, whole=True, reasoning_tokens=hidden)
    text = _spoilt(_text(asked), kind)
    cap = MAX_OUTPUT_TOKENS if asked.max_output_tokens is None else asked.max_output_tokens
    hidden = min(hidden, cap)
    room = (cap - hidden) * CHARS_PER_TOKEN
    if kind == "truncated":
        room = min(room, len(text) // 2)
    return Answer(text[:room], refused=False, whole=len(text) <= room, reasoning_tokens=hidden)


def _text(asked: TextRequest) -> str:
    """What there is to say: JSON where a format asks for it."""
    said = [message.text for message in asked.messages if message.role == "user"]
    plain = extracts.plain(said[-1] if said else "")
    if asked.format is None:
        return plain
    find = extracts.ANSWERS.get(asked.format.name)
    wish = find(_data(said)) if find else None
    return json.dumps(json_schema.fitted(asked.format.schema, wish, text=plain), ensure_ascii=False)


def _data(said: list[str]) -> dict[str, Any]:
    """The last JSON object that a user's message holds, text around it or not; an empty one where there is none."""
    for text in reversed(said):
        start = text.find("{")
        try:
            data, _ = json.JSONDecoder().raw_decode(text, start) if start >= 0 else (None, 0)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return data
    return {}


def _spoilt(text: str, kind: str | None) -> str:
    match kind:
        case "not_json":
            return f"Certainly! Here is what you asked for: {text[: math.ceil(len(text) / 2)]}"
        case "wrong_schema":
            return '{"unexpected": ["another shape"]}'
        case "wrong_lines":
            return json.dumps(_moved(json.loads(text)), ensure_ascii=False) if text.startswith("{") else text
    return text


def _moved(value: Any) -> Any:
    """With every number under `line` far beyond the last line."""
    if isinstance(value, list):
        return [_moved(item) for item in value]
    if isinstance(value, dict):
        return {
            name: item + WRONG_LINE if name == "line" and type(item) is int else _moved(item)
            for name, item in value.items()
        }
    return value
