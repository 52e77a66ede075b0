"""Calls of the real routes of `app.py`, as API Gateway hands them over, without the gateway."""

from typing import Any
from unittest.mock import patch

from chalice.app import Request

import app
from chalicelib.logs import log


def request(
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


def status(view: Any, call: Request) -> int:
    """What a view answers. What it did not expect is raised, not turned into 500."""
    app.app.current_request = call
    return int(view().status_code)


def _unexpected(_message: str, error: BaseException, **_fields: Any) -> None:
    raise error


patch.object(log, "failure", _unexpected).start()
