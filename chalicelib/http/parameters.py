"""What the signature of a view may name, and so what its route reads and returns:

caller: Caller                        the user that the ID token belongs to
caller: Admin                         the same, if an administrator
session_id: Id                        an id in the path; any other part of the path is `str`
body: Body[contract.Buy]              the JSON body
query: Query[contract.PageQuery]      the query parameters
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
from .request import IdempotencyKey as IdempotencyKey


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
Query = Annotated[Shape, Source.QUERY]


class Parameter(msgspec.Struct, frozen=True):
    """Where one parameter of a view is read from. `shape`: a shape of the contract, a `RawBody` or a `Header`."""

    source: Source
    shape: Any


class RouteSpec(msgspec.Struct, frozen=True):
    """What a route declares: read by the limiter, the OpenAPI document and the tests of all routes.

    `errors` and `reasons`: the codes, and the `details.reason` of conflicts and 401s, that the route's use case raises.
    Those that come with what the route reads are not repeated.
    """

    status: int
    limit: str
    errors: tuple[str, ...]
    reasons: tuple[str, ...]
    parameters: dict[str, Parameter]
    returns: Any

    @property
    def callers(self) -> dict[str, Parameter]:
        """The parameter that is the caller, if there is one."""
        return {name: parameter for name, parameter in self.parameters.items() if parameter.source in CALLERS}

    @property
    def other_parameters(self) -> dict[str, Parameter]:
        return {name: parameter for name, parameter in self.parameters.items() if parameter.source not in CALLERS}

    def shape_of(self, *sources: Source) -> Any:
        """The shape of the parameter that is read from one of `sources`; None if there is none."""
        return next((parameter.shape for parameter in self.parameters.values() if parameter.source in sources), None)


def read_route_spec(
    view: Callable[..., Any], status: int, limit: str, errors: tuple[str, ...], reasons: tuple[str, ...]
) -> RouteSpec:
    """What the signature of `view` and its decorator declare."""
    annotations = dict(view.__annotations__)
    returns = annotations.pop("return", None)
    parameters = {name: _parameter(annotation) for name, annotation in annotations.items()}
    # The caller is checked first: who is not signed in learns nothing about the body's faults.
    parameters = dict(sorted(parameters.items(), key=lambda item: item[1].source not in CALLERS))
    return RouteSpec(status, limit, errors, reasons, parameters, returns)


def _parameter(annotation: Any) -> Parameter:
    shape, *marks = get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
    match marks:
        case [Source() as source]:
            return Parameter(source, shape)
        case [RawBody() as raw_body]:
            return Parameter(Source.BODY, raw_body)
        case [Header() as header]:
            return Parameter(Source.HEADER, header)
    sources = {Caller: Source.CALLER, IdempotencyKey: Source.IDEMPOTENCY_KEY, str: Source.PATH}
    return Parameter(sources[shape], shape)
