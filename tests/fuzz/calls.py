"""Calls the routes of `app.py` with requests as API Gateway sends them."""

from typing import Any
from unittest.mock import patch

from chalice.app import Request

import app
from chalicelib.logs import log


def make_request(
    body: bytes = b"", headers: dict[str, str] | None = None, query: dict[str, list[str]] | None = None
) -> Request:
    return Request(
        {
            "multiValueQueryStringParameters": query,
            "headers": headers or {},
            "pathParameters": None,
            "requestContext": {"httpMethod": "POST", "resourcePath": "/"},
            "body": body,
            "isBase64Encoded": False,
            "stageVariables": None,
        }
    )


def get_status(view: Any, request: Request) -> int:
    """The status of a response. Unexpected errors are raised instead of returned as 500."""
    app.app.current_request = request
    return int(view().status_code)


def _raise(_message: str, error: BaseException, **_fields: Any) -> None:
    raise error


patch.object(log, "failure", _raise).start()
