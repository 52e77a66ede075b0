"""Structured log lines: one JSON object each, with CloudWatch metrics embedded.

A line contains nothing personal or secret: no token, address, password, key, signature or text of a transcript. So an
exception is logged by its type and its place in the code, because its text may quote data. redaction.py checks every
line all the same.
"""

import sys
import time
import traceback
from typing import Any, Literal

import msgspec

from ..dates import rfc3339
from ..settings import load
from .redaction import is_suspicious, redact_fields

NAMESPACE, SERVICE = "LiveTranscription", "live-transcription"
Unit = Literal["Milliseconds", "Count"]


def line(
    message: str, *, level: str = "INFO", metrics: dict[str, tuple[float, Unit]] | None = None, **fields: object
) -> None:
    """Write one line. `metrics`: name → value and unit, which CloudWatch reads from the log.

    Source: Amazon CloudWatch user guide, "Embedded metric format specification".
    """
    now = time.time()
    record: dict[str, Any] = {
        "level": level,
        "service": SERVICE,
        "message": message,
        "timestamp": rfc3339(int(now)),
        **fields,
    }
    if metrics:
        definitions = [{"Name": name, "Unit": unit} for name, (_, unit) in metrics.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["Stage"]], "Metrics": definitions}
        record |= {name: value for name, (value, _) in metrics.items()} | {"Stage": load.stage()}
        record["_aws"] = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}
    written = msgspec.json.encode(record).decode()
    if is_suspicious(written):  # Redacted field by field, so that the line stays JSON.
        written = msgspec.json.encode(redact_fields(msgspec.to_builtins(record))).decode()
    sys.stdout.write(written + "\n")


def failure(message: str, error: BaseException, **fields: Any) -> None:
    """Write a line for an unexpected exception; for a group, one line for each of its exceptions."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            failure(message, member, **fields)
        return
    frames = [f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)]
    line(message, level="ERROR", error_type=type(error).__name__, frames=frames, **fields)
