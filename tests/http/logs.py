"""Reading the API's own log: one line of JSON per request."""

import json
from pathlib import Path
from typing import Any


def request_lines(log: Path) -> list[dict[str, Any]]:
    """Every request line, oldest first."""
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("message") == "request"]
