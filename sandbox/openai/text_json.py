"""OpenAI's JSON for the output of a text model, as a chat completion and as a Response."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.openai.text_request import TextRequest, count_tokens


@dataclass(frozen=True)
class Answer:
    """The output of the model. `is_complete` is false if it was cut off at the token limit."""

    text: str
    is_refusal: bool
    is_complete: bool
    reasoning_tokens: int

    @property
    def output_tokens(self) -> int:
        return self.reasoning_tokens + count_tokens(self.text)


def chat_json(text_request: TextRequest, answer: Answer) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": text_request.model,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if answer.is_refusal else answer.text,
                    "refusal": answer.text if answer.is_refusal else None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop" if answer.is_complete else "length",
            }
        ],
        "usage": {
            "prompt_tokens": text_request.input_tokens,
            "completion_tokens": answer.output_tokens,
            "total_tokens": text_request.input_tokens + answer.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": answer.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    }


def response_json(text_request: TextRequest, answer: Answer) -> dict[str, Any]:
    status = "completed" if answer.is_complete else "incomplete"
    part: dict[str, Any] = {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": []}
    if answer.is_refusal:
        part = {"type": "refusal", "refusal": answer.text}
    message = {
        "type": "message",
        "id": f"msg_{uuid.uuid4().hex}",
        "status": status,
        "role": "assistant",
        "content": [part],
    }
    reasoning = {"type": "reasoning", "id": f"rs_{uuid.uuid4().hex}", "summary": []}
    # Reasoning comes before the message; without a message, reasoning used up the whole limit.
    output = [reasoning] * (answer.reasoning_tokens > 0) + [message] * bool(answer.text)
    text = text_request.parameters.get("text", {})
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None if answer.is_complete else {"reason": "max_output_tokens"},
        "instructions": text_request.parameters.get("instructions"),
        "max_output_tokens": text_request.max_output_tokens,
        "metadata": {},
        "model": text_request.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": text_request.effort, "summary": None},
        "service_tier": "default",
        "store": text_request.store,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": text_request.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": answer.output_tokens,
            "output_tokens_details": {"reasoning_tokens": answer.reasoning_tokens},
            "total_tokens": text_request.input_tokens + answer.output_tokens,
        },
    }
