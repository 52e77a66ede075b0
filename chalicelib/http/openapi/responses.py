"""The successful responses of a route, from the return annotation of its view."""

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from ...models.rate_limits import UNCOUNTED
from ..parameters import RawBody, RouteSpec, Source
from ..responses import RepeatedResponse, ResponseWithStatus
from ..shared_page import SharedPage
from ..static_files import Page
from . import errors
from .examples import examples
from .schemas import Schemas

JSON = "application/json"


class Success(NamedTuple):
    """One kind of successful response: JSON of a shape or, with media types, a file or a page."""

    status: int
    shape: Any
    media_types: tuple[str, ...]

    @property
    def is_page(self) -> bool:
        return self.shape in (Page, SharedPage)

    @property
    def has_version(self) -> bool:
        """Whether a browser may ask if it changed."""
        return self.shape is Page


def successes(spec: RouteSpec) -> Iterator[Success]:
    """Each kind of response that the return annotation names. A repeated response looks like the first one."""
    is_union = get_origin(spec.returns) in (Union, types.UnionType)
    for annotation in get_args(spec.returns) if is_union else (spec.returns,):
        if get_origin(annotation) is RepeatedResponse:
            continue
        if get_origin(annotation) is Annotated:
            shape, *media_types = get_args(annotation)
            yield Success(spec.status, shape, tuple(media_types))
        elif get_origin(annotation) is ResponseWithStatus:
            status, shape = get_args(annotation)
            yield Success(get_args(status)[0] if get_origin(status) is Literal else status, shape, ())
        else:
            yield Success(spec.status, annotation, ())


def json_shapes(spec: RouteSpec) -> Iterator[Any]:
    """Every shape that the route reads or returns as JSON."""
    body = spec.shape_of(Source.BODY)
    if body is not None and not isinstance(body, RawBody):
        yield body
    yield from (success.shape for success in successes(spec) if not success.media_types)


def success_responses(spec: RouteSpec, schemas: Schemas) -> dict[str, Any]:
    """The successful responses by status, as OpenAPI has them."""
    all_successes = list(successes(spec))
    limits = {} if spec.limit in UNCOUNTED else errors.limit_headers()
    found: dict[str, Any] = {}
    for status in dict.fromkeys(success.status for success in all_successes):
        same_status = [success for success in all_successes if success.status == status]
        found[str(status)] = {
            "description": ", or ".join(map(_title, same_status)),
            "headers": errors.COMMON_HEADERS | limits | _headers(same_status),
            "content": _content(same_status, schemas),
        }
    if any(success.has_version for success in all_successes):
        headers = {"ETag": {"$ref": "#/components/headers/ETag"}}
        found["304"] = {"description": "Not modified.", "headers": headers}
    if any(success.is_page for success in all_successes):
        location = {"Location": {"$ref": "#/components/headers/Location"}}
        found["308"] = {"description": "The address has a final slash: use it without.", "headers": location}
    return found


def named_examples(shape: Any) -> dict[str, Any]:
    """The examples of a shape as OpenAPI has them."""
    return {name: {"value": value} for name, value in examples(shape).items()}


def _title(success: Success) -> str:
    if success.media_types:
        return "a page" if success.is_page else "a file"
    return f"`{success.shape.__name__}`"


def _headers(same_status: list[Success]) -> dict[str, Any]:
    if any(success.has_version for success in same_status):
        return {"ETag": {"$ref": "#/components/headers/ETag"}}
    if all(success.media_types and not success.is_page for success in same_status):
        return {"Content-Disposition": {"$ref": "#/components/headers/ContentDisposition"}}
    if any(
        success.media_types and not success.is_page for success in same_status
    ):  # A paged list that is also offered as a file.
        return {"X-Next-Cursor": {"$ref": "#/components/headers/NextCursor"}}
    return {}


def _content(same_status: list[Success], schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if shapes := [success.shape for success in same_status if not success.media_types]:
        schema = schemas.of(shapes[0]) if len(shapes) == 1 else {"anyOf": [schemas.of(shape) for shape in shapes]}
        found[JSON] = {
            "schema": schema,
            "examples": {name: value for shape in shapes for name, value in named_examples(shape).items()},
        }
    for media_type in (media_type for success in same_status for media_type in success.media_types):
        found[media_type] = {"schema": {} if media_type == JSON else {"type": "string"}}
    return found
