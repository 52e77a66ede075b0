"""The whole OpenAPI document: a path, a method and an operation for each route."""

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from ... import contract
from .. import request
from ..endpoint import route_spec
from ..parameters import RawBody, RouteSpec, Source
from . import errors
from .examples import PATH_EXAMPLES, examples
from .responses import JSON, json_shapes, named_examples, success_responses, successes
from .schemas import Schema, Schemas, fields

DESCRIPTION = """\
Accounts, live transcription, catch-ups, credits and payments for browser extensions.

**Authentication.** `POST /auth/login` returns a `token`. Send it as `Authorization: Bearer <token>` to every operation
with a lock. Operations that say so also need the group `admins`.

**Formats.** JSON in UTF-8 in both directions. Times are RFC 3339 in UTC, durations whole seconds or `_ms`, credits
whole numbers, money whole cents or micro-USD. Unknown fields are refused, and so are unknown
query parameters where an operation lists 400. A response leaves out what does not apply,
and may get new fields, and new values in an enumeration, that are not listed here.

**Errors** have one shape, with a `code` for programs. Every `conflict` and every `unauthenticated` also has a
`details.reason`. Unknown paths and methods are 404 `not_found`.

**Idempotency.** Where the header `Idempotency-Key` is listed, send one, and repeat the request with the same key and
body if the response is lost: nothing is charged twice, and the first response is returned again for 24 hours.

**Pagination.** Pass the `next_cursor` of one page as `cursor` to get the next. It is null on the last page.
"""
# Path prefixes, the longest first, and the section of the reference.
SECTIONS = {
    "/transcription/stream": "Streaming",
    "/transcription/sessions": "Streaming",
    "/transcription/uploads": "Catch-up",
    "/transcription/catchup": "Catch-up",
    "/webhooks/assemblyai": "Catch-up",
    "/transcription/history": "Transcripts",
    "/transcription/search": "Transcripts",
    "/transcription/ask": "Transcripts",
    "/credits/packages": "Payments",
    "/credits/purchase": "Payments",
    "/webhooks/stripe": "Payments",
    "/credits": "Credits",
    "/analytics/usage": "Credits",
    "/analytics/costs": "Admin",
    "/admin/audit": "Audit",
    "/admin/assets": "Pages",
    "/admin/": "Admin",
    "/admin": "Pages",
    "/auth": "Accounts",
    "/docs": "Pages",
    "/openapi.json": "Pages",
    "/checkout": "Pages",
    "/shared": "Pages",
    "/health": "Service",
}
ORDER = (
    "Accounts", "Streaming", "Catch-up", "Transcripts", "Credits", "Payments", "Admin", "Audit", "Pages", "Service",
)  # fmt: skip
PAGE = "text/html"
FOR_ADMINS = "Needs the group `admins`."
HEADERS: dict[str, Schema] = {
    "RequestId": {
        "description": "Names this request in the log of the service.",
        "schema": {"type": "string"},
        "required": True,
    },
    "RetryAfter": {
        "description": "Seconds to wait before you retry the request.",
        "schema": {"type": "integer", "minimum": 0},
        "required": True,
    },
    "RetryAfterWhereItHelps": {
        "description": "Seconds to wait before you retry the request; missing where a retry does not help.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "Date": {
        "description": "The clock of the server, for a client whose own may be wrong.",
        "schema": {"type": "string"},
    },
    "NextCursor": {
        "description": "The `cursor` of the next page; missing on the last page.",
        "schema": {"type": "string"},
    },
    "ETag": {"description": "Changes with the content.", "schema": {"type": "string"}, "required": True},
    "Location": {"description": "The address to use.", "schema": {"type": "string"}, "required": True},
    "ContentDisposition": {"description": "The name of the file.", "schema": {"type": "string"}, "required": True},
    **{
        f"RateLimit{name}": {"description": text, "schema": {"type": "integer", "minimum": 0}}
        for name, text in errors.LIMIT_HEADERS.items()
    },
}
IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "Names this request: sent again with the same body, it is processed once, with the same response.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": request.IDEMPOTENCY_KEY_CHARACTERS,
        "pattern": "^[ -~]+$",
    },
    "example": "start-7f3a",
}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The ETag of the version that you have.",
    "schema": {"type": "string"},
}


class Route(Protocol):
    """A route as Chalice registers it."""

    view_function: Any
    content_types: list[str]


