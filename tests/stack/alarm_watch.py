"""The log lines of the functions, and waiting for a condition."""

import time
from collections.abc import Callable
from typing import Any

from scripts.local.deployed import DeployedStack
from tests.http.log_lines import parse_json_lines


def eventually(condition: Callable[[], Any], seconds: float = 90) -> Any:
    """Wait until a condition is true; returns its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.2)
    return value


def log_lines(stack: DeployedStack) -> list[dict[str, Any]]:
    return parse_json_lines(stack.gather_logs().read_text(encoding="utf-8"))
