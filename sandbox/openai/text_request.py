"""Requests to OpenAI's text models: the bodies of chat completions and Responses, parsed into one shape.

Source: OpenAI's openapi.yaml 2.3.0 and the Python SDK 3.54.0, read 2026-11. Parameters that this backend never sends
are refused as unknown.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.openai import json_schema
from sandbox.openai.responses import OpenAIError

MODELS = {"gpt-6-luna", "gpt-6-sol", "gpt-5.6-luna", "gpt-5.4-mini", "gpt-5.4-nano"}
# Documented for gpt-6-luna, assumed for the others.
CONTEXT_TOKENS, MAX_OUTPUT_TOKENS = 1_050_000, 128_000
MIN_RESPONSES_OUTPUT_TOKENS = 16
CHARS_PER_TOKEN = 4
REASONING_TOKENS = {"none": 0, "minimal": 32, "low": 64, "medium": 256, "high": 1024, "xhigh": 2048, "max": 4096}
"""Reasoning tokens by effort. Documented: they are billed and count towards the limit. The numbers are made up."""
DEFAULT_EFFORT = "medium"
MAX_RECORDED_CHARS = 20_000

CHAT_PARAMETERS = {"model", "messages", "store", "max_completion_tokens", "response_format", "reasoning_effort"}
RESPONSES_PARAMETERS = {"model", "input", "instructions", "store", "max_output_tokens", "text", "reasoning"}


@dataclass(frozen=True)
class Message:
    role: str
    text: str


@dataclass(frozen=True)
class OutputFormat:
    """The JSON Schema that the output must follow, and its name."""

    name: str
    schema: json_schema.Schema


@dataclass(frozen=True)
class TextRequest:
    """A checked request. `format` None means plain text; `max_output_tokens` None means the limit of the model."""

    model: str
    messages: list[Message]
    format: OutputFormat | None
    max_output_tokens: int | None
    effort: str
    store: bool
    parameters: dict[str, Any]

    @property
    def input_tokens(self) -> int:
        return sum(count_tokens(message.text) for message in self.messages)


def count_tokens(text: str) -> int:
    """An estimate: an exact count needs the model's vocabulary."""
    return -(-len(text) // CHARS_PER_TOKEN)


def parse_chat(body: Any) -> TextRequest:
    """The request in a body of chat completions. Raises OpenAIError."""
    parameters = _check_parameters(body, CHAT_PARAMETERS, "messages")
    effort = parameters.get("reasoning_effort", DEFAULT_EFFORT)
    return _build_request(
        parameters,
        messages=_parse_messages(parameters["messages"], "messages"),
        format=_parse_format(parameters.get("response_format"), "response_format"),
        limit=_parse_limit(parameters, "max_completion_tokens", 1),
        effort=(effort, "reasoning_effort"),
        store=parameters.get("store", False),
    )


def parse_responses(body: Any) -> TextRequest:
    """The request in a body of Responses. Raises OpenAIError."""
    parameters = _check_parameters(body, RESPONSES_PARAMETERS, "input")
    content = parameters["input"]
    messages = [Message("user", content)] if isinstance(content, str) else _parse_messages(content, "input")
    instructions = parameters.get("instructions", "")
    if not isinstance(instructions, str):
        raise _invalid("instructions", "expected a string")
    text = _read_single_field(parameters, "text", "format")
    reasoning = _read_single_field(parameters, "reasoning", "effort")
    return _build_request(
        parameters,
        messages=[Message("developer", instructions), *messages] if instructions else messages,
        format=_parse_format(text.get("format"), "text.format"),
        limit=_parse_limit(parameters, "max_output_tokens", MIN_RESPONSES_OUTPUT_TOKENS),
        effort=(reasoning.get("effort") or DEFAULT_EFFORT, "reasoning.effort"),
        store=parameters.get("store", True),
    )


def call_fields(request: TextRequest) -> dict[str, Any]:
    """The request for the record of calls: every parameter, and the messages with long texts cut."""
    texts = ("messages", "input", "instructions")
    return {name: value for name, value in request.parameters.items() if name not in texts} | {
        "said": [{"role": message.role, "text": message.text[:MAX_RECORDED_CHARS]} for message in request.messages]
    }


def _build_request(
    parameters: dict[str, Any],
    messages: list[Message],
    format: OutputFormat | None,
    limit: int | None,
    effort: tuple[Any, str],
    store: Any,
) -> TextRequest:
    if not isinstance(store, bool):
        raise _invalid("store", "expected a boolean")
    if not isinstance(effort[0], str) or effort[0] not in REASONING_TOKENS:
        raise _invalid(effort[1], f"expected one of {', '.join(REASONING_TOKENS)}")
    request = TextRequest(parameters["model"], messages, format, limit, effort[0], store, parameters)
    if request.input_tokens > CONTEXT_TOKENS:
        raise context_length_exceeded(request.input_tokens, "messages" if "messages" in parameters else "input")
    return request


def context_length_exceeded(count: int, param: str) -> OpenAIError:
    message = f"This model's maximum context length is {CONTEXT_TOKENS} tokens. However, you asked for {count} tokens."
    return OpenAIError(400, message, code="context_length_exceeded", param=param)


def _check_parameters(body: Any, names: set[str], text_parameter: str) -> dict[str, Any]:
    """The parameters that are not null, with those checked that both APIs share. Raises OpenAIError."""
    if not isinstance(body, dict):
        raise OpenAIError(400, "We could not parse the JSON body of your request.")
    parameters = {name: value for name, value in body.items() if value is not None}
    if parameters.get("stream") is False:  # The SDK's `parse` sends the default.
        del parameters["stream"]
    _check_names(parameters, names)
    for name in ("model", text_parameter):
        if name not in parameters:
            message = f"Missing required parameter: '{name}'."
            raise OpenAIError(400, message, code="missing_required_parameter", param=name)
    model = parameters["model"]
    if not isinstance(model, str) or model not in MODELS:
        message = f"The model '{model}' does not exist or you do not have access to it."
        raise OpenAIError(404, message, code="model_not_found", param="model")
    return parameters


def _read_single_field(parameters: dict[str, Any], name: str, field: str) -> dict[str, Any]:
    """The object in `parameters[name]`, which may contain `field` and nothing else. Raises OpenAIError."""
    value = parameters.get(name, {})
    if not isinstance(value, dict):
        raise _invalid(name, "expected an object")
    _check_names(value, {field}, f"{name}.")
    return value


def _check_names(parameters: dict[str, Any], names: set[str], prefix: str = "") -> None:
    """Raises OpenAIError for a parameter that is not in `names`."""
    unknown = sorted(set(parameters) - names)
    if unknown:
        param = f"{prefix}{unknown[0]}"
        raise OpenAIError(400, f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)


def _parse_messages(value: Any, param: str) -> list[Message]:
    if not isinstance(value, list) or not value:
        raise _invalid(param, "expected a non-empty array of messages")
    return [_parse_message(item, f"{param}[{index}]") for index, item in enumerate(value)]


def _parse_message(item: Any, param: str) -> Message:
    roles = ("system", "developer", "user", "assistant")
    if not isinstance(item, dict) or item.get("role") not in roles:
        raise _invalid(f"{param}.role", f"expected one of {', '.join(roles)}")
    content = item.get("content")
    if not isinstance(content, str):
        raise _invalid(f"{param}.content", "expected a string")
    return Message(item["role"], content)


def _parse_format(value: Any, param: str) -> OutputFormat | None:
    """The schema of the output: in an object of its own for chat, beside its type for Responses. Raises OpenAIError."""
    if value is None:
        return None
    if not isinstance(value, dict) or value.get("type") != "json_schema":
        raise _invalid(f"{param}.type", "expected json_schema")
    inner: Any = value.get("json_schema") if param == "response_format" else value
    name, schema = (inner.get("name"), inner.get("schema")) if isinstance(inner, dict) else (None, None)
    if not isinstance(name, str) or not json_schema.NAME.fullmatch(name):
        raise _invalid(f"{param}.name", "expected letters, digits, _ and -, at most 64")
    if not isinstance(schema, dict):
        raise _invalid(f"{param}.schema", "expected an object")
    try:
        json_schema.check_schema(schema, strict=inner.get("strict") is True)
    except json_schema.SchemaError as error:
        message = f"Invalid schema for {param} '{name}': {error}."
        raise OpenAIError(400, message, code="invalid_json_schema", param=param) from error
    return OutputFormat(name, schema)


def _parse_limit(parameters: dict[str, Any], name: str, lowest: int) -> int | None:
    value = parameters.get(name)
    if value is None:
        return None
    if type(value) is not int:
        raise _invalid(name, "expected an integer")
    if value < lowest:
        message = (
            f"Invalid '{name}': integer below minimum value. Expected a value >= {lowest}, but got {value} instead."
        )
        raise OpenAIError(400, message, code="integer_below_min_value", param=name)
    if value > MAX_OUTPUT_TOKENS:
        raise _invalid(name, f"the model returns at most {MAX_OUTPUT_TOKENS} tokens")
    return value


def _invalid(param: str, message: str) -> OpenAIError:
    return OpenAIError(400, f"Invalid value for '{param}': {message}.", code="invalid_value", param=param)