def document(routes: Mapping[str, Mapping[str, Route]], version: str) -> dict[str, Any]:
    """The contract of these routes. Raises LookupError for a route without a section or a shape without an example."""
    specs = {(path, method): route_spec(route.view_function) for path, method, route in _in_order(routes)}
    schemas = Schemas(shape for spec in specs.values() for shape in json_shapes(spec))
    paths: dict[str, dict[str, Any]] = {}
    shared_responses: dict[str, Any] = {}
    for path, method, route in _in_order(routes):
        spec = specs[path, method]
        operation = _operation(path, route, spec, schemas)
        for status, codes in errors.by_status(errors.codes(spec)).items():
            reasons = errors.reasons_of(codes, errors.reasons(spec))
            response = errors.response(codes, reasons)
            if spec.errors_as_pages:
                response["content"][PAGE] = {"schema": {"type": "string"}}
            elif errors.is_shared(reasons):
                name = errors.component_name(codes)
                shared_responses[name] = response
                response = {"$ref": f"#/components/responses/{name}"}
            operation["responses"][str(status)] = response
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
        "servers": [{"url": "./", "description": "The address of this document."}],
        "tags": [{"name": name} for name in ORDER],
        "paths": paths,
        "components": {
            "schemas": {"Error": errors.SCHEMA, **schemas.components},
            "responses": dict(sorted(shared_responses.items())),
            "headers": HEADERS,
            "securitySchemes": {
                "idToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "The ID token: `token` of a login. The access token is not accepted.",
                }
            },
        },
    }


def _in_order(routes: Mapping[str, Mapping[str, Route]]) -> Iterator[tuple[str, str, Route]]:
    """The routes by section, and within one in the order of app.py."""
    for path, methods in sorted(routes.items(), key=lambda item: ORDER.index(_section(item[0]))):
        for method, route in methods.items():
            yield path, method, route


def _section(path: str) -> str:
    if path == "/":
        return "Pages"
    for prefix, section in SECTIONS.items():
        if path.startswith(prefix):
            return section
    raise LookupError(f"{path} is in no section of the reference")


def _operation(path: str, route: Route, spec: RouteSpec, schemas: Schemas) -> dict[str, Any]:
    summary, description = _prose(route.view_function)
    sources = {parameter.source for parameter in spec.parameters.values()}
    needs_admin = Source.ADMIN in sources
    operation: dict[str, Any] = {
        "operationId": route.view_function.__name__,
        "tags": [_section(path)],
        "summary": summary,
        "description": " ".join(filter(None, (FOR_ADMINS if needs_admin else "", description))),
        "security": [{"idToken": []}] if spec.callers else [],
    }
    parameters = list(_parameters(spec))
    if parameters:
        operation["parameters"] = parameters
    if Source.BODY in sources:
        operation["requestBody"] = _request_body(route, spec.shape_of(Source.BODY), schemas)
    operation["responses"] = success_responses(spec, schemas)
    return operation


def _prose(view: Any) -> tuple[str, str]:
    """The summary, which is the first line of a view's docstring, and the description, which is the rest."""
    summary, _, description = (view.__doc__ or "").strip().partition("\n")
    return summary.rstrip("."), " ".join(description.split())


# Parameters and bodies


def _parameters(spec: RouteSpec) -> Iterator[dict[str, Any]]:
    for name, parameter in spec.parameters.items():
        match parameter.source:
            case Source.PATH:
                yield _path_parameter(name, {"type": "string", "minLength": 1})
            case Source.ID:
                yield _path_parameter(name, Schemas([contract.Identifier]).of(contract.Identifier))
            case Source.QUERY:
                yield from _query_parameters(parameter.shape)
            case Source.IDEMPOTENCY_KEY:
                yield IDEMPOTENCY_KEY
            case Source.HEADER:
                header = parameter.shape.name
                yield {"name": header, "in": "header", "required": True, "schema": {"type": "string"}}
    if any(success.has_version for success in successes(spec)):
        yield IF_NONE_MATCH


def _path_parameter(name: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema, "example": PATH_EXAMPLES[name]}


def _query_parameters(shape: Any) -> Iterator[dict[str, Any]]:
    (example,) = examples(shape).values()
    for name, (schema, is_required) in fields(shape).items():
        parameter = {"name": name, "in": "query", "required": is_required, "schema": schema}
        if "description" in schema:  # Readers of the document show a parameter's own description only.
            parameter["description"] = schema.pop("description")
        yield parameter | ({"example": example[name]} if name in example else {})


def _request_body(route: Route, shape: Any, schemas: Schemas) -> dict[str, Any]:
    if isinstance(shape, RawBody):
        is_json = route.content_types == [JSON]
        schema = {"type": "object"} if is_json else {"type": "string", "format": "binary"}
        text = "Exactly the bytes that were signed." if is_json else f"At most {shape.max_bytes:,} bytes."
        content = {media_type: {"schema": schema} for media_type in route.content_types}
        return {"required": True, "description": text, "content": content}
    content = {JSON: {"schema": schemas.of(shape), "examples": named_examples(shape)}}
    return {"required": shape is not contract.EmptyBody, "content": content}
