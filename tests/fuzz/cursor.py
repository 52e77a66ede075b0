"""Cursors. One that is taken is, to the letter, one that was made, for this list and this scope.

The last byte says which list is read, and whether the rest is a cursor or words to make one of: scope and place, with a
`|` after each word of the scope.
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
MADE = {
    CURSORS.encode(prefix, prefix + place, *scope): prefix + place
    for prefix, scope in LISTS.items()
    for place in PLACES
}
MAKE = 128


def seeds() -> Iterator[bytes]:
    for number, (prefix, scope) in enumerate(LISTS.items()):
        for place in PLACES:
            yield str(CURSORS.encode(prefix, prefix + place, *scope)).encode() + bytes([number])
            yield "|".join((*scope, place)).encode() + bytes([number + MAKE])


def one(data: bytes) -> None:
    if not data:
        return
    prefix, scope = list(LISTS.items())[data[-1] % len(LISTS)]
    text = data[:-1].decode("utf-8", "replace")
    if data[-1] < MAKE:
        found = _place(prefix, text, scope)
        assert found is None or MADE.get(text) == found
        return
    *words, place = text.split("|")
    if not place.isascii():
        return
    made = CURSORS.encode(prefix, prefix + place, *words)
    assert made is not None
    assert _place(prefix, made, tuple(words)) == prefix + place
    assert _place(prefix, made, (*words, "")) is None
    assert _place(prefix + "#", made, tuple(words)) is None
    if words:
        # The word that ends the scope said as the place's first line: the signature is of the scope it was made for.
        moved = f"{words[-1]}\n{place}".encode()
        signature = base64.urlsafe_b64decode(made + "=" * (-len(made) % 4))[:SIGNATURE_BYTES]
        forged = base64.urlsafe_b64encode(signature + moved).decode().rstrip("=")
        assert _place(prefix, forged, tuple(words[:-1])) is None


def _place(prefix: str, cursor: str, scope: tuple[str, ...]) -> str | None:
    try:
        return CURSORS.decode(prefix, cursor, *scope)
    except InvalidRequestError:
        return None
