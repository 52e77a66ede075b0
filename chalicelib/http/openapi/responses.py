"""What a route answers when all is well: from the return annotation of its view."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from ..parameters import Facts, Part, Raw
from ..responses import Answered
from . import errors
from .examples import examples
from .schemas import Schemas

JSON = "application/json"


class Answers(NamedTuple):
    """One kind of answer: JSON of a shape, or, with media types, a file or a page."""

    status: int
    shape: Any
    media_types: tuple[str, ...]

    @property
    def is_page(self) -> bool:
        return getattr(self.shape, "__name__", "") == "Page"


def answers(facts: Facts) -> Iterator[Answers]:
    """What the return annotation of a view says, one by one."""
    is_union = get_origin(facts.answer) in (Union, types.UnionType)
    for one in get_args(facts.answer) if is_union else (facts.answer,):
        if get_origin(one) is Annotated:
            shape, *media_types = get_args(one)
            yield Answers(facts.status, shape, tuple(media_types))
        elif get_origin(one) is Answered:
            status, shape = get_args(one)
            yield Answers(get_args(status)[0] if get_origin(status) is Literal else status, shape, ())
        else:
            yield Answers(facts.status, one, ())


def json_shapes(facts: Facts) -> Iterator[Any]:
    """Every shape that goes over the wire as JSON, either way."""
    body = facts.shape_of(Part.BODY)
    if body is not None and not isinstance(body, Raw):
        yield body
    yield from (answer.shape for answer in answers(facts) if not answer.media_types)


def successes(facts: Facts, schemas: Schemas) -> dict[str, Any]:
    """The answers by status."""
    known = list(answers(facts))
    limits = {} if facts.limit in errors.UNCOUNTED else errors.limit_headers()
    found: dict[str, Any] = {}
    for status in dict.fromkeys(answer.status for answer in known):
        these = [answer for answer in known if answer.status == status]
        found[str(status)] = {
            "description": ", or ".join(map(_title, these)),
            "headers": {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}} | limits | _headers(these),
            "content": _content(these, schemas),
        }
    if any(answer.is_page for answer in known):
        found["304"] = {"description": "You have it.", "headers": {"ETag": {"$ref": "#/components/headers/ETag"}}}
    return found


def named(shape: Any) -> dict[str, Any]:
    """A shape's examples as OpenAPI names them."""
    return {name: {"value": value} for name, value in examples(shape).items()}


def _title(answer: Answers) -> str:
    if answer.media_types:
        return "a page" if answer.is_page else "a file"
    return f"`{answer.shape.__name__}`"


def _headers(these: list[Answers]) -> dict[str, Any]:
    if any(answer.is_page for answer in these):
        return {"ETag": {"$ref": "#/components/headers/ETag"}}
    if all(answer.media_types for answer in these):
        return {"Content-Disposition": {"$ref": "#/components/headers/ContentDisposition"}}
    if any(answer.media_types for answer in these):  # The pages of a list, as a file.
        return {"X-Next-Cursor": {"$ref": "#/components/headers/NextCursor"}}
    return {}


def _content(these: list[Answers], schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if shapes := [answer.shape for answer in these if not answer.media_types]:
        schema = schemas.of(shapes[0]) if len(shapes) == 1 else {"anyOf": [schemas.of(one) for one in shapes]}
        found[JSON] = {
            "schema": schema,
            "examples": {k: value for shape in shapes for k, value in named(shape).items()},
        }
    for media_type in (media_type for answer in these for media_type in answer.media_types):
        found[media_type] = {"schema": {} if media_type == JSON else {"type": "string"}}
    return found
