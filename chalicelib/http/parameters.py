"""What the signature of a view may name, and so what its route reads and returns:

caller: Caller                        the user that the ID token belongs to
caller: Admin                         the same, if an administrator
session_id: Id                        an id in the path; any other part of the path is `str`
body: Body[contract.Buy]              the JSON body, of at most 512 KB
body: LargeBody[contract.Save]        the JSON body, of at most 4 MB
query: Query[contract.PageQuery]      the query parameters; without it, none is accepted
audio: Annotated[bytes, RawBody(9)]   the raw body, of at most 9 bytes
key: IdempotencyKey                   the Idempotency-Key and the body's hash
sent_today: BytesSentToday            the bytes of the caller's earlier bodies of today, in the route's group
value: Annotated[str, Header("X")]    a header; empty if it was not sent

-> contract.Buy                                    JSON with the route's status
-> ResponseWithStatus[Literal[202], contract.Buy]  JSON with another status
-> RepeatedResponse[contract.Buy]                  JSON that an earlier request was answered with
-> Annotated[Download, "text/csv"]                 a file or a page of one of these media types
"""

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args

import msgspec

from ..models.accounts import Caller
from .request import MAX_JSON_BYTES, IdempotencyKey as IdempotencyKey

MAX_LARGE_JSON_BYTES = 4 * 1024 * 1024  # Lambda takes a request of 6 MB, in which a body is escaped


class Source(Enum):
    """The part of a request that a parameter is read from."""

    CALLER = "caller"
    ADMIN = "admin"
    PATH = "path"
    ID = "id"
    BODY = "body"
    QUERY = "query"
    IDEMPOTENCY_KEY = "idempotency_key"
    HEADER = "header"
    BYTES_SENT_TODAY = "bytes_sent_today"


class JsonBody(msgspec.Struct, frozen=True):
    """A JSON body with its own bound."""

    max_bytes: int


class RawBody(msgspec.Struct, frozen=True):
    """A body that is not parsed."""

    max_bytes: int


CALLERS = (Source.CALLER, Source.ADMIN)


class Header(msgspec.Struct, frozen=True):
    """A header that a route reads itself."""

    name: str


Shape = TypeVar("Shape")
Admin = Annotated[Caller, Source.ADMIN]
Id = Annotated[str, Source.ID]
BytesSentToday = Annotated[int, Source.BYTES_SENT_TODAY]
Body = Annotated[Shape, Source.BODY]
LargeBody = Annotated[Shape, JsonBody(MAX_LARGE_JSON_BYTES)]
Query = Annotated[Shape, Source.QUERY]


class Parameter(msgspec.Struct, frozen=True):
    """Where one parameter of a view is read from. `shape`: a shape of the contract, a `RawBody` or a `Header`.

    `max_bytes`: the bound of a body.
    """

    source: Source
    shape: Any
    max_bytes: int = MAX_JSON_BYTES


class RouteSpec(msgspec.Struct, frozen=True):
    """What a route declares: read by the limiter, the OpenAPI document and the tests of all routes.

    `errors` and `reasons`: the codes, and the `details.reason` of conflicts and 401s, that the route's use case raises.
    Those that come with what the route reads are not repeated. `errors_as_pages`: people see them, not programs.
    """

    status: int
    limit: str
    errors: tuple[str, ...]
    reasons: tuple[str, ...]
    parameters: dict[str, Parameter]
    returns: Any
    errors_as_pages: bool = False

    @property
    def callers(self) -> dict[str, Parameter]:
        """The parameter that is the caller, if there is one."""
        return {name: parameter for name, parameter in self.parameters.items() if parameter.source in CALLERS}

    @property
    def other_parameters(self) -> dict[str, Parameter]:
        return {name: parameter for name, parameter in self.parameters.items() if parameter.source not in CALLERS}

    @property
    def max_body_bytes(self) -> int:
        """The bound of the body; 0 where none is read."""
        bodies = (each.max_bytes for each in self.parameters.values() if each.source is Source.BODY)
        return next(bodies, 0)

    def shape_of(self, *sources: Source) -> Any:
        """The shape of the parameter that is read from one of `sources`; None if there is none."""
        return next((parameter.shape for parameter in self.parameters.values() if parameter.source in sources), None)


def read_route_spec(
    view: Callable[..., Any],
    status: int,
    limit: str,
    errors: tuple[str, ...],
    reasons: tuple[str, ...],
    errors_as_pages: bool = False,
) -> RouteSpec:
    """What the signature of `view` and its decorator declare."""
    annotations = dict(view.__annotations__)
    returns = annotations.pop("return", None)
    parameters = {name: _parameter(annotation) for name, annotation in annotations.items()}
    # The caller is checked first: who is not signed in learns nothing about the body's faults.
    parameters = dict(sorted(parameters.items(), key=lambda item: item[1].source not in CALLERS))
    return RouteSpec(status, limit, errors, reasons, parameters, returns, errors_as_pages)


def _parameter(annotation: Any) -> Parameter:
    shape, *marks = get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
    match marks:
        case [Source() as source]:
            return Parameter(source, shape)
        case [JsonBody(max_bytes=max_bytes)]:
            return Parameter(Source.BODY, shape, max_bytes)
        case [RawBody() as raw_body]:
            return Parameter(Source.BODY, raw_body, raw_body.max_bytes)
        case [Header() as header]:
            return Parameter(Source.HEADER, header)
    sources = {Caller: Source.CALLER, IdempotencyKey: Source.IDEMPOTENCY_KEY, str: Source.PATH}
    return Parameter(sources[shape], shape)
