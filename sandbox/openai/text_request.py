"""What is asked of OpenAI's text models: the bodies of chat completions and Responses, read into one shape.

Source: OpenAI's openapi.yaml 2.3.0 and the Python SDK 3.54.0, read 2026-11. What the sandbox does not do is refused.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.openai import json_schema
from sandbox.openai.transcriptions import RefusalError

MODELS = {"gpt-6-luna", "gpt-6-sol", "gpt-5.6-luna", "gpt-5.4-mini", "gpt-5.4-nano"}
# Documented for gpt-6-luna; taken for the others too.
CONTEXT_TOKENS, MAX_OUTPUT_TOKENS = 1_050_000, 128_000
MIN_RESPONSES_OUTPUT_TOKENS = 16
CHARS_PER_TOKEN = 4
REASONING_TOKENS = {"none": 0, "minimal": 32, "low": 64, "medium": 256, "high": 1024, "xhigh": 2048, "max": 4096}
"""Hidden tokens by effort. That they cost output and fill the cap is documented; how many they are is made up."""
DEFAULT_EFFORT = "medium"
MAX_SAFETY_IDENTIFIER = 64
RECORDED_CHARS = 20_000

CHAT_PARAMETERS = (
    "model messages store max_completion_tokens max_tokens response_format temperature top_p seed n stream stop"
    " reasoning_effort verbosity safety_identifier prompt_cache_key user metadata service_tier presence_penalty"
    " frequency_penalty tools"
)
RESPONSES_PARAMETERS = (
    "model input instructions store max_output_tokens text temperature top_p stream background reasoning"
    " safety_identifier prompt_cache_key user metadata service_tier truncation include parallel_tool_calls"
    " tools"
)


@dataclass(frozen=True)
class Message:
    role: str
    text: str


@dataclass(frozen=True)
class Format:
    """`kind`: text, json_object or json_schema; the other two are for a schema."""

    kind: str = "text"
    name: str = ""
    schema: json_schema.Schema | None = None


@dataclass(frozen=True)
class TextRequest:
    """A checked request. `max_output_tokens` None is the model's own limit."""

    model: str
    messages: list[Message]
    format: Format
    max_output_tokens: int | None
    effort: str
    store: bool
    given: dict[str, Any]

    @property
    def input_tokens(self) -> int:
        return sum(tokens(message.text) for message in self.messages)


