"""Halves of surrogates and numbers out of range in a body are repaired in bounded memory, whatever the body is."""

import json
import re
import tracemalloc
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from chalicelib import contract
from chalicelib.errors import InvalidRequestError
from chalicelib.http import parameters, request

MOST_TIMES_ITS_SIZE = 12
LARGEST = {contract.StreamAction: parameters.MAX_LARGE_JSON_BYTES, contract.Catchup: request.MAX_JSON_BYTES}
# One pattern each that a body is filled with, as a value of its own.
FILLINGS = {
    "letters": (b'"', b"a", b'"'),
    "whole pairs": (b'"', rb"\ud83d\ude00", b'"'),
    "first halves": (b'"', rb"\ud83d", b'"'),
    "second halves": (b'"', rb"\ude00", b'"'),
    "halves between letters": (b'"', rb"a\ud83d", b'"'),
    "other escapes": (b'"', rb"\n\"\\\u0041", b'"'),
    "escapes cut short": (b'"', rb"\ud8\u", b'"'),
    "backslashes": (b'"', b"\\", b'"'),
    "small numbers": (b"[", b"1,", b"1]"),
    "numbers out of range": (b"[", b"1e999,", b"1]"),
    "negative ones": (b"[", b"-1e999,", b"1]"),
    "ones in range": (b"[", b"1e9,", b"1]"),
    "fractions": (b"[", b"0.5,", b"1]"),
    "one long number": (b"[1", b"1", b"]"),
    "one long fraction": (b"[0.", b"9", b"]"),
    "one long exponent": (b"[1e", b"9", b"]"),
    "texts": (b"[", b'"",', b'""]'),
    "quotes": (b"", b'"', b""),
    "lists": (b"[", b"[],", b"[]]"),
    "signs and dots": (b"[", b"-.e+", b"]"),
}


def read(raw: bytes, shape: Any, max_bytes: int = request.MAX_JSON_BYTES) -> Any:
    return request.body(SimpleNamespace(raw_body=raw), shape, max_bytes)  # type: ignore[arg-type]


def fill_body(beginning: bytes, filling: tuple[bytes, bytes, bytes], end: bytes, size: int) -> bytes:
    first, middle, last = filling
    times = (size - len(beginning + first + last + end)) // len(middle)
    return beginning + first + middle * times + last + end


@pytest.mark.parametrize("filling", FILLINGS.values(), ids=FILLINGS)
@pytest.mark.parametrize(
    ("shape", "repair"),
    [(contract.Catchup, "surrogates"), (contract.Catchup, "numbers"), (contract.StreamAction, "both")],
    ids=["surrogates", "numbers", "both, in the largest body"],
)
@pytest.mark.long
@pytest.mark.sampled(6)
def test_a_repair_takes_a_few_times_the_memory_of_the_body(
    shape: Any, repair: str, filling: tuple[bytes, bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And so little work that it ends: at this size, quadratic time would be hours."""
    name = b'"title":"' if shape is contract.Catchup else b'"action":"start","title":"'
    beginning = b"{" + name + (rb"\ud83d" if repair != "numbers" else b"x") + b'"'
    if repair != "surrogates":
        number = b'"from_ms":1e999' if shape is contract.Catchup else b'"turn":{"confidence":1e999}'
        beginning += b"," + number
    max_bytes = LARGEST[shape]
    body = fill_body(beginning + b',"source_url":', filling, b"}", max_bytes)
    assert max_bytes - 16 < len(body) <= max_bytes

    patterns: list[bytes] = []
    replace_all = request._replace_all

    def replace(pattern: bytes, *more: Any) -> bytes:
        patterns.append(pattern)
        return replace_all(pattern, *more)

    monkeypatch.setattr(request, "_replace_all", replace)
    tracemalloc.start()
    try:
        with suppress(InvalidRequestError):
            read(body, shape, max_bytes)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak <= MOST_TIMES_ITS_SIZE * len(body)
    needed = {"surrogates": {request.SURROGATE_ESCAPES}, "numbers": {request.LARGE_NUMBERS}}
    assert {*patterns} >= needed.get(repair, needed["surrogates"] | needed["numbers"])


numbers = st.one_of(
    st.integers(-(10**320), 10**320).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(st.integers(-99, 99), st.integers(-999, 999)).map(lambda parts: f"{parts[0]}e{parts[1]}"),
    st.tuples(st.integers(-9, 9), st.integers(0, 10**350), st.sampled_from(["", "e5", "E+400", "e-400"])).map(
        lambda parts: f"{parts[0]}.{parts[1]}{parts[2]}"
    ),
)
documents = st.recursive(
    numbers | st.text().map(json.dumps) | st.sampled_from(["true", "null", '"1e999"', '"\\"1e999"', '"\\\\"']),
    lambda inner: st.lists(inner).map(lambda each: f"[{', '.join(each)}]"),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(document=documents)
def test_only_numbers_that_no_float_holds_change(document: str) -> None:
    repaired = request._replace_all(request.LARGE_NUMBERS, request._bound_number, document.encode()).decode()

    def read_number(text: str) -> float:
        return max(-1e308, min(float(text), 1e308)) if float(text) in (float("inf"), -float("inf")) else float(text)

    expected = json.loads(document, parse_int=read_number, parse_float=read_number)
    assert json.loads(repaired, parse_int=float, parse_float=float) == expected


@settings(max_examples=300, deadline=None)
@given(
    parts=st.lists(st.sampled_from([r"\ud83d", r"\ude00", r"\ud83d\ude00", r"\\", r"\n", r"\u0041", "d83d", "é", "a"]))
)
def test_only_halves_of_pairs_change(parts: list[str]) -> None:
    text = f'"{"".join(parts)}"'
    repaired = request._replace_all(request.SURROGATE_ESCAPES, lambda _: rb"\ufffd", text.encode()).decode()

    assert json.loads(repaired) == re.sub("[\ud800-\udfff]", "\ufffd", json.loads(text))
