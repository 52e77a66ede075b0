"""What API Gateway says by itself, where no function was asked: in the shape and with the headers of all errors."""

import json
from typing import Any

from chalicelib.http.middleware import SECURITY_HEADERS
from chalicelib.http.responses import STATUS

# Its kinds of answer, and what they are in our contract. Source: API Gateway developer guide, "Gateway response types".
CODES = {
    "ACCESS_DENIED": "forbidden",
    "API_CONFIGURATION_ERROR": "unavailable",  # what it also says where Lambda had no room for the function
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
    "MISSING_AUTHENTICATION_TOKEN": "not_found",  # what it says of a path or method that is not there
    "QUOTA_EXCEEDED": "rate_limited",
    "REQUEST_TOO_LARGE": "too_large",
    "RESOURCE_NOT_FOUND": "not_found",
    # Of all callers together: nobody's own limit, and a 429 would end a provider's tries to tell us something.
    "THROTTLED": "unavailable",
    "UNAUTHORIZED": "unauthenticated",
    "UNSUPPORTED_MEDIA_TYPE": "unsupported_media_type",
    "WAF_FILTERED": "forbidden",
}
MESSAGES = {
    "forbidden": "This request is not allowed.",
    "invalid_request": "The request is not as the contract says.",
    "not_found": "There is no such path or method.",
    "rate_limited": "Too many requests for this key.",
    "too_large": "The body is larger than any route takes.",
    "unauthenticated": "Send a valid ID token: Authorization: Bearer <token>.",
    "unavailable": "The service has no room or did not answer in time: try again.",
    "unsupported_media_type": "Send the right Content-Type.",
}
RETRY_AFTER_SECONDS = {"rate_limited": 1, "unavailable": 5}


def gateway_responses(cors_headers: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Status, headers and body for each kind, as the definition of an API has them. `cors_headers`: as the routes'."""
    return {kind: _response(code, cors_headers) for kind, code in CODES.items()}


def gateway_response_resources(responses: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The same as resources, for the AWS of one machine: it does not read them in the definition."""
    return {
        "Answer" + kind.title().replace("_", ""): {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Condition": "OnThisMachine",
            "Properties": {
                "RestApiId": {"Ref": "RestAPI"},
                "ResponseType": kind,
                "StatusCode": said["statusCode"],
                "ResponseParameters": said["responseParameters"],
                "ResponseTemplates": said["responseTemplates"],
            },
        }
        for kind, said in responses.items()
    }


def _response(code: str, cors_headers: dict[str, str]) -> dict[str, Any]:
    # A value stands between quotes there, so one with quotes of its own cannot be said.
    headers = {name: value for name, value in SECURITY_HEADERS.items() if "'" not in value} | cors_headers
    if code in RETRY_AFTER_SECONDS:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS[code])
    parameters = {f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()}
    parameters["gatewayresponse.header.X-Request-Id"] = "context.requestId"
    body = {"code": code, "message": MESSAGES[code], "request_id": "$context.requestId"}
    return {
        "statusCode": str(STATUS[code]),
        "responseParameters": parameters,
        "responseTemplates": {"application/json": json.dumps(body)},
    }