def tokens(text: str) -> int:
    """About how many tokens a text is; a true count needs the model's own vocabulary."""
    return -(-len(text) // CHARS_PER_TOKEN)


def read_chat(body: Any) -> TextRequest:
    """Raises RefusalError."""
    given = _checked(body, set(CHAT_PARAMETERS.split()), "messages")
    if given.get("n", 1) != 1:
        raise _unsupported("n", "The sandbox gives one choice.")
    cap_name = "max_tokens" if "max_completion_tokens" not in given else "max_completion_tokens"
    effort = given.get("reasoning_effort", DEFAULT_EFFORT)
    return _finished(
        given,
        messages=_messages(given["messages"], "messages"),
        format=_format(given.get("response_format", {"type": "text"}), "response_format"),
        cap=(cap_name, _cap(given, cap_name, 1)),
        effort=(effort, "reasoning_effort"),
        store=given.get("store", False),
    )


def read_responses(body: Any) -> TextRequest:
    """Raises RefusalError."""
    given = _checked(body, set(RESPONSES_PARAMETERS.split()), "input")
    if given.get("background", False) is not False:
        raise _unsupported("background", "The sandbox answers at once.")
    said = given["input"]
    messages = [Message("user", said)] if isinstance(said, str) else _messages(said, "input")
    instructions = given.get("instructions", "")
    if not isinstance(instructions, str):
        raise _invalid("instructions", "expected a string")
    text, reasoning = given.get("text", {}), given.get("reasoning", {})
    if not isinstance(text, dict) or not isinstance(reasoning, dict):
        raise _invalid("text" if not isinstance(text, dict) else "reasoning", "expected an object")
    return _finished(
        given,
        messages=[Message("developer", instructions), *messages] if instructions else messages,
        format=_format(text.get("format") or {"type": "text"}, "text.format"),
        cap=("max_output_tokens", _cap(given, "max_output_tokens", MIN_RESPONSES_OUTPUT_TOKENS)),
        effort=(reasoning.get("effort") or DEFAULT_EFFORT, "reasoning.effort"),
        store=given.get("store", True),
    )


def recorded(request: TextRequest) -> dict[str, Any]:
    """The request for the record of calls: every parameter, and what was said, cut where it is long."""
    said = ("messages", "input", "instructions")
    return {name: value for name, value in request.given.items() if name not in said} | {
        "said": [{"role": message.role, "text": message.text[:RECORDED_CHARS]} for message in request.messages]
    }


def _finished(
    given: dict[str, Any],
    messages: list[Message],
    format: Format,
    cap: tuple[str, int | None],
    effort: tuple[Any, str],
    store: Any,
) -> TextRequest:
    if not isinstance(store, bool):
        raise _invalid("store", "expected a boolean")
    if not isinstance(effort[0], str) or effort[0] not in REASONING_TOKENS:
        raise _invalid(effort[1], f"expected one of {', '.join(REASONING_TOKENS)}")
    request = TextRequest(given["model"], messages, format, cap[1], effort[0], store, given)
    if request.input_tokens > CONTEXT_TOKENS:
        raise context_length_exceeded(request.input_tokens, "messages" if "messages" in given else "input")
    return request


def context_length_exceeded(count: int, param: str) -> RefusalError:
    message = f"This model's maximum context length is {CONTEXT_TOKENS} tokens. However, you asked for {count} tokens."
    return RefusalError(400, message, code="context_length_exceeded", param=param)


def _checked(body: Any, parameters: set[str], said: str) -> dict[str, Any]:
    """The parameters that are not null, those checked that both calls have."""
    if not isinstance(body, dict):
        raise RefusalError(400, "We could not parse the JSON body of your request.")
    given = {name: value for name, value in body.items() if value is not None}
    unknown = sorted(set(given) - parameters)
    if unknown:
        raise RefusalError(400, f"Unknown parameter: '{unknown[0]}'.", code="unknown_parameter", param=unknown[0])
    for name in ("model", said):
        if name not in given:
            message = f"Missing required parameter: '{name}'."
            raise RefusalError(400, message, code="missing_required_parameter", param=name)
    model = given["model"]
    if not isinstance(model, str) or model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise RefusalError(404, message, code="model_not_found", param="model")
    if given.get("stream", False) is not False:
        raise _unsupported("stream", "The sandbox does not stream text.")
    if given.get("tools"):
        raise _unsupported("tools", "The sandbox calls no tools.")
    for name, highest in (("temperature", 2), ("top_p", 1)):
        value = given.get(name, 0)
        if type(value) not in (int, float) or not 0 <= value <= highest:
            raise _invalid(name, f"expected a number from 0 to {highest}")
    identifier = given.get("safety_identifier", "")
    if not isinstance(identifier, str) or len(identifier) > MAX_SAFETY_IDENTIFIER:
        raise _invalid("safety_identifier", f"expected a string of at most {MAX_SAFETY_IDENTIFIER} characters")
    return given


def _messages(value: Any, param: str) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise _invalid(param, "expected a non-empty array of messages")
    return [_message(item, f"{param}[{place}]") for place, item in enumerate(value)]


def _message(item: Any, param: str) -> Message:
    roles = ("system", "developer", "user", "assistant")
    if not isinstance(item, dict) or item.get("role") not in roles:
        raise _invalid(f"{param}.role", f"expected one of {', '.join(roles)}")
    content = item.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, list):
        raise _invalid(f"{param}.content", "expected a string or an array of text parts")
    for part in parts:
        known = isinstance(part, dict) and part.get("type") in ("text", "input_text", "output_text")
        if not known or not isinstance(part.get("text"), str):
            raise _invalid(f"{param}.content", "expected text; the sandbox reads nothing else")
    return Message(item["role"], "\n".join(part["text"] for part in parts))


def _format(value: Any, param: str) -> Format:
    """The schema of a chat stands in an object of its own, that of Responses beside its type. Raises RefusalError."""
    kind = value.get("type") if isinstance(value, dict) else None
    if kind in ("text", "json_object"):
        return Format(kind)
    if kind != "json_schema":
        raise _invalid(f"{param}.type", "expected text, json_object or json_schema")
    inner = value.get("json_schema") if param == "response_format" else value
    name, schema = (inner.get("name"), inner.get("schema")) if isinstance(inner, dict) else (None, None)
    if not isinstance(name, str) or not json_schema.NAME.fullmatch(name):
        raise _invalid(f"{param}.name", "expected letters, digits, _ and -, at most 64")
    if not isinstance(schema, dict):
        raise _invalid(f"{param}.schema", "expected an object")
    try:
        json_schema.check(schema, strict=inner.get("strict") is True)
    except json_schema.SchemaError as error:
        message = f"Invalid schema for {param} '{name}': {error}."
        raise RefusalError(400, message, code="invalid_json_schema", param=param) from error
    return Format(kind, name, schema)


def _cap(given: dict[str, Any], name: str, lowest: int) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if type(value) is not int:
        raise _invalid(name, "expected an integer")
    if value < lowest:
        message = (
            f"Invalid '{name}': integer below minimum value. Expected a value >= {lowest}, but got {value} instead."
        )
        raise RefusalError(400, message, code="integer_below_min_value", param=name)
    if value > MAX_OUTPUT_TOKENS:
        raise _invalid(name, f"this model gives at most {MAX_OUTPUT_TOKENS} tokens")
    return value


def _invalid(param: str, message: str) -> RefusalError:
    return RefusalError(400, f"Invalid value for '{param}': {message}.", code="invalid_value", param=param)


def _unsupported(param: str, message: str) -> RefusalError:
    return RefusalError(400, message, code="unsupported_value", param=param)
