"""The responses that API Gateway gives without calling a function, in the shape and with the headers of all errors."""

import json
from typing import Any

from chalicelib.http.middleware import SECURITY_HEADERS
from chalicelib.http.responses import STATUS

# The types of gateway responses and their codes. Source: API Gateway developer guide, "Gateway response types".
CODES = {
    "ACCESS_DENIED": "forbidden",
    "API_CONFIGURATION_ERROR": "unavailable",  # also when Lambda throttled the function
    "AUTHORIZER_CONFIGURATION_ERROR": "unavailable",
    "AUTHORIZER_FAILURE": "unavailable",
    "BAD_REQUEST_BODY": "invalid_request",
    "BAD_REQUEST_PARAMETERS": "invalid_request",
    "DEFAULT_4XX": "invalid_request",
    "DEFAULT_5XX": "unavailable",
    "EXPIRED_TOKEN": "unauthenticated",
    "INTEGRATION_FAILURE": "unavailable",
    "INTEGRATION_TIMEOUT": "unavailable",
    "INVALID_API_KEY": "forbidden",
    "INVALID_SIGNATURE": "forbidden",
    "MISSING_AUTHENTICATION_TOKEN": "not_found",  # the type for an unknown path or method
    "QUOTA_EXCEEDED": "rate_limited",
    "REQUEST_TOO_LARGE": "too_large",
    "RESOURCE_NOT_FOUND": "not_found",
    # The limit of all callers together, so not a caller's fault; and after a 429 providers stop sending webhooks.
    "THROTTLED": "unavailable",
    "UNAUTHORIZED": "unauthenticated",
    "UNSUPPORTED_MEDIA_TYPE": "unsupported_media_type",
    "WAF_FILTERED": "forbidden",
}
MESSAGES = {
    "forbidden": "This request is not allowed.",
    "invalid_request": "The request is malformed. See the API reference at /docs.",
    "not_found": "This path or method does not exist.",
    "rate_limited": "Too many requests for this key.",
    "too_large": "The body is larger than any route accepts.",
    "unauthenticated": "Send a valid ID token: Authorization: Bearer <token>.",
    "unavailable": "The service is busy or did not respond in time. Retry the request.",
    "unsupported_media_type": "Send the right Content-Type.",
}
RETRY_AFTER_SECONDS = {"rate_limited": 1, "unavailable": 5}
# The gateway does not tell an expired token from an invalid one. `expired` lets a client refresh once and retry; if the
# token was invalid, the refresh or the retry fails.
DETAILS = {"unauthenticated": {"reason": "expired"}}


def gateway_responses(cors_headers: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Status, headers and body for each type, as in the definition of an API. `cors_headers`: those of the routes.

    They contain nothing of a person, so the page that called may read them, whatever its origin: the gateway compares
    no origins here.
    """
    return {kind: _response(code, cors_headers) for kind, code in CODES.items()}


def gateway_response_resources(responses: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same as resources, for the emulated AWS, which does not read them from the definition."""
    return {
        "Answer" + kind.title().replace("_", ""): {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Condition": "OnThisMachine",
            "Properties": {
                "RestApiId": {"Ref": "RestAPI"},
                "ResponseType": kind,
                "StatusCode": response["statusCode"],
                "ResponseParameters": response["responseParameters"],
                "ResponseTemplates": response["responseTemplates"],
            },
        }
        for kind, response in responses.items()
    }


def _response(code: str, cors_headers: dict[str, str]) -> dict[str, Any]:
    # Values are quoted there, so a value that contains quotes cannot be sent.
    headers = {name: value for name, value in SECURITY_HEADERS.items() if "'" not in value} | cors_headers
    headers["Vary"] = "Origin"
    if code in RETRY_AFTER_SECONDS:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS[code])
    parameters = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()}
    parameters["gatewayresponse.header.X-Request-Id"] = "context.requestId"
    parameters["gatewayresponse.header.Access-Control-Allow-Origin"] = "method.request.header.Origin"
    body: dict[str, Any] = {"code": code, "message": MESSAGES[code], "request_id": "$context.requestId"}
    if code in DETAILS:
        body["details"] = DETAILS[code]
    return {
        "statusCode": str(STATUS[code]),
        "responseParameters": parameters,
        "responseTemplates": {"application/json": json.dumps(body)},
    }
