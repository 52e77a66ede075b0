"""The API Gateway of chalice local, corrected to behave as AWS does: routing, tokens, events, errors."""

import base64
import json
import time
import uuid
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from chalice.app import Chalice, CognitoUserPoolAuthorizer
from chalice.config import Config
from chalice.local import (
    LambdaEventConverter,
    LocalGateway,
    LocalGatewayAuthorizer,
    MatchResult,
    RouteMatcher,
)

STAGE = "local"
# As scripts/shipping/answers.py has it for the deployed gateway.
DETAILS = {"unauthenticated": {"reason": "expired"}}


class GatewayError(Exception):
    """The gateway rejects a request itself: `status`, a `code` of the HTTP contract and a message."""

    def __init__(self, status: int, code: str, message: str):
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def error_response(code: str, message: str, origin: str | None) -> tuple[dict[str, str], bytes]:
    """Headers and body of an error in the shape of all errors, readable by the page that called, as when deployed.

    `origin`: as the caller sent it; one that cannot be in a header is left out.
    """
    request_id = str(uuid.uuid4())
    headers = {
        "Content-Type": "application/json",
        "X-Request-Id": request_id,
        "Access-Control-Expose-Headers": "X-Request-Id",
        "Vary": "Origin",
    }
    if origin and origin.isascii() and origin.isprintable():
        headers["Access-Control-Allow-Origin"] = origin
    body = {"code": code, "message": message, "request_id": request_id}
    return headers, json.dumps(body | ({"details": DETAILS[code]} if code in DETAILS else {})).encode()


class Routes(RouteMatcher):
    """Finds the route of a path. A literal segment wins over a parameter; parameters are percent-decoded."""

    def match_route(self, url: str) -> MatchResult:
        path, _, query = url.partition("?")
        if path != "/" and path.endswith("/"):
            path = path[:-1]
        segments = path.split("/")
        for route in self.route_urls:  # Sorted: "{" comes after every letter.
            captured = _capture_parameters(route.split("/"), segments)
            if captured is not None:
                return MatchResult(route, captured, parse_qs(query, keep_blank_values=True))
        raise ValueError(f"no route for {path}")


def _capture_parameters(route: list[str], segments: list[str]) -> dict[str, str] | None:
    """The path parameters if the segments match the route, otherwise None.

    The matcher of chalice also returns parameters of routes that match only in part.
    """
    if len(route) != len(segments):
        return None
    captured = {}
    for expected, segment in zip(route, segments, strict=True):
        if expected.startswith("{") and expected.endswith("}") and segment:
            captured[expected[1:-1]] = unquote(segment)
        elif expected != segment:
            return None
    return captured


class EventConverter(LambdaEventConverter):
    """Converts an HTTP request to the event of API Gateway's Lambda proxy integration."""

    def create_lambda_event(
        self, method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes | None = None
    ) -> dict[str, Any]:
        route, parameters, query = self._route_matcher.match_route(path)
        all_headers: dict[str, list[str]] = {}
        for name, value in headers:
            all_headers.setdefault(name.lower(), []).append(value)
        last_headers = {name: values[-1] for name, values in all_headers.items()}
        text, is_base64 = self._body(body, last_headers.get("content-type", ""))
        now = time.time()
        return {
            "resource": route,
            "path": path.split("?")[0],
            "httpMethod": method,
            "headers": last_headers,
            "multiValueHeaders": all_headers,
            "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
            "multiValueQueryStringParameters": query or None,
            "pathParameters": parameters,
            "stageVariables": {},
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "apiId": "local",
                "stage": STAGE,
                "httpMethod": method,
                "resourcePath": route,
                "path": path.split("?")[0],
                "protocol": "HTTP/1.1",
                "requestTimeEpoch": int(now * 1000),
                "requestTime": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
                "identity": {"sourceIp": self.LOCAL_SOURCE_IP, "userAgent": last_headers.get("user-agent")},
            },
            "body": text,
            "isBase64Encoded": is_base64,
        }

    def _body(self, body: bytes | None, content_type: str) -> tuple[str | None, bool]:
        """The body as it is in the event: text, or base64 for binary types and for invalid UTF-8."""
        if not body:
            return None, False
        # API Gateway compares the media type only; chalice compares the whole header with its parameters.
        media_type = content_type.split(";")[0].strip().lower()
        if media_type not in self._binary_types and "*/*" not in self._binary_types:
            try:
                return body.decode(), False
            except UnicodeDecodeError:
                pass
        return base64.b64encode(body).decode(), True


class Authorizer(LocalGatewayAuthorizer):
    """Passes requests to Cognito routes on unchanged: the app verifies every token itself.

    The authorizer of chalice accepts any claims and a missing token, and crashes on a malformed one.
    """

    def authorize(self, raw_path: str, lambda_event: dict[str, Any], lambda_context: Any) -> tuple[dict[str, Any], Any]:
        route = self._route_for_event(lambda_event)
        if route is not None and isinstance(route.authorizer, CognitoUserPoolAuthorizer):
            return lambda_event, lambda_context
        return super().authorize(raw_path, lambda_event, lambda_context)  # type: ignore[no-any-return]


class Gateway(LocalGateway):
    """The gateway of chalice local with the classes above. An unknown path or method returns 404, as when deployed."""

    def __init__(self, app: Chalice, config: Config, allowed_origins: Collection[str]):
        super().__init__(app, config)
        self._allowed_origins = allowed_origins
        self.event_converter = EventConverter(Routes(list(app.routes)), app.api.binary_types)
        self._authorizer = Authorizer(app)

    def respond(
        self, method: str, path: str, headers: list[tuple[str, str]], body: bytes | None, source_ip: str
    ) -> dict[str, Any]:
        """The Lambda proxy response (statusCode, headers, multiValueHeaders, body). Raises GatewayError.

        Where no view handles OPTIONS, a preflight is answered from the CORS settings of the route.
        """
        context = self._generate_lambda_context()
        try:
            event = self.event_converter.create_lambda_event(method, path, headers, body)
        except ValueError as error:
            raise GatewayError(404, "not_found", "This path does not exist.") from error
        event["requestContext"]["identity"]["sourceIp"] = source_ip
        methods = self._app_object.routes[event["resource"]]
        if method == "OPTIONS" and method not in methods:
            preflight = self._autogen_options_headers(event)
            preflight["Vary"] = "Origin"
            if (origin := event["headers"].get("origin")) in self._allowed_origins:
                preflight["Access-Control-Allow-Origin"] = origin
            return {"statusCode": 200, "headers": preflight, "multiValueHeaders": {}, "body": None}
        if method not in methods:
            raise GatewayError(404, "not_found", f"{event['resource']} does not support the method {method}.")
        event, context = self._authorizer.authorize(path, event, context)
        response: dict[str, Any] = self._app_object(event, context)
        return response
