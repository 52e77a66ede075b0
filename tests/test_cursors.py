"""Cursors: good for one reader, one list, one set of filters, and nothing else."""

import base64

import pytest
from hypothesis import given, strategies as st

from chalicelib.cursors import SIGNATURE_BYTES, Cursors
from chalicelib.errors import InvalidRequestError

OURS = Cursors("a key of ours")
names = st.from_regex(r"[0-9A-Za-z#]{1,40}", fullmatch=True)
scopes = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), max_size=3)


@given(names, scopes)
def test_a_cursor_comes_back_as_the_place_it_stands_for(name: str, scope: list[str]) -> None:
    assert OURS.decode("ENTRY#", OURS.encode("ENTRY#", f"ENTRY#{name}", *scope), *scope) == f"ENTRY#{name}"


@given(names, scopes, scopes)
def test_in_another_scope_it_is_refused(name: str, scope: list[str], other: list[str]) -> None:
    cursor = OURS.encode("ENTRY#", f"ENTRY#{name}", *scope)

    if scope != other:
        with pytest.raises(InvalidRequestError):
            OURS.decode("ENTRY#", cursor, *other)
    with pytest.raises(InvalidRequestError):
        OURS.decode("TRANSCRIPT#", cursor, *scope)
    with pytest.raises(InvalidRequestError):
        Cursors("another key").decode("ENTRY#", cursor, *scope)


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_was_not_made_here_is_refused(word: str) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        OURS.decode("ENTRY#", word)

    assert refused.value.details == {"field": "cursor"}


@given(names, st.integers(0, 200), st.integers(1, 255))
def test_a_changed_byte_is_noticed(name: str, place: int, change: int) -> None:
    cursor = OURS.encode("ENTRY#", f"ENTRY#{name}")
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[place % len(raw)] ^= change

    with pytest.raises(InvalidRequestError):
        OURS.decode("ENTRY#", base64.urlsafe_b64encode(raw).decode().rstrip("="))


@pytest.mark.parametrize("other", ["=", "==", "\n", " ", "A"])
def test_another_spelling_of_a_cursor_is_refused(other: str) -> None:
    cursor = OURS.encode("ENTRY#", "ENTRY#1?2>")
    assert cursor is not None

    for spelt in (cursor + other, other + cursor, cursor.translate(str.maketrans("-_", "+/")), cursor[:-1] + "f"):
        if spelt != cursor:
            with pytest.raises(InvalidRequestError):
                OURS.decode("ENTRY#", spelt)


def test_the_words_of_a_scope_run_into_nothing() -> None:
    """A word with a line break in it is not two words: neither of the scope, nor one of it and the place."""
    cursor = OURS.encode("ENTRY#", "ENTRY#1", "ada", "x")
    assert cursor is not None
    signature = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))[:SIGNATURE_BYTES]

    with pytest.raises(InvalidRequestError):
        OURS.decode("ENTRY#", cursor, "ada\nx")
    with pytest.raises(InvalidRequestError):
        OURS.decode("ENTRY#", base64.urlsafe_b64encode(signature + b"x\n1").decode().rstrip("="), "ada")


def test_no_cursor_is_the_beginning_and_the_end() -> None:
    assert OURS.decode("ENTRY#", None) is None
    assert OURS.encode("ENTRY#", None) is None
    assert SIGNATURE_BYTES >= 16
