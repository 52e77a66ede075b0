"""Rows of saved segments as one compressed value.

A minute of speech is then an item below 1 KB, for which DynamoDB bills half of the write units.
"""

import zlib
from typing import Any

import msgspec

BEST = 9  # The effort: a block is small, and every byte is stored and read for as long as its transcript.


def pack(rows: list[list[Any]]) -> bytes:
    return zlib.compress(msgspec.json.encode(rows), BEST)


def unpack(packed: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = msgspec.json.decode(zlib.decompress(packed))
    return rows
