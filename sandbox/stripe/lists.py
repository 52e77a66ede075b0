"""Stripe's lists: newest first, in pages after or before an object."""

from collections.abc import Iterable
from typing import Any

from sandbox.stripe.errors import missing
from sandbox.stripe.objects import Json
from sandbox.stripe.parameters import Schema, read, text, whole

DEFAULT_LIMIT, MAX_LIMIT = 10, 100
TIME = whole(0)
RANGE: Schema = {"gt": TIME, "gte": TIME, "lt": TIME, "lte": TIME}


def created(path: str, sent: Any) -> Any:
    """A time, or a range of times as the hash it came as."""
    return read(RANGE, sent, path) if isinstance(sent, dict) else TIME(path, sent)


PAGE: Schema = {
    "limit": whole(1, MAX_LIMIT),
    "starting_after": text,
    "ending_before": text,
    "created": created,
}
"""What every list takes."""


def page(path: str, params: Json, kind: str, oldest_first: Iterable[Json]) -> Json:
    """A page of objects. Raises RefusalError for a cursor that is none of them."""
    found = [one for one in reversed(list(oldest_first)) if _in_range(one["created"], params.get("created"))]
    limit = params.get("limit", DEFAULT_LIMIT)
    if "ending_before" in params:
        end = _place(found, params["ending_before"], kind, "ending_before")
        first = max(0, end - limit)
        shown, more = found[first:end], first > 0
    else:
        first = 0
        if "starting_after" in params:
            first = _place(found, params["starting_after"], kind, "starting_after") + 1
        shown, more = found[first : first + limit], len(found) > first + limit
    return {"object": "list", "data": shown, "has_more": more, "url": path}


def _place(objects: list[Json], id: str, kind: str, param: str) -> int:
    for place, one in enumerate(objects):
        if one["id"] == id:
            return place
    raise missing(kind, id, param, 400)


def _in_range(at: int, wanted: Any) -> bool:
    match wanted:
        case None:
            return True
        case int():
            return at == wanted
    tests = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(tests[name](bound) for name, bound in wanted.items())
