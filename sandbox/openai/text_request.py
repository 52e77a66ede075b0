"""What is asked of OpenAI's text models: the bodies of chat completions and Responses, read into one shape.

Source: OpenAI's openapi.yaml 2.3.0 and the Python SDK 3.54.0, read 2026-11. Parameters that this backend never sends
are refused as unknown.
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
RECORDED_CHARS = 20_000

CHAT_PARAMETERS = {"model", "messages", "store", "max_completion_tokens", "response_format", "reasoning_effort"}
RESPONSES_PARAMETERS = {"model", "input", "instructions", "store", "max_output_tokens", "text", "reasoning"}


@dataclass(frozen=True)
class Message:
    role: str
    text: str


@dataclass(frozen=True)
class Format:
    """The JSON Schema that the output must follow, and its name."""

    name: str
    schema: json_schema.Schema


@dataclass(frozen=True)
class TextRequest:
    """A checked request. `format` None means plain text, `max_output_tokens` None the model's own limit."""

    model: str
    messages: list[Message]
    format: Format | None
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
    given = _checked(body, CHAT_PARAMETERS, "messages")
    effort = given.get("reasoning_effort", DEFAULT_EFFORT)
    return _finished(
        given,
        messages=_messages(given["messages"], "messages"),
        format=_format(given.get("response_format"), "response_format"),
        cap=_cap(given, "max_completion_tokens", 1),
        effort=(effort, "reasoning_effort"),
        store=given.get("store", False),
    )


def read_responses(body: Any) -> TextRequest:
    """Raises RefusalError."""
    given = _checked(body, RESPONSES_PARAMETERS, "input")
    said = given["input"]
    messages = [Message("user", said)] if isinstance(said, str) else _messages(said, "input")
    instructions = given.get("instructions", "")
    if not isinstance(instructions, str):
        raise _invalid("instructions", "expected a string")
    text, reasoning = _only(given, "text", "format"), _only(given, "reasoning", "effort")
    return _finished(
        given,
        messages=[Message("developer", instructions), *messages] if instructions else messages,
        format=_format(text.get("format"), "text.format"),
        cap=_cap(given, "max_output_tokens", MIN_RESPONSES_OUTPUT_TOKENS),
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
    format: Format | None,
    cap: int | None,
    effort: tuple[Any, str],
    store: Any,
) -> TextRequest:
    if not isinstance(store, bool):
        raise _invalid("store", "expected a boolean")
    if not isinstance(effort[0], str) or effort[0] not in REASONING_TOKENS:
        raise _invalid(effort[1], f"expected one of {', '.join(REASONING_TOKENS)}")
    request = TextRequest(given["model"], messages, format, cap, effort[0], store, given)
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
    if given.get("stream") is False:  # The SDK's `parse` sends the default.
        del given["stream"]
    _check_names(given, parameters)
    for name in ("model", said):
        if name not in given:
            message = f"Missing required parameter: '{name}'."
            raise RefusalError(400, message, code="missing_required_parameter", param=name)
    model = given["model"]
    if not isinstance(model, str) or model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise RefusalError(404, message, code="model_not_found", param="model")
    return given


def _only(given: dict[str, Any], name: str, field: str) -> dict[str, Any]:
    """The object in `given[name]`, which may hold `field` and nothing else. Raises RefusalError."""
    value = given.get(name, {})
    if not isinstance(value, dict):
        raise _invalid(name, "expected an object")
    _check_names(value, {field}, f"{name}.")
    return value


def _check_names(given: dict[str, Any], names: set[str], prefix: str = "") -> None:
    """Raises RefusalError for a parameter that is not in `names`."""
    unknown = sorted(set(given) - names)
    if unknown:
        param = f"{prefix}{unknown[0]}"
        raise RefusalError(400, f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def _messages(value: Any, param: str) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise _invalid(param, "expected a non-empty array of messages")
    return [_message(item, f"{param}[{place}]") for place, item in enumerate(value)]


def _message(item: Any, param: str) -> Message:
    roles = ("system", "developer", "user", "assistant")
    if not isinstance(item, dict) or item.get("role") not in roles:
        raise _invalid(f"{param}.role", f"expected one of {', '.join(roles)}")
    content = item.get("content")
    if not isinstance(content, str):
        raise _invalid(f"{param}.content", "expected a string")
    return Message(item["role"], content)


def _format(value: Any, param: str) -> Format | None:
    """The schema of a chat stands in an object of its own, that of Responses beside its type. Raises RefusalError."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("type") != "json_schema":
        raise _invalid(f"{param}.type", "expected json_schema")
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
    return Format(name, schema)


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
