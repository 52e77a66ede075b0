"""Stripe's lists: newest first, in pages after or before an object."""

from collections.abc import Iterable
from typing import Any

from sandbox.stripe.errors import missing
from sandbox.stripe.objects import Json
from sandbox.stripe.parameters import Schema, integer, text, validate

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
TIME = integer(0)
RANGE: Schema = {"gt": TIME, "gte": TIME, "lt": TIME, "lte": TIME}


def filter_by_created(path: str, sent: Any) -> Any:
    """A time, or a range of times as a dict."""
    return validate(RANGE, sent, path) if isinstance(sent, dict) else TIME(path, sent)


PAGE: Schema = {
    "limit": integer(1, MAX_LIMIT),
    "starting_after": text,
    "ending_before": text,
    "created": filter_by_created,
}
"""The parameters of every list."""


def build_page(path: str, params: Json, kind: str, oldest_first: Iterable[Json]) -> Json:
    """One page of objects. Raises StripeApiError for a cursor that is not among them."""
    objects = [item for item in reversed(list(oldest_first)) if _in_range(item["created"], params.get("created"))]
    limit = params.get("limit", DEFAULT_LIMIT)
    if "ending_before" in params:
        end = _position(objects, params["ending_before"], kind, "ending_before")
        first = max(0, end - limit)
        items, more = objects[first:end], first > 0
    else:
        first = 0
        if "starting_after" in params:
            first = _position(objects, params["starting_after"], kind, "starting_after") + 1
        items, more = objects[first : first + limit], len(objects) > first + limit
    return {"object": "list", "data": items, "has_more": more, "url": path}


def _position(objects: list[Json], id: str, kind: str, param: str) -> int:
    for position, item in enumerate(objects):
        if item["id"] == id:
            return position
    raise missing(kind, id, param, 400)


def _in_range(at: int, condition: Any) -> bool:
    match condition:
        case None:
            return True
        case int():
            return at == condition
    tests = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(tests[name](bound) for name, bound in condition.items())
