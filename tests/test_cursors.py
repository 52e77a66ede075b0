"""Cursors: good for one reader, one list, one set of filters, and nothing else."""

import base64

import pytest
from hypothesis import given, strategies as st

from chalicelib.cursors import SIGNATURE_BYTES, Cursors
from chalicelib.errors import InvalidRequestError

OURS = Cursors("a key of ours")
names = st.from_regex(r"[0-9A-Za-z#]{1,40}", fullmatch=True)
scopes = st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"]), max_size=8), max_size=3)


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


def test_no_cursor_is_the_beginning_and_the_end() -> None:
    assert OURS.decode("ENTRY#", None) is None
    assert OURS.encode("ENTRY#", None) is None
    assert SIGNATURE_BYTES >= 16
