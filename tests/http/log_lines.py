"""Reading the API's own log: one line of JSON per request."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

LogLines = Callable[[], list[dict[str, Any]]]


def parse_json_lines(text: str) -> list[dict[str, Any]]:
    """The lines of a log that are JSON."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


class LogReader:
    """The request lines of one log, each read once: a log grows with each test, and many tests look at it.

    A log that was truncated is read from its beginning.
    """

    def __init__(self) -> None:
        self._lines: list[dict[str, Any]] = []
        self._read_bytes = 0
        self._last_line = b""

    def read(self, log: Path) -> list[dict[str, Any]]:
        with log.open("rb") as file:
            file.seek(self._read_bytes - len(self._last_line))
            if file.read(len(self._last_line)) != self._last_line:
                file.seek(0)
                self._lines, self._read_bytes, self._last_line = [], 0, b""
            complete, newline, _ = file.read().rpartition(b"\n")  # The last line may still be written.
        self._read_bytes += len(complete) + len(newline)
        self._last_line = (complete.rpartition(b"\n")[2] + newline) or self._last_line
        lines = parse_json_lines(complete.decode())
        self._lines += [line for line in lines if line.get("message") == "request"]
        return list(self._lines)


READERS: dict[Path, LogReader] = {}


def request_lines(log: Path) -> list[dict[str, Any]]:
    """Every request line, oldest first."""
    return READERS.setdefault(log, LogReader()).read(log)


def lines_of(answer: requests.Response, log_lines: LogLines) -> list[dict[str, Any]]:
    return [line for line in log_lines() if line["request_id"] == answer.headers["X-Request-Id"]]


def line_of(answer: requests.Response, log_lines: LogLines) -> dict[str, Any]:
    """The one log line of this request."""
    (line,) = lines_of(answer, log_lines)
    return line
