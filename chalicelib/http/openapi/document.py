"""The whole document: a path, a method and an operation for each route."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ... import contract
from .. import request
from ..endpoint import facts_of
from ..parameters import Facts, Part, Raw
from . import errors
from .examples import PATH_EXAMPLES, examples
from .responses import JSON, answers, json_shapes, named, successes
from .schemas import Schema, Schemas, fields

DESCRIPTION = """\
Accounts, live transcription, catch-ups, credits and payments for browser extensions.

**Signing in.** `POST /auth/login` answers a `token`. Send it as `Authorization: Bearer <token>` where a lock is shown;
operations that say so need the group `admins` as well.

**Words.** JSON in UTF-8 in and out. Times are RFC 3339 in UTC, durations whole seconds or `_ms`, credits whole numbers,
money whole cents or micro-USD. Unknown fields are refused. An answer leaves out what does not apply, and may
get fields, and words in a list of words, that are not listed here.

**Errors** have one shape, with a `code` for programs; unknown paths and methods are 404 `not_found`.

**Doing things once.** Where the header `Idempotency-Key` is listed, send one and repeat it with the same body after
a lost answer: nothing is charged twice, and the first answer comes again for 24 hours.

**Lists** go on with `cursor`: what `next_cursor` said last. It is null at the end.
"""
# Path prefixes, the longest first, and the section of the reference.
SECTIONS = {
    "/transcription/stream": "Streaming",
    "/transcription/history": "History",
    "/transcription/uploads": "Catch-up",
    "/transcription/catchup": "Catch-up",
    "/transcription/ask": "Questions",
    "/credits": "Billing",
    "/analytics": "Analytics",
    "/admin/audit": "Audit",
    "/admin/assets": "Pages",
    "/admin/": "Admin",
    "/admin": "Pages",
    "/auth": "Account",
    "/webhooks": "Webhooks",
    "/docs": "Pages",
    "/openapi.json": "Service",
    "/health": "Service",
}
ORDER = (
    "Account", "Streaming", "Catch-up", "Questions", "History", "Billing", "Analytics", "Admin", "Audit", "Service",
    "Webhooks", "Pages",
)  # fmt: skip
HEADERS: dict[str, Schema] = {
    "RequestId": {"description": "Names this request in our log.", "schema": {"type": "string"}, "required": True},
    "RetryAfter": {
        "description": "Seconds to wait before the same request may work.",
        "schema": {"type": "integer", "minimum": 0},
        "required": True,
    },
    "RetryAfterWhereItHelps": {
        "description": "Seconds to wait, where the same request may work then.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "NextCursor": {"description": "Where the next page starts; missing at the end.", "schema": {"type": "string"}},
    "ETag": {"description": "Changes with the content.", "schema": {"type": "string"}, "required": True},
    "ContentDisposition": {"description": "The name to save it under.", "schema": {"type": "string"}, "required": True},
    **{
        f"RateLimit{what}": {"description": text, "schema": {"type": "integer", "minimum": 0}}
        for what, text in errors.LIMIT_WORDS.items()
    },
}
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this request: sent again with the same body, it is done once and answered the same.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": request.IDEMPOTENCY_KEY_CHARACTERS,
        "pattern": "^[ -~]+$",
    },
    "example": "start-7f3a",
}
SEEN = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of what you have.",
    "schema": {"type": "string"},
}


class Route(Protocol):
    """What Chalice knows of a route."""

    view_function: Any
    content_types: list[str]


def document(routes: Mapping[str, Mapping[str, Route]], version: str) -> dict[str, Any]:
    """The contract of these routes. Raises LookupError for a route or shape that lacks a section or an example."""
    facts = {(path, method): facts_of(route.view_function) for path, method, route in _each(routes)}
    schemas = Schemas(shape for one in facts.values() for shape in json_shapes(one))
    paths: dict[str, dict[str, Any]] = {}
    responses: dict[str, Any] = {}
    for path, method, route in _each(routes):
        known = facts[path, method]
        operation = _operation(path, route, known, schemas)
        for status, codes in errors.by_status(errors.codes(known)).items():
            responses[errors.name(codes)] = errors.answer(codes)
            operation["responses"][str(status)] = {"$ref": f"#/components/responses/{errors.name(codes)}"}
        operation["responses"] = dict(sorted(operation["responses"].items()))
        paths.setdefault(path, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Live transcription",
            "version": version,
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "./", "description": "Where this document lies."}],
        "tags": [{"name": name} for name in ORDER],
        "paths": paths,
        "components": {
            "schemas": {"Error": errors.SCHEMA, **schemas.components},
            "responses": dict(sorted(responses.items())),
            "headers": HEADERS,
            "securitySchemes": {
                "idToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The ID token: `token` of a login. The access token is not taken.",
                }
            },
        },
    }


def _each(routes: Mapping[str, Mapping[str, Route]]) -> Iterator[tuple[str, str, Route]]:
    """The routes by section, within one as they stand in the code."""
    for path, methods in sorted(routes.items(), key=lambda named: ORDER.index(_section(named[0]))):
        for method, route in methods.items():
            yield path, method, route


def _section(path: str) -> str:
    for prefix, section in SECTIONS.items():
        if path.startswith(prefix):
            return section
    raise LookupError(f"{path} is in no section of the reference")


def _operation(path: str, route: Route, facts: Facts, schemas: Schemas) -> dict[str, Any]:
    summary, outcomes = _told(route.view_function)
    parts = {takes.part for takes in facts.takes.values()}
    needs_admin, needs_token = Part.ADMIN in parts, bool(parts & {Part.CALLER, Part.ADMIN})
    operation: dict[str, Any] = {
        "operationId": route.view_function.__name__,
        "tags": [_section(path)],
        "summary": summary,
        "description": ("Needs the group `admins`. " if needs_admin else "") + outcomes,
        "security": [{"idToken": []}] if needs_token else [],
    }
    parameters = list(_parameters(facts))
    if parameters:
        operation["parameters"] = parameters
    if Part.BODY in parts:
        operation["requestBody"] = _request_body(route, facts.shape_of(Part.BODY), schemas)
    operation["responses"] = successes(facts, schemas)
    return operation


def _told(view: Any) -> tuple[str, str]:
    """What a view does, and what its docstring says of the outcomes, which begin with a status."""
    words = " ".join((view.__doc__ or "").split())
    found = re.fullmatch(r"(.+?[.:]) (\d{3}.*)", words)
    summary, outcomes = found.groups() if found else (words, "")
    return summary.rstrip("."), outcomes


# What is sent


def _parameters(facts: Facts) -> Iterator[dict[str, Any]]:
    for name, takes in facts.takes.items():
        match takes.part:
            case Part.PATH:
                yield _path_parameter(name, {"type": "string", "minLength": 1})
            case Part.ID:
                yield _path_parameter(name, Schemas([contract.Identifier]).of(contract.Identifier))
            case Part.QUERY:
                yield from _query_parameters(takes.shape)
            case Part.ONCE:
                yield ONCE
            case Part.HEADER:
                yield {"name": takes.shape.name, "in": "header", "required": True, "schema": {"type": "string"}}
    if any(one.is_page for one in answers(facts)):
        yield SEEN


def _path_parameter(name: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": PATH_EXAMPLES[name]}


def _query_parameters(shape: Any) -> Iterator[dict[str, Any]]:
    (example,) = examples(shape).values()
    for name, (schema, is_required) in fields(shape).items():
        found = {"name": name, "in": "query", "required": is_required, "schema": schema}
        yield found | ({"example": example[name]} if name in example else {})


def _request_body(route: Route, shape: Any, schemas: Schemas) -> dict[str, Any]:
    if isinstance(shape, Raw):
        is_json = route.content_types == [JSON]
        schema = {"type": "object"} if is_json else {"type": "string", "format": "binary"}
        text = "As it was signed." if is_json else f"At most {shape.max_bytes:,} bytes."
        content = {one: {"schema": schema} for one in route.content_types}
        return {"required": True, "description": text, "content": content}
    content = {JSON: {"schema": schemas.of(shape), "examples": named(shape)}}
    return {"required": shape is not contract.Nothing, "content": content}
