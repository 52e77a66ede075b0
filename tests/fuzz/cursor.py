"""Cursors. An accepted cursor is exactly one that was created for this list and this scope.

The last byte selects the list, and whether the rest is a cursor or the parts of a new one: the scope and the position,
with a `|` after each part of the scope.
"""

import base64
from collections.abc import Iterator

from chalicelib.cursors import SIGNATURE_BYTES, Cursors
from chalicelib.errors import InvalidRequestError

MOST_BYTES = 600
WORDS = [b"|", b"\n", b"#", b"=", b"==", b"-", b"_", b"+", b"/", b"ENTRY#", b"TRANSCRIPT#", b"ada", b"cursor"]
CURSORS = Cursors("a key for tests")
LISTS = {
    "ENTRY#": ("ada",),
    "TRANSCRIPT#": ("ada", "live", "1795400000"),
    "USER#": ("root", "", ""),
    "PIECE#": ("ada", "01JD"),
}
PLACES = ("0", "01795400000123#f00", "9" * 40, "a/b?c>d")
VALID_CURSORS = {
    CURSORS.encode(prefix, prefix + place, *scope): prefix + place
    for prefix, scope in LISTS.items()
    for place in PLACES
}
ENCODE = 128


def seeds() -> Iterator[bytes]:
    for number, (prefix, scope) in enumerate(LISTS.items()):
        for place in PLACES:
            yield str(CURSORS.encode(prefix, prefix + place, *scope)).encode() + bytes([number])
            yield "|".join((*scope, place)).encode() + bytes([number + ENCODE])


def run_input(data: bytes) -> None:
    if not data:
        return
    prefix, scope = list(LISTS.items())[data[-1] % len(LISTS)]
    text = data[:-1].decode("utf-8", "replace")
    if data[-1] < ENCODE:
        found = _decode_place(prefix, text, scope)
        assert found is None or VALID_CURSORS.get(text) == found
        return
    *parts, place = text.split("|")
    if not place.isascii():
        return
    cursor = CURSORS.encode(prefix, prefix + place, *parts)
    assert cursor is not None
    assert _decode_place(prefix, cursor, tuple(parts)) == prefix + place
    assert _decode_place(prefix, cursor, (*parts, "")) is None
    assert _decode_place(prefix + "#", cursor, tuple(parts)) is None
    if parts:
        # The last part of the scope as the first line of the position: the signature covers the original scope.
        moved = f"{parts[-1]}\n{place}".encode()
        signature = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:SIGNATURE_BYTES]
        forged = base64.urlsafe_b64encode(signature + moved).decode().rstrip("=")
        assert _decode_place(prefix, forged, tuple(parts[:-1])) is None


def _decode_place(prefix: str, cursor: str, scope: tuple[str, ...]) -> str | None:
    try:
        return CURSORS.decode(prefix, cursor, *scope)
    except InvalidRequestError:
        return None
