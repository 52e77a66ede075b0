"""OpenAI's chat completions and Responses. The output is extracted from the input, and says so."""

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
from sandbox.openai.responses import OpenAIError, check_key, fault_response, set_headers
from sandbox.openai.text_json import Answer, chat_json, response_json
from sandbox.openai.text_request import (
    CHARS_PER_TOKEN,
    CONTEXT_TOKENS,
    MAX_OUTPUT_TOKENS,
    REASONING_TOKENS,
    TextRequest,
    call_fields,
    context_length_exceeded,
    parse_chat,
    parse_responses,
)

CHAT = "openai.chat"
RESPONSES = "openai.responses"
TEXT_KINDS = {"refusal", "truncated", "not_json", "wrong_schema", "wrong_lines", "context_length"}
"""Ways in which the model fails although the service works."""
KINDS = HTTP_KINDS | TEXT_KINDS

MAX_BODY_BYTES = 16 * 1024 * 1024
WRONG_LINE = 1_000_000
"""Added to every line number by the fault `wrong_lines`."""
REFUSAL_TEXT = "I'm sorry, but I can't help with that."


class TextRoutes:
    """The routes `POST /chat/completions` and `POST /responses`."""

    def __init__(self, key: str, fault_queue: Faults, calls: Calls):
        self._key = key
        self._faults = fault_queue
        self._calls = calls

    async def chat(self, request: Request) -> Response:
        return await self._answer(CHAT, request, parse_chat, chat_json)

    async def responses(self, request: Request) -> Response:
        return await self._answer(RESPONSES, request, parse_responses, response_json)

    async def _answer(
        self,
        service: str,
        request: Request,
        read: Callable[[Any], TextRequest],
        render: Callable[[TextRequest, Answer], dict[str, Any]],
    ) -> Response:
        call = self._calls.record_call(service, request)
        fault = self._faults.take_fault(service)
        kind = call.fault = fault.kind if fault else None
        started = time.perf_counter()
        serve: Callable[[], Awaitable[Response]]
        try:
            text_request = read(await self._read_json(request))
            call.fields.update(call_fields(text_request))
            if kind == "context_length":
                raise context_length_exceeded(CONTEXT_TOKENS + 1, "messages" if service == CHAT else "input")
            serve = partial(self._serve, service, text_request, kind, render)
        except OpenAIError as error:
            serve = error.response
        response = await faults.respond(None if kind in TEXT_KINDS else fault, request, serve, fault_response)
        set_headers(response, started)
        call.status = response.status_code
        return response

    async def _serve(
        self,
        service: str,
        text_request: TextRequest,
        kind: str | None,
        render: Callable[[TextRequest, Answer], dict[str, Any]],
    ) -> Response:
        self._calls.record_work(service)
        return JSONResponse(render(text_request, generate_answer(text_request, kind)))

    async def _read_json(self, request: Request) -> Any:
        """The decoded body. Raises OpenAIError."""
        try:
            body = await forms.read_body(request, MAX_BODY_BYTES)
            check_key(request, self._key)
            return json.loads(body)
        except forms.BodyTooLargeError as error:
            raise OpenAIError(413, f"Maximum content size limit exceeded: {error}") from error
        except (ValueError, RecursionError) as error:
            raise OpenAIError(400, "We could not parse the JSON body of your request.") from error


def generate_answer(text_request: TextRequest, kind: str | None) -> Answer:
    """The output within its token limit, altered by the fault `kind`."""
    reasoning_tokens = REASONING_TOKENS[text_request.effort]
    if kind == "refusal":
        return Answer(REFUSAL_TEXT, is_refusal=True, is_complete=True, reasoning_tokens=reasoning_tokens)
    text = _apply_text_fault(_generate_text(text_request), kind)
    max_tokens = MAX_OUTPUT_TOKENS if text_request.max_output_tokens is None else text_request.max_output_tokens
    reasoning_tokens = min(reasoning_tokens, max_tokens)
    max_chars = (max_tokens - reasoning_tokens) * CHARS_PER_TOKEN
    if kind == "truncated":
        max_chars = min(max_chars, len(text) // 2)
    is_complete = len(text) <= max_chars
    return Answer(text[:max_chars], is_refusal=False, is_complete=is_complete, reasoning_tokens=reasoning_tokens)


def _generate_text(text_request: TextRequest) -> str:
    """The output before faults: JSON if the request has a schema."""
    user_texts = [message.text for message in text_request.messages if message.role == "user"]
    plain = extracts.quote_beginning(user_texts[-1] if user_texts else "")
    if text_request.format is None:
        return plain
    build = extracts.ANSWERS.get(text_request.format.name)
    content = build(_find_json_object(user_texts)) if build else None
    return json.dumps(json_schema.fit_value(text_request.format.schema, content, text=plain), ensure_ascii=False)


def _find_json_object(user_texts: list[str]) -> dict[str, Any]:
    """The last JSON object in a message of the user, with or without text around it; empty without one."""
    for text in reversed(user_texts):
        start = text.find("{")
        try:
            data, _ = json.JSONDecoder().raw_decode(text, start) if start >= 0 else (None, 0)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            return data
    return {}


def _apply_text_fault(text: str, kind: str | None) -> str:
    match kind:
        case "not_json":
            return f"Certainly! Here is what you asked for: {text[: math.ceil(len(text) / 2)]}"
        case "wrong_schema":
            return '{"unexpected": ["another shape"]}'
        case "wrong_lines" if text.startswith("{"):
            return json.dumps(_shift_line_numbers(json.loads(text)), ensure_ascii=False)
    return text


def _shift_line_numbers(value: Any) -> Any:
    """`value` with every number under `line` moved far beyond the last line."""
    if isinstance(value, list):
        return [_shift_line_numbers(item) for item in value]
    if isinstance(value, dict):
        return {
            name: item + WRONG_LINE if name == "line" and type(item) is int else _shift_line_numbers(item)
            for name, item in value.items()
        }
    return value
