"""The events of OpenAI's realtime socket: their ids, and the decoding of a client's frame."""

import json
import secrets
from typing import Any

from sandbox.openai.responses import OpenAIError

Event = dict[str, Any]


def new_event_id() -> str:
    return f"event_{secrets.token_hex(10)}"


def parse_event(received: Any) -> Event:
    """Decode one frame. Raises OpenAIError unless it is a JSON object."""
    if received.get("text") is None:
        message = "Expected a text WebSocket message; binary frames are not supported."
        raise OpenAIError(400, message, code="invalid_event")
    try:
        event = json.loads(received["text"])
    except (ValueError, RecursionError) as error:
        raise OpenAIError(400, "Invalid event: failed to parse JSON value.", code="invalid_json") from error
    if not isinstance(event, dict):
        raise OpenAIError(400, "Invalid event: expected an object.", code="invalid_event")
    return event
