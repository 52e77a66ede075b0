"""Answers of OpenAI's text models, as chat completions and as Responses."""

import time
import uuid
from dataclasses import dataclass
from typing import Any

from sandbox.openai.text_request import TextRequest, tokens


@dataclass(frozen=True)
class Answer:
    """`refused` says whether the text is a refusal, `whole` whether it ends where it should."""

    text: str
    refused: bool
    whole: bool
    reasoning_tokens: int

    @property
    def output_tokens(self) -> int:
        return self.reasoning_tokens + tokens(self.text)


def chat_json(asked: TextRequest, given: Answer) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": asked.model,
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None if given.refused else given.text,
                    "refusal": given.text if given.refused else None,
                    "annotations": [],
                },
                "logprobs": None,
                "finish_reason": "stop" if given.whole else "length",
            }
        ],
        "usage": {
            "prompt_tokens": asked.input_tokens,
            "completion_tokens": given.output_tokens,
            "total_tokens": asked.input_tokens + given.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": given.reasoning_tokens,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": "default",
    }


def response_json(asked: TextRequest, given: Answer) -> dict[str, Any]:
    status = "completed" if given.whole else "incomplete"
    part: dict[str, Any] = {"type": "output_text", "text": given.text, "annotations": [], "logprobs": []}
    if given.refused:
        part = {"type": "refusal", "refusal": given.text}
    message = {
        "type": "message",
        "id": f"msg_{uuid.uuid4().hex}",
        "status": status,
        "role": "assistant",
        "content": [part],
    }
    thoughts = {"type": "reasoning", "id": f"rs_{uuid.uuid4().hex}", "summary": []}
    # What a model thought comes before what it says; one that only thought says nothing.
    output = [thoughts] * (given.reasoning_tokens > 0) + [message] * bool(given.text)
    text = asked.given.get("text", {})
    return {
        "id": f"resp_{uuid.uuid4().hex}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None if given.whole else {"reason": "max_output_tokens"},
        "instructions": asked.given.get("instructions"),
        "max_output_tokens": asked.max_output_tokens,
        "metadata": {},
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": asked.effort, "summary": None},
        "service_tier": "default",
        "store": asked.store,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": {
            "input_tokens": asked.input_tokens,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": given.output_tokens,
            "output_tokens_details": {"reasoning_tokens": given.reasoning_tokens},
            "total_tokens": asked.input_tokens + given.output_tokens,
        },
    }
