"""The errors of a route: which codes and reasons it declares, and the responses that have them."""

import inspect
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from ... import contract, errors
from ..parameters import RawBody, RouteSpec, Source
from ..responses import MAY_BE_RETRIED, STATUS
from .messages import DETAILS, MESSAGES
from .reasons import REASONS

# Of every route: a page of another origin, a wrong Content-Type, a bug, a part of the service that is unavailable.
ALWAYS = {"origin_not_allowed", "unsupported_media_type", "internal_error", "unavailable"}
CODES_BY_SOURCE = {
    Source.CALLER: {"unauthenticated", "account_blocked"},
    Source.ADMIN: {"unauthenticated", "account_blocked", "forbidden"},
    Source.PATH: {"not_found"},
    Source.ID: {"invalid_request", "not_found"},
    Source.QUERY: {"invalid_request"},
    Source.BODY: {"invalid_request", "too_large"},
    Source.IDEMPOTENCY_KEY: {"invalid_request", "idempotency_mismatch"},
    Source.HEADER: set[str](),
    Source.BYTES_SENT_TODAY: set[str](),
}
CALLER_REASONS = {reason for reason, code in errors.REASON_CODES.items() if code == "unauthenticated"}
WEBHOOKS = "webhooks"  # the group whose callers never receive 429
REQUEST_ID = "4f9d5c1e-8a53-4d5b-9a0c-2f6f3a7be0d1"
COMMON_HEADERS: dict[str, Any] = {
    "X-Request-Id": {"$ref": "#/components/headers/RequestId"},
    "Date": {"$ref": "#/components/headers/Date"},
}
SCHEMA = {
    "type": "object",
    "description": "Every error has this shape.",
    "properties": {
        "code": {"type": "string", "enum": sorted(STATUS), "description": "What happened, for programs."},
        "message": {"type": "string", "description": "What is wrong and what to do, for people."},
        "request_id": {"type": "string", "description": "The same as in the header X-Request-Id and in the log."},
        "details": {
            "type": "object",
            "description": "What is needed to act.",
            "properties": {
                "field": {"type": "string", "description": "The path of the field or parameter that is wrong."},
                "reason": {
                    "type": "string",
                    "enum": sorted(REASONS),
                    "description": "Why, for programs: every `conflict` and every `unauthenticated` has one.",
                },
                "offered": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "The live providers that the account can use: of `provider_not_offered`.",
                },
            },
            "additionalProperties": {
                "type": ["integer", "string", "boolean", "array", "null"],
                "items": {"type": "string"},
            },
        },
    },
    "required": ["code", "message", "request_id"],
}


def codes(spec: RouteSpec) -> set[str]:
    """All codes that a route may answer: those of every route, of what it reads, and its own."""
    found = ALWAYS | set(spec.errors) | {errors.REASON_CODES[reason] for reason in spec.reasons}
    if spec.shape_of(Source.QUERY) is None:  # A parameter is unknown there.
        found |= CODES_BY_SOURCE[Source.QUERY]
    for parameter in spec.parameters.values():
        if parameter.shape is contract.AnyQuery:
            continue
        found |= {"too_large"} if isinstance(parameter.shape, RawBody) else CODES_BY_SOURCE[parameter.source]
    return found if spec.limit == WEBHOOKS else found | {"rate_limited"}


def reasons(spec: RouteSpec) -> set[str]:
    """All reasons that a route may give: those of its token, if it needs one, and its own."""
    return set(spec.reasons) | (CALLER_REASONS if spec.callers else set())


def by_status(found: Iterable[str]) -> dict[int, list[str]]:
    """The codes by their status."""
    ordered = sorted(found, key=lambda code: (STATUS[code], code))
    return {status: list(same_status) for status, same_status in groupby(ordered, key=STATUS.__getitem__)}


def component_name(status_codes: list[str]) -> str:
    """The name among the components of the response with these codes."""
    return "Or".join(code.title().replace("_", "") for code in status_codes)


def is_shared(status_reasons: list[str]) -> bool:
    """Whether several routes share the response: it gives no reasons, or those of every route with a token."""
    return set(status_reasons) in (set(), CALLER_REASONS)


def reasons_of(status_codes: Iterable[str], route_reasons: Iterable[str]) -> list[str]:
    """The reasons that belong to these codes."""
    return sorted(reason for reason in route_reasons if errors.REASON_CODES[reason] in status_codes)


def response(status_codes: list[str], status_reasons: list[str]) -> dict[str, Any]:
    """A response with one of these codes, all of one status, and one of these reasons where its code has reasons."""
    status = STATUS[status_codes[0]]
    headers = COMMON_HEADERS.copy()
    if status in MAY_BE_RETRIED:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    if "conflict" in status_codes:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfterWhereItHelps"}
    if status == STATUS["rate_limited"]:
        headers |= limit_headers()
    schema = {"allOf": [{"$ref": "#/components/schemas/Error"}, _narrowing_schema(status_codes, status_reasons)]}
    examples = {code: {"value": _example(code, status_reasons)} for code in status_codes}
    return {
        "description": "\n\n".join(_description(code, status_reasons) for code in status_codes),
        "headers": headers,
        "content": {"application/json": {"schema": schema, "examples": examples}},
    }


def limit_headers() -> dict[str, Any]:
    """The headers of a counted request."""
    return {f"RateLimit-{name}": {"$ref": f"#/components/headers/RateLimit{name}"} for name in LIMIT_HEADERS}


LIMIT_HEADERS = {
    "Limit": "The largest burst of requests of this kind, per account or, before sign-in, per network.",
    "Remaining": "How many requests are left now.",
    "Reset": "Seconds until the whole burst is available again.",
}


def _narrowing_schema(status_codes: list[str], status_reasons: list[str]) -> dict[str, Any]:
    """What this response adds to the shape of all errors: its codes and, where a code has reasons, one of them."""
    narrowed: dict[str, Any] = {"properties": {"code": {"enum": status_codes}}, "required": ["code"]}
    if not status_reasons:
        return narrowed
    narrowed["properties"]["details"] = {"properties": {"reason": {"enum": status_reasons}}}
    must_give_reason = {"required": ["details"], "properties": {"details": {"required": ["reason"]}}}
    reasoned = sorted({errors.REASON_CODES[reason] for reason in status_reasons})
    return narrowed | {"if": {"properties": {"code": {"enum": reasoned}}}, "then": must_give_reason}


def _description(code: str, status_reasons: list[str]) -> str:
    text = f"`{code}`: {MEANINGS[code]}"
    if own := reasons_of([code], status_reasons):
        lines = [f"- `{reason}`: {REASONS[reason].meaning}" for reason in own]
        text = "\n".join([f"{text} Reasons:\n", *lines])
    return text


def _meanings() -> dict[str, str]:
    """What each code means: the first sentence of the docstring of its class in `errors.py`."""
    found = {errors.AppError.code: "A bug in the service. The response never contains the text of an exception."}
    for error in vars(errors).values():
        if inspect.isclass(error) and issubclass(error, errors.AppError) and error.code not in found:
            found[error.code] = f"{inspect.getdoc(error)}".replace("\n", " ").split(". ")[0].rstrip(".") + "."
    return found


MEANINGS = _meanings()


def _example(code: str, status_reasons: list[str]) -> dict[str, Any]:
    own = reasons_of([code], status_reasons)
    message = MESSAGES[own[0] if own else code]
    details = {"reason": own[0]} if own else DETAILS.get(code)
    fields: dict[str, Any] = {"code": code, "message": message, "request_id": REQUEST_ID}
    return fields | ({"details": details} if details else {})
