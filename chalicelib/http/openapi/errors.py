"""What can go wrong on a route: which codes, and the answers that tell them."""

import inspect
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ... import errors
from ...models.rate_limits import UNCOUNTED as UNCOUNTED
from ..parameters import Facts, Part, Raw
from ..responses import STATUS

# Every route: a foreign page, a wrong Content-Type, a bug of ours, something of ours that is out of order.
ALWAYS = {"origin_not_allowed", "unsupported_media_type", "internal_error", "unavailable"}
BY_PART = {
    Part.CALLER: {"unauthenticated", "account_blocked"},
    Part.ADMIN: {"unauthenticated", "account_blocked", "forbidden"},
    Part.PATH: {"not_found"},
    Part.ID: {"invalid_request", "not_found"},
    Part.QUERY: {"invalid_request"},
    Part.BODY: {"invalid_request", "too_large"},
    Part.ONCE: {"invalid_request", "conflict", "idempotency_mismatch"},
    Part.HEADER: set[str](),
}
WEBHOOKS = "webhooks"  # the limit of routes that are never told to slow down
DETAILS: dict[str, dict[str, int | str]] = {
    "invalid_request": {"field": "segments[3].end_ms"},
    "insufficient_credits": {"required": 100, "available": 40},
    "too_large": {"max_bytes": 524288},
}
REQUEST_ID = "4f9d5c1e-8a53-4d5b-9a0c-2f6f3a7be0d1"
RETRY_AFTER = (429, 503)
SCHEMA = {
    "type": "object",
    "description": "Every error has this shape.",
    "properties": {
        "code": {"type": "string", "enum": sorted(STATUS), "description": "What happened, for programs."},
        "message": {"type": "string", "description": "What happened, for people."},
        "request_id": {"type": "string", "description": "The same as in the header X-Request-Id; in our log, too."},
        "details": {
            "type": "object",
            "description": "What is needed to act: `field` is the path of what is wrong in a request.",
            "additionalProperties": {"type": ["integer", "string", "boolean", "null"]},
        },
    },
    "required": ["code", "message", "request_id"],
}


def codes(facts: Facts) -> set[str]:
    """All codes that a route may answer: those of every route, of what it reads, and its own."""
    found = ALWAYS | set(facts.errors)
    for takes in facts.takes.values():
        found |= {"too_large"} if isinstance(takes.shape, Raw) else BY_PART[takes.part]
    return found if facts.limit == WEBHOOKS else found | {"rate_limited"}


def by_status(found: Iterable[str]) -> dict[int, list[str]]:
    """The codes under the statuses they come with."""
    ordered = sorted(found, key=lambda code: (STATUS[code], code))
    return {status: list(these) for status, these in groupby(ordered, key=STATUS.__getitem__)}


def name(these: list[str]) -> str:
    """What an answer with one of these codes is called among the components."""
    return "Or".join(code.title().replace("_", "") for code in these)


def answer(these: list[str]) -> dict[str, Any]:
    """An answer with one of these codes, all of one status."""
    status = STATUS[these[0]]
    headers = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
    if status in RETRY_AFTER:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if "conflict" in these:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfterWhereItHelps"}
    if status == STATUS["rate_limited"]:
        headers |= limit_headers()
    narrowed = {"properties": {"code": {"enum": these}}, "required": ["code"]}
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, narrowed]}
    examples = {code: {"value": _example(code)} for code in these}
    return {
        "description": " ".join(f"`{code}`: {MEANINGS[code]}" for code in these),
        "headers": headers,
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def limit_headers() -> dict[str, Any]:
    """What a counted route tells of its limit."""
    return {f"RateLimit-{what}": {"$ref": f"#/components/headers/RateLimit{what}"} for what in LIMIT_WORDS}


LIMIT_WORDS = {
    "Limit": "How many calls of this kind the account, or before sign-in the address, may make at once.",
    "Remaining": "How many are left.",
    "Reset": "Seconds until all are there again.",
}


def _meanings() -> dict[str, str]:
    """What each code means: the first sentence of the class in `errors.py` that has it first."""
    found = {errors.AppError.code: "A bug of ours. Never carries an exception's text."}
    for one in vars(errors).values():
        if inspect.isclass(one) and issubclass(one, errors.AppError) and one.code not in found:
            found[one.code] = f"{inspect.getdoc(one)}".replace("\n", " ").split(". ")[0].rstrip(".") + "."
    return found


MEANINGS = _meanings()


def _example(code: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"code": code, "message": MEANINGS[code], "request_id": REQUEST_ID}
    return fields | ({"details": DETAILS[code]} if code in DETAILS else {})
