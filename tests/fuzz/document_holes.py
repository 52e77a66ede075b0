"""JSON documents with one placeholder: a random value is read deeply only if the rest of the document is valid."""

import json
from collections.abc import Iterator
from typing import Any

HOLE = "(hole)"
HOLE_BYTES = json.dumps(HOLE).encode()
VALUES = [b"null", b"true", b"-1", b"1.5", b"1e400", b"NaN", b'"\\ud800"', b'""', b"[]", b"{}", b'{"a": [1]}']


def with_holes(document: Any) -> list[bytes]:
    """The document as JSON, once for each of its values with a placeholder instead of it."""
    return [json.dumps(variant).encode() for variant in _variants(document)]


def fill_hole(document: bytes, value: bytes) -> bytes:
    return document.replace(HOLE_BYTES, value)


def _variants(value: Any) -> Iterator[Any]:
    yield HOLE
    if isinstance(value, dict):
        for name, nested in value.items():
            yield from (value | {name: variant} for variant in _variants(nested))
    if isinstance(value, list):
        for index, nested in enumerate(value):
            yield from ([*value[:index], variant, *value[index + 1 :]] for variant in _variants(nested))
