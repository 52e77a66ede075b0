"""A text model at OpenAI or a compatible server (Ollama, vLLM): one task per call, answered with one JSON object.

Sources: OpenAI's openapi.yaml 2.3.0, chat completions and responses; docs/providers.md.
"""

from typing import Any, Literal

import msgspec

from ..errors import ProviderError, UnusableAnswerError
from ..models.catchup import TextAnswer
from ..models.text_tasks import TextTask
from ..settings.schema import Settings
from .transport import ProviderSession, Transport

TextApi = Literal["chat", "responses"]


class ChatMessage(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class ChatChoice(msgspec.Struct):
    message: ChatMessage
    finish_reason: str | None = None


class ChatUsage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ChatResponse(msgspec.Struct):
    choices: list[ChatChoice]
    usage: ChatUsage | None = None


class Content(msgspec.Struct):
    type: str
    text: str = ""


class Output(msgspec.Struct):
    type: str
    content: list[Content] | None = None


class ResponseUsage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class TextResponse(msgspec.Struct):
    status: str
    output: list[Output]
    usage: ResponseUsage | None = None


class _ReceivedText(msgspec.Struct, frozen=True):
    """The text of a response and its tokens, 0 where the server does not count; `problem`: why it cannot be used."""

    text: str
    input_tokens: int
    output_tokens: int
    problem: str


class OpenAIText:
    """Calls `model` by the chat or the responses API. `effort`: the reasoning effort; empty: not sent."""

    def __init__(self, transport: Transport, base_url: str, api_key: str, model: str, *, api: TextApi, effort: str):
        self._transport, self._model, self._api, self._effort = transport, model, api, effort
        self._url = f"{base_url.rstrip('/')}/{'responses' if api == 'responses' else 'chat/completions'}"
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def answer(self, task: TextTask) -> TextAnswer:
        """The JSON object that the model returned; it may violate the schema.

        Raises ProviderError; UnusableAnswerError for an answer that is cut off, refused or no JSON object.
        The request asks the provider to store nothing.
        """
        received = self._call_responses(task) if self._api == "responses" else self._call_chat(task)
        if received.problem and not (received.text or received.input_tokens):
            raise ProviderError("The text model returned no answer. Retry the request.", received.problem)
        model = f"openai/{self._model}"
        input_tokens = received.input_tokens or _estimate_tokens(task.instructions + task.data)
        output_tokens = received.output_tokens or _estimate_tokens(received.text)
        if received.problem:
            message = "The text model did not finish its answer."
            raise UnusableAnswerError(message, model, input_tokens, output_tokens, received.problem)
        try:
            fields = msgspec.json.decode(received.text, type=dict[str, object])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            message = "The text model returned an invalid response. Retry the request."
            raise UnusableAnswerError(message, model, input_tokens, output_tokens, "no JSON object") from error
        return TextAnswer(fields, model, input_tokens, output_tokens)

    def _call_chat(self, task: TextTask) -> "_ReceivedText":
        schema = {"name": task.name, "schema": task.schema, "strict": True}
        fields: dict[str, Any] = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": task.instructions},
                {"role": "user", "content": task.data},
            ],
            "response_format": {"type": "json_schema", "json_schema": schema},
            "max_completion_tokens": task.output_tokens,
            "store": False,
        }
        if self._effort:
            fields["reasoning_effort"] = self._effort
        response = self._post(fields, ChatResponse)
        usage = response.usage or ChatUsage()
        if not response.choices:
            return _ReceivedText("", usage.prompt_tokens, usage.completion_tokens, "no choice")
        choice = response.choices[0]
        is_finished = not choice.message.refusal and choice.finish_reason in ("stop", None)
        problem = "" if is_finished else f"finish_reason {choice.finish_reason}"
        text = choice.message.content or choice.message.refusal or ""
        return _ReceivedText(text, usage.prompt_tokens, usage.completion_tokens, problem)

    def _call_responses(self, task: TextTask) -> "_ReceivedText":
        fields: dict[str, Any] = {
            "model": self._model,
            "instructions": task.instructions,
            "input": [{"role": "user", "content": task.data}],
            "text": {"format": {"type": "json_schema", "name": task.name, "schema": task.schema, "strict": True}},
            "max_output_tokens": task.output_tokens,
            "store": False,
        }
        if self._effort:
            fields["reasoning"] = {"effort": self._effort}
        response = self._post(fields, TextResponse)
        contents = [
            content for output in response.output if output.type == "message" for content in output.content or []
        ]
        is_finished = response.status == "completed" and all(content.type != "refusal" for content in contents)
        problem = "" if is_finished else f"status {response.status}"
        usage = response.usage or ResponseUsage()
        text = "".join(content.text for content in contents if content.type == "output_text")
        return _ReceivedText(text, usage.input_tokens, usage.output_tokens, problem)

    def _post(self, fields: dict[str, Any], shape: type[Any]) -> Any:
        response = self._transport.post_json(self._url, self._headers, fields)
        try:
            return msgspec.convert(response, shape)
        except msgspec.ValidationError as error:
            raise ProviderError("The text model returned an invalid response. Retry the request.") from error


def _estimate_tokens(text: str) -> int:
    """A token for every three bytes, for servers that do not count tokens."""
    return -(-len(text.encode()) // 3)


def build(settings: Settings, api_key: str, timeout_seconds: float) -> OpenAIText:
    """The client that the settings describe."""
    return OpenAIText(
        Transport(ProviderSession(), "OpenAI", timeout_seconds),
        settings.openai_base_url,
        api_key,
        settings.openai_text_model,
        api=settings.openai_text_api,
        effort=settings.openai_text_effort,
    )
