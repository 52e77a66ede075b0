"""Stored items as text in which a test can look for words, packed ones too."""

import json
from typing import Any

from chalicelib.repositories.packed_rows import unpack


def text_of(item: Any) -> str:
    """The item as JSON. Raises an error for bytes that are no packed words."""
    return json.dumps(item, default=_readable)


def _readable(value: Any) -> Any:
    return unpack(bytes(value)) if isinstance(value, bytes) else str(value)
