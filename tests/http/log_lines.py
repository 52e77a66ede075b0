"""Reading the API's own log: one line of JSON per request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

LogLines = Callable[[], list[dict[str, Any]]]


def request_lines(log: Path) -> list[dict[str, Any]]:
    """Every request line, oldest first."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == "request"]


def lines_of(answer: requests.Response, log_lines: LogLines) -> list[dict[str, Any]]:
    return [line for line in log_lines() if line["request_id"] == answer.headers["X-Request-Id"]]


def line_of(answer: requests.Response, log_lines: LogLines) -> dict[str, Any]:
    """The one log line of this request."""
    (line,) = lines_of(answer, log_lines)
    return line
