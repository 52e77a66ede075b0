"""A cursor is valid for one reader, one list and one set of filters."""

import base64

import pytest
from hypothesis import given, strategies as st

from chalicelib.cursors import SIGNATURE_BYTES, Cursors
from chalicelib.errors import InvalidRequestError

CURSORS = Cursors("a key for tests")
names = st.from_regex(r"[0-9A-Za-z#]{1,40}", fullmatch=True)
scopes = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=3)


@given(names, scopes)
def test_a_cursor_decodes_to_the_key_it_was_made_from(name: str, scope: list[str]) -> None:
    assert CURSORS.decode("ENTRY#", CURSORS.encode("ENTRY#", f"ENTRY#{name}", *scope), *scope) == f"ENTRY#{name}"


@given(names, scopes, scopes)
def test_a_cursor_is_refused_in_another_scope(name: str, scope: list[str], other: list[str]) -> None:
    cursor = CURSORS.encode("ENTRY#", f"ENTRY#{name}", *scope)

    if scope != other:
        with pytest.raises(InvalidRequestError):
            CURSORS.decode("ENTRY#", cursor, *other)
    with pytest.raises(InvalidRequestError):
        CURSORS.decode("TRANSCRIPT#", cursor, *scope)
    with pytest.raises(InvalidRequestError):
        Cursors("another key").decode("ENTRY#", cursor, *scope)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        CURSORS.decode("ENTRY#", text)

    assert refused.value.details == {"field": "cursor"}


@given(names, st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_is_refused(name: str, position: int, change: int) -> None:
    cursor = CURSORS.encode("ENTRY#", f"ENTRY#{name}")
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[position % len(raw)] ^= change

    with pytest.raises(InvalidRequestError):
        CURSORS.decode("ENTRY#", base64.urlsafe_b64encode(raw).decode().rstrip("="))


@pytest.mark.parametrize("other", ["=", "==", "\n", " ", "A"])
def test_another_spelling_of_a_cursor_is_refused(other: str) -> None:
    cursor = CURSORS.encode("ENTRY#", "ENTRY#1?2>")
    assert cursor is not None

    for spelling in (cursor + other, other + cursor, cursor.translate(str.maketrans("-_", "+/")), cursor[:-1] + "f"):
        if spelling != cursor:
            with pytest.raises(InvalidRequestError):
                CURSORS.decode("ENTRY#", spelling)


def test_the_parts_of_a_scope_are_kept_apart() -> None:
    """Text with a line break is not two parts: neither two of the scope, nor one of the scope and the key."""
    cursor = CURSORS.encode("ENTRY#", "ENTRY#1", "ada", "x")
    assert cursor is not None
    signature = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:SIGNATURE_BYTES]

    with pytest.raises(InvalidRequestError):
        CURSORS.decode("ENTRY#", cursor, "ada\nx")
    with pytest.raises(InvalidRequestError):
        CURSORS.decode("ENTRY#", base64.urlsafe_b64encode(signature + b"x\n1").decode().rstrip("="), "ada")


def test_no_cursor_means_the_start_and_the_end() -> None:
    assert CURSORS.decode("ENTRY#", None) is None
    assert CURSORS.encode("ENTRY#", None) is None
    assert SIGNATURE_BYTES >= 16
