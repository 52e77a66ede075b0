"""What a view's signature may name, and so what its route reads and answers:

who: Caller                       whoever the token belongs to
who: Admin                        the same, if an administrator
session_id: Id                    an id in the path; any other word of the path is `str`
wish: Body[contract.Buy]          the JSON body
asked: Query[contract.PageQuery]  the query parameters
sent: Annotated[bytes, Raw(9)]    the raw body, of at most so many bytes
once: Once                        what the Idempotency-Key stands for
word: Annotated[str, Header("X")] a header; empty if it was not sent

-> contract.Buy                        that, as JSON, with the route's status
-> Answered[Literal[202], contract.Buy]   the same with another status
-> Annotated[Download, "text/csv"]     a file, or a page, of one of these media types
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, get_args

from ..models.accounts import Caller
from .request import IdempotencyKey as IdempotencyKey


class Part(Enum):
    """What of a request a parameter of a view stands for."""

    CALLER = "caller"
    ADMIN = "admin"
    PATH = "path"
    ID = "id"
    BODY = "body"
    QUERY = "query"
    ONCE = "once"
    HEADER = "header"


@dataclass(frozen=True)
class Raw:
    """A body that is taken as it is."""

    max_bytes: int


CALLERS = (Part.CALLER, Part.ADMIN)


@dataclass(frozen=True)
class Header:
    """A header that a route reads for itself."""

    name: str


Shape = TypeVar("Shape")
Admin = Annotated[Caller, Part.ADMIN]
Id = Annotated[str, Part.ID]
Body = Annotated[Shape, Part.BODY]
Query = Annotated[Shape, Part.QUERY]


@dataclass(frozen=True)
class Takes:
    """What one parameter of a view is read from; `shape` is the contract's, a `Raw` or a `Header`."""

    part: Part
    shape: Any


@dataclass(frozen=True)
class Facts:
    """What is known of a route from its view: for the limiter, the reference, and the test that pins all routes.

    `errors`: the codes that only the use case raises; those that every view of its kind may have are not named.
    """

    status: int
    limit: str
    errors: tuple[str, ...]
    takes: dict[str, Takes]
    answer: Any

    @property
    def callers(self) -> dict[str, Takes]:
        """The parameter that is who calls, if there is one."""
        return {name: one for name, one in self.takes.items() if one.part in CALLERS}

    @property
    def others(self) -> dict[str, Takes]:
        return {name: one for name, one in self.takes.items() if one.part not in CALLERS}

    def shape_of(self, *parts: Part) -> Any:
        """The shape of the parameter that is read from one of `parts`; None if there is none."""
        return next((one.shape for one in self.takes.values() if one.part in parts), None)


def facts_from(view: Callable[..., Any], status: int, limit: str, errors: tuple[str, ...]) -> Facts:
    words = dict(view.__annotations__)
    answer = words.pop("return", None)
    takes = {name: _takes(annotation) for name, annotation in words.items()}
    # Who calls comes before what is said: a stranger learns nothing of a body's faults.
    takes = dict(sorted(takes.items(), key=lambda named: named[1].part not in CALLERS))
    return Facts(status, limit, errors, takes, answer)


def _takes(annotation: Any) -> Takes:
    shape, *marks = get_args(annotation) if hasattr(annotation, "__metadata__") else (annotation,)
    match marks:
        case [Part() as part]:
            return Takes(part, shape)
        case [Raw() as raw]:
            return Takes(Part.BODY, raw)
        case [Header() as header]:
            return Takes(Part.HEADER, header)
    plain = {Caller: Part.CALLER, IdempotencyKey: Part.ONCE, str: Part.PATH}
    return Takes(plain[shape], shape)
