"""A text model at OpenAI, or any server that speaks its API (Ollama, vLLM): one question, one JSON object back.

Sources: OpenAI's openapi.yaml 2.3.0, chat completions and responses; docs/providers.md.
"""

from typing import Any, Literal

import msgspec

from ..errors import ProviderError
from ..models.catchup import TextAnswer
from ..models.text_tasks import TextTask
from .transport import Transport

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


class ChatAnswer(msgspec.Struct):
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


class ResponseAnswer(msgspec.Struct):
    status: str
    output: list[Output]
    usage: ResponseUsage | None = None


class OpenAIText:
    """Asks `model` by the chat or the responses API. `effort`: how hard a reasoning model thinks; empty: not said."""

    def __init__(self, transport: Transport, base_url: str, api_key: str, model: str, *, api: TextApi, effort: str):
        self._transport, self._model, self._api, self._effort = transport, model, api, effort
        self._url = f"{base_url.rstrip('/')}/{'responses' if api == 'responses' else 'chat/completions'}"
        self._headers = {"Authorization": f"Bearer {api_key}"}

    def answer(self, task: TextTask) -> TextAnswer:
        """The JSON object that the model answered; it may still break the schema. Raises ProviderError.

        The provider is told to store nothing.
        """
        if self._api == "responses":
            text, said_in, said_out = self._respond(task)
        else:
            text, said_in, said_out = self._chat(task)
        try:
            fields = msgspec.json.decode(text, type=dict[str, object])
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ProviderError("The text model answered nonsense.", "no JSON object") from error
        # A server that does not count is taken to have read and written a token for every three bytes.
        tokens_in = said_in or -(-len((task.instructions + task.data).encode()) // 3)
        return TextAnswer(fields, f"openai/{self._model}", tokens_in, said_out or -(-len(text.encode()) // 3))

    def _chat(self, task: TextTask) -> tuple[str, int, int]:
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
        answer = self._asked(fields, ChatAnswer)
        if not answer.choices:
            raise ProviderError("The text model answered nothing.")
        choice = answer.choices[0]
        if choice.message.refusal or choice.finish_reason not in ("stop", None):
            raise ProviderError("The text model did not finish its answer.", f"finish_reason {choice.finish_reason}")
        usage = answer.usage or ChatUsage()
        return choice.message.content or "", usage.prompt_tokens, usage.completion_tokens

    def _respond(self, task: TextTask) -> tuple[str, int, int]:
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
        answer = self._asked(fields, ResponseAnswer)
        contents = [content for output in answer.output if output.type == "message" for content in output.content or []]
        if answer.status != "completed" or any(content.type == "refusal" for content in contents):
            raise ProviderError("The text model did not finish its answer.", f"status {answer.status}")
        usage = answer.usage or ResponseUsage()
        text = "".join(content.text for content in contents if content.type == "output_text")
        return text, usage.input_tokens, usage.output_tokens

    def _asked(self, fields: dict[str, Any], shape: type[Any]) -> Any:
        answered = self._transport.post_json(self._url, self._headers, fields)
        try:
            return msgspec.convert(answered, shape)
        except msgspec.ValidationError as error:
            raise ProviderError("The text model answered nonsense.") from error
