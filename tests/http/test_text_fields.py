"""Every text field of every request, derived from the routes, gets what browsers and bad clients send.

A label is kept or cleaned, what names something is refused with a sentence, and no use case fails on what is accepted.
"""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from chalice.app import MultiDict
from msgspec import inspect

from chalicelib import contract
from chalicelib.contract.base import find_cleaned_fields
from chalicelib.contract.cleaning import clean_media_type, clean_source_url, clean_title
from chalicelib.errors import InvalidRequestError
from chalicelib.http import request
from chalicelib.http.openapi.examples import EXAMPLES
from chalicelib.http.parameters import Source
from tests.catchup.catchup_env import CatchupEnv
from tests.http.route_calls import RouteCalls, request_shapes

TEXTS = {
    "300 letters": "a" * 300,
    "10,000 characters": "語" * 10_000,
    "line breaks": "one\r\ntwo\u2028three\n",
    "a NUL": "a\x00b",
    "the first half of a pair": "cut \ud83d",
    "the second half of a pair": "\udc68 cut",
    "marks of direction": "\u200fשלום \u202eabc\u202c",
    "emoji": "👨\u200d👩\u200d👧 🇩🇪 👍🏽",
    "blanks": " \t\u00a0",
}
LABELS = {clean_title, clean_source_url, clean_media_type}  # these never refuse what they clean
Path = tuple[str | int, ...]


def text_paths(kind: inspect.Type) -> Iterator[Path]:
    """The paths below a type at which JSON or a query has text."""
    match kind:
        case inspect.StrType() | inspect.DateTimeType() | inspect.DateType() | inspect.AnyType():
            yield ()
        case inspect.Metadata(type=described):
            yield from text_paths(described)
        case inspect.LiteralType(values) if isinstance(values[0], str):
            yield ()
        case inspect.Metadata(type=described):
            yield from text_paths(described)
        case inspect.UnionType(kinds):
            inside = {shape for member in kinds for shape in shapes_of_items(member)}
            for member in kinds:  # A shape in place of a list of such is tried inside of the list.
                yield from () if getattr(member, "cls", None) in inside else text_paths(member)
        case inspect.ListType(item_type=inspect.AnyType()):
            return
        case inspect.ListType(item_type=item):
            yield from ((0, *path) for path in text_paths(item))
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from ((field.encode_name, *path) for path in text_paths(field.type))


def shapes_of_items(kind: inspect.Type) -> Iterator[Any]:
    """The shapes that the items of a list may have."""
    match kind:
        case inspect.UnionType(kinds):
            for member in kinds:
                yield from shapes_of_items(member)
        case inspect.ListType(item_type=inspect.UnionType(kinds)):
            yield from (member.cls for member in kinds if isinstance(member, inspect.StructType))


FIELDS = sorted(
    {
        (source, shape, path)
        for source, shape, *_ in request_shapes()
        for path in text_paths(inspect.type_info(shape))
    },
    key=lambda field: (field[1].__name__, str(field[2])),
)  # fmt: skip


def parse(source: Source, shape: Any, path: Path, text: str) -> Any:
    """The shape's example with this text in one field, read as a route reads it."""
    fields: dict[str, Any] = msgspec.to_builtins(EXAMPLES[shape]) if shape in EXAMPLES else {}
    place: Any = fields
    for step, following in pairwise(path):
        if isinstance(place, dict):
            place = place.setdefault(step, [] if isinstance(following, int) else {})
        else:
            place[:] = place[:1] or [{}]
            place = place[0]
    if isinstance(place, list):
        place[:] = [text]
    else:
        place[path[-1]] = text
    if source is Source.BODY:
        return request.body(SimpleNamespace(raw_body=json.dumps(fields).encode()), shape)  # type: ignore[arg-type]
    fields = {name: str(value).encode(errors="replace").decode() for name, value in fields.items() if value is not None}
    parameters = {name: [value] for name, value in fields.items()}
    return request.query(SimpleNamespace(query_params=MultiDict(parameters)), shape)  # type: ignore[arg-type]


def value_at(body: Any, path: Path) -> Any:
    for step in path:
        body = body[step] if isinstance(step, int) else msgspec.to_builtins(body)[step]
    return body


def check_refusal(refusal: InvalidRequestError, path: Path, text: str) -> None:
    """It names the field and says what is wrong: no pattern, type or class, and not the text itself."""
    message = refusal.message
    assert refusal.details["field"] == re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, path)))
    assert re.fullmatch(r"[A-Z`][^\n]*\.", message), message
    assert not re.search(r"\^|\$|\\|regex|`str`|Expected|Error\b|object at|None\b|\bType\b", message), message
    assert text.strip() == "" or text not in message


def cleaner_of(shape: Any, path: Path) -> Any:
    return dict(find_cleaned_fields(shape)).get(str(path[0]))


def test_the_text_fields_are_found() -> None:
    found = {(shape.__name__, path) for _, shape, path in FIELDS}

    assert len(found) > 45
    assert {("Start", ("title",)), ("Start", ("key_terms", 0)), ("Catchup", ("audio_url",))} <= found
    assert {("Save", ("segments", 0, "speaker")), ("Stop", ("segments", 0, "seq")), ("Stop", ("segments",))} <= found
    assert {("HistoryQuery", ("from",)), ("ExportQuery", ("format",)), ("Register", ("password",))} <= found
    assert {shape.__name__ for _, shape, path in FIELDS if cleaner_of(shape, path) in LABELS} >= {
        "Start", "Catchup", "NewUpload"
    }  # fmt: skip


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", TEXTS)
def test_a_label_is_cleaned_and_a_name_is_refused_with_a_sentence(name: str, route_calls: RouteCalls) -> None:
    text = TEXTS[name]
    for source, shape, path in FIELDS:
        is_label = cleaner_of(shape, path) in LABELS
        try:
            body = parse(source, shape, path, text)
        except InvalidRequestError as refusal:
            assert not is_label, (shape, path)
            check_refusal(refusal, path, text)
            continue
        value = value_at(body, path)
        assert not is_label or not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", value)
        assert not is_label or len(value) <= 2_000
        str(value).encode()  # No half of a pair is left.
        for answer in route_calls.answer(body, tested=str(path[0])):
            assert answer.status_code < 500, (shape, path, answer.body)


NEEDS_A_CODE = {contract.Confirm, contract.ResetPassword}  # from an email
NEEDS_A_SECRET = {contract.Refresh, contract.WebhookQuery, contract.TranscriptEnded}  # of a sign-in, of a job
EXISTING = {contract.Register}  # by ada


@pytest.mark.parametrize("shape", sorted({shape for _, shape, _ in FIELDS}, key=lambda shape: shape.__name__))
def test_the_views_do_what_the_example_of_each_shape_asks_for(shape: Any, route_calls: RouteCalls) -> None:
    """So the texts above, too, come to the use cases that keep them."""
    answers = route_calls.answer(EXAMPLES[shape])

    refused = shape in NEEDS_A_CODE | NEEDS_A_SECRET | EXISTING
    assert answers
    assert all((400 <= answer.status_code < 500) if refused else answer.status_code < 300 for answer in answers), [
        answer.body for answer in answers
    ]


@pytest.fixture
def route_calls(catchup_env: CatchupEnv, monkeypatch: pytest.MonkeyPatch) -> RouteCalls:
    return RouteCalls.on(catchup_env, monkeypatch)
