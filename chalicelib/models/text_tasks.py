"""What a text model is asked to do."""

from typing import Any

from msgspec import Struct


class TextTask(Struct, frozen=True):
    """One task for a text model: fixed `instructions`, `data` as JSON text, and the JSON schema of the answer."""

    name: str
    instructions: str
    data: str
    schema: dict[str, Any]
    output_tokens: int
