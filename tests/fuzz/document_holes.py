"""A JSON document with a hole: what is made up gets deep only where everything around it is right."""

import json
from collections.abc import Iterator
from typing import Any

HOLE = "(hole)"
HOLE_BYTES = json.dumps(HOLE).encode()
VALUES = [b"null", b"true", b"-1", b"1.5", b"1e400", b"NaN", b'"\\ud800"', b'""', b"[]", b"{}", b'{"a": [1]}']


def with_holes(document: Any) -> list[bytes]:
    """The document as JSON, each time with a hole instead of another of its values."""
    return [json.dumps(one).encode() for one in _each(document)]


def filled(document: bytes, value: bytes) -> bytes:
    return document.replace(HOLE_BYTES, value)


def _each(value: Any) -> Iterator[Any]:
    yield HOLE
    if isinstance(value, dict):
        for name, below in value.items():
            yield from (value | {name: one} for one in _each(below))
    if isinstance(value, list):
        for place, below in enumerate(value):
            yield from ([*value[:place], one, *value[place + 1 :]] for one in _each(below))
